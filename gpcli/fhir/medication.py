"""Medication and MedicationDispense: what is prescribed, and what is left of it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal

from gpcli.fhir.bundle import Bundle
from gpcli.fhir.element import Coding, Element
from gpcli.model.prescription import Basis, Quantity, Remaining, called

_GROUPS = re.compile(r"(?:^|\D)7421$", re.ASCII)
"""How the system of the Norwegian prescription groups ends (Volven 7421)."""


@dataclass(frozen=True)
class Medicine:
    """What is prescribed, as written; `None` = not said. `group` is A, B, C, …"""

    name: str | None
    strength: str | None
    form: str | None
    group: str | None

    @property
    def label(self) -> str | None:
        """Name and strength in one phrase."""
        return called(self.name, self.strength)


def read_medicine(request: Element, bundle: Bundle) -> Medicine:
    """What a MedicationRequest (or MedicationDispense) is about; raises Malformed."""
    medication = _medication(request, bundle)
    if medication is None:
        name = _name(request, "medicationCodeableConcept", request)
        return Medicine(name, None, None, _group(request))
    form = medication.phrase("form") or _code(medication, "form")
    return Medicine(
        name=_name(medication, "code", request),
        strength=_strength(medication, form),
        form=form,
        group=_group(medication) or _group(request),
    )


def read_quantity(element: Element, name: str) -> Quantity | None:
    """A Quantity with its unit in words, else as a code; `None` without a value."""
    quantity = element.child(name)
    value = quantity.decimal("value") if quantity else None
    if quantity is None or value is None:
        return None
    return Quantity(value, quantity.text("unit") or quantity.text("code"))


def _medication(request: Element, bundle: Bundle) -> Element | None:
    reference = request.reference("medicationReference") or ""
    if not reference.startswith("#"):
        return bundle.get(reference)
    inside = request.children("contained")
    return next((each for each in inside if f"#{each.text('id')}" == reference), None)


def _name(element: Element, name: str, request: Element) -> str | None:
    target = request.child("medicationReference")
    display = target.text("display") if target else None
    return element.phrase(name) or display or _code(element, name)


def _code(element: Element, name: str) -> str | None:
    return next((coding.code for coding in element.codings(name) if coding.code), None)


def _group(element: Element) -> str | None:
    for extension in _extensions(element):
        for coding in _values(extension):
            if coding.code and _GROUPS.search(coding.system):
                return coding.code
    return None


def _extensions(element: Element) -> Iterator[Element]:
    for extension in element.children("extension"):
        yield extension
        yield from extension.children("extension")


def _values(extension: Element) -> Iterator[Coding]:
    yield from extension.codings("valueCodeableConcept")
    coding = extension.child("valueCoding")
    if coding:
        yield Coding(coding.text("system") or "", coding.text("code") or "")


def _strength(medication: Element, form: str | None) -> str | None:
    """The strength of every active ingredient; `None` where one of them has none."""
    ingredients = medication.children("ingredient")
    active = [each for each in ingredients if each.flag("isActive") is not False]
    strengths = [_ratio(each.child("strength"), form) for each in active]
    told = [each for each in strengths if each]
    return " / ".join(told) if len(told) == len(active) and told else None


def _ratio(strength: Element | None, form: str | None) -> str | None:
    """Such as `50 mg` (in one tablet) or `50 mg/5 ml`."""
    amount = read_quantity(strength, "numerator") if strength else None
    if strength is None or amount is None:
        return None
    per = read_quantity(strength, "denominator")
    if per is None or (per.value == 1 and _is_one(per.unit, form)):
        return _written(amount)
    return f"{_written(amount)}/{per.unit if per.value == 1 else _written(per)}"


def _is_one(unit: str | None, form: str | None) -> bool:
    """Whether a unit only says that it is one of the thing itself."""
    return unit in {None, "1"} or (unit or "").casefold() == (form or "").casefold()


def _written(quantity: Quantity) -> str:
    return " ".join(filter(None, (_digits(quantity.value), quantity.unit)))


def _digits(value: Decimal) -> str:
    return format(value, "f")


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
