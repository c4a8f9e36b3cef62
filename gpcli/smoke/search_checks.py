"""Checks of searching, paging, refusals and other patients' records, and of the answers' speed."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from uuid import uuid4

from gpcli.fhir.bundle import Bundle, read_bundle
from gpcli.fhir.element import UUID_SYSTEM, Element, Malformed, read_resource
from gpcli.fhir.patient import Owner, find_owner
from gpcli.http.client import HttpResponse
from gpcli.http.send import RequestLog
from gpcli.model.service import BOOKABLE
from gpcli.model.smoke import Latency
from gpcli.portal import queries
from gpcli.portal.local_search import is_in_order
from gpcli.portal.queries import PAGE_SIZE_PARAM, Query
from gpcli.smoke import contract
from gpcli.smoke.check import (
    CheckFailed,
    Doubtful,
    NotTried,
    Probe,
    SmokeCheck,
    require_consent,
    tell_number,
)

_MAX_PAGES = 5
"""How many pages a list is cut into, about."""

_COMPARTMENT = (
    "Appointment",
    "Communication",
    "MedicationRequest",
    "MedicationDispense",
    "Task",
    "Immunization",
    "Consent",
)
"""Resource types whose records are about one patient."""

_IDENTIFIED = ("Appointment", "Communication", "Task")
"""Resource types that gpcli looks for by identifier."""

_SLOT_DAYS = 7
"""How many days of free times are looked at as a list."""

_MIN_RECORDS = 3
"""How many records a list has at least that is cut into pages."""


def _list_queries(probe: Probe) -> Iterator[Query]:
    """Yield the searches for the lists that a patient looks at, which may be long."""
    patient = probe.patient
    yield queries.communications(patient)
    yield queries.dated_appointments(patient, None)
    for resource_type in ("MedicationRequest", "Task"):
        yield Query(resource_type, (("patient", patient), PAGE_SIZE_PARAM))
    yield queries.vaccinations(patient)
    bookable = [each.offer for each in probe.facts.services if each.service in BOOKABLE]
    actors = [f"HealthcareService/{each.id}" for each in bookable if each and each.id]
    if actors and not probe.capabilities.find_operation:
        today = probe.run.context.now().date()
        yield queries.free_slots(actors, today, today + timedelta(days=_SLOT_DAYS))


def check_paging(probe: Probe) -> str:
    """Fetch each list in small pages: together they must be the list, each record once."""
    lists = list(_find_long_lists(probe))
    for query, whole in lists:
        _check_pages(probe, query, whole)
    if not lists:
        raise NotTried("no list has three records")
    records = sum(len(whole) for _, whole in lists)
    return f"{tell_number(len(lists), 'list')} of {records} records in all, in small pages"


def _check_pages(probe: Probe, query: Query, whole: Sequence[str]) -> None:
    size = max(1, len(whole) // (_MAX_PAGES - 1))
    params = (*(each for each in query.params if each[0] != "_count"), ("_count", str(size)))
    found: list[Element] = []
    for page in probe.fetch_pages(Query(query.resource_type, params)):
        found += page.matches
    seen = [each.relative_reference for each in found]
    if len(set(seen)) < len(seen):
        raise CheckFailed("a record stands on two pages of a list")
    if missing := set(whole) - set(seen):
        raise CheckFailed(f"{len(missing)} of {len(whole)} records of a list stand on no page")
    if set(seen) - set(whole):
        raise CheckFailed("pages bring records that the whole list does not have")
    if probe.answer and "_sort=" in probe.answer.url and not is_in_order(Bundle(found), query):
        raise CheckFailed("a sorted list is not in order from one page to the next")


def check_totals(probe: Probe) -> str:
    """Compare `total` with the records that come."""
    totals = 0
    for query in _list_queries(probe):
        bundle = _search_if_listed(probe, query)
        if bundle is None or bundle.total is None:
            continue
        totals += 1
        is_part = bundle.next_url is not None and bundle.total > len(bundle.matches)
        if bundle.total != len(bundle.matches) and not is_part:
            raise CheckFailed(
                f"a total of {bundle.total} stands on a list of {len(bundle.matches)}"
            )
    if not totals:
        raise NotTried("no list has a total")
    return f"the totals of {totals} lists are true"


def check_dates(probe: Probe) -> str:
    """Search for appointments from a day on which there can be none, and before their time."""
    far = probe.run.context.now().date() + timedelta(days=365 * 50)
    found = _search_as_asked(probe, queries.dated_appointments(probe.patient, far), "date")
    dated = [each for each in found.matches if each.string("start")]
    if dated:
        raise CheckFailed("a search from a day fifty years ahead brings earlier appointments")
    return "a search from a day on brings nothing from before it"


def check_identifiers(probe: Probe) -> str:
    """Search by identifiers: by one that nobody has, and by those of records that are there."""
    reasons, found = [], 0
    for resource_type in _IDENTIFIED:
        try:
            found += _search_by_identifier(probe, resource_type)
        except NotTried as reason:
            reasons.append(str(reason))
    if len(reasons) == len(_IDENTIFIED):
        raise NotTried(reasons[0])
    more = f"; {tell_number(found, 'record')} found by their own" if found else ""
    return f"an identifier that nobody has finds nothing{more}"


def _search_by_identifier(probe: Probe, resource_type: str) -> int:
    """Search for an identifier that nobody has, and for one of a record; return how many of those.

    Raises: NotTried where the portal lists no such search, CheckFailed.
    """
    nobody = Query(resource_type, (("identifier", f"{UUID_SYSTEM}|{uuid4().urn}"),))
    if _search_as_asked(probe, nobody, "identifier").matches_of_type(resource_type):
        raise CheckFailed(
            f"a search by an identifier that nobody has finds {resource_type} records"
        )
    listed = _search_if_listed(probe, Query(resource_type, (("patient", probe.patient),)))
    for record in listed.matches_of_type(resource_type) if listed else ():
        for system, value in record.identifier_pairs():
            if system and not set("|,$\\") & {*system, *value}:
                own = Query(resource_type, (("identifier", f"{system}|{value}"),))
                if record.relative_reference not in _references(probe.search(own)):
                    raise CheckFailed(f"{resource_type}: a record is not found by its identifier")
                return 1
    return 0


def check_batch(probe: Probe) -> str:
    """Ask for two things in one batch: each answer must be as it is alone."""
    if not probe.capabilities.batch:
        raise NotTried("the portal does not list batch")
    sent, reasons = dict[str, Bundle](), list[str]()
    for query in _list_queries(probe):
        try:
            sent[query.url] = probe.search(query)
        except NotTried as reason:
            reasons.append(str(reason))
    if not sent:
        raise NotTried(reasons[0])
    entries = [{"request": {"method": "GET", "url": url}} for url in sent]
    body = {"resourceType": "Bundle", "type": "batch", "entry": entries}
    probe.answer = response = probe.client.send("POST", "", body, retry=True)
    if not response.is_success:
        raise CheckFailed(f"a batch of searches is answered with {response.status}")
    answers = probe.read_record(response).children("entry")
    if len(answers) != len(sent):
        raise CheckFailed(f"a batch of {len(sent)} is answered with {len(answers)} entries")
    for entry, one in zip(answers, sent.values(), strict=True):
        page = entry.child("resource")
        if page is None or _references(read_bundle(page.json)) != _references(one):
            raise CheckFailed("a list in a batch is another one than the same list alone")
    return "lists in a batch are as they are alone"


def check_versions(probe: Probe) -> str:
    """Compare the ETag of a record with its version."""
    response = probe.get(f"Patient/{probe.patient}")
    record = probe.read_record(response)
    meta = record.child("meta")
    version = meta.string("versionId") if meta else None
    etag = response.headers.get("ETag")
    if etag is None and version is None:
        raise NotTried("the portal tells no versions")
    if etag and version and etag.removeprefix("W/").strip('"') != version:
        raise CheckFailed("the ETag of a record is another than its version")
    return "a record has a version"


def check_unknown_parameter(probe: Probe) -> str:
    """Search with a parameter that does not exist: it is refused, or not claimed to be heeded."""
    response = probe.get("Appointment", (("patient", probe.patient), ("gpcli-smoke", "x")))
    if not response.is_success:
        _require_refusal(response, {400, 422, 501}, "an unknown parameter")
        return "an unknown parameter is refused"
    links = probe.read_record(response).children("link")
    own = [each.string("url") or "" for each in links if each.string("relation") == "self"]
    if any("gpcli-smoke" in each for each in own):
        raise CheckFailed("a link `self` claims that an unknown parameter was heeded")
    return "an unknown parameter is left out, which the link `self` tells"


def check_not_found(probe: Probe) -> str:
    """Read a record that is not there."""
    response = probe.get(f"Appointment/{uuid4()}")
    _require_refusal(response, {403, 404, 410}, "a record that is not there")
    return f"a record that is not there is answered with {response.status}"


def check_bad_request(probe: Probe) -> str:
    """Search with a date that is none."""
    response = probe.get("Appointment", (("patient", probe.patient), ("date", "gehello")))
    if response.is_success:
        bundle = probe.read_page(response)
        return f"a date that is none is left out: {len(bundle.matches)} records"
    _require_refusal(response, {400, 404, 422}, "a date that is none")
    return f"a date that is none is answered with {response.status}"


def check_unknown_type(probe: Probe) -> str:
    """Ask for a resource type that FHIR does not have."""
    response = probe.get("Nonsense")
    _require_refusal(response, {400, 403, 404, 405, 501}, "an unknown resource type")
    return f"an unknown resource type is answered with {response.status}"


def _require_token_of_patient(probe: Probe) -> None:
    """Raise NotTried where the token is a backend service's, which may read every patient."""
    if probe.run.context.settings.machine == "key_file":
        raise NotTried("the token of a key_file is for every patient")


