"""Checks of what a patient sees: the record, the GP, services, and a search for each of them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from functools import partial

from gpcli.care.offers import list_services
from gpcli.care.portal_protocol import Mailbox
from gpcli.care.slots import DAYS_AHEAD
from gpcli.fhir.bundle import Bundle
from gpcli.fhir.communication import THREAD_SYSTEM
from gpcli.fhir.element import Element, Malformed
from gpcli.fhir.patient import Owner, find_owner, read_name
from gpcli.model.appointment import WAITING, Slot
from gpcli.model.service import Offers, Service, ServiceName, Standing
from gpcli.model.thread import Attachment, ThreadKind
from gpcli.portal import queries
from gpcli.portal.local_search import SORT_ELEMENTS, is_in_order, keep_matching
from gpcli.portal.prescriptions import dispenses_query, prescriptions_query, renewals_query
from gpcli.portal.queries import Query
from gpcli.smoke import contract
from gpcli.smoke.check import (
    CheckFailed,
    Doubtful,
    NotTried,
    Probe,
    SmokeCheck,
    tell_number,
)
from gpcli.smoke.excerpt import hide_quotation

SERVICE = "service"
"""The tag of the checks of an offered service: a run in which none of them was made has failed."""

EXPECTED = "expected-services"
"""The name of the check that is only made where services are expected."""

OPEN_STATUSES = WAITING | {"booked", "arrived"}
"""The statuses of an Appointment that is neither over nor cancelled."""

_WITHDRAWN = "entered-in-error"
_MAX_THREADS = 10
"""In how many threads a file is looked for."""

_WHY_NOT: Mapping[Standing, str] = {
    Standing.NOT_OFFERED: "the GP does not offer it",
    Standing.OFF_FOR_NOW: "it is off for now",
    Standing.CONSENT_NEEDED: "it needs the patient's consent",
    Standing.NOT_PERMITTED: "the sign-in or the portal does not permit it",
    Standing.NOT_TOLD: "the portal does not say whether it is offered",
    Standing.OFFERED: "it can't be used",
}
"""Why a service can't be tried, by what the portal says of it."""

_STATUSES: Mapping[str, str] = {
    "Appointment": "proposed pending booked arrived fulfilled cancelled noshow entered-in-error "
    "checked-in waitlist",
    "Communication": "preparation in-progress not-done on-hold stopped completed entered-in-error "
    "unknown",
    "MedicationRequest": "active on-hold cancelled completed entered-in-error stopped draft "
    "unknown",
    "Slot": "busy free busy-unavailable busy-tentative entered-in-error",
    "Task": "draft requested received accepted rejected ready cancelled in-progress on-hold failed "
    "completed entered-in-error",
}
"""Resource type -> the values of its `status` (R4)."""


def check_patient(probe: Probe) -> str:
    """Search for the patient's own record."""
    bundle = probe.search(Query("Patient", (("_id", probe.patient),)))
    patients = bundle.matches_of_type("Patient")
    ids = [each.string("id") for each in patients]
    if ids != [probe.patient]:
        named = "; is GPCLI_PATIENT theirs?" if "GPCLI_PATIENT" in probe.run.context.env else ""
        found = tell_number(len(ids), "record")
        raise CheckFailed(f"a search for the patient finds {found} instead of that one{named}")
    if not read_name(patients[0]):
        raise CheckFailed("the patient has no name")
    read = probe.read_record(probe.get(f"Patient/{probe.patient}"))
    if read.string("id") != probe.patient:
        raise CheckFailed("reading the patient gives another record", "privacy")
    return "the patient is found and read, and has a name"


def check_gp(probe: Probe) -> str:
    """Read the patient's GPs as `gpcli gp` does."""
    surgeries = probe.portal.fetch_surgeries()
    _require_no_flaws(probe)
    if not surgeries:
        raise NotTried("the patient has no GP")
    for surgery in surgeries:
        if not surgery.gp and not surgery.name:
            raise CheckFailed("a GP has neither a name nor a surgery")
        if not surgery.name:
            raise CheckFailed("a GP has no surgery with a name")
        if not surgery.phones:
            raise CheckFailed("a surgery has no telephone number")
    return f"{tell_number(len(surgeries), 'GP')}, with surgery and telephone"


