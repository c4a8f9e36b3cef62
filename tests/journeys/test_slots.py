"""Free times: what `slots` finds, and how it is written."""

from __future__ import annotations

import json
from datetime import date, datetime

import pytest

from tests.journeys.shell import CommandResult

FIRST = {
    "id": "s-dgn4trsg",
    "start": "2027-03-03T08:40:00+01:00",
    "end": "2027-03-03T09:00:00+01:00",
    "zone": "Europe/Oslo",
    "service": "booking",
    "channel": "in-person",
    "practitioner": "Dr. Ingrid Haugland",
    "surgery": "Solbakken legesenter",
    "location": "Solbakken legesenter",
    "comment": None,
    "schedule_comment": None,
    "practitioner_ref": "PractitionerRole/gp-haugland",
    "participants": [],
}
"""Ada's first free time."""


def starts(shell, filters):
    return [datetime.fromisoformat(slot["start"]) for slot in shell.json(f"gpcli slots {filters}")]


def test_a_slot_has_every_key(shell_of):
    assert shell_of("ada").json("gpcli slots --limit 1") == [FIRST]


def test_piped_slots_have_the_same_facts_a_line_each_without_header_or_colour(shell_of):
    shell = shell_of("ada").with_env(FORCE_COLOR="", COLUMNS="20")
    ending = shell("gpcli slots")
    assert len(ending.rows) == len(shell.json("gpcli slots")) == 233
    assert ending.rows[0] == [str(value or "") for value in FIRST.values()]
    assert "\x1b" not in ending.out


@pytest.mark.usefixtures("in_oslo")
def test_at_a_terminal_slots_are_a_table_in_the_surgerys_time(shell_of):
    shared, head, row = shell_of("ada").at_a_screen()("gpcli slots --limit 1").out.splitlines()
    assert shared == "Dr. Ingrid Haugland · Solbakken legesenter"
    assert head.split() == ["ID", "When", "Way"]
    assert row == "s-dgn4trsg  Wed 3 Mar  08:40–09:00  in-person"


@pytest.mark.usefixtures("in_oslo")
def test_at_a_terminal_slots_are_the_first_twenty_unless_all_are_wanted(shell_of):
    ada = shell_of("ada").at_a_screen()
    count = len(shell_of("ada")("gpcli slots").rows)
    last = shell_of("ada")("gpcli slots --fields start").rows[-1][0]
    first, everything = ada("gpcli slots"), ada("gpcli slots --all")
    assert (len(first.out.splitlines()), len(everything.out.splitlines())) == (22, count + 2)
    ids = [[line.split()[0] for line in each.out.splitlines()] for each in (first, everything)]
    assert ids[0] == ids[1][:22]
    assert (last[:10], everything.err) == ("2027-03-29", "")
    assert first.err == f"… {count - 20} more until Mon 29 Mar: --all, --weekday, --between\n"


@pytest.mark.usefixtures("in_oslo")
def test_a_limit_is_what_is_shown_and_says_nothing_of_more(shell_of):
    ending = shell_of("ada").at_a_screen()("gpcli slots --limit 30")
    assert (len(ending.out.splitlines()), ending.err) == (32, "")


def test_without_dates_the_next_28_days_are_searched(shell_of):
    days = [start.date() for start in starts(shell_of("ada"), "")]
    assert (days[0], days[-1]) == (date(2027, 3, 3), date(2027, 3, 29))


def test_nothing_that_is_past_is_free(world):
    shell = world.shell("ada")
    past = world.sandbox.store.find("Slot", schedule="Schedule/booking-haugland")[0]
    assert past["start"] < "2027-03-01"
    assert starts(shell, "--from 2027-02-22 --to today") == []


