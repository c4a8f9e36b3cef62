"""Test the booking of slots."""

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

import pytest

from tests.sandbox.fhir.portal import (
    BASE,
    NOON,
    UUID,
    FhirPortal,
    booking,
    cancellation,
    concept,
    enquiry,
    identifier,
    issue,
    patient,
    ref,
    role,
    schedule,
    service,
    slot,
)

ONCE = f"identifier=urn:ietf:rfc:3986|{UUID}"


def book(ask, body, **headers):
    return ask("POST", "/Appointment", body, **headers)


def test_a_booking_is_confirmed_with_the_people_and_the_place_and_until_when_to_cancel(portal):
    answer = book(portal.sign_in("ada"), booking(portal.slot(1), comment="Sore knee"))

    assert answer.status_code == 201
    assert answer.headers["Location"] == f"{BASE}/Appointment/new-1/_history/2"
    assert answer.headers["ETag"] == 'W/"2"'
    body = answer.json
    assert body.pop("meta")["versionId"] == "2"
    made = body.pop("created")
    assert made.endswith("+01:00")
    assert timedelta() <= datetime.fromisoformat(made) - NOON < timedelta(minutes=5)
    assert body == {
        "resourceType": "Appointment",
        "id": "new-1",
        "status": "booked",
        "comment": "Sore knee",
        "serviceType": [concept("booking")],
        "slot": [ref("Slot/s1")],
        "start": "2027-03-08T12:00:00+01:00",
        "end": "2027-03-08T12:20:00+01:00",
        "participant": [
            {"actor": ref("Patient/ada"), "status": "accepted"},
            {"actor": ref("HealthcareService/booking"), "status": "accepted"},
            {"actor": ref("PractitionerRole/gp"), "status": "accepted"},
            {"actor": ref("Location/solbakken"), "status": "accepted"},
        ],
        "contained": [
            {
                "resourceType": "Flag",
                "id": "cancel",
                "status": "active",
                "code": {
                    "coding": [
                        {
                            "system": "http://helsenorge.no/fhir/CodeSystem/"
                            "hn-appointment-flag-code-cs",
                            "code": "cancel",
                        }
                    ]
                },
                "subject": ref("Patient/ada"),
                "period": {"end": "2027-03-07T12:00:00+01:00"},
            }
        ],
        "supportingInformation": [ref("#cancel")],
    }
    assert portal.slot(1)["status"] == "busy"


@pytest.mark.parametrize("body", ["booking", "enquiry"])
def test_when_it_was_made_is_kept_as_the_app_told_it(portal, body):
    sent = booking(portal.slot(1)) if body == "booking" else enquiry()

    answer = book(portal.sign_in("ada"), sent | {"created": "2027-02-28"})

    assert (answer.status_code, answer.json["created"]) == (201, "2027-02-28")


def test_when_it_was_made_stays_the_same_through_answer_and_cancelling(tmp_path):
    with FhirPortal(tmp_path / "slow.sqlite", delay=timedelta(hours=2)) as slow_portal:
        ada = slow_portal.sign_in("ada")
        sent = book(ada, enquiry()).json
        slow_portal.clock.advance(timedelta(days=1))
        given = ada.read_json(f"/Appointment/{sent['id']}")
        cancelled = ada("PUT", f"/Appointment/{sent['id']}", given | {"status": "cancelled"})

    assert datetime.fromisoformat(sent["created"]).utcoffset() == timedelta(hours=1)
    assert (given["status"], given["created"]) == ("booked", sent["created"])
    assert (cancelled.status_code, cancelled.json["created"]) == (200, sent["created"])


def test_while_the_surgery_has_not_answered_it_is_pending_and_the_time_is_held(tmp_path):
    with FhirPortal(tmp_path / "slow.sqlite", delay=timedelta(hours=2)) as slow_portal:
        answer = book(slow_portal.sign_in("ada"), booking(slow_portal.slot(1)))

        assert (answer.json["status"], answer.headers["ETag"]) == ("pending", 'W/"1"')
        assert len(answer.json["participant"]) == 2
        assert slow_portal.slot(1)["status"] == "busy-tentative"


