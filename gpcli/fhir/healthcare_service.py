"""HealthcareService, ChargeItemDefinition and Consent: services, prices and consent."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, get_args
from uuid import UUID

from gpcli.fhir.availability import read_absences, read_available_hours, read_exceptions
from gpcli.fhir.bundle import Bundle
from gpcli.fhir.contact_details import read_contact_details
from gpcli.fhir.element import UUID_SYSTEM, Coding, Element, Malformed
from gpcli.fhir.modifiers import require_understood
from gpcli.fhir.validity import is_within
from gpcli.model.service import (
    Channel,
    Consent,
    ConsentLevel,
    Limits,
    Offer,
    Price,
    PriceRule,
    Rate,
    ServiceName,
    Surcharge,
    Surgery,
    format_decimal,
)

SERVICE_SYSTEM = "urn:gpcli:gp-service"
CHANNEL_SYSTEM = "urn:gpcli:channel"
CHANNELS: dict[str, Channel] = {code: code for code in get_args(Channel)}
"""The codes of CHANNEL_SYSTEM."""
LATE_CANCELLATION = "urn:gpcli:late-cancellation"
DEEP_LINK = "urn:gpcli:booking-deep-link"
CHARGED_AT = "urn:gpcli:charged-at"
MAX_ATTACHMENT = "urn:gpcli:max-attachment-bytes"
ATTACHMENT_TYPES = "urn:gpcli:attachment-types"
MAX_TEXT = "urn:gpcli:max-text"

_COMPONENT_SIGNS = {
    "base": 1,
    "surcharge": 1,
    "tax": 1,
    "deduction": -1,
    "discount": -1,
}
"""Type of a price component (R4 InvoicePriceComponentType) -> its sign in the sum."""


CodeMap = Mapping[str, Sequence[str]]
"""`system|code` of a portal -> our codes that it stands for."""


def read_service_codes(codings: Iterable[Coding], code_map: CodeMap) -> tuple[str, ...]:
    """Return our codes in a record, those of our system and those that `code_map` maps to ours."""
    codes: dict[str, None] = {}
    for coding in codings:
        if coding.system == SERVICE_SYSTEM:
            codes[coding.code] = None
        else:
            codes |= dict.fromkeys(code_map.get(f"{coding.system}|{coding.code}", ()))
    return tuple(codes)


def read_service_names(codings: Iterable[Coding], code_map: CodeMap) -> tuple[ServiceName, ...]:
    """Return the services that a record is for, as `read_service_codes` does."""
    codes = read_service_codes(codings, code_map)
    return tuple(ServiceName(code) for code in codes if code in set(ServiceName))


def resolve_service(
    codings: Sequence[Coding],
    labels: Sequence[str],
    code_map: CodeMap,
    offers: Sequence[Offer],
) -> str | None:
    """Return the service that a record is for.

    It is our code where the record's codes, or the `offers` of its HealthcareService, stand for
    one alone; else the portal's own words, `labels`.
    """
    names = read_service_names(codings, code_map)
    offered = list(dict.fromkeys(offer.name for offer in offers))
    both = [name for name in names if name in offered] or names or offered
    if len(both) == 1:
        return both[0]
    codes = (coding.code for coding in codings if coding.code)
    return next(iter(labels), None) or next(codes, None)


def _mapped_coding(codings: Iterable[Coding], code_map: CodeMap) -> Coding | None:
    """Return the coding that `code_map` maps to ours; `None` where the record has one of ours."""
    candidates = list(codings)
    if any(coding.system == SERVICE_SYSTEM for coding in candidates):
        return None
    return next((each for each in candidates if f"{each.system}|{each.code}" in code_map), None)


def has_own_service(bundle: Bundle) -> bool:
    """Return whether a HealthcareService has a type of our own system."""
    services = bundle.of_type("HealthcareService")
    return any(
        SERVICE_SYSTEM in {code.system for code in each.codings("type")} for each in services
    )


def has_mapped_service(bundle: Bundle, code_map: CodeMap) -> bool:
    """Return whether a HealthcareService has a type that `code_map` maps to one of ours."""
    services = bundle.of_type("HealthcareService")
    return any(read_service_codes(each.codings("type"), code_map) for each in services)


def read_channel(codings: Iterable[Coding]) -> Channel | None:
    """Return the code of the channel, of our system; `None` also for what is no channel."""
    ours = (each.code for each in codings if each.system == CHANNEL_SYSTEM)
    return next((CHANNELS[code] for code in ours if code in CHANNELS), None)


def find_services(bundle: Bundle, surgeries: Iterable[Surgery]) -> list[tuple[Surgery, Element]]:
    """Return each HealthcareService with the surgery whose PractitionerRole references it.

    Where no role references any, as on some servers, these are the services that the GP's
    organization provides, unless another role in `bundle` references them. Raises Malformed.
    """
    roles = [(surgery, _find_role(bundle, surgery)) for surgery in surgeries]
    by_role = [
        (surgery, service)
        for surgery, role in roles
        if role
        for service in map(bundle.get, dict.fromkeys(role.references("healthcareService")))
        if service
    ]
    return by_role or [
        (surgery, service)
        for surgery, role in roles
        for service in _unclaimed_services(bundle)
        if role and service.reference("providedBy") == _organization_reference(role)
    ]


def add_services(
    surgeries: Iterable[Surgery], services: Iterable[tuple[Surgery, Element]]
) -> tuple[Surgery, ...]:
    """Return the surgeries with the references of their services, as `find_services` gives them."""
    pairs = list(services)
    return tuple(
        replace(
            surgery,
            references=surgery.references.union(
                service.relative_reference for owner, service in pairs if owner.id == surgery.id
            ),
        )
        for surgery in surgeries
    )


def _unclaimed_services(bundle: Bundle) -> list[Element]:
    """Return the services that no PractitionerRole references."""
    roles = bundle.of_type("PractitionerRole")
    claimed = {reference for role in roles for reference in role.references("healthcareService")}
    services = bundle.of_type("HealthcareService")
    return [each for each in services if each.relative_reference not in claimed]


def _find_role(bundle: Bundle, surgery: Surgery) -> Element | None:
    """Return the PractitionerRole of a surgery, or the Organization where that is the GP."""
    candidates = (
        surgery.role,
        f"PractitionerRole/{surgery.id}",
        f"Organization/{surgery.id}",
    )
    return next(filter(None, map(bundle.get, candidates)), None)


def _organization_reference(role: Element) -> str:
    return (
        role.relative_reference
        if role.resource_type == "Organization"
        else role.reference("organization") or ""
    )


def read_offers(
    service: Element, surgery: Surgery, code_map: CodeMap, now: datetime
) -> tuple[Offer, ...]:
    """Return what `service` offers at `surgery`, nothing for a service that gpcli does not know.

    One HealthcareService may stand for several of our services. A date without a time is taken in
    the zone of `now`, at which contact details have to hold. Raises Malformed.
    """
    require_understood(service)
    names = read_service_names(service.strictly().codings("type"), code_map)
    return tuple(_read_offer(service, name, surgery, code_map, now) for name in names)


def _read_offer(
    service: Element, name: ServiceName, surgery: Surgery, code_map: CodeMap, now: datetime
) -> Offer:
    zone = now.tzinfo or UTC
    codings = service.codings("type")
    late_cancellation = service.extension(LATE_CANCELLATION)
    link = service.extension(DEEP_LINK)
    return Offer(
        id=service.require_string("id"),
        name=name,
        surgery=surgery,
        active=service.strictly().boolean("active") is not False,
        channels=tuple(
            coding.code
            for coding in service.codings("characteristic")
            if coding.system == CHANNEL_SYSTEM
        ),
        answer_time=service.string("comment"),
        eligibility=tuple(_read_eligibility(service)),
        absences=read_absences(service, zone),
        phones=tuple(read_contact_details([service], now).phones),
        deep_link=(link.string("valueUrl") or link.string("valueUri")) if link else None,
        late_cancelling=late_cancellation.string("valueCode") if late_cancellation else None,
        limits=_read_limits(service),
        coding=_mapped_coding(codings, code_map),
        service_name=service.string("name"),
        details=service.string("extraDetails"),
        hours=read_available_hours(service),
        exceptions=read_exceptions(service, zone),
    )


def _read_limits(service: Element) -> Limits:
    types = service.extension(ATTACHMENT_TYPES)
    media_types = types.string("valueString") if types else None
    return Limits(
        text=_read_maximum(service, MAX_TEXT),
        attachment=_read_maximum(service, MAX_ATTACHMENT),
        types=tuple((media_types or "").lower().split()),
    )


def _read_maximum(service: Element, url: str) -> int | None:
    extension = service.extension(url)
    value = extension.decimal("valueInteger") if extension else None
    if value is None or extension is None:
        return None
    if value >= 0 and value == value.to_integral_value():
        return int(value)
    extension.reject("valueInteger")
    return None


def _read_eligibility(service: Element) -> Iterator[str]:
    for rule in service.children("eligibility"):
        texts = (rule.concept_label("code"), rule.string("comment"))
        if text := ": ".join(filter(None, texts)):
            yield text


def read_prices(definition: Element, code_map: CodeMap, now: datetime) -> tuple[PriceRule, ...]:
    """Return what an active ChargeItemDefinition says that services cost, one for each code.

    None where it has no service code, is not active, is for tests only, or does not hold now.
    The price is unknown where there are no amounts, several currencies, or a component that is a
    factor without an amount. An e-consultation is charged at sending; others only if the record
    says so. Raises Malformed.

    The owners are all that it refers to in `useContext` and `instance`: a surgery, a place, a
    service, but also what gpcli does not know, such as an insurance plan. R4 has no other element
    for that; `publisher` names who published it.
    """
    strict = definition.strictly()
    codes = read_service_codes(strict.codings("code"), code_map)
    if not codes or not _is_price_now(strict, now):
        return ()
    when = strict.extension(CHARGED_AT)
    at_sending = when is not None and when.string("valueCode") == "sending"
    owners = frozenset(_read_owners(definition))
    charged = {code: at_sending or code == ServiceName.E_CONSULTATION for code in codes}
    return tuple(
        PriceRule(code, _build_price(strict, at_sending=charged[code]), owners) for code in codes
    )


def _is_price_now(definition: Element, now: datetime) -> bool:
    if definition.string("status") != "active" or definition.boolean("experimental"):
        return False
    period = definition.child("effectivePeriod")
    return period is None or is_within(period, now)


def _read_owners(definition: Element) -> Iterator[str]:
    """Yield the references to whom a price belongs; another word where one has no target."""
    contexts = definition.children("useContext")
    links = [each.link("valueReference") for each in contexts if "valueReference" in each.json]
    for link in (*links, *definition.links("instance")):
        identifier = link.identifier if link else None
        yield (link and link.target) or ("|".join(identifier) if identifier else "not told")


def _build_price(definition: Element, *, at_sending: bool) -> Price | None:
    rates, currencies = [], set()
    contexts = map(_describe_context, definition.children("useContext"))
    conditions = (*filter(None, contexts), *_read_conditions(definition))
    for group in definition.children("propertyGroup"):
        components = [
            component
            for component in group.children("priceComponent")
            if component.string("type") in _COMPONENT_SIGNS
        ]
        if any(component.child("amount") is None for component in components):
            return None
        amounts = [_read_amount(component) for component in components]
        if not amounts:
            continue
        currencies |= {currency for _, currency in amounts}
        total = sum((amount for amount, _ in amounts), Decimal(0))
        if total < 0:
            raise Malformed(f"{group.path} is less than nothing")
        applies = "; ".join((*conditions, *_read_conditions(group))) or None
        rates.append(Rate(applies, total, tuple(_read_surcharges(components))))
    if len(currencies) != 1:
        return None
    totals = [rate.amount for rate in rates]
    return Price(min(totals), max(totals), currencies.pop(), tuple(rates), at_sending)


def _read_conditions(element: Element) -> Iterator[str]:
    """Yield when a price or a rate applies, in the portal's words."""
    for rule in element.children("applicability"):
        if text := rule.string("description") or rule.string("expression"):
            yield text


