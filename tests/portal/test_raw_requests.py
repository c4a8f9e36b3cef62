"""Requests that a person has written themselves: reads, their pages, and journaled writes."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from gpcli.errors import (
    BadResponse,
    Conflict,
    GpcliError,
    InvalidUsage,
    NotFound,
    NotPermitted,
    OutcomeUnknown,
    Partial,
    PortalError,
    Rejected,
    Unreachable,
)
from gpcli.http.client import HttpClient
from gpcli.journal import CommandRequest, Journal, JournalEntry
from gpcli.model.raw_exchange import RawAnswer, RawRequest
from gpcli.portal.raw_requests import (
    RawWrites,
    fetch_answer,
    fetch_answer_pages,
    prepare_request,
)
from gpcli.portal.search import MAX_PAGES, FhirSearch
from tests.portal.builders import a_searchset, an_outcome
from tests.portal.scripted import (
    BASE,
    INTENT,
    LOST,
    UNREACHABLE,
    Reply,
    Server,
    client_to,
    portal_through,
)

FHIR = {"Content-Type": "application/fhir+json"}
ODD = b'{ "resourceType":"Task", "n" : 1.50 }\n'
TASK = RawRequest("POST", "Task", FHIR, b'{"resourceType": "Task"}')
GET = RawRequest("GET", "Slot")


@pytest.fixture
def client(server: Server) -> Iterator[HttpClient]:
    with client_to(server) as client:
        yield client


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    return Journal(tmp_path, "testing", "account", lambda: CommandRequest(INTENT, "api"))


@pytest.fixture
def writes(search: FhirSearch, journal: Journal) -> RawWrites:
    return portal_through(search, journal).raw_writes


def only_entry(journal: Journal) -> JournalEntry:
    (entry,) = journal.read_entries()
    return entry


def answers_of(error: GpcliError) -> list[tuple[int, bytes]]:
    return [(each.status, each.body) for each in error.results if isinstance(each, RawAnswer)]


@pytest.mark.parametrize(
    ("request_", "sent_type"),
    [
        (RawRequest("POST", "Task", {}, ODD), "application/fhir+json"),
        (RawRequest("PATCH", "Task/t", {}, b"[]"), "application/json-patch+json"),
        (RawRequest("PATCH", "Task/t", {}, b"{}"), "application/fhir+json"),
        (
            RawRequest("POST", "Task", {"Content-Type": "application/json"}, b"{}"),
            "application/json",
        ),
        (
            RawRequest("POST", "Binary", {"Content-Type": "application/pdf"}, b"\0"),
            "application/pdf",
        ),
    ],
)
def test_a_body_gets_the_media_type_of_what_it_is(request_, sent_type):
    prepared = prepare_request(request_, BASE)
    assert prepared.headers["Content-Type"] == sent_type
    assert prepared.body == request_.body


@pytest.mark.parametrize(
    "body", [b"{", b"\x00\xff%PDF", b'{"a": 1, "a": 2}', b'{"a": NaN}', b"a=b", b"[" * 101]
)
def test_what_is_no_strict_json_is_not_sent(body):
    with pytest.raises(InvalidUsage, match=r"^The body .* Nothing was sent"):
        prepare_request(RawRequest("POST", "Task", {}, body), BASE)


@pytest.mark.parametrize(
    "path",
    [
        "https://evil.example/fhir/R4/Patient",
        "https://portal.example/fhir/R5/Patient",
        "https://portal.example/fhir/R4/../admin",
        "http://portal.example/fhir/R4/Patient",
        "https://user:password@portal.example/fhir/R4/Patient",
        "HTTPS://portal.example:444/fhir/R4/Patient",
    ],
)
def test_a_url_that_is_not_below_the_base_gets_no_token(path):
    with pytest.raises(InvalidUsage, match=re.escape(f"FHIR base, {BASE}. Nothing was sent.")):
        prepare_request(RawRequest("GET", path), BASE)


@pytest.mark.parametrize(
    "path", ["file:///etc/passwd", "mailto:x", "Patient/%2e%2e/%252e%252e/x", "ftp://a/b", "https:"]
)
def test_what_is_no_path_below_the_base_is_refused(path):
    with pytest.raises(InvalidUsage, match=r"^PATH"):
        prepare_request(RawRequest("GET", path), BASE)


@pytest.mark.parametrize("path", ["Patient/ada", "/Patient/ada", f"{BASE}/Patient/ada"])
def test_a_path_is_below_the_base_however_it_is_written(client, server, path):
    server.on("GET Patient/ada", Reply(raw=ODD, headers=FHIR))
    answer = fetch_answer(client, prepare_request(RawRequest("GET", path), BASE))
    assert (str(server.requests[0].url), answer.body) == (f"{BASE}/Patient/ada", ODD)
    assert (answer.status, answer.reason, answer.is_json) == (200, "OK", True)


def test_an_answer_has_its_headers_but_no_cookie(client, server):
    headers = {**FHIR, "ETag": 'W/"1"', "Set-Cookie": "session=1"}
    server.on("GET Slot", Reply(raw=ODD, headers=headers))
    told = {name.lower(): value for name, value in fetch_answer(client, GET).headers}
    assert (told["etag"], told["set-cookie"]) == ('W/"1"', "[hidden]")
    assert told["content-length"] == str(len(ODD))


@pytest.mark.parametrize(
    ("status", "kind"), [(400, Rejected), (403, NotPermitted), (404, NotFound), (500, PortalError)]
)
def test_a_refusal_is_raised_with_what_the_portal_sent(client, server, status, kind):
    refusal = json.dumps(an_outcome(text="Closed on Sundays")).encode()
    server.on("GET Slot", Reply(status=status, raw=refusal, headers=FHIR))
    with pytest.raises(kind, match="Closed on Sundays") as caught:
        fetch_answer(client, GET)
    assert answers_of(caught.value) == [(status, refusal)]


@pytest.mark.parametrize(
    ("media_type", "body"),
    [
        ("application/fhir+json", b"{"),
        ("application/json; charset=utf-8", b'{"a": 1, "a": 2}'),
        ("", b"hello"),
        ("text/html", b"<html>"),
        ("application/fhir+xml", b"<Patient/>"),
    ],
)
def test_a_success_that_is_not_what_was_asked_for_is_an_error_that_shows_it(
    client, server, media_type, body
):
    server.on("GET Slot", Reply(raw=body, headers={"Content-Type": media_type}))
    with pytest.raises(BadResponse, match="The portal's answer") as caught:
        fetch_answer(client, GET)
    assert answers_of(caught.value) == [(200, body)]


@pytest.mark.parametrize(
    ("media_type", "accept"),
    [("application/pdf", {}), ("text/plain", {}), ("text/html", {"Accept": "text/html"})],
)
def test_other_media_types_are_answers_like_any(client, server, media_type, accept):
    server.on("GET Slot", Reply(raw=b"\x00\xff", headers={"Content-Type": media_type}))
    answer = fetch_answer(client, RawRequest("GET", "Slot", accept))
    assert (answer.body, answer.is_json) == (b"\x00\xff", False)


def test_a_read_is_tried_again(client, server):
    server.on("GET Slot", LOST, Reply(status=503), Reply(raw=ODD, headers=FHIR))
    assert fetch_answer(client, GET).body == ODD


def a_page(number: int, following: str | None) -> dict[str, Any]:
    return a_searchset(next=following, id=f"page-{number}")


def ids_of(pages: Iterator[RawAnswer]) -> Iterator[str]:
    return (json.loads(page.body)["id"] for page in pages)


def test_the_pages_of_a_search_are_fetched_in_order(client, server):
    server.on("GET Slot", a_page(1, f"{BASE}/Slot?page=2")).on("GET Slot?page", a_page(2, None))
    request = RawRequest("GET", "Slot", {"Prefer": "handling=strict"})
    assert list(ids_of(fetch_answer_pages(client, request))) == ["page-1", "page-2"]
    assert {each.headers["Prefer"] for each in server.requests} == {"handling=strict"}


def test_the_pages_of_a_search_by_post_are_read_by_get():
    def answer(request: httpx.Request) -> httpx.Response:
        asked.append((request.method, request.content, request.headers.get("Content-Type")))
        following = f"{BASE}/Slot?page=2" if request.method == "POST" else None
        return httpx.Response(200, json=a_page(len(asked), following))

    asked: list[tuple[str, bytes, str | None]] = []
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    with client_to(answer) as client:
        pages = fetch_answer_pages(client, RawRequest("POST", "Slot/_search", form, b"a=b"))
        assert list(ids_of(pages)) == ["page-1", "page-2"]
    assert asked == [("POST", b"a=b", form["Content-Type"]), ("GET", b"", None)]


@pytest.mark.parametrize(
    "place", ["https://evil.example/Slot", "https://portal.example/admin", "//evil.example/Slot"]
)
def test_a_link_to_another_place_is_not_followed(client, server, place):
    server.on("GET Slot", a_page(1, place))
    with pytest.raises(BadResponse, match="sends your token nowhere else"):
        list(fetch_answer_pages(client, GET))
    assert len(server.requests) == 1


def test_no_page_is_fetched_twice(client, server):
    second = f"{BASE}/Slot?page=2"
    server.on("GET Slot", a_page(1, second)).on("GET Slot?page", a_page(2, second))
    pages = ids_of(fetch_answer_pages(client, GET))
    assert (next(pages), next(pages)) == ("page-1", "page-2")
    with pytest.raises(Partial, match="one that was read before"):
        next(pages)
    assert len(server.requests) == 2


def test_pages_without_end_end():
    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return httpx.Response(200, json=a_page(len(asked), f"{BASE}/Slot?page={len(asked)}"))

    asked: list[httpx.Request] = []
    with client_to(answer) as client, pytest.raises(Partial) as caught:
        list(fetch_answer_pages(client, GET))
    assert len(asked) == MAX_PAGES
    assert "A larger _count" in caught.value.hint


@pytest.mark.parametrize("name", ["If-None-Match", "if-modified-since"])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_what_is_not_modified_is_an_answer_to_who_asks_whether_it_is(client, server, method, name):
    server.on(f"{method} Slot/s-1", Reply(status=304, headers={"ETag": 'W/"1"'}))
    answer = fetch_answer(client, RawRequest(method, "Slot/s-1", {name: 'W/"1"'}))
    assert (answer.status, answer.body) == (304, b"")


def test_what_is_not_modified_is_nonsense_to_who_did_not_ask(client, server):
    server.on("GET Slot/s-1", Reply(status=304))
    with pytest.raises(BadResponse, match="status 304"):
        fetch_answer(client, RawRequest("GET", "Slot/s-1"))


@pytest.mark.parametrize(
    "body", [b"[" + b"1," * 6_000_000 + b"1]", b" " * (17 * 1024 * 1024)], ids=["JSON", "any"]
)
def test_of_a_search_that_is_too_large_less_is_asked_for(client, server, body):
    server.on("GET Slot", Reply(raw=body, headers=FHIR))
    with pytest.raises(BadResponse, match="large") as caught:
        fetch_answer(client, GET)
    assert "a smaller _count" in caught.value.hint


@pytest.mark.parametrize(
    ("request_", "reply", "target"),
    [
        (TASK, Reply(status=201, headers={"Location": f"{BASE}/Task/t-1/_history/2"}), "Task/t-1"),
        (TASK, Reply({"resourceType": "Task", "id": "t-1"}, status=201, headers=FHIR), "Task/t-1"),
        (TASK, Reply(status=201, headers={"Location": f"{BASE}/Patient/ada"}), None),
        (TASK, Reply(status=201), None),
        (
            RawRequest("PUT", "Task/t-1", FHIR, b"{}"),
            Reply({"resourceType": "Task", "id": "t-1"}, headers=FHIR),
            "Task/t-1",
        ),
        (RawRequest("DELETE", "Task/t-1"), Reply(status=204), None),
        (
            RawRequest("POST", "Task/$do", FHIR, b"{}"),
            Reply({"resourceType": "Task", "id": "t-1"}, headers=FHIR),
            None,
        ),
    ],
)
def test_the_record_that_the_answer_names_is_known_afterwards(
    writes, server, journal, request_, reply, target
):
    server.on(f"{request_.method} {request_.path}", reply)
    writes.send(request_, INTENT)
    assert writes.find_target(request_, INTENT) == only_entry(journal).target == target


@pytest.mark.parametrize("body", [{"resourceType": "Patient"}, {"a": 1}, []])
def test_what_is_no_bundle_has_no_pages(client, server, body):
    server.on("GET Slot", Reply(body, headers=FHIR))
    with pytest.raises(InvalidUsage, match="--paginate is for searches"):
        list(fetch_answer_pages(client, GET))


def test_a_later_page_that_fails_is_not_shown_as_an_answer(client, server):
    server.on("GET Slot", a_page(1, f"{BASE}/Slot?page=2"))
    server.on("GET Slot?page", Reply(an_outcome(text="Gone"), status=410))
    with pytest.raises(NotFound) as caught:
        list(fetch_answer_pages(client, GET))
    assert answers_of(caught.value) == []


def test_a_write_is_in_the_journal_before_it_leaves(search, journal):
    def answer(request: httpx.Request) -> httpx.Response:
        states.append(only_entry(journal).state)
        return httpx.Response(201, content=ODD, headers=FHIR)

    states: list[str] = []
    with client_to(answer) as client:
        through = portal_through(FhirSearch(client, search.fetch_capabilities), journal)
        written = through.raw_writes.send(TASK, INTENT)
    assert (states, only_entry(journal).state) == (["sending"], "done")
    assert (written.changed, written.record and written.record.body) == (True, ODD)


def test_a_write_goes_out_as_it_was_written_under_its_request_id(writes, server):
    server.on("PUT Task/t-1", Reply(status=200, raw=ODD, headers=FHIR))
    writes.send(RawRequest("PUT", "Task/t-1", {**FHIR, "If-Match": 'W/"3"'}, ODD), INTENT)
    (sent,) = server.requests
    assert (sent.content, sent.headers["If-Match"]) == (ODD, 'W/"3"')
    assert sent.headers["X-Request-ID"] == str(INTENT)


def test_the_journal_has_nothing_of_what_was_written(writes, server, journal, tmp_path):
    server.on("POST Task", Reply(status=201))
    writes.send(RawRequest("POST", "Task?secret", FHIR, b'{"secret": 1}'), INTENT)
    assert "secret" not in (tmp_path / "journal.jsonl").read_text()
    entry = only_entry(journal)
    assert (entry.request, entry.command, entry.can_be_found) == (INTENT, "api", False)


@pytest.mark.parametrize(
    ("reply", "kind", "state"),
    [
        (LOST, OutcomeUnknown, "unknown"),
        (Reply(status=500), OutcomeUnknown, "unknown"),
        (Reply(status=503, raw=b"{}"), OutcomeUnknown, "unknown"),
        (Reply(status=408), OutcomeUnknown, "unknown"),
        (Reply(raw=b"<html>", headers={"Content-Type": "text/html"}), OutcomeUnknown, "unknown"),
        (Reply(raw=b"{", headers=FHIR), OutcomeUnknown, "unknown"),
        (UNREACHABLE, Unreachable, "not_sent"),
        (Reply(an_outcome(text="No"), status=422), Rejected, "refused"),
        (Reply(status=403), NotPermitted, "refused"),
        (Reply(status=412), Conflict, "refused"),
        (Reply(status=501), Rejected, "refused"),
        (
            Reply(status=302, headers={"Location": "https://evil.example"}),
            OutcomeUnknown,
            "unknown",
        ),
        (Reply(status=307, headers={"Location": "https://evil.example"}), BadResponse, "refused"),
    ],
)
def test_how_a_write_ended_is_told_and_recorded(writes, server, journal, reply, kind, state):
    server.on("POST Task", reply)
    with pytest.raises(kind) as caught:
        writes.send(TASK, INTENT)
    assert caught.value.code == kind.code
    assert only_entry(journal).state == state
    assert {each.method for each in server.requests} == {"POST"}
    if kind is OutcomeUnknown:
        assert len(server.requests) == 1
        assert caught.value.request_id == str(INTENT)


def test_an_answer_that_leaves_the_outcome_open_is_shown(writes, server):
    server.on("POST Task", Reply(status=500, raw=b"oops"))
    with pytest.raises(
        OutcomeUnknown, match=r"no answer tells whether it was done\. The portal has a fault"
    ) as caught:
        writes.send(TASK, INTENT)
    assert answers_of(caught.value) == [(500, b"oops")]


def test_what_was_done_is_not_sent_again(writes, server):
    server.on("POST Task", Reply(status=201))
    writes.send(TASK, INTENT)
    assert writes.is_sent(TASK, INTENT)
    again = writes.send(TASK, INTENT)
    assert (again.record, again.changed, len(server.requests)) == (None, False, 1)


def test_what_may_have_been_done_is_not_sent_again(writes, server):
    server.on("POST Task", LOST)
    for _ in range(2):
        with pytest.raises(OutcomeUnknown):
            writes.send(TASK, INTENT)
    assert len(server.requests) == 1


@pytest.mark.parametrize("reply", [UNREACHABLE, Reply(status=422)])
def test_what_was_not_done_can_be_sent_with_the_same_id_corrected(writes, server, reply):
    server.on("POST Task", reply)
    with pytest.raises(GpcliError):
        writes.send(TASK, INTENT)
    server.on("POST Task", Reply(status=201))
    assert writes.send(RawRequest("POST", "Task", FHIR, ODD), INTENT).changed


@pytest.mark.parametrize(
    "other",
    [
        RawRequest("POST", "Task", FHIR, ODD),
        RawRequest("PUT", "Task", FHIR, TASK.body),
        RawRequest("POST", "Task/_search/", FHIR, TASK.body),
    ],
)
def test_the_same_id_is_not_taken_for_something_else(writes, server, other):
    server.on("POST Task", Reply(status=201))
    writes.send(TASK, INTENT)
    with pytest.raises(Conflict, match="used for something else"):
        writes.send(other, INTENT)
    assert len(server.requests) == 1


def test_the_portal_is_never_asked_for_what_it_can_not_show(search, journal, writes, server):
    """After ten minutes other writes that are not there count as not done; here nobody looked."""
    server.on("POST Task", LOST)
    with pytest.raises(OutcomeUnknown):
        writes.send(TASK, INTENT)
    [why] = portal_through(search, journal).fetch_outcomes(journal.read_entries())
    assert "look there yourself" in why.message
    assert (only_entry(journal).state, len(server.requests)) == ("unknown", 1)
