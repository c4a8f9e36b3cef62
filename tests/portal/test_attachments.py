"""Attachments of messages, and how their bytes are fetched."""

from __future__ import annotations

import gzip
from base64 import b64encode

import pytest

from gpcli import errors
from gpcli.fhir.bundle import read_bundle
from gpcli.fhir.documents import document_references, read_content, write_attachment
from gpcli.fhir.element import Malformed
from gpcli.model.thread import AttachedFile, Attachment
from gpcli.portal.fhir_portal import FhirPortal
from tests.portal.builders import a_bundle, a_searchset, an_outcome, ref
from tests.portal.communications import a_document, a_file, a_message
from tests.portal.scripted import BASE, Reply, Server

TEXT = b"\x00\xff bytes\r\n"
PACKED = {"Content-Encoding": "gzip"}


def attachments_of(
    *payload: dict, included: tuple[dict, ...] = (), flaws: list[str] | None = None, **more
) -> tuple[Attachment, ...]:
    message = a_message(payload=list(payload), **more)
    bundle = read_bundle(a_searchset(message, included=included), flaws)
    return read_content(bundle.matches[0], bundle).attachments


def test_files_are_numbered_in_their_order_whatever_is_written_between():
    files = attachments_of(a_file(), {"contentString": "and"}, a_file(b"2", title=None))
    assert files == (
        Attachment("message-1.1", "note.txt", "text/plain", 4, b"7 mm"),
        Attachment("message-1.2", None, "text/plain", 1, b"2"),
    )


def test_a_file_that_is_elsewhere_has_its_address_as_written():
    (attachment,) = attachments_of(a_file(None, url=f"{BASE}/Binary/b-1", size=9))
    assert attachment == Attachment(
        "message-1.1", "note.txt", "text/plain", 9, source=f"{BASE}/Binary/b-1"
    )


def test_bytes_that_came_along_go_before_an_address():
    (inline,) = attachments_of(a_file(b"x", url="Binary/b-1"))
    assert (inline.content, inline.source) == (b"x", None)


@pytest.mark.parametrize(
    ("data", "content"),
    [
        ("SGVp", b"Hei"),
        ("SG\r\n Vp\t", b"Hei"),
        ("SGU=", b"He"),
        ("SGU", None),
        ("SG-_", None),
        ("SG*p", None),
        ("Grüß", None),
        ("====", None),
    ],
)
def test_base64_is_taken_strictly_but_for_blanks(data: str, content: bytes | None):
    flaws: list[str] = []
    (file,) = attachments_of(a_file(None, data=data, url="Binary/b-1"), flaws=flaws)
    assert (file.content, file.source) == (content, "Binary/b-1" if flaws else None)
    assert bool(flaws) is (content is None)


DOCUMENT_PAYLOAD = {"contentReference": ref("DocumentReference/doc-1", display="A picture")}
FROM_DOCUMENT = Attachment(
    "message-1.1", "Picture", "image/png", 3, source="Binary/b-1", status="current"
)


def test_a_document_that_came_along_says_what_it_holds():
    assert attachments_of(DOCUMENT_PAYLOAD, included=(a_document(),)) == (FROM_DOCUMENT,)


def test_a_document_inside_of_the_message_does_too():
    inside = {"contentReference": ref("#doc-1")}
    assert attachments_of(inside, contained=[a_document()]) == (FROM_DOCUMENT,)


def test_a_document_that_did_not_come_along_is_where_the_rest_is():
    unknown = Attachment("message-1.1", "A picture", None, None, source="DocumentReference/doc-1")
    assert attachments_of(DOCUMENT_PAYLOAD) == (unknown,)


def test_the_documents_of_a_message_are_known_before_they_are_read():
    message = a_message(
        payload=[DOCUMENT_PAYLOAD, a_file(), {"contentReference": ref("Media/m-1")}]
    )
    assert list(document_references(a_bundle(message).matches[0])) == ["DocumentReference/doc-1"]


