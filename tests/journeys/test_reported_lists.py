"""Lists in pages as real servers send them: all of it comes, or it is said what does not."""

from __future__ import annotations

import httpx
import pytest

from tests.journeys.reported_practice import BASE, TYPES, an_outcome, appointment, shell_with

BOOKINGS = [
    appointment(id=f"a{day}", start=f"2030-01-0{day}T09:00:00Z", end=f"2030-01-0{day}T09:15:00Z")
    for day in (1, 2, 3, 4)
]
ALL = ["a1", "a2", "a3", "a4"]
ABSOLUTE = BASE + "/Appointment?off={}"
EMPTY = {"resourceType": "Bundle", "type": "searchset"}


def in_pages(link, **changes):
    """Two appointments a page; `link` is that of the next page, with its offset left open."""

    def page(kind, fields, searchset):
        if kind != "Appointment" or "date:missing" in fields:
            return searchset
        off, entries = int(fields.get("off", 0)), searchset["entry"]
        here = searchset | {"entry": entries[off : off + 2]} | changes
        if off + 2 < len(entries):
            here["link"] = [{"relation": "next", "url": link.format(off + 2)}]
        return here

    return page


def listed(home, page, second=None):
    """How `appointments list` ends; `second` is the answer to the second page."""

    def refuse(path, fields):
        return second if "off" in fields else None

    shell = shell_with(home, *BOOKINGS, page=page, refuse=refuse)
    return shell("gpcli appointments list --fields id --json")


def ids(ending):
    """The ids in a list."""
    return [each["id"] for each in ending.json]


@pytest.mark.parametrize(
    "link",
    [
        ABSOLUTE,
        "Appointment?off={}",
        "/fhir/Appointment?off={}",
        "?off={}",
        "//practice.example/fhir/Appointment?off={}",
        "https://practice.example:443/fhir/Appointment?off={}",
        "https://PRACTICE.example/fhir/Appointment?off={}",
        ABSOLUTE + "#rest",
        "../fhir/Appointment?off={}",
    ],
)
def test_the_next_page_is_found_however_its_link_is_written(tmp_path, link):
    ending = listed(tmp_path, in_pages(link))
    assert (ending.code, ids(ending)) == (0, ALL)


@pytest.mark.parametrize(
    "link",
    [
        "//elsewhere.example/fhir/Appointment?off={}",
        "https://practice.example:8443/fhir/Appointment?off={}",
        "http://practice.example/fhir/Appointment?off={}",
        "https://practice.example/other?off={}",
    ],
)
def test_a_link_that_leads_elsewhere_is_not_followed_and_the_list_not_called_whole(tmp_path, link):
    ending = listed(tmp_path, in_pages(link))
    assert (ending.code, ids(ending)) == (8, ALL[:2])
    assert "gpcli sends your token nowhere else." in ending.err


@pytest.mark.parametrize(
    "second",
    [
        (410, an_outcome("expired")),
        (404, an_outcome("not-found")),
        (404, "<h1>Not Found</h1>"),
        (403, an_outcome("forbidden")),
        (400, an_outcome("invalid")),
        (429, {}),
        (500, an_outcome("exception")),
        (200, "<h1>Sign in</h1>"),
        (200, an_outcome("processing")),
        (200, {"a": 1}),
        (200, EMPTY),
        (200, {**EMPTY, "entry": []}),
        (200, {**EMPTY, "entry": [{"resource": BOOKINGS[0]}, {"resource": BOOKINGS[1]}]}),
        httpx.ReadTimeout("slow"),
        httpx.ReadError("cut"),
    ],
)
def test_a_list_that_breaks_off_is_shown_as_far_as_it_came_and_said_to_be_short(tmp_path, second):
    ending = listed(tmp_path, in_pages(ABSOLUTE), second)
    assert (ending.code, ids(ending)) == (8, ["a1", "a2"])
    assert "Left out: " in ending.err
    assert "There is no" not in ending.err


def test_a_total_that_is_larger_than_what_came_is_said(tmp_path):
    ending = listed(tmp_path, lambda kind, fields, searchset: searchset | {"total": 9})
    assert (ending.code, ids(ending)) == (8, ALL)
    assert "5 of 9 in a list" in ending.err


