"""A page to open in a browser."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class PageKind(StrEnum):
    """What a page is: the surgery's own, or where a video consultation is held."""

    WEBSITE = "website"
    VIDEO = "video"


@dataclass(frozen=True)
class WebPage:
    """A page that the portal tells of; `url` as it writes it.

    `appointment` is the id of the one that is held there; `None` for a website. `surgery` `None` =
    the portal does not name it.
    """

    url: str
    kind: PageKind
    surgery: str | None = None
    appointment: str | None = None
