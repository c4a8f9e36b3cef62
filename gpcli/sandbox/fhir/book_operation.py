"""`Appointment/$book`, for a portal where times are booked so (IHE ITI Scheduling 1.0, ITI-117)."""

from dataclasses import replace

from gpcli.sandbox.fhir.desk import Desk
from gpcli.sandbox.fhir.elements import Resource, reference_to
from gpcli.sandbox.fhir.interactions import Answer, create
from gpcli.sandbox.fhir.outcome import Problem, bad_request, broken_rule

DEFINITION = "https://profiles.ihe.net/ITI/Scheduling/OperationDefinition/appointment-book"
NAME = "book"
_PARAMETER = "appointment-resource"
_REFUSALS = (409, 422)
"""What the operation answers in its own form: a Bundle that holds only an OperationOutcome."""


def book(desk: Desk, sent: Resource) -> Answer:
    """Book the time of the one Appointment in the Parameters: 200, also where it is refused.

    Raises Problem 400 for other bodies, 403, and 404 where the portal has no such operation.
    """
    if desk.portal.booking != "operation":
        raise Problem(404, "not-found", "The portal has nothing at this address.")
    asked = _asked(sent)
    try:
        made = _booked(desk, asked)
    except Problem as problem:
        if problem.status not in _REFUSALS:
            raise
        return _answer(0, {"resource": problem.outcome(), "search": {"mode": "outcome"}})
    address = f"{desk.base}/{reference_to(made)}"
    return _answer(1, {"fullUrl": address, "resource": made, "search": {"mode": "match"}})


def _asked(sent: Resource) -> Resource:
    listed = sent.get("parameter") if sent["resourceType"] == "Parameters" else None
    parameters = listed if isinstance(listed, list) else []
    named = [each for each in parameters if isinstance(each, dict) and each.get("name")]
    asked = [each.get("resource") for each in named if each["name"] == _PARAMETER]
    if len(asked) != 1 or not isinstance(asked[0], dict):
        raise bad_request(f"$book takes Parameters with one {_PARAMETER}.", "required")
    return asked[0]


def _booked(desk: Desk, asked: Resource) -> Resource:
    """Booked by the rules of a POST at a portal that takes them."""
    if asked.get("status") != "pending" or "slot" not in asked:
        raise broken_rule("What is booked here is pending, with its slot.", "Appointment.status")
    by_post = replace(desk, portal=replace(desk.portal, booking="post"))
    made = create(by_post, "Appointment", asked).resource
    return made or {}


def _answer(total: int, entry: Resource) -> Answer:
    bundle: Resource = {"resourceType": "Bundle", "type": "searchset", "total": total}
    return Answer(200, bundle | {"entry": [entry]})
