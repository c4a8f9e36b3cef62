"""A scripted portal behind the real door, with a real journal."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from gpcli.journal import Journal
from gpcli.portal.capabilities import Capabilities
from gpcli.portal.fhir_portal import FhirPortal
from gpcli.portal.search import Exchange
from gpcli.portal.write.kernel import Errands
from tests.portal.scripted import ALL_OFF, ALL_ON, NOW, Server, door_to, portal_through


@pytest.fixture
def server() -> Server:
    return Server()


@pytest.fixture
def able() -> Capabilities:
    """What the portal can do."""
    return ALL_ON


@pytest.fixture
def exchange(server: Server, able: Capabilities) -> Iterator[Exchange]:
    with door_to(server) as door:
        yield Exchange(door, lambda: able)


@pytest.fixture
def singly(server: Server) -> Iterator[Exchange]:
    """Questions to a portal that takes no batches."""
    with door_to(server) as door:
        yield Exchange(door, lambda: ALL_OFF)


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    return Journal(tmp_path, "testing", "account")


@pytest.fixture
def errands(exchange: Exchange, journal: Journal) -> Errands:
    return Errands(exchange, journal, lambda: NOW)


@pytest.fixture
def careful(singly: Exchange, journal: Journal) -> Errands:
    """Errands at a portal that knows no conditional creates."""
    return Errands(singly, journal, lambda: NOW)


@pytest.fixture
def portal(exchange: Exchange, journal: Journal) -> FhirPortal:
    return portal_through(exchange, journal)
