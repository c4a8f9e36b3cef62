"""Who is who in references as real servers write them: nobody is put in another's place."""

from __future__ import annotations

import pytest

from tests.journeys.reported_practice import (
    BASE,
    PATIENT,
    appointment,
    message,
    narrow,
    prescription,
    renewal,
    role,
    schedule,
    shell_with,
    slot,
)

SLOTS = "gpcli slots --from 2030-01-07 --to 2030-01-07 --fields practitioner --plain"
NUMBER = {"system": "urn:example:number", "value": "70"}
OWN_PATIENT = {
    "resourceType": "Patient",
    "id": "p1",
    "name": [{"text": "Tone Prøve"}],
    "identifier": [NUMBER],
    "generalPractitioner": [{"reference": "PractitionerRole/role"}],
}
LISTS = ("appointments list", "rx list", "rx requests", "messages list")


def records_of(link):
    """A record of each kind, whose patient `link` refers to."""
    booking = appointment()
    booking["participant"][0]["actor"] = link
    return (booking, prescription(subject=link), message(subject=link), renewal(**{"for": link}))


@pytest.mark.parametrize("command", LISTS)
@pytest.mark.parametrize(
    "link",
    [
        PATIENT,
        {"reference": "Patient/p1/_history/3"},
        {"reference": f"{BASE}/Patient/p1"},
        {"type": "Patient", "identifier": NUMBER, "display": "Tone Prøve"},
        {"identifier": NUMBER},
    ],
)
def test_a_record_is_the_patients_however_the_reference_is_written(tmp_path, link, command):
    listed = shell_with(tmp_path, OWN_PATIENT, *records_of(link))(f"gpcli {command} --json")
    assert (listed.code, len(listed.json)) == (0, 1)


@pytest.mark.parametrize("command", LISTS)
@pytest.mark.parametrize(
    "link",
    [
        {"type": "Patient", "identifier": {"system": "urn:example:other", "value": "70"}},
        {"identifier": {"value": "70"}},
        {"display": "Tone Prøve"},
        {"reference": "#p"},
        {"reference": "urn:uuid:0c3151bd-1cbf-4d64-b04d-cd9187a4c6e0"},
        {"reference": "https://elsewhere.example/fhir/Patient/p1"},
    ],
)
def test_a_record_that_does_not_tell_whose_it_is_is_left_out_and_said(tmp_path, link, command):
    listed = shell_with(tmp_path, OWN_PATIENT, *records_of(link))(f"gpcli {command} --json")
    assert (listed.code, listed.json) == (8, [])
    assert "does not name its patient so that gpcli could tell whose it is" in listed.err
    assert listed.err.count("ask the surgery to put that right") == 1


@pytest.mark.parametrize("command", LISTS)
@pytest.mark.parametrize(
    ("value", "code", "count"), [("70", 0, 1), ("71", 0, 0), (None, 8, 0)], ids=["own", "", "none"]
)
def test_a_contained_patient_is_told_by_the_identifier(tmp_path, command, value, code, count):
    numbers = [{**NUMBER, "value": value}] if value else []
    inside = [{"resourceType": "Patient", "id": "p", "identifier": numbers}]
    records = [{**each, "contained": inside} for each in records_of({"reference": "#p"})]
    listed = shell_with(tmp_path, OWN_PATIENT, *records)(f"gpcli {command} --json")
    assert (listed.code, len(listed.json)) == (code, count)


@pytest.mark.parametrize("command", LISTS)
def test_a_record_of_another_is_not_shown_and_counted(tmp_path, command):
    link = {"type": "Patient", "identifier": {**NUMBER, "value": "71"}}
    listed = shell_with(tmp_path, OWN_PATIENT, *records_of(link))(f"gpcli {command} --json")
    assert (listed.code, listed.json) == (0, [])
    assert "of other patients; they are left out" in listed.err


NAMED = [
    ({"display": "Nurse Berit"}, "Nurse Berit"),
    ({"type": "Practitioner", "display": "Nurse Berit"}, "Nurse Berit"),
    ({"type": "Practitioner", "identifier": NUMBER, "display": "Nurse Berit"}, "Nurse Berit"),
    ({"reference": "#n"}, "Nurse Carl"),
    ({"reference": "Practitioner/gp/_history/2"}, "Ida Nordli"),
    ({"reference": f"{BASE}/Practitioner/gp"}, "Ida Nordli"),
]
"""An actor of a Schedule, and the name that is known of it."""

