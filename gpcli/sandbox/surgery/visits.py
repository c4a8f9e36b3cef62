"""How the surgery answers an Appointment: a booking confirmed, an enquiry decided on."""

from datetime import datetime

from gpcli.sandbox.answered import Answered
from gpcli.sandbox.fhir.elements import Resource, reference_to
from gpcli.sandbox.fhir.services import kinds
from gpcli.sandbox.store import Store
from gpcli.sandbox.surgery.confirm import confirm, decline
from gpcli.sandbox.surgery.enquiry import answer_enquiry
from gpcli.sandbox.surgery.reply import Reply

_OUTCOMES = {"booked": "booked", "cancelled": "declined"}
_SORRY = "This time is not possible after all. Please choose another, or call us."


def answer_visit(
    store: Store, appointment: Resource, now: datetime, reply: Reply
) -> Answered | None:
    """Confirm what is pending, decide on what is proposed; None if it is neither."""
    if appointment["status"] not in ("pending", "proposed"):
        return None
    decide = _confirmed if appointment["status"] == "pending" else answer_enquiry
    settled = decide(store, appointment, now, reply)
    kind = next(iter(kinds(appointment, "serviceType")), "booking")
    return Answered(reference_to(settled), kind, _OUTCOMES[settled["status"]])


def _confirmed(store: Store, appointment: Resource, now: datetime, reply: Reply) -> Resource:
    if reply.decline:
        return decline(store, appointment, reply.text or _SORRY)
    return confirm(store, appointment, reply.text)
