"""A portal's SMART configuration.

Source: SMART App Launch 2.2, "Conformance"; RFC 8414.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from gpcli.auth.client_auth import KEY_METHOD, MACHINE_CAPABILITY
from gpcli.auth.scopes import OfferedScopes
from gpcli.auth.token_response import check_available
from gpcli.config.json_cache import CachedJson
from gpcli.errors import BadResponse, GpcliError, NotPermitted
from gpcli.http.client import HttpClient
from gpcli.http.url_policy import parse_safe_url, resolve_link
from gpcli.web_url import is_this_computer

MAX_AGE = 24 * 3600.0
"""Seconds for which a cached configuration is used without a request."""

MACHINE_GRANT = "client_credentials"
"""The grant type by which a machine gets a token."""

WELL_KNOWN = ".well-known/smart-configuration"
OPENID_CAPABILITY = "sso-openid-connect"
STANDALONE_CAPABILITY, PORTAL_ONLY_CAPABILITY = "launch-standalone", "launch-ehr"
PKCE_METHODS, PKCE_METHOD = "code_challenge_methods_supported", "S256"

_HINT = "Check the portal's address; it must be its FHIR base."


@dataclass(frozen=True)
class SmartConfiguration:
    """A portal's configuration for people; None = it names none.

    Endpoints and `jwks_uri` are absolute URLs, https or loopback.

    `iss_parameter` says that the callback has the issuer in `iss` (RFC 9207). `auth_methods` are
    the ways in which a client may authenticate at the token endpoint, `algorithms` those that it
    takes for signatures; empty = the portal does not say. So is `scopes_supported`.
    """

    issuer: str | None
    authorization_endpoint: str
    token_endpoint: str
    revocation_endpoint: str | None
    device_authorization_endpoint: str | None
    pushed_authorization_request_endpoint: str | None
    require_pushed_authorization_requests: bool
    jwks_uri: str | None
    capabilities: frozenset[str]
    iss_parameter: bool
    auth_methods: tuple[str, ...] = ()
    algorithms: tuple[str, ...] = ()
    scopes_supported: tuple[str, ...] = ()

    @property
    def offered_scopes(self) -> OfferedScopes:
        """What the portal says of scopes."""
        return OfferedScopes(self.scopes_supported, self.capabilities)


@dataclass(frozen=True)
class MachineConfiguration:
    """A portal's configuration for machines (Backend Services). The URL is absolute.

    `algorithms` are those that the portal accepts for signatures; empty = it does not say. So is
    `scopes_supported`.
    """

    token_endpoint: str
    capabilities: frozenset[str]
    algorithms: tuple[str, ...]
    scopes_supported: tuple[str, ...] = ()

    @property
    def offered_scopes(self) -> OfferedScopes:
        """What the portal says of scopes."""
        return OfferedScopes(self.scopes_supported, self.capabilities)


Configuration = TypeVar("Configuration")


def fetch_smart_configuration(
    client: HttpClient, portal: str, cache_dir: Path, now: float, *, max_age: float = MAX_AGE
) -> SmartConfiguration:
    """Return the configuration of `portal` (its FHIR base), from the cache or from the portal.

    `now` is in Unix seconds. The cache in `cache_dir` is used if younger than `max_age` seconds.
    Raises: BadResponse if this is no portal with SMART sign-in, NotPermitted if its
    sign-in lacks something that gpcli needs, and what HttpClient raises.
    """
    cache = CachedJson(cache_dir, "smart", portal)
    return _fetch_configuration(parse_smart_configuration, client, portal, cache, now, max_age)


def fetch_machine_configuration(
    client: HttpClient, portal: str, cache_dir: Path, now: float, *, max_age: float = MAX_AGE
) -> MachineConfiguration:
    """Return the configuration for machines; otherwise as `fetch_smart_configuration`."""
    cache = CachedJson(cache_dir, "smart", portal)
    return _fetch_configuration(parse_machine_configuration, client, portal, cache, now, max_age)


def _fetch_configuration(
    parse: Callable[[dict[str, Any], str], Configuration],
    client: HttpClient,
    portal: str,
    cache: CachedJson,
    now: float,
    max_age: float,
) -> Configuration:
    document, etag, age = _read_cached(cache, now)
    if document is not None and age < max_age:
        return parse(document, portal)
    document, etag = _fetch_document(client, portal, document, etag)
    configuration = parse(document, portal)
    cache.write({"etag": etag, "document": document}, now)
    return configuration


def _read_cached(cache: CachedJson, now: float) -> tuple[dict[str, Any] | None, str | None, float]:
    """Return the document, its ETag and its age in seconds; None, None, MAX_AGE without it.

    A document from the future, written before the clock was set back, is as old as MAX_AGE.
    """
    cached = cache.read(now)
    if cached is None or not isinstance(cached[0].get("document"), dict):
        return None, None, MAX_AGE
    values, age = cached
    return values["document"], values.get("etag"), age if age >= 0 else MAX_AGE


def _fetch_document(
    client: HttpClient, portal: str, cached: dict[str, Any] | None, etag: str | None
) -> tuple[dict[str, Any], str | None]:
    """Return the document, which may be the cached one, and its ETag."""
    headers = {"If-None-Match": etag} if etag and cached is not None else {}
    try:
        response = client.get_public(f"{portal.rstrip('/')}/{WELL_KNOWN}", headers=headers)
    except BadResponse as error:
        raise _not_a_portal_error(client) from error
    check_available(response)
    if response.status == 304 and cached is not None:
        return cached, etag
    if response.status != 200 or not isinstance(response.body, dict):
        raise _not_a_portal_error(client)
    return response.body, response.headers.get("ETag")


def parse_smart_configuration(document: dict[str, Any], portal: str) -> SmartConfiguration:
    """Return the configuration in `document`, where URLs may be relative to `portal`.

    Raises: BadResponse or NotPermitted, as `fetch_smart_configuration`.
    """
    endpoints = _Endpoints(document, portal)
    capabilities = frozenset(_read_words(document, "capabilities"))
    _check_person_can_sign_in(document, capabilities)
    issuer = document.get("issuer")
    can_prove_identity = isinstance(issuer, str) and "jwks_uri" in document
    if OPENID_CAPABILITY in capabilities and not can_prove_identity:
        raise _bad_document_error("does not say who issues its sign-ins and with which keys")
    par_endpoint = "pushed_authorization_request_endpoint"
    return SmartConfiguration(
        issuer=issuer if isinstance(issuer, str) else None,
        authorization_endpoint=endpoints.read_required("authorization_endpoint"),
        token_endpoint=endpoints.read_required("token_endpoint"),
        revocation_endpoint=endpoints.read_optional("revocation_endpoint"),
        device_authorization_endpoint=endpoints.read_optional("device_authorization_endpoint"),
        pushed_authorization_request_endpoint=endpoints.read_optional(par_endpoint),
        require_pushed_authorization_requests=_read_flag(
            document, "require_pushed_authorization_requests"
        ),
        jwks_uri=endpoints.read_optional("jwks_uri"),
        capabilities=capabilities,
        iss_parameter=_read_flag(document, "authorization_response_iss_parameter_supported"),
        auth_methods=_read_words(document, _AUTH_METHODS),
        algorithms=_read_words(document, _ALGORITHMS),
        scopes_supported=_read_words(document, "scopes_supported"),
    )


_AUTH_METHODS = "token_endpoint_auth_methods_supported"
_ALGORITHMS = "token_endpoint_auth_signing_alg_values_supported"


def parse_machine_configuration(document: dict[str, Any], portal: str) -> MachineConfiguration:
    """Return how a machine signs in, by `document`, where URLs may be relative to `portal`.

    Raises: BadResponse or NotPermitted, as `fetch_machine_configuration`.
    """
    capabilities = frozenset(_read_words(document, "capabilities"))
    methods = _read_words(document, _AUTH_METHODS)
    missing = []
    if MACHINE_CAPABILITY not in capabilities and KEY_METHOD not in methods:
        missing.append(f"{MACHINE_CAPABILITY} ({KEY_METHOD})")
    if MACHINE_GRANT not in _read_list(document, "grant_types_supported", (MACHINE_GRANT,)):
        missing.append(MACHINE_GRANT)
    if missing:
        raise NotPermitted(
            f"The portal's sign-in lacks what gpcli needs: {', '.join(missing)}.",
            hint=_PORTAL_HINT,
        )
    return MachineConfiguration(
        _Endpoints(document, portal).read_required("token_endpoint"),
        capabilities,
        _read_words(document, _ALGORITHMS),
        _read_words(document, "scopes_supported"),
    )


def _check_person_can_sign_in(document: dict[str, Any], capabilities: frozenset[str]) -> None:
    if PORTAL_ONLY_CAPABILITY in capabilities and STANDALONE_CAPABILITY not in capabilities:
        raise NotPermitted(
            "The portal lets apps be started from its own pages alone: it names "
            f"{PORTAL_ONLY_CAPABILITY} and not {STANDALONE_CAPABILITY}.",
            hint=_PORTAL_HINT,
        )
    methods = document.get(PKCE_METHODS)
    if methods is None:
        raise NotPermitted(
            f"The portal does not say that its sign-in supports PKCE with {PKCE_METHOD}: it has no "
            f"{PKCE_METHODS}. gpcli signs nobody in without.",
            hint="Ask the people who run it to state it, as SMART App Launch 2 has it.",
        )
    if PKCE_METHOD not in _read_words(document, PKCE_METHODS):
        raise NotPermitted(
            f"The portal's sign-in lacks what gpcli needs: PKCE with {PKCE_METHOD}.",
            hint=_PORTAL_HINT,
        )


_PORTAL_HINT = "Only the portal can change this."


@dataclass(frozen=True)
class _Endpoints:
    """The URLs in a configuration document, made absolute and checked."""

    document: dict[str, Any]
    portal: str

    def read_optional(self, key: str) -> str | None:
        return self.read_required(key) if self.document.get(key) else None

    def read_required(self, key: str) -> str:
        value = self.document.get(key)
        if not isinstance(value, str) or not value:
            raise _bad_document_error(f"has no {key}")
        try:
            url = resolve_link(f"{self.portal.rstrip('/')}/", value)
            host = parse_safe_url(url).host
        except GpcliError as error:
            raise _bad_document_error(f"has a {key} that is not an https address") from error
        if is_this_computer(host) and not is_this_computer(parse_safe_url(self.portal).host):
            raise _bad_document_error(f"has a {key} that leads to this computer, not to the portal")
        return url


def _read_list(document: dict[str, Any], key: str, default: Sequence[Any] = ()) -> Sequence[Any]:
    value = document.get(key, default)
    return value if isinstance(value, list | tuple) else ()


def _read_words(document: dict[str, Any], key: str) -> tuple[str, ...]:
    """Return the texts in a list of the document; what is no text is left out."""
    return tuple(word for word in _read_list(document, key) if isinstance(word, str))


def _read_flag(document: dict[str, Any], key: str) -> bool:
    return document.get(key) is True


def _not_a_portal_error(client: HttpClient) -> BadResponse:
    return BadResponse(f"{client.base} is not a FHIR portal with SMART sign-in.", hint=_HINT)


def _bad_document_error(why: str) -> BadResponse:
    return BadResponse(f"The portal's description of its sign-in {why}.", hint=_HINT)