def _describe_context(context: Element) -> str | None:
    """Return for whom or where a price is, unless that is a reference: `age: 0 to 17 years`."""
    kind, value = context.child("code"), context.concept_label("valueCodeableConcept")
    quantity, span = context.child("valueQuantity"), context.child("valueRange")
    if quantity:
        value = _describe_quantity(quantity)
    if span:
        value = _describe_span(span)
    name = (kind.string("display") or kind.string("code")) if kind else None
    return ": ".join(filter(None, (name, value))) if value else None


def _describe_span(span: Element) -> str:
    low, high = (
        _describe_quantity(end) if (end := span.child(name)) else "" for name in ("low", "high")
    )
    if low and high:
        return f"{low} to {high}"
    if high:
        return f"up to {high}"
    return f"from {low}" if low else ""


def _describe_quantity(quantity: Element) -> str:
    value = quantity.decimal("value")
    parts = (quantity.string("comparator"), None if value is None else format_decimal(value))
    unit = quantity.string("unit") or quantity.string("code")
    return " ".join(filter(None, ("".join(filter(None, parts)), unit)))


def _read_surcharges(components: Iterable[Element]) -> Iterator[Surcharge]:
    for component in components:
        if component.string("type") == "surcharge":
            yield Surcharge(component.concept_text("code"), _read_amount(component)[0])


