"""MedicationRequest and Task: a prescription, and a request to renew it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta, tzinfo
from typing import Any, NamedTuple
from uuid import UUID
from zoneinfo import ZoneInfo

from gpcli.errors import AlreadyAnswered
from gpcli.fhir.bundle import Bundle
from gpcli.fhir.element import UUID_SYSTEM, Element, Malformed, read_period
from gpcli.fhir.medication import Dispense, is_untouched, read_expiry, read_medicine, read_remaining
from gpcli.fhir.scheduling import name_behind
from gpcli.model.prescription import (
    WITHDRAWABLE,
    Basis,
    Prescription,
    PrescriptionId,
    Remaining,
    Renewal,
    RenewalId,
)

KIND = "urn:gpcli:prescription-kind"
STATUSES = ("active", "completed", "stopped")
INTENTS = ("order", "plan")

_NEARLY_OVER = timedelta(days=28)
_FEW_FILLS = 1
_EXPIRED = Remaining(0, Basis.EXPIRED)


def read_prescription(
    request: Element,
    bundle: Bundle,
    handed_out: Sequence[Dispense] | None,
    zone: str,
    now: datetime,
) -> Prescription | None:
    """One MedicationRequest; `None` for one of a status or an intent that nobody asked for.

    Its `predecessors` hold only the one that it replaces itself, and it has no `renewal` yet.
    `handed_out` `None` = the portal does not tell. What is left is told only of an active one.
    Raises Malformed.
    """
    if not _is_asked_for(request):
        return None
    supply = _supply(request, handed_out, ZoneInfo(zone), now)
    medicine, requester = read_medicine(request, bundle), request.reference("requester")
    prior = request.reference("priorPrescription")
    return Prescription(
        id=PrescriptionId(request.need("id")),
        name=medicine.name,
        strength=medicine.strength,
        form=medicine.form,
        dose=_dose(request),
        kind=_kind(request),
        group=medicine.group,
        status=request.need("status"),
        prescriber=_prescriber(request, bundle),
        issued=request.text("authoredOn"),
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


def _is_asked_for(request: Element) -> bool:
    intent = request.text("intent")
    return request.need("status") in STATUSES and (intent is None or intent in INTENTS)


class _Supply(NamedTuple):
    """How long a prescription is good, and for how much, as in Prescription."""

    valid_until: str | None
    expired: bool
    remaining: Remaining | None
    low: bool


def _supply(
    request: Element, handed_out: Sequence[Dispense] | None, zone: tzinfo, now: datetime
) -> _Supply:
    expiry = read_expiry(request)
    written = expiry.text("end") if expiry else None
    start, end = read_period(expiry, zone) if expiry else (None, None)
    if end is not None and end < now:
        return _Supply(written, expired=True, remaining=_EXPIRED, low=False)
    if request.text("status") != "active":
        return _Supply(written, expired=False, remaining=None, low=False)
    remaining = read_remaining(request, handed_out)
    if is_untouched(request, handed_out):  # else what was just renewed may run out at once
        low = remaining is not None and remaining.fills == 0
    else:
        low = _has_few(remaining) or _is_nearly_over(start or _issued(request, zone), end, now)
    return _Supply(written, expired=False, remaining=remaining, low=low)


def _has_few(remaining: Remaining | None) -> bool:
    return remaining is not None and remaining.fills <= _FEW_FILLS


def _is_nearly_over(start: datetime | None, end: datetime | None, now: datetime) -> bool:
    """Whether it ends within four weeks; one of less than eight weeks, in its second half."""
    if end is None:
        return False
    return end - now < (min(_NEARLY_OVER, (end - start) / 2) if start else _NEARLY_OVER)


def _issued(request: Element, zone: tzinfo) -> datetime | None:
    period = Element({"start": request.text("authoredOn")}, request.path)
    with suppress(Malformed):  # it is shown as written, whatever that is
        return read_period(period, zone)[0]
    return None


def _dose(request: Element) -> str | None:
    told = (
        each.text("text") or each.text("patientInstruction")
        for each in request.children("dosageInstruction")
    )
    return "; ".join(filter(None, told)) or None


def _kind(request: Element) -> str | None:
    ours = (coding.code for coding in request.codings("category") if coding.system == KIND)
    return next(filter(None, ours), None)


def _prescriber(request: Element, bundle: Bundle) -> str | None:
    requester, reference = request.child("requester"), request.reference("requester")
    if requester is None:
        return None
    return requester.text("display") or (name_behind(reference, bundle) if reference else None)


def _surgery_id(requester: str | None, bundle: Bundle) -> str | None:
    """The prescriber as one of the patient's GPs: a role, or somebody who has one."""
    kind, _, identity = (requester or "").partition("/")
    if kind in {"PractitionerRole", "Organization"}:
        return identity
    roles = (
        role
        for role in bundle.of("PractitionerRole")
        if role.reference("practitioner") == requester
    )
    return next((role.need("id") for role in roles if requester), None)


