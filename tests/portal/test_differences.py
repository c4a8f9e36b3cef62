"""A patient's day at portals that differ from R4 and from each other: it ends in the same way."""

from __future__ import annotations

import re
from functools import partial
from pathlib import Path

import pytest

from tests.contract.fake_quirks import Quirks
from tests.contract.medicines import PLENTY, USED_UP
from tests.journeys.shell import CommandResult
from tests.portal.differing import PATIENT, DifferingPortal, Portal, portal_in

SLOT = PATIENT.practice.slots[0]
UUIDS = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
RENEW = f"gpcli rx renew {PLENTY.id(PATIENT)} {USED_UP.id(PATIENT)} --yes --request-id x1"
DAY = {
    "gp": "gpcli gp",
    "services": "gpcli services",
    "slots": "gpcli slots",
    "flu": "gpcli flu",
    "book": f"gpcli book {SLOT} --reason Cough --another --yes --request-id b1",
    "book again": f"gpcli book {SLOT} --reason Cough --another --yes --request-id b1",
    "enquire": "gpcli book --enquiry --another --yes",
    "appointments": "gpcli appointments list",
    "cancel": f"gpcli cancel {PATIENT.visit} --yes",
    "messages": "gpcli messages list",
    "thread": f"gpcli messages show {PATIENT.open_thread}",
    "contact": "gpcli contact --subject Ramp --message 'Is there a ramp?' --yes --request-id c1",
    "contact again": (
        "gpcli contact --subject Ramp --message 'Is there a ramp?' --yes --request-id c1"
    ),
    "reply": f"gpcli messages reply {PATIENT.open_thread} --message Better --yes",
    "rx": "gpcli rx list --all",
    "renew": RENEW,
    "renew again": RENEW,
}
"""The main commands, and what is sent again with the same request id."""
CREATED = {"Appointment": 2, "Communication": 3, "Task": 2}
"""How many of each type the day leaves at the portal."""


@pytest.fixture
def portal(tmp_path: Path) -> Portal:
    """Signs Kari in at a fake with quirks."""
    return partial(portal_in, tmp_path)


@pytest.fixture(scope="module")
def expected_day(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[int, str]]:
    """The day at a portal as R4 has it."""
    return day(portal_in(tmp_path_factory.mktemp("plain")))


def day(differing: DifferingPortal) -> dict[str, tuple[int, str]]:
    """How each command ends: exit code and JSON; ids that are made at random count as equal."""
    return {name: normalize(differing.shell(f"{line} --json")) for name, line in DAY.items()}


def normalize(ending: CommandResult) -> tuple[int, str]:
    output = ending.out if ending.code == 0 else ending.out + ending.err
    return ending.code, UUIDS.sub("…", output)


def test_a_day_at_a_portal_as_r4_has_it(portal: Portal):
    differing = portal()

    assert {name: code for name, (code, _) in day(differing).items()} == dict.fromkeys(DAY, 0)
    assert {kind: len(differing.created_records(kind)) for kind in CREATED} == CREATED


WHOSE = frozenset({"patient", "appointment"})
"""What a portal that lists next to nothing lists: whose records, and answers to which enquiry."""

QUIRKS = {
    "no batch": Quirks(batch=False),
    "no transaction": Quirks(transaction=False),
    "absolute references": Quirks(absolute=True),
    "no total": Quirks(total=False),
    "small pages without total": Quirks(page=2, total=False),
    "a link past the end that repeats": Quirks(past_end=True),
    "the same without total": Quirks(past_end=True, total=False, page=2),
    "no ETag and no version": Quirks(etag=False, versions=False),
    "no conditional create": Quirks(conditional=False),
    "the same where what is new is a 200": Quirks(conditional=False, created=200),
    "conditions ignored and nothing said": Quirks(conditional=False, silent=True),
    "nothing of all that": Quirks(
        batch=False, transaction=False, conditional=False, etag=False, versions=False, total=False
    ),
    "409 to a repeat": Quirks(repeated=409),
    "a refresh that names no patient": Quirks(refreshed_patient=False),
    "no search modes": Quirks(modes=False),
    "fullUrl rewritten everywhere": Quirks(rewrites=True),
    "dates ignored": Quirks(ignored=frozenset({"date", "start", "date:missing"})),
    "statuses ignored": Quirks(ignored=frozenset({"status", "intent", "category", "code"})),
    "modifiers ignored": Quirks(ignored=frozenset({"date:missing", "received:missing"})),
    "modifiers refused": Quirks(refused=frozenset({"date:missing", "received:missing"})),
    "identifiers ignored": Quirks(ignored=frozenset({"identifier"}), conditional=False),
    "no includes": Quirks(includes=False),
    "no includes and no batch": Quirks(includes=False, batch=False),
    "links from the root": Quirks(page=2, links="root"),
    "links from the path": Quirks(page=2, links="path", total=False),
    "links that are a query alone": Quirks(page=2, links="query"),
    "a statement that lists no types": Quirks(silent=True),
    "nothing but the patient heeded": Quirks(heeded=frozenset({"patient"}), conditional=False),
    "only ids and the patient listed and all else refused": Quirks(
        declared=frozenset({"_id", *WHOSE}), conditional=False
    ),
    "only the patient listed and all else refused": Quirks(
        declared=WHOSE, conditional=False, batch=False
    ),
    "sorting and including refused": Quirks(
        refused=frozenset({"_count", "_sort", "_elements", "_include", "_revinclude", "status"})
    ),
    "the same with a statement that lists no types": Quirks(
        silent=True, refused=frozenset({"_include:iterate", "_sort", "received:missing"})
    ),
    "changes by PATCH": Quirks(patches=True),
    "nothing but ids heeded": Quirks(
        ignored=frozenset(
            {"status", "intent", "category", "code", "date", "start", "schedule.actor", "slot"}
        )
    ),
}


MOST_DIFFERENT = {
    "no includes and no batch",
    "only the patient listed and all else refused",
    "changes by PATCH",
    "conditions ignored and nothing said",
}
"""Those that are tried on every machine; CI tries all."""

EACH = [
    pytest.param(name, marks=[] if name in MOST_DIFFERENT else pytest.mark.real) for name in QUIRKS
]


@pytest.mark.parametrize("quirk", EACH)
def test_the_day_ends_in_the_same_way_at_a_portal_with(
    portal: Portal, quirk: str, expected_day: dict[str, tuple[int, str]]
):
    differing = portal(QUIRKS[quirk])

    assert day(differing) == expected_day
    assert {kind: len(differing.created_records(kind)) for kind in CREATED} == CREATED
