"""Read message threads, and answer the messages that patients write in them."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple
from zlib import crc32

from gpcli.sandbox.clock import ZONE
from gpcli.sandbox.fhir.dates import parse_instant
from gpcli.sandbox.fhir.elements import (
    Resource,
    codes,
    id_of,
    reference_to,
    references_at,
    values_at,
)
from gpcli.sandbox.store import Store
from gpcli.sandbox.surgery.answer import (
    AnsweredRequest,
    AnswerOptions,
    Outcome,
    is_close_requested,
    is_decline_requested,
    is_thanks,
)

THREAD_SYSTEM = "urn:gpcli:thread"
THREAD_SERVICES: Mapping[str, str] = {
    "e-consultation": "e-consultation",
    "administrative": "contact",
}
"""The service that each kind of thread uses."""
CLOSED_STATUSES = ("completed", "stopped", "not-done", "entered-in-error")
"""The statuses of a header to whose thread nothing can be added."""
_FIRST_ANSWERS = {
    "e-consultation": (
        "Thank you for writing. This sounds harmless, but I would like to know more: how long has"
        " it lasted, and have you tried anything against it? Please answer here.",
        "Thank you for the clear description. Carry on as you do for two weeks. If it is not"
        " better then, or gets worse before, book an appointment.",
        "I have read this together with your record. Nothing here worries me. Please write again"
        " here if something changes.",
    ),
    "administrative": (
        "Thank you for your message. We have made a note of it.",
        "Thank you for your message. The reception is open from 8 to 15.30 on weekdays, and you"
        " are welcome to drop by.",
        "We have looked into it, and it is as you say. Tell us here if anything else is unclear.",
    ),
}
_FOLLOW_UP_ANSWERS = {
    "e-consultation": (
        "Thank you, that helps. Carry on as we agreed, and write here if it gets worse.",
        "Good to know. I have put it in your record. There is nothing more you need to do now.",
    ),
    "administrative": (
        "We have added that to what you wrote.",
        "Noted. Is there anything else we can help with?",
    ),
}
_CLOSING_TEXT = "You are welcome. I am closing this conversation; start a new one if you need us."
_DECLINE_TEXTS = {
    "e-consultation": "This is not suited to an e-consultation. Please book an appointment.",
    "administrative": "The reception can't help with this. Please call us.",
}


def thread_kind(communication: Resource) -> str:
    """Return `e-consultation` or `administrative`; empty unless it is exactly one."""
    found = codes(communication.get("category"), THREAD_SYSTEM)
    return found[0] if len(found) == 1 else ""


def message_text(message: Resource) -> str:
    """Return the text of a message, its parts on separate lines."""
    return "\n".join(values_at(message, "payload.contentString"))


def read_thread_header(store: Store, message: Resource) -> Resource:
    """Return the header of the message's thread; empty if there is none."""
    headers = references_at(message, "partOf", "Communication")
    header = store.get("Communication", id_of(headers[0])) if len(headers) == 1 else None
    return header if header and "partOf" not in header else {}


class _MessageAnswer(NamedTuple):
    """The text of an answer, the changes of the thread's header, and the outcome."""

    text: str
    header: Resource
    outcome: Outcome


def answer_message(
    store: Store, message: Resource, now: datetime, options: AnswerOptions
) -> AnsweredRequest | None:
    """Add an answer to the thread of a patient's message; None if it is closed."""
    header = read_thread_header(store, message)
    if not header or header["status"] in CLOSED_STATUSES:
        return None
    former = _read_surgery_messages(store, header)
    answer = _decide_answer(
        message_text(message), thread_kind(header), options, is_first=not former
    )
    store.insert(_build_answer(store, header, message, now) | {"payload": _payload(answer.text)})
    if answer.header:
        store.put(header | answer.header)
    return AnsweredRequest(
        reference_to(header), THREAD_SERVICES[thread_kind(header)], answer.outcome
    )


def read_unanswered_message(store: Store, thread: Resource) -> Resource | None:
    """Return the last message of a thread, if the patient wrote it, or else None.

    `thread` is the header or any message of the thread.
    """
    header = thread if "partOf" not in thread else read_thread_header(store, thread)
    messages = (
        _sort_by_sent(store.find("Communication", part_of=reference_to(header))) if header else []
    )
    return messages[-1] if messages and not _is_from_surgery(messages[-1]) else None


def _decide_answer(
    question: str, kind: str, options: AnswerOptions, *, is_first: bool
) -> _MessageAnswer:
    if options.decline or is_decline_requested(question):
        wording = options.text or _DECLINE_TEXTS[kind]
        status = "not-done" if is_first else "stopped"
        return _MessageAnswer(
            wording, {"status": status, "statusReason": {"text": wording}}, "declined"
        )
    if is_close_requested(question) or (is_thanks(question) and not is_first):
        return _MessageAnswer(options.text or _CLOSING_TEXT, {"status": "completed"}, "closed")
    own_wording = _pick_text(
        _FIRST_ANSWERS[kind] if is_first else _FOLLOW_UP_ANSWERS[kind], question
    )
    return _MessageAnswer(options.text or own_wording, {}, "answered")


def _pick_text(texts: Sequence[str], question: str) -> str:
    """Pick one of the texts, always the same for the same question."""
    return texts[crc32(question.encode()) % len(texts)]


def _read_surgery_messages(store: Store, header: Resource) -> list[Resource]:
    messages = store.find("Communication", part_of=reference_to(header))
    return [each for each in messages if _is_from_surgery(each)]


def _is_from_surgery(message: Resource) -> bool:
    senders = references_at(message, "sender")
    return not any(each.startswith(("Patient/", "RelatedPerson/")) for each in senders)


def _sort_by_sent(messages: list[Resource]) -> list[Resource]:
    return sorted(messages, key=_sent_at)


def _sent_at(message: Resource) -> datetime:
    return parse_instant(message.get("sent", "1970"))


def _build_answer(store: Store, header: Resource, message: Resource, now: datetime) -> Resource:
    """Return the surgery's message without payload; absent `received` means unread."""
    return {
        "resourceType": "Communication",
        "partOf": [{"reference": reference_to(header)}],
        "inResponseTo": [{"reference": reference_to(message)}],
        "status": "completed",
        "category": header["category"],
        "subject": header["subject"],
        "sender": {"reference": _read_answering_actor(store, header)},
        "recipient": [header["subject"]],
        "sent": _answer_time(message, now),
    }


def _answer_time(message: Resource, now: datetime) -> str:
    """Return the current time, or the message's own if that is later."""
    current = now.astimezone(ZONE).replace(microsecond=0)
    sent = message.get("sent", "")
    return sent if sent and parse_instant(sent) > current else current.isoformat()


def _payload(text: str) -> list[Resource]:
    return [{"contentString": text}]


def _read_answering_actor(store: Store, header: Resource) -> str:
    """Return the addressed GP, or the surgery for an administrative thread."""
    recipient = references_at(header, "recipient")[0]
    role = store.get("PractitionerRole", id_of(recipient)) or {}
    surgeries = references_at(role, "organization")
    return surgeries[0] if surgeries and thread_kind(header) == "administrative" else recipient
