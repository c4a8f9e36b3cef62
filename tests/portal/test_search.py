"""FHIR searches: one, its pages, several in a batch or one after another."""

from __future__ import annotations

import json
from typing import Any

import pytest

from gpcli import errors
from gpcli.fhir.bundle import Bundle
from gpcli.portal.queries import Query
from gpcli.portal.search import MAX_PAGES, FhirSearch
from tests.portal.builders import a_consent, a_patient, a_searchset, a_slot, an_outcome
from tests.portal.scripted import BASE, BATCH, LOST, UNREACHABLE, Reply, Server

SLOTS = Query("Slot", (("status", "free"),))
CONSENTS = Query("Consent", (("patient", "kari"),))
SECOND, THIRD = f"{BASE}/Slot?page=2", f"{BASE}/Slot?page=3"


def refs(answer: Any) -> list[str]:
    assert isinstance(answer, Bundle), answer
    return [each.relative_reference for each in answer.matches]


def error_of(answer: Any) -> tuple[type, str]:
    assert isinstance(answer, errors.GpcliError)
    return type(answer), answer.message


def test_a_record_is_read_with_the_answer_that_carries_its_version(
    search: FhirSearch, server: Server
):
    server.on("GET Slot/slot-1", Reply(a_slot(), headers={"ETag": 'W/"3"'}))
    record, answer = search.fetch_resource("Slot/slot-1")
    assert (record.relative_reference, answer.headers["ETag"]) == ("Slot/slot-1", 'W/"3"')


@pytest.mark.parametrize("body", [a_slot("other"), a_patient(), an_outcome(), {"id": "slot-1"}])
def test_another_record_than_the_one_asked_for_is_a_bad_response(
    search: FhirSearch, server: Server, body: dict
):
    server.on("GET Slot/slot-1", body)
    with pytest.raises(errors.BadResponse, match="can't be read"):
        search.fetch_resource("Slot/slot-1")


def test_a_record_that_is_gone_is_not_found(search: FhirSearch, server: Server):
    server.on("GET Slot/slot-1", Reply(an_outcome(), 410))
    with pytest.raises(errors.NotFound):
        search.fetch_resource("Slot/slot-1")


def test_all_pages_of_a_list_are_put_together(search: FhirSearch, server: Server):
    server.on("GET Slot", a_searchset(a_slot("1"), next=SECOND))
    server.on(
        "GET Slot?page",
        a_searchset(a_slot("2"), next=THIRD),
        a_searchset(a_slot("2"), a_slot("3")),
    )
    assert refs(search.fetch_all(SLOTS)) == ["Slot/1", "Slot/2", "Slot/3"]
    assert server.request_lines == ["GET Slot?status=free", "GET Slot?page=2", "GET Slot?page=3"]


def test_pages_are_fetched_only_as_far_as_they_are_wanted(search: FhirSearch, server: Server):
    server.on("GET Slot", a_searchset(a_slot("1"), next=SECOND))
    first = next(search.fetch_pages(SLOTS))
    assert (refs(first), len(server.request_lines)) == (["Slot/1"], 1)


@pytest.mark.parametrize("link", [SECOND, f"{BASE}/Slot?status=free"], ids=["itself", "the first"])
@pytest.mark.parametrize(("total", "is_short"), [(None, True), (2, False), (3, True)])
def test_a_next_link_that_leads_back_is_the_end_and_short_unless_the_total_is_reached(
    search: FhirSearch, server: Server, link: str, total: int | None, is_short: bool
):
    server.on("GET Slot?status", a_searchset(a_slot("1"), next=SECOND, total=total))
    server.on("GET Slot?page", a_searchset(a_slot("2"), next=link, total=total))
    assert refs(search.fetch_all(SLOTS)) == ["Slot/1", "Slot/2"]
    assert (len(server.request_lines), len(search.flaws)) == (2, is_short)


def test_a_list_without_end_is_cut_and_what_is_missing_is_named(search: FhirSearch, server: Server):
    numbers = range(MAX_PAGES + 10)
    pages = [a_searchset(a_slot(f"{n}"), next=f"{BASE}/Slot?page={n}") for n in numbers]
    server.on("GET Slot", *map(Reply, pages))
    search.fetch_all(SLOTS)
    assert len(server.request_lines) == MAX_PAGES
    assert search.flaws == ["what comes after 200 pages of a list"]


