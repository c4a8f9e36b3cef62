"""Questions at the terminal: lists to choose from, ways out, and what comes after reading."""

from __future__ import annotations

import re
import shlex
import sys
from dataclasses import replace
from datetime import timedelta

import pexpect
import pytest

from tests.journeys.process import as_person
from tests.journeys.shell import SCREEN
from tests.journeys.test_messages import MOLE, PARKING, RASH, of
from tests.journeys.test_outbox import cut_off

CLOSED = "t-qtv33nwr"

LISTS = {
    "messages show": ("hans", "THREAD", "Nothing was chosen."),
    "messages reply --message Hei": ("hans", "THREAD", "Nothing was sent."),
    "messages save": ("hans", "THREAD", "Nothing was chosen."),
    "messages mark-read": ("hans", "THREAD", "Nothing was sent."),
    "appointments show": ("hans", "ID", "Nothing was chosen."),
    "cancel": ("hans", "ID", "Nothing was sent."),
    "book": ("hans", "--first", "Nothing was sent."),
    "rx renew": ("hans", "ID", "Nothing was sent."),
    "rx show": ("hans", "ID", "Nothing was chosen."),
    "econsult start --subject A --message B --can-wait": ("ada", "--via", "Nothing was sent."),
}
"""Lines that have something chosen from a list: for whom, what is chosen, how quitting ends."""


def written(world, patient="hans"):
    """What the portal has of the patient: each record and its version."""
    return {
        (one["resourceType"], one["id"], one["meta"]["versionId"])
        for kind in ("Appointment", "Communication", "Task")
        for one in world.sandbox.store.find(kind, patient=f"Patient/{patient}")
    }


WHICH = re.compile(r"^(In w|W)hich.*(?=\ngpcli: )", re.MULTILINE | re.DOTALL)
"""A question with its choices and the prompt, before what is said at the end."""


def find_numbers(lines):
    """The numbers of the choices on these lines."""
    found = (re.match(r" {2,4}(\d{1,3})(?:  |$)", line) for line in lines)
    return [int(each[1]) for each in found if each]


@pytest.mark.parametrize("line", LISTS)
@pytest.mark.parametrize(
    "typed",
    [
        "zzz\nq\n",
        *(
            pytest.param(typed, marks=pytest.mark.real)
            for typed in ("q\n", "QUIT\n", "+\nq\n", "x y z\n\x1b[A\nq\n")
        ),
    ],
)
def test_q_leaves_every_list_and_changes_nothing(world, line, typed):
    person, _, said = LISTS[line]
    before = written(world, person)
    ending = world.shell(person).at_a_screen(typed)(f"gpcli {line}")
    assert (ending.code, ending.out) == (9, "")
    assert ending.err.splitlines()[-1].endswith(f"gpcli: {said}")
    assert written(world, person) == before


@pytest.mark.parametrize("line", LISTS)
def test_ctrl_d_leaves_every_list_and_changes_nothing(world, line):
    person, _, said = LISTS[line]
    before = written(world, person)
    ending = world.shell(person).at_a_screen("")(f"gpcli {line}")
    assert (ending.code, ending.out) == (9, "")
    assert ending.err.splitlines()[-1] == f"gpcli: {said}"
    assert written(world, person) == before


@pytest.mark.parametrize("line", LISTS)
def test_an_endless_stream_of_nonsense_ends(world, line):
    person, flag, _ = LISTS[line]
    before = written(world, person)
    ending = world.shell(person).at_a_screen("no such thing\n" * 100)(f"gpcli {line}")
    assert (ending.code, ending.out) == (2, "")
    assert f"{flag} is needed, and no usable answer came." in ending.err
    assert written(world, person) == before


@pytest.mark.parametrize("line", LISTS)
def test_off_a_terminal_no_list_is_shown(world, line):
    person, _, _ = LISTS[line]
    ending = world.shell(person)(f"gpcli {line} --json")
    assert (ending.code, ending.error["code"], ending.out) == (2, "input_needed", "")
    assert "Number" not in ending.err


