"""What is sent for a query at portals whose statements list less than gpcli would ask for."""

from __future__ import annotations

from datetime import date
from urllib.parse import unquote

import pytest

from gpcli import errors
from gpcli.http.client import HttpResponse
from gpcli.portal import queries
from gpcli.portal.adaptation import adapt, is_parameter_refused
from gpcli.portal.queries import Query
from tests.portal.builders import Json, an_outcome
from tests.portal.every_query import QUERIES
from tests.portal.scripted import INTENT
from tests.portal.statements import (
    NARROW,
    PATCHING,
    RESULT_SILENT,
    STAR,
    a_type,
    capabilities_of,
)

SLOTS = queries.free_slots(["HealthcareService/h"], date(2027, 3, 1), date(2027, 3, 31))
DATED = queries.dated_appointments("kari", date(2027, 3, 1))
ACTORS = (
    "&_include=Appointment:actor&_include:iterate=PractitionerRole:practitioner"
    "&_include:iterate=PractitionerRole:organization"
)
DAYS = "start=ge2027-03-01&start=lt2027-04-01"


def sent(query: Query, statement: Json, patient: str | None = "kari") -> list[str]:
    return [unquote(each) for each in adapt(query, capabilities_of(statement), patient).urls]


@pytest.mark.parametrize(
    ("query", "statement", "urls"),
    [
        (DATED, STAR, [f"Appointment?patient=kari&date=ge2027-03-01{ACTORS}&_count=500"]),
        (DATED, PATCHING, ["Appointment?patient=kari&date=ge2027-03-01&_count=500"]),
        (
            queries.undated_appointments("kari"),
            PATCHING,
            ["Appointment?patient=kari&date:missing=true&_count=500"],
        ),
        (
            SLOTS,
            PATCHING,
            [
                f"Slot?schedule.actor=HealthcareService/h&{DAYS}&_include=Slot:schedule"
                "&_include:iterate=Schedule:actor:Practitioner&_count=500"
            ],
        ),
        (
            SLOTS,
            RESULT_SILENT,
            [
                f"Slot?schedule.actor=HealthcareService/h&status=free&{DAYS}"
                "&_include=Slot:schedule&_include:iterate=Schedule:actor&_sort=start&_count=500"
            ],
        ),
        (
            queries.vaccinations("kari"),
            RESULT_SILENT,
            ["Immunization?patient=kari&_count=500"],
        ),
        (queries.appointment("visit-1"), NARROW, ["Appointment?_id=visit-1"]),
        (
            queries.patient_with_gps("kari"),
            NARROW,
            ["Patient?_id=kari&_include=Patient:general-practitioner"],
        ),
        (
            Query("MedicationRequest", (("patient", "kari"), ("status", "active"), ("a:b", "c"))),
            NARROW,
            ["MedicationRequest?patient=kari&status=active"],
        ),
        (
            Query("MedicationDispense", (("patient", "kari"), ("_count", "500"))),
            PATCHING,
            ["MedicationDispense?subject=Patient/kari"],
        ),
    ],
)
def test_only_what_is_listed_is_sent(query: Query, statement: Json, urls: list[str]):
    assert sent(query, statement) == urls


@pytest.mark.parametrize(
    ("query", "statement", "urls"),
    [
        (
            queries.records_by_id("Practitioner", ["a", "b"]),
            NARROW,
            ["Practitioner/a", "Practitioner/b"],
        ),
        (queries.records_by_id("Location", ["a", "b"]), NARROW, ["Location/a", "Location/b"]),
        (queries.records_by_id("Binary", ["a"]), PATCHING, ["Binary/a"]),
    ],
)
def test_what_can_not_be_searched_by_id_is_read(query: Query, statement: Json, urls: list[str]):
    assert sent(query, statement) == urls


@pytest.mark.parametrize(
    ("query", "statement", "url"),
    [
        (queries.by_identifier("Appointment", INTENT), PATCHING, "Appointment?patient=kari"),
        (queries.appointments_on_slot("s"), PATCHING, "Appointment?patient=kari"),
        (queries.by_identifier("Consent", INTENT), PATCHING, "Consent?patient=kari"),
        (queries.thread_messages("t"), PATCHING, "Communication?recipient=Patient/kari"),
    ],
)
def test_what_has_no_search_of_its_own_is_found_by_its_patient(
    query: Query, statement: Json, url: str
):
    assert sent(query, statement) == [url]
    with pytest.raises(errors.NotPermitted):
        sent(query, statement, patient=None)


