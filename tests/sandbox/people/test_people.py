"""Test that the population is valid FHIR, deterministic, and as described."""

import re
from collections import Counter
from datetime import UTC, date, datetime, timedelta

import pytest

from gpcli.sandbox.clock import ZONE
from gpcli.sandbox.people import PEOPLE, build_resources
from gpcli.sandbox.people.bundle_file import accounts_in
from tests.sandbox.people.population import (
    POPULATIONS,
    Resource,
    about_patient,
    find_resource,
    of_type,
    parts,
    references,
    start_of,
)

REQUIRED = {
    "Patient": (),
    "Consent": ("status", "scope", "category", "policyRule"),
    "RelatedPerson": ("patient",),
    "Organization": ("name",),
    "Location": (),
    "Practitioner": (),
    "PractitionerRole": (),
    "HealthcareService": (),
    "ChargeItemDefinition": ("url", "status"),
    "Schedule": ("actor",),
    "Slot": ("schedule", "status", "start", "end"),
    "Appointment": ("status", "participant"),
    "Immunization": ("status", "vaccineCode", "patient", "occurrenceDateTime"),
    "Medication": ("code",),
    "MedicationRequest": ("status", "intent", "subject", "requester", "dispenseRequest"),
    "MedicationDispense": ("status", "subject", "authorizingPrescription"),
    "Task": ("status", "intent", "code", "focus", "for", "requester"),
    "Communication": ("status", "category", "subject", "sender", "recipient", "sent"),
    "DocumentReference": ("status", "content"),
    "Binary": ("contentType", "data"),
}
CODES = {
    ("Slot", "status"): {"busy", "free"},
    ("Appointment", "status"): {"booked", "fulfilled", "cancelled", "noshow"},
    ("Consent", "status"): {"active"},
    ("Patient", "gender"): {"female", "male"},
    ("MedicationRequest", "status"): {"active", "completed", "stopped"},
    ("MedicationRequest", "intent"): {"order"},
    ("MedicationDispense", "status"): {"completed", "cancelled"},
    ("Communication", "status"): {"completed", "in-progress", "not-done", "stopped"},
    ("Task", "status"): {"requested", "rejected", "completed"},
    ("Task", "intent"): {"order"},
    ("Medication", "status"): {"active"},
    ("DocumentReference", "status"): {"current"},
}

TIMES = (
    "start",
    "end",
    "created",
    "sent",
    "received",
    "authoredOn",
    "lastModified",
    "whenHandedOver",
    "date",
    "time",
)


def offered(population: list[Resource], patient: str) -> list[tuple[str, list[str]]]:
    """Each GP of a patient with the services that the GP offers to them."""
    roles = [
        find_resource(population, each["reference"])
        for each in find_resource(population, f"Patient/{patient}").get("generalPractitioner", ())
    ]
    return [
        (role["id"], [_service(population, each) for each in _services(role)]) for role in roles
    ]


def _services(role: Resource) -> list[str]:
    return [each["reference"] for each in role.get("healthcareService", ())]


def _service(population: list[Resource], reference: str) -> str:
    return str(find_resource(population, reference)["type"][0]["coding"][0]["code"])


def test_every_resource_has_its_required_elements_and_no_empty_ones(
    population: list[Resource],
) -> None:
    lacking = [
        (resource["resourceType"], resource["id"], element)
        for resource in population
        for element in REQUIRED[resource["resourceType"]]
        if not resource.get(element)
    ]
    empty = [
        part
        for resource in population
        for part in parts(resource)
        for x in part.values()
        if x in ("", [], {}, None)
    ]

    assert (lacking, empty) == ([], [])


def test_every_code_is_one_that_fhir_knows(population: list[Resource]) -> None:
    strange = [
        (type_, element, resource[element])
        for (type_, element), known in CODES.items()
        for resource in of_type(population, type_)
        if resource[element] not in known
    ]

    assert strange == []


def test_ids_are_unique_and_safe_in_a_shell_and_in_fhir(population: list[Resource]) -> None:
    ids = [(resource["resourceType"], resource["id"]) for resource in population]

    assert [id_ for id_, times in Counter(ids).items() if times > 1] == []
    assert [id_ for _, id_ in ids if not re.fullmatch(r"[a-z][a-z0-9-]{0,63}", id_)] == []


@pytest.mark.parametrize(
    ("type_", "prefixes"),
    [
        ("Slot", "s"),
        ("Appointment", "a"),
        ("Communication", "[tm]"),
        ("MedicationRequest", "rx"),
        ("MedicationDispense", "d"),
        ("Task", "r"),
        ("DocumentReference", "doc"),
        ("Binary", "b"),
    ],
)
def test_ids_of_what_is_in_a_record_are_short_and_say_nothing(
    population: list[Resource], type_: str, prefixes: str
) -> None:
    ids = [each["id"] for each in of_type(population, type_)]
    shape = prefixes + r"-[2-9b-df-hj-kmnp-tvwxz]{8}"

    assert ids
    assert [id_ for id_ in ids if not re.fullmatch(shape, id_)] == []


