"""Check the times that the portal is given: one rule for Python, HTTP and the command line.

Standard library only, as for `control`.
"""

from datetime import UTC, datetime, timedelta

CLOCK_YEARS = range(1970, 9000)
"""The years to which the clock can be set, so that lifetimes still end on the calendar."""
MAX_DELAY = timedelta(days=99_999)
"""The longest delay of the surgery's answers, for the same reason."""


class InvalidTime(ValueError):
    """The clock or the delay can't be set so; the message says what can be."""


def check_instant(instant: datetime) -> datetime:
    """Return a time for the portal's clock.

    Raises:
        InvalidTime: It has no time zone, or its year is outside of CLOCK_YEARS.
        TypeError: It is no datetime.
    """
    if not isinstance(instant, datetime):
        raise TypeError(f"the clock is set to a datetime, not to {instant!r}")
    if instant.utcoffset() is None:
        raise InvalidTime(f"{instant.isoformat()} is a time without a zone")
    is_near = CLOCK_YEARS[0] - 1 <= instant.year <= CLOCK_YEARS[-1] + 1
    if not is_near or instant.astimezone(UTC).year not in CLOCK_YEARS:
        raise InvalidTime(_word_range(f"the year {instant.year}"))
    return instant


def check_step(step: timedelta) -> timedelta:
    """Return a length of time; raise TypeError if it is no timedelta."""
    if not isinstance(step, timedelta):
        raise TypeError(f"a length of time is a timedelta, not {step!r}")
    return step


def add_step(now: datetime, step: timedelta) -> datetime:
    """Return the time for the portal's clock that is `step` from `now`.

    Raises:
        InvalidTime: Its year is outside of CLOCK_YEARS.
        TypeError: The step is no timedelta.
    """
    try:
        return check_instant(now + check_step(step))
    except OverflowError:
        raise InvalidTime(_word_range("a time that is on no calendar")) from None


def check_delay(delay: timedelta) -> timedelta:
    """Return a delay of the surgery's answers.

    Raises:
        InvalidTime: It is negative, or longer than MAX_DELAY.
        TypeError: It is no timedelta.
    """
    if not timedelta() <= check_step(delay) <= MAX_DELAY:
        raise InvalidTime(f"a delay can't be negative, or over {MAX_DELAY.days:,} days")
    return delay


def _word_range(other: str) -> str:
    first, last = CLOCK_YEARS[0], CLOCK_YEARS[-1]
    return f"the portal's clock goes from the year {first} to {last}, not to {other}"
