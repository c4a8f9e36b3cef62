"""Offers: which services each GP offers this patient, and the error where one can't be used."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, time, tzinfo
from difflib import get_close_matches

from gpcli.care.confirmation import Asker, word_minute
from gpcli.errors import (
    ConsentNeeded,
    Cure,
    GpcliError,
    InputNeeded,
    InvalidUsage,
    NotFound,
    NotOffered,
    NotPermitted,
    OffForNow,
)
from gpcli.folding import MIN_ID_BEGINNING
from gpcli.model.day_names import format_day
from gpcli.model.service import (
    Absence,
    ConsentLevel,
    Offer,
    Offers,
    Service,
    ServiceName,
    Standing,
    Surgery,
)

COMMANDS: dict[ServiceName, str] = {
    ServiceName.E_CONSULTATION: "gpcli econsult start",
    ServiceName.CONTACT: "gpcli contact",
    ServiceName.PRESCRIPTION_RENEWAL: "gpcli rx renew",
    ServiceName.BOOKING: "gpcli book",
    ServiceName.BOOKING_ENQUIRY: "gpcli book --enquiry",
    ServiceName.CANCELLATION: "gpcli cancel",
    ServiceName.FLU_VACCINATION: "gpcli flu",
}
"""The command that starts each service."""

SERVICE_LABELS: dict[ServiceName, str] = {
    ServiceName.E_CONSULTATION: "e-consultation",
    ServiceName.CONTACT: "messages to the surgery",
    ServiceName.PRESCRIPTION_RENEWAL: "prescription renewal",
    ServiceName.BOOKING: "booking of times",
    ServiceName.BOOKING_ENQUIRY: "booking enquiries",
    ServiceName.CANCELLATION: "cancelling",
    ServiceName.FLU_VACCINATION: "flu vaccination",
}

_ERRORS: dict[Standing, type[GpcliError]] = {
    Standing.OFF_FOR_NOW: OffForNow,
    Standing.CONSENT_NEEDED: ConsentNeeded,
    Standing.NOT_PERMITTED: NotPermitted,
}
_HINTS: dict[Standing, str] = {Standing.CONSENT_NEEDED: "gpcli consent grant"}

UNNAMED_GP = Surgery("", None, None)
"""Stands for the GP at a portal that names none, and does not say what its GPs offer."""

_NEAREST = (
    Standing.OFFERED,
    Standing.NOT_TOLD,
    Standing.CONSENT_NEEDED,
    Standing.NOT_PERMITTED,
    Standing.OFF_FOR_NOW,
    Standing.NOT_OFFERED,
)
"""Standings, the nearest to a service that can be used first: where GPs differ, it is named."""


def list_services(offers: Offers, now: datetime) -> tuple[Service, ...]:
    """Return one Service per GP and service name, in the order of ServiceName.

    Where a service can't be used, it has the first reason. Times in it are in the zone of `now`.
    A portal that neither names a GP nor says what its GPs offer has one that is not named.
    """
    surgeries = offers.surgeries or (() if offers.told else (UNNAMED_GP,))
    return tuple(
        _build_service(surgery, name, offers, now) for surgery in surgeries for name in ServiceName
    )


def describe_limits(services: Sequence[Service]) -> list[str]:
    """Return sentences on what is offered and can't be used now: why, until when, and the cure."""
    unconsented = dict.fromkeys(
        SERVICE_LABELS[each.service] for each in services if each.status is Standing.CONSENT_NEEDED
    )
    limited = {Standing.OFF_FOR_NOW, Standing.NOT_PERMITTED}
    sentences = [each.reason for each in services if each.status in limited and each.reason]
    if unconsented:
        needs = f"Your consent to Full Access is needed for {', '.join(unconsented)}."
        sentences.append(f"{needs} gpcli consent grant gives it.")
    return list(dict.fromkeys(sentences))


def require_service(offers: Offers, name: ServiceName, now: datetime) -> list[Service]:
    """Return the Services called `name` that can be used now, one per GP.

    Those that the portal does not tell of are among them only where none is known to be offered.
    Raises: NotOffered, OffForNow, ConsentNeeded or NotPermitted if there is none.
    """
    services = [service for service in list_services(offers, now) if service.service is name]
    usable = [service for service in services if service.status is Standing.OFFERED]
    usable = usable or [service for service in services if service.is_usable]
    if usable:
        return usable
    raise build_refusal(offers, services, name)


def choose_service(
    offers: Offers, name: ServiceName, now: datetime, gp: str | None, asker: Asker
) -> Service:
    """Return the Service called `name` at the one GP where it is to be used.

    Raises: NotOffered, OffForNow, ConsentNeeded or NotPermitted if no GP (or not the one named
    `gp`) lets this patient use it; NotFound if no GP is called `gp`; InputNeeded if several GPs
    offer it, none is named and nobody can be asked.
    """
    return choose_one(require_service(filter_by_gp(offers, gp), name, now), name, asker)


