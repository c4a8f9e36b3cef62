"""Provide the portal's FHIR endpoint, with a small surgery behind it."""

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
    """A portal whose surgery answers after two hours and offers every written service."""
    with FhirPortal(tmp_path / "slow.sqlite", delay=timedelta(hours=2)) as portal:
        portal.store.put_all(written_services())
        yield portal


@pytest.fixture
def ada(slow_portal):
    """An app in which Ada is signed in."""
    return slow_portal.sign_in("ada")
