"""Writing to the surgery's reception."""

from __future__ import annotations

import fcntl
import os
import sys
import termios
from datetime import timedelta
from pathlib import Path

import pexpect
import pytest

from tests.journeys.process import PYTHON, as_person, wait_until
from tests.journeys.shell import without_plan

SAFETY = [
    "Not for emergencies: call 113. If it can't wait and the surgery is closed: call 116 117.",
    "The reception reads this and gives no health care. A medical question may be passed on to "
    "the doctor and charged as an e-consultation.",
]
CONTACT = ["gpcli", "contact", "--subject", "Ramp"]


def written(world, patient):
    """The patient's messages and their headers at the portal, sent today."""
    found = world.sandbox.store.find("Communication", patient=f"Patient/{patient}")
    return [one for one in found if one.get("identifier") and one["sent"] >= "2027-03-01"]


def test_a_message_to_the_reception_needs_only_yes_and_makes_a_thread(world):
    world.sandbox.set_delay(timedelta(hours=1))
    ada = world.shell("ada")
    ending = ada([*CONTACT, "--message", "Is there a ramp?", "--yes", "--json"])
    assert ending.code == 0
    assert (ending.json["kind"], ending.json["status"], ending.json["subject"]) == (
        "administrative",
        "in-progress",
        "Ramp",
    )
    assert ending.stderr_json[:2] == [{"notice": {"message": words}} for words in SAFETY]
    assert "has not answered yet" in ending.stderr_json[-1]["notice"]["message"]
    header, message = sorted(written(world, "ada"), key=lambda one: "partOf" in one)
    assert (header["topic"]["text"], message["payload"]) == (
        "Ramp",
        [{"contentString": "Is there a ramp?"}],
    )


def test_the_plan_shows_what_it_costs_and_nothing_is_sent_in_a_rehearsal(world):
    ending = world.shell("ada")([*CONTACT, "--message", "Is there a ramp?", "--dry-run"])
    assert (ending.code, written(world, "ada")) == (0, [])
    assert without_plan(ending.err).splitlines() == [
        *SAFETY,
        "Write to the surgery's reception [sandbox]",
        "  Surgery  Dr. Ingrid Haugland, Solbakken legesenter",
        "  For      Ada Solberg",
        "  Subject  Ramp",
        "  Message  Is there a ramp? (16 characters)",
        "  Answer   Usually answered within two working days, by the reception.",
        "  Price    free",
        "Nothing was sent: this was a dry run.",
    ]


def test_without_agreement_nothing_is_sent(world):
    ending = world.shell("ada")([*CONTACT, "--message", "Hei", "--json"])
    assert ending.refused == (9, "confirmation_needed", "")
    assert written(world, "ada") == []


def test_a_file_has_the_words(world, tmp_path):
    file = tmp_path / "question.txt"
    file.write_text("Første linje.\n\nAndre [b]linje[/b].\n", encoding="utf-8")
    ada = world.shell("ada")
    made = ada.json(f"gpcli contact --subject Ramp --message-file {file} --yes")
    first = ada.json(f"gpcli messages show {made['id']}")["messages"][0]
    assert first["text"] == "Første linje.\n\nAndre [b]linje[/b]."


def test_a_script_can_pipe_the_words_in(world):
    ada = world.shell("ada")
    piped = type(ada)(ada.env, ada.now, typing="From a pipe.\n")
    made = piped.json("gpcli contact --subject Ramp --message-file - --yes")
    first = ada.json(f"gpcli messages show {made['id']}")["messages"][0]
    assert first["text"] == "From a pipe."


@pytest.mark.parametrize(
    ("more", "code"),
    [
        (["--message", "a", "--message-file", "-"], "usage"),
        (["--message", " "], "usage"),
        (["--message", "x" * 2001], "usage"),
        (["--message-file", ""], "usage"),
        (["--message-file", "-"], "usage"),
        ([], "input_needed"),
        (["--message", "a", "--attach", "."], "usage"),
        (["--message", "a", "--attach", ""], "usage"),
    ],
)
def test_what_can_not_be_sent_ends_2(world, more, code):
    ending = world.shell("ada")([*CONTACT, *more, "--yes", "--json"])
    assert ending.refused == (2, code, "")
    assert written(world, "ada") == []


@pytest.mark.parametrize("flag", ["--attach", "--message-file"])
def test_a_file_that_is_not_there_ends_3(world, flag):
    words = ["--message", "a"] if flag == "--attach" else []
    ending = world.shell("ada")([*CONTACT, *words, flag, "no-such-file", "--yes", "--json"])
    assert ending.refused == (3, "not_found", "")


