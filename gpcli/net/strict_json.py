"""JSON as RFC 8259 and FHIR R4 mean it (https://hl7.org/fhir/R4/json.html), and nothing else.

Refused: other encodings than UTF-8, NaN and infinities (`1e999` is one), duplicate keys, lone
surrogates, numbers of more than 4,300 digits, nesting deeper than 100, more than 400,000 values,
and what would take more than 60 MB of memory.
One byte order mark at the start is skipped (RFC 8259, 8.1 allows it; some servers send it).
Decimals become `decimal.Decimal`, so that a record keeps its own digits.
"""

from __future__ import annotations

import json
import math
import re
import secrets
from collections.abc import Iterable, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any, NoReturn

MAX_DEPTH = 100
MAX_DIGITS = 4300
MAX_VALUES = 400_000
MAX_MEMORY = 60 * 1024 * 1024
"""Bytes that decoding may take at its peak."""

_WIDTHS = ((4, re.compile(rb"[\xf0-\xff]")), (2, re.compile(rb"[\xc4-\xff]")))
_SURROGATE_ESCAPE = re.compile(r"\\u[dD][89a-fA-F]")


class NotStrict(ValueError):
    """Why the text is not strict JSON, as a clause without a subject; never quotes the text."""


def decode(raw: bytes | bytearray) -> Any:
    """The value that `raw` says; raises NotStrict."""
    text = _text(raw)
    _check_size(text)
    try:
        value = _DECODER.decode(text)
    except NotStrict:
        raise
    except json.JSONDecodeError as trouble:
        raise NotStrict(f"is not JSON (line {trouble.lineno}, column {trouble.colno})") from None
    except RecursionError:
        raise NotStrict("is nested too deeply") from None
    _check_depth(value)
    if _SURROGATE_ESCAPE.search(text):
        _check_surrogates(value)
    return value


def encode(value: Mapping[str, Any]) -> bytes:
    """`value` as UTF-8 JSON, decimals with their own digits; raises NotStrict."""
    mark = secrets.token_hex(16)  # tells our decimals from whatever a person may have written

    def marked(found: object) -> str:
        if isinstance(found, Decimal) and found.is_finite():
            return f"{mark}{found}{mark}"
        raise TypeError(f"{type(found).__name__} is not JSON")

    text = json.dumps(value, ensure_ascii=False, allow_nan=False, default=marked)
    text = text.replace(f'"{mark}', "").replace(f'{mark}"', "")
    try:
        return text.encode()
    except UnicodeEncodeError:
        raise NotStrict("holds half a character (a lone surrogate)") from None


def _text(raw: bytes | bytearray) -> str:
    if len(raw) * (1 + 2 * 4) > MAX_MEMORY and _memory_for(raw) > MAX_MEMORY:
        raise NotStrict("is too large")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise NotStrict("is not UTF-8") from None


def _memory_for(raw: bytes | bytearray) -> int:
    # CPython keeps a whole text as wide as its widest character; the text is there twice, since
    # one string may be nearly all of it.
    widest = next((width for width, bytes_of in _WIDTHS if bytes_of.search(raw)), 1)
    return len(raw) * (1 + 2 * widest)


def _check_size(text: str) -> None:
    if text.count(",") + text.count("[") + text.count("{") > MAX_VALUES:
        raise NotStrict(f"holds more than {MAX_VALUES:,} values")


def _check_depth(value: Any) -> None:
    level = [value] if isinstance(value, dict | list) else []
    for _ in range(MAX_DEPTH):
        level = [child for node in level for child in _children(node) if _nests(child)]
        if not level:
            return
    raise NotStrict("is nested too deeply")


def _children(node: dict[str, Any] | list[Any]) -> Iterable[Any]:
    return node.values() if isinstance(node, dict) else node


def _nests(value: Any) -> bool:
    return isinstance(value, dict | list)


def _check_surrogates(value: Any) -> None:
    try:
        json.dumps(value, ensure_ascii=False, default=str).encode()
    except UnicodeEncodeError:
        raise NotStrict("holds half a character (a lone surrogate)") from None


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise NotStrict("has the same key twice")
    return value


def _decimal(digits: str) -> Decimal:
    if len(digits) > MAX_DIGITS:
        raise NotStrict("holds a number that is too long")
    if math.isinf(float(digits)):
        raise NotStrict("holds a number that is not finite")
    try:
        return Decimal(digits)
    except InvalidOperation:
        raise NotStrict("holds a number that is too small to tell from zero") from None


def _integer(digits: str) -> int:
    if len(digits.lstrip("-")) > MAX_DIGITS:
        raise NotStrict("holds a number that is too long")
    return int(digits)


def _constant(_word: str) -> NoReturn:
    raise NotStrict("holds a number that is not finite")


_DECODER = json.JSONDecoder(
    object_pairs_hook=_object,
    parse_float=_decimal,
    parse_int=_integer,
    parse_constant=_constant,
)
