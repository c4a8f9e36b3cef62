"""Build surgeries and their GPs."""

from collections.abc import Iterator
from dataclasses import dataclass

from gpcli.sandbox.people.element_builders import (
    HPR_NUMBER_SYSTEM,
    ORGANISATION_NUMBER_SYSTEM,
    WEEKDAYS,
    Element,
    PersonName,
    PostalAddress,
    concept,
    filled,
    identifier,
    reference,
    telephone,
)

GENERAL_PRACTICE = concept("http://snomed.info/sct", "394814009", "General practice")
Hours = tuple[str, str]
"""From when until when: `("08:00", "15:30")`."""
ROLE_PREFIX = "gp-"
"""What the id of a PractitionerRole begins with."""


@dataclass(frozen=True)
class Surgery:
    """A GP surgery.

    `key` is the id of its Organization and Location. It is closed during `lunch`, None without one.
    """

    key: str
    name: str
    number: str
    address: PostalAddress | None = None
    phone: str = ""
    web: str = ""
    hours: Hours = ("08:00", "15:30")
    lunch: Hours | None = None

    @property
    def location(self) -> Element:
        """A reference to the place."""
        return reference(f"Location/{self.key}", self.name)

    @property
    def organization(self) -> Element:
        """A reference to the surgery."""
        return reference(f"Organization/{self.key}", self.name)

    def resources(self) -> Iterator[Element]:
        """Yield the Organization and its Location."""
        page = [{"system": "url", "value": self.web}] if self.web else []
        telecom = [*telephone(self.phone), *page]
        where = self.address.element() if self.address else None
        yield filled(
            {
                "resourceType": "Organization",
                "id": self.key,
                "identifier": [identifier(ORGANISATION_NUMBER_SYSTEM, self.number)],
                "active": True,
                "name": self.name,
                "telecom": telecom,
                "address": [where] if where else [],
            }
        )
        opens, closes = self.hours
        yield filled(
            {
                "resourceType": "Location",
                "id": self.key,
                "status": "active",
                "name": self.name,
                "telecom": telecom,
                "address": where,
                "managingOrganization": self.organization,
                "hoursOfOperation": [
                    {
                        "daysOfWeek": list(WEEKDAYS),
                        "openingTime": f"{opens}:00",
                        "closingTime": f"{closes}:00",
                    }
                ],
            }
        )

    def stretches(self) -> list[Element]:
        """Return the availableTime of its GPs: before and after lunch."""
        opens, closes = self.hours
        parts = [(opens, self.lunch[0]), (self.lunch[1], closes)] if self.lunch else [self.hours]
        return [
            {
                "daysOfWeek": list(WEEKDAYS),
                "availableStartTime": f"{start}:00",
                "availableEndTime": f"{end}:00",
            }
            for start, end in parts
        ]


@dataclass(frozen=True)
class Gp:
    """A GP at a surgery.

    `key` is part of `Practitioner/dr-KEY` and `PractitionerRole/gp-KEY`.
    """

    key: str
    name: PersonName
    surgery: Surgery
    number: str
    phone: str = ""

    @property
    def role(self) -> Element:
        """A reference to the GP in this surgery."""
        return self.role_for("")

    def role_for(self, group: str) -> Element:
        """Return a reference to the GP as the GP of a group of patients, empty for the others."""
        return reference(f"PractitionerRole/{self._role_id(group)}", str(self.name))

    def _role_id(self, group: str) -> str:
        return f"{ROLE_PREFIX}{self.key}-{group}" if group else f"{ROLE_PREFIX}{self.key}"

    def practitioner(self) -> Element:
        """Return the Practitioner."""
        return {
            "resourceType": "Practitioner",
            "id": f"dr-{self.key}",
            "identifier": [identifier(HPR_NUMBER_SYSTEM, self.number)],
            "active": True,
            "name": [self.name.element],
        }

    def practitioner_role(self, services: tuple[str, ...], group: str = "") -> Element:
        """Return the PractitionerRole with the ids of its HealthcareServices.

        A GP who offers some patients other services has a second role for the `group`.
        """
        return filled(
            {
                "resourceType": "PractitionerRole",
                "id": self._role_id(group),
                "active": True,
                "practitioner": reference(f"Practitioner/dr-{self.key}", str(self.name)),
                "organization": self.surgery.organization,
                "code": [
                    concept("http://terminology.hl7.org/CodeSystem/practitioner-role", "doctor")
                ],
                "specialty": [GENERAL_PRACTICE],
                "location": [self.surgery.location],
                "telecom": telephone(self.phone),
                "availableTime": self.surgery.stretches(),
                "healthcareService": [reference(f"HealthcareService/{each}") for each in services],
            }
        )
