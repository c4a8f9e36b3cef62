"""Refuse requests with an error that becomes an OperationOutcome.

Source: FHIR R4, operationoutcome.html and http.html#2.21.0.4.
"""

from collections.abc import Mapping, Sequence

from gpcli.sandbox.fhir.elements import Resource

REASON_SYSTEM = "urn:gpcli:problem"
"""The code system of reasons on which clients act, such as `slot-taken`."""


class FhirError(Exception):
    """A refused request.

    `status` is the HTTP status, `code` the issue type, `text` a sentence for the patient. `reason`
    is a code of `urn:gpcli:problem`, or empty; `expression` are FHIRPaths into the submitted
    resource; `headers` are added to the response.
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

    def to_operation_outcome(self) -> Resource:
        """Return the OperationOutcome of the error."""
        details: Resource = {"text": self.text}
        if self.reason:
            details["coding"] = [{"system": REASON_SYSTEM, "code": self.reason}]
        return operation_outcome("error", self.code, details, self.expression)


def operation_outcome(
    severity: str, code: str, details: Resource, expression: Sequence[str] = ()
) -> Resource:
    """Return an OperationOutcome with one issue."""
    issue: Resource = {"severity": severity, "code": code, "details": details}
    if expression:
        issue["expression"] = list(expression)
    return {"resourceType": "OperationOutcome", "issue": [issue]}


def unprocessable(text: str, *expression: str, reason: str = "") -> FhirError:
    """Return a 422 error: well formed, but against the portal's rules."""
    return FhirError(422, "business-rule", text, reason=reason, expression=expression)


def forbidden(text: str, *, reason: str = "") -> FhirError:
    """Return a 403 error: not allowed for this person or this token."""
    return FhirError(403, "forbidden", text, reason=reason)


def bad_request(text: str, code: str = "invalid") -> FhirError:
    """Return a 400 error: malformed."""
    return FhirError(400, code, text)
