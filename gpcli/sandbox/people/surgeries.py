"""Define the surgeries and their GPs."""

from collections.abc import Iterator
from dataclasses import dataclass

from gpcli.sandbox.people.element_builders import (
    HPR_NUMBER_SYSTEM,
    ORGANISATION_NUMBER_SYSTEM,
    WEEKDAYS,
    Element,
    address,
    concept,
    human_name,
    identifier,
    reference,
    telephone,
    web_page,
)

GENERAL_PRACTICE = concept("http://snomed.info/sct", "394814009", "General practice")
LUNCH = ("11:20", "12:00")


@dataclass(frozen=True)
class Surgery:
    """A GP surgery.

    `key` is the id of its Organization and Location; `phone` is the last two digits.
    """

    key: str
    name: str
    line: str
    postal_code: str
    city: str
    phone: str
    opens: str = "08:00"
    closes: str = "15:30"

    def resources(self, number: int) -> Iterator[Element]:
        """Yield the Organization and its Location; `number` makes the organisation number."""
        telecom = [telephone(self.phone), web_page(self.key)]
        where = address(self.line, self.postal_code, self.city)
        yield {
            "resourceType": "Organization",
            "id": self.key,
            "identifier": [identifier(ORGANISATION_NUMBER_SYSTEM, f"0000001{number:02}")],
            "active": True,
            "name": self.name,
            "telecom": telecom,
            "address": [where],
        }
        yield {
            "resourceType": "Location",
            "id": self.key,
            "status": "active",
            "name": self.name,
            "telecom": telecom,
            "address": where,
            "managingOrganization": reference(f"Organization/{self.key}", self.name),
            "hoursOfOperation": [
                {
                    "daysOfWeek": list(WEEKDAYS),
                    "openingTime": f"{self.opens}:00",
                    "closingTime": f"{self.closes}:00",
                }
            ],
        }


@dataclass(frozen=True)
class Gp:
    """A GP at a surgery.

    `key` is part of `Practitioner/dr-KEY` and `PractitionerRole/gp-KEY`; `phone` is the last two
    digits.
    """

    key: str
    given: str
    family: str
    surgery: Surgery
    phone: str

    @property
    def name(self) -> str:
        """The name as patients use it: `Dr. Ingrid Haugland`."""
        return f"Dr. {self.given} {self.family}"

    @property
    def role(self) -> Element:
        """A reference to the GP in this surgery."""
        return reference(f"PractitionerRole/gp-{self.key}", self.name)

    def practitioner(self, number: int) -> Element:
        """Return the Practitioner; `number` makes the HPR number."""
        return {
            "resourceType": "Practitioner",
            "id": f"dr-{self.key}",
            "identifier": [identifier(HPR_NUMBER_SYSTEM, f"00001{number:02}")],
            "active": True,
            "name": [human_name(self.given, self.family, "Dr.")],
        }

    def practitioner_role(self, services: tuple[str, ...], suffix: str = "") -> Element:
        """Return the PractitionerRole with the ids of its HealthcareServices.

        A GP who offers some patients fewer services has a second role with a `suffix`.
        """
        role: Element = {
            "resourceType": "PractitionerRole",
            "id": f"gp-{self.key}{suffix}",
            "active": True,
            "practitioner": reference(f"Practitioner/dr-{self.key}", self.name),
            "organization": reference(f"Organization/{self.surgery.key}", self.surgery.name),
            "code": [concept("http://terminology.hl7.org/CodeSystem/practitioner-role", "doctor")],
            "specialty": [GENERAL_PRACTICE],
            "location": [reference(f"Location/{self.surgery.key}", self.surgery.name)],
            "telecom": [telephone(self.phone)],
            "availableTime": _hours(self.surgery),
        }
        if services:
            role["healthcareService"] = [
                reference(f"HealthcareService/{each}") for each in services
            ]
        return role


def _hours(surgery: Surgery) -> list[Element]:
    stretches = ((surgery.opens, LUNCH[0]), (LUNCH[1], surgery.closes))
    return [
        {
            "daysOfWeek": list(WEEKDAYS),
            "availableStartTime": f"{start}:00",
            "availableEndTime": f"{end}:00",
        }
        for start, end in stretches
    ]


SOLBAKKEN = Surgery(
    "solbakken", "Solbakken legesenter", "Solbakkesvingen 12", "0099", "Lilledal", "10"
)
FJORDGLOTT = Surgery(
    "fjordglott", "Fjordgløtt legekontor", "Naustvegen 3", "0099", "Vesleviken", "20"
)
BJORKELIA = Surgery("bjorkelia", "Bjørkelia legesenter", "Lia 41", "0099", "Øvre Bjørkedal", "30")
NORDRE_TUN = Surgery(
    "nordre-tun", "Nordre Tun legegruppe", "Tunstubben 7 B", "0099", "Nordtunet", "40"
)
HAVBLIKK = Surgery(
    "havblikk", "Havblikk helsesenter", "Skjærgårdsgata 19", "0099", "Ytre Holmen", "50"
)
TORGKVARTALET = Surgery(
    "torgkvartalet", "Torgkvartalet legesenter", "Torget 1", "0099", "Storelv", "60", closes="16:00"
)
SURGERIES = (SOLBAKKEN, FJORDGLOTT, BJORKELIA, NORDRE_TUN, HAVBLIKK, TORGKVARTALET)

HAUGLAND = Gp("haugland", "Ingrid", "Haugland", SOLBAKKEN, "11")
ESPELAND = Gp("espeland", "Tor", "Espeland", FJORDGLOTT, "21")
FOSSUM = Gp("fossum", "Marit", "Fossum", BJORKELIA, "31")
MYRVOLD = Gp("myrvold", "Lars", "Myrvold", NORDRE_TUN, "41")
BAKKE = Gp("bakke", "Sunniva", "Bakke", NORDRE_TUN, "42")
SOLEM = Gp("solem", "Henrik", "Solem", HAVBLIKK, "51")
AASHEIM = Gp("aasheim", "Nina", "Aasheim", TORGKVARTALET, "61")
KVAM = Gp("kvam", "Olav", "Kvam", TORGKVARTALET, "62")
LUNDE = Gp("lunde", "Silje", "Lunde", TORGKVARTALET, "63")
GPS = (HAUGLAND, ESPELAND, FOSSUM, MYRVOLD, BAKKE, SOLEM, AASHEIM, KVAM, LUNDE)
