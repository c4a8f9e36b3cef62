"""Whom of the people signed in at a portal a run is about."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from typing import Protocol

from gpcli.config.offer_index import IndexedPerson, OfferIndex
from gpcli.errors import InputNeeded, InvalidUsage, NotFound, NotSignedIn


class PersonChooser(Protocol):
    """Asks which of several, where there is somebody to ask."""

    def choose(self, question: str, choices: Sequence[tuple[str, str]], *, flag: str) -> str:
        """The id of one of `choices`; raises InputNeeded naming `flag`."""


def account_id(profile: str, portal: str, patient: str, fhir_user: str | None) -> str:
    """The name of one session in the keyring: the same people at the same portal, no names."""
    whole = "\0".join((profile, portal, patient, fhir_user or ""))
    return hashlib.sha256(whole.encode()).hexdigest()[:20]


def choose_person(
    index: OfferIndex,
    key: str,
    named: str | None,
    *,
    sends: bool,
    chooser: PersonChooser,
    notice: Callable[[str], None],
) -> IndexedPerson:
    """The person called `named`, else the only one, else for reads the last one who was active.

    Raises NotSignedIn, NotFound or Usage for `named`, InputNeeded when something would be sent
    and it is not clear for whom.
    """
    people = index.read_people(key)
    if not people:
        raise NotSignedIn("Nobody is signed in at this portal.", hint="gpcli login signs in.")
    if named:
        return _called(index.find_people(key, named), named, people)
    if len(people) == 1:
        return people[0]
    if not sends:
        notice(f"As {people[0].name}; --as names another person.")
        return people[0]
    return _chosen(people, chooser)


def _chosen(people: Sequence[IndexedPerson], chooser: PersonChooser) -> IndexedPerson:
    choices = [(person.account, person.name) for person in people]
    try:
        account = chooser.choose("Several people are signed in. For whom?", choices, flag="--as")
    except InputNeeded as unsaid:
        raise InputNeeded(
            f"Several people are signed in: {_names(people)}.",
            hint=f"Name one: --as '{people[0].name}'.",
        ) from unsaid
    return next(person for person in people if person.account == account)


def _called(
    found: Sequence[IndexedPerson], named: str, people: Sequence[IndexedPerson]
) -> IndexedPerson:
    known = _names(people)
    if len(found) == 1:
        return found[0]
    if found:
        raise InvalidUsage(f"'{named}' may be several people.", hint=f"Signed in: {known}.")
    raise NotFound(
        f"'{named}' is not signed in at this portal.",
        hint=f"Signed in: {known}. gpcli login --as '{named}' signs in.",
    )


def _names(people: Sequence[IndexedPerson]) -> str:
    return ", ".join(person.name for person in people)
