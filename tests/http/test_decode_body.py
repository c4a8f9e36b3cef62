import gzip
import tracemalloc
import zlib
from collections.abc import Iterator

import httpx
import pytest

from gpcli.http.decode import UnusableBody, decode_any_body, decode_body, read_body

MB = 1024 * 1024


class Chunks(httpx.SyncByteStream):
    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._chunks = chunks
        self.given = 0

    def __iter__(self) -> Iterator[bytes]:
        for chunk in self._chunks:
            self.given += 1
            yield chunk


def response(*chunks: bytes, packing: str | None = None) -> httpx.Response:
    headers = {"Content-Encoding": packing} if packing else {}
    return httpx.Response(200, headers=headers, stream=Chunks(iter(chunks)))


def split(raw: bytes, size: int = 7) -> list[bytes]:
    return [raw[start : start + size] for start in range(0, len(raw), size)]


TEXT = b'{"resourceType": "Patient", "note": "' + b"Hei " * 1000 + b'"}'
PACKED = gzip.compress(TEXT, mtime=0)


@pytest.mark.parametrize(
    ("packed", "packing"),
    [
        (TEXT, None),
        (TEXT, "identity"),
        (PACKED, "gzip"),
        (PACKED, " GZIP "),
        (PACKED, "x-gzip"),
        (zlib.compress(TEXT), "deflate"),
    ],
)
def test_a_body_is_unpacked_however_it_is_cut(packed, packing):
    assert read_body(response(*split(packed), packing=packing)) == TEXT


@pytest.mark.parametrize("packing", ["br", "zstd", "gzip, gzip", "compress"])
def test_packing_that_was_not_asked_for_is_refused(packing):
    with pytest.raises(UnusableBody, match="is packed in a way that gpcli did not ask for"):
        read_body(response(b"x", packing=packing))


@pytest.mark.parametrize(
    ("raw", "why"),
    [
        (b"not packed at all", "can't be unpacked"),
        (PACKED[:-9], "broke off"),
        (PACKED + b"more", "goes on after its end"),
        (PACKED[:-8] + b"\0" * 8, "can't be unpacked"),
    ],
)
def test_broken_packing_is_refused(raw, why):
    with pytest.raises(UnusableBody, match=why):
        read_body(response(raw, packing="gzip"))


def test_an_empty_packed_body_is_empty():
    assert read_body(response(packing="gzip")) == b""


def test_a_body_of_exactly_the_cap_is_read_and_one_byte_more_is_not():
    assert len(read_body(response(b"x" * 100), max_bytes=100)) == 100
    with pytest.raises(UnusableBody, match="is larger than 1 MB"):
        read_body(response(b"x" * 101), max_bytes=100)


def test_an_endless_body_is_left_after_the_cap():
    endless = Chunks(iter(lambda: b"x" * 1024, None))
    with pytest.raises(UnusableBody, match="is larger than 1 MB"):
        read_body(httpx.Response(200, stream=endless), max_bytes=MB)
    assert endless.given == 1025


def test_a_gzip_bomb_is_refused_in_little_memory():
    bomb = gzip.compress(b"\0" * (64 * MB))
    tracemalloc.start()
    with pytest.raises(UnusableBody, match="is larger than 4 MB"):
        read_body(response(*split(bomb, 65_536), packing="gzip"), max_bytes=4 * MB)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 16 * MB


def test_packed_bytes_that_unpack_to_nothing_are_capped_too():
    packer = zlib.compressobj(wbits=31)
    nothing = packer.compress(b"") + packer.flush(zlib.Z_SYNC_FLUSH)
    empty_block = packer.compress(b"") + packer.flush(zlib.Z_FULL_FLUSH) or b"\0\0\0\xff\xff"
    blocks = iter(lambda: empty_block * 100, None)

    def chunks() -> Iterator[bytes]:
        yield nothing
        yield from blocks

    endless = httpx.Response(200, headers={"Content-Encoding": "gzip"}, stream=Chunks(chunks()))
    with pytest.raises(UnusableBody, match="is larger than 1 MB"):
        read_body(endless, max_bytes=MB)


@pytest.mark.parametrize(
    "media_type",
    ["application/fhir+json", "application/json; charset=utf-8", "text/plain", "text/json", ""],
)
def test_json_is_read_whatever_it_calls_itself(media_type):
    headers = httpx.Headers({"Content-Type": media_type})
    assert decode_body(bytearray(b'{"a": 1}'), headers) == {"a": 1}


@pytest.mark.parametrize(
    ("media_type", "why"),
    [
        ("text/html; charset=utf-8", "is a web page"),
        ("application/xhtml+xml", "is a web page"),
        ("APPLICATION/FHIR+XML", "is XML"),
        ("text/xml", "is XML"),
    ],
)
def test_what_came_instead_of_json_is_named(media_type, why):
    with pytest.raises(UnusableBody, match=why):
        decode_body(bytearray(b"{}"), httpx.Headers({"Content-Type": media_type}))


def test_no_body_is_none():
    assert decode_body(bytearray(), httpx.Headers()) is None


@pytest.mark.parametrize(
    ("media_type", "raw", "value"),
    [
        ("application/json", b'{"a": 1}', {"a": 1}),
        ("text/html", b'{"error": "x"}', {"error": "x"}),
        ("application/xml; charset=utf-8", b'{"a": 1}', {"a": 1}),
        ("application/x-www-form-urlencoded", b'{"a": 1}', {"a": 1}),
        (
            "application/x-www-form-urlencoded; charset=utf-8",
            b"error=odd_word&error_description=It+has%20ended&error_uri=",
            {"error": "odd_word", "error_description": "It has ended"},
        ),
        ("text/plain", b"error=odd_word", {"error": "odd_word"}),
        ("", b'{"a": 1}', {"a": 1}),
        ("text/html", b"", None),
    ],
)
def test_a_sign_in_server_s_body_is_read_by_what_it_holds(media_type, raw, value):
    assert decode_any_body(bytearray(raw), httpx.Headers({"Content-Type": media_type})) == value


@pytest.mark.parametrize(
    ("media_type", "raw"),
    [
        ("text/html", b"<h1>error=x</h1>"),
        ("text/html", b"error=x"),
        ("text/plain", b"All is well"),
        ("application/json", b"error=x"),
        ("application/x-www-form-urlencoded", b"access_token=x"),
        ("application/x-www-form-urlencoded", b"error=%ff"),
        ("application/x-www-form-urlencoded", b"&".join(b"error=%d" % n for n in range(99))),
    ],
)
def test_what_is_neither_json_nor_an_error_in_a_form_is_unusable(media_type, raw):
    with pytest.raises(UnusableBody):
        decode_any_body(bytearray(raw), httpx.Headers({"Content-Type": media_type}))