def choose_one(services: Sequence[Service], name: ServiceName, asker: Asker) -> Service:
    """Return the only one of `services`, or the one that the person chooses.

    Raises: InputNeeded if nobody can be asked.
    """
    if len(services) == 1:
        return services[0]
    several = f"Several of your GPs offer {SERVICE_LABELS[name]}: {_join_labels(services)}."
    if not asker.can_ask:
        first = services[0].surgery
        raise InputNeeded(several, hint=f"Name one: --gp '{first.gp or first.id}'.")
    labels = [(service.surgery.id, service.surgery.label) for service in services]
    chosen = asker.choose(f"{several} Which one?", labels, flag="--gp")
    return next(service for service in services if service.surgery.id == chosen)


def filter_by_gp(offers: Offers, gp: str | None) -> Offers:
    """Return the offers of the GP named `gp` (id, or part of the name); all if `None`.

    Raises: NotFound if the patient has no GP of that name, but others, or the portal names none and
    does not say what its GPs offer.
    """
    if gp is not None and not (offers.surgeries or offers.told):
        raise NotFound(f"The portal names no GP of yours, so '{gp}' can't be told.")
    return replace(offers, surgeries=find_surgeries(offers.surgeries, gp))


def find_surgeries(surgeries: Sequence[Surgery], gp: str | None) -> tuple[Surgery, ...]:
    """Return those of `surgeries` that `gp` names; all if `None`.

    Raises: NotFound as `filter_by_gp`.
    """
    found = tuple(surgery for surgery in surgeries if gp is None or has_name(surgery, gp))
    if found or not surgeries:
        return found
    known = "; ".join(surgery.label for surgery in surgeries)
    raise NotFound(f"You have no GP called '{gp}'.", hint=f"Your GPs: {known}.")


def is_at_gp(surgery_id: str | None, surgeries: Sequence[Surgery], gp: str | None) -> bool:
    """Return whether a record of `surgery_id` (`None` = unknown) may be of the GP named `gp`.

    `gp` `None` = any GP.
    Raises: NotFound as `filter_by_gp`.
    """
    ids = {surgery.id for surgery in find_surgeries(surgeries, gp)}
    return gp is None or surgery_id in {None, *ids}


def has_name(surgery: Surgery, name: str) -> bool:
    """Return whether `name` is this GP's id, or part of the doctor's or the surgery's name."""
    part = name.strip().casefold()
    return name == surgery.id or (bool(part) and part in surgery.label.casefold())


def build_refusal(offers: Offers, services: Sequence[Service], name: ServiceName) -> GpcliError:
    """Return the error for a service that can't be used at any of `services`."""
    if not services:
        return NotOffered(
            f"You have no GP, so nobody offers you {SERVICE_LABELS[name]}.",
            hint="gpcli gp shows what the portal knows of your GP.",
        )
    service = min(services, key=lambda candidate: _NEAREST.index(candidate.status))
    if service.status is Standing.NOT_OFFERED:
        surgeries = tuple(dict.fromkeys(candidate.surgery for candidate in services))
        return NotOffered(_not_offered_text(surgeries, name), hint=phone_hint(services))
    needs_rights = service.status is Standing.NOT_PERMITTED and name in offers.supported
    cure = Cure.MORE_RIGHTS if needs_rights else None
    hint = "gpcli login" if needs_rights else _HINTS.get(service.status) or phone_hint(services)
    return _ERRORS[service.status](service.reason or "", hint=hint, cure=cure)


def find_hidden_commands(
    offers: Offers,
    now: datetime,
    starts: Mapping[str, Sequence[ServiceName]],
    needs: Mapping[str, Sequence[ServiceName]] | None = None,
) -> dict[str, str]:
    """Return the commands of `starts` whose services no GP offers, each with a sentence why.

    `starts` has the services that each command starts, one of which is enough; `needs` those that
    some commands need besides, each of them. Where a record could not be read, nothing is hidden,
    because the offer may be in that record.
    """
    if not offers.complete:
        return {}
    services = list_services(offers, now)
    hidden: dict[str, str] = {}
    for command, started in starts.items():
        for names in (started, *((name,) for name in (needs or {}).get(command, ()))):
            enough = [service for service in services if service.service in names]
            if all(service.status is Standing.NOT_OFFERED for service in enough):
                error = build_refusal(offers, enough, names[0])
                hidden.setdefault(command, f"{error.message} {error.hint}".strip())
    return hidden


def parse_service(word: str) -> ServiceName:
    """Return the service with this code, or the only one in whose code it stands.

    Raises: InvalidUsage, naming the known ones.
    """
    if word in set(ServiceName):
        return ServiceName(word)
    begun = [each for each in ServiceName if len(word) >= MIN_ID_BEGINNING and word in each]
    if len(begun) == 1:
        return begun[0]
    near = begun or get_close_matches(word, ServiceName, n=1, cutoff=0.5)
    guess = f"; did you mean '{near[0]}'?" if near else "."
    known = ", ".join(ServiceName)
    raise InvalidUsage(f"There is no service '{word}'{guess}", hint=f"The services are {known}.")


def has_no_online_service(services: Sequence[Service]) -> bool:
    """Return whether no GP offers any service online."""
    return all(service.status is Standing.NOT_OFFERED for service in services)