UNNAMED = [
    {"type": "Practitioner", "identifier": NUMBER},
    {"reference": "#not-there"},
    {"reference": "urn:uuid:0c3151bd-1cbf-4d64-b04d-cd9187a4c6e0"},
    {"reference": "https://elsewhere.example/fhir/Practitioner/gp"},
    {"reference": "Practitioner/not-sent"},
    {"reference": "PractitionerRole/not-sent"},
    {"reference": "Device/not-sent"},
    {"type": "Device", "display": "Blood pressure meter"},
    {"type": "CareTeam", "display": "The diabetes team"},
    {"type": "Patient", "display": "Somebody"},
]
"""Actors of a Schedule of whom gpcli knows no name, or who are no practitioner."""

CONTAINED = [{"resourceType": "Practitioner", "id": "n", "name": [{"text": "Nurse Carl"}]}]


@pytest.mark.parametrize(("actor", "name"), NAMED)
def test_a_free_time_is_with_whom_its_schedule_names(tmp_path, actor, name):
    shell = shell_with(tmp_path, schedule(actor, contained=CONTAINED), slot())
    assert shell(SLOTS).out == f"{name}\n"
    assert shell("gpcli book s1 --dry-run --json").json["practitioner"] == name


@pytest.mark.parametrize("actor", UNNAMED)
def test_a_free_time_of_somebody_else_is_not_said_to_be_with_the_gp(tmp_path, actor):
    shell = shell_with(tmp_path, schedule(actor), slot())
    assert "Ida Nordli" not in shell(SLOTS).out
    assert shell("gpcli book s1 --dry-run --json").json["practitioner"] is None


MODIFIER = [{"url": "urn:x", "valueBoolean": True}]
UNCLEAR = [
    schedule(modifierExtension=MODIFIER),
    schedule({"reference": "Practitioner/gp", "modifierExtension": MODIFIER}),
    schedule(implicitRules="urn:x"),
    schedule(active="no"),
    schedule("Practitioner/gp"),
    schedule({"reference": 5, "display": "Nurse Berit"}),
    {**schedule(), "actor": {"reference": "HealthcareService/booking"}},
    {**schedule(), "actor": []},
    {**schedule(), "actor": [{}]},
    {**schedule(), "actor": [{"type": "Practitioner"}]},
]
"""Schedules that can't be understood, or of which it can't be told whose they are."""


@pytest.mark.parametrize("unclear", UNCLEAR)
def test_a_free_time_whose_schedule_is_not_understood_is_neither_shown_nor_booked(
    tmp_path, unclear
):
    shell = shell_with(tmp_path, unclear, slot())
    listed, refused = shell(SLOTS), shell("gpcli book s1 --dry-run --json")
    assert (listed.code, listed.out) == (8, "")
    assert refused.refused == (1, "bad_response", "")
    assert "Schedule" in refused.error["message"]
    assert refused.error["hint"].startswith("Call the surgery")


@pytest.mark.parametrize("form", ["", "--json", "--plain"])
@pytest.mark.parametrize(
    ("records", "flaw"),
    [
        ((schedule(), slot(comment=5)), "Slot/s1: Slot.comment is not what R4 says"),
        ((schedule(comment=5), slot()), "Schedule/x: Schedule.comment is not what R4 says"),
    ],
)
def test_what_can_not_be_read_of_a_time_is_said_before_it_is_booked(tmp_path, records, flaw, form):
    planned = shell_with(tmp_path, *records)(f"gpcli book s1 --dry-run {form}")
    assert (planned.code, flaw in " ".join(planned.err.split())) == (0, True)


@pytest.mark.parametrize("actor", [{"reference": "Practitioner/nurse"}, {"reference": "Device/1"}])
def test_a_free_time_of_somebody_else_alone_is_not_at_the_gp(tmp_path, actor):
    nurse = {"resourceType": "Practitioner", "id": "nurse", "name": [{"text": "Nurse Berit"}]}
    shell = shell_with(tmp_path, nurse, {**schedule(), "actor": [actor]}, slot())
    assert shell(SLOTS).rows == []
    refused = shell("gpcli book s1 --dry-run --json")
    assert refused.refused == (5, "not_offered", "")
    assert refused.error["message"] == "The portal does not say that s1 is a time at your GP."


@pytest.mark.parametrize(
    "own",
    ["Practitioner/gp", "PractitionerRole/role", "Organization/org", "HealthcareService/booking"],
)
def test_a_free_time_of_the_gp_or_the_surgery_is_at_the_gp(tmp_path, own):
    of_nobody_else = {**schedule(), "actor": [{"reference": own}]}
    shell = shell_with(tmp_path, of_nobody_else, slot())
    (shown,) = shell(SLOTS.replace("--fields practitioner --plain", "--json")).json
    booked = shell("gpcli book s1 --dry-run --json").json
    named = None if own == "Organization/org" else "Ida Nordli"
    assert (shown["practitioner"], booked["practitioner"]) == (named, named)


