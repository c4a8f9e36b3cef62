"""Build the ready answers from the commands: `python -m gpcli.cli.build_answers` in a checkout.

Writes `gpcli/cli/answer_table.py`, which is not checked in; the build of a wheel writes it as well.
The completion scripts in it are those of `completions/`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

from gpcli.care.raw_request import METHODS
from gpcli.cli import help_commands
from gpcli.cli.app import PROGRAM, load_command
from gpcli.cli.command_views import list_field_names
from gpcli.cli.commands import registry
from gpcli.cli.commands.specs import CommandSpec, GroupSpec, Registry
from gpcli.cli.global_options import GLOBAL_OPTIONS, WRITE_OPTIONS, GlobalOption, is_global
from gpcli.cli.help_commands import SHELLS, build_topics
from gpcli.cli.sandbox_env import BookingWay, Shell
from gpcli.config.index_format import (
    APPOINTMENTS,
    FIELDS,
    FILES,
    GPS,
    OUTBOX,
    PEOPLE,
    PRESCRIPTIONS,
    PROFILES,
    REQUESTS,
    SANDBOXES,
    SEVERAL,
    SLOTS,
    THREADS,
)
from gpcli.config.settings import FORMATS
from gpcli.model.service import ServiceName
from gpcli.render.json_schema import list_schema_names
from gpcli.smoke.runner import list_known_words

DAYS = ("today", "tomorrow", "monday", "next-week", "next-month", "+7d", "+14d", "+28d")
PAST_DAYS = ("today", "yesterday", "monday", "this-week", "last-week", "last-month")
HOURS = ("morning", "afternoon", "evening", "8-10", "after-14", "before-10")

SANDBOX_PEOPLE = ("ada", "bo", "cecilie", "david", "eva", "finn", "guro", "hans")
SANDBOX_CHILDREN = ("emil",)

VISITS = ("next", "today", "tomorrow", APPOINTMENTS)
"""What stands for an appointment: words, and the ids of those that were listed."""

VALUES: dict[str, tuple[str, ...]] = {
    "--profile": (PROFILES,),
    "--fields": (FIELDS,),
    "--as": (PEOPLE,),
    "--gp": (GPS,),
    "--with": (GPS,),
    "--from": DAYS,
    "--to": DAYS,
    "--weekday": (
        SEVERAL,
        *("mon", "tue", "wed", "thu", "fri", "sat", "sun", "mon-fri", "weekdays", "weekend"),
    ),
    "--between": HOURS,
    "--via": ("in-person", "phone", "video"),
    "--wait": ("30m", "8h", "2d"),
    "--every": ("1m", "5m", "15m"),
    "--booking": tuple(way.value for way in BookingWay),
    "--shell": tuple(shell.value for shell in Shell),
    "--environment": ("production", "staging", "sandbox"),
    "--accept-fee": ("any",),
    "--output": FORMATS,
    "--ca-file": (FILES,),
    "--people": (FILES,),
    "--message-file": (FILES,),
    "--input": (FILES,),
    "--method": METHODS,
    "--attach": (FILES,),
}
"""What the value of an option may be, whichever command it belongs to."""

OWN_VALUES: dict[tuple[str, str], tuple[str, ...]] = {
    ("consent withdraw", "--confirm"): ("withdraw",),
    ("book", "--replace"): VISITS,
    ("watch", "--earlier-than"): VISITS,
    ("watch", "--replace"): VISITS,
    ("econsult start", "--via"): ("text", "phone", "video"),
    ("messages list", "--kind"): ("e-consultation", "administrative"),
    ("messages list", "--from"): PAST_DAYS,
    ("messages save", "--to"): (FILES,),
    ("rx list", "--kind"): ("medicine", "consumable", "nutrition"),
    ("smoke", "--checks"): (SEVERAL, *list_known_words()),
    ("smoke", "--expect"): (SEVERAL, *(name.value for name in ServiceName)),
    ("sandbox run", "--as"): SANDBOX_PEOPLE,
    ("sandbox run", "--for"): SANDBOX_CHILDREN,
    ("sandbox env", "--for"): SANDBOX_CHILDREN,
    ("sandbox env", "--name"): (SANDBOXES,),
    ("sandbox people", "--name"): (SANDBOXES,),
    ("sandbox reset", "--name"): (SANDBOXES,),
    ("sandbox advance", "--name"): (SANDBOXES,),
    ("sandbox answer", "--name"): (SANDBOXES,),
    ("sandbox fault add", "--name"): (SANDBOXES,),
    ("sandbox fault list", "--name"): (SANDBOXES,),
    ("sandbox fault clear", "--name"): (SANDBOXES,),
}
"""What the value of one command's option, by its longest name, may be, where others mean something
else by it."""

RESOURCE_TYPES = (
    *("Appointment", "Communication", "Consent", "DocumentReference", "HealthcareService"),
    *("Immunization", "MedicationRequest", "Patient", "PractitionerRole", "Slot", "Task"),
    "metadata",
)
"""Where a path of `api` may begin."""

ARGUMENTS: dict[str, tuple[str, ...]] = {
    "api": (*METHODS, *RESOURCE_TYPES),
    "appointments show": VISITS,
    "book": (SLOTS,),
    "cancel": VISITS,
    "econsult join": VISITS,
    "econsult withdraw": VISITS,
    "flu": (SLOTS,),
    "messages mark-read": (THREADS,),
    "messages reply": (THREADS,),
    "messages save": (THREADS,),
    "messages show": (THREADS,),
    "move": VISITS,
    "open": VISITS,
    "outbox settle": (OUTBOX,),
    "outbox show": (OUTBOX,),
    "rx renew": (PRESCRIPTIONS,),
    "rx show": (PRESCRIPTIONS,),
    "rx withdraw": (REQUESTS,),
    "watch": ("status",),
    "services": tuple(name.value for name in ServiceName),
    "profile show": (PROFILES,),
    "profile use": (PROFILES,),
    "profile remove": (PROFILES,),
    "sandbox env": SANDBOX_PEOPLE,
    "completion": tuple(SHELLS),
}
"""What a command's first argument may be."""

