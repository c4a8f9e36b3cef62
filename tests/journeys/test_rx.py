"""Prescriptions: what is left, asking for renewal, following and withdrawing that."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta

import pytest

AMLODIPINE, DRINK = "rx-zt4s55k9", "rx-z67bczfw"
"""What runs out and can be renewed."""
CANDESARTAN = "rx-6nx7wvpx"
"""Runs out and is asked for already, by the request of the next line."""
WAITING = "r-rxzthjcg"
NAPROXEN, ZOPICLONE = "rx-9kwkrjkg", "rx-c28xcqvq"
"""Run out; the surgery refused the one when last asked, the other is of group B."""
METFORMIN, EXPIRED, STOPPED = "rx-wsbv57vs", "rx-w2w9djg4", "rx-rtdw9mfj"
ATORVASTATIN, FORMER, FIRST = "rx-9wk7jrb5", "rx-83pbbvs5", "rx-cxqkc4hp"
"""What replaced the second by a request, and that the first."""


@pytest.fixture
def ada(world):
    """Ada, whose surgery takes two hours to answer."""
    world.sandbox.set_delay(timedelta(hours=2))
    return world.shell("ada")


def tasks(world, patient="ada"):
    """The requests that gpcli made, as the portal has them."""
    known = {WAITING, "r-92cd5hs2", "r-h5vdkrmv"}
    found = world.sandbox.store.find("Task", patient=f"Patient/{patient}")
    return [one for one in found if one["id"] not in known]


def ids(rows, key="id"):
    return [row[key] for row in rows]


def results(ending):
    """Per prescription: how it stands, whether that is new, and the word of its error."""
    return [
        (
            row["prescription_id"],
            row["status"],
            row["changed"],
            row["error"] and row["error"]["code"],
        )
        for row in ending.json
    ]


def test_the_list_tells_what_is_left_and_on_what_basis(ada):
    left = {row["id"]: row["remaining"] for row in ada.json("gpcli rx list")}

    portals, counted, unknown = (left[name] for name in ("rx-fc8j38xc", METFORMIN, "rx-zzktqz6w"))
    assert portals == {"fills": 4, "basis": "portal", "quantity": None}
    assert counted == {
        "fills": 2,
        "basis": "dispenses",
        "quantity": {"value": "400", "unit": "tablets"},
    }
    assert unknown is None


def test_the_list_tells_how_long_what_was_fetched_lasts(ada):
    supplies = {row["name"]: row["supply"] for row in ada.json("gpcli rx list")}

    assert supplies.pop("Candesartan") == {
        "until": "2027-03-13",
        "days": 12,
        "basis": "dose",
        "handed_over": "2026-12-06",
    }
    told = {name: (each["days"], each["basis"]) for name, each in supplies.items() if each}
    assert told == {
        "Amlodipine": (66, "dose"),
        "Atorvastatin": (111, "dose"),
        "Blood glucose test strips": (45, "days_supply"),
        "Metformin": (41, "dose"),
        "Omeprazole": (0, "dose"),
    }
    assert sorted(name for name, each in supplies.items() if each is None) == [
        *("Energy-rich drink 200 ml", "Levothyroxine", "Naproxen"),
        *("Salbutamol 100 µg inhaler", "Zopiclone"),
    ]


def test_what_lasts_is_the_last_field_of_a_line_and_a_line_of_one_and_no_column(ada):
    plain = ada("gpcli rx list --plain --fields id,supply_until").out.splitlines()
    screen = ada.at_a_screen()

    assert f"{CANDESARTAN}\t2027-03-13" in plain
    assert f"{ZOPICLONE}\t" in plain
    shown = screen(f"gpcli rx show {CANDESARTAN}").out
    assert re.search("^Lasts until +about 12 days, until Sat 13 Mar$", shown, re.MULTILINE)
    assert "Lasts until" not in screen("gpcli rx list").out


def test_what_is_used_up_is_over(ada):
    [used] = [row for row in ada.json("gpcli rx list") if row["name"] == "Omeprazole"]

    assert (used["supply"]["until"], used["supply"]["days"]) == ("2027-02-10", 0)
    shown = ada.at_a_screen()(f"gpcli rx show {used['id']}").out
    assert re.search("^Lasts until +Wed 10 Feb, which is over$", shown, re.MULTILINE)
    assert re.search("^Prescription runs out +no$", shown, re.MULTILINE)


def test_what_was_fetched_before_it_was_renewed_lasts_on(world, ada):
    before = ada.json(f"gpcli rx show {CANDESARTAN}")["supply"]
    world.sandbox.answer(WAITING)

    renewed = ada.json(f"gpcli rx show {CANDESARTAN}")

    assert renewed["predecessors"] == [CANDESARTAN]
    assert renewed["supply"] == before


def test_expired_and_stopped_ones_are_shown_only_with_all_and_older_ones_never(ada):
    usual, everything = (ada(f"gpcli rx list{flag} --json") for flag in ("", " --all"))

    more = set(ids(everything.json)) - set(ids(usual.json))
    assert more == {EXPIRED, STOPPED}
    assert [usual.stderr_json, everything.stderr_json] == [
        [{"notice": {"message": "2 more, in use no longer: --all shows them."}}],
        [{"notice": {"message": "1 that expired over 12 months ago is left out."}}],
    ]


def test_low_names_what_runs_out_for_another_command_to_read(ada):
    ending = ada("gpcli rx list --low --plain --fields id")

    assert set(ending.out.split()) == {AMLODIPINE, CANDESARTAN, DRINK, NAPROXEN, ZOPICLONE}


@pytest.mark.parametrize(
    ("kind", "names"),
    [("consumable", ["Blood glucose test strips"]), ("nutrition", ["Energy-rich drink 200 ml"])],
)
def test_a_kind_is_a_filter(ada, kind, names):
    assert ids(ada.json(f"gpcli rx list --kind {kind}"), "name") == names


def test_a_kind_that_there_is_not_is_a_usage_error(ada):
    assert ada("gpcli rx list --kind pills --json").refused == (2, "usage", "")


def test_a_screen_shows_words(ada):
    shown = ada.at_a_screen()("gpcli rx list")

    lines = shown.out.splitlines()
    at = lines.index(f"Amlodipine 5 mg  {AMLODIPINE}")
    assert lines[at + 1 : at + 3] == [
        "  1 tablet daily, for high blood pressure.",
        "  lasts about 66 days, until Thu 6 May · nothing left to fetch · valid until Wed 31 Mar",
    ]


def test_several_are_asked_for_with_one_plan(world, ada):
    ending = ada(f"gpcli rx renew {AMLODIPINE} {METFORMIN} --note 'Going away' --yes")

    assert ending.code == 0
    assert ending.err.splitlines() == [
        "Ask to renew these prescriptions [sandbox]",
        "  To            Dr. Ingrid Haugland, Solbakken legesenter",
        f"  Prescription  Amlodipine 5 mg ({AMLODIPINE}), nothing left to fetch",
        "  Dose          1 tablet daily, for high blood pressure.",
        f"  Prescription  Metformin 500 mg ({METFORMIN}), "
        "can be fetched 2 more times (400 tablets)",
        "  Dose          1 tablet twice a day with meals, for diabetes.",
        "  For           Ada Solberg",
        "  Note          Going away",
        "  Answer        Usually answered within three working days.",
        "  Price each    NOK 161",
        "  Price in all  NOK 322",
        "! Metformin 500 mg: It can be fetched 2 more times.",
        "2 asked for: Amlodipine 5 mg, Metformin 500 mg. "
        "The surgery has yet to answer: gpcli rx requests shows it.",
    ]
    assert [task["note"][0]["text"] for task in tasks(world)] == ["Going away", "Going away"]


def test_without_agreement_nothing_is_sent(world, ada):
    ending = ada(f"gpcli rx renew {AMLODIPINE} --json")

    assert ending.refused == (9, "confirmation_needed", "")
    assert tasks(world) == []


def test_a_dry_run_answers_like_a_renewal_and_sends_nothing(world, ada):
    [row] = ada.json(f"gpcli rx renew {AMLODIPINE} --dry-run")

    assert (row["id"], row["status"], row["changed"], row["dry_run"]) == (
        None,
        "requested",
        False,
        True,
    )
    assert tasks(world) == []


def test_asking_twice_sends_once_and_ends_well_both_times(world, ada):
    first, second = (ada(f"gpcli rx renew {AMLODIPINE} --yes --json") for _ in range(2))

    assert (first.code, results(first)) == (0, [(AMLODIPINE, "requested", True, None)])
    assert (second.code, results(second)) == (0, [(AMLODIPINE, "requested", False, None)])
    assert first.json[0]["id"] == second.json[0]["id"]
    assert len(tasks(world)) == 1


def test_low_asks_for_what_is_not_in_vain(world, ada):
    ending = ada("gpcli rx renew --low --yes --json")

    assert (ending.code, results(ending)) == (
        0,
        [
            (AMLODIPINE, "requested", True, None),
            (CANDESARTAN, "requested", False, None),
            (DRINK, "requested", True, None),
        ],
    )
    assert len(tasks(world)) == 2


def test_what_one_command_lists_another_renews(world, ada):
    listed = ada("gpcli rx list --low --plain --fields id,name").out
    ending = replace(ada, typing=listed)("gpcli rx renew - --yes --json")

    assert ending.code == 0
    assert {row[0] for row in results(ending)} == {
        AMLODIPINE,
        CANDESARTAN,
        DRINK,
        NAPROXEN,
        ZOPICLONE,
    }


def test_an_empty_list_asks_for_nothing_and_ends_well(world, ada):
    ending = ada("gpcli rx renew - --yes --json")

    assert (ending.code, ending.json) == (0, [])
    assert ending.stderr_json == [{"notice": {"message": "There is nothing to ask for."}}]


def test_group_b_is_asked_for_with_a_warning_and_refused_later(world, ada):
    ending = ada(f"gpcli rx renew {ZOPICLONE} --yes --json")
    [row] = ending.json

    warning = "Group B: a consultation is usually needed before it is renewed."
    assert (ending.code, row["status"], row["warning"]) == (0, "requested", warning)
    world.sandbox.advance(timedelta(hours=3))
    [there] = [one for one in ada.json("gpcli rx requests") if one["id"] == row["id"]]
    assert (there["status"], there["answer"]) == (
        "rejected",
        "A consultation is needed before this medicine is prescribed again.",
    )


def test_an_expired_one_is_refused_by_the_portal_in_its_own_words(world, ada):
    ending = ada(f"gpcli rx renew {EXPIRED} --yes --json")

    assert ending.refused == (7, "rejected", "")
    assert tasks(world) == []


def test_some_that_fail_among_others_are_partial_each_with_its_error(world, ada):
    ending = ada(f"gpcli rx renew {AMLODIPINE} rx-none {EXPIRED} --yes --json")

    assert ending.code == 8
    assert results(ending) == [
        (AMLODIPINE, "requested", True, None),
        ("rx-none", None, False, "not_found"),
        (EXPIRED, None, False, "rejected"),
    ]
    assert ending.error["message"].startswith(
        "1 asked for, 2 not asked for. rx-none: There is no prescription 'rx-none'."
    )


def test_the_same_again_sends_nothing_new_and_is_partial_again(world, ada):
    line = f"gpcli rx renew {AMLODIPINE} {EXPIRED} --yes --json"
    first, second = ada(line), ada(line)

    assert [results(ending)[0][2] for ending in (first, second)] == [True, False]
    assert (first.code, second.code, len(tasks(world))) == (8, 8, 1)


def test_several_that_all_fail_alike_fail_so_and_are_all_named(ada):
    ending = ada("gpcli rx renew rx-none rx-nil rx-nought --yes --json")

    assert ending.refused == (3, "not_found", "")
    assert all(name in ending.error["message"] for name in ("rx-none", "rx-nil"))


def test_somebody_else_s_prescription_is_not_there(ada):
    assert ada("gpcli rx renew rx-vn3tmm6w --yes --json").refused == (3, "not_found", "")


def test_a_former_prescription_that_was_renewed_is_done_and_its_successor_named(world, ada):
    [row] = ada.json(f"gpcli rx renew {FORMER} --yes")

    assert (row["prescription_id"], row["status"], row["changed"], row["warning"]) == (
        FORMER,
        "completed",
        False,
        f"It was renewed already: {ATORVASTATIN} has replaced it.",
    )
    assert tasks(world) == []


def test_a_former_prescription_that_nobody_asked_for_is_refused_and_its_successor_named(world, ada):
    ending = ada(f"gpcli rx renew {FIRST} --yes --json")

    assert ending.refused == (7, "already_answered", "")
    assert (ending.error["message"], ending.error["hint"]) == (
        f"It was replaced already, by {ATORVASTATIN}.",
        f"gpcli rx renew {ATORVASTATIN} asks for the new one.",
    )
    assert tasks(world) == []


def test_the_same_line_again_does_not_renew_what_was_renewed_at_once(world):
    ada = world.shell("ada")
    endings = [ada(f"gpcli rx renew {AMLODIPINE} --yes --json") for _ in range(3)]

    assert [results(ending) for ending in endings] == [
        [(AMLODIPINE, "completed", new, None)] for new in (True, False, False)
    ]
    assert len(tasks(world)) == 1


def test_by_its_name_what_was_renewed_today_is_renewed_again_with_a_warning(world):
    ada = world.shell("ada")
    endings = [ada("gpcli rx renew metformin --yes") for _ in range(2)]

    warned = [[line for line in each.err.splitlines() if line[0] == "!"] for each in endings]
    assert warned == [
        ["! Metformin 500 mg: It can be fetched 2 more times."],
        ["! Metformin 500 mg: It was renewed today; it can be fetched 4 more times."],
    ]
    assert [ending.code for ending in endings] == [0, 0]


@pytest.mark.parametrize("first", [NAPROXEN, DRINK, METFORMIN])
def test_what_runs_out_can_be_asked_for_again_and_again_without_an_end(world, first):
    ada = world.shell("ada")
    ada.json(f"gpcli rx renew {first} --yes")
    once = ada.json("gpcli rx renew --low --yes")
    again = [ada.json("gpcli rx renew --low --yes") for _ in range(3)]

    assert [row["changed"] for row in once if row["prescription_id"] != CANDESARTAN] != []
    assert [[row["changed"] for row in rows] for rows in again] == [[False]] * 3


def test_a_retry_reports_the_same_prescription_after_the_answer(world, ada):
    line = f"gpcli rx renew {AMLODIPINE} --yes --request-id autumn"
    ada.json(line)
    world.sandbox.answer()

    assert results(ada(f"{line} --json")) == [(AMLODIPINE, "completed", False, None)]


def test_a_retry_sends_nothing_for_what_was_asked_for_at_the_first_try(world, ada):
    line = f"gpcli rx renew {AMLODIPINE} {CANDESARTAN} --yes --request-id q2 --json"
    first = ada(line)
    world.sandbox.advance(timedelta(hours=1))
    world.sandbox.answer(WAITING, decline=True)
    again = ada(line)

    assert [row["changed"] for row in first.json] == [True, False]
    assert results(again) == [
        (AMLODIPINE, "requested", False, None),
        (CANDESARTAN, "rejected", False, None),
    ]
    assert len(tasks(world)) == 1


@pytest.mark.parametrize(("cap", "code"), [("5", 9), ("160.99", 9), ("161", 0), ("any", 0)])
def test_a_cap_on_the_price_holds(world, ada, cap, code):
    ending = ada(f"gpcli rx renew {AMLODIPINE} --accept-fee {cap} --yes --json")

    assert (ending.code, len(tasks(world))) == (code, int(code == 0))


def test_a_refusal_at_once_is_said_to_be_one_and_is_an_answer(world):
    ending = world.shell("ada")(f"gpcli rx renew {ZOPICLONE} --yes")

    assert (ending.code, ending.err.splitlines()[-1]) == (
        0,
        "Zopiclone 7.5 mg is refused: "
        "A consultation is needed before this medicine is prescribed again.",
    )


def test_what_low_leaves_out_is_named_with_its_reason_every_time(world, ada):
    left_out = [
        f"Naproxen 500 mg ({NAPROXEN}) runs out but is left out: the surgery refused it when you "
        "last asked: You need a blood test first. Please book an appointment.",
        "Salbutamol 100 µg inhaler (rx-zzktqz6w) is left out: nothing tells what is left of it.",
        f"Zopiclone 7.5 mg ({ZOPICLONE}) runs out but is left out: "
        "group B, for which a consultation is usually needed first.",
    ]

    for _ in range(2):
        ending = ada("gpcli rx renew --low --yes --json")
        notices = [line["notice"]["message"] for line in ending.stderr_json if "notice" in line]
        assert notices[:3] == left_out


def test_one_prescription_is_shown_whole(ada):
    said = ada.at_a_screen()(f"gpcli rx show {NAPROXEN}").out

    labels = {line.partition("  ")[0]: line.partition("  ")[2].strip() for line in said.split("\n")}
    assert (labels["ID"], labels["Status"], labels["Renewal"], labels["Answer"]) == (
        NAPROXEN,
        "in use",
        "refused",
        "You need a blood test first. Please book an appointment.",
    )


def test_the_list_at_a_terminal_tells_groups_and_what_is_in_use_no_longer(ada):
    shown = ada.at_a_screen()("gpcli rx list --all --fields id,group,status").out
    rows = {line.split()[0]: line.split()[1:] for line in shown.splitlines()[2:]}

    assert (rows[ZOPICLONE], rows[STOPPED], rows[EXPIRED]) == (["B"], ["stopped"], ["expired"])
    assert rows[METFORMIN] == []


def test_of_unknown_kind_are_said_to_be_left_out(ada):
    ending = ada("gpcli rx list --kind medicine --json")

    words = [line["notice"]["message"] for line in ending.stderr_json]
    assert words[-1] == "1 whose kind is not told is left out."


def test_a_renewed_prescription_takes_the_place_of_its_predecessor(world, ada):
    asked = ada.json(f"gpcli rx renew {AMLODIPINE} --yes")[0]["id"]
    world.sandbox.advance(timedelta(hours=3))

    [newest] = [one for one in ada.json("gpcli rx list") if one["name"] == "Amlodipine"]
    assert (newest["predecessors"], newest["remaining"]["fills"]) == ([AMLODIPINE], 4)
    [request] = [one for one in ada.json("gpcli rx requests") if one["id"] == asked]
    assert request["status"] == "completed"


def test_a_request_id_asks_once_even_when_it_was_renewed_in_between(world, ada):
    line = f"gpcli rx renew {AMLODIPINE} --yes --request-id summer"
    [first] = ada.json(line)
    world.sandbox.advance(timedelta(hours=3))
    [again] = ada.json(line)

    assert (again["id"], again["status"], again["changed"]) == (first["id"], "completed", False)
    assert len(tasks(world)) == 1


def test_the_request_id_of_a_receipt_repeats_the_request(world, ada):
    [first] = ada.json(f"gpcli rx renew {AMLODIPINE} --yes")
    [again] = ada.json(f"gpcli rx renew {AMLODIPINE} --yes --request-id {first['request_id']}")

    assert (again["id"], again["changed"], len(tasks(world))) == (first["id"], False, 1)


def test_one_request_id_with_another_note_is_a_conflict(world, ada):
    ada.json(f"gpcli rx renew {AMLODIPINE} --yes --request-id r1 --note One")

    ending = ada(f"gpcli rx renew {AMLODIPINE} --yes --request-id r1 --note Two --json")

    assert (ending.refused, len(tasks(world))) == ((7, "conflict", ""), 1)


@pytest.mark.parametrize(
    ("rest", "word"),
    [
        ("", "input_needed"),
        ("''", "input_needed"),
        (f"{AMLODIPINE} --low", "usage"),
        (f"{AMLODIPINE} --note ''", "usage"),
        ("- -", "usage"),
    ],
)
def test_a_line_that_says_too_little_or_too_much_is_refused(world, ada, rest, word):
    assert ada(f"gpcli rx renew {rest} --yes --json").refused == (2, word, "")
    assert tasks(world) == []


def test_at_a_terminal_one_picks_and_agrees(world, ada):
    ending = ada.at_a_screen(typing=f"{METFORMIN}\ny\n")("gpcli rx renew")

    assert ending.code == 0
    assert [task["focus"]["reference"] for task in tasks(world)] == [
        f"MedicationRequest/{METFORMIN}"
    ]


def test_what_the_gp_does_not_offer_is_refused_with_the_number_to_call(world):
    ending = world.shell("cecilie")("gpcli rx renew rx-1 --yes --json")

    assert ending.refused == (5, "not_offered", "")
    assert ending.error["hint"].startswith("Call the surgery instead:")


def test_without_consent_that_is_what_is_needed(world):
    ending = world.shell("david")("gpcli rx renew --low --yes --json")

    assert (*ending.refused, ending.error["hint"]) == (
        5,
        "consent_needed",
        "",
        "gpcli consent grant",
    )


def test_without_a_gp_nobody_renews(world):
    assert world.shell("eva")("gpcli rx renew --low --yes --json").refused == (5, "not_offered", "")


def test_with_two_gps_each_renewal_goes_to_its_prescriber(world):
    finn = world.shell("finn")
    prescribers = {row["id"]: row["prescriber"] for row in finn.json("gpcli rx list")}

    ending = finn(f"gpcli rx renew {' '.join(prescribers)} --yes")

    assert ending.code in {0, 8}
    told = [line.strip() for line in ending.err.splitlines() if line.startswith("  To ")]
    assert [line for line in told if "Bakke" in line] != []


def test_a_parent_sees_a_child_s_prescriptions_and_not_her_own(world):
    rows = world.shell("guro", "emil").json("gpcli rx list")

    assert [row["name"].split()[0] for row in rows] == ["Amoksicillin"]


def test_requests_are_listed_newest_first_and_open_ones_alone(ada):
    ada.json(f"gpcli rx renew {METFORMIN} --yes")

    everything, unsettled = (ada.json(f"gpcli rx requests{flag}") for flag in ("", " --open"))

    assert ids(everything, "status") == ["requested", "requested", "rejected", "completed"]
    assert ids(unsettled, "prescription") == ["Metformin 500 mg", "Candesartan 8 mg"]


def test_withdrawing_takes_a_request_back_once(world, ada):
    first, second = (ada(f"gpcli rx withdraw {WAITING} --yes --json") for _ in range(2))

    assert [(e.code, e.json["status"], e.json["changed"]) for e in (first, second)] == [
        (0, "cancelled", True),
        (0, "cancelled", False),
    ]
    assert (first.json["id"], first.json["prescription"]) == (WAITING, "Candesartan 8 mg")
    assert world.sandbox.store.get("Task", WAITING)["status"] == "cancelled"


def test_what_was_withdrawn_can_be_asked_for_again(ada):
    ada.json(f"gpcli rx withdraw {WAITING} --yes")

    [row] = ada.json(f"gpcli rx renew {CANDESARTAN} --yes")

    assert (row["changed"], row["status"]) == (True, "requested")


def test_withdrawing_what_is_settled_is_refused(ada):
    ending = ada("gpcli rx withdraw r-92cd5hs2 --yes --json")

    assert ending.refused == (7, "already_answered", "")


def test_withdrawing_what_is_not_there_is_not_found(ada):
    assert ada("gpcli rx withdraw r-none --yes --json").refused == (3, "not_found", "")


def test_withdrawing_needs_an_id_or_a_terminal(ada):
    assert ada("gpcli rx withdraw --yes --json").refused == (2, "input_needed", "")
    assert ada.at_a_screen(typing="1\ny\n")("gpcli rx withdraw").code == 0


@pytest.mark.parametrize(
    "line",
    [f"rx renew {METFORMIN} --yes", f"rx withdraw {WAITING} --yes", "rx list", "rx requests"],
)
@pytest.mark.parametrize(("fields", "code"), [("bogus", 2), ("", 0)])
def test_nothing_is_sent_before_the_fields_are_right(world, ada, line, fields, code):
    assert ada(["gpcli", *line.split(), "--fields", fields]).code == code
    assert (tasks(world), world.sandbox.store.get("Task", WAITING)["status"]) == ([], "requested")