def test_ids_of_prescriptions_and_messages_are_the_same_on_any_day(
    population: list[Resource],
) -> None:
    stay = ("MedicationRequest", "Communication", "Task", "Binary", "DocumentReference")
    ids = {type_: [each["id"] for each in of_type(population, type_)] for type_ in stay}
    first = next(iter(POPULATIONS.values()))

    assert ids == {type_: [each["id"] for each in of_type(first, type_)] for type_ in stay}


def test_every_reference_leads_to_a_resource_that_is_there(population: list[Resource]) -> None:
    there = {f"{each['resourceType']}/{each['id']}" for each in population}
    there |= {f"#{inner['id']}" for each in population for inner in each.get("contained", ())}

    dangling = {
        reference for each in population for reference in references(each) if reference not in there
    }

    assert dangling == set()


def test_the_world_is_the_same_each_time_for_the_same_present(now: datetime) -> None:
    assert (
        list(build_resources(now)) == POPULATIONS[now] == list(build_resources(now.astimezone(UTC)))
    )


def test_every_time_carries_the_offset_that_holds_in_oslo_then(population: list[Resource]) -> None:
    times = [
        part[element]
        for resource in population
        for part in parts(resource)
        for element in TIMES
        if "T" in str(part.get(element))
    ]

    wrong = [
        time for time in times if datetime.fromisoformat(time).astimezone(ZONE).isoformat() != time
    ]

    assert len(times) > 5000
    assert wrong == []


def test_everything_that_has_a_length_ends_after_it_starts(population: list[Resource]) -> None:
    timed = [*of_type(population, "Slot"), *of_type(population, "Appointment")]

    assert {datetime.fromisoformat(each["end"]) - start_of(each) for each in timed} == {
        timedelta(minutes=10),
        timedelta(minutes=20),
    }


def test_free_times_are_on_working_days_in_opening_hours_and_from_tomorrow_on(
    now: datetime, population: list[Resource]
) -> None:
    starts = [start_of(slot).astimezone(ZONE) for slot in of_type(population, "Slot")]
    today = now.astimezone(ZONE).date()
    coming = [start for start in starts if start.date() > today]

    assert {start.weekday() for start in starts} == {0, 1, 2, 3, 4}
    assert {start.hour for start in starts} <= set(range(8, 16))
    assert [start for start in starts if start.date() == today] == []
    assert 0 < len(starts) - len(coming) <= 40
    assert max(coming).date() - today <= timedelta(days=42)


@pytest.mark.parametrize(
    ("sunday", "before", "after"),
    [
        (date(2027, 3, 28), "+01:00", "+02:00"),
        (date(2027, 10, 31), "+02:00", "+01:00"),
    ],
)
def test_nine_in_the_morning_stays_nine_when_the_clocks_change(
    sunday: date, before: str, after: str
) -> None:
    now = datetime(sunday.year, sunday.month, sunday.day - 5, 12, 0, tzinfo=ZONE)
    starts = {slot["start"] for slot in of_type(list(build_resources(now)), "Slot")}

    assert f"{sunday - timedelta(days=2)}T09:00:00{before}" in starts
    assert f"{sunday + timedelta(days=1)}T09:00:00{after}" in starts


def test_identity_numbers_are_synthetic_and_fit_the_birth_dates(population: list[Resource]) -> None:
    for patient in of_type(population, "Patient"):
        (number,) = patient["identifier"]
        born = date.fromisoformat(patient["birthDate"])

        assert number["system"] == "urn:oid:2.16.578.1.12.4.1.4.1"
        assert number["value"][:6] == f"{born.day:02}{born.month + 80}{born:%y}"
        assert re.fullmatch(r"\d{11}", number["value"])


def test_no_telephone_number_can_be_anybodys(population: list[Resource]) -> None:
    numbers = [
        part["value"]
        for each in population
        for part in parts(each)
        if part.get("system") == "phone"
    ]

    assert numbers
    assert [number for number in numbers if not re.fullmatch(r"\+47 00 12 34 \d\d", number)] == []


def test_every_web_address_is_one_that_cannot_exist(population: list[Resource]) -> None:
    urls = [
        part["value"] for each in population for part in parts(each) if part.get("system") == "url"
    ]

    assert urls
    assert [url for url in urls if not re.fullmatch(r"https://[a-z-]+\.example/", url)] == []


