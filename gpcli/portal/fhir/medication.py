"""Medication: what is prescribed, from wherever a portal puts it.

It stands in a Medication, contained or apart, or only in words and codes (R4 MedicationRequest,
`medication[x]`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from gpcli.model.prescription import Quantity, called
from gpcli.portal.fhir.bundle import Bundle
from gpcli.portal.fhir.element import Coding, Element

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
