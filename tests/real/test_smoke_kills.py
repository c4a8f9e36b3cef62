"""`gpcli smoke --write` that is killed in the middle: the next run leaves nothing behind."""

from __future__ import annotations

import os
import random
import threading
from datetime import timedelta
from pathlib import Path

from gpcli.sandbox.server import Sandbox
from tests.journeys.process import as_person, gpcli, start_gpcli, wait_for_end
from tests.journeys.test_smoke_writing import alive, unlabelled, wait_for_something_alive

KILLS = int(os.environ.get("GPCLI_TEST_KILLS", "12"))
"""How often; each time at another moment."""

SLOWED = ("POST Appointment: delay=200ms", "POST Task: delay=200ms", "PUT *: delay=200ms")
"""What keeps a run long enough between two steps to be killed there."""


def test_what_killed_runs_leave_is_undone_by_the_next(tmp_path: Path):
    moments = random.Random(7)  # noqa: S311 - moments that repeat
    pause = threading.Event()
    with Sandbox(delay=timedelta(days=1)) as sandbox:
        before = unlabelled(sandbox)
        env = as_person(sandbox, tmp_path, "ada")
        undone = caught = 0
        for _ in range(KILLS):
            for rule in SLOWED:
                sandbox.add_fault(rule)
            process = start_gpcli("smoke", "--write", "--checks", "write", env=env)
            wait_for_something_alive(sandbox)
            pause.wait(moments.uniform(0, 1.0))
            process.kill()
            wait_for_end(process)
            sandbox.clear_faults()
            caught += bool(alive(sandbox))
            following = gpcli("smoke", "--write", "--checks", "leftovers", "--json", env=env)
            assert (following.code, following.json["left"]) == (0, [])
            undone += following.json["undone"]
            assert alive(sandbox) == []
            assert unlabelled(sandbox) == before
        outbox = gpcli("outbox", "list", "--json", env=env)
    assert caught
    assert undone  # what a killed run had asked for may still have been cancelled by the portal
    assert outbox.json == []
