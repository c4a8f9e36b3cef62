"""Bundles to model records: what can't be read is left out and becomes a flaw.

Records that a lenient server sends without being asked, of another patient or type, are dropped.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from datetime import date, datetime
from functools import partial
from itertools import chain
from typing import TypeVar
from zoneinfo import ZoneInfo

from gpcli.errors import BadResponse, GpcliError, NotFound, NotPermitted, Rejected
from gpcli.fhir.bundle import Bundle
from gpcli.fhir.contact_details import read_phones
from gpcli.fhir.element import Element, Malformed, Reference
from gpcli.fhir.general_practitioner import (
    find_addresses,
    read_surgery,
    tell_apart,
)
from gpcli.fhir.healthcare_service import (
    add_services,
    find_services,
    has_consent_level,
    is_in_force,
    read_consent,
    read_offers,
    read_prices,
)
from gpcli.fhir.modifiers import describe_unknown_codes, require_understood
from gpcli.fhir.patient import (
    Identifiers,
    Owner,
    find_owner,
    find_party,
    read_flu_vaccination,
    read_name,
    read_record_flaw,
    read_record_remarks,
    vaccination_order,
)
from gpcli.fhir.schedule import read_slot, surgery_actors
from gpcli.fhir.scheduling import read_appointment
from gpcli.model.appointment import Appointment, Slot, Vaccination
from gpcli.model.service import (
    Consent,
    ConsentLevel,
    Offer,
    Offers,
    PriceRule,
    ServiceName,
    Surgery,
    highest_level,
)
from gpcli.portal.portal_profile import PortalProfile, ToldServices
from gpcli.portal.slot_owners import SlotOwners, is_for, is_of, names_anybody

Record = TypeVar("Record")
SearchResult = Bundle | GpcliError
"""What one of several searches gave: its bundle, or the error that it alone met."""

_OWNER_UNKNOWN = "it does not name its patient so that gpcli could tell whose it is"
_ASK_FOR_MATCH = (
    "The patient of some records can't be matched with the patient's own record at the portal: "
    "ask the surgery to put that right."
)

NOT_SHOWN = (NotFound, NotPermitted, Rejected)
"""Errors of searches for records that the portal does not show, or does not have at all."""


class RecordMapper:
    """Reads one portal's bundles about `patient`; `flaws` are phrases on what was left out.

    `fetch_identifiers` returns the patient's identifiers, for records that name their patient only
    by one. `others` counts the records of other patients that a lenient server sent, by type;
    `remarks` are sentences on the patient's own record. `now` returns the aware time.
    It remembers the offers it has read, since slots and bookings refer to their services.
    `incomplete` are the types of records of which some did not come, `left_out` those of which some
    could not be read.
    `addresses` has, for each id of a surgery, the reference (`Type/id`) to address messages to;
    `owners` are the GPs as actors of Schedules.
    `patient_name` is `None` until offers were read, or where the portal has no name.
    """

    def __init__(
        self,
        patient: str,
        portal_profile: PortalProfile,
        flaws: list[str],
        incomplete: set[str],
        fetch_identifiers: Callable[[], Identifiers] = tuple,
        *,
        now: Callable[[], datetime],
    ) -> None:
        self._patient = patient
        self._fetch_identifiers = fetch_identifiers
        self.others: Counter[str] = Counter()
        self._seen_others: set[str] = set()
        self.profile = portal_profile
        self._zone = ZoneInfo(portal_profile.zone)
        self._flaws = flaws
        self._incomplete = incomplete
        self.left_out: set[str] = set()
        self._clock = now
        self.remarks: list[str] = []
        self.offers_by_service: dict[str, list[Offer]] = {}
        self.addresses: dict[str, str] = {}
        self.owners = SlotOwners()
        self.patient_name: str | None = None
        self._patient_record: Element | None = None

    @property
    def now(self) -> datetime:
        """The time, in the surgeries' zone."""
        return self._clock().astimezone(self._zone)

    def require_patient(self, bundle: Bundle) -> Element:
        """Return the patient's own record; raise NotFound where the bundle lacks it.

        What it says of itself, such as that it was replaced, is added to remarks and flaws.
        """
        records = bundle.matches_of_type("Patient")
        for record in require(lambda: [each for each in records if self.is_own(each)]):
            if flaw := read_record_flaw(record):
                self.add_flaw(record.relative_reference, flaw)
            self.add_remarks(read_record_remarks(record))
            self._patient_record = record
            return record
        raise NotFound(
            "The portal shows no record of this patient.",
            hint="gpcli login signs in anew; where a machine signs in, check GPCLI_PATIENT.",
        )

    @property
    def has_patient(self) -> bool:
        """Whether the patient's own record was read so far."""
        return self._patient_record is not None

    def read_patient_phones(self) -> tuple[str, ...]:
        """Return the telephone numbers in the patient's own record, empty where none was read."""
        record = self._patient_record
        return read_phones(record, self.now) if record else ()

    def read_surgeries(self, bundle: Bundle, patient: Element) -> tuple[Surgery, ...]:
        """Return the GPs of a Patient; raise BadResponse where none of them can be read."""
        gps = require(lambda: patient.children("generalPractitioner"))
        read = partial(read_surgery, bundle, patient, now=self.now)
        surgeries = tell_apart(self._read_each_or_raise((gp, partial(read, gp)) for gp in gps))
        addresses = find_addresses(surgeries)
        self.addresses.update(addresses)
        for each in surgeries:
            self.owners.add(each, surgery_actors(bundle, addresses.get(each.id, "")))
        return surgeries

    def read_offers(
        self,
        gps: Bundle,
        patient: Element,
        results: Mapping[str, SearchResult],
        *,
        supported: frozenset[ServiceName],
        permitted: frozenset[ServiceName],
        told: ToldServices,
    ) -> Offers:
        """Return what the GPs of a Patient offer; `gps` holds the GPs and their services.

        `results` has the prices and the consents; the rest is as in Offers. A price that can't be
        read is left out.
        Raises: BadResponse if no GP, no service or a consent can be read; the error of a result,
        unless it says that it is not shown.
        """
        level = self.read_consent_level(results["consents"], uses_levels=told.by_own_codes)
        self.patient_name = require(lambda: read_name(patient))
        surgeries = self.read_surgeries(gps, patient)
        services = require(lambda: find_services(gps, surgeries))
        offers = self._read_offers(services)
        for offer in offers:
            of_service = self.offers_by_service.setdefault(offer.id or "", [])
            of_service += [offer] if offer not in of_service else []
        rules = or_empty(results["prices"])
        prices = self.read_matches(rules, "ChargeItemDefinition", self._read_prices)
        return Offers(
            surgeries=add_services(surgeries, services),
            offers=offers,
            prices=tuple(chain.from_iterable(prices)),
            consent=ConsentLevel.FULL_ACCESS if level is None else level,
            uses_consent=level is not None,
            supported=supported,
            permitted=permitted,
            complete=not self._flaws,
            told=told.services,
        )

    def read_consent_level(self, result: SearchResult, *, uses_levels: bool) -> ConsentLevel | None:
        """Return the highest level; `None` where the portal does not use gpcli's levels.

        It does where it uses gpcli's codes of services (`uses_levels`), or in any consent that was
        found; it does not where it shows no consents, or sends an error in their place.
        """
        if isinstance(result, NOT_SHOWN):
            return None
        bundle = unwrap(result)
        if bundle.failure is not None:
            return None
        if uses_levels or any(map(has_consent_level, bundle.matches_of_type("Consent"))):
            return highest_level(self.read_consents(bundle))
        return None

    def read_consents(self, bundle: Bundle) -> tuple[Consent, ...]:
        """Return the consents that count now.

        Raises: BadResponse where one of gpcli's levels can't be read, since these decide.
        """
        records = bundle.matches_of_type("Consent")
        return tuple(self.read_each((each, partial(self._read_consent, each)) for each in records))

    def _read_consent(self, record: Element) -> Consent | None:
        """Return a consent of the patient's that counts now; `None` for any other."""
        read = partial(self._read_own, record, self._read_current_consent)
        return require(read) if has_consent_level(record) else read()

    def _read_current_consent(self, record: Element) -> Consent | None:
        consent = read_consent(record.strictly())
        return consent if is_in_force(record, self.now) else None

    def read_slots(self, bundle: Bundle) -> list[Slot]:
        """Return the slots of a bundle in order of time."""
        read = partial(self._read_slot, bundle=bundle, actors=())
        return sorted(self.read_matches(bundle, "Slot", read), key=lambda slot: slot.start)

    def read_free_slots(
        self,
        bundle: Bundle,
        actors: Collection[str],
        services: Collection[ServiceName],
        first: date,
        last: date,
    ) -> Iterator[Slot]:
        """Yield the free slots of `actors` for one of `services`, from the day `first` to `last`.

        Both days are included; the slots are in order of time.
        `actors` are the references (`Type/id`) of which their Schedule has at least one; empty
        where all slots were searched for. A slot whose Schedule is not in the bundle is that of
        the actor that was searched for; where there were several, it is a flaw.

        A slot is read when it is due, so that the rest of a bundle costs nothing and is no flaw.
        """
        in_order = sorted(bundle.matches_of_type("Slot"), key=_start_of)
        read = partial(self._read_slot, bundle=bundle, actors=actors)
        readings = ((slot, partial(self._read_own, slot, read)) for slot in in_order)
        for slot in self._iterate_readable(readings):
            is_wanted = slot.status == "free" and is_of(slot, actors) and is_for(slot, services)
            if is_wanted and first <= self._day(slot.start) <= last:
                yield slot

    def read_upcoming(
        self, dated: Bundle, undated: Bundle, since: date | None
    ) -> list[Appointment]:
        """Return the appointments from the day `since` on, and what has no time and is not over.

        `since` `None` means all. Of `undated` those with a time count only where they wait for the
        surgery. Those without a time come first, then the others by time.
        """
        upcoming = [
            *(each for each in self.read_appointments(dated) if self._is_from(each, since)),
            *(
                each
                for each in self.read_appointments(undated)
                if since is None or each.is_waiting or not (each.start or each.is_over)
            ),
        ]
        return sorted({each.id: each for each in upcoming}.values(), key=_by_time)

    def read_appointments(self, bundle: Bundle) -> list[Appointment]:
        """Return the patient's appointments of a bundle."""
        return self.read_matches(
            bundle, "Appointment", partial(self._read_appointment, bundle=bundle)
        )

    def require_appointment(self, bundle: Bundle, appointment_id: str) -> Appointment:
        """Return one appointment of a bundle.

        Raises:
            NotFound: the bundle lacks it.
            BadResponse: it is there and can't be read, or may be.
        """
        for appointment in self.read_appointments(bundle):
            if appointment.id == appointment_id:
                return appointment
        self.require_absent(f"Appointment/{appointment_id}")
        raise appointment_not_found(appointment_id)

    def require_absent(self, reference: str) -> None:
        """Raise BadResponse where a record is at the portal and was left out, or may be there."""
        for flaw in self._flaws:
            if flaw.startswith((f"{reference}: ", f"{reference} ")):
                raise BadResponse(
                    f"The portal's answer can't be read: {flaw}.",
                    hint="Call the surgery, and tell the people who run the portal.",
                )
        if reference.partition("/")[0] in self._incomplete:
            raise BadResponse(
                f"The portal did not send all that was asked for: whether there is {reference} "
                "can't be told.",
                hint="Try again, or call the surgery.",
            )

    def read_lone_appointment(self, record: Element) -> Appointment:
        """Return an appointment that came without the resources it refers to; raise BadResponse."""
        return require(lambda: self._read_appointment(record, Bundle()))

    def read_flu_vaccinations(self, bundle: Bundle) -> list[Vaccination]:
        """Return the flu vaccinations of a bundle, newest first."""
        vaccinations = self.read_matches(bundle, "Immunization", read_flu_vaccination)
        return sorted(vaccinations, key=vaccination_order, reverse=True)

    def _read_offers(self, services: Iterable[tuple[Surgery, Element]]) -> tuple[Offer, ...]:
        code_map, now = self.profile.code_map, self.now
        groups = self._read_each_or_raise(
            (service, partial(read_offers, service, surgery, code_map, now))
            for surgery, service in services
        )
        return tuple(offer for group in groups for offer in group)

    def _read_prices(self, definition: Element) -> tuple[PriceRule, ...]:
        return read_prices(definition, self.profile.code_map, self.now)

    def _read_slot(self, slot: Element, bundle: Bundle, actors: Collection[str]) -> Slot:
        if len(actors) > 1 and bundle.resolve(slot.link("schedule"), slot) is None:
            raise Malformed("its Schedule did not come along")
        code_map, zone = self.profile.code_map, self.profile.zone
        assumed = next(iter(actors)) if len(actors) == 1 else ""
        read = read_slot(
            slot,
            bundle,
            self.offers_by_service,
            code_map,
            zone,
            assumed=assumed.partition("/")[2] if assumed.startswith("HealthcareService/") else None,
        )
        has_schedule = bundle.resolve(slot.link("schedule"), slot) is not None
        must_tell = bool(actors) or (has_schedule and self.owners.are_known)
        if must_tell and not names_anybody(read):
            raise Malformed("its Schedule does not say whose it is")
        return self.owners.claim(read, actors)

    def _read_appointment(self, record: Element, bundle: Bundle) -> Appointment:
        code_map, zone = self.profile.code_map, self.profile.zone
        return read_appointment(record, bundle, self.offers_by_service, code_map, zone)

    def _is_from(self, appointment: Appointment, since: date | None) -> bool:
        start = appointment.start
        if since is None or start is None:
            return since is None or not appointment.is_over
        return self._day(start) >= since

    def _day(self, instant: datetime) -> date:
        return instant.astimezone(self._zone).date()

    def read_matches(
        self, bundle: Bundle, resource_type: str, read: Callable[[Element], Record | None]
    ) -> list[Record]:
        """Return what `read` makes of the patient's matches of one type, without its `None`."""
        records = bundle.matches_of_type(resource_type)
        return self.read_each((each, partial(self._read_own, each, read)) for each in records)

    def _read_own(self, record: Element, read: Callable[[Element], Record | None]) -> Record | None:
        return read(record) if self.is_own(record) else None

    def is_own(self, record: Element) -> bool:
        """Return whether a record is the patient's; another patient's is counted in `others`.

        Raises:
            Malformed: the record does not tell, or has a modifier that gpcli does not know.
        """
        require_understood(record)
        owner = find_owner(record, self._patient, self._fetch_identifiers)
        if owner is Owner.UNKNOWN:
            self.add_remarks([_ASK_FOR_MATCH])
            raise Malformed(_OWNER_UNKNOWN)
        name = f"{record.resource_type}/{record.json.get('id')}"
        if owner is Owner.ANOTHER and name not in self._seen_others:
            self._seen_others.add(name)
            self.others[record.resource_type] += 1
        if owner is Owner.PATIENT:
            self.add_remarks(describe_unknown_codes(record))
        return owner is Owner.PATIENT

    def find_party(self, link: Reference) -> Owner:
        """Return whether a reference is to the patient; it may be one by identifier."""
        return find_party(link, self._patient, self._fetch_identifiers)

    def _read_each_or_raise(
        self, readings: Iterable[tuple[Element, Callable[[], Record | None]]]
    ) -> list[Record]:
        """Return what can be read as `read_each` does; raise BadResponse when all are flawed."""
        flaw_count = len(self._flaws)
        records = self.read_each(readings)
        if not records and len(self._flaws) > flaw_count:
            raise BadResponse(f"The portal's answer can't be read: {self._flaws[-1]}.")
        return records

    def read_each(
        self, readings: Iterable[tuple[Element, Callable[[], Record | None]]]
    ) -> list[Record]:
        """Return what each reading gives without its `None`; add the malformed ones to the flaws.

        A reading is an element and the function that reads it.
        """
        return list(self._iterate_readable(readings))

    def _iterate_readable(
        self, readings: Iterable[tuple[Element, Callable[[], Record | None]]]
    ) -> Iterator[Record]:
        for element, read in readings:
            try:
                record = read()
            except Malformed as error:
                has_id = element.string("id")
                self.add_flaw(element.relative_reference if has_id else element.path, str(error))
                self.left_out.add(element.resource_type)
                continue
            if record is not None:
                yield record

    def add_flaw(self, name: str, reason: str) -> None:
        """Add what can't be shown to the flaws, once; a reason that begins with its name has it."""
        flaw = reason if reason.startswith(f"{name} ") else f"{name}: {reason}"
        if flaw not in self._flaws:
            self._flaws.append(flaw)

    def add_remarks(self, remarks: Iterable[str]) -> None:
        """Add sentences to the remarks, each once."""
        self.remarks += [remark for remark in remarks if remark not in self.remarks]