SECOND_ARGUMENTS: dict[str, tuple[str, ...]] = {"api": RESOURCE_TYPES, "move": (SLOTS,)}
"""What a command's second argument may be."""


def list_option_words(path: str, param: Any) -> tuple[str, ...]:
    """Return the values to offer for an option of the command at `path`; empty = any."""
    flag = max(param.opts, key=len)
    return OWN_VALUES.get((path, flag)) or VALUES.get(flag) or _find_type_words(param)


def list_argument_words(path: str, params: list[Any]) -> tuple[tuple[str, ...], ...]:
    """Return the values to offer for each argument of the command at `path`; empty = any."""
    by_type = [_find_type_words(param) for param in params]
    first, second = ARGUMENTS.get(path), SECOND_ARGUMENTS.get(path)
    rest = [second] if second else by_type[1:]
    return (first, *rest) if first and by_type else tuple(by_type)


def is_repeated(params: list[Any]) -> bool:
    """Return whether the last argument may be given more than once."""
    return bool(params) and params[-1].nargs == -1


def _find_type_words(param: Any) -> tuple[str, ...]:
    """Return the values to offer for a parameter of this type; empty = any."""
    return (FILES,) if param.type.name in {"path", "file", "filename"} else ()


MAX_TUPLE = 100
"""The most characters of a tuple that stays on one line of the table."""

ROOT = Path(__file__).parents[2]
TABLE = ROOT / "gpcli" / "cli" / "answer_table.py"
COMPLETIONS = ROOT / "completions"

ABOUT = "Your GP's online services, from the command line"

HEAD = '''"""Ready answers, built by `python -m gpcli.cli.build_answers`: change the commands."""

# fmt: off
# ruff: noqa: E501
'''

Option = tuple[str, tuple[str, ...] | None, str]
"""An option: its flag, the values it takes (`None`: none, empty: any), its help."""

FirstScreen = tuple[
    str,
    tuple[str, tuple[tuple[str, str], ...]],
    tuple[tuple[str, tuple[str, ...]], ...],
    tuple[str, ...],
]
"""The help of the root: its first line, a section of (path, line), those whose commands are only
named, and the lines that lead on."""

