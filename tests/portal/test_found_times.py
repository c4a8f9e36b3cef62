"""Free times at a portal that lists `Appointment/$find` (IHE ITI Scheduling)."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from gpcli import errors
from gpcli.journal import Journal
from gpcli.model.service import ServiceName
from gpcli.portal.capabilities import Capabilities
from gpcli.portal.fhir_portal import FhirPortal
from gpcli.portal.search import FhirSearch
from tests.portal.builders import (
    Json,
    a_consent,
    a_patient,
    a_role,
    a_schedule,
    a_searchset,
    a_service,
    a_slot,
    an_appointment,
    an_outcome,
    concept,
    ref,
    with_identifier,
)
from tests.portal.scripted import (
    ALL_ON,
    BASE,
    INTENT,
    LOST,
    NOTHING,
    Reply,
    Server,
    client_to,
    portal_through,
)
from tests.portal.world import BOOKING, DAYS, GPS, INCLUDED, ROLE, ids

FIND = "POST Appointment/$find"
FINDS = replace(ALL_ON, operations={"Appointment": ("find", "hold", "book")})
THERE = ("Patient", "Consent", "ChargeItemDefinition", "Appointment")
NO_SLOTS = replace(FINDS, types=THERE, searches=THERE, reads=THERE)
A_PLACE = {"resourceType": "Location", "id": "l-1", "name": "Elvebakken 2"}
DOCTOR = "Practitioner/lege"


def proposed(id: str = "p-1", *actors: str, slot: str | None = None, **more: Any) -> Json:
    """A proposed Appointment, with the doctor unless others are named."""
    of_slot = {"slot": [ref(f"Slot/{slot}")]} if slot else {}
    return an_appointment(id, *(actors or (DOCTOR,)), **{"status": "proposed", **of_slot, **more})


def parameters(**parts: Any) -> Json:
    return {"resourceType": "Parameters", "parameter": [parts]}


@pytest.fixture(autouse=True)
def script(server: Server) -> None:
    """A patient with one GP, whose portal proposes one time and has one free Slot."""
    server.on("GET Patient", GPS).on("GET Consent", a_searchset(a_consent()))
    server.on("GET ChargeItemDefinition", NOTHING).on("GET Appointment", NOTHING)
    server.on("GET Appointment/p-1", proposed()).on(FIND, a_searchset(proposed()))
    schedule = a_schedule("HealthcareService/booking-1")
    server.on("GET Slot", a_searchset(a_slot("s-1"), included=[schedule]))


@pytest.fixture
def portal_of(server: Server, journal: Journal) -> Iterator[Callable[..., FhirPortal]]:
    """`portal_of(can, booking)` knows its GPs already."""
    with client_to(server) as client:

        def build(can: Capabilities = FINDS, booking: str = "auto") -> FhirPortal:
            portal = portal_through(FhirSearch(client, lambda: can), journal, booking=booking)
            portal.fetch_offers()
            return portal

        yield build


def asked(server: Server) -> list[list[tuple[str, Any]]]:
    """The names and values of the parameters of each `$find`."""
    bodies = [
        json.loads(each.content) for each in server.requests if each.url.path.endswith("$find")
    ]
    return [[(each["name"], _value(each)) for each in body["parameter"]] for body in bodies]


def _value(parameter: Json) -> Any:
    [value] = [parameter[name] for name in parameter if name.startswith("value")]
    return value["reference"] if isinstance(value, dict) else value


def searches(server: Server) -> list[str]:
    return [line for line in server.request_lines if line.startswith("GET Slot?")]


def test_the_portal_is_asked_for_the_days_the_patient_the_service_and_the_doctor_alone(
    portal_of, server: Server
):
    assert ids(portal_of().fetch_slots([BOOKING], *DAYS)) == ["p-1"]
    assert asked(server) == [
        [
            ("start", "2027-03-01T08:00:00+01:00"),
            ("end", "2027-04-01T00:00:00+02:00"),
            ("patient-reference", "Patient/kari"),
            ("visit-type", "urn:gpcli:gp-service|booking"),
            ("practitioner", DOCTOR),
        ]
    ]
    assert searches(server) == []


def test_days_to_come_are_asked_for_from_their_beginning(portal_of, server: Server):
    list(portal_of().fetch_slots([BOOKING], date(2027, 3, 2), date(2027, 3, 2)))
    [[start, end, *_]] = asked(server)
    assert (start[1], end[1]) == ("2027-03-02T00:00:00+01:00", "2027-03-03T00:00:00+01:00")


@pytest.mark.parametrize(
    ("role", "name", "value"),
    [
        ({"practitioner": ref("Practitioner/lege")}, "practitioner", DOCTOR),
        ({"location": [ref("Location/l-1")]}, "location-reference", "Location/l-1"),
        ({}, "organization", "Organization/elvebakken"),
    ],
)
def test_several_kinds_of_actors_are_never_asked_for_together(
    portal_of, server: Server, role: Json, name: str, value: str
):
    record = {key: each for key, each in a_role("booking-1").items() if key != "practitioner"}
    there = [record | role, *INCLUDED, a_service(), A_PLACE]
    server.on("GET Patient", a_searchset(a_patient(ROLE), included=there))
    portal = portal_of()
    list(portal.fetch_slots([replace(BOOKING)], *DAYS))
    actors = [each for each in asked(server)[0] if each[0] not in OTHERS]
    assert actors == [(name, value)]


OTHERS = {"start", "end", "patient-reference", "visit-type"}


@pytest.mark.parametrize(
    "answer",
    [
        a_searchset(proposed()),
        parameters(name="return", resource=a_searchset(proposed())),
        a_searchset(an_outcome(text="Bring your card.", severity="information"), proposed()),
        a_searchset(proposed(), total=1),
    ],
    ids=["alone", "in return", "with advice", "with total"],
)
def test_the_answer_may_come_in_several_forms(portal_of, server: Server, answer: Json):
    server.on(FIND, answer)
    portal = portal_of()
    assert ids(portal.fetch_slots([BOOKING], *DAYS)) == ["p-1"]
    assert portal.flaws == []


def test_an_error_beside_times_is_said_and_the_times_are_shown(portal_of, server: Server):
    server.on(FIND, a_searchset(proposed(), an_outcome(text="Half of it failed.")))
    portal = portal_of()
    assert ids(portal.fetch_slots([BOOKING], *DAYS)) == ["p-1"]
    assert portal.flaws == ["part of what was asked for. The portal says: Half of it failed."]


def test_all_pages_are_read_and_what_is_missing_is_said(portal_of, server: Server):
    later = f"{BASE}/Appointment?page=2"
    server.on(FIND, a_searchset(proposed("p-1"), next=later, total=3))
    server.on("GET Appointment?page", a_searchset(proposed("p-2"), total=3))
    portal = portal_of()
    assert ids(portal.fetch_slots([BOOKING], *DAYS)) == ["p-1", "p-2"]
    assert portal.flaws == ["1 of 3 in a list, which the portal does not send"]


def at(hour: int) -> Json:
    return {
        "start": f"2027-03-02T{hour:02}:00:00+01:00",
        "end": f"2027-03-02T{hour:02}:20:00+01:00",
    }


def test_times_in_the_portals_order_of_preference_are_put_in_order_of_time(
    portal_of, server: Server
):
    later = f"{BASE}/Appointment?page=2"
    server.on(FIND, a_searchset(proposed("a", **at(14)), proposed("b", **at(9)), next=later))
    server.on("GET Appointment?page", a_searchset(proposed("c", **at(8))))
    assert ids(portal_of().fetch_slots([BOOKING], *DAYS)) == ["c", "b", "a"]


def test_pages_in_order_are_read_as_they_are_needed(portal_of, server: Server):
    later = f"{BASE}/Appointment?page=2"
    server.on(FIND, a_searchset(proposed("a", **at(8)), proposed("b", **at(9)), next=later))
    assert next(iter(portal_of().fetch_slots([BOOKING], *DAYS))).id == "a"
    assert [line for line in server.request_lines if "page" in line] == []


def test_a_time_has_the_id_of_its_slot_and_keeps_what_the_booking_has_to_repeat(
    portal_of, server: Server
):
    said = proposed(
        slot="s-7",
        comment="By the window",
        start="2027-03-02T09:00:00.000+01:00",
        appointmentType=concept("phone", "urn:gpcli:channel"),
    )
    server.on(FIND, a_searchset(said))
    [slot] = portal_of().fetch_slots([BOOKING], *DAYS)
    assert (slot.id, slot.proposal, slot.has_record) == ("s-7", "p-1", True)
    assert (slot.comment, slot.channel, slot.services) == ("By the window", "phone", ("booking",))
    assert slot.written_start == "2027-03-02T09:00:00.000+01:00"
    assert [each.reference for each in slot.actors] == [DOCTOR]
    assert (slot.surgery_ids, slot.practitioner) == ({"role-1"}, "Ola Berg")


@pytest.mark.parametrize(
    "slots",
    [[], [ref("Slot/a"), ref("Slot/b")], [ref("#inner")], [ref("https://other.test/Slot/1")]],
)
def test_a_time_without_the_one_slot_has_the_id_of_its_proposal(
    portal_of, server: Server, slots: list[Json]
):
    server.on(FIND, a_searchset(proposed(slot=None) | {"slot": slots}))
    [slot] = portal_of().fetch_slots([BOOKING], *DAYS)
    assert (slot.id, slot.proposal, slot.has_record) == ("p-1", "p-1", False)


@pytest.mark.parametrize(
    "other",
    [
        proposed(status="pending"),
        proposed(start="2027-05-02T09:00:00+02:00", end="2027-05-02T09:20:00+02:00"),
        proposed("p-1", "Practitioner/else"),
        proposed("p-1", "HealthcareService/flu-1"),
        proposed(serviceType=[concept("flu-vaccination")]),
        proposed("p-1", "Patient/bo", DOCTOR)
        | {"participant": [{"actor": ref("Patient/bo"), "status": "accepted"}]},
    ],
    ids=[
        "held",
        "another month",
        "another doctor",
        "another service",
        "another kind",
        "of another",
    ],
)
def test_what_was_not_asked_for_is_left_out(portal_of, server: Server, other: Json):
    server.on(FIND, a_searchset(other))
    assert list(portal_of().fetch_slots([BOOKING], *DAYS)) == []


def test_a_slot_that_came_along_and_is_taken_is_not_free(portal_of, server: Server):
    taken = a_slot("s-1", status="busy")
    server.on(FIND, a_searchset(proposed(slot="s-1"), included=[taken]))
    assert list(portal_of().fetch_slots([BOOKING], *DAYS)) == []


def test_a_slot_that_came_along_and_is_not_understood_is_not_free(portal_of, server: Server):
    odd = a_slot("s-1", status="no-such-code")
    server.on(FIND, a_searchset(proposed(slot="s-1"), included=[odd]))
    portal = portal_of()
    assert list(portal.fetch_slots([BOOKING], *DAYS)) == []
    assert list(dict.fromkeys(portal.flaws)) == [
        "Slot/s-1 has another status than R4 allows",
        "Appointment/p-1: Slot/s-1 has another status than R4 allows",
    ]


def test_a_time_that_names_nobody_is_the_one_doctors_that_was_asked_for(portal_of, server: Server):
    alone = proposed() | {"participant": [{"actor": ref("Patient/kari"), "status": "accepted"}]}
    server.on(FIND, a_searchset(alone))
    [slot] = portal_of().fetch_slots([BOOKING], *DAYS)
    assert (slot.surgery_ids, slot.practitioner) == ({"role-1"}, "Ola Berg")


def test_a_time_that_names_nobody_is_nobodys_where_no_doctor_was_asked_for(
    portal_of, server: Server
):
    alone = proposed() | {"participant": [{"actor": ref("Patient/kari"), "status": "accepted"}]}
    server.on(FIND, NOTHING, a_searchset(alone))
    portal = portal_of()
    assert list(portal.fetch_slots([BOOKING], *DAYS)) == []
    assert portal.flaws == ["Appointment/p-1: it does not say with whom it is"]


@pytest.mark.parametrize(
    "broken", [{"start": "soon"}, {"end": "2027-03-02T08:00:00+01:00"}, {"status": 7}]
)
def test_a_time_that_can_not_be_read_is_named_and_the_others_are_shown(
    portal_of, server: Server, broken: Json
):
    server.on(FIND, a_searchset(proposed("p-0") | broken, proposed()))
    portal = portal_of()
    assert ids(portal.fetch_slots([BOOKING], *DAYS)) == ["p-1"]
    assert len(portal.flaws) == 1


def test_a_time_with_an_unknown_modifier_is_not_offered(portal_of, server: Server):
    odd = proposed(modifierExtension=[{"url": "https://a.test/odd", "valueBoolean": True}])
    server.on(FIND, a_searchset(odd))
    portal = portal_of()
    assert list(portal.fetch_slots([BOOKING], *DAYS)) == []
    assert "modifier" in portal.flaws[0]


REFUSED = [
    Reply(an_outcome(text="No such parameter."), 400),
    Reply(an_outcome(), 403),
    Reply(an_outcome(), 404),
    Reply(an_outcome(), 422),
    Reply(an_outcome(), 501),
    Reply(an_outcome(severity="fatal")),
    Reply(a_searchset(an_outcome())),
    Reply(parameters(name="return", resource=an_outcome())),
    Reply(a_schedule()),
    Reply({"resourceType": "Parameters"}),
]


@pytest.mark.parametrize("refused", REFUSED)
def test_where_the_portal_refuses_the_question_a_plainer_one_is_asked(
    portal_of, server: Server, refused: Reply
):
    server.on(FIND, refused, a_searchset(proposed()))
    assert ids(portal_of().fetch_slots([BOOKING], *DAYS)) == ["p-1"]
    assert [name for name, _ in asked(server)[1]] == ["start", "end", "patient-reference"]
    assert searches(server) == []


def test_where_the_portal_has_nothing_of_the_doctor_it_is_asked_for_the_patient(
    portal_of, server: Server
):
    substitute = proposed("p-2", "Practitioner/vikar", "HealthcareService/booking-1")
    server.on(FIND, NOTHING, a_searchset(substitute))
    [slot] = portal_of().fetch_slots([BOOKING], *DAYS)
    assert (slot.id, slot.surgery_ids, slot.practitioner) == ("p-2", {"role-1"}, None)


@pytest.mark.parametrize("refused", REFUSED)
def test_where_it_refuses_every_question_the_slots_are_searched(
    portal_of, server: Server, refused: Reply
):
    server.on(FIND, refused)
    [slot] = portal_of().fetch_slots([BOOKING], *DAYS)
    assert (slot.id, slot.proposal, len(asked(server))) == ("s-1", None, 2)


def test_where_slots_can_not_be_searched_the_refusal_is_said(portal_of, server: Server):
    server.on(FIND, Reply(an_outcome(text="Never."), 422))
    with pytest.raises(errors.Rejected, match="Never"):
        list(portal_of(NO_SLOTS).fetch_slots([BOOKING], *DAYS))


def test_no_times_are_no_times_and_slots_are_not_searched(portal_of, server: Server):
    server.on(FIND, NOTHING)
    assert list(portal_of().fetch_slots([BOOKING], *DAYS)) == []
    assert searches(server) == []


@pytest.mark.parametrize(
    ("trouble", "error"),
    [
        (LOST, errors.Unreachable),
        (Reply(status=401), errors.Expired),
        (Reply(an_outcome("consent-needed"), 403), errors.ConsentNeeded),
    ],
)
def test_what_every_question_would_end_in_is_raised(
    portal_of, server: Server, trouble: Reply, error: type
):
    server.on(FIND, trouble)
    with pytest.raises(error):
        list(portal_of().fetch_slots([BOOKING], *DAYS))
    assert searches(server) == []


@pytest.mark.parametrize(
    ("can", "booking"), [(FINDS, "post"), (FINDS, "transaction"), (ALL_ON, "auto")]
)
def test_slots_are_searched_where_the_portal_or_the_profile_has_no_operations(
    portal_of, server: Server, can: Capabilities, booking: str
):
    assert ids(portal_of(can, booking).fetch_slots([BOOKING], *DAYS)) == ["s-1"]
    assert asked(server) == []


def facts(portal: FhirPortal, time_id: str = "p-1"):
    return portal.fetch_booking_facts(slot=time_id, intent=INTENT)


@pytest.fixture
def slotless(server: Server) -> Server:
    """The portal has no Slot of the time that is looked for."""
    return server.on("GET Slot", NOTHING)


def test_a_slot_is_found_as_ever(portal_of, server: Server):
    found = facts(portal_of(), "s-1").slot
    assert (found.id, found.proposal, asked(server)) == ("s-1", None, [])


def test_a_proposed_time_is_read_by_its_id(portal_of, server: Server, slotless: Server):
    found = facts(portal_of()).slot
    assert (found.id, found.proposal, found.has_record, asked(server)) == ("p-1", "p-1", False, [])


@pytest.mark.parametrize(
    "shown",
    [
        Reply(status=404),
        Reply(status=403),
        Reply(proposed(status="booked")),
        Reply(proposed("p-2")),
        Reply(proposed() | {"start": None}),
    ],
)
def test_a_proposed_time_that_can_not_be_read_is_looked_for(
    portal_of, server: Server, slotless: Server, shown: Reply
):
    server.on("GET Appointment/p-1", shown)
    assert facts(portal_of()).slot.id == "p-1"
    [[start, end, *_]] = asked(server)
    assert (start[1][:10], end[1][:10]) == ("2027-03-01", "2027-03-30")


def test_a_time_is_found_by_the_id_of_its_proposal_as_by_that_of_its_slot(
    portal_of, server: Server, slotless: Server
):
    server.on(FIND, a_searchset(proposed(slot="s-9"))).on("GET Appointment/s-9", Reply(status=404))
    assert facts(portal_of(), "s-9").slot.proposal == "p-1"


def test_a_time_that_is_not_proposed_any_more_may_be_gone(
    portal_of, server: Server, slotless: Server
):
    server.on(FIND, NOTHING).on("GET Appointment/p-1", Reply(status=404))
    with pytest.raises(errors.NotFound, match=r"'p-1' \(any more\): it may be gone") as gone:
        facts(portal_of())
    assert gone.value.hint == "gpcli slots lists the free times."


def test_what_an_earlier_run_booked_is_told_though_its_time_is_gone(
    portal_of, server: Server, slotless: Server
):
    made = with_identifier(an_appointment(), INTENT.urn)
    server.on("GET Appointment?identifier", a_searchset(made)).on(FIND, NOTHING)
    found = facts(portal_of())
    assert (found.slot, found.earlier.id, asked(server)) == (None, "visit-1", [])


@pytest.mark.parametrize("status", [400, 403, 404])
def test_a_portal_that_shows_no_slots_at_all_has_its_proposals(
    portal_of, server: Server, status: int
):
    server.on("GET Slot", Reply(an_outcome(), status))
    assert facts(portal_of(NO_SLOTS)).slot.id == "p-1"


def test_flu_times_are_asked_for_as_such(portal_of, server: Server):
    server.on(FIND, a_searchset(proposed(serviceType=[concept("flu-vaccination")])))
    flu = replace(BOOKING, id="flu-1", name=ServiceName.FLU_VACCINATION)
    assert ids(portal_of().fetch_slots([flu], *DAYS)) == ["p-1"]
    assert ("visit-type", "urn:gpcli:gp-service|flu-vaccination") in asked(server)[0]
