"""Signing in with the browser: authorization code with PKCE (SMART App Launch 2.2, RFC 8252).

A person's own time does not count against the door's deadline: it begins anew when they are done.
"""

from __future__ import annotations

import base64
import hashlib
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from urllib.parse import urlencode

from gpcli import errors
from gpcli.auth.discovery import SmartConfiguration
from gpcli.auth.loopback import (
    CallbackServer,
    ExpectedCallback,
    ForeignCallback,
    extract_query,
    read_code,
)
from gpcli.auth.prompter import Prompter
from gpcli.auth.sign_in_flow import AuthRequest, SignInResult, exchange_grant
from gpcli.auth.token_response import check_available, read_oauth_error
from gpcli.http.client import HttpClient


@dataclass(frozen=True)
class SignInSecrets:
    """The secrets of one sign-in; `challenge` is what the portal sees of `verifier`."""

    state: str = field(repr=False)
    nonce: str = field(repr=False)
    verifier: str = field(repr=False)

    @property
    def challenge(self) -> str:
        """BASE64URL(SHA256(verifier)), unpadded."""
        digest = hashlib.sha256(self.verifier.encode("ascii")).digest()
        return base64.urlsafe_b64encode(digest).rstrip(b"=").decode("ascii")


def generate_secrets() -> SignInSecrets:
    """Fresh secrets of 256 bits and more."""
    return SignInSecrets(
        secrets.token_urlsafe(32), secrets.token_urlsafe(32), secrets.token_urlsafe(64)
    )


__all__ = ["AuthRequest", "Prompter", "SignInResult", "sign_in_with_browser"]

_TICK = 0.2  # seconds between looks at what was pasted


def sign_in_with_browser(
    client: HttpClient,
    configuration: SmartConfiguration,
    auth_request: AuthRequest,
    prompter: Prompter,
    *,
    now: Callable[[], float],
) -> SignInResult:
    """Send the person to the portal's page, and trade what comes back for tokens.

    Raises errors.SignInRefused (also when nobody answers in time), errors.Usage if the port is
    taken, and what the door raises. `now` gives Unix seconds.
    """
    proof = generate_secrets()
    with CallbackServer(auth_request.redirect_port) as loopback:
        expected = ExpectedCallback(proof.state, configuration.issuer, configuration.iss_parameter)
        loopback.expect(expected)
        asked = _request(auth_request, proof, loopback.redirect_uri)
        url = _page(client, configuration, asked)
        code = _Waiting(loopback, prompter, expected).code(url, auth_request.limit, now)
        client.deadline.restart()
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": loopback.redirect_uri,
            "client_id": auth_request.client_id,
            "code_verifier": proof.verifier,
        }  # a browser that comes back meanwhile is still answered
        return exchange_grant(client, configuration, auth_request, form, nonce=proof.nonce, now=now)


def _request(auth_request: AuthRequest, proof: SignInSecrets, redirect_uri: str) -> dict[str, str]:
    always = {
        "response_type": "code",
        "client_id": auth_request.client_id,
        "redirect_uri": redirect_uri,
        "scope": auth_request.scopes,
        "state": proof.state,
        "nonce": proof.nonce,
        "aud": auth_request.portal,
        "code_challenge": proof.challenge,
        "code_challenge_method": "S256",
    }
    return always | auth_request.extras()


def _page(client: HttpClient, configuration: SmartConfiguration, asked: dict[str, str]) -> str:
    endpoint = configuration.authorization_endpoint
    if configuration.require_pushed_authorization_requests:
        asked = {
            "client_id": asked["client_id"],
            "request_uri": _pushed(client, configuration, asked),
        }
    return f"{endpoint}{'&' if '?' in endpoint else '?'}{urlencode(asked)}"


def _pushed(client: HttpClient, configuration: SmartConfiguration, asked: dict[str, str]) -> str:
    endpoint = configuration.pushed_authorization_request_endpoint
    if endpoint is None:
        raise errors.BadResponse("The portal wants pushed requests but says not where.")
    answer = client.post_form(endpoint, asked)
    check_available(answer)
    uri = answer.body.get("request_uri") if isinstance(answer.body, dict) else None
    if answer.status not in {200, 201} or not isinstance(uri, str):
        word = read_oauth_error(answer) or answer.status
        raise errors.SignInRefused(f"The portal refused the sign-in request ({word}).")
    return uri


class _Waiting:
    """Waiting for the browser, or for somebody to paste what the browser shows."""

    def __init__(
        self, loopback: CallbackServer, prompter: Prompter, expected: ExpectedCallback
    ) -> None:
        self._loopback = loopback
        self._screen = prompter
        self._expected = expected

    def code(self, url: str, limit: float, now: Callable[[], float]) -> str:
        """The code, within `limit` seconds; raises errors.SignInRefused."""
        pasted = None
        if not self._screen.open_browser(url):
            self._screen.show_url(url, self._loopback.port, self._loopback.host)
            pasted = self._screen.read_pasted()
        end = now() + limit
        while now() < end:
            code = self._loopback.code(_TICK) or self._pasted(pasted)
            if code is not None:
                return code
        raise errors.SignInRefused(
            f"Nobody signed in within {limit / 60:g} min.", hint="gpcli login tries again."
        )

    def _pasted(self, poll: Callable[[], str | None] | None) -> str | None:
        text = poll() if poll else None
        if not text:
            return None
        try:
            return read_code(extract_query(text, self._loopback.redirect_uri), self._expected)
        except ForeignCallback:
            self._screen.say(
                f"That is not this sign-in's address; it begins with {self._loopback.redirect_uri}?"
            )
            return None
