"""Slots: parse a person's filters, find free slots that pass them, explain why there are none."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from itertools import islice
from zoneinfo import ZoneInfo

from gpcli.care.confirmation import Asker
from gpcli.care.dates import parse_day, parse_duration, parse_hours, parse_weekdays
from gpcli.care.offers import (
    UNNAMED_GP,
    build_absent,
    build_refusal,
    choose_one,
    filter_by_gp,
    has_name,
    list_services,
    phone_hint,
    require_service,
)
from gpcli.care.portal_protocol import Portal
from gpcli.care.selection import Naming, choose_fitting
from gpcli.errors import InvalidUsage, NotOffered
from gpcli.folding import MIN_ID_BEGINNING
from gpcli.model.appointment import Slot, Window
from gpcli.model.day_names import format_day
from gpcli.model.service import BOOKABLE, Offers, Service, ServiceName, Standing

DAYS_AHEAD = 28
"""How far ahead is searched unless `--to` says otherwise, in days."""

CHANNELS = ("in-person", "phone", "video")

_DAY_END = time(23, 59, 59)
_PAST = "being in the past"


@dataclass(frozen=True)
class SlotFilters:
    """A person's filters; `first` and `last` are days in the surgery's zone, both inclusive.

    `between` is half-open: it begins at the first time and ends before the second. `weekdays` has 0
    for Monday; empty = all. A time begins at `not_before` or later, and earlier than `before`.
    `None` = no such filter.
    """

    first: date
    last: date
    between: tuple[time, time] | None = None
    weekdays: frozenset[int] = frozenset()
    practitioner: str | None = None
    channel: str | None = None
    not_before: datetime | None = None
    before: datetime | None = None

    def find_mismatch(self, slot: Slot, zone: ZoneInfo) -> str | None:
        """Return the name of the first filter that `slot` does not pass; `None` = it passes all."""
        start = slot.start.astimezone(zone)
        tests = (
            ("--from and --to", self.first <= start.date() <= self.last),
            ("--weekday", not self.weekdays or start.weekday() in self.weekdays),
            ("--between", self._is_in_hours(start.time())),
            ("--with", self._has_practitioner(slot)),
            ("--via", self.channel in {None, slot.channel}),
            ("--notice", self.not_before is None or slot.start >= self.not_before),
            ("--earlier-than", self.before is None or slot.start < self.before),
        )
        return next((name for name, passed in tests if not passed), None)

    def windows(self, zone: ZoneInfo) -> list[Window]:
        """Return the filters as windows for an enquiry: one a day if hours or weekdays are given.

        Raises: InvalidUsage if no day is left.
        """
        if self.between is None and not self.weekdays:
            return [_build_window(self.first, time.min, self.last, _DAY_END, zone)]
        opens, closes = self.between or (time.min, _DAY_END)
        days = [self.first + timedelta(n) for n in range((self.last - self.first).days + 1)]
        fitting = [day for day in days if not self.weekdays or day.weekday() in self.weekdays]
        if not fitting:
            raise InvalidUsage("No day from --from to --to is one of the --weekday days.")
        return [_build_window(day, opens, day, closes, zone) for day in fitting]

    def coming_windows(self, zone: ZoneInfo, now: datetime) -> list[Window]:
        """Return the windows that are not over; one that has begun starts now."""
        present = now.astimezone(zone).replace(microsecond=0)
        return [
            Window(max(window.start, present), window.end)
            for window in self.windows(zone)
            if window.end > now
        ]

    def _is_in_hours(self, start: time) -> bool:
        return self.between is None or self.between[0] <= start < self.between[1]

    def _has_practitioner(self, slot: Slot) -> bool:
        name = (self.practitioner or "").strip().casefold()
        names = (slot.practitioner or "", *slot.participants)
        return any(name in each.casefold() for each in names)


def parse_slot_filters(
    now: datetime,
    zone: ZoneInfo,
    *,
    first: str | None = None,
    last: str | None = None,
    between: str | None = None,
    weekdays: Sequence[str] = (),
    practitioner: str | None = None,
    channel: str | None = None,
    notice: str | None = None,
) -> SlotFilters:
    """Parse the options of a search.

    Raises: InvalidUsage, naming the option that can't be parsed.
    """
    if practitioner is not None and not practitioner.strip():
        raise InvalidUsage("--with needs a name that is not empty.")
    start, end = _parse_days(first, last, now.astimezone(zone).date())
    return SlotFilters(
        first=start,
        last=end,
        between=None if between is None else parse_hours(between, "--between"),
        weekdays=parse_weekdays(weekdays, "--weekday"),
        practitioner=practitioner,
        channel=None if channel is None else _parse_channel(channel),
        not_before=None
        if notice is None
        else _add_elapsed(now, parse_duration(notice, "--notice"), zone),
    )


def _parse_days(first: str | None, last: str | None, today: date) -> tuple[date, date]:
    start = today if first is None else parse_day(first, today, "--from")
    end = (
        max(start, today) + timedelta(DAYS_AHEAD)
        if last is None
        else parse_day(last, today, "--to", start=max(start, today), ends=True)
    )
    if start <= end:
        return start, end
    if first is None:
        raise InvalidUsage(f"--to ({end}) is in the past.", hint="Give an earlier --from as well.")
    raise InvalidUsage(
        f"--from ({start}) is after --to ({end}).", hint="Swap them, or leave one out."
    )


def _add_elapsed(now: datetime, length: timedelta, zone: ZoneInfo) -> datetime:
    """Return the time when `length` has passed; within a zone, Python adds by the wall clock."""
    return (now.astimezone(UTC) + length).astimezone(zone)


def _parse_channel(text: str) -> str:
    word = text.strip().lower()
    word = {"audio": "phone"}.get(word, word)
    if word not in CHANNELS:
        known = ", ".join(CHANNELS)
        raise InvalidUsage(f"--via '{text}' is not a way to meet.", hint=f"The words are {known}.")
    return word


def _build_window(first: date, opens: time, last: date, closes: time, zone: ZoneInfo) -> Window:
    return Window(
        datetime.combine(first, opens, zone),
        datetime.combine(last, min(closes, _DAY_END), zone),
    )


@dataclass
class SlotSearch:
    """A search for free slots.

    `started` tells whether slots have been looked at, and `removed` counts how many each filter
    left out, by the filter's name. `asked` are the services whose times were asked for, and
    `otherwise` says how else to get one.
    """

    filters: SlotFilters
    zone: ZoneInfo
    now: datetime
    started: bool = False
    removed: Counter[str] = field(default_factory=Counter)
    asked: Sequence[Service] = ()
    otherwise: str = ""

    @property
    def days(self) -> tuple[date, date]:
        """The first and the last day searched."""
        return self.filters.first, self.filters.last

    def select(self, free: Iterable[Slot], limit: int | None = None) -> Iterator[Slot]:
        """Yield the slots of `free` that pass the filters, at most `limit`, in the order given."""
        return islice(self._select_lazily(free), limit)

    def _select_lazily(self, free: Iterable[Slot]) -> Iterator[Slot]:
        self.started = True
        for slot in free:
            is_past = slot.start <= self.now
            reason = _PAST if is_past else self.filters.find_mismatch(slot, self.zone)
            if reason:
                self.removed[reason] += 1
            else:
                yield slot

    def require_windows(self) -> list[Window]:
        """Return the windows of the filters that are not over.

        Raises: InvalidUsage if there is none.
        """
        windows = self.filters.coming_windows(self.zone, self.now)
        if windows:
            return windows
        raise InvalidUsage("All of the wished time is past.", hint="Give a later --from or --to.")

    def note_asked(self, services: Sequence[Service], offers: Offers) -> None:
        """Note whose times are asked for, and how else the GPs of `offers` give times."""
        self.asked = services
        can_ask = any(each.service is ServiceName.BOOKING for each in services) and any(
            each.service is ServiceName.BOOKING_ENQUIRY and each.is_usable
            for each in list_services(offers, self.now)
        )
        ask = "gpcli book --enquiry asks the surgery for one." if can_ask else ""
        self.otherwise = " ".join(filter(None, (ask, phone_hint(services))))

    def explain_none(self, *, complete: bool = True) -> str:
        """Return a sentence on whose times were searched for, and what each filter removed.

        `complete` tells whether all that the portal sent could be read.
        """
        period = f"from {format_day(self.filters.first)} to {format_day(self.filters.last)}"
        flu = ServiceName.FLU_VACCINATION
        if any(each.service is flu and not _is_told(each) for each in self.asked):
            return "The portal does not say which times are for flu vaccination."
        named = (each.surgery.label for each in self.asked if each.surgery.id)
        labels = " or ".join(dict.fromkeys(named))
        what = "No free time" if complete else "No free time that gpcli can read"
        where = f" at {labels}" if labels else ""
        if not self.removed:
            return f"{what}{where} {period}."
        parts = ", ".join(f"{number} by {name}" for name, number in self.removed.most_common())
        total = self.removed.total()
        return f"{what}{where} {period} fits: {total} free, all left out ({parts})."


def fetch_slots(
    portal: Portal,
    name: ServiceName,
    search: SlotSearch,
    *,
    gp: str | None = None,
    limit: int | None = None,
    offers: Offers | None = None,
) -> Iterator[Slot]:
    """Fetch the free slots for a service that pass the filters of `search`, at most `limit`.

    `offers` are those that were fetched before; `None` = they are fetched.

    Raises: NotOffered, OffForNow, ConsentNeeded or NotPermitted if no GP lets this patient book the
    service; NotFound if no GP is called `gp`.
    """
    offers = filter_by_gp(offers or portal.fetch_offers(), gp)
    services = require_service(offers, name, search.now)
    search.note_asked(services, offers)
    free = portal.fetch_slots(
        [service.offer for service in services if service.offer], *search.days
    )
    return search.select(free, limit)


def find_slot(
    portal: Portal,
    text: str,
    name: ServiceName,
    search: SlotSearch,
    gp: str | None,
    asker: Asker,
    label: Callable[[Slot], str],
) -> str | None:
    """Return the id that begins with `text` of a free slot which passes the filters of `search`.

    `None` = there is none. Raises: as `fetch_slots`; InputNeeded if there are several and nobody
    can be asked.
    """
    if len(text) < MIN_ID_BEGINNING:
        return None
    slots = fetch_slots(portal, name, search, gp=gp)
    found = [slot for slot in slots if slot.id.startswith(text)]
    if any(slot.id == text for slot in found):
        return text
    if len(found) > 1:
        return choose_fitting(text, found, Naming("times", lambda slot: (), label), asker)
    return str(found[0].id) if found else None


def _is_told(service: Service) -> bool:
    return service.status is not Standing.NOT_TOLD


def find_slot_service(
    slot: Slot, offers: Offers, requested: ServiceName, now: datetime, gp: str | None, asker: Asker
) -> Service:
    """Return the service that `slot` belongs to, at the GP who published it.

    Raises: InvalidUsage if `slot` is for another service than `requested`, or at another GP than
    `gp`; NotOffered if it is at none of the patient's GPs; NotOffered, OffForNow, ConsentNeeded or
    NotPermitted if the service can't be used there; InputNeeded if several GPs may be meant and
    nobody can be asked.
    """
    name = _check_bookable(slot, requested)
    services = [service for service in list_services(offers, now) if service.service is name]
    at_gp = [service for service in services if _is_at(slot, service, offers)]
    if not at_gp and name not in offers.told and gp is None:
        at_gp = [build_absent(UNNAMED_GP, name, offers)]
    if services and not at_gp:
        raise NotOffered(
            f"The portal does not say that {slot.id} is a time at your GP.",
            hint="gpcli slots lists yours.",
        )
    named = [service for service in at_gp if gp is None or has_name(service.surgery, gp)]
    if at_gp and not named:
        raise InvalidUsage(f"{slot.id} is not a time at '{gp}'.", hint="Leave --gp out.")
    usable = [service for service in named if service.is_usable]
    if not usable:
        raise build_refusal(offers, named, name)
    return choose_one(usable, name, asker)


def _check_bookable(slot: Slot, requested: ServiceName) -> ServiceName:
    """Return the service to book the slot for; a slot that names none is for a visit."""
    names = [ServiceName(name) for name in slot.services] or [ServiceName.BOOKING]
    if requested in names:
        return requested
    if requested is ServiceName.FLU_VACCINATION:
        raise InvalidUsage(
            f"{slot.id} is not a time for flu vaccination.", hint="gpcli flu lists those."
        )
    bookable = [name for name in names if name in BOOKABLE]
    if not bookable:
        raise InvalidUsage(
            f"{slot.id} is a time for '{slot.service}', which gpcli does not book.",
            hint="gpcli slots lists the free times.",
        )
    return bookable[0]


def _is_at(slot: Slot, service: Service, offers: Offers) -> bool:
    """Return whether a slot is at the GP of `service`.

    It is where the portal says so, or, at a portal that tells which GPs offer the service, does not
    say whose it is. There a time of another HealthcareService is none of the GP's.
    """
    if not _is_told(service):
        return service.surgery.id in slot.surgery_ids
    ids = {offer.id for offer in offers.offers if offer.surgery.id == service.surgery.id}
    is_theirs = service.surgery.id in slot.surgery_ids or not slot.says_whose
    return is_theirs and slot.healthcare_service in {None, *ids}
