from io import BytesIO, TextIOWrapper

import pytest

from gpcli.errors import NotOffered, Partial, RateLimited, Unexpected
from gpcli.render.output import Format
from gpcli.render.stderr import Plan

PLAN = Plan(
    "Book a time",
    (("For", "Ada Nordmann"), ("When", "tomorrow,\nTue 24 Nov 2026"), ("Costs", "")),
    "staging",
    ("It overlaps another booking.",),
)


def test_an_error_says_what_failed_and_below_what_to_do(stage):
    shown = stage()
    shown.output.error(
        RateLimited(
            "The portal asks to slow down.",
            hint="Try again:\n  gpcli slots",
            request_id="req-1\n",
            retry_after=30.0,
        )
    )
    assert shown.said == (
        "gpcli: The portal asks to slow down.\n"
        "  Try again:\n"
        "    gpcli slots\n"
        "  The portal asks to wait 30 s.\n"
        "  Request id: req-1 \n"
    )
    assert shown.written == ""


def test_an_error_without_a_hint_is_one_line(stage):
    shown = stage()
    shown.output.error(NotOffered("Not offered.\nCall \x1b[1m22 00 00 00"))
    assert shown.said == "gpcli: Not offered. Call \\x1b[1m22 00 00 00\n"


@pytest.mark.parametrize("format", [Format.JSON, Format.NDJSON])
def test_an_error_is_one_object_with_json(stage, format):
    shown = stage(format=format)
    shown.output.error(RateLimited("Slow\ndown.", hint="Wait.", request_id="r1", retry_after=1.5))
    assert shown.said_json == [
        {
            "error": {
                "code": "rate_limited",
                "exit": 6,
                "message": "Slow\ndown.",
                "hint": "Wait.",
                "request_id": "r1",
                "retry_after": 1.5,
            }
        }
    ]
    assert shown.written == ""


def test_every_key_of_an_error_is_there_even_if_nothing_is_known(stage):
    shown = stage(format=Format.JSON)
    shown.output.error(Unexpected("A fault."))
    assert shown.said == (
        '{"error": {"code": "unexpected", "exit": 70, "message": "A fault.", "hint": null, '
        '"request_id": null, "retry_after": null}}\n'
    )


def test_notices_and_warnings_are_lines_on_standard_error(stage):
    shown = stage()
    shown.output.notice("No times.", searched="28 days")
    shown.output.warning("The clock is 2 min off.", seconds=120)
    assert (shown.written, shown.said) == ("", "No times.\nwarning: The clock is 2 min off.\n")


def test_notices_and_warnings_are_objects_with_json(stage):
    shown = stage(format=Format.NDJSON)
    shown.output.notice("No times.", searched=28)
    shown.output.warning("The clock is off.", seconds=120, synced=False)
    assert shown.said_json == [
        {"notice": {"message": "No times.", "searched": 28}},
        {"warning": {"message": "The clock is off.", "seconds": 120, "synced": False}},
    ]


def test_a_plan_shows_labels_and_values_and_the_environment(stage):
    shown = stage()
    shown.output.plan(PLAN)
    assert shown.said == (
        "Book a time [staging]\n"
        "  For    Ada Nordmann\n"
        "  When   tomorrow,\n"
        "         Tue 24 Nov 2026\n"
        "  Costs\n"
        "! It overlaps another booking.\n"
    )


def test_a_production_plan_is_not_marked(stage):
    shown = stage()
    shown.output.plan(Plan("Cancel", (), "production"))
    assert shown.said == "Cancel\n"


def test_a_plan_is_an_object_with_json(stage):
    shown = stage(format=Format.JSON)
    shown.output.plan(PLAN)
    assert shown.said_json == [
        {
            "plan": {
                "action": "Book a time",
                "environment": "staging",
                "rows": [
                    {"label": "For", "value": "Ada Nordmann"},
                    {"label": "When", "value": "tomorrow,\nTue 24 Nov 2026"},
                    {"label": "Costs", "value": ""},
                ],
                "warnings": ["It overlaps another booking."],
            }
        }
    ]


