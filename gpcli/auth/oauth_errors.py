"""Errors of a portal's sign-in, in its own words and with the cure that can help.

Source: RFC 6749, 4.1.2.1 and 5.2; RFC 8628, 3.5; RFC 9126, 2.3; OpenID Connect Core 1.0, 3.1.2.6.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from gpcli.auth.client_auth import PUBLIC, SECRET_METHODS
from gpcli.errors import Cure, GpcliError, PortalError, RateLimited, SignInRefused
from gpcli.http.client import HttpResponse
from gpcli.http.portal_clock import CLOCK_HINT, find_clock_error, read_portal_time

MAX_WORD, MAX_DESCRIPTION = 80, 300
"""The most characters that are shown of an error's word, and of what the portal says of it."""

ACCESS_DENIED, INVALID_GRANT, EXPIRED = "access_denied", "invalid_grant", "expired_token"

_UNAVAILABLE = frozenset({"temporarily_unavailable", "server_error"})
_AGAIN = frozenset(
    {
        *(ACCESS_DENIED, INVALID_GRANT, EXPIRED, "bad_verification_code"),
        *("login_required", "interaction_required", "consent_required"),
        "account_selection_required",
    }
)
"""Errors that another try can avoid: the person said no, or was too late, or was not asked."""

_CLIENT = frozenset({"invalid_client", "unauthorized_client"})
_PLAIN_WORDS = {
    ACCESS_DENIED: "The sign-in was refused at the portal's page",
    EXPIRED: "The code has expired",
    "login_required": "The portal could not sign you in without asking",
}
"""What an error means, where that is more than that the portal refused."""

AGAIN_HINT = "gpcli login tries again."
_TELL_HINT = "Tell the people who run the portal what it says."


@dataclass(frozen=True)
class OAuthError:
    """An error of an authorization or token endpoint.

    `word` is its `error`, as it was written; `description` what the portal says of it. None = it
    does not say. `status` is the HTTP status, None for an error in a redirect. Long texts are cut.
    `portal_time` is the time that the response tells, in Unix seconds.
    """

    word: str | None
    description: str | None
    status: int | None = None
    portal_time: float | None = None


@dataclass(frozen=True)
class AuthAttempt:
    """What an endpoint was asked, as far as an error may be about it.

    `failure` is the sentence that says what failed, without its full stop. `method` is how gpcli
    proved to be the client. `redirect_uri` is None where there was none. `hints` go before the
    usual ones, by word or status, "" = any other; `again` is the hint where another try can help.
    `cure` is for what needs another sign-in. What is in `secrets` is not shown though the portal
    quotes it. `assertion_time` is when an assertion was signed, in Unix seconds by this computer's
    clock; None = none proved the client.
    """

    failure: str
    client_id: str
    method: str
    scopes: str
    portal: str
    redirect_uri: str | None = None
    hints: Mapping[str, str] | None = None
    again: str = AGAIN_HINT
    cure: Cure | None = None
    secrets: tuple[str, ...] = field(default=(), repr=False)
    assertion_time: float | None = None


def read_oauth_error(response: HttpResponse, secrets: tuple[str, ...] = ()) -> OAuthError | None:
    """Return the error in a response, whatever its status; None for a success without one.

    What the portal quotes of `secrets` is left out.
    """
    body = response.body if isinstance(response.body, dict) else {}
    error = _build_oauth_error(body, response.status, secrets)
    error = replace(error, portal_time=read_portal_time(response.headers))
    return error if error.word is not None or response.status >= 400 else None


def read_redirect_error(parameters: Mapping[str, str]) -> OAuthError | None:
    """Return the error in the query of a redirect (RFC 6749, 4.1.2.1); None if it has none."""
    return _build_oauth_error(dict(parameters), None) if "error" in parameters else None


def check_no_error(response: HttpResponse, attempt: AuthAttempt) -> None:
    """Raise what an error in the response means, whatever its status.

    Raises: SignInRefused; PortalError or RateLimited where later may work.
    """
    error = read_oauth_error(response, attempt.secrets)
    if error is not None:
        raise build_sign_in_error(error, attempt)


