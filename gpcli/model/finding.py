"""The findings of `gpcli troubleshoot`."""

from dataclasses import dataclass
from enum import StrEnum


class Verdict(StrEnum):
    """How a check came out; `skipped` = it could not or need not be made."""

    OK = "ok"
    WARNING = "warning"
    FAILED = "failed"
    SKIPPED = "skipped"


@dataclass(frozen=True)
class Finding:
    """The outcome of one check.

    `name` is the check's; `seen` says what was found. `cause` is a word of `error.code`, or one
    that `gpcli troubleshoot --help` lists; `cure` is what to do. Both are `None` where all is
    well or nothing was looked at.
    """

    name: str
    status: Verdict
    seen: str
    cause: str | None
    cure: str | None
