"""Text in columns of a terminal: width, cutting, folding, aligned lines."""

from collections.abc import Iterable, Sequence
from itertools import chain
from unicodedata import combining, east_asian_width


def columns_of(text: str) -> int:
    """Count the columns of `text`: two for wide letters, none for combining accents."""
    if text.isascii():
        return len(text)
    return sum(0 if combining(c) else 1 + (east_asian_width(c) in "WF") for c in text)


def cut_to(text: str, width: int) -> str:
    """Cut `text` so that it takes at most `width` columns."""
    while columns_of(text) > width:
        text = text[:-1]
    return text


def padded(text: str, width: int, *, right: bool = False) -> str:
    """Fill `text` with spaces up to `width` columns, before it if it stands to the right."""
    space = " " * (width - columns_of(text))
    return space + text if right else text + space


def shrunk(sizes: Sequence[tuple[int, int]], available: int) -> list[int]:
    """Share `available` columns out among sizes of (least, natural): the widest gives way first.

    The least ones must fit.
    """
    widths = [max(least, min(natural, available)) for least, natural in sizes]
    while sum(widths) > available:
        can_give = [place for place, (least, _) in enumerate(sizes) if widths[place] > least]
        widths[max(can_give, key=widths.__getitem__)] -= 1
    return widths


def folded(line: str, width: int, hanging: int = 0) -> list[str]:
    """Break `line` between words so that it takes at most `width` columns where words allow.

    Every line but the first begins with `hanging` spaces. A word is never cut, so that addresses
    and ids can be copied; a line that fits stays as it is.
    """
    if columns_of(line) <= width:
        return [line]
    words = line.split(" ")
    lines = [words[0]]
    for word in words[1:]:
        if columns_of(lines[-1]) + 1 + columns_of(word) > width and lines[-1].strip():
            lines.append(f"{'':{hanging}}{word}")
        else:
            lines[-1] += f" {word}"
    return [line.rstrip() for line in lines]


GAP = "  "


def aligned_lines(
    header: Sequence[str],
    first: Sequence[Sequence[str]],
    more: Iterable[Sequence[str]],
    right: Sequence[bool],
) -> Iterable[str]:
    """Give the header's line and a line for each row, without line ends.

    The columns are as wide as the header and the `first` rows need; among `more` rows a longer
    cell pushes its neighbours aside rather than being cut. `right` tells which columns stand to
    the right.
    """
    widths = [max(map(columns_of, column)) for column in zip(header, *first, strict=True)]
    for row in chain([header], first, more):
        cells = (
            padded(cell, width, right=side)
            for cell, width, side in zip(row, widths, right, strict=True)
        )
        yield GAP.join(cells).rstrip()
