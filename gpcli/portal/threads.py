"""Bundles of Communications to threads: grouped by header, and in order."""

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
from gpcli.fhir.documents import document_references
from gpcli.fhir.element import Element
from gpcli.model.thread import Conversation, Message, Thread
from gpcli.portal.mapping import RecordMapper, require


@dataclass(frozen=True)
class GroupedMessages:
    """The patient's Communications of a bundle.

    `headers` are by their own reference (`Communication/id`), `messages` by that of their header. A
    header that has content of its own is also a message of its thread.
    """

    headers: Mapping[str, Element]
    messages: Mapping[str, list[Element]]


class ThreadMapper:
    """Reads the threads of one patient.

    `patient` is an id; `zone` is the time zone of the surgery, as an IANA name. `is_read` tells by
    the id of a message whether this computer has it marked as read.
    """

    def __init__(
        self, mapper: RecordMapper, patient: str, zone: str, is_read: Callable[[str], bool]
    ) -> None:
        self._mapper = mapper
        self._patient = patient
        self._zone = zone
        self._is_read = is_read

    def group_messages(self, bundle: Bundle) -> GroupedMessages:
        """Group Communications, without other patients' and messages entered in error."""
        records = list(bundle.of_type("Communication"))
        pairs = self._mapper.read_each((each, partial(self._find_header, each)) for each in records)
        headers = {each.relative_reference: each for header, each in pairs if header is None}
        messages: dict[str, list[Element]] = {reference: [] for reference in headers}
        for header, record in pairs:
            if header or record.json.get("payload"):
                messages.setdefault(header or record.relative_reference, []).append(record)
        return GroupedMessages(headers, messages)

    def read_threads(self, bundle: Bundle) -> list[Thread]:
        """Return all threads: those with unread messages first, then by their newest message."""
        groups = self.group_messages(bundle)
        self._report_orphans(groups, bundle)
        threads = self._mapper.read_each(
            (header, partial(self._read_whole_thread, header, groups, bundle))
            for header in groups.headers.values()
        )
        return sorted(threads, key=_unread_then_newest)

    def read_headers(self, bundle: Bundle) -> list[Thread]:
        """Return the threads of a bundle as their headers describe them, without messages."""
        headers = self.group_messages(bundle).headers.values()
        return self._mapper.read_each(
            (header, partial(self._read_thread, header, [], bundle)) for header in headers
        )

    def read_conversation(self, bundle: Bundle, thread: str) -> Conversation | None:
        """Return one thread with its messages; `None` if the bundle lacks it or it is another's.

        `thread` is the id of its header.

        Raises:
            BadResponse: its header can't be read. A message that can't be is left out as a flaw.
        """
        reference = f"Communication/{thread}"
        header = bundle.get(reference)
        if header is None or not require(lambda: self._mapper.is_own(header)):
            return None
        groups = self.group_messages(bundle)
        messages = self._read_messages(groups.messages.get(reference, []), bundle)
        read = require(lambda: self._read_thread(header, messages, bundle))
        return Conversation(read, tuple(messages))

    def read_message(self, record: Element, bundle: Bundle) -> Message | None:
        """Return one message; `None` for another patient's. Raises BadResponse."""
        if not require(lambda: self._mapper.is_own(record)):
            return None
        return require(lambda: self._read_message(record, bundle))

    def headers_to_fetch(self, bundle: Bundle) -> list[str]:
        """Return the ids of headers that the bundle lacks, or has without any message.

        The latter may have content of their own, which the search for the list leaves out.
        """
        messages = self.group_messages(bundle).messages
        return sorted(
            _id(header) for header in messages if bundle.get(header) is None or not messages[header]
        )

    def documents_to_fetch(self, bundle: Bundle) -> list[str]:
        """Return the ids of DocumentReferences that messages refer to and the bundle lacks."""
        references = self._mapper.read_each(
            (message, partial(_read_document_references, message))
            for message in bundle.of_type("Communication")
        )
        documents = dict.fromkeys(each for group in references for each in group)
        return [_id(document) for document in documents if bundle.get(document) is None]

    def _report_orphans(self, groups: GroupedMessages, bundle: Bundle) -> None:
        """Add a flaw for each reference in `partOf` whose header is missing or itself a message."""
        messages = {
            each.relative_reference for records in groups.messages.values() for each in records
        }
        for reference in sorted(groups.messages.keys() - groups.headers.keys()):
            if bundle.get(reference) is None:
                self._mapper.add_flaw(reference, "the header of a thread did not come along")
            elif reference in messages:
                self._mapper.add_flaw(reference, "what is part of a message belongs to no thread")

    def _find_header(self, record: Element) -> tuple[str | None, Element] | None:
        """Return the reference of the header and the record; `None` for one that is left out.

        The former is `None` where the record is itself a header.
        """
        header = header_reference(record)
        withdrawn = header is not None and record.string("status") == ENTERED_IN_ERROR
        return None if withdrawn or not self._mapper.is_own(record) else (header, record)

    def _read_whole_thread(
        self, header: Element, groups: GroupedMessages, bundle: Bundle
    ) -> Thread:
        messages = self._read_messages(groups.messages[header.relative_reference], bundle)
        return self._read_thread(header, messages, bundle)

    def _read_thread(self, header: Element, messages: list[Message], bundle: Bundle) -> Thread:
        surgery = surgery_reference(header)
        self._mapper.remember_addresses([surgery] if surgery else [])
        return read_thread(header, messages, bundle, self._zone)

    def _read_messages(self, records: list[Element], bundle: Bundle) -> list[Message]:
        messages = self._mapper.read_each(
            (record, partial(self._read_message, record, bundle)) for record in records
        )
        return _sort_messages(messages)

    def _read_message(self, record: Element, bundle: Bundle) -> Message:
        return read_message(record, bundle, self._patient, self._is_read)


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
    return message.sent.timestamp() if message.sent else 0.0, str(message.id)


def _unread_then_newest(thread: Thread) -> tuple[bool, float, str]:
    last = thread.last.timestamp() if thread.last else 0.0
    return thread.unread_count == 0, -last, str(thread.id)


def _id(reference: str) -> str:
    return reference.rpartition("/")[2]
