"""Plans: nothing is sent that was not agreed to, is not so any more, or was sent before."""

import errno
import os
import sys
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from io import StringIO

import httpx
import pytest

import gpcli
from gpcli.app_context import AppContext
from gpcli.cli.sandbox_env import build_variables
from gpcli.config.settings import Options
from gpcli.journal import Journal
from gpcli.model.receipt import ReplacedAppointment
from gpcli.scripting.calls import Session
from tests.loopback import PlainTransport

QUESTION = "My arm itches since Monday."
HIGHEST = Decimal(391)
"""What an e-consultation with Ada's GP costs at most, in NOK."""


class Clock:
    """The present, which a test moves."""

    def __init__(self):
        self.ahead = timedelta()

    def __call__(self):
        return datetime.now(UTC) + self.ahead


class LosingAnswers(PlainTransport):
    """Passes requests on, and loses the answers to the next `count` POSTs."""

    count = 0

    def handle_request(self, request):
        answer = super().handle_request(request)
        if request.method == "POST" and self.count and b"batch" not in request.read():
            self.count -= 1
            answer.close()
            raise httpx.ReadError("the answer is lost", request=request)
        return answer


@contextmanager
def open_as(sandbox, person, **others):
    """The portal as `gpcli.connect` gives it, with another clock or network."""
    token = sandbox.issue_token(person)
    values = build_variables(sandbox.fhir_base, token.access_token, token.patient, token.fhir_user)
    env = {**values, "GPCLI_CONFIG_DIR": os.environ["GPCLI_CONFIG_DIR"]}
    options = Options(no_input=True, sends=True)
    streams = StringIO(), StringIO(), sys.stderr
    context = AppContext(options, env, *streams, sleep=lambda seconds: None, **others)
    session = Session(context, has_url=True)
    yield gpcli.PatientPortal(session)
    session.close()


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def timed(sandbox, own_files, clock):
    with open_as(sandbox, "ada", now=clock) as portal:
        yield portal


def threads_of(sandbox, subject):
    found = sandbox.store.find("Communication", patient="Patient/ada")
    return [each for each in found if each.get("topic", {}).get("text") == subject]


def bookings_of(sandbox):
    made = sandbox.store.find("Appointment", patient="Patient/ada")
    return [each for each in made if each.get("identifier")]


def writes(own_files):
    return Journal(own_files / "state").read_entries()


@pytest.mark.parametrize("fee", [None, 0, 390, Decimal("390.99"), "1"])
def test_a_fee_that_was_not_accepted_keeps_everything_back(ada, sandbox, own_files, fee):
    plan = ada.plan_econsult("Rash", QUESTION)

    with pytest.raises(gpcli.FeeNotAccepted, match="costs up to NOK 391") as refused:
        plan.send(accept_fee=fee)

    assert refused.value.hint == "Agree with send(accept_fee='391')."
    assert threads_of(sandbox, "Rash") == []
    assert writes(own_files) == []


@pytest.mark.parametrize("fee", [391, HIGHEST, "391", "400.50", "any"])
def test_a_fee_that_was_accepted_sends_once_though_sent_twice(ada, sandbox, fee):
    plan = ada.plan_econsult("Rash", QUESTION)
    assert plan.cost
    assert plan.cost.price.high == HIGHEST

    first, second = plan.send(accept_fee=fee), plan.send(accept_fee=fee)

    assert (first.changed, second.changed, first.id) == (True, False, second.id)
    assert first.request_id == plan.request_id
    assert len(threads_of(sandbox, "Rash")) == 1


@pytest.mark.parametrize("fee", [-1, "-1", "much", "1e3", Decimal("NaN")])
def test_what_is_no_amount_is_refused(ada, sandbox, fee):
    plan = ada.plan_econsult("Rash", QUESTION)
    with pytest.raises(gpcli.InvalidUsage, match=r"^accept_fee='.*' is not an amount"):
        plan.send(accept_fee=fee)
    assert threads_of(sandbox, "Rash") == []


@pytest.mark.parametrize("fee", [391.0, True, object()])
def test_what_is_no_money_is_a_wrong_type(ada, fee):
    plan = ada.plan_econsult("Rash", QUESTION)
    with pytest.raises(TypeError, match="accept_fee takes Decimal or int or str or None"):
        plan.send(accept_fee=fee)


def test_cancelling_late_costs_what_was_accepted(timed, clock, sandbox):
    booking = next(each for each in timed.fetch_appointments() if each.cancel_until)
    clock.ahead = booking.cancel_until - clock() + timedelta(minutes=5)

    plan = timed.plan_cancellation(booking)

    assert plan.cost.what == "Cancelling this late"
    with pytest.raises(gpcli.FeeNotAccepted):
        plan.send()
    assert timed.fetch_appointment(booking).status == "booked"


