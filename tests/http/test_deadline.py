import pytest

from gpcli.errors import TimedOut
from gpcli.http.deadline import Deadline


class _Clock:
    at = 100.0

    def __call__(self) -> float:
        return self.at


def test_the_time_that_is_left_shrinks_with_the_clock():
    clock = _Clock()
    deadline = Deadline(30, clock)
    clock.at += 12.5
    assert (deadline.seconds, deadline.seconds_left(), deadline.require_seconds_left()) == (
        30,
        17.5,
        17.5,
    )


def test_a_deadline_that_is_over_raises_timed_out_with_its_length_and_the_option():
    clock = _Clock()
    deadline = Deadline(2.5, clock)
    clock.at += 2.5
    with pytest.raises(TimedOut) as raised:
        deadline.require_seconds_left()
    assert (raised.value.message, raised.value.hint) == (
        "The time limit of 2.5 s is up.",
        "--timeout SECONDS raises the limit.",
    )


def test_left_goes_below_zero_instead_of_raising():
    clock = _Clock()
    deadline = Deadline(1, clock)
    clock.at += 3
    assert deadline.seconds_left() == -2


def test_a_restarted_deadline_has_its_full_time_again():
    clock = _Clock()
    deadline = Deadline(10, clock)
    clock.at += 500
    deadline.restart()
    assert deadline.require_seconds_left() == 10
