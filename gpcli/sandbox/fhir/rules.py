"""What patients may write, type by type: the table, and the rules of Consent and Slot."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from gpcli.sandbox.fhir import bookings, documents, renewals, threads
from gpcli.sandbox.fhir.consent import LEVEL_SYSTEM, LEVELS, has_full_access
from gpcli.sandbox.fhir.desk import Desk
from gpcli.sandbox.fhir.elements import Resource, changed, codes, reference_to, references
from gpcli.sandbox.fhir.outcome import Problem, broken_rule, forbidden

Create = Callable[[Desk, Resource], Resource]
"""The resource sent becomes the one stored; raises Problem."""
Change = Callable[[Desk, Resource, Resource], Resource]
"""The resource stored and the one sent become the one stored next; raises Problem."""


@dataclass(frozen=True)
class Rules:
    """How a patient's app may create and change resources of a type."""

    create: Create
    change: Change


def _grant_consent(desk: Desk, sent: Resource) -> Resource:
    _require_oneself(desk)
    if references(sent, "patient") != [desk.grant.own]:
        raise forbidden("You can only consent for yourself.")
    given = codes(sent.get("policyRule"), LEVEL_SYSTEM)
    if sent["status"] != "active" or len(given) != 1 or given[0] not in LEVELS:
        text = f"A consent is active and for one level: {', '.join(LEVELS)}."
        raise broken_rule(text, "Consent.policyRule")
    return desk.store.insert(sent)


def _withdraw_consent(desk: Desk, stored: Resource, sent: Resource) -> Resource:
    _require_oneself(desk)
    different = changed(stored, sent)
    if not different:
        return stored
    if different != ["status"] or (stored["status"], sent["status"]) != ("active", "inactive"):
        raise broken_rule("All you can change is to withdraw: status inactive.", "Consent.status")
    had_full_access = has_full_access(desk.store, desk.grant.patient)
    withdrawn = desk.store.put(stored | {"status": "inactive"})
    if had_full_access and not has_full_access(desk.store, desk.grant.patient):
        bookings.delete_open_enquiries(desk)
    return withdrawn


def _require_oneself(desk: Desk) -> None:
    if desk.grant.fhir_user != desk.grant.own:
        raise forbidden("Only the patient can give or withdraw consent, nobody on their behalf.")


def _mark_slot(desk: Desk, stored: Resource, sent: Resource) -> Resource:
    """Let the app say busy of a slot that the patient has booked.

    Where a POST takes the time, the portal has said so itself.
    """
    different = changed(stored, sent)
    if different not in ([], ["status"]) or not sent["status"].startswith("busy"):
        raise broken_rule("All you can do to a time is to book it.", "Slot.status")
    booked = desk.store.find("Appointment", slot=reference_to(stored), patient=desk.grant.own)
    if not any(each["status"] in ("pending", "booked") for each in booked):
        raise broken_rule("A time is taken by booking it in an Appointment.", "Slot.status")
    if desk.portal.booking != "transaction" or stored["status"] != "free":
        return stored
    return desk.store.put(stored | {"status": sent["status"]})


def _not_created(desk: Desk, sent: Resource) -> Resource:
    raise Problem(405, "not-supported", f"Apps do not create {sent['resourceType']} here.")


def _not_changed(desk: Desk, stored: Resource, sent: Resource) -> Resource:
    raise Problem(405, "not-supported", f"Apps do not change {sent['resourceType']} here.")


RULES: Mapping[str, Rules] = {
    "Appointment": Rules(bookings.create, bookings.change),
    "Binary": Rules(documents.keep, _not_changed),
    "Communication": Rules(threads.create, threads.change),
    "Consent": Rules(_grant_consent, _withdraw_consent),
    "DocumentReference": Rules(documents.describe, _not_changed),
    "Slot": Rules(_not_created, _mark_slot),
    "Task": Rules(renewals.create, renewals.change),
}
"""The types that patients' apps may write."""
