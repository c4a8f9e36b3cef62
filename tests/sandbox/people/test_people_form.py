"""Test the form in which people are written: what becomes of each key, and people in numbers."""

import base64
import json
import re
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from gpcli.sandbox.accounts import Account, Dependant
from gpcli.sandbox.clock import ZONE
from gpcli.sandbox.fhir.search_index import index_entries
from gpcli.sandbox.fhir.validation import validate_resource
from gpcli.sandbox.people.form_keys import TABLES
from gpcli.sandbox.people.people_file import (
    built_in,
    read_built_in_text,
    read_form,
    read_people,
)
from gpcli.sandbox.people.population import Population
from tests.sandbox.people.population import (
    INSTANTS,
    NOW,
    POPULATIONS,
    Resource,
    find_resource,
    of_type,
    references,
)

FILE = Path(__file__).parent / "every_key.yaml"
EVERY_KEY = FILE.read_text(encoding="utf-8")
FORM = read_people(FILE)
RESOURCES = list(FORM.resources(NOW))
GP = "surgeries: {s: {name: S}}\ngps: {holm: {name: Dr. Nora Holm, surgery: s, services: all%s}}\n"


def built(text: str, now: datetime = NOW) -> list[Resource]:
    return list(read_form("people.yaml", text).resources(now))


def keys_in(text: str) -> set[str]:
    """Every word that stands before a colon."""
    return set(re.findall(r"(\w+):(?=\s)", text))


def test_the_file_of_every_key_has_every_key() -> None:
    every = {key for keys in TABLES.values() for key in keys} | {"count"}

    assert every - keys_in(EVERY_KEY) == set()


def test_the_shown_file_gives_the_built_in_people(tmp_path: Path) -> None:
    file = tmp_path / "people.yaml"
    file.write_text(read_built_in_text(), encoding="utf-8")

    population = read_people(file)

    assert population.accounts == built_in().accounts
    assert list(population.resources(NOW)) == POPULATIONS[NOW]


def test_everything_that_the_form_makes_is_fhir_and_is_there_once() -> None:
    for resource in RESOURCES:
        validate_resource(resource)
        index_entries(resource)
    ids = Counter((each["resourceType"], each["id"]) for each in RESOURCES)

    assert [each for each, count in ids.items() if count > 1] == []


def test_every_reference_leads_somewhere() -> None:
    there = {f"{each['resourceType']}/{each['id']}" for each in RESOURCES}
    named = {text for each in RESOURCES for text in references(each) if text != "#cancel"}

    assert named - there == set()


def test_the_accounts_are_those_who_sign_in() -> None:
    child = Dependant("per", "Per Ludvig van der Berg", "per", "RelatedPerson/liv-for-per")

    assert FORM.accounts == (
        Account("liv", "Liv Berg", "Shows every key", "liv", (child,)),
        Account("guest-1", "Guest No. 1", "Born 1990-01-01", "guest-1"),
        Account("guest-2", "Guest No. 2", "Born 1990-01-01", "guest-2"),
        Account("zoe", "Zoe Vik", "Born 1986-11-23", "zoe"),
    )


