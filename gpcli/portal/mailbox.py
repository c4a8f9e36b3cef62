"""care.Mailbox over FHIR: threads of Communications."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from uuid import UUID

from gpcli.config.read_marks import ReadMarks
from gpcli.errors import BadResponse, Conflict, ConsentNeeded, NotFound, NotPermitted, Rejected
from gpcli.fhir.bundle import Bundle
from gpcli.fhir.communication import (
    THREAD_SYSTEM,
    Envelope,
    header_reference,
    write_header,
    write_message,
    write_received,
)
from gpcli.fhir.documents import DOCUMENT_REFERENCE, decode_base64, read_document
from gpcli.fhir.element import Element, Malformed, read_resource
from gpcli.http.client import HttpResponse
from gpcli.http.decode import UnusableBody, decode_json
from gpcli.model.receipt import WriteResult
from gpcli.model.service import Offer, Offers
from gpcli.model.thread import (
    Attachment,
    Conversation,
    Draft,
    Message,
    ReplyFacts,
    Thread,
    ThreadFacts,
    ThreadId,
    ThreadKind,
    same_words,
)
from gpcli.portal import queries
from gpcli.portal.dependencies import PortalDependencies
from gpcli.portal.error_mapping import error_from_response
from gpcli.portal.mapping import SearchResult, or_empty, require, unwrap
from gpcli.portal.search import FhirSearch
from gpcli.portal.threads import ThreadMapper
from gpcli.portal.write.outcome import NotChanged, WriteOutcome, used_otherwise, with_identifier
from gpcli.portal.write.requests import WritePart, build_entry_url
from gpcli.portal.write.transaction import create_in_turn, create_together

_FHIR = frozenset({"application/fhir+json", "application/json+fhir"})
_JSON = _FHIR | {"application/json"}
_PAGES = frozenset({"text/html", "application/xhtml+xml"})


def fetch_attachment_content(exchange: FhirSearch, attachment: Attachment) -> bytes:
    """The bytes; raises BadResponse, WrongHost for a link out of the portal, NotFound."""
    if attachment.content is not None:
        return attachment.content
    if attachment.source is None:
        raise BadResponse(f"The attachment {attachment.id} can't be read: it holds no bytes.")
    if attachment.source.startswith(f"{DOCUMENT_REFERENCE}/"):
        record, _ = exchange.fetch_resource(attachment.source)
        inside = require(lambda: read_document(record, attachment.id))
        return _fetched(exchange, inside) if inside.content is None else inside.content
    return _fetched(exchange, attachment)


def _fetched(exchange: FhirSearch, attachment: Attachment) -> bytes:
    if attachment.source is None:
        raise BadResponse(f"The attachment {attachment.id} can't be read: it holds no bytes.")
    answer = exchange.client.get_file(attachment.source)
    if not 200 <= answer.status < 300:
        raise error_from_response(answer)
    media_type = _media_type(answer)
    if media_type in _PAGES and attachment.content_type not in _PAGES:
        raise BadResponse("The portal sent a web page where an attachment was due.")
    return _unwrapped(answer, media_type) if media_type in _JSON else answer.body


def _unwrapped(answer: HttpResponse, media_type: str) -> bytes:
    """The bytes in a Binary (R4); a file that is JSON itself is no Binary."""
    try:
        there: object = decode_json(answer.body)
    except UnusableBody as refused:
        if media_type in _FHIR:
            raise BadResponse(f"An attachment can't be read: its answer {refused}.") from None
        return bytes(answer.body)
    wrapped = isinstance(there, dict) and "resourceType" in there
    if media_type in _FHIR or wrapped:
        return require(lambda: _in_binary(read_resource(there)))
    return bytes(answer.body)


def _in_binary(binary: Element) -> bytes:
    if binary.resource_type != "Binary":
        raise Malformed(f"the portal sent a {binary.resource_type} where a Binary was due")
    if binary.json.get("data") == "":
        return b""
    content = decode_base64(binary.require_string("data"))
    if content is None:
        raise binary.malformed("data")
    return content


def _media_type(answer: HttpResponse) -> str:
    return str(answer.headers.get("Content-Type", "")).partition(";")[0].strip().lower()


_AT_ONCE = 100
"""Ids in one question: servers cap the length of a URL."""

_E_CONSULTATION = f"{THREAD_SYSTEM}|{ThreadKind.E_CONSULTATION}"
_SEE_LIST = "gpcli messages list shows what is there."


class FhirMailbox:
    """One patient's. It remembers which threads it found half started."""

    def __init__(self, context: PortalDependencies, marks: ReadMarks) -> None:
        self._context = context
        self._marks = marks
        self._exchange = context.search
        self._patient = context.patient
        self._read = ThreadMapper(
            context.mapper, context.patient, context.portal_profile.zone, marks.__contains__
        )
        self._begun: set[UUID] = set()

    def fetch_threads(self) -> list[Thread]:
        """All threads, those with something unread first, then the newest."""
        patient = self._patient
        about = queries.patient_with_gps(patient), queries.communications(patient), queries.unread_messages(patient)
        gps, listed, unread = self._exchange.ask(*about)
        if isinstance(listed, Rejected):
            listed = self._exchange.fetch_all(queries.communications(patient, brief=False))
        bundle = or_empty(gps)  # comes first: some servers cut down what comes along with the rest
        bundle.merge(unwrap(listed))
        bundle.merge(or_empty(unread))
        if unclear := self._read.headers_to_fetch(bundle):
            fetched = self._fetched(unclear)
            fetched.merge(bundle)
            bundle = fetched
        return self._read.read_threads(bundle)

    def fetch_conversation(self, thread: str) -> Conversation:
        """One thread with its messages; also by the id of a message in it. Raises NotFound."""
        bundle = self._around(thread, self._exchange.ask(*_about(thread)))
        if missing := self._read.documents_to_fetch(bundle):
            bundle.merge(or_empty(self._exchange.ask(queries.documents_by_id(missing))[0]))
        conversation = self._conversation(bundle, thread)
        if conversation is None:
            raise NotFound(f"There is no thread '{thread}'.", hint=_SEE_LIST)
        return conversation

    def fetch_thread_facts(self, intent: UUID | None, kind: ThreadKind) -> ThreadFacts:
        """What to know before a thread is started, in one round trip unless it was before."""
        about_offers = self._context.offer_queries()
        parts = queries.thread_part_intents(intent) if intent else ()
        asked = [queries.by_identifier("Communication", each) for each in parts]
        besides = self._besides(intent) if kind is ThreadKind.E_CONSULTATION else []
        # What another run makes meanwhile is then known as ours, and not only under way.
        answers = self._exchange.ask(*about_offers, *besides, *asked)
        offers = self._context.fetch_offers(answers[: len(about_offers)])
        found = answers[len(about_offers) :]
        if any(isinstance(each, ConsentNeeded) for each in found):
            return ThreadFacts(offers, None)
        desk = self._desk(offers, found[: len(besides)], intent)
        if intent is None:
            return desk
        header, message = self._with_identifier(found[len(besides) :], parts)
        if not header.matches and not message.matches:
            return desk
        half = not message.matches
        self._begun |= {intent} if half else set()
        return replace(desk, earlier=self._earlier(header, message), half=half)

    def _besides(self, intent: UUID | None) -> list[queries.Query]:
        """What to ask besides, before an e-consultation: those under way, and by other ways."""
        same = [queries.by_identifier("Appointment", intent)] if intent else []
        return [queries.open_thread_headers(self._patient, _E_CONSULTATION), *same]

    def _desk(self, offers: Offers, besides: Sequence[SearchResult], intent: UUID | None) -> ThreadFacts:
        """The desk with the answers to `_besides`, if that was asked."""
        if not besides:
            return ThreadFacts(offers, None)
        begun = self._read.read_headers(or_empty(besides[0]))
        open_ones = (each for each in begun if each.kind == ThreadKind.E_CONSULTATION)
        same = (
            with_identifier(or_empty(besides[1]), "Appointment", intent).matches if intent else []
        )
        return ThreadFacts(
            offers,
            None,
            under_way=tuple(each for each in open_ones if not each.closed),
            appointment=require(lambda: same[0].require_string("id")) if same else None,
        )

    def fetch_reply_facts(self, thread: str, intent: UUID | None) -> ReplyFacts:
        """What to know before a reply, in one round trip."""
        about_offers = self._context.offer_queries()
        mine = [queries.by_identifier("Communication", intent)] if intent else []
        answers = self._exchange.ask(*about_offers, *_about(thread), *mine)
        offers = self._context.fetch_offers(answers[: len(about_offers)])
        answers = answers[len(about_offers) :]
        conversation = self._conversation(self._around(thread, answers[:2]), thread)
        earlier = self._sent(self._with_identifier(answers[2:], [intent])[0]) if intent else None
        return ReplyFacts(offers, conversation, earlier)

    def send_thread(
        self, kind: ThreadKind, offer: Offer, subject: str, draft: Draft, intent: UUID
    ) -> WriteResult[Conversation]:
        """Start a thread and read it back; completes one whose first message never arrived."""
        kernel = self._context.kernel
        letter = self._letter(kind, offer.surgery.id)
        of_header, of_message = queries.thread_part_intents(intent)
        header = WritePart(of_header, write_header(letter, subject, of_header))

        def message(reference: str) -> WritePart:
            return WritePart(of_message, write_message(letter, draft, reference, of_message))

        begun = intent in self._begun
        if kernel.search.fetch_capabilities().transaction and not begun:
            parts = header, message(build_entry_url(of_header))
            outcome = create_together(kernel, parts, intent)
        else:
            outcome = create_in_turn(kernel, header, message, intent, begun=begun)
        return WriteResult(self._started(outcome, subject, draft), outcome.changed)

    def send_reply(
        self, conversation: Conversation, draft: Draft, intent: UUID
    ) -> WriteResult[Message]:
        """Write in a thread; raises AlreadyAnswered when it is closed, OutcomeUnknown."""
        thread, latest = conversation.thread, conversation.latest_from_surgery
        letter = self._letter(thread.kind, thread.surgery_id)
        answers = latest.id if latest else None
        header = f"Communication/{thread.id}"
        body = write_message(letter, draft, header, intent, in_response_to=answers)
        outcome = self._context.kernel.create(WritePart(intent, body))
        sent, changed = self._sent(outcome.along), outcome.changed
        return WriteResult(_as_meant(sent, thread.id, draft, changed=changed), changed=changed)

    def send_read_mark(self, message: Message, intent: UUID) -> WriteResult[Message]:
        """Have the portal know that it is read, or where it lets nobody, this machine."""
        read = replace(message, unread=False)
        try:
            outcome = self._context.kernel.update(
                f"Communication/{message.id}",
                lambda there: write_received(there, self._context.now()),
                _is_received,
                intent,
            )
        except (NotPermitted, Rejected, NotChanged):
            new = str(message.id) not in self._marks
            self._marks.add(str(message.id))
            return WriteResult(read, new, here_only=True)
        return WriteResult(read, outcome.changed)

    def fetch_content(self, attachment: Attachment) -> bytes:
        """The bytes of an attachment; raises NotFound, BadResponse, WrongHost."""
        return fetch_attachment_content(self._exchange, attachment)

    def _fetched(self, ids: Sequence[str]) -> Bundle:
        chunks = [ids[start : start + _AT_ONCE] for start in range(0, len(ids), _AT_ONCE)]
        bundle = Bundle()
        for answer in self._exchange.ask(*map(queries.communications_by_id, chunks)):
            bundle.merge(unwrap(answer))
        return bundle

    def _around(self, thread: str, answers: Sequence[SearchResult]) -> Bundle:
        """A thread with its messages; where `thread` is one of them, all around it."""
        header, messages = map(unwrap, answers)
        header.merge(messages)
        one = header.get(f"Communication/{thread}")
        parent = require(partial(header_reference, one)) if one else None
        if parent:
            for each in self._exchange.ask(*_about(parent.partition("/")[2])):
                header.merge(unwrap(each))
        return header

    def _conversation(self, bundle: Bundle, identity: str) -> Conversation | None:
        one = bundle.get(f"Communication/{identity}")
        parent = require(partial(header_reference, one)) if one else None
        thread = parent.partition("/")[2] if parent else identity
        return self._read.read_conversation(bundle, thread)

    def _with_identifier(self, found: Sequence[SearchResult], intents: Sequence[UUID]) -> list[Bundle]:
        pairs = zip(found, intents, strict=True)
        return [with_identifier(unwrap(each), "Communication", intent) for each, intent in pairs]

    def _earlier(self, header: Bundle, message: Bundle) -> Conversation:
        """The thread whose header, or first message, was found; raises Conflict for another's.

        The message alone was found when both came to be between the two questions.
        """
        try:
            for one in (*header.matches, *message.matches):
                return self.fetch_conversation(one.require_string("id"))
        except NotFound:
            pass
        raise used_otherwise()

    def _sent(self, found: Bundle) -> Message | None:
        """The message that was found; raises Conflict for somebody else's."""
        if not found.matches:
            return None
        message = self._read.read_message(found.matches[0], found)
        if message is None:
            raise used_otherwise()
        return message

    def _letter(self, kind: str | None, surgery: str | None) -> Envelope:
        addresses = self._context.mapper.addresses
        recipient = addresses.get(surgery, f"PractitionerRole/{surgery}") if surgery else None
        now = self._context.now()
        return Envelope(kind, self._patient, self._context.author, recipient, now)

    def _started(self, outcome: WriteOutcome, subject: str, draft: Draft) -> Conversation:
        header, message = outcome.records
        conversation = self._read.read_conversation(outcome.along, header.require_string("id"))
        if conversation is None:
            raise Conflict("What the portal made of the request is not yours.", hint=_SEE_LIST)
        thread = conversation.thread
        first = [each for each in conversation.messages if each.id == message.require_string("id")]
        _as_meant(first[0] if first else None, thread.id, draft, changed=outcome.changed)
        if not outcome.changed and not same_words(thread.subject, subject):
            raise used_otherwise()
        return conversation


def _about(thread: str) -> tuple[queries.Query, queries.Query]:
    return queries.communications_by_id([thread]), queries.thread_messages(thread)


def _as_meant(
    message: Message | None, thread: ThreadId | None, draft: Draft, *, changed: bool
) -> Message:
    """What the portal shows; raises Conflict when that is something else than what was sent.

    The words are compared only with those of a message that was there before: a portal may tidy
    up what it takes.
    """
    hint = f"gpcli messages show {thread} shows what is there."
    if message is None or message.thread_id != thread or not message.mine:
        raise Conflict("What the portal made of the request is not your message.", hint=_SEE_LIST)
    if not changed and not same_words(message.text, draft.text):
        raise used_otherwise()
    if len(message.attachments) != len(draft.attachments):
        raise Conflict("The portal took the message, but not what is attached.", hint=hint)
    return message


def _is_received(record: Element) -> bool:
    return record.string("received") is not None
