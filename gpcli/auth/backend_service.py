"""Access tokens for a machine that signs in with a key (SMART App Launch 2.2, "Backend Services").

Each token is requested with a new client assertion (RFC 7523) and is kept in memory only.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from gpcli.auth.client_auth import KEY_METHOD, ClientAuth, check_algorithm
from gpcli.auth.discovery import (
    MAX_AGE,
    MachineConfiguration,
    fetch_machine_configuration,
)
from gpcli.auth.oauth_errors import AuthAttempt, check_no_error
from gpcli.auth.scopes import choose_system_scopes
from gpcli.auth.token_response import MOVED_STATUSES, TokenResponse, parse_token_response
from gpcli.config.profiles import Profile
from gpcli.http.client import HttpClient, HttpResponse

if TYPE_CHECKING:
    from gpcli.auth.machine_key import MachineKey


EXPIRY_MARGIN = 5.0
"""Seconds before its end from which a token is no longer used."""

_REFUSAL_HINTS = {
    "invalid_client": "The portal must know client_id and the public key under its kid; check "
    "this computer's clock too.",
    "unauthorized_client": "The portal must let this client sign in by itself.",
    "invalid_scope": "Ask for less with scopes in the profile, or have the portal allow more.",
    **dict.fromkeys(
        map(str, MOVED_STATUSES), "The portal names an address where nothing is: tell it."
    ),
    "": "The portal must know client_id and the public key.",
}
"""What to do about a refusal, by its OAuth error code, or its status where it has none."""


class ServiceBearer:
    """Access tokens for the client of `profile`, whose key is in the file `key_path`.

    `cache_dir` is where the portal's SMART configuration is cached; `now` gives Unix seconds.
    What gives a token raises ConfigError for an unusable key, NotPermitted for a portal
    without this sign-in, SignInRefused, BadResponse, and what HttpClient raises.
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
        """The scopes that were granted, else those requested; None = no token was fetched yet."""
        return self._scope

    def require_key(self) -> None:
        """Raise ConfigError for an unusable key, before anything is asked."""
        from gpcli.auth.machine_key import read_machine_key  # noqa: PLC0415  (start-up: joserfc)

        read_machine_key(self._key_path)

    def get_token(self, client: HttpClient) -> str:
        """Return the token, a new one where it is about to end."""
        if self._tokens is None or self._tokens.expires_at - self._now() <= EXPIRY_MARGIN:
            return self._fetch_token(client)
        return self._tokens.access_token

    def renew_token(self, client: HttpClient, stale: str) -> str:
        """Return a new token, fetched in any case: no other process shares the `stale` one."""
        return self._fetch_token(client)

    def _fetch_token(self, client: HttpClient) -> str:
        from gpcli.auth.machine_key import read_machine_key  # noqa: PLC0415  (start-up: joserfc)

        key = read_machine_key(self._key_path)
        configuration = self._fetch_configuration(client, MAX_AGE)
        response = self._request_token(client, key, configuration)
        if response.status in MOVED_STATUSES:
            configuration = self._fetch_configuration(client, 0.0)
            response = self._request_token(client, key, configuration)
        self._tokens = self._read_tokens(response, configuration)
        granted = self._tokens.scope
        self._scope = self._choose_scopes(configuration) if granted is None else granted
        return self._tokens.access_token

    def _fetch_configuration(self, client: HttpClient, max_age: float) -> MachineConfiguration:
        portal, now = self._profile.portal, self._now()
        return fetch_machine_configuration(client, portal, self._cache_dir, now, max_age=max_age)

    def _choose_scopes(self, configuration: MachineConfiguration) -> str:
        return choose_system_scopes(self._profile, configuration.offered_scopes)

    def _request_token(
        self, client: HttpClient, key: MachineKey, configuration: MachineConfiguration
    ) -> HttpResponse:
        check_algorithm(key, configuration.algorithms, str(self._key_path))
        auth = ClientAuth(self._profile.client_id, KEY_METHOD, key=key, now=self._now)
        form = {"grant_type": "client_credentials", "scope": self._choose_scopes(configuration)}
        endpoint = configuration.token_endpoint
        return auth.post(client, endpoint, form, endpoint)

    def _read_tokens(
        self, response: HttpResponse, configuration: MachineConfiguration
    ) -> TokenResponse:
        profile = self._profile
        attempt = AuthAttempt(
            "The portal did not let this machine in",
            profile.client_id,
            KEY_METHOD,
            self._choose_scopes(configuration),
            profile.portal,
            hints=_REFUSAL_HINTS,
            assertion_time=self._now(),
        )
        check_no_error(response, attempt)
        return parse_token_response(response, self._now(), profile.portal)
