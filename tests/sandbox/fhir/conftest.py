"""A small surgery, and the portal's FHIR endpoint in front of it."""

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
    """The surgery takes two hours to answer, and does all that is done in writing."""
    with World(tmp_path / "slow.sqlite", delay=timedelta(hours=2)) as world:
        world.store.put_all(one_who_writes())
        yield world


@pytest.fixture
def ada(slow):
    """Ada's app."""
    return slow.as_("ada")
