"""Booking a time: by its id, the first that fits, from a list, or by asking the surgery."""

from __future__ import annotations

import io

import pytest

from tests.journeys.shell import CommandResult, without_plan

TAKEN_HINT = "  gpcli slots lists the free times.\n"


def free(shell, filters="--limit 1"):
    return shell.json(f"gpcli slots {filters}")[-1]["id"]


def only(found):
    [one] = found
    return one


def test_a_booked_time_stands_in_the_portals_own_record(world):
    ada = world.shell("ada")
    slot = free(ada)
    receipt = ada.json(f"gpcli book {slot} --yes --reason 'Sore knee'")
    there = only(world.appointments("ada"))
    assert (receipt["id"], receipt["status"], receipt["changed"]) == (there["id"], "booked", True)
    assert (there["status"], there["comment"]) == ("booked", "Sore knee")
    assert [each["reference"] for each in there["slot"]] == [f"Slot/{slot}"]
    assert receipt["patient"] == receipt["acting_user"] == {"id": "ada", "name": "Ada Solberg"}


def test_the_plan_comes_before_and_the_truth_after(shell_of):
    ada = shell_of("ada")
    ending = ada(f"gpcli book {free(ada)} --yes --reason 'Sore knee'")
    title, *rows, warning, last = ending.err.splitlines()
    assert title == "Book this time [sandbox]"
    assert warning.startswith("! You have one already: tomorrow, Tue 2 Mar 09:00–09:20")
    assert last.startswith("Booked: Wed 3 Mar 08:40–09:00")
    assert ": gpcli cancel " in last
    assert [row.split("  ")[1] for row in rows] == [
        "When",
        "With",
        "Way",
        "Surgery",
        "For",
        "Reason",
        "Price at the visit",
    ]


def test_booking_twice_with_one_request_id_is_one_booking(world):
    ada = world.shell("ada")
    line = f"gpcli book {free(ada)} --yes --request-id r1"
    first, second = ada.json(line), ada.json(line)
    assert len(world.appointments("ada")) == 1
    assert second == {**first, "changed": False}
    assert first["request_id"] == "r1"
    assert first["id"] not in {None, first["slot_id"]}


def test_repeating_a_request_says_that_nothing_was_sent(shell_of):
    ada = shell_of("ada")
    line = f"gpcli book {free(ada)} --yes --request-id r1"
    ada(line)
    again = ada(line)
    assert again.code == 0
    assert again.err.startswith("It was sent before; nothing was sent now. Booked: Wed 3 Mar 08:40")


def test_one_request_id_for_two_times_is_a_conflict(world):
    ada = world.shell("ada")
    ada(f"gpcli book {free(ada)} --yes --request-id r1")
    ending = ada(f"gpcli book {free(ada)} --yes --request-id r1 --json")
    assert ending.refused == (7, "conflict", "")
    assert len(world.appointments("ada")) == 1


def test_a_request_id_belongs_to_one_person(world):
    ada, hans = world.shell("ada"), world.shell("hans")
    for shell in (ada, hans):
        assert shell.json("gpcli book --first --another --yes --request-id r1")["changed"]
    assert len(world.appointments("ada")) == len(world.appointments("hans")) == 1


@pytest.mark.parametrize("wrong", ["", " ", "x" * 129])
def test_a_request_id_is_some_text_but_not_too_much(shell_of, wrong):
    ending = shell_of("ada")(["gpcli", "book", "--first", "--json", "--request-id", wrong])
    assert ending.refused == (2, "usage", "")


def test_a_time_that_somebody_took_after_it_was_listed_is_refused(world):
    hans = world.shell("hans")
    slot = free(hans)
    world.change(f"Slot/{slot}", status="busy")
    ending = hans(f"gpcli book {slot} --yes --json")
    assert ending.refused == (7, "slot_taken", "")
    assert world.appointments("hans") == []


def test_a_time_that_one_booked_before_is_said_to_be_ones_own(world):
    """As after an answer that was lost, by somebody who does not know of --request-id."""
    hans = world.shell("hans")
    slot = free(hans)
    booked = hans.json(f"gpcli book {slot} --yes")["id"]
    ending = hans(f"gpcli book {slot} --yes --another --json")
    assert ending.refused == (7, "slot_taken", "")
    assert ending.error["message"] == f"The time {slot} is taken, by your own booking {booked}."
    assert len(world.appointments("hans")) == 1


