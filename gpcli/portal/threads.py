"""From bundles to threads: which message belongs where, what is missing, what comes first."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial

from gpcli.fhir.bundle import Bundle
from gpcli.fhir.communication import ERRONEOUS, header_of, read_message, read_thread, surgery_of
from gpcli.fhir.compartment import concerns
from gpcli.fhir.documents import documents_of
from gpcli.fhir.element import Element
from gpcli.model.thread import Conversation, Message, Thread
from gpcli.portal.mapping import RecordMapper, require


@dataclass(frozen=True)
class SortedMessages:
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
        self._reader = mapper
        self._patient = patient
        self._zone = zone
        self._is_read = is_read

    def sorted_out(self, bundle: Bundle) -> SortedMessages:
        """What belongs together; what is somebody else's, or was withdrawn as wrong, is dropped."""
        found = list(bundle.of("Communication"))
        placed = self._reader.readable((one, partial(self._placed, one)) for one in found)
        headers = {one.ref: one for header, one in placed if header is None}
        messages: dict[str, list[Element]] = {each: [] for each in headers}
        for header, one in placed:
            if header or one.json.get("payload"):
                messages.setdefault(header or one.ref, []).append(one)
        return SortedMessages(headers, messages)

    def threads(self, bundle: Bundle) -> list[Thread]:
        """All threads, those with something unread first, then by their newest message."""
        found = self.sorted_out(bundle)
        self._name_strays(found, bundle)
        threads = self._reader.readable(
            (header, partial(self._thread, header, found, bundle))
            for header in found.headers.values()
        )
        return sorted(threads, key=_unread_then_newest)

    def begun(self, bundle: Bundle) -> list[Thread]:
        """The threads whose headers are in a bundle, as far as these tell of them."""
        headers = self.sorted_out(bundle).headers.values()
        return self._reader.readable(
            (header, partial(self._told, header, [], bundle)) for header in headers
        )

    def conversation(self, bundle: Bundle, thread: str) -> Conversation | None:
        """One thread of a bundle; `None` if it is not there. Raises BadResponse."""
        reference = f"Communication/{thread}"
        one = bundle.get(reference)
        if one is None or not require(lambda: concerns(one, self._patient)):
            return None
        found = self.sorted_out(bundle)
        messages = self._messages(found.messages.get(reference, []), bundle)
        return Conversation(require(lambda: self._told(one, messages, bundle)), tuple(messages))

    def message(self, record: Element, bundle: Bundle) -> Message | None:
        """One message; `None` for what is somebody else's. Raises BadResponse."""
        if not require(lambda: concerns(record, self._patient)):
            return None
        return require(lambda: self._message(record, bundle))

    def unclear_headers(self, bundle: Bundle) -> list[str]:
        """Ids of the headers that did not come along, or came alone and may hold words."""
        found = self.sorted_out(bundle).messages
        return sorted(_id(each) for each in found if bundle.get(each) is None or not found[each])

    def missing_documents(self, bundle: Bundle) -> list[str]:
        """Ids of the DocumentReferences that messages point to and that did not come along."""
        found = self._reader.readable(
            (one, partial(_documents, one)) for one in bundle.of("Communication")
        )
        wanted = dict.fromkeys(each for references in found for each in references)
        return [_id(each) for each in wanted if bundle.get(each) is None]

    def _name_strays(self, found: SortedMessages, bundle: Bundle) -> None:
        """Name what messages are part of, where that is no thread that could be shown."""
        messages = {one.ref for records in found.messages.values() for one in records}
        for stray in sorted(found.messages.keys() - found.headers.keys()):
            if bundle.get(stray) is None:
                self._reader.leave_out(stray, "the header of a thread did not come along")
            elif stray in messages:
                self._reader.leave_out(stray, "what is part of a message belongs to no thread")

    def _placed(self, one: Element) -> tuple[str | None, Element] | None:
        header = header_of(one)
        withdrawn = header is not None and one.text("status") == ERRONEOUS
        return None if withdrawn or not concerns(one, self._patient) else (header, one)

    def _thread(self, header: Element, found: SortedMessages, bundle: Bundle) -> Thread:
        return self._told(header, self._messages(found.messages[header.ref], bundle), bundle)

    def _told(self, header: Element, messages: list[Message], bundle: Bundle) -> Thread:
        surgery = surgery_of(header)
        self._reader.note_addresses([surgery] if surgery else [])
        return read_thread(header, messages, bundle, self._zone)

    def _messages(self, records: list[Element], bundle: Bundle) -> list[Message]:
        read = self._reader.readable((one, partial(self._message, one, bundle)) for one in records)
        return _in_order(read)

    def _message(self, record: Element, bundle: Bundle) -> Message:
        return read_message(record, bundle, self._patient, self._is_read)


def _documents(one: Element) -> list[str]:
    return list(documents_of(one))


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
