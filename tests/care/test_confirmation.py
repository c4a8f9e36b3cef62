from contextlib import suppress
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpcli.care.confirmation import (
    Agreement,
    Charge,
    Outcome,
    Proposal,
    check_fee,
    confirm_and_send,
)
from gpcli.errors import (
    BadResponse,
    ConfirmationNeeded,
    Conflict,
    Declined,
    Expired,
    FeeNotAccepted,
    GpcliError,
    InvalidUsage,
    NotOffered,
    OutcomeUnknown,
    Rejected,
    SlotTaken,
    TlsError,
    Unreachable,
)
from gpcli.model.receipt import WriteResult
from tests.care.builders import ScriptedAsker, a_price

LATE = Charge("Cancelling this late", a_price("200", "310"))
UNKNOWN = Charge("Cancelling this late", None)


@dataclass
class Case:
    """One write in the making: what was shown, and how often it was sent."""

    charge: Charge | None = None
    changed: bool = True
    asks: bool = True
    steps: list[str] = field(default_factory=list)

    @property
    def proposal(self):
        return Proposal("Cancel this booking", (), "before", self.send, self.charge, asks=self.asks)

    def send(self):
        self.steps.append("sent")
        return WriteResult("after", self.changed)

    def confirm_and_send(self, asker=None, **terms):
        return confirm_and_send(
            self.proposal,
            Agreement(**terms),
            asker or ScriptedAsker(),
            self.show,
        )

    def show(self, proposal):
        self.steps.append("shown")
        return f"{proposal.action}, as shown?"


def test_yes_shows_the_plan_then_sends_without_a_question():
    case, asker = Case(), ScriptedAsker()

    assert case.confirm_and_send(asker, yes=True) == Outcome("after", changed=True)
    assert (case.steps, asker.questions) == (["shown", "sent"], [])


def test_what_asks_nothing_is_sent_without_a_plan_and_rehearsed_with_one():
    case, asker = Case(asks=False), ScriptedAsker([True])

    assert case.confirm_and_send(asker) == Outcome("after", changed=True)
    assert (case.steps, asker.questions) == (["sent"], [])
    case.steps.clear()
    assert case.confirm_and_send(asker, dry_run=True).dry_run
    assert (case.steps, asker.questions) == (["shown"], [])


def test_who_agrees_when_asked_gets_it_sent():
    case, asker = Case(), ScriptedAsker([True])

    assert case.confirm_and_send(asker) == Outcome("after", changed=True)
    assert (case.steps, asker.questions) == (
        ["shown", "sent"],
        [("Cancel this booking, as shown?", "--yes")],
    )


def test_who_says_no_gets_nothing_sent():
    case = Case()

    with pytest.raises(Declined) as refused:
        case.confirm_and_send(ScriptedAsker([False]))

    assert (refused.value.message, case.steps) == ("Nothing was sent.", ["shown"])


def test_where_nobody_can_be_asked_yes_is_needed():
    case = Case()

    with pytest.raises(ConfirmationNeeded):
        case.confirm_and_send()
    assert case.steps == ["shown"]


def test_a_dry_run_shows_the_plan_and_answers_with_the_record_before():
    case, asker = Case(charge=UNKNOWN), ScriptedAsker()

    outcome = case.confirm_and_send(asker, dry_run=True, yes=True)

    assert outcome == Outcome("before", changed=False, dry_run=True)
    assert (case.steps, asker.questions) == (["shown"], [])


def test_what_the_portal_had_already_is_told_as_unchanged():
    assert Case(changed=False).confirm_and_send(yes=True) == Outcome("after", changed=False)


@pytest.mark.parametrize("dry_run", [False, True])
def test_what_is_so_already_is_neither_shown_nor_asked_nor_sent(dry_run):
    shown, asker = [], ScriptedAsker()

    outcome = confirm_and_send(
        Outcome("there", changed=False), Agreement(dry_run=dry_run), asker, shown.append
    )

    assert outcome == Outcome("there", changed=False, dry_run=dry_run)
    assert (shown, asker.questions) == ([], [])


@pytest.mark.parametrize(
    ("charge", "accepted"),
    [
        (None, None),
        (None, "0"),
        (LATE, "310"),
        (LATE, "310.00"),
        (LATE, "311"),
        (LATE, "any"),
        (UNKNOWN, "any"),
    ],
)
def test_yes_sends_where_the_fee_is_accepted_up_to_its_upper_end(charge, accepted):
    case = Case(charge)

    case.confirm_and_send(yes=True, accept_fee=accepted)

    assert case.steps == ["shown", "sent"]


@pytest.mark.parametrize(
    ("charge", "accepted", "amount", "enough"),
    [
        (LATE, None, "up to NOK 310", "310"),
        (LATE, "309.99", "up to NOK 310", "310"),
        (LATE, "0", "up to NOK 310", "310"),
        (UNKNOWN, None, "an unknown amount", "any"),
        (UNKNOWN, "100000", "an unknown amount", "any"),
    ],
)
def test_yes_alone_or_too_little_does_not_accept_a_fee(charge, accepted, amount, enough):
    case = Case(charge)

    with pytest.raises(FeeNotAccepted) as refused:
        case.confirm_and_send(yes=True, accept_fee=accepted)

    assert (refused.value.message, refused.value.hint, case.steps) == (
        f"Cancelling this late costs {amount}, and that was not accepted. Nothing was sent.",
        f"Agree with --yes --accept-fee {enough}.",
        ["shown"],
    )


