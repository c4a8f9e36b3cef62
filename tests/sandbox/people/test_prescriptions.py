"""Test prescriptions: their kinds, chains, dispenses and renewals."""

from collections import Counter
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from gpcli.sandbox.clock import ZONE
from gpcli.sandbox.people.people_file import read_form
from tests.sandbox.people.population import (
    NOW,
    Resource,
    about_patient,
    find_resource,
    of_type,
    references,
)

GROUP = "http://hl7.no/fhir/StructureDefinition/no-basis-prescriptiongroup"
A_PRESCRIPTION = """
medicines: {{pills: {{name: Pills 5 mg, form: Tablet, pack: 50 tablets, atc: A01AA01, group: A}}}}
surgeries: {{solbakken: {{name: Solbakken}}}}
gps: {{haugland: {{name: Dr. Ingrid Haugland, surgery: solbakken}}}}
people:
  ada:
    name: Ada Solberg
    gps: haugland
    prescriptions:
      - {{medicine: pills, dosage: As told., {}}}
"""


def prescribe(now: datetime, *types: str, says: str) -> list[Resource]:
    """What a prescription becomes of which the form says this besides."""
    population = list(read_form("people.yaml", A_PRESCRIPTION.format(says)).resources(now))
    return [each for type_ in types for each in of_type(population, type_)]


def product_of(resource: Resource) -> str:
    """The Medication's id, or the text of what stands in no catalogue."""
    if "medicationCodeableConcept" in resource:
        return str(resource["medicationCodeableConcept"]["text"])
    return str(resource["medicationReference"]["reference"]).removeprefix("Medication/")


def prescribed(population: list[Resource], patient: str, product: str) -> Resource:
    """The newest prescription of a product."""
    found = about_patient(population, "MedicationRequest", patient)
    return max(
        (each for each in found if product_of(each) == product),
        key=lambda each: each["dispenseRequest"]["validityPeriod"]["start"],
    )


def dispensed(population: list[Resource], prescription: Resource) -> Counter[str]:
    """How often it was handed out, by status."""
    reference = f"MedicationRequest/{prescription['id']}"
    dispenses = of_type(population, "MedicationDispense")
    return Counter(each["status"] for each in dispenses if reference in references(each))


def left(population: list[Resource], prescription: Resource) -> int:
    """By R4: the first fill and the repeats, less what was handed out and not taken back."""
    repeats: int = prescription["dispenseRequest"]["numberOfRepeatsAllowed"]
    return 1 + repeats - dispensed(population, prescription)["completed"]


def valid_until(prescription: Resource) -> date:
    return date.fromisoformat(prescription["dispenseRequest"]["validityPeriod"]["end"])


def chain(population: list[Resource], prescription: Resource) -> list[Resource]:
    """The prescription and all that it replaced, newest first."""
    prior = prescription.get("priorPrescription")
    return [prescription] + (
        chain(population, find_resource(population, prior["reference"])) if prior else []
    )


def renewal_of(population: list[Resource], prescription: Resource) -> Resource:
    reference = {"reference": f"MedicationRequest/{prescription['id']}"}
    (task,) = [each for each in of_type(population, "Task") if each["focus"] == reference]
    return task


@pytest.mark.parametrize(
    ("product", "fills"),
    [
        ("metformin-500", 2),
        ("atorvastatin-40", 3),
        ("amlodipine-5", 0),
        ("candesartan-8", 0),
        ("zopiclone-75", 0),
        ("test-strips", 2),
        ("Energy-rich drink 200 ml", 1),
    ],
)
def test_what_is_left_of_adas_prescriptions(
    now: datetime, population: list[Resource], product: str, fills: int
) -> None:
    prescription = prescribed(population, "ada", product)

    assert left(population, prescription) == fills
    assert prescription["status"] == "active"
    assert valid_until(prescription) > now.astimezone(ZONE).date()


def test_a_dispense_that_was_cancelled_leaves_its_fill(population: list[Resource]) -> None:
    prescription = prescribed(population, "ada", "omeprazole-20")

    assert dispensed(population, prescription) == {"completed": 1, "cancelled": 1}
    assert left(population, prescription) == 2