def test_the_same_request_again_is_done_once(world):
    ada = world.shell("ada")
    line = "gpcli contact --subject Ramp --message Hei --yes --request-id c1"
    first, second = (ada.json(line) for _ in range(2))
    assert (second["id"], second["changed"]) == (first["id"], False)
    ending = ada(f"{line.replace('Hei', 'Hopp')} --json")
    assert ending.refused == (7, "conflict", "")
    assert [one["topic"]["text"] for one in written(world, "ada") if "topic" in one] == ["Ramp"]


@pytest.mark.parametrize(("person", "code"), [("cecilie", "not_offered"), ("eva", "not_offered"),
                                              ("david", "consent_needed")])  # fmt: skip
def test_where_it_can_not_be_used_the_reason_is_said(world, person, code):
    ending = world.shell(person)([*CONTACT, "--message", "Hei", "--yes", "--json"])
    assert ending.refused == (5, code, "")


@pytest.mark.parametrize("person", ["cecilie", "eva", "david"])
def test_where_it_can_not_be_used_a_person_is_asked_nothing(world, person):
    ending = world.shell(person).at_a_screen("y\nRamp\n")("gpcli contact")
    assert (ending.code, "Can it wait" in ending.err, "Subject" in ending.err) == (5, False, False)


def test_a_parent_writes_for_a_child_and_both_stand_in_the_answer(world):
    receipt = world.shell("guro", "emil").json("gpcli contact --subject A --message B --yes")
    assert receipt["patient"]["id"] == "emil"
    assert receipt["acting_user"]["id"] != "emil"
    assert {one["subject"]["reference"] for one in written(world, "emil")} == {"Patient/emil"}


def test_a_price_that_the_portal_charges_for_sending_needs_accept_fee(world):
    at_sending = [{"url": "urn:gpcli:charged-at", "valueCode": "sending"}]
    nok = {"value": 50, "currency": "NOK"}
    price = [{"priceComponent": [{"type": "base", "amount": nok}]}]
    world.change("ChargeItemDefinition/price-contact", extension=at_sending, propertyGroup=price)
    ada = world.shell("ada")
    ending = ada([*CONTACT, "--message", "Hei", "--yes", "--json"])
    assert ending.refused == (9, "fee_not_accepted", "")
    assert ada.json("gpcli contact --subject A --message B --yes --accept-fee 50")["changed"]


def at_a_terminal(line, env):
    """A person before a terminal of their own."""
    return pexpect.spawn(
        "bash",
        ["-c", line],
        env={**env, "TERM": "xterm"},
        cwd=env["HOME"],
        encoding="utf-8",
        timeout=30,
        dimensions=(40, 120),
    )


@pytest.mark.real
def test_when_the_message_is_piped_in_the_question_is_asked_at_the_terminal(live, tmp_path):
    env = as_person(live, tmp_path, "ada")
    line = f"printf 'From a pipe.\\n' | {PYTHON} contact --message-file -"
    person = at_a_terminal(line, env)
    person.expect_exact("Can it wait for an answer? [y/N] ")
    person.sendline("y")
    person.expect_exact("Subject: ")
    person.sendline("Ramp")
    person.expect_exact("From a pipe. (12 characters)")
    person.expect_exact("Write to the surgery's reception? [y/N] ")
    person.sendline("y")
    person.expect(pexpect.EOF)
    person.close()
    assert person.exitstatus == 0


@pytest.mark.real
def test_a_person_writes_in_an_editor_and_what_it_says_stays_private(live, tmp_path):
    script = tmp_path / "editor.py"
    script.write_text("import sys; open(sys.argv[1], 'a').write('Is there a ramp?\\n')\n")
    runtime = tmp_path / "run"
    runtime.mkdir(mode=0o700)
    env = as_person(live, tmp_path, "ada", XDG_RUNTIME_DIR=str(runtime))
    env["EDITOR"] = f"{sys.executable} {script}"
    person = at_a_terminal(f"{PYTHON} contact --subject Ramp --can-wait", env)
    person.expect_exact("Is there a ramp? (16 characters)")
    person.sendline("y")
    person.expect(pexpect.EOF)
    person.close()
    assert (person.exitstatus, list(runtime.iterdir())) == (0, [])


def an_editor(tmp_path, words, then=""):
    """A command that writes `words` below the remarks, and then does what `then` says."""
    script = tmp_path / "editor.py"
    script.write_text(
        f"import os, signal, sys, time\nopen(sys.argv[1], 'a').write({words!r})\n{then}\n"
    )
    return f"{sys.executable} {script}"


def drafts(home):
    """The texts that were kept."""
    return [each.read_text() for each in sorted(home.glob("state/drafts/*"))]


def kept_file(ending):
    """The file that the message names."""
    words = " ".join(ending.err.split()).partition("Your text is kept: --message-file ")[2]
    return words.partition(" sends it.")[0]


def writes(world, tmp_path, words, typing, *more):
    """How it ends when Ada writes `words` in her editor and types `typing`."""
    ada = world.shell("ada").with_env(EDITOR=an_editor(tmp_path, words))
    return ada.at_a_screen(typing)([*CONTACT, *more])