@pytest.mark.parametrize("status", ["proposed", "pending", "booked"])
def test_the_portal_decides_the_status_whatever_the_app_says(portal, status):
    answer = book(portal.sign_in("ada"), booking(portal.slot(1), status=status))

    assert (answer.status_code, answer.json["status"]) == (201, "booked")
    first = portal.store.get_version("Appointment", answer.json["id"], 1)
    assert first["status"] == "pending"


def test_booking_a_taken_slot_is_refused_with_409_slot_taken(portal):
    portal.sign_in("bo").book(portal.slot(1), who="bo")

    answer = book(portal.sign_in("ada"), booking(portal.slot(1)))

    assert issue(answer) == (409, "conflict", "slot-taken")
    assert portal.sign_in("ada").match_ids("/Appointment") == []


@pytest.mark.parametrize(
    "status", ["busy", "busy-tentative", "busy-unavailable", "entered-in-error"]
)
def test_only_a_free_slot_can_be_booked(portal, status):
    portal.store.put({**portal.slot(1), "status": status})

    assert issue(book(portal.sign_in("ada"), booking(portal.slot(1)))) == (
        409,
        "conflict",
        "slot-taken",
    )


@pytest.mark.parametrize("minutes", [0, 1, 60 * 24 * 30])
def test_a_time_that_is_past_is_refused(portal, minutes):
    portal.clock.advance(timedelta(days=7, minutes=minutes))

    answer = book(portal.sign_in("ada"), booking(portal.slot(1)))

    assert issue(answer) == (422, "business-rule", "")
    assert portal.slot(1)["status"] == "free"


@pytest.mark.parametrize(
    "changed",
    [
        {"start": "2027-03-08T11:00:00Z"},
        {"start": "2027-03-08T12:00:00.000+01:00"},
        {"end": "2027-03-08T12:30:00+01:00"},
        {"end": "2027-03-08T12:00:00+01:00"},
    ],
)
def test_the_times_must_be_the_slots_own_to_the_byte(portal, changed):
    answer = book(portal.sign_in("ada"), booking(portal.slot(1), **changed))

    assert issue(answer) == (422, "business-rule", "")


def test_two_slots_at_once_are_refused(portal):
    both = booking(portal.slot(1), slot=[ref("Slot/s1"), ref("Slot/s2")])

    assert issue(book(portal.sign_in("ada"), both)) == (422, "business-rule", "")


def test_a_slot_that_is_only_described_is_refused(portal):
    vague = booking(portal.slot(1), slot=[{"display": "the first one"}])

    assert issue(book(portal.sign_in("ada"), vague)) == (422, "business-rule", "")


@pytest.mark.parametrize("status", ["arrived", "fulfilled", "noshow", "checked-in"])
def test_a_new_booking_cannot_be_over_already(portal, status):
    answer = book(portal.sign_in("ada"), booking(portal.slot(1), status=status))

    assert issue(answer) == (422, "business-rule", "")


@pytest.mark.parametrize(
    "actors",
    [
        ("Patient/ada",),
        ("Patient/ada", "PractitionerRole/gp"),
        ("Patient/ada", "HealthcareService/e-consultation"),
    ],
)
def test_the_slots_own_service_must_take_part(portal, actors):
    people = [{"actor": ref(each), "status": "accepted"} for each in actors]

    answer = book(portal.sign_in("ada"), booking(portal.slot(1), participant=people))

    assert issue(answer) == (422, "business-rule", "")


@pytest.mark.parametrize(
    "actors",
    [
        ("HealthcareService/booking",),
        ("Patient/bo", "HealthcareService/booking"),
        ("Patient/ada", "Patient/bo", "HealthcareService/booking"),
        ("Patient/nobody", "HealthcareService/booking"),
    ],
)
def test_a_booking_is_for_oneself_and_nobody_else(portal, actors):
    people = [{"actor": ref(each), "status": "accepted"} for each in actors]

    answer = book(portal.sign_in("ada"), booking(portal.slot(1), participant=people))

    assert issue(answer) == (403, "forbidden", "")


@pytest.mark.parametrize(
    "more",
    [
        {"supportingInformation": [ref("Location/nowhere")]},
        {"supportingInformation": [ref("Observation/1")]},
        {"supportingInformation": [ref("http://elsewhere.example/Location/solbakken")]},
        {"supportingInformation": [ref(f"{UUID}")]},
        {"supportingInformation": [ref("#missing")]},
        {"supportingInformation": [ref("Consent/bo-full-access")]},
        {"supportingInformation": [ref("not a reference")]},
        {"slot": [ref("Slot/nowhere")]},
    ],
)
def test_a_reference_that_leads_nowhere_is_refused(portal, more):
    answer = book(portal.sign_in("ada"), booking(portal.slot(1), **more))

    assert issue(answer) == (422, "not-found", "")


