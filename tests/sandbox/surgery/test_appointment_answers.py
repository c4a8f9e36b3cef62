"""Test how and when the surgery answers bookings and enquiries."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from gpcli.sandbox.store import Store
from gpcli.sandbox.surgery.simulator import SurgerySimulator
from tests.sandbox.fhir.portal import (
    NOON,
    concept,
    enquiry,
    issue,
    patient,
    ref,
    role,
    schedule,
    service,
    slot,
)

VIDEO = concept("video", "urn:gpcli:channel")


def ask_for(ask, **more):
    answer = ask("POST", "/Appointment", enquiry(**more))
    assert answer.status_code == 201, answer.text
    return answer.json


def responses(portal, appointment):
    found = portal.store.find("AppointmentResponse", appointment=f"Appointment/{appointment['id']}")
    return [(each["participantStatus"], each.get("comment", "")) for each in found]


def test_nothing_is_answered_before_its_time(slow_portal):
    booked = slow_portal.sign_in("ada").book(slow_portal.slot(1))
    slow_portal.clock.advance(timedelta(hours=1, minutes=59))

    assert slow_portal.surgery.answer_due() == 0
    assert slow_portal.store.get("Appointment", booked["id"])["status"] == "pending"


def test_when_it_is_due_a_booking_is_confirmed(slow_portal):
    booked = slow_portal.sign_in("ada").book(slow_portal.slot(1))
    slow_portal.clock.advance(timedelta(hours=2))

    assert slow_portal.surgery.answer_due() == 1
    confirmed = slow_portal.store.get("Appointment", booked["id"])
    assert (confirmed["status"], confirmed["meta"]["versionId"]) == ("booked", "2")
    assert [each["actor"]["reference"] for each in confirmed["participant"]] == [
        "Patient/ada",
        "HealthcareService/booking",
        "PractitionerRole/gp",
        "Location/solbakken",
    ]
    assert {each["status"] for each in confirmed["participant"]} == {"accepted"}
    assert slow_portal.slot(1)["status"] == "busy"
    assert slow_portal.surgery.answer_due() == 0


def test_the_answer_is_an_appointment_response_that_the_patient_can_read(slow_portal):
    booked = slow_portal.sign_in("ada").book(slow_portal.slot(1))
    slow_portal.clock.advance(timedelta(hours=2))

    found = slow_portal.sign_in("ada").read_json(f"/AppointmentResponse?appointment={booked['id']}")

    answer = found["entry"][0]["resource"]
    assert {name: answer[name] for name in answer if name not in ("id", "meta")} == {
        "resourceType": "AppointmentResponse",
        "appointment": ref(f"Appointment/{booked['id']}"),
        "participantStatus": "accepted",
        "start": "2027-03-08T12:00:00+01:00",
        "end": "2027-03-08T12:20:00+01:00",
        "actor": ref("PractitionerRole/gp"),
    }
    assert slow_portal.sign_in("bo").match_ids("/AppointmentResponse") == []


def test_the_next_request_carries_out_what_is_due(slow_portal):
    ada = slow_portal.sign_in("ada")
    booked = ada.book(slow_portal.slot(1))
    slow_portal.clock.advance(timedelta(hours=3))

    assert ada.read_json(f"/Appointment/{booked['id']}")["status"] == "booked"


def test_the_delay_can_be_changed_for_what_comes(slow_portal):
    ada = slow_portal.sign_in("ada")
    slow_portal.surgery.delay = timedelta()

    assert ada.book(slow_portal.slot(1))["status"] == "booked"


def test_what_is_due_survives_a_restart(slow_portal, tmp_path):
    booked = slow_portal.sign_in("ada").book(slow_portal.slot(1))
    slow_portal.clock.advance(timedelta(hours=3))
    reopened = Store(tmp_path / "slow.sqlite", slow_portal.clock)

    answered = SurgerySimulator(reopened, slow_portal.clock).answer_due()

    assert (answered, reopened.get("Appointment", booked["id"])["status"]) == (1, "booked")
    reopened.close()


def test_an_answer_is_given_once_however_many_catch_up(slow_portal):
    slow_portal.sign_in("ada").book(slow_portal.slot(1))
    slow_portal.clock.advance(timedelta(hours=3))

    with ThreadPoolExecutor(8) as requests:
        answered = list(requests.map(lambda _: slow_portal.surgery.answer_due(), range(8)))

    assert sum(answered) == 1
    assert len(slow_portal.store.find("AppointmentResponse")) == 1


@pytest.mark.parametrize("status", ["cancelled", "booked", "entered-in-error"])
def test_what_is_settled_otherwise_is_left_alone(slow_portal, status):
    booked = slow_portal.sign_in("ada").book(slow_portal.slot(1))
    slow_portal.store.put(booked | {"status": status})
    slow_portal.clock.advance(timedelta(hours=3))

    slow_portal.surgery.answer_due()

    assert slow_portal.store.get("Appointment", booked["id"])["status"] == status
    assert slow_portal.store.find("AppointmentResponse") == []


def test_what_was_deleted_is_not_answered(slow_portal):
    booked = slow_portal.sign_in("ada").book(slow_portal.slot(1))
    slow_portal.store.delete("Appointment", booked["id"])
    slow_portal.clock.advance(timedelta(hours=3))

    slow_portal.surgery.answer_due()

    assert slow_portal.store.find("AppointmentResponse") == []


def test_an_enquiry_waits_without_a_time(slow_portal):
    sent = ask_for(slow_portal.sign_in("ada"))

    assert (sent["status"], "start" in sent, "slot" in sent) == ("proposed", False, False)


def test_an_enquiry_gets_the_first_free_time_that_suits(portal):
    portal.store.put({**portal.slot(1), "status": "busy"})

    given = ask_for(portal.sign_in("ada"))

    assert {name: given[name] for name in ("status", "start", "end", "slot")} == {
        "status": "booked",
        "start": "2027-03-08T12:20:00+01:00",
        "end": "2027-03-08T12:40:00+01:00",
        "slot": [ref("Slot/s2")],
    }
    assert given["contained"][0]["period"] == {"end": "2027-03-07T12:20:00+01:00"}
    assert portal.slot(2)["status"] == "busy"
    assert responses(portal, given) == [
        ("accepted", "You have been given a time. Please tell us if it does not suit.")
    ]


@pytest.mark.parametrize(
    ("periods", "expected"),
    [
        ([{"start": "2027-03-08", "end": "2027-03-08"}], "s1"),
        ([{"start": "2027-03-08T12:10:00+01:00"}], "s2"),
        ([{"end": "2027-03-08T12:20:00+01:00"}], "s1"),
        ([{"start": "2027-03-09"}, {"start": "2027-03-08T12:21:00+01:00"}], "s3"),
        ([{"start": "2027-03-09"}], None),
        ([{"start": "2027-03-08T12:01:00+01:00", "end": "2027-03-08T12:39:00+01:00"}], None),
        ([{"end": "2027-02-28"}], None),
    ],
)
def test_only_times_within_the_requested_periods_are_given(portal, periods, expected):
    given = ask_for(portal.sign_in("ada"), requestedPeriod=periods)

    assert given.get("slot", [None])[0] == (ref(f"Slot/{expected}") if expected else None)
    assert given["status"] == ("booked" if expected else "cancelled")


def test_times_that_have_passed_are_not_given(slow_portal):
    sent = ask_for(slow_portal.sign_in("ada"))
    slow_portal.clock.advance(timedelta(days=7, minutes=10))

    given = slow_portal.sign_in("ada").read_json(f"/Appointment/{sent['id']}")

    assert given["slot"] == [ref("Slot/s2")]


def test_an_enquiry_that_cannot_be_met_is_declined_in_the_surgerys_words(portal):
    declined = ask_for(portal.sign_in("ada"), requestedPeriod=[{"end": "2027-03-03"}])

    assert (declined["status"], "start" in declined) == ("cancelled", False)
    assert declined["cancelationReason"]["coding"][0]["code"] == "prov"
    assert responses(portal, declined) == [
        ("declined", "We have no time for you then. Please suggest other days, or call us.")
    ]
    answer = portal.store.find("AppointmentResponse")[0]
    assert answer["participantType"][0]["coding"][0]["code"] == "PRF"


@pytest.mark.parametrize("comment", ["please decline", "Well, PLEASE DECLINE this."])
def test_an_enquiry_that_asks_for_it_is_declined(portal, comment):
    declined = ask_for(portal.sign_in("ada"), comment=comment)

    assert declined["status"] == "cancelled"
    assert responses(portal, declined) == [("declined", "We can't offer this. Please call us.")]
    assert portal.slot(1)["status"] == "free"


def test_the_channel_asked_for_is_heeded_where_times_name_one(portal):
    portal.store.put({**portal.slot(1), "appointmentType": concept("phone", "urn:gpcli:channel")})
    portal.store.put({**portal.slot(3), "appointmentType": VIDEO})
    request = {"appointmentType": VIDEO, "serviceType": [concept("e-consultation")]}

    given = [ask_for(portal.sign_in("ada"), **request)["slot"][0]["reference"] for _ in range(2)]

    assert given == ["Slot/s2", "Slot/s3"]


def test_a_vaccination_is_not_given_a_visiting_time(portal):
    offered = ("booking", "booking-enquiry", "flu-vaccination", "cancellation")
    portal.store.put_all(
        [
            service("flu-vaccination"),
            role(*offered),
            schedule("clinic", of="flu-vaccination"),
            slot(9, NOON + timedelta(days=8), schedule=ref("Schedule/clinic")),
        ]
    )

    vaccination = ask_for(portal.sign_in("ada"), serviceType=[concept("flu-vaccination")])
    visit = ask_for(portal.sign_in("ada"))

    assert (vaccination["slot"], visit["slot"]) == ([ref("Slot/s9")], [ref("Slot/s1")])


@pytest.fixture
def without_times(portal):
    """A surgery that takes enquiries and shows no times."""
    portal.store.put(role("booking-enquiry"))
    return portal


@pytest.mark.parametrize(
    ("requested", "start"),
    [
        ({"start": "2027-03-02"}, "2027-03-02T08:00:00+01:00"),
        ({"start": "2027-03-02T10:05:00+01:00"}, "2027-03-02T10:20:00+01:00"),
        ({"start": "2027-03-06"}, "2027-03-08T08:00:00+01:00"),
        ({"start": "2027-03-05T14:50:00+01:00"}, "2027-03-08T08:00:00+01:00"),
        ({"start": "2027-03-27"}, "2027-03-29T08:00:00+02:00"),
        ({}, "2027-03-01T12:20:00+01:00"),
        ({"start": "2027-03-06", "end": "2027-03-07"}, None),
        ({"start": "2027-03-02T08:10:00+01:00", "end": "2027-03-02T08:30:00+01:00"}, None),
        ({"start": "2029-01-01"}, None),
        ({"start": "9999-12-31"}, None),
    ],
)
def test_a_surgery_without_times_in_the_portal_looks_in_its_own_calendar(
    without_times, requested, start
):
    period = requested or {"id": "any"}

    given = ask_for(without_times.sign_in("ada"), requestedPeriod=[period])

    assert (given.get("start"), "slot" in given) == (start, False)
    assert given["status"] == ("booked" if start else "cancelled")


ANY_DAY = {"requestedPeriod": [{"start": "2027-03-02"}]}


def with_gp(portal, status, start, end, gp="gp", **more):
    """Put an appointment of Bo's with a GP into the record."""
    people = [ref("Patient/bo"), ref(f"PractitionerRole/{gp}")]
    day = "2027-03-02T{}:00+01:00"
    portal.store.insert(
        {
            "resourceType": "Appointment",
            "status": status,
            "start": day.format(start),
            "end": day.format(end),
            "participant": [{"actor": each, "status": "accepted"} for each in people],
        }
        | more
    )


