"""HealthcareService, ChargeItemDefinition and Consent: services, prices and consent."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, tzinfo
from decimal import Decimal
from typing import Any
from uuid import UUID

from gpcli.fhir.bundle import Bundle
from gpcli.fhir.element import UUID_SYSTEM, Coding, Element, Malformed, read_period
from gpcli.model.service import (
    Absence,
    Consent,
    ConsentLevel,
    Limits,
    Offer,
    Price,
    Rate,
    ServiceName,
    Surcharge,
    Surgery,
)

SERVICE_SYSTEM = "urn:gpcli:gp-service"
CHANNEL_SYSTEM = "urn:gpcli:channel"
CHANNELS = frozenset({"in-person", "phone", "video", "text"})
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
    offered = [offer.name for offer in offers]
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


def read_channel(codings: Iterable[Coding]) -> str | None:
    """Return the code of the channel, of our system; `None` also for what is no channel."""
    ours = (each.code for each in codings if each.system == CHANNEL_SYSTEM)
    return next((code for code in ours if code in CHANNELS), None)


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


def _unclaimed_services(bundle: Bundle) -> list[Element]:
    """Return the services that no PractitionerRole references."""
    roles = bundle.of_type("PractitionerRole")
    claimed = {reference for role in roles for reference in role.references("healthcareService")}
    services = bundle.of_type("HealthcareService")
    return [each for each in services if each.relative_reference not in claimed]


def _find_role(bundle: Bundle, surgery: Surgery) -> Element | None:
    """Return the PractitionerRole of a surgery, or the Organization where that is the GP."""
    role = bundle.get(f"PractitionerRole/{surgery.id}")
    return role or bundle.get(f"Organization/{surgery.id}")


def _organization_reference(role: Element) -> str:
    return (
        role.relative_reference
        if role.resource_type == "Organization"
        else role.reference("organization") or ""
    )


def read_offers(
    service: Element, surgery: Surgery, code_map: CodeMap, zone: tzinfo
) -> tuple[Offer, ...]:
    """Return what `service` offers at `surgery`, nothing for a service that gpcli does not know.

    One HealthcareService may stand for several of our services. A date without a time is taken in
    `zone`. Raises Malformed.
    """
    names = read_service_names(service.strictly().codings("type"), code_map)
    return tuple(_read_offer(service, name, surgery, code_map, zone) for name in names)


def _read_offer(
    service: Element, name: ServiceName, surgery: Surgery, code_map: CodeMap, zone: tzinfo
) -> Offer:
    codings = service.codings("type")
    late_cancellation = service.extension(LATE_CANCELLATION)
    link = service.extension(DEEP_LINK)
    phones = [each for each in service.children("telecom") if each.string("system") == "phone"]
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
        absences=tuple(_read_absence(each, zone) for each in service.children("notAvailable")),
        phones=tuple(filter(None, (each.string("value") for each in phones))),
        deep_link=(link.string("valueUrl") or link.string("valueUri")) if link else None,
        late_cancelling=late_cancellation.string("valueCode") if late_cancellation else None,
        limits=_read_limits(service),
        coding=_mapped_coding(codings, code_map),
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
    if value is None:
        return None
    if value < 0 or value != value.to_integral_value():
        raise Malformed(f"{service.path}.extension is not a number of bytes or characters")
    return int(value)


def _read_eligibility(service: Element) -> Iterator[str]:
    for rule in service.children("eligibility"):
        texts = (rule.concept_text("code"), rule.string("comment"))
        yield ": ".join(filter(None, texts))


def _read_absence(rule: Element, zone: tzinfo) -> Absence:
    during = rule.child("during")
    start, end = read_period(during, zone) if during else (None, None)
    return Absence(rule.string("description"), start, end)


def read_price(definition: Element, code_map: CodeMap) -> tuple[str, Price] | None:
    """Return the service code and the price of an active ChargeItemDefinition.

    `None` where it is not active, has no service code, or its price is unknown: no amounts, several
    currencies, or a component that is a factor without an amount. An e-consultation is charged at
    sending; others only if the record says so. Raises Malformed.
    """
    code = next(iter(read_service_codes(definition.codings("code"), code_map)), None)
    if code is None or definition.string("status") != "active":
        return None
    when = definition.extension(CHARGED_AT)
    at_sending = when is not None and when.string("valueCode") == "sending"
    price = _build_price(definition, at_sending=at_sending or code == ServiceName.E_CONSULTATION)
    return (code, price) if price else None


def _build_price(definition: Element, *, at_sending: bool) -> Price | None:
    rates, currencies = [], set()
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
        descriptions = (rule.string("description") for rule in group.children("applicability"))
        total = sum((amount for amount, _ in amounts), Decimal(0))
        rates.append(Rate(next(descriptions, None), total, tuple(_read_surcharges(components))))
    if len(currencies) != 1:
        return None
    totals = [rate.amount for rate in rates]
    return Price(min(totals), max(totals), currencies.pop(), tuple(rates), at_sending)


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
    """Return a Consent; its level is our code in `policyRule` as written, else Basic.

    Raises Malformed.
    """
    levels = [
        coding.code
        for coding in consent.codings("policyRule")
        if coding.system == CONSENT_LEVEL_SYSTEM
    ]
    return Consent(
        id=consent.require_string("id"),
        level=levels[0] if levels else ConsentLevel.BASIC,
        status=consent.require_string("status"),
        since=consent.string("dateTime"),
    )


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
