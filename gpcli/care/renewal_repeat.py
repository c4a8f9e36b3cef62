"""What earlier runs have asked for: the same request is never sent a second time."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property
from uuid import UUID, uuid5

from gpcli.care.portal import Portal
from gpcli.care.renewal_request import Line, Wanted
from gpcli.care.repeat import used_otherwise
from gpcli.model.prescription import Prescription, Renewal


@dataclass(frozen=True)
class Earlier:
    """The requests of the past, newest first, as seen by a try with `intent`."""

    intent: UUID
    renewals: tuple[Renewal, ...] = ()

    @cached_property
    def ours(self) -> dict[str, Renewal]:
        """Those that an earlier try with the same intent made, by their prescription."""
        return {
            renewal.prescription_id or "": renewal
            for renewal in self.renewals
            if uuid5(self.intent, renewal.prescription_id or "").urn in renewal.identifiers
        }

    @property
    def begun(self) -> datetime | None:
        """When that try was, if there was one and it says so."""
        return min((each.asked for each in self.ours.values() if each.asked), default=None)

    def open_then(self, names: Iterable[str]) -> Renewal | None:
        """The request of another intent that kept that try from asking for one of `names`."""
        begun, ids = self.begun, set(names)
        others = (each for each in self.renewals if each.prescription_id in ids)
        return next((each for each in others if begun and _was_open_at(each, begun)), None)


def earlier_tries(portal: Portal, wanted: Wanted) -> Earlier:
    """The requests of the past, where this may be a repetition; else none."""
    found = portal.prescriptions.renewals() if wanted.repeated else ()
    return Earlier(wanted.intent, tuple(found))


def check_named_before(lines: Sequence[Line], wanted: Wanted, earlier: Earlier) -> None:
    """Raise Conflict when this request id asked for a prescription that is not named now.

    What `--low` stands for may change from one day to the next.
    """
    if wanted.low:
        return
    named = {name for line in lines if line.prescription for name in _names(line.prescription)}
    for before, renewal in earlier.ours.items():
        if before not in named:
            raise used_otherwise(str(renewal.id))


def settled(line: Line, wanted: Wanted, earlier: Earlier) -> Line:
    """The line as it is when this very request, or another open one, is there already.

    Raises Conflict when this request id asked for the same with another note.
    """
    one = line.prescription
    if one is None:
        return line
    names = (line.id, *_names(one))
    ours = next((earlier.ours[name] for name in names if name in earlier.ours), None)
    if ours and not _same_note(ours, wanted):
        raise used_otherwise(str(ours.id))
    if ours:
        identity = ours.prescription_id or line.id
        return replace(line, id=identity, renewal=ours, error=None, warnings=())
    if not line.due:
        return line
    open_now = one.renewal if one.renewal and one.renewal.open else None
    there = earlier.open_then(names) or open_now
    if there is None:
        return line
    return note_told(replace(line, renewal=there, warnings=()), wanted)


def note_told(line: Line, wanted: Wanted) -> Line:
    """The line with a warning where what was there already bears another note."""
    if line.renewal is None or line.changed or wanted.note is None:
        return line
    if _same_note(line.renewal, wanted):
        return line
    unsent = "It is asked for already; your note was not sent."
    return replace(line, warnings=(*line.warnings, unsent))


def _names(one: Prescription) -> tuple[str, ...]:
    """The ids that a prescription goes and went by."""
    return (one.id, *one.predecessors)


def _was_open_at(renewal: Renewal, moment: datetime) -> bool:
    """Whether it was asked for by then and, as far as is known, not settled."""
    if renewal.asked is None or renewal.asked > moment:
        return False
    return renewal.open or renewal.updated is None or renewal.updated >= moment


def _same_note(renewal: Renewal, wanted: Wanted) -> bool:
    return (renewal.note or "").strip() == (wanted.note or "").strip()
