"""The composition root: what belongs together."""

from dataclasses import replace
from io import StringIO
from pathlib import Path

import pytest

from gpcli.app_context import AppContext
from gpcli.care.confirmation import Outcome, Proposal
from gpcli.config.settings import Options
from gpcli.errors import ConfirmationNeeded, Declined, OutcomeUnknown, Rejected
from gpcli.http.deadline import Deadline
from gpcli.model.receipt import WriteResult
from gpcli.render.terminal import Terminal

AT_A_TERMINAL = Terminal(stdin_tty=True, stdout_tty=True, stderr_tty=True)
PORTAL = {"GPCLI_PORTAL": "http://127.0.0.1:9/fhir/R4", "GPCLI_ENVIRONMENT": "sandbox"}


def context(tmp_path, typed="", kind=AppContext, **keywords):
    env = PORTAL | {"GPCLI_CONFIG_DIR": str(tmp_path)}
    streams = StringIO(typed), StringIO(), StringIO()
    return kind(Options(timeout=30.0), env, *streams, terminal=AT_A_TERMINAL, **keywords)


def test_time_that_a_person_takes_to_answer_is_not_the_portal_s(tmp_path):
    ours = context(tmp_path, "y\n2\nwords\n")
    with ours.open_client(None) as first, ours.open_client(None) as second:
        deadlines = [first.deadline, second.deadline]
        before = [deadline.seconds_left() for deadline in deadlines]
        assert ours.ask.confirm("Send?", flag="--yes")
        after = [deadline.seconds_left() for deadline in deadlines]
    assert all(later > earlier for later, earlier in zip(after, before, strict=True))


@pytest.mark.parametrize(
    ("named", "place"),
    [
        ("ca.pem", "ca.pem"),
        ("certificates/ca.pem", "certificates/ca.pem"),
        ("~/ca.pem", "home/ca.pem"),
    ],
)
def test_a_file_that_a_profile_names_is_beside_the_profiles_or_at_home(
    tmp_path, monkeypatch, named, place
):
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("USERPROFILE", str(tmp_path / "home"))
    ours = context(tmp_path)
    assert ours.resolve_beside_config(named) == tmp_path / place
    assert ours.resolve_beside_config("/etc/ca.pem") == Path("/etc/ca.pem")


def test_a_deadline_begins_anew():
    clock = iter([0.0, 29.0, 30.0, 31.0])
    deadline = Deadline(30.0, clock=lambda: next(clock))
    assert deadline.seconds_left() == 1.0
    deadline.restart()
    assert deadline.seconds_left() == 29.0


def test_every_answer_is_told(tmp_path):
    told = []

    class Telling(AppContext):
        def restart_deadlines(self):
            told.append(True)

    ours = context(tmp_path, "y\n2\nwords\n", Telling)
    ours.ask.confirm("Send?", flag="--yes")
    ours.ask.choose("Which?", [("a", "A"), ("b", "B")], flag="ID")
    ours.ask.ask_text("What?", flag="--message")
    assert len(told) == 3


def test_a_request_id_that_is_a_uuid_is_the_identifier_itself(tmp_path):
    written = "7c8eb3d0-4747-4829-8450-b00ad6c4cc82"
    options = Options(request_id=written)
    ours = AppContext(options, PORTAL | {"GPCLI_CONFIG_DIR": str(tmp_path)}, *[StringIO()] * 3)
    assert str(ours.sending.intent("book")) == written


def test_questions_are_answered_at_the_terminal_once_standard_input_is_the_message(tmp_path):
    ours = context(tmp_path, "the message\n", terminal_device=lambda: StringIO("y\nno\n"))
    assert ours.claim_stdin().read() == "the message\n"
    assert ours.ask.confirm("Send?", flag="--yes")
    assert ours.claim_stdin() is ours.stdin
    assert not ours.ask.confirm("Send more?", flag="--yes")


def test_where_there_is_no_terminal_to_answer_at_nobody_is_asked(tmp_path):
    def none():
        raise OSError("No such device or address")

    ours = context(tmp_path, terminal_device=none)
    ours.claim_stdin()
    with pytest.raises(ConfirmationNeeded):
        ours.ask.confirm("Send?", flag="--yes")


