"""An answer's body: read and unpacked in bounded memory, then decoded strictly."""

from __future__ import annotations

import json
import math
import re
import secrets
import zlib
from collections.abc import Iterable, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any, NoReturn, cast

from gpcli.http import httpx

MAX_DEPTH = 100
MAX_DIGITS = 4300
MAX_VALUES = 400_000
MAX_MEMORY = 60 * 1024 * 1024
"""Bytes that decoding may take at its peak."""

_WIDTHS = ((4, re.compile(rb"[\xf0-\xff]")), (2, re.compile(rb"[\xc4-\xff]")))
_SURROGATE_ESCAPE = re.compile(r"\\u[dD][89a-fA-F]")


class UnusableBody(ValueError):
    """Why the text is not strict JSON, as a clause without a subject; never quotes the text."""


def decode_json(raw: bytes | bytearray) -> Any:
    """The value that `raw` says; raises UnusableBody."""
    text = _text(raw)
    _check_size(text)
    try:
        value = _DECODER.decode(text)
    except UnusableBody:
        raise
    except json.JSONDecodeError as trouble:
        raise UnusableBody(f"is not JSON (line {trouble.lineno}, column {trouble.colno})") from None
    except RecursionError:
        raise UnusableBody("is nested too deeply") from None
    _check_depth(value)
    if _SURROGATE_ESCAPE.search(text):
        _check_surrogates(value)
    return value


def encode_json(value: Mapping[str, Any]) -> bytes:
    """`value` as UTF-8 JSON, decimals with their own digits; raises UnusableBody."""
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
        raise UnusableBody("holds half a character (a lone surrogate)") from None


def _text(raw: bytes | bytearray) -> str:
    if len(raw) * (1 + 2 * 4) > MAX_MEMORY and _memory_for(raw) > MAX_MEMORY:
        raise UnusableBody("is too large")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise UnusableBody("is not UTF-8") from None


def _memory_for(raw: bytes | bytearray) -> int:
    # CPython keeps a whole text as wide as its widest character; the text is there twice, since
    # one string may be nearly all of it.
    widest = next((width for width, bytes_of in _WIDTHS if bytes_of.search(raw)), 1)
    return len(raw) * (1 + 2 * widest)


def _check_size(text: str) -> None:
    if text.count(",") + text.count("[") + text.count("{") > MAX_VALUES:
        raise UnusableBody(f"holds more than {MAX_VALUES:,} values")


def _check_depth(value: Any) -> None:
    level = [value] if isinstance(value, dict | list) else []
    for _ in range(MAX_DEPTH):
        level = [child for node in level for child in _children(node) if _nests(child)]
        if not level:
            return
    raise UnusableBody("is nested too deeply")


def _children(node: dict[str, Any] | list[Any]) -> Iterable[Any]:
    return node.values() if isinstance(node, dict) else node


def _nests(value: Any) -> bool:
    return isinstance(value, dict | list)


def _check_surrogates(value: Any) -> None:
    try:
        json.dumps(value, ensure_ascii=False, default=str).encode()
    except UnicodeEncodeError:
        raise UnusableBody("holds half a character (a lone surrogate)") from None


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise UnusableBody("has the same key twice")
    return value


def _decimal(digits: str) -> Decimal:
    if len(digits) > MAX_DIGITS:
        raise UnusableBody("holds a number that is too long")
    if math.isinf(float(digits)):
        raise UnusableBody("holds a number that is not finite")
    try:
        return Decimal(digits)
    except InvalidOperation:
        raise UnusableBody("holds a number that is too small to tell from zero") from None


def _integer(digits: str) -> int:
    if len(digits.lstrip("-")) > MAX_DIGITS:
        raise UnusableBody("holds a number that is too long")
    return int(digits)


def _constant(_word: str) -> NoReturn:
    raise UnusableBody("holds a number that is not finite")


_DECODER = json.JSONDecoder(
    object_pairs_hook=_object,
    parse_float=_decimal,
    parse_int=_integer,
    parse_constant=_constant,
)


MAX_BYTES = 16 * 1024 * 1024
"""The most that one answer may hold, unpacked."""

_GZIP_OR_ZLIB = zlib.MAX_WBITS | 32
_PLAIN_KINDS = {
    "text/html": "is a web page",
    "application/xhtml+xml": "is a web page",
    "application/xml": "is XML",
    "application/fhir+xml": "is XML",
    "text/xml": "is XML",
}


def read_body(response: httpx.Response, max_bytes: int = MAX_BYTES) -> bytearray:
    """All of the body, unpacked; raises UnusableBody when it is too large or wrongly packed."""
    stream = cast("Iterable[bytes]", response.stream)
    packing = response.headers.get("Content-Encoding", "identity").strip().lower()
    if packing == "identity":
        return _collected(stream, max_bytes)
    if packing in {"gzip", "x-gzip", "deflate"}:
        return _unpacked(stream, max_bytes)
    raise UnusableBody("is packed in a way that gpcli did not ask for")


def decode_body(raw: bytearray, headers: httpx.Headers) -> Any:
    """The JSON value of a body, None for an empty one; raises UnusableBody saying what came."""
    if not raw:
        return None
    media_type = headers.get("Content-Type", "").split(";")[0].strip().lower()
    if media_type in _PLAIN_KINDS:
        raise UnusableBody(_PLAIN_KINDS[media_type])
    return decode_json(raw)


def _collected(stream: Iterable[bytes], max_bytes: int) -> bytearray:
    body = bytearray()
    for chunk in stream:
        body += chunk
        if len(body) > max_bytes:
            raise _too_large(max_bytes)
    return body


def _unpacked(stream: Iterable[bytes], max_bytes: int) -> bytearray:
    body, packed = bytearray(), 0
    unpacker = zlib.decompressobj(_GZIP_OR_ZLIB)
    for chunk in stream:
        packed += len(chunk)
        body += _unpack(unpacker, chunk, max_bytes + 1 - len(body))
        if max(len(body), packed) > max_bytes:
            raise _too_large(max_bytes)
    if packed and not unpacker.eof:
        raise UnusableBody("broke off")
    return body


def _unpack(unpacker: Any, chunk: bytes, room: int) -> bytes:
    try:
        out: bytes = unpacker.decompress(chunk, room)
    except zlib.error:
        raise UnusableBody("can't be unpacked") from None
    if unpacker.unused_data:
        raise UnusableBody("goes on after its end")
    return out


def _too_large(max_bytes: int) -> UnusableBody:
    return UnusableBody(f"is larger than {max_bytes // (1024 * 1024) or 1} MB")
