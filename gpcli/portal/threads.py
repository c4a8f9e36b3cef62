"""From bundles to threads: which message belongs where, what is missing, what comes first."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial

from gpcli.fhir.bundle import Bundle
from gpcli.fhir.communication import (
    ENTERED_IN_ERROR,
    header_reference,
    read_message,
    read_thread,
    surgery_reference,
)
from gpcli.fhir.compartment import is_about_patient
from gpcli.fhir.documents import document_references
from gpcli.fhir.element import Element
from gpcli.model.thread import Conversation, Message, Thread
from gpcli.portal.mapping import RecordMapper, require


@dataclass(frozen=True)
class GroupedMessages:
    """The patient's Communications of a bundle: headers by reference, messages by their header's.

    A header that says something itself is a message of its thread, too.
    """

    headers: Mapping[str, Element]
    messages: Mapping[str, list[Element]]


class ThreadMapper:
    """Reads the threads of one patient; `is_read` tells which messages are known as read here."""

    def __init__(
        self, mapper: RecordMapper, patient: str, zone: str, is_read: Callable[[str], bool]
    ) -> None:
        self._mapper = mapper
        self._patient = patient
        self._zone = zone
        self._is_read = is_read

    def group_messages(self, bundle: Bundle) -> GroupedMessages:
        """What belongs together; what is somebody else's, or was withdrawn as wrong, is dropped."""
        found = list(bundle.of_type("Communication"))
        placed = self._mapper.read_each((one, partial(self._place, one)) for one in found)
        headers = {one.relative_reference: one for header, one in placed if header is None}
        messages: dict[str, list[Element]] = {each: [] for each in headers}
        for header, one in placed:
            if header or one.json.get("payload"):
                messages.setdefault(header or one.relative_reference, []).append(one)
        return GroupedMessages(headers, messages)

    def read_threads(self, bundle: Bundle) -> list[Thread]:
        """All threads, those with something unread first, then by their newest message."""
        found = self.group_messages(bundle)
        self._report_orphans(found, bundle)
        threads = self._mapper.read_each(
            (header, partial(self._read_thread, header, found, bundle))
            for header in found.headers.values()
        )
        return sorted(threads, key=_unread_then_newest)

    def read_headers(self, bundle: Bundle) -> list[Thread]:
        """The threads whose headers are in a bundle, as far as these tell of them."""
        headers = self.group_messages(bundle).headers.values()
        return self._mapper.read_each(
            (header, partial(self._read_header_with, header, [], bundle)) for header in headers
        )

    def read_conversation(self, bundle: Bundle, thread: str) -> Conversation | None:
        """One thread of a bundle; `None` if it is not there. Raises BadResponse."""
        reference = f"Communication/{thread}"
        one = bundle.get(reference)
        if one is None or not require(lambda: is_about_patient(one, self._patient)):
            return None
        found = self.group_messages(bundle)
        messages = self._read_messages(found.messages.get(reference, []), bundle)
        return Conversation(require(lambda: self._read_header_with(one, messages, bundle)), tuple(messages))

    def read_message(self, record: Element, bundle: Bundle) -> Message | None:
        """One message; `None` for what is somebody else's. Raises BadResponse."""
        if not require(lambda: is_about_patient(record, self._patient)):
            return None
        return require(lambda: self._read_message(record, bundle))

    def headers_to_fetch(self, bundle: Bundle) -> list[str]:
        """Ids of the headers that did not come along, or came alone and may hold words."""
        found = self.group_messages(bundle).messages
        return sorted(_id(each) for each in found if bundle.get(each) is None or not found[each])

    def documents_to_fetch(self, bundle: Bundle) -> list[str]:
        """Ids of the DocumentReferences that messages point to and that did not come along."""
        found = self._mapper.read_each(
            (one, partial(_documents, one)) for one in bundle.of_type("Communication")
        )
        wanted = dict.fromkeys(each for references in found for each in references)
        return [_id(each) for each in wanted if bundle.get(each) is None]

    def _report_orphans(self, found: GroupedMessages, bundle: Bundle) -> None:
        """Name what messages are part of, where that is no thread that could be shown."""
        messages = {
            one.relative_reference for records in found.messages.values() for one in records
        }
        for stray in sorted(found.messages.keys() - found.headers.keys()):
            if bundle.get(stray) is None:
                self._mapper.add_flaw(stray, "the header of a thread did not come along")
            elif stray in messages:
                self._mapper.add_flaw(stray, "what is part of a message belongs to no thread")

    def _place(self, one: Element) -> tuple[str | None, Element] | None:
        header = header_reference(one)
        withdrawn = header is not None and one.string("status") == ENTERED_IN_ERROR
        return None if withdrawn or not is_about_patient(one, self._patient) else (header, one)

    def _read_thread(self, header: Element, found: GroupedMessages, bundle: Bundle) -> Thread:
        return self._read_header_with(
            header, self._read_messages(found.messages[header.relative_reference], bundle), bundle
        )

    def _read_header_with(self, header: Element, messages: list[Message], bundle: Bundle) -> Thread:
        surgery = surgery_reference(header)
        self._mapper.remember_addresses([surgery] if surgery else [])
        return read_thread(header, messages, bundle, self._zone)

    def _read_messages(self, records: list[Element], bundle: Bundle) -> list[Message]:
        read = self._mapper.read_each((one, partial(self._read_message, one, bundle)) for one in records)
        return _in_order(read)

    def _read_message(self, record: Element, bundle: Bundle) -> Message:
        return read_message(record, bundle, self._patient, self._is_read)


def _documents(one: Element) -> list[str]:
    return list(document_references(one))


def _in_order(messages: Iterable[Message]) -> list[Message]:
    """By time, then id; but whatever the clocks say, no answer stands before what it answers."""
    by_time = {str(each.id): each for each in sorted(messages, key=_by_time)}
    ordered: dict[str, Message] = {}
    for identity in by_time:
        chain: dict[str, Message] = {}
        step: str | None = identity
        while step in by_time and step not in ordered and step not in chain:
            chain[step] = by_time[step]
            step = by_time[step].in_response_to
        ordered |= dict(reversed(chain.items()))
    return list(ordered.values())


def _by_time(message: Message) -> tuple[float, str]:
    return message.sent.timestamp() if message.sent else 0.0, str(message.id)


def _unread_then_newest(thread: Thread) -> tuple[bool, float, str]:
    last = thread.last.timestamp() if thread.last else 0.0
    return thread.unread_count == 0, -last, str(thread.id)


def _id(reference: str) -> str:
    return reference.rpartition("/")[2]
