"""care.Mailbox over FHIR: threads of Communications, and the contents of attachments."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from uuid import UUID

from gpcli.config.read_marks import ReadMarks
from gpcli.errors import (
    BadResponse,
    Conflict,
    ConsentNeeded,
    NotFound,
    NotPermitted,
    Rejected,
    request_id_conflict,
)
from gpcli.fhir.bundle import Bundle
from gpcli.fhir.communication import (
    THREAD_SYSTEM,
    Envelope,
    has_content,
    header_reference,
    is_received,
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
    is_same_text,
)
from gpcli.portal import queries
from gpcli.portal.dependencies import PortalDependencies
from gpcli.portal.error_mapping import error_from_response
from gpcli.portal.mapping import SearchResult, or_empty, require, unwrap
from gpcli.portal.search import FhirSearch
from gpcli.portal.threads import ThreadMapper
from gpcli.portal.write.outcome import NotChanged, WriteOutcome, with_identifier
from gpcli.portal.write.requests import WritePart, build_entry_url, thread_part_intents
from gpcli.portal.write.transaction import create_in_transaction, create_in_turn

_FHIR_TYPES = frozenset({"application/fhir+json", "application/json+fhir"})
_JSON_TYPES = _FHIR_TYPES | {"application/json"}
_WEB_PAGE_TYPES = frozenset({"text/html", "application/xhtml+xml"})


def fetch_attachment_content(search: FhirSearch, attachment: Attachment) -> bytes:
    """Fetch the bytes of an attachment, unless it holds them already.

    Raises:
        BadResponse: there are no bytes, or they can't be read.
        WrongHost: its link leads out of the portal.
        NotFound: the portal has no such file.
    """
    if attachment.content is not None:
        return attachment.content
    if attachment.source is None:
        raise _no_bytes(attachment)
    if attachment.source.startswith(f"{DOCUMENT_REFERENCE}/"):
        record, _ = search.fetch_resource(attachment.source)
        document = require(lambda: read_document(record, attachment.id))
        if document.is_withdrawn:
            raise NotFound(f"{attachment.id} was withdrawn: whoever made it says that it is wrong.")
        return _fetch_file(search, document) if document.content is None else document.content
    return _fetch_file(search, attachment)


def _fetch_file(search: FhirSearch, attachment: Attachment) -> bytes:
    if attachment.source is None:
        raise _no_bytes(attachment)
    response = search.client.get_file(attachment.source)
    if not response.is_success:
        raise error_from_response(response)
    media_type = _media_type(response)
    if media_type in _WEB_PAGE_TYPES and attachment.content_type not in _WEB_PAGE_TYPES:
        raise BadResponse("The portal sent a web page where an attachment was due.")
    return _read_file(response, media_type) if media_type in _JSON_TYPES else response.body


def _no_bytes(attachment: Attachment) -> BadResponse:
    return BadResponse(f"{attachment.id} can't be read: it has no content that gpcli can fetch.")


def _read_file(response: HttpResponse, media_type: str) -> bytes:
    """Return the bytes in a Binary (R4), or the body of a file that is itself JSON."""
    try:
        body: object = decode_json(response.body)
    except UnusableBody as error:
        if media_type in _FHIR_TYPES:
            raise BadResponse(f"An attachment can't be read: its answer {error}.") from None
        return bytes(response.body)
    is_resource = isinstance(body, dict) and "resourceType" in body
    if media_type in _FHIR_TYPES or is_resource:
        return require(lambda: _read_binary(read_resource(body)))
    return bytes(response.body)


def _read_binary(binary: Element) -> bytes:
    if binary.resource_type != "Binary":
        raise Malformed(f"the portal sent a {binary.resource_type} where a Binary was due")
    if binary.json.get("data") == "":
        return b""
    content = decode_base64(binary.require_string("data"))
    if content is None:
        raise binary.malformed("data")
    return content


def _media_type(response: HttpResponse) -> str:
    return str(response.headers.get("Content-Type", "")).partition(";")[0].strip().lower()


_E_CONSULTATIONS = f"{THREAD_SYSTEM}|{ThreadKind.E_CONSULTATION}"
_SEE_LIST = "gpcli messages list shows what is there."


class FhirMailbox:
    """The mailbox of one patient; implements care.Mailbox.

    Between the facts and the sending it remembers, by intent, the threads whose header an earlier
    run has created without their first message.
    """

    def __init__(self, dependencies: PortalDependencies, read_marks: ReadMarks) -> None:
        self._dependencies = dependencies
        self._read_marks = read_marks
        self._search = dependencies.search
        self._patient = dependencies.patient
        self._thread_mapper = ThreadMapper(
            dependencies.mapper,
            dependencies.author,
            dependencies.portal_profile.zone,
            read_marks.__contains__,
        )
        self._half_started: set[UUID] = set()

    def fetch_threads(self) -> list[Thread]:
        """Fetch all threads: those with unread messages first, then by their newest message."""
        return [each.thread for each in self.fetch_conversations()]

    def fetch_conversations(self) -> list[Conversation]:
        """Fetch all threads with their messages as the list shows them, in its order.

        A message is without its text and files, unless it may be a thread of its own.
        """
        patient = self._patient
        results = self._search.fetch_named(
            {
                "gps": queries.patient_with_gps(patient),
                "communications": queries.communications(patient),
                "unread": queries.unread_messages(patient),
            }
        )
        bundle = or_empty(results["gps"])  # first: some servers cut down resources included later
        bundle.merge(unwrap(results["communications"]))
        bundle.merge(or_empty(results["unread"]))
        if ids := self._thread_mapper.headers_to_fetch(bundle):
            headers = self._fetch_communications(ids)
            headers.merge(bundle)
            bundle = headers
        return self._thread_mapper.read_conversations(bundle)

    def fetch_conversation(self, thread: str) -> Conversation:
        """Fetch a thread with its messages, by its id or by that of a message in it.

        Raises:
            NotFound: the patient has no such thread.
        """
        bundle = self._fetch_rest_of_thread(
            thread, self._search.fetch_named(_thread_queries(thread))
        )
        parts = queries.split_ids(self._thread_mapper.documents_to_fetch(bundle))
        for result in self._search.fetch_many(*map(queries.documents_by_id, parts)):
            bundle.merge(or_empty(result))
        conversation = self._find_conversation(bundle, thread)
        if conversation is None:
            raise NotFound(f"There is no thread '{thread}'.", hint=_SEE_LIST)
        return conversation

    def _find_conversation(self, bundle: Bundle, thread: str) -> Conversation | None:
        """Return a thread of a bundle, `None` = there is none; BadResponse where that's unsure."""
        conversation = self._thread_mapper.read_conversation(bundle, thread)
        if conversation is None:
            self._dependencies.mapper.require_absent(f"Communication/{thread}")
        return conversation

    def fetch_thread_facts(self, intent: UUID | None, kind: ThreadKind) -> ThreadFacts:
        """Fetch the facts on which a new thread is decided.

        It takes one round trip, unless an earlier run with this intent has started the thread.
        `intent` `None` means that there can't have been one.
        """
        named = {}
        if kind is ThreadKind.E_CONSULTATION:
            named["open"] = queries.open_thread_headers(self._patient, _E_CONSULTATIONS)
            if intent:
                named["appointment"] = queries.by_identifier("Appointment", intent)
        # After `open`: what another run creates in between is then recognised by its identifier.
        if intent:
            header, message = thread_part_intents(intent)
            named["header"] = queries.by_identifier("Communication", header)
            named["message"] = queries.by_identifier("Communication", message)
        results = self._search.fetch_named(self._dependencies.offer_queries() | named)
        offers = self._dependencies.fetch_offers(results)
        facts = ThreadFacts(offers, None)
        if any(isinstance(results[name], ConsentNeeded) for name in named):
            return facts
        if kind is ThreadKind.E_CONSULTATION:
            facts = self._read_e_consultation_facts(offers, results, intent)
        return self._add_earlier(facts, results, intent) if intent else facts

    def _read_e_consultation_facts(
        self, offers: Offers, results: Mapping[str, SearchResult], intent: UUID | None
    ) -> ThreadFacts:
        """Return the open e-consultations, and the appointment requested with this intent."""
        threads = self._thread_mapper.read_headers(or_empty(results["open"]))
        e_consultations = (each for each in threads if each.kind == ThreadKind.E_CONSULTATION)
        appointment_id = None
        if intent:
            bundle = with_identifier(or_empty(results["appointment"]), "Appointment", intent)
            matches = bundle.matches
            appointment_id = require(lambda: matches[0].require_string("id")) if matches else None
        return ThreadFacts(
            offers,
            None,
            under_way=tuple(each for each in e_consultations if not each.is_closed),
            appointment=appointment_id,
        )

    def _add_earlier(
        self, facts: ThreadFacts, results: Mapping[str, SearchResult], intent: UUID
    ) -> ThreadFacts:
        """Add the thread that an earlier run with this intent has started, if any."""
        header_intent, message_intent = thread_part_intents(intent)
        header = with_identifier(unwrap(results["header"]), "Communication", header_intent)
        message = with_identifier(unwrap(results["message"]), "Communication", message_intent)
        if not header.matches and not message.matches:
            return facts
        is_half = not message.matches
        if is_half:
            self._half_started.add(intent)
        return replace(facts, earlier=self._fetch_earlier(header, message), half=is_half)

    def fetch_reply_facts(self, thread: str, intent: UUID | None) -> ReplyFacts:
        """Fetch the facts on which a reply is decided, in one round trip.

        `thread` may also be the id of a message in it, which takes another round trip.
        """
        named = self._dependencies.offer_queries() | _thread_queries(thread)
        if intent:
            named["reply"] = queries.by_identifier("Communication", intent)
        results = self._search.fetch_named(named)
        offers = self._dependencies.fetch_offers(results)
        bundle = self._fetch_rest_of_thread(thread, results)
        conversation = self._find_conversation(bundle, thread)
        earlier = None
        if intent:
            reply = with_identifier(unwrap(results["reply"]), "Communication", intent)
            earlier = self._read_own_message(reply)
        return ReplyFacts(offers, conversation, earlier)

    def send_thread(
        self, kind: ThreadKind, offer: Offer, subject: str, draft: Draft, intent: UUID
    ) -> WriteResult[Conversation]:
        """Start a thread and read it back, or complete one that lacks its first message.

        Raises: Conflict, OutcomeUnknown, or the portal's refusal.
        """
        kernel = self._dependencies.kernel
        recipient = self._dependencies.mapper.addresses.get(offer.surgery.id)
        envelope = self._build_envelope(kind, recipient)
        header_intent, message_intent = thread_part_intents(intent)
        whole = (header_intent, message_intent)
        body = write_header(envelope, subject, header_intent)
        header = WritePart(header_intent, body, whole=whole)

        def build_message(reference: str) -> WritePart:
            body = write_message(envelope, draft, reference, message_intent)
            return WritePart(message_intent, body, whole=whole)

        is_begun = intent in self._half_started
        if kernel.search.fetch_capabilities().transaction and not is_begun:
            parts = header, build_message(build_entry_url(header_intent))
            outcome = create_in_transaction(kernel, parts, intent)
        else:
            outcome = create_in_turn(kernel, header, build_message, intent, begun=is_begun)
        return WriteResult(self._require_started(outcome, subject, draft), outcome.changed)

    def send_reply(
        self, conversation: Conversation, draft: Draft, intent: UUID
    ) -> WriteResult[Message]:
        """Send a reply in a thread; raise AlreadyAnswered when it is closed, OutcomeUnknown."""
        thread, latest = conversation.thread, conversation.latest_from_surgery
        envelope = self._build_envelope(thread.kind, thread.surgery_reference)
        header = f"Communication/{thread.id}"
        latest_id = latest.id if latest else None
        body = write_message(envelope, draft, header, intent, in_response_to=latest_id)
        outcome = self._dependencies.kernel.create(WritePart(intent, body))
        message, changed = self._read_own_message(outcome.along), outcome.changed
        return WriteResult(
            _require_as_sent(message, thread.id, draft, changed=changed), changed=changed
        )

    def send_read_mark(self, message: Message, intent: UUID) -> WriteResult[Message]:
        """Mark a message as read at the portal, or on this computer where the portal refuses it."""
        read = replace(message, unread=False)
        try:
            outcome = self._dependencies.kernel.update(
                f"Communication/{message.id}",
                lambda record: write_received(record, self._dependencies.now()),
                is_received,
                intent,
            )
        except (NotPermitted, Rejected, NotChanged):
            new = str(message.id) not in self._read_marks
            self._read_marks.add(str(message.id))
            return WriteResult(read, new, here_only=True)
        return WriteResult(read, outcome.changed)

    def fetch_content(self, attachment: Attachment) -> bytes:
        """Fetch the bytes of an attachment; raise as `fetch_attachment_content` does."""
        return fetch_attachment_content(self._search, attachment)

    def _fetch_communications(self, ids: Sequence[str]) -> Bundle:
        bundle = Bundle()
        parts = queries.split_ids(ids)
        for result in self._search.fetch_many(*map(queries.communications_by_id, parts)):
            bundle.merge(unwrap(result))
        return bundle

    def _fetch_rest_of_thread(self, thread: str, results: Mapping[str, SearchResult]) -> Bundle:
        """Return the results of `_thread_queries`, merged.

        Where `thread` is the id of a message, fetch the thread that it is part of as well. Where
        nothing says what it is part of, fetch what it answers, and the answers to it.
        """
        bundle, messages = unwrap(results["header"]), unwrap(results["messages"])
        bundle.merge(messages)
        parent = _find_parent(bundle, thread)
        if parent:
            more = self._search.fetch_named(_thread_queries(parent.partition("/")[2]))
            for result in more.values():
                bundle.merge(unwrap(result))
        header = bundle.get(parent or f"Communication/{thread}")
        if header and has_content(header) and not header_reference(header):
            bundle.merge(self._fetch_answers(bundle, header))
        return bundle

    def _fetch_answers(self, bundle: Bundle, header: Element) -> Bundle:
        """Fetch the messages of a thread that only say what they answer; R4 has no search for it.

        The bundle is empty where the portal shows no list.
        """
        (result,) = self._search.fetch_many(queries.communications(self._patient))
        listed = Bundle()
        listed.merge(bundle)
        listed.merge(or_empty(result))
        ids = self._thread_mapper.find_message_ids(listed, header.require_string("id"))
        return self._fetch_communications(
            [each for each in ids if bundle.get(f"Communication/{each}") is None]
        )

    def _fetch_earlier(self, header: Bundle, message: Bundle) -> Conversation:
        """Fetch the thread whose header or first message was found, at least one of them.

        Only the message is found when both were created between the two searches.
        Raises: Conflict where it is another patient's.
        """
        record = (*header.matches, *message.matches)[0]
        try:
            found = self.fetch_conversation(record.require_string("id"))
        except NotFound:
            raise request_id_conflict() from None
        if header_reference(record) not in {None, f"Communication/{found.thread.id}"}:
            raise request_id_conflict()  # what it is part of is not there
        return found

    def _read_own_message(self, bundle: Bundle) -> Message | None:
        """Return the first match as a message, `None` without any; raise Conflict for another's."""
        if not bundle.matches:
            return None
        message = self._thread_mapper.read_message(bundle.matches[0], bundle)
        if message is None:
            raise request_id_conflict()
        return message

    def _build_envelope(self, kind: str | None, recipient: str | None) -> Envelope:
        """Return the envelope; `recipient` is a reference, `None` where the portal gives none."""
        now = self._dependencies.now()
        return Envelope(kind, self._patient, self._dependencies.author, recipient, now)

    def _require_started(self, outcome: WriteOutcome, subject: str, draft: Draft) -> Conversation:
        """Return the thread that was started; raise Conflict where it is not the one sent."""
        header, message = outcome.records
        thread_id = header.require_string("id")
        conversation = self._thread_mapper.read_conversation(outcome.along, thread_id)
        if conversation is None:
            raise Conflict("What the portal made of the request is not yours.", hint=_SEE_LIST)
        thread = conversation.thread
        first = [each for each in conversation.messages if each.id == message.require_string("id")]
        _require_as_sent(first[0] if first else None, thread.id, draft, changed=outcome.changed)
        if not outcome.changed and not is_same_text(thread.subject, subject):
            raise request_id_conflict()
        return conversation


def _thread_queries(thread: str) -> dict[str, queries.Query]:
    """Return the queries for a thread and its messages, by name."""
    return {
        "header": queries.communications_by_id([thread]),
        "messages": queries.thread_messages(thread),
    }


def _find_parent(bundle: Bundle, communication_id: str) -> str | None:
    """Return the header that a Communication of the bundle is part of, as `Communication/id`."""
    record = bundle.get(f"Communication/{communication_id}")
    return require(partial(header_reference, record)) if record else None


def _require_as_sent(
    message: Message | None, thread: ThreadId | None, draft: Draft, *, changed: bool
) -> Message:
    """Return the message that the portal shows; raise Conflict where it is not the one sent.

    Texts are compared only when the message was there before (`changed` is False), since a portal
    may normalise the text that it stores.
    """
    hint = f"gpcli messages show {thread} shows what is there."
    if message is None or message.thread_id != thread or message.mine is False:
        raise Conflict("What the portal made of the request is not your message.", hint=_SEE_LIST)
    if not changed and not is_same_text(message.own_text, draft.text):
        raise request_id_conflict()
    if len(message.attachments) != len(draft.attachments):
        raise Conflict("The portal took the message, but not what is attached.", hint=hint)
    return message
