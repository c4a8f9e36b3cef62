"""Names, days and beginnings of ids wherever an id is taken, and what repeats such a line."""

from __future__ import annotations

import shlex
from dataclasses import replace

import pytest

from tests.journeys.shell import at_once
from tests.journeys.test_outbox import cut_off, offline
from tests.journeys.test_round_trips import round_trips

SOON, RASH, AMLODIPINE, WAITING = "a-2xwr5jqm", "t-9rcz8zjj", "rx-zt4s55k9", "r-rxzthjcg"
"""Ada's booking of tomorrow, her thread with an answer, a prescription, a request."""

FEE = "--accept-fee any --yes"


@pytest.fixture
def ada(world):
    return replace(world.shell("ada"), sleep=at_once)


@pytest.fixture
def two(world, ada):
    """Two visits of Ada's besides that of tomorrow: the ids of the sooner and the later one."""
    return [
        ada.json(f"gpcli book --first --another --yes --from +{days}d --to +{days}d")["id"]
        for days in (8, 9)
    ]


def standing(world):
    """The statuses of all that Ada has, by id."""
    there = world.sandbox.store.find("Appointment", patient="Patient/ada")
    return {one["id"]: one["status"] for one in there}


@pytest.mark.parametrize(
    ("line", "identity"),
    [
        ("appointments show next", SOON),
        ("appointments show tomorrow", SOON),
        ("appointments show tuesday", SOON),
        ("appointments show 2.3", SOON),
        ("appointments show 2027-03-02", SOON),
        ("appointments show a-2xw", SOON),
        (f"cancel next --dry-run {FEE}", SOON),
        (f"cancel tomorrow --dry-run {FEE}", SOON),
        ("messages show rash", RASH),
        ("messages show 'RASH forearm'", RASH),
        ("messages show t-9rc", RASH),
        ("rx show amlodipine", AMLODIPINE),
        ("rx show 'amlodipine 5 mg'", AMLODIPINE),
        ("rx show rx-zt4", AMLODIPINE),
        (f"rx withdraw {WAITING[:6]} --dry-run", WAITING),
    ],
)
def test_a_record_is_named_in_whatever_way_it_is_known(ada, line, identity):
    shown = ada.json(f"gpcli {line}")

    shown = shown[0] if isinstance(shown, list) else shown
    assert identity in {shown.get("id"), shown.get("thread", {}).get("id")}


@pytest.mark.parametrize(
    ("line", "code", "word"),
    [
        ("appointments show saturday", 3, "not_found"),
        ("appointments show nobody", 3, "not_found"),
        ("appointments show 発疹", 3, "not_found"),
        ("appointments show 30.2", 2, "usage"),
        ("appointments show ''", 2, "input_needed"),
        ("cancel 🩺", 3, "not_found"),
        ("cancel ' '", 2, "input_needed"),
        ("move nobody nothing --yes", 3, "not_found"),
        ("book --replace '' --first --yes", 2, "input_needed"),
        ("book --replace nobody --first --yes", 3, "not_found"),
        ("book nothing --yes", 3, "not_found"),
        ("econsult join nobody", 3, "not_found"),
        ("econsult join next", 3, "not_found"),
        ("econsult withdraw nobody", 3, "not_found"),
        ("messages show nothing", 3, "not_found"),
        ("messages show ''", 2, "input_needed"),
        ("messages reply nothing --message Hi --yes", 3, "not_found"),
        ("messages save nothing", 3, "not_found"),
        ("messages mark-read nothing", 3, "not_found"),
        ("messages mark-read rash nothing", 3, "not_found"),
        ("rx show nothing", 3, "not_found"),
        ("rx renew nothing --yes", 3, "not_found"),
        ("rx renew '' --yes", 2, "input_needed"),
        ("rx withdraw nothing", 3, "not_found"),
        ("rx withdraw ''", 2, "input_needed"),
        ("appointments show a-", 3, "not_found"),
        ("messages show t-", 3, "not_found"),
        ("messages show can", 2, "input_needed"),
        ("rx show 'mg'", 3, "not_found"),
    ],
)
def test_what_names_nothing_or_several_is_refused_and_nothing_is_sent(world, ada, line, code, word):
    before = standing(world)
    if "can" in line.split():
        ada("gpcli contact --subject 'Can I park?' --message Where? --yes")

    ending = ada(f"gpcli {line} --json")

    assert ending.refused == (code, word, "")
    assert standing(world) == before


