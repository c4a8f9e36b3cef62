"""How the surgery answers a message: the GP an e-consultation, the reception all else."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple
from zlib import crc32

from gpcli.sandbox.answered import Answered
from gpcli.sandbox.clock import ZONE
from gpcli.sandbox.fhir.conversations import CLOSED, SERVICES, header_of, kind_of, text_of
from gpcli.sandbox.fhir.dates import instant
from gpcli.sandbox.fhir.elements import Resource, id_of, reference_to, references
from gpcli.sandbox.store import Store
from gpcli.sandbox.surgery.reply import Reply, asks_to_close, asks_to_decline, thanks

_FIRST = {
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
_AGAIN = {
    "e-consultation": (
        "Thank you, that helps. Carry on as we agreed, and write here if it gets worse.",
        "Good to know. I have put it in your record. There is nothing more you need to do now.",
    ),
    "administrative": (
        "We have added that to what you wrote.",
        "Noted. Is there anything else we can help with?",
    ),
}
_GOODBYE = "You are welcome. I am closing this conversation; start a new one if you need us."
_STANDARD = {
    "e-consultation": "This is not suited to an e-consultation. Please book an appointment.",
    "administrative": "The reception can't help with this. Please call us.",
}


class _Answer(NamedTuple):
    """What is written, what the header becomes, and the outcome in a word."""

    text: str
    header: Resource
    outcome: str


def answer_message(store: Store, message: Resource, now: datetime, reply: Reply) -> Answered | None:
    """Write an answer into the thread of a patient's message; None if the thread is closed."""
    header = header_of(store, message)
    if not header or header["status"] in CLOSED:
        return None
    former = _from_surgery(store, header)
    answer = _decided(text_of(message), kind_of(header), reply, is_first=not former)
    store.insert(_letter(store, header, message, now) | {"payload": _payload(answer.text)})
    if answer.header:
        store.put(header | answer.header)
    return Answered(reference_to(header), SERVICES[kind_of(header)], answer.outcome)


def unanswered(store: Store, thread: Resource) -> Resource | None:
    """The patient's message that a thread (its header, or any message of it) waits with.

    None if the last word is the surgery's.
    """
    header = thread if "partOf" not in thread else header_of(store, thread)
    present = _in_order(store.find("Communication", part_of=reference_to(header))) if header else []
    return present[-1] if present and not _is_from_surgery(present[-1]) else None


def _decided(asked: str, kind: str, reply: Reply, *, is_first: bool) -> _Answer:
    if reply.decline or asks_to_decline(asked):
        words = reply.text or _STANDARD[kind]
        status = "not-done" if is_first else "stopped"
        return _Answer(words, {"status": status, "statusReason": {"text": words}}, "declined")
    if asks_to_close(asked) or (thanks(asked) and not is_first):
        return _Answer(reply.text or _GOODBYE, {"status": "completed"}, "closed")
    own_words = _one_of(_FIRST[kind] if is_first else _AGAIN[kind], asked)
    return _Answer(reply.text or own_words, {}, "answered")


def _one_of(texts: Sequence[str], asked: str) -> str:
    """The same one each time for the same question."""
    return texts[crc32(asked.encode()) % len(texts)]


def _from_surgery(store: Store, header: Resource) -> list[Resource]:
    present = store.find("Communication", part_of=reference_to(header))
    return [each for each in present if _is_from_surgery(each)]


def _is_from_surgery(message: Resource) -> bool:
    senders = references(message, "sender")
    return not any(each.startswith(("Patient/", "RelatedPerson/")) for each in senders)


def _in_order(messages: list[Resource]) -> list[Resource]:
    return sorted(messages, key=_sent)


def _sent(message: Resource) -> datetime:
    return instant(message.get("sent", "1970"))


def _letter(store: Store, header: Resource, message: Resource, now: datetime) -> Resource:
    """The surgery's message without its words; it is unread, since `received` is absent."""
    return {
        "resourceType": "Communication",
        "partOf": [{"reference": reference_to(header)}],
        "inResponseTo": [{"reference": reference_to(message)}],
        "status": "completed",
        "category": header["category"],
        "subject": header["subject"],
        "sender": {"reference": _who_answers(store, header)},
        "recipient": [header["subject"]],
        "sent": _after(message, now),
    }


def _after(message: Resource, now: datetime) -> str:
    """When the answer is sent: now, but never before the message, whatever the app's clock says."""
    present = now.astimezone(ZONE).replace(microsecond=0)
    asked = message.get("sent", "")
    return asked if asked and instant(asked) > present else present.isoformat()


def _payload(text: str) -> list[Resource]:
    return [{"contentString": text}]


def _who_answers(store: Store, header: Resource) -> str:
    """The GP who was written to; the reception, as the surgery, where it is administrative."""
    addressed = references(header, "recipient")[0]
    role = store.get("PractitionerRole", id_of(addressed)) or {}
    surgeries = references(role, "organization")
    return surgeries[0] if surgeries and kind_of(header) == "administrative" else addressed
