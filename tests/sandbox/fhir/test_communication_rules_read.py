"""Test marking messages as read."""

import pytest

from tests.sandbox.fhir.portal import consent, issue, patient, ref
from tests.sandbox.fhir.request_builders import create_message, create_thread, surgery_message

NOW = "2027-03-01T12:30:00+01:00"


@pytest.fixture
def unread(slow_portal, ada):
    """A message of the surgery's in a thread of Ada's."""
    slow_portal.store.put(surgery_message(create_thread(ada), "q1"))
    return ada.read_json("/Communication/q1")


def put(ask, resource, **headers):
    return ask("PUT", f"/Communication/{resource['id']}", resource, **headers)


def test_a_message_is_marked_read_by_when_it_was_received(ada, unread):
    answer = put(ada, unread | {"received": NOW}, If_Match='W/"1"')

    assert answer.status_code == 200
    assert answer.json == unread | {"received": NOW, "meta": answer.json["meta"]}
    assert answer.headers["ETag"] == 'W/"2"'


def test_it_is_then_no_longer_among_the_unread(ada, unread):
    asked = "/Communication?recipient=Patient/ada&received:missing=true"
    before = ada.match_ids(asked)
    put(ada, unread | {"received": NOW})

    assert (before, ada.match_ids(asked)) == (["q1"], [])


def test_the_patient_s_own_messages_are_never_unread(ada):
    create_message(ada, create_thread(ada))
    assert ada.match_ids("/Communication?recipient=Patient/ada&received:missing=true") == []


def test_marking_it_as_it_was_marked_changes_nothing(ada, unread):
    first = put(ada, unread | {"received": NOW})
    again = put(ada, first.json)

    assert (again.status_code, again.json) == (200, first.json)


@pytest.mark.parametrize(
    "changes",
    [
        {"payload": [{"contentString": "All is well."}]},
        {"received": NOW, "payload": [{"contentString": "All is well."}]},
        {"received": NOW, "status": "entered-in-error"},
        {"received": NOW, "note": [{"text": "Read."}]},
        {"recipient": [ref("PractitionerRole/gp")]},
        {"sent": NOW},
    ],
)
def test_nothing_else_may_change(slow_portal, ada, unread, changes):
    refused = put(ada, unread | changes)

    assert issue(refused) == (422, "business-rule", "")
    assert slow_portal.store.get("Communication", "q1") == unread


def test_when_a_message_was_read_does_not_change(ada, unread):
    read = put(ada, unread | {"received": NOW}).json
    sent = read | {"received": "2027-03-02T12:30:00+01:00"}

    assert issue(put(ada, sent)) == (422, "business-rule", "")
    assert ada.read_json("/Communication/q1")["received"] == NOW


def test_a_message_can_be_marked_unread_again_and_tagged(ada, unread):
    read = put(ada, unread | {"received": NOW}).json
    tag = {"system": "urn:example", "code": "seen"}
    sent = {name: each for name, each in read.items() if name != "received"}

    tagged = put(ada, sent | {"meta": read["meta"] | {"tag": [tag]}}).json
    plain = put(ada, tagged | {"meta": read["meta"]}).json

    assert "received" not in tagged
    assert tagged["meta"]["tag"] == [tag]
    assert "tag" not in plain["meta"]


def test_a_message_that_has_changed_meanwhile_must_be_read_again(ada, unread):
    put(ada, unread | {"received": NOW})
    stale = put(ada, unread | {"received": NOW}, If_Match='W/"1"')
    assert issue(stale) == (412, "conflict", "")


def test_one_s_own_message_can_t_be_marked(ada):
    own = create_message(ada, create_thread(ada))
    assert issue(put(ada, own | {"received": NOW})) == (403, "forbidden", "")


def test_another_s_message_is_not_there(slow_portal, unread):
    bo = slow_portal.sign_in("bo")

    assert issue(put(bo, unread | {"received": NOW})) == (405, "not-supported", "")
    assert issue(bo.get("/Communication/q1")) == (404, "not-found", "")
    assert bo.match_ids("/Communication") == []


@pytest.mark.parametrize("received", ["yesterday", "2027-02-30", True, ""])
def test_a_time_that_is_none_is_refused(ada, unread, received):
    assert issue(put(ada, unread | {"received": received})) == (422, "value", "")


def test_who_acts_for_a_child_marks_what_is_addressed_to_the_child(slow_portal):
    related = {"resourceType": "RelatedPerson", "id": "mum", "patient": ref("Patient/emil")}
    slow_portal.store.put_all([patient("emil", "Li", "11841900300"), consent("emil"), related])
    mum = slow_portal.sign_in("emil", user="RelatedPerson/mum")
    slow_portal.store.put(surgery_message("Communication/none", "q2", who="emil"))

    marked = put(mum, mum.read_json("/Communication/q2") | {"received": NOW})

    assert (marked.status_code, marked.json["received"]) == (200, NOW)
