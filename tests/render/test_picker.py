from io import StringIO

import pytest

from gpcli.errors import Declined, InputNeeded
from gpcli.render.columns import display_width
from gpcli.render.picker import MAX_LABEL_LINES, Picker, ScreenSize
from gpcli.render.prompt import MAX_TRIES, Prompt

THREADS = [
    ("t-rash", "Rash on my forearm, open"),
    ("t-mole", "A mole I worry about, closed"),
    ("t-taxi", "Taxi to the surgery, open"),
    ("t-ovre", "Øvre brystsmerter, åpen"),
    ("t-cafe", "Café au lait spots, closed"),
]
MANY = [(f"id-{number:03}", f"Subject {number}") for number in range(1, 501)]


def ask(typed, choices=THREADS, *, several=False, width=80, height=24, default=None):
    """What is picked (or the error), and what was shown."""
    shown = StringIO()
    prompt = Prompt(StringIO(typed), shown, allowed=True, size=ScreenSize(width, height))
    choose = prompt.choose_several if several else prompt.choose
    try:
        picked = choose("Which thread?", choices, flag="THREAD", default=default)
    except (Declined, InputNeeded) as error:
        picked = error
    return picked, shown.getvalue()


def numbers(lines):
    return [
        int(line.split()[0]) for line in lines if line[:2] == "  " and line.split()[0].isdigit()
    ]


def test_a_list_that_fits_is_shown_whole_with_a_short_question():
    picked, shown = ask("2\n")
    assert picked == "t-mole"
    assert shown == (
        "Which thread?\n"
        "  1  Rash on my forearm, open\n"
        "  2  A mole I worry about, closed\n"
        "  3  Taxi to the surgery, open\n"
        "  4  Øvre brystsmerter, åpen\n"
        "  5  Café au lait spots, closed\n"
        "Number (1-5), or q: "
    )


def test_a_longer_list_is_shown_a_page_at_a_time_and_numbers_go_on():
    picked, shown = ask("\n\n4\n", height=4)
    first, second, third, *_ = shown.split("q to quit: ")
    assert first == (
        "Which thread?\n"
        "  1  Rash on my forearm, open\n"
        "  2  A mole I worry about, closed\n"
        "  3  Taxi to the surgery, open\n"
        "Number (1-5), words to filter, Enter for more, "
    )
    assert second == (
        "  4  Øvre brystsmerter, åpen\n"
        "  5  Café au lait spots, closed\n"
        "Number (1-5), words to filter, Enter for the first page, "
    )
    assert (third, picked) == (first, "t-ovre")


@pytest.mark.parametrize("height", [5, 6, 10, 24, 100])
@pytest.mark.parametrize("width", [20, 40, 80])
def test_every_page_fits_the_screen_and_together_they_are_the_list(width, height):
    picker = Picker("Which of them is it?", MANY, ScreenSize(width, height))
    pages = [picker.show_start()]
    while "first page" not in picker.prompt.replace("\n", " "):
        rows = [*pages[-1], *picker.prompt.split("\n")]
        assert len(rows) <= height or len(numbers(pages[-1])) == 3
        assert max(map(display_width, rows)) <= width
        turn = picker.answer("")
        assert turn.progress
        pages.append(turn.lines)
    assert [number for page in pages for number in numbers(page)] == list(range(1, 501))


@pytest.mark.parametrize(("width", "height"), [(80, 2), (80, 1), (20, 2), (1, 1)])
def test_on_the_lowest_screen_three_are_shown(width, height):
    lines = Picker("Which?", MANY, ScreenSize(width, height)).show_start()
    assert numbers(lines) == [1, 2, 3]


def test_without_a_height_there_is_one_page():
    assert len(Picker("Which?", MANY, ScreenSize()).show_start()) == 501


@pytest.mark.parametrize(
    ("words", "left"),
    [
        ("open", [1, 3]),
        ("OPEN", [1, 3]),
        ("open taxi", [3]),
        ("taxi open", [3]),
        ("ovre", [4]),
        ("øvre", [4]),
        ("apen", [4]),
        ("ÅPEN", [4]),
        ("cafe", [5]),
        ("cafe\u0301", [5]),
        ("closed", [2, 5]),
        ("a", [1, 2, 3, 4, 5]),
    ],
)
def test_words_filter_whatever_their_case_accents_and_order(words, left):
    picker = Picker("Which?", THREADS, ScreenSize(80, 24))
    picker.show_start()
    turn = picker.answer(words)
    assert turn.lines[0] == f"{len(left)} of 5 {'has' if len(left) == 1 else 'have'} '{words}':"
    assert numbers(turn.lines[1:]) == left


