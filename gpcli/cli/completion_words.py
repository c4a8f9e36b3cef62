"""Completion words: what may stand where the cursor is.

The protocol with the shells' scripts: `gpcli __complete WORD...`, where the last word is the one
being typed and may be empty. The answer is one candidate a line, `word<TAB>description`, or the
single line `:files` where a file name is wanted.
"""

import time

from gpcli.cli import answer_table
from gpcli.cli.ready_answers import VERSION, ParsedLine, find_option, list_options, parse_line
from gpcli.config import index_format
from gpcli.config.paths import index_path

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


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
    found = ((f"{prefix}{word}", note) for word, note in _expand_values(values, line, env))
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
    if current.startswith("-") or line.path in answer_table.GROUPS:
        return "", None
    arguments = answer_table.ARGUMENTS.get(line.path, ())
    at = len(line.words)
    return "", arguments[at] if at < len(arguments) else ()


def _list_names(
    line: ParsedLine, current: str, env: "Mapping[str, str]"
) -> "Iterator[tuple[str, str]]":
    """Yield the options or the commands that may stand there, with a description each."""
    if current.startswith("-"):
        yield from ((flag, note) for flag, _, note in list_options(line.path))
        yield "--help", "Help on this"
        if not line.path:
            yield VERSION, "The version of gpcli"
        return
    hidden = index_format.read_hidden_commands(line.options, env, time.time())
    gone = index_format.find_hidden_paths(hidden, answer_table.STARTS)
    for path, summary in answer_table.SUMMARIES:
        group, _, name = path.rpartition(" ")
        if group == line.path and path not in gone:
            yield name, summary


def _expand_values(
    values: tuple[str, ...], line: ParsedLine, env: "Mapping[str, str]"
) -> "Iterator[tuple[str, str]]":
    """Yield each value with its description, the names of profiles and people in their place."""
    for value in values:
        if value == index_format.PROFILES:
            yield from _list_profiles(env)
        elif value == index_format.PEOPLE:
            yield from _list_people(line, env)
        else:
            yield value, ""


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
