from datetime import date

import pytest

from gpcli.care.appointments import choose_appointment, fetch_appointments
from gpcli.errors import InputNeeded
from tests.care.builders import NOW, FakePortal, ScriptedAsker, an_appointment, an_enquiry, offers

ENQUIRY = an_enquiry()
LONG_AGO = an_appointment("long-ago", "2026-10-01 08:00", status="fulfilled")
EARLIER = an_appointment("earlier", "2026-12-01 08:00", status="fulfilled")
RUNNING = an_appointment("running", "2026-12-01 08:50")
PENDING = an_appointment("pending", "2026-12-03 08:00", status="pending")
CANCELLED = an_appointment("cancelled", "2026-12-04 08:00", status="cancelled")
COMING = an_appointment("coming", "2026-12-10 08:00")
ALL = [ENQUIRY, LONG_AGO, EARLIER, RUNNING, PENDING, CANCELLED, COMING]


def shown(portal=None, *, past=False, everything=False, waiting=False):
    portal = portal or FakePortal(offers(), appointments=ALL)
    return fetch_appointments(portal, NOW, past=past, everything=everything, waiting=waiting)


def test_what_is_to_come_and_what_waits_is_listed_also_what_the_surgery_cancelled():
    assert shown() == [ENQUIRY, RUNNING, PENDING, CANCELLED, COMING]


def test_the_past_is_listed_newest_first():
    assert shown(past=True) == [RUNNING, EARLIER, LONG_AGO]


def test_all_are_listed_in_order_of_time():
    assert shown(everything=True) == ALL


def test_only_what_the_surgery_has_not_confirmed():
    assert shown(waiting=True) == [ENQUIRY, PENDING]
    assert shown(waiting=True, past=True) == []


@pytest.mark.parametrize(
    ("asked", "since"),
    [({}, date(2026, 12, 1)), ({"past": True}, None), ({"everything": True}, None)],
)
def test_the_portal_is_asked_for_no_more_than_is_needed(asked, since):
    portal = FakePortal(offers(), appointments=ALL)

    shown(portal, **asked)

    assert portal.calls == [("fetch_appointments", since)]


def test_an_appointment_without_an_end_stays_listed():
    endless = an_appointment("endless", "2026-12-01 08:00", end=None)

    assert shown(FakePortal(offers(), appointments=[endless])) == [endless]


def picked(identity, asker, there=ALL):
    portal = FakePortal(offers(), appointments=there)
    return choose_appointment(portal, identity, NOW, asker, lambda one: f"on {one.id}"), portal


def test_an_id_that_is_given_is_taken_without_a_question():
    asker = ScriptedAsker(["coming"])

    identity, portal = picked("app-x", asker)

    assert (identity, portal.calls, asker.questions) == ("app-x", [], [])


def test_without_an_id_the_person_picks_from_what_is_to_come():
    asker = ScriptedAsker(["pending"])

    identity, _ = picked(None, asker)

    coming = [("enq-1", "on enq-1")]
    coming += [(name, f"on {name}") for name in ("running", "pending", "coming")]
    assert identity == "pending"
    assert asker.questions == [("Which appointment?", "ID", tuple(coming))]


def test_what_ended_earlier_today_is_not_to_come():
    ended = an_appointment("ended", "2026-12-01 08:00")

    with pytest.raises(InputNeeded) as needed:
        picked(None, ScriptedAsker(["ended"]), [ended])

    assert needed.value.message == "There is no coming appointment to choose from."


@pytest.mark.parametrize(
    ("identity", "answers"), [(None, []), ("", []), ("  ", []), ("", ["coming"])]
)
def test_without_an_id_and_nobody_to_ask_or_with_an_empty_one_it_is_named(identity, answers):
    with pytest.raises(InputNeeded) as needed:
        picked(identity, ScriptedAsker(answers))

    assert (needed.value.message, needed.value.hint) == (
        "An appointment's id is needed.",
        "gpcli appointments list shows the ids.",
    )