OUTSIDE = (
    "The portal's next page is at {}, outside https://portal.example/fhir/R4, and gpcli sends your "
    "token nowhere else."
)
NO_WEB_ADDRESS = "A link is not a web address; it was not followed."
STRAY_LINKS: dict[Any, str] = {
    "https://elsewhere.example/fhir/R4/Slot": OUTSIDE.format("https://elsewhere.example:443"),
    "//elsewhere.example/fhir/R4/Slot": OUTSIDE.format("https://elsewhere.example:443"),
    f"{BASE.replace('example', 'example:8443')}/x": OUTSIDE.format("https://portal.example:8443"),
    "https://portal.example/other/Slot?page=2": OUTSIDE.format("https://portal.example:443"),
    "/other/Slot?page=2": OUTSIDE.format("https://portal.example:443"),
    "../../x": OUTSIDE.format("https://portal.example:443"),
    "http://portal.example/fhir/R4/Slot?page=2": OUTSIDE.format("http://portal.example:80"),
    "https://x@portal.example/fhir/R4/Slot": OUTSIDE.format("https://portal.example:443"),
    "//[::1": "A link has no host that can be read; it was not followed.",
    f"{BASE}/Slot?page={'2' * 70_000}": (
        "A link is longer than 65,536 characters; it was not followed."
    ),
    "https://": NO_WEB_ADDRESS,
    "urn:uuid:4b5f9a52-5f0c-4f0e-9b6a-6a3f5f2a7c11": NO_WEB_ADDRESS,
    "javascript:alert(1)": NO_WEB_ADDRESS,
    "file:///fhir/R4/Slot": NO_WEB_ADDRESS,
    7: "The link to the next page can't be read: Bundle.link.url is not what R4 says.",
}
"""Links to a next page that is not fetched -> why."""


@pytest.mark.parametrize("link", STRAY_LINKS, ids=lambda link: str(link)[:50])
@pytest.mark.parametrize("batched", [True, False])
def test_a_next_link_that_leads_astray_is_not_followed_and_the_list_is_said_to_be_short(
    search: FhirSearch, unbatched_search: FhirSearch, server: Server, link: Any, batched: bool
):
    server.on("GET Slot", a_searchset(a_slot("1"), next=link)).on("GET Consent", a_searchset())
    chosen = search if batched else unbatched_search
    assert refs(chosen.fetch_many(SLOTS, CONSENTS)[0]) == ["Slot/1"]
    assert chosen.flaws == [f"what comes after 1 in a list: {STRAY_LINKS[link]}"]
    assert {each.url.host for each in server.requests} == {"portal.example"}
    assert {each.url.port for each in server.requests} == {None}


def test_several_questions_are_one_batch(search: FhirSearch, server: Server):
    server.on("GET Slot", a_searchset(a_slot("1"))).on("GET Consent", a_searchset(a_consent()))
    slots, consents = search.fetch_many(SLOTS, CONSENTS)
    assert (refs(slots), refs(consents)) == (["Slot/1"], ["Consent/consent-full-access"])
    (batch,) = server.requests
    assert (batch.method, str(batch.url), json.loads(batch.content)) == (
        "POST",
        BASE,
        {
            "resourceType": "Bundle",
            "type": "batch",
            "entry": [
                {"request": {"method": "GET", "url": "Slot?status=free"}},
                {"request": {"method": "GET", "url": "Consent?patient=kari"}},
            ],
        },
    )


def test_one_question_needs_no_batch(search: FhirSearch, server: Server):
    server.on("GET Slot", a_searchset(a_slot("1")))
    (slots,) = search.fetch_many(SLOTS)
    assert (refs(slots), server.requests[0].method) == (["Slot/1"], "GET")