def check_own_records(probe: Probe) -> str:
    """Search without naming the patient: nobody else's records may come."""
    _require_token_of_patient(probe)
    lists = 0
    for resource_type in _COMPARTMENT:
        if not probe.capabilities.can_search(resource_type):
            continue
        response = probe.get(resource_type, (PAGE_SIZE_PARAM,))
        if response.status >= 500:
            raise CheckFailed(
                f"a search for {resource_type} alone is answered with {response.status}"
            )
        if not response.is_success:
            continue
        lists += 1
        for record in probe.read_page(response).matches_of_type(resource_type):
            if find_owner(record, probe.patient) is Owner.ANOTHER:
                raise CheckFailed(
                    f"a search for {resource_type} brings another patient's record", "privacy"
                )
    return f"{lists} lists that name no patient hold only the patient's own records"


def check_other_patient(probe: Probe) -> str:
    """Ask for another patient's record and lists."""
    _require_token_of_patient(probe)
    other = probe.run.other_patient
    if other is None:
        raise NotTried("no other patient is named: smoke.other_patient in the profile does")
    if other == probe.patient:
        raise NotTried("smoke.other_patient is the patient of this sign-in")
    response = probe.get(f"Patient/{other}")
    if response.is_success:
        raise CheckFailed("another patient's record can be read", "privacy")
    _require_refusal(response, {401, 403, 404, 410}, "another patient's record")
    for resource_type in ("Patient", *_COMPARTMENT):
        if not probe.capabilities.can_search(resource_type):
            continue
        name = "_id" if resource_type == "Patient" else "patient"
        response = probe.get(resource_type, ((name, other),))
        if not response.is_success:
            continue
        records = probe.read_page(response).matches_of_type(resource_type)
        if any(find_owner(each, probe.patient) is not Owner.PATIENT for each in records):
            raise CheckFailed(f"another patient's {resource_type} can be listed", "privacy")
    return "another patient's records are closed"