GroupPage = tuple[str, tuple[tuple[str, tuple[tuple[str, str], ...]], ...], str]
"""The help of a group: what comes first, sections of (path, line), what comes last."""


def build_table_source(tree: Registry) -> str:
    """Return the source of `gpcli.cli.answer_table` for a registry."""
    built = {spec.path: load_command(spec) for spec in tree.commands}
    tables: dict[str, object] = {
        "ABOUT": ABOUT,
        "GROUPS": {
            "": build_command_list(tree),
            **{group.path: build_group_page(tree, group) for group in tree.groups},
        },
        "FIRST_SCREEN": build_first_screen(tree),
        "PAGES": {
            spec.path: help_commands.format_command_page(spec, built[spec.path])
            for spec in tree.commands
        },
        "TOPICS": build_topics(),
        "SCRIPTS": {shell: read_script(shell) for shell in help_commands.SHELLS},
        "SUMMARIES": tuple((spec.path, spec.summary) for spec in _list_specs(tree, "")),
        "STARTS": tuple(spec.path for spec in tree.find_service_commands()),
        "FIELDS": list_field_names(),
        "SCHEMAS": tuple(list_schema_names()),
        "WRITES": tuple(spec.path for spec in tree.commands if spec.writes),
        "REFUSED": {spec.path: spec.refuses for spec in tree.commands if spec.refuses},
        "OPTIONS": {path: _build_options(path, command) for path, command in built.items()},
        "ARGUMENTS": {path: _build_arguments(path, command) for path, command in built.items()},
        "REPEATED": tuple(
            path for path, command in built.items() if is_repeated(_find_arguments(command))
        ),
        "GLOBAL": tuple(_build_global_option(option) for option in GLOBAL_OPTIONS),
        "WRITE": tuple(_build_global_option(option) for option in WRITE_OPTIONS),
        "SHORT": {
            option.short: option.flag
            for option in (*GLOBAL_OPTIONS, *WRITE_OPTIONS)
            if option.short
        },
    }
    lines = (f"{name} = {_format_literal(value)}" for name, value in tables.items())
    return "\n".join([HEAD, *lines, ""])


def build_first_screen(tree: Registry) -> FirstScreen:
    """Return the help of the root, which fits a screen of 24 lines: CARE told, the rest named."""
    specs = list(_list_specs(tree, "", deep=False))
    told = [spec for spec in specs if spec.section == registry.CARE]
    lines = _align([(spec.path, spec.summary) for spec in told])
    others = [title for title in registry.SECTIONS if title != registry.CARE]
    widest = max(map(len, others)) + 2
    more = [
        (f"{PROGRAM} COMMAND --help", "What a command takes, with examples"),
        (
            f"{PROGRAM} help commands",
            f"All of these. More: {PROGRAM} help options, {PROGRAM} help TOPIC",
        ),
    ]
    return (
        f"{ABOUT}: {PROGRAM} COMMAND [OPTIONS]",
        (registry.CARE, tuple((spec.path, lines[spec.path]) for spec in told)),
        tuple(
            (f"{title:{widest}}", tuple(spec.path for spec in specs if spec.section == title))
            for title in others
        ),
        tuple(line.strip() for line in help_commands.format_pairs(more)),
    )


def build_command_list(tree: Registry) -> GroupPage:
    """Return the list of all commands and groups below the root, with their summaries."""
    head = help_commands.format_section(f"{ABOUT}.\n\nUSAGE", [f"  {PROGRAM} COMMAND [OPTIONS]"])
    specs = list(_list_specs(tree, "", deep=False))
    lines = _align([(spec.path, spec.summary) for spec in specs])
    sections = tuple(
        (title, tuple((spec.path, lines[spec.path]) for spec in specs if spec.section == title))
        for title in registry.SECTIONS
    )
    learn = help_commands.format_pairs(
        [
            (f"{PROGRAM} COMMAND --help", "What a command takes, with examples"),
            (f"{PROGRAM} help TOPIC", ", ".join(build_topics())),
            (f"{PROGRAM} --version", "The version of gpcli"),
        ]
    )
    return head, sections, help_commands.format_section("LEARN MORE", learn)


