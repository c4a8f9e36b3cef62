import sys
from io import BytesIO, StringIO, TextIOWrapper

import pexpect
import pytest

from gpcli.errors import ConfirmationNeeded, Declined, InputNeeded
from gpcli.render.prompt import MAX_TRIES, NOTHING_SENT, Prompt, can_prompt
from gpcli.render.terminal import Terminal

CHOICES = [
    ("slot-b", "Tue 24 Nov 09:00"),
    ("2", "Wed 25 Nov\x1b[31m 2026 09:00"),
    ("c", "Thu"),
]


def build_prompt(answers, **allowed):
    err = StringIO()
    return Prompt(StringIO(answers), err, **({"allowed": True} | allowed)), err


@pytest.mark.parametrize(
    ("answer", "agreed"),
    [("y\n", True), ("YES\n", True), (" yes \n", True), ("y", True), ("\n", False), ("", False),
     ("n\n", False), ("NO\n", False), ("q\n", False), ("quit\n", False)],
)  # fmt: skip
def test_only_yes_is_yes(answer, agreed):
    ask, err = build_prompt(answer)
    assert ask.confirm("Book this time?", flag="--yes") is agreed
    assert err.getvalue().rstrip("\n") == "Book this time? [y/N] "


@pytest.mark.parametrize(
    ("answers", "agreed"),
    [
        ("maybe\ny\n", True),
        ("ja\nyes\n", True),
        ("1\nq\n", False),
        ("\x1b[A\n\n", False),
    ],
)
def test_what_is_neither_yes_nor_no_is_asked_about_again(answers, agreed):
    ask, err = build_prompt(answers)
    assert ask.confirm("Book?", flag="--yes") is agreed
    asked_again = "Book? [y/N] Answer y (yes) or n (no).\nBook? [y/N] "
    assert err.getvalue().rstrip("\n") == asked_again


@pytest.mark.parametrize(("tries", "agreed"), [(MAX_TRIES - 1, True), (MAX_TRIES, False)])
def test_no_answer_ends_in_a_no_after_many_questions(tries, agreed):
    ask, err = build_prompt("maybe\n" * tries + "y\n")
    assert ask.confirm("Book?", flag="--yes") is agreed
    assert err.getvalue().count("Answer y (yes) or n (no).") == tries


def test_the_end_of_input_ends_the_line():
    ask, err = build_prompt("")
    ask.confirm("Book?", flag="--yes")
    assert err.getvalue() == "Book? [y/N] \n"


def test_where_nobody_can_be_asked_the_flag_that_agrees_is_named():
    ask, err = build_prompt("y\n", allowed=False)
    with pytest.raises(ConfirmationNeeded) as refused:
        ask.confirm("Book?", flag="--yes")
    assert refused.value.hint == "Agree with --yes."
    assert err.getvalue() == ""


def test_an_empty_answer_is_asked_for_again():
    ask, err = build_prompt("\n  \nMy back hurts\n")
    assert ask.ask_text("What is it about", flag="--message") == "My back hurts"
    again = "Write something, or quit with Ctrl-D.\n"
    assert err.getvalue() == f"What is it about: {again}" * 2 + "What is it about: "


@pytest.mark.parametrize(
    ("answers", "text"), [("My back\n", "My back"), ("\nlate\n", ""), ("  \n", ""), ("", "")]
)
def test_what_may_be_left_out_is_asked_for_once(answers, text):
    ask, err = build_prompt(answers)
    assert ask.ask_optional("What is it about?", flag="--reason") == text
    assert err.getvalue().rstrip("\n") == "What is it about? (Enter leaves it out): "


def test_what_may_be_left_out_is_no_question_where_nobody_can_be_asked():
    ask, err = build_prompt("Knee\n", allowed=False)
    with pytest.raises(InputNeeded, match="--reason is needed"):
        ask.ask_optional("What is it about?", flag="--reason")
    assert err.getvalue() == ""


def test_without_an_answer_the_flag_is_named():
    ask, _ = build_prompt("\n" * MAX_TRIES + "late\n")
    with pytest.raises(InputNeeded, match="--message is needed"):
        ask.ask_text("What is it about", flag="--message")


@pytest.mark.parametrize("answers", ["", "\n"])
def test_the_end_of_input_instead_of_words_is_a_no(answers):
    ask, _ = build_prompt(answers, quit_message=NOTHING_SENT)
    with pytest.raises(Declined) as declined:
        ask.ask_text("What is it about", flag="--message")
    assert (declined.value.message, declined.value.hint) == (NOTHING_SENT, "")


