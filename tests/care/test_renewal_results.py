import pytest

from gpcli.care.renewal_request import RenewalItem, format_result, overall_error
from gpcli.errors import (
    AlreadyAnswered,
    GpcliError,
    NotFound,
    NotOffered,
    OutcomeUnknown,
    Partial,
    RateLimited,
    Rejected,
)
from gpcli.http.network_errors import ConnectionFailed, ResponseTimedOut
from gpcli.model.prescription import RenewalOutcome, RenewalResult, WhyNot
from tests.care.medicines import ASKED_AT, a_prescription, a_renewal

LOST = OutcomeUnknown("No answer came.", hint="Repeat it with --request-id part.")
FOLLOW = "gpcli rx requests shows what is there."


def renewed_item(identity="rx-1"):
    return RenewalItem(identity, a_prescription(identity), renewal=a_renewal(), changed=True)


def failed_item(error: GpcliError, identity="rx-2"):
    return RenewalItem(identity, a_prescription(identity), error=error)


def error_of(*items):
    """The error that lines come to: its kind, message and hint."""
    error = overall_error(items, "req-1")
    assert error is not None
    return type(error), error.message, error.hint


@pytest.mark.parametrize(
    "items", [(), (renewed_item(),), (renewed_item("rx-1"), renewed_item("rx-2"))]
)
def test_where_all_is_fine_there_is_no_error(items):
    assert overall_error(items, "req-1") is None


def test_one_alone_fails_with_its_own_error():
    no = Rejected("It has expired.", hint="Call them.", request_id="r", retry_after=3)

    assert overall_error([failed_item(no)], "req-1") is no


def test_some_that_failed_among_others_are_partial_and_named():
    assert error_of(
        renewed_item("rx-1"), failed_item(Rejected("It has expired.")), renewed_item("rx-3")
    ) == (
        Partial,
        "2 asked for, 1 not asked for. rx-2: It has expired.",
        FOLLOW,
    )


def test_where_all_failed_alike_that_is_the_error_and_each_is_named():
    items = (failed_item(Rejected("Expired."), "rx-1"), failed_item(Rejected("Withdrawn."), "rx-2"))

    assert error_of(*items) == (Rejected, "rx-1: Expired. rx-2: Withdrawn.", "")


def test_errors_of_one_exit_code_are_alike():
    items = (
        failed_item(AlreadyAnswered("Handled.", hint="Look."), "rx-1"),
        failed_item(Rejected("No.")),
    )

    assert error_of(*items) == (AlreadyAnswered, "rx-1: Handled. rx-2: No.", "Look.")


def test_the_longest_wait_and_each_hint_once_stand_for_all():
    items = [
        failed_item(RateLimited("Slower.", hint="Wait.", retry_after=seconds), f"rx-{seconds}")
        for seconds in (4, 9)
    ]
    error = overall_error(items, "req-1")

    assert (error.hint, error.retry_after) == ("Wait.", 9)


def test_where_all_failed_but_not_alike_it_is_partial():
    items = (
        failed_item(NotFound("None such."), "rx-1"),
        failed_item(NotOffered("Not there."), "rx-2"),
    )

    assert error_of(*items) == (
        Partial,
        "2 not asked for. rx-1: None such. rx-2: Not there.",
        FOLLOW,
    )


def item_with_status(status, changed=True, identity="task-1"):
    return RenewalItem("rx-1", renewal=a_renewal(identity, status=status), changed=changed)


@pytest.mark.parametrize(
    ("item", "words"),
    [
        (item_with_status("requested"), "asked for"),
        (item_with_status("in-progress"), "asked for"),
        (item_with_status("completed"), "renewed"),
        (item_with_status("rejected"), "refused"),
        (item_with_status("failed"), "failed"),
        (item_with_status("cancelled", changed=False), "withdrawn before"),
        (item_with_status("accepted", changed=False), "asked for before"),
        (item_with_status("requested", changed=False, identity=None), "not sent"),
        (failed_item(Rejected("No.")), "not asked for"),
    ],
)
def test_each_result_has_its_word(item, words):
    assert format_result(item) == words


def test_a_refusal_by_the_surgery_is_an_answer_and_never_went_well():
    items = (
        failed_item(NotFound("None such.")),
        item_with_status("completed"),
        item_with_status("rejected"),
    )

    assert overall_error(items[2:], "req-1") is None
    assert error_of(*items)[:2] == (
        Partial,
        "1 renewed, 1 refused, 1 not asked for. rx-2: None such.",
    )


def test_an_unknown_outcome_beats_everything_and_names_the_id_that_repeats_it_all():
    items = (renewed_item("rx-1"), failed_item(Rejected("No."), "rx-2"), failed_item(LOST, "rx-3"))

    assert error_of(*items) == (
        OutcomeUnknown,
        "rx-3: No answer came.",
        LOST.hint,
    )
    assert overall_error(items, "req-1").request_id == "req-1"


def test_a_single_unknown_outcome_names_that_id_too():
    assert overall_error([failed_item(LOST)], "req-1").request_id == "req-1"


def test_a_line_is_due_until_there_is_a_request_or_an_error():
    items = (RenewalItem("rx-1"), renewed_item(), failed_item(LOST))

    assert [item.is_due for item in items] == [True, False, False]


def test_a_result_of_a_request_holds_what_the_request_says():
    renewal = a_renewal("task-1", status="rejected", answer="A blood test first.")
    item = RenewalItem("rx-1", a_prescription("rx-1"), warnings=("One.", "Two."))
    item = item.with_outcome(RenewalOutcome(a_prescription("rx-1"), renewal, changed=True))

    assert item.to_result("Europe/Oslo") == RenewalResult(
        prescription_id="rx-1",
        prescription="Metformin 500 mg",
        id="task-1",
        status="rejected",
        asked=ASKED_AT,
        answer="A blood test first.",
        warning="One. Two.",
        error=None,
        zone="Europe/Oslo",
    )


def test_a_result_without_a_prescription_has_every_key_and_the_surgeries_zone():
    item = RenewalItem("rx-9", error=NotFound("None such."))

    assert item.to_result("Europe/Oslo") == RenewalResult(
        prescription_id="rx-9",
        prescription=None,
        id=None,
        status=None,
        asked=None,
        answer=None,
        warning=None,
        error=WhyNot("not_found", "None such.", None),
        zone="Europe/Oslo",
    )


def test_a_request_whose_prescription_is_not_at_hand_still_has_its_name():
    item = RenewalItem("rx-1", renewal=a_renewal())

    assert item.to_result("Europe/Oslo").prescription == "Metformin 500 mg"


def test_what_people_know_a_line_by_is_the_prescription_s_name_or_the_id():
    assert (renewed_item().label, RenewalItem("rx-9").label) == ("Metformin 500 mg", "rx-9")


@pytest.mark.parametrize("kind", [ConnectionFailed, ResponseTimedOut])
def test_none_sent_for_want_of_a_connection_is_that_error_for_all(kind):
    items = [
        failed_item(kind("No network.", sent=False, hint="Later.", trace_id=f"t-{each}"), each)
        for each in ("rx-1", "rx-2")
    ]
    error = overall_error(items, "req-1")

    assert (type(error), str(error), error.message, error.hint, error.trace_id) == (
        kind,
        "rx-1: No network. rx-2: No network.",
        "rx-1: No network. rx-2: No network.",
        "Later.",
        "t-rx-1",
    )
    assert [item.error.message for item in items] == ["No network.", "No network."]
