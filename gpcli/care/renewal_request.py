"""What a person asks for when renewing, and what becomes of each prescription."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Protocol, cast
from uuid import UUID

from gpcli.care.agreement import Asker
from gpcli.care.portal import Portal
from gpcli.errors import GpcliError
from gpcli.model.prescription import Asked, Prescription, Renewal
from gpcli.model.renewal_receipt import RenewalResult, WhyNot


@dataclass(frozen=True)
class Wanted:
    """What the person asks for.

    `ids` `None` = none were named; empty = a list that named none. `intent` identifies this
    request at the portal; `repeated` says that it was given by `--request-id`, so that an earlier
    try may have been done already. `capped` tells that `--accept-fee` limits the price, which is
    otherwise only shown.
    """

    intent: UUID
    repeated: bool
    ids: tuple[str, ...] | None = None
    low: bool = False
    note: str | None = None
    gp: str | None = None
    capped: bool = False


class Chooser(Asker, Protocol):
    """An asker that can ask for several things at once."""

    def choose_several(
        self, question: str, choices: Sequence[tuple[str, str]], *, flag: str
    ) -> list[str]:
        """At least one of `choices` (id, label) by id; raises InputNeeded naming `flag`."""


@dataclass(frozen=True)
class Counter:
    """Where renewals are asked for: the portal, the clock, and who can be asked.

    `label` words a prescription for the list to pick from.
    """

    portal: Portal
    clock: Callable[[], datetime]
    asker: Chooser
    label: Callable[[Prescription], str]


@dataclass(frozen=True)
class Line:
    """One prescription on its way through a renewal.

    `id` is what was asked for, `prescription` the newest of its chain. As long as it has neither a
    `renewal` nor an `error`, it is still to be asked for. `warnings` are what to know of it before
    that.
    """

    id: str
    prescription: Prescription | None = None
    renewal: Renewal | None = None
    changed: bool = False
    error: GpcliError | None = None
    warnings: tuple[str, ...] = ()

    @property
    def due(self) -> bool:
        """Whether it is still to be asked for."""
        return self.renewal is None and self.error is None

    @property
    def label(self) -> str:
        """What the person knows it by."""
        return self.prescription.label if self.prescription else self.id

    @property
    def _name(self) -> str | None:
        if self.prescription:
            return self.prescription.label
        return self.renewal.prescription if self.renewal else None

    def after(self, asked: Asked) -> Line:
        """The same once it was asked for."""
        error = cast("GpcliError | None", asked.error)
        return replace(self, renewal=asked.renewal, changed=asked.changed, error=error)

    def result(self, zone: str) -> RenewalResult:
        """What scripts and tables get; `zone` where the record names none."""
        renewal, error = self.renewal, self.error
        return RenewalResult(
            prescription_id=self.id,
            prescription=self._name,
            id=renewal.id if renewal else None,
            status=renewal.status if renewal else None,
            asked=renewal.asked if renewal else None,
            answer=renewal.answer if renewal else None,
            warning=" ".join(self.warnings) or None,
            error=WhyNot(error.code, error.message, error.hint or None) if error else None,
            zone=self.prescription.zone if self.prescription else zone,
        )


@dataclass(frozen=True)
class LeftOut:
    """What `--low` leaves out although it runs out; `why` as the end of a sentence."""

    prescription: Prescription
    why: str

    @property
    def words(self) -> str:
        """The whole sentence."""
        one = self.prescription
        return f"{one.label} ({one.id}) runs out but is left out: {self.why}"


@dataclass(frozen=True)
class Renewing:
    """All lines of one renewal, and what `--low` left out."""

    lines: tuple[Line, ...]
    left_out: tuple[LeftOut, ...] = ()