@pytest.mark.parametrize(
    ("filters", "first", "last"),
    [
        ("--from 2027-03-08 --to 2027-03-08", date(2027, 3, 8), date(2027, 3, 8)),
        ("--from +2d --to +4d", date(2027, 3, 3), date(2027, 3, 5)),
        ("--to +7d", date(2027, 3, 3), date(2027, 3, 8)),
        ("--from +30d", date(2027, 3, 31), date(2027, 4, 12)),
        ("--from wednesday --to fredag", date(2027, 3, 3), date(2027, 3, 5)),
        ("--from next-week --to 'neste uke'", date(2027, 3, 8), date(2027, 3, 12)),
        ("--from 8.3 --to '8. mars'", date(2027, 3, 8), date(2027, 3, 8)),
    ],
)
def test_days_are_inclusive(shell_of, filters, first, last):
    days = [start.date() for start in starts(shell_of("ada"), filters)]
    assert (days[0], days[-1]) == (first, last)


@pytest.mark.parametrize("filters", ["--weekday mon,fri", "--weekday mon --weekday friday"])
def test_weekdays_may_be_repeated_or_listed(shell_of, filters):
    assert {start.weekday() for start in starts(shell_of("ada"), filters)} == {0, 4}


@pytest.mark.parametrize(
    ("filters", "hours"),
    [("--between 8-9", {8}), ("--between formiddag", {8, 9, 10, 11}), ("--between før-9", {8})],
)
def test_hours_may_be_written_shortly_or_as_a_part_of_the_day(shell_of, filters, hours):
    assert {start.hour for start in starts(shell_of("ada"), filters)} == hours


@pytest.mark.parametrize("language", ["C", "en_US.UTF-8", "nb_NO.UTF-8"])
def test_words_mean_the_same_whatever_the_machines_language(shell_of, language):
    shell = shell_of("ada").with_env(LC_ALL=language, LANG=language, LANGUAGE=language)
    days = [start.date() for start in starts(shell, "--from 4.3 --to fri --weekday thu,fredag")]
    assert set(days) == {date(2027, 3, 4), date(2027, 3, 5)}


def test_days_in_words_are_shown_as_the_dates_that_were_searched(shell_of):
    ending = shell_of("ada")("gpcli slots --from saturday --to søndag")
    assert "from Sat 6 Mar 2027 to Sun 7 Mar 2027" in ending.err


def test_hours_are_the_surgerys_whatever_the_machine_says(shell_of):
    found = starts(shell_of("ada").with_env(TZ="Asia/Tokyo"), "--between 08:00-09:00")
    assert {start.hour for start in found} == {8}


