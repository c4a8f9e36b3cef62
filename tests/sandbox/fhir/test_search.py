"""Test search: matches, includes, and the searchset Bundle."""

from datetime import date, datetime, timedelta
from urllib.parse import parse_qsl, urlsplit

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gpcli.sandbox.clock import ZONE
from tests.sandbox.fhir.portal import (
    BASE,
    SERVICE_SYSTEM,
    booking,
    concept,
    consent,
    issue,
    patient,
    ref,
    role,
    schedule,
    service,
    slot,
)

EVERY_SLOT = ["s1", "s2", "s3"]


def honoured(answer):
    link = next(each["url"] for each in answer.json["link"] if each["relation"] == "self")
    return parse_qsl(urlsplit(link).query)


@pytest.fixture
def ada(portal):
    return portal.sign_in("ada")


def test_a_searchset_names_its_total_its_address_and_its_matches(portal, ada):
    answer = ada.get("/Slot?status=free&_sort=-start&_count=5")

    assert answer.json == {
        "resourceType": "Bundle",
        "type": "searchset",
        "total": 3,
        "link": [
            {"relation": "self", "url": f"{BASE}/Slot?status=free&_sort=-start&_count=5"},
        ],
        "entry": [
            {
                "fullUrl": f"{BASE}/Slot/{id_}",
                "resource": portal.store.get("Slot", id_),
                "search": {"mode": "match"},
            }
            for id_ in ("s3", "s2", "s1")
        ],
    }


def test_a_search_that_finds_nothing_has_no_entries(ada):
    assert ada.read_json("/Slot?status=busy") == {
        "resourceType": "Bundle",
        "type": "searchset",
        "total": 0,
        "link": [{"relation": "self", "url": f"{BASE}/Slot?status=busy"}],
    }


@pytest.mark.parametrize(
    ("query", "ids"),
    [
        (f"service-type={SERVICE_SYSTEM}|booking", ["booking"]),
        ("service-type=booking", ["booking"]),
        ("service-type=booking,cancellation", ["booking", "cancellation"]),
        (f"service-type={SERVICE_SYSTEM}|", ["booking", "booking-enquiry", "e-consultation"]),
        ("service-type=|booking", []),
        ("service-type=|mine", ["cancellation"]),
        ("service-type=urn:other|booking", []),
        ("service-type=Booking", []),
        ("service-type:not=booking", ["booking-enquiry", "e-consultation", "cancellation"]),
        ("service-type=booking&active=true", ["booking"]),
        ("service-type=booking&service-type=cancellation", []),
        ("characteristic:missing=true", ["booking", "booking-enquiry", "e-consultation"]),
        ("characteristic:missing=false", ["cancellation"]),
        ("characteristic:not=video", ["booking", "booking-enquiry", "e-consultation"]),
        ("_id=booking", ["booking"]),
        ("_id=booking,nothing", ["booking"]),
        ("active=true&_id=cancellation", []),
        ("active=false", ["cancellation"]),
    ],
)
def test_codes_are_found_by_system_and_code(portal, ada, query, ids):
    cancellation = service("cancellation", characteristic=[concept("video", "urn:gpcli:channel")])
    cancellation["type"] = [{"coding": [{"code": "mine"}, {"code": "cancellation"}]}]
    portal.store.put(cancellation | {"active": False})

    assert ada.match_ids(f"/HealthcareService?{query}") == ids


@pytest.mark.parametrize(
    ("query", "ids"),
    [
        ("status=http://hl7.org/fhir/slotstatus|busy", ["s2"]),
        ("status=http://hl7.org/fhir/other|busy", []),
        ("status=free,busy", EVERY_SLOT),
        ("status:not=free", ["s2"]),
    ],
)
def test_plain_codes_have_the_system_that_their_element_implies(portal, ada, query, ids):
    portal.store.put({**portal.slot(2), "status": "busy"})

    assert ada.match_ids(f"/Slot?{query}&_sort=start") == ids


