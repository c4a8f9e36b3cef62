"""What a late cancellation costs is said once it is done, where somebody told it."""

import pytest

from gpcli.care.confirmation import Outcome, Proposal
from gpcli.cli.result_output import format_late_fee
from gpcli.model.service import Charge
from gpcli.render.phrasing import MARKS
from tests.care.builders import a_price

FEE, RANGE = a_price("449", "449"), a_price("200", "310")


def cancelling(price, *, is_certain=True):
    charge = Charge("Cancelling this late", price, is_certain=is_certain)
    return Proposal("Cancel", (), None, send=pytest.fail, charge=charge)


@pytest.mark.parametrize(
    ("decision", "sentence"),
    [
        (cancelling(FEE), " The surgery charges NOK 449 for cancelling late."),
        (
            cancelling(RANGE),
            " The surgery charges NOK 200–310 for cancelling late.",
        ),
        (
            cancelling(FEE, is_certain=False),
            " The surgery may charge up to NOK 449 for cancelling late.",
        ),
        (cancelling(None), ""),
        (cancelling(a_price("0", "0")), ""),
        (Proposal("Cancel", (), None, send=pytest.fail), ""),
        (Outcome(None, changed=False), ""),
    ],
)
def test_only_a_sum_that_was_told_is_said(decision, sentence):
    assert format_late_fee(decision, MARKS) == sentence
