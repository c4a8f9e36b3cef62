"""The calendar is read back by `icalendar`, and line by line as other programs do."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from io import BytesIO, StringIO, TextIOWrapper
from zoneinfo import ZoneInfo

import icalendar
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpcli.model.appointment import Appointment
from gpcli.render.ics import build_calendar
from gpcli.render.terminal import LineWriter

OSLO = ZoneInfo("Europe/Oslo")
NOW = datetime(2027, 3, 1, 9, 0, tzinfo=OSLO)
PORTAL = "https://portal.example/fhir/R4"


def at(text):
    return datetime.fromisoformat(text).replace(tzinfo=OSLO)


def a_time(start="2027-03-03 08:20", identity="app-1", **changes):
    begins = at(start) if isinstance(start, str) else start
    blank = Appointment(
        id=identity,
        status="booked",
        start=begins,
        end=begins + timedelta(minutes=20),
        zone="Europe/Oslo",
        requested=(),
        service="booking",
        channel="in-person",
        practitioner="Kari Berg",
        surgery="Nordby legesenter",
        location="Room 2",
        reason="My knee",
        answer="Bring the letter",
        cancel_until=None,
        created=None,
        slot_id="slot-1",
        version=3,
    )
    return replace(blank, **changes)


def export(*appointments, details=False, now=NOW, portal=PORTAL, **more):
    document = build_calendar(
        appointments, portal=portal, zone="Europe/Oslo", now=now, details=details, **more
    )
    return document.decode()


def unfold(text):
    return text.replace("\r\n ", "").split("\r\n")


def names_of_lines(text):
    return [line.partition(":")[0] for line in unfold(text)]


def events(*appointments, **how):
    return icalendar.Calendar.from_ical(export(*appointments, **how)).walk("VEVENT")


def event(one, **how):
    [found] = events(one, **how)
    return found


def properties(found):
    return {name: found.decoded(name) for name in found}


def transitions(text):
    """What the VTIMEZONE says of each turn of the clock: when by the old clock, from, to."""
    [zone] = icalendar.Calendar.from_ical(text).walk("VTIMEZONE")
    return [
        (
            part.name,
            part.DTSTART.isoformat(),
            part.decoded("TZOFFSETFROM") // timedelta(hours=1),
            part.decoded("TZOFFSETTO") // timedelta(hours=1),
            part["TZNAME"],
        )
        for part in zone.subcomponents
    ]


def test_an_event_says_when_and_nothing_else():
    assert properties(event(a_time())) == {
        "SUMMARY": "Appointment",
        "DTSTART": at("2027-03-03 08:20"),
        "DTEND": at("2027-03-03 08:40"),
        "DTSTAMP": NOW,
        "UID": properties(event(a_time()))["UID"],
        "SEQUENCE": 3,
        "CLASS": "PRIVATE",
        "STATUS": "CONFIRMED",
    }


@pytest.mark.parametrize("secret", ["knee", "letter", "Berg", "Nordby", "Room", "slot", "app-1"])
def test_without_details_nothing_tells_what_with_whom_or_where(secret):
    assert secret not in export(a_time())


def test_details_say_with_whom_where_and_how_but_never_why():
    one = a_time(channel="video", join_url="https://video.example/room/1")

    found = properties(event(one, details=True))

    assert {name: found.get(name) for name in ("SUMMARY", "LOCATION", "DESCRIPTION", "URL")} == {
        "SUMMARY": "Appointment with Kari Berg",
        "LOCATION": None,
        "DESCRIPTION": "By video",
        "URL": "https://video.example/room/1",
    }
    assert "knee" not in export(one, details=True)


@pytest.mark.parametrize(
    ("channel", "place"),
    [
        ("in-person", "Room 2, Nordby legesenter, Storgata 1, 0155 Oslo"),
        (None, "Room 2, Nordby legesenter, Storgata 1, 0155 Oslo"),
        ("phone", None),
        ("video", None),
        ("text", None),
    ],
)
def test_a_place_is_where_one_goes_with_its_street(channel, place):
    one = a_time(channel=channel, surgery_id="gp-1")
    found = event(one, details=True, addresses={"gp-1": "Storgata 1, 0155 Oslo"})
    assert properties(found).get("LOCATION") == place


def test_without_details_no_address_is_told():
    one = a_time(surgery_id="gp-1")
    assert "Storgata" not in export(one, addresses={"gp-1": "Storgata 1"})


def test_details_that_the_record_does_not_have_are_left_out():
    bare = a_time(practitioner=None, surgery=None, location=None, channel=None)

    assert properties(event(bare, details=True)) == properties(event(bare))


def test_a_surgery_stands_for_a_practitioner_who_is_not_known_yet():
    one = a_time(practitioner=None, location="Nordby legesenter")

    found = properties(event(one, details=True))

    assert (found["SUMMARY"], found["LOCATION"]) == (
        "Appointment with Nordby legesenter",
        "Nordby legesenter",
    )


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        ("booked", "CONFIRMED"),
        ("checked-in", "CONFIRMED"),
        ("fulfilled", "CONFIRMED"),
        ("proposed", "TENTATIVE"),
        ("pending", "TENTATIVE"),
        ("waitlist", "TENTATIVE"),
        ("something new", "TENTATIVE"),
        ("cancelled", "CANCELLED"),
        ("entered-in-error", "CANCELLED"),
    ],
)
def test_only_what_the_surgery_confirmed_is_confirmed(status, expected):
    assert event(a_time(status=status))["STATUS"] == expected


def test_the_uid_is_the_same_at_every_export_and_differs_between_bookings_and_portals():
    first, again = (event(a_time(), now=NOW + timedelta(days=n))["UID"] for n in (0, 3))
    moved = event(a_time("2027-03-09 10:00", status="cancelled"))["UID"]
    others = {
        event(a_time(identity="app-2"))["UID"],
        event(a_time(), portal="https://other.example/fhir")["UID"],
    }

    assert first == again == moved
    assert len(others - {first}) == 2


def test_the_sequence_is_the_record_s_version_where_that_is_a_number():
    assert [one.get("SEQUENCE") for one in events(a_time(version=None), a_time(version=0))] == [
        None,
        0,
    ]


def test_without_an_end_none_is_made_up():
    assert "DTEND" not in event(a_time(end=None))


def test_an_end_that_is_no_end_is_left_out():
    assert "DTEND" not in event(a_time(end=at("2027-03-03 08:20")))


def test_nothing_rings_and_nothing_is_attached():
    text = export(a_time(), details=True)

    assert {"VALARM", "ATTACH", "ATTENDEE", "ORGANIZER"} & set(
        text.replace(":", "\r\n").split()
    ) == set()


def test_the_calendar_says_what_it_is():
    made = icalendar.Calendar.from_ical(export(a_time()))

    assert {name: str(made[name]) for name in made} == {
        "VERSION": "2.0",
        "PRODID": "-//gpcli//gpcli//EN",
        "METHOD": "PUBLISH",
    }


def test_an_empty_calendar_is_a_calendar_all_the_same():
    made = icalendar.Calendar.from_ical(export())

    assert [part.name for part in made.subcomponents] == ["VTIMEZONE"]


def test_what_has_no_time_is_no_event():
    assert events(replace(a_time(), start=None)) == []


def test_the_clock_turns_at_the_instants_of_the_two_days():
    text = export(a_time("2027-01-10 08:00"), a_time("2027-12-01 08:00"))

    assert transitions(text)[1:] == [
        ("DAYLIGHT", "2027-03-28T02:00:00", 1, 2, "CEST"),
        ("STANDARD", "2027-10-31T03:00:00", 2, 1, "CET"),
    ]


def test_before_the_first_turn_the_zone_says_what_holds():
    [(name, begin, before, after, called), *_] = transitions(export(a_time("2027-07-01 08:00")))

    assert (name, before, after, called) == ("STANDARD", 1, 1, "CET")
    assert begin == "2027-02-28T09:00:00"


@pytest.mark.parametrize(
    ("when", "line"),
    [
        ("2027-03-28T01:59:00+01:00", "DTSTART;TZID=Europe/Oslo:20270328T015900"),
        ("2027-03-28T03:00:00+02:00", "DTSTART;TZID=Europe/Oslo:20270328T030000"),
        ("2027-03-28T01:00:00Z", "DTSTART;TZID=Europe/Oslo:20270328T030000"),
        ("2027-10-31T02:30:00+02:00", "DTSTART;TZID=Europe/Oslo:20271031T023000"),
        ("2027-10-31T02:30:00+01:00", "DTSTART:20271031T013000Z"),
        ("2027-10-31T03:00:00+01:00", "DTSTART;TZID=Europe/Oslo:20271031T030000"),
    ],
)
def test_times_around_the_turns_of_the_clock_are_unmistakable(when, line):
    assert line in unfold(export(a_time(datetime.fromisoformat(when))))


@pytest.mark.parametrize("start", ["2027-03-28 08:20", "2027-10-31 08:20", "2027-07-01 08:20"])
def test_events_are_read_back_as_the_instants_that_they_were(start):
    assert event(a_time(start)).decoded("DTSTART").astimezone(UTC) == at(start).astimezone(UTC)


def test_times_of_far_years_are_written_in_utc():
    """A hostile portal can't make the export count the turns of eight thousand years."""
    text = export(a_time(datetime(9998, 6, 1, 8, 0, tzinfo=UTC)), a_time("2027-03-02 08:00"))

    assert "DTSTART:99980601T080000Z" in unfold(text)
    assert len(transitions(text)) == 1


