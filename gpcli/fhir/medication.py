"""Medication and MedicationDispense: what is prescribed, and how much of it remains."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from gpcli.fhir.bundle import Bundle
from gpcli.fhir.element import Coding, Element
from gpcli.fhir.modifiers import require_known_code
from gpcli.fhir.patient import Identifiers
from gpcli.fhir.quantity import read_quantity, word_quantity
from gpcli.model.prescription import Basis, Quantity, Remaining, format_medicine

_GROUP_SYSTEM = re.compile(r"(?:^|\D)7421$", re.ASCII)
"""The end of the system URI of the Norwegian prescription groups (Volven 7421)."""
_TRUSTED_STATUSES = (None, "", "active", "inactive")
"""The values of Medication.status with which it is what it says; none at all is one as well."""


@dataclass(frozen=True)
class Medicine:
    """A medicine as written; `None` means not stated.

    `group` is the Norwegian prescription group: A, B, C, ...
    """

    name: str | None
    strength: str | None
    form: str | None
    group: str | None

    @property
    def label(self) -> str | None:
        """Name and strength in one phrase; `None` where neither is stated."""
        return format_medicine(self.name, self.strength)


def read_medicine(request: Element, bundle: Bundle) -> Medicine:
    """Return the medicine of a MedicationRequest. Raises Malformed.

    Of a Medication that was entered in error nothing is taken; that becomes a flaw.
    """
    medication = bundle.resolve(request.link("medicationReference"), request)
    if medication is None or not _is_trusted(medication):
        name = _read_name(request, "medicationCodeableConcept", request)
        return Medicine(name, None, None, _read_group(request))
    form = medication.concept_text("form") or medication.concept_label("form")
    return Medicine(
        name=_read_name(medication, "code", request),
        strength=_read_strength(medication, form),
        form=form,
        group=_read_group(medication) or _read_group(request),
    )


def _is_trusted(medication: Element) -> bool:
    """Return whether a Medication can be taken for what it says.

    Source: R4 Medication.status, a modifier; an inactive one is not available for use any more.
    """
    if medication.json.get("status") in _TRUSTED_STATUSES:
        return True
    medication.reject("status", "says that it is not to be trusted: its name is not shown")
    return False


def _read_name(element: Element, name: str, request: Element) -> str | None:
    """Return the name, else how the request calls its medicine, else a code or an identifier."""
    link = request.link("medicationReference")
    display, identifier = (link.display, link.identifier) if link else (None, None)
    label = element.concept_text(name) or display or element.concept_label(name)
    return label or (identifier[1] if identifier else None)


def _read_group(element: Element) -> str | None:
    for extension in _all_extensions(element):
        for coding in _extension_codings(extension):
            if coding.code and _GROUP_SYSTEM.search(coding.system):
                return coding.code
    return None


def _all_extensions(element: Element) -> Iterator[Element]:
    for extension in element.children("extension"):
        yield extension
        yield from extension.children("extension")


def _extension_codings(extension: Element) -> Iterator[Coding]:
    yield from extension.codings("valueCodeableConcept")
    coding = extension.child("valueCoding")
    if coding:
        yield Coding(coding.string("system") or "", coding.string("code") or "")


def _read_strength(medication: Element, form: str | None) -> str | None:
    """Return the strengths of all active ingredients; `None` where one of them has none."""
    ingredients = medication.children("ingredient")
    active = [each for each in ingredients if each.boolean("isActive") is not False]
    ratios = [_format_ratio(each.child("strength"), form) for each in active]
    strengths = [ratio for ratio in ratios if ratio]
    return " / ".join(strengths) if len(strengths) == len(active) and strengths else None


def _format_ratio(strength: Element | None, form: str | None) -> str | None:
    """Return a Ratio such as `50 mg` (in one tablet) or `50 mg/5 ml`; `None` without numerator."""
    numerator = strength.child("numerator") if strength else None
    amount = word_quantity(numerator) if numerator else None
    if strength is None or amount is None:
        return None
    per = read_quantity(strength, "denominator")
    if per is None:
        return None if _has_value(strength, "denominator") else amount
    if per.value == 1 and _is_unit_itself(per.unit, form):
        return amount
    return f"{amount}/{per.unit if per.value == 1 else per.text}"


def _has_value(strength: Element, name: str) -> bool:
    quantity = strength.child(name)
    return quantity is not None and quantity.decimal("value") is not None


def _is_unit_itself(unit: str | None, form: str | None) -> bool:
    """Return whether a unit is one piece of the medicine's form, as in one tablet, or unstated."""
    return unit in {None, "1"} or (unit or "").casefold() == (form or "").casefold()


