"""What a portal says about its sign-in (SMART App Launch 2.2, "Conformance", RFC 8414)."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urljoin

from gpcli import errors
from gpcli.auth.token_response import check_available
from gpcli.config.atomic_write import write_private_file
from gpcli.http.client import HttpClient
from gpcli.http.url_policy import is_this_computer, parse_safe_url

V1, V2 = "1", "2"
_V1_ALONE = "permission-v1"
_V2_KNOWN = "permission-v2"
_LETTERS = re.compile(r"(?P<what>(?:patient|user|system)/(?:\*|[A-Za-z]+))\.(?P<may>[cruds]+)")
_WORDS = (("read", "rs"), ("write", "cud"))
"""The words of v1, and which letters of v2 each stands for."""


def format_scopes(scopes: str, version: str | None, capabilities: Collection[str]) -> str:
    """`scopes` as the portal writes them.

    `version` is the profile's wish, "1" or "2"; without one v1 is used where the portal's
    `capabilities` name nothing else.
    """
    alone = _V1_ALONE in capabilities and _V2_KNOWN not in capabilities
    return to_v1_scopes(scopes) if (version or (V1 if alone else V2)) == V1 else scopes


def to_v1_scopes(scopes: str) -> str:
    """`scopes` with words for letters: `patient/Slot.rs` is `patient/Slot.read`.

    What has no letters, and what a query narrows, which v1 can't, stays as it is.
    """
    return " ".join(word for scope in scopes.split() for word in _words(scope))


def to_system_scopes(scopes: str) -> str:
    """`scopes` without a person (Backend Services, "Scopes"): `patient/Slot.rs` is
    `system/Slot.rs`; who signed in and staying signed in are not asked for.
    """
    clinical = (scope for scope in scopes.split() if "/" in scope and "launch/" not in scope)
    return " ".join(f"system/{scope.partition('/')[2]}" for scope in clinical)


def _words(scope: str) -> list[str]:
    found = _LETTERS.fullmatch(scope)
    if found is None:
        return [scope]
    wanted = set(found["may"])
    return [f"{found['what']}.{word}" for word, letters in _WORDS if wanted & set(letters)]


MAX_AGE = 24 * 3600.0
"""Seconds that a kept configuration is used without asking again."""

NEEDED = ("launch-standalone", "client-public", "context-standalone-patient", "permission-patient")
"""Capabilities without which gpcli can't sign a patient in."""

MACHINES_KNOWN = "client-confidential-asymmetric"
"""The capability that lets a machine sign in with a key."""

SIGNED = "private_key_jwt"
BY_ITSELF = "client_credentials"

WELL_KNOWN = ".well-known/smart-configuration"
SIGN_IN_KNOWN = "sso-openid-connect"

_HINT = "Check the portal's address; it must be its FHIR base."


