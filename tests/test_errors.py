import re

import pytest

from gpcli import errors
from gpcli.errors import MAX_TEXT, Exit, GpcliError, shorten

CODES = {
    1: {"bad_response", "tls"},
    2: {"usage", "input_needed", "config"},
    3: {"not_found", "no_slot"},
    4: {"not_signed_in", "expired", "sign_in_refused", "no_keyring", "no_token", "wrong_host"},
    5: {"not_offered", "off_for_now", "consent_needed", "not_permitted", "production_guard"},
    6: {"unreachable", "timeout", "rate_limited", "portal_error"},
    7: {"slot_taken", "too_late", "already_booked", "already_answered", "rejected", "conflict"},
    8: {"partial"},
    9: {"declined", "confirmation_needed", "fee_not_accepted", "plan_changed"},
    10: {"outcome_unknown"},
    11: {"smoke_failed"},
    70: {"unexpected"},
    126: {"not_executable"},
    127: {"no_program"},
}
"""Exit codes and their words: scripts rely on them."""

EXITS = {
    "OK": 0,
    "FAILURE": 1,
    "USAGE": 2,
    "NOT_FOUND": 3,
    "SIGN_IN": 4,
    "NOT_ALLOWED": 5,
    "UNAVAILABLE": 6,
    "REJECTED": 7,
    "PARTIAL": 8,
    "CANCELLED": 9,
    "UNKNOWN": 10,
    "SMOKE_FAILED": 11,
    "BUG": 70,
    "NOT_EXECUTABLE": 126,
    "NO_PROGRAM": 127,
    "INTERRUPTED": 130,
    "CLOSED_PIPE": 141,
    "TERMINATED": 143,
}


def children(kind):
    """The errors right below `kind` in the tree; other modules refine some of them further."""
    return [each for each in kind.__subclasses__() if each.__module__ == errors.__name__]


def below(kind):
    for each in children(kind):
        yield each
        yield from below(each)


LEAVES = [each for each in below(GpcliError) if not children(each)]
FAMILIES = [each for each in below(GpcliError) if children(each)]


def test_exit_statuses_are_as_published():
    assert {each.name: each.value for each in Exit} == EXITS


def test_every_way_to_end_badly_has_its_word_under_its_exit_code():
    found = {}
    for each in LEAVES:
        found.setdefault(int(each.exit), set()).add(each.code)

    assert found == CODES


def test_no_word_stands_for_two_errors():
    words = [each.code for each in LEAVES]

    assert sorted(words) == sorted(set(words))


def test_a_family_has_no_word_of_its_own_so_only_its_members_are_raised():
    assert {each.code for each in FAMILIES} == {"failure"}


@pytest.mark.parametrize("kind", LEAVES, ids=lambda kind: kind.__name__)
def test_every_error_carries_its_message_its_hint_and_what_the_portal_said(kind):
    error = kind("It failed.", hint="Try.", request_id="r-1", trace_id="t-1", retry_after=2.5)

    assert (str(error), error.message, error.hint) == ("It failed.", "It failed.", "Try.")
    assert (error.request_id, error.trace_id, error.retry_after) == ("r-1", "t-1", 2.5)


def test_an_error_needs_a_message_only():
    error = errors.InvalidUsage("Wrong.")

    assert (error.hint, error.request_id, error.trace_id) == ("", None, None)
    assert error.retry_after is None


def test_the_tree_at_the_top_of_the_file_is_the_tree_that_there_is():
    drawn = {}
    for name, code, members in re.findall(r"[├└]─ (\w+) \((\d+)\) *(.*)", errors.__doc__):
        drawn[name] = (int(code), [each.strip() for each in members.split(",") if each])

    real = {
        each.__name__: (int(each.exit), [leaf.__name__ for leaf in children(each)])
        for each in children(GpcliError)
    }
    assert drawn == real


@pytest.mark.parametrize("kind", LEAVES, ids=lambda each: each.__name__)
def test_every_error_keeps_the_beginning_and_the_end_of_a_long_text(kind):
    error = kind(f"It says: {'x' * 10**6}. Not sent.", hint=f"Do {'y' * 10**6} now.")
    error.add_hint("Or not.")
    assert [len(each) for each in (error.message, str(error), error.hint)] == [MAX_TEXT] * 3
    assert error.message.startswith("It says: xxx")
    assert error.message.endswith("xxx. Not sent.")
    assert "x…x" in error.message
    assert error.hint.startswith("Do yyy")
    assert error.hint.endswith("yyy now. Or not.")


def test_a_text_of_the_most_characters_stays_as_it_is():
    text = "x" * MAX_TEXT
    assert (shorten(text), len(shorten(text + "x"))) == (text, MAX_TEXT)


@pytest.mark.parametrize(
    "character", ["e\N{COMBINING ACUTE ACCENT}", "\N{MAN}\u200d\N{ROCKET}", "ø"]
)
@pytest.mark.parametrize("shift", range(3))
def test_a_character_is_kept_whole_or_not_at_all(character, shift):
    head, _, tail = shorten("." * shift + character * (MAX_TEXT + 1)).partition("…")
    assert head.strip(".").replace(character, "") == ""
    assert tail.replace(character, "") == ""
    assert MAX_TEXT - 2 * len(character) < len(head + tail) < MAX_TEXT


def test_a_text_of_accents_alone_is_cut_too():
    assert len(shorten("\N{COMBINING ACUTE ACCENT}" * 10**5)) <= MAX_TEXT
