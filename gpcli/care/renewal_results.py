"""What the results of a renewal come to together."""

from __future__ import annotations

from collections.abc import Sequence

from gpcli.care.renewal_request import Line
from gpcli.errors import GpcliError, OutcomeUnknown, Partial

SHOWN_BESIDE = (Partial, OutcomeUnknown)
"""The errors that end a command which has shown its results all the same."""

_REQUESTS = "gpcli rx requests shows what is there."


def verdict(lines: Sequence[Line], request_id: str) -> GpcliError | None:
    """What the results come to: nothing wrong, or the error that the command ends with.

    Where all failed in the same way, that; an unknown outcome beats everything else.
    `request_id` is what makes a repetition safe.
    """
    failed = [(line.id, line.error) for line in lines if line.error]
    if not failed:
        return None
    unknown = [(name, error) for name, error in failed if isinstance(error, OutcomeUnknown)]
    if unknown:
        return OutcomeUnknown(
            _each(unknown),
            hint=f"{_REQUESTS} Or repeat it with --request-id {request_id}: "
            "that never does it twice.",
            request_id=request_id,
        )
    if len(failed) < len(lines) or len({error.exit for _, error in failed}) > 1:
        done = len(lines) - len(failed)
        return Partial(f"{done} of {len(lines)} went well. {_each(failed)}", hint=_REQUESTS)
    return _together(failed)


def _together(failed: Sequence[tuple[str, GpcliError]]) -> GpcliError:
    _, first = failed[0]
    if len(failed) == 1:
        return first
    hints = dict.fromkeys(error.hint for _, error in failed if error.hint)
    waits = [error.retry_after for _, error in failed if error.retry_after is not None]
    return type(first)(
        _each(failed),
        hint="\n".join(hints),
        request_id=first.request_id,
        retry_after=max(waits, default=None),
    )


def _each(failed: Sequence[tuple[str, GpcliError]]) -> str:
    """What went wrong with each, named by id: error messages hold no health data."""
    return " ".join(f"{name}: {error.message}" for name, error in failed)
