"""Portal settings of a profile, and what a portal withholds, at a fake portal."""

from __future__ import annotations

import json

import pytest

from gpcli.config.profile_keys import SERVICES
from gpcli.model.service import ServiceName
from tests.contract.fake_quirks import Quirks
from tests.contract.practice import SURGERY, Resource
from tests.journeys.shell import CommandResult
from tests.portal.differing import PATIENT, Portal, portal_in

SLOT = PATIENT.practice.slots[0]
BOOK = f"gpcli book {SLOT} --another --yes"
CONTACT = "gpcli contact --subject Ramp --message 'Is there a ramp?' --yes --request-id c1"
OUR_SYSTEM = "urn:gpcli:gp-service"
THEIR_SYSTEM = "http://terminology.hl7.org/CodeSystem/service-type"
CODES = {"booking": "57", "booking-enquiry": "58", "cancellation": "59", "flu-vaccination": "60"}
"""How a portal with a code system of its own calls some services."""
CODE_MAP = "[profiles.theirs.services]\n" + "".join(
    f'"{THEIR_SYSTEM}|{code}" = "{service}"\n' for service, code in CODES.items()
)
PARTIAL = 8


@pytest.fixture
def portal(tmp_path_factory: pytest.TempPathFactory) -> Portal:
    """Signs Kari in at a fake with quirks, each in a home of its own."""
    return lambda *args, **kwargs: portal_in(tmp_path_factory.mktemp("home"), *args, **kwargs)


def in_their_codes(resource: Resource) -> Resource:
    """A record with the services in the portal's own codes."""
    written = json.dumps(resource)
    for service, code in CODES.items():
        ours, theirs = (
            {"system": OUR_SYSTEM, "code": service},
            {"system": THEIR_SYSTEM, "code": code},
        )
        written = written.replace(json.dumps(ours), json.dumps(theirs))
    differing: Resource = json.loads(written)
    return differing


def in_a_finer_code(resource: Resource) -> Resource:
    """A Slot for one kind of visit among those that its HealthcareService is for."""
    finer = {"coding": [{"system": THEIR_SYSTEM, "code": "124"}]}
    return resource | {"serviceType": [finer]} if resource["resourceType"] == "Slot" else resource


def without_times(resource: Resource) -> Resource:
    """The visit as it is booked where the surgery has yet to say when."""
    if resource["id"] != PATIENT.visit:
        return resource
    return {name: each for name, each in resource.items() if name not in {"start", "end"}}


def warnings(ending: CommandResult) -> list[str]:
    """What `--json` warns of on standard error."""
    return [each["warning"]["message"] for each in ending.stderr_json if "warning" in each]


def test_a_code_map_reads_the_portals_own_codes(portal: Portal):
    differing = portal(profile=CODE_MAP, world=in_their_codes)
    plain = portal()

    for line in ("gpcli services", "gpcli slots", "gpcli flu", "gpcli appointments list"):
        assert differing.shell.json(line) == plain.shell.json(line)


@pytest.mark.parametrize(
    ("line", "service"),
    [
        (BOOK, "booking"),
        ("gpcli book --enquiry --another --yes", "booking-enquiry"),
        ("gpcli flu --first --yes", "flu-vaccination"),
    ],
)
def test_what_is_written_has_the_portals_own_codes(portal: Portal, line: str, service: str):
    differing = portal(profile=CODE_MAP, world=in_their_codes)

    written = differing.shell.json(line)

    [created] = differing.created_records("Appointment")
    assert written["service"] == service
    assert created["serviceType"] == [
        {"coding": [{"system": THEIR_SYSTEM, "code": CODES[service]}]}
    ]


def test_a_time_in_codes_that_nobody_maps_is_one_of_the_service_that_it_belongs_to(portal: Portal):
    differing = portal(world=in_a_finer_code)
    line = f"{BOOK} --request-id b1"

    first, second = differing.shell.json(line), differing.shell.json(line)

    assert (first["slot_id"], first["service"]) == (SLOT, "booking")
    assert (second["id"], second["changed"]) == (first["id"], False)


def test_without_a_code_map_the_portals_own_codes_are_no_services_of_ours(portal: Portal):
    differing = portal(world=in_their_codes)

    offered = {
        each["service"]
        for each in differing.shell.json("gpcli services")
        if each["status"] == "offered"
    }

    assert offered == {"e-consultation", "contact", "prescription-renewal"}
    assert differing.shell("gpcli slots --json").refused == (5, "not_offered", "")


def test_every_service_can_be_called_by_a_code_map():
    assert set(ServiceName) | {"late-cancellation", "no-show"} == set(SERVICES)


