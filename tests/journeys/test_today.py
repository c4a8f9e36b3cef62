"""One screen for the day, and the next visit."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from gpcli.errors import Exit
from tests.journeys.shell import SCREEN, at_once
from tests.journeys.world import World

pytestmark = pytest.mark.usefixtures("in_oslo")
AT_80 = replace(SCREEN, width=80)


def screen_of(world, person: str) -> str:
    shell = replace(world.shell(person), terminal=AT_80)
    return "\n".join(line.rstrip() for line in shell("gpcli today").out.splitlines())


def test_the_day_is_one_screen_with_the_command_for_each_thing(world):
    assert screen_of(world, "ada").splitlines() == [
        "For         Ada Solberg",
        "GP          Dr. Ingrid Haugland, Solbakken legesenter",
        "            +47 00 12 34 11",
        "            +47 00 12 34 10",
        "Next visit  tomorrow, Tue 2 Mar 09:00–09:20, in person, Dr. Ingrid Haugland",
        "              gpcli next",
        "Waiting     Candesartan 8 mg: renewal asked for",
        "              gpcli rx requests --open",
        "Unread      Rash on my forearm",
        "            Mole on my back",
        "              gpcli messages show",
        "Runs out    Naproxen 500 mg: nothing left to fetch",
        "            Zopiclone 7.5 mg: nothing left to fetch",
        "            Amlodipine 5 mg: nothing left to fetch",
        "            Energy-rich drink 200 ml: can be fetched once more (48 bottles)",
        "              gpcli rx renew --low",
    ]


def test_of_many_things_the_first_are_named_and_the_others_counted(world):
    screen = screen_of(world, "hans")

    assert len(screen.splitlines()) <= 23
    assert "… 3 more" in screen


def test_what_the_portal_does_not_show_is_said_with_the_cure(world):
    assert screen_of(world, "david").splitlines()[-2:] == [
        "Not shown   appointments, messages, prescriptions: This needs your consent to",
        "            Full Access, which you can give in the portal: gpcli consent grant",
    ]


def test_without_a_gp_no_booking_is_proposed(world):
    assert screen_of(world, "eva").splitlines() == [
        "For         Eva Strand",
        "GP          none on record",
        "Next visit  none booked",
    ]


@pytest.mark.parametrize(
    ("person", "shown"),
    [
        ("guro", ["none booked", "gpcli book"]),
        ("bo", ["none booked", "gpcli book --enquiry"]),
        ("cecilie", ["none booked"]),
    ],
)
def test_without_a_visit_the_way_to_one_is_proposed_that_the_gp_offers(world, person, shown):
    for visit in world.shell(person).json("gpcli appointments list"):
        world.change(f"Appointment/{visit['id']}", status="cancelled")

    screen = screen_of(world, person)
    _, _, rest = screen.partition("Next visit  ")
    assert [line.strip() for line in rest.splitlines()][: len(shown)] == shown
    assert screen.count("gpcli book") == len(shown) - 1


def test_what_runs_out_is_not_proposed_for_renewal_where_no_gp_renews(world):
    assert "gpcli rx renew" in screen_of(world, "finn")
    for service in world.sandbox.store.find("HealthcareService"):
        if service["type"][0]["coding"][0]["code"] == "prescription-renewal":
            world.change(f"HealthcareService/{service['id']}", active=False)

    screen = screen_of(world, "finn")
    assert ("Tamsulosin" in screen, "gpcli rx renew" in screen) == (True, False)


def test_the_day_in_json_has_the_records_themselves(world):
    ada = world.shell("ada")
    day = ada.json("gpcli today")

    assert day["next"] == ada.json("gpcli next") == ada.json("gpcli appointments list")[0]
    assert day["unread"] == ada.json("gpcli messages list --unread")
    assert day["requests"] == ada.json("gpcli rx requests --open")
    assert [one["id"] for one in day["running_out"]] == [
        one["id"]
        for one in ada.json("gpcli rx list --low")
        if one["renewal"] is None or one["renewal"]["status"] != "requested"
    ]
    assert (day["patient"]["name"], day["not_shown"]) == ("Ada Solberg", [])


def test_the_day_is_one_round_trip(world):
    ada = world.shell("ada")
    ada("gpcli services")  # asks for the CapabilityStatement, which is kept

    requests = [one for one in ada("gpcli today --debug").err.splitlines() if " 200 " in one]

    assert [one.split()[:2] for one in requests] == [["POST", "/"]]


@pytest.mark.parametrize("person", ["cecilie", "david", "eva"])
def test_without_a_visit_next_ends_with_not_found_or_why_it_is_not_shown(world, person):
    ending = world.shell(person)("gpcli next --json")

    known = {"cecilie": "not_found", "david": "consent_needed", "eva": "not_found"}
    assert (ending.out, ending.error["code"]) == ("", known[person])


def test_a_visit_that_has_begun_is_the_next_until_it_ends(world):
    ada = world.shell("ada")
    visit = ada.json("gpcli next")
    world.change(
        f"Appointment/{visit['id']}",
        start="2027-03-01T08:50:00+01:00",
        end="2027-03-01T09:10:00+01:00",
    )
    during = ada.json("gpcli next")["id"]
    world.change(f"Appointment/{visit['id']}", end="2027-03-01T09:00:00+01:00")

    assert during == visit["id"]
    assert ada("gpcli next").code == Exit.NOT_FOUND


def test_what_the_surgery_has_not_confirmed_is_waiting_and_no_visit(world):
    bo = world.shell("bo")
    visit = bo.json("gpcli next")
    world.change(f"Appointment/{visit['id']}", status="pending")
    day = bo.json("gpcli today")

    assert (day["next"], [one["id"] for one in day["waiting"]]) == (None, [visit["id"]])


@pytest.fixture
def faulty(world) -> Iterator[World]:
    yield world
    world.sandbox.clear_faults()


PARTS = {
    "Appointment": ("appointments", {"next", "waiting"}),
    "Communication": ("messages", {"unread"}),
    "MedicationRequest": ("prescriptions", {"requests", "running_out"}),
}
"""By the type of record: what its absence is said of, and the keys that are null then."""


@pytest.mark.parametrize("kind", PARTS)
@pytest.mark.parametrize(("fault", "code"), [("refuse=403", 0), ("wrong-status=500", 8)])
def test_what_a_portal_refuses_or_fails_to_send_is_null_and_the_rest_is_there(
    faulty, kind, fault, code
):
    whole = faulty.shell("ada").json("gpcli today")
    faulty.sandbox.add_fault(f"GET {kind}: {fault}")

    ending = replace(faulty.shell("ada"), sleep=at_once)("gpcli today --json")

    what, unknown = PARTS[kind]
    assert ending.code == code
    [sentence] = ending.json["not_shown"]
    assert sentence.startswith(f"{what}: ")
    assert {key for key, value in ending.json.items() if value is None} - {"acting_user"} == unknown
    for key in whole.keys() - unknown - {"not_shown"}:
        assert ending.json[key] == whole[key]


KEPT_BACK = (
    "today",
    "next",
    "appointments show {id}",
    "cancel next --yes --accept-fee any",
    "cancel {id} --yes --accept-fee any",
    "cancel blood --yes --accept-fee any",
    "move next --first --yes --accept-fee any",
    "book --first --yes",
)


@pytest.mark.parametrize("line", KEPT_BACK)
def test_where_a_visit_is_kept_back_nobody_is_told_that_there_is_none(faulty, line):
    ada = faulty.shell("ada")
    identity = ada.json("gpcli next")["id"]
    before = faulty.appointments("ada")
    faulty.sandbox.add_fault("GET Appointment: lost-entry")

    ending = replace(ada, terminal=AT_80, sleep=at_once)(f"gpcli {line.format(id=identity)}")

    told = f"{ending.out}{ending.err}"
    assert ending.code in {Exit.PARTIAL, Exit.FAILURE}
    assert "none booked" not in told
    assert "No visit is booked" not in told
    assert "There is no" not in told
    assert faulty.appointments("ada") == before


def test_to_book_beside_what_is_kept_back_another_has_to_be_said(faulty):
    faulty.sandbox.add_fault("GET Appointment: lost-entry once")
    ada = faulty.shell("ada")
    refused = ada("gpcli book --first --yes")
    assert refused.code == Exit.PARTIAL
    assert "add --another" in refused.err
    assert ada("gpcli book --first --yes --another").code == 0


def test_what_would_be_asked_for_in_vain_is_not_proposed_for_renewal(world):
    ada = world.shell("ada")
    assert ada("gpcli rx renew --low --yes --accept-fee any").code == 0
    lines = screen_of(world, "ada").splitlines()
    at = next(number for number, line in enumerate(lines) if line.startswith("Runs out"))
    assert [line[12:] for line in lines[at:]] == [
        "Naproxen 500 mg: nothing left to fetch",
        "Zopiclone 7.5 mg: nothing left to fetch",
        "  gpcli rx list --low",
    ]
