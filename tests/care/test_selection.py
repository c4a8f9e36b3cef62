from dataclasses import dataclass

import pytest

from gpcli.care.selection import Naming, act_on_meant, pick_meant
from gpcli.errors import (
    BadResponse,
    ConsentNeeded,
    InputNeeded,
    NotFound,
    NotOffered,
    Unreachable,
)
from tests.care.builders import ScriptedAsker
from tests.hostile_text import HostileTexts


@dataclass(frozen=True)
class Named:
    id: str
    name: str | None = None


NAMING = Naming("things", lambda each: (each.name,), lambda each: f"the {each.name}")
RASH, RASHES, MOLE = Named("t-1", "Rash on my arm"), Named("t-12", "Rashes"), Named("t-2", "Mole")
OLD = Named("t-9", "Old rash")


def pick(text, *tiers, answers=()):
    return pick_meant(text, tiers or ([RASH, RASHES, MOLE],), NAMING, ScriptedAsker([*answers]))


@pytest.mark.parametrize(
    ("text", "identity"),
    [
        ("t-1", "t-1"),
        ("t-12", "t-12"),
        ("mole", "t-2"),
        ("MÔLE", "t-2"),
        ("rash arm", "t-1"),
        ("rashes", "t-12"),
        ("mol", "t-2"),
    ],
)
def test_an_id_wins_and_words_find_the_one_that_has_them_all(text, identity):
    assert pick(text) == identity


@pytest.mark.parametrize("text", ["", " ", "t", "t-", "mo", "nothing", "rash mole", "🤒", "発疹"])
def test_what_is_too_short_or_in_no_name_stands_for_nothing(text):
    assert pick(text) is None


def test_hostile_names_and_words_are_only_looked_at():
    texts = HostileTexts(7, surrogates=True)
    hostile = [Named(f"h-{number}", texts.make()) for number in range(500)]

    assert pick("rash arm", [*hostile, RASH]) == "t-1"
    assert pick("h-499", [*hostile, RASH]) == "h-499"
    for each in hostile:
        assert pick(str(each.name), [RASH, each]) in {None, each.id}


def test_the_beginning_of_an_id_counts_as_it_is_written():
    there = [Named("abc-1"), Named("abd-1")]

    assert (pick("abc", there), pick("ABC", there), pick("ab", there)) == ("abc-1", None, None)


def test_what_is_offered_comes_before_what_is_not():
    assert pick("rash", [RASH], [OLD]) == "t-1"
    assert pick("old", [RASH], [OLD]) == "t-9"
    assert pick("t-9", [Named("t-99", "t-9")], [OLD]) == "t-9"


def test_of_several_that_fit_the_person_chooses():
    assert pick("rash", answers=["t-12"]) == "t-12"


def test_off_a_terminal_those_that_fit_are_named_by_their_ids_alone():
    many = [Named(f"t-{number}", "Rash") for number in range(500)]

    with pytest.raises(InputNeeded) as needed:
        pick("rash", many)

    assert (needed.value.message, needed.value.hint) == (
        "Several things fit: t-0, t-1, t-2, t-3, t-4 and 495 more.",
        "Name one by its id, or by more words.",
    )


class Deed:
    """Acts on ids that are there, and records all that it is asked for."""

    def __init__(self, there=("t-1",), refusal=None):
        self.there, self.asked, self.refusal = there, [], refusal

    def __call__(self, identity):
        self.asked.append(identity)
        if identity in self.there:
            return f"done {identity}"
        raise self.refusal or NotFound("none")


def find_nothing(text):
    return None


def find_first(text):
    return "t-1"


def never(text):
    raise AssertionError(text)


def test_an_id_is_acted_on_without_looking_for_anything_else():
    deed = Deed()

    assert act_on_meant("t-1", deed, never) == "done t-1"
    assert deed.asked == ["t-1"]


@pytest.mark.parametrize(
    ("text", "is_word", "asked"),
    [
        ("rash", False, ["rash", "t-1"]),
        ("rash arm", False, ["t-1"]),
        ("発疹", False, ["t-1"]),
        ("x" * 65, False, ["t-1"]),
        ("next", True, ["t-1"]),
    ],
)
def test_what_is_no_id_is_looked_for_and_what_can_not_be_one_is_not_tried(text, is_word, asked):
    deed = Deed()

    assert act_on_meant(text, deed, find_first, is_word=is_word) == "done t-1"
    assert deed.asked == asked


@pytest.mark.parametrize("text", ["rash", "rash arm"])
def test_where_nothing_fits_it_is_the_error_of_an_id(text):
    with pytest.raises(NotFound, match="none"):
        act_on_meant(text, Deed(), find_nothing)


def is_absent(identity):
    return True


def test_what_nothing_is_allowed_of_is_looked_for_where_there_is_no_such_id():
    deed = Deed(refusal=NotOffered("no cancelling"))

    assert act_on_meant("rash", deed, find_first, is_absent=is_absent) == "done t-1"
    with pytest.raises(NotOffered):
        act_on_meant("rash", deed, find_nothing, is_absent=is_absent)


def test_an_id_that_is_refused_is_never_the_beginning_of_another():
    with pytest.raises(NotOffered):
        act_on_meant("t-", Deed(refusal=NotOffered("no cancelling")), never)


def raising(error):
    def find(text):
        raise error

    return find


@pytest.mark.parametrize("error", [ConsentNeeded("no"), NotFound("no list")])
def test_a_list_that_is_not_shown_leaves_the_first_error(error):
    with pytest.raises(NotFound, match="none"):
        act_on_meant("rash", Deed(), raising(error))


@pytest.mark.parametrize("error", [Unreachable("gone"), BadResponse("bad"), InputNeeded("several")])
def test_a_list_that_could_not_be_fetched_is_not_taken_for_none(error):
    with pytest.raises(type(error)):
        act_on_meant("rash", Deed(), raising(error))