def test_every_zone_in_use_is_described():
    here = a_time(zone="Europe/London")
    made = icalendar.Calendar.from_ical(export(here))

    assert [zone["TZID"] for zone in made.walk("VTIMEZONE")] == ["Europe/Oslo", "Europe/London"]
    assert "DTSTART;TZID=Europe/London:20270303T072000" in unfold(export(here))


EVIL = (
    "x\r\nEND:VEVENT\r\nBEGIN:VALARM\nATTACH:file:///etc/passwd\r,;\\\x1b[2J\x00\u2028\u202e\ud800"
)


@pytest.mark.parametrize("field", ["practitioner", "location", "surgery"])
def test_text_of_others_stays_inside_its_property(field):
    text = export(a_time(**{field: EVIL}), details=True)

    assert names_of_lines(text) == names_of_lines(export(a_time(), details=True))
    assert [part.name for part in icalendar.Calendar.from_ical(text).walk("VEVENT")] == ["VEVENT"]
    assert not {"\x1b", "\x00", "\u2028", "\u202e"} & set(text)


@given(st.text())
def test_whatever_a_name_is_no_line_is_added_and_none_is_too_long(name):
    text = export(a_time(practitioner=f"Dr {name}", location=None, surgery=None), details=True)
    plain = export(a_time(practitioner="Dr", location=None, surgery=None), details=True)

    assert names_of_lines(text) == names_of_lines(plain)
    assert max(len(line.encode()) for line in text.split("\r\n")) <= 75
    assert "\n" not in text.replace("\r\n", "")


