"""What gpcli is called where it is installed and found, in every text of the project."""

import os
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from gpcli.installation.install_line import DISTRIBUTION

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
ADDRESS = PROJECT["urls"]["Homepage"]
COMMAND = "gpcli"

NOT_OURS = {"node_modules", "__pycache__", "build", "dist", "artifacts"}
OUR_HIDDEN = {".ci", ".github"}

_INSTALLS = re.compile(
    r"\b(?:pip3?|pipx|uv|uvx)\b[^|;&`\n]*\b(?:install|inject|add|run|runpip|upgrade|reinstall)\b"
    rf"[^|;&`\n]*[\s'\"]{COMMAND}(?![\w./-])"
)
_WITH_AN_EXTRA = re.compile(rf"(?<![\w.:-]){COMMAND}\[[a-z]+\]")


def walk_texts() -> Iterator[tuple[Path, str]]:
    """Every text file of the project, and what is in it."""
    for place, directories, names in os.walk(ROOT):
        directories[:] = [
            name
            for name in directories
            if name not in NOT_OURS
            and not name.endswith(".egg-info")
            and (not name.startswith(".") or name in OUR_HIDDEN)
        ]
        for name in names:
            path = Path(place) / name
            try:
                yield path, path.read_text(encoding="utf-8")
            except UnicodeDecodeError:
                continue


def find_wrong_names(text: str) -> list[str]:
    """The lines that tell people to install what is called like the command."""
    return [
        line
        for line in text.splitlines()
        if COMMAND in line and (_INSTALLS.search(line) or _WITH_AN_EXTRA.search(line))
    ]


def test_no_text_tells_people_to_install_somebody_else_s_program():
    wrong = {
        str(path.relative_to(ROOT)): lines
        for path, text in walk_texts()
        if (lines := find_wrong_names(text))
    }
    assert wrong == {}


@pytest.mark.parametrize(
    "line",
    [
        "pip install NAME",
        "python3 -m pip install --user 'NAME'",
        'pip install "NAME"',
        "pip install 'NAME[sandbox]'",
        "pipx install NAME",
        "pipx inject NAME keyring-pass",
        "uv tool install --with keyring-pass NAME",
        "uv tool upgrade NAME",
        "uv pip install NAME==0.1.0",
        "It comes with `NAME[sandbox]`.",
    ],
)
def test_such_a_line_is_found(line):
    assert find_wrong_names(line.replace("NAME", COMMAND)) != []
    assert find_wrong_names(line.replace("NAME", DISTRIBUTION)) == []


def test_the_hints_name_the_distribution_of_this_project():
    assert PROJECT["name"] == DISTRIBUTION


def test_every_address_of_the_project_is_below_one():
    assert [url for url in PROJECT["urls"].values() if not url.startswith(ADDRESS)] == []


README = (ROOT / "README.md").read_text(encoding="utf-8")
LINKS = re.findall(r"\]\(([^)]*)\)", README) + re.findall(r"https?://github[^)\s\"]*", README)
NAMED = sorted({*LINKS, *PROJECT["urls"].values()} - {ADDRESS, f"{ADDRESS}/issues"})


def test_the_readme_has_links():
    assert f"{ADDRESS}/blob/main/SECURITY.md" in NAMED


@pytest.mark.parametrize("link", NAMED)
def test_a_link_of_the_readme_is_absolute_and_its_file_exists(link):
    found = re.fullmatch(rf"{re.escape(ADDRESS)}/(?:blob|tree)/main/([^#]+)(?:#(.+))?", link)

    assert found, link
    path, heading = ROOT / found[1], found[2]
    assert path.exists()
    if heading:
        headings = re.findall(r"^#+ (.+)$", path.read_text(encoding="utf-8"), re.MULTILINE)
        assert heading in [each.lower().replace(" ", "-") for each in headings]