@pytest.mark.parametrize(
    "broken",
    [
        {"contentAttachment": []},
        {"contentReference": "DocumentReference/doc-1"},
        {"contentReference": {}},
        {"contentReference": ref("#nowhere")},
        a_file(title=7),
        a_file(size="4"),
        a_file(size=-1),
        a_file(size=True),
        a_file(data=["SGVp"]),
        a_file(None, url={"x": 1}),
    ],
    ids=str,
)
def test_a_broken_attachment_is_malformed(broken: dict):
    with pytest.raises(Malformed):
        attachments_of(broken)


@pytest.mark.parametrize("content", [[], None, [{}], [{"attachment": "x"}]])
def test_a_document_without_content_is_malformed(content: object):
    with pytest.raises(Malformed):
        attachments_of(DOCUMENT_PAYLOAD, included=(a_document(content=content),))


def test_a_file_is_written_with_all_that_a_reader_needs():
    assert write_attachment(AttachedFile("å.txt", "text/plain", TEXT)) == {
        "contentType": "text/plain",
        "title": "å.txt",
        "size": len(TEXT),
        "data": b64encode(TEXT).decode(),
    }


def attachment_at(source: str | None, content_type: str | None = "image/png") -> Attachment:
    return Attachment("message-1.1", "x", content_type, None, source=source)


def a_binary(content: bytes = TEXT, **more) -> dict:
    data = b64encode(content).decode()
    return {"resourceType": "Binary", "contentType": "image/png", "data": data, **more}


def raw_reply(content: bytes, media_type: str, **headers: str) -> Reply:
    return Reply(raw=content, headers={"Content-Type": media_type, **headers})


def fhir_reply(body: dict) -> Reply:
    return Reply(body, headers={"Content-Type": "application/fhir+json; charset=utf-8"})


@pytest.mark.parametrize(
    ("answer", "content"),
    [
        (fhir_reply(a_binary()), TEXT),
        (Reply(a_binary()), TEXT),
        (fhir_reply(a_binary(data="")), b""),
        (raw_reply(TEXT, "image/png"), TEXT),
        (raw_reply(TEXT, "Application/Octet-Stream"), TEXT),
        (raw_reply(b"", "image/png"), b""),
        (raw_reply(b'{"a": 1}', "application/json"), b'{"a": 1}'),
        (raw_reply(b"[1, 2", "application/json"), b"[1, 2"),
        (raw_reply(gzip.compress(TEXT), "image/png", **{"Content-Encoding": "gzip"}), TEXT),
    ],
    ids=["fhir", "json", "empty", "raw", "stream", "nothing", "is json", "broken json", "packed"],
)
def test_bytes_are_taken_out_of_a_binary_or_as_they_come(
    portal: FhirPortal, server: Server, answer: Reply, content: bytes
):
    server.on("GET Binary/b-1", answer)
    assert portal.mailbox.fetch_content(attachment_at("Binary/b-1")) == content
    assert server.requests[0].headers["Accept"] == "application/fhir+json"


def test_a_binary_at_an_address_of_the_portals_own_is_read(portal: FhirPortal, server: Server):
    server.on("GET Binary/b-1", fhir_reply(a_binary()))
    assert portal.mailbox.fetch_content(attachment_at(f"{BASE}/Binary/b-1")) == TEXT


@pytest.mark.parametrize(
    "source",
    [
        "https://elsewhere.example/fhir/R4/Binary/b-1",
        "http://portal.example/fhir/R4/Binary/b-1",
        "https://portal.example:8443/fhir/R4/Binary/b-1",
        "https://portal.example/other/Binary/b-1",
        "https://kari@portal.example/fhir/R4/Binary/b-1",
        "Binary/../../../admin",
        f"{BASE}/Binary/..%2f..%2fadmin",
    ],
)
def test_no_token_leaves_for_an_attachment_elsewhere(
    portal: FhirPortal, server: Server, source: str
):
    with pytest.raises(errors.WrongHost):
        portal.mailbox.fetch_content(attachment_at(source))
    assert server.requests == []


@pytest.mark.parametrize("source", ["javascript:alert(1)", "file:///etc/passwd", "data:,x"])
def test_what_is_no_web_address_is_not_followed(portal: FhirPortal, server: Server, source: str):
    with pytest.raises(errors.BadResponse):
        portal.mailbox.fetch_content(attachment_at(source))
    assert server.requests == []


