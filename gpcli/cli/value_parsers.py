"""Parsers of option values, for `typer.Option(parser=…)`.

They raise BadParameter in our words, without the option's name: the command's parser adds it.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from enum import StrEnum
from typing import TypeVar

import typer

_MOST_DIGITS = 18
_WHOLE_NUMBER = re.compile(r"-?(\d+)", re.ASCII)
_DECIMAL_NUMBER = re.compile(r"-?(\d{1,18}(\.\d*)?|\.\d+)", re.ASCII)
_FHIR_ID = re.compile(r"[A-Za-z0-9.-]{1,64}")  # https://hl7.org/fhir/R4/datatypes.html#id

Number = TypeVar("Number", int, float)
Choice = TypeVar("Choice", bound=StrEnum)


def whole_number(minimum: int | None = None, maximum: int | None = None) -> Callable[[str], int]:
    """Return the parser of a whole number within limits; `None` = no limit."""

    def parse(value: str) -> int:
        written = _WHOLE_NUMBER.fullmatch(str(value))  # a default is a number already
        if written is None:
            raise typer.BadParameter(f"{value!r} is not a whole number.")
        if len(written[1]) > _MOST_DIGITS:
            raise typer.BadParameter(f"{value!r} is too long: at most {_MOST_DIGITS} digits.")
        return _check_limits(int(value), minimum, maximum)

    return parse


def decimal_number(minimum: float | None = None) -> Callable[[str], float]:
    """Return the parser of a number that is `minimum` at least; `None` = no limit."""

    def parse(value: str) -> float:
        number = read_decimal(str(value))  # a default is a number already
        if number is None:
            raise typer.BadParameter(f"{value!r} is not a number.")
        return _check_limits(number, minimum, None)

    return parse


def read_decimal(text: str) -> float | None:
    """Return the number that a text writes in ASCII digits (`30`, `0.5`); `None` for any other."""
    return float(text) if _DECIMAL_NUMBER.fullmatch(text) else None


def patient_id() -> Callable[[str], str]:
    """Return the parser of the id of a patient, which may stand behind `Patient/`."""

    def parse(value: str) -> str:
        text = value.strip().removeprefix("Patient/")
        if not _FHIR_ID.fullmatch(text):
            raise typer.BadParameter(f"{value!r} is not the id of a patient.")
        return text

    return parse


def choice(values: type[Choice]) -> Callable[[str], Choice]:
    """Return the parser of one of `values`."""

    def parse(value: str) -> Choice:
        try:
            return values(value)
        except ValueError:
            known = ", ".join(repr(str(known)) for known in values)
            raise typer.BadParameter(f"{value!r} is not one of {known}.") from None

    return parse


def format_choices(values: type[StrEnum]) -> str:
    """Format the values of an option for its help: `bash|fish`."""
    return "|".join(values)


def _check_limits(number: Number, minimum: Number | None, maximum: Number | None) -> Number:
    is_too_little = minimum is not None and number < minimum
    if is_too_little and maximum is None:
        raise typer.BadParameter(f"{number} is too little: at least {minimum}.")
    if is_too_little or (maximum is not None and number > maximum):
        raise typer.BadParameter(f"{number} is not in the range {minimum} to {maximum}.")
    return number