@pytest.mark.parametrize(
    ("reference", "elements"),
    [
        (
            "Organization/elvebakken",
            {
                "identifier": [
                    {
                        "use": "official",
                        "system": "urn:oid:2.16.578.1.12.4.1.4.101",
                        "value": "000000999",
                    }
                ],
                "telecom": [
                    {"system": "phone", "value": "+47 00 12 34 01", "use": "work"},
                    {"system": "url", "value": "https://elvebakken.example/"},
                ],
                "address": [
                    {
                        "use": "work",
                        "line": ["Elvegata 1"],
                        "postalCode": "0099",
                        "city": "Lilledal",
                        "country": "NO",
                    }
                ],
            },
        ),
        (
            "PractitionerRole/gp-holm",
            {
                "telecom": [{"system": "phone", "value": "+47 00 12 34 02", "use": "work"}],
                "availableTime": [
                    {
                        "daysOfWeek": ["mon", "tue", "wed", "thu", "fri"],
                        "availableStartTime": f"{start}:00",
                        "availableEndTime": f"{end}:00",
                    }
                    for start, end in (("09:00", "11:30"), ("12:00", "16:00"))
                ],
            },
        ),
        (
            "PractitionerRole/gp-holm-children",
            {"healthcareService": [{"reference": "HealthcareService/booking-holm"}]},
        ),
        (
            "HealthcareService/contact-holm",
            {
                "name": "Write to us, Dr. Nora Holm",
                "comment": "We answer within a day.",
                "extraDetails": "Ring the bell first.",
                "notAvailable": [
                    {
                        "description": "Closed from 22 November to 3 December.",
                        "during": {"start": "2026-11-22", "end": "2026-12-03"},
                    }
                ],
                "extension": [
                    {"url": "urn:gpcli:max-attachment-bytes", "valueInteger": 200_000},
                    {"url": "urn:gpcli:attachment-types", "valueString": "image/png"},
                    {"url": "urn:gpcli:max-text", "valueInteger": 500},
                ],
            },
        ),
        (
            "HealthcareService/cancellation-holm",
            {
                "extension": [
                    {
                        "url": "urn:gpcli:cancel-notice",
                        "valueDuration": {
                            "value": 48,
                            "unit": "h",
                            "system": "http://unitsofmeasure.org",
                            "code": "h",
                        },
                    },
                    {"url": "urn:gpcli:late-cancellation", "valueCode": "refused"},
                ]
            },
        ),
        (
            "ChargeItemDefinition/price-booking",
            {
                "extension": [{"url": "urn:gpcli:charged-at", "valueCode": "sending"}],
                "title": "A visit",
                "propertyGroup": [
                    {
                        "applicability": [{"description": "All"}],
                        "priceComponent": [
                            {"type": "base", "amount": {"value": 184.5, "currency": "NOK"}},
                            {
                                "type": "surcharge",
                                "code": {"text": "Invoice fee"},
                                "amount": {"value": 10, "currency": "NOK"},
                            },
                        ],
                    }
                ],
            },
        ),
        (
            "Patient/per",
            {
                "name": [
                    {
                        "use": "official",
                        "text": "Per Ludvig van der Berg",
                        "family": "van der Berg",
                        "given": ["Per", "Ludvig"],
                    }
                ],
                "birthDate": "2019-11-23",
            },
        ),
        (
            "Appointment/enquiry",
            {
                "status": "proposed",
                "requestedPeriod": [
                    {"start": "2026-11-24T08:00:00+01:00", "end": "2026-11-27T15:00:00+01:00"}
                ],
                "created": "2026-11-22T12:00:00+01:00",
            },
        ),
        (
            "Appointment/no-more",
            {
                "status": "cancelled",
                "start": "2026-11-20T10:00:00+01:00",
                "end": "2026-11-20T11:30:00+01:00",
                "created": "2026-11-01T12:00:00+01:00",
                "cancelationReason": {
                    "coding": [
                        {
                            "system": "http://terminology.hl7.org/CodeSystem/"
                            "appointment-cancellation-reason",
                            "code": "prov",
                        }
                    ]
                },
            },
        ),
        (
            "Immunization/vaccine-liv",
            {
                "vaccineCode": {
                    "coding": [{"system": "http://www.whocc.no/atc", "code": "J07AM01"}],
                    "text": "Tetanus vaccine",
                },
                "occurrenceDateTime": "2023-11-23",
            },
        ),
        ("Immunization/flu-liv", {"occurrenceDateTime": "2026-11-05"}),
        ("Immunization/flu-liv-2", {"occurrenceDateTime": "2025-11-05"}),
        ("Observation/o-1", {"issued": "2026-11-23T08:00:00+01:00", "valueInteger": 7}),
    ],
)
def test_a_key_is_an_element(reference: str, elements: Resource) -> None:
    resource = find_resource(RESOURCES, reference)

    assert {name: resource.get(name) for name in elements} == elements


def test_a_deadline_follows_the_notice_of_the_gp() -> None:
    resource = find_resource(RESOURCES, "Appointment/visit-1")

    assert resource["start"] == "2026-12-03T09:00:00+01:00"
    assert resource["contained"][0]["period"] == {"end": "2026-12-01T09:00:00+01:00"}


