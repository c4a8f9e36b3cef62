"""Text in columns of a terminal: width, cutting, wrapping, aligned rows."""

import re
from collections.abc import Iterable, Sequence

_NARROW = re.compile("[ -~\xa0-\xac\xae-\u02ff\u2010-\u2027\u2192\u2800-\u28ff]*")
"""Text in which every character is one column: Latin letters, dashes, quotes, the spinner."""


def display_width(text: str) -> int:
    """Return the columns that `text` takes on a terminal.

    A grapheme cluster is measured as a whole: a family emoji or a flag is two columns, a letter
    with combining accents one. Control characters count nothing.
    """
    if _NARROW.fullmatch(text):
        return len(text)
    from wcwidth import width  # noqa: PLC0415  (start-up: 40 ms, for text beyond Latin letters)

    return width(text, control_codes="ignore")


def truncate(text: str, width: int) -> str:
    """Return the longest beginning of `text` that takes at most `width` columns.

    No grapheme cluster is split.
    """
    if display_width(text) <= width:
        return text
    beginning = ""
    for cluster in _grapheme_clusters(text):
        if display_width(beginning + cluster) > width:
            break
        beginning += cluster
    return beginning


def _grapheme_clusters(text: str) -> Iterable[str]:
    """Return what a reader takes for single characters (UAX #29)."""
    if _NARROW.fullmatch(text):
        return text
    from wcwidth import iter_graphemes  # noqa: PLC0415  (start-up: as above)

    return iter_graphemes(text)


def pad(text: str, width: int, *, right: bool = False) -> str:
    """Return `text` padded with spaces to `width` columns: after it, or before it with `right`."""
    space = " " * (width - display_width(text))
    return space + text if right else text + space


def fit_widths(sizes: Sequence[tuple[int, int]], available: int) -> list[int]:
    """Share `available` columns among `sizes` of (least, natural) and return the widths.

    The widest is shortened first. The sum of the least sizes must be at most `available`.
    """
    widths = [max(least, min(natural, available)) for least, natural in sizes]
    while sum(widths) > available:
        shrinkable = [place for place, (least, _) in enumerate(sizes) if widths[place] > least]
        widths[max(shrinkable, key=widths.__getitem__)] -= 1
    return widths


def wrap_line(line: str, width: int, indent: int = 0) -> list[str]:
    """Break `line` between words into lines of at most `width` columns, where words allow.

    Every line but the first begins with `indent` spaces. A word is never cut, so that addresses
    and ids can be copied; a line that fits stays as it is.
    """
    if display_width(line) <= width:
        return [line]
    first, *words = _split_words(line)
    lines = [first]
    for word in words:
        if display_width(lines[-1]) + 1 + display_width(word) > width and lines[-1].strip():
            lines.append(f"{'':{indent}}{word}")
        else:
            lines[-1] += f" {word}"
    return [line.rstrip() for line in lines]


def _split_words(line: str) -> list[str]:
    """Split `line` at its spaces; a space that carries an accent is part of a word."""
    words = [""]
    for cluster in _grapheme_clusters(line):
        if cluster == " ":
            words.append("")
        else:
            words[-1] += cluster
    return words


GAP = "  "


def align_rows(
    header: Sequence[str], rows: Sequence[Sequence[str]], right: Sequence[bool]
) -> Iterable[str]:
    """Yield the header's line and a line for each row, without line ends.

    The columns are as wide as the header and the rows need. `right` has, for each column, whether
    its cells are aligned to the right.
    """
    widths = [max(map(display_width, column)) for column in zip(header, *rows, strict=True)]
    for row in (header, *rows):
        cells = (
            pad(cell, width, right=side)
            for cell, width, side in zip(row, widths, right, strict=True)
        )
        yield GAP.join(cells).rstrip()