def test_everybody_with_whom_a_time_is_is_named(tmp_path):
    berit = {"type": "Practitioner", "identifier": NUMBER, "display": "Nurse Berit"}
    device = {"type": "Device", "display": "Blood pressure meter"}
    actors = ({"reference": "Practitioner/gp"}, berit, device)
    shell = shell_with(tmp_path, schedule(*actors), slot(), appointment(*actors))
    others = ["Nurse Berit", "Blood pressure meter"]
    (shown,) = shell(SLOTS.replace("--fields practitioner --plain", "--json")).json
    planned = shell("gpcli book s1 --dry-run --json").json
    booked = shell("gpcli appointments show a1 --json").json
    assert {each["practitioner"] for each in (shown, planned, booked)} == {"Ida Nordli"}
    assert [each["participants"] for each in (shown, planned, booked)] == [others] * 3
    assert shell(f"{SLOTS} --with berit").out == "Ida Nordli\n"
    for command in ("slots --from 2030-01-07", "appointments list", "book s1 --dry-run"):
        ending = narrow(shell)(f"gpcli {command}")
        assert "Berit" in ending.out + ending.err


@pytest.mark.parametrize(
    ("actor", "reference"),
    [
        ({"reference": "Practitioner/not-sent"}, "Practitioner/not-sent"),
        ({"type": "Practitioner", "identifier": NUMBER}, "Practitioner"),
    ],
)
def test_somebody_whom_the_portal_does_not_name_is_not_named(tmp_path, actor, reference):
    shell = shell_with(tmp_path, schedule(actor), slot(), appointment(actor))
    (shown,) = shell(SLOTS.replace("--fields practitioner --plain", "--json")).json
    for each in (shown, shell("gpcli appointments show a1 --json").json):
        assert (each["practitioner"], each["practitioner_ref"]) == (None, reference)
        assert each["participants"] == []
    for command in ("slots --from 2030-01-07", "appointments list", "book s1 --dry-run"):
        ending = narrow(shell)(f"gpcli {command}")
        assert "not named" in ending.out + ending.err
        assert "not-sent" not in ending.out + ending.err


@pytest.mark.parametrize("actor", [{"type": "Location", "display": "Room 4"}, None])
def test_a_free_time_of_the_gps_service_alone_is_with_the_gp(tmp_path, actor):
    of_service = schedule(actor) if actor else {**schedule(), "actor": schedule()["actor"][:1]}
    assert shell_with(tmp_path, of_service, slot())(SLOTS).out == "Ida Nordli\n"


@pytest.mark.parametrize("command", ["gp", "services", "services booking"])
@pytest.mark.parametrize(
    ("ended", "said"),
    [
        ({"active": False}, "the work of Ida Nordli at Solvik legesenter as no longer current"),
        ({"period": {"end": "2026-01-01"}}, "Ida Nordli was at Solvik legesenter until 1 Jan 2026"),
    ],
)
def test_a_gp_who_is_not_current_any_more_is_said_to_be_so(tmp_path, command, ended, said):
    shown = shell_with(tmp_path, role(**ended))(f"gpcli {command} --plain")
    assert (shown.code, said in f"{shown.out}{shown.err}") == (0, True)


@pytest.mark.parametrize(("actor", "name"), NAMED)
def test_a_booking_names_everybody_who_takes_part(tmp_path, actor, name):
    shown = shell_with(tmp_path, appointment(actor, contained=CONTAINED))(
        "gpcli appointments show a1 --json"
    )
    assert name in {shown.json["practitioner"], *shown.json["participants"]}


def test_who_has_declined_is_not_who_the_booking_is_with(tmp_path):
    booking = appointment()
    booking["participant"][1]["status"] = "declined"
    shown = shell_with(tmp_path, booking)("gpcli appointments show a1 --json").json
    assert (shown["practitioner"], shown["participants"]) == (None, ["Ida Nordli (declined)"])


def test_a_patient_who_has_declined_is_said_to(tmp_path):
    booking = appointment()
    booking["participant"][0]["status"] = "declined"
    shown = shell_with(tmp_path, booking)("gpcli appointments show a1 --json").json
    assert (shown["practitioner"], shown["participants"]) == (
        "Ida Nordli",
        ["the patient (declined)"],
    )
