"""Makes the ready answers of `gpcli.fastpath` from the command tree: `python -m gpcli.cli.tables`.

Writes `gpcli/fastpath/table.py`, and the completion scripts into `completions/`.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from gpcli.cli import completion, pages, registry, values
from gpcli.cli.lazy import PROGRAM, load
from gpcli.cli.options import GLOBAL, WRITE, Global
from gpcli.cli.row import Group, Registry, Row
from gpcli.cli.topics import topics

LONGEST = 100
"""Characters of a tuple that stays on one line of the table."""

ROOT = Path(__file__).parents[2]
TABLE = ROOT / "gpcli" / "fastpath" / "table.py"
COMPLETIONS = ROOT / "completions"
SCRIPTS = Path(__file__).parent / "scripts"

HEAD = '''"""Ready answers, made by `python -m gpcli.cli.tables`: change the commands, not this."""

# fmt: off
# ruff: noqa: E501
'''

Option = tuple[str, tuple[str, ...] | None, str]
GroupPage = tuple[str, tuple[tuple[str, tuple[tuple[str, str], ...]], ...], str]


def table_source(commands: Registry) -> str:
    """The source of `gpcli.fastpath.table` for a registry."""
    built = {row.path: load(row) for row in commands.rows}
    tables = {
        "GROUPS": {
            "": root_page(commands),
            **{g.path: group_page(commands, g) for g in commands.groups},
        },
        "PAGES": {row.path: pages.command_page(row, built[row.path]) for row in commands.rows},
        "TOPICS": topics(),
        "SCRIPTS": {shell: script(shell) for shell in completion.SHELLS},
        "SUMMARIES": tuple((it.path, it.summary) for it in _in_order(commands, "")),
        "STARTS": tuple(row.path for row in commands.starting()),
        "WRITES": tuple(row.path for row in commands.rows if row.writes),
        "OPTIONS": {path: _options(path, command) for path, command in built.items()},
        "ARGUMENTS": {path: _arguments(path, command) for path, command in built.items()},
        "GLOBAL": tuple(_global(option) for option in GLOBAL),
        "WRITE": tuple(_global(option) for option in WRITE),
    }
    return "\n".join([HEAD, *(f"{name} = {_literal(value)}" for name, value in tables.items()), ""])


def root_page(commands: Registry) -> GroupPage:
    """The root's help: head, sections of (name, line), tail."""
    head = pages.section(
        "Your GP's online services, from the command line.\n\nUSAGE",
        [f"  {PROGRAM} COMMAND [OPTIONS]"],
    )
    everything = _in_order(commands, "", deep=False)
    entries = [(it.section, it.path, it.summary) for it in everything]
    lines = _lines([(path, summary) for _, path, summary in entries])
    sections = tuple(
        (title, tuple((path, lines[path]) for at, path, _ in entries if at == title))
        for title in registry.SECTIONS
    )
    learn = pages.columns(
        [
            (f"{PROGRAM} COMMAND --help", "What a command takes, with examples"),
            (f"{PROGRAM} help TOPIC", ", ".join(topics())),
            (f"{PROGRAM} --version", "The version of gpcli"),
        ]
    )
    options = pages.section("GLOBAL OPTIONS, anywhere on the line", pages.global_lines())
    return head, sections, "\n".join([options, pages.section("LEARN MORE", learn)])


def group_page(commands: Registry, group: Group) -> GroupPage:
    """The help of a group, of the same shape as the root's."""
    usage = pages.section("USAGE", [f"  {PROGRAM} {group.path} COMMAND [OPTIONS]"])
    rows = [row for row in commands.rows if row.group == group.path]
    lines = _lines([(row.name, row.summary) for row in rows])
    shown = tuple((row.path, lines[row.name]) for row in rows)
    learn = pages.columns([(f"{PROGRAM} {group.path} COMMAND --help", "What a command takes")])
    return (
        f"{group.summary}.\n\n{usage}",
        (("COMMANDS", shown),),
        pages.section("LEARN MORE", learn),
    )


def script(shell: str) -> str:
    """The completion script for `shell`."""
    return (SCRIPTS / completion.SHELLS[shell]).read_text(encoding="utf-8")


def write_files() -> None:
    """Write the table and the completion scripts into the source tree."""
    TABLE.write_text(table_source(registry.REGISTRY), encoding="utf-8")
    for shell, name in completion.SHELLS.items():
        (COMPLETIONS / name).write_text(script(shell), encoding="utf-8")


def _in_order(commands: Registry, path: str, *, deep: bool = True) -> Iterator[Row | Group]:
    for name in commands.children(path):
        below = f"{path} {name}".lstrip()
        found = commands.row(below) or commands.group(below)
        if found is None:
            raise LookupError(f"'{below}' has commands but is no group of the registry")
        yield found
        if deep and isinstance(found, Group):
            yield from _in_order(commands, below)


def _lines(pairs: list[tuple[str, str]]) -> dict[str, str]:
    widest = max(len(name) for name, _ in pairs) + 2
    return {name: f"  {name:{widest}}{summary}" for name, summary in pairs}


def _options(path: str, command: Any) -> tuple[Option, ...]:
    own = (param for param in command.params if not param.name.startswith("global_"))
    return tuple(
        option
        for param in own
        if param.param_type_name == "option" and not param.hidden
        for option in _flags(path, param)
    )


def _flags(path: str, param: Any) -> Iterator[Option]:
    words = None if param.is_flag else values.option_words(path, param)
    note = " ".join((param.help or "").split())
    for flag in (*param.opts, *param.secondary_opts):
        yield flag, words, note


def _arguments(path: str, command: Any) -> tuple[tuple[str, ...], ...]:
    if path == "help":
        return (tuple(topics()),)
    params = [param for param in command.params if param.param_type_name == "argument"]
    return values.argument_words(path, params)


def _global(option: Global) -> Option:
    words = values.VALUES.get(option.flag, ()) if option.metavar else None
    return option.flag, words, option.help


def _literal(value: object, indent: str = "") -> str:
    """`value` as source, texts line by line so that changes to them can be read."""
    inside = f"{indent}    "
    if isinstance(value, dict):
        entries = [f"{key!r}: {_literal(one, inside)}" for key, one in value.items()]
        return _bracketed("{", entries, "}", indent, ",")
    if isinstance(value, str) and "\n" in value:
        lines = [repr(line) for line in value.splitlines(keepends=True)]
        return _bracketed("(", lines, ")", indent, "")
    if isinstance(value, tuple) and len(repr(value)) > LONGEST:
        return _bracketed("(", [_literal(one, inside) for one in value], ")", indent, ",")
    return repr(value)


def _bracketed(opening: str, entries: list[str], closing: str, indent: str, comma: str) -> str:
    lines = (f"{indent}    {entry}{comma}" for entry in entries)
    return "\n".join([opening, *lines, f"{indent}{closing}"])


if __name__ == "__main__":
    write_files()
