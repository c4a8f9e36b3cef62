import json
from contextlib import contextmanager

import httpx
import pytest

from gpcli import __version__
from gpcli.errors import Expired, InvalidUsage, WrongHost
from gpcli.http.client import HttpClient, HttpResponse, RequestLog
from gpcli.http.deadline import Deadline
from gpcli.http.decode import MAX_EXPLANATION_BYTES
from gpcli.http.network_errors import ConnectionFailed, ResponseTimedOut, UnusableResponse

BASE = "https://portal.example/fhir/R4"


class Tokens:
    """A bearer with a list of tokens; when it is used up, the session is over."""

    def __init__(self, *tokens: str | Exception) -> None:
        self._left = list(tokens)
        self.stale: list[str] = []

    def get_token(self, client) -> str:
        return self._next()

    def renew_token(self, client, stale: str) -> str:
        self.stale.append(stale)
        return self._next()

    def _next(self) -> str:
        if not self._left:
            raise Expired("over")
        token = self._left.pop(0)
        if isinstance(token, Exception):
            raise token
        return token


def ok(**body) -> httpx.Response:
    return httpx.Response(200, json=body)


def test_a_read_carries_the_token_and_says_what_it_wants(script_portal):
    portal = script_portal(ok(resourceType="Patient"), bearer=Tokens("t1"))
    answer = portal.client.get("Patient", [("_id", "a|b")])
    request = portal.requests[0]
    assert (request.method, str(request.url)) == ("GET", f"{BASE}/Patient?_id=a%7Cb")
    assert dict(request.headers) == {
        "host": "portal.example",
        "accept": "application/fhir+json",
        "accept-encoding": "gzip",
        "user-agent": f"gpcli/{__version__}",
        "x-request-id": "request-1",
        "authorization": "Bearer t1",
    }
    assert (answer.status, answer.body, answer.trace_id) == (
        200,
        {"resourceType": "Patient"},
        "request-1",
    )


def test_an_answer_has_headers_in_any_case_and_the_url_that_was_asked(script_portal):
    portal = script_portal(httpx.Response(200, json={}, headers={"ETag": 'W/"3"'}))
    answer = portal.client.get("Patient/a")
    assert (answer.headers["etag"], answer.url) == ('W/"3"', f"{BASE}/Patient/a")
    assert isinstance(answer, HttpResponse)


def test_a_write_sends_fhir_json_with_the_records_own_decimals(script_portal):
    portal = script_portal(
        ok(valueDecimal=1), httpx.Response(201, json={}), bearer=Tokens("t1", "t1")
    )
    portal.answers[0] = httpx.Response(200, content=b'{"value": 5.20}')
    record = portal.client.get("Observation/a").body
    portal.client.send("PUT", "Observation/a", record, headers={"If-Match": 'W/"1"'})
    request = portal.requests[1]
    assert (request.method, request.content) == ("PUT", b'{"value": 5.20}')
    assert request.headers["content-type"] == "application/fhir+json"
    assert request.headers["if-match"] == 'W/"1"'


def test_a_write_without_a_body_has_no_content_type(script_portal):
    portal = script_portal(httpx.Response(204))
    answer = portal.client.send("DELETE", "Task/a", None)
    assert (answer.status, answer.body) == (204, None)
    assert "content-type" not in portal.requests[0].headers


def test_a_created_answer_without_a_body_is_fine(script_portal):
    portal = script_portal(httpx.Response(201, headers={"Location": "Task/1/_history/1"}))
    answer = portal.client.send("POST", "Task", {})
    assert (answer.status, answer.body) == (201, None)


def test_text_that_is_half_a_character_is_refused_before_it_leaves(script_portal):
    portal = script_portal()
    with pytest.raises(InvalidUsage, match="half a character"):
        portal.client.send("POST", "Communication", {"text": "\udc80"})
    assert portal.requests == []


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 412, 422, 461, 500, 503])
def test_a_refusal_is_an_answer_and_not_an_error(script_portal, status):
    portal = script_portal(httpx.Response(status, json={"resourceType": "OperationOutcome"}))
    answer = portal.client.send("POST", "Task", {})
    assert (answer.status, answer.body) == (status, {"resourceType": "OperationOutcome"})


