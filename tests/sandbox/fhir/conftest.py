"""A small surgery, and the portal's FHIR endpoint in front of it."""

import pytest

from tests.sandbox.fhir.world import World


@pytest.fixture
def world(tmp_path):
    with World(tmp_path / "portal.sqlite") as world:
        yield world
