"""Completion words: what may stand where the cursor is.

The protocol with the shells' scripts: `gpcli __complete WORD...`, where the last word is the one
being typed and may be empty. The answer is one candidate a line, `word<TAB>description`, or the
single line `:files` where a file name is wanted.
"""

import time

from gpcli.cli import answer_table
from gpcli.cli.ready_answers import VERSION, ParsedLine, option, options_of, read_line
from gpcli.config import index_format
from gpcli.config.paths import index_path

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


def complete(words: list[str], env: "Mapping[str, str]") -> str:
    """Return the candidates for the last of `words`, one a line; empty if there are none."""
    *before, current = _joined(words) or [""]
    line = read_line(before)
    if line.lost or line.ended:
        return ""
    prefix, values = _wanted(line, current)
    if values is None:
        return _lines(current, _names(line, current, env))
    if index_format.FILES in values:
        return f"{index_format.FILES}\n"
    found = ((f"{prefix}{word}", note) for word, note in _values(values, line, env))
    return _lines(current, found)


def _joined(words: list[str]) -> list[str]:
    """`words` with `--flag`, `=`, `value`, which bash takes apart, as `--flag`, `value`."""
    apart = [
        at
        for at, word in enumerate(words)
        if word == "=" and at and words[at - 1].startswith("--") and "=" not in words[at - 1]
    ]
    kept = [word for at, word in enumerate(words) if at not in apart]
    return [*kept, ""] if apart and apart[-1] == len(words) - 1 else kept


def _wanted(line: ParsedLine, current: str) -> tuple[str, tuple[str, ...] | None]:
    """Return what precedes the value being typed, and its candidates; `None` = no value."""
    if line.waiting:
        return "", line.waiting[1]
    flag, equals, _ = current.partition("=")
    if current.startswith("--") and equals:
        entry = option(line.path, flag)
        return f"{flag}=", (entry[1] if entry else ()) or ()
    if current.startswith("-") or line.path in answer_table.GROUPS:
        return "", None
    return "", _argument(line)


def _argument(line: ParsedLine) -> tuple[str, ...]:
    kinds = answer_table.ARGUMENTS.get(line.path, ())
    at = len(line.words)
    if at < len(kinds):
        return kinds[at]
    return ()


def _names(line: ParsedLine, current: str, env: "Mapping[str, str]") -> "Iterator[tuple[str, str]]":
    if current.startswith("-"):
        yield from ((flag, note) for flag, _, note in options_of(line.path))
        yield from (("--help", "Help on this"), *_version(line))
        return
    hidden = index_format.read_hidden_commands(line.options, env, time.time())
    gone = index_format.find_hidden_paths(hidden, answer_table.STARTS)
    for path, summary in answer_table.SUMMARIES:
        group, _, name = path.rpartition(" ")
        if group == line.path and path not in gone:
            yield name, summary


def _version(line: ParsedLine) -> tuple[tuple[str, str], ...]:
    return () if line.path else ((VERSION, "The version of gpcli"),)


def _values(
    values: tuple[str, ...], line: ParsedLine, env: "Mapping[str, str]"
) -> "Iterator[tuple[str, str]]":
    for value in values:
        if value == index_format.PROFILES:
            yield from _profiles(env)
        elif value == index_format.PEOPLE:
            yield from _people(line, env)
        else:
            yield value, ""


def _profiles(env: "Mapping[str, str]") -> "Iterator[tuple[str, str]]":
    facts = index_format.read_facts(index_path(env))
    yield from ((fact[1], "") for fact in facts if fact[0] == index_format.PROFILE)


def _people(line: ParsedLine, env: "Mapping[str, str]") -> "Iterator[tuple[str, str]]":
    facts = index_format.read_facts(index_path(env))
    profile = index_format.find_profile_key(facts, line.options, env)
    yield from ((person[2], "") for person in index_format.find_people(facts, profile))


def _lines(typed: str, found: "Iterator[tuple[str, str]]") -> str:
    fitting = ((word, note) for word, note in found if word.startswith(typed))
    return "".join(
        f"{index_format.replace_unprintable(word)}\t{note}\n"
        if note
        else f"{index_format.replace_unprintable(word)}\n"
        for word, note in fitting
    )
