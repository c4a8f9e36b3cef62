import httpx
import pytest

from gpcli.http.portal_clock import (
    TOLERANCE,
    find_clock_error,
    parse_http_date,
    read_portal_time,
)

NOW = 1_800_000_000.0  # Fri, 15 Jan 2027 08:00:00 GMT


@pytest.mark.parametrize(
    "text",
    [
        "Fri, 15 Jan 2027 08:00:00 GMT",
        "Fri, 15 Jan 2027 08:00:00 -0000",
        "Fri, 15 Jan 2027 09:00:00 +0100",
        "Friday, 15-Jan-27 08:00:00 GMT",
        "Fri Jan 15 08:00:00 2027",
    ],
)
def test_a_date_is_read_in_every_form_that_http_has(monkeypatch, text):
    monkeypatch.setenv("TZ", "Pacific/Auckland")
    assert parse_http_date(text) == NOW
    assert read_portal_time(httpx.Headers({"Date": text})) == NOW


@pytest.mark.parametrize("text", ["", "yesterday", "99", "\x00"])
def test_what_is_no_date_tells_no_time(text):
    assert parse_http_date(text) is None
    assert read_portal_time(httpx.Headers()) is None


@pytest.mark.parametrize(
    ("seconds", "how_long"),
    [
        (TOLERANCE + 1, "1 minute"),
        (89, "1 minute"),
        (91, "2 minutes"),
        (119 * 60, "119 minutes"),
        (2 * 3600, "2 hours"),
        (47 * 3600, "47 hours"),
        (48 * 3600, "2 days"),
        (400 * 86_400, "400 days"),
    ],
)
def test_a_clock_that_is_wrong_is_so_much_ahead_or_behind(seconds, how_long):
    assert find_clock_error(NOW + seconds, NOW) == f"{how_long} ahead of the portal's"
    assert find_clock_error(NOW - seconds, NOW) == f"{how_long} behind the portal's"


@pytest.mark.parametrize("portal_time", [None, NOW, NOW + TOLERANCE, NOW - TOLERANCE])
def test_a_clock_that_agrees_or_is_not_known_to_differ_is_not_wrong(portal_time):
    assert find_clock_error(NOW, portal_time) is None
