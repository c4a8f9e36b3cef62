"""Build what can be prescribed: medicines (with ATC codes), consumables, nutrition."""

from dataclasses import dataclass

from gpcli.sandbox.people.element_builders import Element, concept, reference

KINDS = ("medicine", "consumable", "nutrition")
Amount = tuple[float, str]
"""A number and its unit: `(500, "mg")`."""
ATC = "http://www.whocc.no/atc"
PRESCRIPTION_GROUP = "urn:oid:2.16.578.1.12.4.1.1.7421"
UNITS = "http://unitsofmeasure.org"
_UCUM = {"µg": "ug", "mcg": "ug", "IU": "[iU]", "IE": "[iU]"}
"""Units that UCUM writes in another way."""
_GROUP_EXTENSION = "http://hl7.no/fhir/StructureDefinition/no-basis-prescriptiongroup"


@dataclass(frozen=True)
class Product:
    """A product that can be prescribed.

    `key` is the id of the Medication, `pack` the amount of one dispense, `unit` the UCUM code of
    its unit. `group` is the Norwegian
    prescription group (Volven 7421), which only medicines have. Without `strength`, the strength is
    part of `name`.
    """

    key: str
    name: str
    form: str
    pack: Amount
    atc: str = ""
    group: str = "C"
    kind: str = "medicine"
    strength: Amount | None = None
    unit: str = ""

    @property
    def quantity(self) -> Element:
        """The amount of one dispense, as a SimpleQuantity."""
        return self.measure(self.pack)

    def measure(self, amount: Amount) -> Element:
        """Return an amount of it as a SimpleQuantity."""
        value, unit = amount
        coded = {"system": UNITS, "code": self.unit} if self.unit else {}
        return {"value": value, "unit": unit, **coded}

    @property
    def reference(self) -> Element:
        """A reference to the Medication."""
        strength = " ".join(str(each) for each in self.strength or ())
        return reference(f"Medication/{self.key}", f"{self.name} {strength}".strip())

    @property
    def code(self) -> Element:
        """The product as a CodeableConcept, with an ATC code if it has one."""
        return concept(ATC, self.atc, self.name) if self.atc else {"text": self.name}

    def resource(self) -> Element:
        """Return the Medication, with its group as in HL7 Norway's no-basis-Medication."""
        medication: Element = {
            "resourceType": "Medication",
            "id": self.key,
            "status": "active",
            "code": self.code,
            "form": {"text": self.form},
        }
        if self.kind != "medicine":
            return medication
        if self.strength:
            medication["ingredient"] = [self._ingredient(*self.strength)]
        group = concept(PRESCRIPTION_GROUP, self.group, f"Reseptgruppe {self.group}")
        inner = {"url": "prescriptiongroup", "valueCodeableConcept": group}
        return {**medication, "extension": [{"url": _GROUP_EXTENSION, "extension": [inner]}]}

    def _ingredient(self, amount: float, unit: str) -> Element:
        code = _UCUM.get(unit, unit)
        numerator = {"value": amount, "unit": unit, "system": UNITS, "code": code}
        denominator = {"value": 1, "unit": self.form.lower()}
        return {
            "itemCodeableConcept": self.code,
            "isActive": True,
            "strength": {"numerator": numerator, "denominator": denominator},
        }