@pytest.mark.parametrize("total", ["4", None, 4.0, True])
def test_a_total_that_is_no_number_spoils_no_list(tmp_path, total):
    ending = listed(tmp_path, in_pages(ABSOLUTE, total=total))
    assert (ending.code, ids(ending)) == (0, ALL)


@pytest.mark.parametrize(
    ("severity", "code"),
    [("fatal", 8), ("error", 8), ("warning", 0), ("information", 0), ("success", 0)],
)
def test_a_problem_that_the_portal_reports_in_a_list_is_said_in_its_words(tmp_path, severity, code):
    outcome = {"resource": an_outcome("processing", severity, "Older ones are archived.")}

    def page(kind, fields, searchset):
        return searchset | {"entry": [*searchset["entry"], outcome]}

    ending = listed(tmp_path, page)
    assert (ending.code, ids(ending)) == (code, ALL)
    is_said = "The portal says: Older ones are archived." in ending.err
    assert (is_said, "Left out: " in ending.err) == (code == 8 or severity == "warning", code == 8)


READING = (
    *("gp", "services", "slots", "flu", "appointments list", "messages list"),
    *("rx list", "rx requests", "consent show"),
)


@pytest.mark.parametrize("line", READING)
@pytest.mark.parametrize("kind", TYPES)
def test_an_error_in_the_place_of_a_list_is_said_and_is_no_empty_list(tmp_path, line, kind):
    asked = []

    def refuse(path, fields):
        asked.extend([path] if path == kind else [])
        return (200, an_outcome("processing", words="The index is down.")) if path == kind else None

    shell = shell_with(tmp_path, *BOOKINGS, refuse=refuse)
    ending = shell(f"gpcli {line} --json")
    assert (ending.code in {1, 8}) == bool(asked)
    assert ("The portal says: The index is down." in ending.err) == bool(asked)
    assert not asked or not any(each in ending.err for each in ("There are none", "There is no"))


def test_a_consent_that_is_not_told_is_not_known(tmp_path):
    def refuse(path, fields):
        wanted = path == "Consent"
        return (200, an_outcome("processing", words="The index is down.")) if wanted else None

    ending = shell_with(tmp_path, refuse=refuse)("gpcli whoami --json")
    assert (ending.code, ending.json["consent"]) == (0, None)
    assert "not known: " in ending.err
    assert "The portal says: The index is down." in ending.err


def test_a_visit_is_not_booked_where_the_coming_ones_are_not_told(tmp_path):
    def refuse(path, fields):
        is_list = path == "Appointment" and "date" in fields
        return (200, an_outcome("processing", words="The index is down.")) if is_list else None

    ending = shell_with(tmp_path, refuse=refuse)("gpcli book --enquiry --yes --json")
    assert (ending.code, ending.error["code"]) == (1, "bad_response")
    assert ending.error["message"].endswith("The portal says: The index is down.")


@pytest.mark.parametrize(
    ("entry", "code"),
    [
        ({}, 8),
        (None, 8),
        ("Appointment/a1", 8),
        ({"resource": None}, 8),
        ({"resource": {**BOOKINGS[0], "id": None}}, 8),
        ({"resource": "Appointment"}, 8),
        ({"resource": {"resourceType": "Basic", "id": "x"}}, 0),
        ({"resource": BOOKINGS[0]}, 0),
    ],
)
def test_an_entry_that_can_not_be_read_costs_itself(tmp_path, entry, code):
    def page(kind, fields, searchset):
        mine = kind == "Appointment" and "date:missing" not in fields
        return searchset | {"entry": [entry, *searchset["entry"]]} if mine else searchset

    ending = listed(tmp_path, page)
    assert (ending.code, ids(ending)) == (code, ALL)


def test_of_many_broken_records_the_first_hundred_are_named(tmp_path):
    broken = [appointment(id=f"a{number}", start=7) for number in range(150)]
    ending = shell_with(tmp_path, *broken)("gpcli appointments list --all")
    warnings = [line for line in ending.err.splitlines() if line.startswith("warning: ")]
    assert (ending.code, len(warnings)) == (8, 101)
    assert warnings[0] == "warning: Left out: Appointment/a0: Appointment.start is not what R4 says"
    assert warnings[-1] == "warning: There are 50 more such warnings."
