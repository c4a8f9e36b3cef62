"""Parse fault rules: `METHOD PATH: FAULT [OPTION=VALUE …] [WHEN]`."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from difflib import get_close_matches
from typing import NamedTuple

from gpcli.sandbox.faults.acted_on import can_act
from gpcli.sandbox.faults.kinds import (
    BUNDLES,
    ENDPOINTS,
    KIND_BY_NAME,
    METHODS,
    OPTIONS,
    SELECTORS,
    FaultKind,
    Value,
)
from gpcli.sandbox.fhir.resource_types import RESOURCE_TYPES

SHAPE = "METHOD PATH: FAULT [WHEN]"
_RULE = re.compile(
    r"(?P<method>\S+)(?P<gap>\s+)(?P<path>[^\s:]+)\s*:(?P<fault>.*)", re.ASCII | re.DOTALL
)
_PATH = re.compile(r"[A-Za-z0-9*$._/-]+")
_WORD = re.compile(r"\S+")
_BARE_STATUS = re.compile(r"\d{1,4}", re.ASCII)
_MAX_LENGTH = 500
_UNITS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400}
_LENGTH = re.compile(r"(?P<number>[+-]?[\d.]+)(?P<unit>[a-z]+)", re.ASCII)


class InvalidRule(ValueError):
    """A text is no fault rule.

    `place` is the number of the character, from 1, at which `word` stands; empty = the rule ends
    there. `expected` says what should stand there, `choices` which words can; `nearest` is the one
    that is most like it, or empty. `sentence` says so without the choices.
    """

    def __init__(
        self, rule: str, word: "_Word", expected: str, choices: Iterable[str] = ()
    ) -> None:
        self.rule = rule
        self.word, self.place = word
        self.expected = expected
        self.choices = tuple(choices)
        folded = {each.casefold(): each for each in self.choices}
        close = get_close_matches(self.word.casefold(), folded, 1) if self.word else []
        self.nearest = folded[close[0]] if close else ""
        found = f"'{self.word}' at character {self.place}" if self.word else "its end"
        guess = f" Nearest: {self.nearest}." if self.nearest else ""
        self.sentence = f"In the fault rule '{rule}', {found} should be {expected}.{guess}"
        listed = f" Allowed: {', '.join(self.choices)}." if self.choices else ""
        super().__init__(self.sentence + listed)


class Selection(NamedTuple):
    """Which of the matching requests have the fault: a name of SELECTORS, and its number.

    An empty name is every one of them.
    """

    name: str = ""
    number: float = 1


EVERY_TIME = Selection()


@dataclass(frozen=True)
class FaultSpec:
    """A rule that has been understood; `value` and `options` are as written, without the `=`."""

    text: str
    method: str
    path: str
    kind: FaultKind
    value: str = ""
    options: Mapping[str, str] = field(default_factory=dict)
    when: Selection = EVERY_TIME

    @property
    def number(self) -> int:
        """The value as a number."""
        return int(self.value)

    @property
    def length(self) -> timedelta:
        """The value as a length or a step of time."""
        found = _LENGTH.fullmatch(self.value)
        if found is None:
            raise ValueError(f"{self.value!r} is no length of time")
        return timedelta(seconds=float(found["number"]) * _UNITS[found["unit"]])

    def matches(self, method: str, path: str) -> bool:
        """Return whether the rule is for this method and path."""
        if self.method not in ("*", method):
            return False
        pattern = ".*".join(re.escape(part) for part in self.path.split("*"))
        return re.fullmatch(pattern, path, re.DOTALL) is not None


class _Word(NamedTuple):
    """A word of a rule, and the number of the character at which it begins, from 1."""

    text: str
    place: int


def parse_rule(text: str) -> FaultSpec:
    """Parse a rule.

    Raises:
        InvalidRule: It names the place, and what is allowed there.
        TypeError: It is no text.
    """
    if not isinstance(text, str):
        raise TypeError(f"a fault rule is a text, not {text!r}")
    rule = text.strip()
    if len(rule) > _MAX_LENGTH or not rule.isprintable():
        line = f"one line of at most {_MAX_LENGTH} characters"
        raise InvalidRule(rule[:40], _Word(rule[:40], 1), line)
    found = _RULE.fullmatch(rule)
    if found is None:
        raise _misshapen(rule)
    method = _parse_method(rule, found["method"])
    path = _parse_path(rule, _Word(found["path"], found.start("path") + 1))
    words = [
        _Word(each[0], each.start() + found.start("fault") + 1)
        for each in _WORD.finditer(found["fault"])
    ]
    if not words:
        raise InvalidRule(rule, _Word("", len(rule) + 1), "a fault", KIND_BY_NAME)
    kind, value = _parse_kind(rule, words[0])
    _check_reach(rule, kind, method, path, words[0])
    options, when = _parse_rest(rule, kind, words[1:])
    return FaultSpec(rule, method, path, kind, value, options, when)


def _misshapen(rule: str) -> InvalidRule:
    """Return the error for a text without the parts of a rule: the first one that is missing."""
    words = [_Word(each[0], each.start() + 1) for each in _WORD.finditer(rule)]
    end = _Word("", len(rule) + 1)
    method = words[0] if words else end
    if method.text.upper() not in METHODS:
        return InvalidRule(rule, method, "a method", METHODS)
    path = words[1] if len(words) > 1 else end
    if not path.text.strip(":"):
        return InvalidRule(rule, path, "a path such as Appointment or token")
    after = words[2] if len(words) > 2 else end
    return InvalidRule(rule, after, f"a colon before the fault: {SHAPE}")


def _parse_method(rule: str, method: str) -> str:
    if method.upper() not in METHODS:
        raise InvalidRule(rule, _Word(method, 1), "a method", METHODS)
    return method.upper()


def _parse_path(rule: str, word: _Word) -> str:
    """Return the path without a slash at its beginning; its first part is known, or has a `*`."""
    path = word.text.lstrip("/")
    if not _PATH.fullmatch(path):
        text = "a path without address, query or colon, such as Appointment/*"
        raise InvalidRule(rule, word, text)
    first = path.partition("/")[0]
    known = [*BUNDLES, *ENDPOINTS, *sorted(RESOURCE_TYPES)]
    if "*" not in first and first not in known and path not in known:
        raise InvalidRule(rule, word, "a path that begins with a known word", ["*", *known])
    return path


def _parse_kind(rule: str, word: _Word) -> tuple[FaultKind, str]:
    name, equals, value = word.text.partition("=")
    if not equals and _BARE_STATUS.fullmatch(name):
        name, value = "status", name
    kind = KIND_BY_NAME.get(name)
    if kind is None:
        raise InvalidRule(rule, _Word(name, word.place), "a fault", KIND_BY_NAME)
    if kind.value is None:
        if equals:
            raise InvalidRule(rule, word, f"{name} without a value")
        return kind, ""
    if not equals and not value and kind.default is not None:
        return kind, kind.default
    _check_value(rule, word, kind.form.partition(" ")[0], value, kind.value)
    return kind, value


def _check_reach(rule: str, kind: FaultKind, method: str, path: str, word: _Word) -> None:
    """Refuse a fault that no request of this method and path could ever have."""
    if path in BUNDLES and method not in ("*", "POST"):
        raise InvalidRule(rule, _Word(rule.split()[0], 1), f"POST: so is a {path} sent")
    if not can_act(kind.on, method, path):
        text = f"a fault that {method} {path} can have: {kind.name} acts on {kind.on} alone"
        raise InvalidRule(rule, word, text)


def _check_value(rule: str, word: _Word, form: str, value: str, allowed: Value) -> None:
    if not allowed.pattern.fullmatch(value):
        text = f"{form}, where {allowed.placeholder} is {allowed.meaning}"
        raise InvalidRule(rule, word, text)


def _parse_rest(rule: str, kind: FaultKind, words: list[_Word]) -> tuple[dict[str, str], Selection]:
    options: dict[str, str] = {}
    when = EVERY_TIME
    for word in words:
        name, equals, value = word.text.partition("=")
        chosen = _parse_when(word.text)
        if chosen is not None and not when.name:
            when = chosen
        elif equals and name in kind.options and name not in options:
            _check_value(rule, word, f"{name}={OPTIONS[name].placeholder}", value, OPTIONS[name])
            options[name] = value
        else:
            raise _misplaced(rule, word, kind, options, when)
    return options, when


def _misplaced(
    rule: str, word: _Word, kind: FaultKind, options: Mapping[str, str], when: Selection
) -> InvalidRule:
    """Return the error for a word behind a fault that can't stand there."""
    meant = next((each for each in SELECTORS.values() if each.is_meant(word.text)), None)
    if meant is not None and not when.name:
        return InvalidRule(rule, word, f"{meant.form}, where {meant.number}")
    left = [f"{name}={OPTIONS[name].placeholder}" for name in kind.options if name not in options]
    selectors = [] if when.name else [each.form for each in SELECTORS.values()]
    if meant is not None:
        expected = "left out: one word already says which requests"
    elif word.text.partition("=")[0] in options:
        expected = "left out: it stands here already"
    else:
        expected = "an option or a WHEN" if selectors or left else "left out: nothing may follow"
    return InvalidRule(rule, word, expected, [*selectors, *left])


def _parse_when(text: str) -> Selection | None:
    for name, selector in SELECTORS.items():
        found = selector.pattern.fullmatch(text)
        if found:
            return Selection(name, float(found[1]) if found.groups() else 1)
    return None
