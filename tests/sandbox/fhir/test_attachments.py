"""What is attached to messages: within limits, and readable by none but those it belongs to."""

import base64

import pytest

from tests.sandbox.fhir.letters import (
    PNG,
    attached,
    from_surgery,
    made,
    message,
    started,
    thread,
    with_attachment,
)
from tests.sandbox.fhir.world import consent, issue, ref, service

DATA = base64.b64encode(PNG).decode()


def post(ask, resource):
    return ask("POST", f"/{resource['resourceType']}", resource)


def binary(**more):
    return {"resourceType": "Binary", "contentType": "image/png", "data": DATA} | more


def data_of(ask, id_):
    """The data of the Binary, or the refusal."""
    answer = ask.get(f"/Binary/{id_}", Accept="application/fhir+json")
    return answer.json["data"] if answer.status_code == 200 else issue(answer)


def document(who="ada", **attachment):
    return {
        "resourceType": "DocumentReference",
        "status": "current",
        "subject": ref(f"Patient/{who}"),
        "content": [{"attachment": {"contentType": "image/png"} | attachment}],
    }


def linking(header, url, **more):
    link = {"contentAttachment": {"contentType": "image/png", "url": url}}
    return with_attachment(header, link) | more


def test_an_attachment_comes_back_as_it_was_sent(ada):
    sent = with_attachment(started(ada), attached(size=len(PNG)))
    stored = made(post(ada, sent))
    assert ada.reading(f"/Communication/{stored['id']}")["payload"] == sent["payload"]


@pytest.mark.parametrize(
    "attachment",
    [
        attached(b"x" * 21),
        attached(PNG, "application/pdf"),
        attached(PNG, "image"),
    ],
)
def test_what_is_too_big_or_of_another_type_is_refused(slow, ada, attachment):
    refused = post(ada, with_attachment(started(ada), attachment))

    assert issue(refused) == (422, "business-rule", "")
    assert len(slow.store.find("Communication")) == 1


@pytest.mark.parametrize(
    "attachment", [attached(b"x" * 20), attached(PNG, "Image/PNG; q=1"), attached(b"", data="AAAA")]
)
def test_what_just_fits_is_taken(ada, attachment):
    made(post(ada, with_attachment(started(ada), attachment)))


def test_each_attachment_is_measured_on_its_own(ada):
    made(post(ada, with_attachment(started(ada), *[attached(b"x" * 20)] * 3)))


@pytest.mark.parametrize(
    ("attachment", "code"),
    [
        (attached(data="AAA"), "value"),
        (attached(data="A=AA"), "value"),
        (attached(data="~~~~"), "value"),
        (attached(size=3), "value"),
        ({"contentAttachment": {"data": DATA}}, "invariant"),
        ({"contentAttachment": {"contentType": "image/png"}}, "required"),
        ({"contentAttachment": {"contentType": "image/png", "url": "file:///etc/x"}}, "not-found"),
        ({"contentAttachment": {"contentType": "image/png", "url": "Binary/no"}}, "not-found"),
        ({"contentReference": ref("Patient/ada")}, "business-rule"),
        ({"contentReference": ref("DocumentReference/none")}, "not-found"),
    ],
)
def test_what_is_no_attachment_is_refused(ada, attachment, code):
    assert issue(post(ada, with_attachment(started(ada), attachment))) == (422, code, "")


def test_a_text_that_is_too_long_is_refused(ada):
    header = started(ada)
    parts = [{"contentString": "x" * 20}, {"contentString": "x" * 20}]

    assert issue(post(ada, message(header, "x" * 41))) == (422, "business-rule", "")
    assert issue(post(ada, message(header, payload=parts))) == (422, "business-rule", "")
    made(post(ada, message(header, "x" * 40)))


def test_a_subject_that_is_too_long_is_refused(ada):
    refused = post(ada, thread(topic={"text": "x" * 41}))
    assert issue(refused) == (422, "business-rule", "")


