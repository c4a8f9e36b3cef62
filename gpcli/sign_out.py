"""Signing out: revoked at the portal, then forgotten here even if revoking failed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gpcli.auth.lock import session_lock
from gpcli.auth.revoke import revoke
from gpcli.config.index import IndexedPerson
from gpcli.errors import NotSignedIn, Usage
from gpcli.model.account import SignedOut

if TYPE_CHECKING:
    from gpcli.session import Session


def sign_out(session: Session, *, everyone: bool) -> list[SignedOut]:
    """End the session of the person in use, or of everybody at this portal.

    Raises NotSignedIn when there is nobody, Usage when the token is not from a sign-in.
    """
    if session.settings.token:
        raise Usage("The token in GPCLI_TOKEN is not gpcli's to end.", hint="Unset GPCLI_TOKEN.")
    there = session.index.people(session.index_key)
    if session.settings.machine and not (everyone and there):
        raise Usage(
            f"A machine signs in here by {session.settings.machine}: gpcli keeps no session of "
            "its own to end.",
            hint=_PEOPLE if there else _FOR_GOOD,
        )
    people = there if everyone else [session.person]
    if not people:
        raise NotSignedIn("Nobody is signed in at this portal.")
    return [_end(session, person) for person in people]


_PEOPLE = "gpcli logout --all ends the sessions of people who signed in here before."
_FOR_GOOD = "To stop it for good, take the key or the client away at the portal."


def _end(session: Session, person: IndexedPerson) -> SignedOut:
    door = session.door_with(None)
    with session_lock(session.lock_dir, person.account, door.deadline.remaining()):
        kept = session.vault.load(person.account)
        revoked = revoke(door, kept) if kept else True
        session.vault.delete(person.account)
    session.index.remove_person(session.index_key, person.account)
    session.index.forget_hidden(session.index_key, person.patient)
    return SignedOut(session.profile.name, person.name, revoked)
