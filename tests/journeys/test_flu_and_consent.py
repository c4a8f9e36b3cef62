"""The flu vaccine in one answer; consent, and what acting for a child changes."""

from __future__ import annotations

import pytest

from tests.journeys.shell import CommandResult

EMIL = {"id": "emil", "name": "Emil Hagen"}
GURO_FOR_EMIL = {"id": "guro-for-emil", "name": "Guro Hagen"}


def consents(world, patient):
    found = world.sandbox.store.find("Consent", patient=f"Patient/{patient}")
    return [each["policyRule"]["coding"][0]["code"] for each in found if each["status"] == "active"]


def test_flu_without_more_is_all_about_it_and_books_nothing(world):
    answer = world.shell("guro").json("gpcli flu")
    assert answer["eligibility"][0] == "65 or older: Free of charge."
    assert (answer["price"]["low"], answer["price"]["high"]) == ("0", "150")
    last = {"vaccine": "Influenza vaccine", "date": "2025-11-05", "subpotent": False}
    assert answer["last_vaccination"] == last
    assert (answer["this_season"], answer["deep_link"]) == (False, None)
    assert {slot["service"] for slot in answer["slots"]} == {"flu-vaccination"}
    assert world.appointments("guro") == []


def test_piped_flu_is_key_lines_then_a_divider_then_slots(shell_of):
    ending = shell_of("guro")("gpcli flu --limit 1")
    head, _, slots = ending.out.partition("--\n")
    assert [line.partition(":\t")[0] for line in head.splitlines()] == [
        "gp",
        "eligibility",
        "price",
        "last_vaccination",
        "this_season",
        "deep_link",
        "booked",
    ]
    assert slots.count("\n") == 1


def test_the_first_flu_time_that_suits_is_booked(world):
    receipt = world.shell("guro").json("gpcli flu --first --yes --weekday thu")
    [there] = world.appointments("guro")
    assert (receipt["id"], receipt["service"]) == (there["id"], "flu-vaccination")
    assert receipt["start"].startswith("2027-03-04T")


def test_a_flu_time_is_booked_by_its_id_and_only_once(world):
    guro = world.shell("guro")
    slot = guro.json("gpcli flu --limit 1")["slots"][0]["id"]
    booked = guro.json(f"gpcli flu {slot} --yes")
    assert booked["slot_id"] == slot
    assert guro(f"gpcli flu {slot} --yes --json").refused == (7, "slot_taken", "")
    assert guro("gpcli flu --first --yes --json").refused == (7, "already_booked", "")
    assert len(world.appointments("guro")) == 1
    assert guro.json("gpcli flu")["booked"]["id"] == booked["id"]
    shown = guro.at_a_screen("")("gpcli flu").out
    assert "Your booking        Thu 4 Mar " in shown
    assert f"({booked['id']}), booked\n" in shown


def test_a_second_flu_time_is_warned_of_in_its_plan(world):
    guro = world.shell("guro")
    guro.json("gpcli flu --first --yes")
    slot = guro.json("gpcli flu --limit 1")["slots"][0]["id"]
    planned = guro(f"gpcli flu {slot} --dry-run").err
    assert "! You have one already: " in planned


@pytest.mark.parametrize(("answers", "code", "booked"), [("y\ny\n", 0, 2), ("\n", 9, 1)])
def test_beside_a_coming_flu_time_a_person_is_asked_before_the_plan(world, answers, code, booked):
    guro = world.shell("guro")
    guro.json("gpcli flu --first --yes")
    ending = guro.at_a_screen(answers)("gpcli flu --first")
    assert ending.err.startswith("You have one already: ")
    assert (ending.code, len(world.appointments("guro"))) == (code, booked)


def test_an_ordinary_time_is_no_flu_time(world):
    guro = world.shell("guro")
    slot = guro.json("gpcli slots --limit 1")[0]["id"]
    assert guro(f"gpcli flu {slot} --yes --json").refused == (2, "usage", "")
    assert world.appointments("guro") == []


def test_no_flu_time_that_fits_is_said_and_is_no_error(shell_of):
    ending = shell_of("guro")("gpcli flu --weekday sun --json")
    assert (ending.code, ending.json["slots"]) == (0, [])
    [line] = ending.stderr_json
    assert line["notice"]["message"].startswith("No free time at ")
    assert "enquiry" not in line["notice"]["message"]


def test_flu_where_it_is_not_offered_exits_5_with_nothing_on_stdout(shell_of):
    bo = shell_of("bo")
    assert bo("gpcli flu") == CommandResult(
        5,
        "",
        "gpcli: Dr. Tor Espeland, Fjordgløtt legekontor does not offer flu vaccination online.\n"
        "  Call the surgery instead: +47 00 12 34 21.\n",
    )
    assert bo("gpcli flu --json").refused == (5, "not_offered", "")