def check_media_types(probe: Probe) -> str:
    """Look at the media type of a record, a list and a refusal."""
    for response in (
        probe.get(f"Patient/{probe.patient}"),
        probe.get("Patient", (("_id", probe.patient),)),
        probe.get(f"Appointment/{uuid4()}"),
    ):
        media_type = response.headers.get("Content-Type", "").partition(";")[0].strip().lower()
        if "json" not in media_type:
            raise CheckFailed(f"an answer is '{media_type}' and not application/fhir+json")
        if media_type != "application/fhir+json":
            raise Doubtful(f"an answer is '{media_type}' and not application/fhir+json")
    return "records, lists and refusals are application/fhir+json"


def check_latency(probe: Probe) -> str:
    """Compare how long the answers of this run took with the profile's limits."""
    found = measure_latency(probe.run.logs)
    limits = probe.run.limits
    if not limits:
        raise NotTried("the profile sets no limits: smoke.p95_ms and the like")
    for name, limit in limits.items():
        value = getattr(found, name)
        if value is not None and value > limit:
            raise CheckFailed(f"{name[:3]} is {value} ms, more than {limit} ms", "slow")
    return f"of {found.requests} answers, half came within {found.p50_ms} ms, 95 % {found.p95_ms}"


def measure_latency(logs: Sequence[RequestLog]) -> Latency:
    """Return how long the answers took that came."""
    times = sorted(each.ms for each in logs if each.status is not None)
    if not times:
        return Latency(0, None, None, None, None)
    cuts = statistics.quantiles(times, n=100, method="inclusive") if len(times) > 1 else times * 99
    p50, p95, p99 = (round(cuts[each - 1]) for each in (50, 95, 99))
    return Latency(len(times), p50, p95, p99, times[-1])


