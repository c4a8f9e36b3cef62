"""`gpcli smoke --write`: errands are tried, read back and undone, whatever ends the run."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from gpcli.config.private_files import hold_lock
from gpcli.sandbox.server import Sandbox
from tests.journeys.process import as_person, gpcli, start_gpcli, wait_for_end, wait_until
from tests.journeys.shell import Shell, at_once, shell_for

SMOKE = "urn:gpcli:smoke"
ALIVE = {"proposed", "pending", "booked", "requested", "received", "accepted"}


def records(sandbox: Sandbox) -> dict[str, dict[str, Any]]:
    """All that the portal has, by reference, without the versions."""
    rows = sandbox.store.execute("SELECT type, id, body FROM resource WHERE NOT deleted")
    found = {f"{kind}/{name}": json.loads(body) for kind, name, body in rows}
    for each in found.values():
        del each["meta"]
    return found


def is_labelled(record: dict[str, Any]) -> bool:
    return any(each.get("system") == SMOKE for each in record.get("identifier", ()))


def alive(sandbox: Sandbox) -> list[str]:
    """What a smoke test made and did not undo."""
    return [
        reference
        for reference, each in records(sandbox).items()
        if is_labelled(each) and each["status"] in ALIVE
    ]


def unlabelled(sandbox: Sandbox) -> dict[str, dict[str, Any]]:
    return {name: each for name, each in records(sandbox).items() if not is_labelled(each)}


def wait_for_something_alive(sandbox: Sandbox) -> None:
    wait_until(lambda: alive(sandbox), "nothing was made")


@pytest.fixture
def ada_in_ci(live: Sandbox, tmp_path: Path) -> Shell:
    return shell_for(live, tmp_path, "ada", lambda: datetime.now(UTC))


def results(report: dict[str, Any]) -> dict[str, str]:
    return {each["name"]: each["status"] for each in report["checks"]}


def test_a_run_that_writes_leaves_everything_as_it_was(ada_in_ci, live):
    before = records(live)
    report = ada_in_ci.json("gpcli smoke --write")
    after = records(live)
    made = {name: each for name, each in after.items() if name not in before}
    assert {name: after[name] for name in before} == before
    assert {each["status"] for each in made.values()} == {"cancelled"}
    assert all(map(is_labelled, made.values()))
    assert list(results(report).values()).count("ok") >= 40
    assert (report["left"], report["undone"]) == ([], 0)


def test_what_is_sent_with_all_is_said_to_stay(ada_in_ci, live):
    before = unlabelled(live)
    report = ada_in_ci.json("gpcli smoke --write=all --checks write-message,undone")
    [stays] = report["left"]
    [thread] = [each for each in records(live).values() if is_labelled(each) and "topic" in each]
    assert stays == f"the thread 'Automated test' (Communication/{thread['id']})"
    assert unlabelled(live) == before


def test_nothing_is_written_without_being_told_to(ada_in_ci, live):
    before = records(live)
    report = ada_in_ci.json("gpcli smoke")
    assert records(live) == before
    assert results(report)["book"] == "skipped"


def test_a_production_portal_is_never_written_to(ada_in_ci, live):
    before = records(live)
    done = ada_in_ci.with_env(GPCLI_ENVIRONMENT="production")("gpcli smoke --write --json")
    assert (done.code, done.error["code"]) == (5, "production_guard")
    assert records(live) == before


@pytest.mark.real
@pytest.mark.parametrize(("end", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_run_that_is_interrupted_undoes_what_it_made(live, tmp_path, end, code):
    before = unlabelled(live)
    env = as_person(live, tmp_path, "ada")
    process = start_gpcli("smoke", "--write", "--checks", "write", env=env)
    wait_for_something_alive(live)
    process.send_signal(end)
    assert wait_for_end(process).code == code
    assert alive(live) == []
    assert unlabelled(live) == before


@pytest.mark.real
def test_what_is_under_way_when_a_run_is_interrupted_is_waited_for(live, tmp_path):
    before = unlabelled(live)
    env = as_person(live, tmp_path, "ada")
    live.add_fault("POST Appointment: delay=2s")
    process = start_gpcli("smoke", "--write", "--checks", "book", env=env)
    wait_until(lambda: live.faults[0].used, "no request met the fault")
    process.send_signal(signal.SIGINT)
    assert wait_for_end(process).code == 130
    assert (alive(live), unlabelled(live)) == ([], before)
    assert [each for each in records(live).values() if is_labelled(each)]


@pytest.mark.real
def test_what_a_killed_run_left_is_undone_by_the_next(live, tmp_path):
    before = unlabelled(live)
    env = as_person(live, tmp_path, "ada")
    live.add_fault("PUT Appointment/*: delay=60s")
    process = start_gpcli("smoke", "--write", "--checks", "write", env=env)
    wait_for_something_alive(live)
    process.kill()
    wait_for_end(process)
    live.clear_faults()
    left = alive(live)
    following = gpcli("smoke", "--write", "--checks", "leftovers", "--json", env=env)
    assert (following.code, following.json["undone"]) == (0, len(left))
    assert left
    assert alive(live) == []
    assert unlabelled(live) == before


@pytest.fixture
def leave(live: Sandbox) -> Iterator[Any]:
    """`leave(age)` puts a booking there that a run of another machine made so long ago."""

    def put(age: timedelta) -> str:
        slot = live.store.find("Slot", status="free")[-1]
        made = f"{datetime.now(UTC) - age:%Y-%m-%dT%H:%M:%SZ}/elsewhere"
        booking = live.store.insert(
            {
                "resourceType": "Appointment",
                "status": "booked",
                "identifier": [{"system": SMOKE, "value": made}],
                "start": slot["start"],
                "end": slot["end"],
                "participant": [{"actor": {"reference": "Patient/ada"}, "status": "accepted"}],
            }
        )
        return f"Appointment/{booking['id']}"

    return put


def test_what_another_machine_left_is_found_at_the_portal(ada_in_ci, live, leave):
    leave(timedelta(minutes=2))
    report = ada_in_ci.json("gpcli smoke --write --checks leftovers")
    assert report["undone"] == 1
    assert alive(live) == []


def test_what_another_machine_may_be_using_is_waited_for(ada_in_ci, live, leave):
    leave(timedelta(seconds=0))
    slept: list[float] = []
    waiting = replace(
        ada_in_ci,
        now=lambda: datetime.now(UTC) + timedelta(seconds=sum(slept) * 20),
        sleep=slept.append,
    )
    report = waiting.json("gpcli smoke --write --checks leftovers")
    assert (report["undone"], alive(live)) == (1, [])
    assert 2 <= len(slept) <= 4


def test_two_runs_for_one_person_do_not_write_at_once(ada_in_ci, live, tmp_path):
    assert ada_in_ci("gpcli smoke --write --checks leftovers").code == 0
    [runs] = tmp_path.rglob("smoke/*.runs")
    before = records(live)
    with hold_lock(runs.with_suffix(".lock"), "is a test", 1):
        done = ada_in_ci("gpcli smoke --write --timeout 0.2 --json")
    assert (done.code, done.error["code"]) == (6, "timeout")
    assert "smoke --write" in done.error["message"]
    assert records(live) == before


def test_what_can_not_be_undone_is_said_and_undone_by_the_next_run(ada_in_ci, live):
    before = unlabelled(live)
    live.add_fault("PUT Appointment/*: refuse")
    refused = ada_in_ci("gpcli smoke --write --checks book,cancel --json")
    live.clear_faults()
    following = ada_in_ci.json("gpcli smoke --write --checks leftovers")
    assert refused.code == 11
    assert [each["warning"]["message"][:25] for each in refused.stderr_json if "warning" in each][
        -1
    ] == "Left at the portal, for t"
    assert following["undone"] == 1
    assert (alive(live), unlabelled(live)) == ([], before)


def test_what_never_arrives_is_said_and_looked_for_by_the_next_run(ada_in_ci, live):
    live.add_fault("POST Appointment: lost-request")
    waiting = replace(ada_in_ci, sleep=at_once)
    lost = waiting("gpcli smoke --write --checks enquire,undone --no-retry --json")
    live.clear_faults()
    assert lost.code == 11
    assert lost.json["left"] == ["perhaps an errand that had no answer: it may still arrive"]
    [runs] = Path(ada_in_ci.env["GPCLI_CONFIG_DIR"]).rglob("smoke/*.runs")
    assert runs.read_text().split()
    assert ada_in_ci.json("gpcli smoke --write --checks enquire")["left"] == []
    assert runs.read_text().split() == []


@pytest.mark.real
@pytest.mark.parametrize("fault", ["lost-reply", "cut-reply", "bad-json", "slow-drip"])
def test_an_errand_whose_answer_is_lost_has_failed_and_is_undone(ada_in_ci, live, fault):
    live.add_fault(f"POST Appointment: {fault}")
    waiting = replace(ada_in_ci, sleep=at_once)
    ending = waiting("gpcli smoke --write --checks book,undone --timeout 1 --json")
    assert ending.code == 11
    causes = {each["cause"] for each in ending.json["checks"]}
    assert causes <= {None, "outcome_unknown", "left"}
    assert results(ending.json)["book"] == "failed"
    assert alive(live) == []


def test_a_time_that_somebody_else_takes_first_is_no_failure(ada_in_ci, live):
    live.add_fault("POST Appointment: slot-taken once")
    report = ada_in_ci.json("gpcli smoke --write --checks book,cancel")
    assert results(report)["cancel"] == "ok"


def test_a_report_does_not_quote_what_the_portal_says(ada_in_ci, live, tmp_path):
    files = [tmp_path / "report.xml", tmp_path / "report.md"]
    live.add_fault("PUT Appointment/*: refuse=422")
    words = " ".join(
        f"--{name} {file}" for name, file in zip(("junit", "markdown"), files, strict=True)
    )
    ending = ada_in_ci(f"gpcli smoke --write --checks write --json {words}")
    live.clear_faults()
    assert ending.json["left"]
    for text in (ending.out, ending.err, *(file.read_text() for file in files)):
        assert "as a rule for faults wants it" not in text
    assert ada_in_ci.json("gpcli smoke --write --checks leftovers")["undone"]


def test_what_was_cancelled_is_not_counted_as_coming(ada_in_ci):
    words = "gpcli smoke --checks cancellation,booking-enquiry"
    before = [each["seen"] for each in ada_in_ci.json(words)["checks"]]
    assert ada_in_ci("gpcli smoke --write --checks write").code == 0
    assert [each["seen"] for each in ada_in_ci.json(words)["checks"]] == before


def test_a_portal_that_is_not_there_has_nothing_left_at_it(ada_in_ci):
    nowhere = ada_in_ci.with_env(GPCLI_PORTAL="http://127.0.0.1:9/fhir")
    done = nowhere("gpcli smoke --write --no-retry --json")
    assert (done.code, done.error["code"]) == (6, "unreachable")
    assert done.json["left"] == []
    assert not any("Left at the portal" in str(each) for each in done.stderr_json)
