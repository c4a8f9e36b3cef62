"""Signing in on another device (RFC 8628), which the person must ask for with `--device`."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from gpcli.auth.discovery import SmartConfiguration
from gpcli.auth.oauth_errors import (
    ACCESS_DENIED,
    EXPIRED,
    AuthAttempt,
    OAuthError,
    build_sign_in_error,
    check_no_error,
    read_oauth_error,
)
from gpcli.auth.sign_in_flow import AuthRequest, Prompter, SignInResult, read_sign_in_result
from gpcli.errors import BadResponse, GpcliError, NotPermitted, SignInRefused, Unavailable
from gpcli.http.client import HttpClient, HttpResponse
from gpcli.http.retry import RETRYABLE_STATUSES, read_retry_after
from gpcli.http.url_policy import parse_safe_url

GRANT_TYPE = "urn:ietf:params:oauth:grant-type:device_code"
POLL_INTERVAL = 5.0
"""Seconds between polls where the portal doesn't say, and what `slow_down` adds to them."""

_USER_CODE = re.compile(r"[\x21-\x7e]{1,32}( [\x21-\x7e]{1,32}){0,3}")
_END_WORDS = frozenset({ACCESS_DENIED, EXPIRED})
"""Errors of a poll that end the sign-in, and that another try can avoid."""


@dataclass(frozen=True)
class _DeviceAuthorization:
    """The device authorization response (RFC 8628, 3.2); times in seconds."""

    device_code: str = field(repr=False)
    user_code: str
    verification_uri: str
    verification_uri_complete: str | None
    expires_in: float
    interval: float


@dataclass(frozen=True)
class _PollResult:
    """The result of one poll.

    `response` has the tokens or a refusal; `None` = the person has not finished. `slower` asks for
    a longer interval from now on, `wait` for at least so many seconds before the next poll.
    """

    response: HttpResponse | None = None
    slower: bool = False
    wait: float = 0.0


def sign_in_with_device(
    client: HttpClient,
    configuration: SmartConfiguration,
    auth_request: AuthRequest,
    prompter: Prompter,
    *,
    now: Callable[[], float],
    sleep: Callable[[float], None],
) -> SignInResult:
    """Show a code, and wait until the person has typed it at the portal's page.

    `now` gives Unix seconds, `sleep` takes seconds.
    Raises: NotPermitted if the portal has no such sign-in, SignInRefused, also when
    nobody answers in time, and what HttpClient raises.
    """
    device = _request_authorization(client, configuration, auth_request)
    prompter.show_device(
        device.verification_uri, device.user_code, device.verification_uri_complete
    )
    end = now() + min(device.expires_in, auth_request.limit)
    pause = interval = device.interval
    while True:
        sleep(min(pause, max(0.0, end - now())))
        if now() >= end:
            raise SignInRefused("The code has expired.", hint=_AGAIN_HINT)
        poll = _poll(client, configuration, auth_request, device)
        if poll.response is not None:
            return read_sign_in_result(
                client, configuration, auth_request, poll.response, nonce=None, now=now
            )
        interval += POLL_INTERVAL if poll.slower else 0
        pause = max(interval, poll.wait)


def _request_authorization(
    client: HttpClient, configuration: SmartConfiguration, auth_request: AuthRequest
) -> _DeviceAuthorization:
    endpoint = configuration.device_authorization_endpoint
    if endpoint is None:
        raise NotPermitted(
            "This portal can't sign you in on another device.", hint="Leave out --device."
        )
    form = {"scope": auth_request.scopes, "aud": auth_request.portal}
    form |= auth_request.optional_parameters()
    response = auth_request.auth.post(client, endpoint, form, configuration.token_endpoint)
    check_no_error(response, _build_attempt("The portal refused the sign-in request", auth_request))
    return _parse_device_authorization(response.body)


def _parse_device_authorization(body: Any) -> _DeviceAuthorization:
    texts = ("device_code", "user_code", "verification_uri")
    if not isinstance(body, dict) or not all(isinstance(body.get(key), str) for key in texts):
        raise BadResponse("The portal's answer holds no code to type.")
    if not _USER_CODE.fullmatch(body["user_code"]):
        raise BadResponse("The portal's code can't be typed.")
    uri = str(parse_safe_url(body["verification_uri"]))
    complete = body.get("verification_uri_complete")
    uri_complete = str(parse_safe_url(complete)) if isinstance(complete, str) else None
    return _DeviceAuthorization(
        device_code=body["device_code"],
        user_code=body["user_code"],
        verification_uri=uri,
        verification_uri_complete=uri_complete,
        expires_in=_parse_seconds(body.get("expires_in"), 600.0),
        interval=_parse_seconds(body.get("interval"), POLL_INTERVAL),
    )


def _poll(
    client: HttpClient,
    configuration: SmartConfiguration,
    auth_request: AuthRequest,
    device: _DeviceAuthorization,
) -> _PollResult:
    client.deadline.restart()
    form = {"grant_type": GRANT_TYPE, "device_code": device.device_code}
    endpoint = configuration.token_endpoint
    try:
        response = auth_request.auth.post(client, endpoint, form, endpoint)
    except Unavailable:
        return _PollResult(slower=True)  # RFC 8628, 3.5: a timeout is a reason to slow down
    error = read_oauth_error(response, auth_request.auth.secrets)
    word = error.word if error else None
    if error is not None and word in _END_WORDS:
        raise _build_end_error(error, auth_request)
    if word == "authorization_pending":
        return _PollResult()
    if word == "slow_down" or response.status in RETRYABLE_STATUSES:
        return _PollResult(slower=True, wait=read_retry_after(response.headers) or 0.0)
    return _PollResult(response=response)


_AGAIN_HINT = "gpcli login --device tries again."


def _build_end_error(error: OAuthError, auth_request: AuthRequest) -> GpcliError:
    attempt = _build_attempt("The portal did not complete the sign-in", auth_request)
    return build_sign_in_error(error, attempt)


def _build_attempt(failure: str, auth_request: AuthRequest) -> AuthAttempt:
    return replace(auth_request.build_attempt(failure), again=_AGAIN_HINT)


def _parse_seconds(value: object, default: float) -> float:
    return float(value) if isinstance(value, int) and 0 < value <= 3600 else default
