"""Refusals, as an exception that becomes an OperationOutcome (FHIR R4, http.html#2.21.0.4)."""

from collections.abc import Mapping, Sequence

from gpcli.sandbox.fhir.elements import Resource

REASONS = "urn:gpcli:problem"
"""The code system of the reasons a client acts on: `slot-taken`, `consent-needed`, ..."""


class Problem(Exception):
    """The request is refused: HTTP `status`, issue type `code`, a sentence for the patient.

    `reason` is a code of `urn:gpcli:problem`, where there is one; `expression` says where in the
    resource sent; `headers` go with the answer.
    """

    def __init__(
        self,
        status: int,
        code: str,
        text: str,
        *,
        reason: str = "",
        expression: Sequence[str] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(text)
        self.status = status
        self.code = code
        self.text = text
        self.reason = reason
        self.expression = tuple(expression)
        self.headers = dict(headers or {})

    def outcome(self) -> Resource:
        """The OperationOutcome that says so."""
        details: Resource = {"text": self.text}
        if self.reason:
            details["coding"] = [{"system": REASONS, "code": self.reason}]
        return outcome("error", self.code, details, self.expression)


def outcome(
    severity: str, code: str, details: Resource, expression: Sequence[str] = ()
) -> Resource:
    """An OperationOutcome of one issue."""
    issue: Resource = {"severity": severity, "code": code, "details": details}
    if expression:
        issue["expression"] = list(expression)
    return {"resourceType": "OperationOutcome", "issue": [issue]}


def broken_rule(text: str, *expression: str, reason: str = "") -> Problem:
    """422: the request is well formed, but the portal's rules forbid it."""
    return Problem(422, "business-rule", text, reason=reason, expression=expression)


def forbidden(text: str, *, reason: str = "") -> Problem:
    """403: not for this person, or not with this sign-in."""
    return Problem(403, "forbidden", text, reason=reason)


def bad_request(text: str, code: str = "invalid") -> Problem:
    """400: the request can't be understood."""
    return Problem(400, code, text)
