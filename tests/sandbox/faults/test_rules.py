"""Test the grammar of fault rules."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpcli.sandbox.faults.kinds import KIND_BY_NAME, KINDS, METHODS, SELECTORS
from gpcli.sandbox.faults.rules import EVERY_TIME, FaultSpec, InvalidRule, Selection, parse_rule

SAMPLE_VALUES = {
    "TIME": "3s",
    "±TIME": "-2h",
    "NNN": "422",
    "NAME": "status",
    "N": "7",
}
"""A value for each placeholder of a fault."""


def sample(name: str) -> str:
    """The fault as a rule has it."""
    value = KIND_BY_NAME[name].value
    return name if value is None else f"{name}={SAMPLE_VALUES[value.placeholder]}"


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_every_fault_can_be_written(kind):
    spec = parse_rule(f"* Slot*: {sample(kind.name)}")

    assert (spec.method, spec.path, spec.kind, spec.when) == ("*", "Slot*", kind, EVERY_TIME)


@pytest.mark.parametrize(
    ("rule", "method", "path", "fault", "value", "options", "when"),
    [
        ("POST Appointment: lost-reply once", "POST", "Appointment", "lost-reply", "", {}, "once"),
        ("  * *:  503   x3 ", "*", "*", "status", "503", {}, ("first", 3)),
        ("post Appointment/$book : html", "POST", "Appointment/$book", "html", "", {}, ""),
        ("GET /Slot: refuse", "GET", "Slot", "refuse", "403", {}, ""),
        ("GET Slot: slow-drip", "GET", "Slot", "slow-drip", "16", {}, ""),
        ("GET Slot/*: delay=1.5s \u00d72", "GET", "Slot/*", "delay", "1.5s", {}, ("first", 2)),
        ("POST token: 429 nth=2 retry-after=5", "POST", "token", "status", "429",
         {"retry-after": "5"}, ("nth", 2)),
        ("PUT *: refuse=409 problem=slot-taken 12.5%", "PUT", "*", "refuse", "409",
         {"problem": "slot-taken"}, ("share", 12.5)),
        ("GET .well-known/smart-configuration: bad-json", "GET",
         ".well-known/smart-configuration", "bad-json", "", {}, ""),
        ("POST transaction: unsaved", "POST", "transaction", "unsaved", "", {}, ""),
        ("GET App*: lost-etag 100%", "GET", "App*", "lost-etag", "", {}, ("share", 100)),
    ],
)  # fmt: skip
def test_a_rule_is_understood(rule, method, path, fault, value, options, when):
    name, number = (when, 1) if isinstance(when, str) else when

    assert parse_rule(rule) == FaultSpec(
        rule.strip(), method, path, KIND_BY_NAME[fault], value, options, Selection(name, number)
    )


@pytest.mark.parametrize(
    ("rule", "word", "place", "nearest"),
    [
        ("", "", 1, ""),
        ("PSOT Slot: 503", "PSOT", 1, "POST"),
        ("GETS Slot: 503", "GETS", 1, "GET"),
        ("GET", "", 4, ""),
        ("GET :", ":", 5, ""),
        ("GET Slot", "", 9, ""),
        ("GET Slot 503", "503", 10, ""),
        ("GET Slots: 503", "Slots", 5, "Slot"),
        ("GET slot: 503", "slot", 5, "Slot"),
        ("GET tokens: 503", "tokens", 5, "token"),
        ("GET Slot?status=free: 503", "Slot?status=free", 5, ""),
        ("GET http://a.example/Slot: 503", "http", 5, ""),
        ("GET Slot:", "", 10, ""),
        ("GET Slot: lost-rply", "lost-rply", 11, "lost-reply"),
        ("GET Slot: LOST-REPLY", "LOST-REPLY", 11, "lost-reply"),
        ("GET Slot: once", "once", 11, ""),
        ("GET Slot: 302", "302", 11, ""),
        ("GET Slot: 1000", "1000", 11, ""),
        ("GET Slot: 50\u0663", "50\u0663", 11, ""),
        ("GET Slot: status", "status", 11, ""),
        ("GET Slot: status=", "status=", 11, ""),
        ("GET Slot: refuse=503", "refuse=503", 11, ""),
        ("GET Slot: delay", "delay", 11, ""),
        ("GET Slot: delay=3", "delay=3", 11, ""),
        ("GET Slot: delay=-3s", "delay=-3s", 11, ""),
        ("GET Slot: clock=3s", "clock=3s", 11, ""),
        ("GET Slot: html=1", "html=1", 11, ""),
        ("GET Slot: slow-drip=0", "slow-drip=0", 11, ""),
        ("GET batch: 503", "GET", 1, ""),
        ("PUT transaction: lost-reply", "PUT", 1, ""),
        ("GET Slot: 503 onec", "onec", 15, "once"),
        ("GET Slot: 503 x0", "x0", 15, ""),
        ("GET Slot: 503 0%", "0%", 15, ""),
        ("GET Slot: 503 101%", "101%", 15, ""),
        ("GET Slot: 503 nth=0", "nth=0", 15, ""),
        ("GET Slot: 503 nth=\u0662", "nth=\u0662", 15, ""),
        ("GET Slot: 503 once once", "once", 20, ""),
        ("GET Slot: 503 once x2", "x2", 20, ""),
        ("GET Slot: 503 retry-after=soon", "retry-after=soon", 15, ""),
        ("GET Slot: 503 retry-after=1 retry-after=1", "retry-after=1", 29, ""),
        ("GET Slot: html problem=slot-taken", "problem=slot-taken", 16, ""),
        ("GET Slot: lost-reply once now", "now", 27, ""),
        ("GET Slot: 503\nGET Slot: 503", "GET Slot: 503\nGET Slot: 503", 1, ""),
    ],
)  # fmt: skip
def test_what_is_no_rule_is_refused_at_its_place(rule, word, place, nearest):
    with pytest.raises(InvalidRule) as wrong:
        parse_rule(rule)

    error = wrong.value
    assert (error.word, error.place, error.nearest) == (word, place, nearest)


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        (
            "GET Slot: 503 onec",
            "'onec' at character 15 should be an option or a WHEN. Nearest: once. "
            "Allowed: once, xN, nth=N, N%, problem=CODE, retry-after=N.",
        ),
        (
            "GET Slot: html retry-after=1",
            "should be an option or a WHEN. Allowed: once, xN, nth=N, N%.",
        ),
        ("GET Slot: 503 x0", "should be xN, where N is a whole number from 1 to 999999."),
        ("GET Slot: 503 x", "should be xN, where N is a whole number from 1 to 999999."),
        ("GET Slot: 503 nth=0", "should be nth=N, where N is a whole number from 1 to 999999."),
        ("GET Slot: 503 101%", "should be N%, where N is over 0 and at most 100, with three dec"),
        ("GET Slot: html once x2", "should be left out: one word already says which requests."),
        ("GET Slot: html once slow", "'slow' at character 21 should be left out: nothing may foll"),
        ("GET Slot: 503 problem=a problem=b", "should be left out: it stands here already."),
        ("GET Slot: slow-drip=0", "should be slow-drip[=N], where N is a whole number from 1."),
        ("DELETE batch: 503", "'DELETE' at character 1 should be POST: so is a batch sent."),
    ],
)
def test_the_refusal_says_what_is_allowed_there(rule, said):
    with pytest.raises(InvalidRule) as wrong:
        parse_rule(rule)

    assert said in str(wrong.value)


@pytest.mark.parametrize(
    ("rule", "on"),
    [
        ("GET Slot: double-booking", "writes"),
        ("GET *: unsaved", None),
        ("GET Slot: late-commit=1h", "writes"),
        ("POST token: unsaved", "writes"),
        ("POST Appointment: wrong-total", "searches"),
        ("GET Slot/*: lost-next", None),
        ("GET Slot/s1: lost-next", "searches"),
        ("* metadata: lost-entry", "searches"),
        ("POST batch: wrong-total", "searches"),
        ("DELETE Slot/s1: other-patient", "reads and searches"),
        ("POST Appointment/$book: ignored-if-none-exist", "creates"),
        ("PUT Appointment/*: ignored-if-none-exist", "creates"),
        ("POST Appointment: ignored-if-match", "updates"),
        ("POST Slot/_search: wrong-total", None),
        ("POST Slot*: wrong-total", None),
        ("GET App*: lost-entry", None),
        ("HEAD Slot: wrong-total", None),
        ("GET Slot/a*: other-patient", None),
        ("GET Slot/$find: unsaved", None),
        ("PATCH *: ignored-if-match", None),
        ("POST transaction: late-commit=1h", None),
        ("* batch: unsaved", None),
    ],
)
def test_a_fault_that_no_request_could_have_is_refused_with_what_it_is_for(rule, on):
    said = _understand(rule)

    assert isinstance(said, InvalidRule) is (on is not None)
    assert on is None or f"acts on {on} alone." in str(said)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [("500ms", 0.5), ("3s", 3), ("1.5s", 1.5), ("2m", 120), ("1h", 3600), ("1d", 86400)],
)
def test_a_length_of_time_is_in_its_unit(value, seconds):
    assert parse_rule(f"* *: delay={value}").length == timedelta(seconds=seconds)


def test_a_step_of_time_has_a_direction():
    assert parse_rule("* *: clock=-300s").length == timedelta(minutes=-5)


@pytest.mark.parametrize(
    ("rule", "method", "path", "is_match"),
    [
        ("GET Slot", "GET", "Slot", True),
        ("GET Slot", "POST", "Slot", False),
        ("GET Slot", "GET", "Slot/s1", False),
        ("GET Slot/*", "GET", "Slot", False),
        ("GET Slot/*", "GET", "Slot/s1/_history/1", True),
        ("GET Slot*", "GET", "Slot", True),
        ("* Appointment*", "POST", "Appointment/$book", True),
        ("* Appointment*", "POST", "AppointmentResponse", True),
        ("* *", "DELETE", "", True),
        ("POST Appointment/$book", "POST", "Appointment/xbook", False),
        ("POST batch", "POST", "batch", True),
    ],
)
def test_a_rule_matches_by_method_and_path(rule, method, path, is_match):
    assert parse_rule(f"{rule}: 503").matches(method, path) is is_match


_WORDS = st.sampled_from(
    [*KIND_BY_NAME, *METHODS, *(each.form for each in SELECTORS.values()), "Slot:", "*:", "503"]
)


def _understand(text: str) -> FaultSpec | InvalidRule:
    try:
        return parse_rule(text)
    except InvalidRule as wrong:
        return wrong


@given(st.one_of(st.text(max_size=60), st.lists(_WORDS, max_size=6).map(" ".join)))
def test_any_text_is_a_rule_that_says_the_same_again_or_is_refused_at_a_word_of_it(text):
    found = _understand(text)

    if isinstance(found, InvalidRule):
        rest = text.strip()[found.place - 1 :]
        assert rest.startswith(found.word)
        assert bool(rest) is bool(found.word)
    else:
        assert _understand(found.text) == found
