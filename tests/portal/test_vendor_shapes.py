"""Commands at portals whose statements have the shape of large vendors' and who keep to these."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from tests.contract.fake_quirks import Quirks
from tests.portal.differing import PATIENT, Portal, portal_in
from tests.portal.statements import NARROW, PATCHING, STAR

NOT_ALLOWED, PARTIAL = 5, 8
SHAPES = {"star": STAR, "patching": PATCHING, "narrow": NARROW}
READING = {
    "gp": {},
    "services": {},
    "slots": {"star": NOT_ALLOWED, "narrow": NOT_ALLOWED},
    "flu": {"star": NOT_ALLOWED, "narrow": NOT_ALLOWED},
    "appointments list": {"narrow": NOT_ALLOWED},
    f"appointments show {PATIENT.visit}": {},
    "messages list": {"patching": PARTIAL, "narrow": NOT_ALLOWED},
    f"messages show {PATIENT.open_thread}": {"patching": PARTIAL, "narrow": NOT_ALLOWED},
    "rx list": {"patching": NOT_ALLOWED},
    "rx requests": dict.fromkeys(SHAPES, NOT_ALLOWED),
    "consent show": {},
    "whoami": {},
}
"""Command -> its exit code at each shape, where that is not 0."""


@pytest.fixture
def portal(tmp_path: Path) -> Portal:
    return partial(portal_in, tmp_path)


@pytest.mark.parametrize("line", READING)
@pytest.mark.parametrize("shape", SHAPES)
def test_no_command_sends_what_is_not_listed_and_each_says_what_there_is(
    portal: Portal, shape: str, line: str
):
    quirks = Quirks(said=SHAPES[shape], batch=shape == "patching", transaction=False)
    differing = portal(quirks)

    ending = differing.shell(f"gpcli {line} --json")

    assert (ending.code, differing.fake.unsaid) == (READING[line].get(shape, 0), [])


def test_a_booking_is_cancelled_by_patch(portal: Portal):
    differing = portal(Quirks(said=PATCHING, patches=True, conditional=False))

    ending = differing.shell(f"gpcli cancel {PATIENT.visit} --yes --json")

    assert (ending.code, ending.json["status"]) == (0, "cancelled")
    assert len(differing.fake.asked("PATCH")) == 1
    assert differing.fake.unsaid == []


def test_where_nothing_can_be_changed_nothing_is_sent(portal: Portal):
    differing = portal(replace(Quirks(), said=STAR, batch=False))

    assert differing.shell(f"gpcli cancel {PATIENT.visit} --yes").code == NOT_ALLOWED
    assert (differing.fake.asked("PUT"), differing.fake.asked("PATCH")) == ([], [])
