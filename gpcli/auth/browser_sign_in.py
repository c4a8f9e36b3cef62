"""Signing in with the browser: authorization code with PKCE (SMART App Launch 2.2, RFC 8252).

The time that the person takes does not count against the deadline, which is restarted after it.
"""

from __future__ import annotations

import base64
import hashlib
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from urllib.parse import urlencode

from gpcli.auth.discovery import SmartConfiguration
from gpcli.auth.loopback import (
    CallbackRefused,
    CallbackServer,
    ExpectedCallback,
    ForeignCallback,
    extract_query,
    read_code,
)
from gpcli.auth.oauth_errors import AGAIN_HINT, build_sign_in_error, check_no_error
from gpcli.auth.sign_in_flow import AuthRequest, Prompter, SignInResult, exchange_grant
from gpcli.errors import BadResponse, SignInRefused
from gpcli.http.client import HttpClient

_POLL_SECONDS = 0.2
"""Seconds between two polls for a pasted URL."""


@dataclass(frozen=True)
class SignInSecrets:
    """The random values of one sign-in: `state` (RFC 6749), `nonce` (OpenID), `verifier` (PKCE)."""

    state: str = field(repr=False)
    nonce: str = field(repr=False)
    verifier: str = field(repr=False)

    @property
    def challenge(self) -> str:
        """The PKCE code challenge of `verifier`, method S256 (RFC 7636, 4.2)."""
        digest = hashlib.sha256(self.verifier.encode("ascii")).digest()
        return base64.urlsafe_b64encode(digest).rstrip(b"=").decode("ascii")


def generate_secrets() -> SignInSecrets:
    """Return new secrets, of 256 bits or more each."""
    return SignInSecrets(
        secrets.token_urlsafe(32), secrets.token_urlsafe(32), secrets.token_urlsafe(64)
    )


def sign_in_with_browser(
    client: HttpClient,
    configuration: SmartConfiguration,
    auth_request: AuthRequest,
    prompter: Prompter,
    *,
    now: Callable[[], float],
) -> SignInResult:
    """Open the portal's page in the browser, wait for its code, and exchange that for tokens.

    `now` gives Unix seconds.
    Raises: SignInRefused, also when nobody answers in time; PortalError where later may work;
    InvalidUsage if the port is taken; and what HttpClient raises.
    """
    sign_in_secrets = generate_secrets()
    with CallbackServer(auth_request.redirect_port) as server:
        expected = ExpectedCallback(
            sign_in_secrets.state, configuration.issuer, configuration.iss_parameter
        )
        server.expect(expected)
        parameters = _build_parameters(auth_request, sign_in_secrets, server.redirect_uri)
        url = _prepare_url(client, configuration, auth_request, parameters)
        waiter = _CodeWaiter(server, prompter, expected, auth_request.client_id)
        try:
            code = waiter.wait_for_code(url, auth_request.limit, now)
        except CallbackRefused as refused:
            attempt = auth_request.build_attempt(_REFUSED, server.redirect_uri)
            raise build_sign_in_error(refused.error, attempt) from None
        client.deadline.restart()
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": server.redirect_uri,
            "code_verifier": sign_in_secrets.verifier,
        }
        # Still within `with`: a browser that comes back once more is answered.
        return exchange_grant(
            client, configuration, auth_request, form, nonce=sign_in_secrets.nonce, now=now
        )


_REFUSED = "The portal refused the sign-in"
_REQUEST_REFUSED = "The portal refused the sign-in request"


def _build_parameters(
    auth_request: AuthRequest, sign_in_secrets: SignInSecrets, redirect_uri: str
) -> dict[str, str]:
    parameters = {
        "response_type": "code",
        "client_id": auth_request.client_id,
        "redirect_uri": redirect_uri,
        "scope": auth_request.scopes,
        "state": sign_in_secrets.state,
        "nonce": sign_in_secrets.nonce,
        "aud": auth_request.portal,
        "code_challenge": sign_in_secrets.challenge,
        "code_challenge_method": "S256",
    }
    return parameters | auth_request.optional_parameters()


def _prepare_url(
    client: HttpClient,
    configuration: SmartConfiguration,
    auth_request: AuthRequest,
    parameters: dict[str, str],
) -> str:
    """Return the URL of the portal's page; push the request first where the portal requires it."""
    endpoint = configuration.authorization_endpoint
    if configuration.require_pushed_authorization_requests:
        parameters = {
            "client_id": parameters["client_id"],
            "request_uri": _push_request(client, configuration, auth_request, parameters),
        }
    return f"{endpoint}{'&' if '?' in endpoint else '?'}{urlencode(parameters)}"


def _push_request(
    client: HttpClient,
    configuration: SmartConfiguration,
    auth_request: AuthRequest,
    parameters: dict[str, str],
) -> str:
    """Push the request and return its `request_uri` (RFC 9126)."""
    endpoint = configuration.pushed_authorization_request_endpoint
    if endpoint is None:
        raise BadResponse("The portal wants pushed requests but says not where.")
    token_endpoint = configuration.token_endpoint
    response = auth_request.auth.post(client, endpoint, parameters, token_endpoint)
    redirect_uri = parameters["redirect_uri"]
    check_no_error(response, auth_request.build_attempt(_REQUEST_REFUSED, redirect_uri))
    uri = response.body.get("request_uri") if isinstance(response.body, dict) else None
    if response.status not in {200, 201} or not isinstance(uri, str):
        raise SignInRefused(f"{_REQUEST_REFUSED} ({response.status}).")
    return uri


class _CodeWaiter:
    """Waits for the browser's callback, or for its URL to be pasted in the terminal."""

    def __init__(
        self, server: CallbackServer, prompter: Prompter, expected: ExpectedCallback, client_id: str
    ) -> None:
        self._server = server
        self._prompter = prompter
        self._expected = expected
        self._client_id = client_id

    def wait_for_code(self, url: str, limit: float, now: Callable[[], float]) -> str:
        """Send the person to `url`, and return the authorization code.

        `now` gives Unix seconds.
        Raises: SignInRefused, also after `limit` seconds; CallbackRefused.
        """
        poll = None
        if not self._prompter.open_browser(url):
            self._prompter.show_url(url, self._server.port, self._server.host)
            poll = self._prompter.read_pasted()
        end = now() + limit
        while now() < end:
            code = self._server.wait_for_code(_POLL_SECONDS) or self._read_pasted_code(poll)
            if code is not None:
                return code
        span = f"{limit:.3g} s" if limit < 60 else f"{limit / 60:.3g} min"
        raise SignInRefused(
            f"Nobody signed in within {span}.",
            # What a portal does not like of the client or its address, it says on its page alone.
            hint=f"{AGAIN_HINT} If the portal's page showed an error: it must know the client "
            f"'{self._client_id}' (--client-id) with the way back {self._server.redirect_uri} "
            "(--port).",
        )

    def _read_pasted_code(self, poll: Callable[[], str | None] | None) -> str | None:
        text = poll() if poll else None
        if not text:
            return None
        try:
            return read_code(extract_query(text, self._server.redirect_uri), self._expected)
        except ForeignCallback:
            self._prompter.say(
                f"That is not this sign-in's address; it begins with {self._server.redirect_uri}?"
            )
            return None