def test_a_refusal_in_html_has_no_body(script_portal):
    portal = script_portal(httpx.Response(403, html="<h1>Blocked</h1>"))
    assert portal.client.get("Patient/a").body is None


@pytest.mark.parametrize(
    ("response", "why"),
    [
        (httpx.Response(200, html="<h1>Welcome</h1>"), "it is a web page"),
        (
            httpx.Response(200, content=b"<x/>", headers={"Content-Type": "application/fhir+xml"}),
            "it is XML",
        ),
        (httpx.Response(200), "it is empty"),
        (httpx.Response(200, content=b'{"id": 1, "id": 2}'), "it has the same key twice"),
        (httpx.Response(200, content=b'{"id": "secr'), "it is not JSON (line 1, column 8)"),
        (httpx.Response(200, content=b"[1e999]"), "it holds a number that is not finite"),
    ],
)
def test_a_good_status_with_an_unusable_body_is_a_bad_answer(script_portal, response, why):
    portal = script_portal(response)
    with pytest.raises(UnusableResponse) as raised:
        portal.client.get("Patient/a")
    assert raised.value.message == (
        f"The portal at portal.example gave an answer that gpcli can't use: {why}."
    )
    assert (raised.value.http_status, raised.value.sent) == (200, True)
    assert (raised.value.code, raised.value.trace_id) == ("bad_response", "request-1")


def test_a_401_is_renewed_once_and_tried_again_with_the_same_request_id(script_portal):
    bearer = Tokens("old", "new")
    portal = script_portal(httpx.Response(401), ok(), bearer=bearer)
    answer = portal.client.get("Patient/a")
    sent = [(r.headers["authorization"], r.headers["x-request-id"]) for r in portal.requests]
    assert sent == [("Bearer old", "request-1"), ("Bearer new", "request-1")]
    assert (answer.status, bearer.stale) == (200, ["old"])


def test_a_second_401_is_returned(script_portal):
    portal = script_portal(httpx.Response(401), httpx.Response(401), bearer=Tokens("old", "new"))
    assert portal.client.get("Patient/a").status == 401


def test_a_401_without_a_way_to_renew_says_that_the_session_is_over(script_portal):
    portal = script_portal(httpx.Response(401), bearer=Tokens("old"))
    with pytest.raises(Expired):
        portal.client.get("Patient/a")


CUT = httpx.ReadError("cut")
TOKEN_TROUBLE = [
    ConnectionFailed("the token endpoint hung up", sent=True),
    ResponseTimedOut("the token endpoint is slow", sent=True),
    UnusableResponse("the token endpoint talks nonsense", status=200),
]


@pytest.mark.parametrize("error", [Expired("over"), *TOKEN_TROUBLE])
def test_no_other_token_after_a_lost_answer_says_nothing_about_the_first_try(script_portal, error):
    portal = script_portal(CUT, httpx.Response(401), bearer=Tokens("old", error))
    answer = portal.client.send("POST", "Task", {}, retry=True)
    assert (answer.status, answer.tries, answer.repeated) == (401, 2, True)


def test_a_read_without_another_token_says_why_there_is_none(script_portal):
    error = ConnectionFailed("the token endpoint hung up", sent=True)
    portal = script_portal(CUT, httpx.Response(401), bearer=Tokens("old", error))
    with pytest.raises(ConnectionFailed, match="hung up"):
        portal.client.get("Patient/a")


def test_what_came_before_a_renewed_token_counts_as_well(script_portal):
    portal = script_portal(CUT, httpx.Response(401), ok(), bearer=Tokens("old", "new"))
    answer = portal.client.send("POST", "Task", {}, retry=True)
    assert (answer.status, answer.tries, answer.repeated) == (200, 3, True)