@pytest.mark.parametrize("line", LISTS)
@pytest.mark.parametrize(
    ("width", "height"),
    [
        (20, 10),
        (80, 24),
        *(pytest.param(*size, marks=pytest.mark.real) for size in ((40, 12), (80, 2))),
    ],
)
def test_every_list_fits_the_screen(world, line, width, height):
    person, _, _ = LISTS[line]
    screen = replace(SCREEN, width=width, height=height)
    ending = replace(world.shell(person), terminal=screen)(f"gpcli {line}")
    page = WHICH.search(ending.err)[0].splitlines()
    numbers = find_numbers(page)
    assert numbers == [*range(1, len(numbers) + 1)]
    rows = sum(-(-len(line) // width) for line in page)
    assert rows <= height or len(numbers) <= 3
    assert [
        line for line in page if len(line) > width and len(max(line.split(), key=len)) < 14
    ] == []


@pytest.mark.parametrize("line", ["cancel", "econsult withdraw"])
def test_the_only_one_is_taken_and_its_plan_asks(world, line):
    ada = world.shell("ada")
    if line == "econsult withdraw":
        ada.json("gpcli econsult start --via video --subject Rash --yes --accept-fee any --to +7d")
    else:
        [one] = ada.json("gpcli appointments list")[-1:]
        for other in ada.json("gpcli appointments list")[:-1]:
            world.change(f"Appointment/{other['id']}", status="cancelled")
        assert one["status"] == "booked"
    before = written(world, "ada")
    ending = ada.at_a_screen("q\n")(f"gpcli {line}")
    assert (ending.code, "Number" in ending.err) == (9, False)
    assert ending.err.endswith("[y/N] gpcli: Nothing was sent.\n")
    assert written(world, "ada") == before


def test_the_only_appointment_is_shown_at_once(world):
    ending = world.shell("bo").at_a_screen()("gpcli appointments show")
    assert (ending.code, ending.err) == (0, "")
    assert ending.out.startswith("ID")


@pytest.mark.parametrize("typed", ["maybe\nmaybe\n", "q\n", "", "\n", "nei\nno\n"])
def test_what_is_no_clear_yes_books_nothing(world, typed):
    ending = world.shell("ada").at_a_screen(typed)("gpcli book --first --another")
    assert (ending.code, world.appointments("ada")) == (9, [])


@pytest.mark.parametrize(
    ("thread", "question"),
    [
        (RASH, "Reply, mark read, quit? [r/m/Q] "),
        (MOLE, "Reply, mark read, save, quit? [r/m/s/Q] "),
        (PARKING, "Reply, quit? [r/Q] "),
        (CLOSED, ""),
    ],
)
@pytest.mark.parametrize("typed", ["\n", "q\n", "quit\n", "", "x\n" * 100])
def test_after_reading_only_what_can_be_done_is_offered_and_enter_quits(
    world, thread, question, typed
):
    before = written(world, "ada")
    ending = world.shell("ada").at_a_screen(typed)(f"gpcli messages show {thread}")
    assert (ending.code, ending.err[: len(question)]) == (0, question)
    assert bool(ending.err) == bool(question)
    assert written(world, "ada") == before


def test_after_reading_a_thread_can_be_marked_as_read(world):
    ada = world.shell("ada")
    ending = ada.at_a_screen("m\n")(f"gpcli messages show {RASH}")
    asked = "Reply, mark read, quit? [r/m/Q] "
    assert (ending.code, ending.err) == (0, f"{asked}1 message is marked as read.\n")
    assert "received" in of(world, RASH)[-1]


def test_after_reading_what_is_attached_can_be_saved_here(world, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    ending = world.shell("ada").at_a_screen("s\n")(f"gpcli messages show {MOLE}")
    names = sorted(path.name for path in tmp_path.glob("*.*"))
    assert (ending.code, names) == (
        0,
        ["mole-marked.png", "mole-notes.txt", "mole.png", "moles-leaflet.pdf"],
    )


@pytest.fixture
def editor(tmp_path):
    """The command of an editor that writes `Takk.`"""
    script = tmp_path / "editor.py"
    script.write_text(
        "import pathlib, sys\n"
        "page = pathlib.Path(sys.argv[1])\n"
        "page.write_bytes(b'Takk.\\n' + page.read_bytes())\n"
    )
    return shlex.join([sys.executable, str(script)])


def test_after_reading_one_can_reply_in_the_editor(world, editor):
    world.sandbox.set_delay(timedelta(hours=1))
    ada = world.shell("ada").with_env(EDITOR=editor).at_a_screen("r\ny\n")
    ending = ada(f"gpcli messages show {RASH}")
    assert (ending.code, of(world, RASH)[-1]["payload"]) == (0, [{"contentString": "Takk."}])


def test_a_reply_after_reading_that_is_declined_is_kept(world, editor):
    ada = world.shell("ada").with_env(EDITOR=editor).at_a_screen("r\nq\n")
    ending = ada(f"gpcli messages show {RASH}")
    assert (ending.code, len(of(world, RASH))) == (9, 2)
    assert "Your text is kept: --message-file " in ending.err


def test_a_reply_after_reading_that_had_no_answer_is_repeated_by_the_line_of_a_reply(world, editor):
    ada = world.shell("ada").with_env(EDITOR=editor)
    ending = cut_off(ada, arrives=False).at_a_screen("r\ny\n")(
        f"gpcli messages show {RASH} --timeout 9 --debug"
    )
    [listed] = ada.json("gpcli outbox list")
    words = shlex.split(listed["repeat"])
    assert (ending.code, listed["command"]) == (10, "messages reply")
    assert words[:7] == ["gpcli", "messages", "reply", RASH, "--timeout", "9.0", "--debug"]
    assert words[7::2] == ["--message-file", "--request-id"]
    assert ada([*words, "--yes"]).code == 0
    assert [one["contentString"] for one in of(world, RASH)[2]["payload"]] == ["Takk."]


@pytest.mark.parametrize("how", ["--json", "--ndjson", "--plain", "--fields subject", "--no-input"])
def test_whoever_reads_in_another_way_is_asked_nothing(world, how):
    ending = world.shell("ada").at_a_screen("m\n")(f"gpcli messages show {RASH} {how}")
    assert (ending.code, ending.err) == (0, "")
    assert "received" not in of(world, RASH)[-1]


@pytest.mark.parametrize("lacks", ["stdin_tty", "stdout_tty", "stderr_tty"])
def test_where_one_stream_is_no_terminal_nothing_is_asked_after_reading(world, lacks):
    terminal = replace(SCREEN, **{lacks: False})
    ending = replace(world.shell("ada"), terminal=terminal, typing="m\n")(
        f"gpcli messages show {RASH}"
    )
    assert (ending.code, ending.err) == (0, "")
    assert "received" not in of(world, RASH)[-1]


def test_at_a_real_terminal_one_filters_turns_pages_and_picks(world, tmp_path):
    env = as_person(world.sandbox, tmp_path, "hans", COLUMNS="60", TERM="dumb")
    terminal = pexpect.spawn(
        sys.executable,
        ["-m", "gpcli", "messages", "show"],
        env=env,
        encoding="utf-8",
        dimensions=(14, 60),
        timeout=60,
    )
    pages = []
    for typed in ("", "TAXI zz", "unread BLODTRYKKSMALINGER", None):
        terminal.expect("quit: $")
        pages.append(terminal.before.replace("\r", ""))
        terminal.sendline(str(find_numbers(pages[-1].splitlines())[0]) if typed is None else typed)
    terminal.expect_exact("Blodtrykksmålinger")
    terminal.expect_exact("quit? [r/m/Q] ")
    terminal.sendline("q")
    terminal.expect(pexpect.EOF)
    terminal.close()
    first, second, refused, filtered = (find_numbers(page.splitlines()) for page in pages)
    assert (first + second, refused) == ([*range(1, second[-1] + 1)], [])
    assert (terminal.exitstatus, "\x1b" in "".join(pages)) == (0, False)
    assert filtered == [1]
