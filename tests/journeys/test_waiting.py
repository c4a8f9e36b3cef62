"""What waits for the surgery: bookings to be confirmed, and enquiries for a time."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.journeys.shell import CommandResult


def test_until_the_surgery_has_confirmed_nothing_is_called_booked(world):
    world.sandbox.set_delay(timedelta(hours=2))
    ada = world.shell("ada")
    sent = ada(f"gpcli book {ada.json('gpcli slots --limit 1')[0]['id']} --yes --json")
    assert sent.json["status"] == "pending"
    said = sent.stderr_json[-1]["notice"]["message"]
    assert "The surgery has not confirmed it yet: gpcli appointments show " in said
    table = ada.at_a_screen()("gpcli appointments list --waiting").out
    assert "waiting for the surgery" in table
    world.sandbox.advance(timedelta(hours=3))
    assert ada.json(f"gpcli appointments show {sent.json['id']}")["status"] == "booked"
    assert ada("gpcli appointments list --waiting") == CommandResult(0, "", "There are none.\n")


def test_bo_cannot_book_but_is_told_of_enquiries(shell_of):
    ending = shell_of("bo")("gpcli book --first --yes --json")
    assert ending.refused == (5, "not_offered", "")
    assert ending.error["hint"] == "gpcli book --enquiry"


def test_an_enquiry_waits_with_the_requested_hours_and_is_answered(world):
    world.sandbox.set_delay(timedelta(hours=2))
    bo = world.shell("bo")
    sent = bo.json("gpcli book --enquiry --yes --from +1d --to +8d --weekday tue --reason Rash")
    assert (sent["status"], sent["start"], sent["reason"]) == ("proposed", None, "Rash")
    assert [window["start"][:10] for window in sent["requested"]] == ["2027-03-02", "2027-03-09"]
    world.sandbox.advance(timedelta(hours=3))
    answered = bo.json(f"gpcli appointments show {sent['id']}")
    assert answered["status"] == "booked"
    assert answered["start"] is not None


def test_the_plan_of_an_enquiry_shows_the_dates_and_hours_that_words_mean(shell_of):
    line = "gpcli book --enquiry --dry-run --from onsdag --to torsdag --between morning"
    wished = [row for row in shell_of("bo")(line).err.splitlines() if "Wished" in row]
    assert [row.split()[1:5] for row in wished] == [
        ["Wed", "3", "Mar", "06:00–12:00"],
        ["Thu", "4", "Mar", "06:00–12:00"],
    ]


def test_a_second_enquiry_while_one_is_open_is_refused(world):
    world.sandbox.set_delay(timedelta(days=1))
    bo = world.shell("bo")
    assert bo("gpcli book --enquiry --yes").code == 0
    assert bo("gpcli book --enquiry --yes --json").refused == (7, "already_booked", "")
    assert len(world.appointments("bo")) == 1


@pytest.mark.parametrize(("typed", "reason"), [("Rash\ny\n", "Rash"), ("\ny\n", None)])
def test_a_person_is_asked_what_an_enquiry_is_about(world, typed, reason):
    ending = world.shell("bo").at_a_screen(typed)("gpcli book --enquiry")
    [asked] = world.appointments("bo")
    assert (ending.code, asked.get("comment")) == (0, reason)
    assert "What is it about? (Enter leaves it out): " in ending.err


@pytest.mark.parametrize("more", ["--yes", "--dry-run", "--reason Rash --dry-run"])
def test_who_says_all_on_the_line_is_asked_nothing(world, more):
    ending = world.shell("bo").at_a_screen("unused\n")(f"gpcli book --enquiry {more}")
    assert (ending.code, "What is it about" in ending.err) == (0, False)