def test_two_enquiries_are_not_given_the_same_time(without_times):
    given = [
        ask_for(without_times.sign_in(who), who=who, **ANY_DAY)["start"]
        for who in ("ada", "bo", "ada")
    ]

    assert given == [
        "2027-03-02T08:00:00+01:00",
        "2027-03-02T08:20:00+01:00",
        "2027-03-02T08:40:00+01:00",
    ]


@pytest.mark.parametrize(
    ("status", "start", "end", "expected"),
    [
        ("booked", "08:00", "08:20", "08:20"),
        ("pending", "08:00", "08:20", "08:20"),
        ("arrived", "08:00", "08:20", "08:20"),
        ("booked", "08:10", "08:30", "08:40"),
        ("booked", "07:00", "09:10", "09:20"),
        ("booked", "08:05", "08:06", "08:20"),
        ("booked", "07:40", "08:00", "08:00"),
        ("booked", "08:20", "08:40", "08:00"),
        ("cancelled", "08:00", "08:20", "08:00"),
        ("noshow", "08:00", "08:20", "08:00"),
    ],
)
def test_a_time_that_the_gp_has_with_somebody_is_not_given(
    without_times, status, start, end, expected
):
    with_gp(without_times, status, start, end)

    given = ask_for(without_times.sign_in("ada"), **ANY_DAY)

    assert given["start"] == f"2027-03-02T{expected}:00+01:00"


