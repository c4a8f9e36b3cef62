"""`gpcli smoke` says of each portal what is known of it, and leaves nothing there."""

from collections.abc import Mapping
from dataclasses import replace

import pytest

from tests.contract.places import Place
from tests.contract.test_booking_ways import by_transaction

_OPEN = frozenset({"one-patient", "own-records"})
_WITHOUT_PAGES = frozenset({"paging", "unknown-type"})
KNOWN: Mapping[str, frozenset[str]] = {
    "embedded": frozenset(),
    "sekmet": _OPEN,
    "absolute": _OPEN,
    "medplum": _OPEN | _WITHOUT_PAGES,
    "bare": _OPEN | _WITHOUT_PAGES,
}
"""Portal -> the checks that fail there, and should.

SEKMET and Medplum leave it to their clients who gets a time, and the gateway before them looks at
tokens alone: a search that names no patient brings everybody's records. Medplum ends a list with
its first page, and has an empty list of resources that do not exist.
"""


@pytest.fixture(
    params=[
        pytest.param(each, marks=() if each == "embedded" else pytest.mark.real) for each in KNOWN
    ]
)
def place(request: pytest.FixtureRequest) -> Place:
    there: Place = request.getfixturevalue(request.param)
    return there


@pytest.fixture
def known(request: pytest.FixtureRequest) -> frozenset[str]:
    return KNOWN[request.node.callspec.params["place"]]


def failed(report) -> set[str]:
    return {each["name"] for each in report["checks"] if each["status"] == "failed"}


def labelled(visit, *statuses: str) -> list[str]:
    """What carries the label of a smoke test, and has one of these statuses."""
    found = [*visit.made("Appointment"), *visit.made("Task"), *visit.made("Communication")]
    return [
        each["id"]
        for each in found
        if any(one["system"] == "urn:gpcli:smoke" for one in each["identifier"])
        and (not statuses or each["status"] in statuses)
    ]


def test_smoke_reads_and_fails_only_where_the_portal_is_known_to(visit, other, known):
    done = visit.shell("gpcli smoke --json")
    assert failed(done.json) == known - {"one-patient"}
    assert done.code == (11 if known - {"one-patient"} else 0)
    assert labelled(visit) == []


def test_smoke_tries_the_errands_and_takes_them_back(visit, other, known):
    done = visit.shell("gpcli smoke --write --json")
    assert failed(done.json) == known
    assert done.json["left"] == []
    assert len(labelled(visit, "cancelled")) == len(labelled(visit)) >= 4


@pytest.mark.parametrize("place", [pytest.param("sekmet", marks=pytest.mark.real)], indirect=True)
def test_smoke_books_by_transaction_where_the_profile_says_so(visit, other, place, tmp_path):
    shell = replace(visit.shell, env=by_transaction(place, visit.patient, tmp_path / "profile"))
    done = shell("gpcli smoke --write --json")
    assert failed(done.json) == {"own-records"}
    assert len(labelled(visit, "cancelled")) == len(labelled(visit)) >= 4
