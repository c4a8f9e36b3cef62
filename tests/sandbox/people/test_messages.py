"""Test threads: headers, messages, unread messages, and Hans' 500 messages."""

from collections import Counter, defaultdict
from datetime import datetime, timedelta

import pytest

from gpcli.sandbox.clock import ZONE
from gpcli.sandbox.people.people_file import read_form
from tests.sandbox.people.population import NOW, Resource, about_patient, of_type, references

EMIL = {"reference": "Patient/emil", "display": "Emil Hagen"}
A_WRITER = """
surgeries: {havblikk: {name: Havblikk}}
gps: {solem: {name: Dr. Henrik Solem, surgery: havblikk}}
people:
  x: {name: X Hagen, acts_for: {emil: mother}}
  emil:
    name: Emil Hagen
    gps: solem
    threads:
      - about: Hei
        kind: administrative
        writer: x
        messages:
          - patient: Hei på deg, Ålesund!
            when: -1wd 12:00
"""
SURGERIES = ("PractitionerRole/", "Organization/")


def headers(population: list[Resource], patient: str) -> list[Resource]:
    return [each for each in _of(population, patient) if "partOf" not in each]


def messages(population: list[Resource], patient: str) -> list[Resource]:
    return [each for each in _of(population, patient) if "partOf" in each]


def _of(population: list[Resource], patient: str) -> list[Resource]:
    subject = f"Patient/{patient}"
    return [
        each
        for each in of_type(population, "Communication")
        if each["subject"]["reference"] == subject
    ]


def threads(population: list[Resource]) -> dict[str, list[Resource]]:
    """Messages by the reference of their header, in the order of the record."""
    found = defaultdict(list)
    for each in of_type(population, "Communication"):
        for header in each.get("partOf", ()):
            found[header["reference"]].append(each)
    return found


def unread(population: list[Resource], patient: str) -> list[Resource]:
    """What `recipient=Patient/x&received:missing=true` finds."""
    to_patient = f"Patient/{patient}"
    return [
        each
        for each in of_type(population, "Communication")
        if "received" not in each and to_patient in references({"of": each["recipient"]})
    ]


def sender(message: Resource) -> str:
    return str(message["sender"]["reference"])


def sent(message: Resource) -> datetime:
    return datetime.fromisoformat(message["sent"])


def kind(message: Resource) -> str:
    (category,) = message["category"]
    (coding,) = category["coding"]
    assert coding["system"] == "urn:gpcli:thread"
    return str(coding["code"])


@pytest.mark.parametrize(
    ("patient", "expected"),
    [
        (
            "ada",
            [
                ("Rash on my forearm", "e-consultation", "in-progress", 2, 1),
                ("Mole on my back", "e-consultation", "in-progress", 4, 1),
                ("Parking at the surgery", "administrative", "in-progress", 2, 0),
                ("Can I take ibuprofen?", "administrative", "stopped", 2, 0),
                ("Vaccines before a journey", "e-consultation", "completed", 3, 0),
                ("Short of breath on the stairs", "e-consultation", "not-done", 2, 0),
            ],
        ),
        ("bo", [("Ny adresse", "administrative", "in-progress", 2, 1)]),
        ("cecilie", []),
        ("david", [("Copy of a certificate", "administrative", "completed", 2, 0)]),
        ("eva", []),
        ("finn", [("Still sleeping badly", "e-consultation", "in-progress", 3, 0)]),
        (
            "guro",
            [
                ("Pollenallergi", "e-consultation", "in-progress", 2, 1),
                ("Åpningstider i romjula", "administrative", "completed", 2, 0),
            ],
        ),
        ("emil", [("Hørselstest", "administrative", "in-progress", 2, 1)]),
    ],
)
def test_everybodys_threads_with_their_messages_and_how_many_are_unread(
    population: list[Resource], patient: str, expected: list[tuple[str, str, str, int, int]]
) -> None:
    by_thread = threads(population)
    new = {each["id"] for each in unread(population, patient)}

    found = []
    for header in headers(population, patient):
        inside = by_thread[f"Communication/{header['id']}"]
        waiting = sum(each["id"] in new for each in inside)
        found.append(
            (header["topic"]["text"], kind(header), header["status"], len(inside), waiting)
        )

    assert found == expected


