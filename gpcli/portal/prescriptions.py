"""care.Prescriptions over FHIR: MedicationRequests, and Tasks to renew them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial
from uuid import UUID, uuid5

from gpcli.errors import AlreadyAnswered, Conflict, GpcliError, NotFound, NotPermitted, Rejected
from gpcli.fhir.bundle import Bundle
from gpcli.fhir.compartment import is_about_patient
from gpcli.fhir.element import Element, Malformed
from gpcli.fhir.medication import Dispense, read_dispense, read_medicine, has_stated_remaining
from gpcli.fhir.medication_request import (
    is_renewal,
    read_prescription,
    read_renewal,
    write_renewal,
    write_renewal_withdrawal,
)
from gpcli.model.prescription import Prescription, Renewal, RenewalFacts, RenewalOutcome
from gpcli.model.receipt import WriteResult
from gpcli.model.service import ConsentLevel, Offers, ServiceName
from gpcli.portal import medication_queries
from gpcli.portal.dependencies import PortalDependencies
from gpcli.portal.mapping import SearchResult, RecordMapper, require, unwrap
from gpcli.portal.queries import Query
from gpcli.portal.search import FhirSearch
from gpcli.portal.write.batch import PartOutcome, create_each
from gpcli.portal.write.outcome import used_otherwise
from gpcli.portal.write.requests import WritePart


def newest_of_chains(prescriptions: Iterable[Prescription]) -> list[Prescription]:
    """The newest of each chain, with all its `predecessors`, the latest first.

    Each comes with the one that it replaces. Two that replace the same one are both newest. Of
    those that replace each other in a ring, which no record should say, the last issued counts.
    """
    known = {str(each.id): each for each in prescriptions}
    replaced = {before for each in known.values() for before in _before(each)}
    by_issue = sorted(known.values(), key=lambda each: each.issued or "", reverse=True)
    shown, seen = [], set[str]()
    for each in sorted(by_issue, key=lambda each: each.id in replaced):
        if each.id in seen:
            continue
        predecessors = _ancestors(each, known)
        seen |= {each.id, *predecessors}
        shown.append(replace(each, predecessors=predecessors))
    return shown


def _before(prescription: Prescription) -> set[str]:
    return set(prescription.predecessors) - {prescription.id}


def _ancestors(prescription: Prescription, known: Mapping[str, Prescription]) -> tuple[str, ...]:
    found: dict[str, None] = {}
    current: Prescription | None = prescription
    while current:
        before = _before(current) - {prescription.id, *found}
        found |= dict.fromkeys(before)
        current = known.get(next(iter(before), ""))
    return tuple(found)


_NOT_SHOWN = (NotFound, NotPermitted, Rejected)


def fetch_missing_parts(
    found: Bundle, exchange: FhirSearch, mapper: RecordMapper, patient: str
) -> list[Dispense] | None:
    """Add to `found` what should have come along; returns what was handed out.

    `None` = the portal does not tell, or tells something that can't be read.
    """
    asked = list(_missing(found, patient, exchange))
    answers = exchange.ask(*asked) if asked else []
    for query, answer in zip(asked, answers, strict=True):
        _take(found, query, answer, exchange.flaws)
    there = list(found.of_type("MedicationDispense"))
    told = bool(there) or _was_answered("MedicationDispense", asked, answers)
    read = mapper.read_matches(Bundle(matches=there), "MedicationDispense", read_dispense)
    return read if told and len(read) == len(there) else None


def _missing(found: Bundle, patient: str, exchange: FhirSearch) -> Iterator[Query]:
    requests = [each for each in found.matches if each.resource_type == "MedicationRequest"]
    yield from medication_queries.medications_by_id(_unseen(requests, found))
    searches = exchange.fetch_capabilities().searches if requests else ()
    handed_out, asked = any(found.of_type("MedicationDispense")), any(found.of_type("Task"))
    if not handed_out and "MedicationDispense" in searches and any(map(_is_counted, requests)):
        yield medication_queries.dispenses(patient)
    if not (handed_out or asked) and "Task" in searches:
        yield medication_queries.renewals(patient)


def _unseen(requests: Sequence[Element], found: Bundle) -> list[str]:
    """Ids of the Medications that are referred to and did not come along."""
    unseen: dict[str, None] = {}
    for request in requests:
        with suppress(Malformed):  # named when the prescription is read
            target = request.reference("medicationReference") or ""
            kind, _, identity = target.partition("/")
            if kind == "Medication" and identity and found.get(target) is None:
                unseen[identity] = None
    return list(unseen)


def _is_counted(request: Element) -> bool:
    """Whether what is left of a prescription has to be counted."""
    try:
        return request.string("status") == "active" and not has_stated_remaining(request)
    except Malformed:  # named when the prescription is read
        return False


def _take(found: Bundle, query: Query, answer: SearchResult, flaws: list[str]) -> None:
    if isinstance(answer, Bundle):
        found.merge(Bundle(resources=answer.resources))
        return
    flaw = f"{query.resource_type}: {answer.message}"
    if not isinstance(answer, _NOT_SHOWN) and flaw not in flaws:
        flaws.append(flaw)


def _was_answered(kind: str, asked: Sequence[Query], answers: Sequence[SearchResult]) -> bool:
    pairs = zip(asked, answers, strict=True)
    return any(
        query.resource_type == kind and isinstance(answer, Bundle) for query, answer in pairs
    )


_LOOK_AT_LIST = "gpcli rx requests shows what is there."
_MAY_BE_ASKED_FOR = (AlreadyAnswered, Conflict, Rejected)
"""How portals refuse what is asked for already: they have no code for that."""


class FhirPrescriptions:
    """One patient's. It remembers what the prescriptions are called that it has read."""

    def __init__(self, context: PortalDependencies) -> None:
        self._context = context
        self._exchange = context.search
        self._reader = context.mapper
        self._zone = context.portal_profile.zone
        self._labels: dict[str, str] = {}

    def fetch_prescriptions(self) -> list[Prescription]:
        """The newest of each chain, also expired ones, by name."""
        found = self._exchange.fetch_all(medication_queries.prescriptions(self._context.patient))
        return self._chains(found)[0]

    def fetch_renewals(self) -> list[Renewal]:
        """Requests to renew, newest first."""
        found = self._exchange.fetch_all(medication_queries.renewals(self._context.patient))
        return self._renewals(found, found.matches)

    def fetch_renewal(self, renewal: str) -> Renewal:
        """One request; raises NotFound."""
        found = self._exchange.fetch_all(medication_queries.renewal(renewal))
        for one in self._renewals(found, found.matches):
            if one.id == renewal:
                return one
        raise _no_such(renewal)

    def fetch_renewal_facts(self) -> RenewalFacts:
        """What to know before renewing; no prescriptions where renewing is not allowed anyway."""
        asked = (
            *self._context.offer_queries(),
            medication_queries.prescriptions(self._context.patient),
        )
        answers = self._exchange.ask(*asked)
        offers = self._context.fetch_offers(answers[:3])
        if not _may_renew(offers):
            return RenewalFacts(offers, ())
        found = unwrap(answers[3])
        found.merge(Bundle(resources=unwrap(answers[0]).resources))
        prescriptions, renewals = self._chains(found)
        return RenewalFacts(offers, tuple(prescriptions), tuple(renewals))

    def send_renewals(
        self, prescriptions: Sequence[Prescription], note: str | None, intent: UUID
    ) -> list[RenewalOutcome]:
        """Ask to renew each, sent together; how each ended, in the same order.

        Each has an intent of its own, `uuid5(intent, id of the prescription)`. What the portal
        refuses because another run has asked for it meanwhile is as that run has left it.
        """
        self._labels.update({each.id: each.label for each in prescriptions})
        parts = [self._part(each, note, uuid5(intent, each.id)) for each in prescriptions]
        made = create_each(self._context.kernel, parts, intent)
        others = self._by_others(made, intent)
        return [
            _left_by(others, each, outcome) or self._asked(each, note, outcome)
            for each, outcome in zip(prescriptions, made, strict=True)
        ]

    def send_withdrawal(self, renewal: str, intent: UUID) -> WriteResult[Renewal]:
        """Take a request back; raises NotFound, AlreadyAnswered, Conflict, OutcomeUnknown."""
        outcome = self._context.kernel.update(
            f"Task/{renewal}",
            lambda task: require(partial(write_renewal_withdrawal, task)),
            lambda task: require(partial(self._is_withdrawn, task)),
            intent,
        )
        there = require(lambda: read_renewal(outcome.record, self._labels, self._zone))
        return WriteResult(there, outcome.changed)

    def _is_withdrawn(self, task: Element) -> bool:
        """Whether it is done already; raises NotFound for what is none of the patient's."""
        if not (is_renewal(task) and is_about_patient(task, self._context.patient)):
            raise _no_such(task.require_string("id"))
        return task.require_string("status") == "cancelled"

    def _part(self, prescription: Prescription, note: str | None, intent: UUID) -> WritePart:
        context = self._context
        body = write_renewal(
            prescription, context.patient, context.author, note, intent, context.now()
        )
        return WritePart(intent, body)

    def _by_others(self, made: Iterable[PartOutcome], intent: UUID) -> list[Renewal]:
        """Requests of other intents, newest first, where a refusal may be due to one of them."""
        if not any(isinstance(outcome, _MAY_BE_ASKED_FOR) for outcome in made):
            return []
        with suppress(GpcliError):  # then the refusal stands
            return [each for each in self.fetch_renewals() if not _is_of(intent, each)]
        return []

    def _asked(
        self, prescription: Prescription, note: str | None, outcome: PartOutcome
    ) -> RenewalOutcome:
        if isinstance(outcome, GpcliError):
            return RenewalOutcome(prescription, None, changed=False, error=outcome)
        made = self._renewals(Bundle(), outcome.records)
        if not made or made[0].prescription_id != prescription.id:
            trouble = Conflict("The portal made something else of the request.", hint=_LOOK_AT_LIST)
            return RenewalOutcome(prescription, None, changed=False, error=trouble)
        if not outcome.changed and made[0].note != note:
            return RenewalOutcome(prescription, None, changed=False, error=used_otherwise())
        return RenewalOutcome(prescription, made[0], outcome.changed)

    def _chains(self, found: Bundle) -> tuple[list[Prescription], list[Renewal]]:
        """The newest of each chain of a bundle, each with the newest request to renew it.

        Beside them all requests that there are, newest first.
        """
        handed_out = fetch_missing_parts(found, self._exchange, self._reader, self._context.patient)
        read = partial(
            read_prescription,
            bundle=found,
            dispenses=handed_out,
            zone=self._zone,
            now=self._context.now(),
        )
        shown = newest_of_chains(self._reader.read_matches(found, "MedicationRequest", read))
        asked = self._renewals(found, found.of_type("Task"))
        return sorted((_with_renewal(each, asked) for each in shown), key=_by_name), asked

    def _renewals(self, along: Bundle, tasks: Iterable[Element]) -> list[Renewal]:
        """Requests among `tasks`, newest first; `along` is what came with them."""
        self._labels.update(_names(along))
        found = self._reader.read_matches(Bundle(matches=list(tasks)), "Task", self._renewal)
        return sorted(found, key=_by_time, reverse=True)

    def _renewal(self, task: Element) -> Renewal | None:
        """What a Task asks to renew; lenient servers send other Tasks as well."""
        return read_renewal(task, self._labels, self._zone) if is_renewal(task) else None


