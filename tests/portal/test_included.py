"""What should have come along and did not is fetched once, and only that."""

from __future__ import annotations

import pytest

from gpcli import errors
from gpcli.fhir.bundle import Bundle
from gpcli.portal import queries
from gpcli.portal.included import MAX_RECORDS, by_id_queries
from gpcli.portal.search import FhirSearch
from tests.portal.builders import (
    Json,
    a_patient,
    a_practitioner,
    a_role,
    a_schedule,
    a_searchset,
    a_slot,
    an_appointment,
    an_organization,
    an_outcome,
    ref,
)
from tests.portal.scripted import NOTHING, UNREACHABLE, Reply, Server
from tests.portal.world import ROLE

GPS = queries.patient_with_gps("kari")
WHOLE = a_searchset(a_patient(ROLE), included=[a_role(), a_practitioner(), an_organization()])
ALONE = a_searchset(a_patient(ROLE))
ROLES = "GET PractitionerRole?_id"
PEOPLE = "GET Practitioner?_id"
PLACES = "GET Organization?_id"


def along(bundle: Bundle) -> set[str]:
    return {*bundle.resources} - {each.relative_reference for each in bundle.matches}


def test_where_all_came_along_nothing_is_fetched(search: FhirSearch, server: Server):
    server.on("GET Patient", WHOLE)
    search.fetch_all(GPS)
    assert (len(server.requests), server.late_lines) == (1, [])


def test_where_there_is_nothing_to_come_nothing_is_fetched(search: FhirSearch, server: Server):
    named = a_patient({"display": "Ola Berg"}, ref("#gp"), ref("https://x.example/Practitioner/1"))
    server.on("GET Patient", a_searchset(named))
    search.fetch_all(GPS)
    assert (len(server.requests), server.late_lines) == (1, [])


def test_a_chain_is_followed_to_its_end(search: FhirSearch, server: Server):
    server.on("GET Patient", ALONE).on(ROLES, a_searchset(a_role()))
    server.on(PEOPLE, a_searchset(a_practitioner())).on(PLACES, a_searchset(an_organization()))
    found = search.fetch_all(GPS)
    assert along(found) == {
        "PractitionerRole/role-1",
        "Practitioner/lege",
        "Organization/elvebakken",
    }
    assert server.request_lines == [
        "GET Patient?" + server.request_lines[0].partition("?")[2],
        "GET PractitionerRole?_id=role-1&_count=500",
        "GET Organization?_id=elvebakken&_count=500",
        "GET Practitioner?_id=lege&_count=500",
    ]
    assert len(server.requests) == 3


def test_what_a_portal_leaves_out_of_what_it_includes_is_not_there(
    search: FhirSearch, server: Server
):
    other = ref("PractitionerRole/gone")
    server.on("GET Patient", a_searchset(a_patient(ROLE, other), included=[a_role()]))
    server.on(PEOPLE, a_searchset(a_practitioner())).on(PLACES, NOTHING)
    found = search.fetch_all(GPS)
    assert along(found) == {"PractitionerRole/role-1", "Practitioner/lege"}
    assert not [each for each in server.request_lines if "gone" in each]


def test_what_is_not_there_is_asked_for_once(search: FhirSearch, server: Server):
    server.on("GET Patient", ALONE).on(ROLES, NOTHING)
    for _ in range(2):
        assert along(search.fetch_all(GPS)) == set()
    assert len([each for each in server.request_lines if "Role?" in each]) == 1


def test_what_came_with_another_list_is_taken_from_there(search: FhirSearch, server: Server):
    visit = an_appointment("visit-1", "PractitionerRole/role-1")
    server.on("GET Patient", WHOLE).on("GET Appointment", a_searchset(visit))
    server.on("GET AppointmentResponse", NOTHING)
    _, found = search.fetch_many(GPS, queries.appointment("visit-1"))
    assert isinstance(found, Bundle)
    assert {"PractitionerRole/role-1", "Practitioner/lege"} <= along(found)
    assert server.late_lines == []


@pytest.mark.parametrize("status", [403, 404, 422])
def test_what_is_not_shown_is_no_flaw(search: FhirSearch, server: Server, status: int):
    server.on("GET Patient", ALONE).on(ROLES, Reply(an_outcome(), status))
    assert along(search.fetch_all(GPS)) == set()
    assert search.flaws == []


@pytest.mark.parametrize("reply", [Reply(status=500), UNREACHABLE])
def test_what_fails_is_a_flaw_and_the_list_is_there(
    search: FhirSearch, server: Server, reply: Reply
):
    server.on("GET Patient", ALONE).on(ROLES, reply)
    assert search.fetch_all(GPS).matches
    (flaw,) = search.flaws
    assert flaw.startswith("PractitionerRole: ")


def test_a_sign_in_that_has_ended_is_told(search: FhirSearch, server: Server):
    server.on("GET Patient", ALONE).on(ROLES, Reply(status=401))
    with pytest.raises(errors.Expired):
        search.fetch_all(GPS)


def test_a_record_with_an_unknown_modifier_is_left_out_as_a_flaw(
    search: FhirSearch, server: Server
):
    odd: Json = a_role(modifierExtension=[{"url": "https://x.example/not"}])
    server.on("GET Patient", ALONE).on(ROLES, a_searchset(odd))
    assert along(search.fetch_all(GPS)) == set()
    assert len(search.flaws) == 1


def test_a_later_page_of_slots_may_rely_on_what_came_with_the_first(
    search: FhirSearch, server: Server
):
    schedule = a_schedule("HealthcareService/booking-1")
    server.on("GET Slot?_sort", a_searchset(a_slot("1"), included=[schedule], next="?page=2"))
    server.on("GET Slot?page", a_searchset(a_slot("2", start="2027-03-03T09:00:00+01:00")))
    query = queries.Query("Slot", (("_include", "Slot:schedule"), ("_sort", "start")))
    pages = list(search.fetch_pages(query))
    assert [along(each) for each in pages] == [{"Schedule/schedule-1"}] * 2
    assert server.late_lines == []


def test_more_than_can_be_fetched_is_said():
    flaws: list[str] = []
    references = [f"Location/{number}" for number in range(MAX_RECORDS + 2)]
    fetched = by_id_queries(references, flaws)
    assert sum(each.params[0][1].count(",") + 1 for each in fetched) == MAX_RECORDS
    assert flaws == ["2 Location that did not come along"]
