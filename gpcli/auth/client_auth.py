"""How gpcli proves to a portal's sign-in which client it is: not at all, by a secret, or by a key.

Source: RFC 6749, 2.3; RFC 7523, 2.2; SMART App Launch 2.2, "Client Authentication".
"""

from __future__ import annotations

import base64
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import quote_plus

from gpcli.errors import NotPermitted
from gpcli.http.client import HttpClient, HttpResponse

if TYPE_CHECKING:
    from gpcli.auth.discovery import SmartConfiguration
    from gpcli.auth.machine_key import MachineKey

PUBLIC, SECRET_BASIC, SECRET_POST = "none", "client_secret_basic", "client_secret_post"
SECRET_METHODS = (SECRET_BASIC, SECRET_POST)
"""The methods with a secret, the one that a portal has if it names none first (RFC 8414, 2)."""

KEY_METHOD = "private_key_jwt"
"""The method with a key."""

MACHINE_CAPABILITY = "client-confidential-asymmetric"
"""The capability for that method, which some portals name instead."""

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

ASSERTION_LIFETIME = 240
"""Seconds that an assertion is valid: portals accept five minutes, and clocks may differ by one."""

_PUBLIC_CAPABILITY = "client-public"
_CONFIDENTIAL_CAPABILITIES = frozenset({MACHINE_CAPABILITY, "client-confidential-symmetric"})


@dataclass(frozen=True)
class ClientCredentials:
    """What a profile has to prove its client by; None = it has none.

    `method` is the one that the profile insists on, None = the portal's words decide. `key_name`
    names the key's file in messages.
    """

    client_id: str
    method: str | None = None
    secret: str | None = field(default=None, repr=False)
    read_key: Callable[[], MachineKey] | None = field(default=None, repr=False)
    key_name: str = ""


@dataclass(frozen=True)
class ClientAuth:
    """A client, and how it proves to be that one: `method` with the `secret` or the `key` it needs.

    `now` gives Unix seconds.
    """

    client_id: str
    method: str = PUBLIC
    secret: str = field(default="", repr=False)
    key: MachineKey | None = field(default=None, repr=False)
    now: Callable[[], float] = field(default=lambda: 0.0, repr=False)

    @property
    def secrets(self) -> tuple[str, ...]:
        """What must not be shown, though a portal quotes it."""
        return (self.secret,) if self.secret else ()

    @property
    def assertion_time(self) -> float | None:
        """The present in Unix seconds, where an assertion proves the client; None elsewhere."""
        return self.now() if self.key else None

    def post(
        self, client: HttpClient, url: str, form: Mapping[str, str], token_endpoint: str
    ) -> HttpResponse:
        """Send `form` to an endpoint of the sign-in, with the proof of the client.

        `token_endpoint` is for whom an assertion is made, wherever it is sent.
        Raises: what HttpClient raises.
        """
        fields, headers = self._prove(token_endpoint)
        return client.post_form(url, {**form, **fields}, headers=headers)

    def _prove(self, token_endpoint: str) -> tuple[dict[str, str], dict[str, str]]:
        """Return the fields and the headers that prove the client."""
        if self.method == SECRET_BASIC:
            return {}, {"Authorization": f"Basic {self._encode_pair()}"}
        if self.method == SECRET_POST:
            return {"client_id": self.client_id, "client_secret": self.secret}, {}
        if self.key is not None:
            assertion = self._sign_assertion(self.key, token_endpoint)
            return {"client_assertion_type": ASSERTION_TYPE, "client_assertion": assertion}, {}
        return {"client_id": self.client_id}, {}

    def _encode_pair(self) -> str:
        # Each is form-urlencoded before they are joined: RFC 6749, 2.3.1.
        pair = f"{quote_plus(self.client_id)}:{quote_plus(self.secret)}"
        return base64.b64encode(pair.encode()).decode("ascii")

    def _sign_assertion(self, key: MachineKey, token_endpoint: str) -> str:
        from joserfc import jwt  # noqa: PLC0415  (start-up: only a proof by key needs it)

        claims = {
            "iss": self.client_id,
            "sub": self.client_id,
            "aud": token_endpoint,
            "exp": int(self.now()) + ASSERTION_LIFETIME,
            "jti": str(uuid.uuid4()),
        }
        header = {"alg": key.algorithm, "kid": key.kid, "typ": "JWT"}
        return jwt.encode(header, claims, key.key, algorithms=[key.algorithm])