@pytest.mark.parametrize(
    ("line", "why"),
    [
        (
            f'"{THEIR_SYSTEM}|57" = "bookin"',
            "'bookin' is no service; those are e-consultation, contact",
        ),
        ('"57" = "booking"', "'57' must be 'system|code'"),
    ],
)
def test_a_code_map_that_maps_nothing_is_refused_before_anything_is_sent(
    portal: Portal, line: str, why: str
):
    differing = portal(profile=f"[profiles.theirs.services]\n{line}\n")

    ending = differing.shell("gpcli services --json")

    assert (ending.code, differing.fake.router.calls.call_count) == (2, 0)
    assert why in ending.error["message"]


@pytest.mark.parametrize("status", ["booked", "pending", "proposed"])
def test_a_booking_is_sent_with_the_status_of_the_profile(portal: Portal, status: str):
    differing = portal(profile=f'status_sent = "{status}"\n')

    booked = differing.shell.json(BOOK)

    [created] = differing.created_records("Appointment")
    assert (created["status"], booked["status"]) == (status, status)


def test_a_status_that_no_portal_takes_is_refused_before_anything_is_sent(portal: Portal):
    differing = portal(profile='status_sent = "fulfilled"\n')

    assert differing.shell(f"{BOOK} --json").refused == (2, "config", "")
    assert differing.fake.asked("POST") == []


@pytest.mark.parametrize("quirks", [Quirks(), Quirks(ignored=frozenset({"date:missing"}))])
def test_a_booking_without_times_is_listed_first_and_can_be_cancelled(
    portal: Portal, quirks: Quirks
):
    differing = portal(quirks, world=without_times)
    booked = differing.shell.json(BOOK)["id"]

    listed = differing.shell.json("gpcli appointments list")

    assert [(each["id"], each["start"] is None) for each in listed] == [
        (PATIENT.visit, True),
        (booked, False),
    ]
    assert differing.shell.json(f"gpcli cancel {PATIENT.visit} --yes")["status"] == "cancelled"


def test_slots_that_are_refused_are_not_permitted_and_the_rest_works(portal: Portal):
    differing = portal(Quirks(forbidden=frozenset({"Slot"})))

    assert differing.shell("gpcli slots --json").refused == (5, "not_permitted", "")
    assert differing.shell(f"{BOOK} --json").refused == (5, "not_permitted", "")
    assert differing.shell("gpcli book --enquiry --another --yes").code == 0
    assert differing.shell("gpcli appointments list").code == 0


def test_slots_that_are_hidden_are_not_taken_for_none(portal: Portal):
    differing = portal(Quirks(hidden=frozenset({"Slot"})))

    ending = differing.shell("gpcli slots --json")

    assert (ending.code, ending.json) == (PARTIAL, [])
    assert warnings(ending) == [
        "Left out: part of what was asked for. The portal says: No: suppressed"
    ]


@pytest.mark.parametrize("line", ["gpcli slots", "gpcli messages list"])
def test_a_list_that_ends_before_its_total_is_shown_and_said_to_be_short(portal: Portal, line: str):
    whole, short = portal().shell.json(line), portal(Quirks(page=1, next=False))

    ending = short.shell(f"{line} --json")

    assert (ending.code, ending.json[0]["id"]) == (PARTIAL, whole[0]["id"])
    assert [
        each for each in warnings(ending) if "in a list, which the portal does not send" in each
    ]


def test_what_does_not_come_along_is_fetched(portal: Portal):
    differing = portal(Quirks(includes=False))

    ending = differing.shell("gpcli appointments list --json")

    [visit] = ending.json
    assert (visit["id"], visit["practitioner"]) == (PATIENT.visit, PATIENT.practice.gp)
    assert (ending.code, visit["surgery"]) == (0, SURGERY)
    assert visit["answer"]


@pytest.mark.parametrize("failing", [0, 1])
def test_a_thread_that_a_portal_refuses_leaves_nothing_where_it_rolls_back(
    portal: Portal, failing: int
):
    differing = portal(Quirks(failing=failing))

    assert differing.shell(f"{CONTACT} --json").refused == (7, "rejected", "")
    assert differing.created_records("Communication") == []


def test_a_thread_of_which_a_portal_keeps_the_beginning_is_gone_on_with(portal: Portal):
    differing = portal(Quirks(failing=1, rollback=False))

    ending = differing.shell(f"{CONTACT} --json")

    [header] = differing.created_records("Communication")
    assert ending.refused == (7, "rejected", "")
    assert header["id"] in ending.error["hint"]
    assert differing.shell.json(CONTACT)["id"] == header["id"]
    assert len(differing.created_records("Communication")) == 2
