"""What the surgery does is told: once, and without a search by `_lastUpdated`, history or ETags."""

from __future__ import annotations

import pytest

from gpcli.errors import Exit

CHANGED = "Please come on an empty stomach."


@pytest.fixture
def asking(visit):
    """The same visit, after a first `gpcli changes`: from then on each change is told."""
    assert visit.shell("gpcli changes").code == Exit.OK
    return visit


def told(visit) -> list[tuple[str, str]]:
    return [(each["change"], each["id"]) for each in visit.shell.json("gpcli changes")]


def test_a_visit_that_the_surgery_cancels_is_told_once(asking, place):
    visit = asking.patient.visit
    place.fill([asking.read(f"Appointment/{visit}") | {"status": "cancelled"}])

    assert told(asking) == [("cancelled", visit)]
    assert told(asking) == []


def test_a_visit_that_gets_another_time_is_told(asking, place):
    visit = asking.patient.visit
    times = {"start": asking.patient.at(9, "10:00"), "end": asking.patient.at(9, "10:20")}
    place.fill([asking.read(f"Appointment/{visit}") | times])

    [change] = asking.shell.json("gpcli changes")

    assert (change["change"], change["id"]) == ("moved", visit)
    assert change["after"]["start"] is not None


@pytest.mark.needs("Appointment:create", "Appointment:update", "Appointment:search-type")
def test_what_was_sent_from_here_is_no_news(asking):
    asked = asking.shell.json("gpcli book --enquiry --another --yes")["id"]
    assert told(asking) == []

    asking.shell.json(f"gpcli cancel {asked} --yes")

    assert told(asking) == []
