from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from gpcli.care import inbox
from gpcli.care.confirmation import Agreement, Outcome, confirm_and_send
from gpcli.care.inbox import (
    ThreadFilters,
    check_name_filter,
    choose_thread,
    describe_reply,
    describe_undecided,
    fetch_reply_facts,
    find_threads,
    parse_thread_kind,
    select_attachments,
    withdrawn_attachments,
)
from gpcli.care.message import RECEPTION
from gpcli.errors import AlreadyAnswered, Conflict, InputNeeded, InvalidUsage, NotFound
from gpcli.model.service import Limits, ServiceName
from gpcli.model.thread import Attachment, Conversation, Draft, ReplyFacts, ThreadKind
from tests.care.builders import BERG, DAHL, INTENT, ON_BEHALF, ScriptedAsker, an_offer, offers
from tests.care.messages import (
    PHOTO,
    WORDS,
    a_conversation,
    a_message,
    a_message_context,
    a_thread,
    an_answer,
    an_attachment,
    mail_portal,
)

ADMINISTRATIVE = ThreadKind.ADMINISTRATIVE
NOTHING = offers()
OPEN = a_conversation()


def threads_of(*threads):
    return [Conversation(each, ()) for each in threads]


MIXED = threads_of(
    a_thread("a"),
    a_thread("b", unread_count=0),
    a_thread("c", kind=ADMINISTRATIVE, surgery_id=DAHL.id),
    a_thread("d", kind="something-new", unread_count=0),
)


@pytest.mark.parametrize(
    ("sought", "shown"),
    [
        ({}, "abcd"),
        ({"unread": True}, "ac"),
        ({"kind": ThreadKind.E_CONSULTATION}, "ab"),
        ({"unread": True, "kind": ADMINISTRATIVE}, "c"),
        ({"gp": "dahl"}, "c"),
        ({"unread": True, "gp": "berg"}, "a"),
        ({"limit": 2}, "ab"),
        ({"limit": 1, "gp": "dahl"}, "c"),
        ({"correspondent": "berg"}, "abcd"),
        ({"correspondent": " LEGESENTER"}, "abcd"),
        ({"correspondent": "dahl"}, ""),
        ({"since": date(2026, 11, 30)}, "abcd"),
        ({"since": date(2026, 12, 1)}, ""),
    ],
)
def test_the_list_keeps_what_is_asked_for_in_the_portals_order(sought, shown):
    portal = mail_portal(offers(surgeries=(BERG, DAHL)), *MIXED)
    found = find_threads(portal, ThreadFilters(**sought))
    assert "".join(one.id for one in found.threads) == shown


def test_the_day_of_a_thread_is_the_surgerys_and_that_of_its_newest_message():
    late = replace(a_thread("late"), last=datetime(2026, 11, 30, 23, 30, tzinfo=UTC))
    portal = mail_portal(NOTHING, *threads_of(late, a_thread("never", last=None)))
    found = find_threads(portal, ThreadFilters(since=date(2026, 12, 1)))
    assert [one.id for one in found.threads] == ["late"]


@pytest.mark.parametrize(
    ("sought", "unknown"),
    [
        ({"since": date(2026, 11, 1)}, {"last": None}),
        ({"correspondent": "berg"}, {"practitioner": None, "surgery": None}),
        ({"gp": "berg"}, {"surgery_id": None}),
        ({"unread": True}, {"unread_count": None}),
        ({"kind": ThreadKind.E_CONSULTATION}, {"kind": None}),
        ({"kind": ThreadKind.E_CONSULTATION}, {"kind": "Letter"}),
    ],
)
def test_a_thread_that_tells_too_little_for_a_filter_is_named(sought, unknown):
    vague = a_thread("vague", **unknown)
    portal = mail_portal(offers(surgeries=(BERG, DAHL)), *threads_of(a_thread("a"), vague))
    found = find_threads(portal, ThreadFilters(**sought))
    assert ([one.id for one in found.threads], found.undecided) == (["a"], (vague,))
    assert "asked for: vague." in describe_undecided(found.undecided)