def test_of_the_inhaler_nobody_can_tell_what_is_left(population: list[Resource]) -> None:
    prescription = prescribed(population, "ada", "salbutamol-100")

    assert "numberOfRepeatsAllowed" not in prescription["dispenseRequest"]
    assert dispensed(population, prescription) == {}
    assert "category" not in prescription
    assert "extension" not in prescription


def test_of_one_the_portal_has_its_own_figure_which_counting_would_not_give(
    population: list[Resource],
) -> None:
    prescription = prescribed(population, "ada", "levothyroxine-50")
    (repeats,) = prescription["extension"]

    assert repeats == {
        "url": "https://fhir.hl7.org.uk/StructureDefinition/"
        "Extension-UKCore-MedicationRepeatInformation",
        "extension": [
            {"url": "numberOfRepeatPrescriptionsAllowed", "valueUnsignedInt": 5},
            {"url": "numberOfPrescriptionsIssued", "valueUnsignedInt": 2},
            {
                "url": "authorisationExpiryDate",
                "valueDateTime": valid_until(prescription).isoformat(),
            },
        ],
    }
    assert left(population, prescription) == 6


@pytest.mark.parametrize(
    ("product", "status", "least_days", "most_days"),
    [
        ("cetirizine-10", "active", 150, 160),
        ("phenoxymethylpenicillin-660", "completed", 367, 500),
    ],
)
def test_adas_expired_prescriptions_lapsed_five_months_and_over_a_year_ago(
    now: datetime,
    population: list[Resource],
    product: str,
    status: str,
    least_days: int,
    most_days: int,
) -> None:
    prescription = prescribed(population, "ada", product)
    ago = (now.astimezone(ZONE).date() - valid_until(prescription)).days

    assert least_days <= ago <= most_days
    assert prescription["status"] == status


def test_a_stopped_prescription_says_why(now: datetime, population: list[Resource]) -> None:
    prescription = prescribed(population, "ada", "ramipril-5")

    assert prescription["status"] == "stopped"
    assert prescription["statusReason"] == {"text": "Dry cough; replaced by candesartan."}
    assert valid_until(prescription) > now.astimezone(ZONE).date()


@pytest.mark.parametrize(
    ("product", "kind"),
    [
        ("metformin-500", "medicine"),
        ("test-strips", "consumable"),
        ("Energy-rich drink 200 ml", "nutrition"),
    ],
)
def test_ada_has_medicines_consumables_and_nutrition(
    population: list[Resource], product: str, kind: str
) -> None:
    category = prescribed(population, "ada", product)["category"]

    assert category == [{"coding": [{"system": "urn:gpcli:prescription-kind", "code": kind}]}]


def group_of(medication: Resource) -> str | None:
    """Its prescription group, where HL7 Norway's profile puts it."""
    for outer in medication.get("extension", ()):
        (inner,) = outer["extension"]
        assert (outer["url"], inner["url"]) == (GROUP, "prescriptiongroup")
        (coding,) = inner["valueCodeableConcept"]["coding"]
        assert coding["system"] == "urn:oid:2.16.578.1.12.4.1.1.7421"
        return str(coding["code"])
    return None


@pytest.mark.parametrize(
    ("medication", "group"),
    [
        ("zopiclone-75", "B"),
        ("kodein-paracetamol-nb", "B"),
        ("oksykodon-5-nb", "A"),
        ("metformin-500", "C"),
        ("test-strips", None),
        ("naeringsdrikk-nb", None),
    ],
)
def test_medicines_have_a_prescription_group_and_other_things_have_none(
    population: list[Resource], medication: str, group: str | None
) -> None:
    assert group_of(find_resource(population, f"Medication/{medication}")) == group


def test_ada_has_a_medicine_of_a_group_that_needs_a_consultation(
    population: list[Resource],
) -> None:
    groups = Counter(
        group_of(find_resource(population, each["medicationReference"]["reference"]))
        for each in about_patient(population, "MedicationRequest", "ada")
        if "medicationReference" in each
    )

    assert groups == {"C": 13, "B": 1, None: 1}


