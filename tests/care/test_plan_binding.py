"""What was agreed to is sent as it was, or not at all: the parts of a plan, and comparing them."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import timedelta
from functools import cache

import pytest

from gpcli.care.appointments import propose_cancellation
from gpcli.care.booking import propose_booking
from gpcli.care.confirmation import (
    WARNINGS,
    Agreement,
    Charge,
    Outcome,
    Proposal,
    confirm_and_send,
)
from gpcli.care.econsult import propose_timed_consultation
from gpcli.care.inbox import fetch_reply_facts, propose_reply
from gpcli.care.message import propose_contact
from gpcli.care.plan_binding import (
    COST,
    EACH,
    PlanPart,
    find_differences,
    list_parts,
    plan_changed_error,
)
from gpcli.care.renewals import propose_renewal
from gpcli.care.service_request import BookingChoice
from gpcli.errors import FeeNotAccepted, PlanChanged
from gpcli.model.appointment import Window
from gpcli.model.person import Parties
from gpcli.model.receipt import WriteResult
from gpcli.model.service import ServiceName
from gpcli.model.thread import AttachedFile, Draft
from tests.care.builders import (
    ADA,
    GURO,
    INTENT,
    NOW,
    FakePortal,
    ScriptedAsker,
    a_booking_context,
    a_price,
    a_request,
    a_search,
    a_slot,
    an_appointment,
    an_offer,
    at,
    offers,
)
from tests.care.medicines import (
    RENEWAL,
    a_prescription,
    a_renewal_context,
    a_renewal_request,
    prescription_portal,
)
from tests.care.messages import (
    PHOTO,
    a_conversation,
    a_message,
    a_message_context,
    a_new_thread,
    a_thread_request,
    mail_portal,
)

TRIES = 10_000

BOOKING, CONTACT, CANCEL = ServiceName.BOOKING, ServiceName.CONTACT, ServiceName.CANCELLATION
ECONSULT = ServiceName.E_CONSULTATION
SENT = replace(a_price("100", "150"), at_sending=True)
SKETCH = AttachedFile("rash.jpg", "image/jpeg", PHOTO.content[::-1])
"""As long as PHOTO, of the same name and kind."""

PEOPLE, ACTING = (ADA, replace(ADA, id="pat-2", name="Ida Nordmann")), (None, GURO)
PRICES = (a_price(), a_price("280", "421"), a_price("0", "420"), None)
TEXTS = ("It itches.", "It aches.", "It itches. ", "It itches.\nSince Monday.")


def priced(name, price, offer=None):
    return offers(offer or an_offer(name), prices={name: price} if price else None)


def plan_booking(when, reason, price, patient, acting):
    begins, identity = when
    slot = a_slot(begins, identity)
    portal = FakePortal(priced(BOOKING, price), slots=[slot], parties=Parties(patient, acting))
    request = a_request(reason=reason)
    return propose_booking(a_booking_context(portal), request, BookingChoice(identity))


def plan_message(subject, text, files, price, patient, acting):
    portal = mail_portal(priced(CONTACT, price), parties=Parties(patient, acting))
    context = a_message_context(portal, tells_all=True)
    return propose_contact(
        context, a_new_thread(text, *files, subject=subject), a_thread_request(CONTACT)
    )


def plan_cancellation(when, fee, patient, acting):
    begins, identity = when
    until = at("2026-11-30 08:00")
    there = an_appointment(identity, begins, cancel_until=until)
    known = offers(an_offer(CANCEL), prices={"late-cancellation": fee} if fee else None)
    portal = FakePortal(known, appointments=[there], parties=Parties(patient, acting))
    return propose_cancellation(portal, identity, INTENT, lambda: NOW)


def plan_renewal(ids, note, price, patient, acting):
    portal = prescription_portal(
        *(a_prescription(each) for each in ("rx-1", "rx-2")),
        known=priced(RENEWAL, price),
        parties=Parties(patient, acting),
    )
    return propose_renewal(a_renewal_context(portal), a_renewal_request(*ids, note=note))


TIMES = (
    ("2026-12-03 08:20", "slot-1"),
    ("2026-12-03 08:40", "slot-1"),
    ("2026-12-03 08:20", "slot-2"),
)
PLANS = {
    plan_booking: {
        "When": TIMES,
        "Reason": (None, "Knee", "knee"),
        "Price at the visit": PRICES,
        "For": PEOPLE,
        "By": ACTING,
    },
    plan_message: {
        "Subject": ("Rash", "Rash?"),
        "Message": TEXTS,
        "Attachment": ((), (PHOTO,), (SKETCH,), (PHOTO, SKETCH), (SKETCH, PHOTO)),
        "Price": (*PRICES, SENT),
        "For": PEOPLE,
        "By": ACTING,
    },
    plan_cancellation: {
        "When": (TIMES[0], TIMES[1]),
        COST: PRICES,
        "For": PEOPLE,
        "By": ACTING,
    },
    plan_renewal: {
        "Prescription": (("rx-1",), ("rx-2",), ("rx-1", "rx-2"), ("rx-2", "rx-1")),
        "Note": (None, "Soon", "soon"),
        "Price": (SENT, replace(SENT, high=SENT.high + 1), a_price("161", "161"), None),
        "For": PEOPLE,
        "By": ACTING,
    },
}
"""How plans are made, and of what: each fact with the label of what is another plan for it."""


@cache
def build(make, facts):
    return make(*facts)


def require_same(shown, then, now):
    """What raises PlanChanged for a proposal that is not the one `shown` then."""
    kept = [(part.label, str(hash(part.forms[0]))) for part in list_parts(shown, then)]

    def check(proposal):
        changed = find_differences(
            kept, list_parts(proposal, now), is_repeat=False, convert=lambda form: str(hash(form))
        )
        if changed:
            raise plan_changed_error(changed, "")

    return check


def confirm(make, shown, current, now):
    """How often it was sent, and why it was not, when the facts may be others than were shown."""
    calls = []
    proposal = replace(
        build(make, tuple(current.values())),
        send=lambda: calls.append("sent") or WriteResult("record", True),
    )
    check = require_same(build(make, tuple(shown.values())), NOW, now)
    refusal = ""
    try:
        confirm_and_send(proposal, Agreement(check_plan=check), ScriptedAsker(), lambda _: "")
    except PlanChanged as error:
        refusal = error.message
    return len(calls), refusal


def test_in_10000_tries_only_what_was_agreed_to_is_sent():
    chance = random.Random(7)  # noqa: S311  (a test's own dice)
    counts = [0, 0]
    for _ in range(TRIES):
        make = chance.choice([*PLANS])
        shown = {label: chance.choice(values) for label, values in PLANS[make].items()}
        current = dict(shown)
        for label in chance.sample([*shown], chance.choice((0, 0, 1, 1, 2))):
            current[label] = chance.choice(PLANS[make][label])
        now = NOW + timedelta(minutes=chance.randrange(60))

        sent, refusal = confirm(make, shown, current, now)

        changed = [label for label in shown if shown[label] != current[label]]
        assert (sent, bool(refusal)) == (not changed, bool(changed)), (make, shown, current)
        assert all(label in refusal for label in changed), (changed, refusal)
        counts[sent] += 1
    assert min(counts) > TRIES / 4


def plan(*rows, **changes):
    proposal = Proposal("Book this time", rows, "preview", lambda: WriteResult("record", True))
    return replace(proposal, **changes)


def compare(shown, current, *, is_repeat=False, after=timedelta()):
    """The labels of what is not as it was, when so much time has passed."""
    kept = [(part.label, part.forms[0]) for part in list_parts(shown, NOW)]
    return find_differences(kept, list_parts(current, NOW + after), is_repeat=is_repeat)


def window(start, end="2026-12-09 00:00"):
    return Window(at(start), at(end))


@pytest.mark.parametrize(
    ("shown", "current", "labels"),
    [
        (plan(("When", "8")), plan(("When", "8")), []),
        (plan(("When", "8")), plan(("When", "9")), ["When"]),
        (plan(("When", "8")), plan(), ["When"]),
        (plan(), plan(("When", "8")), ["When"]),
        (plan(("When", None)), plan(("When", "None")), ["When"]),
        (plan(("When", "8"), ("Way", "8")), plan(("Way", "8"), ("When", "8")), []),
        (plan(("Dose", "1"), ("Dose", "2")), plan(("Dose", "2"), ("Dose", "1")), ["Dose"]),
        (plan(("Dose", "1")), plan(("Dose", "1"), ("Dose", "1")), ["Dose"]),
        (plan(), plan(action="Cancel this booking"), ["what is done"]),
        (plan(), plan(warnings=("It overlaps.",)), [WARNINGS]),
        (plan(warnings=("At 8.",)), plan(warnings=("At eight.",)), [WARNINGS]),
        (
            plan(warnings=("At 8.",), content=((WARNINGS, "a-1"),)),
            plan(warnings=("At eight.",), content=((WARNINGS, "a-1"),)),
            [],
        ),
        (plan(), plan(charge=Charge("This", None)), [COST]),
        (plan(charge=Charge("This", a_price())), plan(), [COST]),
        (plan(content=(("Body", b"a"),)), plan(content=(("Body", b"b"),)), ["Body"]),
        (plan(content=(("Body", "a"),)), plan(content=(("Body", b"a"),)), ["Body"]),
        (
            plan(content=(("Header", {"a": "1"}),)),
            plan(content=(("Header", {"a": "2"}),)),
            ["Header"],
        ),
        (
            plan(content=(("Message", "\ud800"),)),
            plan(content=(("Message", "\ud801"),)),
            ["Message"],
        ),
    ],
)
def test_what_is_not_as_it_was_is_named(shown, current, labels):
    assert compare(shown, current) == labels


@pytest.mark.parametrize(
    ("shown", "current", "labels"),
    [
        (window("2026-12-01 09:00"), window("2026-12-01 09:30"), []),
        (window("2026-12-01 08:00"), window("2026-12-01 08:00"), []),
        (window("2026-12-01 09:10"), window("2026-12-01 09:10"), []),
        (window("2026-12-01 09:00"), window("2026-12-01 09:31"), ["Wished"]),
        (window("2026-12-01 10:00"), window("2026-12-01 10:01"), ["Wished"]),
        (window("2026-12-01 09:00"), window("2026-12-01 09:30", "2026-12-10 00:00"), ["Wished"]),
    ],
)
def test_a_period_that_has_begun_counts_from_now(shown, current, labels):
    half_an_hour = timedelta(minutes=30)
    assert compare(plan(("Wished", shown)), plan(("Wished", current)), after=half_an_hour) == labels


def test_the_same_moment_in_another_zone_is_the_same():
    begins = at("2026-12-03 08:20")
    elsewhere = begins.astimezone(tz=None)
    assert compare(plan(("Until", begins)), plan(("Until", elsewhere))) == []


BOTH = plan(
    ("Prescription", "rx-1"),
    ("Prescription", "rx-2"),
    ("Price in all", "200"),
    charge=Charge("Two", a_price("200", "200")),
    content=((EACH, "100"),),
)
ONE = plan(
    ("Prescription", "rx-2"),
    ("Price", "100"),
    action="Another",
    warnings=("The other is done.",),
    charge=Charge("One", a_price("100", "100")),
    content=((EACH, "100"),),
)


@pytest.mark.parametrize(
    ("current", "labels"),
    [
        (BOTH, []),
        (ONE, []),
        (replace(ONE, charge=None), []),
        (replace(ONE, content=((EACH, "101"),)), [EACH]),
        (replace(ONE, content=()), [COST]),
        (replace(ONE, rows=(("Prescription", "rx-3"),)), ["Prescription"]),
        (replace(ONE, rows=(("Note", "Soon"),)), ["Note"]),
    ],
)
def test_what_may_be_done_in_part_may_be_less(current, labels):
    assert compare(BOTH, current, is_repeat=True) == labels


DEARER = replace(SENT, high=SENT.high + 1)


@pytest.mark.parametrize(
    ("ids", "note", "price", "labels"),
    [
        (("rx-2",), "Soon", SENT, []),
        (("rx-2",), "Soon", DEARER, [EACH]),
        (("rx-1",), "Later", SENT, ["Note"]),
    ],
)
def test_what_is_left_of_several_costs_no_more_each(ids, note, price, labels):
    both = plan_renewal(("rx-1", "rx-2"), "Soon", SENT, ADA, None)
    assert compare(both, plan_renewal(ids, note, price, ADA, None), is_repeat=True) == labels


def plan_call(channel):
    portal = mail_portal(priced(ECONSULT, a_price()))
    request, search = a_thread_request(ECONSULT), a_search(last="+7d")
    context = a_message_context(portal)
    return propose_timed_consultation(context, a_new_thread(), request, channel, search)


def plan_reply(thread):
    found = a_conversation(a_message(thread_id=thread), id=thread)
    portal = mail_portal(offers(), found)
    facts = fetch_reply_facts(portal, thread, None)
    return propose_reply(a_message_context(portal), facts, Draft("It aches."), INTENT)


def test_what_may_have_been_sent_does_not_go_elsewhere_nor_another_way():
    call, reply = plan_call("phone"), plan_reply("thr-1")
    assert compare(call, plan_call("phone"), is_repeat=True) == []
    assert compare(call, plan_call("video"), is_repeat=True) == ["Way"]
    assert compare(reply, plan_reply("thr-1"), is_repeat=True) == []
    assert compare(reply, plan_reply("thr-2"), is_repeat=True) == ["the thread"]


def test_a_part_of_a_plan_is_another_plan_as_long_as_nothing_was_sent():
    assert "Prescription" in compare(BOTH, ONE)


def agree(proposal, **terms):
    """How a proposal ends whose plan was agreed to, and the questions that were asked."""
    asker = ScriptedAsker([False] * 9)
    agreement = Agreement(check_plan=lambda each: None, **terms)
    shown = []
    return confirm_and_send(proposal, agreement, asker, shown.append), asker.questions + shown


def test_who_has_agreed_to_a_plan_is_not_asked_nor_shown_it_again():
    revalidated = plan(revalidate=lambda: pytest.fail("nobody took their time"))
    done = Outcome("record", changed=True), []
    assert agree(revalidated) == done
    assert agree(plan(word="withdraw")) == done
    assert agree(plan(asks=False)) == done
    assert agree(plan(charge=Charge("This", None)), yes=True) == done


def test_a_cap_is_held_beside_the_plan():
    with pytest.raises(FeeNotAccepted):
        agree(plan(charge=Charge("This", a_price())), accept_fee="419")
    with pytest.raises(FeeNotAccepted):
        agree(plan(later_charge=Charge("This", a_price())), accept_fee="419")


def test_the_form_of_a_part_tells_its_label_as_well():
    assert PlanPart.of("With", None).forms != PlanPart.of("By", None).forms
