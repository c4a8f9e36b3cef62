"""What a person is told when they join a consultation: when its link opens, or who calls."""

from __future__ import annotations

from datetime import timedelta

from gpcli.model.appointment import Call, Joining
from gpcli.render.times import TimeFormat

_MINUTE, _HOUR, _DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


def describe_joining(joining: Joining, time_format: TimeFormat) -> str | None:
    """Return what is to be said instead of opening a link; `None` = it can be opened."""
    if joining.call is not None:
        return _describe_call(joining, joining.call, time_format)
    if joining.opens is None or joining.opens <= time_format.now:
        return None
    opens = time_format.time(joining.opens, joining.appointment.zone)
    wait = format_wait(joining.opens - time_format.now)
    return f"It is early: join opens the link from {opens}, {wait}; --browser CMD opens it now."


def format_wait(wait: timedelta) -> str:
    """Format how long it is until something: `in 3 h 12 min`, `in 33 h`, `in 2 days`.

    Begun minutes count.
    """
    if wait >= 2 * _DAY:
        return f"in {wait // _DAY} days"
    if wait >= _DAY:
        return f"in {wait // _HOUR} h"
    hours, rest = divmod(-(-wait // _MINUTE), 60)
    parts = (f"{hours} h" if hours else "", f"{rest} min" if rest or not hours else "")
    return f"in {' '.join(filter(None, parts))}"


def _describe_call(joining: Joining, call: Call, time_format: TimeFormat) -> str:
    appointment = joining.appointment
    when = time_format.period(appointment.start, appointment.end, appointment.zone)
    sentences = (
        f"It is by phone{f': {when}' if when else ''}.",
        _describe_phones(call.phones),
        f"The surgery says: {' '.join(call.words)}" if call.words else _NOT_TOLD,
    )
    return " ".join(filter(None, sentences))


_NOT_TOLD = "The portal does not say who calls whom."


def _describe_phones(phones: tuple[str, ...] | None) -> str:
    if phones is None:
        return ""
    if not phones:
        return "The portal gives no number to call: tell the surgery one."
    others = f" (and {len(phones) - 1} more)" if len(phones) > 1 else ""
    return f"The number that the portal has: {phones[0]}{others}."
