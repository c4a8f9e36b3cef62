from decimal import Decimal

import pytest

from gpcli.care.confirmation import Agreement, Charge, Proposal, confirm_and_send
from gpcli.care.offers import require_service
from gpcli.care.revalidate import build_offer_check, check_price_not_risen
from gpcli.errors import ConsentNeeded, Declined, FeeNotAccepted, NotOffered, OffForNow
from gpcli.model.receipt import WriteResult
from gpcli.model.service import Absence, ConsentLevel, Price, ServiceName
from tests.care.builders import (
    BERG,
    DAHL,
    NOW,
    FakePortal,
    ScriptedAsker,
    a_price,
    an_offer,
    at,
    offers,
)

ECONSULT = ServiceName.E_CONSULTATION
DEAR = {ECONSULT: a_price("184", "391")}
CAN = offers(an_offer(ECONSULT), prices=DEAR)


def look_again(now_offered, shown=CAN, now=NOW):
    """What looking again does to a plan that showed `shown`."""
    [service] = require_service(shown, ECONSULT, NOW)
    build_offer_check(FakePortal(now_offered), service, lambda: now)()


def test_what_is_as_the_plan_showed_it_goes_on():
    assert look_again(CAN) is None


@pytest.mark.parametrize("high", ["391", "391.00", "390.99", "0"])
def test_a_price_that_is_no_higher_goes_on(high):
    assert look_again(offers(an_offer(ECONSULT), prices={ECONSULT: a_price("0", high)})) is None


def test_a_service_that_was_taken_away_meanwhile_stops_it():
    with pytest.raises(NotOffered):
        look_again(offers())


def test_a_service_at_another_gp_is_no_replacement():
    elsewhere = offers(an_offer(ECONSULT, DAHL), surgeries=(BERG, DAHL), prices=DEAR)
    with pytest.raises(NotOffered, match="Kari Berg"):
        look_again(elsewhere)


def test_a_gp_who_is_no_longer_the_patients_stops_it():
    with pytest.raises(NotOffered, match="is not your GP any more"):
        look_again(offers(an_offer(ECONSULT, DAHL), surgeries=(DAHL,), prices=DEAR))


def test_consent_that_was_withdrawn_meanwhile_stops_it():
    with pytest.raises(ConsentNeeded):
        look_again(offers(an_offer(ECONSULT), prices=DEAR, consent=ConsentLevel.BASIC))


def test_leave_that_begins_while_a_person_writes_stops_it():
    leave = Absence("Leave", at("2026-12-01 10:00"), at("2026-12-10 00:00"))
    on_leave = offers(an_offer(ECONSULT, absences=(leave,)), prices=DEAR)
    assert look_again(on_leave, now=at("2026-12-01 09:59")) is None
    with pytest.raises(OffForNow, match="switched off"):
        look_again(on_leave, now=at("2026-12-01 10:00"))


def test_a_price_that_has_risen_is_named_and_stops_it():
    risen = offers(an_offer(ECONSULT), prices={ECONSULT: a_price("184", "400")})
    with pytest.raises(FeeNotAccepted) as refused:
        look_again(risen)
    assert (refused.value.message, refused.value.hint) == (
        "The price has risen meanwhile: e-consultation costs up to NOK 400 now. Nothing was sent.",
        "Run it again to see the new plan.",
    )


@pytest.mark.parametrize(
    ("shown", "current", "stops"),
    [
        (None, None, False),
        (None, a_price("1", "2"), False),
        (a_price("1", "2"), None, True),
        (a_price("1", "2"), Price(Decimal(1), Decimal(1), "EUR"), True),
        (a_price("1", "2"), Price(Decimal(1), Decimal(1), "NOK", at_sending=True), True),
        (Price(Decimal(1), Decimal(2), "NOK", at_sending=True), a_price("1", "2"), False),
    ],
)
def test_a_price_is_compared_with_what_the_plan_showed(shown, current, stops):
    if not stops:
        assert check_price_not_risen("it", shown, current) is None
        return
    with pytest.raises(FeeNotAccepted):
        check_price_not_risen("it", shown, current)


def proposal(steps, **more):
    def look():
        steps.append("looked again")

    def send():
        steps.append("sent")
        return WriteResult("after", changed=True)

    return Proposal("Write", (), "before", send, revalidate=look, **more)


@pytest.mark.parametrize(
    ("terms", "asker", "steps"),
    [
        (Agreement(yes=True), ScriptedAsker(), ["sent"]),
        (Agreement(), ScriptedAsker([True]), ["looked again", "sent"]),
        (Agreement(dry_run=True), ScriptedAsker([True]), []),
    ],
)
def test_only_where_a_person_was_asked_is_it_looked_at_again(terms, asker, steps):
    done = []
    confirm_and_send(proposal(done), terms, asker, lambda _: None)
    assert done == steps


def test_a_word_that_was_typed_took_time_too():
    typed, given = [], []
    confirm_and_send(
        proposal(typed, word="withdraw"), Agreement(), ScriptedAsker(["withdraw"]), lambda _: None
    )
    confirm_and_send(
        proposal(given, word="withdraw"),
        Agreement(word="withdraw"),
        ScriptedAsker(),
        lambda _: None,
    )
    assert (typed, given) == (["looked again", "sent"], ["sent"])


def test_who_says_no_is_not_made_to_wait_for_another_look():
    done = []
    with pytest.raises(Declined):
        confirm_and_send(proposal(done), Agreement(), ScriptedAsker([False]), lambda _: None)
    assert done == []


def test_what_the_second_look_raises_keeps_it_from_being_sent():
    def gone():
        raise NotOffered("It is gone.")

    sent = []
    decision = Proposal(
        "Write", (), "before", lambda: sent.append(True), Charge("It", None), revalidate=gone
    )
    with pytest.raises(NotOffered):
        confirm_and_send(decision, Agreement(), ScriptedAsker([True]), lambda _: None)
    assert sent == []
