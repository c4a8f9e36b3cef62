from dataclasses import replace
from uuid import uuid5

import pytest

from gpcli.care.confirmation import Agreement, Outcome, confirm_and_send
from gpcli.care.read_status import ReadMarkResult, fetch_conversations, propose_read_marks
from gpcli.errors import NotFound, OutcomeUnknown, PortalError
from tests.care.builders import INTENT, ON_BEHALF, ScriptedAsker, offers
from tests.care.messages import (
    FakeMailbox,
    MailPortal,
    a_conversation,
    a_message,
    an_answer,
    mail_portal,
)

NOTHING = offers()
OPEN = a_conversation()
UNREAD = a_conversation(
    a_message(), an_answer("m-1"), an_answer("m-2"), an_answer("m-3", unread=False)
)
OTHER = a_conversation(an_answer("n-1"), id="thr-2", subject=None)
READ = a_conversation(an_answer("o-1", unread=False), id="thr-3")


def test_the_plan_of_marking_names_what_is_unread_in_each_thread():
    portal = mail_portal(NOTHING, parties=ON_BEHALF)
    decision = propose_read_marks(portal, [UNREAD, OTHER, READ], INTENT)
    assert (decision.action, decision.rows) == (
        "Mark as read",
        (
            ("Thread", "Rash (thr-1): 2 unread"),
            ("Message", "m-1 from Kari Berg, Mon 30 Nov 2026 10:00"),
            ("Message", "m-2 from Kari Berg, Mon 30 Nov 2026 10:00"),
            ("Thread", "thr-2: 1 unread"),
            ("Message", "n-1 from Kari Berg, Mon 30 Nov 2026 10:00"),
            ("For", "Ada Nordmann"),
            ("By", "Guro Holm"),
        ),
    )
    assert [each.id for each in decision.preview.messages] == ["m-1", "m-2", "n-1"]


def test_what_may_be_read_or_not_is_marked_as_well_and_not_called_unread():
    vague = a_conversation(an_answer("m-1"), an_answer("m-2", mine=None, unread=None))
    decision = propose_read_marks(mail_portal(NOTHING), [vague], INTENT)
    assert decision.rows[0] == ("Thread", "Rash (thr-1): 2 not known to be read")
    assert [each.id for each in decision.preview.messages] == ["m-1", "m-2"]


def test_each_unread_message_is_marked_once_with_an_intent_of_its_own():
    portal = mail_portal(NOTHING)
    decision = propose_read_marks(portal, [UNREAD, OTHER], INTENT)
    outcome = confirm_and_send(decision, Agreement(yes=True), ScriptedAsker(), lambda _: None)
    ids = ["m-1", "m-2", "n-1"]
    assert portal.sent == [("send_read_mark", each, uuid5(INTENT, each)) for each in ids]
    assert [(each.id, each.unread) for each in outcome.record.messages] == [
        (each, False) for each in ids
    ]


def test_nothing_unread_is_done_already():
    assert propose_read_marks(mail_portal(NOTHING), [READ], INTENT) == Outcome(
        ReadMarkResult(()), changed=False
    )


def test_what_is_marked_before_something_goes_wrong_is_told():
    error = PortalError("The portal failed.")
    portal = mail_portal(NOTHING, refusals={"m-2": error})
    decision = propose_read_marks(portal, [UNREAD, OTHER], INTENT)
    outcome = confirm_and_send(decision, Agreement(yes=True), ScriptedAsker(), lambda _: None)
    assert [each.id for each in outcome.record.messages] == ["m-1"]
    assert (outcome.record.error, outcome.changed) == (error, True)


def test_what_goes_wrong_with_the_first_is_raised():
    portal = mail_portal(NOTHING, refusals={"m-1": OutcomeUnknown("Nobody knows.")})
    decision = propose_read_marks(portal, [UNREAD], INTENT)
    with pytest.raises(OutcomeUnknown):
        confirm_and_send(decision, Agreement(yes=True), ScriptedAsker(), lambda _: None)


def test_threads_that_are_named_twice_are_read_once():
    portal = mail_portal(NOTHING, OPEN, OTHER)
    found = fetch_conversations(portal.mailbox, ["thr-2", "thr-1", "thr-2"])
    assert [one.thread.id for one in found] == ["thr-2", "thr-1"]


def unread_of(*ids):
    """What would be marked for these ids."""
    portal = mail_portal(NOTHING, UNREAD, OTHER)
    decision = propose_read_marks(portal, fetch_conversations(portal.mailbox, ids), INTENT)
    return [each.id for each in decision.preview.messages]


@pytest.mark.parametrize(
    ("ids", "marked"),
    [
        (["m-2"], ["m-2"]),
        (["m-2", "m-1"], ["m-1", "m-2"]),
        (["thr-1"], ["m-1", "m-2"]),
        (["m-2", "thr-1"], ["m-1", "m-2"]),
        (["thr-1", "m-2"], ["m-1", "m-2"]),
        (["m-1", "n-1"], ["m-1", "n-1"]),
    ],
)
def test_a_message_that_is_named_is_marked_alone_and_a_thread_whole(ids, marked):
    assert unread_of(*ids) == marked


def test_a_named_message_that_is_read_is_done_already_whatever_else_is_unread():
    portal = mail_portal(NOTHING, UNREAD)
    found = fetch_conversations(portal.mailbox, ["m-3"])
    assert propose_read_marks(portal, found, INTENT) == Outcome(ReadMarkResult(()), changed=False)


def test_what_is_not_there_is_not_found():
    with pytest.raises(NotFound):
        fetch_conversations(mail_portal(NOTHING, UNREAD).mailbox, ["thr-1", "nothing"])


def test_a_message_without_a_sender_or_a_time_is_named_by_its_id():
    bare = a_conversation(an_answer("m-1", sender=None))
    bare = a_conversation(*(replace(each, sent=None) for each in bare.messages))
    decision = propose_read_marks(mail_portal(NOTHING), [bare], INTENT)
    assert dict(decision.rows)["Message"] == "m-1"


class Forgetful(FakeMailbox):
    """A mailbox whose portal takes no note of what `forgotten` names."""

    forgotten = ()

    def send_read_mark(self, message, intent):
        written = super().send_read_mark(message, intent)
        return replace(written, here_only=message.id in self.forgotten)


@pytest.mark.parametrize(
    ("forgotten", "here_only"), [((), False), (("m-1",), False), (("m-1", "m-2"), True)]
)
def test_marks_that_no_portal_takes_are_known_to_be_on_this_machine_only(forgotten, here_only):
    mailbox = Forgetful(NOTHING)
    mailbox.forgotten = forgotten
    portal, noted = MailPortal(NOTHING, mailbox=mailbox), []
    decision = propose_read_marks(portal, [UNREAD], INTENT)
    outcome = confirm_and_send(
        decision, Agreement(yes=True), ScriptedAsker(), lambda _: None, noted.append
    )
    assert (outcome.changed, outcome.here_only) == (True, here_only)
    assert noted == ["sending", "not sent" if here_only else "sent"]
