"""A request in the person's own words: what of a line may be sent."""

from __future__ import annotations

import json

import pytest

from gpcli.care.raw_request import METHODS, build_request, propose_raw_write
from gpcli.errors import InputNeeded, InvalidUsage, NotPermitted
from gpcli.model.person import Parties, Person
from gpcli.model.raw_exchange import RawRequest

FORM = "application/x-www-form-urlencoded"
NUMBER = "13897512345"


@pytest.mark.parametrize(
    ("method", "path", "is_write"),
    [
        ("GET", "Patient/ada", False),
        ("HEAD", "Patient/ada", False),
        ("POST", "Patient/_search", False),
        ("POST", "https://portal.example/fhir/Patient/_search?x=1", False),
        ("POST", "Patient/_search/", True),
        ("POST", "Patient?/_search", True),
        ("POST", "Appointment/$find", True),
        ("POST", "/", True),
        ("PUT", "Patient/_search", True),
        ("DELETE", "Task/t-1", True),
    ],
)
def test_all_but_reads_and_searches_may_change_something(method, path, is_write):
    body = b"{}" if method == "PUT" else None
    assert build_request(method, path, body=body).is_write is is_write


@pytest.mark.parametrize(
    ("method", "path", "fields", "sent"),
    [
        ("GET", "Slot", ("start=ge2027", "start=lt2028"), "Slot?start=ge2027&start=lt2028"),
        ("GET", "Slot?a=b", ("name=Å &",), "Slot?a=b&name=%C3%85%20%26"),
        ("HEAD", "Slot", ("_count=",), "Slot?_count="),
        ("DELETE", "Task", ("status=draft",), "Task?status=draft"),
    ],
)
def test_fields_are_the_query_where_there_is_no_body(method, path, fields, sent):
    request = build_request(method, path, fields=fields)
    assert (request.path, request.body, request.headers) == (sent, b"", {})


def test_fields_are_a_form_in_a_search_by_post():
    request = build_request("POST", "Slot/_search", fields=("start=a", "start=b c", "x="))
    assert (request.path, request.body) == ("Slot/_search", b"start=a&start=b+c&x=")
    assert request.headers == {"Content-Type": FORM}


def test_fields_are_the_texts_of_an_object_elsewhere():
    request = build_request("POST", "Task", fields=("resourceType=Task", "description=Å=1"))
    assert json.loads(request.body) == {"resourceType": "Task", "description": "Å=1"}
    assert request.headers == {"Content-Type": "application/fhir+json"}


@pytest.mark.parametrize("line_end", [b"", b"\n", b"\r\n"])
def test_a_form_from_a_file_is_without_its_line_end(line_end):
    request = build_request("POST", "Patient/_search", body=b"identifier=x%7C1" + line_end)
    assert (request.body, request.headers) == (b"identifier=x%7C1", {"Content-Type": FORM})


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH"])
def test_a_body_is_sent_byte_for_byte(method):
    body = b'{"a" : 1.50 }\n'
    assert build_request(method, "Task/t-1", body=body).body == body


def test_an_operation_may_have_no_body():
    assert build_request("POST", "Task/t-1/$cancel").body == b""


def test_headers_replace_gpclis_own_whatever_their_case():
    headers = ("accept: */*", "content-TYPE:application/pdf", "x-request-id: r-1", "If-Match: W/1")
    assert build_request("POST", "Binary", headers=headers, body=b"%PDF").headers == {
        "Accept": "*/*",
        "Content-Type": "application/pdf",
        "X-Request-ID": "r-1",
        "If-Match": "W/1",
    }


@pytest.mark.parametrize(
    "path",
    [
        "",
        " ",
        "Patient/a b",
        "Patient/a\tb",
        "Patient/\x1b[2J",
        "Patient/\u202e",
        "Patient/a#b",
        "Patient\\a",
        "//evil.example/Patient",
        "..",
        "../Patient",
        "Patient/../../admin",
        "Patient/./a",
    ],
)
def test_what_is_no_path_is_refused(path):
    with pytest.raises(InvalidUsage, match=r"^PATH"):
        build_request("GET", path)


@pytest.mark.parametrize("method", ["get", "TRACE", "CONNECT", "OPTIONS", "", "G\nET"])
def test_a_method_that_fhir_does_not_have_is_refused(method):
    with pytest.raises(InvalidUsage) as caught:
        build_request(method, "Patient/ada")
    assert caught.value.hint == "There are GET, HEAD, POST, PUT, PATCH and DELETE."
    assert method not in METHODS