def check_services(probe: Probe) -> str:
    """Read what the GPs offer as `gpcli services` does; the searches for services go by it."""
    offers = probe.portal.fetch_offers()
    _require_no_flaws(probe)
    services = list_services(offers, probe.run.context.now())
    probe.facts.offers, probe.facts.services = offers, services
    offered = sorted({each.service for each in services if each.status is Standing.OFFERED})
    if not offers.surgeries:
        raise NotTried("the patient has no GP")
    if not offered:
        raise NotTried("no service is offered" if offers.told else "the portal names no services")
    return f"offered: {', '.join(offered)}"


def check_expected_services(probe: Probe) -> str:
    """Compare the services that are offered with those that have to be."""
    if not probe.run.expected:
        raise NotTried("--expect names no service")
    services = probe.facts.services
    offered = {each.service.value for each in services if each.status is Standing.OFFERED}
    missing = sorted(probe.run.expected - offered)
    if missing:
        raise CheckFailed(f"expected and not offered: {', '.join(missing)}", "not_offered")
    return f"offered as expected: {', '.join(sorted(probe.run.expected))}"


def check_consent(probe: Probe) -> str:
    """Read the patient's consents."""
    query = queries.consents(probe.patient)
    _check_list(probe, probe.search(query), query)
    offers = _require_offers(probe)
    if not offers.uses_consent:
        raise NotTried("the portal uses no levels of consent")
    return f"the level of consent is {offers.consent.value}"


def check_prices(probe: Probe) -> str:
    """Read the prices, each with its amount and currency."""
    query = queries.prices()
    bundle = probe.search(query)
    definitions = bundle.matches_of_type("ChargeItemDefinition")
    if not definitions:
        raise NotTried("the portal tells no prices")
    for definition in definitions:
        _check_price(definition)
    if not _require_offers(probe).prices:
        raise CheckFailed("no price has a service, an amount and a currency that can be read")
    return f"{tell_number(len(definitions), 'price')}, each with amounts"


def _check_price(definition: Element) -> None:
    groups = definition.children("propertyGroup")
    components = [each for group in groups for each in group.children("priceComponent")]
    amounts = [component.child("amount") for component in components]
    if not amounts:
        raise CheckFailed("a price has no amount")
    for amount in amounts:
        value = amount.decimal("value") if amount else None
        if amount is None or value is None or not amount.string("currency"):
            raise CheckFailed("a price has an amount without a number or a currency")
        if value < 0:
            raise CheckFailed("a price is negative")


def check_booking(probe: Probe) -> str:
    """Search for free times to book."""
    return _check_free_times(probe, ServiceName.BOOKING)


def check_flu_vaccination(probe: Probe) -> str:
    """Search for free times for the flu vaccine."""
    return _check_free_times(probe, ServiceName.FLU_VACCINATION)


def check_booking_enquiry(probe: Probe) -> str:
    """Search for the enquiries that have no time yet."""
    require_offered(probe, ServiceName.BOOKING_ENQUIRY)
    query = queries.undated_appointments(probe.patient)
    bundle = probe.search(query)
    _check_list(probe, bundle, query)
    waiting = [each for each in bundle.matches if not each.string("start") and _is_open(each)]
    return f"{tell_number(len(waiting), 'open enquiry', 'open enquiries')} without a time"


def check_cancellation(probe: Probe) -> str:
    """Search for the coming appointments, which are what can be cancelled."""
    require_offered(probe, ServiceName.CANCELLATION)
    today = probe.run.context.now().date()
    query = queries.dated_appointments(probe.patient, today)
    bundle = probe.search(query)
    _check_list(probe, bundle, query)
    zone = probe.run.context.zone
    starts = [each.instant("start") for each in bundle.matches]
    if any(start and start.astimezone(zone).date() < today for start in starts):
        raise CheckFailed("a search for appointments from today on brings earlier ones")
    coming = [each for each in bundle.matches if _is_open(each)]
    return f"{tell_number(len(coming), 'coming appointment')}"


def _is_open(appointment: Element) -> bool:
    return appointment.string("status") in OPEN_STATUSES


def check_contact(probe: Probe) -> str:
    """Search for the open threads with the reception."""
    return _check_open_threads(probe, ServiceName.CONTACT, ThreadKind.ADMINISTRATIVE)