def build_sign_in_error(error: OAuthError, attempt: AuthAttempt) -> GpcliError:
    """Return the error to raise, with the portal's word and what can help."""
    if error.status == 429:
        message = _format_message("The portal's sign-in asks to slow down", error)
        return RateLimited(message, hint="Try again in a minute.")
    if _is_unavailable(error):
        return PortalError(_format_failure(error), hint="Try again later.")
    failure = _PLAIN_WORDS.get(error.word or "", attempt.failure)
    message = _format_message(failure, error)
    if attempt.assertion_time is not None and _is_about_client(error):
        clock_error = find_clock_error(attempt.assertion_time, error.portal_time)
        if clock_error is not None:
            message = f"{message} This computer's clock is {clock_error}."
            return SignInRefused(message, hint=CLOCK_HINT)
    return SignInRefused(message, hint=_choose_hint(error, attempt), cure=attempt.cure)


def _is_about_client(error: OAuthError) -> bool:
    return error.word in _CLIENT or (error.word is None and error.status == 401)


def _is_unavailable(error: OAuthError) -> bool:
    is_failing = error.status is not None and (error.status >= 500 or error.status == 408)
    return error.word in _UNAVAILABLE or (is_failing and error.word is None)


def _format_failure(error: OAuthError) -> str:
    if error.word is None:
        return f"The portal's sign-in failed (status {error.status})."
    busy = error.word == "temporarily_unavailable"
    return _format_message(
        f"The portal's sign-in {'is not available' if busy else 'failed'}", error
    )


def _format_message(failure: str, error: OAuthError) -> str:
    """Return `failure (word): what the portal says.`"""
    told = error.word or error.status
    head = f"{failure} ({told})" if told else failure
    return f"{head}: {error.description.rstrip('. ')}." if error.description else f"{head}."


def _choose_hint(error: OAuthError, attempt: AuthAttempt) -> str:
    word = error.word or str(error.status)
    own = attempt.hints or {}
    asked = f"It was asked for: {attempt.scopes}" if word == "invalid_scope" else ""
    if word in own:
        return f"{own[word]} {asked}".strip()
    if _is_about_redirect(error) and attempt.redirect_uri:
        return (
            f"gpcli's address for the way back was {attempt.redirect_uri}: the portal must know it "
            "for this client. Where it knows one port only, redirect_port in the profile or --port "
            "sets that."
        )
    if word == "invalid_scope":
        return (
            "Ask for what the portal grants: with gpcli login --scopes 'SCOPE ...', or scopes in "
            f"the profile. {asked}"
        )
    if _is_about_client(error):
        return _CLIENT_HINTS[_client_kind(attempt.method)].format(client=attempt.client_id)
    if word == "invalid_target":
        return f"The portal's sign-in does not know {attempt.portal}: check the portal's address."
    if word in _AGAIN:
        return attempt.again
    return own.get("", _TELL_HINT)


def _is_about_redirect(error: OAuthError) -> bool:
    """Return whether the error is about the address to come back to; its name has no one word."""
    text = f"{error.word} {error.description}".casefold()
    return "redirect" in text and error.word not in (_AGAIN | {"invalid_scope"})


def _client_kind(method: str) -> str:
    if method in SECRET_METHODS:
        return "secret"
    return "public" if method == PUBLIC else "key"


_CLIENT_HINTS = {
    "public": "The portal must know gpcli as '{client}' and let it sign people in: gpcli login "
    "--client-id ID gives the name that the portal gave you, --client-secret its secret.",
    "secret": "The portal must know the client '{client}' and its secret: gpcli login --client-id "
    "ID --client-secret gives them anew.",
    "key": "The portal must know the client '{client}' (client_id in the profile) and the public "
    "key under its kid; check this computer's clock too.",
}


def _build_oauth_error(
    body: Mapping[str, Any], status: int | None, secrets: tuple[str, ...] = ()
) -> OAuthError:
    word: Any = body.get("error")
    description: Any = body.get("error_description")
    if isinstance(word, dict):  # some servers have an object there
        word, description = word.get("status") or word.get("code"), word.get("message")
    texts = (_cut(word, MAX_WORD, secrets), _cut(description, MAX_DESCRIPTION, secrets))
    return OAuthError(*texts, status)


def _cut(value: object, length: int, secrets: tuple[str, ...]) -> str | None:
    text = " ".join(value.split()) if isinstance(value, str) else ""
    for secret in filter(None, secrets):
        text = text.replace(secret, "…")
    return (text if len(text) <= length else f"{text[: length - 1]}…") or None
