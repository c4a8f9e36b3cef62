"""Test the answers of a portal that fails itself."""

import logging
import sqlite3

from flask import Flask

from gpcli.sandbox.fhir.rest import fhir_blueprint
from tests.sandbox.fhir.portal import BASE, issue

SIGNED_IN = {"Authorization": "Bearer secret"}


def locked(token):
    raise sqlite3.OperationalError(f"database is locked: {token}")


def broken(token):
    raise RuntimeError("a fault of the portal")


def client_of(portal, find_access_rights):
    """A client of the portal with another way to look up tokens."""
    app = Flask(__name__)
    endpoint = fhir_blueprint(
        store=portal.store,
        clock=portal.clock,
        find_access_rights=find_access_rights,
        surgery=portal.surgery,
        fhir_base=lambda: BASE,
    )
    app.register_blueprint(endpoint, url_prefix="/fhir/R4")
    return app.test_client()


def test_a_record_that_is_locked_means_try_again(portal, caplog):
    with caplog.at_level(logging.ERROR):
        answer = client_of(portal, locked).get("/fhir/R4/Slot", headers=SIGNED_IN)

    assert issue(answer) == (503, "transient", "")
    assert answer.headers["Retry-After"] == "1"
    assert [each.getMessage() for each in caplog.records] == ["the portal's record can't be used"]


def test_a_fault_of_the_portal_is_told_as_an_outcome_without_its_cause(portal):
    answer = client_of(portal, broken).get("/fhir/R4/Slot", headers=SIGNED_IN)

    assert issue(answer) == (500, "exception", "")
    assert "fault of the portal" not in answer.text


def test_an_ordinary_request_writes_nothing_to_the_log(portal, caplog):
    with caplog.at_level(logging.DEBUG):
        portal.sign_in("ada").book(portal.slot(1), comment="Sore knee")

    assert caplog.records == []