def test_with_two_gps_flu_is_only_at_the_one_who_offers_it(shell_of):
    assert shell_of("finn").json("gpcli flu")["surgery"]["id"] == "gp-myrvold"


def test_consent_opens_what_needs_it(world):
    david = world.shell("david")
    assert david("gpcli slots --json").refused == (5, "consent_needed", "")
    receipt = david.json("gpcli consent grant --yes")
    assert (receipt["level"], receipt["status"]) == ("full-access", "active")
    assert consents(world, "david") == ["basic", "full-access"]
    assert len(david.json("gpcli slots --limit 2")) == 2


def test_granting_again_changes_nothing_and_says_so(shell_of):
    ending = shell_of("ada")("gpcli consent grant --yes --json")
    assert (ending.code, ending.json["changed"]) == (0, False)
    said = "It was so already; nothing was sent. Your consent to full-access is active."
    assert ending.stderr_json == [{"notice": {"message": said}}]


def test_granting_needs_agreement(world):
    assert world.shell("david")("gpcli consent grant --json").refused == (
        9,
        "confirmation_needed",
        "",
    )
    assert consents(world, "david") == ["basic"]


def test_consent_is_shown_with_the_level_in_words(shell_of):
    assert shell_of("david")("gpcli consent show") == CommandResult(
        0,
        "consent-david\tbasic\tactive\t2026-01-25T12:00:00+01:00\n",
        "Your level is basic.\n",
    )


@pytest.mark.parametrize("flags", ["", "--yes"])
def test_withdrawing_needs_the_word_and_yes_is_not_it(world, flags):
    ending = world.shell("ada")(f"gpcli consent withdraw {flags} --json")
    assert ending.refused == (9, "confirmation_needed", "")
    assert consents(world, "ada") == ["full-access"]


@pytest.mark.parametrize("word", ["yes", "Withdraw", "withdraw "])
def test_another_word_withdraws_nothing(world, word):
    ending = world.shell("ada")(["gpcli", "consent", "withdraw", "--json", "--confirm", word])
    assert ending.refused == (9, "declined", "")
    assert consents(world, "ada") == ["full-access"]


def test_withdrawing_in_a_script_takes_the_word_and_yes(world):
    receipt = world.shell("ada").json("gpcli consent withdraw --confirm withdraw --yes")
    assert (receipt["status"], receipt["changed"]) == ("inactive", True)
    assert consents(world, "ada") == []
    assert world.shell("ada")("gpcli slots --json").refused == (5, "consent_needed", "")


@pytest.mark.parametrize(("typed", "left"), [("withdraw\n", []), ("no\n", ["full-access"])])
def test_at_a_terminal_the_word_is_typed(world, typed, left):
    world.shell("ada").at_a_screen(typed)("gpcli consent withdraw")
    assert consents(world, "ada") == left


def test_a_dry_run_of_withdrawing_needs_no_word_and_sends_nothing(world):
    receipt = world.shell("ada").json("gpcli consent withdraw --dry-run")
    assert (receipt["dry_run"], receipt["changed"]) == (True, False)
    assert consents(world, "ada") == ["full-access"]


def test_acting_for_a_child_names_both_in_json(world):
    receipt = world.shell("guro", "emil").json("gpcli book --first --another --yes")
    assert (receipt["patient"], receipt["acting_user"]) == (EMIL, GURO_FOR_EMIL)
    assert len(world.appointments("emil")) == 1
    assert world.appointments("guro") == []


def test_acting_for_a_child_names_both_in_the_plan(shell_of):
    ending = shell_of("guro", "emil")("gpcli book --first --another --dry-run")
    said = [line.split() for line in ending.err.splitlines()]
    assert ["For", "Emil", "Hagen"] in said
    assert ["By", "Guro", "Hagen"] in said


def test_whoami_names_the_child_and_who_acts(shell_of):
    state = shell_of("guro", "emil").json("gpcli whoami")
    assert (state["patient"], state["acting_user"]) == (EMIL, GURO_FOR_EMIL)


def test_the_gp_offers_a_child_less(shell_of):
    rows = shell_of("guro", "emil").json("gpcli services")
    offered = [row["service"] for row in rows if row["status"] == "offered"]
    assert offered == ["contact", "booking", "cancellation"]


@pytest.mark.parametrize("change", ["grant --yes", "withdraw --confirm withdraw --yes"])
def test_nobody_changes_a_childs_consent(world, change):
    ending = world.shell("guro", "emil")(f"gpcli consent {change} --json")
    assert ending.refused == (5, "not_permitted", "")
    assert ending.error["message"] == (
        "Only Emil Hagen can change this consent; Guro Hagen acts on their behalf."
    )
    assert consents(world, "emil") == ["full-access"]