def build_group_page(tree: Registry, group: GroupSpec) -> GroupPage:
    """Return the help of a group."""
    usage = help_commands.format_section("USAGE", [f"  {PROGRAM} {group.path} COMMAND [OPTIONS]"])
    specs = list(_list_specs(tree, group.path, deep=False))
    lines = _align([(spec.name, spec.summary) for spec in specs])
    shown = tuple((spec.path, lines[spec.name]) for spec in specs)
    learn = help_commands.format_pairs(
        [(f"{PROGRAM} {group.path} COMMAND --help", "What a command takes")]
    )
    return (
        f"{group.summary}.\n\n{usage}",
        (("COMMANDS", shown),),
        help_commands.format_section("LEARN MORE", learn),
    )


def read_script(shell: str) -> str:
    """Read the completion script for `shell`."""
    return (COMPLETIONS / help_commands.SHELLS[shell]).read_text(encoding="utf-8")


def write_table() -> None:
    """Write the table into the source tree."""
    TABLE.write_text(build_table_source(registry.REGISTRY), encoding="utf-8", newline="\n")


def _list_specs(
    tree: Registry, path: str, *, deep: bool = True
) -> Iterator[CommandSpec | GroupSpec]:
    """Yield what is below `path`; with `deep`, after each group what is below it."""
    for name in tree.list_names(path):
        below = f"{path} {name}".lstrip()
        found = tree.find_command(below) or tree.find_group(below)
        if found is None:
            raise LookupError(f"'{below}' has commands but is no group of the registry")
        yield found
        if deep and isinstance(found, GroupSpec):
            yield from _list_specs(tree, below)


def _align(pairs: list[tuple[str, str]]) -> dict[str, str]:
    """Return name -> the line with it and its summary, which begin at the same column in all."""
    widest = max(len(name) for name, _ in pairs) + 2
    return {name: f"  {name:{widest}}{summary}" for name, summary in pairs}


def _build_options(path: str, command: Any) -> tuple[Option, ...]:
    """Return the options that only the command at `path` has; hidden ones have no help."""
    return tuple(
        option
        for param in command.params
        if param.param_type_name == "option" and not is_global(param)
        for option in _build_flags(path, param, command.bare_values)
    )


def _build_flags(path: str, param: Any, bare_values: Collection[str]) -> Iterator[Option]:
    is_alone = param.is_flag or not set(bare_values).isdisjoint(param.opts)
    words = None if is_alone else list_option_words(path, param)
    note = "" if param.hidden else " ".join((param.help or "").split())
    for flag in (*param.opts, *param.secondary_opts):
        yield flag, words, note


def _build_arguments(path: str, command: Any) -> tuple[tuple[str, ...], ...]:
    return list_argument_words(path, _find_arguments(command))


def _find_arguments(command: Any) -> list[Any]:
    return [param for param in command.params if param.param_type_name == "argument"]


def _build_global_option(option: GlobalOption) -> Option:
    words = VALUES.get(option.flag, ()) if option.metavar else None
    return option.flag, words, option.help


def _format_literal(value: object, indent: str = "") -> str:
    """Format `value` as source, texts line by line so that changes to them can be read."""
    inside = f"{indent}    "
    if isinstance(value, dict):
        entries = [f"{key!r}: {_format_literal(one, inside)}" for key, one in value.items()]
        return _bracketed("{", entries, "}", indent, ",")
    if isinstance(value, str) and "\n" in value:
        lines = [repr(line) for line in value.splitlines(keepends=True)]
        return _bracketed("(", lines, ")", indent, "")
    if isinstance(value, tuple) and len(repr(value)) > MAX_TUPLE:
        return _bracketed("(", [_format_literal(one, inside) for one in value], ")", indent, ",")
    return repr(value)


def _bracketed(opening: str, entries: list[str], closing: str, indent: str, comma: str) -> str:
    lines = (f"{indent}    {entry}{comma}" for entry in entries)
    return "\n".join([opening, *lines, f"{indent}{closing}"])


if __name__ == "__main__":
    write_table()