def test_an_attachment_can_be_a_file_beside_the_form(tmp_path: Path) -> None:
    (tmp_path / "note.txt").write_bytes(b"\x00\xff")
    file = tmp_path / "people.yaml"
    attachment = "{name: note.txt, file: note.txt}"
    message = f"{{patient: Hi, when: -1d 09:00, attachments: [{attachment}]}}"
    file.write_text(
        GP % "" + f"people: {{liv: {{name: Liv, gps: holm, threads: [{{about: A, kind: "
        f"administrative, messages: [{message}]}}]}}}}",
        encoding="utf-8",
    )

    (_, written) = of_type(list(read_people(file).resources(NOW)), "Communication")

    assert written["payload"][1]["contentAttachment"] == {
        "contentType": "text/plain",
        "title": "note.txt",
        "size": 2,
        "data": base64.b64encode(b"\x00\xff").decode(),
    }


def test_services_and_medicines_that_a_file_does_not_tell_are_the_built_in_ones() -> None:
    population = built(
        GP % ""
        + "services: {contact: {comment: Hello.}}\n"
        + "prices: {contact: unknown}\n"
        + "people: {liv: {name: Liv, gps: holm, prescriptions: "
        + "[{medicine: zopiclone-75, dosage: One., written: -3d}]}}"
    )
    contact = find_resource(population, "HealthcareService/contact-holm")
    prices = {each["id"] for each in of_type(population, "ChargeItemDefinition")}

    assert (contact["name"], contact["comment"]) == ("Contact the surgery, Dr. Nora Holm", "Hello.")
    assert "price-contact" not in prices
    assert "price-booking" in prices
    assert find_resource(population, "Medication/zopiclone-75")["code"]["text"] == "Zopiclone"


@pytest.mark.parametrize(
    ("name", "text"),
    [("no", "no"), ("On", "On"), ("09:30", "09:30"), ("0099", "0099"), ("1e3", "1e3")],
)
def test_what_yaml_takes_for_something_else_is_the_text_that_was_written(
    name: str, text: str
) -> None:
    (patient,) = of_type(built(f"people: {{a: {{name: {name}}}}}"), "Patient")

    assert patient["name"] == [{"use": "official", "text": text, "given": [text]}]


def test_a_form_can_be_written_in_json(tmp_path: Path) -> None:
    file = tmp_path / "people.json"
    file.write_text(json.dumps({"people": {"liv": {"name": "Liv Ås"}}}), encoding="utf-8-sig")

    assert [each.name for each in read_people(file).accounts] == ["Liv Ås"]


def test_two_alike_appointments_have_two_ids() -> None:
    alike = "{when: +1d 09:00}, {when: tomorrow 09:00}, {when: +1d 09:00, service: contact}"
    population = built(GP % "" + f"people: {{a: {{name: A, gps: holm, appointments: [{alike}]}}}}")

    assert len({each["id"] for each in of_type(population, "Appointment")}) == 3


def test_two_prescriptions_of_one_medicine_have_two_ids() -> None:
    one = "{medicine: metformin-500, dosage: One., written: -3d}"
    population = built(
        GP % "" + f"people: {{a: {{name: A, gps: holm, prescriptions: [{one}, {one}]}}}}"
    )

    assert len({each["id"] for each in of_type(population, "MedicationRequest")}) == 2


def test_what_repeats_has_its_values_in_turn_and_its_times_apart() -> None:
    rule = """
        - repeat: 5
          when: -1wd 15:20
          every: [-1wd, -2wd]
          about: [One, "No. {n}"]
          first: [{count: 2, comment: First}, {count: 1, status: noshow}]
    """
    population = built(
        GP % "" + f"people:\n  a:\n    name: A\n    gps: holm\n    appointments:{rule}"
    )

    assert [
        (each["start"][:10], each["description"], each.get("comment"), each["status"])
        for each in of_type(population, "Appointment")
    ] == [
        ("2026-11-20", "One", "First", "noshow"),
        ("2026-11-19", "No. 2", "First", "booked"),
        ("2026-11-17", "One", None, "booked"),
        ("2026-11-16", "No. 4", None, "booked"),
        ("2026-11-12", "One", None, "booked"),
    ]


