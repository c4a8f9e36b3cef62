"""Every call from Python: its arguments' types, one at a time, and errors in Python's words."""

import inspect
import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from typing import get_type_hints

import pytest

import gpcli
from gpcli.journal import Journal
from gpcli.model.thread import AttachedFile, ThreadKind
from gpcli.scripting.calls import Session

METHODS = [
    name
    for name, method in inspect.getmembers(gpcli.PatientPortal, inspect.isfunction)
    if not name.startswith("_")
]
PARAMETERS = [
    (name, parameter)
    for name in METHODS
    for parameter in inspect.signature(getattr(gpcli.PatientPortal, name)).parameters
    if parameter != "self"
]


class NoSession(Session):
    """Nobody gets further than the types of their arguments."""

    def __init__(self):
        pass

    def use(self):
        raise AssertionError("the call went on with arguments of the wrong type")


def good_arguments(method):
    """Arguments that a method may be called with, by their names."""
    return {
        name: {"channel": "phone", "prescriptions": ["rx-1"], "threads": ["t-1"]}.get(name, "x")
        for name, parameter in inspect.signature(method).parameters.items()
        if parameter.default is inspect.Parameter.empty and name != "self"
    }


def test_every_public_method_reads_or_plans():
    assert all(name.startswith(("fetch_", "plan_")) for name in METHODS)
    assert not [name for name in dir(gpcli.PatientPortal) if name.startswith("send")]


@pytest.mark.parametrize(("name", "parameter"), PARAMETERS)
def test_a_wrong_type_is_told_at_the_door(name, parameter):
    portal = gpcli.PatientPortal(NoSession())
    method = getattr(gpcli.PatientPortal, name)
    with pytest.raises(TypeError, match=f"^{parameter} takes .*, not <?object"):
        getattr(portal, name)(**{**good_arguments(method), parameter: object()})


@pytest.mark.parametrize(
    ("name", "arguments", "parameter"),
    [
        ("plan_renewal", {"prescriptions": "rx-1"}, "prescriptions"),
        ("plan_read_marks", {"threads": "t-1"}, "threads"),
        ("plan_read_marks", {"threads": [1]}, "threads"),
        ("plan_reply", {"thread": "t", "text": "x", "attachments": ["a.png"]}, "attachments"),
        ("fetch_threads", {"since": datetime(2027, 3, 1, tzinfo=UTC)}, "since"),
        ("fetch_threads", {"since": "2027-03-01"}, "since"),
        ("fetch_threads", {"kind": "administrative!"}, "kind"),
        ("fetch_slots", {"limit": True}, "limit"),
        ("fetch_slots", {"limit": 1.0}, "limit"),
        ("fetch_slots", {"offers": []}, "offers"),
        ("fetch_appointments", {"past": 1}, "past"),
        ("plan_econsult_at", {"channel": "fax", "subject": "x"}, "channel"),
    ],
)
def test_what_python_would_take_for_the_type_is_told_too(name, arguments, parameter):
    with pytest.raises(TypeError, match=f"^{parameter} takes "):
        getattr(gpcli.PatientPortal(NoSession()), name)(**arguments)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("first", datetime(2027, 3, 1, tzinfo=UTC)),
        ("last", "2027-03-01"),
        ("between", "08:00-10:00"),
        ("between", (time(8),)),
        ("between", [time(8), time(10)]),
        ("weekdays", "mon"),
        ("weekdays", ["mon"]),
        ("weekdays", [True]),
        ("practitioner", 5),
        ("channel", "text"),
        ("notice", 2),
    ],
)
def test_a_time_filter_tells_wrong_types(field, value):
    with pytest.raises(TypeError, match=f"^{field} takes "):
        gpcli.TimeFilter(**{field: value})


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"between": (time(10), time(8))}, "between ends before it begins"),
        ({"weekdays": (7,)}, "weekdays are numbers from 0"),
        ({"practitioner": " "}, "practitioner needs a name"),
        ({"between": (time(8, tzinfo=UTC), time(9))}, "they need none of their own"),
        ({"notice": timedelta.max}, "notice is from none to ten years"),
        ({"notice": timedelta(-1)}, "notice is from none to ten years"),
        ({"first": date(2027, 3, 2), "last": date(2027, 3, 1)}, r"first \(2027-03-02\) is after"),
    ],
)
def test_a_time_filter_tells_what_can_not_be(fields, says):
    with pytest.raises(gpcli.InvalidUsage, match=says):
        gpcli.TimeFilter(**fields)


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"last": date(2020, 1, 1)}, r"last \(2020-01-01\) is in the past"),
        ({"first": date(2099, 1, 1)}, r"first \(2099-01-01\) is more than ten years away"),
        ({"first": date.max}, r"first \(9999-12-31\) is more than ten years away"),
        ({"last": date.max}, r"last \(9999-12-31\) is more than ten years away"),
    ],
)
def test_days_that_can_not_be_searched_are_told(ada, fields, says):
    with pytest.raises(gpcli.InvalidUsage, match=says):
        ada.fetch_slots(gpcli.TimeFilter(**fields))


