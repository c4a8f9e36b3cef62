"""Which checks are made, in which order, and what keeps one from being made."""

from __future__ import annotations

import io
import json
import threading
from datetime import UTC, datetime

import pytest

from gpcli.app_context import AppContext
from gpcli.config.settings import Options
from gpcli.errors import NotFound, TimedOut
from gpcli.fhir.element import Malformed
from gpcli.model.account import Verdict
from gpcli.smoke.check import CheckFailed, Doubtful, NotTried, SmokeCheck, SmokeRun
from gpcli.smoke.runner import SERVICE_COVERAGE, run_checks_in_order
from tests.journeys.shell import PIPED, forbidden


@pytest.fixture
def new_run(tmp_path):
    """`new_run(write="all", skip=["a"])`."""

    def build(write="none", skip=()):
        home = tmp_path / str(len(list(tmp_path.iterdir())))
        home.mkdir()
        (home / "config.toml").write_text(
            "[profiles.p]\nportal = 'http://127.0.0.1:9/fhir'\nenvironment = 'sandbox'\n"
            f"token_command = 'false'\nsmoke.skip = {json.dumps(list(skip))}\n",
            encoding="utf-8",
        )
        streams = (io.StringIO(), io.StringIO(), io.StringIO())
        context = AppContext(
            Options(),
            {"GPCLI_CONFIG_DIR": str(home), "GPCLI_PATIENT": "p1"},
            *streams,
            now=lambda: datetime.now(UTC),
            terminal=PIPED,
            sleep=forbidden,
        )
        return SmokeRun(context, write=write)

    return build


def check(name, run=lambda probe: "fine", *, needs=(), writes="none", tags=("search",)):
    return SmokeCheck(name, run, (), tags, needs, writes)


def raising(error):
    def run(probe):
        raise error

    return run


def outcomes(checks, run, **options):
    """Name, status and words of each report, and the names in the order in which they were told."""
    told = []
    reports = run_checks_in_order(checks, run, told.append, **options)
    assert list(reports) == told
    return [(each.name, each.status.value, each.seen) for each in reports]


@pytest.mark.parametrize("parallel", [1, 2, 8])
def test_what_needs_a_failed_check_is_skipped_and_names_the_first_cause(new_run, parallel):
    checks = [
        check("a", raising(CheckFailed("broken"))),
        check("b", needs=("a",)),
        check("c", needs=("b",)),
        check("d"),
    ]

    assert outcomes(checks, new_run(), parallel=parallel) == [
        ("a", "failed", "broken"),
        ("b", "skipped", "a failed"),
        ("c", "skipped", "a failed"),
        ("d", "ok", "fine"),
    ]


@pytest.mark.parametrize("parallel", [1, 4])
def test_a_skipped_or_doubtful_check_stops_nothing(new_run, parallel):
    checks = [
        check("a", raising(NotTried("not there"))),
        check("b", raising(Doubtful("slow")), needs=("a",)),
        check("c", needs=("a", "b")),
    ]

    assert outcomes(checks, new_run(), parallel=parallel) == [
        ("a", "skipped", "not there"),
        ("b", "warning", "slow"),
        ("c", "ok", "fine"),
    ]


@pytest.mark.parametrize(
    ("error", "seen", "cause"),
    [
        (CheckFailed("broken"), "broken", "contract"),
        (CheckFailed("leaks", "privacy"), "leaks", "privacy"),
        (NotFound("There is no such record."), "There is no such record.", "not_found"),
        (Malformed("x.id is missing"), "what can't be read: x.id is missing", "contract"),
        (
            ZeroDivisionError("secret"),
            "this check broke down (ZeroDivisionError in test_schedule.py:54)",
            "unexpected",
        ),
    ],
)
def test_whatever_a_check_raises_is_its_failure(new_run, error, seen, cause):
    [report] = run_checks_in_order([check("a", raising(error))], new_run(), lambda report: None)

    assert (report.status, report.seen, report.cause) == (Verdict.FAILED, seen, cause)
    assert (report.requests, report.trace_id, report.excerpt) == (0, None, None)


def test_an_interruption_ends_the_run(new_run):
    with pytest.raises(KeyboardInterrupt):
        outcomes([check("a", raising(KeyboardInterrupt()))], new_run())


