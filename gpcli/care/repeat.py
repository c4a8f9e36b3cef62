"""A request id that was used before: for something else, or for what was undone since."""

from __future__ import annotations

from gpcli.errors import Conflict
from gpcli.model.appointment import Appointment

_UNDONE = frozenset({"cancelled", "entered-in-error"})
_ANEW = "Use a new --request-id for a new request."


def used_otherwise(what: str) -> Conflict:
    """The error for a request id that made something else: `what`, so that it can be looked up."""
    return Conflict(
        f"This --request-id was used for something else: {what}.",
        hint=_ANEW,
    )


def require_standing(earlier: Appointment) -> None:
    """Raise Conflict where what a request id made before has been undone since."""
    if earlier.status in _UNDONE:
        raise Conflict(
            f"This --request-id was used before: {earlier.id} is {earlier.status} now.", hint=_ANEW
        )
