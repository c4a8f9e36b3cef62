"""Checking an ID token (OpenID Connect Core 1.0, 3.1.3.7), so that nobody signs in as another."""

from __future__ import annotations

import hmac
import warnings
from typing import Any

from joserfc import jws, jwt
from joserfc.errors import JoseError, MissingClaimError, SecurityWarning
from joserfc.jwk import Key, import_key

from gpcli.auth.discovery import SmartConfiguration
from gpcli.errors import SignInRefused
from gpcli.http.client import HttpClient

ALGORITHMS = (
    *("ES256", "ES384", "ES512", "Ed25519", "EdDSA"),
    *("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"),
)
"""Signatures by a key pair only: never `none`, never a shared secret."""

LEEWAY = 60
"""Seconds that two clocks may differ."""

_LONGEST = 32_768  # characters
_CLOCKS = {"exp", "iat", "nbf"}
_WRONG = {
    "iss": "it was not issued by the portal",
    "aud": "it is for another program",
    "exp": "it has expired",
    "iat": "it comes from the future",
    "nbf": "it comes from the future",
}
_KEY_TYPES = {"EC", "RSA", "OKP"}


def check_id_token(
    token: str,
    *,
    client: HttpClient,
    configuration: SmartConfiguration,
    client_id: str,
    nonce: str | None,
    acr: str | None,
    now: float,
) -> dict[str, Any]:
    """The claims of `token`, when everything about it is right at `now` (Unix seconds).

    Keys come from the configuration's `jwks_uri` only. `nonce` is None where the flow has none;
    `acr` lists the acceptable levels, separated by spaces. Raises errors.SignInRefused, and what
    the door raises.
    """
    claims = _verified(token, client, configuration)
    try:
        _registry(configuration, now).validate(claims)
    except MissingClaimError as trouble:
        raise _refused("it is incomplete") from trouble
    except JoseError as trouble:
        raise _wrong(getattr(trouble, "claim", ""), claims, now) from trouble
    if claims["aud"] not in (client_id, [client_id]):
        raise _refused("it is for another program")
    if claims.get("azp", client_id) != client_id:
        raise _refused("it was issued to another program")
    if nonce is not None and not _same(claims.get("nonce"), nonce):
        raise _refused("it belongs to another sign-in", "gpcli login tries again.")
    if acr is not None and claims.get("acr") not in acr.split():
        raise _too_weak(claims.get("acr"), acr)
    return claims


def _registry(configuration: SmartConfiguration, now: float) -> jwt.JWTClaimsRegistry:
    return jwt.JWTClaimsRegistry(
        now=int(now),
        leeway=LEEWAY,
        iss={"essential": True, "value": configuration.issuer or ""},
        aud={"essential": True},
        sub={"essential": True},
        exp={"essential": True},
        iat={"essential": True},
    )


def _verified(token: str, client: HttpClient, configuration: SmartConfiguration) -> dict[str, Any]:
    header = _header(token)
    key = _key(header, client, configuration)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SecurityWarning)  # EdDSA is an older name of Ed25519
        try:
            return jwt.decode(token, key, algorithms=ALGORITHMS).claims
        except (JoseError, ValueError) as trouble:
            raise _refused("its signature is wrong") from trouble


def _header(token: str) -> dict[str, Any]:
    if len(token) > _LONGEST:
        raise _refused("it is too long")
    try:
        header: dict[str, Any] = jws.extract_compact(token.encode()).headers()
    except (JoseError, ValueError) as trouble:
        raise _refused("it can't be read") from trouble
    if header.get("alg") not in ALGORITHMS:
        raise _refused("it is signed in a way that proves nothing")
    return header


def _key(header: dict[str, Any], client: HttpClient, configuration: SmartConfiguration) -> Key:
    for _ in range(2):  # the portal may have changed its keys between token and look
        for published in _published(client, configuration):
            if _fits(published, header):
                return _imported(published)
    raise _refused("its key is not among the portal's")


def _published(client: HttpClient, configuration: SmartConfiguration) -> list[Any]:
    if configuration.jwks_uri is None:
        raise _refused("the portal publishes no keys")
    answer = client.get_public(configuration.jwks_uri)
    keys = answer.body.get("keys") if isinstance(answer.body, dict) else None
    if answer.status != 200 or not isinstance(keys, list):
        raise _refused("the portal's keys can't be read")
    return keys


def _fits(published: Any, header: dict[str, Any]) -> bool:
    if not isinstance(published, dict) or published.get("kty") not in _KEY_TYPES:
        return False
    if published.get("use", "sig") != "sig":
        return False
    if published.get("alg", header["alg"]) != header["alg"]:
        return False
    return "kid" not in header or published.get("kid") == header["kid"]


def _imported(published: dict[str, Any]) -> Key:
    try:
        return import_key(published)
    except (JoseError, ValueError, TypeError) as trouble:
        raise _refused("the portal's key can't be read") from trouble


def _same(found: object, wanted: str) -> bool:
    return isinstance(found, str) and hmac.compare_digest(found.encode(), wanted.encode())


def _wrong(claim: str, claims: dict[str, Any], now: float) -> SignInRefused:
    why = _WRONG.get(claim, "it is wrong")
    issued = claims.get("iat")
    ahead = round((now - issued) / 60) if isinstance(issued, int) else 0  # issued a moment ago
    if claim not in _CLOCKS or not ahead:
        return _refused(why)
    side = "ahead of" if ahead > 0 else "behind"
    return _refused(
        why,
        f"This computer's clock is about {abs(ahead)} min {side} the portal's. Put it right, "
        "or tell the portal if it is; then gpcli login tries again.",
    )


def _too_weak(reached: object, acr: str) -> SignInRefused:
    level = f"'{reached}'" if isinstance(reached, str) else "no level at all"
    return _refused(
        "the person was not identified strongly enough",
        f"This profile insists on '{acr}' (its key acr), and the portal says {level}. "
        "gpcli login tries again: choose a stronger way at the portal's page.",
    )


def _refused(why: str, hint: str = "Only the portal can put this right: tell it.") -> SignInRefused:
    return SignInRefused(f"The portal's proof of who signed in was not accepted: {why}.", hint=hint)