def test_medicines_are_coded_by_substance_and_things_by_name(population: list[Resource]) -> None:
    coded = {each["id"]: each["code"].get("coding") for each in of_type(population, "Medication")}

    assert coded["metformin-500"] == [{"system": "http://www.whocc.no/atc", "code": "A10BA02"}]
    assert coded["test-strips"] is None
    assert [each for each in of_type(population, "Medication") if not each["code"]["text"]] == []


def test_a_strength_stands_beside_the_name_in_the_units_of_ucum(population: list[Resource]) -> None:
    medication = find_resource(population, "Medication/levothyroxine-50")
    (ingredient,) = medication["ingredient"]

    assert medication["code"]["text"] == "Levothyroxine"
    assert ingredient["strength"] == {
        "numerator": {
            "value": 50,
            "unit": "µg",
            "system": "http://unitsofmeasure.org",
            "code": "ug",
        },
        "denominator": {"value": 1, "unit": "tablet"},
    }


def test_a_strength_stands_in_the_name_where_it_stands_nowhere_else(
    population: list[Resource],
) -> None:
    bare = {
        each["code"]["text"]
        for each in of_type(population, "Medication")
        if "coding" in each["code"] and "ingredient" not in each
    }

    assert bare == {
        "Salbutamol 100 µg inhaler",
        "Kodein/paracetamol 30/400 mg",
        "Amoksicillin 50 mg/ml mikstur",
        "Latanoprost 50 µg/ml øyedråper",
        "Salbutamol 0,1 mg/dose inhalasjon",
    }


def test_adas_statin_was_renewed_twice(population: list[Resource]) -> None:
    newest = prescribed(population, "ada", "atorvastatin-40")

    links = chain(population, newest)

    assert [each["status"] for each in links] == ["active", "completed", "completed"]
    assert [left(population, each) for each in links] == [3, 0, 0]


def test_each_chain_is_of_one_product_for_one_patient_and_goes_back_in_time(
    population: list[Resource],
) -> None:
    links = [chain(population, each) for each in of_type(population, "MedicationRequest")]
    longest = max(len(each) for each in links)

    assert longest == 3
    for chained in links:
        written = [datetime.fromisoformat(each["authoredOn"]) for each in chained]
        assert written == sorted(written, reverse=True)
        assert len(set(written)) == len(written)
        assert len({product_of(each) for each in chained}) == 1
        assert len({each["subject"]["reference"] for each in chained}) == 1


def test_nothing_is_replaced_twice(population: list[Resource]) -> None:
    replaced = Counter(
        each["priorPrescription"]["reference"]
        for each in of_type(population, "MedicationRequest")
        if "priorPrescription" in each
    )

    assert set(replaced.values()) == {1}


def test_things_are_handed_out_while_the_prescription_is_good_and_not_in_the_future(
    now: datetime, population: list[Resource]
) -> None:
    prescriptions = {
        f"MedicationRequest/{each['id']}": each for each in of_type(population, "MedicationRequest")
    }
    for dispense in of_type(population, "MedicationDispense"):
        handed_over = datetime.fromisoformat(dispense["whenHandedOver"])
        (authorizing,) = dispense["authorizingPrescription"]
        prescription = prescriptions[authorizing["reference"]]

        assert datetime.fromisoformat(prescription["authoredOn"]) < handed_over < now
        assert handed_over.date() <= valid_until(prescription)
        assert product_of(dispense) == product_of(prescription)
        assert dispense["subject"] == prescription["subject"]
        assert dispense["quantity"] == prescription["dispenseRequest"]["quantity"]


def test_nothing_is_handed_out_more_often_than_prescribed(population: list[Resource]) -> None:
    counted = [
        left(population, each)
        for each in of_type(population, "MedicationRequest")
        if "numberOfRepeatsAllowed" in each["dispenseRequest"]
    ]

    assert min(counted) == 0


