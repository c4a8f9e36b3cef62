from io import BytesIO, TextIOWrapper

import pytest

from gpcli.errors import NotOffered, Partial, RateLimited, Unexpected
from gpcli.render.output import Format
from gpcli.render.stderr import WordedPlan

PLAN = WordedPlan(
    "Book a time",
    (("For", "Ada Nordmann"), ("When", "tomorrow,\nTue 24 Nov"), ("Costs", "")),
    "staging",
    ("It overlaps another booking.",),
)


def test_an_error_says_what_failed_and_below_what_to_do(make_output):
    shown = make_output()
    shown.output.error(
        RateLimited(
            "The portal asks to slow down.",
            hint="Try again:\n  gpcli slots",
            request_id="req-1\n",
            trace_id="t\x1b-1",
            retry_after=30.0,
        )
    )
    assert shown.stderr_text == (
        "gpcli: The portal asks to slow down.\n"
        "  Try again:\n"
        "    gpcli slots\n"
        "  The portal asks to wait 30 s.\n"
        "  Request id: req-1 \n"
        "  Trace id: t\\x1b-1\n"
    )
    assert shown.stdout_text == ""


def test_an_error_without_a_hint_is_one_line(make_output):
    shown = make_output()
    shown.output.error(NotOffered("Not offered.\nCall \x1b[1m22 00 00 00"))
    assert shown.stderr_text == "gpcli: Not offered. Call \\x1b[1m22 00 00 00\n"


@pytest.mark.parametrize("format", [Format.JSON, Format.NDJSON])
def test_an_error_is_one_object_with_json(make_output, format):
    shown = make_output(format=format)
    shown.output.error(
        RateLimited("Slow\ndown.", hint="Wait.", request_id="r1", trace_id="t1", retry_after=1.5)
    )
    assert shown.stderr_json == [
        {
            "error": {
                "code": "rate_limited",
                "exit": 6,
                "message": "Slow\ndown.",
                "hint": "Wait.",
                "request_id": "r1",
                "trace_id": "t1",
                "retry_after": 1.5,
                "http_status": None,
            }
        }
    ]
    assert shown.stdout_text == ""


def test_every_key_of_an_error_is_there_even_if_nothing_is_known(make_output):
    shown = make_output(format=Format.JSON)
    shown.output.error(Unexpected("A fault."))
    assert shown.stderr_text == (
        '{"error": {"code": "unexpected", "exit": 70, "message": "A fault.", "hint": null, '
        '"request_id": null, "trace_id": null, "retry_after": null, "http_status": null}}\n'
    )


def test_notices_and_warnings_are_lines_on_standard_error(make_output):
    shown = make_output()
    shown.output.notice("No times.", unsettled=2)
    shown.output.warning("The clock is 2 min off.")
    assert (shown.stdout_text, shown.stderr_text) == (
        "",
        "No times.\nwarning: The clock is 2 min off.\n",
    )


def test_notices_and_warnings_are_objects_with_json(make_output):
    shown = make_output(format=Format.NDJSON)
    shown.output.notice("1 request is unsettled.", unsettled=1)
    shown.output.warning("The clock is off.")
    assert shown.stderr_json == [
        {"notice": {"message": "1 request is unsettled.", "unsettled": 1}},
        {"warning": {"message": "The clock is off."}},
    ]


def test_a_plan_shows_labels_and_values_and_the_environment(make_output):
    shown = make_output()
    shown.output.plan(PLAN)
    assert shown.stderr_text == (
        "Book a time [staging]\n"
        "  For    Ada Nordmann\n"
        "  When   tomorrow,\n"
        "         Tue 24 Nov\n"
        "  Costs\n"
        "! It overlaps another booking.\n"
    )