_REPEAT_INFORMATION = "MedicationRepeatInformation"
_ISSUED = "numberOfPrescriptionsIssued"
"""How often it was issued in all, the first time included."""
_REPEATED = "numberOfRepeatPrescriptionsIssued"
"""How often it was issued after the first time."""
_REPEATS_ALLOWED = "numberOfRepeatPrescriptionsAllowed"
_EXPIRY = "authorisationExpiryDate"
_COUNT_VALUES = ("valueUnsignedInt", "valuePositiveInt", "valueInteger")
_MAX_UNSIGNED_INT = 2**31 - 1
"""The largest unsignedInt (R4 Primitive Types)."""


_DISPENSED = {
    "completed": True,
    "unknown": None,
    **dict.fromkeys(
        (
            *("preparation", "in-progress", "cancelled", "on-hold"),
            *("entered-in-error", "stopped", "declined"),
        ),
        False,
    ),
}
"""R4 MedicationDispense.status, a modifier: whether it was handed out, `None` = can't be told."""


@dataclass(frozen=True)
class Dispense:
    """A MedicationDispense: what it is for, and how much of the medicine.

    `prescriptions` are references (`MedicationRequest/id`), `identifiers` those of prescriptions
    that it names by an identifier alone. `completed` is False for one that was cancelled or is
    still being prepared; `None` where nobody knows. `record` is the resource that says so.
    """

    prescriptions: tuple[str, ...]
    quantity: Quantity | None
    completed: bool | None
    identifiers: Identifiers = frozenset()
    record: Element | None = field(default=None, compare=False, repr=False)

    def is_for(self, request: Element) -> bool:
        """Return whether it is for this MedicationRequest."""
        if request.relative_reference in self.prescriptions:
            return True
        if not self.identifiers:
            return False
        return any(each in self.identifiers for each in request.identifier_pairs())


def read_dispense(dispense: Element) -> Dispense:
    """Return a MedicationDispense. Raises Malformed."""
    require_known_code(dispense, "status")
    links = dispense.links("authorizingPrescription")
    return Dispense(
        prescriptions=tuple(link.target for link in links if link.target),
        quantity=read_quantity(dispense, "quantity"),
        completed=_DISPENSED[dispense.require_string("status")],
        identifiers=frozenset(link.identifier for link in links if link.identifier),
        record=dispense,
    )


def read_remaining(request: Element, dispenses: Sequence[Dispense] | None) -> Remaining | None:
    """Return what remains of a MedicationRequest that has not expired; `None` means unknown.

    What the portal states goes before what the dispenses tell. `dispenses` are those of all
    prescriptions; `None` means that the portal does not show them.
    """
    return _stated_remaining(request) or _counted_remaining(request, dispenses)


def has_stated_remaining(request: Element) -> bool:
    """Return whether the portal states what remains, so that no dispenses have to be counted."""
    return _stated_remaining(request) is not None