TEXTS = [pair for pair in PARAMETERS if pair[1] not in {"times", "offers", "limit", "text"}]


@pytest.mark.parametrize(("name", "parameter"), TEXTS)
def test_an_empty_text_is_told_wherever_one_may_stand(name, parameter):
    method = getattr(gpcli.PatientPortal, name)
    arguments = {**good_arguments(method), parameter: "  "}
    with pytest.raises((TypeError, gpcli.InvalidUsage), match=f"^{parameter} (takes|needs) "):
        method(gpcli.PatientPortal(NoSession()), **arguments)


@pytest.mark.parametrize("limit", [0, -1])
@pytest.mark.parametrize("name", ["fetch_slots", "fetch_flu", "fetch_threads"])
def test_a_limit_is_at_least_one(name, limit):
    with pytest.raises(gpcli.InvalidUsage, match="limit needs a whole number from 1"):
        getattr(gpcli.PatientPortal(NoSession()), name)(limit=limit)


def test_a_filter_does_not_change_with_what_it_was_made_of():
    days = [0, 1]
    times = gpcli.TimeFilter(weekdays=days)
    days[0] = 99
    assert times == gpcli.TimeFilter(weekdays={1, 0})
    assert hash(times)


def test_what_is_no_unicode_text_is_told(ada):
    with pytest.raises(gpcli.InvalidUsage, match="request_id has a character that can't be sent"):
        ada.plan_contact("a", "b", request_id="a\udc80")
    with pytest.raises(gpcli.InvalidUsage, match="thread has a character that can't be sent"):
        ada.plan_reply("a\udc80", "x")
    with pytest.raises(gpcli.InvalidUsage, match="An id has a character that can't be sent"):
        ada.plan_renewal(["a\udc80"])


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: gpcli.TimeFilter(weekdays=["mon"]), "weekdays takes several of int, not list of"),
        (
            lambda: gpcli.PatientPortal(NoSession()).plan_booking(),
            r"plan_booking\(\): missing a required argument: 'slot'",
        ),
    ],
)
def test_a_type_error_says_what_was_given(call, says):
    with pytest.raises(TypeError, match=says):
        call()


def test_a_record_that_was_not_sent_has_no_id_to_go_by(ada):
    unsent = replace(ada.fetch_appointments()[0], id=None)
    with pytest.raises(gpcli.InvalidUsage, match="An id is empty"):
        ada.plan_cancellation(unsent)
    for ids in (["rx-1", ""], [" "]):
        with pytest.raises(gpcli.InvalidUsage, match="An id is empty"):
            ada.plan_renewal(ids)


@pytest.mark.parametrize("request_id", ["", "  ", "x" * 129])
def test_a_request_id_that_is_empty_or_too_long_is_told(ada, request_id):
    for name in METHODS:
        method = getattr(gpcli.PatientPortal, name)
        if name.startswith("plan_"):
            with pytest.raises(gpcli.InvalidUsage, match="request_id"):
                method(ada, **good_arguments(method), request_id=request_id)


@pytest.mark.parametrize("text", ["", " \n ", "bell\x07", "x" * (512 * 1024 + 1)])
@pytest.mark.parametrize("name", ["plan_contact", "plan_econsult", "plan_reply"])
def test_a_text_that_no_message_can_have_is_told(ada, name, text):
    first = "t-9rcz8zjj" if name == "plan_reply" else "Ramp"
    with pytest.raises(gpcli.InvalidUsage, match=r"^text "):
        getattr(ada, name)(first, text)


