"""Texts as people look for them: without the differences of case and accents.

Who types a beginning of an id, or words that stand in a name, finds the same in a list to choose
from and as an argument.
"""

from __future__ import annotations

import re
import unicodedata

from gpcli.invisible import is_hidden

MIN_ID_BEGINNING = 3
"""The fewest characters that stand for the one id that begins with them."""

_UNDECOMPOSED = str.maketrans({"ø": "o", "æ": "ae", "œ": "oe", "ł": "l", "đ": "d", "ð": "d"})
_PARTS = re.compile(r"[0-9]+(?:[.,][0-9]+)*|[^\W0-9_]+|[^\w\s]")
_NUMBER = re.compile(r"[0-9]")
_IS_TOLD = re.compile(r"[a-z0-9]|[^\x00-\x7f]")
_VARIATIONS = frozenset(map(chr, range(0xFE00, 0xFE10)))
"""Signs after an emoji that choose its drawing: some keyboards add them, others do not."""


def fold_text(text: str) -> str:
    """Return `text` without the differences of case and accents."""
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    bare = "".join(letter for letter in decomposed if not unicodedata.combining(letter))
    return bare.translate(_UNDECOMPOSED)


def split_wanted(text: str) -> tuple[str, ...]:
    """Return the words, numbers and signs to look for in a name; empty if there is too little.

    Punctuation is left out. Fewer than `MIN_ID_BEGINNING` letters and digits are too little, unless
    one is of a script in which fewer make a word.
    """
    parts = [part for part in _split(text) if _IS_TOLD.search(part)]
    letters = "".join(parts)
    is_short = len(letters) < MIN_ID_BEGINNING and letters.isascii()
    return () if is_short else tuple(parts)


def has_wanted(name: str, wanted: tuple[str, ...]) -> bool:
    """Return whether all of `wanted`, as `split_wanted` gives it, is in a name.

    Letters may be part of a word; a number has to be there whole: 50 is not in 500.
    """
    there = _split(name)
    return all(
        part in there if _NUMBER.match(part) else any(part in each for each in there)
        for part in wanted
    )


def _split(text: str) -> list[str]:
    """Return the folded words, numbers and signs of a text; `500mg` is a number and a word."""
    shown = (letter for letter in text if letter.isspace() or not is_hidden(letter))
    folded = fold_text("".join(letter for letter in shown if letter not in _VARIATIONS))
    return [part.replace(",", ".") for part in _PARTS.findall(folded)]
