"""Dosage and Timing (R4): how a medicine is taken, in words.

What gpcli has no words for is said to exist, never left out in silence.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal

from gpcli.fhir.element import Element, is_time
from gpcli.fhir.quantity import (
    TIME_UNITS,
    word_quantity,
    word_range,
    word_ratio,
)
from gpcli.model.service import format_decimal

HAS_MORE = "and more that gpcli can't put into words"
NOT_WORDED = "stated in a way that gpcli can't put into words"

Phrases = Iterator[str | None]
"""What an element says, in order; `None` stands for something that can't be put into words."""


@dataclass(frozen=True)
class Dosing:
    """How a medicine is taken, of all dosages in their order; `None` = nothing is said.

    `dose` is for each the portal's own words, else its structured data in words. `detail` is that
    structured data of those that have words of their own. `instructions` are all others.
    """

    dose: str | None
    detail: str | None
    instructions: str | None


def read_dosing(holder: Element, name: str) -> Dosing:
    """Return what the Dosages of a resource say; `name` is the property that has them."""
    dosages = sorted(holder.children(name), key=_by_sequence)
    details = [word_dosage(each) for each in dosages]
    steps = [each.decimal("sequence") for each in dosages]
    doses = [
        each.string("text") or detail or each.string("patientInstruction")
        for each, detail in zip(dosages, details, strict=True)
    ]
    instructions = dict.fromkeys(
        instruction
        for each, detail in zip(dosages, details, strict=True)
        for instruction in _read_instructions(each, has_detail=bool(detail))
    )
    return Dosing(
        dose=_join_steps(doses, steps),
        detail=_join_steps(
            (
                detail if each.string("text") else None
                for each, detail in zip(dosages, details, strict=True)
            ),
            steps,
        ),
        instructions="; ".join(instructions) or None,
    )


def word_dosage(dosage: Element) -> str | None:
    """Return the structured data of a Dosage in words; `None` where there is none.

    Its text and its instructions are no part of that.
    """
    doses, timing, others = (
        list(_word_parts(dosage, parts)) for parts in (_DOSE_PARTS, _TIMING_PARTS, _OTHER_PARTS)
    )
    known = {*_DOSE_PARTS, *_TIMING_PARTS, *_OTHER_PARTS, *_IN_WORDS}
    lacks = None in (*doses, *timing, *others, *_unknown(dosage, known))
    beginning = " ".join(filter(None, (_join(doses), _join(timing))))
    words = ", ".join(filter(None, (beginning, _join(others))))
    if not lacks:
        return words or None
    return f"{words}, {HAS_MORE}" if words else NOT_WORDED


def _by_sequence(dosage: Element) -> tuple[bool, Decimal]:
    """Order by `sequence`; a dosage without one comes last, and keeps its place among those."""
    sequence = dosage.decimal("sequence")
    return sequence is None, sequence or Decimal(0)


def _read_instructions(dosage: Element, *, has_detail: bool) -> Iterator[str]:
    yield from dosage.concept_labels("additionalInstruction")
    instruction = dosage.string("patientInstruction")
    if instruction and (has_detail or dosage.string("text")):  # else it is the dose
        yield instruction


def _join_steps(facts: Iterable[str | None], steps: Iterable[Decimal | None]) -> str | None:
    """Return what dosages say in their order: with `then` from one step to the next.

    Those of the same sequence hold at the same time (R4 Dosage.sequence).
    """
    joined, before = "", None
    for fact, step in zip(facts, steps, strict=True):
        if fact:
            follows = None not in {before, step} and before != step
            joined += f"; {'then ' if follows else ''}{fact}" if joined else fact
            before = step
    return joined or None


def _join(phrases: Iterable[str | None]) -> str:
    return ", ".join(dict.fromkeys(filter(None, phrases)))


def _word_parts(
    element: Element, parts: Mapping[str, Callable[[Element, str], Phrases]]
) -> Phrases:
    """Yield what each part says that the element has."""
    for name, word in parts.items():
        if element.json.get(name) is not None:
            yield from word(element, name)