def unwrap(result: SearchResult) -> Bundle:
    """Return the bundle of a search, or raise its error."""
    if isinstance(result, Bundle):
        return result
    raise result


def unwrap_answered(result: SearchResult) -> Bundle:
    """Return the bundle of a search, where what it lacks is to be taken for not there.

    Raises: its error; BadResponse where the portal sent an error in the place of matches.
    """
    bundle = unwrap(result)
    if bundle.failure is not None:
        raise BadResponse(f"The portal did not send what was asked for. {bundle.failure}")
    return bundle


def appointment_not_found(appointment_id: str) -> NotFound:
    """Return the error for an appointment that does not exist or is another patient's."""
    return NotFound(
        f"There is no appointment '{appointment_id}'.", hint="gpcli appointments list shows yours."
    )


def require(read: Callable[[], Record]) -> Record:
    """Return what `read` returns; raise BadResponse where it raises Malformed."""
    try:
        return read()
    except Malformed as error:
        raise BadResponse(f"The portal's answer can't be read: {error}.") from error


def or_empty(result: SearchResult) -> Bundle:
    """Return the bundle of a search; an empty one where the portal does not show such records."""
    return Bundle() if isinstance(result, NOT_SHOWN) else unwrap(result)


def _by_time(appointment: Appointment) -> tuple[bool, float]:
    start = appointment.start
    return start is not None, start.timestamp() if start else 0.0


def _start_of(slot: Element) -> float:
    """Return when a Slot begins, in Unix time; one without a time that can be read comes first."""
    try:
        start = slot.instant("start")
    except Malformed:
        start = None
    return start.timestamp() if start else float("-inf")
