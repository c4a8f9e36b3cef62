"""The offer index: profiles, people and what their GP doesn't offer, for help and completion.

A text file that `gpcli.config.index_format` reads without importing anything. It also remembers who
is signed in where. A broken file is an unknown one, and the next change rewrites it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from gpcli.config import index_format
from gpcli.config.atomic_write import make_private_directory, write_private_file

Fact = list[str]

LOCK_TIMEOUT = 2.0
"""Seconds to wait for another process that changes the index; then it is an OSError."""

TIME_TOLERANCE = 3600.0
"""Seconds of difference in a time that are worth a change of the file."""


@dataclass(frozen=True)
class IndexedPerson:
    """Somebody who is signed in. `last_used` is in Unix seconds."""

    account: str
    patient: str
    name: str
    last_used: float


class OfferIndex:
    """The index at `path`. `profile` is a profile's key: see `profile_key`.

    Changes wait at most `patience` seconds for another process; they raise OSError.
    """

    def __init__(self, path: Path, patience: float = LOCK_TIMEOUT) -> None:
        self.path = path
        self._patience = patience

    def read_profiles(self) -> tuple[str, ...]:
        """The names of the profiles."""
        return tuple(fact[1] for fact in self._facts() if fact[0] == index_format.PROFILE)

    def write_profiles(self, names: Iterable[str], default: str | None) -> None:
        """Replace the names of the profiles and of the default one.

        What is known of the people and offers of profiles that are gone goes with them.
        """
        kept = set(names)
        with self._change() as facts:
            others = [fact for fact in facts if _outlives(fact, kept)]
            named = [[index_format.PROFILE, name] for name in sorted(kept)]
            facts[:] = [*([[index_format.DEFAULT, default]] if default else []), *named, *others]

    def read_people(self, profile: str) -> list[IndexedPerson]:
        """Who is signed in at `profile`, the one who used it last first."""
        return [_person(parts) for parts in index_format.find_people(self._facts(), profile)]

    def find_people(self, profile: str, wanted: str) -> list[IndexedPerson]:
        """Whom `wanted` (an id, a name, the start of a name) may mean at `profile`."""
        people = index_format.find_people(self._facts(), profile)
        return [_person(parts) for parts in index_format.find_matching_people(people, wanted)]

    def add_person(self, profile: str, person: IndexedPerson) -> None:
        """Add a person, or replace who has the same account."""
        with self._change() as facts:
            _drop(facts, [index_format.PERSON, profile, person.account])
            facts.append(_written(profile, person))

    def remove_person(self, profile: str, account: str) -> None:
        """Forget a person."""
        with self._change() as facts:
            _drop(facts, [index_format.PERSON, profile, account])

    def record_activity(self, profile: str, account: str, now: float) -> None:
        """Note that a person was active at `now`; no writing if that is known well enough."""
        people = self.read_people(profile)
        if people and people[0].account == account and now - people[0].last_used < TIME_TOLERANCE:
            return
        for person in people:
            if person.account == account:
                self.add_person(profile, IndexedPerson(account, person.patient, person.name, now))

    def write_hidden(
        self, profile: str, patient: str, reasons: Mapping[str, str], expires: float
    ) -> None:
        """Keep which commands the GP doesn't offer, and why; `expires` in Unix seconds.

        An empty `reasons` says that everything is offered. Nothing is written if the same is
        known for nearly as long.
        """
        if self._knows(profile, patient, dict(reasons), expires):
            return
        with self._change() as facts:
            _forget(facts, profile, patient)
            facts.append([index_format.OFFERS, profile, patient, str(expires)])
            facts += [
                [index_format.HIDDEN, profile, patient, command, sentence]
                for command, sentence in sorted(reasons.items())
            ]

    def read_hidden(self, profile: str, patient: str, now: float) -> dict[str, str]:
        """The commands that the GP doesn't offer, and why; empty when that is unknown."""
        return index_format.find_hidden_commands(self._facts(), profile, patient, now)

    def delete_hidden(self, profile: str, patient: str) -> None:
        """Make the offers of a patient unknown."""
        with self._change() as facts:
            _forget(facts, profile, patient)

    def _knows(self, profile: str, patient: str, reasons: dict[str, str], expires: float) -> bool:
        facts = self._facts()
        until = index_format.find_offers_end(facts, profile, patient)
        same = index_format.find_hidden_reasons(facts, profile, patient) == reasons
        return same and 0 <= expires - until < TIME_TOLERANCE

    def _facts(self) -> list[Fact]:
        return index_format.read_facts(str(self.path))

    @contextmanager
    def _change(self) -> Iterator[list[Fact]]:
        """The facts, to be changed in place; written if they differ, one process at a time."""
        from filelock import FileLock  # noqa: PLC0415  (imports asyncio; only changes need it)

        make_private_directory(self.path.parent)
        lock = self.path.with_name(f"{self.path.name}.lock")
        with FileLock(lock, mode=0o600, timeout=self._patience):
            facts = self._facts()
            before = [*facts]
            yield facts
            if facts != before or not self.path.exists():
                write_private_file(self.path, _text(facts))


def profile_key(name: str, portal: str) -> str:
    """The key of a profile in the index; portals named by `GPCLI_PORTAL` don't mix."""
    return f"{name}:{portal}" if name == index_format.FROM_ENVIRONMENT else name


def _text(facts: list[Fact]) -> str:
    lines = (
        "\t".join(index_format.escape_part(part) for part in fact)
        for fact in [index_format.HEADER, *facts]
    )
    return "\n".join([*lines, ""])


def _person(parts: Fact) -> IndexedPerson:
    account, patient, name, last_used = parts
    return IndexedPerson(account, patient, name, index_format.parse_number(last_used))


def _written(profile: str, person: IndexedPerson) -> Fact:
    last_used = str(person.last_used)
    return [index_format.PERSON, profile, person.account, person.patient, person.name, last_used]


def _outlives(fact: Fact, profiles: set[str]) -> bool:
    from_environment = fact[1].startswith(f"{index_format.FROM_ENVIRONMENT}:")
    about_people = fact[0] in {index_format.PERSON, index_format.OFFERS, index_format.HIDDEN}
    return about_people and (from_environment or fact[1] in profiles)


def _forget(facts: list[Fact], profile: str, patient: str) -> None:
    for kind in (index_format.OFFERS, index_format.HIDDEN):
        _drop(facts, [kind, profile, patient])


def _drop(facts: list[Fact], beginning: Fact) -> None:
    facts[:] = [fact for fact in facts if fact[: len(beginning)] != beginning]
