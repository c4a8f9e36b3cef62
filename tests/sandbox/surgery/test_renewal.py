"""How the surgery answers requests to renew prescriptions."""

import pytest

from tests.sandbox.fhir.letters import made, medicine, prescription, renewal
from tests.sandbox.fhir.world import concept, ref

REPEATS = "https://fhir.hl7.org.uk/StructureDefinition/Extension-UKCore-MedicationRepeatInformation"
GROUPS = "urn:oid:2.16.578.1.12.4.1.1.7421"


@pytest.fixture(autouse=True)
def prescribed(world, slow):
    for each in (world, slow):
        each.store.put_all([medicine(), prescription()])


def ask_for(world, **more):
    """The request as it stands after the surgery has been asked."""
    return made(world.as_("ada")("POST", "/Task", renewal(**more)))


def renewed(world):
    """The prescriptions that replace another."""
    found = world.store.find("MedicationRequest", patient="Patient/ada")
    return [each for each in found if "priorPrescription" in each]


def test_a_prescription_is_renewed_by_a_new_one_in_its_place(prompt):
    task = ask_for(prompt)

    (new,) = renewed(prompt)
    former = prompt.store.get("MedicationRequest", "rx")
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


def test_the_count_of_what_was_issued_begins_anew(prompt):
    issued = {"url": "numberOfPrescriptionsIssued", "valueUnsignedInt": 3}
    other = {"url": "urn:x:other", "valueString": "kept"}
    counted = [{"url": REPEATS, "extension": [issued]}, other]
    prompt.store.put(prescription(extension=counted))

    ask_for(prompt)

    assert renewed(prompt)[0]["extension"] == [other]


def test_a_prescription_of_the_third_generation_follows_the_second(prompt):
    ask_for(prompt)
    (second,) = renewed(prompt)

    made(prompt.as_("ada")("POST", "/Task", renewal(second["id"])))

    third = renewed(prompt)[-1]
    assert third["priorPrescription"] == ref(f"MedicationRequest/{second['id']}")


def test_one_without_an_end_is_renewed_for_a_year(prompt):
    prompt.store.put(prescription(dispenseRequest={"numberOfRepeatsAllowed": 1}))
    ask_for(prompt)
    assert renewed(prompt)[0]["dispenseRequest"] == {
        "numberOfRepeatsAllowed": 1,
        "validityPeriod": {"start": "2027-03-01", "end": "2028-02-28"},
    }


@pytest.mark.parametrize("group", ["A", "B"])
def test_groups_a_and_b_need_a_consultation(prompt, group):
    prompt.store.put(medicine(group=group))

    task = ask_for(prompt)

    assert task["status"] == "rejected"
    assert task["statusReason"]["text"].startswith("A consultation is needed")
    assert renewed(prompt) == []
    assert prompt.store.get("MedicationRequest", "rx")["status"] == "active"


@pytest.mark.parametrize(
    "medication",
    [
        {"medicationCodeableConcept": {"text": "Zopiclone"}},
        {"medicationReference": {"display": "Zopiclone"}},
        {"medicationReference": ref("Medication/unknown")},
    ],
)
def test_where_no_group_is_told_none_stands_in_the_way(prompt, medication):
    told = {name: each for name, each in prescription().items() if name != "medicationReference"}
    prompt.store.put(told | medication)
    assert ask_for(prompt)["status"] == "completed"


@pytest.mark.parametrize(
    "extension",
    [
        {"url": "urn:x", "valueCoding": {"system": GROUPS, "code": "B"}},
        {"url": "urn:x", "extension": [{"url": "g", "valueCodeableConcept": concept("B", GROUPS)}]},
    ],
)
def test_a_group_is_read_however_it_is_told_also_in_a_contained_medicine(prompt, extension):
    inside = {"resourceType": "Medication", "id": "m", "extension": [extension]}
    prompt.store.put(prescription(contained=[inside], medicationReference=ref("#m")))
    assert ask_for(prompt)["status"] == "rejected"


def test_a_request_whose_note_asks_for_it_is_rejected(prompt):
    task = ask_for(prompt, note=[{"text": "Please decline."}])
    assert (task["status"], task["statusReason"]["text"]) == (
        "rejected",
        "The GP does not renew this prescription. Please book an appointment.",
    )


def test_a_request_waits_its_time(busy):
    task = ask_for(busy)
    assert (task["status"], busy.surgery.catch_up()) == ("requested", 0)

    busy.clock.advance(busy.surgery.delay)

    assert busy.surgery.catch_up() == 1
    assert busy.store.get("Task", task["id"])["status"] == "completed"


def test_what_has_expired_meanwhile_is_rejected(busy):
    until_noon = {"validityPeriod": {"end": "2027-03-01T13:00:00+01:00"}}
    busy.store.put(prescription(dispenseRequest=until_noon))
    task = ask_for(busy)
    busy.clock.advance(busy.surgery.delay)
    busy.surgery.catch_up()

    settled = busy.store.get("Task", task["id"])
    assert settled["statusReason"] == {"text": "This prescription has expired."}


def test_a_prescription_that_has_vanished_is_not_renewed(busy):
    task = ask_for(busy)
    busy.store.delete("MedicationRequest", "rx")
    busy.clock.advance(busy.surgery.delay)
    busy.surgery.catch_up()
    assert busy.store.get("Task", task["id"])["status"] == "rejected"


def test_what_was_withdrawn_is_left_alone(busy):
    task = ask_for(busy)
    busy.store.put(task | {"status": "cancelled"})
    busy.clock.advance(busy.surgery.delay)
    busy.surgery.catch_up()
    assert (busy.store.get("Task", task["id"])["status"], renewed(busy)) == ("cancelled", [])
