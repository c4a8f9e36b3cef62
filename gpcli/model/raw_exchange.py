"""A request that a person has written themselves, and what the portal answered to it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

SEARCH = "_search"
"""The last part of the path of a search by POST (R4 3.1.1.1)."""

READING_METHODS = ("GET", "HEAD")

CONDITIONS = frozenset({"if-modified-since", "if-none-match"})
"""The headers of a conditional read, in lower case (R4 3.1.0.1.1)."""


@dataclass(frozen=True)
class RawRequest:
    """One request. `path` is relative to the portal's FHIR base or a URL below it, with its query.

    `body` is sent as it is, empty = none; `headers` are those besides gpcli's own.
    """

    method: str
    path: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""

    @property
    def is_search(self) -> bool:
        """Whether it is a search by POST, which changes nothing."""
        path = self.path.partition("?")[0]
        return self.method == "POST" and path.rpartition("/")[2] == SEARCH

    @property
    def is_conditional_read(self) -> bool:
        """Whether it may be answered with 304: there is nothing new to read."""
        names = {name.lower() for name in self.headers}
        return self.method in READING_METHODS and not names.isdisjoint(CONDITIONS)

    @property
    def is_write(self) -> bool:
        """Whether it may change something: all that is no read, an operation by POST as well."""
        return self.method not in READING_METHODS and not self.is_search


@dataclass(frozen=True)
class RawAnswer:
    """A response: `reason` words its status; `body` is what the portal sent, unpacked.

    `is_json` tells whether these are JSON that gpcli can read.
    """

    status: int
    reason: str
    headers: tuple[tuple[str, str], ...]
    body: bytes
    is_json: bool