def _unknown(element: Element, known: Collection[str]) -> Phrases:
    """Yield `None` where an element has properties beside the known ones and extensions."""
    if any(name not in known and not name.startswith("_") for name in element.json):
        yield None


def _list(items: Iterable[str]) -> str:
    *first, last = items
    return f"{', '.join(first)} and {last}" if first else last


def _word_doses(dosage: Element, name: str) -> Phrases:
    for each in dosage.children(name):
        phrases = list(_word_parts(each, _AMOUNT_PARTS))
        kinds = dict.fromkeys(each.concept_labels("type"))
        words = _join(phrases)
        yield f"{words} ({', '.join(kinds)})" if words and kinds else words
        yield from (None for phrase in phrases if phrase is None)
        yield from _unknown(each, {*_AMOUNT_PARTS, *_PLAIN, "type"})


def _child_words(
    word: Callable[[Element], str | None], template: str = "{}"
) -> Callable[[Element, str], Phrases]:
    """Return a function that words a nested element by `word`, and puts it in `template`."""

    def word_child(element: Element, name: str) -> Phrases:
        child = element.child(name)
        if child is not None:
            words = word(child)
            yield template.format(words) if words else None

    return word_child


def _word_timing(dosage: Element, name: str) -> Phrases:
    timing = dosage.child(name)
    if timing is None:
        return
    repeat = timing.child("repeat")
    yield from _word_timing_code(timing)
    yield from _word_repeat(repeat) if repeat else ()
    yield _word_dates(timing)
    yield from _unknown(timing, {"event", "repeat", "code", *_PLAIN})


def _word_dates(timing: Element) -> str | None:
    events = timing.strings("event")
    if not all(map(is_time, events)):
        timing.reject("event")
        return None
    return f"on {_list(events)}" if events else ""


def _word_timing_code(timing: Element) -> Phrases:
    """Yield what `Timing.code` says: a complete statement beside which only bounds may stand."""
    concept = timing.child("code")
    if concept is None:
        return
    text = concept.as_text()
    codes = (text,) if text else read_timing_codes(timing)
    yield next((_ABBREVIATIONS[code] for code in codes if code in _ABBREVIATIONS), text)


def read_timing_codes(timing: Element) -> Iterator[str]:
    """Yield the codes of a Timing that may be of R4 TimingAbbreviation, by their system."""
    return _codes_of(timing, "code", _TIMING_SYSTEMS)


def _codes_of(element: Element, name: str, systems: tuple[str, ...]) -> Iterator[str]:
    """Yield the codes of a concept whose system ends in one of `systems`, or is not told."""
    codings = element.codings(name)
    return (each.code for each in codings if not each.system or each.system.endswith(systems))


def _word_repeat(repeat: Element) -> Phrases:
    yield from _word_frequency(repeat)
    yield from _word_days(repeat)
    times = repeat.strings("timeOfDay")
    yield f"at {_list(map(_trim_seconds, times))}" if times else ""
    yield from _word_events(repeat)
    yield from _word_duration(repeat)
    yield from _word_parts(repeat, _BOUNDS)
    yield _word_count(repeat)
    yield from _unknown(repeat, {*_REPEAT_PARTS, *_BOUNDS, *_PLAIN})


def _word_count(repeat: Element) -> str | None:
    count = _read_span(repeat, "count", "countMax")
    if not _has_positive(repeat, "count", "countMax"):
        return None
    return f"{_times(count)} in all" if count else ""


def _trim_seconds(time: str) -> str:
    return time.removesuffix(":00") if time.count(":") > 1 else time


def _word_frequency(repeat: Element) -> Phrases:
    """Yield how often: `3 times a day`, `every 4 to 6 hours`.

    A period without a frequency is one in which it happens once (R4 Timing).
    """
    often = _read_span(repeat, "frequency", "frequencyMax")
    period = _read_span(repeat, "period", "periodMax")
    unit = repeat.string("periodUnit")
    if not _has_positive(repeat, "frequency", "frequencyMax", "period", "periodMax"):
        yield None  # R4 has a positiveInt, and a period that is not negative
    elif period is None or unit not in TIME_UNITS:
        yield _times(often) if often else ""
        yield None if period or unit else ""
    elif period == "1":
        yield f"{_times(often or '1')} {'an' if unit == 'h' else 'a'} {TIME_UNITS[unit][0]}"
    else:
        every = f"every {period} {TIME_UNITS[unit][1]}"
        yield every if often in {None, "1"} else f"{_times(often or '')} {every}"


