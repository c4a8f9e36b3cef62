"""Ready answers to a line: version, help, topics, completion scripts and words.

The protocol with the shells' completion scripts: `gpcli __complete WORD...`, where the last word is
the one being typed and may be empty. The answer is one candidate a line, `word<TAB>description`, or
the single line `:files` where a file name is wanted.
"""

import os
import time

from gpcli import __version__
from gpcli.config import index_format
from gpcli.config.paths import index_path, listed_path, outbox_path, sandboxes_path

try:
    from gpcli.cli import answer_table
    from gpcli.cli.line_parser import (
        HELP,
        VERSION,
        ParsedLine,
        find_option,
        list_options,
        parse_line,
        split_short_options,
    )
except ImportError:
    raise ImportError(
        "This checkout has no ready answers: python -m gpcli.cli.build_answers builds them.",
        name="gpcli.cli.answer_table",
    ) from None

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


COMPLETE = "__complete"
"""The first word of a line that a completion script sends."""


COMMANDS = "commands"
"""The subject of help that is the list of all commands."""

BARE_COMMAND = "today"
"""What a line without a command stands for, on a terminal where somebody is signed in."""

SCREEN = 23
"""The lines of a screen that the help of the root may take: the shell's prompt takes one more."""


def answer(
    argv: list[str],
    env: "Mapping[str, str]",
    *,
    is_terminal: bool = False,
    has_color: bool = False,
) -> str | None:
    """Return the ready answer to `argv` (without the program's name); `None` = there is none.

    `is_terminal` is whether a person reads it at a terminal; with `has_color` the headings of help
    are emphasised.
    """
    if argv[:1] == [COMPLETE]:
        return complete(argv[1:], env)
    line = parse_line(argv)
    if line.has_unknown_command or _has_unknown_format(line):
        return None
    if line.version:
        return _format_version(line)
    if is_terminal and _is_bare(line):
        return _format_beginning(line, env)
    page = _format_page(line.path, line, env) if line.help else _answer_command(line, env)
    if page is None or not has_color or (line.path == "completion" and not line.help):
        return page
    return emphasise_headings(page)


def _has_unknown_format(line: ParsedLine) -> bool:
    """Return whether --output has a value that it does not take: whoever runs the line says so."""
    known = next(values for flag, values, _ in answer_table.GLOBAL if flag == "--output")
    return line.options.get("--output", "json") not in (known or ())


def name_command(argv: list[str]) -> list[str]:
    """Return `argv` with the command that it stands for, where it names none."""
    return [*argv, BARE_COMMAND] if _is_bare(parse_line(argv)) else argv


def _is_bare(line: ParsedLine) -> bool:
    """Return whether nothing is on the line but options of every command."""
    is_unfit = line.has_unknown_command or line.has_unknown_option or line.waiting
    return not (line.path or line.words or line.help or line.version or is_unfit)


def _format_beginning(line: ParsedLine, env: "Mapping[str, str]") -> str | None:
    """Format how to begin; `None` = somebody is signed in, and has begun."""
    facts = index_format.read_facts(index_path(env))
    if index_format.is_signed_in(facts, line.options, env):
        return None
    portal = "" if index_format.find_profile_key(facts, line.options, env) else " PORTAL-URL"
    return (
        f"{answer_table.ABOUT}.\n"
        f"gpcli login{portal} signs in; gpcli --help lists the commands.\n"
        "gpcli demo shows all of it without a portal.\n"
    )


def has_color(env: "Mapping[str, str]", *, is_terminal: bool) -> bool:
    """Return whether standard output gets colour, as `gpcli.render.terminal` decides it."""
    if env.get("NO_COLOR"):
        return False
    is_forced = any(
        index_format.is_set(env.get(name)) for name in ("FORCE_COLOR", "CLICOLOR_FORCE")
    )
    return is_forced or (is_terminal and env.get("TERM") != "dumb")


def emphasise_headings(page: str) -> str:
    """Return a page of help with its headings in bold: capitals at the beginning of a line."""
    return "\n".join([_emphasise_heading(line) for line in page.split("\n")])