def test_references_in_full_are_taken_and_kept_relative(portal):
    people = [
        {"actor": ref(f"{BASE}/Patient/ada"), "status": "accepted"},
        {"actor": ref(f"{BASE}/HealthcareService/booking"), "status": "needs-action"},
    ]

    booked = portal.sign_in("ada").book(
        portal.slot(1), participant=people, slot=[ref(f"{BASE}/Slot/s1")]
    )

    assert booked["slot"] == [ref("Slot/s1")]
    assert booked["participant"][0]["actor"] == ref("Patient/ada")


OFF = {"description": "Leave", "during": {"start": "2027-02-20", "end": "2027-03-20"}}
FORMER_LEAVE = {"description": "Leave", "during": {"end": "2027-02-28"}}


@pytest.mark.parametrize(
    ("stored", "status"),
    [
        (service("booking"), 201),
        (service("booking", active=False), 403),
        (service("booking", notAvailable=[OFF]), 403),
        (service("booking", notAvailable=[FORMER_LEAVE, OFF]), 403),
        (service("booking", notAvailable=[FORMER_LEAVE]), 201),
        (service("booking", notAvailable=[{"description": "Public holidays"}]), 201),
        (role("e-consultation"), 403),
        (role("booking", "cancellation") | {"active": False}, 403),
        (patient("ada", "Ås", "14836100100", gp="other"), 403),
        ({"resourceType": "Patient", "id": "ada"}, 403),
    ],
)
def test_a_service_must_be_offered_by_the_patients_gp_and_not_off_for_now(portal, stored, status):
    portal.store.put(stored)

    answer = book(portal.sign_in("ada"), booking(portal.slot(1)))

    assert answer.status_code == status
    assert status == 201 or issue(answer) == (403, "forbidden", "service-off")


def test_with_a_shared_list_either_gps_times_can_be_booked(portal):
    both = [ref("PractitionerRole/first"), ref("PractitionerRole/gp")]
    portal.store.put(role("cancellation", id_="first"))
    portal.store.put(patient("ada", "Ås", "14836100100") | {"generalPractitioner": both})

    assert book(portal.sign_in("ada"), booking(portal.slot(1))).status_code == 201


def test_a_flu_vaccination_is_booked_like_a_visit(portal):
    portal.store.put_all(
        [
            service("flu-vaccination", id_="flu"),
            role("flu"),
            schedule("clinic", of="flu"),
            slot(9, NOON + timedelta(days=1), schedule=ref("Schedule/clinic")),
        ]
    )
    people = [
        {"actor": ref("Patient/ada"), "status": "accepted"},
        {"actor": ref("HealthcareService/flu"), "status": "needs-action"},
    ]
    wanted = {"participant": people, "serviceType": [concept("flu-vaccination")]}

    assert portal.sign_in("ada").book(portal.slot(9), **wanted)["status"] == "booked"


def test_a_slot_may_be_for_a_kind_of_visit_of_its_own(portal):
    portal.store.put({**portal.slot(1), "serviceType": [concept("e-consultation")]})
    video = booking(portal.slot(1), serviceType=[concept("e-consultation")])

    assert book(portal.sign_in("ada"), video).status_code == 201


def test_a_time_for_one_kind_of_visit_is_not_for_another(portal):
    wrong = booking(portal.slot(1), serviceType=[concept("e-consultation")])

    assert issue(book(portal.sign_in("ada"), wrong)) == (422, "business-rule", "")


def test_without_a_kind_of_visit_it_is_the_services_own(portal):
    plain = {
        name: value for name, value in booking(portal.slot(1)).items() if name != "serviceType"
    }

    assert book(portal.sign_in("ada"), plain).status_code == 201


@pytest.mark.parametrize(
    ("notice", "ends"),
    [(24, "2027-03-07T12:00:00+01:00"), (48.5, "2027-03-06T11:30:00+01:00"), (None, None)],
)
def test_the_surgery_says_until_when_its_times_can_be_cancelled(portal, notice, ends):
    portal.store.put(cancellation(notice))

    booked = portal.sign_in("ada").book(portal.slot(1))

    assert [flag["period"]["end"] for flag in booked.get("contained", ())] == (
        [ends] if ends else []
    )


