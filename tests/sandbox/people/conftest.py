"""Provide each tested time, and the population at that time."""

from datetime import datetime

import pytest

from tests.sandbox.people.population import INSTANTS, POPULATIONS, Resource


@pytest.fixture(params=INSTANTS, ids=lambda now: f"{now:%Y-%m-%dT%H}")
def now(request: pytest.FixtureRequest) -> datetime:
    return request.param


@pytest.fixture
def population(now: datetime) -> list[Resource]:
    return POPULATIONS[now]