def find_not_granted(offers: Offers, services: Sequence[Service]) -> tuple[ServiceName, ...]:
    """Return which of `services` only the scopes of the sign-in stand in the way of."""
    refused = (row.service for row in services if row.status is Standing.NOT_PERMITTED)
    return tuple(dict.fromkeys(name for name in refused if name in offers.supported))


def _build_service(surgery: Surgery, name: ServiceName, offers: Offers, now: datetime) -> Service:
    offer = _find_offer(surgery, name, offers)
    if offer is None:
        return build_absent(surgery, name, offers)
    absence = _find_absence(offer, now)
    status = _find_standing(offer, absence, offers)
    return Service(
        service=name,
        status=status,
        surgery=surgery,
        reason=_absence_text(surgery, name, absence, now.tzinfo)
        if absence
        else _reason_text(status, surgery, name, offers),
        off_from=absence.start if absence else None,
        off_until=absence.end if absence else None,
        price=offers.price_of(name, surgery),
        answer_time=offer.answer_time,
        channels=offer.channels,
        eligibility=offer.eligibility,
        command=COMMANDS.get(name),
        offer=offer,
        service_name=offer.service_name,
        details=offer.details,
        hours=offer.hours,
        exceptions=offer.exceptions,
        phones=offer.phones,
        absences=tuple(
            each.in_zone(now.tzinfo)
            for each in offer.absences
            if each.end is None or now < each.end
        ),
    )


def build_absent(surgery: Surgery, name: ServiceName, offers: Offers) -> Service:
    """Return the Service where no active record names it: not offered, or not told."""
    is_known = any(each.name is name and each.surgery.id == surgery.id for each in offers.offers)
    if is_known or (name in offers.told and offers.complete):
        return Service(name, Standing.NOT_OFFERED, surgery, _not_offered_text((surgery,), name))
    is_permitted = name in offers.permitted
    status = Standing.NOT_TOLD if is_permitted else Standing.NOT_PERMITTED
    return Service(
        name,
        status,
        surgery,
        _reason_text(status, surgery, name, offers),
        price=offers.price_of(name, surgery),
        command=COMMANDS.get(name),
        offer=Offer(None, name, surgery, active=True),
    )


def _find_offer(surgery: Surgery, name: ServiceName, offers: Offers) -> Offer | None:
    for offer in offers.offers:
        if offer.surgery.id == surgery.id and offer.name is name and offer.active:
            return offer
    return None


def _find_absence(offer: Offer, now: datetime) -> Absence | None:
    for absence in offer.absences:
        has_begun = absence.start is None or absence.start <= now
        if has_begun and (absence.end is None or now < absence.end):
            return absence
    return None


def _find_standing(offer: Offer, absence: Absence | None, offers: Offers) -> Standing:
    if absence:
        return Standing.OFF_FOR_NOW
    if offers.consent is not ConsentLevel.FULL_ACCESS:
        return Standing.CONSENT_NEEDED
    if offer.name not in offers.permitted:
        return Standing.NOT_PERMITTED
    return Standing.OFFERED


def _not_offered_text(surgeries: Sequence[Surgery], name: ServiceName) -> str:
    labels = " and ".join(surgery.label for surgery in surgeries)
    do = "does" if len(surgeries) == 1 else "do"
    return f"{labels} {do} not offer {SERVICE_LABELS[name]} online."


def _reason_text(
    status: Standing, surgery: Surgery, name: ServiceName, offers: Offers
) -> str | None:
    service = SERVICE_LABELS[name]
    if status is Standing.CONSENT_NEEDED:
        return f"Your consent to Full Access is needed for {service}."
    if status is Standing.NOT_PERMITTED:
        if name in offers.supported:
            return f"Your sign-in does not allow {service}."
        return f"The portal's own description lists nothing that allows {service}."
    if status is Standing.NOT_TOLD:
        return (
            f"The portal does not say whether {surgery.label} offers {service} online; "
            "it can be tried."
        )
    return None


def _absence_text(
    surgery: Surgery, name: ServiceName, absence: Absence, zone: tzinfo | None
) -> str:
    since = f" from {_format_bound(absence.start, zone, time(0, 0))}" if absence.start else ""
    until = f" until {_format_bound(absence.end, zone, time(23, 59))}" if absence.end else ""
    why = f" ({absence.reason.rstrip('.')})" if absence.reason else ""
    return f"{surgery.label} has switched off {SERVICE_LABELS[name]}{since}{until}{why}."


def _format_bound(when: datetime, zone: tzinfo | None, whole: time) -> str:
    """Format an end of a period: a day, with the clock unless it is that of a `whole` day."""
    inside = when.astimezone(zone)
    is_whole = inside.time().replace(second=0, microsecond=0) == whole
    return format_day(inside) if is_whole else word_minute(inside)


def _join_labels(services: Sequence[Service]) -> str:
    return "; ".join(service.surgery.label for service in services)


def phone_hint(services: Sequence[Service]) -> str:
    """Return the sentence with the numbers to call for `services`; empty without any."""
    numbers = dict.fromkeys(service.phone for service in services if service.phone)
    return f"Call the surgery instead: {' or '.join(numbers)}." if numbers else ""