@pytest.mark.parametrize("words", ["q", "quit", "n", "*"])
def test_words_are_taken_as_they_are(words):
    ask, _ = build_prompt(f"{words}\n")
    assert ask.ask_text("What is it about", flag="--message") == words


def test_words_cannot_be_asked_of_nobody():
    ask, err = build_prompt("text\n", allowed=False)
    with pytest.raises(InputNeeded) as refused:
        ask.ask_text("What is it about", flag="--message")
    assert (refused.value.hint, err.getvalue()) == ("Give --message.", "")


@pytest.mark.parametrize(
    ("answer", "chosen"),
    [("1\n", "slot-b"), ("2\n", "2"), ("3\n", "c"), ("slot-b\n", "slot-b"), ("c\n", "c"),
     ("9\nnone\n1\n", "slot-b"), ("\n1\n", "slot-b")],
)  # fmt: skip
def test_a_choice_is_made_by_number_or_id(answer, chosen):
    ask, _ = build_prompt(answer)
    assert ask.choose("Which time?", CHOICES, flag="SLOT") == chosen


def test_a_number_is_the_place_in_the_list_even_if_an_id_looks_like_it():
    ask, _ = build_prompt("1\n")
    assert ask.choose("Which?", [("2", "first"), ("1", "second")], flag="SLOT") == "2"


def test_choices_are_numbered_and_sanitised():
    ask, err = build_prompt("1\n")
    ask.choose("Which time?", CHOICES, flag="SLOT")
    assert err.getvalue() == (
        "Which time?\n"
        "  1  Tue 24 Nov 09:00\n"
        "  2  Wed 25 Nov\\x1b[31m 2026 09:00\n"
        "  3  Thu\n"
        "Number (1-3), or q: "
    )


def test_after_many_answers_of_no_use_nobody_is_said_to_be_missing():
    ask, _ = build_prompt("zz\n" * MAX_TRIES + "1\n")
    with pytest.raises(InputNeeded) as needed:
        ask.choose("Which time?", CHOICES, flag="SLOT")
    assert (needed.value.message, needed.value.hint) == (
        "SLOT is needed, and no usable answer came.",
        "Give SLOT.",
    )


def test_several_cannot_be_chosen_by_nobody():
    ask, err = build_prompt("1\n", allowed=False)
    with pytest.raises(InputNeeded, match="nobody to ask"):
        ask.choose_several("Which times?", CHOICES, flag="SLOT")
    assert err.getvalue() == ""


KEYS = {"r": "reply", "m": "mark read", "q": "quit"}


@pytest.mark.parametrize(
    ("answers", "key"),
    [
        ("r\n", "r"),
        ("R\n", "r"),
        ("reply\n", "r"),
        ("mark read\n", "m"),
        ("\n", "q"),
        ("", "q"),
        ("q\n", "q"),
        ("x\nm\n", "m"),
        ("x\n" * (MAX_TRIES + 1), "q"),
    ],
)
def test_a_letter_is_asked_for_with_one_that_enter_means(answers, key):
    ask, err = build_prompt(answers)
    assert ask.choose_key("Reply, mark read, quit?", KEYS, default="q") == key
    assert err.getvalue().startswith("Reply, mark read, quit? [r/m/Q] ")


def test_a_letter_that_is_none_of_them_is_told_which_there_are():
    ask, err = build_prompt("x\nq\n")
    ask.choose_key("What?", KEYS, default="q")
    assert "Answer with one of r (reply), m (mark read), q (quit).\n" in err.getvalue()


def test_nobody_means_what_enter_means():
    ask, err = build_prompt("r\n", allowed=False)
    assert (ask.choose_key("What?", KEYS, default="q"), err.getvalue()) == ("q", "")


@pytest.mark.parametrize(("choices", "allowed"), [(CHOICES, False), ([], True)])
def test_nothing_is_shown_where_no_choice_can_be_made(choices, allowed):
    ask, err = build_prompt("1\n", allowed=allowed)
    with pytest.raises(InputNeeded):
        ask.choose("Which time?", choices, flag="SLOT")
    assert err.getvalue() == ""


def test_bytes_that_are_no_text_are_no_answer():
    ask = Prompt(TextIOWrapper(BytesIO(b"\xff\xfe\n"), encoding="utf-8"), StringIO(), allowed=True)
    assert ask.confirm("Book?", flag="--yes") is False


