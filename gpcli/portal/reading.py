"""From bundles to model records: what can't be read is named and left out, the rest is kept."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from gpcli.errors import BadResponse, GpcliError, NotFound
from gpcli.model.appointment import Appointment, Slot, Vaccination
from gpcli.model.service import Consent, Offer, Offers, ServiceName, highest_level
from gpcli.portal.fhir.appointment import read_appointment
from gpcli.portal.fhir.bundle import Bundle
from gpcli.portal.fhir.consent import read_consent
from gpcli.portal.fhir.element import Element, Malformed
from gpcli.portal.fhir.service import read_offers, read_prices
from gpcli.portal.fhir.slot import read_slot
from gpcli.portal.fhir.surgery import name_of, read_surgeries
from gpcli.portal.fhir.vaccination import against_influenza, read_vaccination

Record = TypeVar("Record")
Found = Bundle | GpcliError


@dataclass(frozen=True)
class Dialect:
    """What differs from portal to portal.

    `code_map` turns `system|code` into our service codes; `status_sent` is the status that a
    booking is sent with; `zone` the surgeries' time zone.
    """

    code_map: Mapping[str, str]
    status_sent: str
    zone: str


class Reader:
    """Reads one portal's bundles; `flaws` are phrases on what had to be left out.

    It remembers the offers it has read, since slots and bookings point to their services, and
    the patient's name (`None` until offers were read).
    """

    def __init__(self, dialect: Dialect, flaws: list[str]) -> None:
        self._dialect = dialect
        self._flaws = flaws
        self._by_service: dict[str, Offer] = {}
        self.patient_name: str | None = None

    def offers(self, answers: Sequence[Found], permitted: frozenset[ServiceName]) -> Offers:
        """From the answers on GPs and services, prices, and consents, in this order."""
        gps, prices, consents = (whole(each) for each in answers)
        self.patient_name = must(lambda: name_of(own(gps)))
        surgeries = must(lambda: read_surgeries(gps, own(gps)))
        code_map, zone = self._dialect.code_map, self._dialect.zone
        offered = must(lambda: read_offers(gps, surgeries, code_map, zone))
        self._by_service.update({offer.id: offer for offer in offered})
        return Offers(
            surgeries=surgeries,
            offers=offered,
            prices=must(lambda: read_prices(prices, code_map)),
            consent=highest_level(self.consents(consents)),
            permitted=permitted,
        )

    def consents(self, bundle: Bundle) -> tuple[Consent, ...]:
        """The consents of a bundle; all must be readable, since they decide what is allowed."""
        return must(lambda: tuple(read_consent(each) for each in bundle.matches))

    def slots(self, bundle: Bundle) -> list[Slot]:
        """The slots of a bundle."""
        code_map, zone = self._dialect.code_map, self._dialect.zone
        return self._kept(
            bundle, lambda one: read_slot(one, bundle, self._by_service, code_map, zone)
        )

    def appointments(self, *bundles: Bundle) -> list[Appointment]:
        """All appointments of several bundles, each once, undated first, then by time."""
        found = {one.id: one for bundle in bundles for one in self._appointments(bundle)}
        return sorted(found.values(), key=_by_time)

    def appointment(self, bundle: Bundle, identity: str) -> Appointment:
        """The one appointment asked for; raises NotFound."""
        for one in self._appointments(bundle):
            if one.id == identity:
                return one
        raise NotFound(
            f"There is no appointment '{identity}'.",
            hint="gpcli appointments list shows yours.",
        )

    def written(self, record: Element) -> Appointment:
        """An appointment that came alone; raises BadResponse."""
        return must(lambda: self._appointment(record, Bundle()))

    def flu_vaccinations(self, bundle: Bundle) -> list[Vaccination]:
        """The flu vaccinations of a bundle, newest first."""
        read = self._kept(bundle, lambda one: (against_influenza(one), read_vaccination(one)))
        flu = [vaccination for against, vaccination in read if against and vaccination]
        return sorted(flu, key=lambda each: each.date, reverse=True)

    def _appointments(self, bundle: Bundle) -> list[Appointment]:
        return self._kept(bundle, lambda one: self._appointment(one, bundle))

    def _appointment(self, record: Element, bundle: Bundle) -> Appointment:
        code_map, zone = self._dialect.code_map, self._dialect.zone
        return read_appointment(record, bundle, self._by_service, code_map, zone)

    def _kept(self, bundle: Bundle, read: Callable[[Element], Record]) -> list[Record]:
        kept = []
        for one in bundle.matches:
            try:
                kept.append(read(one))
            except Malformed as flaw:
                self._flaws.append(f"{one.ref}: {flaw}")
        return kept


def whole(answer: Found) -> Bundle:
    """The bundle, or the error that stands in its place."""
    if isinstance(answer, Bundle):
        return answer
    raise answer


def own(bundle: Bundle) -> Element:
    """The patient's own record; raises NotFound."""
    for one in bundle.matches:
        if one.kind == "Patient":
            return one
    raise NotFound(
        "The portal shows no record of this patient.",
        hint="gpcli login signs in anew; with GPCLI_TOKEN, check GPCLI_PATIENT.",
    )


def must(read: Callable[[], Record]) -> Record:
    """Read what nothing works without; raises BadResponse."""
    try:
        return read()
    except Malformed as flaw:
        raise BadResponse(f"The portal's answer can't be read: {flaw}.") from flaw


def _by_time(one: Appointment) -> tuple[bool, float]:
    start: datetime | None = one.start
    return start is not None, start.timestamp() if start else 0.0