def _may_renew(offers: Offers) -> bool:
    permitted = ServiceName.PRESCRIPTION_RENEWAL in offers.permitted
    return permitted and offers.consent is ConsentLevel.FULL_ACCESS


def _names(along: Bundle) -> Iterator[tuple[str, str]]:
    """What each MedicationRequest is about, by its id, as far as that can be read."""
    for request in along.of_type("MedicationRequest"):
        with suppress(Malformed):
            label = read_medicine(request, along).label
            yield request.require_string("id"), label or request.require_string("id")


def _with_renewal(prescription: Prescription, newest_first: Iterable[Renewal]) -> Prescription:
    return replace(prescription, renewal=_newest(newest_first, prescription))


def _newest(newest_first: Iterable[Renewal], prescription: Prescription) -> Renewal | None:
    return next((one for one in newest_first if one.prescription_id == prescription.id), None)


def _is_of(intent: UUID, renewal: Renewal) -> bool:
    return uuid5(intent, renewal.prescription_id or "").urn in renewal.identifiers


def _left_by(
    others: Iterable[Renewal], prescription: Prescription, outcome: PartOutcome
) -> RenewalOutcome | None:
    """What a refused request stands at, if somebody has made one that was not there before."""
    there = _newest(others, prescription)
    if there is None or not isinstance(outcome, _MAY_BE_ASKED_FOR):
        return None
    known = prescription.renewal.id if prescription.renewal else None
    if there.id == known and not there.open:
        return None
    return RenewalOutcome(prescription, there, changed=False)


def _by_name(prescription: Prescription) -> tuple[str, str]:
    return prescription.label.casefold(), prescription.id


def _by_time(renewal: Renewal) -> tuple[float, str]:
    when = renewal.asked or renewal.updated
    return when.timestamp() if when else 0.0, renewal.id or ""


def _no_such(renewal: str) -> NotFound:
    return NotFound(f"There is no request '{renewal}'.", hint="gpcli rx requests shows yours.")
