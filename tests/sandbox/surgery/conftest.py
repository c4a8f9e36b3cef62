"""The same small surgery as the FHIR tests have, one that answers at once and one that is slow."""

from datetime import timedelta

import pytest

from tests.sandbox.fhir.letters import one_who_writes
from tests.sandbox.fhir.world import World


@pytest.fixture
def world(tmp_path):
    with World(tmp_path / "portal.sqlite") as world:
        yield world


@pytest.fixture
def slow(tmp_path):
    with World(tmp_path / "slow.sqlite", delay=timedelta(hours=2)) as world:
        yield world


@pytest.fixture
def prompt(world):
    """The surgery that answers at once, and does all that is done in writing."""
    world.store.put_all(one_who_writes())
    return world


@pytest.fixture
def busy(slow):
    """The surgery that is slow, and does all that is done in writing."""
    slow.store.put_all(one_who_writes())
    return slow
