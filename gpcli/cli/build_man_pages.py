"""Build the manual pages from the commands: `python -m gpcli.cli.build_man_pages DIRECTORY`.

The build of a wheel does, and puts them where man(1) looks: `share/man/man1/`. They are roff with
the macros of man(7), and the same at every build: they bear the version, and no date.
"""

from __future__ import annotations

import sys
import textwrap
from collections.abc import Iterable, Iterator
from pathlib import Path

from gpcli import __version__
from gpcli.cli import configuration_texts, help_commands
from gpcli.cli.app import PROGRAM, load_command
from gpcli.cli.commands.registry import REGISTRY, SECTIONS
from gpcli.cli.commands.specs import CommandSpec
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
    """Return every page: file name -> roff."""
    return {
        f"{name_page()}.1": build_program_page(),
        **{f"{name_page(spec.path)}.1": build_command_page(spec) for spec in REGISTRY.commands},
    }


def build_program_page() -> str:
    """Return the page of gpcli itself."""
    lines = [
        *_begin(name_page(), SUMMARY, f"{PROGRAM} COMMAND [OPTIONS]"),
        *_paragraphs("DESCRIPTION", [f"{PROGRAM} is {SUMMARY}. It knows these commands:"]),
    ]
    for section in SECTIONS:
        commands = [spec for spec in REGISTRY.commands if spec.section == section]
        lines += [f".SS {section}", *_pairs((spec.path, spec.summary) for spec in commands)]
    lines += [
        ".SH OPTIONS",
        "These may stand anywhere on the line, before or after the command.",
        *_pairs([*help_commands.pair_options(GLOBAL_OPTIONS), help_commands.HELP_OPTION]),
        *_pairs([("--version", "The version of gpcli")]),
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
        *_references(spec.path for spec in REGISTRY.commands),
    ]
    topics = ", ".join(help_commands.build_topics())
    lines += [".PP", *fill(f"{PROGRAM} help TOPIC tells of: {topics}.")]
    return _join(lines)


def build_command_page(spec: CommandSpec) -> str:
    """Return the page of a command."""
    about = help_commands.describe_command(spec, load_command(spec))
    lines = [
        *_begin(name_page(spec.path), spec.summary, about.usage),
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
    siblings = [
        other.path for other in REGISTRY.commands if other.group == spec.group and other != spec
    ]
    lines += [".SH SEE ALSO", *_references(["", *(siblings if spec.group else ())])]
    return _join(lines)


def write_pages(directory: Path) -> None:
    """Write every page into `directory`, and delete what else is there."""
    directory.mkdir(parents=True, exist_ok=True)
    pages = build_pages()
    for path in directory.iterdir():
        if path.name not in pages:
            path.unlink()
    for name, page in pages.items():
        (directory / name).write_text(page, encoding="ascii", newline="\n")


def _begin(name: str, summary: str, usage: str) -> Iterator[str]:
    yield f'.TH "{escape(name.upper())}" 1 "" "{PROGRAM} {__version__}" "{PROGRAM}"'
    yield from (".nh", ".ad l")  # words and lines as they are typed, to be copied
    yield from (".SH NAME", f"{escape(name)} \\- {escape(summary)}")
    yield from (".SH SYNOPSIS", rf"\fB{escape(usage)}\fR")


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


def _references(paths: Iterable[str]) -> Iterator[str]:
    """Yield the lines that name other pages, in order."""
    names = sorted(name_page(path) for path in paths)
    for index, name in enumerate(names):
        comma = "," if index < len(names) - 1 else ""
        yield rf".BR {escape(name)} (1){comma}"


def _join(lines: Iterable[str]) -> str:
    return "\n".join([*lines, ""])


if __name__ == "__main__":
    write_pages(Path(sys.argv[1]))
