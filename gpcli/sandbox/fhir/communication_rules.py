"""Apply the portal's rules to Communications that patients write.

A thread is a header without payload; its messages refer to it in `partOf`.
"""

from collections.abc import Callable
from datetime import timedelta

from gpcli.sandbox.fhir.dates import parse_instant
from gpcli.sandbox.fhir.elements import (
    Resource,
    attachments_in,
    changed_elements,
    codes,
    id_of,
    reference_to,
    references_at,
)
from gpcli.sandbox.fhir.gp_services import (
    CHANNEL_SYSTEM,
    GpRole,
    ServiceLimits,
    decode_base64,
    read_patient_gps,
    require_offering,
    service_codes,
    service_limits,
)
from gpcli.sandbox.fhir.operation_outcome import FhirError, forbidden, unprocessable
from gpcli.sandbox.fhir.request_context import RequestContext
from gpcli.sandbox.surgery.message_answers import (
    CLOSED_STATUSES,
    THREAD_SERVICES,
    message_text,
    read_thread_header,
    thread_kind,
)

_PAYLOAD = "Communication.payload"
_CLOCK_SKEW = timedelta(minutes=5)
"""How far a message's `sent` may be ahead of the portal's clock."""

_FormRule = tuple[Callable[[Resource], bool], str, str]
"""What must hold, what to tell the patient if it does not, and the element that it concerns."""
_HEADER_RULES: tuple[_FormRule, ...] = (
    (lambda sent: sent["status"] == "in-progress", "A new thread is in-progress.", "status"),
    (lambda sent: "payload" not in sent, "The header of a thread has no payload.", "payload"),
    (lambda sent: bool(_topic_text(sent)), "Say in topic.text what it is about.", "topic"),
    (lambda sent: "inResponseTo" not in sent, "A new thread answers nothing.", "inResponseTo"),
    (lambda sent: "received" not in sent, "It has yet to be received.", "received"),
)
_MESSAGE_RULES: tuple[_FormRule, ...] = (
    (lambda sent: sent["status"] == "completed", "A message is completed.", "status"),
    (lambda sent: bool(message_text(sent)), "A message has a text: contentString.", "payload"),
    (lambda sent: "received" not in sent, "It has yet to be received.", "received"),
)


def create_communication(context: RequestContext, sent: Resource) -> Resource:
    """Start a thread or add a message to one, and return what was stored.

    Raises:
        FhirError: 403 (other sender, other GP, `service-off`), 404 (no such thread), or 422
            (`already-answered`, over a limit, wrong form).
    """
    _require_own_message(context, sent)
    _require_not_in_future(context, sent)
    kind = thread_kind(sent)
    if kind not in THREAD_SERVICES:
        text = f"A message is of one kind: {', '.join(THREAD_SERVICES)}."
        raise unprocessable(text, "Communication.category")
    if "partOf" not in sent:
        return _create_thread(context, sent, kind)
    return _create_message(context, sent, kind)


def update_communication(context: RequestContext, stored: Resource, sent: Resource) -> Resource:
    """Mark a message as read or unread, or tag it: the only changes that patients may make.

    Raises:
        FhirError: 403 (not addressed to the patient), or 422 (other elements differ).
    """
    changed = changed_elements(stored, sent)
    tags = sent.get("meta", {}).get("tag")
    if not changed and tags == stored["meta"].get("tag"):
        return stored
    if changed not in ([], ["received"]) or ("received" in stored and "received" in sent):
        text = "All you can change is to mark a message read or unread: set received, or remove it."
        raise unprocessable(text, *(f"Communication.{name}" for name in changed))
    if not {context.rights.patient_reference, context.rights.fhir_user} & {
        *references_at(stored, "recipient")
    }:
        raise forbidden("Only who a message is addressed to can mark it read.")
    kept = {name: value for name, value in stored.items() if name != "received"}
    received = {"received": sent["received"]} if "received" in sent else {}
    return context.store.put({**kept, **received, "meta": {"tag": tags} if tags else {}})


def _topic_text(header: Resource) -> str:
    return str(header.get("topic", {}).get("text", "")).strip()


def _require_own_message(context: RequestContext, sent: Resource) -> None:
    if references_at(sent, "subject") != [context.rights.patient_reference]:
        raise forbidden("A message of yours must have you as its subject.")
    if references_at(sent, "sender") != [context.rights.fhir_user]:
        raise forbidden("The sender of a message is whoever is signed in.")


def _require_not_in_future(context: RequestContext, sent: Resource) -> None:
    latest = context.server.clock.now() + _CLOCK_SKEW
    if "sent" in sent and parse_instant(sent["sent"]) > latest:
        raise unprocessable(
            "Nothing can have been sent in the future: are the clocks right?",
            "Communication.sent",
        )


def _require_form(sent: Resource, rules: tuple[_FormRule, ...]) -> None:
    for holds, text, name in rules:
        if not holds(sent):
            raise unprocessable(text, f"Communication.{name}")