def test_a_plan_shows_what_the_command_line_shows(ada):
    plan = ada.plan_contact("Ramp", "Is there one?")

    assert str(plan).splitlines()[0] == "Write to the surgery's reception [sandbox]"
    assert dict(plan.rows)["For"] == "Ada Solberg"
    assert plan.cost is None
    assert [notice[:15] for notice in plan.notices] == ["Not for emergen", "The reception r"]
    assert not plan.is_done


def test_what_is_so_already_is_a_plan_that_is_done(ada):
    booked = ada.plan_booking(ada.fetch_slots(limit=1)[0]).send()
    ada.plan_cancellation(booked).send()

    plan = ada.plan_cancellation(booked)
    receipt = plan.send()

    assert (plan.is_done, plan.rows, plan.cost, plan.action) == (True, (), None, "")
    assert str(plan) == "It is so already: nothing would be sent."
    assert (receipt.changed, receipt.status) == (False, "cancelled")


def raise_price(sandbox):
    """Have e-consultations cost 1,000 more."""
    [price] = [
        each
        for each in sandbox.store.find("ChargeItemDefinition")
        if any(code["code"] == "e-consultation" for code in each["code"]["coding"])
    ]
    price["propertyGroup"][0]["priceComponent"][0]["amount"]["value"] += 1000
    sandbox.store.put(price)


def test_an_old_plan_that_still_holds_is_sent(timed, clock):
    plan = timed.plan_booking(gpcli.TimeFilter(), another=True)
    clock.ahead = timedelta(minutes=2)

    booked = plan.send()

    assert (booked.changed, booked.status) == (True, "booked")
    assert dict(plan.rows)["When"].start == booked.start


@pytest.mark.parametrize("minutes", [0, 2])
def test_a_plan_that_is_out_of_date_is_not_sent(timed, clock, sandbox, minutes):
    plan = timed.plan_econsult("Rash", QUESTION)
    raise_price(sandbox)
    clock.ahead = timedelta(minutes=minutes)

    with pytest.raises(gpcli.PlanChanged, match="Price, Rate, what sending costs") as changed:
        plan.send(accept_fee="any")

    assert changed.value.hint == "Make it again, and look at it."
    assert threads_of(sandbox, "Rash") == []


def test_a_fee_that_became_due_since_the_plan_is_not_paid_unasked(timed, clock):
    booking = next(each for each in timed.fetch_appointments() if each.cancel_until)
    clock.ahead = booking.cancel_until - clock() - timedelta(seconds=10)
    plan = timed.plan_cancellation(booking)
    assert plan.cost is None
    clock.ahead += timedelta(seconds=20)

    with pytest.raises(gpcli.PlanChanged, match="what sending costs"):
        plan.send()
    assert timed.fetch_appointment(booking).status == "booked"


@pytest.mark.parametrize(
    "make",
    [
        lambda portal: portal.plan_enquiry(),
        lambda portal: portal.plan_econsult_at("video", "Knee"),
    ],
)
def test_a_period_that_has_begun_stays_the_same(timed, clock, make):
    plan = make(timed)
    clock.ahead = timedelta(minutes=5)

    assert plan.send(accept_fee="any").changed


def test_a_time_that_somebody_else_took_meanwhile_is_not_booked(timed, clock, sandbox):
    slot = timed.fetch_slots(limit=1)[0]
    plan = timed.plan_booking(slot)
    taken = sandbox.store.get("Slot", str(slot.id))
    sandbox.store.put({**taken, "status": "busy"})

    with pytest.raises(gpcli.SlotTaken):
        plan.send()
    clock.ahead = timedelta(minutes=2)
    with pytest.raises(gpcli.SlotTaken):
        plan.send()
    assert [each for each in bookings_of(sandbox) if "Slot/" + slot.id in str(each)] == []


def test_what_was_done_meanwhile_by_others_is_told_and_not_done_again(timed, clock, ada):
    booked = timed.plan_booking(timed.fetch_slots(limit=1)[0]).send()
    plan = timed.plan_cancellation(booked)
    ada.plan_cancellation(booked).send()
    clock.ahead = timedelta(minutes=2)

    assert plan.send().changed is False