def test_a_time_that_is_taken_between_plan_and_sending_is_refused_by_the_portal(world):
    """The person thinks about the question; meanwhile somebody else books."""
    slot = free(world.shell("ada"))

    class Hesitating(io.StringIO):
        def readline(self, *_):
            world.change(f"Slot/{slot}", status="busy")
            return "y\n"

    ending = world.shell("ada").at_a_screen(Hesitating())(f"gpcli book {slot}")
    assert (ending.code, ending.out) == (7, "")
    assert "gpcli: Somebody else has just taken this time." in ending.err
    assert world.appointments("ada") == []


def test_an_unknown_time_is_not_found(shell_of):
    assert shell_of("ada")("gpcli book s-nonsense --yes") == CommandResult(
        3, "", f"gpcli: There is no time 's-nonsense'.\n{TAKEN_HINT}"
    )


@pytest.mark.parametrize("strange", ["../Patient/ada", "a b", "x" * 200, "s-1?_id=2", "sløt"])
def test_what_cannot_be_an_id_is_not_found_either(shell_of, strange):
    ending = shell_of("ada")(["gpcli", "book", strange, "--yes", "--json"])
    assert ending.refused == (3, "not_found", "")


def test_an_empty_id_is_named_and_nothing_is_asked_of_the_portal(shell_of):
    ending = shell_of("ada")(["gpcli", "book", "", "--yes"])
    assert ending == CommandResult(2, "", f"gpcli: The time's id is empty.\n{TAKEN_HINT}")


def test_a_past_time_is_too_late(world):
    past = world.sandbox.store.find("Slot", schedule="Schedule/booking-haugland")
    gone = next(slot["id"] for slot in past if slot["start"] < "2027-03-01")
    ending = world.shell("ada")(f"gpcli book {gone} --yes")
    assert ending == CommandResult(7, "", f"gpcli: That time has begun or is past.\n{TAKEN_HINT}")


def test_another_gps_time_is_not_offered(world):
    theirs = free(world.shell("hans"))
    ending = world.shell("ada")(f"gpcli book {theirs} --yes --json")
    assert ending.code in {3, 5}
    assert (ending.out, world.appointments("ada")) == ("", [])


def test_the_first_time_is_not_taken_beside_a_coming_booking(world):
    ending = world.shell("ada")("gpcli book --first --yes --json")
    assert ending.refused == (7, "already_booked", "")
    assert "a-2xwr5jqm" in ending.error["message"]
    assert world.appointments("ada") == []


ONE_MORE = (
    "You have one already: {when} · Dr. Ingrid Haugland · Blood pressure check · booked. "
    "One more all the same? [y/N] "
)


@pytest.mark.parametrize(("answers", "code", "booked"), [("y\ny\n", 0, 1), ("n\n", 9, 0)])
def test_beside_a_coming_booking_a_person_is_asked_before_the_plan(world, answers, code, booked):
    ending = world.shell("ada").at_a_screen(answers)("gpcli book --first")
    question, _, rest = ending.err.partition(" [y/N] ")
    begins, ends = ONE_MORE.removesuffix(" [y/N] ").split("{when}")
    assert question.startswith(f"{begins}tomorrow, Tue 2 Mar 09:00")
    assert question.endswith(ends)
    assert ("Book this time" in rest, "Nothing was sent." in rest) == (bool(booked), not booked)
    assert (ending.code, len(world.appointments("ada"))) == (code, booked)


def test_who_agreed_in_advance_is_not_asked_but_refused_beside_a_coming_booking(world):
    ending = world.shell("ada").at_a_screen("y\ny\n")("gpcli book --first --yes --json")
    assert ending.refused == (7, "already_booked", "")
    assert world.appointments("ada") == []


def test_another_takes_it_all_the_same(world):
    ada = world.shell("ada")
    slot = free(ada)
    assert ada.json("gpcli book --first --another --yes")["slot_id"] == slot


def test_the_first_that_fits_the_filters_is_taken(world):
    filters = "--weekday fri --between 10:00-12:00 --via video"
    hans = world.shell("hans")
    slot = hans.json(f"gpcli slots {filters} --limit 1")[0]
    assert hans.json(f"gpcli book --first --another --yes {filters}")["slot_id"] == slot["id"]


def test_when_nothing_fits_it_says_what_was_searched(shell_of):
    ending = shell_of("ada")("gpcli book --first --another --yes --weekday sat")
    assert (ending.code, ending.out) == (3, "")
    assert ending.err.startswith("gpcli: No free time at Dr. Ingrid Haugland, Solbakken legesenter")
    assert "(233 by --weekday)" in ending.err


def test_notice_keeps_the_first_from_starting_too_soon(shell_of):
    hans = shell_of("hans")
    far = hans.json("gpcli book --first --another --dry-run --notice 10d")
    assert far["start"] >= "2027-03-11T09:00:00+01:00"


