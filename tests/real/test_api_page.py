"""The page on `gpcli api`: what it shows is what bash, jq and the sandbox do.

`apt-get install jq`. Fences are as in `test_scripting_page`.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from gpcli.sandbox.server import Sandbox
from tests.journeys.process import ROOT, as_person
from tests.real.test_scripting_page import lay_out, read_recipes

SECTIONS = read_recipes((ROOT / "docs" / "api.md").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox() as sandbox:
        yield sandbox


@pytest.mark.parametrize("title", [title for title in SECTIONS if SECTIONS[title].consoles])
def test_what_a_section_shows_is_what_comes(sandbox, tmp_path, title):
    sandbox.reset()
    place = lay_out(SECTIONS[title], as_person(sandbox, tmp_path, "ada"))
    place.play(0)


def test_every_section_but_the_limits_is_played():
    assert [title for title in SECTIONS if not SECTIONS[title].consoles] == ["Limits"]
    assert {len(each.consoles) for each in SECTIONS.values()} <= {0, 1}