def test_the_cards_agree_with_the_records(population: list[Resource]) -> None:
    derived = {card.key: card for card in accounts_in(population)}

    assert "".join(card.key[0] for card in PEOPLE) == "abcdefgh"
    for card in PEOPLE:
        from_records = derived[card.key]
        assert (card.name, card.patient, card.acts_for) == (
            from_records.name,
            from_records.patient,
            from_records.acts_for,
        )


EVERYTHING = [
    "e-consultation",
    "contact",
    "prescription-renewal",
    "booking",
    "booking-enquiry",
    "cancellation",
    "flu-vaccination",
]


@pytest.mark.parametrize(
    ("patient", "gps"),
    [
        ("ada", [("gp-haugland", EVERYTHING)]),
        ("bo", [("gp-espeland", ["booking-enquiry", "cancellation", "contact"])]),
        ("cecilie", [("gp-fossum", [])]),
        ("david", [("gp-haugland", EVERYTHING)]),
        ("eva", []),
        (
            "finn",
            [
                (
                    "gp-myrvold",
                    [
                        "e-consultation",
                        "contact",
                        "prescription-renewal",
                        "booking",
                        "cancellation",
                        "flu-vaccination",
                    ],
                ),
                ("gp-bakke", ["contact", "prescription-renewal", "booking", "cancellation"]),
            ],
        ),
        ("guro", [("gp-solem", EVERYTHING)]),
        ("emil", [("gp-solem-children", ["contact", "booking", "cancellation"])]),
        ("hans", [("gp-aasheim", EVERYTHING)]),
    ],
)
def test_what_each_persons_gps_offer(
    population: list[Resource], patient: str, gps: list[tuple[str, list[str]]]
) -> None:
    assert offered(population, patient) == gps


@pytest.mark.parametrize(
    ("patient", "level"),
    [("ada", "full-access"), ("david", "basic"), ("emil", "full-access"), ("eva", "full-access")],
)
def test_what_each_person_has_consented_to(
    population: list[Resource], patient: str, level: str
) -> None:
    (consent,) = about_patient(population, "Consent", patient)

    assert consent["policyRule"]["coding"] == [{"system": "urn:gpcli:consent-level", "code": level}]


def test_adas_coming_visit_is_too_late_to_cancel_and_was_booked_by_phone(
    now: datetime, population: list[Resource]
) -> None:
    (coming,) = [
        each for each in about_patient(population, "Appointment", "ada") if start_of(each) > now
    ]

    (flag,) = coming["contained"]
    until = datetime.fromisoformat(flag["period"]["end"])
    assert start_of(coming) - until == timedelta(hours=24)
    assert until < now < start_of(coming)
    assert coming["comment"] == "Booked by phone."
    assert "slot" not in coming
    assert coming["supportingInformation"] == [{"reference": "#cancel"}]


def test_bos_coming_visit_can_still_be_cancelled_and_would_be_refused_late(
    now: datetime, population: list[Resource]
) -> None:
    (coming,) = about_patient(population, "Appointment", "bo")
    notice, late = find_resource(population, "HealthcareService/cancellation-espeland")["extension"]

    assert datetime.fromisoformat(coming["contained"][0]["period"]["end"]) > now
    assert notice["valueDuration"]["value"] == 24
    assert late == {"url": "urn:gpcli:late-cancellation", "valueCode": "refused"}


def test_finns_first_gp_is_on_leave_from_e_consultations_now(
    now: datetime, population: list[Resource]
) -> None:
    service = find_resource(population, "HealthcareService/e-consultation-myrvold")
    (leave,) = service["notAvailable"]
    until = date.fromisoformat(leave["during"]["end"])

    assert leave["during"]["start"] < now.astimezone(ZONE).date().isoformat() < until.isoformat()
    assert leave["description"].startswith(f"Leave until {until.day} ")
    assert service["active"] is True


def test_finn_has_an_e_consultation_by_video_on_the_next_working_day(
    now: datetime, population: list[Resource]
) -> None:
    (visit,) = (
        each
        for each in about_patient(population, "Appointment", "finn")
        if each["appointmentType"]["coding"][0]["code"] == "video"
    )
    (virtual,) = visit["extension"]
    today = now.astimezone(ZONE).date()
    days_off = {4: 3, 5: 2}.get(today.weekday(), 1)

    assert start_of(visit).date() - today == timedelta(days=days_off)
    assert visit["status"] == "booked"
    assert visit["serviceType"][0]["coding"][0]["code"] == "e-consultation"
    assert virtual == {
        "url": "http://hl7.org/fhir/5.0/StructureDefinition/extension-Appointment.virtualService",
        "extension": [{"url": "addressUrl", "valueUrl": "https://video.example/room/finn"}],
    }
    (requested,) = visit["requestedPeriod"]
    assert datetime.fromisoformat(requested["start"]) < start_of(visit)
    assert start_of(visit) < datetime.fromisoformat(requested["end"])
    assert visit["comment"]


