"""The time that a portal tells in its responses, and how far this computer's clock is from it."""

from __future__ import annotations

import re
from datetime import UTC
from email.utils import parsedate_to_datetime

from gpcli.http import httpx

TOLERANCE = 60
"""Seconds that two clocks may differ."""

_HTTP_DATE = re.compile(r"[A-Za-z0-9 ,:-]+(?:\+[0-9]{4})?")

CLOCK_HINT = (
    "Set this computer's date and time, best by the network, or tell the portal if they are right; "
    "then try again."
)


def parse_http_date(text: str) -> float | None:
    """Return the Unix seconds of an HTTP date; None where it can't be read.

    One without an offset, or with `-0000`, is in UTC (RFC 5322, 3.3; RFC 9110, 5.6.7).
    """
    if not _HTTP_DATE.fullmatch(text):
        return None
    try:
        date = parsedate_to_datetime(text)
        return (date if date.tzinfo else date.replace(tzinfo=UTC)).timestamp()
    except (ValueError, TypeError, OverflowError):
        return None


def read_portal_time(headers: httpx.Headers) -> float | None:
    """Return the Unix seconds in a response's `Date`; None where it does not tell the time."""
    return parse_http_date(headers.get("Date", ""))


def find_clock_error(now: float, portal_time: float | None) -> str | None:
    """Return how far this computer's clock is from the portal's: `3 hours behind the portal's`.

    `now` is by this computer's clock, both are Unix seconds; `portal_time` None is not known.
    None = not farther than `TOLERANCE`, or not known.
    """
    if portal_time is None or abs(now - portal_time) <= TOLERANCE:
        return None
    side = "ahead of" if now > portal_time else "behind"
    return f"{_format_duration(abs(now - portal_time))} {side} the portal's"


def _format_duration(seconds: float) -> str:
    minutes = round(seconds / 60)
    if minutes < 120:
        return f"{minutes} minute{'' if minutes == 1 else 's'}"
    hours = round(minutes / 60)
    return f"{hours} hours" if hours < 48 else f"{round(hours / 24)} days"
