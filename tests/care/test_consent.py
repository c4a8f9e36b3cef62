from uuid import uuid5

import pytest

from gpcli.care.confirmation import Agreement, Outcome, confirm_and_send
from gpcli.care.consent import propose_consent_grant, propose_consent_withdrawal
from gpcli.errors import ConfirmationNeeded, Declined, InputNeeded, NotPermitted
from gpcli.model.service import Consent
from tests.care.builders import INTENT, ON_BEHALF, FakePortal, ScriptedAsker, a_consent, offers

FULL = a_consent()
PLUS = a_consent("basic-plus", "con-2")
BASIC = a_consent("basic", "con-3")
OTHER = a_consent("research-registry", "con-4")


def portal_with(*given, **changes):
    return FakePortal(offers(), consents=given, **changes)


def agreed(decision):
    return confirm_and_send(
        decision, Agreement(yes=True, word="withdraw"), ScriptedAsker(), lambda _: None
    )


def test_granting_says_what_it_means_and_how_it_ends():
    decision = propose_consent_grant(portal_with(BASIC), INTENT)

    assert (decision.action, decision.rows, decision.preview) == (
        "Consent to Full Access",
        (
            ("For", "Ada Nordmann"),
            ("Means", "the portal may store and show your bookings, messages and prescriptions"),
            ("Ends", "when you withdraw it: gpcli consent withdraw"),
        ),
        Consent("", "full-access", "proposed", None),
    )


def test_granting_is_sent_once():
    portal = portal_with(PLUS)

    assert agreed(propose_consent_grant(portal, INTENT)) == Outcome(FULL, changed=True)
    assert portal.sent == [("send_consent_grant", INTENT)]


def test_granting_what_is_granted_changes_nothing():
    portal = portal_with(BASIC, FULL)

    assert propose_consent_grant(portal, INTENT) == Outcome(FULL, changed=False)
    assert portal.sent == []


def test_withdrawing_warns_of_what_it_deletes():
    decision = propose_consent_withdrawal(portal_with(FULL, PLUS, BASIC), INTENT)

    assert (decision.action, decision.rows, decision.warnings) == (
        "Withdraw consent",
        (("For", "Ada Nordmann"), ("Consents", "full-access, basic-plus")),
        ("The portal deletes what it has stored for you. This can't be undone.",),
    )


def test_withdrawing_ends_every_consent_above_basic_each_as_a_write_of_its_own():
    portal = portal_with(FULL, PLUS, BASIC, OTHER)

    outcome = agreed(propose_consent_withdrawal(portal, INTENT))

    assert portal.sent == [
        ("send_consent_withdrawal", "con-1", uuid5(INTENT, "con-1")),
        ("send_consent_withdrawal", "con-2", uuid5(INTENT, "con-2")),
    ]
    assert (outcome.record.id, outcome.record.status, outcome.changed) == (
        "con-2",
        "inactive",
        True,
    )


def test_withdrawing_changed_something_when_any_of_the_consents_did():
    class Half(FakePortal):
        def send_consent_withdrawal(self, consent, intent):
            self.unchanged = consent.id == "con-2"
            return super().send_consent_withdrawal(consent, intent)

    outcome = agreed(propose_consent_withdrawal(Half(offers(), consents=(FULL, PLUS)), INTENT))

    assert outcome.changed


@pytest.mark.parametrize("given", [(), (BASIC,), (OTHER,)])
def test_withdrawing_what_was_never_given_changes_nothing(given):
    portal = portal_with(*given)

    assert propose_consent_withdrawal(portal, INTENT) == Outcome(
        Consent("", "basic", "active", None), changed=False
    )
    assert portal.sent == []


@pytest.mark.parametrize("propose", [propose_consent_grant, propose_consent_withdrawal])
def test_who_acts_for_somebody_can_not_change_their_consent(propose):
    portal = portal_with(FULL, parties=ON_BEHALF)

    with pytest.raises(NotPermitted) as refused:
        propose(portal, INTENT)

    assert refused.value.message == (
        "Only Ada Nordmann can change this consent; Guro Holm acts on their behalf."
    )
    assert portal.calls == []


def withdraw(asker=None, portal=None, **terms):
    portal = portal or portal_with(FULL)
    decision = propose_consent_withdrawal(portal, INTENT)
    return confirm_and_send(
        decision, Agreement(**terms), asker or ScriptedAsker(), lambda _: None
    ), portal


def test_the_word_may_come_with_the_command():
    asker = ScriptedAsker()

    outcome, portal = withdraw(asker, word="withdraw")

    assert (outcome.changed, asker.questions, len(portal.sent)) == (True, [], 1)


def test_the_word_is_asked_for_at_a_terminal_after_the_plan():
    asker = ScriptedAsker(["withdraw"])
    shown = []

    decision = propose_consent_withdrawal(portal_with(FULL), INTENT)
    confirm_and_send(decision, Agreement(), asker, lambda plan: shown.append(len(asker.questions)))

    assert shown == [0]
    assert asker.questions == [("Type 'withdraw' to go on", "--confirm")]


@pytest.mark.parametrize("word", ["yes", "Withdraw", "withdraw ", "y"])
@pytest.mark.parametrize("yes", [True, False])
def test_another_word_is_a_no_and_yes_does_not_replace_it(word, yes):
    portal = portal_with(FULL)
    with pytest.raises(Declined, match="Nothing was sent"):
        withdraw(portal=portal, word=word, yes=yes)
    with pytest.raises(Declined, match="Nothing was sent"):
        withdraw(ScriptedAsker([word]), portal, yes=yes)
    assert portal.sent == []


@pytest.mark.parametrize("yes", [True, False])
def test_without_the_word_and_nobody_to_ask_the_flag_is_named(yes):
    portal = portal_with(FULL)
    with pytest.raises(ConfirmationNeeded) as needed:
        withdraw(portal=portal, yes=yes)

    assert (needed.value.hint, portal.sent) == ("Confirm with --confirm withdraw.", [])


def test_an_empty_word_and_nobody_to_ask_is_missing_input():
    with pytest.raises(InputNeeded):
        withdraw(word="")


def test_a_rehearsal_needs_no_word():
    outcome, portal = withdraw(dry_run=True)

    assert (outcome.dry_run, portal.sent) == (True, [])


def test_what_is_withdrawn_already_needs_no_word():
    outcome, _ = withdraw(portal=portal_with())

    assert not outcome.changed


@pytest.mark.parametrize("propose", [propose_consent_grant, propose_consent_withdrawal])
def test_where_the_portal_does_not_use_our_levels_no_consent_is_changed(propose):
    portal = FakePortal(offers(), consents=(OTHER,), uses_consent_levels=False)

    with pytest.raises(NotPermitted, match="does not use gpcli's levels of consent"):
        propose(portal, INTENT)


def test_where_consent_can_not_be_recorded_none_is_given():
    portal = FakePortal(offers(), can_grant=False)

    with pytest.raises(NotPermitted, match="does not let its clients record consent"):
        propose_consent_grant(portal, INTENT)
