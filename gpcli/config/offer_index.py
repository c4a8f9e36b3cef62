"""The offer index: profiles, who is signed in where, and what their GP doesn't offer.

Help and completion read it, with `gpcli.config.index_format`, which defines the text format. A
broken file counts as empty, and the next change replaces it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from gpcli.config import index_format
from gpcli.config.private_files import LOCK_TIMEOUT, edit_private_file, read_private_file

if TYPE_CHECKING:
    from gpcli.config.profiles import Config

Fact = list[str]
"""The parts of one line of the index, its kind first."""

TIME_TOLERANCE = 3600.0
"""Seconds that a stored time may differ before the file is rewritten."""


@dataclass(frozen=True)
class IndexedPerson:
    """Somebody who is signed in, as the index has them. `last_used` is in Unix seconds."""

    account: str
    patient: str
    name: str
    last_used: float


class OfferIndex:
    """The index at `path`.

    `profile` is a profile's key: see `profile_key`. All methods raise ConfigError for a file that
    is not gpcli's own. Methods that write raise OSError, and TimedOut when another process holds
    the lock for more than `lock_timeout` seconds.
    """

    def __init__(self, path: Path, lock_timeout: float = LOCK_TIMEOUT) -> None:
        self.path = path
        self._lock_timeout = lock_timeout

    def write_profiles(self, read_config: Callable[[], Config]) -> None:
        """Replace the names of the profiles and of the default one.

        People and offers of profiles that are not in the configuration are removed. It is read
        under the lock: what another process has just added is not taken out.
        """
        with self._edit_facts() as facts:
            config = read_config()
            known, default = config.profiles.keys(), config.default
            others = [fact for fact in facts if _is_about_person_at(fact, known)]
            profiles = [[index_format.PROFILE, name] for name in sorted(known)]
            defaults = [[index_format.DEFAULT, default]] if default else []
            facts[:] = [*defaults, *profiles, *others]

    def read_people(self, profile: str) -> list[IndexedPerson]:
        """Return who is signed in at `profile`, latest first."""
        return [
            _parse_person(parts) for parts in index_format.find_people(self._read_facts(), profile)
        ]

    def find_people(self, profile: str, wanted: str) -> list[IndexedPerson]:
        """Return whom `wanted` (an id, a name, the start of a name) may mean at `profile`."""
        people = index_format.find_people(self._read_facts(), profile)
        return [_parse_person(parts) for parts in index_format.find_matching_people(people, wanted)]

    def add_person(self, profile: str, person: IndexedPerson) -> None:
        """Add a person, or replace who has the same account."""
        with self._edit_facts() as facts:
            _drop_facts(facts, [index_format.PERSON, profile, person.account])
            facts.append(_format_person(profile, person))

    def remove_person(self, profile: str, account: str) -> None:
        """Remove a person."""
        with self._edit_facts() as facts:
            _drop_facts(facts, [index_format.PERSON, profile, account])

    def record_activity(self, profile: str, account: str, now: float) -> None:
        """Store that a person was active at `now` (Unix seconds).

        Nothing is written if they are the latest already, and the stored time is near enough; nor
        if another process has just removed them.
        """
        people = self.read_people(profile)
        if people and people[0].account == account and now - people[0].last_used < TIME_TOLERANCE:
            return
        with self._edit_facts() as facts:
            for fact in facts:
                if fact[:3] == [index_format.PERSON, profile, account]:
                    fact[-1] = str(now)

    def write_hidden(
        self,
        profile: str,
        patient: str,
        reasons: Mapping[str, str],
        expires: float,
        gps: Collection[str] = (),
    ) -> None:
        """Store which commands the GP doesn't offer, and why; `expires` is in Unix seconds.

        An empty `reasons` says that everything is offered. `gps` are the names of the patient's
        GPs, for completion. Nothing is written if the same is stored with nearly the same
        `expires`.
        """
        if self._is_stored(profile, patient, dict(reasons), expires, [*gps]):
            return
        with self._edit_facts() as facts:
            _drop_offers(facts, profile, patient)
            facts.append([index_format.OFFERS, profile, patient, str(expires)])
            facts += [
                [index_format.HIDDEN, profile, patient, command, reason]
                for command, reason in sorted(reasons.items())
            ]
            facts += [[index_format.GP, profile, patient, name] for name in gps]

    def delete_hidden(self, profile: str, patient: str) -> None:
        """Remove the offers of a patient, which makes them unknown."""
        with self._edit_facts() as facts:
            _drop_offers(facts, profile, patient)

    def _is_stored(
        self,
        profile: str,
        patient: str,
        reasons: dict[str, str],
        expires: float,
        gps: list[str],
    ) -> bool:
        facts = self._read_facts()
        until = index_format.find_offers_end(facts, profile, patient)
        same = index_format.find_hidden_reasons(facts, profile, patient) == reasons
        same = same and index_format.find_gps(facts, profile, patient) == gps
        return same and 0 <= expires - until < TIME_TOLERANCE

    def _read_facts(self) -> list[Fact]:
        try:
            return index_format.parse_facts(read_private_file(self.path))
        except OSError:
            return []

    @contextmanager
    def _edit_facts(self) -> Iterator[list[Fact]]:
        """Give the facts, to be edited in place, and write them if they differ, under a lock."""
        with edit_private_file(self.path, self._lock_timeout) as file:
            facts = index_format.parse_facts(file.content or b"")
            yield facts
            file.content = format_facts(facts).encode()


def profile_key(name: str, portal: str) -> str:
    """Return the key of a profile in the index; each portal of `GPCLI_PORTAL` has its own."""
    return f"{name}:{portal}" if name == index_format.FROM_ENVIRONMENT else name


def format_facts(facts: list[Fact]) -> str:
    """Return the content of a file that has these facts."""
    lines = (
        "\t".join(index_format.escape_part(part) for part in fact)
        for fact in [index_format.HEADER, *facts]
    )
    return "\n".join([*lines, ""])


def _parse_person(parts: Fact) -> IndexedPerson:
    account, patient, name, last_used = parts
    return IndexedPerson(account, patient, name, index_format.parse_number(last_used))


def _format_person(profile: str, person: IndexedPerson) -> Fact:
    last_used = str(person.last_used)
    return [index_format.PERSON, profile, person.account, person.patient, person.name, last_used]


def _is_about_person_at(fact: Fact, profiles: Collection[str]) -> bool:
    """Return whether a fact about people is of one of `profiles`, or of `GPCLI_PORTAL`."""
    from_environment = fact[1].startswith(f"{index_format.FROM_ENVIRONMENT}:")
    is_about_person = fact[0] not in {index_format.DEFAULT, index_format.PROFILE}
    return is_about_person and (from_environment or fact[1] in profiles)


def _drop_offers(facts: list[Fact], profile: str, patient: str) -> None:
    for kind in (index_format.OFFERS, index_format.HIDDEN, index_format.GP):
        _drop_facts(facts, [kind, profile, patient])


def _drop_facts(facts: list[Fact], beginning: Fact) -> None:
    facts[:] = [fact for fact in facts if fact[: len(beginning)] != beginning]
