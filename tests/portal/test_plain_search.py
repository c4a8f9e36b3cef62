"""A search that is refused is tried once more in plain words, which is remembered for its type."""

from __future__ import annotations

import pytest

from gpcli import errors
from gpcli.portal import queries
from gpcli.portal.search import FhirSearch
from tests.portal.builders import Json, a_searchset, an_appointment, an_immunization, an_outcome
from tests.portal.scripted import NOTHING, Reply, Server

SHOT = an_immunization({"text": "Influenza"})
REFUSED = Reply(an_outcome(), 400)


def test_the_plainer_try_has_only_what_says_whose_records(search: FhirSearch, server: Server):
    server.on("GET Immunization", a_searchset(SHOT)).on("GET Immunization?_sort", REFUSED)
    assert search.fetch_all(queries.vaccinations("kari")).matches
    assert server.request_lines == [
        "GET Immunization?patient=kari&_sort=-date&_count=500",
        "GET Immunization?patient=kari",
    ]


def test_it_is_remembered_for_the_type_alone(search: FhirSearch, server: Server):
    server.on("GET Immunization", a_searchset(SHOT)).on("GET Immunization?_sort", REFUSED)
    server.on("GET Consent", NOTHING)
    for query in (queries.vaccinations("kari"), queries.consents("kari")) * 2:
        search.fetch_all(query)
    assert server.request_lines[2:] == [
        "GET Consent?patient=kari&status=active",
        "GET Immunization?patient=kari",
        "GET Consent?patient=kari&status=active",
    ]


def test_a_refused_plainer_try_is_not_made_again_and_the_first_refusal_is_told(
    search: FhirSearch, server: Server
):
    server.on("GET Immunization", Reply(an_outcome(text="Never."), 400))
    server.on("GET Immunization?_sort", Reply(an_outcome(text="No order."), 400))
    for _ in range(2):
        with pytest.raises(errors.Rejected, match="No order"):
            search.fetch_all(queries.vaccinations("kari"))
    assert len(server.request_lines) == 3


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (401, an_outcome()),
        (403, an_outcome()),
        (404, an_outcome()),
        (422, an_outcome(code="business-rule")),
        (400, an_outcome("service-off")),
        (500, an_outcome()),
    ],
)
def test_other_refusals_stand(search: FhirSearch, server: Server, status: int, body: Json):
    server.on("GET Immunization", Reply(body, status))
    with pytest.raises(errors.GpcliError):
        search.fetch_all(queries.vaccinations("kari"))
    assert {each.partition("?")[2] for each in server.request_lines} == {
        "patient=kari&_sort=-date&_count=500"
    }


def test_in_a_batch_only_what_was_refused_is_tried_again(search: FhirSearch, server: Server):
    server.on("GET Immunization", a_searchset(SHOT)).on("GET Immunization?_sort", REFUSED)
    undated = an_appointment("undated", start=None, end=None)
    server.on("GET Appointment", a_searchset(an_appointment(), undated))
    server.on("GET Appointment?date:missing", REFUSED).on("GET Consent", NOTHING)
    shots, undated_ones, consents = search.fetch_many(
        queries.vaccinations("kari"),
        queries.undated_appointments("kari"),
        queries.consents("kari"),
    )
    assert [len(each.matches) for each in (shots, undated_ones, consents)] == [1, 1, 0]
    assert server.request_lines[3:] == [
        "GET Immunization?patient=kari",
        "GET Appointment?patient=kari",
    ]
    assert [each.method for each in server.requests] == ["POST", "GET", "GET"]


def test_what_comes_in_plain_words_is_filtered_and_sorted_here(search: FhirSearch, server: Server):
    times = ["2027-03-04T09:00:00+01:00", "2027-03-02T09:00:00+01:00", "2027-03-03T09:00:00Z"]
    found = [an_appointment(f"v{number}", start=when) for number, when in enumerate(times)]
    server.on("GET Appointment", a_searchset(*found)).on("GET Appointment?_sort", REFUSED)
    dated = search.fetch_all(queries.dated_appointments("kari", None))
    assert [each.json["id"] for each in dated.matches] == ["v1", "v2", "v0"]


def test_slots_that_come_unsorted_in_pages_are_given_in_order(search: FhirSearch, server: Server):
    days = ["05", "02", "04", "03"]
    slots = [
        {"resourceType": "Slot", "id": each, "status": "free", "start": f"2027-03-{each}T09:00:00Z"}
        for each in days
    ]
    server.on("GET Slot?_sort", a_searchset(*slots[:2], next="?page=2"))
    server.on("GET Slot?page", a_searchset(*slots[2:]))
    query = queries.Query("Slot", (("_sort", "start"),))
    pages = [[each.json["id"] for each in page.matches] for page in search.fetch_pages(query)]
    assert pages == [["02", "03", "04", "05"]]
