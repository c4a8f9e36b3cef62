"""The same small surgery as the FHIR tests have, one that answers at once and one that is slow."""

from datetime import timedelta

import pytest

from tests.sandbox.fhir.world import World


@pytest.fixture
def world(tmp_path):
    with World(tmp_path / "portal.sqlite") as world:
        yield world


@pytest.fixture
def slow(tmp_path):
    with World(tmp_path / "slow.sqlite", delay=timedelta(hours=2)) as world:
        yield world
