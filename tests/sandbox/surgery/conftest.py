"""Provide the portal of the FHIR tests, with a surgery that answers now or after two hours."""

from datetime import timedelta

import pytest

from tests.sandbox.fhir.portal import FhirPortal
from tests.sandbox.fhir.request_builders import written_services


@pytest.fixture
def portal(tmp_path):
    with FhirPortal(tmp_path / "portal.sqlite") as portal:
        yield portal


@pytest.fixture
def slow_portal(tmp_path):
    with FhirPortal(tmp_path / "slow.sqlite", delay=timedelta(hours=2)) as portal:
        yield portal


@pytest.fixture
def full_portal(portal):
    """A portal whose surgery answers at once and offers every written service."""
    portal.store.put_all(written_services())
    return portal


@pytest.fixture
def slow_full_portal(slow_portal):
    """A portal whose surgery answers after two hours and offers every written service."""
    slow_portal.store.put_all(written_services())
    return slow_portal
