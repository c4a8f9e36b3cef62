"""One rule says what a person can't see."""

import sys

from gpcli.invisible import is_hidden
from gpcli.render.sanitise import escape_hidden


def test_help_and_completion_leave_out_whatever_the_sanitiser_makes_visible():
    letters = map(chr, range(sys.maxunicode + 1))
    shown = [each for each in letters if escape_hidden(each) != each and not is_hidden(each)]
    assert shown == []
