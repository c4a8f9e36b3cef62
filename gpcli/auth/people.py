"""Which of the people who are signed in at a portal a command is about."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from typing import Protocol

from gpcli.config.offer_index import IndexedPerson, OfferIndex
from gpcli.errors import InputNeeded, InvalidUsage, NotFound, NotSignedIn


class PersonChooser(Protocol):
    """Asks a person to choose."""

    def choose(self, question: str, choices: Sequence[tuple[str, str]], *, flag: str) -> str:
        """Return the id of one of `choices` (id, label); raise InputNeeded, which names `flag`."""


def account_id(profile: str, portal: str, patient: str, fhir_user: str | None) -> str:
    """Return the id of a session in the keyring: a hash, the same for the same arguments."""
    content = "\0".join((profile, portal, patient, fhir_user or ""))
    return hashlib.sha256(content.encode()).hexdigest()[:20]


def choose_person(
    index: OfferIndex,
    key: str,
    named: str | None,
    *,
    sends: bool,
    chooser: PersonChooser,
    notice: Callable[[str], None],
    has_key: bool = False,
) -> IndexedPerson:
    """Return the person called `named`, else the only one, else for reads the latest one.

    `key` is the profile's in `index`; `sends` says whether something would be sent. `notice` shows
    a sentence that says whom a read is about, where several are signed in. `has_key` says that the
    profile has a key, by which a machine could sign in.
    Raises: NotSignedIn, or InputNeeded where a machine could sign in for a patient; NotFound or
    InvalidUsage for `named`; InputNeeded when something would be sent and it is not clear for whom.
    """
    people = index.read_people(key)
    if not people and has_key:
        raise InputNeeded(
            "GPCLI_PATIENT is needed beside key_file.",
            hint="Set it to the patient's id at the portal; or gpcli login signs a person in.",
        )
    if not people:
        raise NotSignedIn("Nobody is signed in at this portal.", hint="gpcli login signs in.")
    if named:
        return _require_one(index.find_people(key, named), named, people)
    if len(people) == 1:
        return people[0]
    if not sends:
        notice(f"As {people[0].name}; --as names another person.")
        return people[0]
    return _ask_for_person(people, chooser)


def _ask_for_person(people: Sequence[IndexedPerson], chooser: PersonChooser) -> IndexedPerson:
    choices = [(person.account, person.name) for person in people]
    try:
        account = chooser.choose("Several people are signed in. For whom?", choices, flag="--as")
    except InputNeeded as error:
        raise InputNeeded(
            f"Several people are signed in: {_format_names(people)}.",
            hint=f"Name one: --as '{people[0].name}'.",
        ) from error
    return next(person for person in people if person.account == account)


def _require_one(
    found: Sequence[IndexedPerson], named: str, people: Sequence[IndexedPerson]
) -> IndexedPerson:
    if len(found) == 1:
        return found[0]
    known = _format_names(people)
    if found:
        raise InvalidUsage(f"'{named}' may be several people.", hint=f"Signed in: {known}.")
    raise NotFound(
        f"'{named}' is not signed in at this portal.",
        hint=f"Signed in: {known}. gpcli login --as '{named}' signs in.",
    )


def _format_names(people: Sequence[IndexedPerson]) -> str:
    return ", ".join(person.name for person in people)