def test_where_no_limits_are_stated_there_are_none(slow, ada):
    slow.store.put(service("e-consultation"))
    header = started(ada)
    made(post(ada, with_attachment(header, attached(b"x" * 5000, "audio/ogg"))))
    made(post(ada, message(header, "x" * 5000)))


def test_a_request_as_big_as_an_e_consultation_s_attachments_gets_through(slow, ada):
    slow.store.put(service("e-consultation"))
    made(post(ada, with_attachment(started(ada), attached(bytes(5_000_000)))))


def test_a_binary_is_its_writer_s_own(slow, ada):
    stored = made(post(ada, binary()))

    assert stored["securityContext"] == ref("Patient/ada")
    assert data_of(ada, stored["id"]) == DATA
    assert data_of(slow.as_("bo"), stored["id"]) == (404, "not-found", "")


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"securityContext": ref("Patient/bo")}, (403, "forbidden", "")),
        ({"securityContext": ref("Organization/solbakken")}, (403, "forbidden", "")),
        ({"data": "AAA"}, (422, "value", "")),
        ({"contentType": "not one"}, None),
    ],
)
def test_a_binary_for_somebody_else_or_without_sense_is_refused(slow, ada, changes, expected):
    answer = post(ada, binary(**changes))
    assert expected is None or issue(answer) == expected
    assert slow.store.find("Binary") == [] or expected is None


def test_a_binary_without_data_is_of_no_use(ada):
    empty = {"resourceType": "Binary", "contentType": "image/png"}
    assert issue(post(ada, empty)) == (422, "business-rule", "")


def test_a_message_may_name_a_binary_of_one_s_own(ada):
    stored = made(post(ada, binary()))
    address = f"http://localhost/fhir/R4/Binary/{stored['id']}"

    sent = made(post(ada, linking(started(ada), address)))

    assert sent["payload"][1]["contentAttachment"]["url"] == f"Binary/{stored['id']}"


def test_a_binary_beyond_the_limits_is_refused_in_a_message(ada):
    big = made(post(ada, binary(data=base64.b64encode(b"x" * 21).decode())))
    refused = post(ada, linking(started(ada), f"Binary/{big['id']}"))
    assert issue(refused) == (422, "business-rule", "")


def test_nobody_gets_at_another_s_binary_by_naming_it(slow, ada):
    stored = made(post(ada, binary()))
    bo = slow.as_("bo")
    header = f"Communication/{made(post(bo, thread(who='bo')))['id']}"
    theft = linking(header, f"Binary/{stored['id']}")
    theft |= {"subject": ref("Patient/bo"), "sender": ref("Patient/bo")}

    assert issue(post(bo, theft)) == (422, "not-found", "")
    described = post(bo, document("bo", url=f"Binary/{stored['id']}"))
    assert issue(described) == (422, "not-found", "")
    assert issue(bo.get(f"/Binary/{stored['id']}")) == (404, "not-found", "")


@pytest.fixture
def sent_by_surgery(slow, ada):
    """A Binary that only a message of the surgery's names, and one that a document does."""
    header = started(ada)
    slow.store.put_all(
        [
            binary(id="in-message"),
            binary(id="in-document"),
            binary(id="nobody-s"),
            linking(header, "Binary/in-message") | {"id": "m1"},
            document(url="Binary/in-document") | {"id": "d1"},
        ]
    )


@pytest.mark.parametrize("id_", ["in-message", "in-document"])
def test_what_a_message_or_a_document_of_the_patient_s_names_is_theirs(slow, sent_by_surgery, id_):
    ada, bo = slow.as_("ada"), slow.as_("bo")

    assert data_of(ada, id_) == DATA
    assert data_of(bo, id_) == (404, "not-found", "")


def test_what_nothing_names_is_nobody_s(ada, sent_by_surgery):
    assert issue(ada.get("/Binary/nobody-s")) == (404, "not-found", "")


def test_when_the_message_is_gone_its_binary_is_too(slow, ada, sent_by_surgery):
    slow.store.delete("Communication", "m1")
    assert issue(ada.get("/Binary/in-message")) == (404, "not-found", "")


