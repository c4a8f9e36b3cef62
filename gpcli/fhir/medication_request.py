"""MedicationRequest and Task: a prescription, and a request to renew it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta, tzinfo
from enum import Enum
from typing import Any, NamedTuple, TypedDict
from uuid import UUID
from zoneinfo import ZoneInfo

from gpcli.errors import AlreadyAnswered
from gpcli.fhir.bundle import Bundle
from gpcli.fhir.dosage import read_dosing
from gpcli.fhir.element import UUID_SYSTEM, Element, Malformed, Reference, read_period
from gpcli.fhir.linked_record import find_linked_id, read_linked_name
from gpcli.fhir.medication import (
    Dispense,
    is_undispensed,
    read_expiry,
    read_medicine,
    read_remaining,
)
from gpcli.fhir.modifiers import require_known_code
from gpcli.model.prescription import (
    IN_ERROR,
    PROPOSED_INTENTS,
    WITHDRAWABLE,
    Basis,
    Prescription,
    PrescriptionId,
    Remaining,
    Renewal,
    RenewalId,
)

KIND_SYSTEM = "urn:gpcli:prescription-kind"

_FILLABLE = frozenset({"active", "on-hold"})
"""Statuses in which something may remain."""

_TAKEN = frozenset({"active", "completed"})
"""Statuses in which what was handed out is to be taken; a completed one may be fetched in full."""

_NEARLY_EXPIRED = timedelta(days=28)
_FEW_FILLS = 1
_EXPIRED = Remaining(0, Basis.EXPIRED)


def read_prescription(
    request: Element,
    bundle: Bundle,
    dispenses: Sequence[Dispense] | None,
    zone: str,
    now: datetime,
) -> Prescription:
    """Return a MedicationRequest of any status and intent.

    Its `predecessors` hold only the one that it replaces itself; it has no `renewal` or `supply`.
    `dispenses` are those of all prescriptions; `None` means that the portal does not show them.
    `zone` is an IANA name; `now` is aware. What remains is set only for an active or an expired
    prescription, or one on hold.

    Raises:
        Malformed: it can't be told if it is in force, prescribed, or not to be taken.

    Source: R4 MedicationRequest.
    """
    meaning, medicine = _read_meaning(request), read_medicine(request, bundle)
    dosing = read_dosing(request, "dosageInstruction")
    return Prescription(
        id=PrescriptionId(request.require_string("id")),
        name=medicine.name,
        strength=medicine.strength,
        form=medicine.form,
        dose=dosing.dose,
        kind=_read_kind(request),
        group=medicine.group,
        issued=request.written_time("authoredOn"),
        renewal=None,
        zone=zone,
        predecessors=_read_predecessors(request, bundle),
        instructions=dosing.instructions,
        dose_in_detail=dosing.detail,
        **meaning._asdict(),
        **_read_outlook(request, meaning, dispenses, ZoneInfo(zone), now)._asdict(),
        **_read_people(request, bundle),
        **_read_reasons(request, bundle),
    )


def _read_predecessors(request: Element, bundle: Bundle) -> tuple[PrescriptionId, ...]:
    prior = request.link("priorPrescription")
    found = find_linked_id(prior, bundle, request, "MedicationRequest")
    return (PrescriptionId(found),) if found else ()


class _Meaning(NamedTuple):
    """The modifiers of a prescription, as in Prescription."""

    status: str
    intent: str | None
    do_not_take: bool

    @property
    def is_fillable(self) -> bool:
        """Whether something of it can be handed out, now or later."""
        return self._is_to_take and self.status in _FILLABLE

    @property
    def is_taken(self) -> bool:
        """Whether what was handed out of it is to be taken."""
        return self._is_to_take and self.status in _TAKEN

    @property
    def _is_to_take(self) -> bool:
        return self.intent not in PROPOSED_INTENTS and not self.do_not_take


def can_remain(request: Element) -> bool:
    """Return whether something may remain of a MedicationRequest. Raises Malformed."""
    return _read_meaning(request).is_fillable


def can_last(request: Element) -> bool:
    """Return whether what was handed out of a MedicationRequest is to be taken; raise Malformed.

    One that has expired counts as well: what is at home does not expire with it.
    """
    return _read_meaning(request).is_taken


def _read_meaning(request: Element) -> _Meaning:
    """Return what decides about everything else; raise Malformed where it can't be told."""
    strict = request.strictly()
    for name in ("status", "intent"):
        require_known_code(request, name)
    request.expected_string("intent")
    return _Meaning(
        status=strict.require_string("status"),
        intent=strict.string("intent"),
        do_not_take=strict.boolean("doNotPerform") is True,
    )


