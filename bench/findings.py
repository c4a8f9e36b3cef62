"""What was found wrong in what people are shown."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

_KEPT = 3
"""Violations of one output that are kept."""


@dataclass
class Findings:
    """What was seen: texts that were shown, outputs that were looked at, what was wrong."""

    texts: int = 0
    outputs: int = 0
    raw: int = 0
    crashes: int = 0
    lost: int = 0
    violations: list[dict[str, Any]] = field(default_factory=list)

    def __str__(self) -> str:
        return (
            f"{self.raw} raw control characters, {self.crashes} crashes, "
            f"{self.lost} outputs that lost or broke a text"
        )

    def add(self, other: Findings) -> None:
        """Add what another batch has found; of violations, the first few of each output."""
        for name in ("texts", "outputs", "raw", "crashes", "lost"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        for each in other.violations:
            same = [one for one in self.violations if one["output"] == each["output"]]
            if len(same) < _KEPT:
                self.violations.append(each)

    def note(self, kind: str, **what: Any) -> None:
        """Count a violation: `raw`, `crashes` or `lost`."""
        setattr(self, kind, getattr(self, kind) + 1)
        self.violations.append({"kind": kind, **what})