def test_binaries_are_neither_searched_nor_changed(ada):
    stored = made(post(ada, binary()))

    assert issue(ada.get("/Binary")) == (405, "not-supported", "")
    changed = ada("PUT", f"/Binary/{stored['id']}", stored | {"data": "AAAA"})
    assert issue(changed) == (405, "not-supported", "")


@pytest.mark.parametrize("accept", ["*/*", "image/png", "text/html,*/*;q=0.8", ""])
def test_who_does_not_ask_for_fhir_gets_the_bytes(ada, accept):
    stored = made(post(ada, binary()))

    answer = ada.get(f"/Binary/{stored['id']}", Accept=accept)

    assert (answer.status_code, answer.data, answer.content_type) == (200, PNG, "image/png")
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Content-Security-Policy"] == "sandbox"
    assert answer.headers["Content-Disposition"] == "attachment"


@pytest.mark.parametrize("accept", ["application/fhir+json", "application/json, */*"])
def test_who_asks_for_fhir_gets_the_resource(ada, accept):
    stored = made(post(ada, binary()))
    assert ada.get(f"/Binary/{stored['id']}", Accept=accept).json == stored
    assert ada.get(f"/Binary/{stored['id']}?_format=json", Accept="*/*").json == stored


def test_who_has_the_bytes_is_not_sent_them_again(ada):
    stored = made(post(ada, binary()))
    answer = ada.get(f"/Binary/{stored['id']}", Accept="*/*", If_None_Match='W/"1"')
    assert (answer.status_code, answer.data) == (304, b"")


def test_a_media_type_that_would_break_the_header_is_not_told(slow, ada):
    slow.store.put(binary(id="odd", contentType="a/b; x", securityContext=ref("Patient/ada")))
    answer = ada.get("/Binary/odd", Accept="*/*")
    assert answer.content_type == "application/octet-stream"


def test_the_bytes_of_another_s_binary_are_not_there_either(slow, ada):
    stored = made(post(ada, binary()))
    answer = slow.as_("bo").get(f"/Binary/{stored['id']}", Accept="image/png")
    assert issue(answer) == (404, "not-found", "")


def test_a_document_can_be_referred_to_from_a_message(ada):
    described = made(post(ada, document(data=DATA)))
    reference = {"contentReference": ref(f"DocumentReference/{described['id']}")}
    made(post(ada, with_attachment(started(ada), reference)))


def test_a_document_beyond_the_limits_is_refused_in_a_message(ada):
    big = base64.b64encode(b"x" * 21).decode()
    described = made(post(ada, document(data=big)))
    reference = {"contentReference": ref(f"DocumentReference/{described['id']}")}
    refused = post(ada, with_attachment(started(ada), reference))
    assert issue(refused) == (422, "business-rule", "")


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        (document("bo", data=DATA), (403, "forbidden", "")),
        (document(data=DATA) | {"author": [ref("PractitionerRole/gp")]}, (403, "forbidden", "")),
        (document(data=DATA) | {"status": "superseded"}, (422, "business-rule", "")),
        (document(title="nothing"), (422, "business-rule", "")),
        (document(data="AAA"), (422, "value", "")),
        (document(url="https://elsewhere.example/x"), (422, "not-found", "")),
        (document(data=DATA) | {"content": []}, (422, "structure", "")),
    ],
)
def test_documents_of_another_s_or_without_content_are_refused(slow, ada, sent, expected):
    assert issue(post(ada, sent)) == expected
    assert slow.store.find("DocumentReference") == []


def test_documents_are_never_changed(ada):
    described = made(post(ada, document(data=DATA)))
    path = f"/DocumentReference/{described['id']}"
    assert issue(ada("PUT", path, described)) == (405, "not-supported", "")


def test_without_consent_attachments_stay_closed(slow, ada):
    stored = made(post(ada, binary()))
    slow.store.put(from_surgery(started(ada), "q1"))
    slow.store.delete("Consent", "ada-full-access")
    slow.store.put(consent("ada", "basic-plus"))

    answer = ada.get(f"/Binary/{stored['id']}", Accept="*/*")

    assert issue(answer) == (403, "forbidden", "consent-needed")