class _Reasons(TypedDict):
    status_reason: str | None
    reason: str | None
    note: str | None


def _read_reasons(request: Element, bundle: Bundle) -> _Reasons:
    linked = (_read_reason(link, bundle, request) for link in request.links("reasonReference"))
    notes = (note.string("text") for note in request.children("note"))
    return _Reasons(
        status_reason=request.concept_label("statusReason"),
        reason=_join((*request.concept_labels("reasonCode"), *linked)),
        note=_join(notes),
    )


def _read_reason(link: Reference, bundle: Bundle, request: Element) -> str | None:
    """Return the name of a Condition or an Observation, as far as it is told."""
    record = None if link.display else bundle.resolve(link, request)
    return record.concept_label("code") if record else link.display


class _People(TypedDict):
    prescriber: str | None
    prescriber_ref: str | None
    surgery_id: str | None
    recorder: str | None
    reported: bool
    reported_by: str | None


def _read_people(request: Element, bundle: Bundle) -> _People:
    requester, reporter = request.link("requester"), request.link("reportedReference")
    reference = _find_reference(requester, bundle, request)
    return _People(
        prescriber=read_linked_name(requester, bundle, request),
        prescriber_ref=reference,
        surgery_id=_surgery_id(reference, bundle),
        recorder=read_linked_name(request.link("recorder"), bundle, request),
        reported=reporter is not None or request.boolean("reportedBoolean") is True,
        reported_by=read_linked_name(reporter, bundle, request),
    )


def _join(facts: Iterable[str | None]) -> str | None:
    return "; ".join(dict.fromkeys(filter(None, facts))) or None


def _find_reference(link: Reference | None, bundle: Bundle, request: Element) -> str | None:
    """Return the reference `Type/id`, else the target as written; `None` where there is neither."""
    record = bundle.resolve(link, request) if link and not link.target else None
    return record.relative_reference if record else link.target if link else None


class _Outlook(NamedTuple):
    """How long a prescription is valid and what remains of it, as in Prescription."""

    valid_until: str | None
    expired: bool
    remaining: Remaining | None
    low: bool | None


def _read_outlook(
    request: Element,
    meaning: _Meaning,
    dispenses: Sequence[Dispense] | None,
    zone: tzinfo,
    now: datetime,
) -> _Outlook:
    expiry = read_expiry(request)
    valid_until = expiry.written_time("end") if expiry else None
    start, end = read_period(expiry, zone) if expiry else (None, None)
    if end is not None and end < now:
        return _Outlook(valid_until, expired=True, remaining=_EXPIRED, low=False)
    if not meaning.is_fillable:
        return _Outlook(valid_until, expired=False, remaining=None, low=False)
    remaining = read_remaining(request, dispenses)
    low: bool | None = False
    if meaning.status != "active":  # nobody needs more of it while it is on hold
        pass
    elif is_undispensed(request, dispenses):  # a short one that is new would count as nearly over
        low = remaining.fills == 0 if remaining else None
    elif not _is_nearly_expired(start or _read_issued(request, zone), end, now):
        low = remaining.fills <= _FEW_FILLS if remaining else None
    else:
        low = True
    return _Outlook(valid_until, expired=False, remaining=remaining, low=low)


def _is_nearly_expired(start: datetime | None, end: datetime | None, now: datetime) -> bool:
    """Return whether it expires within four weeks, or is short and past half of its time."""
    if end is None:
        return False
    return end - now < (min(_NEARLY_EXPIRED, (end - start) / 2) if start else _NEARLY_EXPIRED)


def _read_issued(request: Element, zone: tzinfo) -> datetime | None:
    period = Element({"start": request.string("authoredOn")}, request.path)
    with suppress(Malformed):  # a flaw already, or a time without a zone
        return read_period(period, zone)[0]
    return None


def _read_kind(request: Element) -> str | None:
    ours = (coding.code for coding in request.codings("category") if coding.system == KIND_SYSTEM)
    return next(filter(None, ours), None)


