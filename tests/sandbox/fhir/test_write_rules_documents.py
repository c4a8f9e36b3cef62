"""Test attachments of messages: limits, and who can read them."""

import base64

import pytest

from tests.sandbox.fhir.portal import consent, issue, ref, service
from tests.sandbox.fhir.request_builders import (
    PNG,
    attachment_payload,
    create_thread,
    created,
    message,
    surgery_message,
    thread_header,
    with_attachment,
)

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
    sent = with_attachment(create_thread(ada), attachment_payload(size=len(PNG)))
    stored = created(post(ada, sent))
    assert ada.read_json(f"/Communication/{stored['id']}")["payload"] == sent["payload"]


@pytest.mark.parametrize(
    "attachment",
    [
        attachment_payload(b"x" * 21),
        attachment_payload(PNG, "application/pdf"),
        attachment_payload(PNG, "image"),
    ],
)
def test_what_is_too_big_or_of_another_type_is_refused(slow_portal, ada, attachment):
    refused = post(ada, with_attachment(create_thread(ada), attachment))

    assert issue(refused) == (422, "business-rule", "")
    assert len(slow_portal.store.find("Communication")) == 1


@pytest.mark.parametrize(
    "attachment",
    [
        attachment_payload(b"x" * 20),
        attachment_payload(PNG, "Image/PNG; q=1"),
        attachment_payload(b"", data="AAAA"),
    ],
)
def test_what_just_fits_is_taken(ada, attachment):
    created(post(ada, with_attachment(create_thread(ada), attachment)))


def test_each_attachment_is_measured_on_its_own(ada):
    created(post(ada, with_attachment(create_thread(ada), *[attachment_payload(b"x" * 20)] * 3)))


@pytest.mark.parametrize(
    ("attachment", "code"),
    [
        (attachment_payload(data="AAA"), "value"),
        (attachment_payload(data="A=AA"), "value"),
        (attachment_payload(data="~~~~"), "value"),
        (attachment_payload(size=3), "value"),
        ({"contentAttachment": {"data": DATA}}, "invariant"),
        ({"contentAttachment": {"contentType": "image/png"}}, "required"),
        ({"contentAttachment": {"contentType": "image/png", "url": "file:///etc/x"}}, "not-found"),
        ({"contentAttachment": {"contentType": "image/png", "url": "Binary/no"}}, "not-found"),
        ({"contentReference": ref("Patient/ada")}, "business-rule"),
        ({"contentReference": ref("DocumentReference/none")}, "not-found"),
    ],
)
def test_what_is_no_attachment_is_refused(ada, attachment, code):
    assert issue(post(ada, with_attachment(create_thread(ada), attachment))) == (422, code, "")


def test_a_text_that_is_too_long_is_refused(ada):
    header = create_thread(ada)
    parts = [{"contentString": "x" * 20}, {"contentString": "x" * 20}]

    assert issue(post(ada, message(header, "x" * 41))) == (422, "business-rule", "")
    assert issue(post(ada, message(header, payload=parts))) == (422, "business-rule", "")
    created(post(ada, message(header, "x" * 40)))


def test_a_subject_that_is_too_long_is_refused(ada):
    refused = post(ada, thread_header(topic={"text": "x" * 41}))
    assert issue(refused) == (422, "business-rule", "")


def test_where_no_limits_are_stated_there_are_none(slow_portal, ada):
    slow_portal.store.put(service("e-consultation"))
    header = create_thread(ada)
    created(post(ada, with_attachment(header, attachment_payload(b"x" * 5000, "audio/ogg"))))
    created(post(ada, message(header, "x" * 5000)))


def test_a_request_as_big_as_an_e_consultation_s_attachments_gets_through(slow_portal, ada):
    slow_portal.store.put(service("e-consultation"))
    created(post(ada, with_attachment(create_thread(ada), attachment_payload(bytes(5_000_000)))))


def test_a_binary_is_its_writer_s_own(slow_portal, ada):
    stored = created(post(ada, binary()))

    assert stored["securityContext"] == ref("Patient/ada")
    assert data_of(ada, stored["id"]) == DATA
    assert data_of(slow_portal.sign_in("bo"), stored["id"]) == (404, "not-found", "")


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"securityContext": ref("Patient/bo")}, (403, "forbidden", "")),
        ({"securityContext": ref("Organization/solbakken")}, (403, "forbidden", "")),
        ({"data": "AAA"}, (422, "value", "")),
        ({"contentType": "not one"}, None),
    ],
)
def test_a_binary_for_somebody_else_or_without_sense_is_refused(
    slow_portal, ada, changes, expected
):
    answer = post(ada, binary(**changes))
    assert expected is None or issue(answer) == expected
    assert slow_portal.store.find("Binary") == [] or expected is None


def test_a_binary_without_data_is_of_no_use(ada):
    empty = {"resourceType": "Binary", "contentType": "image/png"}
    assert issue(post(ada, empty)) == (422, "business-rule", "")


def test_a_message_may_name_a_binary_of_one_s_own(ada):
    stored = created(post(ada, binary()))
    address = f"http://localhost/fhir/R4/Binary/{stored['id']}"

    sent = created(post(ada, linking(create_thread(ada), address)))

    assert sent["payload"][1]["contentAttachment"]["url"] == f"Binary/{stored['id']}"


def test_a_binary_beyond_the_limits_is_refused_in_a_message(ada):
    big = created(post(ada, binary(data=base64.b64encode(b"x" * 21).decode())))
    refused = post(ada, linking(create_thread(ada), f"Binary/{big['id']}"))
    assert issue(refused) == (422, "business-rule", "")


