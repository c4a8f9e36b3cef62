"""JSON that somebody else wrote, laid out anew: every text and number stays as it is written."""

import re
from collections.abc import Iterator

_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*+"|[][{}:,]|[^][{}:,"\s]+')
"""A text, a sign, or a number or word."""

_OPENING, _CLOSING, _BREAKING = "[{", "]}", "[{,"


def join_json(document: str) -> str:
    """Return JSON on one line, without any space between its parts."""
    return "".join(_TOKEN.findall(document))


def indent_json(document: str) -> str:
    """Return JSON with a line for each member and element, indented by 2."""
    return "".join(_lay_out(_TOKEN.findall(document)))


def _lay_out(tokens: list[str]) -> Iterator[str]:
    depth, before = 0, ""
    for part in tokens:
        depth -= part in _CLOSING
        is_empty = part in _CLOSING and before in _OPENING
        if before and not is_empty and (before in _BREAKING or part in _CLOSING):
            yield f"\n{'  ' * depth}"
        yield ": " if part == ":" else part
        depth += part in _OPENING
        before = part