@dataclass(frozen=True)
class SmartConfiguration:
    """A portal's sign-in. All URLs are absolute, and https or loopback; None = not offered.

    `iss_parameter` says that the answer to the browser names its issuer (RFC 9207).
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


@dataclass(frozen=True)
class MachineConfiguration:
    """What a machine signs in by (Backend Services): an absolute URL, and with which signatures.

    `algorithms` is empty where the portal does not say.
    """

    token_endpoint: str
    capabilities: frozenset[str]
    algorithms: tuple[str, ...]


Read = TypeVar("Read")


def fetch_smart_configuration(
    client: HttpClient, portal: str, cache_dir: Path, now: float, *, fresh: float = MAX_AGE
) -> SmartConfiguration:
    """The sign-in of `portal` (its FHIR base), kept in `cache_dir`.

    `now` is Unix seconds. What was kept for `fresh` seconds is asked for anew. Raises
    errors.BadResponse if this is no portal with SMART sign-in, errors.NotPermitted if its sign-in
    lacks something that gpcli needs, and what the door raises.
    """
    return _discovered(
        parse_smart_configuration, client, portal, _CachedDocument(cache_dir, portal, fresh), now
    )


def fetch_machine_configuration(
    client: HttpClient, portal: str, cache_dir: Path, now: float, *, fresh: float = MAX_AGE
) -> MachineConfiguration:
    """As `fetch_smart_configuration`, but how a machine signs in by itself."""
    kept = _CachedDocument(cache_dir, portal, fresh)
    return _discovered(parse_machine_configuration, client, portal, kept, now)


def _discovered(
    read: Callable[[dict[str, Any], str], Read],
    client: HttpClient,
    portal: str,
    kept: _CachedDocument,
    now: float,
) -> Read:
    document, etag, age = kept.read(now)
    if document is not None and age < kept.fresh:
        return read(document, portal)
    document, etag = _asked(client, portal, document, etag)
    found = read(document, portal)
    kept.write(document, etag, now)
    return found


def _asked(
    client: HttpClient, portal: str, old: dict[str, Any] | None, etag: str | None
) -> tuple[dict[str, Any], str | None]:
    headers = {"If-None-Match": etag} if etag and old is not None else {}
    try:
        answer = client.get_public(f"{portal.rstrip('/')}/{WELL_KNOWN}", headers=headers)
    except errors.BadResponse as trouble:
        raise _no_portal(client) from trouble
    check_available(answer)
    if answer.status == 304 and old is not None:
        return old, etag
    if answer.status != 200 or not isinstance(answer.body, dict):
        raise _no_portal(client)
    return answer.body, answer.headers.get("ETag")


def parse_smart_configuration(document: dict[str, Any], portal: str) -> SmartConfiguration:
    """The configuration in `document`; raises errors.BadResponse or errors.NotPermitted."""
    url = _Urls(document, portal)
    capabilities = frozenset(map(str, _list(document, "capabilities")))
    _check_needs(document, capabilities)
    issuer = document.get("issuer")
    if SIGN_IN_KNOWN in capabilities and not (isinstance(issuer, str) and "jwks_uri" in document):
        raise _unusable("does not say who issues its sign-ins and with which keys")
    pushed = "pushed_authorization_request_endpoint"
    return SmartConfiguration(
        issuer=issuer if isinstance(issuer, str) else None,
        authorization_endpoint=url.needed("authorization_endpoint"),
        token_endpoint=url.needed("token_endpoint"),
        revocation_endpoint=url.offered("revocation_endpoint"),
        device_authorization_endpoint=url.offered("device_authorization_endpoint"),
        pushed_authorization_request_endpoint=url.offered(pushed),
        require_pushed_authorization_requests=_flag(
            document, "require_pushed_authorization_requests"
        ),
        jwks_uri=url.offered("jwks_uri"),
        capabilities=capabilities,
        iss_parameter=_flag(document, "authorization_response_iss_parameter_supported"),
    )


def parse_machine_configuration(document: dict[str, Any], portal: str) -> MachineConfiguration:
    """How a machine signs in; raises errors.BadResponse or errors.NotPermitted."""
    capabilities = frozenset(map(str, _list(document, "capabilities")))
    methods = _list(document, "token_endpoint_auth_methods_supported")
    missing = []
    if MACHINES_KNOWN not in capabilities and SIGNED not in methods:
        missing.append(f"{MACHINES_KNOWN} ({SIGNED})")
    if BY_ITSELF not in _list(document, "grant_types_supported", (BY_ITSELF,)):
        missing.append(BY_ITSELF)
    _refuse_missing(missing)
    algorithms = _list(document, "token_endpoint_auth_signing_alg_values_supported")
    endpoint = _Urls(document, portal).needed("token_endpoint")
    return MachineConfiguration(endpoint, capabilities, tuple(map(str, algorithms)))


def _check_needs(document: dict[str, Any], capabilities: frozenset[str]) -> None:
    missing = [need for need in NEEDED if need not in capabilities]
    if "S256" not in _list(document, "code_challenge_methods_supported"):
        missing.append("PKCE with S256")
    _refuse_missing(missing)


def _refuse_missing(missing: list[str]) -> None:
    if missing:
        raise errors.NotPermitted(
            f"The portal's sign-in lacks what gpcli needs: {', '.join(missing)}.",
            hint="Only the portal can change this.",
        )


@dataclass(frozen=True)
class _Urls:
    document: dict[str, Any]
    portal: str

    def offered(self, key: str) -> str | None:
        return self.needed(key) if self.document.get(key) else None

    def needed(self, key: str) -> str:
        value = self.document.get(key)
        if not isinstance(value, str) or not value:
            raise _unusable(f"has no {key}")
        url = urljoin(f"{self.portal.rstrip('/')}/", value)
        try:
            host = parse_safe_url(url).host
        except errors.GpcliError as trouble:
            raise _unusable(f"has a {key} that is not an https address") from trouble
        if is_this_computer(host) and not is_this_computer(parse_safe_url(self.portal).host):
            raise _unusable(f"has a {key} that leads to this computer, not to the portal")
        return url


class _CachedDocument:
    """One portal's document in the cache; a broken file counts as none."""

    def __init__(self, cache_dir: Path, portal: str, fresh: float) -> None:
        self.fresh = fresh
        name = hashlib.sha256(portal.encode()).hexdigest()[:24]
        self._path = cache_dir / f"smart-{name}.json"

    def read(self, now: float) -> tuple[dict[str, Any] | None, str | None, float]:
        """The document, its ETag, and its age in seconds."""
        try:
            found = json.loads(self._path.read_text(encoding="utf-8"))
            age = now - float(found["fetched"])
            document: dict[str, Any] = dict(found["document"])
        except (OSError, ValueError, KeyError, TypeError):
            return None, None, MAX_AGE
        return document, found.get("etag"), age if age >= 0 else MAX_AGE

    def write(self, document: dict[str, Any], etag: str | None, now: float) -> None:
        """Keep the document, where that is possible: without it, it is asked for every time."""
        item = {"fetched": now, "etag": etag, "document": document}
        with suppress(OSError):
            write_private_file(self._path, json.dumps(item, default=str))


def _list(document: dict[str, Any], key: str, unsaid: Sequence[Any] = ()) -> Sequence[Any]:
    value = document.get(key, unsaid)
    return value if isinstance(value, list | tuple) else ()


def _flag(document: dict[str, Any], key: str) -> bool:
    return document.get(key) is True


def _no_portal(client: HttpClient) -> errors.BadResponse:
    return errors.BadResponse(f"{client.base} is not a FHIR portal with SMART sign-in.", hint=_HINT)


def _unusable(why: str) -> errors.BadResponse:
    return errors.BadResponse(f"The portal's description of its sign-in {why}.", hint=_HINT)
