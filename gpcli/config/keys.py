"""The keys of a profile: one check each, which returns the value as gpcli uses it."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable
from typing import Any
from urllib.parse import SplitResult, urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

ENVIRONMENTS = ("production", "staging", "sandbox")
EMERGENCY = ("acute", "urgent")
"""Numbers to call: when life is in danger, and when it can't wait and the surgery is closed."""
STATUSES = ("proposed", "pending", "booked")
WAYS_TO_BOOK = ("auto", "post", "operation", "transaction")
SERVICES = (
    "e-consultation",
    "contact",
    "prescription-renewal",
    "booking",
    "booking-enquiry",
    "cancellation",
    "flu-vaccination",
    "late-cancellation",
    "no-show",
)
"""What a portal's own codes can stand for; the last two have only a price."""
SCOPES_VERSIONS = ("1", "2")


class BadValue(ValueError):
    """A value that the key can't have; the message says what it must be."""


def portal_url(value: object) -> str:
    """A FHIR base: `https`, or `http` to a loopback literal; no query, no credentials."""
    if not isinstance(value, str) or not value.strip():
        raise BadValue("the portal must be a URL such as https://portal.example/fhir/R4")
    written = value.strip()
    url = _split(written)
    if set("?#") & set(written) or "@" in url.netloc:
        raise BadValue("the portal's URL must have no query, fragment or user name")
    if url.scheme == "http" and not is_loopback(url):
        raise BadValue(f"'{written}' is not encrypted; the portal must be https")
    return url.geturl().rstrip("/")


def _split(written: str) -> SplitResult:
    if not written.isprintable() or set(' \\"<>') & set(written):
        raise BadValue(f"{_shown(written)} is not a URL: it has characters that no URL has")
    try:
        url = urlsplit(written)
        _ = url.port
    except ValueError as trouble:
        why = "it has no host or port that can be read"
        raise BadValue(f"{_shown(written)} is not a URL: {why}") from trouble
    if not url.hostname or url.scheme not in {"https", "http"}:
        raise BadValue(f"{_shown(written)} is not a URL such as https://portal.example/fhir/R4")
    return url


def _shown(written: str) -> str:
    """What was written, unless a password or a token may be in it."""
    return "the portal" if set("@?#") & set(written) else repr(written)


def is_loopback(url: SplitResult) -> bool:
    """Whether the host is a loopback address written as a number."""
    try:
        return ipaddress.ip_address(url.hostname or "").is_loopback
    except ValueError:
        return False


def environment(value: object) -> str:
    """One of production, staging, sandbox."""
    return _one_of(*ENVIRONMENTS)(value)


def _one_of(*words: str) -> Callable[[object], str]:
    def check(value: object) -> str:
        if isinstance(value, str) and value in words:
            return value
        raise BadValue(f"'{value}' is not one of {', '.join(words)}")

    return check


def _text(value: object) -> str:
    if isinstance(value, str) and value:
        return value
    raise BadValue("must be text that is not empty")


def _port(value: object) -> int:
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= 65535:
        return value
    raise BadValue(f"'{value}' is not a port number")


def _seconds(value: object) -> float:
    if isinstance(value, int | float) and not isinstance(value, bool) and 0 < value <= 3600:
        return float(value)
    raise BadValue(f"'{value}' is not a number of seconds up to 3600")


def _zone(value: object) -> str:
    try:
        return ZoneInfo(_text(value)).key
    except (OSError, ValueError, ZoneInfoNotFoundError) as trouble:
        raise BadValue(f"'{value}' is not a time zone such as Europe/Oslo") from trouble


def _emergency(value: object) -> dict[str, str]:
    numbers = value if isinstance(value, dict) else {}
    worded = all(isinstance(number, str) for number in numbers.values())
    if worded and numbers.keys() == set(EMERGENCY) and numbers["acute"].strip():
        return {name: numbers[name].strip() for name in EMERGENCY}
    raise BadValue("must be a table of two numbers: acute = '113', urgent = '116 117' (or '')")


def _code_map(value: object) -> dict[str, str]:
    if not isinstance(value, dict) or not all(isinstance(code, str) for code in value.values()):
        raise BadValue("must be a table of 'system|code' = 'service'")
    for theirs, ours in value.items():
        if "|" not in theirs:
            raise BadValue(f"'{theirs}' must be 'system|code'")
        if ours not in SERVICES:
            raise BadValue(f"'{ours}' is no service; those are {', '.join(SERVICES)}")
    return value


CHECKS: dict[str, Callable[[object], Any]] = {
    "portal": portal_url,
    "environment": environment,
    "client_id": _text,
    "scopes": _text,
    "scopes_version": _one_of(*SCOPES_VERSIONS),
    "redirect_port": _port,
    "prompt": _text,
    "acr": _text,
    "booking": _one_of(*WAYS_TO_BOOK),
    "status_sent": _one_of(*STATUSES),
    "token_command": _text,
    "key_file": _text,
    "ca_file": _text,
    "timeout": _seconds,
    "zone": _zone,
    "emergency": _emergency,
    "services": _code_map,
}