@pytest.mark.parametrize(
    "url",
    [
        "javascript:alert(1)",
        "http://video.example/1",
        "file:///etc/passwd",
        "https://video.example/\r\nATTACH:x",
        "https://video.example/a b",
        "https://[broken",
        "https://vïdeo.example/",
        "",
    ],
)
def test_only_a_plain_https_link_is_offered(url):
    assert "URL" not in event(a_time(join_url=url), details=True)


def test_every_line_ends_as_the_standard_says():
    text = export(a_time(practitioner="Å" * 100), details=True)

    assert text.endswith("END:VCALENDAR\r\n")
    assert "\n" not in text.replace("\r\n", "")


def test_a_document_is_written_byte_for_byte_past_the_stream_s_encoding_and_line_ends():
    raw = BytesIO()
    stream = TextIOWrapper(raw, encoding="ascii", newline="\r\n")

    LineWriter(stream).write_bytes("Øre\r\n".encode())

    assert raw.getvalue() == "Øre\r\n".encode()


def test_a_document_comes_after_what_was_written_before():
    raw = BytesIO()
    stream = TextIOWrapper(raw, encoding="utf-8")
    stream.write("first ")

    LineWriter(stream).write_bytes(b"then")

    assert raw.getvalue() == b"first then"


def test_a_stream_without_bytes_gets_the_document_as_text():
    stream = StringIO(newline="")

    LineWriter(stream).write_bytes("Øre\r\n".encode())

    assert stream.getvalue() == "Øre\r\n"