def test_a_plan_begins_with_what_it_costs_and_the_question_repeats_the_sum(make_output):
    shown, rows = make_output(), (("What", "s1"),)
    plan = WordedPlan("Cancel", rows, "sandbox", ("Careful.",), "It costs NOK 9.", "NOK 9")
    shown.output.plan(plan)
    assert shown.stderr_text == "Cancel [sandbox]\n! It costs NOK 9.\n  What  s1\n! Careful.\n"
    assert plan.question == "Cancel, for NOK 9?"
    assert WordedPlan("Cancel", rows, "sandbox").question == "Cancel?"


def test_a_production_plan_is_not_marked(make_output):
    shown = make_output()
    shown.output.plan(WordedPlan("Cancel", (), "production"))
    assert shown.stderr_text == "Cancel\n"


def test_a_plan_is_an_object_with_json(make_output):
    shown = make_output(format=Format.JSON)
    shown.output.plan(PLAN)
    assert shown.stderr_json == [
        {
            "plan": {
                "action": "Book a time",
                "environment": "staging",
                "rows": [
                    {"label": "For", "value": "Ada Nordmann"},
                    {"label": "When", "value": "tomorrow,\nTue 24 Nov"},
                    {"label": "Costs", "value": ""},
                ],
                "warnings": ["It overlaps another booking."],
            }
        }
    ]


def test_colour_marks_words_and_leaves_the_texts_alone(make_output):
    shown = make_output(tty=True, color=True)
    shown.output.error(Partial("Some failed."))
    shown.output.warning("Careful.")
    shown.output.plan(WordedPlan("Cancel", (("What", "s1"),), "production", ("Late.",)))
    assert shown.stderr_text == (
        "\x1b[31mgpcli:\x1b[0m Some failed.\n"
        "\x1b[33mwarning:\x1b[0m Careful.\n"
        "\x1b[1mCancel\x1b[0m\n"
        "  What  s1\n"
        "\x1b[33m!\x1b[0m Late.\n"
    )


@pytest.mark.parametrize("format", list(Format))
def test_a_bare_value_is_the_same_line_on_standard_output_in_every_format(make_output, format):
    shown = make_output(format=format)
    shown.output.show_value("12\n")
    assert (shown.stdout_text, shown.stderr_text) == ("12 \n", "")


@pytest.mark.parametrize(
    ("format", "written"),
    [(Format.PLAIN, "--\n"), (Format.TABLE, "\n"), (Format.JSON, ""), (Format.NDJSON, "")],
)
def test_what_follows_an_item_is_set_off(make_output, format, written):
    shown = make_output(format=format)
    shown.output.show_separator()
    assert shown.stdout_text == written


def test_words_reach_a_stream_that_lacks_their_letters(make_output):
    ascii_stream = TextIOWrapper(BytesIO(), encoding="ascii", newline="\n")
    shown = make_output(err=ascii_stream)
    shown.output.notice("Øvrebø – 09:00–09:20 … 😀")
    assert ascii_stream.buffer.getvalue() == (b"\\u00d8vreb\\u00f8 - 09:00-09:20 ... \\U0001f600\n")


def test_letters_that_a_stream_has_are_kept(make_output):
    western = TextIOWrapper(BytesIO(), encoding="cp1252", newline="\n")
    shown = make_output(err=western)
    shown.output.notice("Øvrebø – …")
    assert western.buffer.getvalue().decode("cp1252") == "Øvrebø – …\n"


@pytest.mark.parametrize(
    ("format", "tty", "settled", "human", "json"),
    [
        (Format.AUTO, True, "table", True, False),
        (Format.AUTO, False, "plain", True, False),
        (Format.PLAIN, True, "plain", True, False),
        (Format.JSON, True, "json", False, True),
        (Format.NDJSON, False, "ndjson", False, True),
    ],
)
def test_the_format_is_settled_once(make_output, format, tty, settled, human, json):
    output = make_output(format=format, tty=tty).output
    assert (output.format, output.is_text, output.is_json) == (settled, human, json)


LONG = "It overlaps the booking b-123456789 at Nordstrand legesenter."
WRAPPED = {
    "notice": "It overlaps the booking\n  b-123456789 at Nordstrand\n  legesenter.\n",
    "warning": (
        "warning: It overlaps the\n         booking b-123456789\n"
        "         at Nordstrand\n         legesenter.\n"
    ),
}


