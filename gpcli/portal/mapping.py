"""From bundles to model records: what can't be read is named and left out, the rest is kept.

What a lenient server sent without being asked (another patient's, another type) is dropped.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import partial
from typing import TypeVar
from zoneinfo import ZoneInfo

from gpcli.errors import BadResponse, GpcliError, NotFound, NotPermitted, Rejected
from gpcli.fhir.bundle import Bundle
from gpcli.fhir.compartment import is_about_patient
from gpcli.fhir.element import Element, Malformed
from gpcli.fhir.healthcare_service import find_services, read_consent, read_offer, read_price
from gpcli.fhir.patient import (
    is_influenza_vaccine,
    read_name,
    organizations_to_search,
    read_surgery,
    read_vaccination,
)
from gpcli.fhir.scheduling import read_appointment, read_slot
from gpcli.model.appointment import Appointment, Slot, Vaccination
from gpcli.model.service import (
    Consent,
    ConsentLevel,
    Offer,
    Offers,
    Price,
    ServiceName,
    Surgery,
    highest_level,
)

Record = TypeVar("Record")
SearchResult = Bundle | GpcliError
_NOTHING_SHOWN = (NotFound, NotPermitted, Rejected)


@dataclass(frozen=True)
class PortalProfile:
    """What differs from portal to portal.

    `code_map` turns `system|code` into our service codes; `status_sent` is the status that a
    booking is sent with; `zone` the surgeries' time zone; `booking` is the profile's way to book.
    """

    code_map: Mapping[str, str]
    status_sent: str
    zone: str
    booking: str = "auto"


class RecordMapper:
    """Reads one portal's bundles about `patient`; `flaws` are phrases on what was left out.

    It remembers the offers it has read, since slots and bookings point to their services, where
    to write to each surgery (`addresses`, references by id), and the patient's name (`None` until
    offers were read).
    """

    def __init__(self, patient: str, portal_profile: PortalProfile, flaws: list[str]) -> None:
        self._patient = patient
        self._profile = portal_profile
        self._zone = ZoneInfo(portal_profile.zone)
        self._flaws = flaws
        self._offers_by_service: dict[str, Offer] = {}
        self.addresses: dict[str, str] = {}
        self.patient_name: str | None = None

    def require_patient(self, bundle: Bundle) -> Element:
        """The patient's own record; raises NotFound."""
        for one in self._own_matches(bundle, "Patient"):
            return one
        raise NotFound(
            "The portal shows no record of this patient.",
            hint="gpcli login signs in anew; where a machine signs in, check GPCLI_PATIENT.",
        )

    def read_surgeries(self, bundle: Bundle) -> tuple[Surgery, ...]:
        """The patient's GPs; raises NotFound, and BadResponse when none of them can be read."""
        own = self.require_patient(bundle)
        gps = require(lambda: own.children("generalPractitioner"))
        self.remember_addresses(require(lambda: own.references("generalPractitioner")))
        return tuple(self._read_any((each, partial(read_surgery, bundle, each)) for each in gps))

    def remember_addresses(self, references: Iterable[str]) -> None:
        """Remember who can be written to."""
        self.addresses.update({each.partition("/")[2]: each for each in references})

    def organizations_to_search(self, bundle: Bundle) -> tuple[str, ...]:
        """Where to ask for services that no GP's role names, as ids of organizations."""
        try:
            return organizations_to_search(bundle, self.require_patient(bundle))
        except Malformed:  # named when the GPs are read
            return ()

    def read_offers(self, answers: Sequence[SearchResult], permitted: frozenset[ServiceName]) -> Offers:
        """From the answers on GPs and services, prices, and consents, in this order.

        Raises BadResponse when no GP or no service can be read. A price that can't be is unknown.
        """
        gps, prices = unwrap(answers[0]), or_empty(answers[1])
        self.patient_name = require(lambda: read_name(self.require_patient(gps)))
        surgeries = self.read_surgeries(gps)
        offers = self._read_offers(gps, surgeries)
        self._offers_by_service.update({offer.id: offer for offer in offers})
        return Offers(
            surgeries=surgeries,
            offers=offers,
            prices=dict(self.read_matches(prices, "ChargeItemDefinition", self._read_price)),
            consent=self._read_consent_level(answers[2]),
            permitted=permitted,
            complete=not self._flaws,
        )

    def _read_consent_level(self, answer: SearchResult) -> ConsentLevel:
        """The level that counts; a portal that shows no consents at all decides by itself."""
        if isinstance(answer, _NOTHING_SHOWN):
            return ConsentLevel.FULL_ACCESS
        return highest_level(self.read_consents(unwrap(answer)))

    def read_consents(self, bundle: Bundle) -> tuple[Consent, ...]:
        """The active consents of a bundle; all must be readable, for they say what is allowed."""
        found = require(lambda: [read_consent(each) for each in self._own_matches(bundle, "Consent")])
        return tuple(each for each in found if each.status == "active")

    def read_slots(self, bundle: Bundle, services: Collection[str] = ()) -> list[Slot]:
        """The slots of a bundle, in order of time.

        `services` are the HealthcareServices that were asked for: a Schedule that did not come
        along is taken to be that of the one; among several nobody can tell.
        """
        read = partial(self._read_slot, bundle=bundle, services=services)
        return sorted(self.read_matches(bundle, "Slot", read), key=lambda slot: slot.start)

    def read_free_slots(
        self, bundle: Bundle, services: Collection[str], first: date, last: date
    ) -> list[Slot]:
        """The slots of a bundle that are really free, of `services`, from `first` to `last`."""
        return [
            slot
            for slot in self.read_slots(bundle, services)
            if slot.status == "free"
            and slot.healthcare_service in services
            and first <= self._day(slot.start) <= last
        ]

    def read_upcoming(self, dated: Bundle, others: Bundle, since: date | None) -> list[Appointment]:
        """Those with a time from `since` on, and of the `others` those that wait or have no time.

        Undated first, then by time.
        """
        found = [
            *(one for one in self.read_appointments(dated) if self._is_from(one, since)),
            *(
                one
                for one in self.read_appointments(others)
                if one.waiting or not (one.start or one.over)
            ),
        ]
        return sorted({one.id: one for one in found}.values(), key=_by_time)

    def read_appointments(self, bundle: Bundle) -> list[Appointment]:
        """The patient's appointments of a bundle."""
        return self.read_matches(bundle, "Appointment", partial(self._read_appointment, bundle=bundle))

    def require_appointment(self, bundle: Bundle, identity: str) -> Appointment:
        """The one appointment asked for; raises NotFound."""
        for one in self.read_appointments(bundle):
            if one.id == identity:
                return one
        raise appointment_not_found(identity)

    def read_lone_appointment(self, record: Element) -> Appointment:
        """An appointment that came alone; raises BadResponse."""
        return require(lambda: self._read_appointment(record, Bundle()))

    def read_flu_vaccinations(self, bundle: Bundle) -> list[Vaccination]:
        """The flu vaccinations of a bundle, newest first."""
        flu = self.read_matches(bundle, "Immunization", _flu_vaccination)
        return sorted(flu, key=lambda each: each.date, reverse=True)

    def _read_offers(self, gps: Bundle, surgeries: Iterable[Surgery]) -> tuple[Offer, ...]:
        code_map, zone = self._profile.code_map, self._zone
        pairs = require(lambda: find_services(gps, surgeries))
        return tuple(
            self._read_any(
                (service, partial(read_offer, service, surgery, code_map, zone))
                for surgery, service in pairs
            )
        )

    def _read_price(self, definition: Element) -> tuple[str, Price] | None:
        return read_price(definition, self._profile.code_map)

    def _read_slot(self, slot: Element, bundle: Bundle, services: Collection[str]) -> Slot:
        if len(services) > 1 and bundle.get(slot.reference("schedule")) is None:
            raise Malformed("its Schedule did not come along")
        code_map, zone = self._profile.code_map, self._profile.zone
        assumed = next(iter(services), None)
        return read_slot(slot, bundle, self._offers_by_service, code_map, zone, assumed=assumed)

    def _read_appointment(self, record: Element, bundle: Bundle) -> Appointment:
        code_map, zone = self._profile.code_map, self._profile.zone
        return read_appointment(record, bundle, self._offers_by_service, code_map, zone)

    def _is_from(self, one: Appointment, since: date | None) -> bool:
        return since is None or one.start is None or self._day(one.start) >= since

    def _day(self, instant: datetime) -> date:
        return instant.astimezone(self._zone).date()

    def _own_matches(self, bundle: Bundle, kind: str) -> list[Element]:
        found = (one for one in bundle.matches if one.resource_type == kind)
        return require(lambda: [one for one in found if is_about_patient(one, self._patient)])

    def read_matches(
        self, bundle: Bundle, kind: str, read: Callable[[Element], Record | None]
    ) -> list[Record]:
        """What `read` makes of the patient's matches of one type; `None` is left out silently."""
        found = [one for one in bundle.matches if one.resource_type == kind]
        return self.read_each((one, partial(self._read_own, one, read)) for one in found)

    def _read_own(
        self, one: Element, read: Callable[[Element], Record | None]
    ) -> Record | None:
        return read(one) if is_about_patient(one, self._patient) else None

    def _read_any(
        self, readings: Iterable[tuple[Element, Callable[[], Record | None]]]
    ) -> list[Record]:
        """What can be read; raises BadResponse when nothing can, of what there is."""
        before = len(self._flaws)
        kept = self.read_each(readings)
        if not kept and len(self._flaws) > before:
            raise BadResponse(f"The portal's answer can't be read: {self._flaws[-1]}.")
        return kept

    def read_each(
        self, readings: Iterable[tuple[Element, Callable[[], Record | None]]]
    ) -> list[Record]:
        """What can be read; the rest is named among the flaws."""
        kept = []
        for one, read in readings:
            try:
                kept.append(read())
            except Malformed as flaw:
                self.add_flaw(one.relative_reference if one.string("id") else one.path, str(flaw))
        return [record for record in kept if record is not None]

    def add_flaw(self, name: str, why: str) -> None:
        """Name what can't be shown, once."""
        phrase = f"{name}: {why}"
        if phrase not in self._flaws:
            self._flaws.append(phrase)


def unwrap(answer: SearchResult) -> Bundle:
    """The bundle, or the error that stands in its place."""
    if isinstance(answer, Bundle):
        return answer
    raise answer


def appointment_not_found(identity: str) -> NotFound:
    """The error for an appointment that is not there, or is another patient's."""
    return NotFound(
        f"There is no appointment '{identity}'.", hint="gpcli appointments list shows yours."
    )


def require(read: Callable[[], Record]) -> Record:
    """Read what nothing works without; raises BadResponse."""
    try:
        return read()
    except Malformed as flaw:
        raise BadResponse(f"The portal's answer can't be read: {flaw}.") from flaw


def or_empty(answer: SearchResult) -> Bundle:
    """Nothing where the portal has no such records, does not show them, or not like this."""
    return Bundle() if isinstance(answer, _NOTHING_SHOWN) else unwrap(answer)


def _flu_vaccination(immunization: Element) -> Vaccination | None:
    return read_vaccination(immunization) if is_influenza_vaccine(immunization) else None


def _by_time(one: Appointment) -> tuple[bool, float]:
    start: datetime | None = one.start
    return start is not None, start.timestamp() if start else 0.0
