"""care.Prescriptions over FHIR: searches for MedicationRequests, and Tasks to renew them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial
from uuid import UUID, uuid5

from gpcli.errors import (
    AlreadyAnswered,
    BadResponse,
    Conflict,
    GpcliError,
    NotFound,
    NotPermitted,
    Rejected,
    request_id_conflict,
)
from gpcli.fhir.bundle import Bundle
from gpcli.fhir.element import Element, Malformed
from gpcli.fhir.medication import Dispense, has_stated_remaining, read_dispense, read_medicine
from gpcli.fhir.medication_request import (
    RENEWAL_CODE,
    SNOMED,
    can_last,
    can_remain,
    is_renewal,
    read_prescription,
    read_renewal,
    write_renewal,
    write_renewal_withdrawal,
)
from gpcli.model.prescription import Prescription, Renewal, RenewalFacts, RenewalOutcome
from gpcli.model.receipt import WriteResult
from gpcli.model.service import ConsentLevel, Offers, ServiceName
from gpcli.portal.dependencies import PortalDependencies
from gpcli.portal.mapping import (
    NOT_SHOWN,
    RecordMapper,
    SearchResult,
    require,
    unwrap,
    unwrap_answered,
)
from gpcli.portal.prescription_chains import add_supplies, newest_of_chains
from gpcli.portal.queries import PAGE_SIZE_PARAM, Query, split_ids
from gpcli.portal.search import FhirSearch
from gpcli.portal.write.batch import PartOutcome, create_each
from gpcli.portal.write.requests import WritePart

# These queries are not in `queries`, since booking would then load what they take from `fhir`.
_PRESCRIPTION_INCLUDES = (
    ("_include", "MedicationRequest:medication"),
    ("_include", "MedicationRequest:requester"),
    ("_include:iterate", "PractitionerRole:practitioner"),
    ("_revinclude", "MedicationDispense:prescription"),
    ("_revinclude", "Task:focus"),
)
_TASK_INCLUDES = (
    ("_include", "Task:focus"),
    ("_include:iterate", "MedicationRequest:medication"),
)


def prescriptions_query(patient: str) -> Query:
    """Build the query for prescriptions with their medicines, prescribers, dispenses and Tasks.

    Those of every status and intent are asked for: what is left out can then be told.
    """
    params = (("patient", patient), *_PRESCRIPTION_INCLUDES, PAGE_SIZE_PARAM)
    return Query("MedicationRequest", params)


def renewals_query(patient: str) -> Query:
    """Build the query for all requests for renewals and the prescriptions they are for."""
    return Query("Task", (("patient", patient), _renewal_code(), *_TASK_INCLUDES, PAGE_SIZE_PARAM))


def _renewal_query(renewal_id: str) -> Query:
    """Build the query for one request for a renewal and its prescription."""
    return Query("Task", (("_id", renewal_id), *_TASK_INCLUDES))


def _named_prescriptions_query(ids: Sequence[str]) -> Query:
    """Build the query for the prescriptions with these ids, whatever their status."""
    params = (("_id", ",".join(ids)), *_PRESCRIPTION_INCLUDES, PAGE_SIZE_PARAM)
    return Query("MedicationRequest", params)


def dispenses_query(patient: str) -> Query:
    """Build the query for all dispenses."""
    return Query("MedicationDispense", (("patient", patient), PAGE_SIZE_PARAM))


def _renewal_code() -> tuple[str, str]:
    return "code", f"{SNOMED}|{RENEWAL_CODE}"


def fetch_missing_parts(
    bundle: Bundle, search: FhirSearch, mapper: RecordMapper, patient: str
) -> list[Dispense] | None:
    """Add to `bundle` the resources that were not included; return the dispenses.

    `None` where the portal does not show the dispenses, one of them can't be read, or they are not
    needed.
    """
    named = _missing_queries(bundle, patient, search)
    results = search.fetch_along(prescriptions_query(patient), bundle, named)
    for name, query in named.items():
        _merge_included(bundle, query, results[name], search.flaws)
    records = list(bundle.of_type("MedicationDispense"))
    shown = bool(records) or isinstance(results.get("dispenses"), Bundle)
    dispenses = mapper.read_each((each, partial(_read_dispense, each, mapper)) for each in records)
    is_whole = not any(flaw.startswith("MedicationDispense") for flaw in search.flaws)
    return dispenses if shown and is_whole else None


def _read_dispense(record: Element, mapper: RecordMapper) -> Dispense:
    """Return a dispense; another patient's is one for no prescription. Raises Malformed."""
    return read_dispense(record.strictly()) if mapper.is_own(record) else _ANOTHERS_DISPENSE


