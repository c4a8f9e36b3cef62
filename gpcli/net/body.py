"""An answer's body: read and unpacked in bounded memory, then decoded strictly."""

from __future__ import annotations

import zlib
from collections.abc import Iterable
from typing import Any, cast

from gpcli.net.lean import httpx
from gpcli.net.strict_json import NotStrict, decode

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
    """All of the body, unpacked; raises NotStrict when it is too large or wrongly packed."""
    stream = cast("Iterable[bytes]", response.stream)
    packing = response.headers.get("Content-Encoding", "identity").strip().lower()
    if packing == "identity":
        return _collected(stream, max_bytes)
    if packing in {"gzip", "x-gzip", "deflate"}:
        return _unpacked(stream, max_bytes)
    raise NotStrict("is packed in a way that gpcli did not ask for")


def decode_body(raw: bytearray, headers: httpx.Headers) -> Any:
    """The JSON value of a body, None for an empty one; raises NotStrict saying what came."""
    if not raw:
        return None
    media_type = headers.get("Content-Type", "").split(";")[0].strip().lower()
    if media_type in _PLAIN_KINDS:
        raise NotStrict(_PLAIN_KINDS[media_type])
    return decode(raw)


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
        raise NotStrict("broke off")
    return body


def _unpack(unpacker: Any, chunk: bytes, room: int) -> bytes:
    try:
        out: bytes = unpacker.decompress(chunk, room)
    except zlib.error:
        raise NotStrict("can't be unpacked") from None
    if unpacker.unused_data:
        raise NotStrict("goes on after its end")
    return out


def _too_large(max_bytes: int) -> NotStrict:
    return NotStrict(f"is larger than {max_bytes // (1024 * 1024) or 1} MB")
