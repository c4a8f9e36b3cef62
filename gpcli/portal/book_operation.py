"""`Appointment/$book`: what is sent, and what the answer says (IHE ITI Scheduling 1.0, ITI-117).

The portal answers with a searchset Bundle, alone or as the parameter `return`. One that holds an
OperationOutcome and no Appointment is a refusal, whatever the HTTP status is.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from gpcli.net.door import Answer
from gpcli.portal.doubt import is_success
from gpcli.portal.fhir.element import Element, Malformed, resource

PATH = "Appointment/$book"
STATUS = "pending"
"""What the Appointment of a new booking is sent with, whatever the portal makes of it."""

_CREATED, _UNCLEAR, _UNPROCESSABLE = 201, 500, 422
_ERRORS = frozenset({"error", "fatal"})

_STATUSES = {
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
"""Issue type (R4 IssueType) -> the HTTP status that says the same; others are refusals."""


def book_parameters(appointment: Mapping[str, Any]) -> dict[str, Any]:
    """The Parameters that ask for `appointment`."""
    asked = {"name": "appointment-resource", "resource": {**appointment, "status": STATUS}}
    return {"resourceType": "Parameters", "parameter": [asked]}


def as_create(answer: Answer) -> Answer:
    """The answer to `$book` as one to a create: 201 with the Appointment, or why not.

    One that says neither counts as a fault: nobody knows then what was done.
    """
    if not is_success(answer):
        return answer
    try:
        return _read(answer)
    except Malformed:
        return replace(answer, status=_UNCLEAR, body=None)


def _read(answer: Answer) -> Answer:
    found = list(_inside(resource(answer.body)))
    for one in found:
        if one.kind == "Appointment":
            return replace(answer, status=_CREATED, body=dict(one.json))
    for one in found:
        for code in _refusals(one):
            return replace(answer, status=_STATUSES.get(code, _UNPROCESSABLE), body=dict(one.json))
    return replace(answer, status=_UNCLEAR, body=None)


def _inside(one: Element) -> Iterator[Element]:
    """A resource, or what a Bundle or Parameters holds, however wrapped."""
    lists = {"Bundle": "entry", "Parameters": "parameter"}
    if one.kind not in lists:
        yield one
        return
    for part in one.children(lists[one.kind]):
        if "resource" in part.json:
            yield from _inside(resource(part.json["resource"]))


def _refusals(one: Element) -> Iterator[str]:
    """The types of the errors of an OperationOutcome."""
    issues = one.children("issue") if one.kind == "OperationOutcome" else ()
    return (each.text("code") or "" for each in issues if each.text("severity") in _ERRORS)
