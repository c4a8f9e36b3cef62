"""Define the patients, their consents, and who acts for whom."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from gpcli.sandbox.people.element_builders import (
    CONSENT_LEVEL_SYSTEM,
    NATIONAL_ID_SYSTEM,
    Element,
    address,
    concept,
    human_name,
    identifier,
    instant_text,
    local_datetime,
    local_day,
    reference,
    telephone,
)
from gpcli.sandbox.people.surgeries import (
    AASHEIM,
    BAKKE,
    ESPELAND,
    FOSSUM,
    HAUGLAND,
    MYRVOLD,
    SOLEM,
    Gp,
)

ConsentLevel = Literal["basic", "basic-plus", "full-access"]


@dataclass(frozen=True)
class SyntheticPatient:
    """A patient.

    `key` is the logical id, `number` a synthetic identity number (month + 80); `phone` is the last
    two digits. `role_suffix` is that of the GPs' roles for this patient.
    """

    key: str
    given: str
    family: str
    gender: str
    born: str
    number: str
    phone: str
    street: str
    gps: tuple[Gp, ...] = ()
    consent: ConsentLevel = "full-access"
    role_suffix: str = ""

    @property
    def name(self) -> str:
        """Given and family name."""
        return f"{self.given} {self.family}"

    @property
    def subject(self) -> Element:
        """A reference to the patient."""
        return reference(f"Patient/{self.key}", self.name)

    @property
    def roles(self) -> list[Element]:
        """References to the patient's GPs."""
        return [
            reference(f"PractitionerRole/gp-{gp.key}{self.role_suffix}", gp.name) for gp in self.gps
        ]

    def resources(self, now: datetime) -> Iterator[Element]:
        """Yield the Patient and their Consent."""
        yield self._patient()
        yield self._consent(now)

    def _patient(self) -> Element:
        patient: Element = {
            "resourceType": "Patient",
            "id": self.key,
            "identifier": [identifier(NATIONAL_ID_SYSTEM, self.number)],
            "active": True,
            "name": [human_name(self.given, self.family)],
            "telecom": [telephone(self.phone, "mobile")],
            "gender": self.gender,
            "birthDate": self.born,
            "address": [{**address(self.street, "0099", "Lilledal"), "use": "home"}],
        }
        return {**patient, "generalPractitioner": self.roles} if self.gps else patient

    def _consent(self, now: datetime) -> Element:
        return {
            "resourceType": "Consent",
            "id": f"consent-{self.key}",
            "status": "active",
            "scope": concept(
                "http://terminology.hl7.org/CodeSystem/consentscope", "patient-privacy"
            ),
            "category": [concept("http://terminology.hl7.org/CodeSystem/v3-ActCode", "INFA")],
            "patient": self.subject,
            "dateTime": instant_text(local_datetime(local_day(now) - timedelta(days=400), "12:00")),
            "policyRule": concept(CONSENT_LEVEL_SYSTEM, self.consent),
            "provision": {"type": "permit"},
        }


ADA = SyntheticPatient(
    "ada", "Ada", "Solberg", "female", "1961-03-14", "14836141211", "70", "Granstien 4", (HAUGLAND,)
)
BO = SyntheticPatient(
    "bo", "Bo", "Lindvik", "male", "1978-11-02", "02917830781", "71", "Naustvegen 18", (ESPELAND,)
)
CECILIE = SyntheticPatient(
    "cecilie", "Cecilie", "Ødegård", "female", "1990-06-23", "23869024066", "72", "Lia 2", (FOSSUM,)
)
DAVID = SyntheticPatient(
    "david",
    "David",
    "Nygaard",
    "male",
    "1985-01-09",
    "09818533133",
    "73",
    "Granstien 11",
    (HAUGLAND,),
    consent="basic",
)
EVA = SyntheticPatient(
    "eva", "Eva", "Strand", "female", "1997-08-30", "30889711864", "74", "Bekkefaret 5"
)
FINN = SyntheticPatient(
    "finn",
    "Finn",
    "Aamodt",
    "male",
    "1954-05-17",
    "17855422778",
    "75",
    "Tunstubben 30",
    (MYRVOLD, BAKKE),
)
GURO = SyntheticPatient(
    "guro",
    "Guro",
    "Hagen",
    "female",
    "1988-12-05",
    "05928844600",
    "76",
    "Skjærgårdsgata 2",
    (SOLEM,),
)
EMIL = SyntheticPatient(
    "emil",
    "Emil",
    "Hagen",
    "male",
    "2019-04-11",
    "11841996382",
    "76",
    "Skjærgårdsgata 2",
    (SOLEM,),
    role_suffix="-children",
)
HANS = SyntheticPatient(
    "hans", "Hans", "Rognstad", "male", "1949-02-28", "28824916138", "77", "Torget 14", (AASHEIM,)
)
PATIENTS = (ADA, BO, CECILIE, DAVID, EVA, FINN, GURO, EMIL, HANS)


def guro_for_emil() -> Element:
    """Return the RelatedPerson for Guro in Emil's record.

    The identity number is Guro's own and makes both the same person.
    """
    return {
        "resourceType": "RelatedPerson",
        "id": "guro-for-emil",
        "identifier": [identifier(NATIONAL_ID_SYSTEM, GURO.number)],
        "active": True,
        "patient": EMIL.subject,
        "relationship": [
            {
                "coding": [
                    {"system": "http://terminology.hl7.org/CodeSystem/v3-RoleCode", "code": code}
                    for code in ("MTH", "PRN")
                ]
            }
        ],
        "name": [human_name(GURO.given, GURO.family)],
        "telecom": [telephone(GURO.phone, "mobile")],
    }