def check_e_consultation(probe: Probe) -> str:
    """Search for the open e-consultations, and look at the channels that are offered."""
    for service in require_offered(probe, ServiceName.E_CONSULTATION):
        if service.status is Standing.OFFERED and not service.channels:
            raise CheckFailed("an e-consultation is offered by no channel that gpcli knows")
    return _check_open_threads(probe, ServiceName.E_CONSULTATION, ThreadKind.E_CONSULTATION)


def _check_open_threads(probe: Probe, name: ServiceName, kind: ThreadKind) -> str:
    require_offered(probe, name)
    query = queries.open_thread_headers(probe.patient, f"{THREAD_SYSTEM}|{kind.value}")
    bundle = probe.search(query)
    _check_list(probe, bundle, query)
    return f"{tell_number(len(bundle.matches), 'open thread')}"


def check_prescription_renewal(probe: Probe) -> str:
    """Search for the patient's requests for renewals."""
    require_offered(probe, ServiceName.PRESCRIPTION_RENEWAL)
    query = renewals_query(probe.patient)
    _check_list(probe, probe.search(query), query)
    renewals = probe.portal.prescriptions.fetch_renewals()
    _require_no_flaws(probe)
    waiting = [each for each in renewals if each.is_open]
    return f"{tell_number(len(renewals), 'request')}, {len(waiting)} of them open"


def _check_free_times(probe: Probe, name: ServiceName) -> str:
    services = require_offered(probe, name)
    first = probe.run.context.now().date()
    last = first + timedelta(days=DAYS_AHEAD)
    offers = [service.offer for service in services if service.offer]
    if not probe.capabilities.find_operation and any(offer.id for offer in offers):
        _check_slot_search(probe, [f"HealthcareService/{each.id}" for each in offers], first, last)
    slots = list(probe.portal.fetch_slots(offers, first, last))
    _require_no_flaws(probe)
    for slot in slots:
        _check_slot(slot, probe.run.context.now())
    if not slots:
        raise Doubtful(f"no time is free within {DAYS_AHEAD} days", "no_slot")
    return f"{tell_number(len(slots), 'free time')} within {DAYS_AHEAD} days"


def _check_slot_search(probe: Probe, actors: Sequence[str], first: date, last: date) -> None:
    """Search for Slots as they are: what the portal sends is looked at before it is filtered."""
    query = queries.free_slots(actors, first, last)
    bundle = probe.search(query)
    _check_list(probe, bundle, query)
    zone = probe.run.context.zone
    for slot in bundle.matches_of_type("Slot"):
        start = slot.instant("start")
        if start is None or not first <= start.astimezone(zone).date() <= last:
            raise CheckFailed("a search for times on some days brings one of another day")
        schedule = slot.reference("schedule")
        if probe.capabilities.includes.get("Slot") and bundle.get(schedule) is None:
            raise CheckFailed("a time comes without its Schedule, which was to come along")


def _check_slot(slot: Slot, now: datetime) -> None:
    if slot.end <= slot.start:
        raise CheckFailed("a free time ends before it starts")
    if slot.end < now - timedelta(days=1):
        raise CheckFailed("a free time is past")


def check_appointments(probe: Probe) -> str:
    """Search for the patient's appointments."""
    query = queries.dated_appointments(probe.patient, None)
    bundle = probe.search(query)
    _check_list(probe, bundle, query)
    for record in bundle.matches_of_type("Appointment"):
        if record.string("status") == "booked" and record.instant("start") is None:
            continue  # a portal may book without giving a time
        start, end = record.instant("start"), record.instant("end")
        if start and end and end < start:
            raise CheckFailed("an appointment ends before it starts")
    appointments = probe.portal.fetch_appointments(None)
    _require_no_flaws(probe)
    return f"{tell_number(len(appointments), 'appointment')}"


def check_answers(probe: Probe) -> str:
    """Look for the surgery's answers, which are to come along with the appointments."""
    if "AppointmentResponse:appointment" not in probe.capabilities.revincludes.get(
        "Appointment", ()
    ):
        raise NotTried("the portal does not list that answers come along")
    bundle = probe.search(queries.dated_appointments(probe.patient, None))
    listed = {each.relative_reference for each in bundle.matches}
    answers = list(bundle.of_type("AppointmentResponse"))
    if any(each.reference("appointment") not in listed for each in answers):
        raise CheckFailed("an answer comes along that is to no appointment of the list")
    if not answers:
        raise NotTried("no appointment has an answer")
    return f"{tell_number(len(answers), 'answer')} of the surgery"


