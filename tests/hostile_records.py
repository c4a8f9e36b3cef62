"""Records whose every text is hostile, made from their types; and all views that show records.

A view or a record that is added to gpcli is here by itself: both are read from annotations.
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import types
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, fields, is_dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from enum import Enum
from functools import cache
from itertools import product
from typing import Any, Literal, NewType, Union, get_args, get_origin, get_type_hints

from gpcli.errors import Failure, GpcliError
from gpcli.model.account import SignInState
from gpcli.render import views
from gpcli.render.times import TimeFormat
from gpcli.render.view import View
from gpcli.render.views.wording import ActingParties
from tests.hostile_text import HostileTexts

NOW = datetime(2027, 3, 1, 9, 0, tzinfo=UTC)
_TIMES = (NOW, NOW + timedelta(days=1, minutes=7), datetime(9000, 12, 31, 23, 59, tzinfo=UTC))
_WAITS = (timedelta(), timedelta(minutes=7), timedelta(days=9000, hours=5), -timedelta(hours=1))
_ZONES = ("Europe/Oslo", "America/New_York")
_NUMBERS = (0, 1, 7, 10**9 - 1)
_COLLECTIONS: dict[Any, Any] = {tuple: tuple, frozenset: frozenset, Iterable: tuple}


class RecordMaker:
    """Makes values of a type, with a text of `texts` wherever a text may stand."""

    def __init__(self, texts: HostileTexts) -> None:
        self.texts = texts
        draw = self._choose
        self._makers: dict[Any, Callable[[], Any]] = {
            str: texts.make,
            bool: lambda: draw(True, False),
            int: lambda: draw(*_NUMBERS),
            Decimal: lambda: Decimal(draw("1.50", "0", "1E+30")),
            float: lambda: float(draw("1.5", "0", "1e30")),
            datetime: lambda: draw(*_TIMES),
            date: lambda: draw(*_TIMES).date(),
            timedelta: lambda: draw(*_WAITS),
            bytes: lambda: b"x",
            Exception: lambda: ValueError(texts.make()),
            GpcliError: lambda: Failure(texts.make(), hint=texts.make()),
            type(None): lambda: None,
            TimeFormat: lambda: TimeFormat(NOW),
            ActingParties: lambda: self.make(SignInState),
        }

    def make(self, kind: Any) -> Any:
        """Return a value of `kind`: a record, a text, a tuple, one of a union …

        Raises: TypeError for a type that it does not know.
        """
        if kind in self._makers:
            return self._makers[kind]()
        if isinstance(kind, NewType):
            return self.make(kind.__supertype__)
        if get_origin(kind) in {Union, types.UnionType}:
            return self.make(self._choose(*get_args(kind)))
        if get_origin(kind) is Literal:
            return self._choose(*get_args(kind))
        if get_origin(kind) in _COLLECTIONS:
            return self._make_several(_COLLECTIONS[get_origin(kind)], get_args(kind))
        if is_dataclass(kind):
            return self._make_record(kind)
        if inspect.isclass(kind) and issubclass(kind, Enum):
            return self._choose(*kind)
        raise TypeError(f"no value of {kind} is known: add it to RecordMaker")

    def _make_several(self, kind: Any, items: tuple[Any, ...]) -> Any:
        if items[-1] is not Ellipsis and kind is tuple:
            return tuple(map(self.make, items))
        return kind(self.make(items[0]) for _ in range(self._choose(0, 1, 3)))

    def _make_record(self, kind: Any) -> Any:
        return kind(
            **{
                name: self._choose(*_ZONES) if name == "zone" else self.make(hint)
                for name, hint in _field_types(kind).items()
            }
        )

    def _choose(self, *among: Any) -> Any:
        return self.texts.choose(list(among))


@cache
def _field_types(kind: Any) -> dict[str, Any]:
    hints = get_type_hints(kind)
    return {field.name: hints[field.name] for field in fields(kind) if field.init}


@dataclass(frozen=True)
class KnownView:
    """A view and the type of its records."""

    view: View[Any]
    kind: Any


@dataclass(frozen=True)
class KnownLabel:
    """A function that words one record for people, such as a choice in a list."""

    function: Callable[..., Any]
    arguments: tuple[Any, ...]


class HostileSubjects(dict[str, str]):
    """Subjects of threads: whatever thread is asked for has one."""

    def get(self, key: str, default: object = None) -> str:  # type: ignore[override]
        """Return a hostile text about `key`."""
        return f"\x1b[31m{key}\u202e\n\r"


def find_views() -> list[KnownView]:
    """Return every view of gpcli: each that stands in a module, and each that is built."""
    return [found for module in _view_modules() for found in _find_views_in(module)]


def find_labels() -> list[KnownLabel]:
    """Return every public function beside the views that returns text."""
    return [found for module in _view_modules() for found in _find_labels_in(module)]


def _view_modules() -> Iterator[types.ModuleType]:
    for found in pkgutil.iter_modules(views.__path__):
        yield importlib.import_module(f"{views.__name__}.{found.name}")


def _find_views_in(module: types.ModuleType) -> Iterator[KnownView]:
    hints = get_type_hints(module)
    for name, value in vars(module).items():
        if isinstance(value, View) and value.columns:  # without any it is for JSON alone
            yield KnownView(value, *get_args(hints[name]))
        elif _is_own_function(module, value):
            hint = get_type_hints(value).get("return")
            if get_origin(hint) is View:
                yield from (KnownView(each, *get_args(hint)) for each in _build_views(value))


def _build_views(build: Callable[..., View[Any]]) -> Iterator[View[Any]]:
    """Yield the views that a function builds, for each combination of its arguments' values."""
    choices: dict[Any, tuple[Any, ...]] = {
        bool: (True, False),
        str: _ZONES,
        Mapping[str, str] | None: (None, HostileSubjects()),
    }
    kinds = {name: kind for name, kind in get_type_hints(build).items() if name != "return"}
    for values in product(*(choices[kind] for kind in kinds.values())):
        yield build(**dict(zip(kinds, values, strict=True)))


def _find_labels_in(module: types.ModuleType) -> Iterator[KnownLabel]:
    for name, value in vars(module).items():
        if name.startswith("_") or not _is_own_function(module, value):
            continue
        hints = get_type_hints(value)
        if hints.pop("return", None) in {str, tuple[str, ...], Iterator[str], str | None}:
            yield KnownLabel(value, tuple(hints.values()))


def _is_own_function(module: types.ModuleType, value: object) -> bool:
    return inspect.isfunction(value) and value.__module__ == module.__name__
