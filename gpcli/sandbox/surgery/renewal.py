"""How the surgery answers a request for renewal: with a new prescription, or with a reason."""

from datetime import datetime, timedelta

from gpcli.sandbox.answered import Answered
from gpcli.sandbox.clock import ZONE
from gpcli.sandbox.fhir.dates import period
from gpcli.sandbox.fhir.elements import Resource, id_of, reference_to, references, values
from gpcli.sandbox.fhir.prescriptions import NEEDS_CONSULTATION, OPEN, group, obstacle
from gpcli.sandbox.store import Store
from gpcli.sandbox.surgery.reply import Reply, asks_to_decline

REPEAT_INFORMATION = (
    "https://fhir.hl7.org.uk/StructureDefinition/Extension-UKCore-MedicationRepeatInformation"
)
_CONSULTATION = "A consultation is needed before this medicine is prescribed again."
_NO = "The GP does not renew this prescription. Please book an appointment."
_USUAL_VALIDITY = timedelta(days=365)
_LEFT_BEHIND = ("id", "meta", "identifier", "text", "priorPrescription", "statusReason")


def answer_renewal(store: Store, task: Resource, now: datetime, reply: Reply) -> Answered | None:
    """Renew, or reject with a reason; None if the request is not open any more."""
    if task["status"] not in OPEN:
        return None
    prescription = store.get("MedicationRequest", id_of(references(task, "focus")[0])) or {}
    why_not = _why_not(store, task, prescription, now, reply)
    settled = _rejected(why_not) if why_not else _renewed(store, prescription, now, reply)
    store.put(task | settled | {"lastModified": _written(now)})
    outcome = "refused" if why_not else "renewed"
    return Answered(reference_to(task), "prescription-renewal", outcome)


def _why_not(
    store: Store, task: Resource, prescription: Resource, now: datetime, reply: Reply
) -> str:
    note = "\n".join(values(task, "note.text"))
    if reply.decline or asks_to_decline(note):
        return reply.text or _NO
    if not prescription:
        return _NO
    if group(store, prescription) in NEEDS_CONSULTATION:
        return _CONSULTATION
    return obstacle(store, prescription, now)


def _rejected(why: str) -> Resource:
    return {"status": "rejected", "statusReason": {"text": why}}


def _renewed(store: Store, prescription: Resource, now: datetime, reply: Reply) -> Resource:
    """Replace the prescription; returns what the request becomes."""
    new = store.insert(_successor(prescription, now))
    store.put(prescription | {"status": "completed"})
    output = {
        "type": {"text": "Renewed prescription"},
        "valueReference": {"reference": reference_to(new)},
    }
    words = {"statusReason": {"text": reply.text}} if reply.text else {}
    return {"status": "completed", "output": [output]} | words


def _successor(former: Resource, now: datetime) -> Resource:
    """The same medicine and dosage, from today on; the count of what was handed out begins anew."""
    kept = {name: value for name, value in former.items() if name not in _LEFT_BEHIND}
    extensions = [each for each in former.get("extension", ()) if each["url"] != REPEAT_INFORMATION]
    supply = former.get("dispenseRequest", {})
    fresh = {
        "status": "active",
        "authoredOn": _written(now),
        "priorPrescription": {"reference": reference_to(former)},
        "dispenseRequest": supply | {"validityPeriod": _validity(supply, now)},
    }
    kept.pop("extension", None)
    return kept | fresh | ({"extension": extensions} if extensions else {})


def _validity(supply: Resource, now: datetime) -> Resource:
    """From now, for as long as the former one was good for; a year where that is not told."""
    former = supply.get("validityPeriod", {})
    lasts = _USUAL_VALIDITY
    if {"start", "end"} <= former.keys():
        span = period(former)
        lasts = timedelta(microseconds=span.high - span.low)
    today = now.astimezone(ZONE).date()
    until = today + timedelta(days=max(lasts.days - 1, 0))
    return {"start": today.isoformat(), "end": until.isoformat()}


def _written(now: datetime) -> str:
    return now.astimezone(ZONE).isoformat(timespec="seconds")