def test_times_keep_their_hour_over_the_change_to_summer_time(shell_of):
    found = starts(shell_of("ada"), "--between 08:00-09:00 --from 2027-03-26 --to 2027-03-29")
    assert {(start.day, start.utcoffset().seconds // 3600) for start in found} == {(26, 1), (29, 2)}


@pytest.mark.parametrize(("way", "channel"), [("audio", "phone"), ("video", "video")])
def test_ways_to_meet(shell_of, way, channel):
    found = shell_of("ada").json(f"gpcli slots --via {way}")
    assert {slot["channel"] for slot in found} == {channel}


def test_with_takes_part_of_a_name(shell_of):
    found = shell_of("hans").json("gpcli slots --with KVAM --limit 5")
    assert [slot["practitioner"] for slot in found] == ["Dr. Olav Kvam"] * 5


def test_slots_of_both_of_finns_gps_come_in_order_of_time(shell_of):
    found = shell_of("finn").json("gpcli slots --to +7d")
    assert {slot["practitioner"] for slot in found} == {"Dr. Lars Myrvold", "Dr. Sunniva Bakke"}
    assert [slot["start"] for slot in found] == sorted(slot["start"] for slot in found)


def test_no_free_time_is_no_error_and_says_what_each_filter_took(shell_of):
    ending = shell_of("ada")("gpcli slots --weekday sun --json")
    assert (ending.code, ending.json) == (0, [])
    [line] = ending.stderr_json
    said = line["notice"]["message"]
    assert said.startswith("No free time at Dr. Ingrid Haugland, Solbakken legesenter from ")
    assert said.endswith(
        "fits: 233 free, all left out (233 by --weekday). "
        "gpcli book --enquiry asks the surgery for one. Call the surgery instead: +47 00 12 34 11."
    )


@pytest.mark.parametrize(
    ("filters", "said"),
    [
        ("--from 2027-03-10 --to 2027-03-09", "--from (2027-03-10) is after --to (2027-03-09)."),
        ("--from someday", "--from 'someday' is not a day."),
        ("--from 1/12", "--from '1/12' may be 1 December or 12 January."),
        ("--to 12/1", "--to '12/1' may be 12 January or 1 December."),
        ("--to next-friday", "--to 'next-friday' may be 5 March 2027 or 12 March 2027."),
        (
            "--from 2027-02-30",
            "--from '2027-02-30' is not a day: February 2027 has 28 days.",
        ),
        ("--from ''", "--from '' is not a day."),
        ("--to 2027-02-01", "--to (2027-02-01) is in the past."),
        ("--between noon", "--between 'noon' is not a range of hours."),
        ("--between 11:00-10:00", "--between '11:00-10:00' ends before it begins."),
        ("--weekday someday", "--weekday 'someday' is not a weekday."),
        ("--with ' '", "--with needs a name that is not empty."),
        ("--via pigeon", "--via 'pigeon' is not a way to meet."),
        ("--limit 0", "--limit: 0 is too little: at least 1."),
        ("--limit many", "--limit: 'many' is not a whole number."),
        ("--gp ''", "--gp needs a value that is not empty."),
        ("--yes", "--yes is for commands that send something; gpcli slots does not."),
        ("--timeout 0", "--timeout needs a number of seconds up to 3600, not '0'."),
        ("--fields id,strat", 'There is no field "strat". Did you mean "start"?'),
    ],
)
def test_what_cannot_be_understood_is_named(shell_of, filters, said):
    ending = shell_of("ada")(f"gpcli slots {filters}")
    assert (ending.code, ending.out) == (2, "")
    assert ending.err.splitlines()[0] == f"gpcli: {said}"


@pytest.mark.parametrize(
    ("form", "written"),
    [
        ("--plain", "s-dgn4trsg\tin-person\n"),
        ("--ndjson", '{"id": "s-dgn4trsg", "channel": "in-person"}\n'),
        ("--json", '[\n{"id": "s-dgn4trsg", "channel": "in-person"}\n]\n'),
    ],
)
def test_fields_choose_in_every_format(shell_of, form, written):
    ending = shell_of("ada")(f"gpcli slots --limit 1 --fields id,channel {form}")
    assert ending == CommandResult(0, written, "")


def test_fields_choose_in_a_table_and_keep_their_order(shell_of):
    ending = shell_of("ada").at_a_screen()("gpcli slots --limit 1 --fields location,id")
    assert ending.out.split() == [
        *("Where", "ID"),
        *("Solbakken", "legesenter", "s-dgn4trsg"),
    ]


@pytest.mark.parametrize("form", ["--plain", "--json", "--ndjson"])
def test_empty_fields_list_the_names_without_asking_the_portal_twice(shell_of, form):
    ending = shell_of("ada")(f"gpcli slots --fields '' {form}")
    assert ending == CommandResult(0, "".join(f"{name}\n" for name in FIRST), "")


def test_ndjson_is_an_object_a_line(shell_of):
    shell = shell_of("hans")
    lines = shell("gpcli slots --to +20d --ndjson").out.splitlines()
    assert [json.loads(line) for line in lines] == shell.json("gpcli slots --to +20d")


@pytest.mark.real
def test_ndjson_comes_as_far_as_the_portal_gets_and_json_is_whole_or_absent(world):
    shell = world.shell("hans")
    many = "gpcli slots --to +40d"
    whole = len(shell.json(many))
    broken = world.sandbox.store.find("Slot", schedule="Schedule/booking-kvam")[-1]
    world.sandbox.store.put({**broken, "start": "2027-04"})
    stream, array = shell(f"{many} --ndjson"), shell(f"{many} --json")
    assert len(stream.out.splitlines()) >= whole - 1
    assert (stream.code, stream.error["code"]) == (8, "partial")
    assert (array.code, len(array.json)) == (8, len(stream.out.splitlines()))
