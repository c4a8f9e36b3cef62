"""The operations `$find`, `$hold` and `$book` on Appointment: what is sent, and what they answer.

Source: IHE ITI Scheduling 1.0, ITI-115 to ITI-117.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from gpcli.fhir.element import Element, Malformed, read_resource
from gpcli.http.client import HttpResponse
from gpcli.portal.error_mapping import PROBLEM_SYSTEM

FIND, HOLD, BOOK = "Appointment/$find", "Appointment/$hold", "Appointment/$book"

ACTOR_PARAMETERS = {
    "Practitioner": "practitioner",
    "Location": "location-reference",
    "Organization": "organization",
}
"""Type of an actor that `$find` can be asked by -> the parameter, the narrowest first."""

_OK, _CREATED, _UNCLEAR, _UNPROCESSABLE = 200, 201, 500, 422
_CONFLICT = 409
_ERRORS = frozenset({"error", "fatal"})
_REJECTED = "cancelled"
"""The status of the Appointment that `$hold` and `$book` answer where they refuse."""

_STATUS_OF_ISSUE = {
    "login": 401,
    "expired": 401,
    "security": 403,
    "forbidden": 403,
    "suppressed": 403,
    "not-found": 404,
    "deleted": 404,
    "conflict": 409,
    "duplicate": 409,
    "multiple-matches": 409,
    "exception": _UNCLEAR,
    "incomplete": _UNCLEAR,
    "lock-error": _UNCLEAR,
    "no-store": _UNCLEAR,
    "timeout": _UNCLEAR,
    "transient": _UNCLEAR,
}
"""Issue type (R4 IssueType) -> the HTTP status that says the same; the others are 422."""

_NOT_UNDERSTOOD = frozenset(
    {"invalid", "structure", "required", "value", "invariant", "not-supported", "code-invalid"}
)
"""Issue types of a request whose form is refused, not what it asks for."""


def build_find_body(
    start: datetime,
    end: datetime,
    patient: str,
    actors: Iterable[str] = (),
    visit_types: Iterable[str] = (),
) -> dict[str, Any]:
    """Return the Parameters of `$find`.

    `actors` are references (`Type/id`), of one type: several types mean that all take part.
    `visit_types` are tokens. There is no `_count`: it limits what is found, not the page.
    """
    return _build_parameters(
        {"name": "start", "valueDateTime": start.isoformat(timespec="seconds")},
        {"name": "end", "valueDateTime": end.isoformat(timespec="seconds")},
        {"name": "patient-reference", "valueReference": {"reference": f"Patient/{patient}"}},
        *({"name": "visit-type", "valueString": token} for token in visit_types),
        *(
            {
                "name": ACTOR_PARAMETERS[actor.partition("/")[0]],
                "valueReference": {"reference": actor},
            }
            for actor in actors
        ),
    )


def build_reference_body(appointment: str) -> dict[str, Any]:
    """Return the Parameters that name an Appointment by its id."""
    reference = {"reference": f"Appointment/{appointment}"}
    return _build_parameters({"name": "appointment-reference", "valueReference": reference})


def build_resource_body(appointment: Mapping[str, Any]) -> dict[str, Any]:
    """Return the Parameters that hold a whole Appointment."""
    return _build_parameters({"name": "appointment-resource", "resource": appointment})


def _build_parameters(*parameters: Mapping[str, Any]) -> dict[str, Any]:
    return {"resourceType": "Parameters", "parameter": list(parameters)}


def read_find_response(response: HttpResponse) -> HttpResponse:
    """Return the response to `$find` with the Bundle as its body, or as a refusal.

    The Bundle comes alone or as the parameter `return`. An OperationOutcome with an error and no
    Appointment is a refusal, whatever the HTTP status is.
    """
    if not response.is_success:
        return response
    try:
        root = read_resource(response.body)
        resources = list(_iterate_resources(root))
        refusal = next(_refusals_in(response, resources), None)
        if refusal and not _appointments_in(resources):
            return refusal
        bundle = _find_bundle(root)
    except Malformed:
        return response
    return replace(response, body=dict(bundle.json)) if bundle else response


def read_write_response(response: HttpResponse) -> HttpResponse:
    """Return the response to `$hold` or `$book` as one to a create: 201, or a refusal.

    The portal answers with a searchset Bundle, alone or as the parameter `return`, or with the
    Appointment. An OperationOutcome without an Appointment is a refusal, whatever the HTTP status
    is, and so is an Appointment that is cancelled. An answer that holds neither becomes 500: nobody
    knows then what was done.
    """
    if not response.is_success:
        return response
    try:
        return _read_written(response, list(_iterate_resources(read_resource(response.body))))
    except Malformed:
        return replace(response, status=_UNCLEAR, body=None)


def _read_written(response: HttpResponse, resources: list[Element]) -> HttpResponse:
    refusal = next(_refusals_in(response, resources), None)
    for appointment in _appointments_in(resources):
        if appointment.string("status") != _REJECTED:
            return replace(response, status=_CREATED, body=dict(appointment.json))
        return refusal or _read_rejection(response, appointment, resources)
    return refusal or replace(response, status=_UNCLEAR, body=None)


def _read_rejection(
    response: HttpResponse, appointment: Element, resources: list[Element]
) -> HttpResponse:
    """Return the refusal that a cancelled Appointment means, in the portal's words."""
    outcomes = (each for each in resources if each.resource_type == "OperationOutcome")
    told = next(filter(None, map(_outcome_text, outcomes)), None)
    text = told or appointment.concept_label("cancelationReason") or appointment.string("comment")
    issue = {"severity": "error", "code": "business-rule", "details": {"text": text or ""}}
    body = {"resourceType": "OperationOutcome", "issue": [issue]}
    return replace(response, status=_UNPROCESSABLE, body=body)


