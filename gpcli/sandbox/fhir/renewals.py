"""What a patient may do with Tasks: ask for a prescription to be renewed, and withdraw that."""

from gpcli.sandbox.fhir.desk import Desk
from gpcli.sandbox.fhir.elements import (
    Resource,
    changed,
    codes,
    id_of,
    reference_to,
    references,
    values,
)
from gpcli.sandbox.fhir.limits import limits_of
from gpcli.sandbox.fhir.outcome import broken_rule, forbidden
from gpcli.sandbox.fhir.prescriptions import OPEN, RENEWAL, SNOMED, obstacle
from gpcli.sandbox.fhir.services import GP, gps_of, require

_WITHDRAWABLE = ("requested", "received")
_SERVICE = "prescription-renewal"
_CHANGED_BY_WITHDRAWING = {"status", "statusReason", "lastModified"}


def create(desk: Desk, sent: Resource) -> Resource:
    """Ask for a renewal; returns the Task as it stands then.

    Raises Problem: 403 (for another patient or in another's name, `service-off`), 404 (no such
    prescription), 422 (`not-renewable`, asked for already, a rule of the form).
    """
    _require_own(desk, sent)
    _require_renewal(sent)
    prescription = _prescription(desk, sent)
    _require_service(desk, sent, prescription)
    why_not = obstacle(desk.store, prescription, desk.portal.clock.now())
    if why_not:
        raise broken_rule(why_not, "Task.focus", reason="not-renewable")
    _require_first(desk, prescription)
    stored = desk.store.insert({"authoredOn": _now(desk)} | sent)
    desk.portal.surgery.expect(stored)
    return desk.store.get("Task", stored["id"]) or stored


def change(desk: Desk, stored: Resource, sent: Resource) -> Resource:
    """Withdraw a request that nobody has begun to deal with: the one change there is.

    Raises Problem 422 (`already-answered`, or something else was changed).
    """
    different = set(changed(stored, sent))
    if not different:
        return stored
    if "status" in different and stored["status"] not in _WITHDRAWABLE:
        text = f"This request is {stored['status']}: it can't be withdrawn."
        raise broken_rule(text, "Task.status", reason="already-answered")
    if not different <= _CHANGED_BY_WITHDRAWING or sent["status"] != "cancelled":
        text = "All you can change is to withdraw: status cancelled."
        raise broken_rule(text, *sorted(f"Task.{name}" for name in different))
    desk.portal.surgery.forget(reference_to(stored))
    told = {name: sent[name] for name in ("status", "statusReason") if name in sent}
    return desk.store.put(stored | {"lastModified": _now(desk)} | told)


def _now(desk: Desk) -> str:
    return desk.portal.clock.local().isoformat(timespec="seconds")


def _require_own(desk: Desk, sent: Resource) -> None:
    if references(sent, "for") != [desk.grant.own]:
        raise forbidden("A request of yours must be for you.")
    if references(sent, "requester") != [desk.grant.fhir_user]:
        raise forbidden("The requester is whoever is signed in.")


def _require_renewal(sent: Resource) -> None:
    if RENEWAL not in codes(sent.get("code"), SNOMED):
        text = f"What can be asked for is a renewal: {SNOMED}|{RENEWAL}."
        raise broken_rule(text, "Task.code")
    if (sent["status"], sent["intent"]) != ("requested", "order"):
        raise broken_rule("A new request is requested, an order.", "Task.status", "Task.intent")


def _prescription(desk: Desk, sent: Resource) -> Resource:
    named = references(sent, "focus", "MedicationRequest")
    found = desk.store.get("MedicationRequest", id_of(named[0])) if named else None
    if found is None:
        raise broken_rule("Name the prescription as its focus.", "Task.focus")
    return found


def _require_service(desk: Desk, sent: Resource, prescription: Resource) -> None:
    """Raise 403 `service-off` unless the GP renews online, 422 if the note is too long."""
    now = desk.portal.clock.now()
    able = require(_asked_gps(desk, sent, prescription), [_SERVICE], now)
    limits = limits_of(each for gp in able for each in gp.offering(_SERVICE, now))
    limits.require_text("\n".join(values(sent, "note.text")), "Task.note")


def _asked_gps(desk: Desk, sent: Resource, prescription: Resource) -> list[GP]:
    """The patient's GP who is asked: the owner, or who prescribed it, or else any of them."""
    gps = gps_of(desk.store, desk.grant.patient)
    owners = references(sent, "owner")
    if owners:
        return [gp for gp in gps if gp.reference in owners]
    prescribers = references(prescription, "requester")
    return [gp for gp in gps if _is_among(gp, prescribers)] or gps


def _is_among(gp: GP, prescribers: list[str]) -> bool:
    return bool({gp.reference, *references(gp.role, "practitioner")} & set(prescribers))


def _require_first(desk: Desk, prescription: Resource) -> None:
    asked = desk.store.find("Task", focus=reference_to(prescription))
    if any(each["status"] in OPEN and RENEWAL in codes(each.get("code"), SNOMED) for each in asked):
        text = "You have asked for this already: the surgery has yet to answer."
        raise broken_rule(text, "Task.focus")