def test_a_search_that_finds_only_some_records_says_which_it_does_not():
    adapted = adapt(queries.communications("kari"), capabilities_of(PATCHING), "kari")
    assert adapted.missing == (
        "messages that you sent: the portal can only be searched for those to you"
    )
    unread = adapt(queries.unread_messages("kari"), capabilities_of(PATCHING), "kari")
    assert unread.missing is None


def test_what_would_find_only_some_records_never_tells_that_one_is_not_there():
    with pytest.raises(errors.NotPermitted, match="can't be asked for Communication"):
        sent(queries.by_identifier("Communication", INTENT), PATCHING)


@pytest.mark.parametrize(
    ("query", "statement", "told"),
    [
        (
            SLOTS,
            STAR,
            "The portal can't be asked for Slot: its description lists no such type",
        ),
        (queries.prices(), NARROW, "can't be asked for ChargeItemDefinition: "),
        (DATED, NARROW, "The portal can't be asked for Appointment: "),
        (Query("Binary", (("patient", "kari"),)), PATCHING, "The portal can't be asked for Binary"),
        (queries.records_by_id("Medication", ["a"]), NARROW, "can't be asked for Medication"),
    ],
)
def test_what_a_portal_does_not_have_is_not_asked_for(query: Query, statement: Json, told: str):
    with pytest.raises(errors.NotPermitted, match=told):
        sent(query, statement)


@pytest.mark.parametrize("query", QUERIES.values(), ids=QUERIES)
@pytest.mark.parametrize("statement", [STAR, PATCHING, NARROW])
def test_no_query_has_a_parameter_or_include_that_is_not_listed(query: Query, statement: Json):
    can = capabilities_of(statement)
    try:
        adapted = adapt(query, can, "kari")
    except errors.NotPermitted:
        return
    names = {name.partition(":")[0] for name, _ in adapted.sent.params}
    listed = {*can.search_params.get(query.resource_type, ()), *can.server_search_params}
    includes = {value for name, value in adapted.sent.params if name.startswith("_include")}
    own = {value for values in can.includes.values() for value in values}
    assert names - {"_include"} <= listed
    assert includes <= own or "*" in own or "_include" in listed


@pytest.mark.parametrize("query", QUERIES.values(), ids=QUERIES)
def test_a_statement_that_lists_no_types_leaves_every_query_as_it_is(query: Query):
    adapted = adapt(query, capabilities_of({"resourceType": "CapabilityStatement"}), None)
    assert (adapted.sent, adapted.left_out, adapted.ids) == (query, (), ())


@pytest.mark.parametrize("query", QUERIES.values(), ids=QUERIES)
def test_a_type_that_is_listed_with_nothing_else_leaves_its_queries_as_they_are(query: Query):
    kinds = {each.resource_type for each in QUERIES.values()}
    kinds |= {"Practitioner", "Organization", "Location", "Schedule", "Medication"}
    statement = {"resourceType": "CapabilityStatement", "rest": [{"resource": []}]}
    statement["rest"][0]["resource"] = [a_type(each) for each in sorted(kinds)]
    assert adapt(query, capabilities_of(statement), None).sent == query


def test_the_plainer_form_of_a_query_has_what_identifies_and_no_modifier():
    adapted = adapt(SLOTS, capabilities_of(RESULT_SILENT), "kari")
    assert adapted.plainer
    assert unquote(adapted.plainer.sent.url) == f"Slot?schedule.actor=HealthcareService/h&{DAYS}"
    assert adapted.plainer.plainer is None
    unread = adapt(queries.unread_messages("kari"), capabilities_of(STAR), "kari").plainer
    assert unread
    assert unquote(unread.sent.url) == "Communication?recipient=Patient/kari"


def a_response(status: int, body: Json | None) -> HttpResponse:
    return HttpResponse(status, {}, body, "https://portal.example/Slot", "id")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("status", "body", "refused"),
    [
        (400, None, True),
        (400, an_outcome(), True),
        (400, an_outcome("service-off"), False),
        (422, an_outcome(code="not-supported"), True),
        (501, an_outcome(code="invalid"), True),
        (422, an_outcome(code="business-rule"), False),
        (422, None, False),
        (501, None, False),
        (401, an_outcome(), False),
        (403, an_outcome(), False),
        (404, an_outcome(), False),
        (500, an_outcome(), False),
        (200, an_outcome(), False),
    ],
)
def test_a_parameter_is_refused_with_some_statuses_and_reasons(
    status: int, body: Json | None, refused: bool
):
    assert is_parameter_refused(a_response(status, body)) is refused
