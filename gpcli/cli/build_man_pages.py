"""Build the manual pages from the commands: `python -m gpcli.cli.build_man_pages DIRECTORY`.

The build of a wheel does, and puts them where man(1) looks: commands and groups in
`share/man/man1/`, topics in `share/man/man7/`, since some are called as a command is. They are roff
with the macros of man(7), and the same at every build: they bear the version, and no date.
"""

from __future__ import annotations

import re
import sys
import textwrap
from collections.abc import Iterable, Iterator
from itertools import groupby
from pathlib import Path

from gpcli import __version__
from gpcli.cli import configuration_texts, help_commands
from gpcli.cli.app import PROGRAM, load_command
from gpcli.cli.commands.registry import REGISTRY, SECTIONS
from gpcli.cli.commands.specs import CommandSpec, GroupSpec
from gpcli.cli.global_options import GLOBAL_OPTIONS, WRITE_OPTIONS
from gpcli.cli.help_commands import Pair

WIDTH = 70
"""The characters of a line of text before what roff needs is added."""

SUMMARY = "a patient's command line to their GP's online services"

FILES = (
    ("~/.config/gpcli/config.toml", "The profiles: your portals (gpcli help profiles)"),
    (
        "~/.local/state/gpcli/",
        "Who is signed in, what your GP offers, a note of each request that was sent, drafts",
    ),
    ("~/.cache/gpcli/", "What the portal says about itself"),
)
"""Where gpcli keeps what, unless a variable names another directory."""

TOPIC_SUMMARIES = {
    "columns": "how gpcli shows lists and records, and the names of their columns",
    "dates": "how days and hours are written for gpcli",
    "environment": "the variables that gpcli reads",
    "exit-codes": "how gpcli ends, and what each code means",
    "faults": "rules by which the sandbox of gpcli goes wrong on purpose",
    "json": "what gpcli answers with --json and --ndjson",
    "keyring": "where gpcli keeps a sign-in",
    "options": "the options of every command of gpcli",
    "privacy": "what gpcli keeps, shows and sends, and to whom",
    "profiles": "the file of the portals that gpcli knows, and its keys",
    "sandbox": "a GP portal on your own machine to try gpcli with",
    "scripting": "what a script can rely on when it runs gpcli",
    "smoke": "how gpcli smoke checks a portal, and what a profile tells it",
}
"""Topic -> what it is about, as apropos(1) shows it."""

_TITLE = re.compile(r"[A-Z]{2}.*")

_ESCAPES = str.maketrans(
    {
        "\\": r"\(rs",
        "-": r"\-",
        "'": r"\(aq",
        "`": r"\(ga",
        "^": r"\(ha",
        "~": r"\(ti",
        "…": "...",
        "–": r"\-",
    }
)
"""What roff would read as a command, or write as another character than the one that is typed."""


def escape(text: str) -> str:
    """Return a line of text as roff that shows it as it is, so that it can be copied."""
    escaped = "".join(
        letter if letter.isascii() else f"\\[u{ord(letter):04X}]"
        for letter in text.translate(_ESCAPES)
    )
    return rf"\&{escaped}" if escaped.startswith(".") else escaped


def fill(text: str) -> list[str]:
    """Return running text as lines of roff, of some 70 characters."""
    lines = textwrap.wrap(text, WIDTH, break_long_words=False, break_on_hyphens=False)
    return [escape(line) for line in lines]


def name_page(path: str = "") -> str:
    """Return the name of the page of a command, or of the program."""
    return "-".join([PROGRAM, *path.split()])


def build_pages() -> dict[str, str]:
    """Return every page: its path below `man` -> roff."""
    groups, commands = REGISTRY.groups, REGISTRY.commands
    topics = help_commands.build_topics()
    return {
        f"man1/{name_page()}.1": build_program_page(),
        **{f"man1/{name_page(spec.path)}.1": build_group_page(spec) for spec in groups},
        **{f"man1/{name_page(spec.path)}.1": build_command_page(spec) for spec in commands},
        **{f"man7/{name_page(name)}.7": build_topic_page(name, topics[name]) for name in topics},
    }


