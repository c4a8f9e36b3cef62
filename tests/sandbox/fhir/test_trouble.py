"""When the portal itself is in trouble."""

import logging
import sqlite3

from flask import Flask

from gpcli.sandbox.fhir.rest import fhir_blueprint
from tests.sandbox.fhir.world import BASE, issue

SIGNED_IN = {"Authorization": "Bearer secret"}


def locked(token):
    raise sqlite3.OperationalError(f"database is locked: {token}")


def broken(token):
    raise RuntimeError("a fault of the portal")


def client_of(world, grant_of):
    """A client of the portal with another way to look up tokens."""
    app = Flask(__name__)
    endpoint = fhir_blueprint(
        store=world.store,
        clock=world.clock,
        grant_of=grant_of,
        surgery=world.surgery,
        fhir_base=lambda: BASE,
    )
    app.register_blueprint(endpoint, url_prefix="/fhir/R4")
    return app.test_client()


def test_a_record_that_is_locked_means_try_again(world, caplog):
    with caplog.at_level(logging.ERROR):
        answer = client_of(world, locked).get("/fhir/R4/Slot", headers=SIGNED_IN)

    assert issue(answer) == (503, "transient", "")
    assert answer.headers["Retry-After"] == "1"
    assert [each.getMessage() for each in caplog.records] == ["the portal's record can't be used"]


def test_a_fault_of_the_portal_is_told_as_an_outcome_without_its_cause(world):
    answer = client_of(world, broken).get("/fhir/R4/Slot", headers=SIGNED_IN)

    assert issue(answer) == (500, "exception", "")
    assert "fault of the portal" not in answer.text


def test_an_ordinary_request_writes_nothing_to_the_log(world, caplog):
    with caplog.at_level(logging.DEBUG):
        world.as_("ada").booked(world.slot(1), comment="Sore knee")

    assert caplog.records == []