def test_numbers_stay_those_of_the_whole_list_and_another_filter_looks_through_all_of_it():
    picked, shown = ask("taxi\nclosed\n5\n")
    assert picked == "t-cafe"
    assert shown.partition("Number (1-5), or q: ")[2] == (
        "1 of 5 has 'taxi':\n"
        "  3  Taxi to the surgery, open\n"
        "Number (1-5) [3], words to filter, * for all, q to quit: "
        "2 of 5 have 'closed':\n"
        "  2  A mole I worry about, closed\n"
        "  5  Café au lait spots, closed\n"
        "Number (1-5), words to filter, Enter for all, q to quit: "
    )


@pytest.mark.parametrize(
    ("typed", "picked"),
    [
        ("taxi\n\n", "t-taxi"),  # the one that is left
        ("closed\n\n1\n", "t-rash"),  # Enter shows all again
        ("taxi\n*\n1\n", "t-rash"),
        ("taxi\n1\n", "t-rash"),  # what the filter hides has its number still
        ("t-mole\n", "t-mole"),
        ("t-m\n", "t-mole"),
        ("nothing like it\n3\n", "t-taxi"),
        ("6\n0\n-1\n3\n", "t-taxi"),
        ("१\n²\n3\n", "t-taxi"),
        ("9" * 5000 + "\n3\n", "t-taxi"),
        ("+\n*\n3\n", "t-taxi"),
    ],
)
def test_what_an_answer_picks(typed, picked):
    assert ask(typed)[0] == picked


@pytest.mark.parametrize("answer", ["t-", "t", "T-M", "12", "10"])
def test_a_beginning_that_is_short_shared_or_a_number_picks_nothing(answer):
    choices = [("t-mole", "A"), ("t-rash", "B"), ("1052", "C"), ("1200", "D")]
    picked, shown = ask(f"{answer}\n", choices)
    assert isinstance(picked, Declined)
    assert f"'{answer}' is not in the list: answer with a number (1-4)" in shown


def test_words_of_a_label_come_before_the_beginning_of_an_id():
    choices = [("ada-1", "Emil"), ("f00", "Ada Nordmann"), ("f01", "Adalbert")]
    _, shown = ask("ada\n", choices)
    assert "2 of 3 have 'ada':" in shown


@pytest.mark.parametrize("typed", ["q\n", "Q\n", "quit\n", " q \n", "taxi\nq\n", "\nq\n"])
def test_q_quits_without_naming_a_flag(typed):
    error, _ = ask(typed)
    assert (type(error), error.message, error.hint) == (Declined, "Nothing was chosen.", "")


def test_the_end_of_input_quits():
    error, shown = ask("")
    assert (type(error), error.hint) == (Declined, "")
    assert shown.endswith("or q: \n")


@pytest.mark.parametrize(
    "line", ["", "x y z", "0", "6", "*", "taxi", "+", "\x1b[A", "\x00", "-", ",", "'" * 10**5]
)
@pytest.mark.parametrize("height", [4, 24])
@pytest.mark.parametrize("several", [False, True])
def test_an_endless_stream_of_one_answer_ends(line, height, several):
    error, shown = ask(f"{line}\n" * 10**2, height=height, several=several)
    assert isinstance(error, InputNeeded)
    assert error.message == "THREAD is needed, and no usable answer came."
    assert len(shown) < 60_000
    assert not {"\x1b", "\x00"} & set(shown)


def test_pages_are_no_wasted_tries():
    picked, _ = ask("\n" * (MAX_TRIES * 5) + "500\n", MANY, height=6)
    assert picked == "id-500"


WAYS = "nswer with a number (1-5), words that are in the list, or q.\n"


@pytest.mark.parametrize(
    ("answer", "said"), [("", f"A{WAYS}"), ("zz y", f"'zz y' is not in the list: a{WAYS}")]
)
def test_an_answer_of_no_use_is_told_what_is_allowed(answer, said):
    question, again = "Number (1-5), or q: ", ask(f"{answer}\n", width=200)[1]
    assert again.partition(question)[2] == f"{said}{question}\n"


