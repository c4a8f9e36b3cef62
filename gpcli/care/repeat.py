"""A request id that was used before, for something else."""

from __future__ import annotations

from gpcli.errors import Conflict


def used_otherwise(what: str) -> Conflict:
    """The error for a request id that made something else: `what`, so that it can be looked up."""
    return Conflict(
        f"This --request-id was used for something else: {what}.",
        hint="Use a new --request-id for a new request.",
    )
