"""Which record is meant by what a person gives: its id, the beginning of one, or words of a name.

An id always wins, and costs no question to the portal beyond what it is given for. Only where the
portal has none is what there is fetched and looked through (`act_on_meant`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from gpcli.care.confirmation import Asker
from gpcli.errors import InputNeeded, Missing, NotAllowed, NotFound
from gpcli.folding import MIN_ID_BEGINNING, has_wanted, split_wanted

MAX_NAMED = 5
"""The most ids that an error names."""

_R4_ID = re.compile(r"[A-Za-z0-9\-.]{1,64}")
"""R4's datatype id."""


class Identified(Protocol):
    """A record with an id; `None` before it is sent."""

    @property
    def id(self) -> str | None:
        """The id."""


Record = TypeVar("Record", bound=Identified)
Result = TypeVar("Result")


@dataclass(frozen=True)
class Naming(Generic[Record]):
    """How records of one kind are named.

    `plural` is what they are called, `names` returns the texts that a record is known by besides
    its id, `label` words one for a list to choose from.
    """

    plural: str
    names: Callable[[Record], Iterable[str | None]]
    label: Callable[[Record], str]


def act_on_meant(
    text: str,
    act: Callable[[str], Result],
    find: Callable[[str], str | None],
    *,
    is_word: bool = False,
    is_absent: Callable[[str], bool] = lambda identity: False,
) -> Result:
    """Return what `act` gives for the id `text`, or for the id that `find` finds for it.

    `find` returns `None` where nothing fits, and may raise InputNeeded where several do. With
    `is_word` it is not tried as an id. `act` raises NotFound for what is no id. Where it raises why
    nothing of that kind is allowed, `is_absent` tells whether there is no such id: one that there
    is must never be taken for the beginning of another.
    Raises: what `act` raises; of what `find` raises, all but that it can't find anything.
    """
    if is_word or not _R4_ID.fullmatch(text):
        meant = find(text)
        return act(text if meant is None else meant)
    try:
        return act(text)
    except (NotFound, NotAllowed) as error:
        if isinstance(error, NotAllowed) and not is_absent(text):
            raise
        found: str | None = None
        with suppress(Missing, NotAllowed):
            found = find(text)
        if found in {None, text}:
            raise
    return act(str(found))


def pick_meant(
    text: str, tiers: Sequence[Sequence[Record]], naming: Naming[Record], asker: Asker
) -> str | None:
    """Return the id of the one record that `text` stands for; `None` = it stands for none.

    An id is looked for in all `tiers`; all else in the first one in which something fits. Where
    several fit, the person chooses.
    Raises: InputNeeded, which names them by their ids, where several fit and nobody can be asked.
    """
    found = find_fitting(text, tiers, naming)
    if len(found) > 1:
        return choose_fitting(text, found, naming, asker)
    return str(found[0].id) if found else None


def find_fitting(
    text: str, tiers: Sequence[Sequence[Record]], naming: Naming[Record]
) -> list[Record]:
    """Return the records that `text` may stand for, as `pick_meant` looks for them."""
    for record in (record for tier in tiers for record in tier):
        if record.id == text:
            return [record]
    wanted, is_long = split_wanted(text), len(text) >= MIN_ID_BEGINNING

    def fits(record: Record) -> bool:
        begins = is_long and str(record.id).startswith(text)
        names = naming.names(record) if wanted else ()
        return begins or any(has_wanted(name, wanted) for name in names if name)

    fitting = ([record for record in tier if fits(record)] for tier in tiers)
    return next(filter(None, fitting), [])


def choose_fitting(text: str, found: Sequence[Record], naming: Naming[Record], asker: Asker) -> str:
    """Let the person choose among what `text` may stand for; raise as `pick_meant`."""
    if not asker.can_ask:
        raise several_fit(found, naming)
    choices = [(str(record.id), naming.label(record)) for record in found]
    return asker.choose(word_question(text, found, naming), choices, flag="ID")


def word_question(text: str, found: Sequence[Record], naming: Naming[Record]) -> str:
    """Return the question which of those is meant that fit."""
    return f"{len(found)} {naming.plural} fit '{text}'. Which?"


def several_fit(found: Sequence[Record], naming: Naming[Record]) -> InputNeeded:
    """Return the error for a name that several have: a log learns no name from it."""
    ids = ", ".join(str(record.id) for record in found[:MAX_NAMED])
    more = f" and {len(found) - MAX_NAMED} more" if len(found) > MAX_NAMED else ""
    return InputNeeded(
        f"Several {naming.plural} fit: {ids}{more}.",
        hint="Name one by its id, or by more words.",
    )
