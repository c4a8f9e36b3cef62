"""Giving a booking or an enquiry back, and looking at appointments."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.journeys.shell import CommandResult

SOON, PAST = "a-2xwr5jqm", "a-td555mhb"
"""Ada's booking of tomorrow, less than a day away, and her visit of three weeks ago."""


def book(shell, filters="--another"):
    return shell.json(f"gpcli book --first --yes {filters}")["id"]


def status(world, appointment):
    return world.sandbox.store.get("Appointment", appointment)["status"]


def test_cancelling_in_good_time_needs_only_yes(world):
    ada = world.shell("ada")
    made = book(ada)
    receipt = ada.json(f"gpcli cancel {made} --yes")
    assert (receipt["status"], receipt["changed"]) == ("cancelled", True)
    assert status(world, made) == "cancelled"


def test_a_cancelled_time_is_free_again(world):
    ada = world.shell("ada")
    before = ada.json("gpcli slots")
    made = book(ada)
    assert len(ada.json("gpcli slots")) == len(before) - 1
    ada(f"gpcli cancel {made} --yes")
    assert ada.json("gpcli slots") == before


def test_the_plan_shows_until_when_it_is_free(shell_of):
    ada = shell_of("ada")
    ending = ada(f"gpcli cancel {book(ada)} --dry-run")
    title, *rows = ending.err.splitlines()
    assert title == "Cancel this booking [sandbox]"
    free = [row for row in rows if "Free of charge until" in row]
    assert ["tomorrow, Tue 2 Mar 08:40" in row for row in free] == [True]


def test_cancelling_twice_is_done_once_and_ends_well_both_times(world):
    ada = world.shell("ada")
    made = book(ada)
    first, second = (ada(f"gpcli cancel {made} --yes --json") for _ in range(2))
    assert (first.code, second.code) == (0, 0)
    assert (first.json["changed"], second.json["changed"]) == (True, False)
    [told] = second.stderr_json
    assert told["notice"]["message"].startswith(
        "It was so already; nothing was sent. Cancelled: Wed 3 Mar 08:40–09:00"
    )


def test_cancelling_late_costs_and_yes_alone_does_not_agree_to_that(world):
    ending = world.shell("ada")(f"gpcli cancel {SOON} --yes --json")
    assert ending.refused == (9, "fee_not_accepted", "")
    assert ending.error["message"] == (
        "Cancelling this late costs up to NOK 449, and that was not accepted. Nothing was sent."
    )
    assert status(world, SOON) == "booked"


@pytest.mark.parametrize("too_little", ["0", "448.99"])
def test_a_cap_below_the_fee_is_not_enough(world, too_little):
    ending = world.shell("ada")(f"gpcli cancel {SOON} --yes --accept-fee {too_little} --json")
    assert ending.refused == (9, "fee_not_accepted", "")
    assert status(world, SOON) == "booked"


@pytest.mark.parametrize("enough", ["449", "1000", "any"])
def test_a_fee_that_was_agreed_to_is_paid(world, enough):
    receipt = world.shell("ada").json(f"gpcli cancel {SOON} --yes --accept-fee {enough}")
    assert (receipt["status"], receipt["changed"]) == ("cancelled", True)
    assert status(world, SOON) == "cancelled"


@pytest.mark.parametrize("wrong", ["a lot", "-1", "NaN", "inf", "NOK 449"])
def test_a_cap_is_an_amount(world, wrong):
    ending = world.shell("ada")(["gpcli", "cancel", SOON, "--yes", "--json", "--accept-fee", wrong])
    assert ending.refused == (2, "usage", "")
    assert status(world, SOON) == "booked"


def test_a_fee_that_the_portal_does_not_say_is_unknown_and_needs_any(world):
    world.sandbox.store.delete("ChargeItemDefinition", "price-late-cancellation")
    ada = world.shell("ada")
    refused = ada(f"gpcli cancel {SOON} --yes --accept-fee 1000 --json")
    assert refused.refused == (9, "fee_not_accepted", "")
    assert "an unknown amount" in refused.error["message"]
    dry = ada(f"gpcli cancel {SOON} --dry-run --accept-fee any")
    assert "  Fee for cancelling late  unknown\n" in dry.err
    assert ": cancelling this late costs an unknown amount.\n" in dry.err
    asked = ada.at_a_screen("n\n")(f"gpcli cancel {SOON}")
    assert asked.code == 9
    assert "Cancel this booking, for an unknown amount? [y/N] " in asked.err


def test_a_fee_is_the_first_warning_of_the_plan_for_a_script(world):
    ending = world.shell("ada")(f"gpcli cancel {SOON} --dry-run --json")
    [cost] = ending.stderr_json[0]["plan"]["warnings"]
    assert is_late_warning(cost)


def is_late_warning(line):
    """Whether a line says since when cancelling costs, and what; this computer's clock may vary."""
    said = line.startswith("The free deadline was today, Mon 1 Mar 09:00")
    return said and line.endswith(": cancelling this late costs NOK 449.")


