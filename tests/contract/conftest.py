"""The contract: one suite, and the portals that it is tried on.

`pytest tests/contract -m "not real"` tries it on the embedded portal and on a fake, `-m real` also
on software that nobody here wrote. That needs `npm ci --prefix tests/real`, the extra `real`, and
the program that `GPCLI_TEST_SEKMET` names (see `places.sekmet`).
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.contract.fake import fake_portal
from tests.contract.offers import contradictions
from tests.contract.places import (
    Place,
    Provider,
    embedded_portal,
    medplum_behind,
    oidc_provider,
    sekmet_behind,
)
from tests.contract.reporting import needs
from tests.contract.table import PORTALS
from tests.contract.visit import Visit, begin

WITH_NOTHING_ELSE = ("embedded", "fake")
"""Portals that need no software of others; the rest is `real`."""
EVERYWHERE = [
    pytest.param(each, marks=() if each in WITH_NOTHING_ELSE else pytest.mark.real)
    for each in PORTALS
]


@pytest.fixture(scope="session")
def oidc() -> Iterator[Provider]:
    """A certified OpenID Provider."""
    with oidc_provider() as provider:
        yield provider


@pytest.fixture(scope="session")
def embedded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    with embedded_portal(tmp_path_factory.mktemp("embedded")) as place:
        yield place


@pytest.fixture(scope="session")
def sekmet(oidc: Provider, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    with sekmet_behind(oidc, tmp_path_factory.mktemp("sekmet")) as place:
        yield place


@pytest.fixture(scope="session")
def medplum(oidc: Provider) -> Iterator[Place]:
    with medplum_behind(oidc) as place:
        yield place


@pytest.fixture(scope="session")
def absolute(oidc: Provider, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """SEKMET, with absolute references in all that it answers."""
    behaviour = {"absolute_references": True}
    directory = tmp_path_factory.mktemp("absolute")
    with sekmet_behind(oidc, directory, "absolute SEKMET", server_behaviour=behaviour) as place:
        yield place


@pytest.fixture(scope="session")
def bare(oidc: Provider) -> Iterator[Place]:
    """Medplum's router without bundles, conditional creates and ETags."""
    with medplum_behind(oidc, "bare") as place:
        yield place


@pytest.fixture(scope="session")
def fake() -> Iterator[Place]:
    """A portal in memory, without a socket."""
    with fake_portal() as place:
        yield place


@pytest.fixture(params=EVERYWHERE)
def place(request: pytest.FixtureRequest) -> Place:
    """Each portal in turn that offers what the case needs, as its CapabilityStatement says."""
    there: Place = request.getfixturevalue(request.param)
    offered = there.interactions()
    missing = set(needs(request.node)) - offered
    assert not missing, f"{there.name} does not offer {missing}: tests/contract/offers.py"
    surplus = contradictions(request.param, offered)
    assert not surplus, f"{there.name} does offer {surplus}: tests/contract/offers.py"
    return there


@pytest.fixture
def visit(place: Place, tmp_path: Path) -> Iterator[Visit]:
    """Somebody whom no other test is about, signed in."""
    with begin(place, tmp_path, place.somebody()) as visit:
        yield visit


@pytest.fixture
def other(place: Place, visit: Visit, tmp_path: Path) -> Iterator[Visit]:
    """Somebody else with the same GP."""
    somebody = place.somebody(visit.patient.number)
    with begin(place, tmp_path / "other", somebody) as visit_of_other:
        yield visit_of_other
