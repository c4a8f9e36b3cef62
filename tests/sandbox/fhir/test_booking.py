"""Booking a time, once and only once."""

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

import pytest

from tests.sandbox.fhir.world import (
    BASE,
    NOON,
    UUID,
    World,
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


def test_a_booking_is_confirmed_with_the_people_and_the_place_and_until_when_to_cancel(world):
    answer = book(world.as_("ada"), booking(world.slot(1), comment="Sore knee"))

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
    assert world.slot(1)["status"] == "busy"


@pytest.mark.parametrize("body", ["booking", "enquiry"])
def test_when_it_was_made_is_kept_as_the_app_told_it(world, body):
    sent = booking(world.slot(1)) if body == "booking" else enquiry()

    answer = book(world.as_("ada"), sent | {"created": "2027-02-28"})

    assert (answer.status_code, answer.json["created"]) == (201, "2027-02-28")


def test_when_it_was_made_stays_the_same_through_answer_and_cancelling(tmp_path):
    with World(tmp_path / "slow.sqlite", delay=timedelta(hours=2)) as slow:
        ada = slow.as_("ada")
        sent = book(ada, enquiry()).json
        slow.clock.advance(timedelta(days=1))
        given = ada.reading(f"/Appointment/{sent['id']}")
        cancelled = ada("PUT", f"/Appointment/{sent['id']}", given | {"status": "cancelled"})

    assert datetime.fromisoformat(sent["created"]).utcoffset() == timedelta(hours=1)
    assert (given["status"], given["created"]) == ("booked", sent["created"])
    assert (cancelled.status_code, cancelled.json["created"]) == (200, sent["created"])


def test_while_the_surgery_has_not_answered_it_is_pending_and_the_time_is_held(tmp_path):
    with World(tmp_path / "slow.sqlite", delay=timedelta(hours=2)) as slow:
        answer = book(slow.as_("ada"), booking(slow.slot(1)))

        assert (answer.json["status"], answer.headers["ETag"]) == ("pending", 'W/"1"')
        assert len(answer.json["participant"]) == 2
        assert slow.slot(1)["status"] == "busy-tentative"


@pytest.mark.parametrize("status", ["proposed", "pending", "booked"])
def test_the_portal_decides_the_status_whatever_the_app_says(world, status):
    answer = book(world.as_("ada"), booking(world.slot(1), status=status))

    assert (answer.status_code, answer.json["status"]) == (201, "booked")
    first = world.store.get_version("Appointment", answer.json["id"], 1)
    assert first["status"] == "pending"


def test_booking_a_taken_slot_is_refused_with_409_slot_taken(world):
    world.as_("bo").booked(world.slot(1), who="bo")

    answer = book(world.as_("ada"), booking(world.slot(1)))

    assert issue(answer) == (409, "conflict", "slot-taken")
    assert world.as_("ada").found("/Appointment") == []


@pytest.mark.parametrize(
    "status", ["busy", "busy-tentative", "busy-unavailable", "entered-in-error"]
)
def test_only_a_free_slot_can_be_booked(world, status):
    world.store.put({**world.slot(1), "status": status})

    assert issue(book(world.as_("ada"), booking(world.slot(1)))) == (409, "conflict", "slot-taken")


@pytest.mark.parametrize("minutes", [0, 1, 60 * 24 * 30])
def test_a_time_that_is_past_is_refused(world, minutes):
    world.clock.advance(timedelta(days=7, minutes=minutes))

    answer = book(world.as_("ada"), booking(world.slot(1)))

    assert issue(answer) == (422, "business-rule", "")
    assert world.slot(1)["status"] == "free"


@pytest.mark.parametrize(
    "changed",
    [
        {"start": "2027-03-08T11:00:00Z"},
        {"start": "2027-03-08T12:00:00.000+01:00"},
        {"end": "2027-03-08T12:30:00+01:00"},
        {"end": "2027-03-08T12:00:00+01:00"},
    ],
)
def test_the_times_must_be_the_slots_own_to_the_byte(world, changed):
    answer = book(world.as_("ada"), booking(world.slot(1), **changed))

    assert issue(answer) == (422, "business-rule", "")


def test_two_slots_at_once_are_refused(world):
    both = booking(world.slot(1), slot=[ref("Slot/s1"), ref("Slot/s2")])

    assert issue(book(world.as_("ada"), both)) == (422, "business-rule", "")


def test_a_slot_that_is_only_described_is_refused(world):
    vague = booking(world.slot(1), slot=[{"display": "the first one"}])

    assert issue(book(world.as_("ada"), vague)) == (422, "business-rule", "")


@pytest.mark.parametrize("status", ["arrived", "fulfilled", "noshow", "checked-in"])
def test_a_new_booking_cannot_be_over_already(world, status):
    answer = book(world.as_("ada"), booking(world.slot(1), status=status))

    assert issue(answer) == (422, "business-rule", "")


@pytest.mark.parametrize(
    "actors",
    [
        ("Patient/ada",),
        ("Patient/ada", "PractitionerRole/gp"),
        ("Patient/ada", "HealthcareService/e-consultation"),
    ],
)
def test_the_slots_own_service_must_take_part(world, actors):
    people = [{"actor": ref(each), "status": "accepted"} for each in actors]

    answer = book(world.as_("ada"), booking(world.slot(1), participant=people))

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
def test_a_booking_is_for_oneself_and_nobody_else(world, actors):
    people = [{"actor": ref(each), "status": "accepted"} for each in actors]

    answer = book(world.as_("ada"), booking(world.slot(1), participant=people))

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
def test_a_reference_that_leads_nowhere_is_refused(world, more):
    answer = book(world.as_("ada"), booking(world.slot(1), **more))

    assert issue(answer) == (422, "not-found", "")


def test_references_in_full_are_taken_and_kept_relative(world):
    people = [
        {"actor": ref(f"{BASE}/Patient/ada"), "status": "accepted"},
        {"actor": ref(f"{BASE}/HealthcareService/booking"), "status": "needs-action"},
    ]

    booked = world.as_("ada").booked(
        world.slot(1), participant=people, slot=[ref(f"{BASE}/Slot/s1")]
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
def test_a_service_must_be_offered_by_the_patients_gp_and_not_off_for_now(world, stored, status):
    world.store.put(stored)

    answer = book(world.as_("ada"), booking(world.slot(1)))

    assert answer.status_code == status
    assert status == 201 or issue(answer) == (403, "forbidden", "service-off")


def test_with_a_shared_list_either_gps_times_can_be_booked(world):
    both = [ref("PractitionerRole/first"), ref("PractitionerRole/gp")]
    world.store.put(role("cancellation", id_="first"))
    world.store.put(patient("ada", "Ås", "14836100100") | {"generalPractitioner": both})

    assert book(world.as_("ada"), booking(world.slot(1))).status_code == 201


def test_a_flu_vaccination_is_booked_like_a_visit(world):
    world.store.put_all(
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

    assert world.as_("ada").booked(world.slot(9), **wanted)["status"] == "booked"


def test_a_slot_may_be_for_a_kind_of_visit_of_its_own(world):
    world.store.put({**world.slot(1), "serviceType": [concept("e-consultation")]})
    video = booking(world.slot(1), serviceType=[concept("e-consultation")])

    assert book(world.as_("ada"), video).status_code == 201


def test_a_time_for_one_kind_of_visit_is_not_for_another(world):
    wrong = booking(world.slot(1), serviceType=[concept("e-consultation")])

    assert issue(book(world.as_("ada"), wrong)) == (422, "business-rule", "")


def test_without_a_kind_of_visit_it_is_the_services_own(world):
    plain = {name: value for name, value in booking(world.slot(1)).items() if name != "serviceType"}

    assert book(world.as_("ada"), plain).status_code == 201


@pytest.mark.parametrize(
    ("notice", "ends"),
    [(24, "2027-03-07T12:00:00+01:00"), (48.5, "2027-03-06T11:30:00+01:00"), (None, None)],
)
def test_the_surgery_says_until_when_its_times_can_be_cancelled(world, notice, ends):
    world.store.put(cancellation(notice))

    booked = world.as_("ada").booked(world.slot(1))

    assert [flag["period"]["end"] for flag in booked.get("contained", ())] == (
        [ends] if ends else []
    )


def test_notice_is_elapsed_time_also_when_the_clocks_change(world):
    monday = NOON.replace(month=3, day=29, hour=1)
    world.store.put(slot(8, monday))

    booked = world.as_("ada").booked(world.slot(8))

    assert booked["contained"][0]["period"]["end"] == "2027-03-28T00:00:00+01:00"


def test_what_the_app_contained_is_kept_beside_the_flag(world):
    own = {"resourceType": "Basic", "id": "cancel", "code": {"text": "mine"}}
    more = {"contained": [own], "supportingInformation": [ref("#cancel")]}

    booked = world.as_("ada").booked(world.slot(1), **more)

    assert [each["id"] for each in booked["contained"]] == ["cancel", "cancel-1"]
    assert booked["supportingInformation"] == [ref("#cancel"), ref("#cancel-1")]


def test_the_same_request_again_gives_the_same_booking(world):
    ada = world.as_("ada")
    mine = booking(world.slot(1), **identifier())

    answers = [book(ada, mine, If_None_Exist=ONCE) for _ in range(3)]

    assert [each.status_code for each in answers] == [201, 200, 200]
    assert answers[0].json == answers[1].json == answers[2].json
    assert ada.found(f"/Appointment?{ONCE}") == ["new-1"]
    assert "Location" not in answers[1].headers


def test_another_patients_booking_is_no_match(world):
    world.as_("bo").booked(world.slot(1), who="bo", **identifier())

    answer = book(world.as_("ada"), booking(world.slot(2), **identifier()), If_None_Exist=ONCE)

    assert answer.status_code == 201


def test_several_matches_are_refused(world):
    ada = world.as_("ada")
    for number in (1, 2):
        ada.booked(world.slot(number), **identifier())

    answer = book(ada, booking(world.slot(3)), If_None_Exist=ONCE)

    assert issue(answer) == (412, "multiple-matches", "")


@pytest.mark.parametrize("condition", ["colour=blue", "nonsense", "_count=1", "identifier=", "?"])
def test_a_condition_that_says_nothing_is_refused(world, condition):
    answer = book(world.as_("ada"), booking(world.slot(1)), If_None_Exist=condition)

    assert answer.status_code == 400
    assert world.slot(1)["status"] == "free"


@pytest.mark.parametrize(
    ("prefer", "expected"),
    [
        ("return=minimal", None),
        ("return=OperationOutcome", "OperationOutcome"),
        ("", "Appointment"),
    ],
)
def test_the_answer_is_as_long_as_preferred(world, prefer, expected):
    answer = book(world.as_("ada"), booking(world.slot(1)), Prefer=prefer)

    assert answer.status_code == 201
    assert answer.headers["Location"].startswith(f"{BASE}/Appointment/")
    shown = answer.json["resourceType"] if answer.data else None
    assert shown == expected


def test_of_eight_people_after_one_slot_exactly_one_gets_it(world):
    def attempt(who):
        return book(world.as_(who), booking(world.slot(1), who=who))

    with ThreadPoolExecutor(8) as people:
        answers = list(people.map(attempt, ["ada", "bo"] * 4))

    assert sorted(each.status_code for each in answers) == [201, *[409] * 7]
    assert {issue(each)[2] for each in answers if each.status_code == 409} == {"slot-taken"}
    assert len(world.store.find("Appointment", slot="Slot/s1")) == 1
    assert len(world.store.find("AppointmentResponse")) == 1


def test_of_eight_equal_requests_at_once_one_creates_and_the_others_find(world):
    mine = booking(world.slot(1), **identifier())
    ada = [world.as_("ada") for _ in range(8)]

    with ThreadPoolExecutor(8) as apps:
        answers = list(apps.map(lambda ask: book(ask, mine, If_None_Exist=ONCE), ada))

    assert sorted(each.status_code for each in answers) == [*[200] * 7, 201]
    assert {each.json["id"] for each in answers} == {"new-1"} | {answers[0].json["id"]}
    assert len(world.store.find("Appointment")) == 1
