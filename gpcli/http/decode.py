"""A response's body: read and decompressed in bounded memory, then decoded strictly."""

from __future__ import annotations

import json
import math
import re
import secrets
import zlib
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from decimal import Decimal, InvalidOperation
from typing import Any, NoReturn, cast
from urllib.parse import parse_qsl

from gpcli.http import httpx

MAX_DEPTH = 100
"""The most levels of objects and arrays."""
MAX_DIGITS = 4300
"""The most digits of one number; Python converts no longer text to an int."""
MAX_JSON_BYTES = 10 * 1024 * 1024
"""The most bytes of JSON."""
MAX_NAMES = 50_000
"""The most different names of members."""
MAX_MEMORY = 48 * 1024 * 1024
"""Bytes that decoding may take at its peak."""
MAX_TEXT = 1024 * 1024
"""The most characters of one text, but for base64 `data`; a longer one is read as TOO_LONG."""

_CHARACTER_WIDTHS = (
    (4, re.compile(rb"[\xf0-\xff]|\\u[dD][89abAB]")),
    (2, re.compile(rb"[\xc4-\xff]|\\u(?!00)")),
)
"""Bytes of a character in CPython, and what begins characters as wide as that in JSON."""
_OBJECT_BYTES, _VALUE_BYTES = 208, 112
"""The most that a small object, and any other value without its text, takes in CPython."""
_END_OF_NAME = re.compile(r'"\s*:')
_SURROGATE = re.compile("[\ud800-\udfff]")
_SURROGATE_ESCAPE = re.compile(r"\\u[dD][89a-fA-F]")


class UnusableBody(ValueError):
    """The body can't be used. The message is a clause without a subject, and never quotes it.

    Raised for JSON that is not strict, for a body that is too large or wrongly compressed, and for
    text to send that is not valid Unicode.
    """


class TooLarge(UnusableBody):
    """The body is larger than gpcli takes, as it came or unpacked."""


def decode_json(raw: bytes | bytearray) -> Any:
    """Return the value of the JSON in `raw`; raise UnusableBody.

    Fractions are Decimal, with the digits as they stand. A bytearray is emptied, to spare memory.
    """
    text = _decode_utf8(raw)
    if isinstance(raw, bytearray):
        raw.clear()
    _check_names(text)
    try:
        value = (_DECODER if len(text) <= MAX_TEXT else _BOUNDED_DECODER).decode(text)
    except UnusableBody:
        raise
    except json.JSONDecodeError as error:
        raise UnusableBody(f"is not JSON (line {error.lineno}, column {error.colno})") from None
    except RecursionError:
        raise UnusableBody("is nested too deeply") from None
    _check_depth(value)
    if _SURROGATE_ESCAPE.search(text):
        _check_surrogates(value)
    return value


def encode_json(value: Mapping[str, Any] | Sequence[Mapping[str, Any]]) -> bytes:
    """Return `value` as UTF-8 JSON, each Decimal with its own digits; raise UnusableBody."""
    mark = secrets.token_hex(16)  # tells the decimals from text that a person wrote

    def mark_decimal(item: object) -> str:
        if item is TOO_LONG:
            raise UnusableBody(f"has more than {MAX_TEXT:,} characters in one place")
        if isinstance(item, Decimal) and item.is_finite():
            return f"{mark}{item}{mark}"
        raise TypeError(f"{type(item).__name__} is not JSON")

    text = json.dumps(value, ensure_ascii=False, allow_nan=False, default=mark_decimal)
    text = text.replace(f'"{mark}', "").replace(f'{mark}"', "")
    try:
        return text.encode()
    except UnicodeEncodeError:
        raise UnusableBody("holds half a character (a lone surrogate)") from None


def _decode_utf8(raw: bytes | bytearray) -> str:
    if len(raw) > MAX_JSON_BYTES or not _fits_memory(raw):
        raise TooLarge("is too large")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise UnusableBody("is not UTF-8") from None