@pytest.mark.parametrize(
    ("query", "ids"),
    [
        ("start=2027-03-08", EVERY_SLOT),
        ("start=eq2027-03-08", EVERY_SLOT),
        ("start=2027-03", EVERY_SLOT),
        ("start=2027", EVERY_SLOT),
        ("start=2027-03-08T12:20:00%2B01:00", ["s2"]),
        ("start=2027-03-08T11:20:00Z", ["s2"]),
        ("start=2027-03-08T12:20", ["s2"]),
        ("start=ne2027-03-08T12:20:00%2B01:00", ["s1", "s3"]),
        ("start=ne2027-03-08", []),
        ("start=gt2027-03-08", []),
        ("start=gt2027-03-08T12:20:00%2B01:00", ["s3"]),
        ("start=ge2027-03-08T12:20:00%2B01:00", ["s2", "s3"]),
        ("start=lt2027-03-08T12:20:00%2B01:00", ["s1"]),
        ("start=le2027-03-08T12:20:00%2B01:00", ["s1", "s2"]),
        ("start=ge2027-03-08", EVERY_SLOT),
        ("start=lt2027-03-08", []),
        ("start=le2027-03-08", EVERY_SLOT),
        ("start=sa2027-03-07", EVERY_SLOT),
        ("start=sa2027-03-08", []),
        ("start=eb2027-03-09", EVERY_SLOT),
        ("start=eb2027-03-08", []),
        ("start=ap2027-03-08", EVERY_SLOT),
        ("start=ap2027-03-09", EVERY_SLOT),
        ("start=ap2027-05", []),
        ("start=ge2027-03-08T12:10&start=lt2027-03-08T12:30", ["s2"]),
        ("start=2027-03-08T12:00,2027-03-08T12:40", ["s1", "s3"]),
    ],
)
def test_times_are_found_by_how_spans_lie_to_each_other(ada, query, ids):
    assert ada.match_ids(f"/Slot?{query}&_sort=start") == ids


@pytest.mark.parametrize(
    ("query", "ids"),
    [
        ("date=2027-03-04", []),
        ("date=ge2027-03-04", ["visits"]),
        ("date=lt2027-03-01", []),
        ("date=sa2027-02-28", ["visits"]),
        ("date=eb2027-12-31", []),
        ("date=2027", []),
        ("date=gt2030", ["visits"]),
    ],
)
def test_a_period_without_an_end_goes_on_for_ever(portal, ada, query, ids):
    portal.store.put(schedule() | {"planningHorizon": {"start": "2027-03-01"}})

    assert ada.match_ids(f"/Schedule?{query}") == ids


@pytest.mark.parametrize(
    ("query", "ids"),
    [
        ("schedule=Schedule/visits", EVERY_SLOT),
        ("schedule=visits", EVERY_SLOT),
        (f"schedule={BASE}/Schedule/visits", EVERY_SLOT),
        ("schedule=Schedule/visits/_history/1", EVERY_SLOT),
        ("schedule:Schedule=visits", EVERY_SLOT),
        ("schedule=Schedule/other", []),
        ("schedule=Schedule/other,visits", EVERY_SLOT),
        ("schedule=http://elsewhere/Schedule/visits", []),
        ("schedule=Location/visits", []),
        ("schedule.actor=HealthcareService/booking", EVERY_SLOT),
        ("schedule.actor:HealthcareService=booking", EVERY_SLOT),
        ("schedule:Schedule.actor=PractitionerRole/gp", EVERY_SLOT),
        ("schedule.actor=HealthcareService/cancellation", []),
        ("schedule.actor:PractitionerRole.practitioner=Practitioner/berg", EVERY_SLOT),
        ("schedule.actor.name=solbakken", EVERY_SLOT),
        ("schedule.actor:Location.name=nowhere", []),
        ("schedule._id=visits", EVERY_SLOT),
    ],
)
def test_references_are_found_in_all_their_forms_and_followed_in_chains(ada, query, ids):
    assert ada.match_ids(f"/Slot?{query}&_sort=start") == ids