@pytest.mark.parametrize(
    ("typed", "picked"),
    [
        ("\n", "t-taxi"),
        ("1\n", "t-rash"),
        ("mole\n\n", "t-mole"),
        ("open\n\n\n", "t-taxi"),
    ],
)
def test_enter_takes_the_default(typed, picked):
    got, shown = ask(typed, default="t-taxi")
    assert (got, "Number (1-5) [3], or q: " in shown) == (picked, True)


def test_beside_a_default_a_plus_turns_the_page():
    picked, shown = ask("+\n\n", height=4, default="t-mole")
    assert picked == "t-mole"
    assert "Number (1-5) [2], words to filter, + for more, q to quit: " in shown
    assert "  4  Øvre" in shown


def test_a_default_that_is_not_in_the_list_is_none():
    _, shown = ask("", default="gone")
    assert "Number (1-5), or q: " in shown


@pytest.mark.parametrize("several", [False, True])
def test_the_only_choice_is_taken_at_once(several):
    assert ask("", THREADS[:1], several=several) == (["t-rash"] if several else "t-rash", "")


@pytest.mark.parametrize(
    ("typed", "picked"),
    [
        ("1,3\n", ["t-rash", "t-taxi"]),
        ("1 3\n", ["t-rash", "t-taxi"]),
        ("3, 1 ,3\n", ["t-taxi", "t-rash"]),
        ("2-4\n", ["t-mole", "t-taxi", "t-ovre"]),
        ("2-3,1-2\n", ["t-mole", "t-taxi", "t-rash"]),
        ("4-2\n1\n", ["t-rash"]),
        ("1-6\n1\n", ["t-rash"]),
        ("1-999999999\n1\n", ["t-rash"]),
        ("all\n", [id for id, _ in THREADS]),
        ("open\nall\n", ["t-rash", "t-taxi"]),
        ("t-rash,t-ta\n", ["t-rash", "t-taxi"]),
        ("taxi\n\n", ["t-taxi"]),
        ("1,9\n2\n", ["t-mole"]),
        (",\n2\n", ["t-mole"]),
    ],
)
def test_several_are_picked_by_numbers_ranges_and_ids_each_once(typed, picked):
    assert ask(typed, several=True)[0] == picked


def test_several_are_asked_for_with_an_example():
    _, shown = ask("", several=True, default="t-mole")
    assert shown.endswith("Numbers (1-5) [2], such as 1,3 or 1-3 or all, or q: \n")


def test_what_of_several_is_not_in_the_list_is_named():
    _, shown = ask("1,9\n", several=True)
    assert "'9' is not in the list: answer with numbers (1-5)" in shown


def test_at_twenty_columns_nothing_is_broken_within_a_word():
    _, shown = ask("", width=20, height=9)
    assert shown.splitlines() == [
        "Which thread?",
        "  1  Rash on my",
        "     forearm, open",
        "  2  A mole I worry",
        "     about, closed",
        "  3  Taxi to the",
        "     surgery, open",
        "Number (1-5), words",
        "to filter, Enter for",
        "more, q to quit: ",
    ]


def test_wide_letters_count_twice_and_stay_whole():
    choices = [("a", "田中 太郎 先生 さくら 診療所"), ("b", "👩‍⚕️ Dr. 👨‍👩‍👧 🇳🇴 Berg 🩺 Nordby")]
    picked, shown = ask("太郎\n\n", choices, width=20)
    assert picked == "a"
    assert max(map(display_width, shown.splitlines())) <= 20 + len("Number (1-2), or q: ")
    assert "👨‍👩‍👧" in shown


def test_two_of_the_same_label_are_told_apart_by_their_ids():
    choices = [("a-1", "Rash, open"), ("b-2", "Rash,  open"), ("c-3", "Mole")]
    _, shown = ask("", choices)
    assert shown.splitlines()[1:4] == [
        "  1  Rash, open (a-1)",
        "  2  Rash, open (b-2)",
        "  3  Mole",
    ]