def _emphasise_heading(line: str) -> str:
    """Return a line with its heading in bold; after two spaces or a colon something else begins."""
    heading = line.partition("  ")[0].partition(": ")[0]
    return f"\x1b[1m{heading}\x1b[0m{line[len(heading) :]}" if heading.isupper() else line


def _format_page(path: str, line: ParsedLine, env: "Mapping[str, str]") -> str:
    """Format the help of the group or command at `path`, without what the GP doesn't offer."""
    hidden = index_format.read_hidden_commands(line.options, env, time.time())
    if not path:
        return _format_first_screen(hidden)
    if path in answer_table.GROUPS:
        return _format_group_page(path, hidden)
    reason = hidden.get(path)
    page = answer_table.PAGES[path]
    return f"{index_format.replace_unprintable(reason)}\n\n{page}" if reason else page


def _format_version(line: ParsedLine) -> str:
    if line.options.keys() & {"--json", "--ndjson"}:
        return f'{{"version": "{__version__}"}}\n'
    return f"gpcli {__version__}\n"


def _answer_command(line: ParsedLine, env: "Mapping[str, str]") -> str | None:
    """Return the answer to a line without --help and --version; `None` = it has to be run."""
    if line.waiting or line.has_unknown_option:
        return None
    if line.path in answer_table.GROUPS:
        return _format_page(line.path, line, env)
    if line.path == "help":
        return _find_help(" ".join(line.words), line, env)
    if line.path == "completion" and len(line.words) == 1:
        return answer_table.SCRIPTS.get(line.words[0])
    return None


def _find_help(subject: str, line: ParsedLine, env: "Mapping[str, str]") -> str | None:
    """Return the help on a topic, group or command; `None` = there is no such subject."""
    if subject == COMMANDS:
        hidden = index_format.read_hidden_commands(line.options, env, time.time())
        return _format_group_page("", hidden)
    if subject in answer_table.TOPICS:
        return answer_table.TOPICS[subject]
    if subject in answer_table.GROUPS or subject in answer_table.PAGES:
        return _format_page(subject, line, env)
    return None


def _format_group_page(path: str, hidden: "Mapping[str, str]") -> str:
    head, sections, tail = answer_table.GROUPS[path]
    gone = index_format.find_hidden_paths(hidden, answer_table.STARTS)
    parts = [*_format_reasons(path, hidden), head] if path in gone else [head]
    for title, rows in sections:
        shown = [text for name, text in rows if name not in gone]
        if shown:
            parts.append("\n".join([title, *shown, ""]))
    parts.append(tail)
    if not path:
        parts += [f"{line}\n" for line in _count_hidden(hidden)]
    return "\n".join(parts)


def _format_first_screen(hidden: "Mapping[str, str]") -> str:
    """Format the help of the root, with as many empty lines between its parts as fit a screen."""
    head, (title, rows), others, more = answer_table.FIRST_SCREEN
    gone = index_format.find_hidden_paths(hidden, answer_table.STARTS)
    told = [text for path, text in rows if path not in gone]
    named = [
        f"{name}{', '.join(path for path in paths if path not in gone)}" for name, paths in others
    ]
    parts = [[head], [title, *told], named, [*more, *_count_hidden(hidden)]]
    gaps = SCREEN - sum(map(len, parts))
    for part in [*reversed(parts[1:])][: max(gaps, 0)]:
        part.insert(0, "")
    return "".join([f"{line}\n" for part in parts for line in part])


def _count_hidden(hidden: "Mapping[str, str]") -> list[str]:
    """Return a line that says how many commands are hidden, if any are."""
    count = len(hidden.keys() & answer_table.STARTS)
    return [f"{count} not offered by your GP: gpcli services"] if count else []


def _format_reasons(path: str, hidden: "Mapping[str, str]") -> list[str]:
    """Format why nothing in the group at `path` can be started."""
    reasons = [hidden[start] for start in answer_table.STARTS if start.startswith(f"{path} ")]
    return [f"{index_format.replace_unprintable(reason)}\n" for reason in dict.fromkeys(reasons)]