def test_what_came_along_needs_no_question(portal: FhirPortal, server: Server):
    assert portal.mailbox.fetch_content(Attachment("1.1", None, None, None, content=b"")) == b""
    assert server.requests == []


@pytest.mark.parametrize(
    "answer",
    [
        fhir_reply({"resourceType": "Binary"}),
        fhir_reply(a_binary(data="not base64")),
        fhir_reply(a_binary(data=[1])),
        fhir_reply(an_outcome()),
        Reply(an_outcome()),
        raw_reply(b"{", "application/fhir+json"),
        raw_reply(b"[]", "application/fhir+json"),
        raw_reply(b"<html>Sign in</html>", "text/html; charset=utf-8"),
        raw_reply(b"x", "image/png", **{"Content-Encoding": "br"}),
    ],
    ids=["none", "no base64", "type", "fhir outcome", "outcome", "json", "list", "page", "packing"],
)
def test_an_answer_that_is_no_file_is_a_bad_response(
    portal: FhirPortal, server: Server, answer: Reply
):
    server.on("GET Binary/b-1", answer)
    with pytest.raises(errors.BadResponse):
        portal.mailbox.fetch_content(attachment_at("Binary/b-1"))


def test_a_web_page_that_was_promised_is_a_file(portal: FhirPortal, server: Server):
    server.on("GET Binary/b-1", raw_reply(b"<html>", "text/html"))
    assert portal.mailbox.fetch_content(attachment_at("Binary/b-1", "text/html")) == b"<html>"


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (404, errors.NotFound),
        (410, errors.NotFound),
        (403, errors.NotPermitted),
        (401, errors.Expired),
        (500, errors.PortalError),
        (302, errors.BadResponse),
    ],
)
def test_a_file_that_is_not_given_out_is_told_as_such(
    portal: FhirPortal, server: Server, status: int, kind: type
):
    server.on("GET Binary/b-1", Reply(an_outcome(), status))
    with pytest.raises(kind):
        portal.mailbox.fetch_content(attachment_at("Binary/b-1"))


def test_what_holds_no_bytes_is_a_bad_response(portal: FhirPortal):
    with pytest.raises(errors.BadResponse, match=r"message-1\.1 .* no content"):
        portal.mailbox.fetch_content(attachment_at(None))


def test_a_file_of_many_megabytes_is_refused(portal: FhirPortal, server: Server):
    server.on("GET Binary/b-1", raw_reply(gzip.compress(bytes(17 << 20)), "image/png", **PACKED))
    with pytest.raises(errors.BadResponse, match="larger than 16 MB"):
        portal.mailbox.fetch_content(attachment_at("Binary/b-1"))


DOCUMENT = attachment_at("DocumentReference/doc-1")


def test_a_document_that_did_not_come_along_is_read_when_its_bytes_are_wanted(
    portal: FhirPortal, server: Server
):
    server.on("GET DocumentReference/doc-1", a_document()).on(
        "GET Binary/b-1", fhir_reply(a_binary())
    )
    assert portal.mailbox.fetch_content(DOCUMENT) == TEXT


def test_a_document_that_holds_its_bytes_needs_no_second_question(
    portal: FhirPortal, server: Server
):
    inline = a_document(content=[{"attachment": {"data": "SGVp"}}])
    server.on("GET DocumentReference/doc-1", inline)
    assert portal.mailbox.fetch_content(DOCUMENT) == b"Hei"


@pytest.mark.parametrize(
    "document",
    [
        a_document(content=[]),
        a_document(content=[{"attachment": {}}]),
        a_document(content=[{"attachment": {"url": 7}}]),
        a_document("doc-2"),
    ],
)
def test_a_document_that_leads_nowhere_is_a_bad_response(
    portal: FhirPortal, server: Server, document: dict
):
    server.on("GET DocumentReference/doc-1", document)
    with pytest.raises(errors.BadResponse):
        portal.mailbox.fetch_content(DOCUMENT)