def _word_days(repeat: Element) -> Phrases:
    codes = repeat.strings("dayOfWeek")
    days = [_DAYS[code] for code in codes if code in _DAYS]
    yield f"on {_list(days)}" if days else ""
    yield "" if len(days) == len(codes) else None


def _word_events(repeat: Element) -> Phrases:
    """Yield the events of a day that it is tied to, with the minutes before or after them."""
    codes, offset = repeat.strings("when"), repeat.decimal("offset")
    events = [EVENTS[code] for code in codes if code in EVENTS]
    yield "" if len(events) == len(codes) else None
    if not offset:
        yield _list(events) if events else ""
        return
    if not events or offset < 0 or not all(event.startswith(_AROUND) for event in events):
        yield _list(events) if events else ""
        yield None  # an offset from a time that nobody can tell
        return
    minutes = "minute" if offset == 1 else "minutes"
    yield f"{format_decimal(offset)} {minutes} {_list(events)}"


def _word_duration(repeat: Element) -> Phrases:
    length = _read_span(repeat, "duration", "durationMax")
    unit = repeat.string("durationUnit")
    is_possible = _has_positive(repeat, "duration", "durationMax")
    if length is None or unit not in TIME_UNITS or not is_possible:
        yield None if length or unit else ""
        return
    yield f"for {length} {TIME_UNITS[unit][length != '1']} each time"


def _word_period(period: Element) -> str | None:
    """Return a Period with its dates as written; `None` where one of them can't be read."""
    start, end = period.written_time("start"), period.written_time("end")
    if len(period.json.keys() & {"start", "end"}) > len([*filter(None, (start, end))]):
        return None
    return " ".join(filter(None, (start and f"from {start}", end and f"until {end}"))) or None


def _read_span(element: Element, low: str, high: str) -> str | None:
    """Return a number, or two with `to` between; `None` where there is none."""
    least, most = element.decimal(low), element.decimal(high)
    if least is None or most is None:
        number = most if least is None else least
        before = "at most " if least is None else ""
        return None if number is None else f"{before}{format_decimal(number)}"
    first, last = format_decimal(least), format_decimal(most)
    return first if first == last else f"{first} to {last}"


def _has_positive(repeat: Element, *names: str) -> bool:
    """Return whether each of the numbers that are there is above zero."""
    return all(number is None or number > 0 for number in map(repeat.decimal, names))


def _times(often: str) -> str:
    return _FEW_TIMES.get(often, f"{often} times")


def _word_as_needed(dosage: Element, name: str) -> Phrases:
    yield "as needed" if dosage.boolean(name) else ""


def _word_needed_for(dosage: Element, name: str) -> Phrases:
    if dosage.child(name) is None:
        return
    reason = dosage.concept_label(name)
    yield f"as needed for {reason}" if reason else "as needed"
    yield "" if reason else None


def _word_route(dosage: Element, name: str) -> Phrases:
    text = dosage.concept_text(name)
    codes = _codes_of(dosage, name, _ROUTE_SYSTEMS)
    yield text or next((_ROUTES[code] for code in codes if code in _ROUTES), None)


def _labelled(word: str) -> Callable[[Element, str], Phrases]:
    """Return a function that words a CodeableConcept after `word`; a bare code is no word."""

    def word_concept(dosage: Element, name: str) -> Phrases:
        text = dosage.concept_text(name)
        yield f"{word}: {text}" if text else None

    return word_concept


_PLAIN = frozenset({"id", "extension"})
"""Properties of every element that change nothing of its meaning."""

_IN_WORDS = _PLAIN | {"text", "patientInstruction", "additionalInstruction", "sequence"}
"""Properties of a Dosage that are words already, or their order."""

_REPEAT_PARTS = frozenset(
    {
        *("count", "countMax", "duration", "durationMax", "durationUnit", "frequency"),
        *("frequencyMax", "period", "periodMax", "periodUnit", "dayOfWeek", "timeOfDay"),
        *("when", "offset"),
    }
)