@pytest.mark.parametrize(
    ("query", "ids"),
    [
        ("name=solbakken", ["solbakken"]),
        ("name=SOL", ["solbakken"]),
        ("name=bakken", []),
        ("name:contains=bakken", ["solbakken"]),
        ("name:exact=Solbakken legesenter", ["solbakken"]),
        ("name:exact=solbakken legesenter", []),
        ("name=asen", ["asen"]),
        ("name=Åsen", ["asen"]),
        ("name=%25", []),
        ("name=50\\,", ["asen"]),
        ("address=oslo", ["asen"]),
        ("name=sol,as", ["solbakken", "asen"]),
    ],
)
def test_texts_are_found_by_their_beginning_without_case_or_accents(portal, ada, query, ids):
    other = {"resourceType": "Organization", "id": "asen", "name": "Åsen", "alias": ["50, plan 2"]}
    portal.store.put(other | {"address": [{"line": ["Torget 1"], "city": "Oslo"}]})

    assert sorted(ada.match_ids(f"/Organization?{query}")) == sorted(ids)


def test_uris_are_found_whole(portal, ada):
    price = {"resourceType": "ChargeItemDefinition", "id": "fee", "url": "urn:x:fee"}
    portal.store.put(price | {"status": "active"})

    assert ada.match_ids("/ChargeItemDefinition?url=urn:x:fee") == ["fee"]
    assert ada.match_ids("/ChargeItemDefinition?url=urn:x") == []


def test_names_are_found_by_their_parts(portal, ada):
    portal.store.put(
        {"resourceType": "Practitioner", "id": "li", "name": [{"given": ["Eva", "Marie"]}]}
    )

    found = [
        ada.match_ids(f"/Practitioner?{each}") for each in ("name=marie", "given=eva", "family=e")
    ]

    assert found == [["li"], ["li"], []]


def test_an_identifier_is_found_by_system_and_value_also_by_post(ada):
    number = "urn:oid:2.16.578.1.12.4.1.4.1|14836100100"
    form = {"Content_Type": "application/x-www-form-urlencoded"}

    by_get = ada.read_json(f"/Patient?identifier={number}")
    by_post = ada("POST", "/Patient/_search", f"identifier={number}", **form).json

    assert by_get == by_post
    assert by_get["entry"][0]["resource"]["id"] == "ada"


def test_a_search_by_post_takes_what_the_address_asks_too(ada):
    form = {"Content_Type": "application/x-www-form-urlencoded"}

    answer = ada("POST", "/Slot/_search?status=free", "_count=1", **form)

    assert honoured(answer) == [("status", "free"), ("_count", "1")]
    assert len(answer.json["entry"]) == 1


def test_when_it_changed_can_be_searched(portal, ada):
    assert ada.match_ids("/Organization?_lastUpdated=ge2027-03-01") == ["solbakken"]
    assert ada.match_ids("/Organization?_lastUpdated=lt2027-03-01") == []


@pytest.mark.parametrize(
    ("sort", "ids"),
    [
        ("start", ["s1", "s2", "s3"]),
        ("-start", ["s3", "s2", "s1"]),
        ("status,start", ["s2", "s1", "s3"]),
        ("status,-start", ["s2", "s3", "s1"]),
        ("-status,-start", ["s3", "s1", "s2"]),
        ("appointment-type,start", ["s3", "s1", "s2"]),
        ("-appointment-type,start", ["s3", "s1", "s2"]),
        ("_id", ["s1", "s2", "s3"]),
        ("-_id", ["s3", "s2", "s1"]),
    ],
)
def test_matches_come_in_the_order_asked_for_and_what_has_no_value_last(portal, ada, sort, ids):
    portal.store.put({**portal.slot(2), "status": "busy"})
    portal.store.put({**portal.slot(3), "appointmentType": concept("video", "urn:gpcli:channel")})

    assert ada.match_ids(f"/Slot?_sort={sort}") == ids


