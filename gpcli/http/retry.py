"""When a request is tried again, and after how long.

Full jitter (AWS, "Exponential backoff and jitter"), at most four tries, within the deadline;
`Retry-After` (RFC 9110, 10.2.3) is honoured where it ends before the deadline.
"""

from __future__ import annotations

from collections.abc import Callable

from gpcli.http import httpx
from gpcli.http.portal_clock import parse_http_date, read_portal_time

MAX_TRIES = 4
RETRYABLE_STATUSES = frozenset({408, 429, 502, 503, 504})
"""Statuses after which the same read may succeed."""

_BASE_SECONDS = 0.25
"""The longest pause after the first try is twice this; it doubles with each try."""


def backoff_seconds(tries: int, random: Callable[[], float]) -> float:
    """Return the seconds to wait after `tries` tries (1 or more), without `Retry-After`."""
    return random() * _BASE_SECONDS * float(2**tries)


def read_retry_after(headers: httpx.Headers) -> float | None:
    """Return the seconds that a response asks to wait, None where it doesn't say or can't be read.

    A date is compared with the response's own `Date`, so this machine's clock doesn't matter.
    """
    value = headers.get("Retry-After", "").strip()
    if value.isascii() and value.isdigit():
        return float(value[:9])
    then, now = parse_http_date(value), read_portal_time(headers)
    if then is None or now is None:
        return None
    return max(0.0, then - now)
