"""Text that would like to control a terminal, a table or a script, and what must not get through.

What is looked for is told by Unicode's own categories, not by gpcli's list of what it escapes.
"""

from __future__ import annotations

import random
import re
import unicodedata
from collections.abc import Iterable
from itertools import chain

_CONTROLS = [chr(code) for code in (*range(0x20), 0x7F, *range(0x80, 0xA0))]
_SEQUENCES = [
    "\x1b[2J",
    "\x1b[31mred\x1b[0m",
    "\x1b[999;999H",
    "\x1b[?1049h",
    "\x1b[6n",
    "\x1b]0;title\x07",
    "\x1b]8;;https://evil.example\x1b\\link\x1b]8;;\x1b\\",
    "\x1b]52;c;ZXZpbA==\x07",
    "\x1bP+q544e\x1b\\",
    "\x1b_apc\x1b\\",
    "\x1b^pm\x1b\\",
    "\x1bXsos\x1b\\",
    "\x1bc",
    "\x1b(0lqqk\x1b(B",
    "\x9b31m",
    "\x9b2J",
    "\x9d52;c;ZXZpbA==\x9c",
    "\x90q\x9c",
    "\xc2\x9b2J",
    "\x1b",
    "\x1b[",
    "\x1b]",
]
_LINES = ["\r\n", "\n", "\r", "\x0b", "\x0c", "\x85", "\u2028", "\u2029", "\r\nX-Header: evil\r\n"]
_LINES += [
    "\r\nBEGIN:VALARM\r\n",
    "\nATTACH:file:///etc/passwd",
    "\n  1  first choice",
    "a\tb",
    "\t",
]
_BIDI = [chr(code) for code in (0x200E, 0x200F, 0x61C, *range(0x202A, 0x202F))]
_BIDI += [chr(code) for code in range(0x2066, 0x206A)] + ["\u202etxt.exe", "\u2067abc\u2069"]
_HIDDEN = ["\u200b", "\u200c", "\u200d", "\u2060", "\u2063", "\ufeff", "\xad", "\u034f", "\u180e"]
_HIDDEN += ["\u3164", "\u115f", "\uffa0", "\u17b4", "\u206a", "\ufff9a\ufffab\ufffb"]
_HIDDEN += ["".join(chr(0xE0000 + ord(letter)) for letter in "hidden"), "\U000e0001", "\U000e0100"]
_HIDDEN += ["\U0001d173", "\U0001bca0", "\ufe0f", "\ufe00", "\u180b"]
_MARKUP = [
    "[red]",
    "[/red]",
    "[/b]",
    "[/]",
    "[mg/dL]",
    "[bold]loud[/bold]",
    "[link=https://evil.example]",
]
_MARKUP += ["[@click=app.bell]", "\\[red]", "[[", "]]", ":smile:", "<b>&amp;</b>", "`id`", "$(id)"]
_MARKUP += [
    "%s%n",
    "{0}{name}",
    "\\x1b[2J",
    "\\n",
    "\\",
    '"',
    "'",
    "--yes",
    "-rf",
    "../../etc/passwd",
]
_MARKUP += ["C:x", "NUL", "a;b,c", "\\u001b[2J"]
_WIDE = [
    "👨‍👩‍👧‍👦",
    "🏴󠁧󠁢󠁥󠁮󠁧󠁿",
    "🇳🇴",
    "👍🏽",
    "ﷺ",
    "漢字",
    "\uff46\uff55ll",
    "한글",
    "नमस्ते",
    "שלום",
    "مرحبا",
    "ไทย",
]
_WIDE += [
    "e" + "\u0301" * 40,
    "Z" + "\u0489" * 200,
    "\U0010fffd",
    "\ue000",
    "\ufffe",
    "\U0001fffe",
    "\ufffd",
]
_PLAIN = ["Ida Nordli", "blood pressure", "Ring us", "07:30", "Ærlig talt", "1,5 mg", " ", "  ", ""]
_SURROGATES = ["\ud800", "\udfff", "\udc80", "\udcff"]
"""Half characters: a portal can't send them, but a command line can hold them."""

_KINDS = (_CONTROLS, _SEQUENCES, _LINES, _BIDI, _HIDDEN, _MARKUP, _WIDE, _PLAIN)
_LENGTHS = (1, 1, 2, 3, 5, 8)
_RARE = 0.003
"""The share of texts that are very long, and of those with half a character."""


class HostileTexts:
    """Mixes hostile texts; `count` is how many there were. The same `seed` gives the same texts."""

    def __init__(self, seed: int, *, surrogates: bool = False) -> None:
        self.count = 0
        self._random = random.Random(seed)  # noqa: S311  (the same texts again, no secrets)
        self._surrogates = surrogates

    def make(self) -> str:
        """Return the next text."""
        self.count += 1
        draw = self._random
        text = "".join(draw.choice(draw.choice(_KINDS)) for _ in range(draw.choice(_LENGTHS)))
        chance = draw.random()
        if chance < _RARE:
            return text * 200 + "x" * 3000
        if self._surrogates and chance < 2 * _RARE:
            return text + draw.choice(_SURROGATES)
        return text

    def choose(self, among: list[object]) -> object:
        """Return one of `among`."""
        return self._random.choice(among)


PAINT = re.compile(r"\x1b\[[0-9;]*m")
"""How gpcli itself paints, on a terminal that shows colours."""

_FORBIDDEN_CATEGORIES = frozenset({"Cc", "Cs", "Zl", "Zp"})
_VISIBLE_FORMATS = re.compile(
    "[\u0600-\u0605\u06dd\u070f\u0890\u0891\u08e2\U000110bd\U000110cd\U00013430-\U0001345f]"
)
"""Format characters that are signs to be seen (Prepended_Concatenation_Mark, hieroglyphs)."""

_INVISIBLE_LETTERS = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u3164\uffa0")
"""Letters and marks that take no ink (Default_Ignorable_Code_Point)."""

_JOINED = re.compile("(?<=[^\x00-\u2000])\u200d(?=[\u2190-\u2bff\U0001f000-\U0001faff])")
"""A joiner between two emoji, which makes one of them."""

_HARMLESS = re.compile(r"[ -~\n]*")


def find_raw_controls(text: str, allowed: str = "\n") -> list[str]:
    """Return the characters in `text` that could move a cursor, reorder, hide or break lines."""
    if _HARMLESS.fullmatch(text):
        return []
    suspects = set(_JOINED.sub("", text)) - set(allowed)
    return sorted(each for each in suspects if _is_raw_control(each))


def _is_raw_control(character: str) -> bool:
    category = unicodedata.category(character)
    if category in _FORBIDDEN_CATEGORIES or character in _INVISIBLE_LETTERS:
        return True
    return category == "Cf" and not _VISIBLE_FORMATS.match(character)


def squash(text: str) -> str:
    """Return `text` without white space, which tables and wrapping change."""
    return "".join(text.split())


def strings_in(value: object) -> Iterable[str]:
    """Yield every string in a JSON value, keys included."""
    if isinstance(value, str):
        return [value]
    if isinstance(value, dict):
        return chain.from_iterable(strings_in(each) for pair in value.items() for each in pair)
    if isinstance(value, list):
        return chain.from_iterable(map(strings_in, value))
    return []
