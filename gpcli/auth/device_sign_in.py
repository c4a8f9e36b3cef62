"""Signing in on another device (RFC 8628): only when the person asked for it."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from gpcli import errors
from gpcli.auth.discovery import SmartConfiguration
from gpcli.auth.prompter import Prompter
from gpcli.auth.sign_in_flow import AuthRequest, SignInResult, read_sign_in_result
from gpcli.auth.token_response import check_available, read_oauth_error
from gpcli.http.client import HttpClient, HttpResponse
from gpcli.http.retry import RETRYABLE_STATUSES, read_retry_after
from gpcli.http.url_policy import parse_safe_url

GRANT_TYPE = "urn:ietf:params:oauth:grant-type:device_code"
POLL_INTERVAL = 5.0
"""Seconds between polls where the portal doesn't say, and what `slow_down` adds."""

_USER_CODE = re.compile(r"[\x21-\x7e]{1,32}( [\x21-\x7e]{1,32}){0,3}")
_OVER = {
    "access_denied": "The sign-in was refused at the portal's page.",
    "expired_token": "The code has expired.",
}


@dataclass(frozen=True)
class _Device:
    device_code: str = field(repr=False)
    user_code: str
    verification_uri: str
    complete: str | None
    life: float
    interval: float


@dataclass(frozen=True)
class _Poll:
    """What one poll gave: `grant` `None` = not yet. `wait` is what the portal asked for."""

    grant: HttpResponse | None = None
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

    `now` gives Unix seconds, `sleep` waits. Raises errors.NotPermitted if the portal has no such
    sign-in, errors.SignInRefused, and what the door raises.
    """
    device = _begun(client, configuration, auth_request)
    prompter.show_device(device.verification_uri, device.user_code, device.complete)
    end = now() + min(device.life, auth_request.limit)
    pause = interval = device.interval
    while True:
        sleep(min(pause, max(0.0, end - now())))
        if now() >= end:
            raise _over("expired_token")
        poll = _polled(client, configuration, auth_request, device)
        if poll.grant is not None:
            return read_sign_in_result(
                client, configuration, auth_request, poll.grant, nonce=None, now=now
            )
        interval += POLL_INTERVAL if poll.slower else 0
        pause = max(interval, poll.wait)


def _begun(
    client: HttpClient, configuration: SmartConfiguration, auth_request: AuthRequest
) -> _Device:
    endpoint = configuration.device_authorization_endpoint
    if endpoint is None:
        raise errors.NotPermitted(
            "This portal can't sign you in on another device.", hint="Leave out --device."
        )
    form = {
        "client_id": auth_request.client_id,
        "scope": auth_request.scopes,
        "aud": auth_request.portal,
    }
    answer = client.post_form(endpoint, form | auth_request.extras())
    check_available(answer)
    if answer.status >= 400:
        word = read_oauth_error(answer) or answer.status
        raise errors.SignInRefused(f"The portal refused the sign-in request ({word}).")
    return _read(answer.body)


def _read(said: Any) -> _Device:
    texts = ("device_code", "user_code", "verification_uri")
    if not isinstance(said, dict) or not all(isinstance(said.get(key), str) for key in texts):
        raise errors.BadResponse("The portal's answer holds no code to type.")
    if not _USER_CODE.fullmatch(said["user_code"]):
        raise errors.BadResponse("The portal's code can't be typed.")
    complete = said.get("verification_uri_complete")
    return _Device(
        device_code=said["device_code"],
        user_code=said["user_code"],
        verification_uri=str(parse_safe_url(said["verification_uri"])),
        complete=str(parse_safe_url(complete)) if isinstance(complete, str) else None,
        life=_seconds(said.get("expires_in"), 600.0),
        interval=_seconds(said.get("interval"), POLL_INTERVAL),
    )


def _polled(
    client: HttpClient,
    configuration: SmartConfiguration,
    auth_request: AuthRequest,
    device: _Device,
) -> _Poll:
    client.deadline.restart()
    form = {
        "grant_type": GRANT_TYPE,
        "device_code": device.device_code,
        "client_id": auth_request.client_id,
    }
    try:
        answer = client.post_form(configuration.token_endpoint, form)
    except errors.Unavailable:
        return _Poll(slower=True)  # RFC 8628, 3.5: a lost answer is a reason to slow down
    word = read_oauth_error(answer)
    if word in _OVER:
        raise _over(word)
    if word == "authorization_pending":
        return _Poll()
    if word == "slow_down" or answer.status in RETRYABLE_STATUSES:
        return _Poll(slower=True, wait=read_retry_after(answer.headers) or 0.0)
    return _Poll(grant=answer)


def _over(word: str) -> errors.SignInRefused:
    return errors.SignInRefused(_OVER[word], hint="gpcli login --device tries again.")


def _seconds(value: object, otherwise: float) -> float:
    return float(value) if isinstance(value, int) and 0 < value <= 3600 else otherwise
