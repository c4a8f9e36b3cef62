"""HealthcareService, ChargeItemDefinition and Consent: services, prices and consent."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
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


def read_service_code(codings: Iterable[Coding], code_map: Mapping[str, str]) -> str | None:
    """Return the service code of a record: the first of ours or mapped to ours, else the first.

    `code_map` maps `system|code` to our codes. `None` where there are no codings.
    """
    candidates = list(codings)
    for coding in candidates:
        if coding.system == SERVICE_SYSTEM:
            return coding.code
        if mapped := code_map.get(f"{coding.system}|{coding.code}"):
            return mapped
    return candidates[0].code if candidates else None


def resolve_service(
    codings: Iterable[Coding], code_map: Mapping[str, str], offer: Offer | None
) -> str | None:
    """Return the service code of a record; where that is not ours, the service of any `offer`."""
    code = read_service_code(codings, code_map)
    return code if code in set(ServiceName) or offer is None else offer.name


def _mapped_coding(codings: Iterable[Coding], code_map: Mapping[str, str]) -> Coding | None:
    """Return the coding that `code_map` maps to ours; `None` where the record has one of ours."""
    candidates = list(codings)
    if any(coding.system == SERVICE_SYSTEM for coding in candidates):
        return None
    return next((each for each in candidates if f"{each.system}|{each.code}" in code_map), None)


def read_channel(codings: Iterable[Coding]) -> str | None:
    """Return the code of the channel: ours, else the first one as the portal writes it."""
    candidates = list(codings)
    ours = [coding.code for coding in candidates if coding.system == CHANNEL_SYSTEM]
    codes = ours or [coding.code for coding in candidates]
    return codes[0] if codes else None


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


def read_offer(
    service: Element, surgery: Surgery, code_map: Mapping[str, str], zone: tzinfo
) -> Offer | None:
    """Return what `service` offers at `surgery`; `None` for a service that gpcli does not know.

    A date without a time is taken in `zone`. Raises Malformed.
    """
    codings = service.strictly().codings("type")
    code = read_service_code(codings, code_map)
    if code not in set(ServiceName):
        return None
    late_cancellation = service.extension(LATE_CANCELLATION)
    link = service.extension(DEEP_LINK)
    phones = [each for each in service.children("telecom") if each.string("system") == "phone"]
    return Offer(
        id=service.require_string("id"),
        name=ServiceName(code),
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


def read_price(definition: Element, code_map: Mapping[str, str]) -> tuple[str, Price] | None:
    """Return the service code and the price of an active ChargeItemDefinition.

    `None` where it is not active, has no service code, or its price is unknown: no amounts, several
    currencies, or a component that is a factor without an amount. An e-consultation is charged at
    sending; others only if the record says so. Raises Malformed.
    """
    code = read_service_code(definition.codings("code"), code_map)
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
