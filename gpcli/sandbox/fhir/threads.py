"""What a patient may do with Communications: start a thread, write into it, mark one read.

A thread is a header without payload; its messages name it in `partOf`.
"""

from collections.abc import Callable
from datetime import timedelta

from gpcli.sandbox.fhir.conversations import CLOSED, SERVICES, header_of, kind_of, text_of
from gpcli.sandbox.fhir.dates import instant
from gpcli.sandbox.fhir.desk import Desk
from gpcli.sandbox.fhir.elements import (
    Resource,
    attachments,
    changed,
    codes,
    id_of,
    reference_to,
    references,
)
from gpcli.sandbox.fhir.limits import Limits, decoded, limits_of
from gpcli.sandbox.fhir.outcome import Problem, broken_rule, forbidden
from gpcli.sandbox.fhir.services import CHANNEL, GP, gps_of, kinds, require

_PAYLOAD = "Communication.payload"

_CLOCKS_DIFFER = timedelta(minutes=5)
"""How far ahead of the portal's clock a message may say that it was sent."""

_Rule = tuple[Callable[[Resource], bool], str, str]
_OF_HEADERS: tuple[_Rule, ...] = (
    (lambda sent: sent["status"] == "in-progress", "A new thread is in-progress.", "status"),
    (lambda sent: "payload" not in sent, "The header of a thread has no payload.", "payload"),
    (lambda sent: bool(_subject(sent)), "Say in topic.text what it is about.", "topic"),
    (lambda sent: "inResponseTo" not in sent, "A new thread answers nothing.", "inResponseTo"),
    (lambda sent: "received" not in sent, "It has yet to be received.", "received"),
)
_OF_MESSAGES: tuple[_Rule, ...] = (
    (lambda sent: sent["status"] == "completed", "A message is completed.", "status"),
    (lambda sent: bool(text_of(sent)), "A message has a text: contentString.", "payload"),
    (lambda sent: "received" not in sent, "It has yet to be received.", "received"),
)


def create(desk: Desk, sent: Resource) -> Resource:
    """Start a thread (the header), or write a message into one; returns what was stored.

    Raises Problem: 403 (in another's name, to another's GP, `service-off`), 404 (no such
    thread), 422 (`already-answered`, a limit, a rule of the form).
    """
    _require_own(desk, sent)
    _require_no_future(desk, sent)
    kind = kind_of(sent)
    if kind not in SERVICES:
        text = f"A message is of one kind: {', '.join(SERVICES)}."
        raise broken_rule(text, "Communication.category")
    if "partOf" not in sent:
        return _started(desk, sent, kind)
    return _written(desk, sent, kind)


def change(desk: Desk, stored: Resource, sent: Resource) -> Resource:
    """Mark a message read: the one change that a patient may make.

    Raises Problem: 403 (not addressed to the patient), 422 (something else was changed).
    """
    different = changed(stored, sent)
    if not different:
        return stored
    if different != ["received"] or "received" in stored:
        text = "All you can change is to mark a message read: received, once."
        raise broken_rule(text, *(f"Communication.{name}" for name in different))
    if not {desk.grant.own, desk.grant.fhir_user} & {*references(stored, "recipient")}:
        raise forbidden("Only who a message is addressed to can mark it read.")
    return desk.store.put(stored | {"received": sent["received"]})


def _subject(header: Resource) -> str:
    return str(header.get("topic", {}).get("text", "")).strip()


def _require_own(desk: Desk, sent: Resource) -> None:
    if references(sent, "subject") != [desk.grant.own]:
        raise forbidden("A message of yours must have you as its subject.")
    if references(sent, "sender") != [desk.grant.fhir_user]:
        raise forbidden("The sender of a message is whoever is signed in.")


def _require_no_future(desk: Desk, sent: Resource) -> None:
    latest = desk.portal.clock.now() + _CLOCKS_DIFFER
    if "sent" in sent and instant(sent["sent"]) > latest:
        raise broken_rule(
            "Nothing can have been sent in the future: are the clocks right?",
            "Communication.sent",
        )


def _require_form(sent: Resource, rules: tuple[_Rule, ...]) -> None:
    for holds, text, name in rules:
        if not holds(sent):
            raise broken_rule(text, f"Communication.{name}")