def build_program_page() -> str:
    """Return the page of gpcli itself."""
    lines = [
        *_begin(name_page(), SUMMARY),
        *_synopsis(f"{PROGRAM} COMMAND [OPTIONS]"),
        *_paragraphs("DESCRIPTION", [f"{PROGRAM} is {SUMMARY}. It knows these commands:"]),
    ]
    for section in SECTIONS:
        commands = [spec for spec in REGISTRY.commands if spec.section == section]
        lines += [f".SS {section}", *_pairs((spec.path, spec.summary) for spec in commands)]
    lines += [
        ".SH OPTIONS",
        "These may stand anywhere on the line, before or after the command.",
        *_pairs(help_commands.pair_options(GLOBAL_OPTIONS)),
        *_pairs(help_commands.ENDING_OPTIONS),
        ".SS COMMANDS THAT SEND",
        *_pairs(help_commands.pair_options(WRITE_OPTIONS)),
        ".SH EXIT STATUS",
        *_pairs(help_commands.pair_exit_codes()),
        ".SH ENVIRONMENT",
        *_pairs(configuration_texts.OWN_VARIABLES),
        ".SS WITHOUT CONFIGURATION OR KEYRING",
        *_pairs(configuration_texts.MACHINE_VARIABLES),
        r".SS EVERYBODY\(aqS",
        *_pairs(configuration_texts.RESPECTED_VARIABLES),
        ".SH FILES",
        *_pairs(FILES),
        ".SH SEE ALSO",
        *_references((*_list_members(""), *_list_topics())),
    ]
    return _join(lines)


def build_group_page(group: GroupSpec) -> str:
    """Return the page of a group: what is in it."""
    commands = [spec for spec in REGISTRY.commands if spec.path.startswith(f"{group.path} ")]
    lines = [
        *_begin(name_page(group.path), group.summary),
        *_synopsis(f"{PROGRAM} {group.path} COMMAND [OPTIONS]"),
        *_paragraphs("DESCRIPTION", [f"{group.summary}. There are these commands:"]),
        *_pairs((f"{PROGRAM} {spec.path}", spec.summary) for spec in commands),
        ".SH SEE ALSO",
        *_references((("", 1), *_list_members(group.path))),
    ]
    return _join(lines)


def build_topic_page(name: str, text: str) -> str:
    """Return the page of a topic; its `text` stays as it is laid out where it is indented."""
    lines = [*_begin(name_page(name), TOPIC_SUMMARIES[name], section=7), ".SH DESCRIPTION"]
    lines += _lay_out(text.splitlines())
    others = [each for each in _list_topics() if each[0] != name]
    lines += [".SH SEE ALSO", *_references((("", 1), *others))]
    return _join(lines)


def build_command_page(spec: CommandSpec) -> str:
    """Return the page of a command."""
    about = help_commands.describe_command(spec, load_command(spec))
    lines = [
        *_begin(name_page(spec.path), spec.summary),
        *_synopsis(about.usage),
        *_paragraphs("DESCRIPTION", [f"{spec.summary}.", *filter(None, spec.about.split("\n\n"))]),
        *_pairs(about.arguments),
        ".SH OPTIONS",
        escape(f"{name_page()}(1) tells of the options that every command has."),
        *_pairs(about.options),
    ]
    if about.sending:
        lines += [".SS WHEN SENDING", *_pairs(about.sending)]
    if spec.examples:
        lines.append(".SH EXAMPLES")
    for what, typed in spec.examples:
        lines += [".TP", escape(f"{what}:"), rf"\fB{escape(typed)}\fR"]
    lines += [".SH EXIT STATUS", *fill(_word_exit_status(spec))]
    siblings = [each for each in _list_members(spec.group) if each[0] != spec.path]
    near = ((spec.group, 1), *siblings) if spec.group else ()
    lines += [".SH SEE ALSO", *_references((("", 1), *near))]
    return _join(lines)


def write_pages(directory: Path) -> None:
    """Write every page below `directory`, and delete what else is there."""
    pages = build_pages()
    for path in directory.glob("man?/*"):
        if path.relative_to(directory).as_posix() not in pages:
            path.unlink()
    for name, page in pages.items():
        (directory / name).parent.mkdir(parents=True, exist_ok=True)
        (directory / name).write_text(page, encoding="ascii", newline="\n")