@pytest.mark.parametrize(
    ("line", "word"),
    [
        ("--first s-dgn4trsg", "usage"),
        ("--first --enquiry", "usage"),
        ("s-dgn4trsg --enquiry", "usage"),
        ("--first --another --notice soon", "usage"),
        ("--first --another --accept-fee much", "usage"),
        ("s-dgn4trsg --accept-fee -3", "usage"),
        ("", "input_needed"),
    ],
)
def test_contradictions_and_gaps_are_usage(world, line, word):
    ending = world.shell("ada")(f"gpcli book {line} --yes --json")
    assert ending.refused == (2, word, "")
    assert world.appointments("ada") == []


def test_two_gps_have_to_be_told_apart_and_are_named(world):
    finn = world.shell("finn")
    ending = finn("gpcli book --first --yes")
    assert (ending.code, ending.out) == (2, "")
    assert "Dr. Lars Myrvold, Nordre Tun legegruppe; Dr. Sunniva Bakke" in ending.err
    booked = finn.json("gpcli book --first --yes --gp bakke")
    assert (booked["status"], booked["practitioner"]) == ("booked", "Dr. Sunniva Bakke")


def test_a_booking_with_one_gp_does_not_keep_finn_from_the_other(shell_of):
    finn = shell_of("finn")
    assert finn("gpcli book --first --yes --gp bakke").code == 0
    assert finn("gpcli book --first --yes --gp myrvold").code == 0
    assert finn("gpcli book --first --yes --gp myrvold --json").refused[1] == "already_booked"


def test_a_dry_run_shows_the_plan_and_sends_nothing(world):
    ada = world.shell("ada")
    receipt = ada.json(f"gpcli book {free(ada)} --dry-run")
    assert (receipt["dry_run"], receipt["changed"], receipt["id"]) == (True, False, None)
    assert world.appointments("ada") == []


def test_a_dry_run_at_a_terminal_does_not_claim_that_anything_waits(world):
    ada = world.shell("ada").at_a_screen()
    ending = ada("gpcli book --first --another --dry-run")
    assert without_plan(ending.out) == "Nothing was sent: this was a dry run.\n"
    assert ending.err.startswith("Book this time [sandbox]\n")


def test_without_a_terminal_and_without_yes_nothing_is_sent(world):
    ada = world.shell("ada")
    ending = ada(f"gpcli book {free(ada)} --json")
    assert ending.refused == (9, "confirmation_needed", "")
    assert ending.error["hint"] == "Agree with --yes."
    assert world.appointments("ada") == []


@pytest.mark.parametrize("forbidding", [{"CI": "true"}, {"GPCLI_NO_INPUT": "1"}])
def test_a_terminal_where_nobody_may_be_asked_is_none(world, forbidding):
    ada = world.shell("ada").with_env(**forbidding).at_a_screen("y\n")
    assert ada(f"gpcli book {free(world.shell('ada'))}").code == 9
    assert world.appointments("ada") == []


@pytest.mark.parametrize(("typed", "code", "made"), [("y\n", 0, 1), ("n\n", 9, 0), ("\n", 9, 0)])
def test_the_question_is_answered_with_y_and_anything_else_is_no(world, typed, code, made):
    ada = world.shell("ada").at_a_screen(typed)
    ending = ada("gpcli book --first --another")
    assert (ending.code, len(world.appointments("ada"))) == (code, made)
    assert "Book this time? [y/N] " in ending.err


def test_a_time_is_picked_from_a_numbered_list(world):
    third = world.shell("hans").json("gpcli slots --limit 3")[2]["id"]
    ending = world.shell("hans").at_a_screen("3\ny\n")("gpcli book --json")
    assert (ending.code, ending.json["slot_id"]) == (0, third)


@pytest.mark.parametrize(
    ("typed", "code"), [("9999\n0\nfirst\n", 9), ("q\n", 9), ("", 9), ("0\n" * 30, 2)]
)
def test_what_is_not_in_the_list_books_nothing(world, typed, code):
    ending = world.shell("hans").at_a_screen(typed)("gpcli book")
    assert (ending.code, ending.out) == (code, "")
    assert world.appointments("hans") == []


def test_overlapping_bookings_are_said_in_the_plan(world):
    ada = world.shell("ada")
    slot = free(ada)
    taken = ada.json(f"gpcli book {slot} --yes")
    beside = free(ada)
    world.change(f"Slot/{beside}", start=taken["start"], end=taken["end"])
    ending = ada(f"gpcli book {beside} --dry-run")
    assert f"! It overlaps your booking {taken['id']}: Wed 3 Mar 08:40–09:00 " in ending.err
