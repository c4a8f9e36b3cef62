"""The day: what is next, what waits for the surgery, what is unread, what runs out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import TypeVar

from gpcli.care.absences import Absences
from gpcli.care.appointments import find_next_visit
from gpcli.care.offers import list_services
from gpcli.care.portal_protocol import Portal
from gpcli.care.prescription_list import is_in_use, urgency
from gpcli.care.renewal_warnings import find_skip_reason
from gpcli.model.appointment import Appointment
from gpcli.model.change import RecordChange
from gpcli.model.day import Day
from gpcli.model.prescription import Prescription, Renewal
from gpcli.model.service import Offers, ServiceName, Standing
from gpcli.model.thread import Conversation

Record = TypeVar("Record")

ReadChanges = Callable[
    [Portal, Sequence[Appointment] | None, Sequence[Conversation] | None],
    tuple[RecordChange, ...] | None,
]
"""Returns what is new, `None` = not known.

It is given the portal, of which what can change was fetched ahead, and what was read of that: the
coming appointments and the messages, `None` = the portal did not send them.
"""


def fetch_day(portal: Portal, now: datetime, zone: str, read_changes: ReadChanges) -> Day:
    """Fetch what matters today, in one round trip; `zone` is the surgeries'.

    What the portal does not show, or fails to, costs that part alone, and is said.
    Raises: SignInError; what the offers raise.
    """
    absences = Absences()
    with portal.fetched_day_ahead():
        offers = portal.fetch_offers()
        coming = absences.fetch("appointments", lambda: portal.fetch_appointments(now.date()))
        conversations = absences.fetch("messages", portal.mailbox.fetch_conversations)
        listed = absences.fetch("prescriptions", portal.prescriptions.fetch_prescriptions)
        changes = read_changes(portal, coming, conversations)
        parties = portal.fetch_parties()
    threads = None if conversations is None else [each.thread for each in conversations]
    running_out = _pick(listed and sorted(listed, key=urgency), _runs_out)
    return Day(
        changes=changes,
        patient=parties.patient,
        acting_user=parties.acting_user,
        surgeries=offers.surgeries,
        next=find_next_visit(coming or [], now),
        waiting=_pick(coming, lambda each: each.is_waiting),
        requests=_pick(_list_renewals(listed), lambda each: each.is_open),
        unread=_pick(threads, lambda each: bool(each.unread_count)),
        running_out=running_out,
        not_shown=absences.sentences,
        is_whole=absences.is_whole,
        has_all_appointments=coming is not None and portal.has_all_appointments,
        zone=zone,
        startable=_list_startable(offers, now),
        can_renew_low=any(find_skip_reason(each, now.date()) is None for each in running_out or ()),
    )


def _list_startable(offers: Offers, now: datetime) -> frozenset[ServiceName]:
    services = list_services(offers, now)
    return frozenset(each.service for each in services if each.status is not Standing.NOT_OFFERED)


def _pick(
    records: list[Record] | None, is_wanted: Callable[[Record], bool]
) -> tuple[Record, ...] | None:
    return None if records is None else tuple(filter(is_wanted, records))


def _list_renewals(listed: list[Prescription] | None) -> list[Renewal] | None:
    return None if listed is None else [each.renewal for each in listed if each.renewal]


def _runs_out(prescription: Prescription) -> bool:
    is_asked_for = prescription.renewal is not None and prescription.renewal.is_open
    return bool(prescription.low) and is_in_use(prescription) and not is_asked_for
