"""`open`."""

from __future__ import annotations

from typing import Annotated

import typer

from gpcli.care.joining import TO_JOIN
from gpcli.care.web_pages import fetch_page
from gpcli.cli.global_options import get_context
from gpcli.cli.meant_visits import act_on_appointment
from gpcli.cli.result_output import require_complete
from gpcli.cli.terminal_prompter import (
    Browser,
    NoBrowser,
    check_browser_options,
    is_openable,
    open_shown_link,
)
from gpcli.config.settings import check_not_empty
from gpcli.model.web_page import WebPage
from gpcli.render.views.page_views import PAGES


def open_page(
    ctx: typer.Context,
    appointment: Annotated[
        str | None,
        typer.Argument(
            metavar="[APPOINTMENT]",
            help="A video consultation: an id, or its beginning; next, a day or words",
        ),
    ] = None,
    no_browser: NoBrowser = False,
    browser: Browser = None,
) -> None:
    """Open the surgery's web page, or a video consultation."""
    context = get_context(ctx)
    check_browser_options(browser, no_browser=no_browser)
    if context.output.answer_field_query(PAGES):
        return
    if appointment is not None:
        check_not_empty("APPOINTMENT", appointment)

    def fetch(appointment_id: str | None) -> WebPage:
        return fetch_page(
            context.portal,
            appointment_id,
            context.options.gp,
            context.ask,
            lambda link: is_openable(link, context.profile.environment),
            context.now(),
        )

    page = (
        fetch(None)
        if appointment is None
        else act_on_appointment(context, appointment, fetch, prompt=TO_JOIN)
    )
    context.output.show_item(PAGES, page)
    open_shown_link(context, page.url, browser, no_browser=no_browser, by_hand="Open the address.")
    require_complete(context)
