"""E-consultations by telephone and video: a wish, then a time, then an address to join at."""

import pytest

from tests.sandbox.fhir.letters import LIMITS
from tests.sandbox.fhir.world import concept, enquiry, issue, service

CHANNEL = "urn:gpcli:channel"
VIRTUAL = "http://hl7.org/fhir/5.0/StructureDefinition/extension-Appointment.virtualService"


def wish(by="video", **more):
    asked = {"serviceType": [concept("e-consultation")], "appointmentType": concept(by, CHANNEL)}
    return enquiry(description="A cough", comment="I cough.", **asked, **more)


def ask_for(world, resource):
    return world.as_("ada")("POST", "/Appointment", resource)


def links(appointment):
    found = [each for each in appointment.get("extension", ()) if each["url"] == VIRTUAL]
    return [inner["valueUrl"] for each in found for inner in each["extension"]]


def test_one_by_video_is_given_a_time_and_an_address_to_join_at(prompt):
    given = ask_for(prompt, wish()).json

    (link,) = links(given)
    assert given["status"] == "booked"
    assert given["start"] == "2027-03-08T12:00:00+01:00"
    assert link.startswith("https://video.example/new-")


def test_one_by_telephone_has_no_address(prompt):
    given = ask_for(prompt, wish("phone")).json
    assert (given["status"], links(given)) == ("booked", [])


def test_an_address_that_is_there_stays(prompt):
    own = {"url": VIRTUAL, "extension": [{"url": "addressUrl", "valueUrl": "https://x.example/1"}]}
    given = ask_for(prompt, wish(extension=[own])).json
    assert links(given) == ["https://x.example/1"]


def test_two_visits_are_joined_at_two_addresses(prompt):
    given = [ask_for(prompt, wish()).json for _ in range(2)]
    assert links(given[0]) != links(given[1])


def test_a_booking_of_a_time_by_video_gets_its_address_too(prompt):
    by_video = {"appointmentType": concept("video", CHANNEL)}
    booked = prompt.as_("ada").booked(prompt.slot(1), **by_video)
    assert len(links(booked)) == 1


def test_one_that_asks_for_it_is_declined_as_enquiries_are(prompt):
    declined = ask_for(prompt, wish() | {"comment": "please decline"}).json
    assert (declined["status"], links(declined)) == ("cancelled", [])


def test_a_wish_can_be_withdrawn_before_it_is_met(busy):
    asked = ask_for(busy, wish()).json

    path = f"/Appointment/{asked['id']}"
    answer = busy.as_("ada")("PUT", path, asked | {"status": "cancelled"})

    assert answer.status_code == 200
    assert busy.store.execute("SELECT * FROM waiting") == []


def test_a_channel_that_the_surgery_does_not_have_is_refused(prompt):
    by_phone = [concept("phone", CHANNEL)]
    prompt.store.put(service("e-consultation", characteristic=by_phone))

    assert issue(ask_for(prompt, wish("video"))) == (422, "business-rule", "")
    assert ask_for(prompt, wish("phone")).status_code == 201


@pytest.mark.parametrize(("length", "status"), [(40, 201), (41, 422)])
def test_the_patient_s_words_are_as_long_as_the_service_lets_them_be(prompt, length, status):
    prompt.store.put(service("e-consultation", extension=LIMITS))
    assert ask_for(prompt, wish() | {"comment": "x" * length}).status_code == status
