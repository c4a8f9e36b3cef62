"""What happens while a person reads the plan, and while another process does the same."""

from __future__ import annotations

import io
import json
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest

from tests.journeys.process import as_person, start_gpcli, wait_for_end
from tests.journeys.shell import at_once
from tests.loopback import PlainTransport

RASH, AMLODIPINE, WAITING, TOMORROW = "t-9rcz8zjj", "rx-zt4s55k9", "r-rxzthjcg", "a-2xwr5jqm"
"""Ada's thread with an answer, a prescription that runs out, a request, a booking."""

ECONSULT = "econsult start --can-wait --subject Rash --message Itching --via"
STARTS = {
    "contact": ("contact --subject Ramp --message Hei --can-wait", "contact"),
    "in writing": (f"{ECONSULT} text", "e-consultation"),
    "by video": (f"{ECONSULT} video --to +7d", "e-consultation"),
    "renewal": (f"rx renew {AMLODIPINE}", "prescription-renewal"),
    "flu": ("flu --first", "flu-vaccination"),
    "enquiry": ("book --enquiry --another", "booking-enquiry"),
    "booking": ("book --first --another --from +2d", "booking"),
    "cancelling": (f"cancel {TOMORROW}", "cancellation"),
}
"""Lines that start something, and the service that each uses."""

TOLD_BY_THE_PORTAL = {"flu", "enquiry", "booking"}
"""Who can't use these any more learns it from the portal, which has one word for all of that."""

PRICED = ("in writing", "by video", "contact", "renewal")


class Hesitating(io.StringIO):
    """A person who says yes, after `meanwhile` has happened."""

    def __init__(self, meanwhile):
        super().__init__()
        self._meanwhile = meanwhile

    def readline(self, *_):
        self._meanwhile()
        return "y\n"


def hesitating(world, line, meanwhile):
    """How a line ends when something happens at its question: exit, word and answer."""
    person = world.shell("ada").at_a_screen(Hesitating(meanwhile))
    ending = person(f"gpcli {line} --json")
    if ending.code == 0:
        return 0, ending.json
    _, begins, error = ending.err.splitlines()[-1].rpartition('{"error"')
    return ending.code, json.loads(begins + error)["error"]["code"], ending.out


class Crossing(PlainTransport):
    """The network, where `meanwhile` happens once just before an update arrives."""

    def __init__(self, meanwhile):
        super().__init__(trust_env=False)
        self._pending = [meanwhile]

    def handle_request(self, request):
        if request.method in {"PUT", "PATCH"} and self._pending:
            self._pending.pop()()
        return super().handle_request(request)


def crossing(world, line, meanwhile):
    """How a line that asks nothing ends when something happens just before its update arrives."""
    network = Crossing(meanwhile)
    ending = replace(world.shell("ada"), transport=network, sleep=at_once)(f"gpcli {line} --json")
    assert not network._pending
    return ending


def record(world, patient="ada"):
    """What the portal has of the patient: each resource and its version."""
    return {
        (one["resourceType"], one["id"], one["meta"]["versionId"])
        for kind in ("Appointment", "Communication", "Task")
        for one in world.sandbox.store.find(kind, patient=f"Patient/{patient}")
    }


def of(world, thread):
    """The messages of a thread in the order in which the portal got them."""
    return world.sandbox.store.find("Communication", part_of=f"Communication/{thread}")


def withdraws_consent(world):
    return lambda: world.change("Consent/consent-ada", status="inactive")


def goes_on_leave(world, service):
    away = {"description": "Leave.", "during": {"start": "2027-02-01", "end": "2027-12-31"}}
    return lambda: world.change(f"HealthcareService/{service}-haugland", notAvailable=[away])


def gives_it_up(world, service):
    return lambda: world.change(f"HealthcareService/{service}-haugland", active=False)


def changes_the_price(world, service, amount):
    nok = {"type": "base", "amount": {"value": amount, "currency": "NOK"}}
    rates = [{"priceComponent": [nok]}]
    return lambda: world.change(f"ChargeItemDefinition/price-{service}", propertyGroup=rates)


@pytest.fixture
def slow(world):
    """The surgery takes an hour to answer."""
    world.sandbox.set_delay(timedelta(hours=1))
    return world


@pytest.mark.parametrize("name", STARTS)
def test_consent_that_is_lost_at_the_question_sends_nothing(world, name):
    before = record(world)
    refusal = hesitating(world, STARTS[name][0], withdraws_consent(world))
    assert (refusal, record(world)) == ((5, "consent_needed", ""), before)


