"""Which page a patient means to open: their surgery's, or that of a video consultation."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from gpcli.care.confirmation import Asker
from gpcli.care.joining import fetch_joining
from gpcli.care.offers import find_surgeries
from gpcli.care.portal_protocol import Portal
from gpcli.errors import BadResponse, InputNeeded, NotFound, Rejected
from gpcli.model.service import Surgery
from gpcli.model.web_page import PageKind, WebPage

IsOpenable = Callable[[str], bool]
"""Whether a text is an address that may be opened."""


def fetch_page(
    portal: Portal,
    appointment_id: str | None,
    gp: str | None,
    asker: Asker,
    can_open: IsOpenable,
    now: datetime,
) -> WebPage:
    """Fetch the page of an appointment by video, without one that of the patient's surgery.

    `gp` names the GP of those who have several.
    Raises: NotFound where the portal tells of none; InputNeeded if several GPs may be meant and
    nobody can be asked; BadResponse for an address that can't be opened; Rejected for one by phone;
    as `fetch_joining`.
    """
    if appointment_id is not None:
        page = _fetch_video(portal, appointment_id, now)
    else:
        surgery = _choose_surgery(find_surgeries(portal.fetch_surgeries(), gp), asker)
        link = next(filter(can_open, surgery.websites), surgery.websites[0])
        page = WebPage(link, PageKind.WEBSITE, surgery.label)
    if not can_open(page.url):
        raise BadResponse(f"The portal's address of {_name(page)} is not one to open: {page.url}")
    return page


def _fetch_video(portal: Portal, appointment_id: str, now: datetime) -> WebPage:
    joining = fetch_joining(portal, appointment_id, now)
    appointment = joining.appointment
    if joining.link is None:
        hint = f"gpcli econsult join {appointment.id} says what is told of it."
        raise Rejected(f"{appointment.id} is by phone: it has no page.", hint=hint)
    return WebPage(joining.link, PageKind.VIDEO, appointment.surgery, str(appointment.id))


def _choose_surgery(surgeries: tuple[Surgery, ...], asker: Asker) -> Surgery:
    """Return the surgery that has a website, or the one that the person chooses of several."""
    found = [surgery for surgery in surgeries if surgery.websites]
    if not found:
        whose = " or ".join(surgery.label for surgery in surgeries)
        raise NotFound(
            f"The portal tells of no web page of {whose}."
            if whose
            else "The portal's record of you names no GP, and so no web page.",
            hint="gpcli gp shows how to reach the surgery." if whose else "",
        )
    if len(found) == 1 or len({surgery.websites for surgery in found}) == 1:
        return found[0]
    several = f"Several of your GPs have a web page: {'; '.join(each.label for each in found)}."
    if not asker.can_ask:
        raise InputNeeded(several, hint=f"Name one: --gp '{found[0].gp or found[0].id}'.")
    choices = [(surgery.id, surgery.label) for surgery in found]
    chosen = asker.choose(f"{several} Which one?", choices, flag="--gp")
    return next(surgery for surgery in found if surgery.id == chosen)


def _name(page: WebPage) -> str:
    return page.appointment or page.surgery or "the surgery"
