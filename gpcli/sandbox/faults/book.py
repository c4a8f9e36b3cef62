"""Keep the fault rules in force, and draw which requests they hit."""

import random
from collections.abc import Iterable
from dataclasses import dataclass
from threading import Lock

from gpcli.sandbox.faults.kinds import KINDS
from gpcli.sandbox.faults.rules import FaultSpec, parse_rule

_ORDER = {kind.name: number for number, kind in enumerate(KINDS)}


class UnknownFaultRule(LookupError):
    """No rule has this id."""


@dataclass(frozen=True)
class FaultRule:
    """A rule in force.

    `used` is how often a request had the fault, since the start or the last reset; `left` how often
    it can still have it, None = without end.
    """

    id: str
    rule: str
    used: int = 0
    left: int | None = None


class ActiveRule:
    """A rule in force, with its counts; `chance` draws for percentages."""

    def __init__(self, id_: str, spec: FaultSpec, seed: int | None) -> None:
        self.id = id_
        self.spec = spec
        self.was_ever_used = False
        self._seed = seed
        self._lock = Lock()
        self.restart()

    def restart(self) -> None:
        """Begin the counts and the draws anew."""
        self._met = self._used = 0
        named = None if self._seed is None else f"{self._seed} {self.spec.text}"
        self._random = random.Random(named)  # noqa: S311 - draws that repeat are what a seed is for

    def draw(self) -> bool:
        """Return whether this request, which matches, has the fault; and count it."""
        with self._lock:
            self._met += 1
            name, number = self.spec.when
            is_hit = {
                "": True,
                "once": self._met == 1,
                "first": self._met <= number,
                "nth": self._met == number,
                "share": self._random.random() * 100 < number,
            }[name]
            self._used += is_hit
            self.was_ever_used |= is_hit
            return is_hit

    def count(self) -> FaultRule:
        """Return the rule as it stands now."""
        with self._lock:
            return FaultRule(self.id, self.spec.text, self._used, self._count_left())

    def _count_left(self) -> int | None:
        name, number = self.spec.when
        if name in ("", "share"):
            return None
        last, most = (number, 1) if name == "nth" else (number, number)
        return int(most) - self._used if self._met < last else 0


class FaultBook:
    """The rules in force, in the order in which they were added; all methods are thread-safe.

    `rules` are there from the start. `seed` makes draws of percentages repeat.

    Raises:
        InvalidRule: One of `rules` is none.
        TypeError: `rules` is one text.
    """

    def __init__(self, rules: Iterable[str] = (), seed: int | None = None) -> None:
        self._seed = seed
        self._lock = Lock()
        self._number = 0
        self._active: list[ActiveRule] = []
        self._all: list[ActiveRule] = []
        if isinstance(rules, str):
            raise TypeError(f"fault rules are a list of texts, not one: [{rules!r}]")
        for rule in rules:
            self.add(rule)
        self._initial = tuple(self._active)

    @property
    def active(self) -> list[ActiveRule]:
        """The rules in force, in the order in which they act."""
        with self._lock:
            return sorted(self._active, key=lambda each: _ORDER[each.spec.kind.name])

    def add(self, rule: str) -> FaultRule:
        """Put a rule in force.

        Raises:
            InvalidRule: The text is none.
        """
        spec = parse_rule(rule)
        with self._lock:
            self._number += 1
            added = ActiveRule(f"f{self._number}", spec, self._seed)
            self._active.append(added)
            self._all.append(added)
        return added.count()

    def count(self) -> list[FaultRule]:
        """Return the rules in force, with their counts."""
        with self._lock:
            active = list(self._active)
        return [each.count() for each in active]

    def clear(self, id_: str | None = None) -> list[FaultRule]:
        """Take a rule out of force, or all of them; return those that were taken out.

        Raises:
            UnknownFaultRule: No rule has this id.
        """
        with self._lock:
            cleared = [each for each in self._active if id_ in (None, each.id)]
            known = ", ".join(each.id for each in self._active) or "none"
            self._active = [each for each in self._active if each not in cleared]
        if id_ is not None and not cleared:
            raise UnknownFaultRule(f"no fault rule is called {id_!r}; there are: {known}")
        return [each.count() for each in cleared]

    def reset(self) -> None:
        """Put the rules of the start in force, and only those, and begin their counts anew."""
        with self._lock:
            self._active = list(self._initial)
            for each in self._active:
                each.restart()

    def list_unused(self) -> list[str]:
        """Return the rules, also those taken out of force, that no request ever met."""
        with self._lock:
            return [each.spec.text for each in self._all if not each.was_ever_used]
