"""Provide a small world, and a portal without a socket: the SMART side behind Flask's client."""

import json
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest
from flask import Flask

from gpcli.sandbox.clock import ZONE, Clock
from gpcli.sandbox.people import PEOPLE
from gpcli.sandbox.server import create_app
from gpcli.sandbox.smart.authorization_server import SmartServer
from gpcli.sandbox.smart.database import SmartDatabase
from gpcli.sandbox.smart.endpoints import smart_blueprint
from tests.sandbox.smart.client_flow import URL, ClientFlow

NOW = datetime(2026, 11, 23, 10, 0, tzinfo=ZONE)
JUST_ONE = {
    "resourceType": "Bundle",
    "type": "collection",
    "entry": [
        {"resource": {"resourceType": "Patient", "id": "Zoe", "name": [{"text": "Zoe Vik"}]}}
    ],
}


class Ticks:
    """A monotonic clock that stands still until it is pushed."""

    def __init__(self) -> None:
        self.seconds = 100.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def people(tmp_path: Path) -> Path:
    """A world of one, quick to start."""
    file = tmp_path / "people.json"
    file.write_text(json.dumps(JUST_ONE), encoding="utf-8")
    return file


@pytest.fixture
def clock() -> Clock:
    return Clock(NOW)


@pytest.fixture
def ticks() -> Ticks:
    return Ticks()


@pytest.fixture
def database(tmp_path: Path) -> Iterator[SmartDatabase]:
    opened = SmartDatabase(tmp_path / "portal.sqlite")
    yield opened
    opened.close()


@pytest.fixture
def server(database: SmartDatabase, clock: Clock, ticks: Ticks) -> SmartServer:
    return SmartServer(database, clock, lambda: URL, monotonic=ticks)


@pytest.fixture
def app(server: SmartServer) -> Flask:
    return create_app({"/": smart_blueprint(server, lambda: PEOPLE)})


@pytest.fixture
def auto_app(server: SmartServer) -> Flask:
    return create_app({"/": smart_blueprint(server, lambda: PEOPLE, auto_sign_in=True)})


@pytest.fixture
def flow(app: Flask) -> ClientFlow:
    return ClientFlow(app)


@pytest.fixture
def auto_flow(auto_app: Flask) -> ClientFlow:
    return ClientFlow(auto_app)
