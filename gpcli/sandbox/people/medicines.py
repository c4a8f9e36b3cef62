"""Define what can be prescribed: medicines (with public ATC codes), consumables, nutrition."""

from dataclasses import dataclass
from typing import Literal

from gpcli.sandbox.people.element_builders import Element, concept, reference

ProductKind = Literal["medicine", "consumable", "nutrition"]
Strength = tuple[float, str]
"""The amount of the substance in one unit: `(500, "mg")`."""
ATC = "http://www.whocc.no/atc"
PRESCRIPTION_GROUP = "urn:oid:2.16.578.1.12.4.1.1.7421"
UNITS = "http://unitsofmeasure.org"
_UCUM = {"mg": "mg", "µg": "ug"}
_GROUP_EXTENSION = "http://hl7.no/fhir/StructureDefinition/no-basis-prescriptiongroup"


@dataclass(frozen=True)
class Product:
    """A product that can be prescribed.

    `key` is the id of the Medication, `unit` the unit of `amount`. `group` is the Norwegian
    prescription group (Volven 7421), which only medicines have. Without `strength`, the strength is
    part of `text`.
    """

    key: str
    text: str
    form: str
    amount: int
    unit: str
    atc: str = ""
    group: str = "C"
    kind: ProductKind = "medicine"
    strength: Strength | None = None

    @property
    def quantity(self) -> Element:
        """The amount of one dispense, as a SimpleQuantity."""
        return {"value": self.amount, "unit": self.unit}

    @property
    def reference(self) -> Element:
        """A reference to the Medication."""
        strength = " ".join(str(each) for each in self.strength or ())
        return reference(f"Medication/{self.key}", f"{self.text} {strength}".strip())

    @property
    def code(self) -> Element:
        """The product as a CodeableConcept, with an ATC code if it has one."""
        return concept(ATC, self.atc, self.text) if self.atc else {"text": self.text}

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
        numerator = {"value": amount, "unit": unit, "system": UNITS, "code": _UCUM[unit]}
        denominator = {"value": 1, "unit": self.form.lower()}
        return {
            "itemCodeableConcept": self.code,
            "isActive": True,
            "strength": {"numerator": numerator, "denominator": denominator},
        }


def _tablets(
    key: str, text: str, strength: Strength, amount: int, atc: str, group: str = "C"
) -> Product:
    return Product(key, text, "Tablet", amount, "tablets", atc, group, strength=strength)


def _tabletter(
    key: str, text: str, strength: Strength, amount: int, atc: str, group: str = "C"
) -> Product:
    norwegian = f"{key}-nb"
    return Product(norwegian, text, "Tablett", amount, "tabletter", atc, group, strength=strength)


AMLODIPINE = _tablets("amlodipine-5", "Amlodipine", (5, "mg"), 100, "C08CA01")
ATORVASTATIN = _tablets("atorvastatin-40", "Atorvastatin", (40, "mg"), 100, "C10AA05")
CANDESARTAN = _tablets("candesartan-8", "Candesartan", (8, "mg"), 98, "C09CA06")
CETIRIZINE = _tablets("cetirizine-10", "Cetirizine", (10, "mg"), 100, "R06AE07")
LEVOTHYROXINE = _tablets("levothyroxine-50", "Levothyroxine", (50, "µg"), 100, "H03AA01")
MELATONIN = _tablets("melatonin-2", "Melatonin", (2, "mg"), 30, "N05CH01")
METFORMIN = _tablets("metformin-500", "Metformin", (500, "mg"), 200, "A10BA02")
NAPROXEN = _tablets("naproxen-500", "Naproxen", (500, "mg"), 100, "M01AE02")
PENICILLIN = _tablets(
    "phenoxymethylpenicillin-660", "Phenoxymethylpenicillin", (660, "mg"), 40, "J01CE02"
)
RAMIPRIL = _tablets("ramipril-5", "Ramipril", (5, "mg"), 98, "C09AA05")
TAMSULOSIN = _tablets("tamsulosin-04", "Tamsulosin", (0.4, "mg"), 90, "G04CA02")
ZOPICLONE = _tablets("zopiclone-75", "Zopiclone", (7.5, "mg"), 30, "N05CF01", "B")
OMEPRAZOLE = Product(
    "omeprazole-20",
    "Omeprazole",
    "Capsule",
    100,
    "capsules",
    "A02BC01",
    strength=(20, "mg"),
)
SALBUTAMOL = Product(
    "salbutamol-100", "Salbutamol 100 µg inhaler", "Inhaler", 1, "inhaler", "R03AC02"
)
TEST_STRIPS = Product(
    "test-strips", "Blood glucose test strips", "Test strip", 200, "strips", kind="consumable"
)
NUTRITION_DRINK = Product(
    "nutrition-drink", "Energy-rich drink 200 ml", "Drink", 48, "bottles", kind="nutrition"
)

