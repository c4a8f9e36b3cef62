"""The patients: who they are, what they have consented to, and who acts for whom."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from gpcli.sandbox.people.directory import (
    AASHEIM,
    BAKKE,
    ESPELAND,
    FOSSUM,
    HAUGLAND,
    MYRVOLD,
    SOLEM,
    Gp,
)
from gpcli.sandbox.people.elements import (
    CONSENT_LEVEL,
    NATIONAL_ID,
    Element,
    address,
    concept,
    human_name,
    identifier,
    instant,
    reference,
    telephone,
)
from gpcli.sandbox.people.timetable import at, local_day

Level = Literal["basic", "basic-plus", "full-access"]


@dataclass(frozen=True)
class Someone:
    """A patient: `key` is the logical id, `number` a synthetic identity number (month + 80)."""

    key: str
    given: str
    family: str
    gender: str
    born: str
    number: str
    phone: str
    street: str
    gps: tuple[Gp, ...] = ()
    consent: Level = "full-access"
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
        """The Patient and their Consent."""
        yield self._patient()
        yield self._consent(now)

    def _patient(self) -> Element:
        patient: Element = {
            "resourceType": "Patient",
            "id": self.key,
            "identifier": [identifier(NATIONAL_ID, self.number)],
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
            "dateTime": instant(at(local_day(now) - timedelta(days=400), "12:00")),
            "policyRule": concept(CONSENT_LEVEL, self.consent),
            "provision": {"type": "permit"},
        }


ADA = Someone(
    "ada", "Ada", "Solberg", "female", "1961-03-14", "14836141211", "70", "Granstien 4", (HAUGLAND,)
)
BO = Someone(
    "bo", "Bo", "Lindvik", "male", "1978-11-02", "02917830781", "71", "Naustvegen 18", (ESPELAND,)
)
CECILIE = Someone(
    "cecilie", "Cecilie", "Ødegård", "female", "1990-06-23", "23869024066", "72", "Lia 2", (FOSSUM,)
)
DAVID = Someone(
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
EVA = Someone("eva", "Eva", "Strand", "female", "1997-08-30", "30889711864", "74", "Bekkefaret 5")
FINN = Someone(
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
GURO = Someone(
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
EMIL = Someone(
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
HANS = Someone(
    "hans", "Hans", "Rognstad", "male", "1949-02-28", "28824916138", "77", "Torget 14", (AASHEIM,)
)
EVERYBODY = (ADA, BO, CECILIE, DAVID, EVA, FINN, GURO, EMIL, HANS)


def guro_for_emil() -> Element:
    """Guro as Emil's record knows her; the same identity number makes her the same person."""
    return {
        "resourceType": "RelatedPerson",
        "id": "guro-for-emil",
        "identifier": [identifier(NATIONAL_ID, GURO.number)],
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
