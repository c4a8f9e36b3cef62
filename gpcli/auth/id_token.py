"""Validation of ID tokens (OpenID Connect Core 1.0, 3.1.3.7)."""

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
from gpcli.http.portal_clock import CLOCK_HINT, TOLERANCE, find_clock_error

ALGORITHMS = (
    *("ES256", "ES384", "ES512", "Ed25519", "EdDSA"),
    *("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"),
)
"""The signature algorithms with a key pair: not `none`, and none with a shared secret."""

_MAX_LENGTH = 32_768  # characters
_TIME_CLAIMS = {"exp", "iat", "nbf"}
_CLAIM_ERRORS = {
    "iss": "it was not issued by the portal",
    "aud": "it is for another program",
    "exp": "it has expired",
    "iat": "it comes from the future",
    "nbf": "it comes from the future",
}
_KEY_TYPES = ("EC", "RSA", "OKP")


def check_id_token(
    token: str,
    *,
    client: HttpClient,
    configuration: SmartConfiguration,
    client_id: str,
    nonce: str | None,
    acr: str | None,
    now: float,
    portal_time: float | None,
) -> dict[str, Any]:
    """Return the claims of `token` if it is valid at `now` (Unix seconds).

    Keys come from the configuration's `jwks_uri` only. `nonce` is None where the flow has none;
    `acr` lists the acceptable levels, separated by spaces; None = any. `portal_time` is the time
    that the portal told when it gave the token; None = it did not, and the token's own counts.
    Raises: SignInRefused, and what HttpClient raises.
    """
    claims = _verify_signature(token, client, configuration)
    try:
        _build_claims_registry(configuration, now).validate(claims)
    except MissingClaimError as error:
        raise _refusal_error("it is incomplete") from error
    except JoseError as error:
        if portal_time is None:  # the token was issued a moment ago
            portal_time = issued if isinstance(issued := claims.get("iat"), int) else None
        raise _claim_error(getattr(error, "claim", ""), now, portal_time) from error
    if claims["aud"] not in (client_id, [client_id]):
        raise _refusal_error("it is for another program")
    if claims.get("azp", client_id) != client_id:
        raise _refusal_error("it was issued to another program")
    if nonce is not None and not _is_same(claims.get("nonce"), nonce):
        raise _refusal_error("it belongs to another sign-in", "gpcli login tries again.")
    if acr is not None and claims.get("acr") not in acr.split():
        raise _level_error(claims.get("acr"), acr)
    return claims


def _build_claims_registry(configuration: SmartConfiguration, now: float) -> jwt.JWTClaimsRegistry:
    return jwt.JWTClaimsRegistry(
        now=int(now),
        leeway=TOLERANCE,
        iss={"essential": True, "value": configuration.issuer or ""},
        aud={"essential": True},
        sub={"essential": True},
        exp={"essential": True},
        iat={"essential": True},
    )


def _verify_signature(
    token: str, client: HttpClient, configuration: SmartConfiguration
) -> dict[str, Any]:
    header = _read_header(token)
    key = _find_key(header, client, configuration)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SecurityWarning)  # EdDSA, the older name of Ed25519
        try:
            return jwt.decode(token, key, algorithms=ALGORITHMS).claims
        except (JoseError, ValueError) as error:
            raise _refusal_error("its signature is wrong") from error


def _read_header(token: str) -> dict[str, Any]:
    if len(token) > _MAX_LENGTH:
        raise _refusal_error("it is too long")
    try:
        header: dict[str, Any] = jws.extract_compact(token.encode()).headers()
    except (JoseError, ValueError) as error:
        raise _refusal_error("it can't be read") from error
    if header.get("alg") not in ALGORITHMS:
        raise _refusal_error("it is signed in a way that proves nothing")
    return header


def _find_key(header: dict[str, Any], client: HttpClient, configuration: SmartConfiguration) -> Key:
    for _ in range(2):  # the portal may change its keys between signing and this request
        for jwk in _fetch_keys(client, configuration):
            if _can_verify(jwk, header):
                return _import_key(jwk)
    raise _refusal_error("its key is not among the portal's")


def _fetch_keys(client: HttpClient, configuration: SmartConfiguration) -> list[Any]:
    if configuration.jwks_uri is None:
        raise _refusal_error("the portal publishes no keys")
    response = client.get_public(configuration.jwks_uri)
    keys = response.body.get("keys") if isinstance(response.body, dict) else None
    if response.status != 200 or not isinstance(keys, list):
        raise _refusal_error("the portal's keys can't be read")
    return keys


def _can_verify(jwk: Any, header: dict[str, Any]) -> bool:
    if not isinstance(jwk, dict) or jwk.get("kty") not in _KEY_TYPES:
        return False
    if jwk.get("use", "sig") != "sig":
        return False
    if jwk.get("alg", header["alg"]) != header["alg"]:
        return False
    return "kid" not in header or jwk.get("kid") == header["kid"]


def _import_key(jwk: dict[str, Any]) -> Key:
    try:
        return import_key(jwk)
    except (JoseError, ValueError, TypeError, LookupError, AttributeError) as error:
        raise _refusal_error("the portal's key can't be read") from error


def _is_same(found: object, wanted: str) -> bool:
    return isinstance(found, str) and hmac.compare_digest(found.encode(), wanted.encode())


def _claim_error(claim: str, now: float, portal_time: float | None) -> SignInRefused:
    why = _CLAIM_ERRORS.get(claim, "it is wrong")
    clock_error = find_clock_error(now, portal_time) if claim in _TIME_CLAIMS else None
    if clock_error is None:
        return _refusal_error(why)
    return _refusal_error(f"by this computer's clock, which is {clock_error}, {why}", CLOCK_HINT)


def _level_error(reached: object, acr: str) -> SignInRefused:
    level = f"'{reached}'" if isinstance(reached, str) else "no level at all"
    return _refusal_error(
        "the person was not identified strongly enough",
        f"This profile insists on '{acr}' (its key acr), and the portal says {level}. "
        "gpcli login tries again: choose a stronger way at the portal's page.",
    )


def _refusal_error(
    why: str, hint: str = "Only the portal can put this right: tell it."
) -> SignInRefused:
    return SignInRefused(f"The portal's proof of who signed in was not accepted: {why}.", hint=hint)
