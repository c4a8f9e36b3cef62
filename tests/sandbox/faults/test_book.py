"""Test which of the matching requests have a fault, and the counts of that."""

import pytest

from gpcli.sandbox.faults.book import FaultBook, FaultRule, UnknownFaultRule


def draws(rule: str, number: int, seed: int | None = 1) -> list[bool]:
    """Whether each of `number` requests that match has the fault."""
    book = FaultBook([rule], seed)
    (active,) = book.active
    return [active.draw() for _ in range(number)]


@pytest.mark.parametrize(
    ("when", "hits"),
    [
        ("", [True, True, True, True]),
        ("once", [True, False, False, False]),
        ("x2", [True, True, False, False]),
        ("nth=3", [False, False, True, False]),
        ("100%", [True, True, True, True]),
    ],
)
def test_the_words_at_the_end_select_requests(when, hits):
    assert draws(f"GET Slot: 503 {when}", 4) == hits


@pytest.mark.parametrize("share", [5, 50, 95])
def test_a_share_is_about_that_of_many(share):
    hits = sum(draws(f"GET Slot: 503 {share}%", 4_000))
    assert abs(hits / 4_000 - share / 100) < 0.05


def test_the_same_seed_draws_the_same_and_another_one_differs():
    rule = "GET Slot: 503 50%"
    assert draws(rule, 60, seed=7) == draws(rule, 60, seed=7)
    assert draws(rule, 60, seed=7) != draws(rule, 60, seed=8)
    assert draws(rule, 60, seed=None) != draws(rule, 60, seed=None)


def test_a_share_is_drawn_anew_after_a_reset():
    book = FaultBook(["GET Slot: 503 50%"], 7)
    (active,) = book.active
    before = [active.draw() for _ in range(40)]
    book.reset()
    assert [active.draw() for _ in range(40)] == before


@pytest.mark.parametrize(
    ("when", "left"),
    [
        ("", [None, None, None]),
        ("once", [1, 0, 0]),
        ("x2", [2, 1, 0]),
        ("nth=2", [1, 1, 0]),
        ("50%", [None, None, None]),
    ],
)
def test_what_is_left_is_counted_down(when, left):
    book = FaultBook([f"GET Slot: 503 {when}"], 1)
    (active,) = book.active
    seen = [book.count()[0].left]
    for _ in range(2):
        active.draw()
        seen.append(book.count()[0].left)
    assert seen == left


def test_rules_are_listed_as_they_were_added_with_ids_of_their_own():
    book = FaultBook(["GET Slot: lost-reply once"])
    added = book.add("GET Slot: delay=1s")

    assert added == FaultRule("f2", "GET Slot: delay=1s", 0, None)
    assert book.count() == [FaultRule("f1", "GET Slot: lost-reply once", 0, 1), added]


def test_one_rule_or_all_are_taken_out_and_ids_are_not_used_again():
    book = FaultBook(["GET Slot: 503", "GET Slot: html"])

    assert [each.id for each in book.clear("f1")] == ["f1"]
    assert [each.id for each in book.clear()] == ["f2"]
    assert book.clear() == []
    assert book.add("GET Slot: 503").id == "f3"


def test_an_id_that_is_not_there_is_refused_with_those_that_are():
    book = FaultBook(["GET Slot: 503", "GET Slot: html"])
    with pytest.raises(UnknownFaultRule, match="no fault rule is called 'f9'; there are: f1, f2"):
        book.clear("f9")


def test_a_reset_brings_back_the_rules_of_the_start_and_only_those():
    book = FaultBook(["GET Slot: 503 once"])
    book.active[0].draw()
    book.add("GET Slot: html")
    book.clear("f1")

    book.reset()

    assert book.count() == [FaultRule("f1", "GET Slot: 503 once", 0, 1)]


def test_what_no_request_ever_met_is_known_after_a_reset_and_after_it_was_taken_out():
    book = FaultBook(["GET Slot: 503", "GET Slot: html"])
    book.active[0].draw()
    book.clear()
    book.reset()

    assert book.list_unused() == ["GET Slot: html"]


@pytest.mark.parametrize(
    ("rules", "message"),
    [("GET Slot: 503", "are a list of texts, not one"), ([503], "a fault rule is a text, not 503")],
)
def test_rules_are_a_list_of_texts(rules, message):
    with pytest.raises(TypeError, match=message):
        FaultBook(rules)
