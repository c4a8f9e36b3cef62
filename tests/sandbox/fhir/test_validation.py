"""Test refused bodies: malformed JSON, wrong structure, violated invariants."""

from copy import deepcopy

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpcli.sandbox.fhir.http_messages import decode_body
from gpcli.sandbox.fhir.operation_outcome import FhirError
from gpcli.sandbox.fhir.rest import MAX_BODY_BYTES
from gpcli.sandbox.fhir.validation import validate_resource
from tests.sandbox.fhir.portal import (
    NOON,
    booking,
    concept,
    consent,
    enquiry,
    issue,
    patient,
    ref,
    slot,
)

GOOD = booking(slot(1, NOON))


def refusal(check, sent):
    """The status with which `check` refuses; None if it doesn't."""
    try:
        check(sent)
    except FhirError as problem:
        return problem.status
    return None


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"null",
        b"[]",
        b'"Appointment"',
        b"{}",
        b'{"resourceType": 7}',
        b'{"resourceType": "Appointment"} x',
        b"{'resourceType': 'Appointment'}",
        b'{"resourceType": "Appointment", "resourceType": "Appointment"}',
        b'{"resourceType": "Appointment", "id": "a", "x": {"y": 1, "y": 1}}',
        b'{"resourceType": "Appointment", "x": NaN}',
        b'{"resourceType": "Appointment", "x": -Infinity}',
        b'{"resourceType": "Appointment", "x": 1e999}',
        b'{"resourceType": "Appointment", "x": ' + b"9" * 5000 + b"}",
        b'{"resourceType": "Appointment", "x": "\\ud800"}',
        b'{"resourceType": "Appointment", "x": "\xff"}',
        '{"resourceType": "Appointment"}'.encode("utf-16"),
        b'\xef\xbb\xbf{"resourceType": "Appointment"}',
        b'{"resourceType": "Appointment", "x": ' + b"[" * 70 + b"]" * 70 + b"}",
        b'{"resourceType": "Appointment", "x": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
        b'{"resourceType": "Appointment", "x": "a\nb"}',
        b'{"resourceType": "Appointment",}',
    ],
    ids=range(23),
)
@pytest.mark.parametrize("path", ["/Appointment", ""])
def test_what_is_no_strict_json_is_refused(portal, path, body):
    answer = portal.sign_in("ada")("POST", path, body)

    assert answer.status_code == 400
    assert answer.json["issue"][0]["code"] in ("structure", "invalid")


@given(st.binary(max_size=200))
def test_no_bytes_at_all_make_it_stumble(body):
    assert refusal(decode_body, body) in (None, 400)


def test_another_type_than_that_of_the_address_is_refused(portal):
    answer = portal.sign_in("ada")("POST", "/Appointment", consent("ada"))

    assert issue(answer) == (400, "invalid", "")


@pytest.mark.parametrize(
    "media",
    [
        "application/fhir+xml",
        "text/plain",
        "application/x-www-form-urlencoded",
        "application/json; charset=latin-1",
        "application/fhir+json; fhirVersion=3.0",
        "",
    ],
)
def test_another_media_type_than_json_is_refused(portal, media):
    answer = portal.sign_in("ada")("POST", "/Appointment", GOOD, Content_Type=media)

    assert issue(answer) == (415, "not-supported", "")


@pytest.mark.parametrize("media", ["application/json", "application/fhir+json; charset=UTF-8"])
def test_json_may_have_its_plain_name(portal, media):
    answer = portal.sign_in("ada")(
        "POST", "/Appointment", booking(portal.slot(1)), Content_Type=media
    )

    assert answer.status_code == 201


def test_a_search_by_post_must_be_a_form(portal):
    answer = portal.sign_in("ada")("POST", "/Slot/_search", {"status": "free"})

    assert issue(answer) == (415, "not-supported", "")


def test_a_body_that_is_too_large_is_refused_unread(portal):
    answer = portal.sign_in("ada")("POST", "/Appointment", b" " * (MAX_BODY_BYTES + 1))

    assert issue(answer) == (413, "too-long", "")


