"""Aligned lines for lists too long for a drawn table: written as they come, in flat memory."""

from collections.abc import Iterable, Sequence
from itertools import chain

from gpcli.render.width import columns_of, padded

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
