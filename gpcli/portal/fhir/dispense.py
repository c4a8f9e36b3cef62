"""What is left of a prescription: the portal's own figure, or what was handed out.

The figure stands in UK Core's extension MedicationRepeatInformation; what was handed out in
MedicationDispense (R4).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from gpcli.model.prescription import Basis, Quantity, Remaining
from gpcli.portal.fhir.element import Element
from gpcli.portal.fhir.medication import read_quantity

_FIGURE = "MedicationRepeatInformation"
_ISSUED = "numberOfPrescriptionsIssued"
"""How often it was issued in all, the first time among them."""
_REPEATED = "numberOfRepeatPrescriptionsIssued"
"""How often it was issued after the first time."""
_ALLOWED = "numberOfRepeatPrescriptionsAllowed"
_EXPIRY = "authorisationExpiryDate"
_COUNTS = ("valueUnsignedInt", "valuePositiveInt", "valueInteger")
_MOST = 2**31 - 1
"""The largest unsignedInt (R4, Primitive Types)."""


@dataclass(frozen=True)
class Dispense:
    """A MedicationDispense: on which MedicationRequests, and how much.

    `completed` tells that it was really handed out: neither cancelled nor still being prepared.
    """

    prescriptions: tuple[str, ...]
    quantity: Quantity | None
    completed: bool


def read_dispense(dispense: Element) -> Dispense:
    """One MedicationDispense; raises Malformed."""
    return Dispense(
        prescriptions=dispense.references("authorizingPrescription"),
        quantity=read_quantity(dispense, "quantity"),
        completed=dispense.need("status") == "completed",
    )


def read_remaining(request: Element, handed_out: Sequence[Dispense] | None) -> Remaining | None:
    """What is left of a MedicationRequest that is good; `None` = unknown.

    `handed_out` is all that was, on any prescription; `None` = the portal does not tell.
    """
    return _told(request) or _counted(request, handed_out)


def told_by_portal(request: Element) -> bool:
    """Whether the portal itself says what is left, so that nothing has to be counted."""
    return _told(request) is not None


def is_untouched(request: Element, handed_out: Sequence[Dispense] | None) -> bool:
    """Whether it is known that nothing of a MedicationRequest was handed out yet.

    Of the portal's figures, one issue in all and no repeat are what a new prescription begins with.
    """
    issued, repeated = _figure(request, _ISSUED), _figure(request, _REPEATED)
    if repeated is not None or issued is not None:
        return repeated == 0 if repeated is not None else issued in {0, 1}
    return handed_out is not None and not _taken(request, handed_out)


def read_expiry(request: Element) -> Element | None:
    """A Period that ends when the prescription does, if that is said."""
    dispensing = request.child("dispenseRequest")
    period = dispensing.child("validityPeriod") if dispensing else None
    if period and period.text("end"):
        return period
    for part in _parts(request):
        written = part.text("valueDateTime") or part.text("valueDate")
        if part.text("url") == _EXPIRY and written:
            return Element({"end": written}, part.path)
    return None


def _told(request: Element) -> Remaining | None:
    issued, repeated = _figure(request, _ISSUED), _figure(request, _REPEATED)
    allowed = _figure(request, _ALLOWED)
    allowed = _repeats(request) if allowed is None else allowed
    if allowed is None or (issued is None and repeated is None):
        return None
    left = allowed - repeated if repeated is not None else allowed + 1 - (issued or 0)
    return Remaining(max(left, 0), Basis.PORTAL)


def _counted(request: Element, handed_out: Sequence[Dispense] | None) -> Remaining | None:
    repeats = _repeats(request)
    if repeats is None or handed_out is None:
        return None
    ours = _taken(request, handed_out)
    fills = max(repeats + 1 - len(ours), 0)
    return Remaining(fills, Basis.DISPENSES, _amount_left(request, repeats + 1, ours))


def _taken(request: Element, handed_out: Sequence[Dispense]) -> list[Dispense]:
    """What was really handed out on a MedicationRequest."""
    this = request.ref
    return [one for one in handed_out if one.completed and this in one.prescriptions]


def _amount_left(request: Element, fills: int, ours: Sequence[Dispense]) -> Quantity | None:
    """What all fills hold less what was handed out, if it is all counted in one unit."""
    dispensing = request.child("dispenseRequest")
    each = read_quantity(dispensing, "quantity") if dispensing else None
    if dispensing is None or each is None or dispensing.child("initialFill"):
        return None
    taken = [one.quantity for one in ours]
    if any(one is None or one.unit != each.unit for one in taken):
        return None
    left = each.value * fills - sum((one.value for one in taken if one), Decimal(0))
    return Quantity(max(left, Decimal(0)), each.unit)


def _repeats(request: Element) -> int | None:
    dispensing = request.child("dispenseRequest")
    return _count(dispensing, "numberOfRepeatsAllowed") if dispensing else None


def _figure(request: Element, figure: str) -> int | None:
    for part in _parts(request):
        counts = (_count(part, name) for name in _COUNTS if part.text("url") == figure)
        told = next((count for count in counts if count is not None), None)
        if told is not None:
            return told
    return None


def _parts(request: Element) -> tuple[Element, ...]:
    outer = (each for each in request.children("extension") if _FIGURE in (each.text("url") or ""))
    return tuple(part for each in outer for part in each.children("extension"))


def _count(element: Element, name: str) -> int | None:
    value = element.decimal(name)
    if value is None:
        return None
    if value != value.to_integral_value() or not 0 <= value <= _MOST:
        raise element.bad(name)
    return int(value)