APPOINTMENT_FLAWS = [
    ({"colour": "blue"}, "structure", "Appointment.colour"),
    ({"cancellationReason": concept("pat")}, "structure", "Appointment.cancellationReason"),
    ({"modifierExtension": [{"url": "urn:x"}]}, "structure", "Appointment.modifierExtension"),
    ({"status": None}, "required", "Appointment.status"),
    ({"status": "confirmed"}, "code-invalid", "Appointment.status"),
    ({"status": None, "_status": {"id": "x"}}, "required", "Appointment.status"),
    ({"status": ["booked"]}, "code-invalid", "Appointment.status"),
    ({"participant": None}, "required", "Appointment.participant"),
    ({"participant": []}, "structure", "Appointment.participant"),
    ({"participant": {"status": "accepted"}}, "structure", "Appointment.participant"),
    ({"participant": ["ada"]}, "structure", "Appointment.participant[0]"),
    ({"participant": [{}]}, "structure", "Appointment.participant[0]"),
    (
        {"participant": [{"actor": ref("Patient/ada")}]},
        "required",
        "Appointment.participant[0].status",
    ),
    (
        {"participant": [{"actor": ref("Patient/ada"), "status": "yes"}]},
        "code-invalid",
        "Appointment.participant[0].status",
    ),
    ({"participant": [{"status": "accepted"}]}, "invariant", "Appointment.participant[0]"),
    ({"start": None}, "invariant", "Appointment"),
    ({"end": None}, "invariant", "Appointment"),
    ({"start": None, "end": None}, "invariant", "Appointment"),
    ({"end": "2027-03-01T11:59:59+01:00"}, "invariant", "Appointment"),
    ({"start": "2027-03-01"}, "value", "Appointment.start"),
    ({"start": "2027-03-01T12:00:00"}, "value", "Appointment.start"),
    ({"start": "2027-02-29T12:00:00Z"}, "value", "Appointment.start"),
    ({"start": 7}, "value", "Appointment.start"),
    ({"cancelationReason": concept("pat")}, "invariant", "Appointment.cancelationReason"),
    ({"comment": ""}, "value", "Appointment.comment"),
    ({"comment": "  "}, "value", "Appointment.comment"),
    ({"comment": "bell \x07"}, "value", "Appointment.comment"),
    ({"comment": ["a"]}, "value", "Appointment.comment"),
    ({"comment": None, "_comment": "x"}, "structure", "Appointment._comment"),
    ({"_participant": {"id": "x"}}, "structure", "Appointment._participant"),
    ({"priority": -1}, "value", "Appointment.priority"),
    ({"priority": True}, "value", "Appointment.priority"),
    ({"minutesDuration": 0}, "value", "Appointment.minutesDuration"),
    ({"minutesDuration": 2.5}, "value", "Appointment.minutesDuration"),
    ({"id": "no good"}, "value", "Appointment.id"),
    ({"language": " nb"}, "value", "Appointment.language"),
    ({"serviceType": concept("booking")}, "structure", "Appointment.serviceType"),
    (
        {"serviceType": [{"coding": [{"code": "a  b"}]}]},
        "value",
        "Appointment.serviceType[0].coding[0].code",
    ),
    ({"slot": [{"reference": ""}]}, "value", "Appointment.slot[0].reference"),
    ({"slot": [{"ref": "Slot/s1"}]}, "structure", "Appointment.slot[0].ref"),
    (
        {"identifier": [{"use": "best", "value": "1"}]},
        "code-invalid",
        "Appointment.identifier[0].use",
    ),
    ({"extension": [{"valueString": "x"}]}, "required", "Appointment.extension[0].url"),
    ({"extension": [{"url": "urn:x"}]}, "invariant", "Appointment.extension"),
    (
        {"extension": [{"url": "urn:x", "valueColour": "blue"}]},
        "structure",
        "Appointment.extension[0].valueColour",
    ),
    (
        {"extension": [{"url": "urn:x", "valueDuration": {"value": "2"}}]},
        "value",
        "Appointment.extension[0].valueDuration.value",
    ),
    (
        {"extension": [{"url": "urn:x", "valueQuantity": {"comparator": "="}}]},
        "code-invalid",
        "Appointment.extension[0].valueQuantity.comparator",
    ),
    ({"meta": {"lastUpdated": "today"}}, "value", "Appointment.meta.lastUpdated"),
    ({"requestedPeriod": [{"start": "soon"}]}, "value", "Appointment.requestedPeriod[0].start"),
    ({"text": {"status": "generated"}}, "required", "Appointment.text.div"),
    ({"contained": [{}]}, "structure", "Appointment.contained[0]"),
]