def test_nobody_gets_at_another_s_binary_by_naming_it(slow_portal, ada):
    stored = created(post(ada, binary()))
    bo = slow_portal.sign_in("bo")
    header = f"Communication/{created(post(bo, thread_header(who='bo')))['id']}"
    theft = linking(header, f"Binary/{stored['id']}")
    theft |= {"subject": ref("Patient/bo"), "sender": ref("Patient/bo")}

    assert issue(post(bo, theft)) == (422, "not-found", "")
    described = post(bo, document("bo", url=f"Binary/{stored['id']}"))
    assert issue(described) == (422, "not-found", "")
    assert issue(bo.get(f"/Binary/{stored['id']}")) == (404, "not-found", "")


@pytest.fixture
def sent_by_surgery(slow_portal, ada):
    """A Binary that only a message of the surgery's names, and one that a document does."""
    header = create_thread(ada)
    slow_portal.store.put_all(
        [
            binary(id="in-message"),
            binary(id="in-document"),
            binary(id="nobody-s"),
            linking(header, "Binary/in-message") | {"id": "m1"},
            document(url="Binary/in-document") | {"id": "d1"},
        ]
    )


@pytest.mark.parametrize("id_", ["in-message", "in-document"])
def test_what_a_message_or_a_document_of_the_patient_s_names_is_theirs(
    slow_portal, sent_by_surgery, id_
):
    ada, bo = slow_portal.sign_in("ada"), slow_portal.sign_in("bo")

    assert data_of(ada, id_) == DATA
    assert data_of(bo, id_) == (404, "not-found", "")


def test_what_nothing_names_is_nobody_s(ada, sent_by_surgery):
    assert issue(ada.get("/Binary/nobody-s")) == (404, "not-found", "")


def test_when_the_message_is_gone_its_binary_is_too(slow_portal, ada, sent_by_surgery):
    slow_portal.store.delete("Communication", "m1")
    assert issue(ada.get("/Binary/in-message")) == (404, "not-found", "")


def test_binaries_are_neither_searched_nor_changed(ada):
    stored = created(post(ada, binary()))

    assert issue(ada.get("/Binary")) == (405, "not-supported", "")
    changed = ada("PUT", f"/Binary/{stored['id']}", stored | {"data": "AAAA"})
    assert issue(changed) == (405, "not-supported", "")


@pytest.mark.parametrize("accept", ["*/*", "image/png", "text/html,*/*;q=0.8", ""])
def test_who_does_not_ask_for_fhir_gets_the_bytes(ada, accept):
    stored = created(post(ada, binary()))

    answer = ada.get(f"/Binary/{stored['id']}", Accept=accept)

    assert (answer.status_code, answer.data, answer.content_type) == (200, PNG, "image/png")
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Content-Security-Policy"] == "sandbox"
    assert answer.headers["Content-Disposition"] == "attachment"


@pytest.mark.parametrize("accept", ["application/fhir+json", "application/json, */*"])
def test_who_asks_for_fhir_gets_the_resource(ada, accept):
    stored = created(post(ada, binary()))
    assert ada.get(f"/Binary/{stored['id']}", Accept=accept).json == stored
    assert ada.get(f"/Binary/{stored['id']}?_format=json", Accept="*/*").json == stored


def test_who_has_the_bytes_is_not_sent_them_again(ada):
    stored = created(post(ada, binary()))
    answer = ada.get(f"/Binary/{stored['id']}", Accept="*/*", If_None_Match='W/"1"')
    assert (answer.status_code, answer.data) == (304, b"")


def test_a_media_type_that_would_break_the_header_is_not_told(slow_portal, ada):
    slow_portal.store.put(
        binary(id="odd", contentType="a/b; x", securityContext=ref("Patient/ada"))
    )
    answer = ada.get("/Binary/odd", Accept="*/*")
    assert answer.content_type == "application/octet-stream"


def test_the_bytes_of_another_s_binary_are_not_there_either(slow_portal, ada):
    stored = created(post(ada, binary()))
    answer = slow_portal.sign_in("bo").get(f"/Binary/{stored['id']}", Accept="image/png")
    assert issue(answer) == (404, "not-found", "")


def test_a_document_can_be_referred_to_from_a_message(ada):
    described = created(post(ada, document(data=DATA)))
    reference = {"contentReference": ref(f"DocumentReference/{described['id']}")}
    created(post(ada, with_attachment(create_thread(ada), reference)))


def test_a_document_beyond_the_limits_is_refused_in_a_message(ada):
    big = base64.b64encode(b"x" * 21).decode()
    described = created(post(ada, document(data=big)))
    reference = {"contentReference": ref(f"DocumentReference/{described['id']}")}
    refused = post(ada, with_attachment(create_thread(ada), reference))
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
def test_documents_of_another_s_or_without_content_are_refused(slow_portal, ada, sent, expected):
    assert issue(post(ada, sent)) == expected
    assert slow_portal.store.find("DocumentReference") == []


def test_documents_are_never_changed(ada):
    described = created(post(ada, document(data=DATA)))
    path = f"/DocumentReference/{described['id']}"
    assert issue(ada("PUT", path, described)) == (405, "not-supported", "")


def test_without_consent_attachments_stay_closed(slow_portal, ada):
    stored = created(post(ada, binary()))
    slow_portal.store.put(surgery_message(create_thread(ada), "q1"))
    slow_portal.store.delete("Consent", "ada-full-access")
    slow_portal.store.put(consent("ada", "basic-plus"))

    answer = ada.get(f"/Binary/{stored['id']}", Accept="*/*")

    assert issue(answer) == (403, "forbidden", "consent-needed")