def test_answers_come_from_the_terminal_device_when_the_message_came_by_stdin():
    ask, _ = build_prompt("y\n", terminal_device=lambda: StringIO("n\ny\n"))
    assert [ask.confirm("Send?", flag="--yes"), ask.confirm("Really?", flag="--yes")] == [
        False,
        True,
    ]


def test_without_a_terminal_device_nobody_can_be_asked():
    def no_device():
        raise OSError("No such device or address")

    ask, err = build_prompt("y\n", terminal_device=no_device)
    with pytest.raises(ConfirmationNeeded):
        ask.confirm("Send?", flag="--yes")
    assert (ask.can_ask, err.getvalue()) == (False, "")


class Interrupted(StringIO):
    """A terminal where somebody presses Ctrl-C."""

    def readline(self, size=-1):
        raise KeyboardInterrupt


def test_ctrl_c_at_a_question_ends_the_line_and_the_command():
    err = StringIO()
    with pytest.raises(KeyboardInterrupt):
        Prompt(Interrupted(), err, allowed=True).confirm("Send?", flag="--yes")
    assert err.getvalue() == "Send? [y/N] \n"


ASKING = """
import sys
from gpcli.render.prompt import Prompt
ask = Prompt(sys.stdin, sys.stderr, allowed=sys.stdin.isatty() and sys.stderr.isatty())
choices = [("a", "Tue 24 Nov 09:00"), ("b", "Tue 24 Nov 09:20")]
print("chosen", ask.choose("Which time?", choices, flag="SLOT"))
"""


def test_a_person_at_a_real_terminal_is_asked_and_understood():
    person = pexpect.spawn(sys.executable, ["-c", ASKING], encoding="utf-8", timeout=30)
    person.expect_exact("Which time?\r\n  1  Tue 24 Nov 09:00\r\n")
    person.expect_exact("Number (1-2), or q: ")
    person.sendline("2")
    person.expect_exact("chosen b")
    person.expect(pexpect.EOF)
    person.close()
    assert person.exitstatus == 0


ALL = Terminal(stdin_tty=True, stdout_tty=False, stderr_tty=True)


@pytest.mark.parametrize(
    ("env", "no_input", "allowed"),
    [
        ({}, False, True),
        ({}, True, False),
        ({"CI": "true"}, False, False),
        ({"CI": "1"}, False, False),
        ({"CI": "false"}, False, True),
        ({"CI": "0"}, False, True),
        ({"CI": ""}, False, True),
        ({"GPCLI_NO_INPUT": "1"}, False, False),
        ({"GPCLI_NO_INPUT": "False"}, False, True),
        ({"GPCLI_NO_INPUT": "", "CI": "yes"}, False, False),
    ],
)
def test_asking_can_be_forbidden(env, no_input, allowed):
    assert can_prompt(ALL, env, no_input) is allowed


@pytest.mark.parametrize(
    ("stdin_tty", "stderr_tty", "stdin_claimed", "allowed"),
    [
        (True, True, False, True),
        (False, True, False, False),
        (True, False, False, False),
        (False, True, True, True),
        (False, False, True, False),
    ],
)
def test_asking_needs_a_terminal_to_ask_on_and_one_to_read_from(
    stdin_tty, stderr_tty, stdin_claimed, allowed
):
    terminal = Terminal(stdin_tty=stdin_tty, stdout_tty=True, stderr_tty=stderr_tty)
    assert can_prompt(terminal, {}, False, stdin_claimed=stdin_claimed) is allowed


def test_a_secret_is_asked_for_once_and_the_line_is_ended():
    ask, err = build_prompt("s3cret\n")
    assert ask.ask_secret("Client secret", flag="--x") == "s3cret"
    assert err.getvalue() == "Client secret (not shown): \n"


@pytest.mark.parametrize("answer", ["", "\n"])
def test_a_secret_that_is_not_given_names_the_flag(answer):
    ask, _ = build_prompt(answer)
    with pytest.raises(InputNeeded, match="--client-secret-stdin is needed"):
        ask.ask_secret("Client secret", flag="--client-secret-stdin")


def test_a_secret_needs_somebody_to_ask():
    ask, err = build_prompt("s3cret\n", allowed=False)
    with pytest.raises(InputNeeded, match="nobody to ask"):
        ask.ask_secret("Client secret", flag="--x")
    assert err.getvalue() == ""
