"""`help` and `completion`: pages of commands and topics; some topics are texts in `topics/`."""

from __future__ import annotations

import textwrap
from collections.abc import Collection, Iterable
from importlib import resources
from typing import Annotated, Any, NamedTuple

import typer

from gpcli.cli.app import PROGRAM, argument_name
from gpcli.cli.commands.registry import REGISTRY
from gpcli.cli.commands.specs import CommandSpec
from gpcli.cli.configuration_texts import (
    MACHINE_VARIABLES,
    OWN_VARIABLES,
    PROFILE_KEYS,
    RESPECTED_VARIABLES,
)
from gpcli.cli.global_options import (
    GLOBAL_OPTIONS,
    WRITE_OPTIONS,
    GlobalOption,
    get_context,
    is_global,
)
from gpcli.cli.suggestions import find_subject
from gpcli.errors import Exit, InvalidUsage, list_coded_errors
from gpcli.render.json_schema import OTHER_ANSWERS, find_schema, list_schema_names
from gpcli.sandbox.faults.kinds import ENDPOINTS, KINDS, OPTIONS, SELECTORS, FaultKind

WIDTH = 80
INDENT = "  "
MAX_TERM_WIDTH = 30
"""Columns of a term that has its meaning beside it; that of a longer one is below it."""

Pair = tuple[str, str]

ENDING_OPTIONS: tuple[Pair, ...] = (
    ("-h, --help", "Help on a command, or on gpcli"),
    ("-V, --version", "The version of gpcli, without a command"),
)
"""Options that are no global options: they end the line."""


class CommandHelp(NamedTuple):
    """What a command takes: its usage line, and pairs of a term and its meaning.

    `sending` are the options that a command has because it sends.
    """

    usage: str
    arguments: list[Pair]
    options: list[Pair]
    sending: list[Pair]


def describe_command(spec: CommandSpec, command: Any) -> CommandHelp:
    """Return what a command takes; `command` is what typer built for `spec`."""
    arguments = [param for param in command.params if _is_shown(param, "argument")]
    options = [param for param in command.params if _is_shown(param, "option")]
    return CommandHelp(
        _format_usage(spec, arguments),
        [(_format_argument_name(param), _format_help(param)) for param in arguments],
        [(format_option_name(param), _format_help(param)) for param in options],
        pair_options(WRITE_OPTIONS, _find_unlisted(spec, command)) if spec.writes else [],
    )