def test_a_time_of_another_gp_is_free_here(without_times):
    both = [ref("PractitionerRole/other"), ref("HealthcareService/booking-enquiry")]
    shared = [{"actor": each, "status": "accepted"} for each in both]
    with_gp(without_times, "booked", "08:00", "08:20", participant=shared)

    given = ask_for(without_times.sign_in("ada"), **ANY_DAY)

    assert given["start"] == "2027-03-02T08:00:00+01:00"


def test_a_time_held_for_the_gp_s_service_alone_is_not_given(without_times):
    held = [{"actor": ref("HealthcareService/booking-enquiry"), "status": "needs-action"}]
    with_gp(without_times, "pending", "08:00", "08:20", participant=held)

    given = ask_for(without_times.sign_in("ada"), **ANY_DAY)

    assert given["start"] == "2027-03-02T08:20:00+01:00"


def test_what_the_record_has_without_a_time_takes_none(without_times):
    without_times.store.insert(
        enquiry("bo", status="booked")
        | {"participant": [{"actor": ref("PractitionerRole/gp"), "status": "accepted"}]}
    )

    given = ask_for(without_times.sign_in("ada"), **ANY_DAY)

    assert given["start"] == "2027-03-02T08:00:00+01:00"


def test_a_day_that_is_full_is_declined(without_times):
    with_gp(without_times, "booked", "08:00", "15:00")

    declined = ask_for(
        without_times.sign_in("ada"), requestedPeriod=[{"start": "2027-03-02", "end": "2027-03-02"}]
    )

    assert declined["status"] == "cancelled"