def _started(desk: Desk, sent: Resource, kind: str) -> Resource:
    _require_form(sent, _OF_HEADERS)
    service, now = SERVICES[kind], desk.portal.clock.now()
    able = require(_addressed(desk, sent, kind), [service], now)
    offering = [each for gp in able for each in gp.offering(service, now)]
    if not any(_in_writing(each) for each in offering):
        raise broken_rule("The surgery does not offer this in writing.", "Communication.medium")
    limits_of(offering).require_text(_subject(sent), "Communication.topic")
    return desk.store.insert(_sent_now(desk) | sent)


def _written(desk: Desk, sent: Resource, kind: str) -> Resource:
    _require_form(sent, _OF_MESSAGES)
    header = header_of(desk.store, sent)
    if not header or kind_of(header) != kind:
        text = "A message is part of one thread, and of its kind: name the thread's header."
        raise broken_rule(text, "Communication.partOf")
    _require_in_thread(desk, sent, header)
    _require_within_limits(desk, sent, _limits(desk, header, kind))
    stored = desk.store.insert(_sent_now(desk) | sent)
    desk.portal.surgery.expect(stored)
    return stored


def _sent_now(desk: Desk) -> Resource:
    return {"sent": desk.portal.clock.local().isoformat(timespec="seconds")}


def _addressed(desk: Desk, sent: Resource, kind: str) -> list[GP]:
    """The patient's GP that the thread is addressed to; none is 403."""
    recipients = references(sent, "recipient")
    if len(recipients) != 1:
        raise broken_rule("Write to one recipient.", "Communication.recipient")
    found = [gp for gp in gps_of(desk.store, desk.grant.patient) if recipients[0] in _names(gp)]
    if kind == "e-consultation":
        found = [gp for gp in found if gp.reference == recipients[0]]
    if not found:
        raise forbidden("You can write to your own GP only.")
    return found


def _names(gp: GP) -> set[str]:
    """What a GP's letters are addressed to: the GP, or the surgery."""
    return {gp.reference, *references(gp.role, "organization")}


def _in_writing(service: Resource) -> bool:
    channels = codes(service.get("characteristic"), CHANNEL)
    return not channels or "text" in channels


def _require_in_thread(desk: Desk, sent: Resource, header: Resource) -> None:
    if header["status"] in CLOSED:
        text = "This conversation is closed. Please start a new one."
        raise broken_rule(text, "Communication.partOf", reason="already-answered")
    present = desk.store.find("Communication", part_of=reference_to(header))
    answered = set(references(sent, "inResponseTo"))
    if not answered <= {reference_to(each) for each in present}:
        text = "A reply answers a message of the same thread."
        raise broken_rule(text, "Communication.inResponseTo")
    parties = {each for one in (header, *present) for each in _parties(one)}
    parties -= {desk.grant.own, *references(sent, "sender")}
    recipients = set(references(sent, "recipient"))
    if not recipients or not recipients <= parties:
        raise forbidden("Write to those who take part in the conversation.")


def _parties(communication: Resource) -> list[str]:
    return [*references(communication, "recipient"), *references(communication, "sender")]


def _limits(desk: Desk, header: Resource, kind: str) -> Limits:
    """Those of the service that the thread uses, also if it is not offered any more."""
    named = set(references(header, "recipient"))
    gps = [gp for gp in gps_of(desk.store, desk.grant.patient) if named & _names(gp)]
    services = [each for gp in gps for each in gp.services if SERVICES[kind] in kinds(each)]
    return limits_of(services)


def _require_within_limits(desk: Desk, sent: Resource, limits: Limits) -> None:
    limits.require_text(text_of(sent), _PAYLOAD)
    for attachment in _everything_attached(desk, sent):
        media_type, data = _bytes_of(desk, attachment)
        limits.require_attachment(media_type, data, _PAYLOAD)


def _everything_attached(desk: Desk, sent: Resource) -> list[Resource]:
    """The Attachments of the message, and of the documents that it refers to."""
    named = references(sent, "payload.contentReference")
    documents = [desk.store.get("DocumentReference", id_of(each)) for each in named]
    if None in documents:
        text = "What a message refers to is a DocumentReference."
        raise broken_rule(text, _PAYLOAD)
    return [each for one in (sent, *documents) if one for each in attachments(one)]


def _bytes_of(desk: Desk, attachment: Resource) -> tuple[str, bytes]:
    """Media type and bytes: from the Attachment itself, or from the Binary at its address."""
    if "data" in attachment:
        return attachment["contentType"], decoded(attachment, _PAYLOAD)
    binary = desk.store.get("Binary", id_of(attachment.get("url", "")))
    if binary is None:
        raise Problem(422, "required", "An attachment has data or a url.", expression=[_PAYLOAD])
    return binary["contentType"], decoded(binary, _PAYLOAD)