def test_what_the_hint_says_is_enough():
    case = Case(LATE)

    with pytest.raises(FeeNotAccepted) as refused:
        case.confirm_and_send(yes=True)
    *_, enough = refused.value.hint.removesuffix(".").split()
    case.confirm_and_send(yes=True, accept_fee=enough)

    assert case.steps == ["shown", "shown", "sent"]


def test_a_person_who_saw_the_plan_agrees_to_the_fee_with_it():
    case, asker = Case(LATE), ScriptedAsker([True])

    case.confirm_and_send(asker)

    assert asker.questions == [("Cancel this booking, as shown?", "--yes --accept-fee")]
    assert case.steps == ["shown", "sent"]


def test_a_cap_holds_for_a_person_at_a_terminal_too():
    case, asker = Case(LATE), ScriptedAsker([True])

    with pytest.raises(FeeNotAccepted):
        case.confirm_and_send(asker, accept_fee="100")
    assert (case.steps, asker.questions) == (["shown"], [])


def test_an_accepted_fee_does_not_agree_to_the_rest():
    case, asker = Case(LATE), ScriptedAsker()

    with pytest.raises(ConfirmationNeeded):
        case.confirm_and_send(asker, accept_fee="310")
    assert (case.steps, asker.questions) == (
        ["shown"],
        [("Cancel this booking, as shown?", "--yes --accept-fee")],
    )


def test_where_nobody_can_be_asked_the_fee_is_named():
    with pytest.raises(FeeNotAccepted, match="up to NOK 310"):
        Case(LATE).confirm_and_send()


@pytest.mark.parametrize("charge", [None, LATE, UNKNOWN])
@pytest.mark.parametrize(
    "words", ["", "three hundred", "310 kr", "310,50", "-1", "NaN", "sNaN", "Infinity", "ANY"]
)
def test_what_is_no_amount_is_refused_before_anything_is_shown(charge, words):
    case = Case(charge)

    with pytest.raises(InvalidUsage) as wrong:
        case.confirm_and_send(ScriptedAsker([True]), yes=True, accept_fee=words)

    assert (wrong.value.message, wrong.value.hint, case.steps) == (
        f"--accept-fee '{words}' is not an amount.",
        "Write 310, or any.",
        [],
    )


def test_checking_a_fee_refuses_what_is_no_amount():
    with pytest.raises(InvalidUsage):
        check_fee(LATE, "much")


CHARGES = st.sampled_from([None, LATE, UNKNOWN])
CAPS = st.one_of(
    st.none(), st.just("any"), st.integers(-10, 1000).map(str), st.floats().map(str), st.text()
)


@given(
    charge=CHARGES,
    yes=st.booleans(),
    dry_run=st.booleans(),
    accepted=CAPS,
    answers=st.lists(st.booleans(), max_size=1),
)
def test_nothing_is_ever_sent_without_consent(charge, yes, dry_run, accepted, answers):
    case = Case(charge)
    try:
        case.confirm_and_send(
            ScriptedAsker(list(answers)), yes=yes, dry_run=dry_run, accept_fee=accepted
        )
    except GpcliError:
        assert "sent" not in case.steps
        return

    agreed = (yes and (charge is None or accepted is not None)) or answers == [True]
    assert case.steps == (["shown"] if dry_run else ["shown", "sent"])
    assert dry_run or agreed
    if charge and accepted not in {None, "any"} and not dry_run:
        assert charge.price is not None
        assert charge.price.high <= int(float(accepted))


def stages(send):
    """What is noted of a write that `send` carries out, and what it raises."""
    noted = []
    proposal = Proposal("Cancel this booking", (), "before", send)
    try:
        confirm_and_send(
            proposal, Agreement(yes=True), ScriptedAsker(), lambda _: None, noted.append
        )
    except BaseException as ending:
        return noted, type(ending)
    return noted, None


@pytest.mark.parametrize(
    ("written", "last"),
    [
        (WriteResult("after", changed=True), "sent"),
        (WriteResult("after", changed=False), "not sent"),
        (WriteResult("after", changed=True, here_only=True), "not sent"),
    ],
)
def test_each_stage_of_a_write_is_journaled(written, last):
    assert stages(lambda: written) == (["sending", last], None)


def raising(error):
    def send():
        raise error

    return send


@pytest.mark.parametrize(
    "error",
    [
        Rejected("No."),
        SlotTaken("Gone."),
        Unreachable("No network."),
        Expired("Over."),
        NotOffered("Not there."),
        TlsError("Expired."),
        InvalidUsage("Too long."),
    ],
)
def test_a_write_that_was_refused_or_never_left_is_journaled_as_not_sent(error):
    assert stages(raising(error)) == (["sending", "not sent"], type(error))


@pytest.mark.parametrize(
    "error",
    [
        OutcomeUnknown("No answer."),
        BadResponse("HTML."),
        Conflict("Two records."),
        KeyboardInterrupt(),
        BrokenPipeError(),
    ],
)
def test_a_write_that_may_have_been_done_stays_in_the_air(error):
    assert stages(raising(error)) == (["sending"], type(error))


@pytest.mark.parametrize("terms", [Agreement(), Agreement(dry_run=True)])
def test_what_is_not_agreed_to_is_at_no_stage(terms):
    noted, case = [], Case()
    asker = ScriptedAsker([False])
    with suppress(Declined):
        confirm_and_send(case.proposal, terms, asker, lambda _: None, noted.append)
    assert (noted, case.steps) == ([], [])