def _missing_queries(bundle: Bundle, patient: str, search: FhirSearch) -> dict[str, Query]:
    """Return the queries, by name, for what refers to prescriptions and did not come along."""
    requests = bundle.matches_of_type("MedicationRequest")
    if not requests:
        return {}
    named, can = {}, search.fetch_capabilities()
    has_dispenses, has_tasks = (
        any(bundle.of_type("MedicationDispense")),
        any(bundle.of_type("Task")),
    )
    if (
        not has_dispenses
        and can.can_search("MedicationDispense")
        and any(map(_is_told_by_dispenses, requests))
    ):
        named["dispenses"] = dispenses_query(patient)
    if not (has_dispenses or has_tasks) and can.can_search("Task"):
        named["renewals"] = renewals_query(patient)
    return named


def _is_told_by_dispenses(request: Element) -> bool:
    """Return whether the dispenses of a prescription tell how long it lasts, or what remains."""
    try:
        return can_last(request) or (can_remain(request) and not has_stated_remaining(request))
    except Malformed:  # becomes a flaw when the prescription is read
        return False


def _merge_included(bundle: Bundle, query: Query, result: SearchResult, flaws: list[str]) -> None:
    """Add the resources of a result to `bundle`, not as matches; other errors become a flaw.

    Those of NOT_SHOWN do not.
    """
    if isinstance(result, Bundle):
        bundle.merge(Bundle(resources=result.resources))
        return
    flaw = f"{query.resource_type}: {result.message}"
    if not isinstance(result, NOT_SHOWN) and flaw not in flaws:
        flaws.append(flaw)


_ANOTHERS_DISPENSE = Dispense((), None, completed=False)
_ID = re.compile(r"[A-Za-z0-9.-]{1,64}", re.ASCII)
"""An id (R4 id): nothing else is asked for."""
_SEE_LIST = "gpcli rx requests shows what is there."
_MAY_BE_REQUESTED_ALREADY = (AlreadyAnswered, Conflict, Rejected)
"""Errors of portals that refuse a renewal which is requested already."""