def test_colour_marks_words_and_leaves_the_texts_alone(stage):
    shown = stage(tty=True, color=True)
    shown.output.error(Partial("Some failed."))
    shown.output.warning("Careful.")
    shown.output.plan(Plan("Cancel", (("What", "s1"),), "production", ("Late.",)))
    assert shown.said == (
        "\x1b[31mgpcli:\x1b[0m Some failed.\n"
        "\x1b[33mwarning:\x1b[0m Careful.\n"
        "\x1b[1mCancel\x1b[0m\n"
        "  What  s1\n"
        "\x1b[33m!\x1b[0m Late.\n"
    )


@pytest.mark.parametrize("format", list(Format))
def test_a_bare_value_is_the_same_line_on_standard_output_in_every_format(stage, format):
    shown = stage(format=format)
    shown.output.value("12\n")
    assert (shown.written, shown.said) == ("12 \n", "")


@pytest.mark.parametrize(
    ("format", "written"),
    [(Format.PLAIN, "--\n"), (Format.TABLE, "\n"), (Format.JSON, ""), (Format.NDJSON, "")],
)
def test_what_follows_an_item_is_set_off(stage, format, written):
    shown = stage(format=format)
    shown.output.divide()
    assert shown.written == written


def test_words_reach_a_stream_that_lacks_their_letters(stage):
    ascii_stream = TextIOWrapper(BytesIO(), encoding="ascii", newline="\n")
    shown = stage(err=ascii_stream)
    shown.output.notice("Øvrebø – 09:00–09:20 … 😀")
    assert ascii_stream.buffer.getvalue() == (b"\\xd8vreb\\xf8 - 09:00-09:20 ... \\U0001f600\n")


def test_letters_that_a_stream_has_are_kept(stage):
    western = TextIOWrapper(BytesIO(), encoding="cp1252", newline="\n")
    shown = stage(err=western)
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
def test_the_format_is_settled_once(stage, format, tty, settled, human, json):
    output = stage(format=format, tty=tty).output
    assert (output.format, output.human, output.json) == (settled, human, json)


LONG = "It overlaps the booking b-123456789 at Nordstrand legesenter."
WRAPPED = {
    "notice": "It overlaps the booking\n  b-123456789 at Nordstrand\n  legesenter.\n",
    "warning": (
        "warning: It overlaps the\n         booking b-123456789\n"
        "         at Nordstrand\n         legesenter.\n"
    ),
}


@pytest.mark.parametrize("kind", ["notice", "warning"])
def test_on_a_terminal_sentences_are_wrapped_between_words(stage, kind):
    shown = stage(tty=True, width=28)
    getattr(shown.output, kind)(LONG)
    assert shown.said == WRAPPED[kind]


def test_on_a_terminal_an_error_and_its_hint_are_wrapped(stage):
    shown = stage(tty=True, width=28)
    shown.output.error(NotOffered(LONG, hint=f"Call them.\n  {LONG}"))
    assert shown.said == (
        "gpcli: It overlaps the\n"
        "       booking b-123456789\n"
        "       at Nordstrand\n"
        "       legesenter.\n"
        "  Call them.\n"
        "    It overlaps the booking\n"
        "    b-123456789 at\n"
        "    Nordstrand legesenter.\n"
    )


def test_on_a_terminal_a_plan_keeps_its_two_columns(stage):
    shown = stage(tty=True, width=28)
    rows = (("For", "Ada Nordmann"), ("Surgery", f"Nordstrand\n{LONG}"))
    shown.output.plan(Plan("Book this time for flu vaccination", rows, "sandbox", (LONG,)))
    assert shown.said == (
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


def test_off_a_terminal_nothing_is_wrapped(stage):
    shown = stage(width=10)
    shown.output.notice(LONG)
    shown.output.plan(Plan("Cancel", (("Where", LONG),), "production", (LONG,)))
    assert shown.said == f"{LONG}\nCancel\n  Where  {LONG}\n! {LONG}\n"


def test_a_word_is_never_cut(stage):
    shown = stage(tty=True, width=20)
    address = "https://portal.example/authorize?state=0123456789"
    shown.output.notice(f"Open this page: {address}")
    assert shown.said == f"Open this page:\n  {address}\n"
