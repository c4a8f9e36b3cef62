"""The README's journey, typed line by line by somebody who has never signed in before."""

from __future__ import annotations

import io
import re
import shlex
import stat
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from gpcli.cli.ready_answers import name_command
from tests.journeys.shell import SCREEN

README = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
[JOURNEY] = re.findall(r"^## Use it\n\n```sh\n(.*?)^```", README, re.MULTILINE | re.DOTALL)
LINES = [line.partition("  #")[0].strip() for line in JOURNEY.splitlines() if line.strip()]

ANSWERS = {
    "gpcli book --first": "y\ny\n",
    "gpcli book --enquiry": "y\nSore knee\ny\n",
    "gpcli move": "1\n1\ny\n",
    "gpcli cancel": "1\ny\n",
    "gpcli econsult start --via text": "y\nKnee\ny\n",
    "gpcli econsult start --via phone": "y\nKnee\ny\n",
    "gpcli econsult join": "1\n",
    "gpcli contact": "y\ny\n",
    "gpcli rx renew": "y\n",
}
"""What is typed at the questions of a line, by its beginning."""


@pytest.fixture
def editor(tmp_path: Path) -> Iterator[Path]:
    path = tmp_path / "editor"
    path.write_text(f"#!{sys.executable}\nimport sys\nopen(sys.argv[1], 'w').write('It hurts.')\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


def test_each_line_of_the_journey_works_for_ada(shell, live, editor, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    ended = {}
    for line in LINES:
        words = shlex.split(line.replace("https://portal.example/fhir/R4", live.fhir_base))
        words = words[: words.index(">")] if ">" in words else words
        words += ["--hint", "ada"] if words[1:2] == ["login"] else []
        typed = next((ANSWERS[each] for each in ANSWERS if line.startswith(each)), "")
        person = replace(
            shell, terminal=replace(SCREEN, width=80), typing=typed, stdout=io.StringIO()
        ).with_env(VISUAL=str(editor), GPCLI_PAGER="")
        if words[1:2] != ["login"]:
            person = replace(person, browse=lambda url: True)
        ending = person(["gpcli", *name_command(words[1:])])  # as the process does
        ended[line] = ending.code
        assert ending.code == 0, (line, ending.out, ending.err)
        assert ending.out or ending.err, line
    assert len(ended) > 20
