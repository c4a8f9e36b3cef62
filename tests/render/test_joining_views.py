"""What is said instead of opening a link."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from gpcli.model.appointment import Call, Joining
from gpcli.render.times import TimeFormat
from gpcli.render.views.joining_views import describe_joining, format_wait
from tests.care.builders import OSLO, an_appointment, at

OPENS = at("2026-12-03 08:10")
VIDEO = Joining(an_appointment("con-1"), "https://video.example/room", OPENS, None)
CALL = replace(VIDEO, link=None, opens=None, call=Call((), ()))


def said(joining: Joining, written: str = "2026-12-03 05:00") -> str | None:
    return describe_joining(joining, TimeFormat(at(written), OSLO))


@pytest.mark.parametrize(
    ("now", "words"),
    [
        ("2026-12-03 05:00", "today, Thu 3 Dec 08:10, in 3 h 10 min"),
        ("2026-12-03 08:09:59", "today, Thu 3 Dec 08:10, in 1 min"),
        ("2026-12-01 08:00", "Thu 3 Dec 08:10, in 2 days"),
    ],
)
def test_before_its_time_it_is_said_when_the_link_is_opened(now, words):
    assert said(VIDEO, now) == (
        f"It is early: join opens the link from {words}; --browser CMD opens it now."
    )


@pytest.mark.parametrize("joining", [VIDEO, replace(VIDEO, opens=None)])
def test_in_time_there_is_nothing_to_say(joining):
    assert said(joining, "2026-12-03 08:10") is None


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (
            Call(("+47 1",), ("The doctor calls you.",)),
            "The number that the portal has: +47 1. The surgery says: The doctor calls you.",
        ),
        (
            Call(("+47 1", "+47 2", "+47 3"), ("At Berg: yes.", "At Dahl: no.")),
            "The number that the portal has: +47 1 (and 2 more). "
            "The surgery says: At Berg: yes. At Dahl: no.",
        ),
        (
            Call((), ()),
            "The portal gives no number to call: tell the surgery one. "
            "The portal does not say who calls whom.",
        ),
        (Call(None, ()), "The portal does not say who calls whom."),
    ],
)
def test_of_a_call_it_is_said_when_it_is_and_what_the_portal_tells(call, words):
    assert said(replace(CALL, call=call)) == (
        f"It is by phone: today, Thu 3 Dec 08:20\N{EN DASH}08:40. {words}"
    )


def test_of_a_call_without_a_time_none_is_said():
    untimed = replace(CALL, appointment=replace(CALL.appointment, start=None, end=None))
    assert said(untimed).startswith("It is by phone. ")


@pytest.mark.parametrize(
    ("wait", "words"),
    [
        (timedelta(seconds=1), "in 1 min"),
        (timedelta(minutes=59, seconds=1), "in 1 h"),
        (timedelta(hours=3, minutes=12), "in 3 h 12 min"),
        (timedelta(hours=23, minutes=59), "in 23 h 59 min"),
        (timedelta(hours=24), "in 24 h"),
        (timedelta(hours=47, minutes=59), "in 47 h"),
        (timedelta(hours=48), "in 2 days"),
        (timedelta(days=9, hours=23), "in 9 days"),
    ],
)
def test_a_wait_is_said_in_the_units_that_matter(wait, words):
    assert format_wait(wait) == words
