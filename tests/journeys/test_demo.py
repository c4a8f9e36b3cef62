"""The demo: it plays the main job, and it fails when a step is not what it says."""

from __future__ import annotations

import io
from datetime import timedelta

import pytest

from gpcli.cli.demo import ACTS, Transcript
from gpcli.errors import Failure
from gpcli.sandbox.server import Sandbox
from tests.journeys.process import gpcli, surroundings
from tests.journeys.shell import SCREEN

pytestmark = pytest.mark.real

SIGN_IN, LOOK, BOOK, WRITE, RENEW, VACCINATE, NOTHING_DIGITAL = ACTS


def test_the_demo_plays_the_whole_job(tmp_path):
    ending = gpcli("demo", env=surroundings(tmp_path))
    assert (ending.code, ending.err) == (0, "")
    played = [line for line in ending.out.splitlines() if line.startswith("$ ")]
    assert [line.split()[2] for line in played] == [
        *("login", "services", "gp", "slots", "book", "appointments", "cancel"),
        *("econsult", "contact", "messages", "messages", "messages"),
        *("rx", "rx", "rx"),
        *("login", "services", "login", "flu"),
        *("login", "flu"),
    ]
    assert "Sent; the surgery has not confirmed it yet." in ending.out
    assert "It is cancelled." in ending.out
    assert ending.out.endswith("# That was the demo. Your own portal: gpcli login PORTAL-URL\n")
    assert list(tmp_path.iterdir()) == []


@pytest.fixture(scope="module")
def sandbox():
    with Sandbox(delay=timedelta(seconds=30), auto_sign_in=True) as running:
        yield running


@pytest.fixture
def stage(tmp_path):
    return Transcript(io.StringIO(), {"GPCLI_CONFIG_DIR": str(tmp_path)}, SCREEN)


def test_a_line_that_ends_otherwise_than_announced_fails(stage):
    with pytest.raises(Failure, match="'gpcli gp' ended with exit 4, not 0"):
        stage.play("gpcli gp")


def test_a_line_that_should_be_refused_and_is_not_fails(stage, sandbox):
    SIGN_IN(stage, sandbox)
    with pytest.raises(Failure, match="'gpcli gp' ended with exit 0, not 5"):
        stage.play("gpcli gp", exits=5)


def test_a_question_that_finds_no_answer_fails(stage):
    with pytest.raises(Failure, match="'gpcli services' failed"):
        stage.ask("gpcli services")


class Forger(Transcript):
    """A stage on which gpcli's answers have been tampered with."""

    def ask(self, line):
        answer = super().ask(line)
        return [{**one, "status": "pending"} for one in answer] if "list" in line else answer


def test_a_booking_that_the_surgery_never_confirms_fails(tmp_path, sandbox):
    stage = Forger(io.StringIO(), {"GPCLI_CONFIG_DIR": str(tmp_path)}, SCREEN)
    SIGN_IN(stage, sandbox)
    with pytest.raises(Failure, match="the surgery confirmed the booking is not so"):
        BOOK(stage, sandbox)


class Impostor(Transcript):
    """A stage on which somebody else is signed in."""

    def ask(self, line):
        return {"patient": {"id": "bo"}}


def test_somebody_else_signed_in_fails(tmp_path, sandbox):
    stage = Impostor(io.StringIO(), {"GPCLI_CONFIG_DIR": str(tmp_path)}, SCREEN)
    with pytest.raises(Failure, match="Ada is signed in is not so"):
        SIGN_IN(stage, sandbox)


def test_a_gp_who_offers_something_after_all_fails(stage, sandbox):
    stage.play(f"gpcli login {sandbox.fhir_base} --hint cecilie")
    with pytest.raises(Failure, match="Cecilie's GP offers nothing is not so"):
        NOTHING_DIGITAL(Generous(stage.stdout, stage.env, SCREEN), sandbox)


class Generous(Transcript):
    """A stage on which every GP offers everything."""

    def ask(self, line):
        return [{**row, "status": "offered"} for row in super().ask(line)]


class Forgetful(Transcript):
    """A stage on which the lists of one command stay as they were at first."""

    def ask(self, line):
        kept = self.__dict__.setdefault("kept", {})
        return kept.setdefault(line, super().ask(line))


@pytest.mark.parametrize(
    ("act", "what"),
    [(WRITE, "the answer is marked as read"), (RENEW, "the prescription is renewed")],
)
def test_what_changes_nothing_fails(tmp_path, sandbox, act, what):
    stage = Forgetful(io.StringIO(), {"GPCLI_CONFIG_DIR": str(tmp_path)}, SCREEN)
    sandbox.reset()
    SIGN_IN(stage, sandbox)
    stage.ask("gpcli rx list")
    with pytest.raises(Failure, match=f"{what} is not so"):
        act(stage, sandbox)


def test_a_child_who_is_offered_everything_fails(tmp_path, sandbox):
    stage = Generous(io.StringIO(), {"GPCLI_CONFIG_DIR": str(tmp_path)}, SCREEN)
    with pytest.raises(Failure, match="the child is offered fewer services is not so"):
        VACCINATE(stage, sandbox)
