"""Help pages, drawn from the command tree: what `gpcli COMMAND --help` says."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable
from typing import Any

from gpcli.cli.commands.specs import CommandSpec
from gpcli.cli.global_options import GLOBAL, WRITE, GlobalOption
from gpcli.cli.lazy_group import PROGRAM, argument_name

WIDTH = 80
INDENT = "  "
WIDEST_TERM = 30

Pair = tuple[str, str]


def command_page(row: CommandSpec, command: Any) -> str:
    """The page of one command. `command` is what typer built for `row`."""
    arguments = [param for param in command.params if _shown(param, "argument")]
    options = [param for param in command.params if _shown(param, "option")]
    return "\n".join(
        [
            _about(row),
            section("USAGE", [f"{INDENT}{_usage(row, arguments)}"]),
            *_listed("ARGUMENTS", [(_named(param), _help(param)) for param in arguments]),
            *_listed("OPTIONS", [(option_name(param), _help(param)) for param in options]),
            *_listed("WHEN SENDING", [] if not row.writes else _globals(WRITE, own_flags(command))),
            *_examples(row),
            section("GLOBAL OPTIONS", _compact(own_flags(command))),
        ]
    )


def section(title: str, lines: Iterable[str]) -> str:
    """A titled part of a page, with an empty line after it unless it is the last."""
    return "\n".join([title, *lines, ""])


def columns(pairs: list[Pair], *, width: int = WIDTH) -> list[str]:
    """Pairs of a term and what it means as aligned lines, wrapped at `width`."""
    terms = [len(term) for term, _ in pairs if len(term) <= WIDEST_TERM]
    left = max(terms, default=WIDEST_TERM) + 2
    return [line for term, meaning in pairs for line in _pair(term, meaning, left, width)]


def global_lines() -> list[str]:
    """A line or more for each option that every command has."""
    return columns([*_globals(GLOBAL, set()), ("-h, --help", "Help on a command, or on gpcli")])


def write_lines() -> list[str]:
    """A line or more for each option of commands that send."""
    return columns(_globals(WRITE, set()))


def own_flags(command: Any) -> set[str]:
    """The flags that a command has of its own."""
    own = (param for param in command.params if not param.name.startswith("global_"))
    return {flag for param in own for flag in param.opts}


def option_name(param: Any) -> str:
    """An option as its help shows it: `-y, --yes`, `--from DAY`, `--wait / --no-wait`."""
    flags = ", ".join(sorted(param.opts, key=len))
    if param.is_flag:
        return " / ".join([flags, *param.secondary_opts])
    return f"{flags} {_metavar(param)}"


def _about(row: CommandSpec) -> str:
    paragraphs = [f"{row.summary}.", *filter(None, row.about.split("\n\n"))]
    return "\n\n".join(_paragraph(text) for text in paragraphs) + "\n"


def _paragraph(text: str) -> str:
    return textwrap.fill(" ".join(text.split()), WIDTH, break_on_hyphens=False)


def _usage(row: CommandSpec, arguments: list[Any]) -> str:
    words = [_argument_usage(param) for param in arguments]
    last = any(word.startswith("-- ") for word in words)
    order = ["[OPTIONS]", *words] if last else [*words, "[OPTIONS]"]
    return " ".join([PROGRAM, row.path, *order])


def _argument_usage(param: Any) -> str:
    if param.metavar and not param.metavar.startswith("["):
        return str(param.metavar)
    return _named(param) if param.required else f"[{_named(param)}]"


def _named(param: Any) -> str:
    several = param.nargs == -1 and not (param.metavar or "").startswith("-- ")
    return argument_name(param) + ("..." if several else "")


def _metavar(param: Any) -> str:
    if param.metavar:
        return str(param.metavar)
    if choices := getattr(param.type, "choices", None):
        return "|".join(str(choice) for choice in choices)
    return str(param.type.name).upper()


def _help(param: Any) -> str:
    text = " ".join((param.help or "").split())
    default = param.default
    if param.required and param.param_type_name == "option":
        return f"{text} (required)"
    if param.show_default is False or default in (None, False, "", []) or callable(default):
        return text
    written = param.show_default if isinstance(param.show_default, str) else _written(default)
    return f"{text} (default: {written})"


def _written(default: Any) -> str:
    if isinstance(default, list | tuple):
        return ", ".join(str(getattr(part, "value", part)) for part in default)
    return str(getattr(default, "value", default))


def _globals(options: Iterable[GlobalOption], own: set[str]) -> list[Pair]:
    return [
        (f"{option.flag} {option.metavar}".strip(), option.help)
        for option in options
        if option.flag not in own
    ]


def _compact(own: set[str]) -> list[str]:
    flags = " ".join(option.flag for option in GLOBAL if option.flag not in own)
    text = f"{flags} (gpcli help options)"
    return textwrap.wrap(
        text, WIDTH, initial_indent=INDENT, subsequent_indent=INDENT, break_on_hyphens=False
    )


def _examples(row: CommandSpec) -> list[str]:
    if not row.examples:
        return []
    blocks = [f"{INDENT}# {what}\n{INDENT}{typed}" for what, typed in row.examples]
    return [section("EXAMPLES", ["\n\n".join(blocks)])]


def _listed(title: str, pairs: list[Pair]) -> list[str]:
    return [section(title, columns(pairs))] if pairs else []


def _pair(term: str, meaning: str, left: int, width: int) -> list[str]:
    wrapped = textwrap.wrap(meaning, width - left - len(INDENT), break_on_hyphens=False) or [""]
    hanging = [f"{INDENT}{'':{left}}{line}".rstrip() for line in wrapped]
    if len(term) > left - 2:
        return [f"{INDENT}{term}", *hanging]
    return [f"{INDENT}{term:{left}}{wrapped[0]}".rstrip(), *hanging[1:]]


def _shown(param: Any, kind: str) -> bool:
    mine = not param.name.startswith("global_")
    return bool(mine and param.param_type_name == kind and not param.hidden)
