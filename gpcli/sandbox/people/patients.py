"""Build the patients, their consents, vaccinations, and who acts for whom."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime

from gpcli.sandbox.accounts import Account, Dependant
from gpcli.sandbox.people.element_builders import (
    CONSENT_LEVEL_SYSTEM,
    NATIONAL_ID_SYSTEM,
    Element,
    PersonName,
    PostalAddress,
    concept,
    filled,
    identifier,
    instant_text,
    local_day,
    reference,
    telephone,
)
from gpcli.sandbox.people.medicines import ATC
from gpcli.sandbox.people.relative_times import RelativeTime
from gpcli.sandbox.people.surgeries import Gp

RELATIONSHIPS = {
    "mother": ("MTH", "PRN"),
    "father": ("FTH", "PRN"),
    "parent": ("PRN",),
    "guardian": ("GUARD",),
    "child": ("CHILD",),
    "sibling": ("SIB",),
    "grandparent": ("GRPRN",),
    "spouse": ("SPS",),
    "partner": ("DOMPART",),
    "friend": ("FRND",),
    "neighbour": ("NBOR",),
}
"""What somebody can be to another, with the codes of R4's v3-RoleCode."""
CONSENT_GIVEN = RelativeTime(((-400, "d"),), clock="12:00")
THIS_SEASON, LAST_SEASON = "this season", "last season"


@dataclass(frozen=True)
class GpOfPatient:
    """A GP of a patient; the `group` says in which role, empty for that of most patients."""

    gp: Gp
    group: str = ""

    @property
    def role(self) -> Element:
        """A reference to the role."""
        return self.gp.role_for(self.group)


@dataclass(frozen=True)
class Vaccination:
    """A vaccination on a day, THIS_SEASON or LAST_SEASON: the 5 November of it.

    A season begins on 1 July.
    """

    id: str
    code: str
    name: str
    day: RelativeTime | str

    def resource(self, subject: Element, now: datetime) -> Element:
        """Return the Immunization."""
        return {
            "resourceType": "Immunization",
            "id": self.id,
            "status": "completed",
            "vaccineCode": concept(ATC, self.code, self.name) if self.code else {"text": self.name},
            "patient": subject,
            "occurrenceDateTime": self._day(now).isoformat(),
            "primarySource": True,
        }

    def _day(self, now: datetime) -> date:
        if isinstance(self.day, RelativeTime):
            return self.day.day(now)
        today = local_day(now)
        season = today.year if today.month >= 7 else today.year - 1
        return date(season if self.day == THIS_SEASON else season - 1, 11, 5)


@dataclass(frozen=True)
class SyntheticPatient:
    """A patient.

    `key` is the logical id, `number` an identity number. `about` is what the person shows, and
    `signs_in` whether there is an account. `acts_for` has the keys of others, and what this patient
    is to them: a key of RELATIONSHIPS. `consent` is a consent level, empty for none.
    """

    key: str
    name: PersonName
    gender: str = ""
    born: RelativeTime | None = None
    number: str = ""
    phone: str = ""
    address: PostalAddress | None = None
    gps: tuple[GpOfPatient, ...] = ()
    consent: str = "full-access"
    about: str = ""
    signs_in: bool = True
    acts_for: tuple[tuple[str, str], ...] = ()
    vaccinations: tuple[Vaccination, ...] = ()

    @property
    def subject(self) -> Element:
        """A reference to the patient."""
        return reference(f"Patient/{self.key}", str(self.name))

    def writer_for(self, other: str) -> Element:
        """Return a reference to this patient as the one who acts for another."""
        return reference(f"RelatedPerson/{self._related_id(other)}", str(self.name))

    def _related_id(self, other: str) -> str:
        return f"{self.key}-for-{other}"

    def account(self, others: dict[str, "SyntheticPatient"]) -> Account:
        """Return the account; `others` are the patients by their keys."""
        dependants = tuple(
            Dependant(key, str(others[key].name), key, f"RelatedPerson/{self._related_id(key)}")
            for key, _ in self.acts_for
        )
        born = self.born.fixed if self.born else None
        about = self.about or (f"Born {born}" if born else "From the file of people")
        return Account(self.key, str(self.name), about, self.key, dependants)

    def resources(self, now: datetime) -> Iterator[Element]:
        """Yield the Patient and their Consent."""
        yield self._patient(now)
        if self.consent:
            yield self._consent(now)

    def _patient(self, now: datetime) -> Element:
        return filled(
            {
                "resourceType": "Patient",
                "id": self.key,
                "identifier": self._identifiers,
                "active": True,
                "name": [self.name.element],
                "telecom": telephone(self.phone, "mobile"),
                "gender": self.gender,
                "birthDate": self.born.day(now).isoformat() if self.born else "",
                "address": [self.address.element("home")] if self.address else [],
                "generalPractitioner": [each.role for each in self.gps],
            }
        )

    @property
    def _identifiers(self) -> list[Element]:
        return [identifier(NATIONAL_ID_SYSTEM, self.number)] if self.number else []

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
            "dateTime": instant_text(CONSENT_GIVEN.at(now)),
            "policyRule": concept(CONSENT_LEVEL_SYSTEM, self.consent),
            "provision": {"type": "permit"},
        }

    def related_people(self, others: dict[str, "SyntheticPatient"]) -> Iterator[Element]:
        """Yield a RelatedPerson for each patient for whom this one acts.

        It has the identity number of this one, which makes both the same person.
        """
        for key, relationship in self.acts_for:
            system = "http://terminology.hl7.org/CodeSystem/v3-RoleCode"
            codes = [{"system": system, "code": code} for code in RELATIONSHIPS[relationship]]
            yield filled(
                {
                    "resourceType": "RelatedPerson",
                    "id": self._related_id(key),
                    "identifier": self._identifiers,
                    "active": True,
                    "patient": others[key].subject,
                    "relationship": [{"coding": codes}],
                    "name": [self.name.element],
                    "telecom": telephone(self.phone, "mobile"),
                }
            )

    def immunizations(self, now: datetime) -> Iterator[Element]:
        """Yield an Immunization for each vaccination."""
        for each in self.vaccinations:
            yield each.resource(self.subject, now)