def test_a_write_that_was_lost_before_its_token_was_renewed_stays_sent(script_portal):
    nobody = [httpx.ConnectError("refused")] * 4
    portal = script_portal(CUT, httpx.Response(401), *nobody, bearer=Tokens("old", "new"))
    with pytest.raises(ConnectionFailed) as raised:
        portal.client.send("POST", "Task", {}, retry=True)
    assert raised.value.sent is True


def test_a_write_that_only_its_token_kept_out_was_not_done(script_portal):
    nobody = [httpx.ConnectError("refused")] * 4
    portal = script_portal(httpx.Response(401), *nobody, bearer=Tokens("old", "new"))
    with pytest.raises(ConnectionFailed) as raised:
        portal.client.send("POST", "Task", {}, retry=True)
    assert raised.value.sent is False


@pytest.mark.parametrize("lost", TOKEN_TROUBLE)
@pytest.mark.parametrize("tokens", [("boom",), ("old", "boom")])
def test_a_failure_at_the_token_endpoint_is_not_taken_for_a_lost_write(script_portal, tokens, lost):
    lost.sent = True
    bearer = Tokens(*[lost if token == "boom" else token for token in tokens])
    portal = script_portal(httpx.Response(401), bearer=bearer)
    with pytest.raises(type(lost)) as raised:
        portal.client.send("POST", "Appointment", {})
    assert raised.value.sent is False


@pytest.mark.parametrize(
    "link",
    ["https://evil.example/fhir/R4/Slot?page=2", "http://portal.example/fhir/R4/Slot", "/../x"],
)
def test_no_token_is_made_ready_for_a_link_to_another_place(script_portal, link):
    bearer = Tokens("t1")
    portal = script_portal(bearer=bearer)
    with pytest.raises(WrongHost):
        portal.client.get(link)
    assert (portal.requests, bearer.get_token(None)) == ([], "t1")


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_returned_and_not_followed(script_portal, status):
    elsewhere = {"Location": "https://evil.example/fhir/R4/Patient/a"}
    portal = script_portal(httpx.Response(status, headers=elsewhere), bearer=Tokens("t1"))
    assert portal.client.get("Patient/a").status == status
    assert len(portal.requests) == 1


def test_a_cookie_is_not_sent_back(script_portal):
    portal = script_portal(httpx.Response(200, json={}, headers={"Set-Cookie": "a=b"}), ok())
    portal.client.get("Patient/a")
    portal.client.get("Patient/a")
    assert "cookie" not in portal.requests[1].headers


def test_fetch_goes_anywhere_encrypted_and_never_with_the_token(script_portal):
    portal = script_portal(ok(keys=[]), bearer=Tokens("t1"))
    answer = portal.client.get_public("https://id.example/jwks", headers={"If-None-Match": '"a"'})
    headers = portal.requests[0].headers
    assert answer.body == {"keys": []}
    assert (headers["accept"], headers["if-none-match"]) == ("application/json", '"a"')
    assert "authorization" not in headers


def test_a_form_goes_without_the_token_and_once(script_portal):
    portal = script_portal(httpx.Response(503), bearer=Tokens("t1"))
    answer = portal.client.post_form("https://id.example/token", {"a": "1 2", "b": "&"})
    request = portal.requests[0]
    assert (answer.status, request.content) == (503, b"a=1+2&b=%26")
    assert request.headers["content-type"] == "application/x-www-form-urlencoded"
    assert "authorization" not in request.headers


def test_an_unusable_answer_to_a_form_does_not_send_anybody_to_the_profile(script_portal):
    portal = script_portal(httpx.Response(200, text="access_token=t1"))
    with pytest.raises(UnusableResponse) as raised:
        portal.client.post_form("https://id.example/token", {})
    assert raised.value.hint == "Tell the people who run the portal."


def _explain(size: int, status: int) -> httpx.Response:
    return httpx.Response(status, content=b'{"error": "%s"}' % (b"x" * (size - 13)))


