"""Bundles of Communications to threads: grouped by header or by what they answer, and in order."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

from gpcli.fhir.bundle import Bundle
from gpcli.fhir.communication import (
    Reader,
    answered_reference,
    has_content,
    header_reference,
    is_thread_header,
    read_about,
    read_message,
    read_notes,
    read_thread,
)
from gpcli.fhir.documents import document_references
from gpcli.fhir.element import Element
from gpcli.model.thread import WITHDRAWN, Conversation, Message, Thread
from gpcli.portal.mapping import RecordMapper, require


@dataclass(frozen=True)
class LinkedMessage:
    """A Communication, with the references to its header and to the message that it answers."""

    record: Element
    header: str | None
    answered: str | None

    @property
    def reference(self) -> str:
        """Its own reference, `Communication/id`."""
        return self.record.relative_reference


@dataclass(frozen=True)
class GroupedMessages:
    """The patient's Communications of a bundle.

    `headers` are by their own reference (`Communication/id`), `messages` by that of their header,
    `roots` has the latter for each. A header that has content of its own is also a message of its
    thread. The threads in `chained` have a message that does not name its header, but what it
    answers.
    """

    headers: Mapping[str, Element]
    messages: Mapping[str, list[Element]]
    roots: Mapping[str, str]
    chained: Collection[str]


class ThreadMapper:
    """Reads the threads of one patient.

    `author` is the reference of who is signed in; `zone` is the time zone of the surgery, as an
    IANA name. `is_read` tells by the id of a message whether this computer has it marked as read.
    """

    def __init__(
        self, mapper: RecordMapper, author: str, zone: str, is_read: Callable[[str], bool]
    ) -> None:
        self._mapper = mapper
        self._zone = zone
        self._reader = Reader(author, mapper.find_party, is_read)

    def group_messages(self, bundle: Bundle, *, is_whole: bool = True) -> GroupedMessages:
        """Group Communications, without other patients'.

        Where the bundle `is_whole`, messages whose header it lacks are a thread of their own, whose
        first message stands in for the header. Otherwise the header has yet to be fetched.
        """
        records = list(bundle.of_type("Communication"))
        linked = self._mapper.read_each((each, partial(self._link, each)) for each in records)
        by_reference = {each.reference: each for each in linked}
        if is_whole:
            by_reference = _replace_missing_headers(by_reference)
        parents = {each.header for each in by_reference.values()}
        roots = {
            reference: _find_root(reference, by_reference, parents) for reference in by_reference
        }
        messages: dict[str, list[Element]] = {}
        for reference, each in by_reference.items():
            group = messages.setdefault(roots[reference], [])
            if roots[reference] != reference:
                group.append(each.record)
        for reference, group in messages.items():
            own = by_reference.get(reference)
            if own and roots[reference] == reference and _is_message(own.record, group):
                group.append(own.record)
        return GroupedMessages(
            headers={
                reference: each.record
                for reference, each in by_reference.items()
                if roots[reference] == reference
            },
            messages=messages,
            roots=roots,
            chained={
                roots[reference]
                for reference, each in by_reference.items()
                if roots[reference] not in {reference, each.header}
            },
        )

    def read_conversations(self, bundle: Bundle) -> list[Conversation]:
        """Return all threads with their messages, which have the texts that the bundle has.

        Those with unread messages come first, then they are in order of their newest message.
        """
        self._report_orphans(bundle)
        groups = self.group_messages(bundle)
        conversations = self._mapper.read_each(
            (header, partial(self._read_whole_conversation, header, groups, bundle))
            for header in groups.headers.values()
        )
        return sorted(conversations, key=lambda each: _unread_then_newest(each.thread))

    def read_headers(self, bundle: Bundle) -> list[Thread]:
        """Return the threads of a bundle as their headers describe them, without messages."""
        headers = self.group_messages(bundle, is_whole=False).headers.values()
        return self._mapper.read_each(
            (header, partial(read_thread, header, [], bundle, self._zone)) for header in headers
        )

    def read_conversation(self, bundle: Bundle, communication: str) -> Conversation | None:
        """Return one thread with its messages; `None` if the bundle lacks it or it is another's.

        `communication` is the id of its header, or of a message in it.

        Raises:
            BadResponse: what has this id can't be read, or does not tell whose it is. A message
                that can't be is left out as a flaw.
        """
        reference = f"Communication/{communication}"
        record = bundle.get(reference)
        if record is not None and not require(lambda: self._mapper.is_own(record)):
            return None
        groups = self.group_messages(bundle)
        root = groups.roots.get(reference) or _find_orphaned(reference, groups, bundle)
        header = bundle.get(root)
        if header is None:
            return None
        if record is None or header_reference(header):
            self._report_orphans(bundle)
        messages = self._read_messages(header, groups, bundle)
        return require(lambda: self._build_conversation(header, messages, bundle))

    def read_message(self, record: Element, bundle: Bundle) -> Message | None:
        """Return one message; `None` for another patient's. Raises BadResponse."""
        if not require(lambda: self._mapper.is_own(record)):
            return None
        return require(lambda: self._read_lone_message(record, bundle))

    def headers_to_fetch(self, bundle: Bundle) -> list[str]:
        """Return the ids of headers that the bundle lacks, or that may have content of their own.

        The search for the list leaves the content out. A header that some message is part of has
        none as a rule.
        """
        groups = self.group_messages(bundle, is_whole=False)
        return sorted(
            _id(header)
            for header, messages in groups.messages.items()
            if bundle.get(header) is None or not messages or header in groups.chained
        )

    def find_message_ids(self, bundle: Bundle, communication: str) -> list[str]:
        """Return the ids of the header and all messages of a thread, by the id of one of them."""
        groups = self.group_messages(bundle)
        root = groups.roots.get(f"Communication/{communication}")
        return [_id(reference) for reference, each in groups.roots.items() if root and each == root]

    def documents_to_fetch(self, bundle: Bundle) -> list[str]:
        """Return the ids of DocumentReferences that messages refer to and the bundle lacks."""
        references = self._mapper.read_each(
            (message, partial(_read_document_references, message))
            for message in bundle.of_type("Communication")
        )
        documents = dict.fromkeys(each for group in references for each in group)
        return [_id(document) for document in documents if bundle.get(document) is None]

    def _report_orphans(self, bundle: Bundle) -> None:
        """Add a flaw for each reference in `partOf` whose header is missing or itself a message."""
        groups = self.group_messages(bundle, is_whole=False)
        for reference in sorted(groups.messages.keys() - groups.headers.keys()):
            if bundle.get(reference) is None:
                self._mapper.add_flaw(reference, "the header of a thread did not come along")
            elif reference in groups.roots:
                self._mapper.add_flaw(reference, "what is part of a message belongs to no thread")

    def _link(self, record: Element) -> LinkedMessage | None:
        """Return a record with what it refers to; `None` for another patient's."""
        if not self._mapper.is_own(record):
            return None
        return LinkedMessage(record, header_reference(record), answered_reference(record))

    def _read_whole_conversation(
        self, header: Element, groups: GroupedMessages, bundle: Bundle
    ) -> Conversation:
        messages = self._read_messages(header, groups, bundle)
        return Conversation(read_thread(header, messages, bundle, self._zone), tuple(messages))

    def _build_conversation(
        self, header: Element, messages: Sequence[Message], bundle: Bundle
    ) -> Conversation:
        thread = read_thread(header, messages, bundle, self._zone)
        if thread.is_message:  # what is said of it stands at the message
            return Conversation(thread, tuple(messages))
        return Conversation(
            thread,
            tuple(messages),
            notes=read_notes(header, bundle),
            reasons=header.concept_labels("reasonCode"),
            about=read_about(header, bundle),
        )

    def _read_messages(
        self, header: Element, groups: GroupedMessages, bundle: Bundle
    ) -> list[Message]:
        """Return the messages of a thread in order; in one that was withdrawn none is unread."""
        thread = header.require_string("id")
        messages = self._mapper.read_each(
            (record, partial(read_message, record, bundle, self._reader, thread))
            for record in groups.messages.get(header.relative_reference, [])
        )
        if header.string("status") == WITHDRAWN:
            messages = [replace(message, unread=False) for message in messages]
        return _sort_messages(messages)

    def _read_lone_message(self, record: Element, bundle: Bundle) -> Message:
        thread = header_reference(record) or record.relative_reference
        return read_message(record, bundle, self._reader, _id(thread))