@pytest.mark.parametrize("kind", ["notice", "warning"])
def test_on_a_terminal_sentences_are_wrapped_between_words(make_output, kind):
    shown = make_output(tty=True, width=28)
    getattr(shown.output, kind)(LONG)
    assert shown.stderr_text == WRAPPED[kind]


def test_on_a_terminal_an_error_and_its_hint_are_wrapped(make_output):
    shown = make_output(tty=True, width=28)
    shown.output.error(NotOffered(LONG, hint=f"Call them: {LONG}"))
    assert shown.stderr_text == (
        "gpcli: It overlaps the\n"
        "       booking b-123456789\n"
        "       at Nordstrand\n"
        "       legesenter.\n"
        "  Call them: It overlaps the\n"
        "    booking b-123456789 at\n"
        "    Nordstrand legesenter.\n"
    )


def test_a_command_line_below_a_hint_is_not_wrapped(make_output):
    shown = make_output(tty=True, width=28)
    command = "pipx install --force 'somebody-s-program[extra]'"
    shown.output.error(NotOffered("No.", hint=f"Do:\n  {command}"))
    assert shown.stderr_text == f"gpcli: No.\n  Do:\n    {command}\n"


def test_on_a_terminal_a_plan_keeps_its_two_columns(make_output):
    shown = make_output(tty=True, width=28)
    rows = (("For", "Ada Nordmann"), ("Surgery", f"Nordstrand\n{LONG}"))
    shown.output.plan(WordedPlan("Book this time for flu vaccination", rows, "sandbox", (LONG,)))
    assert shown.stderr_text == (
        "Book this time for flu\n"
        "  vaccination [sandbox]\n"
        "  For      Ada Nordmann\n"
        "  Surgery  Nordstrand\n"
        "           It overlaps the\n"
        "           booking\n"
        "           b-123456789 at\n"
        "           Nordstrand\n"
        "           legesenter.\n"
        "! It overlaps the booking\n"
        "  b-123456789 at Nordstrand\n"
        "  legesenter.\n"
    )


def test_where_a_plans_values_find_no_room_beside_their_labels_they_stand_below(make_output):
    shown = make_output(tty=True, width=20)
    rows = (("For", "Ada Nordmann"), ("Free until", "today, Tue 1 Dec 11:00"))
    shown.output.plan(WordedPlan("Cancel", rows, "sandbox"))
    assert shown.stderr_text == (
        "Cancel [sandbox]\n  For\n    Ada Nordmann\n  Free until\n    today, Tue 1 Dec\n    11:00\n"
    )


def test_off_a_terminal_nothing_is_wrapped(make_output):
    shown = make_output(width=10)
    shown.output.notice(LONG)
    shown.output.plan(WordedPlan("Cancel", (("Where", LONG),), "production", (LONG,)))
    assert shown.stderr_text == f"{LONG}\nCancel\n  Where  {LONG}\n! {LONG}\n"


def test_a_word_is_never_cut(make_output):
    shown = make_output(tty=True, width=20)
    address = "https://portal.example/authorize?state=0123456789"
    shown.output.notice(f"Open this page: {address}")
    assert shown.stderr_text == f"Open this page:\n  {address}\n"


@pytest.mark.parametrize("kind", ["notice", "warning"])
def test_what_is_quoted_is_short_in_every_format(make_output, kind):
    plain, shown = make_output(), make_output(format=Format.JSON)
    for each in (plain, shown):
        getattr(each.output, kind)("x" * 10**6)
    cut = f"{'x' * 399}…{'x' * 100}"
    assert plain.stderr_text.removeprefix("warning: ") == f"{cut}\n"
    assert shown.stderr_json == [{kind: {"message": cut}}]


def test_an_address_to_open_is_whole(make_output):
    shown = make_output()
    address = f"https://portal.example/{'x' * 2000}"
    shown.output.notice(address, whole=True)
    assert shown.stderr_text == f"{address}\n"