def test_what_fits_is_named_without_its_subject(world, ada):
    rashes = [
        ada.json(f"gpcli contact --subject 'Rash {number}' --message Hi --yes")["id"]
        for number in range(5)
    ]

    error = ada("gpcli messages show rash --json").error

    assert error["message"].endswith(" and 1 more.")
    assert "ash " not in error["message"]
    assert sum(each in error["message"] for each in [RASH, *rashes]) == 5


def test_at_a_screen_one_of_those_that_fit_is_picked(world, ada):
    ada("gpcli contact --subject 'Rash again' --message Hi --yes")

    ending = ada.at_a_screen("1\nq\n")("gpcli messages show rash --json")

    assert ending.code == 0
    assert "2 threads fit 'rash'. Which?" in ending.err


def test_of_500_threads_the_one_with_the_words_is_found(world):
    hans = world.shell("hans")
    threads = hans.json("gpcli messages list")
    subjects = [one["subject"] for one in threads]
    alone = next(one for one in threads if subjects.count(one["subject"]) == 1)

    shown = hans(["gpcli", "messages", "show", alone["subject"], "--json"])

    assert shown.json["thread"]["id"] == alone["id"]


def test_ids_on_standard_input_are_ids_alone(ada):
    ending = replace(ada, typing="amlodipine\n")("gpcli rx renew - --yes --json")

    assert ending.refused == (3, "not_found", "")


def test_several_medicines_are_renewed_by_their_names(world, ada):
    rows = ada.json("gpcli rx renew amlodipine 'candesartan 8' --yes")

    assert [row["prescription"] for row in rows] == ["Amlodipine 5 mg", "Candesartan 8 mg"]


def test_a_time_is_named_by_the_beginning_of_its_id_and_a_repeat_finds_what_it_took(world, ada):
    slot = ada.json("gpcli slots --limit 1 --from +7d")[0]["id"]
    ids = [one["id"] for one in ada.json("gpcli slots")]
    beginning = next(
        slot[:length]
        for length in range(3, len(slot) + 1)
        if sum(each.startswith(slot[:length]) for each in ids) == 1
    )
    line = f"gpcli book {beginning} --another --yes --request-id b1"

    first, again = ada.json(line), ada.json(line)

    assert (first["slot_id"], first["changed"]) == (slot, True)
    assert (again["id"], again["changed"]) == (first["id"], False)


def test_a_visit_of_tomorrow_is_moved(world, ada, two):
    slot = ada.json("gpcli slots --limit 1 --from +5d")[0]["id"]

    moved = ada.json(f"gpcli move next {slot} {FEE}")

    assert (moved["replaced"]["id"], moved["replaced"]["status"]) == (SOON, "cancelled")


# What a repeat does


def cancelling(word):
    return f"gpcli cancel {word} {FEE}"


@pytest.mark.parametrize("word", ["next", "tomorrow", "a-2xw"])
def test_the_same_request_again_never_takes_a_second_visit(world, ada, two, word):
    line = f"{cancelling(word)} --request-id c1"

    first, again = ada.json(line), ada.json(line)

    assert (first["id"], first["changed"], again["id"], again["changed"]) == (
        SOON,
        True,
        SOON,
        False,
    )
    assert [standing(world)[each] for each in two] == ["booked", "booked"]


def test_another_request_takes_the_next_one(world, ada, two):
    ids = [ada.json(f"{cancelling('next')} --request-id c{number}")["id"] for number in (1, 2)]

    assert ids == [SOON, two[0]]


@pytest.mark.parametrize("arrives", [True, False])
@pytest.mark.parametrize("given", ["", " --request-id c1"])
def test_after_a_lost_answer_a_repeat_is_about_the_same_visit(world, ada, two, arrives, given):
    lost = cut_off(ada, arrives=arrives)(f"{cancelling('next')}{given} --json")
    assert (lost.code, lost.error["code"]) == (10, "outcome_unknown")
    request = lost.error["request_id"]

    again = ada(f"{cancelling('next')} --request-id {request} --json")

    assert (again.code, again.json["id"]) == (0, SOON)
    there = standing(world)
    assert [there[each] for each in (SOON, *two)] == ["cancelled", "booked", "booked"]


