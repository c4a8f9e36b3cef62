"""Each present, and the world as it is then."""

from datetime import datetime

import pytest

from tests.sandbox.people.world import DAYS, WORLD, Resource


@pytest.fixture(params=DAYS, ids=lambda now: f"{now:%Y-%m-%dT%H}")
def now(request: pytest.FixtureRequest) -> datetime:
    return request.param


@pytest.fixture
def world(now: datetime) -> list[Resource]:
    return WORLD[now]