@pytest.mark.parametrize("name", STARTS)
def test_a_service_that_is_switched_off_at_the_question_sends_nothing(world, name):
    line, service = STARTS[name]
    before = record(world)
    refusal = hesitating(world, line, goes_on_leave(world, service))
    assert (refusal, record(world)) == ((5, "off_for_now", ""), before)


@pytest.mark.parametrize("name", STARTS)
def test_a_service_that_is_given_up_at_the_question_sends_nothing(world, name):
    line, service = STARTS[name]
    before = record(world)
    code, word, out = hesitating(world, line, gives_it_up(world, service))
    assert (code, out, record(world)) == (5, "", before)
    assert word == ("off_for_now" if name in TOLD_BY_THE_PORTAL else "not_offered")


@pytest.mark.parametrize("name", PRICED)
def test_a_price_that_rises_at_the_question_sends_nothing(world, name):
    line, service = STARTS[name]
    before = record(world)
    refusal = hesitating(world, line, changes_the_price(world, service, 900))
    assert (refusal, record(world)) == ((9, "fee_not_accepted", ""), before)


def test_the_price_of_cancelling_late_may_not_rise_either(world):
    before = record(world)
    refusal = hesitating(
        world, f"cancel {TOMORROW}", changes_the_price(world, "late-cancellation", 900)
    )
    assert (refusal, record(world)) == ((9, "fee_not_accepted", ""), before)


@pytest.mark.parametrize("name", PRICED)
def test_a_price_that_falls_at_the_question_is_no_obstacle(slow, name):
    line, service = STARTS[name]
    before = record(slow)
    ending = hesitating(slow, line, changes_the_price(slow, service, 0))
    assert (ending[0], record(slow) > before) == (0, True)


@pytest.mark.parametrize("service", ["e-consultation", "contact"])
def test_what_is_under_way_does_not_mind_what_the_gp_offers(slow, service):
    code, _ = hesitating(slow, f"messages reply {RASH} --message Bra", gives_it_up(slow, service))
    assert (code, len(of(slow, RASH))) == (0, 3)


@pytest.mark.parametrize("line", [f"messages reply {RASH} --message Bra", f"rx withdraw {WAITING}"])
def test_what_is_under_way_still_needs_consent(world, line):
    before = record(world)
    refusal = hesitating(world, line, withdraws_consent(world))
    assert (refusal, record(world)) == ((5, "consent_needed", ""), before)


def test_an_answer_that_arrives_while_one_writes_is_kept_and_the_reply_answers_what_was_seen(slow):
    seen = of(slow, RASH)[-1]

    def answers():
        slow.sandbox.store.insert(
            {**{name: seen[name] for name in seen if name not in {"id", "meta", "identifier"}},
             "payload": [{"contentString": "One more thing."}]}
        )  # fmt: skip

    code, reply = hesitating(slow, f"messages reply {RASH} --message Bra", answers)
    assert (code, reply["in_response_to"], reply["changed"]) == (0, seen["id"], True)
    shown = slow.shell("ada").json(f"gpcli messages show {RASH}")["messages"]
    assert {one["text"] for one in shown} >= {"One more thing.", "Bra"}
    assert len(shown) == 4


def test_a_thread_that_closes_at_the_question_takes_no_reply(world):
    before = len(of(world, RASH))
    refusal = hesitating(
        world,
        f"messages reply {RASH} --message Bra",
        lambda: world.change(f"Communication/{RASH}", status="completed"),
    )
    assert (refusal, len(of(world, RASH))) == ((7, "already_answered", ""), before)


@pytest.mark.parametrize("status", ["accepted", "in-progress", "completed", "rejected"])
def test_a_request_that_is_handled_at_the_question_is_not_withdrawn(slow, status):
    refusal = hesitating(
        slow, f"rx withdraw {WAITING}", lambda: slow.change(f"Task/{WAITING}", status=status)
    )
    there = slow.sandbox.store.get("Task", WAITING)["status"]
    assert (refusal, there) == ((7, "already_answered", ""), status)


def test_a_request_that_is_only_received_at_the_question_is_withdrawn(slow):
    code, receipt = hesitating(
        slow, f"rx withdraw {WAITING}", lambda: slow.change(f"Task/{WAITING}", status="received")
    )
    there = slow.sandbox.store.get("Task", WAITING)["status"]
    assert (code, receipt["status"], there) == (0, "cancelled", "cancelled")


