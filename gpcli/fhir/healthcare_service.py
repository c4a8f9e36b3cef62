"""HealthcareService, ChargeItemDefinition and Consent: services, prices, and consent."""

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

SERVICE = "urn:gpcli:gp-service"
CHANNEL = "urn:gpcli:channel"
CHANNELS = frozenset({"in-person", "phone", "video", "text"})
"""The codes of CHANNEL."""
LATE_CANCELLATION = "urn:gpcli:late-cancellation"
DEEP_LINK = "urn:gpcli:booking-deep-link"
CHARGED_AT = "urn:gpcli:charged-at"
MAX_ATTACHMENT = "urn:gpcli:max-attachment-bytes"
ATTACHMENT_TYPES = "urn:gpcli:attachment-types"
MAX_TEXT = "urn:gpcli:max-text"

_SIGNS: dict[str, int] = {"base": 1, "surcharge": 1, "tax": 1, "deduction": -1, "discount": -1}


def service_code(codings: Iterable[Coding], code_map: Mapping[str, str]) -> str | None:
    """The service that a record is for: our own code, one that the profile maps, or as written."""
    written = list(codings)
    for coding in written:
        if coding.system == SERVICE:
            return coding.code
        if mapped := code_map.get(f"{coding.system}|{coding.code}"):
            return mapped
    return written[0].code if written else None


def service_of(
    codings: Iterable[Coding], code_map: Mapping[str, str], offer: Offer | None
) -> str | None:
    """The service that a record of `offer` is for: a code that is not ours says less than that."""
    code = service_code(codings, code_map)
    return code if code in set(ServiceName) or offer is None else offer.name


def _foreign(codings: Iterable[Coding], code_map: Mapping[str, str]) -> Coding | None:
    """The coding that the profile maps to one of ours, where the record has none of ours."""
    written = list(codings)
    if any(coding.system == SERVICE for coding in written):
        return None
    return next((each for each in written if f"{each.system}|{each.code}" in code_map), None)


def channel_code(codings: Iterable[Coding]) -> str | None:
    """How a meeting is held, as the portal writes it."""
    written = list(codings)
    ours = [coding.code for coding in written if coding.system == CHANNEL]
    codes = ours or [coding.code for coding in written]
    return codes[0] if codes else None


def offered(bundle: Bundle, surgeries: Iterable[Surgery]) -> list[tuple[Surgery, Element]]:
    """Which GP's PractitionerRole names which HealthcareService.

    Where no role names any, those that the same organization provides (real servers differ); but
    one that a colleague's role names is the colleague's.
    """
    places = [(surgery, _role(bundle, surgery)) for surgery in surgeries]
    by_role = [
        (surgery, service)
        for surgery, role in places
        if role
        for service in map(bundle.get, dict.fromkeys(role.references("healthcareService")))
        if service
    ]
    return by_role or [
        (surgery, service)
        for surgery, role in places
        for service in _nobodys(bundle)
        if role and service.reference("providedBy") == _organization(role)
    ]


def _nobodys(bundle: Bundle) -> list[Element]:
    roles = bundle.of("PractitionerRole")
    named = {each for role in roles for each in role.references("healthcareService")}
    return [each for each in bundle.of("HealthcareService") if each.ref not in named]


def _role(bundle: Bundle, surgery: Surgery) -> Element | None:
    role = bundle.get(f"PractitionerRole/{surgery.id}")
    return role or bundle.get(f"Organization/{surgery.id}")


def _organization(role: Element) -> str:
    return role.ref if role.kind == "Organization" else role.reference("organization") or ""


def read_offer(
    service: Element, surgery: Surgery, code_map: Mapping[str, str], zone: tzinfo
) -> Offer | None:
    """What `service` offers at `surgery`; `None` for a service that gpcli doesn't know."""
    codings = service.codings("type")
    code = service_code(codings, code_map)
    if code not in set(ServiceName):
        return None
    late = service.extension(LATE_CANCELLATION)
    link = service.extension(DEEP_LINK)
    phones = [each for each in service.children("telecom") if each.text("system") == "phone"]
    return Offer(
        id=service.need("id"),
        name=ServiceName(code),
        surgery=surgery,
        active=service.flag("active") is not False,
        channels=tuple(
            coding.code for coding in service.codings("characteristic") if coding.system == CHANNEL
        ),
        answer_time=service.text("comment"),
        eligibility=tuple(_eligibility(service)),
        absences=tuple(_absence(each, zone) for each in service.children("notAvailable")),
        phones=tuple(filter(None, (each.text("value") for each in phones))),
        deep_link=(link.text("valueUrl") or link.text("valueUri")) if link else None,
        late_cancelling=late.text("valueCode") if late else None,
        limits=_limits(service),
        coding=_foreign(codings, code_map),
    )