def _create_thread(context: RequestContext, sent: Resource, kind: str) -> Resource:
    _require_form(sent, _HEADER_RULES)
    service, now = THREAD_SERVICES[kind], context.server.clock.now()
    offering_gps = require_offering(_read_addressed_gps(context, sent, kind), [service], now)
    offering = [each for gp in offering_gps for each in gp.available_services(service, now)]
    if not any(_has_text_channel(each) for each in offering):
        raise unprocessable("The surgery does not offer this in writing.", "Communication.medium")
    service_limits(offering).require_text_length(_topic_text(sent), "Communication.topic")
    return context.store.insert(_sent_now(context) | sent)


def _create_message(context: RequestContext, sent: Resource, kind: str) -> Resource:
    _require_form(sent, _MESSAGE_RULES)
    header = read_thread_header(context.store, sent)
    if not header or thread_kind(header) != kind:
        text = "A message is part of one thread, and of its kind: name the thread's header."
        raise unprocessable(text, "Communication.partOf")
    _require_in_thread(context, sent, header)
    _require_within_limits(context, sent, _read_limits(context, header, kind))
    stored = context.store.insert(_sent_now(context) | sent)
    context.server.surgery.enqueue(stored)
    return stored


def _sent_now(context: RequestContext) -> Resource:
    return {"sent": context.server.clock.local().isoformat(timespec="seconds")}


def _read_addressed_gps(context: RequestContext, sent: Resource, kind: str) -> list[GpRole]:
    """Return the patient's GPs to whom the thread is addressed.

    Raises 422 unless there is one recipient, and 403 if that is none of these GPs.
    """
    recipients = references_at(sent, "recipient")
    if len(recipients) != 1:
        raise unprocessable("Write to one recipient.", "Communication.recipient")
    found = [
        gp
        for gp in read_patient_gps(context.store, context.rights.patient)
        if recipients[0] in _gp_addresses(gp)
    ]
    if kind == "e-consultation":
        found = [gp for gp in found if gp.reference == recipients[0]]
    if not found:
        raise forbidden("You can write to your own GP only.")
    return found


def _gp_addresses(gp: GpRole) -> set[str]:
    """Return the references that reach a GP: the role and the surgery."""
    return {gp.reference, *references_at(gp.role, "organization")}


def _has_text_channel(service: Resource) -> bool:
    channels = codes(service.get("characteristic"), CHANNEL_SYSTEM)
    return not channels or "text" in channels


def _require_in_thread(context: RequestContext, sent: Resource, header: Resource) -> None:
    if header["status"] in CLOSED_STATUSES:
        text = "This conversation is closed. Please start a new one."
        raise unprocessable(text, "Communication.partOf", reason="already-answered")
    messages = context.store.find("Communication", part_of=reference_to(header))
    answered_messages = set(references_at(sent, "inResponseTo"))
    if not answered_messages <= {reference_to(each) for each in messages}:
        text = "A reply answers a message of the same thread."
        raise unprocessable(text, "Communication.inResponseTo")
    parties = {each for one in (header, *messages) for each in _parties(one)}
    parties -= {context.rights.patient_reference, *references_at(sent, "sender")}
    recipients = set(references_at(sent, "recipient"))
    if not recipients or not recipients <= parties:
        raise forbidden("Write to those who take part in the conversation.")


def _parties(communication: Resource) -> list[str]:
    return [*references_at(communication, "recipient"), *references_at(communication, "sender")]


def _read_limits(context: RequestContext, header: Resource, kind: str) -> ServiceLimits:
    """Return the limits of the thread's service, even if it is no longer offered."""
    recipients = set(references_at(header, "recipient"))
    gps = [
        gp
        for gp in read_patient_gps(context.store, context.rights.patient)
        if recipients & _gp_addresses(gp)
    ]
    services = [
        each for gp in gps for each in gp.services if THREAD_SERVICES[kind] in service_codes(each)
    ]
    return service_limits(services)


def _require_within_limits(context: RequestContext, sent: Resource, limits: ServiceLimits) -> None:
    limits.require_text_length(message_text(sent), _PAYLOAD)
    for attachment in _read_attachments(context, sent):
        media_type, data = _read_attachment_bytes(context, attachment)
        limits.require_attachment(media_type, data, _PAYLOAD)


def _read_attachments(context: RequestContext, sent: Resource) -> list[Resource]:
    """Return the Attachments of the message and of the documents it refers to."""
    references = references_at(sent, "payload.contentReference")
    documents = [context.store.get("DocumentReference", id_of(each)) for each in references]
    if None in documents:
        text = "What a message refers to is a DocumentReference."
        raise unprocessable(text, _PAYLOAD)
    return [each for one in (sent, *documents) if one for each in attachments_in(one)]


def _read_attachment_bytes(context: RequestContext, attachment: Resource) -> tuple[str, bytes]:
    """Return media type and bytes, from the Attachment or the Binary at its URL."""
    if "data" in attachment:
        return attachment["contentType"], decode_base64(attachment, _PAYLOAD)
    binary = context.store.get("Binary", id_of(attachment.get("url", "")))
    if binary is None:
        raise FhirError(422, "required", "An attachment has data or a url.", expression=[_PAYLOAD])
    return binary["contentType"], decode_base64(binary, _PAYLOAD)
