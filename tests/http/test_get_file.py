"""Files below the base: their bytes as they came, with the same care as everything else."""

import gzip

import httpx
import pytest

from gpcli import errors
from tests.http.conftest import BASE

BYTES = b"\x00\xff%PDF\r\n"


def answer(status: int = 200, content: bytes = BYTES, **headers: str) -> httpx.Response:
    return httpx.Response(status, content=content, headers=headers)


@pytest.mark.parametrize(
    ("given", "body"),
    [
        (answer(), BYTES),
        (answer(content=b""), b""),
        (answer(content=b'{"a": 1}', **{"Content-Type": "application/fhir+json"}), b'{"a": 1}'),
        (answer(content=b"<html>", **{"Content-Type": "text/html"}), b"<html>"),
        (answer(content=gzip.compress(BYTES), **{"Content-Encoding": "gzip"}), BYTES),
    ],
    ids=["bytes", "nothing", "json", "page", "packed"],
)
def test_a_file_is_what_came_whatever_it_is(script_portal, given: httpx.Response, body: bytes):
    portal = script_portal(given)
    got = portal.client.get_file("Binary/b-1")
    assert (got.status, got.body) == (200, body)
    assert str(portal.requests[0].url) == f"{BASE}/Binary/b-1"


def test_a_refused_file_is_an_answer_with_the_portals_reason(script_portal):
    got = script_portal(
        httpx.Response(404, json={"resourceType": "OperationOutcome"})
    ).client.get_file("x")
    assert (got.status, got.body) == (404, {"resourceType": "OperationOutcome"})


def test_a_file_is_asked_for_again_like_any_read(script_portal):
    portal = script_portal(httpx.ReadError("cut"), answer(503), answer())
    got = portal.client.get_file("Binary/b-1")
    assert (got.body, got.tries) == (BYTES, 3)


def test_a_file_that_is_too_large_unpacked_is_refused(script_portal):
    packed = gzip.compress(bytes(5000))
    portal = script_portal(answer(content=packed, **{"Content-Encoding": "gzip"}), max_bytes=4096)
    with pytest.raises(errors.BadResponse, match="is larger than"):
        portal.client.get_file("Binary/b-1")


def test_a_file_elsewhere_is_not_asked_for(script_portal):
    portal = script_portal()
    with pytest.raises(errors.WrongHost):
        portal.client.get_file("https://elsewhere.example/Binary/b-1")
    assert portal.requests == []


def test_the_log_names_no_file(script_portal):
    portal = script_portal(answer())
    portal.client.get_file("Binary/secret-name")
    assert [line.route for line in portal.lines] == ["/Binary/{id}"]
