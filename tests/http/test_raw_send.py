"""Requests whose body is bytes: they go out as they are, and so do answers come in."""

import gzip

import httpx
import pytest

from gpcli import errors
from tests.http.conftest import BASE

WRITTEN = b'{ "resourceType":"Task", "priority" : 1.50 }\n'
FHIR = {"Content-Type": "application/fhir+json"}


class Token:
    """A token that is accepted for a while; `renewed` is the next one, or why there is none."""

    def __init__(self, renewed="second"):
        self.renewed = renewed

    def get_token(self, client):
        return "first-token"

    def renew_token(self, client, stale):
        if isinstance(self.renewed, Exception):
            raise self.renewed
        return self.renewed


def test_bytes_go_out_as_they_are(script_portal):
    portal = script_portal(httpx.Response(201))
    portal.client.send("POST", "Task", WRITTEN, headers=FHIR)
    sent = portal.requests[0]
    assert (sent.method, str(sent.url), sent.content) == ("POST", f"{BASE}/Task", WRITTEN)
    assert sent.headers["Content-Type"] == "application/fhir+json"


def test_no_bytes_are_no_body(script_portal):
    portal = script_portal(httpx.Response(204))
    portal.client.send("DELETE", "Task/t-1", b"")
    assert portal.requests[0].content == b""
    assert "Content-Type" not in portal.requests[0].headers


@pytest.mark.parametrize("status", [200, 404, 500])
@pytest.mark.parametrize(
    ("answer", "body"),
    [
        ({"content": WRITTEN, "headers": FHIR}, WRITTEN),
        ({"content": b"<html>", "headers": {"Content-Type": "text/html"}}, b"<html>"),
        ({"content": b"\x00\xff"}, b"\x00\xff"),
        ({"content": gzip.compress(WRITTEN), "headers": {"Content-Encoding": "gzip"}}, WRITTEN),
        ({}, b""),
    ],
    ids=["json", "page", "bytes", "packed", "nothing"],
)
def test_an_answer_is_the_bytes_that_came_whatever_its_status(script_portal, status, answer, body):
    got = script_portal(httpx.Response(status, **answer)).client.send("POST", "Task", b"")
    assert (got.status, got.body) == (status, body)


def test_a_refusal_that_is_too_large_has_no_body(script_portal):
    answer = httpx.Response(400, content=bytes(5000))
    got = script_portal(answer, max_bytes=4096).client.send("POST", "Task", b"")
    assert (got.status, got.body) == (400, None)


@pytest.mark.parametrize("status", [200, 403])
def test_the_token_is_shown_in_no_answer(script_portal, status):
    answer = httpx.Response(
        status, content=b'"first-token!"', headers={"Www-Authenticate": 'Bearer t="first-token"'}
    )
    got = script_portal(answer, bearer=Token()).client.send("GET", "Task/t-1", b"", retry=True)
    assert got.body == b'"[token]!"'
    assert got.headers["Www-Authenticate"] == 'Bearer t="[token]"'


def test_a_refusal_of_the_token_is_the_answer_where_it_cannot_be_renewed(script_portal):
    ended = Token(errors.Expired("It has ended."))
    portal = script_portal(httpx.Response(401, content=b'{"a": 1}'), bearer=ended)
    got = portal.client.send("GET", "Task/t-1", b"", retry=True)
    assert (got.status, got.body) == (401, b'{"a": 1}')


def test_with_another_token_it_is_sent_again(script_portal):
    portal = script_portal(httpx.Response(401), httpx.Response(201), bearer=Token())
    got = portal.client.send("POST", "Task", WRITTEN, headers=FHIR)
    assert (got.status, got.tries) == (201, 2)
    assert [each.headers["Authorization"] for each in portal.requests] == [
        "Bearer first-token",
        "Bearer second",
    ]


@pytest.mark.parametrize(
    "place", ["https://elsewhere.example/fhir/R4/Task", "https://portal.example/admin", "../Task"]
)
def test_nothing_leaves_for_another_place(script_portal, place):
    portal = script_portal(bearer=Token())
    with pytest.raises(errors.WrongHost):
        portal.client.send("POST", place, WRITTEN)
    assert portal.requests == []
