"""The people of a sign-in: the patient's own record, their telephones, and who acts for them."""

from __future__ import annotations

from functools import cached_property

from gpcli.errors import GpcliError
from gpcli.fhir.patient import read_person, read_person_remark
from gpcli.model.person import Parties, Person
from gpcli.portal import queries
from gpcli.portal.dependencies import PortalDependencies
from gpcli.portal.mapping import require


class PartyReader:
    """Reads who the patient is and who acts, each at most once."""

    def __init__(self, dependencies: PortalDependencies) -> None:
        self._dependencies = dependencies
        self._search = dependencies.search
        self._mapper = dependencies.mapper

    def fetch_patient(self) -> Person:
        """Fetch the patient's own record; raise NotFound where the portal shows none."""
        bundle = self._search.fetch_all(queries.patient_with_gps(self._dependencies.patient))
        return require(lambda: read_person(self._mapper.require_patient(bundle).strictly()))

    def fetch_phones(self) -> tuple[str, ...]:
        """Return the patient's telephone numbers; their record is fetched if none was so far."""
        if not self._mapper.has_patient:
            self.fetch_patient()
        return self._mapper.read_patient_phones()

    @cached_property
    def parties(self) -> Parties:
        """The patient and who acts; names that the sign-in did not tell are fetched."""
        identity = self._dependencies.identity
        name = identity.patient_name or self._mapper.patient_name or self.fetch_patient().name
        patient = Person(identity.patient, name)
        reference = self._dependencies.acting_reference
        if reference is None:
            return Parties(patient, None)
        if reference == f"Patient/{identity.patient}":
            return Parties(patient, patient)
        if identity.acting_name:
            return Parties(patient, Person(reference.partition("/")[2], identity.acting_name))
        if identity.patient_name:  # the sign-in asked for both names, and got one
            return Parties(patient, None)
        return Parties(patient, self._fetch_acting_person(reference, patient))

    def _fetch_acting_person(self, reference: str, patient: Person) -> Person | None:
        """Fetch who acts; `None` where their record can't be read, which fails no command.

        A Person that is linked to the patient's record is the patient.
        """
        try:
            record = self._search.fetch_resource(reference)[0].strictly()
            linked = require(lambda: {each.reference("target") for each in record.children("link")})
            acting = require(lambda: read_person(record))
            remark = require(lambda: read_person_remark(record))
        except GpcliError:
            return None
        self._mapper.add_remarks([remark] if remark else [])
        is_patient = reference.startswith("Person/") and f"Patient/{patient.id}" in linked
        return patient if is_patient else acting
