"""Every query brings the same at portals that honour it, that refuse most of it, that ignore it."""

from __future__ import annotations

import pytest

from gpcli.fhir.bundle import Bundle
from gpcli.fhir.element import read_resource
from gpcli.http.client import HttpClient
from gpcli.http.deadline import Deadline
from gpcli.portal.capabilities import read_capabilities
from gpcli.portal.mapping import NOT_SHOWN
from gpcli.portal.queries import Query
from gpcli.portal.search import FhirSearch
from tests.contract.fake import BASE, Fake
from tests.contract.fake_quirks import Quirks, statement
from tests.contract.world import shared
from tests.portal.differing import PATIENT
from tests.portal.every_query import QUERIES, query_functions

WHOSE = frozenset({"patient", "appointment"})
PORTALS = {
    "lists nothing": Quirks(silent=True),
    "ignores all but the patient": Quirks(heeded=frozenset({"patient"})),
    "ignores all": Quirks(heeded=frozenset()),
    "brings nothing along": Quirks(includes=False, batch=False),
    "lists ids and the patient and refuses all else": Quirks(declared=WHOSE | {"_id"}),
    "lists the patient and refuses all else": Quirks(declared=WHOSE, batch=False),
    "lists nothing and refuses what is to come along": Quirks(
        silent=True, refused=frozenset({"_include", "_revinclude", "_elements", "_sort"})
    ),
    "refuses modifiers and sizes": Quirks(
        refused=frozenset({"_include:iterate", "received:missing", "date:missing", "_count"})
    ),
    "sends small pages that do not come in order": Quirks(
        page=1, links="query", heeded=frozenset({"patient", "schedule.actor"})
    ),
}
FOR_READERS = {f"Slot/{PATIENT.practice.flu_slot}"}
"""What does not meet a criterion that those who read the records apply."""


class PatientToken:
    """The token by which the fake knows its patient."""

    def get_token(self, client: HttpClient) -> str:
        return PATIENT.id

    def renew_token(self, client: HttpClient, stale: str) -> str:
        raise AssertionError("The fake takes every patient's id as a token.")


def open_search(quirks: Quirks) -> FhirSearch:
    fake = Fake(quirks)
    fake.fill((*shared(), *PATIENT.resources()))
    client = HttpClient(
        BASE,
        deadline=Deadline(30, lambda: 0.0),
        bearer=PatientToken(),
        env={},
        transport=fake.transport,
        sleep=lambda _: None,
    )
    search = FhirSearch(client, lambda: read_capabilities(read_resource(statement(quirks))))
    search.patient = PATIENT.id
    return search


def found(search: FhirSearch, query: Query) -> tuple[list[str], set[str]]:
    """The matches in order, as far as the query says which, and what came along.

    Included patients are left out, and what refers to a prescription: its reader fetches that.
    """
    (result,) = search.fetch_many(query)
    if not isinstance(result, Bundle):
        assert isinstance(result, NOT_SHOWN), result
        return [], set()
    search.fetch_along(query, result, {})
    matches = [each.relative_reference for each in result.matches_of_type(query.resource_type)]
    matches = [each for each in matches if each not in FOR_READERS]
    referring = ("MedicationDispense/", "Task/", "Patient/")
    along = {each for each in result.resources if not each.startswith(referring)}
    is_sorted = any(name == "_sort" for name, _ in query.params)
    return matches if is_sorted else sorted(matches), along - {*matches}


@pytest.fixture(scope="module")
def honouring() -> FhirSearch:
    return open_search(Quirks())


def test_every_function_that_builds_a_query_is_tried():
    assert sorted(query_functions()) == sorted(QUERIES)


@pytest.mark.parametrize("name", QUERIES)
@pytest.mark.parametrize("portal", PORTALS)
def test_a_query_brings_the_same_at_a_portal_that(honouring: FhirSearch, portal: str, name: str):
    expected, expected_along = found(honouring, QUERIES[name])
    matches, along = found(open_search(PORTALS[portal]), QUERIES[name])
    assert matches == expected
    assert along >= expected_along
