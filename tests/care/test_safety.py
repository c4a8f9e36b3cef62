import pytest

from gpcli.care.message import check_can_wait, emergency_notice
from gpcli.errors import Declined
from tests.care.builders import ScriptedAsker

NORWAY = {"acute": "113", "urgent": "116 117"}


@pytest.mark.parametrize(
    ("numbers", "words"),
    [
        (
            NORWAY,
            "Not for emergencies: call 113. "
            "If it can't wait and the surgery is closed: call 116 117.",
        ),
        ({"acute": "112", "urgent": ""}, "Not for emergencies: call 112."),
        ({"acute": "112"}, "Not for emergencies: call 112."),
    ],
)
def test_the_numbers_to_call_are_the_profiles(numbers, words):
    assert emergency_notice(numbers) == words


def test_what_can_wait_goes_on():
    asker = ScriptedAsker([True])
    assert check_can_wait(asker, NORWAY) is None
    assert asker.questions == [("Can it wait for an answer?", "--can-wait")]


def test_where_there_is_nobody_nobody_is_asked():
    asker = ScriptedAsker()
    assert check_can_wait(asker, NORWAY) is None
    assert asker.questions == []


@pytest.mark.parametrize(
    ("numbers", "number"), [(NORWAY, "116 117"), ({"acute": "112", "urgent": ""}, "112")]
)
def test_what_cannot_wait_is_not_sent_and_the_number_is_named(numbers, number):
    with pytest.raises(Declined) as refused:
        check_can_wait(ScriptedAsker([False]), numbers)
    assert (refused.value.message, refused.value.hint) == (
        "Nothing was sent.",
        f"Call the surgery; where it is closed, {number}.",
    )