def test_fail_fast_begins_nothing_after_a_failure(new_run):
    checks = [check("a"), check("b", raising(CheckFailed("broken"))), check("c"), check("d")]
    why = "b failed, and --fail-fast ends the run there"

    assert outcomes(checks, new_run(), fail_fast=True) == [
        ("a", "ok", "fine"),
        ("b", "failed", "broken"),
        ("c", "skipped", why),
        ("d", "skipped", why),
    ]


def test_a_portal_that_no_longer_answers_is_not_asked_on_and_on(new_run):
    silent = raising(TimedOut("No answer came in time."))
    checks = [check("a"), *(check(name, silent) for name in "bcd"), check("e")]

    ended = outcomes(checks, new_run())

    assert [status for _, status, _ in ended] == ["ok", "failed", "failed", "failed", "skipped"]
    assert ended[-1] == ("e", "skipped", "the portal no longer answers")


@pytest.mark.parametrize("parallel", [1, 3])
def test_what_the_profile_leaves_out_is_not_made(new_run, parallel):
    checks = [check("a", raising(CheckFailed("broken"))), check("b", needs=("a",))]

    assert outcomes(checks, new_run(skip=["a"]), parallel=parallel) == [
        ("a", "skipped", "the profile leaves it out"),
        ("b", "ok", "fine"),
    ]


@pytest.mark.parametrize(
    ("write", "made"),
    [("none", []), ("reversible", ["b"]), ("all", ["b", "c"])],
)
def test_only_what_may_be_written_is(new_run, write, made):
    checks = [check("a"), check("b", writes="reversible"), check("c", writes="all")]
    found = outcomes(checks, new_run(write), parallel=2)

    assert [name for name, status, _ in found[1:] if status == "ok"] == made
    assert {why for _, status, why in found if status == "skipped"} <= {
        "it writes, and --write was not given",
        "it writes, and --write=all was not given",
    }


def test_what_writes_comes_after_all_that_reads_and_alone(new_run):
    order, at_work = [], threading.Lock()

    def write(name):
        def run(probe):
            assert at_work.acquire(blocking=False), "two that write at the same time"
            order.append(name)
            at_work.release()
            return "fine"

        return run

    def read(probe):
        order.append("read")
        return "fine"

    checks = [
        check("w1", write("w1"), writes="reversible"),
        check("r1", read),
        check("w2", write("w2"), writes="reversible"),
        check("r2", read),
    ]
    found = outcomes(checks, new_run("reversible"), parallel=4)

    assert [name for name, _, _ in found] == ["w1", "r1", "w2", "r2"]
    assert order == ["read", "read", "w1", "w2"]


def test_checks_that_do_not_need_each_other_are_made_at_the_same_time(new_run):
    meeting = threading.Barrier(3, timeout=20)

    def meet(probe):
        meeting.wait()
        return "met"

    found = outcomes([check(name, meet) for name in "abc"], new_run(), parallel=3)

    assert {seen for _, _, seen in found} == {"met"}


def test_each_worker_has_a_probe_of_its_own(new_run):
    meeting, probes = threading.Barrier(3, timeout=20), []

    def meet(probe):
        probes.append(probe)
        meeting.wait()
        return "met"

    outcomes([check(name, meet) for name in "abc"], new_run(), parallel=3)

    assert len({id(probe) for probe in probes}) == 3


def test_where_no_check_of_a_service_was_made_the_run_has_failed(new_run):
    checks = [check("gp"), check("booking", raising(NotTried("no GP")), tags=("service",))]
    *_, last = outcomes(checks, new_run())

    assert last == (SERVICE_COVERAGE, "failed", "no check of a service was made: no GP")


@pytest.mark.parametrize(
    "checks",
    [
        [check("gp")],
        [check("booking", tags=("service",))],
        [
            check("booking", raising(NotTried("off")), tags=("service",)),
            check("contact", raising(Doubtful("slow")), tags=("service",)),
        ],
        [
            check("gp", raising(CheckFailed("broken"))),
            check("booking", raising(NotTried("no GP")), tags=("service",)),
        ],
    ],
    ids=["none was wanted", "one is ok", "one is doubtful", "another failure says more"],
)
def test_else_it_has_not(new_run, checks):
    assert SERVICE_COVERAGE not in [name for name, _, _ in outcomes(checks, new_run())]


def test_a_profile_may_accept_that_no_service_was_tried(new_run):
    checks = [check("booking", raising(NotTried("no GP")), tags=("service",))]

    assert len(outcomes(checks, new_run(skip=[SERVICE_COVERAGE]))) == 1