def _limits(service: Element) -> Limits:
    types = service.extension(ATTACHMENT_TYPES)
    words = types.text("valueString") if types else None
    return Limits(
        text=_most(service, MAX_TEXT),
        attachment=_most(service, MAX_ATTACHMENT),
        types=tuple((words or "").lower().split()),
    )


def _most(service: Element, url: str) -> int | None:
    extension = service.extension(url)
    value = extension.decimal("valueInteger") if extension else None
    if value is None:
        return None
    if value < 0 or value != value.to_integral_value():
        raise Malformed(f"{service.path}.extension is not a number of bytes or characters")
    return int(value)


def _eligibility(service: Element) -> Iterator[str]:
    for rule in service.children("eligibility"):
        words = (rule.phrase("code"), rule.text("comment"))
        yield ": ".join(filter(None, words))


def _absence(rule: Element, zone: tzinfo) -> Absence:
    during = rule.child("during")
    start, end = read_period(during, zone) if during else (None, None)
    return Absence(rule.text("description"), start, end)


def read_price(definition: Element, code_map: Mapping[str, str]) -> tuple[str, Price] | None:
    """The service that an active ChargeItemDefinition is for, and its price.

    `None` where the price can't be told: no amounts, several currencies, or a part that is a
    factor without an amount. An e-consultation is charged at sending; others only if the record
    says so.
    """
    code = service_code(definition.codings("code"), code_map)
    if code is None or definition.text("status") != "active":
        return None
    when = definition.extension(CHARGED_AT)
    at_sending = when is not None and when.text("valueCode") == "sending"
    price = _price(definition, at_sending=at_sending or code == ServiceName.E_CONSULTATION)
    return (code, price) if price else None


def _price(definition: Element, *, at_sending: bool) -> Price | None:
    rates, currencies = [], set()
    for group in definition.children("propertyGroup"):
        parts = [each for each in group.children("priceComponent") if each.text("type") in _SIGNS]
        if any(part.child("amount") is None for part in parts):
            return None
        amounts = [_amount(part) for part in parts]
        if not amounts:
            continue
        currencies |= {currency for _, currency in amounts}
        applies = (each.text("description") for each in group.children("applicability"))
        total = sum((amount for amount, _ in amounts), Decimal(0))
        rates.append(Rate(next(applies, None), total, tuple(_surcharges(parts))))
    if len(currencies) != 1:
        return None
    totals = [rate.amount for rate in rates]
    return Price(min(totals), max(totals), currencies.pop(), tuple(rates), at_sending)


def _surcharges(parts: Iterable[Element]) -> Iterator[Surcharge]:
    for part in parts:
        if part.text("type") == "surcharge":
            yield Surcharge(part.phrase("code"), _amount(part)[0])


def _amount(component: Element) -> tuple[Decimal, str]:
    money = component.child("amount")
    value = money.decimal("value") if money else None
    currency = money.text("currency") if money else None
    if value is None or currency is None:
        raise Malformed(f"{component.path}.amount has no value or currency")
    return value * _SIGNS[component.need("type")], currency


LEVEL = "urn:gpcli:consent-level"
_SCOPE = "http://terminology.hl7.org/CodeSystem/consentscope"
_CATEGORY = "http://terminology.hl7.org/CodeSystem/v3-ActCode"


def read_consent(consent: Element) -> Consent:
    """One Consent; its level is the code of `policyRule`, as written."""
    levels = [coding.code for coding in consent.codings("policyRule") if coding.system == LEVEL]
    return Consent(
        id=consent.need("id"),
        level=levels[0] if levels else ConsentLevel.BASIC,
        status=consent.need("status"),
        since=consent.text("dateTime"),
    )


def write_grant(patient: str, intent: UUID, now: datetime) -> dict[str, Any]:
    """An active Consent to Full Access, given by the patient now."""
    return {
        "resourceType": "Consent",
        "identifier": [{"system": UUID_SYSTEM, "value": intent.urn}],
        "status": "active",
        "scope": {"coding": [{"system": _SCOPE, "code": "patient-privacy"}]},
        "category": [{"coding": [{"system": _CATEGORY, "code": "INFA"}]}],
        "patient": {"reference": f"Patient/{patient}"},
        "dateTime": now.isoformat(timespec="seconds"),
        "policyRule": {"coding": [{"system": LEVEL, "code": ConsentLevel.FULL_ACCESS.value}]},
        "provision": {"type": "permit"},
    }


def write_withdrawn(consent: Element) -> dict[str, Any]:
    """The same Consent, inactive; everything else stays as it was."""
    return {**consent.json, "status": "inactive"}
