"""The portal's clock, which tests and `sandbox advance` can move."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

ZONE = ZoneInfo("Europe/Oslo")
"""The surgeries' time zone."""


class Clock:
    """Real time plus an offset: it always ticks, and moves only forward or to a set time."""

    def __init__(self, start: datetime | None = None) -> None:
        self._offset = timedelta()
        if start is not None:
            self.set(start)

    def now(self) -> datetime:
        """The portal's present, in UTC."""
        return datetime.now(UTC) + self._offset

    def local(self) -> datetime:
        """The portal's present in the surgeries' zone."""
        return self.now().astimezone(ZONE)

    def set(self, instant: datetime) -> None:
        """Make `instant` (aware) the present."""
        self._offset = instant.astimezone(UTC) - datetime.now(UTC)

    def advance(self, step: timedelta) -> None:
        """Move the present by `step`."""
        self._offset += step
