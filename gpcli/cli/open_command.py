"""`open`."""

from __future__ import annotations

from typing import Annotated

import typer

from gpcli.care.web_pages import fetch_page
from gpcli.cli.global_options import get_context
from gpcli.cli.result_output import require_complete
from gpcli.cli.terminal_prompter import (
    Browser,
    NoBrowser,
    check_browser_options,
    is_openable,
    open_shown_link,
)
from gpcli.config.settings import check_not_empty
from gpcli.render.views.page_views import PAGES


def open_page(
    ctx: typer.Context,
    appointment: Annotated[
        str | None,
        typer.Argument(metavar="[APPOINTMENT]", help="The id of a video consultation"),
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
    page = fetch_page(
        context.portal,
        appointment,
        context.options.gp,
        context.ask,
        lambda link: is_openable(link, context.profile.environment),
        context.now(),
    )
    context.output.show_item(PAGES, page)
    open_shown_link(context, page.url, browser, no_browser=no_browser, by_hand="Open the address.")
    require_complete(context)