def read_cancel_response(response: HttpResponse) -> HttpResponse:
    """Return the response to `$book` with a cancelled Appointment as one to an update."""
    if not response.is_success:
        return response
    try:
        resources = list(_iterate_resources(read_resource(response.body)))
        refusal = next(_refusals_in(response, resources), None)
        found = _appointments_in(resources)
    except Malformed:
        return replace(response, status=_UNCLEAR, body=None)
    if found:
        return replace(response, status=_OK, body=dict(found[0].json))
    return refusal or replace(response, status=_UNCLEAR, body=None)


def is_form_refused(response: HttpResponse) -> bool:
    """Return whether a refusal is of the request's form, such as a parameter that is not known."""
    if response.status == 400:
        return True
    try:
        issues = read_resource(response.body).children("issue")
    except Malformed:
        return False
    codes = {each.string("code") for each in issues if each.string("severity") in _ERRORS}
    return response.status == _UNPROCESSABLE and bool(codes) and codes <= _NOT_UNDERSTOOD


def build_slot_taken(response: HttpResponse, text: str) -> HttpResponse:
    """Return a response that refuses since the time is taken, in the portal's words if it has some.

    `text` is for where it has none.
    """
    try:
        told = _outcome_text(read_resource(response.body))
    except Malformed:
        told = None
    coding = {"system": PROBLEM_SYSTEM, "code": "slot-taken"}
    details = {"coding": [coding], "text": told or text}
    issue = {"severity": "error", "code": "conflict", "details": details}
    body = {"resourceType": "OperationOutcome", "issue": [issue]}
    return replace(response, status=_CONFLICT, body=body)


def _find_bundle(resource: Element) -> Element | None:
    if resource.resource_type == "Bundle":
        return resource
    if resource.resource_type != "Parameters":
        return None
    held = (each.json.get("resource") for each in resource.children("parameter"))
    bundles = (_find_bundle(read_resource(each)) for each in held if each is not None)
    return next(filter(None, bundles), None)


def _iterate_resources(resource: Element) -> Iterator[Element]:
    """Yield a resource, or what a Bundle or Parameters holds, at any depth."""
    lists = {"Bundle": "entry", "Parameters": "parameter"}
    if resource.resource_type not in lists:
        yield resource
        return
    for child in resource.children(lists[resource.resource_type]):
        if "resource" in child.json:
            yield from _iterate_resources(read_resource(child.json["resource"]))


def _appointments_in(resources: Iterable[Element]) -> list[Element]:
    return [each for each in resources if each.resource_type == "Appointment"]


def _refusals_in(response: HttpResponse, resources: Iterable[Element]) -> Iterator[HttpResponse]:
    """Yield a response for each error in the OperationOutcomes, with the status that it means."""
    for resource in resources:
        for issue_type in _iterate_error_types(resource):
            status = _STATUS_OF_ISSUE.get(issue_type, _UNPROCESSABLE)
            yield replace(response, status=status, body=dict(resource.json))


def _iterate_error_types(resource: Element) -> Iterator[str]:
    """Yield the issue types of the errors in an OperationOutcome; nothing for other resources."""
    issues = resource.children("issue") if resource.resource_type == "OperationOutcome" else ()
    return (each.string("code") or "" for each in issues if each.string("severity") in _ERRORS)


def _outcome_text(outcome: Element) -> str | None:
    texts = (
        each.concept_text("details") or each.string("diagnostics")
        for each in outcome.children("issue")
    )
    return next(filter(None, texts), None)
