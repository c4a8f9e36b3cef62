"""What a measurement is asked and what it gives: a scale, and a row of the table."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

Count = TypeVar("Count", int, float)


@dataclass(frozen=True)
class Scale:
    """How much is measured: the full numbers, or smaller ones that end within minutes."""

    quick: bool

    def pick(self, full: Count, quick: Count) -> Count:
        """Choose the number for this scale."""
        return quick if self.quick else full


@dataclass(frozen=True)
class Row:
    """One line of the table: a figure, what it has to reach, and what was measured.

    `rounds` says how much that was measured on ("10,000 writes"). `details` are for `--json`: plain
    JSON values, among them how to see again what does not hold (a seed, a line, a fault).
    """

    figure: str
    to_reach: str
    measured: str
    holds: bool
    rounds: str
    details: Mapping[str, Any] = field(default_factory=dict)


Report = Callable[[str], None]
"""Says how far a measurement has come, a line at a time."""

Measurement = Callable[[Scale, Report], Row]
"""What every `measure_NAME` is."""