def test_a_thread_that_fails_one_filter_is_not_named_for_another():
    vague = a_thread("vague", unread_count=None)
    filters = ThreadFilters(unread=True, kind=ADMINISTRATIVE)
    found = find_threads(mail_portal(NOTHING, *threads_of(vague)), filters)
    assert (found.threads, found.undecided) == ((), ())


@pytest.mark.parametrize(
    ("last_date", "decided"), [("2026-11-30", True), ("2026-11-29", False), ("2026-11", None)]
)
def test_a_day_is_enough_for_a_filter_by_day(last_date, decided):
    thread = a_thread(last=None, last_date=last_date)
    assert ThreadFilters(since=date(2026, 11, 30)).matches(thread) is decided


def test_of_many_threads_that_tell_too_little_a_few_are_named():
    words = describe_undecided([a_thread(f"t-{number}") for number in range(8)])
    assert "t-4 and 3 more." in words


def test_a_name_to_look_for_is_not_empty():
    assert (check_name_filter(None), check_name_filter("Berg")) == (None, "Berg")
    with pytest.raises(InvalidUsage, match="--with"):
        check_name_filter(" ")


def test_a_gp_of_another_name_is_not_found():
    with pytest.raises(NotFound):
        find_threads(mail_portal(NOTHING), ThreadFilters(gp="nobody"))


def test_kinds_have_their_words():
    assert [parse_thread_kind(each) for each in ThreadKind] == list(ThreadKind)


@pytest.mark.parametrize("word", ["", "econsult", "E-CONSULTATION"])
def test_another_word_is_no_kind(word):
    with pytest.raises(InvalidUsage) as refused:
        parse_thread_kind(word)
    assert refused.value.hint == "The kinds are e-consultation, administrative."


def test_a_thread_is_picked_from_a_list_where_none_is_named():
    portal, asker = mail_portal(NOTHING, *MIXED), ScriptedAsker(["b"])
    assert choose_thread(portal.mailbox, None, asker, lambda one: f"the {one.id}") == "b"
    choices = (("a", "the a"), ("b", "the b"), ("c", "the c"), ("d", "the d"))
    assert asker.questions == [("Which thread?", "THREAD", choices)]


def test_only_what_fits_is_there_to_pick_from():
    asker = ScriptedAsker(["a"])
    choose_thread(
        mail_portal(NOTHING, *MIXED).mailbox, None, asker, str, lambda one: one.unread_count > 0
    )
    [(_, _, choices)] = asker.questions
    assert [identity for identity, _ in choices] == ["a", "c"]


def test_of_many_threads_all_are_there_to_pick_from():
    many = threads_of(*(a_thread(f"t-{number}") for number in range(500)))
    asker = ScriptedAsker(["t-0"])
    choose_thread(mail_portal(NOTHING, *many).mailbox, None, asker, str)
    [(question, _, choices)] = asker.questions
    assert (question, len(choices)) == ("Which thread?", 500)


@pytest.mark.parametrize(
    ("unread", "default"),
    [((0, 2, 0), ["b"]), ((1, 2, 0), []), ((0, 0, 0), []), ((None, 0, 0), [])],
)
def test_the_only_thread_with_something_unread_is_the_one_that_enter_takes(unread, default):
    threads = (
        a_thread(identity, unread_count=count)
        for identity, count in zip("abc", unread, strict=True)
    )
    asker = ScriptedAsker(["a"])
    choose_thread(mail_portal(NOTHING, *threads_of(*threads)).mailbox, None, asker, str)
    [(_, _, _, *taken)] = asker.questions
    assert taken == default


def test_a_thread_that_is_named_is_taken():
    assert choose_thread(mail_portal(NOTHING).mailbox, "x", ScriptedAsker(), str) == "x"


@pytest.mark.parametrize(
    ("named", "asker", "there"),
    [
        (None, ScriptedAsker(), MIXED),
        ("", ScriptedAsker(["a"]), MIXED),
        (None, ScriptedAsker(["a"]), []),
    ],
)
def test_without_a_thread_to_choose_it_is_asked_for(named, asker, there):
    with pytest.raises(InputNeeded):
        choose_thread(mail_portal(NOTHING, *there).mailbox, named, asker, str)


