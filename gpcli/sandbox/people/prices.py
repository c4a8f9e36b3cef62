"""What things cost here: made-up amounts, near enough to real ones. The same at every surgery."""

from collections.abc import Iterator
from dataclasses import dataclass

from gpcli.sandbox.people.elements import SERVICE, Element, concept, nok

INVOICE_FEE = 69


@dataclass(frozen=True)
class Rate:
    """What one group of people, or one time of day, pays in NOK; `invoice_fee` comes on top."""

    when: str
    amount: int
    invoice_fee: int = 0

    def property_group(self) -> Element:
        """The rate as a propertyGroup."""
        components: list[Element] = [{"type": "base", "amount": nok(self.amount)}]
        if self.invoice_fee:
            fee = {"text": "Invoice fee"}
            components.append({"type": "surcharge", "code": fee, "amount": nok(self.invoice_fee)})
        return {"applicability": [{"description": self.when}], "priceComponent": components}


PRICES = {
    "e-consultation": (
        "E-consultation",
        (
            Rate("Answered by day, before 16:00", 184, INVOICE_FEE),
            Rate("Answered by day, by a specialist in general practice", 248, INVOICE_FEE),
            Rate("Answered in the evening or at the weekend", 322, INVOICE_FEE),
            Rate("Under 16, or with an exemption card", 0),
        ),
    ),
    "booking": (
        "Visit to the GP, paid at the surgery",
        (
            Rate("Visit by day", 184),
            Rate("Visit by day, specialist in general practice", 248),
            Rate("Under 16, or with an exemption card", 0),
        ),
    ),
    "booking-enquiry": ("Asking for a time", (Rate("Any time", 0),)),
    "cancellation": ("Cancelling before the deadline", (Rate("Any time", 0),)),
    "prescription-renewal": ("Renewal without a visit", (Rate("Each request", 92, INVOICE_FEE),)),
    "flu-vaccination": (
        "Flu vaccination, paid at the surgery",
        (Rate("Vaccine and injection", 150), Rate("Risk groups", 0)),
    ),
    "contact": ("Message to the reception", (Rate("Administrative matters", 0),)),
    "late-cancellation": (
        "Cancelling after the deadline",
        (Rate("Also with an exemption card", 380, INVOICE_FEE),),
    ),
    "no-show": ("Not coming", (Rate("Also with an exemption card", 380, INVOICE_FEE),)),
}
"""Title and rates by the code of what is paid for."""


def price_list() -> Iterator[Element]:
    """A ChargeItemDefinition for everything that has a price."""
    for code, (title, rates) in PRICES.items():
        yield {
            "resourceType": "ChargeItemDefinition",
            "id": f"price-{code}",
            "url": f"urn:gpcli:price:{code}",
            "status": "active",
            "title": title,
            "code": concept(SERVICE, code),
            "propertyGroup": [rate.property_group() for rate in rates],
        }