def test_a_header_says_what_the_thread_is_and_holds_no_message(population: list[Resource]) -> None:
    (header,) = headers(population, "bo")

    (first, _) = messages(population, "bo")
    assert header == {
        "resourceType": "Communication",
        "id": header["id"],
        "identifier": header["identifier"],
        "status": "in-progress",
        "category": [{"coding": [{"system": "urn:gpcli:thread", "code": "administrative"}]}],
        "medium": [
            {
                "coding": [
                    {
                        "system": "http://terminology.hl7.org/CodeSystem/v3-ParticipationMode",
                        "code": "WRITTEN",
                    }
                ]
            }
        ],
        "subject": {"reference": "Patient/bo", "display": "Bo Lindvik"},
        "topic": {"text": "Ny adresse"},
        "sent": first["sent"],
        "sender": {"reference": "Patient/bo", "display": "Bo Lindvik"},
        "recipient": [{"reference": "PractitionerRole/gp-espeland", "display": "Dr. Tor Espeland"}],
    }


def test_every_thread_begins_with_its_patients_words_at_the_time_of_its_header(
    population: list[Resource],
) -> None:
    by_thread = threads(population)
    for patient in ("ada", "bo", "david", "finn", "guro", "emil", "hans"):
        for header in headers(population, patient):
            first = by_thread[f"Communication/{header['id']}"][0]

            assert first["sent"] == header["sent"]
            assert first["sender"] == header["sender"]
            assert first["recipient"] == header["recipient"]
            assert "inResponseTo" not in first


def test_messages_follow_one_another_in_time_and_answer_the_one_before(
    now: datetime, population: list[Resource]
) -> None:
    for header, inside in threads(population).items():
        times = [sent(each) for each in inside]
        answered = [references({"of": each.get("inResponseTo", [])}) for each in inside]

        assert times == sorted(times), header
        assert times[-1] < now, header
        assert answered == [[], *([f"Communication/{each['id']}"] for each in inside[:-1])]
        assert {kind(each) for each in inside} == {kind(inside[0])}
        assert {each["status"] for each in inside} == {"completed"}


def test_what_the_surgery_wrote_goes_to_the_patient_and_the_rest_to_the_gp(
    population: list[Resource],
) -> None:
    for inside in threads(population).values():
        for message in inside:
            (to,) = references({"of": message["recipient"]})

            if sender(message).startswith(SURGERIES):
                assert to == message["subject"]["reference"]
            else:
                assert to.startswith("PractitionerRole/")
                assert "received" not in message


def test_what_was_read_was_read_after_it_came_and_before_it_was_answered(
    now: datetime, population: list[Resource]
) -> None:
    for inside in threads(population).values():
        later = [sent(each) for each in inside if not sender(each).startswith(SURGERIES)]
        for message in (each for each in inside if "received" in each):
            read = datetime.fromisoformat(message["received"])

            assert sent(message) < read < now
            assert [each for each in later if sent(message) < each < read] == []


def test_only_the_latest_words_of_a_surgery_are_unread(population: list[Resource]) -> None:
    for inside in threads(population).values():
        last_from_patient = max(
            sent(each) for each in inside if not sender(each).startswith(SURGERIES)
        )
        new = [
            sent(each)
            for each in inside
            if sender(each).startswith(SURGERIES) and "received" not in each
        ]

        assert [each for each in new if each < last_from_patient] == []


def test_the_reception_answers_for_the_surgery_and_the_gp_in_person(
    population: list[Resource],
) -> None:
    by_kind = defaultdict(set)
    for each in messages(population, "ada"):
        if sender(each).startswith(SURGERIES):
            by_kind[kind(each)].add(sender(each))

    assert by_kind == {
        "e-consultation": {"PractitionerRole/gp-haugland"},
        "administrative": {"Organization/solbakken"},
    }


def test_a_rejected_e_consultation_says_why_in_its_header_and_in_a_message(
    population: list[Resource],
) -> None:
    (rejected,) = [each for each in headers(population, "ada") if each["status"] == "not-done"]
    _, answer = threads(population)[f"Communication/{rejected['id']}"]

    assert answer["payload"] == [{"contentString": rejected["statusReason"]["text"]}]
    assert kind(rejected) == "e-consultation"


