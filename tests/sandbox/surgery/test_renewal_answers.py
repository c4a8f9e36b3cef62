"""Test how the surgery answers requests for renewal."""

import pytest

from tests.sandbox.fhir.portal import concept, ref
from tests.sandbox.fhir.request_builders import created, medicine, prescription, renewal

REPEATS = "https://fhir.hl7.org.uk/StructureDefinition/Extension-UKCore-MedicationRepeatInformation"
GROUPS = "urn:oid:2.16.578.1.12.4.1.1.7421"


@pytest.fixture(autouse=True)
def prescribed(portal, slow_portal):
    for each in (portal, slow_portal):
        each.store.put_all([medicine(), prescription()])


def ask_for(portal, **more):
    """The request as it stands after the surgery has been asked."""
    return created(portal.sign_in("ada")("POST", "/Task", renewal(**more)))


def renewed(portal):
    """The prescriptions that replace another."""
    found = portal.store.find("MedicationRequest", patient="Patient/ada")
    return [each for each in found if "priorPrescription" in each]


def test_a_prescription_is_renewed_by_a_new_one_in_its_place(full_portal):
    task = ask_for(full_portal)

    (new,) = renewed(full_portal)
    former = full_portal.store.get("MedicationRequest", "rx")
    assert (task["status"], former["status"], new["status"]) == ("completed", "completed", "active")
    assert task["output"][0]["valueReference"] == ref(f"MedicationRequest/{new['id']}")
    assert task["lastModified"] == "2027-03-01T12:00:00+01:00"
    fresh = {
        "authoredOn": "2027-03-01T12:00:00+01:00",
        "priorPrescription": ref("MedicationRequest/rx"),
        "dispenseRequest": {
            "validityPeriod": {"start": "2027-03-01", "end": "2028-02-28"},
            "numberOfRepeatsAllowed": 2,
        },
    }
    kept = {name: each for name, each in prescription().items() if name != "id"}
    assert {name: new[name] for name in new if name not in ("id", "meta")} == kept | fresh


def test_the_count_of_what_was_issued_begins_anew(full_portal):
    issued = {"url": "numberOfPrescriptionsIssued", "valueUnsignedInt": 3}
    other = {"url": "urn:x:other", "valueString": "kept"}
    counted = [{"url": REPEATS, "extension": [issued]}, other]
    full_portal.store.put(prescription(extension=counted))

    ask_for(full_portal)

    assert renewed(full_portal)[0]["extension"] == [other]


def test_a_prescription_of_the_third_generation_follows_the_second(full_portal):
    ask_for(full_portal)
    (second,) = renewed(full_portal)

    created(full_portal.sign_in("ada")("POST", "/Task", renewal(second["id"])))

    third = renewed(full_portal)[-1]
    assert third["priorPrescription"] == ref(f"MedicationRequest/{second['id']}")


def test_one_without_an_end_is_renewed_for_a_year(full_portal):
    full_portal.store.put(prescription(dispenseRequest={"numberOfRepeatsAllowed": 1}))
    ask_for(full_portal)
    assert renewed(full_portal)[0]["dispenseRequest"] == {
        "numberOfRepeatsAllowed": 1,
        "validityPeriod": {"start": "2027-03-01", "end": "2028-02-28"},
    }


@pytest.mark.parametrize("group", ["A", "B"])
def test_groups_a_and_b_need_a_consultation(full_portal, group):
    full_portal.store.put(medicine(group=group))

    task = ask_for(full_portal)

    assert task["status"] == "rejected"
    assert task["statusReason"]["text"].startswith("A consultation is needed")
    assert renewed(full_portal) == []
    assert full_portal.store.get("MedicationRequest", "rx")["status"] == "active"


@pytest.mark.parametrize(
    "medication",
    [
        {"medicationCodeableConcept": {"text": "Zopiclone"}},
        {"medicationReference": {"display": "Zopiclone"}},
        {"medicationReference": ref("Medication/unknown")},
    ],
)
def test_where_no_group_is_told_none_stands_in_the_way(full_portal, medication):
    told = {name: each for name, each in prescription().items() if name != "medicationReference"}
    full_portal.store.put(told | medication)
    assert ask_for(full_portal)["status"] == "completed"


@pytest.mark.parametrize(
    "extension",
    [
        {"url": "urn:x", "valueCoding": {"system": GROUPS, "code": "B"}},
        {"url": "urn:x", "extension": [{"url": "g", "valueCodeableConcept": concept("B", GROUPS)}]},
    ],
)
def test_a_group_is_read_however_it_is_told_also_in_a_contained_medicine(full_portal, extension):
    inside = {"resourceType": "Medication", "id": "m", "extension": [extension]}
    full_portal.store.put(prescription(contained=[inside], medicationReference=ref("#m")))
    assert ask_for(full_portal)["status"] == "rejected"


def test_a_request_whose_note_asks_for_it_is_rejected(full_portal):
    task = ask_for(full_portal, note=[{"text": "Please decline."}])
    assert (task["status"], task["statusReason"]["text"]) == (
        "rejected",
        "The GP does not renew this prescription. Please book an appointment.",
    )


def test_a_request_waits_its_time(slow_full_portal):
    task = ask_for(slow_full_portal)
    assert (task["status"], slow_full_portal.surgery.answer_due()) == ("requested", 0)

    slow_full_portal.clock.advance(slow_full_portal.surgery.delay)

    assert slow_full_portal.surgery.answer_due() == 1
    assert slow_full_portal.store.get("Task", task["id"])["status"] == "completed"


def test_what_has_expired_meanwhile_is_rejected(slow_full_portal):
    until_noon = {"validityPeriod": {"end": "2027-03-01T13:00:00+01:00"}}
    slow_full_portal.store.put(prescription(dispenseRequest=until_noon))
    task = ask_for(slow_full_portal)
    slow_full_portal.clock.advance(slow_full_portal.surgery.delay)
    slow_full_portal.surgery.answer_due()

    settled = slow_full_portal.store.get("Task", task["id"])
    assert settled["statusReason"] == {"text": "This prescription has expired."}


def test_a_prescription_that_has_vanished_is_not_renewed(slow_full_portal):
    task = ask_for(slow_full_portal)
    slow_full_portal.store.delete("MedicationRequest", "rx")
    slow_full_portal.clock.advance(slow_full_portal.surgery.delay)
    slow_full_portal.surgery.answer_due()
    assert slow_full_portal.store.get("Task", task["id"])["status"] == "rejected"


def test_what_was_withdrawn_is_left_alone(slow_full_portal):
    task = ask_for(slow_full_portal)
    slow_full_portal.store.put(task | {"status": "cancelled"})
    slow_full_portal.clock.advance(slow_full_portal.surgery.delay)
    slow_full_portal.surgery.answer_due()
    assert (
        slow_full_portal.store.get("Task", task["id"])["status"],
        renewed(slow_full_portal),
    ) == ("cancelled", [])
