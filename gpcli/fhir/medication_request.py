"""MedicationRequest and Task: a prescription, and a request to renew it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta, tzinfo
from typing import Any, NamedTuple
from uuid import UUID
from zoneinfo import ZoneInfo

from gpcli.errors import AlreadyAnswered
from gpcli.fhir.actors import practitioner_name
from gpcli.fhir.bundle import Bundle
from gpcli.fhir.element import UUID_SYSTEM, Element, Malformed, read_period
from gpcli.fhir.medication import (
    Dispense,
    is_undispensed,
    read_expiry,
    read_medicine,
    read_remaining,
)
from gpcli.model.prescription import (
    WITHDRAWABLE,
    Basis,
    Prescription,
    PrescriptionId,
    Remaining,
    Renewal,
    RenewalId,
)

KIND_SYSTEM = "urn:gpcli:prescription-kind"
STATUSES = ("active", "completed", "stopped")
"""The MedicationRequest.status values that are searched for."""
INTENTS = ("order", "plan")
"""The MedicationRequest.intent values that are searched for."""

_NEARLY_EXPIRED = timedelta(days=28)
_FEW_FILLS = 1
_EXPIRED = Remaining(0, Basis.EXPIRED)


def read_prescription(
    request: Element,
    bundle: Bundle,
    dispenses: Sequence[Dispense] | None,
    zone: str,
    now: datetime,
) -> Prescription | None:
    """Return a MedicationRequest; `None` for a status or an intent that is not searched for.

    Its `predecessors` hold only the one that it replaces itself, and its `renewal` is `None`.
    `dispenses` are those of all prescriptions; `None` means that the portal does not show them.
    `zone` is an IANA name; `now` is aware. What remains is set only for an active or an expired
    prescription. Raises Malformed.
    """
    if not _is_searched_for(request):
        return None
    supply = _read_supply(request, dispenses, ZoneInfo(zone), now)
    medicine, requester = read_medicine(request, bundle), request.reference("requester")
    prior = request.reference("priorPrescription")
    return Prescription(
        id=PrescriptionId(request.require_string("id")),
        name=medicine.name,
        strength=medicine.strength,
        form=medicine.form,
        dose=_read_dose(request),
        kind=_read_kind(request),
        group=medicine.group,
        status=request.require_string("status"),
        prescriber=_read_prescriber(request, bundle),
        issued=request.string("authoredOn"),
        valid_until=supply.valid_until,
        expired=supply.expired,
        remaining=supply.remaining,
        low=supply.low,
        renewal=None,
        zone=zone,
        predecessors=(prior.partition("/")[2],) if prior else (),
        surgery_id=_surgery_id(requester, bundle),
        prescriber_ref=requester,
    )


def _is_searched_for(request: Element) -> bool:
    intent = request.string("intent")
    return request.require_string("status") in STATUSES and (intent is None or intent in INTENTS)


class _Supply(NamedTuple):
    """How long a prescription is valid and what remains of it, as in Prescription."""

    valid_until: str | None
    expired: bool
    remaining: Remaining | None
    low: bool


def _read_supply(
    request: Element, dispenses: Sequence[Dispense] | None, zone: tzinfo, now: datetime
) -> _Supply:
    expiry = read_expiry(request)
    valid_until = expiry.string("end") if expiry else None
    start, end = read_period(expiry, zone) if expiry else (None, None)
    if end is not None and end < now:
        return _Supply(valid_until, expired=True, remaining=_EXPIRED, low=False)
    if request.string("status") != "active":
        return _Supply(valid_until, expired=False, remaining=None, low=False)
    remaining = read_remaining(request, dispenses)
    if is_undispensed(request, dispenses):  # a short one that is new would count as nearly expired
        low = remaining is not None and remaining.fills == 0
    else:
        low = _has_few_fills(remaining) or _is_nearly_expired(
            start or _read_issued(request, zone), end, now
        )
    return _Supply(valid_until, expired=False, remaining=remaining, low=low)


def _has_few_fills(remaining: Remaining | None) -> bool:
    return remaining is not None and remaining.fills <= _FEW_FILLS


def _is_nearly_expired(start: datetime | None, end: datetime | None, now: datetime) -> bool:
    """Return whether it expires within four weeks, or is short and past half of its time."""
    if end is None:
        return False
    return end - now < (min(_NEARLY_EXPIRED, (end - start) / 2) if start else _NEARLY_EXPIRED)


def _read_issued(request: Element, zone: tzinfo) -> datetime | None:
    period = Element({"start": request.string("authoredOn")}, request.path)
    with suppress(Malformed):  # shown as written in any case
        return read_period(period, zone)[0]
    return None


def _read_dose(request: Element) -> str | None:
    doses = (
        dosage.string("text") or dosage.string("patientInstruction")
        for dosage in request.children("dosageInstruction")
    )
    return "; ".join(filter(None, doses)) or None


def _read_kind(request: Element) -> str | None:
    ours = (coding.code for coding in request.codings("category") if coding.system == KIND_SYSTEM)
    return next(filter(None, ours), None)


def _read_prescriber(request: Element, bundle: Bundle) -> str | None:
    requester, reference = request.child("requester"), request.reference("requester")
    if requester is None:
        return None
    return requester.string("display") or (
        practitioner_name(reference, bundle) if reference else None
    )


def _surgery_id(requester: str | None, bundle: Bundle) -> str | None:
    """Return the id of the prescriber's role or organization; `None` where there is neither."""
    resource_type, _, resource_id = (requester or "").partition("/")
    if resource_type in {"PractitionerRole", "Organization"}:
        return resource_id
    roles = (
        role
        for role in bundle.of_type("PractitionerRole")
        if role.reference("practitioner") == requester
    )
    return next((role.require_string("id") for role in roles if requester), None)


