"""What a plan binds: its parts, and which of them are not what they were.

A part is a label in a person's words and a value in a form that is the same for the same content,
whoever asks, wherever and when. So two plans can be compared by hashes of their parts alone.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import fields, is_dataclass
from datetime import UTC, date, datetime
from typing import Any, NamedTuple

from gpcli.care.confirmation import WARNINGS, Proposal
from gpcli.errors import PlanChanged
from gpcli.model.appointment import Window

COST = "what sending costs"
"""The part that is the whole charge."""

EACH = "what each costs"
"""The part that is the charge of one of several records, where each is sent for itself."""

_ACTION = "what is done"
_SUMS = frozenset({_ACTION, WARNINGS, "Thread", "Price", "Price each", "Price in all"})
"""What counts, sums up or words what is still to be sent."""


class PlanPart(NamedTuple):
    """One part of a plan: its label, and the forms of its value, the usual one first.

    A period that has begun has two: it may be told from its beginning or from now on.
    """

    label: str
    forms: tuple[str, ...]

    @classmethod
    def of(cls, label: str, value: object) -> PlanPart:
        """Return the part with this value, which does not depend on the present."""
        return cls(label, (_write(label, value),))


KeptPart = tuple[str, str]
"""A part as it was: its label, and its usual form or a hash of that."""


def list_parts(proposal: Proposal[Any], now: datetime) -> list[PlanPart]:
    """Return what a proposal shows, costs and would send; `now` tells which periods have begun."""
    parts = [PlanPart.of(_ACTION, proposal.action)]
    parts += (PlanPart(label, _list_forms(label, value, now)) for label, value in proposal.rows)
    parts += (PlanPart.of(label, value) for label, value in proposal.content)
    if WARNINGS not in dict(proposal.content):
        parts.append(PlanPart.of(WARNINGS, proposal.warnings))
    if proposal.charge is not None:
        parts.append(PlanPart.of(COST, proposal.charge))
    return parts


def find_differences(
    shown: Sequence[KeptPart],
    current: Sequence[PlanPart],
    *,
    is_repeat: bool,
    convert: Callable[[str], str] = str,
) -> list[str]:
    """Return the labels of what is not as it was `shown`, in the order of the plan.

    `convert` makes of a form what was kept of it. With `is_repeat` an earlier try may have done a
    part: then it may be less than what was shown, at the same price each.
    """
    before: dict[str, list[str]] = {}
    for label, kept in shown:
        before.setdefault(label, []).append(kept)
    after: dict[str, list[set[str]]] = {label: [] for label, _ in (*shown, *current)}
    for part in current:
        after[part.label].append(set(map(convert, part.forms)))
    compare = _is_part_of if is_repeat else _is_same
    found = [label for label, forms in after.items() if not compare(before.get(label, []), forms)]
    if not is_repeat:
        return found
    implied = _SUMS | ({COST} if after.get(EACH) else frozenset())
    return [label for label in found if label not in implied]


def plan_changed_error(labels: Sequence[str], hint: str, *, is_repeat: bool = False) -> PlanChanged:
    """Return the error for a plan of which the parts with these labels are not what they were.

    With `is_repeat` an earlier try may have sent something.
    """
    sent = "sent now" if is_repeat else "sent"
    return PlanChanged(
        f"The plan is not what it was: {', '.join(labels)}. Nothing was {sent}.", hint=hint
    )


def _is_same(before: Sequence[str], after: Sequence[set[str]]) -> bool:
    return len(before) == len(after) and all(map(set.__contains__, after, before))


def _is_part_of(before: Sequence[str], after: Sequence[set[str]]) -> bool:
    return all(not forms.isdisjoint(before) for forms in after)


def _list_forms(label: str, value: object, now: datetime) -> tuple[str, ...]:
    told = _write(label, value)
    if isinstance(value, Window) and value.start <= now:
        return _write(label, ("begun", value.end)), told
    return (told,)


def _write(label: str, value: object) -> str:
    return json.dumps([label, _simplify(value)], sort_keys=True)


def _simplify(value: Any) -> Any:
    """Return what JSON can hold; equal values of one kind, and only these, become the same."""
    if value is None or type(value) in {bool, int, str}:
        return value
    if isinstance(value, bytes):
        return ["bytes", hashlib.sha256(value).hexdigest()]
    if isinstance(value, datetime):
        return ["time", value.astimezone(UTC).isoformat()]
    if isinstance(value, date):
        return ["day", value.isoformat()]
    if isinstance(value, Mapping):
        return ["map", {str(key): _simplify(each) for key, each in value.items()}]
    if is_dataclass(value):
        return [type(value).__name__, *(_simplify(getattr(value, name)) for name in _names(value))]
    if isinstance(value, tuple | list):
        return ["list", *map(_simplify, value)]
    return [type(value).__name__, str(value)]


def _names(record: Any) -> Iterator[str]:
    return (each.name for each in fields(record))
