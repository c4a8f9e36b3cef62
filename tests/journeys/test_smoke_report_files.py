"""The files that `gpcli smoke` leaves beside its answer, and those that it can't write."""

from __future__ import annotations

import json
import signal
import stat
from pathlib import Path
from xml.etree import ElementTree

import jsonschema
import pytest

from gpcli.render.json_schema import find_schema
from tests.journeys.process import as_person, minimal_env, shell, start_gpcli, wait_for_end
from tests.journeys.shell import Shell
from tests.journeys.test_smoke import FEW, bent, break_search_of, outcomes
from tests.journeys.test_smoke_writing import wait_for_something_alive

NAMES = {"--junit": "a.xml", "--markdown": "a.md", "--report": "a.json"}
OLD = "what an earlier and longer run has left " * 9000


@pytest.fixture
def ada(world) -> Shell:
    return world.shell("ada")


@pytest.fixture
def files(world) -> dict[str, Path]:
    """A file for each option, with an earlier report."""
    found = {option: world.home / name for option, name in NAMES.items()}
    for path in found.values():
        path.write_text(OLD, encoding="utf-8")
    return found


def line(files: dict[str, Path], checks: str = FEW) -> str:
    return " ".join([f"gpcli smoke --checks {checks}", *(f"{o} {p}" for o, p in files.items())])


def read(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def warnings(ending) -> list[str]:
    return [each["warning"]["message"] for each in ending.stderr_json if "warning" in each]


def error_of(junit: Path) -> dict[str, str]:
    """The error of a JUnit report that has one case, with that."""
    suite = ElementTree.parse(junit).getroot()[0]  # noqa: S314  (our own)
    assert (suite.get("tests"), suite.get("errors"), suite.get("failures")) == ("1", "1", "0")
    [case] = suite.iter("testcase")
    return case.find("error").attrib


def test_reports_are_written_beside_the_answer_in_the_place_of_earlier_ones(ada, world, files):
    summary = world.home / "summary"
    summary.write_text("# Build\n", encoding="utf-8")

    report = ada.with_env(GITHUB_STEP_SUMMARY=str(summary)).json(line(files))

    suite = ElementTree.parse(files["--junit"]).getroot()[0]  # noqa: S314  (our own)
    assert [case.get("name") for case in suite.iter("testcase")] == list(outcomes(report))
    assert read(files["--markdown"]).startswith("## gpcli smoke: sandbox passed\n")
    assert read(summary).startswith("# Build\n## gpcli smoke: sandbox passed")
    assert json.loads(read(files["--report"])) == report


def test_the_report_in_json_is_complete_beside_an_answer_for_people(ada, files):
    ending = ada(f"{line(files)} --fields name")

    report = json.loads(read(files["--report"]))
    assert ending.out.splitlines() == list(outcomes(report))
    jsonschema.validate(report, find_schema("smoke"))


def test_a_failed_run_writes_its_reports_too(ada, files):
    ending = bent(ada, break_search_of("Communication"))(line(files, "threads"))

    assert ending.code == 11
    assert '<failure message="a search was refused: status 404" type="contract">' in (
        read(files["--junit"])
    )
    assert outcomes(json.loads(read(files["--report"])))["threads"] == "failed"


def test_what_a_run_wrote_is_compared_with_by_the_next_in_the_same_file(ada, files):
    broken = bent(ada, break_search_of("Communication"))
    broken(line(files, "threads,gp"))

    ending = ada(f"{line(files, 'threads')} --compare {files['--report']}")

    assert "threads was failed and is ok." in ending.err
    assert "Not chosen now, so not compared: 1 of the earlier checks." in ending.err
    assert json.loads(read(files["--report"]))["not_compared"] == 1


@pytest.mark.parametrize(
    ("environment", "wrong", "code", "message"),
    [
        ("sandbox", "--expect nope", 2, "'nope'"),
        ("production", "--write", 5, "is never for a production portal"),
        ("sandbox", "--compare nowhere.json", 3, "There is no file 'nowhere.json'."),
    ],
)
def test_where_nothing_was_checked_no_earlier_report_stays(
    ada, world, files, environment, wrong, code, message
):
    summary = world.home / "summary"
    tried = ada.with_env(GPCLI_ENVIRONMENT=environment, GITHUB_STEP_SUMMARY=str(summary))

    ending = tried(f"{line(files)} {wrong} --json")

    assert ending.code == code
    assert message in error_of(files["--junit"])["message"]
    assert error_of(files["--junit"])["type"] == ending.error["code"]
    assert read(files["--markdown"]).startswith("## gpcli smoke: no report\n")
    assert read(summary) == read(files["--markdown"])
    assert read(files["--report"]) == ""


def test_files_that_are_refused_keep_what_they_had(ada, files, world):
    ending = ada(f"{line(files)} --report {world.home} --json")
    assert ending.code == 2
    assert {read(path) for path in files.values()} == {OLD}


@pytest.mark.parametrize("place", ["{home}", "{home}/nowhere/summary", "/dev/full"])
def test_a_job_summary_that_cannot_be_written_is_a_warning_that_names_its_variable(
    ada, world, files, place
):
    path = place.format(home=world.home)

    ending = ada.with_env(GITHUB_STEP_SUMMARY=path)(f"{line(files)} --json")

    assert ending.code == 0
    [warning] = warnings(ending)
    assert warning.startswith(
        f"The job's summary can't be written to '{path}', which GITHUB_STEP_SUMMARY names: "
    )
    assert read(files["--markdown"]).startswith("## gpcli smoke: sandbox passed\n")


def test_a_job_summary_that_an_option_names_is_written_once(ada, files):
    shell = ada.with_env(GITHUB_STEP_SUMMARY=str(files["--markdown"]))

    assert shell(line(files)).code == 0
    assert read(files["--markdown"]).count("## gpcli smoke") == 1


@pytest.mark.parametrize("option", NAMES)
def test_a_full_disk_is_told_with_the_file_after_the_answer_and_the_other_reports(
    ada, files, option
):
    others = {each: path for each, path in files.items() if each != option}

    ending = ada(f"{line(others)} {option} /dev/full --json")

    assert (ending.code, ending.error["message"]) == (
        1,
        f"{option}: The report can't be written to '/dev/full': No space left on device.",
    )
    assert len(ending.json["checks"]) == 6
    assert OLD not in {read(path) for path in others.values()}


def test_reports_may_go_where_nothing_is_kept(ada):
    ending = ada(f"gpcli smoke --checks {FEW} --junit /dev/null --markdown /dev/null --json")

    assert (ending.code, ending.err) == (0, "")


def test_who_else_may_read_a_report_is_for_the_umask_to_say(tmp_path):
    env = minimal_env(tmp_path)

    ending = shell("umask 027; python -m gpcli smoke --checks nope --junit a --report b", env)

    assert ending.code == 2
    modes = [stat.S_IMODE((tmp_path / name).stat().st_mode) for name in "ab"]
    assert modes == [0o640, 0o640]


@pytest.mark.real
def test_a_run_that_is_interrupted_says_so_in_its_report(live, tmp_path):
    env = as_person(live, tmp_path, "ada")
    (tmp_path / "a.xml").write_text(OLD)
    process = start_gpcli("smoke", "--write", "--checks", "write", "--junit", "a.xml", env=env)
    wait_for_something_alive(live)
    assert read(tmp_path / "a.xml") == ""

    process.send_signal(signal.SIGTERM)

    assert wait_for_end(process).code == 143
    assert error_of(tmp_path / "a.xml")["message"] == "The run was interrupted."