def test_a_mother_writes_for_her_child_as_the_related_person_she_is(
    population: list[Resource],
) -> None:
    (header,) = headers(population, "emil")
    first, answer = messages(population, "emil")

    mother = {"reference": "RelatedPerson/guro-for-emil", "display": "Guro Hagen"}
    assert header["sender"] == first["sender"] == mother
    assert header["subject"] == first["subject"] == EMIL
    assert references({"of": header["recipient"]}) == ["PractitionerRole/gp-solem-children"]
    assert answer["recipient"] == [EMIL]


def test_finns_messages_go_to_the_gp_who_is_on_leave_but_answers(
    population: list[Resource],
) -> None:
    first, answer, thanks = messages(population, "finn")

    assert (
        references({"of": [*first["recipient"], *thanks["recipient"]]})
        == ["PractitionerRole/gp-myrvold"] * 2
    )
    assert sender(answer) == "PractitionerRole/gp-myrvold"


def test_every_header_and_message_has_a_uuid_of_its_own(population: list[Resource]) -> None:
    identifiers = [each["identifier"] for each in of_type(population, "Communication")]
    values = {each[0]["value"] for each in identifiers}

    assert {each[0]["system"] for each in identifiers} == {"urn:ietf:rfc:3986"}
    assert len(values) == len(identifiers)


def test_hans_has_500_messages_in_125_threads_of_both_kinds(population: list[Resource]) -> None:
    threads_of_hans = headers(population, "hans")

    assert (len(messages(population, "hans")), len(threads_of_hans)) == (500, 125)
    assert set(Counter(kind(each) for each in threads_of_hans)) == {
        "e-consultation",
        "administrative",
    }
    assert Counter(each["status"] for each in threads_of_hans) == {
        "in-progress": 6,
        "completed": 119,
    }
    assert len(about_patient(population, "Appointment", "hans")) == 300


def test_hans_has_a_few_unread_answers_and_all_are_recent(
    now: datetime, population: list[Resource]
) -> None:
    new = unread(population, "hans")

    assert len(new) == 8
    assert min(sent(each) for each in new) > now - timedelta(days=120)


def test_hans_threads_have_distinct_times_but_for_some_on_purpose(
    population: list[Resource],
) -> None:
    begun = Counter(each["sent"] for each in headers(population, "hans"))
    written = Counter(each["sent"] for each in messages(population, "hans"))

    assert Counter(begun.values()) == {1: 101, 2: 12}
    assert set(written.values()) == {1, 2, 3}


def test_hans_two_part_answers_come_at_one_instant(population: list[Resource]) -> None:
    pairs = [
        inside[1:]
        for header, inside in threads(population).items()
        if len(inside) == 3 and inside[0]["subject"]["reference"] == "Patient/hans"
    ]

    assert len(pairs) == 25
    assert {len({each["sent"] for each in pair}) for pair in pairs} == {1}
    assert {pair[1]["payload"][0]["contentString"] for pair in pairs} == {
        "Husk å ta med medisinlisten til neste time."
    }


def test_hans_subjects_name_the_month_in_which_they_came_up(population: list[Resource]) -> None:
    months = "januar februar mars april mai juni juli august september oktober november desember"

    for header in headers(population, "hans"):
        month = header["topic"]["text"].rpartition(", ")[2]
        assert months.split().index(month) + 1 == sent(header).astimezone(ZONE).month


def test_a_thread_that_somebody_else_writes_keeps_the_patient_as_its_subject() -> None:
    writer = {"reference": "RelatedPerson/x-for-emil", "display": "X Hagen"}
    population = read_form("people.yaml", A_WRITER)

    header, message = of_type(list(population.resources(NOW)), "Communication")

    assert (header["sender"], message["sender"]) == (writer, writer)
    assert message["subject"] == EMIL
    assert message["payload"] == [{"contentString": "Hei på deg, Ålesund!"}]
    assert message["sent"] == "2026-11-20T12:00:00+01:00"
