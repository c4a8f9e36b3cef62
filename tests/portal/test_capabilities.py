"""Capabilities of the portal, how long they are cached, and what the scopes permit."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path

import pytest

from gpcli import errors
from gpcli.fhir.element import read_resource
from gpcli.http.client import HttpClient
from gpcli.model.service import ServiceName
from gpcli.portal.capabilities import (
    CACHE_SECONDS,
    Capabilities,
    fetch_capabilities,
    permitted_services,
    read_capabilities,
)
from tests.portal.builders import a_capability, a_capability_statement, a_patient
from tests.portal.scripted import ALL_ON, LOST, Reply, Server, client_to

NOW = 1_800_000_000.0
STATEMENT = a_capability_statement(
    a_capability("Slot", "read", "search-type"),
    a_capability("Appointment", "create", "update", "search-type", conditionalCreate=True),
)
CAN = Capabilities(
    batch=True,
    creates=("Appointment",),
    conditional_creates=("Appointment",),
    updates=("Appointment",),
    searches=("Slot", "Appointment"),
    types=("Slot", "Appointment"),
    reads=("Slot",),
)


@pytest.fixture
def client(server: Server) -> Iterator[HttpClient]:
    server.on("GET metadata", STATEMENT)
    with client_to(server) as client:
        yield client


def test_a_statement_is_read_as_names_of_types():
    assert read_capabilities(read_resource(STATEMENT)) == CAN


def test_a_portal_says_that_it_takes_transactions():
    rest = {**STATEMENT["rest"][0], "interaction": [{"code": "batch"}, {"code": "transaction"}]}
    assert read_capabilities(read_resource({**STATEMENT, "rest": [rest]})).transaction is True


@pytest.mark.parametrize(
    ("operations", "has"),
    [
        ([{"name": "book", "definition": "https://portal.example/book"}], True),
        ([{"name": "hold"}, {"name": "$book"}], True),
        ([{"name": "hold"}, {"name": "rebook"}, {}], False),
        ([], False),
    ],
)
@pytest.mark.parametrize("where", ["Appointment", "server", "Slot"])
def test_a_portal_says_that_times_are_booked_with_an_operation(
    operations: list[dict], has: bool, where: str
):
    [rest] = STATEMENT["rest"]
    listed = {"operation": operations}
    types = [each | (listed if each["type"] == where else {}) for each in rest["resource"]]
    rest_part = rest | {"resource": types} | (listed if where == "server" else {})
    can = read_capabilities(read_resource({**STATEMENT, "rest": [rest_part]}))
    assert can.book_operation is (has and where != "Slot")


@pytest.mark.parametrize("since", [each.name for each in fields(Capabilities)])
def test_what_was_kept_before_something_counted_is_asked_anew(
    client: HttpClient, server: Server, tmp_path: Path, since: str
):
    fetch_capabilities(client, tmp_path, NOW)
    (path,) = tmp_path.iterdir()
    cached = json.loads(path.read_text())
    del cached[since]
    path.write_text(json.dumps(cached))
    assert fetch_capabilities(client, tmp_path, NOW) == CAN
    assert server.request_lines == ["GET metadata"] * 2


DETAILED = a_capability_statement(
    a_capability(
        "Patient",
        "read",
        "patch",
        searchParam=[{"name": "_id"}, {"name": "name"}],
        searchInclude=["Patient:general-practitioner"],
        searchRevInclude=["Provenance:target"],
        operation=[{"name": "match", "definition": "https://fhir.example/Patient-match|4.0"}],
    ),
    a_capability("Binary"),
    implementationGuide=["https://guide.example/core|6.1.0"],
    instantiates=["https://guide.example/core", "https://guide.example/server|1"],
)


def test_a_statement_tells_what_may_be_sent_in_a_search():
    [rest] = DETAILED["rest"]
    more = {
        "resource": [a_capability("Patient", "search-type", searchParam=[{"name": "gender"}])],
        "searchParam": [{"name": "_count"}, {"name": "_count"}],
        "operation": [{"name": "$export", "definition": "OperationDefinition/everything"}],
    }
    can = read_capabilities(read_resource({**DETAILED, "rest": [rest, more]}))
    assert (can.types, can.undescribed) == (("Patient", "Binary"), ("Binary",))
    assert (can.reads, can.searches, can.patches) == (("Patient",),) * 3
    assert can.search_params == {"Patient": ("_id", "name", "gender")}
    assert can.includes == {"Patient": ("Patient:general-practitioner",)}
    assert can.revincludes == {"Patient": ("Provenance:target",)}
    assert can.server_search_params == ("_count",)
    assert can.operations == {
        "Patient": ("match", "Patient-match"),
        "": ("export", "everything"),
    }
    assert can.implementation_guides == (
        "https://guide.example/core",
        "https://guide.example/server",
    )


def test_all_that_a_statement_tells_is_kept(server: Server, tmp_path: Path):
    server.on("GET metadata", DETAILED)
    with client_to(server) as client:
        first, again = (fetch_capabilities(client, tmp_path, NOW) for _ in range(2))
    assert first == again
    assert server.request_lines == ["GET metadata"]


def test_what_can_be_done_with_a_type_is_unknown_only_where_nothing_is_said():
    can = read_capabilities(read_resource(DETAILED))
    asks = (can.has_type, can.can_read, can.can_search, can.can_create, can.can_change)
    assert [ask("Patient") for ask in asks] == [True, True, False, False, True]
    assert [ask("Binary") for ask in asks] == [True] * 5
    assert [ask("Slot") for ask in asks] == [False] * 5
    assert (can.can_update("Patient"), can.has_operation("match", "Patient")) == (False, True)
    assert (can.has_operation("match"), can.has_operation("match", "Slot")) == (False, False)


def test_a_statement_that_lists_no_types_says_nothing_of_them():
    silent = read_capabilities(read_resource(a_capability_statement()))
    asks = (silent.has_type, silent.can_read, silent.can_search, silent.can_create)
    assert [ask("Slot") for ask in (*asks, silent.can_update)] == [True] * 5
    assert silent.lists_types is False


def test_a_statement_that_says_nothing_is_read_as_such():
    bare = {"resourceType": "CapabilityStatement"}
    assert read_capabilities(read_resource(bare)) == Capabilities(False, (), (), (), ())


def test_what_a_server_does_as_a_client_does_not_count():
    statement = {**STATEMENT, "rest": [{**STATEMENT["rest"][0], "mode": "client"}]}
    assert read_capabilities(read_resource(statement)) == Capabilities(False, (), (), (), ())


def test_the_statement_is_asked_once_a_day(client: HttpClient, server: Server, tmp_path: Path):
    fetched = [
        fetch_capabilities(client, tmp_path, NOW + later) for later in (0, 1, CACHE_SECONDS - 1)
    ]
    assert (fetched, server.request_lines) == ([CAN] * 3, ["GET metadata"])
    fetch_capabilities(client, tmp_path, NOW + CACHE_SECONDS)
    assert server.request_lines == ["GET metadata"] * 2


def test_a_statement_from_the_future_is_asked_again(
    client: HttpClient, server: Server, tmp_path: Path
):
    fetch_capabilities(client, tmp_path, NOW)
    fetch_capabilities(client, tmp_path, NOW - 10)
    assert len(server.request_lines) == 2


def test_the_cache_is_private(client: HttpClient, tmp_path: Path):
    fetch_capabilities(client, tmp_path / "cache", NOW)
    (cached,) = (tmp_path / "cache").iterdir()
    assert (cached.stat().st_mode & 0o777, cached.parent.stat().st_mode & 0o777) == (0o600, 0o700)


@pytest.mark.parametrize(
    "cached", ["", "{", "[]", "null", "{}", '{"at": "now"}', json.dumps({"at": NOW}), "\x00"]
)
def test_a_broken_cache_is_replaced(
    client: HttpClient, server: Server, tmp_path: Path, cached: str
):
    fetch_capabilities(client, tmp_path, NOW)
    (path,) = tmp_path.iterdir()
    path.write_text(cached)
    assert fetch_capabilities(client, tmp_path, NOW) == CAN
    assert json.loads(path.read_text())["at"] == NOW
    assert len(server.request_lines) == 2


def test_where_nothing_can_be_kept_it_is_asked_every_time(
    client: HttpClient, server: Server, tmp_path: Path
):
    blocked = tmp_path / "file"
    blocked.write_text("in the way")
    assert [fetch_capabilities(client, blocked / "cache", NOW) for _ in range(2)] == [CAN, CAN]
    assert len(server.request_lines) == 2


@pytest.mark.parametrize("status", [400, 404, 405, 406, 410])
def test_an_address_without_metadata_is_no_fhir_portal(
    client: HttpClient, server: Server, tmp_path: Path, status: int
):
    server.on("GET metadata", Reply(status=status))
    with pytest.raises(errors.BadResponse, match="is not a FHIR portal") as raised:
        fetch_capabilities(client, tmp_path, NOW)
    assert "FHIR base" in raised.value.hint
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "answer",
    [
        Reply(a_patient()),
        Reply([]),
        Reply({"swagger": "2.0"}),
    ],
)
def test_an_answer_that_is_no_statement_is_no_fhir_portal(
    client: HttpClient, server: Server, tmp_path: Path, answer: Reply
):
    server.on("GET metadata", answer)
    with pytest.raises(errors.BadResponse, match="is not a FHIR portal"):
        fetch_capabilities(client, tmp_path, NOW)


def test_an_address_that_leads_on_to_another_one_is_said_to(
    client: HttpClient, server: Server, tmp_path: Path
):
    there = {"Location": "https://portal.example/login"}
    server.on("GET metadata", Reply(status=302, headers=there))
    with pytest.raises(errors.BadResponse, match="portal: it leads on to another address"):
        fetch_capabilities(client, tmp_path, NOW)
    assert len(server.request_lines) == 1


@pytest.mark.parametrize(
    ("version", "said"), [("5.0.0", "5.0.0"), ("4.3.0", "4.3.0"), (None, "of no version")]
)
def test_another_version_of_fhir_is_named(
    client: HttpClient, server: Server, tmp_path: Path, version: str | None, said: str
):
    server.on("GET metadata", a_capability_statement(fhirVersion=version))
    with pytest.raises(errors.BadResponse, match=f"speaks FHIR {said}, not R4") as raised:
        fetch_capabilities(client, tmp_path, NOW)
    assert "another address for R4" in raised.value.hint


@pytest.mark.parametrize(
    ("broken", "where"),
    [
        ({"fhirVersion": 4}, "fhirVersion"),
        ({"rest": {}}, "rest"),
        ({"rest": [{"resource": [{"interaction": [{"code": "create"}]}]}]}, "resource.type"),
        ({"rest": [{"resource": [{"type": "Slot", "conditionalCreate": "yes"}]}]}, "conditional"),
        ({"rest": [{"interaction": ["batch"]}]}, "interaction"),
    ],
)
def test_a_broken_statement_is_a_bad_response_that_names_the_element(
    client: HttpClient, server: Server, tmp_path: Path, broken: dict, where: str
):
    server.on("GET metadata", STATEMENT | broken)
    with pytest.raises(errors.BadResponse, match=f"can't be read: .*{where}"):
        fetch_capabilities(client, tmp_path, NOW)


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (Reply(status=500), errors.PortalError),
        (Reply(status=429), errors.RateLimited),
        (Reply(status=401), errors.Expired),
        (LOST, errors.Unreachable),
    ],
)
def test_a_portal_in_trouble_is_not_taken_for_something_else(
    client: HttpClient, server: Server, tmp_path: Path, answer: Reply, kind: type
):
    server.on("GET metadata", answer)
    with pytest.raises(kind):
        fetch_capabilities(client, tmp_path, NOW)


BOOKING = {ServiceName.BOOKING, ServiceName.FLU_VACCINATION}
ENQUIRY, CANCELLATION = {ServiceName.BOOKING_ENQUIRY}, {ServiceName.CANCELLATION}
GATED = BOOKING | ENQUIRY | CANCELLATION
BOTH = ("Slot", "Appointment")


def permitted_gated(scopes: str | None, can: Capabilities = ALL_ON) -> set[ServiceName]:
    return set(permitted_services(scopes, can)) & GATED


@pytest.mark.parametrize(
    ("scopes", "allowed"),
    [
        (None, GATED),
        ("", set()),
        ("openid launch/patient offline_access", set()),
        ("patient/Slot.rs patient/Appointment.crus", GATED),
        ("patient/Slot.s patient/Appointment.cs", BOOKING | ENQUIRY),
        ("patient/Appointment.us", CANCELLATION),
        ("patient/Appointment.rs", set()),
        ("patient/*.cruds", GATED),
        ("user/*.cruds", GATED),
        ("system/Slot.rs system/Appointment.cruds", GATED),
        ("patient/Slot.read patient/Appointment.read", set()),
        ("patient/*.read patient/Appointment.write", GATED),
        ("patient/*.*", GATED),
        ("patient/Slot.rs?status=free patient/Appointment.crus", GATED),
        (
            "patient/Slot.rs patient/Slot.s patient/Appointment.c patient/Appointment.s",
            BOOKING | ENQUIRY,
        ),
        ("patient/Slot.rs patient/Appointment.focus", set()),
        ("other/*.cruds", set()),
        ("patient/", set()),
    ],
)
def test_granted_scopes_of_either_version_decide_what_may_be_done(
    scopes: str | None, allowed: set[ServiceName]
):
    assert permitted_gated(scopes) == allowed


def test_what_the_portal_can_not_do_is_not_permitted_whatever_was_granted():
    reads = Capabilities(True, (), (), (), BOTH, types=BOTH)
    assert permitted_gated("patient/*.cruds", reads) == set()


@pytest.mark.parametrize(
    ("scopes", "allowed"),
    [
        ("patient/*.cruds", BOOKING | CANCELLATION),
        ("patient/Slot.s patient/Appointment.cs", BOOKING | CANCELLATION),
        ("patient/*.rs", set()),
        (None, BOOKING | CANCELLATION),
    ],
)
def test_the_operation_books_and_cancels_where_appointments_are_not_written(
    scopes: str | None, allowed: set[ServiceName]
):
    books = {"Appointment": ("book",)}
    asks = Capabilities(True, (), (), (), BOTH, types=BOTH, operations=books)
    assert permitted_gated(scopes, asks) == allowed


@pytest.mark.parametrize(
    ("scopes", "allowed"),
    [
        ("patient/Appointment.cs", BOOKING),
        ("patient/Slot.s patient/Appointment.c", set()),
        (None, BOOKING),
    ],
)
def test_where_the_portal_finds_times_by_an_operation_slots_need_not_be_searched(
    scopes: str | None, allowed: set[ServiceName]
):
    operations = {"Appointment": ("find",)}
    only = ("Appointment",)
    finds = Capabilities(True, only, (), (), only, types=only, operations=operations)
    assert permitted_gated(scopes, finds) - ENQUIRY == allowed


def test_a_portal_that_lists_no_types_permits_what_the_scopes_do():
    silent = Capabilities(False, (), (), (), ())
    assert permitted_services(None, silent) == set(ServiceName)
    assert permitted_services("", silent) == set()


def test_a_portal_whose_types_are_others_permits_nothing():
    other = Capabilities(False, (), (), (), (), types=("Observation",))
    assert permitted_services("patient/*.cruds", other) == set()


def test_what_can_be_patched_can_be_cancelled():
    patches = Capabilities(False, (), (), (), BOTH, types=BOTH, patches=("Appointment",))
    assert permitted_gated(None, patches) == CANCELLATION


WRITING = {ServiceName.E_CONSULTATION, ServiceName.CONTACT}
MESSAGING_TYPES = ("Communication", "MedicationRequest", "Task")


@pytest.mark.parametrize(
    ("statement", "may"),
    [
        ([a_capability("Task", "create", conditionalCreate=True)], True),
        ([a_capability("Task", "create", conditionalCreate=False)], False),
        ([a_capability("Task", "create")], False),
        ([a_capability("Slot", "create", conditionalCreate=True)], False),
        ([a_capability("Task")], True),
        ([], True),
    ],
    ids=["listed", "denied", "left out", "of another type", "nothing of the type", "nothing"],
)
def test_a_create_is_conditional_where_that_is_listed_or_nothing_is_said(statement, may):
    listed = read_capabilities(read_resource(a_capability_statement(*statement)))
    assert listed.can_create_conditionally("Task") is may


CAN_MESSAGE = Capabilities(False, MESSAGING_TYPES, (), (), MESSAGING_TYPES, types=MESSAGING_TYPES)


@pytest.mark.parametrize(
    ("scopes", "allowed"),
    [
        ("patient/Communication.cs", WRITING),
        ("patient/Communication.crus", WRITING),
        ("patient/Communication.rs", set()),
        ("patient/Communication.c", set()),
        ("patient/MedicationRequest.rs patient/Task.crus", {ServiceName.PRESCRIPTION_RENEWAL}),
        ("patient/MedicationRequest.rs patient/Task.rs", set()),
        ("patient/Task.cruds", set()),
    ],
)
def test_writing_and_renewing_need_to_create_and_to_look(scopes: str, allowed: set[ServiceName]):
    assert permitted_services(scopes, CAN_MESSAGE) == allowed