@pytest.mark.parametrize(
    ("method", "path", "more"),
    [
        ("GET", f"Patient?identifier={NUMBER}", {}),
        ("GET", "Patient?identifier=urn:oid:2.16.578.1.12.4.1.4.1%7C138975+12345", {}),
        ("GET", "Patient/138975-12345", {}),
        ("GET", "Patient", {"fields": [f"identifier={NUMBER}"]}),
        ("POST", "Patient/_search", {"fields": [f"identifier=urn:oid:2.16|{NUMBER}"]}),
        ("POST", "Patient", {"headers": [f"If-None-Exist: identifier={NUMBER}"], "body": b"{}"}),
    ],
)
def test_an_identity_number_on_the_line_is_refused_and_not_repeated(method, path, more):
    with pytest.raises(InvalidUsage) as caught:
        build_request(method, path, **more)
    assert "_search --input" in caught.value.hint
    assert "12345" not in caught.value.message + caught.value.hint


@pytest.mark.parametrize(
    "path",
    [
        "Task/8d0c3e5a-6f6e-5d0b-9b5c-12345678901a",
        "Slot?start=ge2027-03-01T08:00:00.123456Z",
        "Patient/123456789012",
    ],
)
def test_other_digits_are_no_identity_number(path):
    assert build_request("GET", path).path == path


def test_an_identity_number_may_stand_in_what_a_file_has():
    body = f"identifier={NUMBER}".encode()
    assert build_request("POST", "Patient/_search", body=body).body == body


@pytest.mark.parametrize("field", ["status", "=free", " =free", "", "name=\udcff"])
def test_a_field_that_is_none_is_refused(field):
    with pytest.raises(InvalidUsage, match=r"^--field"):
        build_request("GET", "Slot", fields=[field])


@pytest.mark.parametrize(
    "header",
    [
        *("Authorization: Bearer x", "authorization: x", "Host: evil.example", "Cookie: a=b"),
        *("Content-Length: 1", "Transfer-Encoding: chunked", "Connection: close", "TE: trailers"),
        *("Proxy-Authorization: x", "Upgrade: h2c", "Expect: 100-continue", "Accept-Encoding: br"),
        *("X-HTTP-Method-Override: DELETE", "X-Method-Override: DELETE"),
        *("Accept", "Accept:", "Accept: ", ": x", "Ac cept: x", "X-A: å", "X-A: a\r\nB: c", ""),
    ],
)
def test_a_header_that_is_none_or_gpclis_own_is_refused(header):
    with pytest.raises(InvalidUsage, match=r"^--header"):
        build_request("GET", "Patient/ada", headers=[header])


@pytest.mark.parametrize(
    ("method", "path", "more", "says"),
    [
        ("POST", "Task", {"fields": ["a=b"], "body": b"{}"}, "--field and --input"),
        ("POST", "Task", {"fields": ["a=b", "a=c"]}, "twice"),
        ("GET", "Task", {"headers": ["Accept: a", "accept: b"]}, "twice"),
        ("GET", "Task", {"body": b"{}"}, "GET has no body"),
        ("DELETE", "Task/t", {"body": b""}, "DELETE has no body"),
        ("PATCH", "Task/t", {"fields": ["status=x"]}, "makes no patch"),
        ("POST", "Task/_search", {"body": b"\x00\x01"}, "is no form"),
        ("POST", "Task/_search", {"body": b"a=b\nc=d"}, "is no form"),
    ],
)
def test_what_does_not_fit_together_is_refused(method, path, more, says):
    with pytest.raises(InvalidUsage, match=says):
        build_request(method, path, **more)


@pytest.mark.parametrize("method", ["PUT", "PATCH"])
@pytest.mark.parametrize("body", [None, b""])
def test_a_change_without_a_body_is_refused(method, body):
    with pytest.raises(InputNeeded, match=f"{method} needs a body"):
        build_request(method, "Task/t-1", body=body)


class Parts:
    """A portal that knows for whom it is, or does not show it."""

    def __init__(self, parties: Parties | None):
        self._parties = parties

    def fetch_parties(self) -> Parties:
        if self._parties is None:
            raise NotPermitted("No.")
        return self._parties


def plan_of(parties: Parties | None, request: RawRequest):
    return propose_raw_write(
        Parts(parties), request, patient="emil", is_sent=False, send=lambda: None
    )


def test_the_plan_says_what_is_sent_and_for_whom():
    request = RawRequest(
        "PUT", "Task/t-1", {"Content-Type": "application/fhir+json", "If-Match": "W/1"}, b"{}" * 999
    )
    plan = plan_of(Parties(Person("emil", "Emil"), Person("guro", "Guro")), request)
    assert plan.rows == (
        ("Request", "PUT Task/t-1"),
        ("Header", "If-Match: W/1"),
        ("Body", "1,998 bytes, application/fhir+json"),
        ("For", "Emil"),
        ("By", "Guro"),
    )
    assert plan.warnings[0].startswith("It is sent as it is")


def test_a_portal_that_does_not_show_the_patient_can_be_written_to():
    plan = plan_of(None, RawRequest("DELETE", "Task/t-1"))
    assert plan.rows[1:] == (("Body", "none"), ("For", "Patient/emil"))