def _find_long_lists(probe: Probe) -> Iterator[tuple[Query, list[str]]]:
    """Yield the lists that can be cut into pages, with the references of their records."""
    for query in _list_queries(probe):
        bundle = _search_if_listed(probe, query)
        if bundle is not None and len(bundle.matches) >= _MIN_RECORDS:
            pages = probe.fetch_pages(query) if bundle.next_url else [bundle]
            yield query, [each.relative_reference for page in pages for each in page.matches]


def _search_if_listed(probe: Probe, query: Query) -> Bundle | None:
    try:
        return probe.search(query)
    except NotTried:
        return None


def _search_as_asked(probe: Probe, query: Query, parameter: str) -> Bundle:
    """Search where the portal lists `parameter` for the type; raise NotTried where it does not."""
    listed = probe.capabilities.search_params.get(query.resource_type)
    if listed is not None and parameter not in listed:
        raise NotTried(f"the portal lists no search for {query.resource_type} by {parameter}")
    return probe.search(query)


def _references(bundle: Bundle) -> list[str]:
    return sorted(each.relative_reference for each in bundle.matches)


def _require_refusal(response: HttpResponse, statuses: set[int], what: str) -> None:
    """Raise CheckFailed unless a response has one of `statuses` and an OperationOutcome."""
    require_consent(response)
    if response.status not in statuses:
        raise CheckFailed(f"{what} is answered with {response.status}")
    try:
        outcome = read_resource(response.body)
        issues = outcome.children("issue") if outcome.resource_type == "OperationOutcome" else ()
    except Malformed:
        issues = ()
    if not any(each.string("severity") and each.string("code") for each in issues):
        raise CheckFailed(f"{what} is refused without an OperationOutcome that says why")


def _check(
    name: str,
    run: Callable[[Probe], str],
    *proves: str,
    tag: str,
    needs: tuple[str, ...],
    after: tuple[str, ...] = (),
) -> SmokeCheck:
    return SmokeCheck(name, run, proves, (tag,), needs, after=after)


def _check_lists(name: str, run: Callable[[Probe], str], line: str) -> SmokeCheck:
    return _check(name, run, line, tag="search", needs=_PATIENT, after=("services",))


_PATIENT = ("patient",)

SEARCH_CHECKS = (
    _check_lists("paging", check_paging, contract.PAGES),
    _check_lists("totals", check_totals, contract.PAGES),
    _check("dates", check_dates, contract.READ_APPOINTMENT, tag="search", needs=_PATIENT),
    _check("identifiers", check_identifiers, contract.IDENTIFIER, tag="search", needs=_PATIENT),
    _check_lists("batch", check_batch, contract.BATCH),
    _check("versions", check_versions, contract.VERSIONS, tag="search", needs=_PATIENT),
    _check(
        "unknown-parameter",
        check_unknown_parameter,
        contract.CAPABILITIES,
        tag="errors",
        needs=_PATIENT,
    ),
    _check("not-found", check_not_found, contract.OUTCOME, tag="errors", needs=_PATIENT),
    _check("bad-request", check_bad_request, contract.OUTCOME, tag="errors", needs=_PATIENT),
    _check("unknown-type", check_unknown_type, contract.OUTCOME, tag="errors", needs=_PATIENT),
    _check("media-types", check_media_types, contract.OUTCOME, tag="errors", needs=_PATIENT),
    _check("own-records", check_own_records, contract.OTHERS, tag="access", needs=_PATIENT),
    _check("other-patient", check_other_patient, contract.OTHERS, tag="access", needs=_PATIENT),
)
"""The checks of searching, of refusals and of other patients' records; names are interface."""

LATENCY_CHECK = _check("latency", check_latency, tag="speed", needs=("session",))
"""The check that comes after all that ask the portal something."""
