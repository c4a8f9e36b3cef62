"""Prescriptions and renewals: one search, and one more where a server left things out."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

import pytest

from gpcli import errors
from gpcli.journal import Journal
from gpcli.model.person import Identity
from gpcli.model.prescription import Basis, Remaining, Supply, SupplyBasis
from gpcli.model.service import ConsentLevel, ServiceName
from gpcli.portal.fhir_portal import FhirPortal
from tests.portal.builders import (
    Json,
    a_consent,
    a_patient,
    a_practitioner,
    a_role,
    a_searchset,
    a_service,
    an_organization,
    an_outcome,
    concept,
    ref,
)
from tests.portal.medicines import (
    SEARCHED,
    a_dispense,
    a_figure,
    a_medication,
    a_request,
    a_task,
    capabilities_with,
    portal_at,
)
from tests.portal.scripted import BASE, NOTHING, UNREACHABLE, Reply, Server
from tests.portal.world import ids

ALL = "GET MedicationRequest"
MISSING = ("GET Medication?_id", "GET MedicationDispense?patient", "GET Task?patient")
INCLUDED = (a_medication(), a_dispense(), a_task())
TWO_LEFT = Remaining(2, Basis.DISPENSES)


@pytest.fixture
def portal(server: Server, journal: Journal) -> FhirPortal:
    return portal_at(server, journal)


def search_lines(server: Server) -> list[str]:
    """What was searched for, without what was to come along."""
    return [each.partition("&")[0] for each in server.request_lines]


def with_chain() -> Json:
    before = a_request("rx-0", status="completed")
    return a_searchset(
        a_request(priorPrescription=ref("MedicationRequest/rx-0")), before, included=INCLUDED
    )


def test_all_prescriptions_come_in_one_round_trip(portal: FhirPortal, server: Server):
    server.on(ALL, a_searchset(a_request(), included=INCLUDED))
    (result,) = portal.prescriptions.fetch_prescriptions()
    assert (result.label, result.remaining) == (
        "Metformin 500 mg tablets",
        Remaining(3, Basis.DISPENSES),
    )
    assert result.renewal is not None
    assert (result.renewal.id, result.renewal.prescription) == (
        "task-1",
        "Metformin 500 mg tablets",
    )
    assert server.request_lines == [
        "GET MedicationRequest?patient=kari"
        "&_include=MedicationRequest:medication&_include=MedicationRequest:requester"
        "&_include:iterate=PractitionerRole:practitioner"
        "&_revinclude=MedicationDispense:prescription&_revinclude=Task:focus&_count=500"
    ]


def test_they_are_in_order_of_their_names(portal: FhirPortal, server: Server):
    named = [
        a_request(str(number), medicationReference=ref("X/1", display=name))
        for number, name in enumerate(["Zinc", "åloe", "aspirin", "Aspirin"])
    ]
    server.on(ALL, a_searchset(*named, included=INCLUDED))
    assert ids(portal.prescriptions.fetch_prescriptions()) == ["2", "3", "0", "1"]


def test_pages_are_followed_and_nothing_is_shown_twice(portal: FhirPortal, server: Server):
    second = a_searchset(a_request("rx-2"), a_request(), included=[a_dispense("d-2")])
    more = f"{BASE}/MedicationRequest?page=2"
    server.on(ALL, a_searchset(a_request(), included=INCLUDED, next=more))
    server.on(f"{ALL}?page", second)
    found = {each.id: each.remaining for each in portal.prescriptions.fetch_prescriptions()}
    assert found == {"rx-1": TWO_LEFT, "rx-2": Remaining(4, Basis.DISPENSES)}


def test_a_renewed_one_is_shown_once_with_its_predecessors(portal: FhirPortal, server: Server):
    server.on(ALL, with_chain())
    (result,) = portal.prescriptions.fetch_prescriptions()
    assert (result.id, result.predecessors) == ("rx-1", ("rx-0",))


def a_fill(id: str, of: str, day: str, days: int) -> Json:
    lasting = {"value": days, "unit": "days"}
    return a_dispense(id, of, whenHandedOver=day, daysSupply=lasting)


@pytest.mark.parametrize(
    ("former", "until"),
    [
        ({}, date(2027, 3, 31)),
        ({"dosageInstruction": [{"text": "2 a day"}]}, date(2027, 3, 26)),
        ({"medicationReference": ref("Medication/other", display="Other")}, date(2027, 3, 26)),
        ({"medicationReference": None}, date(2027, 3, 26)),
        ({"doNotPerform": True}, date(2027, 3, 26)),
        ({"status": "cancelled"}, date(2027, 3, 26)),
    ],
)
def test_what_was_fetched_on_one_before_counts_where_it_said_the_same(
    portal: FhirPortal, server: Server, former: Json, until: date
):
    dose = {"dosageInstruction": [{"text": "1 a day"}]}
    newest = a_request(priorPrescription=ref("MedicationRequest/rx-0"), **dose)
    before = a_request("rx-0", **{"status": "completed", **dose, **former})
    fills = a_fill("a", "rx-0", "2027-01-31", 30), a_fill("b", "rx-1", "2027-02-25", 30)
    server.on(ALL, a_searchset(newest, before, included=[*INCLUDED[::2], *fills]))
    supplies = {each.id: each.supply for each in portal.prescriptions.fetch_prescriptions()}
    told = supplies["rx-1"]
    assert told is not None
    assert (told.until, told.handed_over) == (until, date(2027, 2, 25))


def test_what_was_fetched_before_it_changed_twice_does_not_count(
    portal: FhirPortal, server: Server
):
    dosages = {"rx-1": "1 a day", "rx-0": "2 a day", "rx-00": "1 a day"}
    prior = {"rx-1": "rx-0", "rx-0": "rx-00"}
    chain = [
        a_request(
            id,
            dosageInstruction=[{"text": text}],
            **({"priorPrescription": ref(f"MedicationRequest/{prior[id]}")} if id in prior else {}),
        )
        for id, text in dosages.items()
    ]
    fill = a_fill("a", "rx-00", "2027-02-20", 30)
    server.on(ALL, a_searchset(*chain, included=[*INCLUDED[::2], fill]))
    (result,) = portal.prescriptions.fetch_prescriptions()
    assert (result.predecessors, result.supply) == (("rx-0", "rx-00"), None)


def test_a_dispense_that_can_not_be_read_leaves_what_lasts_unknown(
    portal: FhirPortal, server: Server
):
    fills = [a_fill("a", "rx-1", "2027-02-20", 30), a_dispense("b", status=7)]
    server.on(ALL, a_searchset(a_request(), included=[*INCLUDED[::2], *fills]))
    (result,) = portal.prescriptions.fetch_prescriptions()
    assert (result.remaining, result.supply) == (None, None)


def test_the_newest_request_for_each_counts(portal: FhirPortal, server: Server):
    tasks = [
        a_task("old", status="rejected", authoredOn="2026-12-01T10:00:00Z"),
        a_task("new", authoredOn="2027-02-01T10:00:00+01:00"),
        a_task("undated", authoredOn=None),
        a_task("others", "rx-2", authoredOn="2027-02-28T10:00:00Z"),
        a_task("strange", **{"for": ref("Patient/ola")}, authoredOn="2027-02-28T10:00:00Z"),
    ]
    server.on(ALL, a_searchset(a_request(), included=[*INCLUDED[:2], *tasks]))
    (result,) = portal.prescriptions.fetch_prescriptions()
    assert result.renewal is not None
    assert result.renewal.id == "new"


def test_what_concerns_somebody_else_is_dropped(portal: FhirPortal, server: Server):
    strangers = a_request("strange", subject=ref("Patient/ola")), a_request("no", subject=None)
    server.on(ALL, a_searchset(*strangers, a_request(), included=INCLUDED))
    assert ids(portal.prescriptions.fetch_prescriptions()) == ["rx-1"]


def test_no_prescriptions_need_no_second_question(portal: FhirPortal, server: Server):
    server.on(ALL, NOTHING)
    assert portal.prescriptions.fetch_prescriptions() == []
    assert len(server.request_lines) == 1


def test_what_a_weak_server_left_out_is_fetched_in_one_more_round_trip(
    portal: FhirPortal, server: Server
):
    server.on(ALL, a_searchset(a_request(), a_request("rx-2")))
    for question, one in zip(MISSING, INCLUDED, strict=True):
        server.on(question, a_searchset(one))
    found = portal.prescriptions.fetch_prescriptions()
    assert [(each.id, each.name, each.remaining and each.remaining.fills) for each in found] == [
        ("rx-1", "Metformin 500 mg tablets", 3),
        ("rx-2", "Metformin 500 mg tablets", 4),
    ]
    assert [bool(each.renewal) for each in found] == [True, False]
    assert search_lines(server)[1:] == [
        "GET Medication?_id=metformin",
        "GET MedicationDispense?patient=kari",
        "GET Task?patient=kari",
    ]
    assert len(server.requests) == 2


@pytest.mark.parametrize(
    ("extra", "expected_lines"),
    [
        (INCLUDED[:2], []),
        (INCLUDED[::2], ["GET MedicationDispense?patient=kari"]),
        (INCLUDED[1:], ["GET Medication?_id=metformin"]),
    ],
)
def test_only_what_may_be_missing_is_asked_for(
    portal: FhirPortal, server: Server, extra: Sequence[Json], expected_lines: list[str]
):
    server.on(ALL, a_searchset(a_request(), included=extra))
    for question in MISSING:
        server.on(question, NOTHING)
    portal.prescriptions.fetch_prescriptions()
    assert search_lines(server)[1:] == expected_lines


STATED = {"extension": [a_figure(numberOfPrescriptionsIssued=1)]}


@pytest.mark.parametrize("more", [STATED | {"status": "on-hold"}, {"status": "stopped"}])
def test_what_was_handed_out_is_not_asked_for_where_it_tells_nothing(
    portal: FhirPortal, server: Server, more: Json
):
    server.on(ALL, a_searchset(a_request(**more), included=[INCLUDED[0], INCLUDED[2]]))
    portal.prescriptions.fetch_prescriptions()
    assert len(server.request_lines) == 1


def test_what_was_handed_out_is_asked_for_to_know_how_long_it_lasts(
    portal: FhirPortal, server: Server
):
    server.on(ALL, a_searchset(a_request(**STATED), included=[INCLUDED[0], INCLUDED[2]]))
    days = {"value": 30, "unit": "days"}
    server.on(MISSING[1], a_searchset(a_dispense(daysSupply=days, whenHandedOver="2027-02-20")))
    (result,) = portal.prescriptions.fetch_prescriptions()
    assert result.remaining == Remaining(3, Basis.PORTAL)
    assert result.supply == Supply(
        date(2027, 3, 21), 20, SupplyBasis.DAYS_SUPPLY, date(2027, 2, 20)
    )
    assert search_lines(server)[1:] == ["GET MedicationDispense?patient=kari"]


def test_what_the_portal_can_not_search_for_is_not_asked_for_and_unknown(
    server: Server, journal: Journal
):
    others = {"types": SEARCHED, "searches": ("MedicationRequest",), "reads": SEARCHED}
    portal = portal_at(server, journal, capabilities_with(**others))
    server.on(ALL, a_searchset(a_request(), included=INCLUDED[:1]))
    (result,) = portal.prescriptions.fetch_prescriptions()
    assert (result.remaining, result.renewal, len(server.request_lines)) == (None, None, 1)


@pytest.mark.parametrize("status", [400, 403, 404, 422])
def test_what_the_portal_does_not_show_is_unknown_and_no_flaw(
    server: Server, journal: Journal, status: int
):
    portal = portal_at(server, journal)
    server.on(ALL, a_searchset(a_request()))
    for question in MISSING:
        server.on(question, Reply(an_outcome(), status))
    (result,) = portal.prescriptions.fetch_prescriptions()
    assert (result.label, result.remaining, result.renewal) == ("rx-1", None, None)
    assert list(portal.flaws) == []


def test_what_fails_on_the_way_is_named(portal: FhirPortal, server: Server):
    server.on(ALL, a_searchset(a_request(), included=INCLUDED[::2]))
    server.on(MISSING[1], Reply(status=500))
    for _ in range(2):
        (result,) = portal.prescriptions.fetch_prescriptions()
        assert result.remaining is None
    assert list(portal.flaws) == ["MedicationDispense: The portal has a fault."]


def test_many_missing_medicines_are_asked_for_in_urls_of_bounded_length(
    portal: FhirPortal, server: Server
):
    many = [
        a_request(f"rx-{number}", medicationReference=ref(f"Medication/m-{number}"))
        for number in range(250)
    ]
    server.on(ALL, a_searchset(*many, included=INCLUDED[1:]))
    server.on(MISSING[0], NOTHING)
    assert len(portal.prescriptions.fetch_prescriptions()) == 250
    assert [each.count(",") + 1 for each in search_lines(server)[1:]] == [100, 100, 50]


def test_what_can_not_be_read_of_one_is_named_and_all_are_shown(portal: FhirPortal, server: Server):
    broken = a_request("rx-2", authoredOn=7), a_request("rx-3", medicationReference=7)
    server.on(ALL, a_searchset(*broken, a_request(), included=INCLUDED))
    read = portal.prescriptions.fetch_prescriptions()
    assert {each.id: each.issued for each in read}["rx-2"] is None
    assert {each.id: each.name for each in read} == {
        "rx-1": "Metformin 500 mg tablets",
        "rx-2": "Metformin 500 mg tablets",
        "rx-3": None,
    }
    assert sorted(portal.flaws) == [
        "MedicationRequest/rx-2: MedicationRequest.authoredOn is not what R4 says",
        "MedicationRequest/rx-3: MedicationRequest.medicationReference is not what R4 says",
    ]


def test_one_without_a_readable_status_is_named_and_the_rest_is_shown(
    portal: FhirPortal, server: Server
):
    server.on(ALL, a_searchset(a_request("rx-2", status=7), a_request(), included=INCLUDED))
    assert ids(portal.prescriptions.fetch_prescriptions()) == ["rx-1"]
    assert list(portal.flaws) == [
        "MedicationRequest/rx-2: MedicationRequest.status is not what R4 says"
    ]


def test_one_that_can_not_be_read_is_no_reason_to_ask_what_was_handed_out(
    portal: FhirPortal, server: Server
):
    broken = a_request(status=7)
    server.on(ALL, a_searchset(broken, included=[INCLUDED[0], INCLUDED[2]]))
    assert portal.prescriptions.fetch_prescriptions() == []
    assert (len(server.request_lines), len(portal.flaws)) == (1, 1)


def test_a_request_that_can_not_be_read_is_named_and_its_prescription_shown(
    portal: FhirPortal, server: Server
):
    server.on(ALL, a_searchset(a_request(), included=[*INCLUDED[:2], a_task(focus=7)]))
    (result,) = portal.prescriptions.fetch_prescriptions()
    assert (result.renewal, len(portal.flaws)) == (None, 1)


def test_what_was_handed_out_to_another_patient_does_not_make_the_count_unknown(
    portal: FhirPortal, server: Server
):
    others = a_dispense("d-2", subject=ref("Patient/ola"))
    server.on(ALL, a_searchset(a_request(), included=[*INCLUDED, others]))
    (result,) = portal.prescriptions.fetch_prescriptions()
    assert result.remaining == Remaining(3, Basis.DISPENSES)
    assert list(portal.flaws) == []
    assert list(portal.remarks) == [
        "The portal sent 1 MedicationDispense of other patients; they are left out."
    ]


def test_a_request_that_was_entered_in_error_is_none_of_its_prescription(
    portal: FhirPortal, server: Server
):
    wrong = a_task(status="entered-in-error")
    server.on(ALL, a_searchset(a_request(), included=[*INCLUDED[:2], wrong]))
    server.on("GET Task", a_searchset(wrong))
    (result,) = portal.prescriptions.fetch_prescriptions()
    assert result.renewal is None
    (listed,) = portal.prescriptions.fetch_renewals()
    assert (listed.status, listed.is_open) == ("entered-in-error", False)


NAMED = "GET MedicationRequest?_id"


def named(portal: FhirPortal, *asked: str) -> dict[str, str]:
    """The status of each prescription that was asked for, or the word of its error."""
    found = portal.prescriptions.fetch_named(asked)
    return {
        id: each.code if isinstance(each, errors.GpcliError) else each.status
        for id, each in found.items()
    }


def test_what_the_list_does_not_have_is_found_by_its_id_whatever_it_is(
    portal: FhirPortal, server: Server
):
    there = [a_request(id, status=id) for id in ("draft", "entered-in-error")]
    strange = a_request("strange", subject=ref("Patient/ola"))
    odd, unsaid = a_request("odd", intent="wish"), a_request("unsaid", subject=None)
    server.on(NAMED, a_searchset(*there, strange, odd, unsaid, included=INCLUDED))
    asked = ("draft", "entered-in-error", "strange", "odd", "unsaid", "rx-9")
    assert named(portal, *asked) == {
        "draft": "draft",
        "entered-in-error": "entered-in-error",
        "strange": "not_found",
        "odd": "bad_response",
        "unsaid": "bad_response",
        "rx-9": "not_found",
    }
    assert server.request_lines == [
        "GET MedicationRequest?_id=draft,entered-in-error,strange,odd,unsaid,rx-9"
        "&_include=MedicationRequest:medication&_include=MedicationRequest:requester"
        "&_include:iterate=PractitionerRole:practitioner"
        "&_revinclude=MedicationDispense:prescription&_revinclude=Task:focus&_count=500"
    ]


def test_what_the_list_could_not_read_is_not_asked_for_again(portal: FhirPortal, server: Server):
    server.on(ALL, a_searchset(a_request("odd", status=7), included=INCLUDED))
    portal.prescriptions.fetch_prescriptions()
    assert named(portal, "odd") == {"odd": "bad_response"}
    assert len(server.request_lines) == 1


def test_what_is_no_id_is_not_asked_for(portal: FhirPortal, server: Server):
    assert named(portal, "", "a,b", "a b", "x" * 65) == dict.fromkeys(
        ("", "a,b", "a b", "x" * 65), "not_found"
    )
    assert server.requests == []


@pytest.mark.parametrize(
    ("status", "word"),
    [(404, "not_found"), (410, "not_found"), (403, "not_permitted"), (422, "rejected")],
)
def test_a_portal_that_refuses_to_tell_is_not_taken_for_one_that_has_none(
    portal: FhirPortal, server: Server, status: int, word: str
):
    server.on(NAMED, Reply(an_outcome(), status))
    assert named(portal, "rx-9") == {"rx-9": word}


def test_where_something_handed_out_can_not_be_read_nothing_is_counted(
    portal: FhirPortal, server: Server
):
    server.on(ALL, a_searchset(a_request(), included=[*INCLUDED, a_dispense("d-2", quantity=7)]))
    for _ in range(2):
        (result,) = portal.prescriptions.fetch_prescriptions()
        assert result.remaining is None
    assert len(portal.flaws) == 1


STRANGE: list[Any] = [None, 7, "x", True, [], [7], {}, {"reference": 7}, {"coding": {}}]
ELEMENTS = [
    *("status", "intent", "subject", "medicationReference", "medicationCodeableConcept"),
    *("authoredOn", "requester", "dosageInstruction", "dispenseRequest", "priorPrescription"),
    *("category", "extension", "contained", "doNotPerform", "statusReason", "reasonCode"),
    *("reasonReference", "note", "recorder", "reportedBoolean", "reportedReference"),
    *("identifier", "implicitRules", "modifierExtension"),
]


@pytest.mark.parametrize("name", ELEMENTS)
@pytest.mark.parametrize("value", STRANGE, ids=repr)
def test_whatever_stands_where_it_should_not_the_rest_is_shown(
    portal: FhirPortal, server: Server, name: str, value: Any
):
    server.on(ALL, a_searchset(a_request("odd", **{name: value}), a_request(), included=INCLUDED))
    assert "rx-1" in ids(portal.prescriptions.fetch_prescriptions())


def test_a_refusal_of_the_whole_list_is_raised(portal: FhirPortal, server: Server):
    server.on(ALL, Reply(an_outcome("consent-needed", "Give your consent."), 403))
    with pytest.raises(errors.ConsentNeeded, match="Give your consent"):
        portal.prescriptions.fetch_prescriptions()


TASKS = a_searchset(
    a_task("first", authoredOn="2027-01-01T10:00:00Z", status="completed"),
    a_task("last", "rx-2", authoredOn="2027-02-01T10:00:00Z"),
    a_task("other", code=concept("call-me", "urn:x")),
    a_task("strange", **{"for": ref("Patient/ola")}),
    included=[a_request(), a_medication(), a_request("rx-2", dosageInstruction=7)],
)


def test_requests_are_listed_newest_first_with_what_they_are_about(
    portal: FhirPortal, server: Server
):
    server.on("GET Task", TASKS)
    assert [
        (each.id, each.prescription, each.is_open) for each in portal.prescriptions.fetch_renewals()
    ] == [
        ("last", "Metformin 500 mg tablets", True),
        ("first", "Metformin 500 mg tablets", False),
    ]
    assert server.request_lines == [
        "GET Task?patient=kari&code=http://snomed.info/sct|103742009&_include=Task:focus"
        "&_include:iterate=MedicationRequest:medication&_count=500"
    ]


def test_what_a_request_is_about_may_have_no_readable_name(portal: FhirPortal, server: Server):
    broken = a_request(medicationReference=7)
    server.on("GET Task", a_searchset(a_task(), included=[broken]))
    (result,) = portal.prescriptions.fetch_renewals()
    assert (result.prescription_id, result.prescription) == ("rx-1", "rx-1")


def test_one_request_is_found_by_its_id(portal: FhirPortal, server: Server):
    server.on("GET Task?_id", TASKS)
    assert portal.prescriptions.fetch_renewal("last").status == "requested"
    assert search_lines(server) == ["GET Task?_id=last"]


@pytest.mark.parametrize("identity", ["nowhere", "strange", "other"])
def test_a_request_that_is_not_there_or_not_ours_is_not_found(
    portal: FhirPortal, server: Server, identity: str
):
    server.on("GET Task?_id", TASKS)
    with pytest.raises(errors.NotFound, match=f"There is no request '{identity}'"):
        portal.prescriptions.fetch_renewal(identity)


def script_renewal_facts(server: Server, *found: Json, consent: Json | None = None) -> Server:
    gps = a_searchset(
        a_patient(ref("PractitionerRole/role-1")),
        included=[
            a_role("prescription-renewal-1"),
            a_practitioner(),
            an_organization(),
            a_service("prescription-renewal"),
        ],
    )
    server.on("GET Patient", gps).on("GET ChargeItemDefinition", NOTHING)
    server.on("GET Consent", a_searchset(consent or a_consent()))
    return server.on(ALL, a_searchset(*found, included=INCLUDED))


def test_the_facts_for_a_renewal_are_offers_and_prescriptions_in_one_round_trip(
    portal: FhirPortal, server: Server
):
    script_renewal_facts(server, a_request(requester=ref("Practitioner/lege")))
    facts = portal.prescriptions.fetch_renewal_facts()
    (result,) = facts.prescriptions
    assert [offer.name for offer in facts.offers.offers] == [ServiceName.PRESCRIPTION_RENEWAL]
    assert (result.id, result.prescriber, result.surgery_id) == ("rx-1", "Ola Berg", "role-1")
    assert len(server.requests) == 1


def test_the_facts_for_a_renewal_have_all_requests_also_for_what_was_replaced(
    portal: FhirPortal, server: Server
):
    newer = a_request("rx-2", priorPrescription=ref("MedicationRequest/rx-1"))
    requests = (a_task("t-1", "rx-1", status="completed"), a_task("t-2", "rx-2"))
    script_renewal_facts(server, a_request("rx-1"), newer)
    server.on(ALL, a_searchset(a_request("rx-1"), newer, included=[*INCLUDED[:2], *requests]))
    facts = portal.prescriptions.fetch_renewal_facts()
    assert [each.id for each in facts.prescriptions] == ["rx-2"]
    assert {each.id: each.prescription_id for each in facts.renewals} == {
        "t-1": "rx-1",
        "t-2": "rx-2",
    }


def test_without_full_access_the_facts_have_no_prescriptions(portal: FhirPortal, server: Server):
    script_renewal_facts(server, consent=a_consent("basic"))
    server.on(ALL, Reply(an_outcome("consent-needed"), 403))
    facts = portal.prescriptions.fetch_renewal_facts()
    assert (facts.offers.consent, facts.prescriptions) == (ConsentLevel.BASIC, ())


def test_where_the_prescriptions_fail_fetching_the_facts_fails(portal: FhirPortal, server: Server):
    script_renewal_facts(server).on(ALL, Reply(status=500))
    with pytest.raises(errors.PortalError):
        portal.prescriptions.fetch_renewal_facts()


def test_a_portal_that_can_not_be_reached_is_said_to_be(portal: FhirPortal, server: Server):
    server.on(ALL, UNREACHABLE)
    with pytest.raises(errors.Unreachable):
        portal.prescriptions.fetch_prescriptions()


def test_acting_for_somebody_else_the_list_is_theirs(server: Server, journal: Journal):
    who = Identity("kari", "https://portal.example/fhir/R4/RelatedPerson/guro")
    portal = portal_at(server, journal, identity=who)
    server.on(ALL, a_searchset(a_request(), included=INCLUDED))
    assert ids(portal.prescriptions.fetch_prescriptions()) == ["rx-1"]
