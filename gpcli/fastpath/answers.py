"""Ready answers to a line: version, help, topics, completion scripts and words."""

import time

from gpcli import __version__
from gpcli.fastpath import offers, table
from gpcli.fastpath.line import Line, read_line

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

COMPLETE = "__complete"
"""The first word of a line that a completion script sends."""


def answer(argv: list[str], env: "Mapping[str, str]") -> str | None:
    """The ready answer to `argv` (without the program's name), `None` if there is none."""
    if argv[:1] == [COMPLETE]:
        from gpcli.fastpath import words  # noqa: PLC0415  (help does without it)

        return words.complete(argv[1:], env)
    line = read_line(argv)
    if line.lost:
        return None
    if line.version:
        return _version(line)
    if line.help:
        return page(line.path, line, env)
    return _plain_question(line, env)


def page(path: str, line: Line, env: "Mapping[str, str]") -> str:
    """The help of the group or command at `path`, without what the GP doesn't offer."""
    hidden = offers.hidden(line.options, env, time.time())
    if path in table.GROUPS:
        return _group_page(path, hidden)
    reason = hidden.get(path)
    return f"{offers.printable(reason)}\n\n{table.PAGES[path]}" if reason else table.PAGES[path]


def _version(line: Line) -> str:
    if line.options.keys() & {"--json", "--ndjson"}:
        return f'{{"version": "{__version__}"}}\n'
    return f"gpcli {__version__}\n"


def _plain_question(line: Line, env: "Mapping[str, str]") -> str | None:
    if line.waiting or line.strange:
        return None
    if line.path in table.GROUPS:
        return page(line.path, line, env)
    if line.path == "help":
        return _help(" ".join(line.words), line, env)
    if line.path == "completion" and len(line.words) == 1:
        return table.SCRIPTS.get(line.words[0])
    return None


def _help(subject: str, line: Line, env: "Mapping[str, str]") -> str | None:
    if subject in table.TOPICS:
        return table.TOPICS[subject]
    if subject in table.GROUPS or subject in table.PAGES:
        return page(subject, line, env)
    return None


def _group_page(path: str, hidden: "Mapping[str, str]") -> str:
    head, sections, tail = table.GROUPS[path]
    gone = offers.gone(hidden, table.STARTS)
    parts = [*_why_empty(path, hidden), head] if path in gone else [head]
    for title, rows in sections:
        shown = [text for name, text in rows if name not in gone]
        if shown:
            parts.append("\n".join([title, *shown, ""]))
    parts.append(tail)
    if not path and (count := len(hidden.keys() & table.STARTS)):
        parts.append(f"{count} not offered by your GP: gpcli services\n")
    return "\n".join(parts)


def _why_empty(path: str, hidden: "Mapping[str, str]") -> list[str]:
    """Why nothing of the group at `path` can be started."""
    reasons = [hidden[start] for start in table.STARTS if start.startswith(f"{path} ")]
    return [f"{offers.printable(reason)}\n" for reason in dict.fromkeys(reasons)]