def test_a_long_label_is_cut_so_that_it_fills_no_screen():
    lines = Picker("Which?", [("a", "word " * 10**4), ("b", "B")], ScreenSize(40, 24)).show_start()
    assert len(lines) <= MAX_LABEL_LINES + 4
    assert lines[-2].endswith("…")
    assert lines[-1] == "  2  B"


def test_a_hostile_label_moves_nothing_and_is_no_choice_of_its_own():
    hostile = "A\x1b[2J\r\n  7  Forged\t\u202eB"
    _, shown = ask("forged\nq\n", [("a", hostile), ("b", "B")])
    assert not {"\x1b", "\r", "\t", "\u202e"} & set(shown)
    assert numbers(shown.splitlines()) == [1, 2, 1]


def test_a_hostile_answer_is_quoted_harmlessly_and_not_whole():
    _, shown = ask("\x1b]0;x\x07" + "z" * 10**4 + "\n")
    assert not {"\x1b", "\x07"} & set(shown)
    said = shown.partition("or q: ")[2]
    assert max(map(len, said.splitlines())) <= 80


SHARED = [
    ("a", "Thu 3 Dec · Dr. Berg · video"),
    ("b", "Fri 4 Dec · Dr. Berg · phone"),
    ("c", "Mon 7 Dec · Dr. Berg · video"),
]


def test_what_all_choices_share_is_said_once_beside_the_question():
    picker = Picker("Which time?", SHARED, ScreenSize(80, 24))
    assert picker.show_start() == (
        "Which time? (Dr. Berg)",
        "  1  Thu 3 Dec · video",
        "  2  Fri 4 Dec · phone",
        "  3  Mon 7 Dec · video",
    )


def test_what_is_said_once_can_still_be_filtered_by():
    picker = Picker("Which time?", SHARED, ScreenSize(80, 24))
    picker.show_start()
    assert picker.answer("berg fri").lines[0] == "1 of 3 has 'berg fri':"


@pytest.mark.parametrize("choices", [SHARED[:1], [("a", "Rash · open"), ("b", "open")]])
def test_choices_that_would_be_empty_without_what_they_share_stay_whole(choices):
    shown = Picker("Which?", choices, ScreenSize(80, 24)).show_start()
    assert shown[0] == "Which?"
    assert shown[1].startswith(f"  1  {choices[0][1]}")


def test_for_a_screen_reader_a_question_is_one_line_with_a_few_choices_at_a_time():
    shown = StringIO()
    prompt = Prompt(StringIO("\nsubject 12\n\n"), shown, allowed=True, in_words=True)
    assert prompt.choose("Which thread?", MANY[:20], flag="THREAD") == "id-012"
    first, second, third = shown.getvalue().split("quit: ")[:3]
    assert first.startswith("Which thread? 1: Subject 1. 2: Subject 2. ")
    assert first.endswith(
        "9: Subject 9. Answer with a number, words to filter, Enter for more, or q to "
    )
    assert second.startswith("10: Subject 10. ")
    assert third.startswith(
        "1 of 20 has 'subject 12': 12: Subject 12. Answer with a number, Enter for 12"
    )
    assert "\n" not in shown.getvalue()


def test_for_a_screen_reader_what_is_no_answer_is_told_in_words():
    shown = StringIO()
    prompt = Prompt(StringIO("99\nq\n"), shown, allowed=True, in_words=True)
    with pytest.raises(Declined):
        prompt.choose("Which thread?", THREADS, flag="THREAD")
    assert "answer with a number from 1 to 5, words that are in the list, or q." in shown.getvalue()


DAYS = [
    ("a", "tomorrow, Thu 3 Dec 08:00–08:20 · Dr. Berg"),
    ("b", "Fri 4 Dec 10:00–10:20 · Dr. Berg"),
    ("c", "Mon 7 Dec 10:00–10:20 · Dr. Berg"),
    ("d", "Fri 1 Jan 2027 10:00–10:20 · Dr. Monday"),
]


@pytest.mark.parametrize(
    ("words", "left"),
    [
        ("friday", [2, 4]),
        ("Friday december", [2]),
        ("4 dec", [2]),
        ("january", [4]),
        ("tomorrow", [1]),
        ("monday", [3, 4]),
    ],
)
def test_days_are_filtered_by_whole_names_too(words, left):
    picker = Picker("Which time?", DAYS, ScreenSize(80, 24))
    assert numbers(picker.answer(words).lines) == left
