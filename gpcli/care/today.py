"""The day: what is next, what waits for the surgery, what is unread, what runs out."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TypeVar

from gpcli.care.appointments import find_next_visit
from gpcli.care.offers import list_services
from gpcli.care.portal_protocol import Portal
from gpcli.care.prescription_list import is_in_use, urgency
from gpcli.errors import ConsentNeeded, NotFound, NotPermitted, Rejected
from gpcli.model.day import Day
from gpcli.model.prescription import Prescription
from gpcli.model.service import Standing

Record = TypeVar("Record")

NOT_SHOWN = (ConsentNeeded, NotFound, NotPermitted, Rejected)
"""Errors with which a portal says that it does not show something."""


def fetch_day(portal: Portal, now: datetime, zone: str) -> Day:
    """Fetch what matters today, in one round trip; `zone` is the surgeries'.

    What the portal does not show costs that part alone, and is said.
    """
    not_shown: dict[str, list[str]] = {}

    def fetch_shown(what: str, fetch: Callable[[], list[Record]]) -> list[Record]:
        try:
            return fetch()
        except NOT_SHOWN as error:
            why = ": ".join(filter(None, (error.message.removesuffix("."), error.hint)))
            not_shown.setdefault(why, []).append(what)
            return []

    with portal.fetched_day_ahead():
        offers = portal.fetch_offers()
        coming = fetch_shown("appointments", lambda: portal.fetch_appointments(now.date()))
        threads = fetch_shown("messages", portal.mailbox.fetch_threads)
        listed = fetch_shown("prescriptions", portal.prescriptions.fetch_prescriptions)
        parties = portal.fetch_parties()
    return Day(
        patient=parties.patient,
        acting_user=parties.acting_user,
        surgeries=offers.surgeries,
        next=find_next_visit(coming, now),
        waiting=tuple(each for each in coming if each.is_waiting),
        requests=tuple(each.renewal for each in listed if each.renewal and each.renewal.is_open),
        unread=tuple(thread for thread in threads if thread.unread_count),
        running_out=tuple(sorted(filter(_runs_out, listed), key=urgency)),
        not_shown=tuple(f"{', '.join(what)}: {why}" for why, what in not_shown.items()),
        zone=zone,
        startable=frozenset(
            each.service
            for each in list_services(offers, now)
            if each.status is not Standing.NOT_OFFERED
        ),
    )


def _runs_out(prescription: Prescription) -> bool:
    is_asked_for = prescription.renewal is not None and prescription.renewal.is_open
    return bool(prescription.low) and is_in_use(prescription) and not is_asked_for
