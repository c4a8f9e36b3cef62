"""What the portal sends back through the browser (RFC 6749, 4.1.2; RFC 9207)."""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from urllib.parse import parse_qsl, urlsplit

from gpcli.errors import SignInRefused

_WORDS = {
    "access_denied": "The sign-in was refused at the portal's page.",
    "login_required": "The portal could not sign you in without asking.",
    "temporarily_unavailable": "The portal's sign-in is busy; try again later.",
    "server_error": "The portal's sign-in failed; try again later.",
}


class NotOurs(ValueError):
    """The callback belongs to an older try, or is no callback at all."""


@dataclass(frozen=True)
class Expected:
    """What must come back: our `state`, and the `issuer` (always, if `issuer_required`)."""

    state: str
    issuer: str | None
    issuer_required: bool


def code_in(query: str, expected: Expected) -> str:
    """The authorization code in a callback's query.

    Raises NotOurs if the state isn't ours, errors.SignInRefused if the portal refused or somebody
    else than the portal answered.
    """
    said = _read(query)
    if not hmac.compare_digest(said.get("state", "").encode(), expected.state.encode()):
        raise NotOurs("state")
    _check_issuer(said.get("iss"), expected)
    if "error" in said:
        raise SignInRefused(
            _WORDS.get(said["error"], "The portal refused the sign-in."),
            hint="gpcli login tries again.",
        )
    if not said.get("code"):
        raise SignInRefused("The portal's answer has no sign-in code.")
    return said["code"]


def query_of(pasted: str, redirect_uri: str) -> str:
    """The query of a callback URL that somebody pasted; raises NotOurs if it is not one."""
    try:
        url = urlsplit(pasted.strip())
    except ValueError:
        raise NotOurs("not a URL") from None
    if url._replace(query="", fragment="").geturl() != redirect_uri:
        raise NotOurs("not a callback")
    return url.query


def _read(query: str) -> dict[str, str]:
    try:
        pairs = parse_qsl(query, keep_blank_values=True, max_num_fields=20, errors="strict")
    except ValueError:
        raise NotOurs("not a query") from None
    said = dict(pairs)
    if len(said) != len(pairs):
        raise NotOurs("a value twice")
    return said


def _check_issuer(named: str | None, expected: Expected) -> None:
    if named is None and not expected.issuer_required:
        return
    if expected.issuer is not None and named is not None and named == expected.issuer:
        return
    raise SignInRefused(
        "The sign-in was answered by somebody else than the portal's sign-in service; stopped."
    )