def test_lines_are_said_in_turn_a_working_day_apart() -> None:
    thread = "{about: 'In {month}', kind: administrative, when: -4wd, lines: [a, b, c, d],"
    population = built(
        GP % "" + f"people: {{a: {{name: A, gps: holm, threads: [{thread} length: 2, "
        "postscript: e, unread: yes}]}}"
    )
    header, *messages = of_type(population, "Communication")

    assert header["topic"] == {"text": "In November"}
    assert [
        (each["sent"], each["payload"][0]["contentString"], each["sender"]["reference"])
        for each in messages
    ] == [
        ("2026-11-17T21:28:00+01:00", "a", "Patient/a"),
        ("2026-11-18T12:21:00+01:00", "b", "Organization/s"),
        ("2026-11-18T12:21:00+01:00", "e", "Organization/s"),
    ]
    assert [each for each in messages if "received" in each] == []


TIMES = ", free_times: [{%s}]"


def slots(rule: str, now: datetime = NOW) -> list[Resource]:
    return of_type(built(GP % (TIMES % rule) + "people: {a: {name: A}}", now), "Slot")


def test_ten_thousand_times_are_made_of_one_rule() -> None:
    found = slots("hours: 00:00-23:00, length: 5m, from: +1d, to: +60d, past: 0, at_most: 10000")

    assert len({each["id"] for each in found}) == len(found) == 10_000
    assert [each["start"] for each in found] == sorted(each["start"] for each in found)


def test_times_of_a_rule_are_on_its_days_and_as_long_as_it_says() -> None:
    found = slots("days: [sat, sun], hours: [08:00-08:30, 10:00-10:30], length: 15m, to: +7d")

    assert {each["start"][11:16] for each in found} == {"08:00", "08:15", "10:00", "10:15"}
    assert {datetime.fromisoformat(each["start"]).weekday() for each in found} == {5, 6}


def test_the_shares_of_a_rule_are_about_what_it_says() -> None:
    found = slots("hours: 08:00-16:00, length: 5m, taken: 25%, phone: 10%, video: 50%")
    channels = Counter(each["appointmentType"]["coding"][0]["code"] for each in found)
    taken = sum(each["status"] == "busy" for each in found) / len(found)

    assert 0.22 < taken < 0.28
    assert 0.08 < channels["phone"] / len(found) < 0.12
    assert 0.47 < channels["video"] / len(found) < 0.53


def test_two_rules_of_one_service_have_a_schedule_each() -> None:
    rules = "hours: 08:00-09:00}, {hours: 12:00-13:00"
    population = built(GP % (TIMES % rules) + "people: {a: {name: A}}")

    assert [each["id"] for each in of_type(population, "Schedule")] == [
        "booking-holm",
        "booking-holm-2",
    ]


@pytest.mark.parametrize(
    ("now", "starts"),
    [
        (
            datetime(2027, 3, 27, 12, tzinfo=ZONE),
            ["01:30:00+01:00", "03:00:00+02:00", "03:30:00+02:00"],
        ),
        (
            datetime(2027, 10, 30, 12, tzinfo=ZONE),
            [
                *("01:30:00+02:00", "02:00:00+02:00", "02:30:00+02:00"),
                *("03:00:00+01:00", "03:30:00+01:00"),
            ],
        ),
    ],
)
def test_no_time_is_in_the_hour_that_the_clocks_skip(now: datetime, starts: list[str]) -> None:
    found = slots("days: sun, hours: 01:30-04:00, length: 30m, from: +1d, to: +1d, past: 0", now)

    assert [each["start"][11:] for each in found] == starts
    assert {
        datetime.fromisoformat(each["end"]).astimezone(UTC)
        - datetime.fromisoformat(each["start"]).astimezone(UTC)
        for each in found
    } == {datetime(2027, 1, 1, 0, 30, tzinfo=UTC) - datetime(2027, 1, 1, tzinfo=UTC)}


def every_time(population: Population) -> Iterator[list[Resource]]:
    return (list(population.resources(now)) for now in INSTANTS)


def test_a_form_gives_as_many_records_at_every_time() -> None:
    assert {len(each) for each in every_time(FORM)} == {len(RESOURCES)}
