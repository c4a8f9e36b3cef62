"""What a program can count on: lines of gpcli, and the portal from Python."""

import pytest

from gpcli.testing import GpcliPortal, GpcliRun, GpcliSandbox

pytestmark = pytest.mark.gpcli_person("guro")


def test_a_booking_is_pending_until_the_surgery_answers(
    gpcli_run: GpcliRun, gpcli_sandbox: GpcliSandbox
) -> None:
    gpcli_sandbox.set_delay("2h")
    booked = gpcli_run("book", "--first", "--yes").json
    assert booked["status"] == "pending"

    gpcli_sandbox.advance("2h")

    assert gpcli_run("appointments", "show", booked["id"]).json["status"] == "booked"


def test_the_surgery_says_no(gpcli_run: GpcliRun, gpcli_sandbox: GpcliSandbox) -> None:
    gpcli_sandbox.set_delay("2h")
    booked = gpcli_run("book", "--first", "--yes").json

    gpcli_sandbox.answer(booked["id"], decline=True)

    assert gpcli_run("appointments", "show", booked["id"]).json["status"] == "cancelled"


def test_a_lost_answer_books_once(gpcli_run: GpcliRun, gpcli_sandbox: GpcliSandbox) -> None:
    gpcli_sandbox.fault("POST Appointment: lost-reply once")

    assert gpcli_run("book", "--first", "--yes").rc == 0

    assert gpcli_sandbox.unused_faults == []
    assert len(gpcli_run("appointments", "list").json) == 1


def test_a_slot_that_somebody_else_takes(gpcli_run: GpcliRun, gpcli_sandbox: GpcliSandbox) -> None:
    slot = gpcli_run("slots", "--limit", "1").json[0]["id"]
    gpcli_sandbox.fault("POST Appointment: slot-taken once")

    refused = gpcli_run("book", slot, "--yes")

    assert (refused.rc, refused.error_code) == (7, "slot_taken")


@pytest.mark.gpcli_person("guro", for_="emil")
def test_a_parent_acts_for_a_child(gpcli_portal: GpcliPortal) -> None:
    parties = gpcli_portal().fetch_parties()

    assert parties.patient.name == "Emil Hagen"
    assert parties.on_behalf_by is not None
    assert parties.on_behalf_by.name == "Guro Hagen"
