"""A scripted portal behind the real HTTP client, with a real journal."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from gpcli.journal import Journal
from gpcli.portal.capabilities import Capabilities
from gpcli.portal.fhir_portal import FhirPortal
from gpcli.portal.search import FhirSearch
from gpcli.portal.write.kernel import WriteKernel
from tests.portal.scripted import ALL_OFF, ALL_ON, NOW, Server, client_to, portal_through


@pytest.fixture
def server() -> Server:
    return Server()


@pytest.fixture
def capabilities() -> Capabilities:
    """What the portal can do."""
    return ALL_ON


@pytest.fixture
def search(server: Server, capabilities: Capabilities) -> Iterator[FhirSearch]:
    with client_to(server) as client:
        yield FhirSearch(client, lambda: capabilities)


@pytest.fixture
def unbatched_search(server: Server) -> Iterator[FhirSearch]:
    """Questions to a portal that takes no batches."""
    with client_to(server) as client:
        yield FhirSearch(client, lambda: ALL_OFF)


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    return Journal(tmp_path, "testing", "account")


@pytest.fixture
def kernel(search: FhirSearch, journal: Journal) -> WriteKernel:
    return WriteKernel(search, journal, lambda: NOW)


@pytest.fixture
def careful(unbatched_search: FhirSearch, journal: Journal) -> WriteKernel:
    """Errands at a portal that knows no conditional creates."""
    return WriteKernel(unbatched_search, journal, lambda: NOW)


@pytest.fixture
def portal(search: FhirSearch, journal: Journal) -> FhirPortal:
    return portal_through(search, journal)
