"""Times as real servers send them: none of them misleads, and none costs more than itself."""

from __future__ import annotations

import pytest

from tests.journeys.reported_practice import (
    appointment,
    message,
    narrow,
    role,
    schedule,
    service,
    shell_with,
    slot,
)

SLOTS = "gpcli slots --from 2030-01-07 --to 2030-01-08"
FIELDS = "--fields id,start,end --plain"


def without(record, *names):
    """The record without some of its elements."""
    return {name: value for name, value in record.items() if name not in names}


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("2030-01-07T09:00:00Z", "2030-01-07T09:00:00Z"),
        ("2030-01-07T09:00:00z", "2030-01-07T09:00:00Z"),
        ("2030-01-07t09:00:00z", "2030-01-07T09:00:00Z"),
        ("2030-01-07T10:00:00+01:00", "2030-01-07T10:00:00+01:00"),
        ("2030-01-07T09:00Z", "2030-01-07T09:00:00Z"),
        ("2030-01-07T09:00:00.000Z", "2030-01-07T09:00:00Z"),
        ("2030-01-07T09:59:60Z", "2030-01-07T09:59:59Z"),
        ("2030-01-07T09:59:60.5+00:00", "2030-01-07T09:59:59.500000Z"),
        ("2030-01-06T24:00:00+01:00", "2030-01-07T00:00:00+01:00"),
        ("2030-01-06T24:00+01:00", "2030-01-07T00:00:00+01:00"),
    ],
)
def test_a_time_that_has_one_meaning_is_read(tmp_path, written, read):
    late = "2030-01-07T11:00:00Z"
    records = (schedule(), slot(start=written, end=late), appointment(start=written, end=late))
    shell = shell_with(tmp_path, *records, message(sent=written))
    assert shell(f"{SLOTS} {FIELDS}").rows == [["s1", read, late]]
    assert shell(f"gpcli appointments list --all {FIELDS}").rows == [["a1", read, late]]
    assert shell("gpcli messages list --fields id,last --plain").rows == [["c1", read]]


@pytest.mark.parametrize(
    "written",
    [
        "2030-01-07",
        "2030-01",
        "2030-01-07T09:00:00",
        "2030-02-30T09:00:00Z",
        "2030-01-07T24:30:00Z",
        "2030-01-07T25:00:00Z",
        "soon",
        20300107,
        {"start": "2030-01-07"},
    ],
)
def test_a_start_that_can_not_be_told_costs_a_free_time_and_only_the_start_of_a_booking(
    tmp_path, written
):
    shell = shell_with(tmp_path, schedule(), slot(start=written), appointment(start=written))
    times, bookings = shell(f"{SLOTS} {FIELDS}"), shell(f"gpcli appointments list --all {FIELDS}")
    assert (times.code, times.rows) == (8, [])
    assert "Left out: Slot/s1: Slot.start " in times.err
    assert (bookings.code, bookings.rows) == (8, [["a1", "", "2030-01-07T09:15:00Z"]])
    assert "Left out: Appointment/a1: Appointment.start " in bookings.err


def test_a_booking_that_ends_before_it_begins_has_no_end(tmp_path):
    shell = narrow(shell_with(tmp_path, appointment(end="2030-01-07T08:00:00Z")))
    shown = shell("gpcli appointments show a1")
    assert shown.code == 8
    assert "Mon 7 Jan 2030 10:00 Europe/Oslo" in shown.out
    assert "09:00\n" not in shown.out
    assert "Appointment.end is before its start" in " ".join(shown.err.split())


def test_a_time_that_ends_before_it_begins_is_not_booked(tmp_path):
    shell = shell_with(tmp_path, schedule(), slot(end="2030-01-07T08:00:00Z"))
    assert shell(f"{SLOTS} --plain").rows == []
    assert shell("gpcli book s1 --dry-run --json").refused == (1, "bad_response", "")


@pytest.mark.parametrize("minutes", [0, -5, 2.5, "20", True, 2**31, 10**30])
def test_a_length_that_is_none_is_left_out_of_the_calendar_and_said(tmp_path, minutes):
    booking = without(appointment(minutesDuration=minutes), "end")
    exported = shell_with(tmp_path, booking)("gpcli appointments export")
    assert exported.code == 8
    assert "DTSTART;TZID=Europe/Oslo:20300107T100000" in exported.out
    assert "DURATION" not in exported.out
    assert "Appointment.minutesDuration is not what R4 says" in exported.err


@pytest.mark.parametrize("minutes", [1, 20, 20.0, 2**31 - 1])
def test_a_length_stands_in_for_an_end(tmp_path, minutes):
    booking = without(appointment(minutesDuration=minutes), "end")
    exported = shell_with(tmp_path, booking)("gpcli appointments export")
    assert (exported.code, "DURATION:P" in exported.out) == (0, True)


@pytest.mark.parametrize(
    ("wished", "why"),
    [
        ({"start": "2030-03-09", "end": "2030-03-01"}, "is before its start"),
        ({"start": "2030-03-09"}, "requestedPeriod has no end"),
        ({"end": "2030-03-09"}, "requestedPeriod has no start"),
        ({"start": "soon", "end": "2030-03-09"}, "requestedPeriod.start is not what R4 says"),
    ],
)
def test_a_wish_that_has_not_both_ends_in_order_is_left_out_and_said(tmp_path, wished, why):
    whole = {"start": "2030-02-01", "end": "2030-02-02"}
    asked = appointment(status="proposed", requestedPeriod=[wished, whole])
    shown = shell_with(tmp_path, without(asked, "start", "end"))(
        "gpcli appointments show a1 --json"
    )
    assert (shown.code, len(shown.json["requested"])) == (8, 1)
    assert why in shown.err


@pytest.mark.parametrize(
    ("during", "code"),
    [
        (None, 0),
        ({}, 0),
        ({"start": "soon"}, 8),
        ({"start": "2027-02-01", "end": "soon"}, 8),
        ({"start": "2027-04-01", "end": "2027-02-01"}, 8),
        ([{"start": "2027-02-01"}], 8),
    ],
)
def test_an_absence_without_a_readable_time_is_kept_in_its_words(tmp_path, during, code):
    rule = {"description": "Away for a course"} | ({} if during is None else {"during": during})
    records = (role(notAvailable=[rule]), service("booking", notAvailable=[rule]))
    shell = shell_with(tmp_path, *records)
    for command in ("gpcli gp --json", "gpcli services booking --json"):
        told = shell(command)
        assert (told.code, told.json[0]["absences"]) == (code, []), command
        assert told.json[0]["exceptions"] == ["Away for a course"], command


@pytest.mark.parametrize(
    ("during", "code"),
    [
        ({"start": "2027-02-01"}, 5),
        ({"end": "2027-04-01"}, 5),
        ({"start": "2027-03-01", "end": "2027-03-01"}, 5),
        ({"start": "2027-02-27t23:59:60z", "end": "2027-03-03T24:00:00Z"}, 5),
        ({"start": "2026-01-01", "end": "2026-02-01"}, 0),
        ({"start": "2027-06-01", "end": "2027-07-01"}, 0),
    ],
)
def test_an_absence_switches_a_service_off_while_it_lasts(tmp_path, during, code):
    shell = shell_with(tmp_path, service("booking", notAvailable=[{"during": during}]))
    assert shell("gpcli services booking").code == code