def test_without_batches_the_questions_go_one_after_another(
    unbatched_search: FhirSearch, server: Server
):
    server.on("GET Slot", a_searchset(a_slot("1"))).on("GET Consent", a_searchset(a_consent()))
    slots, consents = unbatched_search.fetch_many(SLOTS, CONSENTS)
    assert (refs(slots), refs(consents)) == (["Slot/1"], ["Consent/consent-full-access"])
    assert [each.method for each in server.requests] == ["GET", "GET"]


@pytest.mark.parametrize("batched", [True, False])
def test_a_refusal_of_one_question_stands_alone(
    search: FhirSearch, unbatched_search: FhirSearch, server: Server, batched: bool
):
    server.on("GET Slot", Reply(an_outcome("service-off", "Closed."), 403))
    server.on("GET Consent", a_searchset(a_consent()))
    slots, consents = (search if batched else unbatched_search).fetch_many(SLOTS, CONSENTS)
    assert error_of(slots) == (errors.OffForNow, "Closed.")
    assert refs(consents) == ["Consent/consent-full-access"]


@pytest.mark.parametrize("batched", [True, False])
def test_further_pages_of_one_question_are_fetched(
    search: FhirSearch, unbatched_search: FhirSearch, server: Server, batched: bool
):
    server.on("GET Slot", a_searchset(a_slot("1"), next=SECOND))
    server.on("GET Slot?page", a_searchset(a_slot("2"), next=SECOND))
    server.on("GET Consent", a_searchset())
    slots, _ = (search if batched else unbatched_search).fetch_many(SLOTS, CONSENTS)
    assert refs(slots) == ["Slot/1", "Slot/2"]


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (UNREACHABLE, errors.Unreachable),
        (LOST, errors.Unreachable),
        (Reply(status=401), errors.Expired),
    ],
)
def test_what_concerns_all_questions_ends_them_all(
    unbatched_search: FhirSearch, server: Server, error: Reply, kind: type
):
    server.on("GET Slot", error)
    with pytest.raises(kind):
        unbatched_search.fetch_many(SLOTS, CONSENTS)


@pytest.mark.parametrize(
    ("status", "kind"), [(500, errors.PortalError), (403, errors.NotPermitted)]
)
def test_a_batch_that_is_refused_as_a_whole_is_an_error(
    search: FhirSearch, server: Server, status: int, kind: type
):
    server.on(BATCH, Reply(an_outcome(), status))
    with pytest.raises(kind):
        search.fetch_many(SLOTS, CONSENTS)


@pytest.mark.parametrize("status", [400, 404, 405, 413, 415, 422, 501])
def test_a_portal_that_lists_batches_and_takes_none_is_asked_one_after_another_from_then_on(
    search: FhirSearch, server: Server, status: int
):
    server.on(BATCH, Reply(an_outcome(), status))
    server.on("GET Slot", a_searchset(a_slot("1"))).on("GET Consent", a_searchset(a_consent()))
    for _ in range(2):
        slots, consents = search.fetch_many(SLOTS, CONSENTS)
        assert (refs(slots), refs(consents)) == (["Slot/1"], ["Consent/consent-full-access"])
    assert [each.method for each in server.requests] == ["POST", "GET", "GET", "GET", "GET"]


def answered(*entries: Any) -> dict[str, Any]:
    return {"resourceType": "Bundle", "type": "batch-response", "entry": list(entries)}


FINE = {"resource": a_searchset(), "response": {"status": "200 OK"}}


@pytest.mark.parametrize(
    "body",
    [answered(FINE), answered(FINE, FINE, FINE), answered(), an_outcome(), answered(1, 2), []],
)
def test_a_batch_answered_with_another_number_of_entries_is_a_bad_response(
    search: FhirSearch, server: Server, body: Any
):
    server.on(BATCH, Reply(body))
    with pytest.raises(errors.BadResponse):
        search.fetch_many(SLOTS, CONSENTS)