def _begin(name: str, summary: str, section: int = 1) -> Iterator[str]:
    yield f'.TH "{escape(name.upper())}" {section} "" "{PROGRAM} {__version__}" "{PROGRAM}"'
    yield from (".nh", ".ad l")  # words and lines as they are typed, to be copied
    yield from (".SH NAME", f"{escape(name)} \\- {escape(summary)}")


def _synopsis(usage: str) -> Iterator[str]:
    yield from (".SH SYNOPSIS", rf"\fB{escape(usage)}\fR")


def _lay_out(lines: list[str]) -> Iterator[str]:
    """Yield the roff of a topic: titles, paragraphs, and what is indented as it is."""
    is_first = True
    for kind, texts in _split_topic(lines):
        if kind == "title":
            yield f".SH {escape(texts[0])}"
        else:
            yield from () if is_first else (".PP",)
            yield from fill(" ".join(texts)) if kind == "running" else _verbatim(texts)
        is_first = kind == "title"


def _verbatim(lines: list[str]) -> Iterator[str]:
    shown = (escape(line.removeprefix(help_commands.INDENT)) for line in lines)
    yield from (".nf", ".in 2", *shown, ".in", ".fi")


def _split_topic(lines: list[str]) -> Iterator[tuple[str, list[str]]]:
    """Yield the parts of a topic: `title`, `running` text, or what is `indented`, and its lines.

    An empty line between two that are indented is one of theirs.
    """
    kinds = [_find_kind(line, below) for line, below in zip(lines, [*lines[1:], ""], strict=True)]
    for place, kind in enumerate(kinds):
        around = {kinds[place - 1], *kinds[place + 1 : place + 2]} if place else set()
        if kind == "empty" and around == {"indented"}:
            kinds[place] = "indented"
    for kind, pairs in groupby(zip(kinds, lines, strict=True), key=lambda pair: pair[0]):
        if kind != "empty":
            yield kind, [text for _, text in pairs]


def _find_kind(line: str, below: str) -> str:
    if not line:
        return "empty"
    if line.startswith(" "):
        return "indented"
    is_title = _TITLE.fullmatch(line) and below.startswith(help_commands.INDENT)
    return "title" if is_title else "running"


def _list_members(group: str) -> Iterator[tuple[str, int]]:
    """Yield the groups and commands directly in a group, with the section of their pages."""
    specs: tuple[GroupSpec | CommandSpec, ...] = (*REGISTRY.groups, *REGISTRY.commands)
    for spec in specs:
        if spec.path.rpartition(" ")[0] == group:
            yield spec.path, 1


def _list_topics() -> Iterator[tuple[str, int]]:
    """Yield the topics, with the section of their pages."""
    for name in help_commands.build_topics():
        yield name, 7


def _word_exit_status(spec: CommandSpec) -> str:
    sent = "; 10 where it may have been sent and no answer came" if spec.writes else ""
    return f"0 where it was done{sent}. {name_page()}(1) tells of the others."


def _paragraphs(title: str, texts: Iterable[str]) -> Iterator[str]:
    yield f".SH {title}"
    for index, text in enumerate(texts):
        if index:
            yield ".PP"
        yield from fill(text)


def _pairs(pairs: Iterable[Pair]) -> Iterator[str]:
    for term, meaning in pairs:
        yield from (".TP", rf"\fB{escape(term.strip())}\fR", *fill(meaning))


def _references(pages: Iterable[tuple[str, int]]) -> Iterator[str]:
    """Yield the lines that name other pages, by section and name."""
    names = sorted((section, name_page(path)) for path, section in pages)
    for index, (section, name) in enumerate(names):
        comma = "," if index < len(names) - 1 else ""
        yield rf".BR {escape(name)} ({section}){comma}"


def _join(lines: Iterable[str]) -> str:
    return "\n".join([*lines, ""])


if __name__ == "__main__":
    write_pages(Path(sys.argv[1]))