def test_at_a_terminal_the_plan_begins_with_the_fee_and_the_question_repeats_it(world):
    world.sandbox.advance(timedelta(minutes=1))
    ending = world.shell("ada").at_a_screen("y\n")(f"gpcli cancel {SOON}")
    title, cost, *_, question = ending.err.split("\n")
    assert (ending.code, title, cost[:2]) == (0, "Cancel this booking [sandbox]", "! ")
    assert is_late_warning(cost[2:])
    assert "  Fee for cancelling late  NOK 449\n" in ending.err
    assert question.startswith("Cancel this booking, for NOK 449? [y/N] ")
    assert ending.out.startswith("Cancelled: tomorrow, Tue 2 Mar ")
    assert ending.out.endswith(f" ({SOON}). The surgery charges NOK 449 for cancelling late.\n")
    assert status(world, SOON) == "cancelled"


def test_a_surgery_that_takes_no_late_cancelling_says_whom_to_call(world):
    finn = world.shell("finn")
    made = book(finn, "--gp myrvold")
    world.sandbox.advance(timedelta(days=1, hours=4))
    late = world.shell("finn")(f"gpcli cancel {made} --yes --accept-fee any --json")
    assert late.refused == (7, "too_late", "")
    assert late.error["hint"] == "Call the surgery: +47 00 12 34 41."
    assert status(world, made) == "booked"


def test_what_has_taken_place_cannot_be_cancelled(shell_of):
    assert shell_of("ada")(f"gpcli cancel {PAST} --yes --json").refused == (7, "too_late", "")


@pytest.mark.parametrize("stranger", ["nonsense", "s-dgn4trsg", "../Patient/ada", "a b"])
def test_what_is_no_appointment_is_not_found(shell_of, stranger):
    ending = shell_of("ada")(["gpcli", "cancel", stranger, "--yes", "--json"])
    assert ending.refused == (3, "not_found", "")


def test_somebody_elses_appointment_is_not_found(world):
    theirs = book(world.shell("hans"))
    ending = world.shell("ada")(f"gpcli cancel {theirs} --yes --json")
    assert ending.refused == (3, "not_found", "")
    assert status(world, theirs) == "booked"


@pytest.mark.parametrize(
    "line", ["cancel", "cancel ''", "appointments show", "appointments show ''"]
)
def test_off_a_terminal_an_id_is_needed(shell_of, line):
    assert shell_of("ada")(f"gpcli {line}") == CommandResult(
        2,
        "",
        "gpcli: An appointment's id is needed.\n  gpcli appointments list shows the ids.\n",
    )


def test_without_yes_and_terminal_nothing_is_cancelled(world):
    ada = world.shell("ada")
    made = book(ada)
    assert ada(f"gpcli cancel {made} --json").refused == (9, "confirmation_needed", "")
    assert status(world, made) == "booked"


def test_what_to_cancel_is_picked_from_a_list(world):
    ada = world.shell("ada")
    made = book(ada)
    ending = ada.at_a_screen("2\ny\n")("gpcli cancel")
    assert ending.code == 0
    assert (status(world, SOON), status(world, made)) == ("booked", "cancelled")


def test_an_open_enquiry_can_be_withdrawn(world):
    world.sandbox.set_delay(timedelta(days=1))
    bo = world.shell("bo")
    asked = bo.json("gpcli book --enquiry --yes")["id"]
    ending = bo(f"gpcli cancel {asked} --yes")
    assert (ending.code, ending.err.splitlines()[0]) == (0, "Withdraw this enquiry [sandbox]")
    assert status(world, asked) == "cancelled"


def test_ada_sees_what_is_to_come_and_asks_for_what_is_past(shell_of):
    ada = shell_of("ada")
    seen = {
        flags: [one["id"] for one in ada.json(f"gpcli appointments list {flags}")]
        for flags in ("", "--past", "--all", "--waiting")
    }
    assert seen == {"": [SOON], "--past": [PAST], "--all": [PAST, SOON], "--waiting": []}


def test_an_appointment_made_by_phone_has_every_key(shell_of):
    assert shell_of("ada").json(f"gpcli appointments show {SOON}") == {
        "id": SOON,
        "status": "booked",
        "start": "2027-03-02T09:00:00+01:00",
        "end": "2027-03-02T09:20:00+01:00",
        "zone": "Europe/Oslo",
        "requested": [],
        "service": "booking",
        "channel": "in-person",
        "practitioner": "Dr. Ingrid Haugland",
        "surgery": "Solbakken legesenter",
        "location": "Solbakken legesenter",
        "reason": "Booked by phone.",
        "answer": None,
        "cancel_until": "2027-03-01T09:00:00+01:00",
        "created": "2027-02-21T09:00:00+01:00",
        "slot_id": None,
        "join_url": None,
        "subject": "Blood pressure check",
        "minutes": None,
        "type": None,
        "reasons": [],
        "instructions": None,
        "cancelled_because": None,
        "participants": [],
        "practitioner_ref": "PractitionerRole/gp-haugland",
    }


def test_hans_has_three_hundred_appointments(shell_of):
    found = shell_of("hans").json("gpcli appointments list --all")
    assert len(found) == 300
    assert [one["start"] for one in found] == sorted(one["start"] for one in found)


def test_the_past_is_newest_first(shell_of):
    starts = [one["start"] for one in shell_of("hans").json("gpcli appointments list --past")]
    assert starts == sorted(starts, reverse=True)


def test_naming_a_gp_lists_the_appointments_with_that_gp(world):
    finn = world.shell("finn")
    made = book(finn, "--gp bakke")
    assert [one["id"] for one in finn.json("gpcli appointments list --gp bakke")] == [made]
    assert len(finn.json("gpcli appointments list")) == 3
