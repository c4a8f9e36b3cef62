"""Fetching several things, of which each may be absent: that costs this one alone, and is said."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from gpcli.errors import ConsentNeeded, GpcliError, NotFound, NotPermitted, Rejected, SignInError

Record = TypeVar("Record")

_NOT_SHOWN = (ConsentNeeded, NotFound, NotPermitted, Rejected)
"""Errors with which a portal says that it does not show something."""


class Absences:
    """What a portal does not show of what was fetched, or fails to send, and why.

    `errors` are by what is absent, as a patient calls it.
    """

    def __init__(self) -> None:
        self.errors: dict[str, GpcliError] = {}

    def fetch(self, what: str, fetch: Callable[[], list[Record]]) -> list[Record] | None:
        """Return what is fetched; `None` = it is absent. Raises: SignInError."""
        try:
            return fetch()
        except SignInError:
            raise
        except GpcliError as error:
            self.errors[what] = error
            return None

    @property
    def sentences(self) -> tuple[str, ...]:
        """A sentence for each reason why something is absent."""
        absent: dict[str, list[str]] = {}
        for what, error in self.errors.items():
            cure = error.hint if isinstance(error, ConsentNeeded) else ""
            why = ": ".join(filter(None, (error.message.removesuffix("."), cure)))
            absent.setdefault(why, []).append(what)
        return tuple(f"{', '.join(what)}: {why}" for why, what in absent.items())

    @property
    def is_whole(self) -> bool:
        """Whether nothing failed, so that asking again may not show more."""
        return all(isinstance(error, _NOT_SHOWN) for error in self.errors.values())
