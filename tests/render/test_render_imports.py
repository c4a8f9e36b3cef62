import os
import subprocess
import sys

import pytest

SHOW = """
import sys
from io import StringIO
from gpcli.errors import NotFound
from gpcli.render.output import Format, Output, Terminal
from gpcli.render.stderr import WordedPlan
from gpcli.render.view import Column, View
view = View("words", (Column("id", "ID", str),), lambda word: {"id": word})
tty = "tty" in sys.argv
output = Output(StringIO(), StringIO(), Terminal(tty, tty, tty), format=Format(sys.argv[1]))
before = set(sys.modules)
output.show_list(view, ["a", "b"])
output.show_item(view, "a", text="b")
output.notice("n")
output.plan(WordedPlan("Book", (("a", "b"),), "staging"))
output.error(NotFound("No such slot."))
print(*sorted(sys.modules))
"""
HEAVY = ("rich", "json", "zoneinfo", "difflib", "httpx", "typer", "logging", "asyncio", "pathlib")


def loaded(*words):
    done = subprocess.run(
        [sys.executable, "-c", SHOW, *words],
        capture_output=True,
        text=True,
        check=True,
        env={"PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
    )
    return set(done.stdout.split()).intersection(HEAVY)


@pytest.mark.parametrize(
    ("words", "modules"),
    [
        (["plain"], set()),
        (["auto"], set()),
        (["plain", "tty"], set()),
        (["json"], {"json"}),
        (["ndjson", "tty"], {"json"}),
    ],
)
def test_each_format_loads_only_what_it_needs(words, modules):
    assert loaded(*words) == modules


def test_a_table_on_a_terminal_loads_rich():
    assert "rich" in loaded("auto", "tty")
