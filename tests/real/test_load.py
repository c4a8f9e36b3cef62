"""Locust, with gpcli's patients as its users: alone, and as a master with two workers."""

from __future__ import annotations

import re
import signal
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from gpcli.sandbox.server import Sandbox
from tests.http.authority import Authority
from tests.journeys.process import as_person, gpcli, minimal_env
from tests.journeys.test_smoke_writing import alive, records, unlabelled, wait_for_something_alive
from tests.real.fronts import Front, Published, serve
from tests.real.locusts import run_alone, run_distributed, start_locust, write_people

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "load.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"^```python\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)

BUSY = """
from locust import between, events
import gpcli.load

made = []

class Busy(gpcli.load.Patient):
    wait_time = between(0, 0.2)

@events.request.add_listener
def note(name, **_):
    made.append(name)

@events.quitting.add_listener
def tell(environment, **_):
    if environment.parsed_options.worker:
        print(len(made))
"""

WRITERS = ("ada", "hans")
"""Those for whom there is a free time, and a prescription to renew."""


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(delay=timedelta(days=1)) as sandbox:
        yield sandbox


@pytest.fixture
def portal(sandbox: Sandbox) -> Iterator[Sandbox]:
    yield sandbox
    sandbox.reset()


@pytest.fixture
def busy(tmp_path: Path) -> Path:
    file = tmp_path / "locustfile.py"
    file.write_text(BUSY, encoding="utf-8")
    return file


def test_a_master_and_two_workers_do_every_errand_and_undo_what_they_made(portal, busy, tmp_path):
    people = tmp_path / "people.ndjson"
    write_people(portal, people, (*WRITERS, "bo"))
    before = unlabelled(portal)
    ending = run_distributed(
        busy,
        "--users=6",
        "--spawn-rate=6",
        "--run-time=12s",
        "--gpcli-write",
        f"--gpcli-people-file={people}",
        env=minimal_env(tmp_path),
        place=tmp_path,
    )
    assert (ending.code, ending.failures, ending.codes) == (0, [], (0, 0)), ending.log
    assert all(int(each) > 0 for each in ending.workers)
    for errand in ("start", "slots", "appointments", "messages", "prescriptions", "book"):
        assert ending.made(errand), errand
    assert ending.made("/Appointment", "POST")
    assert alive(portal) == []
    assert unlabelled(portal) == before


def test_nothing_is_written_without_being_told_to(portal, busy, tmp_path):
    before = records(portal)
    ending = run_alone(
        busy,
        "--users=2",
        "--run-time=4s",
        env=as_person(portal, tmp_path, "ada"),
        log=tmp_path / "log",
    )
    assert (ending.code, ending.failures) == (0, [])
    assert ending.stats
    assert records(portal) == before


def test_what_the_portal_does_wrong_is_a_failure_of_errand_and_request(portal, busy, tmp_path):
    portal.add_fault("GET Communication: status=500")
    ending = run_alone(
        busy,
        "--users=2",
        "--run-time=6s",
        env=as_person(portal, tmp_path, "ada"),
        log=tmp_path / "log",
    )
    assert ending.code == 1
    assert {*ending.failures} == {"messages", "/Communication"}


def test_users_that_are_stopped_in_the_middle_of_an_errand_undo_it_first(portal, busy, tmp_path):
    for rule in ("POST Appointment: delay=1s", "POST Task: delay=1s", "PUT *: delay=1s"):
        portal.add_fault(rule)
    before = unlabelled(portal)
    people = tmp_path / "people.ndjson"
    write_people(portal, people, WRITERS)
    process = start_locust(
        busy,
        "--headless",
        "--users=4",
        "--spawn-rate=4",
        "--tags=write",
        "--gpcli-write",
        f"--gpcli-people-file={people}",
        env=minimal_env(tmp_path),
        log=tmp_path / "log",
    )
    wait_for_something_alive(portal)
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=60)
    assert alive(portal) == []
    assert unlabelled(portal) == before


def test_what_a_killed_worker_left_is_undone_by_the_next_run(portal, busy, tmp_path):
    env = as_person(portal, tmp_path, "ada")
    portal.add_fault("PUT *: delay=3s")
    process = start_locust(
        busy, "--headless", "--tags=write", "--gpcli-write", env=env, log=tmp_path / "log"
    )
    wait_for_something_alive(portal)
    process.kill()
    process.communicate(timeout=60)
    portal.clear_faults()
    assert alive(portal) != []
    following = gpcli("smoke", "--write", "--checks", "leftovers", "--json", env=env)
    assert (following.code, following.json["left"]) == (0, [])
    assert alive(portal) == []


def test_no_load_is_put_on_a_production_portal(portal, busy, tmp_path):
    env = as_person(portal, tmp_path, "ada") | {"GPCLI_ENVIRONMENT": "production"}
    ending = run_alone(busy, "--users=2", env=env, log=tmp_path / "log")
    assert ending.code == 1
    assert ending.log.count("No load is put on a production portal: nothing was sent.") == 1
    assert "Traceback" not in ending.log
    assert ending.stats == []


def test_workers_that_can_not_work_end_the_test(busy, tmp_path):
    ending = run_distributed(busy, "--users=2", env=minimal_env(tmp_path), place=tmp_path)
    assert (ending.code, ending.codes) == (1, (1, 1))
    said = [line for line in ending.log.splitlines() if "gpcli does not know your portal" in line]
    assert len(said) == 4
    assert "Traceback" not in ending.log


def test_people_by_name_get_their_tokens_from_a_command(portal, busy, tmp_path):
    tokens = tmp_path / "tokens"
    tokens.mkdir()
    for person in WRITERS:
        (tokens / person).write_text(portal.issue_token(person).access_token, encoding="utf-8")
    env = as_person(portal, tmp_path, "ada")
    del env["GPCLI_TOKEN"], env["GPCLI_PATIENT"]
    env["GPCLI_TOKEN_COMMAND"] = f"sh -c 'cat {tokens}/$GPCLI_PATIENT'"
    words = ("--users=2", "--spawn-rate=2", "--run-time=6s", "--gpcli-people=ada,hans")
    ending = run_alone(busy, *words, env=env, log=tmp_path / "log")
    assert (ending.code, ending.failures) == (0, []), ending.log
    assert ending.made("start") == 2


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (None, "No such file or directory."),
        ('{"GPCLI_TOKEN": "abc"}\n\nada', "line 3 is no JSON object of variables."),
        ('{"GPCLI_TOKEN": 1}', "line 1 is no JSON object of variables."),
        ("", "it is empty."),
    ],
)
def test_people_that_can_not_be_read_end_the_test(text, reason, portal, busy, tmp_path):
    file = tmp_path / "people.ndjson"
    if text is not None:
        file.write_text(text, encoding="utf-8")
    env = as_person(portal, tmp_path, "ada")
    ending = run_alone(busy, f"--gpcli-people-file={file}", env=env, log=tmp_path / "log")
    assert ending.code == 1
    assert f"The people can't be read from {file}: {reason}" in ending.log


def test_people_are_named_in_one_way(portal, busy, tmp_path):
    env = as_person(portal, tmp_path, "ada")
    words = ("--gpcli-people=ada", "--gpcli-people-file=people.ndjson")
    ending = run_alone(busy, *words, env=env, log=tmp_path / "log")
    assert ending.code == 1
    assert "Give --gpcli-people or --gpcli-people-file, not both." in ending.log


def test_an_errand_of_an_unknown_check_ends_the_test(portal, tmp_path):
    file = tmp_path / "locustfile.py"
    file.write_text(EXAMPLES[-1].replace('"threads"', '"thread"'), encoding="utf-8")
    env = as_person(portal, tmp_path, "ada")
    words = ("--users=4", "--spawn-rate=4")
    ending = run_alone(file, *words, env=env, log=tmp_path / "log")
    assert ending.code == 1
    assert (
        ending.log.count(
            "run_errand('inbox', …): there is no check 'thread'; did you mean 'threads'?"
        )
        == 1
    )


def test_a_portal_behind_tls_is_reached_by_locusts_own_sockets(busy, tmp_path):
    authority = Authority(tmp_path)
    with Published() as portal, serve(Front(portal, authority.server())) as front:
        portal.address = f"https://127.0.0.1:{front.port}"
        env = as_person(portal, tmp_path, "ada") | {"SSL_CERT_FILE": str(authority.file)}
        words = ("--users=3", "--spawn-rate=3", "--run-time=5s", "--stop-timeout=20")
        ending = run_alone(busy, *words, env=env, log=tmp_path / "log")
    assert (ending.code, ending.failures) == (0, []), ending.log
    assert ending.made("start") == 3


@pytest.mark.parametrize("number", range(len(EXAMPLES)))
def test_an_example_of_the_page_runs(number, portal, tmp_path):
    file = tmp_path / "locustfile.py"
    file.write_text(EXAMPLES[number], encoding="utf-8")
    ending = run_alone(
        file,
        "--users=4",
        "--spawn-rate=4",
        "--run-time=5s",
        "--gpcli-write",
        env=as_person(portal, tmp_path, "ada"),
        log=tmp_path / "log",
    )
    assert (ending.code, ending.failures) == (0, []), ending.log
    assert ending.made("start") == 4
