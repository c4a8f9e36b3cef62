"""A machine signs in by itself with a key (SMART App Launch 2.2, "Backend Services").

Each token is asked for with a client assertion of its own (RFC 7523) and lives in memory alone.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from gpcli import errors
from gpcli.auth.discovery import (
    MAX_AGE,
    MachineConfiguration,
    fetch_machine_configuration,
    format_scopes,
    to_system_scopes,
)
from gpcli.auth.token_response import (
    MOVED_STATUSES,
    TokenResponse,
    check_available,
    parse_token_response,
    read_oauth_error,
)
from gpcli.config.profiles import Profile
from gpcli.http.client import HttpClient, HttpResponse

if TYPE_CHECKING:
    from gpcli.auth.machine_key import MachineKey


ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

ASSERTION_LIFETIME = 240
"""Seconds that an assertion is good for: the portal takes five minutes, clocks differ by one."""

EXPIRY_MARGIN = 5.0
"""Seconds before its end from which a token is not used any more."""

_HINTS = {
    "invalid_client": "The portal must know client_id and the public key under its kid; check "
    "this computer's clock too.",
    "unauthorized_client": "The portal must let this client sign in by itself.",
    "invalid_scope": "Ask for less with scopes in the profile, or have the portal allow more.",
    **dict.fromkeys(
        map(str, MOVED_STATUSES), "The portal names an address where nothing is: tell it."
    ),
}


class ServiceBearer:
    """Access tokens for the machine that `profile` names, whose key is in the file `key_path`.

    `cache_dir` keeps how the portal signs in; `now` gives Unix seconds. Both methods raise
    errors.ConfigTrouble for an unusable key, errors.NotPermitted for a portal without this
    sign-in, errors.SignInRefused, errors.BadResponse, and what the door raises.
    """

    def __init__(
        self, profile: Profile, key_path: Path, cache_dir: Path, now: Callable[[], float]
    ) -> None:
        self._profile = profile
        self._key_path = key_path
        self._cache_dir = cache_dir
        self._now = now
        self._tokens: TokenResponse | None = None
        self._scope: str | None = None

    @property
    def scope(self) -> str | None:
        """What was granted; None = nothing yet."""
        return self._scope

    def get_token(self, client: HttpClient) -> str:
        """The token, a new one where it is about to end."""
        if self._tokens is None or self._tokens.expires_at - self._now() <= EXPIRY_MARGIN:
            return self._asked(client)
        return self._tokens.access_token

    def renew_token(self, client: HttpClient, stale: str) -> str:
        """Another token than `stale`."""
        return self._asked(client)

    def _asked(self, client: HttpClient) -> str:
        from gpcli.auth.machine_key import read_machine_key  # noqa: PLC0415  (joserfc is slow)

        key = read_machine_key(self._key_path)
        found = self._discovered(client, MAX_AGE)
        answer = client.post_form(found.token_endpoint, self._form(key, found))
        if answer.status in MOVED_STATUSES:
            found = self._discovered(client, 0.0)
            answer = client.post_form(found.token_endpoint, self._form(key, found))
        self._tokens = _granted(answer, self._now())
        self._scope = self._scopes(found) if self._tokens.scope is None else self._tokens.scope
        return self._tokens.access_token

    def _discovered(self, client: HttpClient, fresh: float) -> MachineConfiguration:
        portal, now = self._profile.portal, self._now()
        return fetch_machine_configuration(client, portal, self._cache_dir, now, fresh=fresh)

    def _scopes(self, found: MachineConfiguration) -> str:
        profile = self._profile
        wanted = to_system_scopes(profile.requested_scopes)
        return format_scopes(wanted, profile.scopes_version, found.capabilities)

    def _form(self, key: MachineKey, found: MachineConfiguration) -> dict[str, str]:
        if found.algorithms and key.algorithm not in found.algorithms:
            raise errors.NotPermitted(
                f"The portal takes no signatures with {key.algorithm}, which the key in "
                f"{self._key_path} makes.",
                hint=f"It takes {', '.join(found.algorithms)}; use another key.",
            )
        return {
            "grant_type": "client_credentials",
            "scope": self._scopes(found),
            "client_assertion_type": ASSERTION,
            "client_assertion": self._assertion(key, found),
        }

    def _assertion(self, key: MachineKey, found: MachineConfiguration) -> str:
        from joserfc import jwt  # noqa: PLC0415  (slow to import; only a new token needs it)

        client_id = self._profile.client_id
        claims = {
            "iss": client_id,
            "sub": client_id,
            "aud": found.token_endpoint,
            "exp": int(self._now()) + ASSERTION_LIFETIME,
            "jti": str(uuid.uuid4()),
        }
        header = {"alg": key.algorithm, "kid": key.kid, "typ": "JWT"}
        return jwt.encode(header, claims, key.key, algorithms=[key.algorithm])


def _granted(answer: HttpResponse, now: float) -> TokenResponse:
    check_available(answer)
    if answer.status < 400:
        return parse_token_response(answer, now)
    word = read_oauth_error(answer) or str(answer.status)
    raise errors.SignInRefused(
        f"The portal did not let this machine in ({word}).",
        hint=_HINTS.get(word, "The portal must know client_id and the public key."),
    )
