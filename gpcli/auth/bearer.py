"""Access tokens for the door: a given one, or a session's, renewed in time and under a lock."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Protocol

from gpcli import errors
from gpcli.auth.session import StoredSession, session_lock
from gpcli.auth.token_response import (
    MOVED_STATUSES,
    TokenResponse,
    check_available,
    is_valid_token,
    parse_token_response,
    read_oauth_error,
)
from gpcli.auth.vault import Vault
from gpcli.http.client import Bearer, HttpClient, HttpResponse

RENEW_EARLY = 60.0
"""Seconds before its end from which a token is renewed."""

LOGIN = "gpcli login signs you in again."


class ScopedBearer(Bearer, Protocol):
    """A bearer that may know what its tokens allow."""

    @property
    def scope(self) -> str | None:
        """The scopes that were granted; None = not known."""
        ...


class StaticBearer:
    """A token that can't be renewed, as that in GPCLI_TOKEN; `scope` is what it allows if known.

    Raises errors.ConfigTrouble if it can't be one.
    """

    def __init__(self, token: str, scope: str | None = None) -> None:
        if not is_valid_token(token):
            raise errors.ConfigError("GPCLI_TOKEN is not an access token.")
        self._token = token
        self._scope = scope

    @property
    def scope(self) -> str | None:
        """The scopes that were granted; None = not known."""
        return self._scope

    def get_token(self, client: HttpClient) -> str:
        """The token as it was given."""
        return self._token

    def renew_token(self, client: HttpClient, stale: str) -> str:
        """There is no way: raises errors.Expired."""
        raise errors.Expired(
            "The portal does not accept the token in GPCLI_TOKEN.",
            hint="Set a new one.",
        )


class SessionBearer:
    """The session of `account` in `vault`. `now` gives Unix seconds; locks are in `lock_dir`.

    `cache_dir` keeps how the portal signs in. `session` is what `vault` holds, if the caller has
    read it already.
    Both methods raise errors.NotSignedIn, errors.Expired, errors.NoKeyring, or what the door
    raises; a portal that can't be reached loses nothing.
    """

    def __init__(
        self,
        vault: Vault,
        account: str,
        lock_dir: Path,
        cache_dir: Path,
        now: Callable[[], float],
        session: StoredSession | None = None,
    ) -> None:
        self._vault = vault
        self._account = account
        self._lock_dir = lock_dir
        self._cache_dir = cache_dir
        self._now = now
        self._session = session

    def load_session(self) -> StoredSession:
        """The session as last read or renewed; raises errors.NotSignedIn."""
        if self._session is None:
            self._session = self._loaded()
        return self._session

    @property
    def scope(self) -> str:
        """What was granted."""
        return self.load_session().scope

    def get_token(self, client: HttpClient) -> str:
        """A token that lives for a minute or more, renewed first if need be."""
        session = self.load_session()
        left = session.expires_at - self._now()
        if left >= RENEW_EARLY or (left > 0 and session.refresh_token is None):
            return session.access_token
        return self._renewed(client, session.access_token)

    def renew_token(self, client: HttpClient, stale: str) -> str:
        """Another token than `stale`."""
        return self._renewed(client, stale)

    def _renewed(self, client: HttpClient, stale: str) -> str:
        with session_lock(self._lock_dir, self._account, client.deadline.require_seconds_left()):
            session = self._loaded()
            if session.access_token == stale or session.expires_at <= self._now():
                session = self._refreshed(client, session)
        self._session = session
        return session.access_token

    def _refreshed(self, client: HttpClient, session: StoredSession) -> StoredSession:
        if session.refresh_token is None:
            raise errors.Expired("Your sign-in has expired.", hint=LOGIN, cure=errors.Cure.SIGN_IN)
        answer = client.post_form(session.token_endpoint, _refresh_form(session))
        if answer.status in MOVED_STATUSES:
            session = self._led_anew(client, session)
            answer = client.post_form(session.token_endpoint, _refresh_form(session))
        check_available(answer)
        if answer.status >= 400:
            return self._after_refusal(answer, session)
        renewed = _merged(session, parse_token_response(answer, self._now()))
        self._vault.save(self._account, renewed)
        return renewed

    def _led_anew(self, client: HttpClient, session: StoredSession) -> StoredSession:
        """The same session at the addresses that the portal names now."""
        from gpcli.auth.discovery import fetch_smart_configuration  # noqa: PLC0415  (only where one has moved)

        found = fetch_smart_configuration(
            client, session.portal, self._cache_dir, self._now(), fresh=0.0
        )
        return replace(
            session,
            token_endpoint=found.token_endpoint,
            revocation_endpoint=found.revocation_endpoint,
        )

    def _after_refusal(self, answer: HttpResponse, used: StoredSession) -> StoredSession:
        word = read_oauth_error(answer)
        if word != "invalid_grant":
            raise errors.SignInRefused(
                f"The portal did not renew your sign-in ({word or answer.status}).",
                hint=LOGIN,
                cure=errors.Cure.SIGN_IN,
            )
        current = self._loaded()
        if current.refresh_token != used.refresh_token:  # somebody without our lock was faster
            return current
        self._vault.delete(self._account)
        raise errors.Expired(
            "Your sign-in has expired or was ended.", hint=LOGIN, cure=errors.Cure.SIGN_IN
        )

    def _loaded(self) -> StoredSession:
        session = self._vault.load(self._account)
        if session is None:
            raise errors.NotSignedIn("Nobody is signed in.", hint="gpcli login signs you in.")
        return session


def _refresh_form(session: StoredSession) -> dict[str, str]:
    return {
        "grant_type": "refresh_token",
        "refresh_token": session.refresh_token or "",
        "client_id": session.client_id,
    }


def _merged(session: StoredSession, tokens: TokenResponse) -> StoredSession:
    if tokens.patient not in {None, session.patient}:
        raise errors.BadResponse("The portal renewed the sign-in for another patient.")
    rotated = tokens.refresh_token is not None
    return replace(
        session,
        access_token=tokens.access_token,
        expires_at=tokens.expires_at,
        scope=tokens.scope or session.scope,
        refresh_token=tokens.refresh_token if rotated else session.refresh_token,
        refresh_expires_at=tokens.refresh_expires_at or _kept_end(session, rotated=rotated),
    )


def _kept_end(session: StoredSession, *, rotated: bool) -> float | None:
    return None if rotated else session.refresh_expires_at