def _fits_memory(raw: bytes | bytearray) -> bool:
    # CPython stores every character of a text as wide as its widest. The text is counted twice,
    # since one string in it may be nearly all of it; the body, once, as memory that is freed before
    # is not all used again.
    values = _OBJECT_BYTES * raw.count(b"{") + _VALUE_BYTES * (raw.count(b"[") + raw.count(b","))
    left = MAX_MEMORY - values - len(raw)
    if 2 * 4 * len(raw) <= left:  # however wide: looking for that takes time
        return True
    widest = next((width for width, lead in _CHARACTER_WIDTHS if lead.search(raw)), 1)
    return 2 * widest * len(raw) <= left


def _check_names(text: str) -> None:
    if text.count(":") <= MAX_NAMES:
        return
    names: set[str] = set()
    for end in _END_OF_NAME.finditer(text):
        names.add(text[text.rfind('"', 0, end.start()) + 1 : end.start()])
        if len(names) > MAX_NAMES:
            raise UnusableBody(f"holds more than {MAX_NAMES:,} different names")


def _check_depth(value: Any) -> None:
    level = [value] if _is_container(value) else []
    for _ in range(MAX_DEPTH):
        level = [child for node in level for child in _list_children(node) if _is_container(child)]
        if not level:
            return
    raise UnusableBody("is nested too deeply")


def _list_children(node: dict[str, Any] | list[Any]) -> Iterable[Any]:
    return node.values() if isinstance(node, dict) else node


def _is_container(value: Any) -> bool:
    return isinstance(value, dict | list)


def _check_surrogates(value: Any) -> None:
    nodes = [value]
    while nodes:
        node = nodes.pop()
        if isinstance(node, str) and _SURROGATE.search(node):
            raise UnusableBody("holds half a character (a lone surrogate)")
        if isinstance(node, dict):
            nodes += node
        if _is_container(node):
            nodes += _list_children(node)


def _build_object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise UnusableBody("has the same key twice")
    return value


def _parse_decimal(digits: str) -> Decimal:
    if len(digits) > MAX_DIGITS:
        raise UnusableBody("holds a number that is too long")
    if math.isinf(float(digits)):
        raise UnusableBody("holds a number that is not finite")
    try:
        return Decimal(digits)
    except InvalidOperation:
        raise UnusableBody("holds a number that is too small to tell from zero") from None


def _parse_integer(digits: str) -> int:
    if len(digits.lstrip("-")) > MAX_DIGITS:
        raise UnusableBody("holds a number that is too long")
    return int(digits)


def _refuse_constant(_word: str) -> NoReturn:
    raise UnusableBody("holds a number that is not finite")


class _TooLong:
    def __repr__(self) -> str:
        return "a text that is too long"


TOO_LONG = _TooLong()
"""Stands for a text that is too long; as it is of no type of JSON, it is read as malformed."""


def _build_bounded_object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = _build_object(pairs)
    for name, member in pairs:
        if isinstance(member, str) and len(member) > MAX_TEXT and name != "data":
            value[name] = TOO_LONG
    return value


_NUMBERS: dict[str, Any] = {
    "parse_float": _parse_decimal,
    "parse_int": _parse_integer,
    "parse_constant": _refuse_constant,
}
_DECODER = json.JSONDecoder(object_pairs_hook=_build_object, **_NUMBERS)
_BOUNDED_DECODER = json.JSONDecoder(object_pairs_hook=_build_bounded_object, **_NUMBERS)


MAX_BYTES = 16 * 1024 * 1024
"""The most that one response may hold, decompressed; JSON has a limit of its own."""
MAX_EXPLANATION_BYTES = 1024 * 1024
"""The same of a refusal, and of what a sign-in server answers to a form."""