def test_the_gp_who_gives_the_time_takes_part_also_when_another_was_named(portal):
    portal.store.put(role("booking-enquiry"))
    people = [
        {"actor": ref("Patient/ada"), "status": "accepted"},
        {"actor": ref("PractitionerRole/retired"), "status": "needs-action"},
    ]
    portal.store.put(role(id_="retired") | {"active": False})

    given = ask_for(portal.sign_in("ada"), participant=people)

    assert given["participant"][-1] == {"actor": ref("PractitionerRole/gp"), "status": "accepted"}


def test_an_enquiry_goes_to_the_gp_it_names(portal):
    both = [ref("PractitionerRole/gp"), ref("PractitionerRole/second")]
    portal.store.put(service("booking-enquiry", id_="second-enquiry"))
    portal.store.put(role("second-enquiry", id_="second"))
    portal.store.put(patient("ada", "Ås", "14836100100") | {"generalPractitioner": both})
    people = [
        {"actor": ref("Patient/ada"), "status": "accepted"},
        {"actor": ref("PractitionerRole/second"), "status": "needs-action"},
    ]

    given = ask_for(portal.sign_in("ada"), participant=people)

    assert (given["start"], given["participant"][1:]) == (
        "2027-03-02T08:00:00+01:00",
        [{"actor": ref("PractitionerRole/second"), "status": "accepted"}],
    )


@pytest.mark.parametrize("about", ["booking", "booking-enquiry", "e-consultation"])
def test_enquiries_are_about_what_the_gp_offers(portal, about):
    assert ask_for(portal.sign_in("ada"), serviceType=[concept(about)])["status"] == "booked"


@pytest.mark.parametrize(
    ("about", "offered"),
    [
        ("booking", ("booking", "cancellation")),
        ("booking-enquiry", ("booking",)),
        ("e-consultation", ("booking-enquiry",)),
        ("flu-vaccination", ("booking-enquiry",)),
    ],
)
def test_an_enquiry_that_no_gp_takes_is_refused(portal, about, offered):
    portal.store.put(role(*offered))

    answer = portal.sign_in("ada")("POST", "/Appointment", enquiry(serviceType=[concept(about)]))

    assert issue(answer) == (403, "forbidden", "service-off")


@pytest.mark.parametrize(
    "more",
    [
        {"status": "booked", "start": "2027-03-08T09:00:00Z", "end": "2027-03-08T09:20:00Z"},
        {"start": "2027-03-08T09:00:00Z", "end": "2027-03-08T09:20:00Z"},
        {"requestedPeriod": None},
        {"status": "waitlist"},
        {"serviceType": [concept("contact")]},
    ],
)
def test_an_enquiry_is_proposed_with_requested_periods_and_without_a_time(portal, more):
    sent = {name: value for name, value in enquiry(**more).items() if value is not None}

    answer = portal.sign_in("ada")("POST", "/Appointment", sent)

    assert issue(answer) == (422, "business-rule", "")
    assert portal.store.find("Appointment") == []