def reply(portal, draft=None, lookup=None, asker=None):
    facts = inbox.fetch_reply_facts(portal, "thr-1", lookup)
    return inbox.propose_reply(
        a_message_context(portal, asker), facts, draft or Draft(WORDS), INTENT
    )


def test_the_plan_of_a_reply_says_where_it_goes_and_for_whom():
    decision = reply(mail_portal(NOTHING, OPEN, parties=ON_BEHALF), Draft(WORDS, (PHOTO,)))

    assert (decision.action, decision.rows, decision.warnings, decision.charge) == (
        "Reply",
        (
            ("Thread", "Rash (thr-1)"),
            ("To", "Kari Berg, Nordby legesenter"),
            ("For", "Ada Nordmann"),
            ("By", "Guro Holm"),
            ("Message", "38 characters"),
            ("Attachment", "rash.jpg (image/jpeg, 9 bytes)"),
        ),
        (),
        None,
    )


def test_a_rehearsed_reply_is_the_message_before_it_is_sent():
    decision = reply(mail_portal(NOTHING, OPEN, parties=ON_BEHALF), Draft(WORDS, (PHOTO,)))

    file = Attachment("1", PHOTO.name, PHOTO.content_type, 9, PHOTO.content)
    assert decision.preview == a_message(
        None,
        sent=None,
        sender="Guro Holm",
        attachments=(file,),
        in_response_to="msg-2",
        status="preparation",
    )


def test_a_reply_is_sent_once_whatever_is_offered_now():
    portal = mail_portal(NOTHING, OPEN)
    confirm_and_send(reply(portal), Agreement(yes=True), ScriptedAsker(), lambda _: None)
    assert portal.sent == [("send_reply", "thr-1", Draft(WORDS), INTENT)]


def test_a_reply_to_the_reception_warns_of_medical_questions():
    decision = reply(mail_portal(NOTHING, a_conversation(kind=ADMINISTRATIVE)))
    assert decision.warnings == (RECEPTION,)


def test_a_thread_without_a_subject_or_a_name_is_named_by_its_id():
    bare = a_conversation(subject=None, practitioner=None, surgery=None)
    facts = ReplyFacts(NOTHING, bare, None)
    assert dict(reply(mail_portal(NOTHING, bare)).rows)["Thread"] == "thr-1"
    assert describe_reply(facts) == ("Thread: thr-1",)


def test_who_writes_is_told_to_whom_and_about_what():
    assert describe_reply(ReplyFacts(NOTHING, OPEN, None)) == (
        "To: Kari Berg, Nordby legesenter",
        "Subject: Rash",
    )
    limited = offers(an_offer(ServiceName.E_CONSULTATION, limits=Limits(text=500)))
    assert describe_reply(ReplyFacts(limited, OPEN, None))[2:] == (
        "The surgery takes 500 characters at most.",
    )


@pytest.mark.parametrize(
    ("kind", "status", "why", "message", "hint"),
    [
        (
            ThreadKind.E_CONSULTATION,
            "not-done",
            "Please book a visit.",
            "The surgery has closed thread thr-1.",
            "gpcli messages show thr-1 may say why; gpcli econsult start begins a new one.",
        ),
        (
            ADMINISTRATIVE,
            "completed",
            None,
            "The surgery has closed thread thr-1.",
            "gpcli messages show thr-1 may say why; gpcli contact begins a new one.",
        ),
        (
            "Letter",
            "stopped",
            None,
            "Thread thr-1 takes no reply: its status is stopped.",
            "gpcli contact and gpcli econsult start begin a new one.",
        ),
    ],
)
def test_a_closed_thread_takes_no_reply_and_why_stands_in_no_error(
    kind, status, why, message, hint
):
    portal = mail_portal(NOTHING, a_conversation(kind=kind, status=status, closed_because=why))
    with pytest.raises(AlreadyAnswered) as refused:
        reply(portal)
    assert (refused.value.message, refused.value.hint, portal.sent) == (message, hint, [])


def test_a_thread_that_is_not_there_takes_no_reply():
    with pytest.raises(NotFound, match="no thread 'thr-1'"):
        reply(mail_portal(NOTHING))