def _read_amount(component: Element) -> tuple[Decimal, str]:
    money = component.child("amount")
    value = money.decimal("value") if money else None
    currency = money.string("currency") if money else None
    if value is None or currency is None:
        raise Malformed(f"{component.path}.amount has no value or currency")
    return value * _COMPONENT_SIGNS[component.require_string("type")], currency


CONSENT_LEVEL_SYSTEM = "urn:gpcli:consent-level"
_CONSENT_SCOPE = "http://terminology.hl7.org/CodeSystem/consentscope"
_CONSENT_CATEGORY = "http://terminology.hl7.org/CodeSystem/v3-ActCode"


def read_consent(consent: Element) -> Consent:
    """Return a Consent; its level is our code in `policyRule`, else the portal's words there.

    Words of the portal that are one of our codes are left out, since they mean something else.
    Raises Malformed.
    """
    levels = [
        coding.code
        for coding in consent.codings("policyRule")
        if coding.system == CONSENT_LEVEL_SYSTEM
    ]
    words = consent.concept_label("policyRule")
    return Consent(
        id=consent.require_string("id"),
        level=levels[0] if levels else None if words in set(ConsentLevel) else words,
        status=consent.require_string("status"),
        since=consent.written_time("dateTime"),
    )


def is_in_force(consent: Element, now: datetime) -> bool:
    """Return whether a Consent counts for its level at `now`.

    It does where it is active, about privacy if it says what it is about, and permits; a
    `provision.period` must hold. Raises Malformed.

    Source: R4 Consent `status` and `scope`, both modifiers; `provision`.
    """
    strict = consent.strictly()
    scopes = [code for code in strict.codings("scope") if code.system in {_CONSENT_SCOPE, ""}]
    is_privacy = strict.child("scope") is None or "patient-privacy" in {
        each.code for each in scopes
    }
    provision = strict.child("provision")
    if strict.string("status") != "active" or not is_privacy:
        return False
    if provision is None:
        return True
    period = provision.child("period")
    return provision.string("type") != "deny" and (period is None or is_within(period, now))