def test_notice_is_elapsed_time_also_when_the_clocks_change(portal):
    monday = NOON.replace(month=3, day=29, hour=1)
    portal.store.put(slot(8, monday))

    booked = portal.sign_in("ada").book(portal.slot(8))

    assert booked["contained"][0]["period"]["end"] == "2027-03-28T00:00:00+01:00"


def test_what_the_app_contained_is_kept_beside_the_flag(portal):
    own = {"resourceType": "Basic", "id": "cancel", "code": {"text": "mine"}}
    more = {"contained": [own], "supportingInformation": [ref("#cancel")]}

    booked = portal.sign_in("ada").book(portal.slot(1), **more)

    assert [each["id"] for each in booked["contained"]] == ["cancel", "cancel-1"]
    assert booked["supportingInformation"] == [ref("#cancel"), ref("#cancel-1")]


def test_the_same_request_again_gives_the_same_booking(portal):
    ada = portal.sign_in("ada")
    mine = booking(portal.slot(1), **identifier())

    answers = [book(ada, mine, If_None_Exist=ONCE) for _ in range(3)]

    assert [each.status_code for each in answers] == [201, 200, 200]
    assert answers[0].json == answers[1].json == answers[2].json
    assert ada.match_ids(f"/Appointment?{ONCE}") == ["new-1"]
    assert "Location" not in answers[1].headers


def test_another_patients_booking_is_no_match(portal):
    portal.sign_in("bo").book(portal.slot(1), who="bo", **identifier())

    answer = book(
        portal.sign_in("ada"), booking(portal.slot(2), **identifier()), If_None_Exist=ONCE
    )

    assert answer.status_code == 201


def test_several_matches_are_refused(portal):
    ada = portal.sign_in("ada")
    for number in (1, 2):
        ada.book(portal.slot(number), **identifier())

    answer = book(ada, booking(portal.slot(3)), If_None_Exist=ONCE)

    assert issue(answer) == (412, "multiple-matches", "")


@pytest.mark.parametrize("condition", ["colour=blue", "nonsense", "_count=1", "identifier=", "?"])
def test_a_condition_that_says_nothing_is_refused(portal, condition):
    answer = book(portal.sign_in("ada"), booking(portal.slot(1)), If_None_Exist=condition)

    assert answer.status_code == 400
    assert portal.slot(1)["status"] == "free"


@pytest.mark.parametrize(
    ("prefer", "expected"),
    [
        ("return=minimal", None),
        ("return=OperationOutcome", "OperationOutcome"),
        ("", "Appointment"),
    ],
)
def test_the_answer_is_as_long_as_preferred(portal, prefer, expected):
    answer = book(portal.sign_in("ada"), booking(portal.slot(1)), Prefer=prefer)

    assert answer.status_code == 201
    assert answer.headers["Location"].startswith(f"{BASE}/Appointment/")
    shown = answer.json["resourceType"] if answer.data else None
    assert shown == expected


def test_of_eight_people_after_one_slot_exactly_one_gets_it(portal):
    def attempt(who):
        return book(portal.sign_in(who), booking(portal.slot(1), who=who))

    with ThreadPoolExecutor(8) as people:
        answers = list(people.map(attempt, ["ada", "bo"] * 4))

    assert sorted(each.status_code for each in answers) == [201, *[409] * 7]
    assert {issue(each)[2] for each in answers if each.status_code == 409} == {"slot-taken"}
    assert len(portal.store.find("Appointment", slot="Slot/s1")) == 1
    assert len(portal.store.find("AppointmentResponse")) == 1


def test_of_eight_equal_requests_at_once_one_creates_and_the_others_find(portal):
    mine = booking(portal.slot(1), **identifier())
    ada = [portal.sign_in("ada") for _ in range(8)]

    with ThreadPoolExecutor(8) as apps:
        answers = list(apps.map(lambda ask: book(ask, mine, If_None_Exist=ONCE), ada))

    assert sorted(each.status_code for each in answers) == [*[200] * 7, 201]
    assert {each.json["id"] for each in answers} == {"new-1"} | {answers[0].json["id"]}
    assert len(portal.store.find("Appointment")) == 1
