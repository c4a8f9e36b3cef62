"""Hostile responses that are no whole HTTP: bytes on the connection, and when they come."""

from __future__ import annotations

import socket
import struct
import time
import zlib
from collections.abc import Callable, Iterator

from bench.front import Answered, Asked, Fault

Answering = Callable[[Asked, Answered], "Answered | Fault"]
"""Returns what is answered instead of the honest answer."""

LONGEST = 20.0
"""Seconds after which a fault gives up by itself."""


def write_pieces(
    build: Callable[[Answered], Iterator[bytes]], *, pause: float = 0.0, reset: bool = False
) -> Answering:
    """Write pieces on the connection, with a pause after each; then close or reset it."""

    def answer(asked: Asked, honest: Answered) -> Fault:
        def write(connection: socket.socket) -> None:
            ends = time.monotonic() + LONGEST
            for piece in build(honest):
                connection.sendall(piece)
                time.sleep(pause)
                if time.monotonic() > ends:
                    break
            if reset:
                linger = struct.pack("ii", 1, 0)
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
                connection.close()

        return write

    return answer


def format_head(honest: Answered, *lines: str, status: str = "200 OK") -> bytes:
    """Return the status line and the headers: `lines`, or those of a good answer."""
    usual = ("Content-Type: application/fhir+json", f"Content-Length: {len(honest.body)}")
    return "\r\n".join((f"HTTP/1.1 {status}", *(lines or usual), "", "")).encode()


def flood(head: bytes, piece: bytes, count: int = 10**6) -> Iterator[bytes]:
    """Yield `head`, and then `piece` again and again."""
    yield head
    for _ in range(count):
        yield piece


def pack_blanks(megabytes: int) -> bytes:
    """Return gzip of JSON that is mostly blanks."""
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    packed = packer.compress(b'{"resourceType": "Bundle", "type": "')
    blanks = b" " * 2**20
    packed += b"".join(packer.compress(blanks) for _ in range(megabytes))
    return packed + packer.compress(b'"}') + packer.flush()


def _whole(honest: Answered) -> bytes:
    return format_head(honest) + honest.body


def _drip(content: bytes) -> Iterator[bytes]:
    return (content[at : at + 1] for at in range(len(content)))


def _bytes(content: bytes) -> Answering:
    return write_pieces(lambda _: iter([content]))


def _cut(keep: Callable[[bytes], bytes], *, reset: bool = False) -> Answering:
    """Write a part of a good answer."""
    return write_pieces(lambda honest: iter([keep(_whole(honest))]), reset=reset)


def _headed(*lines: str, status: str = "200 OK") -> Answering:
    """Write the honest body below other headers."""
    return write_pieces(
        lambda honest: iter([format_head(honest, *lines, status=status) + honest.body])
    )


def _chunk(size: str, *lines: str) -> Answering:
    """Write a chunk that says to be of another size than two bytes."""
    head = "".join(f"\r\n{line}" for line in lines).encode()
    return _bytes(CHUNKED + head + f"\r\n\r\n{size}\r\n{{}}\r\n0\r\n\r\n".encode())


CHUNKED = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked"
_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
_LENGTHS = ("-5", "x", "5, 6", "5\r\nContent-Length: 6", "9" * 400, "0x10", "", "5", "9999999")
_SIZES = ("x", "-2", "f" * 30, "2 ", "0x2", "", "2;name=value")
_DATES = (
    *("x", "Thu, 01 Jan 1970 00:00:00 GMT", "Fri, 31 Dec 9999 23:59:59 GMT", "\u0663"),
    *("Sat, 00 Foo 0000 00:00:00 +9999", "Sun, 29 Nov 2026 18:00:00 GMT", ""),
)
_SLOWLY = 0.1
"""Seconds between two pieces of what drips."""

TIMED = {
    "nothing, for ever": write_pieces(lambda _: flood(b"", b"", 200), pause=_SLOWLY),
    "an answer that drips": write_pieces(lambda honest: _drip(_whole(honest)), pause=_SLOWLY),
    "headers drip": write_pieces(
        lambda _: flood(b"HTTP/1.1 200 OK\r\n", b"X: y\r\n"), pause=_SLOWLY
    ),
    "a header drips": write_pieces(lambda _: flood(b"HTTP/1.1 200 OK\r\nX: ", b"y"), pause=_SLOWLY),
    "a body drips": write_pieces(
        lambda honest: flood(format_head(honest, "Content-Length: 999999"), b" "), pause=_SLOWLY
    ),
    "a packed body drips": write_pieces(
        lambda honest: _drip(
            format_head(honest, "Content-Encoding: gzip", "Content-Length: 99999") + pack_blanks(40)
        ),
        pause=_SLOWLY,
    ),
    "chunks drip": write_pieces(
        lambda _: flood(CHUNKED + b"\r\n\r\n", b"1\r\n \r\n"), pause=_SLOWLY
    ),
    "100 Continue drips": write_pieces(lambda _: flood(b"", _CONTINUE), pause=_SLOWLY),
}
"""Responses that never end, by name."""

WIRE = {
    **TIMED,
    "closed at once": _bytes(b""),
    "closed within the headers": _cut(lambda whole: whole[:30]),
    "closed within the body": _cut(lambda whole: whole[:-5]),
    "reset at once": _cut(lambda whole: b"", reset=True),
    "reset within the headers": _cut(lambda whole: whole[:30], reset=True),
    "reset within the body": _cut(lambda whole: whole[:-5], reset=True),
    "103 Early Hints, then all": write_pieces(
        lambda honest: iter([b"HTTP/1.1 103 Hints\r\nLink: x\r\n\r\n" * 50, _whole(honest)])
    ),
    "101 Switching Protocols": _headed("Upgrade: h2c", status="101 X"),
    "status 099": _headed(status="099 X"),
    "status 999": _headed(status="999 X"),
    "a status that is no number": _headed(status="abc X"),
    **{f"length {length[:20]!r}": _headed(f"Content-Length: {length}") for length in _LENGTHS},
    **{f"a chunk of size {size[:9]!r}": _chunk(size) for size in _SIZES},
    "length and chunks": _chunk("2", "Content-Length: 2"),
    "bytes that are no HTTP": _bytes(bytes(range(256)) * 20),
    "a TLS alert": _bytes(b"\x15\x03\x01\x00\x02\x02\x28"),
    "HTTP/0.9": _bytes(b'{"resourceType": "Bundle"}'),
    "HTTP/2": _bytes(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\0" * 99),
    "HTTP/1.0": write_pieces(lambda honest: iter([b"HTTP/1.0 200 OK\r\n\r\n", honest.body])),
    "ICY": write_pieces(lambda honest: iter([b"ICY 200 OK\r\n\r\n", honest.body])),
    "bare line feeds": _cut(lambda whole: whole.replace(b"\r\n", b"\n")),
    "a header that is none": _headed("no colon here"),
    "a folded header": _headed("X: a", " b: c"),
    "NUL in a header": _headed("X: a\0b"),
    "a header of other letters": _headed("X-\u00e6: \u00f8"),
    "no date": _headed("X: y"),
    **{f"date {date!a}": _headed(f"Date: {date}") for date in _DATES},
}
"""Hostile bytes on the connection, by name."""