class FhirPrescriptions:
    """The prescriptions of one patient; implements care.Prescriptions.

    It remembers the labels of the prescriptions that it has read, for requests to renew them.
    """

    def __init__(self, dependencies: PortalDependencies) -> None:
        self._dependencies = dependencies
        self._search = dependencies.search
        self._mapper = dependencies.mapper
        self._zone = dependencies.portal_profile.zone
        self._labels: dict[str, str] = {}

    def fetch_prescriptions(self) -> list[Prescription]:
        """Fetch the newest prescription of each chain, sorted by name.

        Expired ones are among them, and what a portal sends besides prescriptions: proposals,
        drafts, and what was entered in error.
        """
        query = prescriptions_query(self._dependencies.patient)
        return self._fetch_chains(self._search.fetch_all(query))[0]

    def fetch_named(self, ids: Sequence[str]) -> dict[str, Prescription | GpcliError]:
        """Fetch records by their ids: prescriptions, proposals, drafts, what was entered in error.

        Where there is none to show the value is the reason: NotFound; BadResponse for one that is
        there and can't be read; the portal's refusal.
        """
        unread = {each: self._find_absence(each) for each in ids}
        wanted = [each for each, why in unread.items() if why is None and _ID.fullmatch(each)]
        found: dict[str, Prescription | GpcliError] = {}
        for part in split_ids(wanted):
            found |= self._fetch_identified(part)
        return {
            each: why or found.get(each) or self._find_absence(each) or _not_found(each)
            for each, why in unread.items()
        }

    def _fetch_identified(self, ids: Sequence[str]) -> dict[str, Prescription | GpcliError]:
        try:
            bundle = self._search.fetch_all(_named_prescriptions_query(ids))
        except (NotPermitted, Rejected) as error:
            return dict.fromkeys(ids, error)
        except NotFound:
            return {}
        return {str(each.id): each for each in self._fetch_chains(bundle)[0]}

    def _find_absence(self, prescription: str) -> GpcliError | None:
        """Return the error for a prescription that was left out since it can't be read."""
        try:
            self._mapper.require_absent(f"MedicationRequest/{prescription}")
        except BadResponse as error:
            return error
        return None

    def fetch_renewals(self) -> list[Renewal]:
        """Fetch the requests for renewals, newest first."""
        query = renewals_query(self._dependencies.patient)
        bundle = self._search.fetch_all(query)
        return self._read_renewals(bundle, bundle.matches)

    def fetch_renewal(self, renewal: str) -> Renewal:
        """Fetch one request for a renewal; raise NotFound."""
        bundle = self._search.fetch_all(_renewal_query(renewal))
        for found in self._read_renewals(bundle, bundle.matches):
            if found.id == renewal:
                return found
        self._mapper.require_absent(f"Task/{renewal}")
        raise _renewal_not_found(renewal)

    def fetch_renewal_facts(self) -> RenewalFacts:
        """Fetch the facts on which a renewal is decided.

        There are no prescriptions among them where the patient may not renew any.
        """
        query = prescriptions_query(self._dependencies.patient)
        named = self._dependencies.offer_queries() | {"prescriptions": query}
        results = self._search.fetch_named(named)
        offers = self._dependencies.fetch_offers(results)
        if not _can_renew(offers):
            return RenewalFacts(offers, ())
        bundle = unwrap_answered(results["prescriptions"])
        bundle.merge(Bundle(resources=unwrap(results["gps"]).resources))
        prescriptions, renewals = self._fetch_chains(bundle)
        return RenewalFacts(offers, tuple(prescriptions), tuple(renewals))

    def send_renewals(
        self, prescriptions: Sequence[Prescription], note: str | None, intent: UUID
    ) -> list[RenewalOutcome]:
        """Send requests for renewals, if possible in one batch; return the outcomes in order.

        Each request has the intent `uuid5(intent, id of the prescription)`. Where the portal
        refuses one that another run has requested meanwhile, the outcome is that other request.
        """
        self._labels.update({each.id: each.label for each in prescriptions})
        parts = [self._build_part(each, note, uuid5(intent, each.id)) for each in prescriptions]
        outcomes = create_each(self._dependencies.kernel, parts, intent)
        others = self._fetch_requests_of_others(outcomes, intent)
        return [
            _outcome_of_others(others, each, outcome) or self._build_outcome(each, note, outcome)
            for each, outcome in zip(prescriptions, outcomes, strict=True)
        ]

    def send_withdrawal(self, renewal: str, intent: UUID) -> WriteResult[Renewal]:
        """Withdraw a request; raise NotFound, AlreadyAnswered, Conflict, OutcomeUnknown."""
        outcome = self._dependencies.kernel.update(
            f"Task/{renewal}",
            lambda task: require(partial(write_renewal_withdrawal, task)),
            lambda task: require(partial(self._is_withdrawn, task)),
            intent,
        )
        withdrawn = require(partial(self._read_renewal, outcome.record, Bundle()))
        return WriteResult(withdrawn, outcome.changed)

    def _is_withdrawn(self, task: Element) -> bool:
        """Return whether it is withdrawn; raise NotFound for another Task or another patient's."""
        if not (is_renewal(task) and self._mapper.is_own(task)):
            raise _renewal_not_found(task.require_string("id"))
        return task.require_string("status") == "cancelled"

    def _build_part(self, prescription: Prescription, note: str | None, intent: UUID) -> WritePart:
        patient, author = self._dependencies.patient, self._dependencies.author
        body = write_renewal(prescription, patient, author, note, intent, self._dependencies.now())
        return WritePart(intent, body)

    def _fetch_requests_of_others(
        self, outcomes: Iterable[PartOutcome], intent: UUID
    ) -> list[Renewal]:
        """Fetch the requests of other intents, newest first, if one may have caused a refusal."""
        if not any(isinstance(outcome, _MAY_BE_REQUESTED_ALREADY) for outcome in outcomes):
            return []
        with suppress(GpcliError):  # then the refusal stands
            return [
                each
                for each in self.fetch_renewals()
                if not (_has_intent(intent, each) or each.is_in_error)
            ]
        return []

    def _build_outcome(
        self, prescription: Prescription, note: str | None, outcome: PartOutcome
    ) -> RenewalOutcome:
        if isinstance(outcome, GpcliError):
            return RenewalOutcome(prescription, None, changed=False, error=outcome)
        renewals = self._read_renewals(Bundle(), outcome.records)
        if not renewals or renewals[0].prescription_id != prescription.id:
            error = Conflict("The portal made something else of the request.", hint=_SEE_LIST)
            return RenewalOutcome(prescription, None, changed=False, error=error)
        if not outcome.changed and not renewals[0].has_note(note):
            return RenewalOutcome(prescription, None, changed=False, error=request_id_conflict())
        return RenewalOutcome(prescription, renewals[0], outcome.changed)

    def _fetch_chains(self, bundle: Bundle) -> tuple[list[Prescription], list[Renewal]]:
        """Return the newest prescription of each chain, and all requests, newest first.

        Each prescription has its newest request. Fetches what the bundle lacks.
        """
        patient, now = self._dependencies.patient, self._dependencies.now()
        dispenses = fetch_missing_parts(bundle, self._search, self._mapper, patient)
        read = partial(
            read_prescription,
            bundle=bundle,
            dispenses=dispenses,
            zone=self._zone,
            now=now,
        )
        everything = self._mapper.read_matches(bundle, "MedicationRequest", read)
        newest = add_supplies(newest_of_chains(everything), everything, bundle, dispenses, now)
        tasks = self._read_renewals(bundle, bundle.of_type("Task"))
        renewals = [each for each in tasks if not each.is_in_error]
        return sorted((_with_renewal(each, renewals) for each in newest), key=_by_name), renewals

    def _read_renewals(self, bundle: Bundle, tasks: Iterable[Element]) -> list[Renewal]:
        """Return the requests among `tasks`, newest first; `bundle` holds their prescriptions."""
        self._labels.update(_read_labels(bundle))
        read = partial(self._read_renewal_task, bundle=bundle)
        renewals = self._mapper.read_matches(Bundle(matches=list(tasks)), "Task", read)
        return sorted(renewals, key=_by_time, reverse=True)

    def _read_renewal_task(self, task: Element, bundle: Bundle) -> Renewal | None:
        """Return a request; `None` for another kind of Task, which lenient servers send too."""
        return self._read_renewal(task, bundle) if is_renewal(task) else None

    def _read_renewal(self, task: Element, bundle: Bundle) -> Renewal:
        return read_renewal(task, self._labels, bundle, self._zone)


