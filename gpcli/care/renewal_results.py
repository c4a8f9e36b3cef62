"""What the results of a renewal come to together."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from gpcli.care.renewal_request import Line
from gpcli.errors import GpcliError, OutcomeUnknown, Partial

SHOWN_BESIDE = (Partial, OutcomeUnknown)
"""The errors that end a command which has shown its results all the same."""

NOT_ASKED = "not asked for"

_REQUESTS = "gpcli rx requests shows what is there."
_SETTLED = {
    "completed": "renewed",
    "rejected": "refused",
    "failed": "failed",
    "cancelled": "withdrawn",
}


def verdict(lines: Sequence[Line], request_id: str) -> GpcliError | None:
    """What the results come to: nothing wrong, or the error that the command ends with.

    A refusal by the surgery is an answer, and no error. Where all failed in the same way, that; an
    unknown outcome beats everything else. `request_id` is what makes a repetition safe.
    """
    failed = [(line.id, line.error) for line in lines if line.error]
    if not failed:
        return None
    unknown = [(name, error) for name, error in failed if isinstance(error, OutcomeUnknown)]
    if unknown:
        hint = unknown[0][1].hint
        return OutcomeUnknown(_each(unknown), hint=hint, request_id=request_id)
    if len(failed) < len(lines) or len({error.exit for _, error in failed}) > 1:
        return Partial(f"{_counted(lines)}. {_each(failed)}", hint=_REQUESTS)
    return _together(failed)


def result_words(line: Line) -> str:
    """How one line ended, in a word or a few: `asked for`, `refused`, `renewed before`."""
    if line.renewal is None:
        return NOT_ASKED
    if line.renewal.id is None:
        return "not sent"
    words = _SETTLED.get(line.renewal.status, "asked for")
    return words if line.changed else f"{words} before"


def _counted(lines: Sequence[Line]) -> str:
    """How many ended in which way: what is new, what was there before, what failed."""
    in_order = sorted(lines, key=lambda line: (line.error is not None, not line.changed))
    counted = Counter(result_words(line) for line in in_order)
    return ", ".join(f"{count} {words}" for words, count in counted.items())


def _together(failed: Sequence[tuple[str, GpcliError]]) -> GpcliError:
    _, first = failed[0]
    if len(failed) == 1:
        return first
    hints = dict.fromkeys(error.hint for _, error in failed if error.hint)
    waits = [error.retry_after for _, error in failed if error.retry_after is not None]
    kind, message = type(first), _each(failed)
    together = kind.__new__(kind, message)  # kinds differ in what they are made of
    longest = max(waits, default=None)
    vars(together).update(vars(first), message=message, retry_after=longest)
    together.hint = "\n".join(hints)
    return together


def _each(failed: Sequence[tuple[str, GpcliError]]) -> str:
    """What went wrong with each, named by id: error messages hold no health data."""
    return " ".join(f"{name}: {error.message}" for name, error in failed)
