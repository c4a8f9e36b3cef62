"""The channels of an e-consultation, to choose from."""

from __future__ import annotations

from gpcli.model.service import Service, join_prices
from gpcli.render.phrasing import Phrasing
from gpcli.render.views.wording import format_price


def channel_label(meaning: str, services: tuple[Service, ...], phrasing: Phrasing) -> str:
    """Return the line for a channel in a list of choices: what it means, its price and answer time.

    `services` are those of the GPs who take it. What none of them tells is left out.
    """
    price = join_prices(service.price for service in services)
    parts = (
        meaning,
        format_price(price, phrasing) if price else None,
        *dict.fromkeys(service.answer_time for service in services),
    )
    return phrasing.join(parts)
