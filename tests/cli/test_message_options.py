"""What is said after something was written: true words, and no promises."""

from io import StringIO
from types import SimpleNamespace

import pytest

from gpcli.care.confirmation import Outcome, Proposal
from gpcli.care.read_status import ReadMarkResult
from gpcli.cli.message_options import send_new_thread, show_read_mark_result, show_reply
from gpcli.cli.result_output import end_sentence
from gpcli.config.settings import Options
from gpcli.errors import OutcomeUnknown, Partial, PortalError
from gpcli.model.receipt import WriteResult
from gpcli.render.output import Format, Output
from gpcli.render.terminal import Terminal
from tests.care.builders import ALONE, INTENT, OSLO
from tests.care.messages import a_conversation, a_message, an_answer

SAYS = "Within five working days."


class FakeContext:
    """A session that carries out what it is given, and what it said."""

    def __init__(self):
        self.out, self.err = StringIO(), StringIO()
        self.output = Output(self.out, self.err, Terminal(False, False, False), format=Format.PLAIN)
        self.portal = SimpleNamespace(fetch_parties=lambda: ALONE)
        self.options = Options(request_id="r-1")
        self.zone = OSLO
        self.sending = SimpleNamespace(confirm_and_send=self._confirm_and_send)

    def _confirm_and_send(self, decision):
        if isinstance(decision, Outcome):
            return decision
        written = decision.send()
        return Outcome(written.record, written.changed)

    @property
    def said(self):
        return self.err.getvalue()

    @property
    def ids(self):
        return [line.split("\t")[0] for line in self.out.getvalue().splitlines()]


def proposal(conversation):
    return Proposal(
        "Write", (("Answer", SAYS),), conversation, lambda: WriteResult(conversation, changed=True)
    )


WAITING = a_conversation(a_message(), message_count=1, unread_count=0)
ADDED_TO = a_conversation(a_message(), a_message("msg-2"), unread_count=0)
UNSIGNED = a_conversation(a_message(), an_answer(mine=None, unread=None), unread_count=None)
BY_MACHINE = a_conversation(a_message(), an_answer(sender_type="Device"))
FOLLOW = "Follow it with gpcli messages show thr-1."


@pytest.mark.parametrize(
    ("decision", "words"),
    [
        (
            proposal(WAITING),
            f"Sent; the surgery has not answered yet. It says: {SAYS} {FOLLOW}",
        ),
        (proposal(a_conversation()), f"Sent; the surgery has answered. {FOLLOW}"),
        (
            Outcome(ADDED_TO, changed=False),
            f"It was sent before; nothing was sent now. The surgery has not answered yet. {FOLLOW}",
        ),
        (proposal(UNSIGNED), f"Sent. {FOLLOW}"),
        (
            Outcome(BY_MACHINE, changed=False),
            f"It was sent before; nothing was sent now. {FOLLOW}",
        ),
        (
            proposal(a_conversation(status="not-done", closed_because="Please call.")),
            f"The surgery has closed it: Please call. {FOLLOW}",
        ),
        (
            Outcome(WAITING, changed=False),
            f"It was sent before; nothing was sent now. The surgery has not answered yet. {FOLLOW}",
        ),
        (
            Outcome(a_conversation(status="completed"), changed=False),
            f"It was sent before; nothing was sent now. The surgery has closed it. {FOLLOW}",
        ),
        (
            Outcome(a_conversation(status="completed", closed_because="No can do "), changed=False),
            "It was sent before; nothing was sent now. The surgery has closed it: No can do. "
            f"{FOLLOW}",
        ),
        (
            Outcome(WAITING, changed=False, dry_run=True),
            "Nothing was sent: this was a dry run.",
        ),
    ],
)
def test_after_a_thread_is_started_what_is_true_is_said(decision, words):
    context = FakeContext()
    send_new_thread(context, decision, INTENT)
    assert context.said == f"{words}\n"


@pytest.mark.parametrize(
    ("outcome", "words"),
    [
        (Outcome(a_message(), changed=True), f"Sent. {FOLLOW}"),
        (Outcome(a_message(), changed=False), "It was sent before; nothing was sent now."),
        (
            Outcome(a_message(None), changed=False, dry_run=True),
            "Nothing was sent: this was a dry run.",
        ),
    ],
)
def test_after_a_reply_what_is_true_is_said(outcome, words):
    context = FakeContext()
    show_reply(context, outcome, INTENT)
    assert context.said == f"{words}\n"


READ = (an_answer("m-1", unread=False), an_answer("m-2", unread=False))


@pytest.mark.parametrize(
    ("outcome", "ids", "words"),
    [
        (
            Outcome(ReadMarkResult(READ), changed=True),
            ["m-1", "m-2"],
            "2 messages are marked as read.\n",
        ),
        (
            Outcome(ReadMarkResult(READ[:1]), changed=True),
            ["m-1"],
            "1 message is marked as read.\n",
        ),
        (Outcome(ReadMarkResult(()), changed=False), [], "Nothing is unread there.\n"),
        (
            Outcome(ReadMarkResult(READ), changed=False, dry_run=True),
            ["m-1", "m-2"],
            "Nothing was sent: this was a dry run.\n",
        ),
    ],
)
def test_after_marking_each_message_has_its_receipt(outcome, ids, words):
    context = FakeContext()
    show_read_mark_result(context, outcome, INTENT)
    assert (context.ids, context.said) == (ids, words)


@pytest.mark.parametrize(
    ("trouble", "error"),
    [(PortalError("It failed."), Partial), (OutcomeUnknown("Nobody knows."), OutcomeUnknown)],
)
def test_what_is_marked_is_shown_before_the_rest_is_told_to_have_failed(trouble, error):
    context = FakeContext()
    with pytest.raises(error) as raised:
        show_read_mark_result(context, Outcome(ReadMarkResult(READ, trouble), changed=True), INTENT)
    assert context.ids == ["m-1", "m-2"]
    assert trouble.message in raised.value.message


@pytest.mark.parametrize(
    ("words", "ended"),
    [
        ("No can do", "No can do."),
        ("Why? ", "Why?"),
        ("Call us!", "Call us!"),
        ("Wait…", "Wait…"),
        ("", "."),
    ],
)
def test_words_of_others_are_ended_before_ours_follow(words, ended):
    assert end_sentence(words) == ended


@pytest.mark.parametrize(
    ("read", "words"),
    [
        (READ[:1], "1 message is marked as read"),
        (READ, "2 messages are marked as read"),
    ],
)
def test_what_only_this_machine_remembers_is_said_to_be_so(read, words):
    context = FakeContext()
    show_read_mark_result(
        context, Outcome(ReadMarkResult(read), changed=True, here_only=True), INTENT
    )
    assert context.said == f"{words}, on this machine only: the portal takes no such note.\n"
