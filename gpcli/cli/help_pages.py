"""Help pages of commands, formatted from the command tree."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable
from typing import Any

from gpcli.cli.commands.specs import CommandSpec
from gpcli.cli.global_options import GLOBAL_OPTIONS, WRITE_OPTIONS, GlobalOption
from gpcli.cli.lazy_group import PROGRAM, argument_name

WIDTH = 80
INDENT = "  "
MAX_TERM_WIDTH = 30

Pair = tuple[str, str]


def format_command_page(spec: CommandSpec, command: Any) -> str:
    """Format the help page of a command; `command` is what typer built for `spec`."""
    arguments = [param for param in command.params if _is_shown(param, "argument")]
    options = [param for param in command.params if _is_shown(param, "option")]
    return "\n".join(
        [
            _format_about(spec),
            format_section("USAGE", [f"{INDENT}{_format_usage(spec, arguments)}"]),
            *_format_list(
                "ARGUMENTS",
                [(_format_argument_name(param), _format_help(param)) for param in arguments],
            ),
            *_format_list(
                "OPTIONS", [(format_option_name(param), _format_help(param)) for param in options]
            ),
            *_format_list(
                "WHEN SENDING",
                [] if not spec.writes else _option_pairs(WRITE_OPTIONS, find_own_flags(command)),
            ),
            *_format_examples(spec),
            format_section("GLOBAL OPTIONS", _format_global_flags(find_own_flags(command))),
        ]
    )


def format_section(title: str, lines: Iterable[str]) -> str:
    """Format a part of a page: its title, its lines and an empty line."""
    return "\n".join([title, *lines, ""])


def format_pairs(pairs: list[Pair], *, width: int = WIDTH) -> list[str]:
    """Format pairs of a term and its meaning as aligned lines, wrapped at `width`."""
    terms = [len(term) for term, _ in pairs if len(term) <= MAX_TERM_WIDTH]
    left = max(terms, default=MAX_TERM_WIDTH) + 2
    return [line for term, meaning in pairs for line in _format_pair(term, meaning, left, width)]


def format_global_options() -> list[str]:
    """Format the options of every command, a line or more for each."""
    return format_pairs(
        [*_option_pairs(GLOBAL_OPTIONS, set()), ("-h, --help", "Help on a command, or on gpcli")]
    )


def format_write_options() -> list[str]:
    """Format the options of commands that send, a line or more for each."""
    return format_pairs(_option_pairs(WRITE_OPTIONS, set()))


def find_own_flags(command: Any) -> set[str]:
    """Return the flags of a command that are not global options."""
    own = (param for param in command.params if not param.name.startswith("global_"))
    return {flag for param in own for flag in param.opts}


def format_option_name(param: Any) -> str:
    """Format the name of an option: `-y, --yes`, `--from DAY`, `--wait / --no-wait`."""
    flags = ", ".join(sorted(param.opts, key=len))
    if param.is_flag:
        return " / ".join([flags, *param.secondary_opts])
    return f"{flags} {_format_metavar(param)}"


def _format_about(spec: CommandSpec) -> str:
    paragraphs = [f"{spec.summary}.", *filter(None, spec.about.split("\n\n"))]
    return "\n\n".join(_format_paragraph(text) for text in paragraphs) + "\n"


def _format_paragraph(text: str) -> str:
    return textwrap.fill(" ".join(text.split()), WIDTH, break_on_hyphens=False)


def _format_usage(spec: CommandSpec, arguments: list[Any]) -> str:
    words = [_format_argument_usage(param) for param in arguments]
    last = any(word.startswith("-- ") for word in words)
    order = ["[OPTIONS]", *words] if last else [*words, "[OPTIONS]"]
    return " ".join([PROGRAM, spec.path, *order])


def _format_argument_usage(param: Any) -> str:
    if param.metavar and not param.metavar.startswith("["):
        return str(param.metavar)
    return _format_argument_name(param) if param.required else f"[{_format_argument_name(param)}]"


def _format_argument_name(param: Any) -> str:
    several = param.nargs == -1 and not (param.metavar or "").startswith("-- ")
    return argument_name(param) + ("..." if several else "")


def _format_metavar(param: Any) -> str:
    if param.metavar:
        return str(param.metavar)
    if choices := getattr(param.type, "choices", None):
        return "|".join(str(choice) for choice in choices)
    return str(param.type.name).upper()


def _format_help(param: Any) -> str:
    text = " ".join((param.help or "").split())
    default = param.default
    if param.required and param.param_type_name == "option":
        return f"{text} (required)"
    if param.show_default is False or default in (None, False, "", []) or callable(default):
        return text
    written = (
        param.show_default if isinstance(param.show_default, str) else _format_default(default)
    )
    return f"{text} (default: {written})"


def _format_default(default: Any) -> str:
    if isinstance(default, list | tuple):
        return ", ".join(str(getattr(part, "value", part)) for part in default)
    return str(getattr(default, "value", default))


def _option_pairs(options: Iterable[GlobalOption], own: set[str]) -> list[Pair]:
    return [
        (f"{option.flag} {option.metavar}".strip(), option.help)
        for option in options
        if option.flag not in own
    ]


def _format_global_flags(own: set[str]) -> list[str]:
    flags = " ".join(option.flag for option in GLOBAL_OPTIONS if option.flag not in own)
    text = f"{flags} (gpcli help options)"
    return textwrap.wrap(
        text, WIDTH, initial_indent=INDENT, subsequent_indent=INDENT, break_on_hyphens=False
    )


def _format_examples(spec: CommandSpec) -> list[str]:
    if not spec.examples:
        return []
    blocks = [f"{INDENT}# {what}\n{INDENT}{typed}" for what, typed in spec.examples]
    return [format_section("EXAMPLES", ["\n\n".join(blocks)])]


def _format_list(title: str, pairs: list[Pair]) -> list[str]:
    return [format_section(title, format_pairs(pairs))] if pairs else []


def _format_pair(term: str, meaning: str, left: int, width: int) -> list[str]:
    wrapped = textwrap.wrap(meaning, width - left - len(INDENT), break_on_hyphens=False) or [""]
    hanging = [f"{INDENT}{'':{left}}{line}".rstrip() for line in wrapped]
    if len(term) > left - 2:
        return [f"{INDENT}{term}", *hanging]
    return [f"{INDENT}{term:{left}}{wrapped[0]}".rstrip(), *hanging[1:]]


def _is_shown(param: Any, kind: str) -> bool:
    mine = not param.name.startswith("global_")
    return bool(mine and param.param_type_name == kind and not param.hidden)