def check_attachments(probe: Probe) -> str:
    """Fetch a file that stands apart from its message."""
    mailbox = probe.portal.mailbox
    attachment = next(_find_files(mailbox), None)
    if attachment is None:
        raise NotTried("no message has a file that stands apart from it")
    size = len(mailbox.fetch_content(attachment))
    _require_no_flaws(probe)
    if not size:
        raise CheckFailed("a file of a message is empty")
    if attachment.size not in (None, size):
        raise CheckFailed("a file of a message has another size than the portal tells")
    return f"a file of {size} bytes that stands apart from its message"


def _find_files(mailbox: Mailbox) -> Iterator[Attachment]:
    for thread in mailbox.fetch_threads()[:_MAX_THREADS]:
        messages = mailbox.fetch_conversation(str(thread.id)).messages
        files = (each for message in messages for each in message.attachments)
        apart = (each for each in files if each.content is None and each.source)
        yield from (each for each in apart if each.status != _WITHDRAWN)


def check_threads(probe: Probe) -> str:
    """Search for the patient's messages, and for those not yet read."""
    query = queries.communications(probe.patient)
    _check_list(probe, probe.search(query), query)
    unread = queries.unread_messages(probe.patient)
    found = probe.search(unread)
    _check_list(probe, found, unread)
    if any(each.string("received") for each in found.matches_of_type("Communication")):
        raise CheckFailed("a search for messages that were not received brings some that were")
    threads = probe.portal.mailbox.fetch_threads()
    _require_no_flaws(probe)
    return f"{tell_number(len(threads), 'thread')}"


def check_prescriptions(probe: Probe) -> str:
    """Search for the patient's prescriptions."""
    query = prescriptions_query(probe.patient)
    _check_list(probe, probe.search(query), query)
    prescriptions = probe.portal.prescriptions.fetch_prescriptions()
    _require_no_flaws(probe)
    if any(not each.name for each in prescriptions):
        raise CheckFailed("a prescription does not name its medicine")
    return f"{tell_number(len(prescriptions), 'prescription')}"


def check_dispenses(probe: Probe) -> str:
    """Look for what was handed out, by which what is left of a prescription is counted."""
    query = dispenses_query(probe.patient)
    bundle = probe.search(query)
    _check_list(probe, bundle, query)
    listed = "MedicationDispense:prescription" in probe.capabilities.revincludes.get(
        "MedicationRequest", ()
    )
    wanted = {each.relative_reference for each in bundle.matches_of_type("MedicationDispense")}
    along = probe.search(prescriptions_query(probe.patient))
    came = {each.relative_reference for each in along.of_type("MedicationDispense")}
    if listed and wanted - came:
        raise CheckFailed(
            f"{len(wanted - came)} of {len(wanted)} dispenses do not come along with prescriptions"
        )
    return f"{tell_number(len(wanted), 'dispense')}"


def check_vaccinations(probe: Probe) -> str:
    """Search for the patient's vaccinations."""
    query = queries.vaccinations(probe.patient)
    bundle = probe.search(query)
    _check_list(probe, bundle, query)
    return f"{tell_number(len(bundle.matches), 'vaccination')}"


def require_offered(probe: Probe, *names: ServiceName) -> Sequence[Service]:
    """Return the services of these names that can be tried; raise NotTried where there are none."""
    _require_offers(probe)
    named = [each for each in probe.facts.services if each.service in names]
    usable = [each for each in named if each.is_usable]
    if usable:
        return usable
    if not probe.facts.offers or not probe.facts.offers.surgeries:
        raise NotTried("the patient has no GP")
    states = {each.status for each in named} or {Standing.NOT_OFFERED}
    raise NotTried(" and ".join(sorted(_WHY_NOT[each] for each in states)))  # names no GP


def _require_offers(probe: Probe) -> Offers:
    if probe.facts.offers is None:
        raise NotTried("what the GPs offer is not known")
    return probe.facts.offers


def _require_no_flaws(probe: Probe) -> None:
    """Raise CheckFailed where something the portal sent could not be read, or is another's."""
    if probe.portal.flaws:
        raise CheckFailed(f"what can't be read: {hide_quotation(probe.portal.flaws[0])}")


