"""The words in which people write days and hours, a `Language` each; `gpcli.care.dates` reads them.

All languages are read at once, whatever the machine's locale, so that a script means the same
everywhere. Another language is another `Language` in `LANGUAGES`; no word of it may mean anything
else in those that are there already, as `tests/care/test_dates.py` checks. Words are in lower case;
where a language has several for one meaning, `|` stands between them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import time
from functools import cache
from typing import Literal, TypeVar

from gpcli.model.day_names import MONTH_NAMES, WEEKDAY_NAMES

_Meaning = TypeVar("_Meaning")

MIN_LETTERS = 3
"""The fewest letters of the name of a weekday or month; the rest may be left out."""

MORNING = (time(6), time(12))
AFTERNOON = (time(12), time(17))
EVENING = (time(17), time.max)
"""Parts of a day: the first time, and the one before which it ends."""

MONDAY_TO_FRIDAY = frozenset(range(5))
WEEKEND = frozenset({5, 6})

LAST, THIS, NEXT = -1, 0, 1


@dataclass(frozen=True)
class Language:
    """The words of one language.

    `weekdays` are seven names from Monday on, `months` twelve. `days` has words by the number of
    days from today, `weeks` and `months_away` phrases by the number of weeks and months. `next_` is
    the word that, before a weekday, may mean the coming one or the one after it. `day_ends` may
    stand behind the number of a day.
    """

    code: str
    weekdays: tuple[str, ...]
    months: tuple[str, ...]
    days: Mapping[int, str]
    weeks: Mapping[int, str]
    months_away: Mapping[int, str]
    next_: str
    weekday_sets: Mapping[frozenset[int], str]
    day_parts: Mapping[tuple[time, time], str]
    after: str
    before: str
    until: str
    day_ends: str = "."


ENGLISH = Language(
    code="en",
    weekdays=tuple(name.lower() for name in WEEKDAY_NAMES),
    months=tuple(name.lower() for name in MONTH_NAMES),
    days={-1: "yesterday", 0: "today", 1: "tomorrow", 2: "day after tomorrow"},
    weeks={LAST: "last week", THIS: "this week", NEXT: "next week"},
    months_away={LAST: "last month", THIS: "this month", NEXT: "next month"},
    next_="next",
    weekday_sets={MONDAY_TO_FRIDAY: "weekday|weekdays", WEEKEND: "weekend|weekends"},
    day_parts={MORNING: "morning", AFTERNOON: "afternoon", EVENING: "evening"},
    after="after",
    before="before",
    until="to",
    day_ends=".|st|nd|rd|th",
)

BOKMAL = Language(
    code="nb",
    weekdays=("mandag", "tirsdag", "onsdag", "torsdag", "fredag", "lørdag", "søndag"),
    months=(
        *("januar", "februar", "mars", "april", "mai", "juni", "juli", "august"),
        *("september", "oktober", "november", "desember"),
    ),
    days={
        -1: "i går|igår",
        0: "i dag|idag",
        1: "i morgen|imorgen",
        2: "i overmorgen|iovermorgen|overmorgen",
    },
    weeks={
        LAST: "forrige uke|forrige uka",
        THIS: "denne uken|denne uka",
        NEXT: "neste uke|neste uka",
    },
    months_away={LAST: "forrige måned", THIS: "denne måneden", NEXT: "neste måned"},
    next_="neste",
    weekday_sets={MONDAY_TO_FRIDAY: "hverdag|hverdager", WEEKEND: "helg|helgen|helga|helger"},
    day_parts={MORNING: "morgen|formiddag", AFTERNOON: "ettermiddag", EVENING: "kveld"},
    after="etter",
    before="før",
    until="til",
)

NYNORSK = Language(
    code="nn",
    weekdays=(
        *("måndag", "tysdag|tirsdag", "onsdag", "torsdag", "fredag"),
        *("laurdag|lørdag", "sundag|søndag"),
    ),
    months=BOKMAL.months,
    days={
        -1: "i går|igår",
        0: "i dag|idag",
        1: "i morgon|imorgon",
        2: "i overmorgon|iovermorgon|overmorgon",
    },
    weeks={
        LAST: "førre veke|førre veka",
        THIS: "denne veka|denne veken",
        NEXT: "neste veke|neste veka",
    },
    months_away={LAST: "førre månad", THIS: "denne månaden", NEXT: "neste månad"},
    next_="neste",
    weekday_sets={MONDAY_TO_FRIDAY: "kvardag|kvardagar", WEEKEND: "helg|helga|helger"},
    day_parts={MORNING: "morgon|formiddag", AFTERNOON: "ettermiddag", EVENING: "kveld"},
    after="etter",
    before="før",
    until="til",
)

LANGUAGES = (ENGLISH, BOKMAL, NYNORSK)

_WITHOUT_KEY: tuple[dict[str, str], ...] = (
    {},
    {"å": "a", "ø": "o", "æ": "ae"},
    {"å": "aa", "ø": "oe", "æ": "ae"},
)
"""How letters are written that a keyboard lacks: as they are, by their look, by two letters."""


def list_spellings(words: str) -> list[str]:
    """Return every way to write any of `words`: `før` -> `før`, `for`, `foer`."""
    tables = [str.maketrans(table) for table in _WITHOUT_KEY]
    return [word.translate(table) for word in words.split("|") for table in tables]


def match_name(word: str, names: Iterable[tuple[int, str]]) -> int | None:
    """Return the number of the name that `word` is, or begins; `None` = it is none of `names`."""
    start = word.removesuffix(".")
    if len(start) < MIN_LETTERS:
        return None
    return next(
        (
            number
            for number, name in names
            if any(spelling.startswith(start) for spelling in list_spellings(name))
        ),
        None,
    )


def list_weekdays() -> Iterator[tuple[int, str]]:
    """Yield the weekdays of all languages, as numbers from 0 for Monday, with their names."""
    for language in LANGUAGES:
        yield from enumerate(language.weekdays)


def list_months() -> Iterator[tuple[int, str]]:
    """Yield the months of all languages, as numbers from 1, with their names."""
    for language in LANGUAGES:
        yield from enumerate(language.months, 1)


@cache
def day_offsets() -> dict[str, int]:
    """Return word -> how many days from today: `tomorrow` -> 1."""
    return _by_word(language.days for language in LANGUAGES)


@cache
def week_offsets() -> dict[str, int]:
    """Return phrase -> how many weeks from this one: `next week` -> 1."""
    return _by_word(language.weeks for language in LANGUAGES)


@cache
def month_offsets() -> dict[str, int]:
    """Return phrase -> how many months from this one: `next month` -> 1."""
    return _by_word(language.months_away for language in LANGUAGES)


@cache
def weekday_sets() -> dict[str, frozenset[int]]:
    """Return word -> the weekdays it means: `weekend` -> 5 and 6."""
    return _by_word(language.weekday_sets for language in LANGUAGES)


@cache
def day_parts() -> dict[str, tuple[time, time]]:
    """Return word -> the hours it means: `morning` -> from 06:00 to before 12:00."""
    return _by_word(language.day_parts for language in LANGUAGES)


@cache
def find_words(field: Literal["after", "before", "until", "next_", "day_ends"]) -> frozenset[str]:
    """Return the spellings of what all languages have in `field`, such as `after`."""
    return frozenset(
        spelling for language in LANGUAGES for spelling in list_spellings(getattr(language, field))
    )


def _by_word(tables: Iterable[Mapping[_Meaning, str]]) -> dict[str, _Meaning]:
    return {
        spelling: meaning
        for table in tables
        for meaning, words in table.items()
        for spelling in list_spellings(words)
    }
