"""Every command that a page or a topic of help names is one of gpcli's."""

import re
from pathlib import Path

import pytest

from gpcli.cli.commands.registry import REGISTRY
from gpcli.cli.help_commands import build_topics

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
TOPICS = build_topics()
_CODE = re.compile(r"^```\w*\n(.*?)^```|`([^`\n]+)`", re.MULTILINE | re.DOTALL)
_COMMAND = re.compile(
    r"""(?:^\ *|[-;|&({'"$]\ ?)gpcli\ ([a-z][a-z-]*(?:\ [a-z][a-z-]*)*)""",
    re.MULTILINE | re.VERBOSE,
)
"""`gpcli` where a command begins, and the words up to an option or an argument in capitals."""


def list_code(page: str) -> str:
    """What a page has as code, a line for each span."""
    return "\n".join("".join(parts) for parts in _CODE.findall(page))


def find_unknown(text: str) -> list[str]:
    """The commands in a text that are none."""
    return [line for line in _COMMAND.findall(text) if not is_known(line)]


def is_known(line: str) -> bool:
    """Whether the words begin with a command, or with a group and nothing after it."""
    path = ""
    for word in line.split():
        below = REGISTRY.list_names(path)
        if not below or word not in below:
            return not below
        path = f"{path} {word}".strip()
    return True


def is_sentence(line: str) -> bool:
    """Whether a line of a topic begins with what gpcli does: `gpcli ends with one of …`."""
    return re.match(r" *gpcli [a-z]+s ", line) is not None and not is_known(line.split()[1])


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_page_names_only_commands_that_there_are(page):
    assert find_unknown(list_code(page.read_text(encoding="utf-8"))) == []


@pytest.mark.parametrize("topic", TOPICS)
def test_a_topic_names_only_commands_that_there_are(topic):
    lines = [each for each in TOPICS[topic].splitlines() if not is_sentence(each)]

    assert find_unknown("\n".join(lines)) == []


def test_what_is_no_command_is_found_wherever_it_stands():
    page = '`gpcli gone`\n```sh\ngpcli slots | gpcli lost --x\neval "$(gpcli sandbox non ada)"\n'
    page += (
        "gpcli sandbox run --as ada -- gpcli tomorrow\ngpcli consent\n```\n; gpcli writes this\n"
    )

    assert find_unknown(list_code(page)) == ["gone", "lost", "sandbox non ada", "tomorrow"]