ACETYLSALISYLSYRE = _tabletter(
    "acetylsalisylsyre-75", "Acetylsalisylsyre", (75, "mg"), 100, "B01AC06"
)
ALENDRONSYRE = _tabletter("alendronsyre-70", "Alendronsyre", (70, "mg"), 12, "M05BA04")
ALLOPURINOL = _tabletter("allopurinol-100", "Allopurinol", (100, "mg"), 100, "M04AA01")
AMLODIPIN = _tabletter("amlodipin-10", "Amlodipin", (10, "mg"), 100, "C08CA01")
APIKSABAN = _tabletter("apiksaban-5", "Apiksaban", (5, "mg"), 168, "B01AF02")
ATORVASTATIN_NB = _tabletter("atorvastatin-80", "Atorvastatin", (80, "mg"), 100, "C10AA05")
BISOPROLOL = _tabletter("bisoprolol-5", "Bisoprolol", (5, "mg"), 100, "C07AB07")
BUMETANID = _tabletter("bumetanid-1", "Bumetanid", (1, "mg"), 100, "C03CA02")
DESLORATADIN = _tabletter("desloratadin-5", "Desloratadin", (5, "mg"), 100, "R06AX27")
EMPAGLIFLOZIN = _tabletter("empagliflozin-10", "Empagliflozin", (10, "mg"), 90, "A10BK03")
FINASTERID = _tabletter("finasterid-5", "Finasterid", (5, "mg"), 98, "G04CB01")
FOLSYRE = _tabletter("folsyre-1", "Folsyre", (1, "mg"), 100, "B03BB01")
LOSARTAN = _tabletter("losartan-50", "Losartan", (50, "mg"), 98, "C09CA01")
METFORMIN_NB = _tabletter("metformin-850", "Metformin", (850, "mg"), 200, "A10BA02")
OKSYKODON = _tabletter("oksykodon-5", "Oksykodon", (5, "mg"), 28, "N02AA05", "A")
PREDNISOLON = _tabletter("prednisolon-5", "Prednisolon", (5, "mg"), 100, "H02AB06")
SIMVASTATIN = _tabletter("simvastatin-20", "Simvastatin", (20, "mg"), 98, "C10AA01")
SPIRONOLAKTON = _tabletter("spironolakton-25", "Spironolakton", (25, "mg"), 100, "C03DA01")
SUMATRIPTAN = _tabletter("sumatriptan-50", "Sumatriptan", (50, "mg"), 18, "N02CC01")
TIAMIN = _tabletter("tiamin-100", "Tiamin", (100, "mg"), 100, "A11DA01")
WARFARIN = _tabletter("warfarin-25", "Warfarin", (2.5, "mg"), 100, "B01AA03")
KODEIN = Product(
    "kodein-paracetamol-nb",
    "Kodein/paracetamol 30/400 mg",
    "Tablett",
    20,
    "tabletter",
    "N02AJ06",
    "B",
)
AMOKSICILLIN = Product(
    "amoksicillin-mikstur-nb",
    "Amoksicillin 50 mg/ml mikstur",
    "Mikstur",
    200,
    "ml",
    "J01CA04",
)
OYEDRAPER = Product(
    "latanoprost-nb",
    "Latanoprost 50 µg/ml øyedråper",
    "Øyedråper",
    3,
    "flasker",
    "S01EE01",
)
SALBUTAMOL_NB = Product(
    "salbutamol-100-nb", "Salbutamol 0,1 mg/dose inhalasjon", "Inhalator", 1, "stk", "R03AC02"
)
TESTSTRIMLER = Product(
    "teststrimler-nb",
    "Teststrimler til blodsukkermåling",
    "Teststrimmel",
    200,
    "stk",
    kind="consumable",
)
NAERINGSDRIKK = Product(
    "naeringsdrikk-nb", "Næringsdrikk 200 ml", "Drikk", 48, "flasker", kind="nutrition"
)