def test_a_renewal_that_another_window_asks_for_at_the_question_is_asked_for_once(slow):
    other = slow.shell("ada")
    ending = hesitating(
        slow, f"rx renew {AMLODIPINE}", lambda: other.json(f"gpcli rx renew {AMLODIPINE} --yes")
    )
    asked = slow.sandbox.store.find("Task", focus=f"MedicationRequest/{AMLODIPINE}")
    code, [result] = ending
    assert (len(asked), code) == (1, 0)
    assert (result["id"], result["changed"]) == (asked[0]["id"], False)


def test_a_message_that_changes_while_it_is_marked_keeps_the_change(world):
    newest = of(world, RASH)[-1]["id"]
    noted = [{"text": "Seen by the nurse."}]
    ending = crossing(
        world,
        f"messages mark-read {RASH}",
        lambda: world.change(f"Communication/{newest}", note=noted),
    )
    there = world.sandbox.store.get("Communication", newest)
    assert (ending.refused, there["note"]) == ((7, "conflict", ""), noted)
    assert world.shell("ada").json(f"gpcli messages mark-read {RASH}")[0]["unread"] is False
    there = world.sandbox.store.get("Communication", newest)
    assert ("received" in there, there["note"]) == (True, noted)


def test_a_message_that_another_window_marks_first_is_no_trouble(world):
    other = world.shell("ada")
    ending = crossing(
        world,
        f"messages mark-read {RASH}",
        lambda: other.json(f"gpcli messages mark-read {RASH}"),
    )
    assert (ending.code, other("gpcli messages list --unread --count").out) == (0, "1\n")


def test_two_replies_at_once_are_both_there_and_both_answer_the_same_message(slow):
    texts = ["From the phone", "From the laptop"]
    latest = of(slow, RASH)[-1]["id"]

    def reply(text):
        line = ["gpcli", "messages", "reply", RASH, "--message", text, "--yes", "--json"]
        return slow.shell("ada")(line)

    with ThreadPoolExecutor(2) as both:
        endings = list(both.map(reply, texts))
    assert [ending.code for ending in endings] == [0, 0]
    sent = of(slow, RASH)[2:]
    assert sorted(one["payload"][0]["contentString"] for one in sent) == sorted(texts)
    assert {one["inResponseTo"][0]["reference"] for one in sent} == {f"Communication/{latest}"}


def in_processes(count, env, *argv):
    """How so many processes end that do the same at once."""
    return [
        wait_for_end(one) for one in [start_gpcli(*argv, "--json", env=env) for _ in range(count)]
    ]


def made_since(live, kind, before):
    found = live.store.find(kind, patient="Patient/ada")
    return [one for one in found if one["id"] not in before]


def ids(live, kind):
    return {one["id"] for one in live.store.find(kind, patient="Patient/ada")}


@pytest.mark.real
def test_eight_processes_with_one_request_id_start_one_e_consultation(live, tmp_path):
    live.set_delay(timedelta(hours=1))
    before = ids(live, "Communication")
    line = ("econsult", "start", "--via", "text", "--subject", "Rash", "--message", "Itching")
    agreed = ("--yes", "--accept-fee", "any", "--request-id", "e1")
    endings = in_processes(8, as_person(live, tmp_path, "ada"), *line, *agreed)
    assert [ending for ending in endings if ending.code] == []
    assert Counter(ending.json["changed"] for ending in endings) == {True: 1, False: 7}
    made = made_since(live, "Communication", before)
    assert [("partOf" in one) for one in made] == [False, True]
    assert {ending.json["id"] for ending in endings} == {made[0]["id"]}


@pytest.mark.real
def test_two_processes_that_renew_the_same_leave_one_request(live, tmp_path):
    live.set_delay(timedelta(hours=1))
    before = ids(live, "Task")
    [amlodipine] = [
        one["id"]
        for one in live.store.find("MedicationRequest", patient="Patient/ada")
        if "Amlodipine" in json.dumps(one)
    ]
    env = as_person(live, tmp_path, "ada")
    endings = in_processes(2, env, "rx", "renew", amlodipine, "--yes")
    assert len(made_since(live, "Task", before)) == 1
    assert {ending.code for ending in endings} <= {0, 7}
    assert 0 in {ending.code for ending in endings}


@pytest.mark.real
def test_processes_that_renew_with_one_request_id_all_end_well(live, tmp_path):
    live.set_delay(timedelta(hours=1))
    before = ids(live, "Task")
    env = as_person(live, tmp_path, "ada")
    endings = in_processes(3, env, "rx", "renew", "--low", "--yes", "--request-id", "r1")
    assert {ending.code for ending in endings} == {0}
    made = made_since(live, "Task", before)
    assert Counter(one["focus"]["reference"] for one in made).most_common(1)[0][1] == 1