def has_consent_level(consent: Element) -> bool:
    """Return whether a Consent is of one of gpcli's levels, as not every portal's are."""
    return any(coding.system == CONSENT_LEVEL_SYSTEM for coding in consent.codings("policyRule"))


def write_consent_grant(patient: str, intent: UUID, now: datetime) -> dict[str, Any]:
    """Return an active Consent to Full Access, given by the patient at `now`."""
    return {
        "resourceType": "Consent",
        "identifier": [{"system": UUID_SYSTEM, "value": intent.urn}],
        "status": "active",
        "scope": {"coding": [{"system": _CONSENT_SCOPE, "code": "patient-privacy"}]},
        "category": [{"coding": [{"system": _CONSENT_CATEGORY, "code": "INFA"}]}],
        "patient": {"reference": f"Patient/{patient}"},
        "dateTime": now.isoformat(timespec="seconds"),
        "policyRule": {
            "coding": [{"system": CONSENT_LEVEL_SYSTEM, "code": ConsentLevel.FULL_ACCESS.value}]
        },
        "provision": {"type": "permit"},
    }


def write_consent_withdrawal(consent: Element) -> dict[str, Any]:
    """Return the Consent with the status `inactive` and everything else unchanged."""
    return {**consent.json, "status": "inactive"}