def test_one_question_brings_a_patients_gp_with_everything_about_them(ada):
    asked = "/Patient?_id=ada&_include=Patient:general-practitioner" + "".join(
        f"&_include:iterate=PractitionerRole:{name}"
        for name in ("organization", "practitioner", "location", "service")
    )

    assert ada.match_ids(asked) == ["ada"]
    assert ada.included(asked) == [
        "HealthcareService/booking",
        "HealthcareService/booking-enquiry",
        "HealthcareService/cancellation",
        "HealthcareService/e-consultation",
        "Location/solbakken",
        "Organization/solbakken",
        "Practitioner/berg",
        "PractitionerRole/gp",
    ]


@pytest.mark.parametrize(
    ("asked", "along"),
    [
        ("_include=Slot:schedule", ["Schedule/visits"]),
        ("_include=Slot:schedule&_include=Schedule:actor", ["Schedule/visits"]),
        ("_include=Slot:*", ["Schedule/visits"]),
        ("_include=*", ["Schedule/visits"]),
        ("_include=Slot:schedule:Location", []),
        (
            "_include=Slot:schedule&_include:iterate=Schedule:actor:Location",
            ["Location/solbakken", "Schedule/visits"],
        ),
        (
            "_include=Slot:schedule&_include:iterate=Schedule:actor",
            [
                "HealthcareService/booking",
                "Location/solbakken",
                "PractitionerRole/gp",
                "Schedule/visits",
            ],
        ),
        ("_revinclude=Appointment:slot", ["Appointment/a1"]),
        ("_revinclude=Appointment:slot:Slot", ["Appointment/a1"]),
        ("_revinclude=Appointment:slot:Patient", []),
        (
            "_revinclude=Appointment:slot&_revinclude:iterate=AppointmentResponse:appointment",
            ["Appointment/a1", "AppointmentResponse/r1"],
        ),
    ],
)
def test_includes_follow_references_as_far_as_they_are_told(portal, ada, asked, along):
    portal.store.put(booking(portal.slot(1)) | {"id": "a1"})
    answer = {"resourceType": "AppointmentResponse", "id": "r1", "participantStatus": "accepted"}
    portal.store.put(answer | {"appointment": ref("Appointment/a1")})

    assert ada.included(f"/Slot?{asked}") == along


def test_includes_that_go_in_circles_come_to_an_end(portal, ada):
    portal.store.put({"resourceType": "Location", "id": "room", "partOf": ref("Location/house")})
    portal.store.put({"resourceType": "Location", "id": "house", "partOf": ref("Location/room")})

    assert ada.included("/Location?_id=room&_include:iterate=Location:partof") == ["Location/house"]


def test_what_is_included_does_not_count_and_comes_once(ada):
    answer = ada.read_json("/Slot?_include=Slot:schedule")

    assert answer["total"] == 3
    assert [each["search"]["mode"] for each in answer["entry"]] == [*["match"] * 3, "include"]


def test_what_comes_along_is_whole_whatever_elements_were_asked_for(ada):
    found = ada.read_json("/Slot?_elements=start&_id=s1&_include=Slot:schedule")["entry"]
    kinds = {each["resource"]["resourceType"]: each["resource"] for each in found}
    assert "schedule" not in kinds["Slot"]
    assert kinds["Schedule"] == ada.read_json(f"/Schedule/{kinds['Schedule']['id']}")


def test_only_the_elements_asked_for_are_shown_and_marked_as_not_all(ada):
    shown = ada.read_json("/Slot?_elements=start&_id=s1")["entry"][0]["resource"]

    assert sorted(shown) == ["id", "meta", "resourceType", "start", "status"]
    assert shown["meta"]["tag"][0]["code"] == "SUBSETTED"


@pytest.mark.parametrize("asked", ["_summary=count", "_count=0"])
def test_counting_gives_the_total_alone(ada, asked):
    answer = ada.read_json(f"/Slot?{asked}")

    assert (answer["total"], "entry" in answer, len(answer["link"])) == (3, False, 1)


UNKNOWN = [
    "colour=blue",
    "end=ge2027-03-01",
    "schedule.colour=blue",
    "status.code=free",
    "_sort=colour",
    "_include=Slot:colour",
    "_include=Slot:status",
    "_include=Slot",
    "_include=Encounter:subject",
    "_revinclude=Encounter:appointment",
    "_summary=true",
    "_has:Appointment:slot:status=booked",
    "a.b.c.d.e=1",
]