def test_nothing_to_do_that_becomes_something_to_do_is_no_agreement(timed, clock, sandbox):
    booked = timed.plan_booking(timed.fetch_slots(limit=1)[0]).send()
    timed.plan_cancellation(booked).send()
    plan = timed.plan_cancellation(booked)
    there = sandbox.store.get("Appointment", str(booked.id))
    sandbox.store.put({**there, "status": "booked"})
    clock.ahead = timedelta(minutes=2)

    with pytest.raises(gpcli.PlanChanged):
        plan.send()
    assert sandbox.store.get("Appointment", str(booked.id))["status"] == "booked"


def test_a_lost_answer_is_found_by_sending_again(sandbox, own_files):
    network = LosingAnswers()
    with open_as(sandbox, "ada", transport=network) as portal:
        plan = portal.plan_contact("Ramp", "Is there one?")
        network.count = 1
        receipt = plan.send()
        again = plan.send()

    assert (receipt.status, again.changed) == ("in-progress", False)
    assert len(threads_of(sandbox, "Ramp")) == 1


class CutAfterSending(PlainTransport):
    """Passes a write on, and then answers nothing at all until it is mended."""

    is_cut = False
    cuts_at_write = False

    def handle_request(self, request):
        if self.is_cut:
            raise httpx.ConnectError("the network is gone", request=request)
        answer = super().handle_request(request)
        if self.cuts_at_write and request.method == "POST" and b'"POST"' in request.read():
            self.is_cut = True
            answer.close()
            raise httpx.ReadError("the answer is lost", request=request)
        return answer


def test_an_outcome_that_nobody_knows_is_found_out_by_sending_again(sandbox, own_files):
    network = CutAfterSending()
    with open_as(sandbox, "ada", transport=network) as portal:
        plan = portal.plan_contact("Ramp", "Is there one?")
        network.cuts_at_write = True
        with pytest.raises(gpcli.OutcomeUnknown) as unknown:
            plan.send()
        assert unknown.value.request_id == plan.request_id
        network.is_cut = network.cuts_at_write = False

        receipt = plan.send()

    assert receipt.status == "in-progress"
    assert len(threads_of(sandbox, "Ramp")) == 1
    assert [each.is_open for each in writes(own_files) if each.is_open] == []


def test_a_request_id_is_done_once_by_any_number_of_plans(connect_as, sandbox):
    receipts = []
    for _ in range(3):
        with connect_as("ada") as portal:
            plan = portal.plan_contact("Ramp", "Is there one?", request_id="ramp-1")
            receipts.append(plan.send())

    assert [receipt.changed for receipt in receipts] == [True, False, False]
    assert {receipt.request_id for receipt in receipts} == {"ramp-1"}
    assert len(threads_of(sandbox, "Ramp")) == 1
    with connect_as("ada") as portal, pytest.raises(gpcli.Conflict, match="This request_id"):
        portal.plan_contact("Ramp", "Something else.", request_id="ramp-1")


def test_the_first_that_fits_stays_the_time_of_the_plan(timed, clock, sandbox):
    plan = timed.plan_booking(gpcli.TimeFilter(), another=True)
    first = dict(plan.rows)["When"]
    taken = next(each for each in timed.fetch_slots(limit=1) if each.start == first.start)
    sandbox.store.put({**sandbox.store.get("Slot", str(taken.id)), "status": "busy"})
    clock.ahead = timedelta(minutes=2)

    with pytest.raises(gpcli.SlotTaken):
        plan.send()


def test_withdrawing_consent_takes_its_word(ada):
    plan = ada.plan_consent_withdrawal()
    with pytest.raises(gpcli.ConfirmationNeeded):
        plan.send()
    with pytest.raises(gpcli.Declined):
        plan.send(confirm="yes")

    assert plan.send(confirm="withdraw").changed
    assert ada.plan_consent_grant().send().changed


def test_what_failed_in_part_has_the_results_of_all(ada):
    plan = ada.plan_renewal(["rx-zt4s55k9", "nosuch"])
    with pytest.raises(gpcli.Partial) as failed:
        plan.send()

    told = [(each.prescription_id, each.error and each.error.code) for each in failed.value.results]
    assert told == [("rx-zt4s55k9", None), ("nosuch", "not_found")]
    with pytest.raises(gpcli.Partial) as again:
        plan.send()
    assert [each.changed for each in again.value.results] == [False, False]


@pytest.mark.parametrize("fee", [0, 100])
def test_a_limit_holds_for_what_may_be_charged_later_as_well(ada, fee):
    plan = ada.plan_renewal(["rx-zt4s55k9"])
    assert plan.cost is None
    with pytest.raises(gpcli.FeeNotAccepted):
        plan.send(accept_fee=fee)
    assert [each.changed for each in plan.send()] == [True]