def complete(words: list[str], env: "Mapping[str, str]") -> str:
    """Return the candidates for the last of `words`, one a line; empty if there are none."""
    *before, current = _join_values(words) or [""]
    line = parse_line(before)
    if line.has_unknown_command or line.ended:
        return ""
    prefix, values = _find_values(line, current)
    if values is None:
        return _format_lines(current, _list_names(line, current, env))
    if index_format.FILES in values:
        return f"{index_format.FILES}\n"
    typed = current.removeprefix(prefix)
    found = ((f"{prefix}{word}", note) for word, note in _expand_values(values, typed, line, env))
    return _format_lines(current, found)


def _join_values(words: list[str]) -> list[str]:
    """Return `words` without each `=` that bash has split off `--flag=value` as a word."""
    splits = [
        at
        for at, word in enumerate(words)
        if word == "=" and at and words[at - 1].startswith("--") and "=" not in words[at - 1]
    ]
    kept = [word for at, word in enumerate(words) if at not in splits]
    return [*kept, ""] if splits and splits[-1] == len(words) - 1 else kept


def _find_values(line: ParsedLine, current: str) -> tuple[str, tuple[str, ...] | None]:
    """Return what precedes the value being typed, and what it may be; `None` = it is no value."""
    if line.waiting:
        return "", line.waiting[1]
    flag, equals, _ = current.partition("=")
    if current.startswith("--") and equals:
        entry = find_option(line.path, flag)
        return f"{flag}=", (entry[1] if entry else ()) or ()
    if current.startswith("-") and not current.startswith("--"):
        _, entry, value = split_short_options(line.path, current)
        return (current.removesuffix(value), entry[1]) if entry and value else ("", None)
    if current.startswith("-") or line.path in answer_table.GROUPS:
        return "", None
    if line.path == "help":
        return "", (index_format.SUBJECTS,)
    arguments = answer_table.ARGUMENTS.get(line.path, ())
    at = len(line.words)
    if line.path in answer_table.REPEATED:
        at = min(at, len(arguments) - 1)
    return "", arguments[at] if at < len(arguments) else ()


def _list_names(
    line: ParsedLine, current: str, env: "Mapping[str, str]"
) -> "Iterator[tuple[str, str]]":
    """Yield the options or the commands that may stand there, with a description each."""
    if current.startswith("-"):
        refused = answer_table.REFUSED.get(line.path, ())
        options = list_options(line.path)
        yield from ((flag, note) for flag, _, note in options if note and flag not in refused)
        for short, flag in answer_table.SHORT.items():
            entry = find_option(line.path, short)
            if entry and entry[0] == flag not in refused:
                yield short, entry[2]
        yield from ((flag, "Help on this") for flag in HELP)
        if not line.path:
            yield from ((flag, "The version of gpcli") for flag in VERSION)
        return
    hidden = index_format.read_hidden_commands(line.options, env, time.time())
    gone = index_format.find_hidden_paths(hidden, answer_table.STARTS)
    for path, summary in answer_table.SUMMARIES:
        group, _, name = path.rpartition(" ")
        if group == line.path and path not in gone:
            yield name, summary


_DIRECTORIES = {index_format.SANDBOXES: sandboxes_path, index_format.OUTBOX: outbox_path}
"""By the kind of values: where there is a JSON file for each, with its name."""


