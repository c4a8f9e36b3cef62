"""Revalidation: read the offers again before sending, as they may have changed since the plan."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from gpcli.care.offers import SERVICE_LABELS, build_refusal, list_services
from gpcli.care.portal_protocol import Portal
from gpcli.errors import FeeNotAccepted, NotOffered
from gpcli.model.service import Price, Service, format_decimal


def build_offer_check(
    portal: Portal, shown: Service, clock: Callable[[], datetime]
) -> Callable[[], None]:
    """Build a proposal's `revalidate` for a service that the plan showed as `shown`.

    It fetches the offers and raises NotOffered, OffForNow, ConsentNeeded or NotPermitted if the
    service can't be used any more, FeeNotAccepted if its price has risen.
    """
    return lambda: _check_still_offered(portal, shown, clock())


def check_price_not_risen(what: str, shown: Price | None, current: Price | None) -> None:
    """Raise FeeNotAccepted if `what` costs more now than the plan showed.

    Where the plan showed no price, the person agreed to any.
    """
    if shown is None or (current and is_within(current, shown)):
        return
    most = format_decimal(current.high) if current else None
    amount = f"up to {current.currency} {most}" if current else "an unknown amount"
    raise FeeNotAccepted(
        f"The price has risen meanwhile: {what} costs {amount} now. Nothing was sent.",
        hint="Run it again to see the new plan.",
    )


def is_within(current: Price, shown: Price) -> bool:
    """Return whether `current` charges no more than `shown`, and not earlier."""
    charged = shown.at_sending or not current.at_sending
    return charged and current.currency == shown.currency and current.high <= shown.high


def _check_still_offered(portal: Portal, shown: Service, now: datetime) -> None:
    offers = portal.fetch_offers()
    current = [
        candidate
        for candidate in list_services(offers, now)
        if candidate.service is shown.service and candidate.surgery.id == shown.surgery.id
    ]
    if not current:
        raise NotOffered(f"{shown.surgery.label} is not your GP any more.", hint="gpcli gp")
    if not current[0].is_usable:
        raise build_refusal(offers, current, shown.service)
    check_price_not_risen(SERVICE_LABELS[shown.service], shown.price, current[0].price)
