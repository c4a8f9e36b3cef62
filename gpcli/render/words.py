"""Cells in words for people."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal

from gpcli.render.sanitise import safe_text
from gpcli.render.times import Surroundings, clock_period, day_words
from gpcli.render.view import Cell, Column, T


def cell_words(column: Column[T], row: T, around: Surroundings) -> str:
    """Say what `column` shows of `row`: its own words, else its plain value; safe to write."""
    if column.table is not None:
        return safe_text(column.table(row, around))
    return safe_text(value_words(column.plain(row)))


def value_words(value: Cell) -> str:
    """Say a value: `yes` and `no`, nothing for `None`, times by their own clock."""
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, datetime):
        return clock_period(value, None)
    if isinstance(value, tuple):
        return ", ".join(value)
    return _number_or_day_words(value)


def _number_or_day_words(value: int | Decimal | date) -> str:
    return day_words(value) if isinstance(value, date) else str(value)