@pytest.mark.parametrize(
    ("entry", "kind"),
    [
        ({"response": {"status": "404"}}, errors.NotFound),
        ({"response": {"status": "404 Not Found"}, "resource": an_outcome()}, errors.NotFound),
        ({"response": {"status": "²00"}}, errors.PortalError),
        ({"response": {"status": ""}}, errors.PortalError),
        ({"response": {}}, errors.PortalError),
        ({}, errors.PortalError),
        ({"response": {"status": 200}, "resource": a_searchset()}, errors.BadResponse),
        ({"response": "200"}, errors.BadResponse),
        ({"response": {"status": "200"}}, errors.BadResponse),
        ({"response": {"status": "200"}, "resource": a_slot()}, errors.BadResponse),
        ({"response": {"status": "200"}, "resource": [1]}, errors.BadResponse),
    ],
)
def test_a_broken_entry_of_a_batch_spoils_only_its_own_question(
    search: FhirSearch, server: Server, entry: dict, kind: type
):
    server.on(BATCH, Reply(answered(entry, FINE)))
    slots, consents = search.fetch_many(SLOTS, CONSENTS)
    assert (error_of(slots)[0], refs(consents)) == (kind, [])


def test_the_outcome_of_an_entry_says_why(search: FhirSearch, server: Server):
    refused = {"response": {"status": "403", "outcome": an_outcome("consent-needed", "Consent.")}}
    server.on(BATCH, Reply(answered(refused, FINE)))
    slots, _ = search.fetch_many(SLOTS, CONSENTS)
    assert error_of(slots) == (errors.ConsentNeeded, "Consent.")


def test_flaws_of_every_page_are_gathered(search: FhirSearch, server: Server):
    hidden = an_outcome(text="Some times are hidden")
    server.on("GET Slot?status", a_searchset(included=[hidden], next=SECOND))
    server.on("GET Slot?page", a_searchset({"resourceType": "Slot"}))
    server.on("GET Consent", a_searchset(included=[an_outcome(text="Old ones too")]))
    search.fetch_many(SLOTS, CONSENTS)
    part = "part of what was asked for. The portal says:"
    assert search.flaws == [
        f"{part} Some times are hidden",
        "Slot.id is missing",
        f"{part} Old ones too",
    ]


BY_ID = Query("Slot", (("_id", "slot-1"),))
SILENT: dict[str, Any] = {"resourceType": "OperationOutcome", "issue": []}


@pytest.mark.parametrize("batched", [True, False])
@pytest.mark.parametrize(
    ("body", "said"),
    [
        (an_outcome(text="No index"), "The portal says: No index"),
        (an_outcome(text="None", severity="information"), "The portal says: None"),
        (SILENT, "The portal does not say why."),
        (a_searchset(included=[an_outcome(text="No index")]), "The portal says: No index"),
    ],
)
def test_an_error_in_the_place_of_matches_is_no_empty_list_nor_an_absence(
    search: FhirSearch,
    unbatched_search: FhirSearch,
    server: Server,
    batched: bool,
    body: dict,
    said: str,
):
    chosen = search if batched else unbatched_search
    server.on("GET Slot", body).on("GET Consent", a_searchset(a_consent()))
    slots, consents = chosen.fetch_many(SLOTS, CONSENTS)
    assert (refs(slots), refs(consents)) == ([], ["Consent/consent-full-access"])
    assert [each.partition(". ")[2] for each in chosen.flaws] == [said]
    assert error_of(chosen.fetch_many(BY_ID, CONSENTS)[0]) == (
        errors.BadResponse,
        f"The portal did not send what was asked for. {said}",
    )


def test_a_warning_of_the_portal_is_kept_once(search: FhirSearch, server: Server):
    warning = an_outcome(text="Slow today", severity="warning")
    server.on("GET Slot", a_searchset(included=[warning]))
    server.on("GET Consent", a_searchset(included=[warning]))
    search.fetch_many(SLOTS, CONSENTS)
    assert (search.remarks, search.flaws) == (["The portal says: Slow today"], [])


@pytest.mark.parametrize("raw", [b"<html>", b"", b'{"resourceType":"Bundle"', b'{"a":NaN}'])
def test_a_body_that_is_no_strict_json_is_a_bad_response(
    search: FhirSearch, server: Server, raw: bytes
):
    server.on("GET Slot", Reply(raw=raw))
    with pytest.raises(errors.BadResponse):
        search.fetch_all(SLOTS)