ERRANDS = {
    "book": lambda portal: portal.plan_booking(portal.fetch_slots(limit=1)[0]),
    "flu": lambda portal: portal.plan_flu_vaccination(gpcli.TimeFilter()),
    "book --enquiry": lambda portal: portal.plan_enquiry(),
    "cancel": lambda portal: portal.plan_cancellation(portal.fetch_appointments()[-1]),
    "move": lambda portal: portal.plan_move(
        portal.fetch_appointments()[-1], portal.fetch_slots(limit=1)[0]
    ),
    "econsult start": lambda portal: portal.plan_econsult("Rash", QUESTION),
    "econsult start --via video": lambda portal: portal.plan_econsult_at("video", "Rash"),
    "contact": lambda portal: portal.plan_contact("Ramp", "Is there one?"),
    "messages reply": lambda portal: portal.plan_reply("t-9rcz8zjj", "Thank you."),
    "messages mark-read": lambda portal: portal.plan_read_marks(portal.fetch_threads(unread=True)),
    "rx renew": lambda portal: portal.plan_renewal(low=True),
    "rx withdraw": lambda portal: portal.plan_renewal_withdrawal("r-rxzthjcg"),
}
"""Ada's errands, by the command that does them."""


@pytest.mark.parametrize("errand", list(ERRANDS))
def test_each_errand_is_planned_sent_once_and_journaled(ada, own_files, errand):
    plan = ERRANDS[errand](ada)
    assert plan.rows
    assert writes(own_files) == []

    first, second = plan.send(accept_fee="any"), plan.send(accept_fee="any")

    sent = first if isinstance(first, tuple) else (first,)
    repeated = second if isinstance(second, tuple) else (second,)
    assert any(each.changed for each in sent)
    assert not any(each.changed for each in repeated)
    assert [each.id for each in sent] == [each.id for each in repeated]
    command = " ".join(word for word in errand.split() if not word.startswith("--"))
    journaled = writes(own_files)
    assert {entry.command for entry in journaled} == {command.removesuffix(" video")}
    assert {str(entry.request) for entry in journaled} == {plan.request_id}
    assert {entry.state for entry in journaled} == {"done"}


def test_a_visit_is_moved_to_the_first_time_that_fits_and_keeps_its_reason(ada):
    booked = ada.plan_booking(ada.fetch_slots(limit=1)[0], reason="Knee").send()
    later = gpcli.TimeFilter(first=booked.start.date() + timedelta(days=3))

    plan = ada.plan_move(booked, later, another=True)
    moved = plan.send()

    assert [label for label, value in plan.rows if value][:3] == ["Visit", "Old time", "New time"]
    assert (moved.start > booked.start, moved.reason, moved.changed) == (True, "Knee", True)
    assert moved.replaced == ReplacedAppointment(booked.id, "cancelled", changed=True)


def test_a_move_whose_old_visit_could_not_be_cancelled_has_its_result_and_is_finished(sandbox, ada):
    booked = ada.plan_booking(ada.fetch_slots(limit=1)[0]).send()
    slot = ada.fetch_slots(limit=1)[0]
    plan = ada.plan_move(booked, slot)
    sandbox.add_fault("PUT Appointment/*: refuse=422 once")

    with pytest.raises(gpcli.Partial) as failed:
        plan.send()

    [told] = failed.value.results
    assert (told.slot_id, told.replaced.status) == (slot.id, "booked")
    rest = plan.send()
    assert (rest.id, rest.replaced.status, rest.replaced.changed) == (told.id, "cancelled", True)


def test_an_e_consultation_by_phone_is_withdrawn(ada):
    asked = ada.plan_econsult_at("phone", "Rash", QUESTION).send(accept_fee="any")

    assert ada.plan_econsult_withdrawal(asked).send().status == "cancelled"


class Unplugged(PlainTransport):
    """The system takes the network's socket away with an error that is none of the network's."""

    def handle_request(self, request):
        if request.method == "POST" and b'"POST"' in request.read():
            super().handle_request(request).close()
            raise PermissionError(errno.EPERM, os.strerror(errno.EPERM))
        return super().handle_request(request)


def test_what_the_system_refuses_after_sending_is_an_unknown_outcome(sandbox, own_files):
    with open_as(sandbox, "ada", transport=Unplugged()) as portal:
        plan = portal.plan_contact("Ramp", "Is there one?")
        with pytest.raises(gpcli.OutcomeUnknown, match="Operation not permitted") as unknown:
            plan.send()

    assert unknown.value.request_id == plan.request_id
    assert repr(plan) == "<Plan: Write to the surgery's reception>"


