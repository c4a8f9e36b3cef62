"""Words for a screen reader: a label before each value, and nothing that depends on its place."""

from io import StringIO

import pytest

from gpcli.cli.command_views import VIEWS
from gpcli.errors import Declined, NotFound, Unavailable
from gpcli.render.accessible import COUNTED
from gpcli.render.output import Format
from gpcli.render.phrasing import MARKS, WORDS
from gpcli.render.prompt import Prompt
from gpcli.render.stderr import WordedPlan
from gpcli.render.view import Column, View

ONE_RECORD = {"today", "login", "conversation", "flu", "prescription", "sandbox-env"}
RECEIPTS = {"appointment-receipt", "thread-receipt", "consent-receipt", "withdrawal-receipts"}
NOTES = View(
    "notes",
    (
        Column("id", "ID", lambda note: note[0]),
        Column("text", "Text of it", lambda note: note[1]),
        Column("more", "More", lambda note: note[2], in_table=False),
        Column("own", "Own", lambda note: note[2], for_people=False),
        Column("rare", "Rare", lambda note: note[2], in_table=lambda note: note[2] == "yes"),
    ),
    lambda note: {"id": note[0]},
)


def show(make_output, notes, **settings):
    shown = make_output(tty=True, format=Format.ACCESSIBLE, color=True, **settings)
    shown.output.show_list(NOTES, notes)
    return shown.stdout_text


def test_every_list_is_counted_by_the_name_of_its_records():
    names = {view.name for views in VIEWS.values() for view in views}
    assert names - COUNTED.keys() == ONE_RECORD | RECEIPTS


def test_a_list_is_counted_and_has_a_label_at_each_value(make_output):
    text = show(make_output, [("n-1", "a", ""), ("n-2", "", "yes")])
    assert text == "2 records.\n\nText of it: a\nID: n-1\n\nRare: yes\nID: n-2\n"


def test_the_ids_come_last_also_where_the_first_is_of_what_a_request_is_about(make_output):
    about = (Column("note_id", "ID", str), Column("id", "Request", str), Column("x", "X", str))
    shown = make_output(tty=True, format=Format.ACCESSIBLE)
    shown.output.show_item(View("asked", about, lambda row: {}), "a")
    assert shown.stdout_text == "X: a\nID: a\nRequest: a\n"


def test_one_is_counted_as_one_and_none_is_not_counted(make_output):
    assert show(make_output, [("n-1", "a", "")]).startswith("1 record.\n\n")
    assert show(make_output, []) == ""


def test_chosen_fields_come_in_their_order_and_what_is_empty_is_said(make_output):
    text = show(make_output, [("n-1", "", "b"), ("", "", "")], fields=("own", "id", "text"))
    assert text == "2 records.\n\nOwn: b\nID: n-1\n\nNothing of this is known.\n"


def test_a_value_of_several_lines_has_the_label_at_each(make_output):
    text = show(make_output, [("n-1", "one\r\n   two\n\n\tthree\x1b[31m", "")])
    assert text.splitlines()[2:5] == [
        "Text of it: one",
        "Text of it: two",
        r"Text of it: three\x1b[31m",
    ]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("Hi", "Text: Hi\n"),
        ("\n", ""),
        (None, ""),
        ("Hi –  you\nID: n-9\n", "Text, 2 lines:\nHi –  you\nID: n-9\n"),
    ],
)
def test_how_many_lines_a_text_has_is_said_and_it_is_as_it_was(make_output, text, told):
    shown = make_output(tty=True, format=Format.ACCESSIBLE)
    shown.output.show_item(NOTES, ("n-1", "a", ""), text=text)
    assert shown.stdout_text == f"Text of it: a\nID: n-1\n{told}"


def test_of_one_chosen_field_the_value_stands_alone(make_output):
    shown = make_output(tty=True, format=Format.ACCESSIBLE, fields=("text",))
    shown.output.show_item(NOTES, ("n-1", "a", ""), text="left out")
    assert shown.stdout_text == "a\n"


def test_a_plan_and_an_error_have_labels_and_no_colour(make_output):
    shown = make_output(tty=True, format=Format.ACCESSIBLE, color=True, width=20)
    rows = (("When", "tomorrow, Tue 24 Nov 09:00 to 09:20"), ("Message", "one\n  two"))
    shown.output.plan(WordedPlan("Book a time", rows, "staging", ("It costs money.",)))
    shown.output.warning("An odd answer.")
    shown.output.notice("First line:\n  gpcli login")
    hinted = NotFound("No such slot.", hint="Look:\n  gpcli slots", request_id="r-1", trace_id="t")
    shown.output.error(hinted)
    assert shown.stderr_text == (
        "Plan: Book a time\n"
        "Environment: staging\n"
        "When: tomorrow, Tue 24 Nov 09:00 to 09:20\n"
        "Message: one\n"
        "Message: two\n"
        "Warning: It costs money.\n"
        "Warning: An odd answer.\n"
        "First line:\n"
        "gpcli login\n"
        "Error: No such slot.\n"
        "What to do: Look:\n"
        "What to do: gpcli slots\n"
        "Request id: r-1\n"
        "Trace id: t\n"
    )


def test_what_the_portal_asks_to_wait_is_in_words(make_output):
    shown = make_output(tty=True, format=Format.ACCESSIBLE)
    shown.output.error(Unavailable("Busy.", retry_after=7.0))
    assert shown.stderr_text == "Error: Busy.\nThe portal asks to wait 7 seconds.\n"


def ask(typed):
    err = StringIO()
    return Prompt(StringIO(typed), err, allowed=True, in_words=True), err


CHOICES = [("a", "Tue 24 Nov 09:00 to 09:20,\n in person"), ("b", "Wed.")]


def test_a_question_is_one_line_and_a_wrong_answer_does_not_repeat_the_choices():
    prompt, err = ask("9\n2\n")
    assert prompt.choose("Which time?", CHOICES, flag="SLOT") == "b"
    assert err.getvalue() == (
        "Which time? 1: Tue 24 Nov 09:00 to 09:20, in person. 2: Wed. "
        "Answer with a number, or q to quit: "
        "'9' is not in the list: answer with a number from 1 to 2, words that are in the list, or "
        "q. "
        "Answer with a number, or q to quit: "
    )


def test_several_are_asked_for_in_words():
    prompt, err = ask("1,2\n")
    assert prompt.choose_several("Which?", CHOICES, flag="ID") == ["a", "b"]
    assert err.getvalue().endswith(
        "Answer with numbers with commas between, or all, or q to quit: "
    )


def test_agreement_is_asked_for_in_words():
    prompt, err = ask("yes\n")
    assert prompt.confirm("Book this time?", flag="--yes")
    assert err.getvalue() == "Book this time? Answer yes or no: "


def test_q_quits():
    with pytest.raises(Declined):
        ask("q\n")[0].choose("Which?", CHOICES, flag="SLOT")


def test_marks_are_for_the_eye_and_words_for_the_ear():
    for phrasing, told in (
        (MARKS, ("1–2", "a b – c", "a · b", "… 3 more", "  ")),
        (WORDS, ("1 to 2", "a b to c", "a, b", "3 more", ", ")),
    ):
        assert told == (
            phrasing.range("1", "2"),
            phrasing.wide_range("a b", "c"),
            phrasing.join(["a", None, "", "b"]),
            phrasing.word_more(3),
            phrasing.gap,
        )