def format_command_page(spec: CommandSpec, command: Any) -> str:
    """Format the help page of a command; `command` is what typer built for `spec`."""
    about = describe_command(spec, command)
    return "\n".join(
        [
            _format_about(spec),
            format_section("USAGE", [f"{INDENT}{about.usage}"]),
            *_format_list("ARGUMENTS", about.arguments),
            *_format_list("OPTIONS", about.options),
            *_format_list("WHEN SENDING", about.sending),
            *_format_examples(spec),
            format_section("GLOBAL OPTIONS", _format_global_flags(_find_unlisted(spec, command))),
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
    return format_pairs([*pair_options(GLOBAL_OPTIONS), *ENDING_OPTIONS])


def format_write_options() -> list[str]:
    """Format the options of commands that send, a line or more for each."""
    return format_pairs(pair_options(WRITE_OPTIONS))


def find_own_flags(command: Any) -> set[str]:
    """Return the flags of a command that are not global options."""
    return {flag for param in command.params if not is_global(param) for flag in param.opts}


def _find_unlisted(spec: CommandSpec, command: Any) -> set[str]:
    """Return the options of every command that are not listed as such in a command's help."""
    return find_own_flags(command) | {*spec.refuses}


def format_option_name(param: Any) -> str:
    """Format an option's name: `-y, --yes`, `--from DAY`, `--wait / --no-wait`, `--write[=all]`."""
    flags = ", ".join(sorted(param.opts, key=len))
    if param.is_flag:
        return " / ".join([flags, *param.secondary_opts])
    metavar = _format_metavar(param)
    return f"{flags}{metavar}" if metavar.startswith("[=") else f"{flags} {metavar}"


def _format_about(spec: CommandSpec) -> str:
    paragraphs = [f"{spec.summary}.", *filter(None, spec.about.split("\n\n"))]
    return "\n\n".join(_format_paragraph(text) for text in paragraphs) + "\n"


def _format_paragraph(text: str) -> str:
    return textwrap.fill(" ".join(text.split()), WIDTH, break_on_hyphens=False)


def _format_usage(spec: CommandSpec, arguments: list[Any]) -> str:
    words = [_format_argument_usage(param) for param in arguments]
    takes_the_rest = any(word.startswith("-- ") for word in words)
    order = ["[OPTIONS]", *words] if takes_the_rest else [*words, "[OPTIONS]"]
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


def pair_options(options: Iterable[GlobalOption], own: Collection[str] = ()) -> list[Pair]:
    """Return the names and the help of `options`, without the flags in `own`."""
    return [(option.names, option.help) for option in options if option.flag not in own]


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
    return not is_global(param) and param.param_type_name == kind and not param.hidden


EXIT_MEANINGS = {
    Exit.OK: "Done. An empty list is OK, and so is what was already done.",
    Exit.FAILURE: "The portal answers nonsense, its certificate can't be trusted, or the answer "
    "could not be written.",
    Exit.USAGE: "Options, arguments or configuration are wrong, or a value is needed and there is "
    "nobody to ask. Nothing was sent.",
    Exit.NOT_FOUND: "There is no such id, profile, person or file, or no time that fits.",
    Exit.SIGN_IN: "Nobody is signed in, the session is over, sign-in was refused, there is no "
    "keyring, a token command failed, or the session belongs to another host.",
    Exit.NOT_ALLOWED: "The GP does not offer it, or not now; consent or permission is missing; the "
    "portal's description does not list what it takes; or a CI run would touch production.",
    Exit.UNAVAILABLE: "The portal can't be reached or can't answer now. Later may work.",
    Exit.REJECTED: "The portal understood and said no, or it would repeat or contradict something.",
    Exit.PARTIAL: "Some of it worked and is on stdout, the rest did not.",
    Exit.CANCELLED: "Somebody said no, left a question with q or Ctrl-D, or --yes or --accept-fee "
    "was needed; or a plan that was agreed to is not what it was.",
    Exit.UNKNOWN: "A request went out and no answer came: it may or may not have been done.",
    Exit.SMOKE_FAILED: "A check of gpcli smoke failed: the portal does not do what gpcli needs.",
    Exit.BUG: "A fault of gpcli itself.",
    Exit.NOT_EXECUTABLE: "sandbox run: the command is there and can't be run.",
    Exit.NO_PROGRAM: "sandbox run: there is no such command.",
    Exit.INTERRUPTED: "Ctrl-C.",
    Exit.CLOSED_PIPE: "Whoever read the answer stopped reading.",
    Exit.TERMINATED: "SIGTERM.",
}
"""The exit codes of this release, and what they mean."""

DOCS = "https://github.com/gpcli-patient/gpcli/blob/main/docs/"
"""Where the pages are that are not part of gpcli."""

DOC_PAGES = {
    "architecture": "How gpcli is built",
    "ci": "gpcli smoke on a CI server",
    "decisions": "Why gpcli is as it is",
    "load": "Load tests of a portal with Locust",
    "people": "A file of people for the sandbox",
    "portal": "What a portal must offer",
    "pytest": "gpcli in the tests of your own programs",
    "python": "gpcli from Python",
}
"""Those that no topic and no command goes by the name of, and what they are about."""

FILE_TOPICS = ("json", "columns", "dates", "keyring", "privacy", "sandbox", "scripting", "smoke")
"""The topics whose texts are files in `topics/`."""


def build_topics() -> dict[str, str]:
    """Return every topic and its text."""
    topics = {
        "exit-codes": format_exit_codes(),
        "environment": format_environment(),
        "options": format_options(),
        "faults": format_faults(),
        "profiles": format_profiles(),
        **{name: read_topic(name) for name in FILE_TOPICS},
    }
    return dict(sorted(topics.items()))


def read_topic(name: str) -> str:
    """Read the text of a topic that is a file."""
    return (resources.files("gpcli.cli") / "topics" / f"{name}.txt").read_text(encoding="utf-8")


def format_exit_codes() -> str:
    """Format the exit codes, with the values of `error.code` of each."""
    head = (
        "gpcli ends with one of these exit codes. With --json or --ndjson, the last line\n"
        'on stderr says more: {"error": {"code": ...}}, a word of those in brackets.\n'
    )
    return "\n".join([head, format_section("EXIT CODES", format_pairs(pair_exit_codes()))])


def pair_exit_codes() -> list[Pair]:
    """Return the exit codes and what they mean."""
    return [
        (f"{code.value:>3}", _format_meaning(code, text)) for code, text in EXIT_MEANINGS.items()
    ]


def format_environment() -> str:
    """Format the variables that gpcli reads."""
    return "\n".join(
        [
            "An option wins over a variable, a variable over the profile. A name that is set\n"
            "to nothing is an error; a switch is off if it is 0, false or empty. Spaces and\n"
            "line ends around a value do not count.\n",
            format_section("YOUR OWN", format_pairs([*OWN_VARIABLES])),
            format_section("WITHOUT CONFIGURATION OR KEYRING", format_pairs([*MACHINE_VARIABLES])),
            format_section("EVERYBODY'S", format_pairs([*RESPECTED_VARIABLES])),
        ]
    )


def format_options() -> str:
    """Format the options of every command, and those of commands that send."""
    return "\n".join(
        [
            "These options may stand anywhere on the line, before or after the command. Of\n"
            "two that are given, the later one wins.\n",
            format_section("EVERY COMMAND", format_global_options()),
            _format_paragraph(
                "--accessible puts into words what tables, marks and colour say, for a screen "
                "reader: a label before each value, and a question on one line. It is for a person "
                "at a terminal, and holds for what is piped, too. GPCLI_ACCESSIBLE=1, or "
                "accessible = true in the profile, does so at terminals alone; --json, --ndjson "
                "and --plain go before all three."
            )
            + "\n",
            format_section("COMMANDS THAT SEND", format_write_options()),
        ]
    )


def format_profiles() -> str:
    """Format the help on the file of profiles, and on the keys of a profile."""
    return "\n".join(
        [
            "A profile is a portal that this machine knows. gpcli profile add makes one,\n"
            "login with an address does too. They stand in gpcli/config.toml in your\n"
            "directory for configuration, or in the GPCLI_CONFIG_DIR. The file may be a link,\n"
            "to one among your dotfiles: what it points to is changed.\n",
            '  default_profile = "home"\n\n'
            "  [profiles.home]\n"
            '  portal = "https://portal.example/fhir/R4"\n'
            '  environment = "production"\n',
            format_section("KEYS", format_pairs([*PROFILE_KEYS])),
        ]
    )


def format_faults() -> str:
    """Format the help on fault rules: how they are written, and what each fault does."""
    whole = [_pair_fault(kind) for kind in KINDS if kind.is_whole]
    by_entry = [_pair_fault(kind) for kind in KINDS if not kind.is_whole]
    when = [(each.form, f"Of those that match, {each.text}") for each in SELECTORS.values()]
    options = [(f"{name}={each.placeholder}", each.meaning) for name, each in OPTIONS.items()]
    return "\n".join(
        [
            "A sandbox goes wrong on purpose by rules. A rule is METHOD PATH: FAULT [WHEN].\n",
            "  gpcli sandbox run --fault 'POST Appointment: lost-reply once' -- ./my-test.sh\n"
            "  gpcli sandbox fault add 'GET Slot*: 503 x2' '* token: delay=3s'\n",
            _format_paragraph(
                "METHOD is GET, POST, another one, or * for all. PATH is relative to the FHIR "
                "base and has no query; * in it is any text: Appointment, Appointment/*, "
                "Patient/_search, Appointment/$book. A Bundle that is sent is batch or "
                f"transaction. Besides there are {', '.join(ENDPOINTS)}."
            )
            + "\n",
            format_section("FAULTS OF A REQUEST", format_pairs(whole)),
            "  A Bundle has such a fault if one of its entries matches.\n",
            format_section("FAULTS OF A REQUEST OR AN ENTRY OF A BUNDLE", format_pairs(by_entry)),
            format_section("OPTIONS: status, refuse", format_pairs(options)),
            format_section("WHEN; EVERY TIME IF NOT GIVEN", format_pairs(when)),
            f"Where several rules match, all of them act. More:\n{DOCS}sandbox.md\n",
        ]
    )


def _pair_fault(kind: FaultKind) -> Pair:
    return kind.form, f"{kind.text} ({kind.on} only)" if kind.on else kind.text


def _format_meaning(code: Exit, text: str) -> str:
    words = [kind.code for kind in list_coded_errors() if kind.exit == code]
    return f"{text} [{', '.join(dict.fromkeys(words))}]" if words else text


SHELLS = {"bash": "gpcli.bash", "zsh": "_gpcli", "fish": "gpcli.fish", "powershell": "gpcli.ps1"}
"""Shells, and the file name of the completion script of each."""


def completion(
    shell: Annotated[str, typer.Argument(help=f"One of {', '.join(SHELLS)}")],
) -> None:
    """Print the completion script for a shell.

    Ready answers have the script of every shell in SHELLS: this is for other shells, and raises
    Usage.
    """
    raise InvalidUsage(f"There is no completion for '{shell}'; there is for {', '.join(SHELLS)}.")


def show_help(
    ctx: typer.Context,
    subject: Annotated[list[str] | None, typer.Argument(help="A topic or a command")] = None,
) -> None:
    """Help on a command or a topic.

    Ready answers cover topics and commands: this is for `help json NAME`, a JSON Schema, for what
    a page of DOC_PAGES tells, and for subjects that there are not: it raises Usage, naming the
    nearest.
    """
    wanted = " ".join(subject or ())
    topic, _, name = wanted.partition(" ")
    schema = find_schema(name) if topic == "json" else None
    if schema:
        get_context(ctx).output.show_json(schema)
        return
    if topic == "json" and name in OTHER_ANSWERS:
        raise InvalidUsage(
            f"gpcli {name} has no JSON Schema of gpcli's: it writes {OTHER_ANSWERS[name]}."
        )
    if wanted in DOC_PAGES:
        get_context(ctx).output.show_text(f"{DOC_PAGES[wanted]}: {DOCS}{wanted}.md")
        return
    known = [
        "commands",
        *build_topics(),
        *DOC_PAGES,
        *(group.path for group in REGISTRY.groups),
        *(spec.path for spec in REGISTRY.commands),
        *(f"json {each}" for each in list_schema_names()),
    ]
    near = find_subject(REGISTRY, known, wanted)
    guess = f"; did you mean '{near}'?" if near else "."
    raise InvalidUsage(
        f"There is no help on '{wanted}'{guess}", hint="gpcli help commands lists all there is."
    )