def _expand_values(
    values: tuple[str, ...], typed: str, line: ParsedLine, env: "Mapping[str, str]"
) -> "Iterator[tuple[str, str]]":
    """Yield each value with its description, and what is to be looked up in place of its kind."""
    if values[:1] == (index_format.SEVERAL,):
        yield from _list_rest(typed, values[1:])
        return
    for value in values:
        if value == index_format.PROFILES:
            yield from _list_profiles(env)
        elif value == index_format.PEOPLE:
            yield from _list_people(line, env)
        elif value == index_format.GPS:
            yield from _list_gps(line, env)
        elif value in _DIRECTORIES:
            yield from _list_files(_DIRECTORIES[value](env))
        elif value == index_format.FIELDS:
            names = answer_table.FIELDS
            known = names.get(" ".join((line.path, *line.words))) or names.get(line.path)
            columns, keys = known or ((), ())
            is_json = line.options.keys() & {"--json", "--ndjson"}
            yield from _list_rest(typed, keys if is_json else columns)
        elif value in index_format.LISTED_KINDS:
            yield from _list_ids(value, line, env)
        elif value == index_format.SUBJECTS:
            yield from _list_subjects(line.words)
        else:
            yield value, ""


def _list_ids(kind: str, line: ParsedLine, env: "Mapping[str, str]") -> "Iterator[tuple[str, str]]":
    """Yield the ids of a kind that were last listed, but those that stand on the line already."""
    facts = index_format.read_facts(index_path(env))
    profile = index_format.find_profile_key(facts, line.options, env)
    patient = index_format.find_patient(facts, profile, line.options, env)
    listed = index_format.read_facts(listed_path(env))
    found = index_format.find_listed(listed, profile, patient, kind)
    yield from ((identity, word) for identity, word in found if identity not in line.words)


def _list_gps(line: ParsedLine, env: "Mapping[str, str]") -> "Iterator[tuple[str, str]]":
    facts = index_format.read_facts(index_path(env))
    profile = index_format.find_profile_key(facts, line.options, env)
    patient = index_format.find_patient(facts, profile, line.options, env)
    yield from ((name, "") for name in index_format.find_gps(facts, profile, patient))


def _list_rest(typed: str, names: tuple[str, ...]) -> "Iterator[tuple[str, str]]":
    """Yield the list that is typed with each of `names` that it has not yet."""
    before, comma, _ = typed.rpartition(",")
    chosen = before.split(",")
    yield from ((f"{before}{comma}{name}", "") for name in names if name not in chosen)


def _list_subjects(words: list[str]) -> "Iterator[tuple[str, str]]":
    """Yield what may follow `words` after `help`: a topic, a command, or one that has a schema."""
    subjects = [
        (COMMANDS, "All commands, and what each does"),
        *((topic, "") for topic in answer_table.TOPICS),
        *answer_table.SUMMARIES,
        *((f"json {path}", "") for path in answer_table.SCHEMAS),
    ]
    before = "".join(f"{word} " for word in words)
    found: dict[str, str] = {}
    for subject, note in subjects:
        if subject.startswith(before):
            word, _, rest = subject.removeprefix(before).partition(" ")
            found.setdefault(word, "" if rest else note)
    yield from found.items()


def _list_files(directory: str) -> "Iterator[tuple[str, str]]":
    """Yield the names of the JSON files in a directory: of sandboxes, of requests."""
    try:
        files = sorted(os.listdir(directory))  # noqa: PTH208  (pathlib doubles start-up)
    except OSError:
        return
    yield from ((file[: -len(".json")], "") for file in files if file.endswith(".json"))


def _list_profiles(env: "Mapping[str, str]") -> "Iterator[tuple[str, str]]":
    facts = index_format.read_facts(index_path(env))
    yield from ((fact[1], "") for fact in facts if fact[0] == index_format.PROFILE)


def _list_people(line: ParsedLine, env: "Mapping[str, str]") -> "Iterator[tuple[str, str]]":
    facts = index_format.read_facts(index_path(env))
    profile = index_format.find_profile_key(facts, line.options, env)
    yield from ((person[2], "") for person in index_format.find_people(facts, profile))


def _format_lines(typed: str, found: "Iterator[tuple[str, str]]") -> str:
    """Format the candidates that begin with what was typed."""
    fitting = ((word, note) for word, note in found if word.startswith(typed))
    return "".join(
        f"{index_format.replace_unprintable(word)}\t{note}\n"
        if note
        else f"{index_format.replace_unprintable(word)}\n"
        for word, note in fitting
    )