def build_client_auth(
    credentials: ClientCredentials, configuration: SmartConfiguration, now: Callable[[], float]
) -> ClientAuth:
    """Return how to prove the client at a portal, by its own words and what the profile has.

    Raises: NotPermitted where the portal has no way that the profile has, ConfigError for a key
    that can't be used.
    """
    method = choose_method(credentials, configuration)
    if method == KEY_METHOD and credentials.read_key is not None:
        key = credentials.read_key()
        check_algorithm(key, configuration.algorithms, credentials.key_name)
        return ClientAuth(credentials.client_id, method, key=key, now=now)
    if method in SECRET_METHODS and credentials.secret:
        return ClientAuth(credentials.client_id, method, credentials.secret)
    if method == PUBLIC:
        return ClientAuth(credentials.client_id)
    what = "a key_file" if method == KEY_METHOD else "a client secret"
    raise NotPermitted(
        f"The profile's client_auth is {method}, and it has not got {what}.",
        hint=_CONFIDENTIAL_HINT,
    )


def check_algorithm(key: MachineKey, algorithms: tuple[str, ...], key_name: str) -> None:
    """Raise NotPermitted where a portal takes signatures, and none such as the key makes."""
    if algorithms and key.algorithm not in algorithms:
        raise NotPermitted(
            f"The portal takes no signatures with {key.algorithm}, which the key in "
            f"{key_name} makes.",
            hint=f"It takes {', '.join(algorithms)}; use another key.",
        )


def choose_method(credentials: ClientCredentials, configuration: SmartConfiguration) -> str:
    """Return the way to prove the client that the profile fixes, or else the portal's words choose.

    Raises: NotPermitted where the portal has no way that the profile has.
    """
    if credentials.method is not None:
        return credentials.method
    methods, capabilities = configuration.auth_methods, configuration.capabilities
    takes_key = not methods or KEY_METHOD in methods or MACHINE_CAPABILITY in capabilities
    if credentials.read_key is not None and (takes_key or not credentials.secret):
        if takes_key:
            return KEY_METHOD
        raise _no_way_error("key", methods)
    if credentials.secret:
        for method in SECRET_METHODS:
            if method in (methods or SECRET_METHODS):
                return method
        raise _no_way_error("client secret", methods)
    if is_confidential_only(configuration):
        raise NotPermitted(
            "The portal signs people in only by programs that have a secret or a key: it names "
            f"{', '.join(methods or sorted(capabilities & _CONFIDENTIAL_CAPABILITIES))}.",
            hint=_CONFIDENTIAL_HINT,
        )
    return PUBLIC


def is_confidential_only(configuration: SmartConfiguration) -> bool:
    """Return whether the portal says that a client needs a secret or a key."""
    if _PUBLIC_CAPABILITY in configuration.capabilities or PUBLIC in configuration.auth_methods:
        return False
    return bool(
        configuration.auth_methods or configuration.capabilities & _CONFIDENTIAL_CAPABILITIES
    )


_CONFIDENTIAL_HINT = (
    "Register gpcli at the portal, then gpcli login --client-id ID --client-secret takes the "
    "secret that it gives you; or name your key with key_file in the profile."
)


def _no_way_error(what: str, methods: tuple[str, ...]) -> NotPermitted:
    return NotPermitted(
        f"The portal takes no {what}: it names {', '.join(methods)}.",
        hint="client_auth in the profile insists on another way; gpcli help profiles lists them.",
    )