def test_what_can_be_chosen_is_broken_between_words_at_the_terminal_s_width(tmp_path):
    env = PORTAL | {"GPCLI_CONFIG_DIR": str(tmp_path)}
    narrow, stderr = replace(AT_A_TERMINAL, width=24), StringIO()
    ours = AppContext(Options(), env, StringIO("1\n"), StringIO(), stderr, terminal=narrow)
    choices = [("a", "Parking at the surgery, open"), ("b", "B")]
    ours.ask.choose("Which?", choices, flag="ID")
    assert stderr.getvalue().splitlines()[:3] == [
        "Which?",
        "  1  Parking at the",
        "     surgery, open",
    ]


@pytest.mark.parametrize(
    ("options", "said"),
    [(Options(sends=True), "Nothing was sent."), (Options(), "Nothing was chosen.")],
)
def test_whoever_quits_is_told_what_was_not_done(tmp_path, options, said):
    env = PORTAL | {"GPCLI_CONFIG_DIR": str(tmp_path)}
    streams = StringIO("q\n"), StringIO(), StringIO()
    ours = AppContext(options, env, *streams, terminal=AT_A_TERMINAL)
    with pytest.raises(Declined) as declined:
        ours.ask.choose("Which?", [("a", "A"), ("b", "B")], flag="ID")
    assert declined.value.message == said


def a_step(*, changed):
    return Proposal("Send it", (), "preview", lambda: WriteResult("record", changed=changed))


@pytest.mark.parametrize(
    ("options", "decision", "under"),
    [
        (Options(yes=True, request_id="r-1"), a_step(changed=True), "r-1"),
        (Options(yes=True, request_id="r-1"), a_step(changed=False), None),
        (Options(yes=True, request_id="r-1", dry_run=True), a_step(changed=True), None),
        (Options(yes=True, request_id="r-1"), Outcome("record", changed=False), None),
    ],
)
def test_a_session_remembers_under_which_request_id_it_sent_something(
    tmp_path, options, decision, under
):
    ours = AppContext(options, PORTAL | {"GPCLI_CONFIG_DIR": str(tmp_path)}, *[StringIO()] * 3)
    before = ours.sending.sent_request_id
    ours.sending.confirm_and_send(decision)
    assert (before, ours.sending.sent_request_id) == (None, under)


def test_without_a_request_id_it_remembers_the_intent(tmp_path):
    options = Options(yes=True)
    ours = AppContext(options, PORTAL | {"GPCLI_CONFIG_DIR": str(tmp_path)}, *[StringIO()] * 3)
    intent = ours.sending.intent("contact")
    ours.sending.confirm_and_send(a_step(changed=True))
    assert ours.sending.sent_request_id == str(intent)


@pytest.mark.parametrize(
    ("error", "under"), [(OutcomeUnknown("Nobody knows."), "r-1"), (Rejected("No."), None)]
)
def test_a_session_remembers_what_may_have_been_sent(tmp_path, error, under):
    options = Options(yes=True, request_id="r-1")
    ours = AppContext(options, PORTAL | {"GPCLI_CONFIG_DIR": str(tmp_path)}, *[StringIO()] * 3)
    during = []

    def send():
        during.append(ours.sending.pending_request_id)
        raise error

    with pytest.raises(type(error)):
        ours.sending.confirm_and_send(Proposal("Send it", (), "preview", send))
    assert (during, ours.sending.pending_request_id, ours.sending.sent_request_id) == (
        ["r-1"],
        under,
        None,
    )


def test_what_was_sent_is_no_longer_on_its_way(tmp_path):
    options = Options(yes=True, request_id="r-1")
    ours = AppContext(options, PORTAL | {"GPCLI_CONFIG_DIR": str(tmp_path)}, *[StringIO()] * 3)
    ours.sending.confirm_and_send(a_step(changed=True))
    assert (ours.sending.pending_request_id, ours.sending.sent_request_id) == (None, "r-1")