@pytest.mark.parametrize("subject", ["", "two\nlines", "x" * 201])
@pytest.mark.parametrize("name", ["plan_contact", "plan_econsult"])
def test_a_subject_that_is_no_line_is_told(ada, name, subject):
    with pytest.raises(gpcli.InvalidUsage, match=r"^subject "):
        getattr(ada, name)(subject, "Is there a ramp?")


def test_errors_name_parameters_where_the_command_line_has_options(connect_as):
    with connect_as("finn") as finn, pytest.raises(gpcli.InputNeeded) as several:
        finn.plan_contact("Ramp", "Is there one?")
    assert re.search(r"Name one: gp='[^']+'", several.value.hint)

    with connect_as("ada") as ada, pytest.raises(gpcli.AlreadyBooked) as booked:
        ada.plan_booking(gpcli.TimeFilter())
    assert booked.value.hint.endswith("to book one more, add another=True.")
    assert str(booked.value) == booked.value.message


def test_no_error_of_a_call_names_an_option(connect_as):
    told = []
    with connect_as("finn") as finn:
        for name in METHODS:
            try:
                getattr(finn, name)(**good_arguments(getattr(gpcli.PatientPortal, name)))
            except gpcli.GpcliError as error:
                told.append(f"{error.message} {error.hint}")
            except TypeError as error:  # of a record that "x" is none of
                assert name == "fetch_content", error  # noqa: PT017
    assert told
    assert [text for text in told if "--" in text] == []


def test_hints_of_types_can_be_read_at_run_time():
    for name in METHODS:
        assert "return" in get_type_hints(getattr(gpcli.PatientPortal, name))


def test_offers_are_handed_on(ada):
    offers = ada.fetch_offers()

    assert ada.fetch_slots(offers=offers, limit=2) == ada.fetch_slots(limit=2)
    assert ada.fetch_services(offers) == ada.fetch_services()


def test_records_can_be_given_in_place_of_their_ids(ada):
    slot, thread = ada.fetch_slots(limit=1)[0], ada.fetch_threads(limit=1)[0]
    booking, medicine = ada.fetch_appointments()[0], ada.fetch_prescriptions(low=True)[0]

    assert ada.fetch_appointment(booking).id == booking.id
    assert ada.fetch_conversation(thread).thread.id == thread.id
    assert ada.fetch_prescription(medicine).id == medicine.id
    assert ada.plan_booking(slot).rows == ada.plan_booking(str(slot.id)).rows
    assert ada.plan_renewal([medicine]).rows == ada.plan_renewal([medicine.id]).rows
    assert ada.fetch_threads(kind=ThreadKind.ADMINISTRATIVE)
    assert ada.plan_reply(
        thread, "See the file.", attachments=[AttachedFile("a.txt", "text/plain", b"a")]
    ).rows


def test_each_call_has_the_whole_time_limit(connect_as):
    with connect_as("ada", timeout=600) as portal:
        deadlines = portal._session.context._deadlines
        portal.fetch_parties()
        [deadline] = deadlines
        deadline._end -= timedelta(seconds=590).total_seconds()
        portal.fetch_surgeries()

        assert deadline.seconds_left() > 500


def test_threads_take_turns_and_each_request_is_its_own(ada, sandbox, own_files):
    def write(number):
        return ada.plan_contact(f"Ramp {number}", "Is there one?").send()

    with ThreadPoolExecutor(8) as pool:
        receipts = [*pool.map(write, range(16))]

    assert {receipt.changed for receipt in receipts} == {True}
    found = sandbox.store.find("Communication", patient="Patient/ada")
    subjects = [each.get("topic", {}).get("text", "") for each in found]
    assert sorted(filter(re.compile("Ramp").match, subjects)) == sorted(
        f"Ramp {number}" for number in range(16)
    )
    requests = {str(entry.request) for entry in Journal(own_files / "state").read_entries()}
    assert requests == {receipt.request_id for receipt in receipts}
