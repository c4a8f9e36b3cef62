"""The demo: it plays the main job, and it fails when a step is not what it says."""

from __future__ import annotations

import io
from datetime import timedelta

import pytest

from gpcli.cli.demo import STEPS, Transcript
from gpcli.errors import Failure
from gpcli.sandbox.server import Sandbox
from tests.journeys.process import gpcli, minimal_env
from tests.journeys.shell import SCREEN

pytestmark = pytest.mark.real

SIGN_IN, LOOK, BOOK, WRITE, RENEW, VACCINATE, NOTHING_DIGITAL = STEPS


def test_the_demo_plays_the_whole_job(tmp_path):
    ending = gpcli("demo", env=minimal_env(tmp_path))
    assert (ending.code, ending.err) == (0, "")
    played = [line for line in ending.out.splitlines() if line.startswith("$ ")]
    assert [line.split()[2] for line in played] == [
        *("login", "services", "gp", "slots", "book", "appointments", "cancel"),
        *("econsult", "contact", "messages", "messages", "messages"),
        *("rx", "rx", "rx"),
        *("login", "services", "login", "flu"),
        *("login", "flu"),
    ]
    assert "The surgery has not confirmed it yet: gpcli appointments show " in ending.out
    assert "Cancelled: " in ending.out
    assert ending.out.endswith("# That was the demo. Your own portal: gpcli login PORTAL-URL\n")
    assert list(tmp_path.iterdir()) == []


@pytest.fixture(scope="module")
def sandbox():
    with Sandbox(delay=timedelta(seconds=30), auto_sign_in=True) as running:
        yield running


@pytest.fixture
def transcript(tmp_path):
    return Transcript(io.StringIO(), {"GPCLI_CONFIG_DIR": str(tmp_path)}, SCREEN)


def test_a_line_that_ends_otherwise_than_announced_fails(transcript):
    with pytest.raises(Failure, match="'gpcli gp' ended with exit 4, not 0"):
        transcript.run_shown("gpcli gp")


def test_a_line_that_should_be_refused_and_is_not_fails(transcript, sandbox):
    SIGN_IN(transcript, sandbox)
    with pytest.raises(Failure, match="'gpcli gp' ended with exit 0, not 5"):
        transcript.run_shown("gpcli gp", exits=5)


def test_a_question_that_finds_no_answer_fails(transcript):
    with pytest.raises(Failure, match="'gpcli services' failed"):
        transcript.run_for_json("gpcli services")


class Interrupted(io.StringIO):
    """Standard output at which the person presses Ctrl-C as soon as the answer begins."""

    def write(self, text):
        if "ada" in text:
            raise KeyboardInterrupt
        return super().write(text)


def test_ctrl_c_is_no_step_that_failed(tmp_path):
    transcript = Transcript(Interrupted(), {"GPCLI_CONFIG_DIR": str(tmp_path)}, SCREEN)
    with pytest.raises(KeyboardInterrupt):
        transcript.run_shown("gpcli sandbox people")


class Forger(Transcript):
    """A transcript in which gpcli's answers have been tampered with."""

    def run_for_json(self, line):
        answer = super().run_for_json(line)
        return [{**one, "status": "pending"} for one in answer] if "list" in line else answer


def test_a_booking_that_the_surgery_never_confirms_fails(tmp_path, sandbox):
    transcript = Forger(io.StringIO(), {"GPCLI_CONFIG_DIR": str(tmp_path)}, SCREEN)
    SIGN_IN(transcript, sandbox)
    with pytest.raises(Failure, match="the surgery confirmed the booking is not so"):
        BOOK(transcript, sandbox)


class Impostor(Transcript):
    """A transcript in which somebody else is signed in."""

    def run_for_json(self, line):
        return {"patient": {"id": "bo"}}


def test_somebody_else_signed_in_fails(tmp_path, sandbox):
    transcript = Impostor(io.StringIO(), {"GPCLI_CONFIG_DIR": str(tmp_path)}, SCREEN)
    with pytest.raises(Failure, match="Ada is signed in is not so"):
        SIGN_IN(transcript, sandbox)


def test_a_gp_who_offers_something_after_all_fails(transcript, sandbox):
    transcript.run_shown(f"gpcli login {sandbox.fhir_base} --hint cecilie")
    with pytest.raises(Failure, match="Cecilie's GP offers nothing is not so"):
        NOTHING_DIGITAL(Generous(transcript.stdout, transcript.env, SCREEN), sandbox)


class Generous(Transcript):
    """A transcript in which every GP offers everything."""

    def run_for_json(self, line):
        return [{**row, "status": "offered"} for row in super().run_for_json(line)]


class Forgetful(Transcript):
    """A transcript in which the lists of one command stay as they were at first."""

    def run_for_json(self, line):
        kept = self.__dict__.setdefault("kept", {})
        return kept.setdefault(line, super().run_for_json(line))


@pytest.mark.parametrize(
    ("step", "what"),
    [(WRITE, "the answer is marked as read"), (RENEW, "the prescription is renewed")],
)
def test_what_changes_nothing_fails(tmp_path, sandbox, step, what):
    transcript = Forgetful(io.StringIO(), {"GPCLI_CONFIG_DIR": str(tmp_path)}, SCREEN)
    sandbox.reset()
    SIGN_IN(transcript, sandbox)
    transcript.run_for_json("gpcli rx list")
    with pytest.raises(Failure, match=f"{what} is not so"):
        step(transcript, sandbox)


def test_a_child_who_is_offered_everything_fails(tmp_path, sandbox):
    transcript = Generous(io.StringIO(), {"GPCLI_CONFIG_DIR": str(tmp_path)}, SCREEN)
    with pytest.raises(Failure, match="the child is offered fewer services is not so"):
        VACCINATE(transcript, sandbox)