@pytest.mark.parametrize("asked", UNKNOWN)
def test_what_is_not_known_is_left_out_and_the_address_says_so(ada, asked):
    answer = ada.get(f"/Slot?status=free&{asked}")

    assert answer.status_code == 200
    assert answer.json["total"] == 3
    assert honoured(answer) == [("status", "free")]


@pytest.mark.parametrize("asked", UNKNOWN)
def test_what_is_not_known_is_refused_where_handling_is_strict(ada, asked):
    answer = ada.get(f"/Slot?status=free&{asked}", Prefer="return=minimal, handling=strict")

    assert issue(answer) == (400, "not-supported", "")


@pytest.mark.parametrize("prefer", ["handling=strict", "handling=lenient", ""])
@pytest.mark.parametrize(
    ("asked", "code"),
    [
        ("start=tomorrow", "value"),
        ("start=ge", "value"),
        ("start=xx2027-03-01", "value"),
        ("start=2027-03-08T12:20:00+01:00", "value"),
        ("status=", "value"),
        ("status=free,,busy", "value"),
        ("status=|", "value"),
        ("status=a|b|c", "value"),
        ("schedule=", "value"),
        ("schedule=a/b/c", "value"),
        ("schedule=no good", "value"),
        ("_count=-1", "value"),
        ("_count=many", "value"),
        ("_count=٣", "value"),
        ("_summary=some", "value"),
        ("_total=exact", "value"),
        ("status:missing=maybe", "value"),
        ("status:exact=free", "not-supported"),
        ("status:text=free", "not-supported"),
        ("start:not=2027", "not-supported"),
        ("schedule:Patient=visits", "not-supported"),
        ("schedule:identifier=x", "not-supported"),
        ("status=%FF", "structure"),
    ],
)
def test_a_bad_value_is_always_refused(ada, prefer, asked, code):
    assert issue(ada.get(f"/Slot?{asked}", Prefer=prefer)) == (400, code, "")


def test_a_plus_sign_that_was_not_escaped_is_explained(ada):
    text = ada.read_json("/Slot?start=2027-03-08T12:20:00+01:00")["issue"][0]["details"]["text"]

    assert text.endswith("(In an address a + is written %2B.)")


def test_an_appointment_without_a_time_matches_no_date(portal, ada):
    undated = booking(portal.slot(1)) | {"id": "a1", "status": "proposed"}
    portal.store.put({name: undated[name] for name in undated if name not in ("start", "end")})

    assert ada.match_ids("/Appointment?date=ge1900") == []
    assert ada.match_ids("/Appointment?date:missing=true") == ["a1"]


def test_the_roles_of_a_gp_and_people_of_a_role_are_found(portal, ada):
    portal.store.put_all([role(id_="other"), patient("finn", "Dal", "05816500300", "other")])

    assert ada.match_ids("/PractitionerRole?practitioner=Practitioner/berg") == ["gp", "other"]
    assert ada.match_ids("/PractitionerRole?service=booking") == ["gp"]


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    hours=st.lists(st.integers(0, 8759), min_size=1, max_size=12, unique=True),
    first=st.dates(date(2027, 1, 1), date(2027, 12, 31)),
    days=st.integers(0, 60),
)
def test_a_search_between_two_days_finds_just_what_begins_on_them(portal, hours, first, days):
    starts = {
        f"h{each}": datetime(2027, 1, 1, tzinfo=ZONE) + timedelta(hours=each) for each in hours
    }
    last = first + timedelta(days=days)
    portal.store.clear()
    portal.store.put_all([consent("ada"), *(slot(id_, when) for id_, when in starts.items())])

    found = portal.sign_in("ada").match_ids(f"/Slot?start=ge{first}&start=le{last}&_sort=start")

    within = {id_: when for id_, when in starts.items() if first <= when.date() <= last}
    assert found == [f"s{id_}" for id_ in sorted(within, key=lambda id_: within[id_])]
