"""Test transactions that create a thread's header and its first message."""

import pytest

from tests.sandbox.fhir.portal import identifier, issue, ref
from tests.sandbox.fhir.request_builders import (
    HEADER,
    MESSAGE,
    REQUEST,
    attachment_payload,
    message,
    prescription,
    renewal,
    thread_header,
    with_attachment,
    written_services,
)


def entry(resource, uuid):
    return {
        "fullUrl": uuid,
        "resource": resource | identifier(uuid),
        "request": {
            "method": "POST",
            "url": resource["resourceType"],
            "ifNoneExist": f"identifier=urn:ietf:rfc:3986|{uuid}",
        },
    }


def send(ask, *entries):
    bundle = {"resourceType": "Bundle", "type": "transaction", "entry": list(entries)}
    return ask("POST", "/", bundle)


def started_with(first):
    return entry(thread_header(), HEADER), entry(first, MESSAGE)


def created(answer):
    return [(each["response"]["status"], each["resource"]) for each in answer.json["entry"]]


def test_the_message_is_part_of_the_header_that_comes_with_it(slow_portal, ada):
    answer = send(ada, *started_with(message(HEADER)))

    (made, header), (also_made, first) = created(answer)
    assert (made, also_made) == ("201 Created", "201 Created")
    assert first["partOf"] == [ref(f"Communication/{header['id']}")]
    assert ada.match_ids(f"/Communication?part-of={header['id']}") == [first["id"]]


def test_the_order_of_the_entries_is_of_no_matter(ada):
    header, first = started_with(message(HEADER))
    (_, made_first), (_, made_header) = created(send(ada, first, header))
    assert made_first["partOf"] == [ref(f"Communication/{made_header['id']}")]


def test_sent_again_it_is_the_thread_that_is_there(slow_portal, ada):
    first = created(send(ada, *started_with(message(HEADER))))
    again = created(send(ada, *started_with(message(HEADER))))

    assert [status for status, _ in again] == ["200 OK", "200 OK"]
    assert [resource for _, resource in again] == [resource for _, resource in first]
    assert len(slow_portal.store.find("Communication")) == 2


def test_a_message_whose_header_is_there_already_is_written_into_it(slow_portal, ada):
    header = created(send(ada, entry(thread_header(), HEADER)))[0][1]

    (status, same), (made, first) = created(send(ada, *started_with(message(HEADER))))

    assert (status, made, same["id"]) == ("200 OK", "201 Created", header["id"])
    assert first["partOf"] == [ref(f"Communication/{header['id']}")]


@pytest.mark.parametrize(
    ("first", "expected"),
    [
        (message(HEADER, "x" * 41), (422, "business-rule", "")),
        (with_attachment(HEADER, attachment_payload(b"x" * 21)), (422, "business-rule", "")),
        (message("Communication/none"), (404, "not-found", "")),
        (message(HEADER, sender=ref("Patient/bo")), (403, "forbidden", "")),
    ],
)
def test_a_message_that_is_refused_undoes_its_header(slow_portal, ada, first, expected):
    answer = send(ada, *started_with(first))

    assert issue(answer) == expected
    assert slow_portal.store.find("Communication") == []
    assert slow_portal.store.execute("SELECT * FROM waiting") == []


def test_an_answer_given_at_once_is_undone_with_the_rest(portal):
    portal.store.put_all([*written_services(), prescription()])
    asked = entry(renewal("none"), REQUEST)

    answer = send(portal.sign_in("ada"), *started_with(message(HEADER)), asked)

    assert issue(answer) == (404, "not-found", "")
    assert portal.store.find("Communication") == []


def test_a_reply_answers_a_message_of_the_same_transaction(ada):
    second = entry(message(HEADER, "Two.", inResponseTo=[ref(MESSAGE)]), REQUEST)
    answered = created(send(ada, *started_with(message(HEADER)), second))
    assert answered[2][1]["inResponseTo"] == [ref(f"Communication/{answered[1][1]['id']}")]


def test_two_requests_for_one_prescription_undo_each_other(slow_portal, ada):
    slow_portal.store.put(prescription())

    answer = send(ada, entry(renewal(), REQUEST), entry(renewal(), MESSAGE))

    assert issue(answer) == (422, "business-rule", "")
    assert slow_portal.store.find("Task") == []


def test_in_a_batch_each_renewal_stands_for_itself(slow_portal, ada):
    slow_portal.store.put_all([prescription(), prescription("rx-2", status="stopped")])
    entries = [entry(renewal(), REQUEST), entry(renewal("rx-2"), MESSAGE)]
    bundle = {"resourceType": "Bundle", "type": "batch", "entry": entries}

    answered = ada("POST", "/", bundle).json["entry"]

    assert [each["response"]["status"] for each in answered] == ["201 Created", "422"]