@pytest.mark.parametrize(
    ("words", "typing", "code"),
    [("Is there a ramp?\n", "y\nn\n", 9), ("x" * 2001, "y\n", 2), ("Is\x00it?", "y\n", 2)],
)
def test_a_text_that_is_not_sent_is_kept_and_can_be_sent_from_there(
    world, tmp_path, words, typing, code
):
    ending = writes(world, tmp_path, words, typing)
    assert (ending.code, written(world, "ada")) == (code, [])
    assert drafts(world.home) == [f"{words.strip()}\n"]
    if code == 2:
        return
    world.shell("ada").json(f"gpcli contact --subject A --message-file {kept_file(ending)} --yes")
    assert (drafts(world.home), len(written(world, "ada"))) == ([], 2)


def test_a_rehearsal_keeps_what_was_written_and_what_is_sent_is_not_kept(world, tmp_path):
    ending = writes(world, tmp_path, "Is there a ramp?", "", "--dry-run")
    assert (ending.code, drafts(world.home)) == (0, ["Is there a ramp?\n"])
    Path(kept_file(ending)).unlink()
    ending = writes(world, tmp_path, "Is there a ramp?", "y\ny\n")
    assert (ending.code, drafts(world.home)) == (0, [])


def test_what_can_not_wait_is_not_even_written(world, tmp_path):
    ending = writes(world, tmp_path, "It hurts.", "n\n")
    assert (ending.code, written(world, "ada"), drafts(world.home)) == (9, [], [])
    ending = writes(world, tmp_path, "It hurts.", "y\n", "--can-wait")
    assert ("Can it wait" in ending.err, ending.code) == (False, 0)


@pytest.mark.real
@pytest.mark.parametrize("number", ["SIGTERM", "SIGHUP"])
def test_who_is_ended_while_writing_finds_the_text_and_no_page_stays(live, tmp_path, number):
    runtime = tmp_path / "run"
    runtime.mkdir(mode=0o700)
    env = as_person(live, tmp_path, "ada", XDG_RUNTIME_DIR=str(runtime))
    end = f"os.kill(os.getppid(), signal.{number})\nsignal.pause()"
    env["EDITOR"] = an_editor(tmp_path, "Is there a ramp?\n", end)
    person = at_a_terminal(f"exec {PYTHON} contact --subject Ramp --can-wait", env)
    person.expect(pexpect.EOF)
    person.close()
    assert (person.exitstatus, list(runtime.iterdir())) == (143, [])
    [draft] = tmp_path.rglob("drafts/*.txt")
    assert draft.read_text() == "Is there a ramp?\n"


STUBBORN = """
signal.signal(signal.SIGTERM, signal.SIG_IGN)
import tty
tty.setraw(0)
os.kill(os.getppid(), signal.SIGTERM)
while True:
    signal.pause()
"""


@pytest.mark.real
def test_an_editor_that_had_to_be_killed_leaves_the_terminal_as_it_was(live, tmp_path):
    env = as_person(live, tmp_path, "ada")
    env["EDITOR"] = an_editor(tmp_path, "Is there a ramp?\n", STUBBORN)
    person = at_a_terminal(
        f"stty -a | grep -ow -e '-*icanon' -e '-*echo'; "
        f"{PYTHON} contact --subject Ramp --can-wait; echo ended $?; "
        f"stty -a | grep -ow -e '-*icanon' -e '-*echo'",
        env,
    )
    person.expect(pexpect.EOF)
    person.close()
    before, _, after = person.before.partition("ended 143")
    assert before.split()[:2] == after.split() == ["icanon", "echo"]


def has_read_all(pid):
    """Whether a process has read what was typed: Ctrl-C discards what waits in the terminal."""
    terminal = os.open(f"/proc/{pid}/fd/0", os.O_RDONLY | os.O_NOCTTY)
    try:
        return fcntl.ioctl(terminal, termios.FIONREAD, bytes(4)) == bytes(4)
    finally:
        os.close(terminal)


@pytest.mark.real
def test_what_was_typed_at_the_terminal_is_kept_when_it_is_interrupted(live, tmp_path):
    env = as_person(live, tmp_path, "ada")
    person = at_a_terminal(f"exec {PYTHON} contact --subject Ramp --can-wait", env)
    person.expect("Ctrl-D")
    person.sendline("Is there a ramp?")
    person.expect_exact("Is there a ramp?\r\n")
    person.sendline("Or a lift?")
    person.expect_exact("Or a lift?\r\n")
    wait_until(lambda: has_read_all(person.pid), "the second line was not read")
    person.sendintr()
    person.expect(pexpect.EOF)
    person.close()
    assert person.exitstatus == 130
    [draft] = tmp_path.rglob("drafts/*.txt")
    assert draft.read_text() == "Is there a ramp?\nOr a lift?\n"
