"""Test that gpcli takes a number only in ASCII digits, from people and from portals."""

from collections.abc import Callable
from datetime import UTC, date, datetime

import pytest
import typer

from gpcli.auth.token_response import _parse_lifetime
from gpcli.care.booking import is_vaccinated_this_season
from gpcli.care.confirmation import parse_cap
from gpcli.care.dates import parse_day, parse_duration, parse_hours
from gpcli.cli.global_options import _parse_seconds
from gpcli.cli.sandbox_commands import _parse_instant
from gpcli.cli.value_parsers import decimal_number, whole_number
from gpcli.config.profile_keys import InvalidValue, parse_portal_url
from gpcli.config.settings import read_clock_offset
from gpcli.errors import ConfigError, InvalidUsage
from gpcli.fhir.element import is_time
from gpcli.http import httpx
from gpcli.http.network_errors import ProxyFailed
from gpcli.http.retry import read_retry_after
from gpcli.model.appointment import Vaccination
from gpcli.portal.search import _parse_status
from tests.digits import ODD_WAYS

TODAY = date(2027, 1, 1)
MINUTE = "Wed, {} Oct 2026 07:28:00 GMT"


def read_wait(after: str) -> float | None:
    headers = [(b"Retry-After", after.encode()), (b"Date", MINUTE.format(21).encode())]
    return read_retry_after(httpx.Headers(headers))


def read_proxy_status(word: str) -> int | None:
    return ProxyFailed("proxy", httpx.ProxyError(f"{word} Busy"), has_credentials=False).status


def read_offset(seconds: str) -> object:
    return read_clock_offset({"GPCLI_CLOCK_OFFSET": seconds, "GPCLI_ENVIRONMENT": "sandbox"})


def is_of_this_season(written: str) -> bool | None:
    now = datetime(2027, 1, 1, tzinfo=UTC)
    return is_vaccinated_this_season([Vaccination("Flu", written)], now, is_all=True)


OF_PEOPLE: dict[str, tuple[Callable[[str], object], str]] = {
    "--limit N": (whole_number(1), "30"),
    "--port N": (whole_number(0, 65535), "8080"),
    "--seed N": (whole_number(), "7"),
    "--limit SECONDS": (decimal_number(1), "30"),
    "--timeout": (lambda text: _parse_seconds("--timeout", text), "30"),
    "--from DAY": (lambda text: parse_day(text, TODAY, "--from"), "2027-03-01"),
    "--from +14d": (lambda text: parse_day(f"+{text}d", TODAY, "--from"), "14"),
    "--notice": (lambda text: parse_duration(f"{text}m", "--notice"), "10"),
    "--from 1.12": (lambda text: parse_day(f"{text}.12", TODAY, "--from"), "11"),
    "--from 1 dec": (lambda text: parse_day(f"{text} dec", TODAY, "--from"), "11"),
    "--from dec 1 2026": (lambda text: parse_day(f"dec 1 {text}", TODAY, "--from"), "2026"),
    "--between": (lambda text: parse_hours(text, "--between"), "08:00-10:00"),
    "--between 8-10": (lambda text: parse_hours(text, "--between"), "8-10"),
    "--between after-14": (lambda text: parse_hours(f"after-{text}", "--between"), "14"),
    "--accept-fee": (parse_cap, "310"),
    "--clock": (_parse_instant, "2027-03-01T09:00:00+01:00"),
    "GPCLI_CLOCK_OFFSET": (read_offset, "30"),
    "GPCLI_PORTAL": (parse_portal_url, "https://portal.example:8443/fhir"),
}
"""What is named -> how it is read; where it can't be, that raises an error for people."""

OF_PORTALS: dict[str, tuple[Callable[[str], object], str, object]] = {
    "expires_in": (_parse_lifetime, "3600", None),
    "Retry-After in seconds": (read_wait, "30", None),
    "Retry-After as a date": (lambda text: read_wait(MINUTE.format(text)), "28", None),
    "an entry's status": (_parse_status, "200", 500),
    "a proxy's status": (read_proxy_status, "407", None),
    "a date": (is_time, "2027-03-01", False),
    "a dateTime": (is_time, "2027-03-01T09:00:00+01:00", False),
    "a day of vaccination": (is_of_this_season, "2026-11-01", None),
}
"""What is named -> how it is read, and what that gives where it can't be."""

SCRIPTS = [way for way in ODD_WAYS if way not in {"space before", "space behind", "endless"}]
"""Spaces around an option are forgiven in places, and no number of days is too large to be read."""


@pytest.mark.parametrize("way", SCRIPTS)
@pytest.mark.parametrize("name", OF_PEOPLE)
def test_odd_digits_of_a_person_are_refused(name: str, way: str) -> None:
    read, good = OF_PEOPLE[name]
    read(good)

    with pytest.raises((InvalidUsage, ConfigError, InvalidValue, typer.BadParameter)):
        read(ODD_WAYS[way](good))


@pytest.mark.parametrize("way", SCRIPTS)
@pytest.mark.parametrize("name", OF_PORTALS)
def test_odd_digits_of_a_portal_tell_nothing(name: str, way: str) -> None:
    read, good, unknown = OF_PORTALS[name]

    assert read(good) != unknown
    assert read(ODD_WAYS[way](good)) == unknown


@pytest.mark.parametrize("text", ["", "-", ".", "nan", "inf", "1e3", "0x1f", "1.5.2"])
@pytest.mark.parametrize("name", ["--limit N", "--limit SECONDS", "--timeout", "--accept-fee"])
def test_what_only_python_calls_a_number_is_none(name: str, text: str) -> None:
    read, _ = OF_PEOPLE[name]

    with pytest.raises((InvalidUsage, typer.BadParameter)):
        read(text)


@pytest.mark.parametrize(("text", "seconds"), [(".5", 0.5), ("30.", 30.0), ("007", 7.0)])
def test_a_number_of_seconds_may_have_a_fraction(text: str, seconds: float) -> None:
    assert _parse_seconds("--timeout", text) == seconds