def _can_renew(offers: Offers) -> bool:
    permitted = ServiceName.PRESCRIPTION_RENEWAL in offers.permitted
    return permitted and offers.consent is ConsentLevel.FULL_ACCESS


def _read_labels(bundle: Bundle) -> Iterator[tuple[str, str]]:
    """Yield the id and the label of each readable MedicationRequest."""
    for request in bundle.of_type("MedicationRequest"):
        with suppress(Malformed):
            label = read_medicine(request, bundle).label
            yield request.require_string("id"), label or request.require_string("id")


def _with_renewal(prescription: Prescription, newest_first: Iterable[Renewal]) -> Prescription:
    return replace(prescription, renewal=_find_newest(newest_first, prescription))


def _find_newest(newest_first: Iterable[Renewal], prescription: Prescription) -> Renewal | None:
    return next((each for each in newest_first if each.prescription_id == prescription.id), None)


def _has_intent(intent: UUID, renewal: Renewal) -> bool:
    return uuid5(intent, renewal.prescription_id or "").urn in renewal.identifiers


def _outcome_of_others(
    others: Iterable[Renewal], prescription: Prescription, outcome: PartOutcome
) -> RenewalOutcome | None:
    """Return another run's request as the outcome, `None` unless ours was refused because of it.

    That is an open one, or one that was not there when the facts were fetched.
    """
    renewal = _find_newest(others, prescription)
    if renewal is None or not isinstance(outcome, _MAY_BE_REQUESTED_ALREADY):
        return None
    known = prescription.renewal.id if prescription.renewal else None
    if renewal.id == known and not renewal.is_open:
        return None
    return RenewalOutcome(prescription, renewal, changed=False)


def _by_name(prescription: Prescription) -> tuple[str, str]:
    return prescription.label.casefold(), prescription.id


def _by_time(renewal: Renewal) -> tuple[float, str]:
    when = renewal.asked or renewal.updated
    return when.timestamp() if when else 0.0, renewal.id or ""


def _not_found(prescription: str) -> NotFound:
    """Return the error for an id that none of the patient's prescriptions has or had."""
    return NotFound(
        f"There is no prescription '{prescription}'.",
        hint="gpcli rx list shows the prescriptions.",
    )


def _renewal_not_found(renewal: str) -> NotFound:
    return NotFound(f"There is no request '{renewal}'.", hint="gpcli rx requests shows yours.")
