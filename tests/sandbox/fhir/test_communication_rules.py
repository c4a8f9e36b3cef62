"""Test creating threads and messages."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.sandbox.fhir.portal import NOON, concept, consent, issue, patient, ref, role, service
from tests.sandbox.fhir.request_builders import (
    create_message,
    create_thread,
    created,
    message,
    surgery_message,
    thread_header,
    written_services,
)

CHILD = "RelatedPerson/mum"


def post(ask, resource):
    return ask("POST", "/Communication", resource)


def communications(portal):
    return portal.store.find("Communication")


def without(resource, *names):
    return {name: each for name, each in resource.items() if name not in names}


def test_a_thread_is_stored_as_it_was_sent(slow_portal, ada):
    answer = post(ada, thread_header())

    assert without(created(answer), "id", "meta") == thread_header()
    assert slow_portal.store.execute("SELECT * FROM waiting") == []


def test_its_first_message_waits_for_the_surgery(slow_portal, ada):
    thread = create_thread(ada)
    answer = post(ada, message(thread))

    assert without(created(answer), "id", "meta") == message(thread)
    assert [row[0] for row in slow_portal.store.execute("SELECT reference FROM waiting")] == [
        f"Communication/{answer.json['id']}"
    ]


def test_who_names_no_time_is_given_the_portal_s(ada):
    sent = created(post(ada, without(thread_header(), "sent")))["sent"]
    assert sent.startswith(NOON.isoformat()[:16])


@pytest.mark.parametrize(
    ("changes", "where"),
    [
        ({"status": "completed"}, "status"),
        ({"topic": {"text": "\u00a0"}}, "topic"),
        ({"topic": concept("x", "urn:x")}, "topic"),
        ({"payload": [{"contentString": "I cough."}]}, "payload"),
        ({"received": "2027-03-01T12:00:00+01:00"}, "received"),
        ({"category": [concept("poetry", "urn:gpcli:thread")]}, "category"),
        ({"category": [concept("e-consultation", "urn:x")]}, "category"),
        ({"recipient": [ref("PractitionerRole/gp")] * 2}, "recipient"),
    ],
)
def test_a_header_of_another_form_is_refused(slow_portal, ada, changes, where):
    answer = post(ada, thread_header(**changes))

    assert issue(answer) == (422, "business-rule", "")
    assert answer.json["issue"][0]["expression"] == [f"Communication.{where}"]
    assert communications(slow_portal) == []


@pytest.mark.parametrize("name", ["category", "recipient", "topic"])
def test_a_header_needs_its_parts(ada, name):
    assert issue(post(ada, without(thread_header(), name))) == (422, "business-rule", "")


def test_a_kind_of_each_at_once_is_no_kind(ada):
    both = [concept(each, "urn:gpcli:thread") for each in ("administrative", "e-consultation")]
    assert issue(post(ada, thread_header(category=both))) == (422, "business-rule", "")


@pytest.mark.parametrize(
    "changes",
    [
        {"sender": ref("Patient/bo")},
        {"subject": ref("Patient/bo")},
        {"sender": ref("PractitionerRole/gp")},
        {"recipient": [ref("PractitionerRole/other")]},
        {"recipient": [ref("Organization/solbakken")]},
        {"recipient": [ref("Patient/ada")]},
    ],
)
def test_nobody_writes_in_another_s_name_or_to_another_s_gp(slow_portal, ada, changes):
    slow_portal.store.put(role("e-consultation", id_="other"))

    assert issue(post(ada, thread_header(**changes))) == (403, "forbidden", "")
    assert communications(slow_portal) == []


@pytest.mark.parametrize("name", ["sender", "subject"])
def test_who_writes_and_about_whom_must_be_said(ada, name):
    assert issue(post(ada, without(thread_header(), name))) == (403, "forbidden", "")


@pytest.mark.parametrize("recipient", ["PractitionerRole/gp", "Organization/solbakken"])
def test_the_reception_is_reached_through_the_gp_or_the_surgery(ada, recipient):
    created(post(ada, thread_header("administrative", recipient=[ref(recipient)])))


def test_what_the_gp_does_not_offer_is_off(slow_portal, ada):
    slow_portal.store.put(role("contact"))
    assert issue(post(ada, thread_header())) == (403, "forbidden", "service-off")
    created(post(ada, thread_header("administrative")))


def test_a_service_can_be_switched_off_and_on_while_the_portal_runs(slow_portal, ada):
    leave = {"description": "Leave", "during": {"start": "2027-02-28", "end": "2027-03-02"}}
    slow_portal.store.put(service("e-consultation", notAvailable=[leave]))
    off = post(ada, thread_header())
    slow_portal.store.put(service("e-consultation"))
    on = post(ada, thread_header())

    assert issue(off) == (403, "forbidden", "service-off")
    assert on.status_code == 201


def test_an_e_consultation_by_telephone_only_is_not_for_writing(slow_portal, ada):
    by_phone = [concept("phone", "urn:gpcli:channel")]
    slow_portal.store.put(service("e-consultation", characteristic=by_phone))
    assert issue(post(ada, thread_header())) == (422, "business-rule", "")


@pytest.mark.parametrize("by", [["text"], ["phone", "text"]])
def test_one_that_names_text_among_its_channels_is(slow_portal, ada, by):
    named = [concept(each, "urn:gpcli:channel") for each in by]
    slow_portal.store.put(service("e-consultation", characteristic=named))
    created(post(ada, thread_header()))


@pytest.mark.parametrize(
    ("changes", "where"),
    [
        ({"status": "in-progress"}, "status"),
        ({"payload": [{"contentAttachment": {"url": "x", "title": "y"}}]}, None),
        ({"received": "2027-03-01T12:00:00+01:00"}, "received"),
        ({"category": [concept("administrative", "urn:gpcli:thread")]}, "partOf"),
    ],
)
def test_a_message_of_another_form_is_refused(slow_portal, ada, changes, where):
    thread = create_thread(ada)

    answer = post(ada, message(thread, **changes))

    assert answer.status_code == 422
    assert where is None or answer.json["issue"][0]["expression"] == [f"Communication.{where}"]
    assert len(communications(slow_portal)) == 1


def test_a_message_without_words_is_refused(ada):
    assert issue(post(ada, without(message(create_thread(ada)), "payload"))) == (
        422,
        "business-rule",
        "",
    )


def test_a_payload_has_one_content(ada):
    empty = post(ada, message(create_thread(ada), payload=[{"extension": [{"url": "urn:x"}]}]))
    assert issue(empty) == (422, "required", "")


def test_a_message_can_t_be_part_of_a_message(ada):
    thread = create_thread(ada)
    first = create_message(ada, thread)
    nested = post(ada, message(f"Communication/{first['id']}"))
    assert issue(nested) == (422, "business-rule", "")


def test_a_message_is_part_of_one_thread(ada):
    two = [ref(create_thread(ada)), ref(create_thread(ada))]
    assert issue(post(ada, message("", partOf=two))) == (422, "business-rule", "")


@pytest.mark.parametrize("thread", ["Communication/none", "Communication/of-bo"])
def test_a_thread_that_is_not_the_patient_s_is_not_found(slow_portal, ada, thread):
    slow_portal.store.put(thread_header(who="bo") | {"id": "of-bo"})

    assert issue(post(ada, message(thread))) == (404, "not-found", "")
    assert len(communications(slow_portal)) == 1


def test_a_reply_names_what_it_answers(slow_portal, ada):
    thread = create_thread(ada)
    slow_portal.store.put(surgery_message(thread, "q1"))

    reply = create_message(ada, thread, "A week.", inResponseTo=[ref("Communication/q1")])

    assert reply["inResponseTo"] == [ref("Communication/q1")]


def test_a_reply_can_be_addressed_to_who_wrote(slow_portal, ada):
    thread = create_thread(ada, kind="administrative")
    reception = ref("Organization/solbakken")
    question = surgery_message(thread, "q1", kind="administrative") | {"sender": reception}
    slow_portal.store.put(question)

    create_message(ada, thread, "Thursday.", kind="administrative", recipient=[reception])


@pytest.mark.parametrize("to", [[], [ref("Patient/ada")], [ref("Organization/solbakken")]])
def test_a_message_goes_only_to_those_in_the_thread(ada, to):
    sent = message(create_thread(ada)) | {"recipient": to}
    sent = sent if to else without(sent, "recipient")
    assert issue(post(ada, sent)) == (403, "forbidden", "")


def test_a_reply_to_a_message_of_another_thread_is_refused(slow_portal, ada):
    slow_portal.store.put(surgery_message(create_thread(ada), "q1"))
    astray = post(ada, message(create_thread(ada), inResponseTo=[ref("Communication/q1")]))
    assert issue(astray) == (422, "business-rule", "")


@pytest.mark.parametrize("status", ["completed", "stopped", "not-done", "entered-in-error"])
def test_a_closed_thread_takes_no_more(slow_portal, ada, status):
    slow_portal.store.put(thread_header(status=status) | {"id": "closed"})
    refused = post(ada, message("Communication/closed"))
    assert issue(refused) == (422, "business-rule", "already-answered")


@pytest.mark.parametrize("status", ["in-progress", "on-hold", "preparation", "unknown"])
def test_any_other_thread_does(slow_portal, ada, status):
    slow_portal.store.put(thread_header(status=status) | {"id": "open"})
    create_message(ada, "Communication/open")


def test_what_is_under_way_goes_on_whatever_the_gp_offers_now(slow_portal, ada):
    thread = create_thread(ada)
    create_message(ada, thread)
    slow_portal.store.put(role("booking"))

    create_message(ada, thread, "And I have a fever.")


def test_an_answer_that_closes_the_thread_while_one_writes_is_met_with_already_answered(
    slow_portal, ada
):
    thread = create_thread(ada)
    create_message(ada, thread, "Only this, please close.")
    slow_portal.clock.advance(slow_portal.surgery.delay)

    refused = post(ada, message(thread, "One more thing."))

    assert issue(refused) == (422, "business-rule", "already-answered")


def test_two_replies_at_once_are_both_in_the_thread(slow_portal):
    askers = [slow_portal.sign_in("ada"), slow_portal.sign_in("ada")]
    thread = create_thread(askers[0])

    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(lambda ask: post(ask, message(thread)), askers))

    assert [each.status_code for each in answers] == [201, 201]
    assert len(slow_portal.store.find("Communication", part_of=thread)) == 2


def test_of_two_replies_at_once_only_one_gets_into_a_thread_that_the_first_closes(portal):
    portal.store.put_all(written_services())
    askers = [portal.sign_in("ada"), portal.sign_in("ada")]
    thread = create_thread(askers[0])

    with ThreadPoolExecutor(2) as pool:
        closing = message(thread, "please close")
        answers = list(pool.map(lambda ask: post(ask, closing), askers))

    assert sorted(each.status_code for each in answers) == [201, 422]
    assert len(portal.store.find("Communication", part_of=thread)) == 2


@pytest.mark.parametrize("status", ["stopped", "entered-in-error", "completed"])
def test_a_thread_can_t_be_withdrawn(slow_portal, ada, status):
    header = created(post(ada, thread_header()))
    changed = ada("PUT", f"/Communication/{header['id']}", header | {"status": status})
    assert issue(changed) == (422, "business-rule", "")


def test_consent_to_full_access_is_needed(slow_portal, ada):
    slow_portal.store.delete("Consent", "ada-full-access")
    slow_portal.store.put(consent("ada", "basic"))
    assert issue(post(ada, thread_header())) == (403, "forbidden", "consent-needed")
    assert issue(ada.get("/Communication")) == (403, "forbidden", "consent-needed")


def test_the_sign_in_must_let_the_app_write(slow_portal):
    reader = slow_portal.sign_in("ada", "patient/Communication.rs")
    assert issue(post(reader, thread_header())) == (403, "forbidden", "")
    assert reader.get("/Communication").status_code == 200


@pytest.fixture
def for_emil(slow_portal):
    """Mum's app, at Emil's record."""
    related = {"resourceType": "RelatedPerson", "id": "mum", "patient": ref("Patient/emil")}
    slow_portal.store.put_all([patient("emil", "Li", "11841900300"), consent("emil"), related])
    return slow_portal.sign_in("emil", user=CHILD)


def test_who_acts_for_a_child_signs_with_their_own_name(for_emil):
    created(post(for_emil, thread_header(who="emil", sender=ref(CHILD))))
    in_the_child_s_name = post(for_emil, thread_header(who="emil"))
    assert issue(in_the_child_s_name) == (403, "forbidden", "")


@pytest.mark.parametrize("ahead", ["2027-03-01T12:06:00+01:00", "2027-03-02", "2030"])
@pytest.mark.parametrize("kind", ["thread", "message"])
def test_nothing_was_sent_in_the_future(slow_portal, ada, kind, ahead):
    before = create_thread(ada) if kind == "message" else None
    resource = message(before, sent=ahead) if before else thread_header(sent=ahead)

    answer = post(ada, resource)

    assert issue(answer) == (422, "business-rule", "")
    assert answer.json["issue"][0]["expression"] == ["Communication.sent"]
    assert len(communications(slow_portal)) == (1 if before else 0)


@pytest.mark.parametrize("sent", ["2027-03-01T12:04:00+01:00", "2027-03-01", "2026"])
def test_clocks_may_differ_by_some_minutes(ada, sent):
    assert created(post(ada, thread_header(sent=sent)))["sent"] == sent