def _is_message(header: Element, others: Sequence[Element]) -> bool:
    """Return whether a header is a message as well.

    It is one where it says something, or where nothing shows that it is more than a message.
    """
    return has_content(header) or not (others or is_thread_header(header))


def _find_root(
    reference: str, linked: Mapping[str, LinkedMessage], parents: Collection[str | None]
) -> str:
    """Return the reference of the header of the thread that a message belongs to.

    It is what the message is part of. Where it is part of nothing, it belongs to the thread of what
    it answers; where that is not there, it is a thread of its own. `parents` are what messages are
    part of.
    """
    path: list[str] = []
    while reference not in path:
        path.append(reference)
        each = linked.get(reference)
        if each is None:
            return reference
        if each.header:
            return each.header
        if reference in parents or each.answered is None or each.answered not in linked:
            return reference
        reference = each.answered
    return min(path[path.index(reference) :])


def _replace_missing_headers(linked: Mapping[str, LinkedMessage]) -> dict[str, LinkedMessage]:
    """Return the messages, with the first of each thread as its header where that is missing."""
    orphans: dict[str, list[LinkedMessage]] = {}
    for each in linked.values():
        if each.header and each.header not in linked:
            orphans.setdefault(each.header, []).append(each)
    first = {
        header: min(messages, key=_by_written_time).reference
        for header, messages in orphans.items()
    }
    return {
        reference: replace(each, header=_other_than(first.get(each.header or ""), reference))
        if each.header in first
        else each
        for reference, each in linked.items()
    }


