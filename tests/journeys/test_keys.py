"""How many keys the commonest errands take, pressed at a real terminal."""

from __future__ import annotations

import re
import shlex
import sys
from dataclasses import dataclass

import pexpect
import pytest

from tests.journeys.process import as_person

BEFORE = 24 + 22 + 21 + 17 + 23 + 30 + 51 + 65
"""What the same eight took without today, next, move, and questions that know what is meant."""

CODES = re.compile(r"\x1b\[[0-9;]*m")


@dataclass(frozen=True)
class Errand:
    """A line after `gpcli`, what is typed at each question (with what it asks), and what is told.

    `text` is how many of the characters typed are the person's own words.
    """

    line: str
    answers: tuple[tuple[str, str], ...]
    told: str
    text: int = 0

    @property
    def keys(self) -> int:
        """Every character that is typed, and Enter at the end of each line."""
        typed = (f"gpcli {self.line}".strip(), *(answer for _, answer in self.answers))
        return sum(len(each) + 1 for each in typed) - self.text


AGREED = ("[y/N] ", "y")
SUBJECT = "Knee"
ERRANDS = {
    "next visit": Errand("", (), "Next visit  "),
    "earliest time": Errand("slots", (), "ID          When"),
    "book it": Errand("book", (("quit: ", "1"), AGREED), "Booked: "),
    "cancel": Errand("cancel", (AGREED,), "Cancelled: "),
    "renew what is low": Errand("renew", (("[Y/n] ", ""), ("or q: ", ""), AGREED), "asked for"),
    "ask the doctor": Errand(
        "ask",
        (("[Y/n] ", ""), AGREED, ("or q: ", "1"), ("Subject: ", SUBJECT), AGREED),
        "Sent",
        len(SUBJECT) + 1,
    ),
    "read an answer and mark it": Errand(
        "messages show", (("or q: ", "1"), ("[r/m/Q] ", "m")), "marked as read"
    ),
    "move": Errand("move", (("quit: ", "1"), AGREED), "Moved"),
}


def test_the_commonest_errands_take_half_of_the_keys_that_they_took():
    assert sum(errand.keys for errand in ERRANDS.values()) <= BEFORE // 2


@pytest.mark.real
@pytest.mark.parametrize("name", ERRANDS)
def test_an_errand_is_done_by_these_keys(live, tmp_path, name):
    errand = ERRANDS[name]
    editor = tmp_path / "editor"
    editor.write_text(
        f"#!{sys.executable}\nimport sys\nopen(sys.argv[1], 'w').write('It hurts.')\n"
    )
    editor.chmod(0o700)
    env = as_person(live, tmp_path, "ada", VISUAL=str(editor), GPCLI_PAGER="", TERM="xterm")
    person = pexpect.spawn(
        sys.executable,
        ["-m", "gpcli", *shlex.split(errand.line)],
        env={**env, "COLUMNS": ""},
        cwd=tmp_path,
        encoding="utf-8",
        timeout=30,
        dimensions=(24, 80),
    )
    for question, answer in errand.answers:
        person.expect_exact(question)
        person.sendline(answer)
    person.expect(pexpect.EOF)
    person.close()

    assert (person.exitstatus, errand.told in CODES.sub("", person.before)) == (0, True)
