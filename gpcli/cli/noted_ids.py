"""The line that repeats a request names ids, whatever was typed in their place.

By the time that it is repeated, a word may stand for another record.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from gpcli.app_context import AppContext

Result = TypeVar("Result")


def note_id(
    context: AppContext,
    text: str | None,
    act: Callable[[str], Result],
    flag: str | None = None,
) -> Callable[[str], Result]:
    """Return what acts as `act`, and then has this run's line name the id that it acted on."""

    def act_and_note(identity: str) -> Result:
        result = act(identity)
        note_ids(context, text, [identity], flag)
        return result

    return act_and_note


def note_ids(
    context: AppContext, text: str | None, ids: Sequence[str], flag: str | None = None
) -> None:
    """Have this run's line name `ids` where `text` stands; with `None`, where an argument may be.

    With `flag` it is the value of that option.
    """
    options = context.options
    options.argv = replace_argument(options.argv, text, ids, flag)


def replace_argument(
    argv: Sequence[str], text: str | None, ids: Sequence[str], flag: str | None = None
) -> tuple[str, ...]:
    """Return a line with `ids` in place of `text`, as `note_ids` puts them.

    One that would pass for an option leaves the line as it is.
    """
    if not argv or any(each.startswith("-") for each in ids):
        return tuple(argv)
    if flag is not None:
        return tuple(_replace_values(argv, flag, str(text), *ids))
    from gpcli.cli.line_parser import (  # noqa: PLC0415  (optional: it is built of commands)
        parse_line,
    )

    line = parse_line([*argv])
    if text is None:
        return (*argv[: line.start], *ids, *argv[line.start :])
    return tuple(
        new
        for place, word in enumerate(argv)
        for new in (ids if place in line.places and word == text else [word])
    )


def _replace_values(argv: Sequence[str], flag: str, text: str, identity: str) -> list[str]:
    """Return a line whose option `flag` has the id for its value where it had `text`."""
    words = [f"{flag}={identity}" if word == f"{flag}={text}" else word for word in argv]
    return [
        identity if word == text and at and words[at - 1] == flag else word
        for at, word in enumerate(words)
    ]
