"""Opening hours, absences and exceptions, of places, GPs and services alike."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from gpcli.fhir.availability import (
    read_absences,
    read_available_hours,
    read_exceptions,
    read_place_hours,
)
from gpcli.fhir.element import Element, Malformed, read_resource
from gpcli.model.service import Absence, OpeningHours
from gpcli.render.views.service_views import format_opening_hours

OSLO = ZoneInfo("Europe/Oslo")
HOLDERS = ("PractitionerRole", "HealthcareService")


def record(kind: str, flaws: list[str] | None = None, **more: object) -> Element:
    return read_resource({"resourceType": kind, "id": "1", **more}, flaws)


def read_line(kind: str, flaws: list[str], **line: object) -> tuple[OpeningHours, ...]:
    """Read one line of hours; its times are given as `opens` and `closes`."""
    names = {"opens": "openingTime", "closes": "closingTime"}
    field, read = "hoursOfOperation", read_place_hours
    if kind != "Location":
        names = {"opens": "availableStartTime", "closes": "availableEndTime"}
        field, read = "availableTime", read_available_hours
    written = {names.get(name, name): value for name, value in line.items()}
    return read(record(kind, flaws, **{field: [written]}))


@pytest.fixture(params=["Location", *HOLDERS])
def hours(request: pytest.FixtureRequest) -> Callable[..., tuple[OpeningHours, ...]]:
    def read(**line: object) -> tuple[OpeningHours, ...]:
        flaws: list[str] = []
        lines = read_line(request.param, flaws, **line)
        assert flaws == []
        return lines

    return read


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("08:00:00", "08:00"),
        ("08:00", "08:00"),
        ("08:00:30", "08:00:30"),
        ("08:00:00.000", "08:00"),
        ("08:00:30.500", "08:00:30.500"),
        ("00:00:00", "00:00"),
        ("24:00", "24:00"),
        ("24:00:00", "24:00"),
        ("24:00:00.0", "24:00"),
        ("23:59:60", "23:59:60"),
    ],
)
def test_a_time_is_shown_to_the_minute_or_as_written(hours: Callable, written: str, shown: str):
    assert hours(daysOfWeek=["wed"], opens=written, closes=written) == (
        OpeningHours(("wed",), shown, shown),
    )


def test_hours_keep_the_half_that_is_said_and_the_days_only_where_they_are(hours: Callable):
    assert hours(daysOfWeek=["mon"], opens="08:00:00") == (OpeningHours(("mon",), "08:00", None),)
    assert hours(daysOfWeek=["mon"], closes="15:00:00") == (OpeningHours(("mon",), None, "15:00"),)
    assert hours(opens="08:00:00", closes="15:00:00") == (OpeningHours((), "08:00", "15:00"),)
    assert hours(daysOfWeek=["mon"]) == (OpeningHours(("mon",), None, None),)
    assert hours(allDay=False) == ()


def test_all_day_is_said_and_goes_before_any_times(hours: Callable):
    expected = (OpeningHours(("sat",), None, None, all_day=True),)
    assert hours(daysOfWeek=["sat"], allDay=True) == expected
    assert hours(daysOfWeek=["sat"], allDay=True, opens="08:00:00") == expected


@pytest.mark.parametrize("kind", ["Location", *HOLDERS])
@pytest.mark.parametrize("written", ["8:00", "ab:cd:ef", "25:00:00", "24:01", "noon", 8, ["08:00"]])
def test_a_time_that_is_none_costs_the_time_and_is_said(kind: str, written: object):
    flaws: list[str] = []
    assert read_line(kind, flaws, daysOfWeek=["fri"], opens=written, closes="15:00:00") == (
        OpeningHours(("fri",), None, "15:00", unreadable=("opens",)),
    )
    assert len(flaws) == 1
    assert flaws[0].startswith(f"{kind}/1: {kind}.")


HALF = {"opens": "08:00:00", "closes": "16:00:00"}


@pytest.mark.parametrize("kind", ["Location", *HOLDERS])
@pytest.mark.parametrize(
    ("line", "unreadable", "shown"),
    [
        ({"daysOfWeek": ["mon"], "opens": "noon"}, ("opens",), "mon from (unreadable)"),
        ({"daysOfWeek": ["mon"], "closes": 16}, ("closes",), "mon until (unreadable)"),
        ({**HALF, "daysOfWeek": ["mon"], "opens": 0}, ("opens",), "mon (unreadable)–16:00"),
        ({**HALF, "daysOfWeek": ["mon"], "closes": {}}, ("closes",), "mon 08:00–(unreadable)"),
        ({"opens": "a", "closes": "b"}, ("opens", "closes"), "(unreadable)–(unreadable)"),
        ({**HALF, "daysOfWeek": "mon"}, ("days",), "days (unreadable) 08:00–16:00"),
        ({"daysOfWeek": [1, 2], "allDay": True}, ("days",), "days (unreadable) all day"),
        ({"daysOfWeek": ["mon"], "allDay": "yes"}, ("all_day",), "mon (unreadable)"),
    ],
)
def test_what_can_not_be_read_of_a_line_is_not_shown_as_if_it_were_not_there(
    kind: str, line: dict, unreadable: tuple[str, ...], shown: str
):
    flaws: list[str] = []
    [read] = read_line(kind, flaws, **line)
    assert (read.unreadable, format_opening_hours(read)) == (unreadable, shown)
    assert flaws != []


@pytest.mark.parametrize("kind", HOLDERS)
def test_an_absence_has_times_and_a_remark_has_none(kind: str):
    rules = [
        {"description": "Holidays", "during": {"start": "2027-07-05", "end": "2027-07-25"}},
        {"description": "Closed on public holidays"},
        {"description": "Now and then", "during": {}},
        {"during": {"start": "2027-03-01T08:00:00+01:00"}},
    ]
    absent = record(kind, notAvailable=rules, availabilityExceptions="Closed at Easter")
    start = datetime(2027, 7, 5, tzinfo=OSLO)
    assert read_absences(absent, OSLO) == (
        Absence("Holidays", start, datetime(2027, 7, 25, 23, 59, 59, tzinfo=OSLO)),
        Absence(None, datetime(2027, 3, 1, 8, tzinfo=OSLO), None),
    )
    assert read_exceptions(absent, OSLO) == (
        "Closed at Easter",
        "Closed on public holidays",
        "Now and then",
    )


@pytest.mark.parametrize("kind", HOLDERS)
@pytest.mark.parametrize(
    "during", ["week 28", {"start": "July"}, {"end": 2027}, {"start": "2027-07-05", "end": "x"}]
)
def test_an_absence_whose_times_can_not_be_read_is_words_and_a_flaw(kind: str, during: object):
    flaws: list[str] = []
    rules = [{"description": "Holidays", "during": during}]
    absent = record(kind, flaws, notAvailable=rules)
    assert read_absences(absent, OSLO) == ()
    assert read_exceptions(absent, OSLO) == ("Holidays",)
    assert len(flaws) == 1
    assert flaws[0].startswith(f"{kind}/1: {kind}.notAvailable.during")


def test_what_is_read_strictly_is_malformed():
    rules = [{"description": "Holidays", "during": {"start": "July"}}]
    with pytest.raises(Malformed):
        read_absences(record("HealthcareService", notAvailable=rules), OSLO)
