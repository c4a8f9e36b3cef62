"""HealthcareService and ChargeItemDefinition: what is offered, when not, and what it costs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from zoneinfo import ZoneInfo

from gpcli.model.money import Price, Rate
from gpcli.model.service import Absence, Offer, ServiceName
from gpcli.model.surgery import Surgery
from gpcli.portal.fhir.bundle import Bundle
from gpcli.portal.fhir.element import Coding, Element, Malformed

SERVICE = "urn:gpcli:gp-service"
CHANNEL = "urn:gpcli:channel"
LATE_CANCELLATION = "urn:gpcli:late-cancellation"
DEEP_LINK = "urn:gpcli:booking-deep-link"

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


def channel_code(codings: Iterable[Coding]) -> str | None:
    """How a meeting is held, as the portal writes it."""
    written = list(codings)
    ours = [coding.code for coding in written if coding.system == CHANNEL]
    codes = ours or [coding.code for coding in written]
    return codes[0] if codes else None


def read_offers(
    bundle: Bundle, surgeries: Iterable[Surgery], code_map: Mapping[str, str], zone: str
) -> tuple[Offer, ...]:
    """The services that each GP's PractitionerRole names.

    Where no role names any, those of the same organization count (real servers differ).
    """
    places = list(surgeries)
    found: list[Offer] = []
    for surgery in places:
        found += _offers_of(bundle, surgery, code_map, zone, by_role=True)
    if found:
        return tuple(found)
    return tuple(
        offer
        for surgery in places
        for offer in _offers_of(bundle, surgery, code_map, zone, by_role=False)
    )


def _offers_of(
    bundle: Bundle, surgery: Surgery, code_map: Mapping[str, str], zone: str, *, by_role: bool
) -> list[Offer]:
    role = bundle.get(f"PractitionerRole/{surgery.id}")
    if role is None:
        return []
    if by_role:
        services = [bundle.get(each) for each in role.references("healthcareService")]
    else:
        employer = role.reference("organization")
        every = bundle.of("HealthcareService")
        services = [each for each in every if employer and each.reference("providedBy") == employer]
    offers = (_read_offer(each, surgery, code_map, zone) for each in services if each)
    return [offer for offer in offers if offer]


def _read_offer(
    service: Element, surgery: Surgery, code_map: Mapping[str, str], zone: str
) -> Offer | None:
    code = service_code(service.codings("type"), code_map)
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
        absences=tuple(_absence(each, ZoneInfo(zone)) for each in service.children("notAvailable")),
        phones=tuple(filter(None, (each.text("value") for each in phones))),
        deep_link=(link.text("valueUrl") or link.text("valueUri")) if link else None,
        late_cancelling=late.text("valueCode") if late else None,
    )


def _eligibility(service: Element) -> Iterator[str]:
    for rule in service.children("eligibility"):
        words = (rule.phrase("code"), rule.text("comment"))
        yield ": ".join(filter(None, words))


def _absence(rule: Element, zone: ZoneInfo) -> Absence:
    description, during = rule.text("description"), rule.child("during")
    if during is None:
        return Absence(description, None, None)
    start = during.bound("start", zone, last=False)
    return Absence(description, start, during.bound("end", zone, last=True))


def read_prices(bundle: Bundle, code_map: Mapping[str, str]) -> dict[str, Price]:
    """The price of each service that has one, by service code."""
    prices: dict[str, Price] = {}
    for definition in bundle.of("ChargeItemDefinition"):
        code = service_code(definition.codings("code"), code_map)
        price = _read_price(definition)
        if code and price and definition.text("status") == "active":
            prices[code] = price
    return prices


def _read_price(definition: Element) -> Price | None:
    rates, currencies = [], set()
    for group in definition.children("propertyGroup"):
        parts = [_amount(each) for each in group.children("priceComponent")]
        known = [part for part in parts if part]
        if not known:
            continue
        currencies |= {currency for _, currency in known}
        applies = (each.text("description") for each in group.children("applicability"))
        rates.append(Rate(next(applies, None), sum((amount for amount, _ in known), Decimal(0))))
    if not rates or len(currencies) != 1:
        return None
    amounts = [rate.amount for rate in rates]
    return Price(min(amounts), max(amounts), currencies.pop(), tuple(rates))


def _amount(component: Element) -> tuple[Decimal, str] | None:
    kind, money = component.text("type"), component.child("amount")
    if kind not in _SIGNS or money is None:
        return None
    value, currency = money.decimal("value"), money.text("currency")
    if value is None or currency is None:
        raise Malformed(f"{component.path}.amount has no value or currency")
    return value * _SIGNS[kind], currency
