"""A list to choose from at a terminal, a line at a time: pages, a filter, and what answers mean."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from functools import cached_property

from gpcli.folding import MIN_ID_BEGINNING, fold_text
from gpcli.render.columns import display_width, truncate, wrap_line
from gpcli.render.sanitise import safe_line
from gpcli.render.times import name_days

MIN_ON_PAGE = 3
"""The fewest choices on a page, however low the screen is."""

MAX_LABEL_LINES = 6
"""About the most lines of one choice on a screen: what is longer is cut."""

PART_SEPARATOR = " · "
"""What stands between the parts of a label."""

_FEWEST_TO_SHARE = 2
"""The fewest choices of which a part can be said once for all."""

SPOKEN = 9
"""The most choices that are said at a time."""

_MAX_QUOTED = 40
"""The most columns of an answer that is quoted."""

_RANGE = re.compile(r"(\d{1,9})-(\d{1,9})", re.ASCII)
_ONLY_NUMBERS = re.compile(r"[\d\s,-]+", re.ASCII)


@dataclass(frozen=True)
class ScreenSize:
    """How much fits: `width` in columns, `height` in lines; `None` = any amount."""

    width: int | None = None
    height: int | None = None

    def wrap(self, text: str, indent: int = 0) -> list[str]:
        """Break one line between words; the lines after the first begin with `indent` spaces."""
        return wrap_line(text, self.width, indent) if self.width else [text]

    def count_rows(self, lines: Sequence[str]) -> int:
        """Return how many lines of the screen `lines` take."""
        if not self.width:
            return len(lines)
        return sum(max(1, -(-display_width(line) // self.width)) for line in lines)


class _Page(Enum):
    """Which page is shown, and what the way on leads to."""

    WHOLE = "all"
    OTHER = "more"
    LAST = "the first page"


@dataclass(frozen=True)
class Turn:
    """What an answer led to: the `picked` ids, or the `lines` to show before the next question.

    `progress` is false for an answer that changed nothing.
    """

    picked: tuple[str, ...] = ()
    lines: tuple[str, ...] = ()
    progress: bool = False


class Picker:
    """A list of `choices` (id and label), and where in it the person is.

    Numbers count in the whole list, whatever is shown of it. `default` is the id that Enter takes.
    With `several`, an answer may name more than one. With `in_words` it is for a screen reader: a
    few sentences at a time, without marks.
    """

    def __init__(
        self,
        question: str,
        choices: Sequence[tuple[str, str]],
        size: ScreenSize,
        *,
        default: str | None = None,
        several: bool = False,
        in_words: bool = False,
    ) -> None:
        self._size = ScreenSize() if in_words else size
        self._several = several
        self._in_words = in_words
        self._ids = [id for id, _ in choices]
        self._whole_labels = _make_labels(choices)
        separator = ", " if in_words else PART_SEPARATOR
        self._labels, shared = _split_shared(self._whole_labels, separator)
        words = safe_line(question).split()  # so that no part passes for a choice
        self._question = self._head = " ".join([*words, *([shared] if shared else [])])
        self._default = self._ids.index(default) if default in self._ids else None
        self._filter: tuple[str, ...] = ()
        self._shown: Sequence[int] = range(len(choices))
        self._start = self._end = 0

    def show_start(self) -> tuple[str, ...]:
        """Return the lines of the question and the first page of the whole list."""
        self._filter, self._shown, self._head = (), range(len(self._ids)), self._question
        return self._show_page(self._head, 0)

    @property
    def prompt(self) -> str:
        """What asks for the answer, with a space at its end; it may be more than a line."""
        return "\n".join(self._size.wrap(self._word_prompt(self._page))) + " "

    def answer(self, text: str) -> Turn:
        """Return what `text`, a line without spaces around it, leads to."""
        if text == "" and (taken := self._taken_by_enter) is not None:
            return Turn((self._ids[taken],))
        if text == "+" or (text == "" and not self._is_whole):
            return self._turn_page()
        if text == "*" or (text == "" and self._filter):
            had_filter = bool(self._filter)
            return Turn((), self.show_start(), progress=had_filter)
        names = self._split(text)
        found = [self._find(name, alone=len(names) == 1) for name in names]
        if found and all(found):
            places = dict.fromkeys(place for each in found for place in each)
            return Turn(tuple(self._ids[place] for place in places))
        return self._narrow(text, names, found)

    def _split(self, text: str) -> list[str]:
        """Split an answer into what it names; numbers may be separated by spaces too."""
        if not self._several:
            return [text] if text else []
        separator = r"[,\s]+" if _ONLY_NUMBERS.fullmatch(text) else ","
        return [name.strip() for name in re.split(separator, text) if name.strip()]

    def _find(self, name: str, *, alone: bool) -> Sequence[int]:
        """Return the places of what one `name` stands for, none if it stands for nothing.

        `alone`: it is the whole answer, so that it may be words to filter by.
        """
        if _is_number(name) and 1 <= int(name[:9]) <= len(self._ids) and len(name) <= 9:
            return [int(name) - 1]
        if name in self._ids:
            return [self._ids.index(name)]
        if self._several and name.lower() == "all":
            return self._shown
        if self._several and (ends := _RANGE.fullmatch(name)):
            first, last = int(ends[1]), int(ends[2])
            return range(first - 1, last) if 1 <= first <= last <= len(self._ids) else ()
        return () if alone else self._find_by_beginning(name)

    def _find_by_beginning(self, name: str) -> Sequence[int]:
        if len(name) < MIN_ID_BEGINNING or _is_number(name):
            return ()
        found = [place for place, id in enumerate(self._ids) if id.startswith(name)]
        return found if len(found) == 1 else ()

    def _narrow(self, text: str, names: Sequence[str], found: Sequence[Sequence[int]]) -> Turn:
        """Filter by the words of an answer that is no choice, or say that it is of no use."""
        is_choice = len(names) != 1 or _is_number(text) or _RANGE.fullmatch(text)
        words = () if is_choice else tuple(fold_text(text).split())
        fitting = self._filter_by(words) if words else []
        if fitting:
            is_new, self._filter, self._shown = words != self._filter, words, fitting
            has = "has" if len(fitting) == 1 else "have"
            self._head = f"{len(fitting)} of {len(self._ids)} {has} '{_quote(text)}':"
            return Turn((), self._show_page(self._head, 0), progress=is_new)
        if not is_choice and (only := self._find_by_beginning(text)):
            return Turn((self._ids[only[0]],))
        unknown = [name for name, places in zip(names, found, strict=True) if not places]
        return Turn((), self._word_refusal(unknown[0] if unknown else ""))

    def _filter_by(self, words: Sequence[str]) -> list[int]:
        texts = enumerate(self._folded)
        return [place for place, text in texts if all(word in text for word in words)]

    def _turn_page(self) -> Turn:
        """Show the next page, or after the last the first again."""
        if self._end < len(self._shown):
            return Turn((), self._show_page("", self._end), progress=True)
        return Turn((), self._show_page(self._head, 0))

    def _word_refusal(self, name: str) -> tuple[str, ...]:
        """Say which answers there are; `name` is what was not one, `""` = nothing was."""
        what, count = "numbers" if self._several else "a number", len(self._ids)
        which = f"from 1 to {count}" if self._in_words else f"(1-{count})"
        ways = f"nswer with {what} {which}, words that are in the list, or q."
        text = f"'{_quote(name)}' is not in the list: a{ways}" if name else f"A{ways}"
        return tuple(self._size.wrap(text))

    def _show_page(self, head: str, start: int) -> tuple[str, ...]:
        """Return the lines of `head` and of the choices from `start` on, as many as fit."""
        lines, rest = self._size.wrap(head) if head else [], self._shown[start:]
        most = max(self._size.height or len(rest), MIN_ON_PAGE)
        choices = [self._format_choice(place) for place in rest[:most]]
        self._start, self._end = start, len(self._shown)
        count = len(choices)
        if not (start == 0 and self._count_fitting(lines, choices, _Page.WHOLE) == len(rest)):
            count = self._count_fitting(lines, choices, _Page.LAST)
            self._end = start + count
        return (*lines, *(line for choice in choices[:count] for line in choice))

    def _count_fitting(self, head: list[str], choices: Sequence[list[str]], page: _Page) -> int:
        """Return how many of `choices` fit below `head` and above the prompt of `page`."""
        if self._size.height is None:
            return min(len(choices), SPOKEN) if self._in_words else len(choices)
        around = [*head, *self._size.wrap(self._word_prompt(page))]
        room = self._size.height - self._size.count_rows(around)
        for count, lines in enumerate(choices):
            room -= self._size.count_rows(lines)
            if room < 0 and count >= MIN_ON_PAGE:
                return count
        return len(choices)

    @property
    def _is_whole(self) -> bool:
        """Whether all that passes the filter is on one page."""
        return self._start == 0 and self._end == len(self._shown)

    @property
    def _page(self) -> _Page:
        if self._is_whole:
            return _Page.WHOLE
        return _Page.LAST if self._end == len(self._shown) else _Page.OTHER

    @property
    def _taken_by_enter(self) -> int | None:
        """The place of the choice that Enter takes; `None` = it takes none."""
        if not self._filter:
            return self._default
        return self._shown[0] if len(self._shown) == 1 else None

    def _word_prompt(self, page: _Page) -> str:
        if self._in_words:
            return self._speak_prompt(page)
        taken, count = self._taken_by_enter, f"(1-{len(self._ids)})"
        default = "" if taken is None else f" [{taken + 1}]"
        number = f"Numbers {count}{default}" if self._several else f"Number {count}{default}"
        such = ", such as 1,3 or 1-3 or all" if self._several else ""
        if page is _Page.WHOLE and not self._filter:
            return f"{number}{such}, or q:"
        usual = "*" if page is _Page.WHOLE else "+"
        key = usual if taken is not None else "Enter"
        return f"{number}{such}, words to filter, {key} for {page.value}, q to quit:"

    def _speak_prompt(self, page: _Page) -> str:
        """Say how to answer, in a sentence."""
        taken = self._taken_by_enter
        ways = ["numbers with commas between, or all" if self._several else "a number"]
        if taken is not None:
            ways.append(f"Enter for {taken + 1}")
        if page is not _Page.WHOLE or self._filter:
            ways.append("words to filter")
            key = "Enter" if taken is None else "*" if page is _Page.WHOLE else "+"
            ways.append(f"{key} for {page.value}")
        return f"Answer with {', '.join(ways)}, or q to quit:"

    def _format_choice(self, place: int) -> list[str]:
        """Return the lines of a choice, broken between words."""
        digits = len(str(len(self._ids)))
        label, width = self._labels[place], self._size.width
        if self._in_words:
            return [f"{place + 1}: {label.removesuffix('.')}."]
        if width and self._size.height:
            most = MAX_LABEL_LINES * max(1, width - digits - 4)
            cut = truncate(label[: 4 * most], most)
            label = label if cut == label else f"{cut.rstrip()}…"
        return self._size.wrap(f"  {place + 1:{digits}}  {label}", digits + 4)

    @cached_property
    def _folded(self) -> list[str]:
        return [fold_text(f"{label} {name_days(label)}") for label in self._whole_labels]


def _make_labels(choices: Sequence[tuple[str, str]]) -> list[str]:
    """Return each label as one line, with the id where two are the same.

    Runs of spaces are one, so that no part passes for a choice of its own.
    """
    labels = [" ".join(safe_line(label).split()) for _, label in choices]
    counts = Counter(labels)
    return [
        label if counts[label] == 1 else f"{label} ({safe_line(id)})".strip()
        for label, (id, _) in zip(labels, choices, strict=True)
    ]


def _split_shared(labels: Sequence[str], separator: str) -> tuple[list[str], str]:
    """Return labels without the parts that all of them have, and those parts in brackets."""
    split = [label.split(separator) for label in labels]
    shared = [part for part in split[0] if all(part in parts for parts in split)] if split else []
    rest = [separator.join(part for part in parts if part not in shared) for parts in split]
    if len(labels) < _FEWEST_TO_SHARE or not all(rest):
        return list(labels), ""
    return rest, f"({separator.join(shared)})" if shared else ""


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit()


def _quote(text: str) -> str:
    """Return an answer as it can be quoted in a line."""
    line = safe_line(text)
    cut = truncate(line[: 4 * _MAX_QUOTED], _MAX_QUOTED)
    return line if cut == line else f"{cut}…"