def _check_list(probe: Probe, bundle: Bundle, query: Query) -> None:
    """Check one page of a list: whose records it has, each once, that match, in the order asked."""
    matches = bundle.matches
    own = partial(find_owner, patient=probe.patient, fetch_identifiers=lambda: _own_pairs(probe))
    for record in matches:
        _check_record(record, query.resource_type, own(record))
    sent = probe.answer.url if probe.answer else ""
    sorted_by = {name for kind, name in SORT_ELEMENTS.items() if kind[0] == query.resource_type}
    timed = Bundle([each for each in matches if sorted_by & each.json.keys()])
    if "_sort=" in sent and not is_in_order(timed, query):
        raise CheckFailed(f"a sorted list of {query.resource_type} is not in order")
    count = len(matches)
    if len(keep_matching(bundle, query).matches) < count:
        raise CheckFailed(f"a search for {query.resource_type} leaves a criterion out of account")


def _check_record(record: Element, resource_type: str, owner: Owner) -> None:
    if record.resource_type != resource_type:
        raise CheckFailed(f"a list of {resource_type} holds a {record.resource_type}")
    if owner is Owner.ANOTHER:
        raise CheckFailed(f"a list of {resource_type} holds another patient's record", "privacy")
    if owner is Owner.UNKNOWN:
        raise CheckFailed(f"a {resource_type} does not tell whose it is", "privacy")
    known = _STATUSES.get(resource_type)
    if known and record.string("status") not in known.split():
        raise CheckFailed(f"a {resource_type} has no status of R4")


def _own_pairs(probe: Probe) -> Collection[tuple[str, str]]:
    try:
        record = probe.read_record(probe.client.get(f"Patient/{probe.patient}"))
        return record.identifier_pairs()
    except Malformed:
        return ()


def _check(
    name: str,
    run: Callable[[Probe], str],
    *proves: str,
    tags: tuple[str, ...] = ("records",),
    needs: tuple[str, ...] = ("session",),
) -> SmokeCheck:
    return SmokeCheck(name, run, proves, tags, needs)


_OF_SERVICE = (SERVICE, "records")

RECORD_CHECKS = (
    _check("patient", check_patient, contract.PATIENT, contract.GP_RECORDS),
    _check("gp", check_gp, contract.GP_RECORDS, needs=("patient",)),
    _check("services", check_services, contract.SERVICES, needs=("patient",)),
    _check(EXPECTED, check_expected_services, needs=("services",)),
    _check("consent", check_consent, contract.CONSENT, needs=("services",)),
    _check("prices", check_prices, contract.PRICES, needs=("services",)),
    _check("appointments", check_appointments, contract.READ_APPOINTMENT, needs=("patient",)),
    _check("answers", check_answers, contract.ANSWERS, needs=("appointments",)),
    _check("threads", check_threads, contract.READ_COMMUNICATION, needs=("patient",)),
    _check("attachments", check_attachments, contract.FILES, needs=("threads",)),
    _check("prescriptions", check_prescriptions, contract.PRESCRIPTIONS, needs=("patient",)),
    _check("dispenses", check_dispenses, contract.DISPENSES, needs=("patient",)),
    _check("vaccinations", check_vaccinations, contract.IMMUNIZATIONS, needs=("patient",)),
)
"""The checks of what a patient sees, in order; the names are interface."""

SERVICE_CHECKS = tuple(
    _check(name.value, run, *proves, tags=_OF_SERVICE, needs=("services",))
    for name, run, *proves in (
        (ServiceName.E_CONSULTATION, check_e_consultation, contract.READ_COMMUNICATION),
        (ServiceName.CONTACT, check_contact, contract.READ_COMMUNICATION),
        (ServiceName.PRESCRIPTION_RENEWAL, check_prescription_renewal, contract.TASK),
        (ServiceName.BOOKING, check_booking, contract.SLOTS),
        (ServiceName.BOOKING_ENQUIRY, check_booking_enquiry, contract.READ_APPOINTMENT),
        (ServiceName.CANCELLATION, check_cancellation, contract.READ_APPOINTMENT),
        (ServiceName.FLU_VACCINATION, check_flu_vaccination, contract.SLOTS),
    )
)
"""A check for each service that may be offered, called by its code."""
