"""What people see of every list, whole: at three widths, and where the clock is another.

The pictures are in `pictures/`, one file each. `UPDATE_PICTURES=1` writes them anew: look at each
difference before it is committed.
"""

from __future__ import annotations

import io
import os
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import pytest

from gpcli.render.columns import display_width
from gpcli.sandbox.server import Sandbox
from tests.journeys.shell import Shell
from tests.journeys.test_outbox import cut_off
from tests.journeys.world import MONDAY, World, machine_in

PICTURES = Path(__file__).parent / "pictures"
HEIGHT, MOST_LINES = 24, 120
"""The lines of the terminals, and the most of a picture."""


@dataclass(frozen=True)
class Screen:
    """A terminal: how wide it is, and where in the world."""

    width: int
    zone: str = "Europe/Oslo"

    @property
    def name(self) -> str:
        """The end of a file's name."""
        place = "" if self.zone == "Europe/Oslo" else f"-{self.zone.partition('/')[2].lower()}"
        return f"{self.width}{place}"


class Glass(io.StringIO):
    """A terminal in memory, which shows what is typed as well."""

    encoding = "utf-8"

    def isatty(self) -> bool:
        """It is one."""
        return True


class Keyboard(Glass):
    """What a person types at `glass`, line by line."""

    def __init__(self, typed: str, glass: Glass) -> None:
        super().__init__(typed)
        self._glass = glass

    def readline(self, size: int | None = -1, /) -> str:
        """Return the next line, which the terminal shows."""
        line = super().readline(size)
        self._glass.write(line)
        return line


SCREENS = (Screen(50), Screen(80), Screen(120), Screen(80, "America/New_York"))

LINES = {
    "ada": (
        "slots",
        "services",
        "services booking",
        "rx list",
        "rx list --all",
        "rx list --fields id,name,remaining,valid_until,renewal",
        "rx show rx-c28xcqvq",
        "rx requests",
        "appointments list",
        "appointments show a-2xwr5jqm",
        "messages list",
        "messages show t-9rcz8zjj",
        "gp",
        "flu",
        "whoami",
        "consent show",
        "profile list",
        "outbox list",
        "sandbox people",
    ),
    "bo": ("services", "book", "appointments list"),
    "cecilie": ("services",),
    "david": ("services",),
    "eva": ("gp",),
    "finn": ("services", "services booking", "slots -n 12", "appointments list", "messages list"),
    "hans": (
        "slots",
        "messages list -n 12",
        "rx list",
        "book --with Kvam",
    ),
}
"""The lines that each person has a picture of."""

KEPT = ("profile", "outbox")
"""What begins a line that shows what gpcli keeps on this computer."""

TYPED = {"hans book --with Kvam": "2\nn\n"}
"""What is typed where a line asks."""

PICTURED = [(person, line) for person, lines in LINES.items() for line in lines]


def shell_of(world: World, person: str, line: str) -> Shell:
    """The shell of `person`, whose clock stands still; what is kept is in the home of its lines."""
    home = "kept" if line.startswith(KEPT) else person
    shell = world.shell(person).at(lambda: MONDAY)
    return shell.with_env(GPCLI_CONFIG_DIR=str(world.home / home))


@pytest.fixture(scope="module")
def gallery(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A portal of which nothing but pictures is taken, a profile, and a request that was lost."""
    with Sandbox(clock=MONDAY, seed=1) as sandbox:
        world = World(sandbox, tmp_path_factory.mktemp("home"))
        ada = shell_of(world, "ada", "outbox list")
        ended = ada(f"gpcli profile add home {sandbox.fhir_base} --environment sandbox")
        assert ended.code == 0, ended
        request = "--request-id 00000000-0000-4000-8000-000000000001"
        lost = cut_off(ada, arrives=False)(f"gpcli messages mark-read t-9rcz8zjj --yes {request}")
        assert lost.code == 10, lost
        yield world


@pytest.fixture(scope="module")
def draw(gallery: World) -> Callable[[str, str, Screen], str]:
    """`draw(person, line, screen)` is what is on the screen after the line; ports are 0."""

    @cache
    def drawn(person: str, line: str, screen: Screen) -> str:
        glass = Glass()
        typed = Keyboard(TYPED.get(f"{person} {line}", ""), glass)
        size = {"COLUMNS": str(screen.width), "LINES": str(HEIGHT)}
        shell = shell_of(gallery, person, line).with_env(NO_COLOR="1", GPCLI_PAGER="", **size)
        with machine_in(screen.zone):
            replace(shell, terminal=None, stdout=glass, stderr=glass, typing=typed)(f"gpcli {line}")
        port = re.search(r":(\d+)/", gallery.sandbox.fhir_base)[1]
        return glass.getvalue().replace(f":{port}/", f":{'0' * len(port)}/")

    return drawn


def file_of(person: str, line: str, screen: Screen) -> Path:
    """Where a picture is."""
    words = re.sub(r"[^a-z0-9]+", "-", line.lower()).strip("-")
    return PICTURES / person / f"{words}-{screen.name}.txt"


@pytest.mark.parametrize("screen", SCREENS, ids=lambda screen: screen.name)
@pytest.mark.parametrize(("person", "line"), PICTURED)
def test_a_list_looks_as_in_its_picture(draw, person, line, screen):
    picture = draw(person, line, screen)
    file = file_of(person, line, screen)
    if os.environ.get("UPDATE_PICTURES"):
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(picture, encoding="utf-8", newline="\n")

    assert picture == file.read_text(encoding="utf-8")


@pytest.mark.parametrize("screen", SCREENS, ids=lambda screen: screen.name)
@pytest.mark.parametrize(("person", "line"), PICTURED)
def test_no_picture_breaks_a_word_or_goes_beyond_its_screen(draw, person, line, screen):
    picture = draw(person, line, screen)
    roomy = draw(person, line, replace(screen, width=500))
    lines = picture.splitlines()

    assert sorted(words_of(picture) - words_of(roomy) - {"here"}) == []
    assert [each for each in lines if display_width(each) > screen.width] == []
    assert len(lines) <= MOST_LINES


def words_of(picture: str) -> set[str]:
    """What stands between spaces; blocks have the clock here in brackets."""
    return set(re.split(r"[\s();]+", picture))


def test_every_picture_is_one_that_is_taken():
    taken = {file_of(*pictured, screen) for pictured in PICTURED for screen in SCREENS}

    assert sorted(set(PICTURES.rglob("*.txt")) ^ taken) == []