@pytest.mark.parametrize(("changed", "code", "where"), APPOINTMENT_FLAWS)
def test_an_appointment_that_breaks_the_form_is_refused_and_told_where(
    portal, changed, code, where
):
    sent = {name: value for name, value in (GOOD | changed).items() if value is not None}

    answer = portal.sign_in("ada")("POST", "/Appointment", sent)

    assert issue(answer) == (422, code, "")
    assert answer.json["issue"][0]["expression"] == [where]
    assert portal.store.find("Appointment") == []


@pytest.mark.parametrize(
    "resource",
    [
        GOOD,
        GOOD | {"status": "cancelled", "cancelationReason": concept("pat")},
        enquiry(),
        enquiry(status="waitlist"),
        GOOD | {"priority": 0, "minutesDuration": 20, "created": "2027-03", "language": "nb-NO"},
        GOOD | {"_comment": {"extension": [{"url": "urn:x", "valueString": "why"}]}},
        GOOD | {"text": {"status": "generated", "div": "<div>Visit</div>"}},
        GOOD | {"contained": [{"resourceType": "Basic", "id": "b"}]},
        GOOD | {"comment": "linje én\nlinje to\tæøå 🦊"},
        GOOD | {"extension": [{"url": "urn:x", "extension": [{"url": "y", "valueInteger": -1}]}]},
        GOOD | {"participant": [{"type": [concept("PRF")], "status": "tentative"}]},
        *(
            GOOD | {"extension": [{"url": "urn:x", "valueQuantity": {"comparator": each}}]}
            for each in ("<", "<=", ">=", ">")
        ),
        consent("ada"),
        consent("ada") | {"provision": {"type": "permit", "period": {"start": "2027"}}},
        slot(1, NOON, overbooked=False),
        patient("ada", "Ås", "14836100100"),
        {"resourceType": "Basic", "anything": "goes"},
    ],
)
def test_what_keeps_to_the_form_passes_untouched(resource):
    before = deepcopy(resource)

    validate_resource(resource)

    assert resource == before


@pytest.mark.parametrize(
    "resource",
    [
        slot(1, NOON) | {"end": "2027-03-01T10:00:00+01:00"},
        slot(1, NOON) | {"status": "taken"},
        {"resourceType": "Slot", "status": "free"},
        patient("ada", "Ås", "1") | {"gender": "f"},
        patient("ada", "Ås", "1") | {"birthDate": "14.03.1961"},
        patient("ada", "Ås", "1") | {"link": [{"other": ref("Patient/bo")}]},
        consent("ada") | {"sourceReference": ref("Consent/x"), "sourceAttachment": {"title": "x"}},
        consent("ada") | {"policyRule": "all"},
    ],
)
def test_other_types_are_looked_into_too(resource):
    with pytest.raises(FhirError) as refusal:
        validate_resource(resource)

    assert refusal.value.status == 422


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=5),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(st.sampled_from(["coding", "extension", "url", "id"]), inner)
        ),
        max_leaves=8,
    ),
    st.sampled_from(sorted(GOOD)),
)
def test_no_value_of_an_element_makes_it_stumble(value, name):
    resource = GOOD | {name: value} if name != "resourceType" else GOOD

    assert refusal(validate_resource, resource) in (None, 422)