SNOMED = "http://snomed.info/sct"
RENEWING = "103742009"

_SURGERYS = ("Practitioner", "Organization")
"""How references to those who answer begin."""


def is_renewal(task: Element) -> bool:
    """Whether a Task asks to renew a prescription; raises Malformed."""
    coded = any(coding.code == RENEWING for coding in task.codings("code"))
    return coded and task.text("status") != "entered-in-error"


def read_renewal(task: Element, labels: Mapping[str, str], zone: str) -> Renewal:
    """One request; raises Malformed.

    `labels` are the names of prescriptions by their ids, for one whose name the Task doesn't give.
    """
    focus, identity = task.child("focus"), _prescription(task)
    return Renewal(
        id=RenewalId(task.need("id")),
        status=task.need("status"),
        prescription_id=PrescriptionId(identity) if identity else None,
        prescription=labels.get(identity or "") or (focus.text("display") if focus else None),
        asked=_instant(task, "authoredOn"),
        updated=_instant(task, "lastModified"),
        note=next(_notes(task, by_surgery=False), None),
        answer=task.phrase("statusReason") or next(_notes(task, by_surgery=True), None),
        zone=zone,
        identifiers=tuple(filter(None, (i.text("value") for i in task.children("identifier")))),
    )


def write_renewal(
    prescription: Prescription,
    patient: str,
    author: str,
    note: str | None,
    intent: UUID,
    now: datetime,
) -> dict[str, Any]:
    """A Task that asks the prescriber to renew; `author` is the reference of who asks."""
    focus = {"reference": f"MedicationRequest/{prescription.id}", "display": prescription.label}
    task: dict[str, Any] = {
        "resourceType": "Task",
        "identifier": [{"system": UUID_SYSTEM, "value": intent.urn}],
        "status": "requested",
        "intent": "order",
        "code": {"coding": [{"system": SNOMED, "code": RENEWING}]},
        "focus": focus,
        "for": {"reference": f"Patient/{patient}"},
        "authoredOn": now.isoformat(timespec="seconds"),
        "requester": {"reference": author},
    }
    prescriber = prescription.prescriber_ref or ""
    if prescriber.startswith("Practitioner"):
        task["owner"] = {"reference": prescriber}
    return {**task, "note": [{"text": note}]} if note else task


def write_withdrawn(task: Element) -> dict[str, Any]:
    """The same Task, cancelled; everything else stays as it was.

    Raises AlreadyAnswered for one that the surgery has begun to handle.
    """
    if task.text("status") not in WITHDRAWABLE:
        raise AlreadyAnswered(
            "The surgery has handled this request already: it can't be withdrawn any more.",
            hint="gpcli rx requests shows the answer.",
        )
    return {**task.json, "status": "cancelled"}


def _prescription(task: Element) -> str | None:
    kind, _, identity = (task.reference("focus") or "").partition("/")
    return identity if kind == "MedicationRequest" else None


def _notes(task: Element, *, by_surgery: bool) -> Iterator[str]:
    """What one side has written: the patient's first words, the surgery's last."""
    notes = task.children("note")
    for note in reversed(notes) if by_surgery else notes:
        text = note.text("text")
        author = note.reference("authorReference") or ""
        if text and author.startswith(_SURGERYS) is by_surgery:
            yield text


def _instant(task: Element, name: str) -> datetime | None:
    """A dateTime that has a time; R4 also allows a day, a month or a year alone."""
    return task.instant(name) if "T" in (task.text(name) or "") else None