def is_undispensed(request: Element, dispenses: Sequence[Dispense] | None) -> bool:
    """Return whether a MedicationRequest is known to have no completed dispense.

    In the counts that the portal states, a new prescription has one issue in all and no repeat.
    """
    issued, repeated = _stated_count(request, _ISSUED), _stated_count(request, _REPEATED)
    if repeated is not None or issued is not None:
        return repeated == 0 if repeated is not None else issued in {0, 1}
    completed = _completed_dispenses(request, dispenses)
    return completed is not None and not completed


def read_expiry(request: Element) -> Element | None:
    """Return a Period that ends when a MedicationRequest expires; `None` where it is not stated."""
    dispensing = request.child("dispenseRequest")
    period = dispensing.child("validityPeriod") if dispensing else None
    if period and period.string("end"):
        return period
    for part in _repeat_information(request):
        expiry = part.string("valueDateTime") or part.string("valueDate")
        if part.string("url") == _EXPIRY and expiry:
            return Element({"end": expiry}, part.path, part.origin)
    return None


def _stated_remaining(request: Element) -> Remaining | None:
    issued, repeated = _stated_count(request, _ISSUED), _stated_count(request, _REPEATED)
    allowed = _stated_count(request, _REPEATS_ALLOWED)
    allowed = _repeats_allowed(request) if allowed is None else allowed
    if allowed is None or (issued is None and repeated is None):
        return None
    left = allowed - repeated if repeated is not None else allowed + 1 - (issued or 0)
    return Remaining(max(left, 0), Basis.PORTAL)


def _counted_remaining(request: Element, dispenses: Sequence[Dispense] | None) -> Remaining | None:
    repeats, completed = _repeats_allowed(request), _completed_dispenses(request, dispenses)
    if repeats is None or completed is None:
        return None
    fills = max(repeats + 1 - len(completed), 0)
    return Remaining(fills, Basis.DISPENSES, _remaining_quantity(request, repeats + 1, completed))


def _completed_dispenses(
    request: Element, dispenses: Sequence[Dispense] | None
) -> list[Dispense] | None:
    """Return the completed dispenses of a prescription; `None` where they can't be told."""
    own = [each for each in dispenses or () if each.is_for(request)]
    if dispenses is None or any(each.completed is None for each in own):
        return None
    return [each for each in own if each.completed]


def _remaining_quantity(
    request: Element, fills: int, completed: Sequence[Dispense]
) -> Quantity | None:
    """Return the quantity of all fills less what was dispensed; `None` if the units differ."""
    dispensing = request.child("dispenseRequest")
    fill = read_quantity(dispensing, "quantity") if dispensing else None
    if dispensing is None or fill is None or dispensing.child("initialFill"):
        return None
    dispensed = [dispense.quantity for dispense in completed]
    if any(quantity is None or quantity.unit != fill.unit for quantity in dispensed):
        return None
    left = fill.value * fills - sum((each.value for each in dispensed if each), Decimal(0))
    return Quantity(max(left, Decimal(0)), fill.unit)


def _repeats_allowed(request: Element) -> int | None:
    dispensing = request.child("dispenseRequest")
    return _read_count(dispensing, "numberOfRepeatsAllowed") if dispensing else None


def _stated_count(request: Element, url: str) -> int | None:
    """Return a count that the portal states in an extension; `None` where it does not."""
    for part in _repeat_information(request):
        counts = (_read_count(part, name) for name in _COUNT_VALUES if part.string("url") == url)
        stated = next((count for count in counts if count is not None), None)
        if stated is not None:
            return stated
    return None


def _repeat_information(request: Element) -> tuple[Element, ...]:
    outer = (
        each
        for each in request.children("extension")
        if _REPEAT_INFORMATION in (each.string("url") or "")
    )
    return tuple(part for each in outer for part in each.children("extension"))


def _read_count(element: Element, name: str) -> int | None:
    value = element.decimal(name)
    if value is None:
        return None
    if 0 <= value <= _MAX_UNSIGNED_INT and value == value.to_integral_value():
        return int(value)
    element.reject(name)
    return None