_GZIP_OR_ZLIB = zlib.MAX_WBITS | 32
OTHER_MEDIA_TYPES = {
    "text/html": "is a web page",
    "application/xhtml+xml": "is a web page",
    "application/xml": "is XML",
    "application/fhir+xml": "is XML",
    "text/xml": "is XML",
}
"""Media types of what is no JSON, and what they say of a body: a clause without a subject."""


def read_body(response: httpx.Response, max_bytes: int = MAX_BYTES) -> bytearray:
    """Read all of the body and return it decompressed.

    Raises: UnusableBody when it is larger than `max_bytes`, or wrongly compressed; httpx errors
    when the connection breaks.
    """
    stream = cast("Iterable[bytes]", response.stream)
    encoding = response.headers.get("Content-Encoding", "identity").strip().lower()
    if encoding == "identity":
        return _read_plain(stream, max_bytes)
    if encoding in {"gzip", "x-gzip", "deflate"}:
        return _read_compressed(stream, max_bytes)
    raise UnusableBody("is packed in a way that gpcli did not ask for")


def decode_body(raw: bytearray, headers: httpx.Headers) -> Any:
    """Return the JSON value of a body, None for an empty one; raise UnusableBody."""
    if not raw:
        return None
    media_type = headers.get("Content-Type", "").split(";")[0].strip().lower()
    if media_type in OTHER_MEDIA_TYPES:
        raise UnusableBody(OTHER_MEDIA_TYPES[media_type])
    return decode_json(raw)


def decode_any_body(raw: bytearray, headers: httpx.Headers) -> Any:
    """Return the value of a body that may be JSON of any media type, or a form with an `error`.

    Sign-in servers answer so against RFC 6749, 5. Otherwise as `decode_body`.
    """
    media_type = headers.get("Content-Type", "").split(";")[0].strip().lower()
    if raw and media_type in {*OTHER_MEDIA_TYPES, *_FORM_MEDIA_TYPES}:
        with suppress(UnusableBody):
            return decode_json(bytes(raw))
    if raw and media_type in _FORM_MEDIA_TYPES:
        fields = _decode_form(raw)
        if "error" in fields:
            return fields
    return decode_body(raw, headers)


_FORM_MEDIA_TYPES = frozenset({"application/x-www-form-urlencoded", "text/plain"})
_MAX_FORM_BYTES = 64 * 1024


def _decode_form(raw: bytearray) -> dict[str, str]:
    """Return the fields of a form; none where it is not one."""
    try:
        pairs = parse_qsl(_decode_utf8(raw[:_MAX_FORM_BYTES]), max_num_fields=40, errors="strict")
    except (UnusableBody, ValueError):
        return {}
    return dict(pairs)


def _read_plain(stream: Iterable[bytes], max_bytes: int) -> bytearray:
    body = bytearray()
    for chunk in stream:
        body += chunk
        if len(body) > max_bytes:
            raise _too_large(max_bytes)
    return body


def _read_compressed(stream: Iterable[bytes], max_bytes: int) -> bytearray:
    body, compressed_bytes = bytearray(), 0
    decompressor = zlib.decompressobj(_GZIP_OR_ZLIB)
    for chunk in stream:
        compressed_bytes += len(chunk)
        body += _decompress(decompressor, chunk, max_bytes + 1 - len(body))
        if max(len(body), compressed_bytes) > max_bytes:
            raise _too_large(max_bytes)
    if compressed_bytes and not decompressor.eof:
        raise UnusableBody("broke off")
    return body


def _decompress(decompressor: Any, chunk: bytes, max_length: int) -> bytes:
    try:
        piece: bytes = decompressor.decompress(chunk, max_length)
    except zlib.error:
        raise UnusableBody("can't be unpacked") from None
    if decompressor.unused_data:
        raise UnusableBody("goes on after its end")
    return piece


def _too_large(max_bytes: int) -> TooLarge:
    return TooLarge(f"is larger than {max_bytes // (1024 * 1024) or 1} MB")