SNOMED = "http://snomed.info/sct"
RENEWAL_CODE = "103742009"

_SURGERY_TYPES = ("Practitioner", "Organization")
"""How references to the surgery begin."""


def is_renewal(task: Element) -> bool:
    """Return whether a Task requests a renewal of a prescription. Raises Malformed."""
    coded = any(coding.code == RENEWAL_CODE for coding in task.codings("code"))
    return coded and task.string("status") != "entered-in-error"


def read_renewal(task: Element, labels: Mapping[str, str], zone: str) -> Renewal:
    """Return a request for a renewal. Raises Malformed.

    `labels` are the labels of prescriptions by their ids; they go before the display of the Task's
    focus.
    """
    focus, prescription_id = task.child("focus"), _prescription_id(task)
    return Renewal(
        id=RenewalId(task.require_string("id")),
        status=task.require_string("status"),
        prescription_id=PrescriptionId(prescription_id) if prescription_id else None,
        prescription=labels.get(prescription_id or "")
        or (focus.string("display") if focus else None),
        asked=task.date_time("authoredOn"),
        updated=task.date_time("lastModified"),
        note=next(_read_notes(task, by_surgery=False), None),
        answer=task.concept_text("statusReason") or next(_read_notes(task, by_surgery=True), None),
        zone=zone,
        identifiers=task.identifiers(),
    )


def write_renewal(
    prescription: Prescription,
    patient: str,
    author: str,
    note: str | None,
    intent: UUID,
    now: datetime,
) -> dict[str, Any]:
    """Return a Task that asks the prescriber to renew.

    `patient` is an id, `author` the reference (`Type/id`) of who asks.
    """
    focus = {"reference": f"MedicationRequest/{prescription.id}", "display": prescription.label}
    task: dict[str, Any] = {
        "resourceType": "Task",
        "identifier": [{"system": UUID_SYSTEM, "value": intent.urn}],
        "status": "requested",
        "intent": "order",
        "code": {"coding": [{"system": SNOMED, "code": RENEWAL_CODE}]},
        "focus": focus,
        "for": {"reference": f"Patient/{patient}"},
        "authoredOn": now.isoformat(timespec="seconds"),
        "requester": {"reference": author},
    }
    prescriber = prescription.prescriber_ref or ""
    if prescriber.startswith("Practitioner"):
        task["owner"] = {"reference": prescriber}
    return {**task, "note": [{"text": note}]} if note else task


def write_renewal_withdrawal(task: Element) -> dict[str, Any]:
    """Return the Task with the status `cancelled` and everything else unchanged.

    Raises:
        AlreadyAnswered: the surgery has begun to handle it.
    """
    if task.string("status") not in WITHDRAWABLE:
        raise AlreadyAnswered(
            "The surgery has handled this request already: it can't be withdrawn any more.",
            hint="gpcli rx requests shows the answer.",
        )
    return {**task.json, "status": "cancelled"}


def _prescription_id(task: Element) -> str | None:
    resource_type, _, resource_id = (task.reference("focus") or "").partition("/")
    return resource_id if resource_type == "MedicationRequest" else None


def _read_notes(task: Element, *, by_surgery: bool) -> Iterator[str]:
    """Yield the notes of the patient, oldest first, or of the surgery, newest first."""
    notes = task.children("note")
    for note in reversed(notes) if by_surgery else notes:
        text = note.string("text")
        author = note.reference("authorReference") or ""
        if text and author.startswith(_SURGERY_TYPES) is by_surgery:
            yield text