_FEW_TIMES = {"1": "once", "2": "twice", "at most 1": "at most once", "at most 2": "at most twice"}

_DAYS = {
    "mon": "Monday",
    "tue": "Tuesday",
    "wed": "Wednesday",
    "thu": "Thursday",
    "fri": "Friday",
    "sat": "Saturday",
    "sun": "Sunday",
}

_AROUND = ("before ", "after ")
EVENTS = {
    "MORN": "in the morning",
    "MORN.early": "early in the morning",
    "MORN.late": "late in the morning",
    "NOON": "around noon",
    "AFT": "in the afternoon",
    "AFT.early": "early in the afternoon",
    "AFT.late": "late in the afternoon",
    "EVE": "in the evening",
    "EVE.early": "early in the evening",
    "EVE.late": "late in the evening",
    "NIGHT": "at night",
    "PHS": "after going to sleep",
    "HS": "before going to sleep",
    "WAKE": "after waking up",
    "C": "at meals",
    "CM": "at breakfast",
    "CD": "at lunch",
    "CV": "at dinner",
    "AC": "before meals",
    "ACM": "before breakfast",
    "ACD": "before lunch",
    "ACV": "before dinner",
    "PC": "after meals",
    "PCM": "after breakfast",
    "PCD": "after lunch",
    "PCV": "after dinner",
}
"""R4 EventTiming."""

_TIMING_SYSTEMS = ("GTSAbbreviation", "timing-abbreviation", "2.16.840.1.113883.5.1022")
_ROUTE_SYSTEMS = ("snomed.info/sct", "RouteOfAdministration", "2.16.840.1.113883.5.112")
"""Ends of the URIs of code systems: v3 under its several names, and SNOMED CT."""

_ABBREVIATIONS = {
    "BID": "twice a day",
    "TID": "3 times a day",
    "QID": "4 times a day",
    "AM": "every morning",
    "PM": "every afternoon",
    "QD": "once a day",
    "QOD": "every 2 days",
    "Q1H": "once an hour",
    "Q2H": "every 2 hours",
    "Q3H": "every 3 hours",
    "Q4H": "every 4 hours",
    "Q6H": "every 6 hours",
    "Q8H": "every 8 hours",
    "BED": "at bedtime",
    "WK": "once a week",
    "MO": "once a month",
}
"""The codes of R4 TimingAbbreviation."""

_ROUTES = {
    "26643006": "by mouth",
    "37839007": "under the tongue",
    "78421000": "into a muscle",
    "47625008": "into a vein",
    "34206005": "under the skin",
    "6064005": "topically",
    "37161004": "into the rectum",
    "46713006": "into the nose",
    "54485002": "into the eye",
    "10547007": "into the ear",
    "PO": "by mouth",
}
"""Codes of SNOMED CT and of v3 RouteOfAdministration, for where a portal sends the code alone."""

_BOUNDS = {
    "boundsDuration": _child_words(word_quantity, "for {}"),
    "boundsRange": _child_words(word_range, "for {}"),
    "boundsPeriod": _child_words(_word_period),
}
_AMOUNT_PARTS = {
    "doseQuantity": _child_words(word_quantity),
    "doseRange": _child_words(word_range),
    "rateQuantity": _child_words(word_quantity, "at {}"),
    "rateRange": _child_words(word_range, "at {}"),
    "rateRatio": _child_words(word_ratio, "at {}"),
}
_DOSE_PARTS = {"doseAndRate": _word_doses}
_TIMING_PARTS = {"timing": _word_timing}
_OTHER_PARTS = {
    "asNeededBoolean": _word_as_needed,
    "asNeededCodeableConcept": _word_needed_for,
    "route": _word_route,
    "site": _labelled("site"),
    "method": _labelled("method"),
    "maxDosePerPeriod": _child_words(word_ratio, "at most {}"),
    "maxDosePerAdministration": _child_words(word_quantity, "at most {} at a time"),
    "maxDosePerLifetime": _child_words(word_quantity, "at most {} in a lifetime"),
}
