"""What a person wrote is not lost, and nothing of it stays where it was sent."""

import os
import signal
import stat
from io import StringIO

import pytest

from gpcli.app_context import AppContext
from gpcli.cli.message_drafts import DraftText, get_drafts_dir, store_unless_sent
from gpcli.config.settings import Options
from gpcli.errors import ConfigError, Declined, OutcomeUnknown
from gpcli.render.terminal import Terminal

SCREEN = Terminal(stdin_tty=True, stdout_tty=True, stderr_tty=True, width=500)


class Ended(BaseException):
    """What SIGTERM is made into."""


@pytest.fixture
def context(tmp_path):
    def make(stderr=None, **options):
        env = {"GPCLI_CONFIG_DIR": str(tmp_path / "a place")}
        streams = StringIO(), StringIO(), stderr or StringIO()
        return AppContext(Options(**options), env, *streams, terminal=SCREEN)

    return make


def kept(context):
    """What the drafts hold."""
    place = get_drafts_dir(context)
    return [each.read_bytes() for each in sorted(place.iterdir())] if place.exists() else []


@pytest.mark.parametrize("ending", [Declined("No."), OSError("no"), KeyboardInterrupt(), Ended()])
def test_what_is_not_sent_is_kept_privately_and_the_file_named(context, ending):
    ours = context()
    with pytest.raises(type(ending)), store_unless_sent(ours, DraftText(b"\nIt itches.\n\n"), None):
        raise ending
    [draft] = get_drafts_dir(ours).iterdir()
    assert draft.read_bytes() == b"It itches.\n"
    modes = [stat.S_IMODE(each.stat().st_mode) for each in (draft, draft.parent)]
    assert modes == [0o600, 0o700]
    assert ours.stderr.getvalue() == f"Your text is kept: --message-file '{draft}' sends it.\n"


def test_bytes_that_are_no_text_are_kept_as_they_are(context):
    ours = context()
    with pytest.raises(Declined), store_unless_sent(ours, DraftText(b"caf\xe9"), None):
        raise Declined("No.")
    assert kept(ours) == [b"caf\xe9\n"]


def test_a_rehearsal_keeps_the_text(context):
    ours = context(dry_run=True)
    with store_unless_sent(ours, DraftText(b"Hei"), None):
        pass
    assert kept(ours) == [b"Hei\n"]


@pytest.mark.parametrize("content", [b"", b" \n\t"])
def test_nothing_written_is_nothing_kept(context, content):
    ours = context()
    with pytest.raises(Declined), store_unless_sent(ours, DraftText(content), None):
        raise Declined("No.")
    assert (kept(ours), ours.stderr.getvalue()) == ([], "")


def test_what_is_sent_is_not_kept_even_if_the_answer_can_not_be_shown(context):
    ours = context()
    with store_unless_sent(ours, DraftText(b"Hei"), None):
        pass
    ours.sending.sent_request_id = "r-1"
    with pytest.raises(BrokenPipeError), store_unless_sent(ours, DraftText(b"Hei"), None):
        raise BrokenPipeError
    assert kept(ours) == []


def test_a_draft_is_gone_once_it_is_sent_but_no_other_file(context, tmp_path):
    ours = context()
    with pytest.raises(Declined), store_unless_sent(ours, DraftText(b"Hei"), None):
        raise Declined("No.")
    [draft] = get_drafts_dir(ours).iterdir()
    other = tmp_path / "mine.txt"
    other.write_text("Hei")
    for file in (str(other), "-", "no/such/file"):
        with store_unless_sent(ours, DraftText(), file):
            pass
    with pytest.raises(Declined), store_unless_sent(ours, DraftText(), str(draft)):
        raise Declined("No.")
    assert (draft.exists(), other.exists()) == (True, True)
    with store_unless_sent(ours, DraftText(), str(draft)):
        pass
    assert (draft.exists(), other.exists()) == (False, True)


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such modes and links")
def test_where_drafts_would_be_somebody_elses_nobody_is_let_write_one(context, tmp_path):
    ours = context()
    place = get_drafts_dir(ours)
    place.parent.mkdir(parents=True)
    place.symlink_to(tmp_path)
    with (
        pytest.raises(ConfigError, match="drafts is a symbolic link"),
        store_unless_sent(ours, DraftText(b"Hei"), None),
    ):
        pytest.fail("they write")
    assert [each for each in tmp_path.iterdir() if each.is_file()] == []


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such modes and links")
def test_drafts_that_others_could_read_are_theirs_no_more(context):
    ours = context()
    place = get_drafts_dir(ours)
    place.mkdir(parents=True)
    for each in (place, place.parent):
        each.chmod(0o777)
    with pytest.raises(Declined), store_unless_sent(ours, DraftText(b"Hei"), None):
        raise Declined("No.")
    assert [stat.S_IMODE(each.stat().st_mode) for each in (place, place.parent)] == [0o700] * 2


def test_what_can_not_be_kept_is_said_and_the_reason_for_the_end_stays(context, tmp_path):
    (tmp_path / "a place").write_text("in the way")
    ours = context()
    with pytest.raises(Declined), store_unless_sent(ours, DraftText(b"Hei"), None):
        raise Declined("No.")
    assert ours.stderr.getvalue().startswith("warning: Your text can't be kept: ")


class Gone(StringIO):
    """A terminal that nobody is at any more."""

    def write(self, text):
        raise OSError(5, "Input/output error")


def test_with_nobody_left_to_tell_the_text_is_kept_all_the_same(context):
    ours = context(Gone())
    with pytest.raises(Declined), store_unless_sent(ours, DraftText(b"Hei"), None):
        raise Declined("No.")
    assert kept(ours) == [b"Hei\n"]


@pytest.fixture
def ended_by_sigterm():
    """SIGTERM raises, as it does in the program."""

    def end(number, frame):
        raise Ended

    former = signal.signal(signal.SIGTERM, end)
    yield
    signal.signal(signal.SIGTERM, former)


@pytest.mark.usefixtures("ended_by_sigterm")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_being_ended_or_hung_up_on_keeps_the_text(context, number):
    ours = context()
    with pytest.raises(Ended), store_unless_sent(ours, DraftText(b"Hei"), None):
        os.kill(os.getpid(), number)
    assert kept(ours) == [b"Hei\n"]
    assert signal.getsignal(signal.SIGHUP) is signal.SIG_DFL


@pytest.mark.usefixtures("ended_by_sigterm")
def test_who_has_hanging_up_ignored_is_not_ended_by_it(context):
    former = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with store_unless_sent(context(), DraftText(b"Hei"), None):
            os.kill(os.getpid(), signal.SIGHUP)
        assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, former)


def test_what_may_have_been_sent_is_kept_with_the_request_id_that_goes_on_with_it(context):
    ours = context()
    ours.sending.pending_request_id = "my ramp"
    with pytest.raises(OutcomeUnknown), store_unless_sent(ours, DraftText(b"Hei"), None):
        raise OutcomeUnknown("Nobody knows.")
    [draft] = get_drafts_dir(ours).iterdir()
    assert draft.read_bytes() == b"Hei\n"
    assert ours.stderr.getvalue() == (
        "Your text is kept. It may have been sent: gpcli messages list shows it. "
        f"To go on with it: --message-file '{draft}' --request-id 'my ramp'\n"
    )