@pytest.mark.parametrize(
    ("product", "expected"),
    [
        (
            "candesartan-8",
            {
                "status": "requested",
                "note": "I have about two weeks left.",
                "reason": None,
            },
        ),
        (
            "naproxen-500",
            {
                "status": "rejected",
                "note": None,
                "reason": "You need a blood test first. Please book an appointment.",
            },
        ),
    ],
)
def test_adas_renewals_are_one_open_and_one_refused_with_the_reason(
    now: datetime, population: list[Resource], product: str, expected: dict[str, Any]
) -> None:
    task = renewal_of(population, prescribed(population, "ada", product))

    (note,) = task.get("note", [{}])
    assert expected == {
        "status": task["status"],
        "note": note.get("text"),
        "reason": task.get("statusReason", {}).get("text"),
    }
    asked, changed = (datetime.fromisoformat(task[at]) for at in ("authoredOn", "lastModified"))
    assert asked <= changed < now


def test_a_renewal_says_who_asked_whom_for_what(population: list[Resource]) -> None:
    prescription = prescribed(population, "ada", "candesartan-8")

    task = renewal_of(population, prescription)

    assert task["code"]["coding"] == [{"system": "http://snomed.info/sct", "code": "103742009"}]
    ada = {"reference": "Patient/ada", "display": "Ada Solberg"}
    assert (task["for"], task["requester"]) == (ada, ada)
    assert (
        task["owner"]
        == prescription["requester"]
        == {
            "reference": "PractitionerRole/gp-haugland",
            "display": "Dr. Ingrid Haugland",
        }
    )
    (identifier,) = task["identifier"]
    assert identifier["system"] == "urn:ietf:rfc:3986"
    assert identifier["value"].startswith("urn:uuid:")


def test_the_renewal_of_the_former_statin_led_to_the_present_one(
    population: list[Resource],
) -> None:
    present, former, _ = chain(population, prescribed(population, "ada", "atorvastatin-40"))

    task = renewal_of(population, former)

    assert task["status"] == "completed"
    assert datetime.fromisoformat(task["authoredOn"]) < datetime.fromisoformat(
        present["authoredOn"]
    )


def test_at_most_one_renewal_is_asked_for_each_prescription(population: list[Resource]) -> None:
    focus = Counter(each["focus"]["reference"] for each in of_type(population, "Task"))

    assert set(focus.values()) == {1}


@pytest.mark.parametrize(
    ("patient", "prescribers"),
    [
        ("bo", {"gp-espeland"}),
        ("david", {"gp-haugland"}),
        ("finn", {"gp-myrvold", "gp-bakke"}),
        ("guro", {"gp-solem"}),
        ("emil", {"gp-solem-children"}),
    ],
)
def test_everybody_elses_prescriptions_come_from_their_own_gps(
    population: list[Resource], patient: str, prescribers: set[str]
) -> None:
    requesters = {
        each["requester"]["reference"].removeprefix("PractitionerRole/")
        for each in about_patient(population, "MedicationRequest", patient)
    }
    own = references({"of": find_resource(population, f"Patient/{patient}")["generalPractitioner"]})

    assert requesters == prescribers
    assert {f"PractitionerRole/{each}" for each in prescribers} <= set(own)


def test_hans_has_forty_prescriptions_many_renewed_and_some_used_up(
    population: list[Resource],
) -> None:
    prescriptions = about_patient(population, "MedicationRequest", "hans")
    active = [each for each in prescriptions if each["status"] == "active"]

    assert len(prescriptions) == 40
    assert Counter(len(chain(population, each)) for each in active) == {2: 16, 1: 8}
    assert Counter(left(population, each) for each in active) == {0: 8, 2: 16}


def test_norwegian_letters_survive(population: list[Resource]) -> None:
    dosage = prescribed(population, "emil", "amoksicillin-mikstur-nb")["dosageInstruction"]

    assert dosage == [{"text": "5 ml tre ganger daglig i fem dager mot ørebetennelse."}]
    assert find_resource(population, "Medication/latanoprost-nb")["form"] == {"text": "Øyedråper"}