def _other_than(reference: str | None, own: str) -> str | None:
    return None if reference == own else reference


def _by_written_time(message: LinkedMessage) -> tuple[str, str]:
    return str(message.record.json.get("sent") or ""), message.reference


def _find_orphaned(header: str, groups: GroupedMessages, bundle: Bundle) -> str | None:
    """Return the root of the messages that are part of a header which did not come along."""
    for reference, root in groups.roots.items():
        record = bundle.get(reference)
        if record and header_reference(record) == header:
            return root
    return None


def _read_document_references(message: Element) -> list[str]:
    return list(document_references(message))


def _sort_messages(messages: Iterable[Message]) -> list[Message]:
    """Sort by time, then id, but with each answer after the message that it answers."""
    by_id = {str(message.id): message for message in sorted(messages, key=_by_time)}
    ordered: dict[str, Message] = {}
    for message_id in by_id:
        chain: dict[str, Message] = {}
        current: str | None = message_id
        while current in by_id and current not in ordered and current not in chain:
            chain[current] = by_id[current]
            current = by_id[current].in_response_to
        ordered |= dict(reversed(chain.items()))
    return list(ordered.values())


def _by_time(message: Message) -> tuple[float, str]:
    since = message.known_since
    return since.timestamp() if since else 0.0, str(message.id)


def _unread_then_newest(thread: Thread) -> tuple[bool, float, str]:
    last = thread.last or thread.known_since
    return not thread.unread_count, -(last.timestamp() if last else 0.0), str(thread.id)


def _id(reference: str) -> str:
    return reference.rpartition("/")[2]
