"""Signing out: ending sessions at the portal, and forgetting them here."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from gpcli.auth.client_auth import ClientAuth
from gpcli.auth.session import StoredSession, session_lock
from gpcli.changes.files import forget_account
from gpcli.config.listed_ids import ListedIds
from gpcli.config.offer_index import IndexedPerson
from gpcli.config.paths import listed_path
from gpcli.errors import GpcliError, InvalidUsage, NotSignedIn
from gpcli.http.client import HttpClient
from gpcli.http.network_errors import UnusableResponse
from gpcli.model.account import SignedOut

if TYPE_CHECKING:
    from gpcli.app_context import AppContext


def revoke_session(
    client: HttpClient, session: StoredSession, auth: ClientAuth | None = None
) -> bool:
    """Revoke the session's refresh token, or its access token if it has none.

    `auth` proves the client, None = by nothing. Return whether the portal did it. Errors of the
    portal or the network are not raised, since signing out continues in any case.
    """
    if session.revocation_endpoint is None:
        return False
    form = {
        "token": session.refresh_token or session.access_token,
        "token_type_hint": "access_token" if session.refresh_token is None else "refresh_token",
    }
    auth, url = auth or ClientAuth(session.client_id), session.revocation_endpoint
    try:
        return auth.post(client, url, form, session.token_endpoint).status == 200
    except UnusableResponse as error:  # only the status counts (RFC 7009, 2.2)
        return error.http_status == 200
    except GpcliError:
        return False


def sign_out(context: AppContext, *, everyone: bool) -> list[SignedOut]:
    """End the session of the person in use, or with `everyone` all of them at this portal.

    Raises: NotSignedIn when there is nobody, InvalidUsage when the token is not from a sign-in or
    a machine signs in, TimedOut when another process holds the session, NoKeyring, OSError, and
    what choosing the person in use raises.
    """
    if context.settings.token:
        raise InvalidUsage(
            "The token in GPCLI_TOKEN is not gpcli's to end.", hint="Unset GPCLI_TOKEN."
        )
    signed_in = context.index.read_people(context.index_key)
    if context.settings.machine and not (everyone and signed_in):
        raise InvalidUsage(
            f"A machine signs in here by {context.settings.machine}: gpcli keeps no session of "
            "its own to end.",
            hint=_OTHER_PEOPLE_HINT if signed_in else _END_MACHINE_HINT,
        )
    people = signed_in if everyone else [context.person]
    if not people:
        raise NotSignedIn("Nobody is signed in at this portal.")
    return [_end_session(context, person) for person in people]


_OTHER_PEOPLE_HINT = "gpcli logout --all ends the sessions of people who signed in here before."
_END_MACHINE_HINT = "To stop it for good, take the key or the client away at the portal."


def _end_session(context: AppContext, person: IndexedPerson) -> SignedOut:
    client = context.open_client(None)
    with session_lock(context.lock_dir, person.account, client.deadline.require_seconds_left()):
        session = context.vault.load(person.account)
        revoked = _revoke(context, client, session) if session else True
        context.vault.delete(person.account)
    context.index.remove_person(context.index_key, person.account)
    context.index.delete_hidden(context.index_key, person.patient)
    ListedIds(Path(listed_path(context.env))).forget(context.index_key, person.patient)
    forget_account(context.state_dir, person.account)
    return SignedOut(context.profile.name, person.name, revoked)


def _revoke(context: AppContext, client: HttpClient, session: StoredSession) -> bool:
    try:
        auth = context.client_source.rebuild_auth(session)
    except GpcliError:  # a secret or a key that is gone
        return False
    return revoke_session(client, session, auth)
