"""Access tokens for HttpClient: a given one, or a session's, which is renewed under a lock."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Protocol

from gpcli.auth.client_auth import ClientAuth
from gpcli.auth.oauth_errors import (
    INVALID_GRANT,
    AuthAttempt,
    OAuthError,
    build_sign_in_error,
    read_oauth_error,
)
from gpcli.auth.session import StoredSession, session_lock
from gpcli.auth.token_response import (
    MOVED_STATUSES,
    TokenResponse,
    parse_token_response,
)
from gpcli.auth.vault import Vault
from gpcli.errors import BadResponse, Cure, Expired, NotSignedIn
from gpcli.http.client import Bearer, HttpClient, HttpResponse

RENEW_EARLY = 60.0
"""Seconds before its end from which a token is renewed."""

LOGIN_HINT = "gpcli login signs you in again."


class ScopedBearer(Bearer, Protocol):
    """A bearer that may know what its tokens permit."""

    @property
    def scope(self) -> str | None:
        """The scopes that were granted; None = not known."""
        ...


class StaticBearer:
    """A token that can't be renewed, such as that in GPCLI_TOKEN.

    `scope` is what was granted; None = not known.
    """

    def __init__(self, token: str, scope: str | None = None) -> None:
        self._token = token
        self._scope = scope

    @property
    def scope(self) -> str | None:
        """The scopes that were granted; None = not known."""
        return self._scope

    def get_token(self, client: HttpClient) -> str:
        """Return the token as it was given."""
        return self._token

    def renew_token(self, client: HttpClient, stale: str) -> str:
        """Raise Expired: such a token can't be renewed."""
        raise Expired(
            "The portal does not accept the token in GPCLI_TOKEN.",
            hint="Set a new one.",
        )


class SessionBearer:
    """The access tokens of the session of `account` in `vault`.

    The session's lock is in `lock_dir`, the cached SMART configuration in `cache_dir`; `now` gives
    Unix seconds. `session` is what `vault` has, if the caller has read it already. `rebuild_auth`
    returns how the client of a session is proved, and raises NotSignedIn where it can't be.
    Both methods raise NotSignedIn, Expired, SignInRefused, NoKeyring,
    and what HttpClient raises. The session is kept when the portal can't be reached.
    """

    def __init__(
        self,
        vault: Vault,
        account: str,
        lock_dir: Path,
        cache_dir: Path,
        now: Callable[[], float],
        session: StoredSession | None = None,
        *,
        rebuild_auth: Callable[[StoredSession], ClientAuth] | None = None,
    ) -> None:
        self._vault = vault
        self._account = account
        self._lock_dir = lock_dir
        self._cache_dir = cache_dir
        self._now = now
        self._session = session
        self._rebuild_auth = rebuild_auth or (lambda session: ClientAuth(session.client_id))

    def load_session(self) -> StoredSession:
        """Return the session as last read or renewed; raise NotSignedIn."""
        if self._session is None:
            self._session = self._read_session()
        return self._session

    @property
    def scope(self) -> str:
        """The scopes that were granted."""
        return self.load_session().scope

    def get_token(self, client: HttpClient) -> str:
        """Return a token, renewed first if it ends within a minute.

        One that can't be renewed is used until its end.
        """
        session = self.load_session()
        left = session.expires_at - self._now()
        if left >= RENEW_EARLY or (left > 0 and session.refresh_token is None):
            return session.access_token
        return self._renew(client, session.access_token)

    def renew_token(self, client: HttpClient, stale: str) -> str:
        """Return another token than `stale`, renewed unless another process has renewed it."""
        return self._renew(client, stale)

    def _renew(self, client: HttpClient, stale: str) -> str:
        with session_lock(self._lock_dir, self._account, client.deadline.require_seconds_left()):
            session = self._read_session()
            if session.access_token == stale or session.expires_at <= self._now():
                session = self._refresh(client, session)
        self._session = session
        return session.access_token

    def _refresh(self, client: HttpClient, session: StoredSession) -> StoredSession:
        if session.refresh_token is None:
            raise Expired("Your sign-in has expired.", hint=LOGIN_HINT, cure=Cure.SIGN_IN)
        auth = self._rebuild_auth(session)
        response = _send_refresh(client, session, auth)
        if response.status in MOVED_STATUSES:
            session = self._fetch_endpoints(client, session)
            response = _send_refresh(client, session, auth)
        error = read_oauth_error(response, auth.secrets)
        if error is not None:
            return self._read_session_after_refusal(error, session, auth)
        renewed = _merge_tokens(
            session, parse_token_response(response, self._now(), session.portal)
        )
        self._vault.save(self._account, renewed)
        return renewed

    def _fetch_endpoints(self, client: HttpClient, session: StoredSession) -> StoredSession:
        """Return the same session with the endpoints that the portal names now."""
        from gpcli.auth.discovery import fetch_smart_configuration  # noqa: PLC0415  (start-up: only where it has moved)

        portal, now = session.portal, self._now()
        configuration = fetch_smart_configuration(client, portal, self._cache_dir, now, max_age=0.0)
        return replace(
            session,
            token_endpoint=configuration.token_endpoint,
            revocation_endpoint=configuration.revocation_endpoint,
        )

    def _read_session_after_refusal(
        self, error: OAuthError, used: StoredSession, auth: ClientAuth
    ) -> StoredSession:
        """Return the session if another process has renewed it meanwhile.

        Raises: Expired for one that has ended, which is deleted; SignInRefused; PortalError or
        RateLimited where later may work.
        """
        is_failing = error.status is not None and error.status >= 500
        if error.word != INVALID_GRANT or is_failing:
            raise build_sign_in_error(error, _describe_refresh(used, auth))
        current = self._read_session()
        if current.refresh_token != used.refresh_token:  # by a process that does not see our lock
            return current
        self._vault.delete(self._account)
        raise Expired("Your sign-in has expired or was ended.", hint=LOGIN_HINT, cure=Cure.SIGN_IN)

    def _read_session(self) -> StoredSession:
        session = self._vault.load(self._account)
        if session is None:
            raise NotSignedIn("Nobody is signed in.", hint="gpcli login signs you in.")
        return session


def _send_refresh(client: HttpClient, session: StoredSession, auth: ClientAuth) -> HttpResponse:
    form = {"grant_type": "refresh_token", "refresh_token": session.refresh_token or ""}
    return auth.post(client, session.token_endpoint, form, session.token_endpoint)


def _describe_refresh(session: StoredSession, auth: ClientAuth) -> AuthAttempt:
    return AuthAttempt(
        "The portal did not renew your sign-in",
        session.client_id,
        auth.method,
        session.scope,
        session.portal,
        hints={"": LOGIN_HINT},
        again=LOGIN_HINT,
        cure=Cure.SIGN_IN,
        secrets=auth.secrets,
        assertion_time=auth.assertion_time,
    )


def _merge_tokens(session: StoredSession, tokens: TokenResponse) -> StoredSession:
    if tokens.patient not in {None, session.patient}:
        raise BadResponse("The portal renewed the sign-in for another patient.")
    is_rotated = tokens.refresh_token is not None
    old_end = None if is_rotated else session.refresh_expires_at
    return replace(
        session,
        access_token=tokens.access_token,
        expires_at=tokens.expires_at,
        scope=tokens.scope or session.scope,
        refresh_token=tokens.refresh_token if is_rotated else session.refresh_token,
        refresh_expires_at=tokens.refresh_expires_at or old_end,
    )
