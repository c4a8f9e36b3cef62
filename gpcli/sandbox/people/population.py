"""Put a population together: who is in it, and the FHIR resources that it is made of."""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import chain

from gpcli.sandbox.accounts import Account, find_account
from gpcli.sandbox.people.appointments import SyntheticAppointment
from gpcli.sandbox.people.element_builders import Element
from gpcli.sandbox.people.free_times import FreeTimes
from gpcli.sandbox.people.healthcare_services import GpOffer, Price
from gpcli.sandbox.people.messages import Thread
from gpcli.sandbox.people.patients import SyntheticPatient
from gpcli.sandbox.people.prescriptions import Prescription, build_renewals
from gpcli.sandbox.people.surgeries import Surgery

BuildRaw = Callable[[datetime], Element]
"""Builds a resource that was written as FHIR, with the times that are relative."""


@dataclass(frozen=True)
class PatientRecords:
    """A patient and what is about them."""

    patient: SyntheticPatient
    appointments: tuple[SyntheticAppointment, ...] = ()
    prescriptions: tuple[Prescription, ...] = ()
    threads: tuple[Thread, ...] = ()

    def appointment_resources(self, now: datetime) -> Iterator[Element]:
        """Yield the Appointments; those that are alike have different ids."""
        seen: Counter[str] = Counter()
        for appointment in self.appointments:
            resource = appointment.resource(now)
            seen[resource["id"]] += 1
            number = seen[resource["id"]] - 1
            yield appointment.resource(now, number) if number else resource


@dataclass(frozen=True)
class Population:
    """Everybody, and everything at the surgeries.

    `raw` are resources that were written as FHIR; `accounts` are those who can sign in.
    """

    accounts: tuple[Account, ...] = ()
    surgeries: tuple[Surgery, ...] = ()
    offers: tuple[GpOffer, ...] = ()
    prices: tuple[Price, ...] = ()
    free_times: tuple[FreeTimes, ...] = ()
    people: tuple[PatientRecords, ...] = ()
    raw: tuple[BuildRaw, ...] = ()

    def find_account(self, key: str) -> Account:
        """Return the account with this key, ignoring case.

        Raises:
            UnknownPerson: There is none; it says whether the person does not sign in.
        """
        silent = {each.patient.key for each in self.people if not each.patient.signs_in}
        return find_account(self.accounts, key, silent)

    def resources(self, now: datetime) -> Iterator[Element]:
        """Yield every FHIR R4 resource, with `now` (aware) as the current time.

        They are the same for the same time.
        """
        yield from self._surgery_resources(now)
        yield from self._patient_resources(now)
        for times in self.free_times:
            yield from times.resources(now)
        for records in self.people:
            yield from records.appointment_resources(now)
        yield from self._prescription_resources(now)
        for records in self.people:
            for thread in records.threads:
                yield from thread.resources(now)
        for build in self.raw:
            yield build(now)

    def _surgery_resources(self, now: datetime) -> Iterator[Element]:
        for surgery in self.surgeries:
            yield from surgery.resources()
        for offer in self.offers:
            yield from offer.roles()
        for offer in self.offers:
            yield from offer.group_roles()
        for offer in self.offers:
            yield from offer.healthcare_services(now)
        for price in self.prices:
            yield price.resource()

    def _patient_resources(self, now: datetime) -> Iterator[Element]:
        patients = {records.patient.key: records.patient for records in self.people}
        for patient in patients.values():
            yield from patient.resources(now)
        for patient in patients.values():
            yield from patient.related_people(patients)
        for patient in patients.values():
            yield from patient.immunizations(now)

    def _prescription_resources(self, now: datetime) -> Iterator[Element]:
        everyones = tuple(chain.from_iterable(records.prescriptions for records in self.people))
        linked = (
            each.product
            for prescription in everyones
            for each in prescription.generations()
            if each.links_medicine
        )
        for product in dict.fromkeys(linked):
            yield product.resource()
        for prescription in everyones:
            yield from prescription.resources(now)
        for records in self.people:
            yield from build_renewals(records.prescriptions, now)