def test_what_the_system_refuses_before_sending_is_a_failure(ada, sandbox, own_files):
    plan = ada.plan_contact("Ramp", "Is there one?")
    (own_files / "state").write_text("no directory", encoding="utf-8")

    with pytest.raises(gpcli.GpcliError) as failed:
        plan.send()

    assert failed.value.exit in (1, 2)
    assert threads_of(sandbox, "Ramp") == []


def test_what_was_asked_for_is_taken_back_by_its_receipt(ada, sandbox):
    sandbox.set_delay(timedelta(hours=1))
    [asked] = ada.plan_renewal(["rx-zt4s55k9"]).send()

    assert ada.plan_renewal_withdrawal(asked).send().status == "cancelled"


class Unplugging(PlainTransport):
    """No write gets to the portal while it `is_unplugged`."""

    is_unplugged = True

    def handle_request(self, request):
        is_write = request.method in {"PUT", "PATCH"} or b'"POST"' in request.read()
        if self.is_unplugged and is_write:
            raise httpx.ConnectError("nothing answers", request=request)
        return super().handle_request(request)


def test_what_was_certainly_not_sent_is_compared_again(sandbox, own_files):
    network = Unplugging()
    with open_as(sandbox, "ada", transport=network) as portal:
        thread = portal.fetch_threads(unread=True)[0]
        plan = portal.plan_read_marks([thread])
        with pytest.raises(gpcli.Unreachable):
            plan.send()
        network.is_unplugged = False
        header = sandbox.store.get("Communication", str(thread.id))
        message = portal.fetch_conversation(thread).messages[-1]
        again = sandbox.store.get("Communication", str(message.id))
        sandbox.store.put({**again, "id": "m-new", "identifier": []})
        assert header

        with pytest.raises(gpcli.PlanChanged, match="Thread, Message"):
            plan.send()


def test_with_low_the_ones_of_the_plan_are_told_again(ada, connect_as):
    plan = ada.plan_renewal(low=True, request_id="weekly")
    first, second = plan.send(), plan.send()
    assert {each.prescription_id for each in first} == {each.prescription_id for each in second}

    with connect_as("ada") as portal:
        again = portal.plan_renewal(low=True, request_id="weekly").send()
    asked = {each.prescription_id for each in first if each.changed}
    assert asked
    assert asked <= {each.prescription_id for each in again}
    assert not any(each.changed for each in again)


def test_what_can_not_be_renewed_is_told_when_it_is_planned(ada):
    with pytest.raises(gpcli.NotFound) as missing:
        ada.plan_renewal(["nosuch"])
    assert [each.prescription_id for each in missing.value.results] == ["nosuch"]


@pytest.mark.parametrize(
    ("file", "error", "says"),
    [
        (("a.txt", "text/plain", bytearray(b"a")), TypeError, "bytes as content, not bytearray"),
        (("a.txt", "text/plain", "a"), TypeError, "bytes as content, not str"),
        ((1, "text/plain", b"a"), TypeError, "takes str, not int"),
        (("a.txt", None, b"a"), TypeError, "takes str, not NoneType"),
        ((" ", "text/plain", b"a"), gpcli.InvalidUsage, "is empty, or has invisible"),
        (("a\n.txt", "text/plain", b"a"), gpcli.InvalidUsage, "is empty, or has invisible"),
        (("a.txt", "text/plain", b""), gpcli.InvalidUsage, "'a.txt' is empty"),
        (("a.txt", "text/plain", bytes(21 * 1024**2)), gpcli.InvalidUsage, "more than 20971520"),
    ],
)
def test_a_file_that_can_not_be_sent_is_told_at_the_door(ada, file, error, says):
    for make in (
        lambda files: ada.plan_contact("Ramp", "See the file.", attachments=files),
        lambda files: ada.plan_econsult("Rash", "See the file.", attachments=files),
        lambda files: ada.plan_reply("t-9rcz8zjj", "See the file.", attachments=files),
    ):
        with pytest.raises(error, match=says):
            make([gpcli.AttachedFile(*file)])


def test_amounts_may_have_any_form_of_decimal(ada):
    plan = ada.plan_econsult("Rash", QUESTION)
    assert plan.send(accept_fee=Decimal(400).normalize()).changed
    assert plan.is_done


def test_errors_of_sending_are_in_words_of_python(ada):
    with pytest.raises(gpcli.ConfirmationNeeded) as word:
        ada.plan_consent_withdrawal().send()
    assert word.value.hint == "Confirm with send(confirm='withdraw')."
    assert word.value.__notes__ == [word.value.hint]