def test_the_same_reply_again_is_done_already_even_in_a_thread_that_is_closed_by_now():
    before = a_message("msg-3", attachments=(an_attachment(),))
    for there in (OPEN, a_conversation(status="completed")):
        portal = mail_portal(NOTHING, there, sent_before=before)
        decision = reply(portal, Draft(WORDS, (PHOTO,)), lookup=INTENT)
        assert decision == Outcome(before, changed=False)


@pytest.mark.parametrize(
    "before", [a_message("msg-3", text="Another"), a_message("msg-3", thread_id="thr-2")]
)
def test_the_same_request_id_for_another_reply_is_a_conflict(before):
    portal = mail_portal(NOTHING, OPEN, sent_before=before)
    with pytest.raises(Conflict, match="message msg-3"):
        reply(portal, lookup=INTENT)
    assert portal.sent == []


@pytest.mark.parametrize(
    ("offer", "held"),
    [
        (an_offer(ServiceName.E_CONSULTATION, limits=Limits(text=5)), True),
        (an_offer(ServiceName.E_CONSULTATION, DAHL, limits=Limits(text=5)), False),
        (an_offer(ServiceName.CONTACT, limits=Limits(text=5)), False),
    ],
)
def test_a_reply_is_held_to_the_limits_of_its_own_service(offer, held):
    portal = mail_portal(offers(offer), OPEN)
    if not held:
        assert reply(portal).action == "Reply"
        return
    with pytest.raises(InvalidUsage, match="the surgery takes 5"):
        reply(portal)


FILES = a_conversation(
    a_message(attachments=(an_attachment(identity="m-1.1"), an_attachment(identity="m-1.2"))),
    an_answer(attachments=(an_attachment(identity="m-2.1"),)),
)


@pytest.mark.parametrize(
    ("ids", "found"),
    [
        ([], ["m-1.1", "m-1.2", "m-2.1"]),
        (["m-2.1"], ["m-2.1"]),
        (["m-2.1", "m-1.1", "m-2.1"], ["m-2.1", "m-1.1"]),
    ],
)
def test_attachments_are_named_by_id_or_all_meant(ids, found):
    assert [each.id for each in select_attachments(FILES, ids)] == found


@pytest.mark.parametrize(
    ("there", "hint"),
    [(FILES, "What is attached: m-1.1, m-1.2, m-2.1."), (OPEN, "Nothing is attached.")],
)
def test_what_is_not_attached_is_not_found(there, hint):
    with pytest.raises(NotFound) as refused:
        select_attachments(there, ["m-9.1"])
    assert (refused.value.message, refused.value.hint) == (
        "Nothing called 'm-9.1' is attached to this thread.",
        hint,
    )


def test_a_message_that_the_portal_tidied_up_is_still_the_same():
    tidied = replace(a_message("msg-3"), text=" ".join(WORDS.split()))
    portal = mail_portal(NOTHING, OPEN, sent_before=tidied)
    assert reply(portal, lookup=INTENT) == Outcome(tidied, changed=False)


WITHDRAWN = "entered-in-error"


def test_a_thread_that_was_withdrawn_takes_no_reply():
    portal = mail_portal(NOTHING, a_conversation(status=WITHDRAWN))
    with pytest.raises(AlreadyAnswered, match="was withdrawn") as refused:
        fetch_reply_facts(portal, "thr-1", None)
    assert "gpcli contact" in refused.value.hint


def test_a_message_that_was_withdrawn_takes_no_reply_and_its_thread_does():
    talk = a_conversation(a_message(), an_answer("wrong", status=WITHDRAWN))
    portal = mail_portal(NOTHING, talk)
    with pytest.raises(AlreadyAnswered, match="Message wrong was withdrawn"):
        fetch_reply_facts(portal, "wrong", None)
    assert fetch_reply_facts(portal, "thr-1", None).conversation == talk


def test_a_file_that_was_withdrawn_is_not_among_those_to_save():
    good, wrong = an_attachment(), replace(an_attachment(identity="msg-1.2"), status=WITHDRAWN)
    talk = a_conversation(a_message(attachments=(good, wrong)))
    assert select_attachments(talk, ()) == [good]
    assert withdrawn_attachments(talk) == [wrong]
    with pytest.raises(NotFound, match=r"msg-1\.2 was withdrawn"):
        select_attachments(talk, ["msg-1.2"])
