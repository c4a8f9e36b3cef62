"""When a request is tried again, and after how long.

Full jitter (AWS, "Exponential backoff and jitter"), at most four tries, within the deadline;
`Retry-After` (RFC 9110, 10.2.3) is honoured if it fits.
"""

from __future__ import annotations

from collections.abc import Callable
from email.utils import parsedate_to_datetime

from gpcli.http import httpx

MAX_TRIES = 4
RETRYABLE_STATUSES = frozenset({408, 429, 502, 503, 504})
"""Answers after which the same read may succeed."""

_FIRST_PAUSE = 0.25  # seconds; doubles with each try


def backoff_seconds(tried: int, random: Callable[[], float]) -> float:
    """Seconds to wait after `tried` tries (1 or more) without other advice."""
    return random() * _FIRST_PAUSE * float(2**tried)


def read_retry_after(headers: httpx.Headers) -> float | None:
    """Seconds that the answer asks to wait, None if it doesn't say.

    A date is compared with the answer's own `Date`, so that this machine's clock doesn't matter.
    """
    said = headers.get("Retry-After", "").strip()
    if said.isascii() and said.isdigit():
        return float(said[:9])
    then, now = _date(said), _date(headers.get("Date", ""))
    if then is None or now is None:
        return None
    return max(0.0, then - now)


def _date(text: str) -> float | None:
    try:
        return parsedate_to_datetime(text).timestamp()
    except (ValueError, TypeError, OverflowError):
        return None
