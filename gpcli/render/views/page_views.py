"""How a page to open looks."""

from __future__ import annotations

from gpcli.model.web_page import WebPage
from gpcli.render.view import Column, View, dataclass_view

PAGES: View[WebPage] = dataclass_view(
    WebPage,
    "pages",
    (
        Column("url", "Link", lambda page: page.url),
        Column("kind", "Kind", lambda page: page.kind.value),
        Column("surgery", "Surgery", lambda page: page.surgery),
        Column("appointment", "Appointment", lambda page: page.appointment),
    ),
)