def test_a_repeat_without_a_network_stays_unknown(world, ada, two):
    cut_off(ada, arrives=True)(f"{cancelling('next')} --request-id c1 --json")

    again = offline(ada)(f"{cancelling('next')} --request-id c1 --json")

    assert again.refused == (10, "outcome_unknown", "")


KEPT = {
    f"cancel next {FEE}": f"cancel {SOON} {FEE}",
    f"cancel {FEE} tomorrow": f"cancel {FEE} {SOON}",
    f"--json cancel a-2xw {FEE}": f"--json cancel {SOON} {FEE}",
    "messages reply rash --message rash --yes": f"messages reply {RASH} --message rash --yes",
    "messages reply --message rash --yes -- rash": f"messages reply --message rash --yes -- {RASH}",
    "messages mark-read rash": f"messages mark-read {RASH}",
    "rx renew amlodipine --note amlodipine --yes": (
        f"rx renew {AMLODIPINE} --note amlodipine --yes"
    ),
    f"rx withdraw {WAITING[:6]} --yes": f"rx withdraw {WAITING} --yes",
    f"book --first --from +5d --replace=next {FEE}": (
        f"book --first --from +5d --replace={SOON} {FEE}"
    ),
    f"book --first --from +5d --replace next {FEE}": (
        f"book --first --from +5d --replace {SOON} {FEE}"
    ),
    f"move tomorrow --first --from +5d {FEE}": f"move {SOON} --first --from +5d {FEE}",
}
"""A line with names, and the line that is kept of it."""


@pytest.mark.parametrize("line", KEPT)
def test_the_line_that_repeats_a_request_names_ids(ada, line):
    lost = cut_off(ada, arrives=False)(f"gpcli {line}")
    assert lost.code == 10

    [request] = ada.json("gpcli outbox list")

    kept = shlex.split(request["repeat"])
    assert shlex.join(kept[kept.index("gpcli") + 1 : -2]) == shlex.join(shlex.split(KEPT[line]))


def test_a_visit_that_was_picked_from_a_list_is_named_in_the_line_as_well(ada):
    lost = cut_off(ada.at_a_screen("1\n"), arrives=False)(f"gpcli cancel {FEE}")
    assert lost.code == 10

    [request] = ada.json("gpcli outbox list")

    assert f"gpcli cancel {SOON} --accept-fee any --yes" in request["repeat"]


@pytest.mark.parametrize("arrives", [True, False])
def test_a_move_by_a_word_is_repeated_for_the_same_visit(world, ada, two, arrives):
    line = f"gpcli move next --first --another --from +3d --to +4d {FEE} --request-id m1 --json"
    lost = cut_off(ada, arrives=arrives)(line)
    assert lost.code == 10

    again = ada(line)

    assert (again.code, again.json["replaced"]["id"]) == (0, SOON)
    there = standing(world)
    assert [there[each] for each in (SOON, *two)] == ["cancelled", "booked", "booked"]
    assert (ada(line).code, ada(line).json["changed"]) == (0, False)
    assert [standing(world)[each] for each in two] == ["booked", "booked"]


# What it costs


@pytest.mark.parametrize(
    ("line", "most"),
    [
        (f"appointments show {SOON}", 1),
        ("appointments show next", 2),
        ("appointments show 2.3", 3),
        (f"messages show {RASH}", 1),
        ("messages show rash", 3),
        (f"rx show {AMLODIPINE}", 1),
        ("rx show amlodipine", 1),
        ("rx show rx-zt4", 2),
        (f"rx renew {AMLODIPINE} --dry-run", 1),
        ("rx renew amlodipine --dry-run", 1),
        (f"cancel {SOON} --dry-run", 1),
        ("cancel next --dry-run", 2),
        (f"messages mark-read {RASH} --dry-run", 2),
        ("messages mark-read rash --dry-run", 4),
    ],
)
def test_an_id_costs_no_more_round_trips_and_a_name_few(ada, line, most):
    ada("gpcli services")

    assert round_trips(ada, f"gpcli {line}") <= most
