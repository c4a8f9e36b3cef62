"""The flu vaccine at one GP."""

from dataclasses import dataclass

from gpcli.model.appointment import Slot, Vaccination
from gpcli.model.money import Price
from gpcli.model.surgery import Surgery


@dataclass(frozen=True)
class FluAnswer:
    """All about flu vaccination at one GP. `price` `None` = unknown.

    `last_vaccination` is the newest on record; `this_season` whether it is of the season that
    runs now. `deep_link` is where the portal books it instead, if it does so elsewhere.
    """

    surgery: Surgery
    eligibility: tuple[str, ...]
    price: Price | None
    last_vaccination: Vaccination | None
    this_season: bool
    deep_link: str | None
    slots: tuple[Slot, ...]