def _surgery_id(requester: str | None, bundle: Bundle) -> str | None:
    """Return the id of the prescriber's role or organization; `None` where neither is told.

    `requester` is `Type/id`. Which of several roles of a person it was is not told.
    """
    resource_type, _, resource_id = (requester or "").partition("/")
    if resource_type in {"PractitionerRole", "Organization"}:
        return resource_id
    roles = [
        role.require_string("id")
        for role in bundle.of_type("PractitionerRole")
        if requester and role.reference("practitioner") == requester
    ]
    return roles[0] if len(roles) == 1 else None


SNOMED = "http://snomed.info/sct"
RENEWAL_CODE = "103742009"


def is_renewal(task: Element) -> bool:
    """Return whether a Task requests a renewal of a prescription.

    Raises Malformed, also where it has no code and may be about a prescription.
    """
    codes = [coding.code for coding in task.codings("code") if coding.code]
    focus = task.link("focus")
    if not codes and (focus is None or focus.type in {"MedicationRequest", None}):
        raise Malformed(f"it does not tell by a code what is asked for ({task.path}.code)")
    return RENEWAL_CODE in codes


def read_renewal(task: Element, labels: Mapping[str, str], bundle: Bundle, zone: str) -> Renewal:
    """Return a request for a renewal.

    `labels` are the labels of prescriptions by their ids; they go before the display of the Task's
    focus. `bundle` has the prescriptions that a Task may name by an identifier.

    Raises:
        Malformed: it has no status or no id.
    """
    focus = task.link("focus")
    prescription_id = find_linked_id(focus, bundle, task, "MedicationRequest")
    notes = _read_notes(task, bundle)
    surgerys = [note.text for note in notes if note.author is _Author.SURGERY]
    return Renewal(
        id=RenewalId(task.require_string("id")),
        status=task.require_string("status"),
        prescription_id=PrescriptionId(prescription_id) if prescription_id else None,
        prescription=labels.get(prescription_id or "") or (focus.display if focus else None),
        asked=task.date_time("authoredOn"),
        updated=task.date_time("lastModified"),
        note=next((note.text for note in notes if note.author is _Author.PATIENT), None),
        answer=task.concept_label("statusReason") or next(reversed(surgerys), None),
        zone=zone,
        identifiers=task.identifiers(),
        business_status=task.concept_label("businessStatus"),
        notes=tuple(note.text for note in notes),
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
    if note:
        task["note"] = [{"authorReference": {"reference": author}, "text": note}]
    return task


def write_renewal_withdrawal(task: Element) -> dict[str, Any]:
    """Return the Task with the status `cancelled` and everything else unchanged.

    Raises:
        AlreadyAnswered: the surgery has begun to handle it, or it was entered in error.
    """
    if task.string("status") == IN_ERROR:
        raise AlreadyAnswered(
            "It was entered in error: there is no request to take back.",
            hint="gpcli rx requests shows the requests.",
        )
    if task.string("status") not in WITHDRAWABLE:
        raise AlreadyAnswered(
            "The surgery has handled this request already: it can't be withdrawn any more.",
            hint="gpcli rx requests shows the answer.",
        )
    return {**task.json, "status": "cancelled"}


class _Author(Enum):
    PATIENT = "patient"
    SURGERY = "surgery"
    UNKNOWN = "unknown"


_AUTHORS = {
    "Patient": _Author.PATIENT,
    "RelatedPerson": _Author.PATIENT,
    "Practitioner": _Author.SURGERY,
    "PractitionerRole": _Author.SURGERY,
    "Organization": _Author.SURGERY,
}


class _Note(NamedTuple):
    text: str
    author: _Author


def _read_notes(task: Element, bundle: Bundle) -> list[_Note]:
    """Return the notes, oldest first: in the order of their times where all have one."""
    notes = [note for note in task.children("note") if note.string("text")]
    times = [note.date_time("time") for note in notes]
    if all(times):
        in_order = sorted(zip(times, range(len(notes)), strict=True))
        notes = [notes[place] for _, place in in_order]
    return [_Note(note.require_string("text"), _read_author(note, bundle, task)) for note in notes]


def _read_author(note: Element, bundle: Bundle, task: Element) -> _Author:
    """Return who wrote a note, as far as it tells."""
    link = note.link("authorReference")
    if link is None:
        return _Author.UNKNOWN
    record = bundle.resolve(link, task)
    kind = record.resource_type if record else link.type
    return _AUTHORS.get(kind or "", _Author.UNKNOWN)
