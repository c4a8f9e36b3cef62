"""Keep the portal's time, which tests and `sandbox advance` can move."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

ZONE = ZoneInfo("Europe/Oslo")
"""The time zone of the surgeries."""


class Clock:
    """A clock that runs at real speed from an adjustable time."""

    def __init__(self, start: datetime | None = None) -> None:
        self._offset = timedelta()
        if start is not None:
            self.set(start)

    def now(self) -> datetime:
        """Return the portal's time, in UTC."""
        return datetime.now(UTC) + self._offset

    def local(self) -> datetime:
        """Return the portal's time in the time zone of the surgeries."""
        return self.now().astimezone(ZONE)

    def set(self, instant: datetime) -> None:
        """Set the portal's time to `instant` (aware)."""
        self._offset = instant.astimezone(UTC) - datetime.now(UTC)

    def advance(self, step: timedelta) -> None:
        """Move the portal's time by `step`."""
        self._offset += step