def test_finn_has_an_e_consultation_by_phone_too_and_is_to_be_called_on_a_made_up_number(
    population: list[Resource],
) -> None:
    (call,) = (
        each
        for each in about_patient(population, "Appointment", "finn")
        if each["appointmentType"]["coding"][0]["code"] == "phone"
    )
    (finn,) = (
        each for each in population if (each["resourceType"], each["id"]) == ("Patient", "finn")
    )

    assert call["status"] == "booked"
    assert call["serviceType"][0]["coding"][0]["code"] == "e-consultation"
    assert "extension" not in call
    assert finn["telecom"] == [{"system": "phone", "value": "+47 00 12 34 75", "use": "mobile"}]


@pytest.mark.parametrize(
    ("service", "most_bytes", "most_characters"),
    [("e-consultation-haugland", 3_000_000, 8000), ("contact-espeland", 1_000_000, 2000)],
)
def test_services_that_take_messages_say_how_much_goes_into_one(
    population: list[Resource], service: str, most_bytes: int, most_characters: int
) -> None:
    assert find_resource(population, f"HealthcareService/{service}")["extension"] == [
        {"url": "urn:gpcli:max-attachment-bytes", "valueInteger": most_bytes},
        {
            "url": "urn:gpcli:attachment-types",
            "valueString": "application/pdf image/jpeg image/png text/plain",
        },
        {"url": "urn:gpcli:max-text", "valueInteger": most_characters},
    ]


def test_services_that_take_no_messages_have_no_limits_for_them(population: list[Resource]) -> None:
    limited = {
        each["type"][0]["coding"][0]["code"]
        for each in of_type(population, "HealthcareService")
        if any(part.get("url") == "urn:gpcli:max-text" for part in each.get("extension", ()))
    }

    assert limited == {"e-consultation", "contact"}


@pytest.mark.parametrize("patient", ["cecilie", "eva"])
def test_who_has_no_digital_gp_has_nothing_digital(
    population: list[Resource], patient: str
) -> None:
    digital = ("Appointment", "Communication", "MedicationRequest", "Task")

    assert [each for type_ in digital for each in about_patient(population, type_, patient)] == []


def test_guro_had_the_flu_vaccine_last_season_and_not_this_one(
    now: datetime, population: list[Resource]
) -> None:
    (given,) = about_patient(population, "Immunization", "guro")
    today = now.astimezone(ZONE).date()
    season = date(today.year if today.month >= 7 else today.year - 1, 7, 1)

    assert season - timedelta(days=366) <= date.fromisoformat(given["occurrenceDateTime"]) < season
    assert find_resource(population, "HealthcareService/flu-vaccination-solem")["eligibility"]


def test_hans_has_the_size_that_he_is_there_for(now: datetime, population: list[Resource]) -> None:
    schedules = {
        f"Schedule/{each['id']}"
        for each in of_type(population, "Schedule")
        if "HealthcareService/booking-aasheim" in references(each)
    }
    free = [
        slot
        for slot in of_type(population, "Slot")
        if slot["schedule"]["reference"] in schedules and slot["status"] == "free"
    ]
    visits = about_patient(population, "Appointment", "hans")

    assert (len(schedules), len(free), len(visits)) == (3, 2000, 300)
    assert Counter(each["status"] for each in visits if start_of(each) > now) == {"booked": 30}
    assert {each["status"] for each in visits} == {"booked", "fulfilled", "cancelled", "noshow"}


def test_some_times_are_busy_and_some_are_by_phone_or_video(population: list[Resource]) -> None:
    slots = [
        each
        for each in of_type(population, "Slot")
        if each["schedule"]["reference"] == "Schedule/booking-haugland"
    ]
    kinds = {each["appointmentType"]["coding"][0]["code"] for each in slots}
    busy = sum(each["status"] == "busy" for each in slots) / len(slots)

    assert kinds == {"in-person", "phone", "video"}
    assert 0.25 < busy < 0.55


def test_everything_that_can_be_charged_has_a_price(population: list[Resource]) -> None:
    prices = {
        price["code"]["coding"][0]["code"]: [
            sum(part["amount"]["value"] for part in group["priceComponent"])
            for group in price["propertyGroup"]
        ]
        for price in of_type(population, "ChargeItemDefinition")
    }

    assert prices == {
        "e-consultation": [253, 317, 391, 0],
        "booking": [184, 248, 0],
        "booking-enquiry": [0],
        "cancellation": [0],
        "prescription-renewal": [161],
        "flu-vaccination": [150, 0],
        "contact": [0],
        "late-cancellation": [449],
        "no-show": [449],
    }
