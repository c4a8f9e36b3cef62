"""Test e-consultations by telephone and video: enquiry, time and join link."""

import pytest

from tests.sandbox.fhir.portal import concept, enquiry, issue, service
from tests.sandbox.fhir.request_builders import LIMITS

CHANNEL = "urn:gpcli:channel"
VIRTUAL = "http://hl7.org/fhir/5.0/StructureDefinition/extension-Appointment.virtualService"


def an_enquiry(by="video", **more):
    asked = {"serviceType": [concept("e-consultation")], "appointmentType": concept(by, CHANNEL)}
    return enquiry(description="A cough", comment="I cough.", **asked, **more)


def ask_for(portal, resource):
    return portal.sign_in("ada")("POST", "/Appointment", resource)


def links(appointment):
    found = [each for each in appointment.get("extension", ()) if each["url"] == VIRTUAL]
    return [inner["valueUrl"] for each in found for inner in each["extension"]]


def test_one_by_video_is_given_a_time_and_an_address_to_join_at(full_portal):
    given = ask_for(full_portal, an_enquiry()).json

    (link,) = links(given)
    assert given["status"] == "booked"
    assert given["start"] == "2027-03-08T12:00:00+01:00"
    assert link.startswith("https://video.example/new-")


def test_one_by_telephone_has_no_address(full_portal):
    given = ask_for(full_portal, an_enquiry("phone")).json
    assert (given["status"], links(given)) == ("booked", [])


def test_an_address_that_is_there_stays(full_portal):
    own = {"url": VIRTUAL, "extension": [{"url": "addressUrl", "valueUrl": "https://x.example/1"}]}
    given = ask_for(full_portal, an_enquiry(extension=[own])).json
    assert links(given) == ["https://x.example/1"]


def test_two_visits_are_joined_at_two_addresses(full_portal):
    given = [ask_for(full_portal, an_enquiry()).json for _ in range(2)]
    assert links(given[0]) != links(given[1])


def test_a_booking_of_a_time_by_video_gets_its_address_too(full_portal):
    by_video = {"appointmentType": concept("video", CHANNEL)}
    booked = full_portal.sign_in("ada").book(full_portal.slot(1), **by_video)
    assert len(links(booked)) == 1


def test_one_that_asks_for_it_is_declined_as_enquiries_are(full_portal):
    declined = ask_for(full_portal, an_enquiry() | {"comment": "please decline"}).json
    assert (declined["status"], links(declined)) == ("cancelled", [])


def test_an_enquiry_can_be_withdrawn_before_it_is_answered(slow_full_portal):
    asked = ask_for(slow_full_portal, an_enquiry()).json

    path = f"/Appointment/{asked['id']}"
    answer = slow_full_portal.sign_in("ada")("PUT", path, asked | {"status": "cancelled"})

    assert answer.status_code == 200
    assert slow_full_portal.store.execute("SELECT * FROM waiting") == []


def test_a_channel_that_the_surgery_does_not_have_is_refused(full_portal):
    by_phone = [concept("phone", CHANNEL)]
    full_portal.store.put(service("e-consultation", characteristic=by_phone))

    assert issue(ask_for(full_portal, an_enquiry("video"))) == (422, "business-rule", "")
    assert ask_for(full_portal, an_enquiry("phone")).status_code == 201


@pytest.mark.parametrize(("length", "status"), [(40, 201), (41, 422)])
def test_the_patient_s_words_are_as_long_as_the_service_lets_them_be(full_portal, length, status):
    full_portal.store.put(service("e-consultation", extension=LIMITS))
    assert ask_for(full_portal, an_enquiry() | {"comment": "x" * length}).status_code == status
