"""How often a portal is asked, and what is waited out."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta

import pytest

from gpcli.changes.polling import Poller, is_final, read_elapsed
from gpcli.errors import (
    BadResponse,
    ConfigError,
    ConsentNeeded,
    Expired,
    GpcliError,
    InvalidUsage,
    NotFound,
    NotOffered,
    OutcomeUnknown,
    PortalError,
    RateLimited,
    Rejected,
    TimedOut,
    TlsError,
    Unreachable,
)

MINUTE = timedelta(minutes=1)


@dataclass
class Clock:
    """Seconds that pass while somebody sleeps."""

    passed: float = 0.0
    naps: list[float] = field(default_factory=list)

    def sleep(self, seconds: float) -> None:
        self.naps.append(seconds)
        self.passed += seconds


@dataclass
class Asked:
    """What is asked: when, and what comes of it; `None` for all further questions."""

    clock: Clock
    answers: list[object]
    times: list[float] = field(default_factory=list)

    def __call__(self) -> object:
        self.times.append(self.clock.passed)
        answer = self.answers.pop(0) if self.answers else None
        if isinstance(answer, GpcliError):
            raise answer
        return answer


def a_poller(clock, limit=None, random=0.5, troubles=None):
    said = [] if troubles is None else troubles
    return Poller(MINUTE, limit, clock.sleep, said.append, lambda: clock.passed, lambda: random)


@pytest.fixture
def clock() -> Clock:
    return Clock()


def test_what_is_there_at_once_is_not_waited_for(clock):
    assert a_poller(clock).poll(Asked(clock, ["found"])) == "found"
    assert clock.naps == []


@pytest.mark.parametrize(("random", "pause"), [(0.0, 54.0), (0.5, 60.0), (1.0, 66.0)])
def test_a_pause_is_a_tenth_longer_or_shorter_so_that_not_all_ask_at_once(clock, random, pause):
    asked = Asked(clock, [None, "found"])
    assert a_poller(clock, random=random).poll(asked) == "found"
    assert asked.times == [0.0, pytest.approx(pause)]


def test_the_last_question_is_when_the_time_is_up(clock):
    asked = Asked(clock, [])
    assert a_poller(clock, timedelta(seconds=150)).poll(asked) is None
    assert asked.times == pytest.approx([0.0, 60.0, 120.0, 150.0])


def test_no_nap_is_longer_than_a_quarter_of_a_minute(clock):
    a_poller(clock, timedelta(minutes=5)).poll(Asked(clock, []))
    assert max(clock.naps) <= 15


def test_failures_in_a_row_are_asked_ever_less_often_up_to_ten_minutes(clock):
    asked = Asked(clock, [Unreachable("Away.")] * 8)
    a_poller(clock, timedelta(hours=2)).poll(asked)
    pauses = [later - earlier for earlier, later in zip(asked.times, asked.times[1:], strict=False)]
    assert pauses[:8] == pytest.approx([60, 120, 240, 480, 600, 600, 600, 600])
    assert pauses[8] == pytest.approx(60)


def test_a_portal_that_asks_to_wait_is_obeyed(clock):
    asked = Asked(clock, [RateLimited("Slow down.", retry_after=900.0), "found"])
    a_poller(clock).poll(asked)
    assert asked.times == [0.0, 900.0]


def test_trouble_is_told_when_it_begins_and_when_it_ends(clock):
    troubles: list[GpcliError | None] = []
    first = Unreachable("Away.")
    asked = Asked(clock, [None, first, PortalError("Down."), None, "found"])
    a_poller(clock, troubles=troubles).poll(asked)
    assert troubles == [first, None]


@pytest.mark.parametrize(
    ("error", "final"),
    [
        (Unreachable("x"), False),
        (TimedOut("x"), False),
        (RateLimited("x"), False),
        (PortalError("x"), False),
        (BadResponse("x"), False),
        (TlsError("x"), False),
        (Expired("x"), True),
        (NotOffered("x"), True),
        (ConsentNeeded("x"), True),
        (ConfigError("x"), True),
        (InvalidUsage("x"), True),
        (NotFound("x"), True),
        (Rejected("x"), True),
        (OutcomeUnknown("x"), True),
    ],
)
def test_what_waiting_does_not_mend_is_raised_at_once(clock, error, final):
    assert is_final(error) is final
    asked = Asked(clock, [error, "found"])
    if final:
        with pytest.raises(type(error)):
            a_poller(clock).poll(asked)
    else:
        assert a_poller(clock).poll(asked) == "found"


def test_a_status_404_alone_may_be_a_restart():
    error = NotFound("x")
    error.http_status = 404
    assert not is_final(error)


def test_a_computer_that_slept_asks_at_its_next_nap(clock):
    asked = Asked(clock, [None, "found"])

    def sleep(seconds: float) -> None:
        clock.sleep(seconds)
        if len(clock.naps) == 2:
            clock.passed += 8 * 3600

    poller = Poller(MINUTE, None, sleep, lambda error: None, lambda: clock.passed, lambda: 0.5)
    assert poller.poll(asked) == "found"
    assert len(clock.naps) == 2


def test_the_clock_of_waiting_only_grows():
    first = read_elapsed()
    assert read_elapsed() >= first
