"""The day: what is next, what waits for the surgery, what is unread, what runs out."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from functools import partial
from typing import TypeVar

from gpcli.care.appointments import find_next_visit
from gpcli.care.offers import list_services
from gpcli.care.portal_protocol import Portal
from gpcli.care.prescription_list import is_in_use, urgency
from gpcli.care.renewal_warnings import find_skip_reason
from gpcli.errors import ConsentNeeded, GpcliError, NotFound, NotPermitted, Rejected, SignInError
from gpcli.model.change import RecordChange
from gpcli.model.day import Day
from gpcli.model.prescription import Prescription, Renewal
from gpcli.model.service import Offers, ServiceName, Standing

Record = TypeVar("Record")

NOT_SHOWN = (ConsentNeeded, NotFound, NotPermitted, Rejected)
"""Errors with which a portal says that it does not show something."""


def fetch_day(
    portal: Portal,
    now: datetime,
    zone: str,
    read_changes: Callable[[Portal], tuple[RecordChange, ...] | None],
) -> Day:
    """Fetch what matters today, in one round trip; `zone` is the surgeries'.

    `read_changes` returns what is new of what was fetched ahead, `None` where that is not known.
    What the portal does not show, or fails to, costs that part alone, and is said.
    Raises: SignInError; what the offers raise.
    """
    errors: dict[str, GpcliError] = {}
    fetch_shown = partial(_fetch_shown, errors)
    with portal.fetched_day_ahead():
        offers = portal.fetch_offers()
        coming = fetch_shown("appointments", lambda: portal.fetch_appointments(now.date()))
        threads = fetch_shown("messages", portal.mailbox.fetch_threads)
        listed = fetch_shown("prescriptions", portal.prescriptions.fetch_prescriptions)
        changes = read_changes(portal)
        parties = portal.fetch_parties()
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
        not_shown=tuple(word_absences(errors)),
        is_whole=all(isinstance(each, NOT_SHOWN) for each in errors.values()),
        has_all_appointments=coming is not None and portal.has_all_appointments,
        zone=zone,
        startable=_list_startable(offers, now),
        can_renew_low=any(find_skip_reason(each, now.date()) is None for each in running_out or ()),
    )


def _fetch_shown(
    errors: dict[str, GpcliError], what: str, fetch: Callable[[], list[Record]]
) -> list[Record] | None:
    """Return what is fetched; where the portal does not send it, put why into `errors`."""
    try:
        return fetch()
    except SignInError:
        raise
    except GpcliError as error:
        errors[what] = error
        return None


def word_absences(errors: Mapping[str, GpcliError]) -> Iterator[str]:
    """Yield a sentence for each reason why something is not shown; `errors` are by what that is."""
    absent: dict[str, list[str]] = {}
    for what, error in errors.items():
        cure = error.hint if isinstance(error, ConsentNeeded) else ""
        why = ": ".join(filter(None, (error.message.removesuffix("."), cure)))
        absent.setdefault(why, []).append(what)
    yield from (f"{', '.join(what)}: {why}" for why, what in absent.items())


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