def test_a_prescription_that_says_little_gives_only_what_it_says() -> None:
    (request,) = prescribe(
        NOW, "MedicationRequest", says="written: -3d, valid: 30d, tells_kind: no"
    )

    assert request == {
        "resourceType": "MedicationRequest",
        "id": request["id"],
        "status": "active",
        "intent": "order",
        "medicationReference": {"reference": "Medication/pills", "display": "Pills 5 mg"},
        "subject": {"reference": "Patient/ada", "display": "Ada Solberg"},
        "authoredOn": "2026-11-20T10:12:00+01:00",
        "requester": {
            "reference": "PractitionerRole/gp-haugland",
            "display": "Dr. Ingrid Haugland",
        },
        "dosageInstruction": [{"text": "As told."}],
        "dispenseRequest": {
            "validityPeriod": {"start": "2026-11-20", "end": "2026-12-20"},
            "quantity": {"value": 50, "unit": "tablets"},
        },
    }


def test_a_dose_and_the_days_of_each_dispense_are_said_in_fhir() -> None:
    says = "written: -9d, dispensed: -1d, dose: {amount: 0.5 tablet, times: 3, every: 8h}"
    request, dispense = prescribe(
        NOW, "MedicationRequest", "MedicationDispense", says=f"{says}, days_supply: 30"
    )

    assert request["dosageInstruction"] == [
        {
            "text": "As told.",
            "timing": {"repeat": {"frequency": 3, "period": 8, "periodUnit": "h"}},
            "doseAndRate": [{"doseQuantity": {"value": 0.5, "unit": "tablet"}}],
        }
    ]
    days = {"value": 30, "unit": "days", "system": "http://unitsofmeasure.org", "code": "d"}
    assert dispense["daysSupply"] == days


def test_a_dose_is_once_a_day_and_that_of_what_was_renewed() -> None:
    newer, older = prescribe(
        NOW,
        "MedicationRequest",
        says="written: -20d, renews: {written: -400d}, dose: {amount: 1 tablet}",
    )

    assert newer["dosageInstruction"] == older["dosageInstruction"]
    assert newer["dosageInstruction"][0]["timing"] == {
        "repeat": {"frequency": 1, "period": 1, "periodUnit": "d"}
    }


def test_a_unit_with_a_code_has_it_in_the_dose_and_in_the_pack(population: list[Resource]) -> None:
    request = prescribed(population, "ada", "metformin-500")
    coded = {"system": "http://unitsofmeasure.org", "code": "{tablet}"}

    [dose] = request["dosageInstruction"][0]["doseAndRate"]
    assert dose == {"doseQuantity": {"value": 1, "unit": "tablet", **coded}}
    assert request["dispenseRequest"]["quantity"] == {"value": 200, "unit": "tablets", **coded}


def test_a_renewed_prescription_has_another_id_than_what_it_replaces() -> None:
    newer, older = prescribe(
        NOW, "MedicationRequest", says="written: -20d, renews: {written: -400d}"
    )

    assert newer["priorPrescription"] == {"reference": f"MedicationRequest/{older['id']}"}
    assert newer["id"] != older["id"]
    assert "priorPrescription" not in older


def test_an_unanswered_renewal_was_last_changed_when_it_was_asked_for() -> None:
    monday = datetime(2027, 3, 29, 9, tzinfo=UTC)

    (task,) = prescribe(monday, "Task", says="written: -400d, renewal: {asked: -1wd}")

    assert task["authoredOn"] == task["lastModified"] == "2027-03-26T19:05:00+01:00"
    assert "note" not in task
    assert "statusReason" not in task


def test_days_are_counted_on_the_calendar_when_the_clocks_change() -> None:
    after_the_change = datetime(2027, 3, 29, 0, 30, tzinfo=ZONE)

    request, dispense = prescribe(
        after_the_change,
        *("MedicationRequest", "MedicationDispense"),
        says="written: -1d, dispensed: -1d",
    )

    assert request["authoredOn"] == "2027-03-28T10:12:00+02:00"
    assert dispense["whenHandedOver"] == "2027-03-28T16:25:00+02:00"
    assert after_the_change - datetime.fromisoformat(request["authoredOn"]) < timedelta(days=1)