def test_an_explanation_is_read_up_to_its_own_limit(script_portal):
    most = MAX_EXPLANATION_BYTES
    portal = script_portal(
        *(_explain(size, 422) for size in (most, most + 1)), *(_explain(most + 1, 200),) * 2
    )
    assert "error" in portal.client.get("Patient/a").body
    refused = portal.client.get("Patient/a")
    assert (refused.status, refused.body) == (422, None)
    assert "error" in portal.client.get("Patient/a").body
    with pytest.raises(UnusableResponse, match="larger than 1 MB"):
        portal.client.post_form("https://as.example/token", {"a": "b"})


@pytest.mark.parametrize("url", ["http://id.example/token", "http://localhost/token"])
def test_a_form_without_encryption_is_not_sent(script_portal, url):
    portal = script_portal()
    with pytest.raises(WrongHost):
        portal.client.post_form(url, {"refresh_token": "secret"})
    assert portal.requests == []


def test_a_base_without_encryption_is_refused_at_once(script_portal):
    with pytest.raises(WrongHost):
        script_portal(base="http://portal.example/fhir")


def test_a_callers_own_request_id_is_kept(script_portal):
    portal = script_portal(ok())
    answer = portal.client.send("POST", "Task", {}, headers={"X-Request-ID": "mine"})
    assert (answer.trace_id, portal.requests[0].headers["x-request-id"]) == ("mine", "mine")


def test_the_log_has_a_line_per_try_without_ids_queries_or_tokens(script_portal):
    portal = script_portal(
        httpx.Response(503), httpx.ReadError("cut"), ok(), bearer=Tokens("secret")
    )
    portal.client.get("Appointment/secret-id", [("patient", "secret-name")])
    assert portal.lines == [
        RequestLog("GET", "/Appointment/{id}", 503, 0, "request-1"),
        RequestLog("GET", "/Appointment/{id}", None, 0, "request-1"),
        RequestLog("GET", "/Appointment/{id}", 200, 0, "request-1", len("{}")),
    ]


def test_no_error_text_holds_what_was_asked_or_answered(script_portal):
    portal = script_portal(httpx.Response(200, content=b"<secret>"), bearer=Tokens("secret"))
    with pytest.raises(UnusableResponse) as raised:
        portal.client.get("Patient/secret", [("name", "secret")])
    assert "secret" not in f"{raised.value!r} {raised.value.message} {raised.value.hint}"


def test_a_deadline_that_is_over_sends_nothing(script_portal):
    portal = script_portal(ok(), seconds=5)
    portal.clock.at += 5
    with pytest.raises(ResponseTimedOut) as raised:
        portal.client.send("POST", "Appointment", {})
    assert (raised.value.sent, portal.requests) == (False, [])


def test_closing_the_client_closes_its_transport(script_portal):
    closed = []

    class _Transport(httpx.MockTransport):
        def close(self) -> None:
            closed.append(True)

    portal = script_portal()
    with type(portal.client)(
        BASE,
        deadline=portal.client.deadline,
        env={},
        transport=_Transport(lambda request: httpx.Response(200, content=json.dumps({}))),
    ) as client:
        client.get("Patient/a")
    assert closed == [True]


def test_the_progress_surrounds_each_wait_and_ends_before_the_answer_is_used():
    events = []

    @contextmanager
    def progress():
        events.append("begins")
        yield
        events.append("ends")

    def portal(request: httpx.Request) -> httpx.Response:
        events.append("asked")
        return ok()

    client = HttpClient(
        BASE,
        deadline=Deadline(1),
        env={},
        transport=httpx.MockTransport(portal),
        progress=progress,
    )
    client.get("Patient")
    assert events == ["begins", "asked", "ends"]


@pytest.mark.parametrize("status", [400, 401, 403, 500])
def test_a_token_that_a_portal_quotes_in_a_refusal_is_not_repeated(script_portal, status):
    told = {"issue": [{"diagnostics": "Authorization: Bearer t0ken-2", "line": 7}]}
    refusal = httpx.Response(status, json=told)
    portal = script_portal(refusal, refusal, bearer=Tokens("t0ken-2", "t0ken-2"))

    answer = portal.client.get("Slot")

    assert answer.body == {"issue": [{"diagnostics": "Authorization: Bearer [token]", "line": 7}]}
