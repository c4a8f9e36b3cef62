"""What the fixtures of the pytest plugin give, made by hand; tests/real tries the fixtures."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import datetime, timedelta
from pathlib import Path

import pytest

import gpcli
from gpcli.sandbox.server import Sandbox
from gpcli.testing import GpcliPortal, GpcliResult, GpcliRun, GpcliSandbox
from gpcli.testing.start import CannotStart
from gpcli.testing.start import start_from_settings as start

MONDAY = "2027-03-01T09:00:00+01:00"
DEFAULTS = {"clock": "", "delay": "", "people": "", "seed": ""}
Make = Callable[..., GpcliSandbox]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    with start(DEFAULTS | {"clock": MONDAY}, tmp_path_factory.getbasetemp()) as running:
        yield running


@pytest.fixture
def make_sandbox(server, tmp_path, monkeypatch) -> Iterator[Make]:
    """`make_sandbox("guro", "emil")` is the sandbox of a test that is marked so."""

    def set_variable(name: str, text: str | None) -> None:
        if text is None:
            monkeypatch.delenv(name, raising=False)
        else:
            monkeypatch.setenv(name, text)

    def make(person: str | None = None, for_: str | None = None) -> GpcliSandbox:
        return GpcliSandbox(server, tmp_path, (person, for_), set_variable)

    yield make
    server.reset()


@pytest.fixture
def sandbox(make_sandbox: Make) -> GpcliSandbox:
    return make_sandbox()


@pytest.fixture
def run(sandbox: GpcliSandbox) -> GpcliRun:
    return GpcliRun(sandbox)


@pytest.fixture
def portal(sandbox: GpcliSandbox) -> Iterator[GpcliPortal]:
    with ExitStack() as stack:
        yield GpcliPortal(sandbox, stack)


def portal_time(text: str, days: int) -> datetime:
    return datetime.fromisoformat(text) + timedelta(days=days)


def who(result: GpcliResult) -> str:
    return result.json["patient"]["id"]


def test_a_run_has_the_answer_and_no_error(run):
    result = run("slots", "--limit", "2", as_="ada")

    assert (result.rc, result.error, result.error_code, result.warnings) == (0, None, None, [])
    assert [each["surgery"] for each in result.json] == ["Solbakken legesenter"] * 2
    assert repr(result) == "<gpcli --json slots --limit 2: rc 0>"


def test_a_refused_run_has_the_error_and_says_it_in_a_failure(run):
    result = run("book", "--first", "--yes", as_="bo")

    assert result.error is not None
    assert (result.rc, result.error_code, result.error["exit"]) == (5, "not_offered", 5)
    with pytest.raises(AssertionError) as failure:
        _ = result.json
    words = f"{result.error['message']} {result.error['hint']}"
    assert str(failure.value) == (
        f"<gpcli --json book --first --yes: rc 5, not_offered: {words}> wrote no answer"
    )


def test_a_failure_says_what_is_to_be_done(run):
    assert repr(run("contact", "--subject", "Ramp", "--message", "Is there one?")).endswith(
        "Agree with --yes.>"
    )


def test_who_writes_the_person_on_the_line_is_told_where_gpcli_run_takes_them(run):
    wrong = run("slots", "--as", "guro", as_="ada")

    assert repr(wrong).endswith(
        "it can't act for 'guro'. Leave out --as and name the person to gpcli_run: as_='guro', "
        "or for_='guro' beside the parent's as_.>"
    )


@pytest.mark.parametrize("way", ["--plain", "-oplain", "json=False"])
def test_who_asks_for_words_gets_words(run, way):
    result = run("gp", json=False) if way == "json=False" else run("gp", way)

    assert result.stdout.startswith("gp-haugland\tDr. Ingrid Haugland\t")
    with pytest.raises(AssertionError, match="wrote no JSON, but: gp-haugland"):
        _ = result.json
    with pytest.raises(AssertionError, match=r"ran without --json: \.stderr has its words"):
        _ = result.error


def test_lines_of_json_are_a_list(run):
    assert run("slots", "--limit", "3", "--ndjson").json == run("slots", "--limit", "3").json


def test_an_error_that_a_program_gets_behind_dashes_is_no_format_of_the_line(run):
    assert run("sandbox", "run", "--seed", "x", "--", "gpcli", "--plain").error_code == "usage"


def test_notices_are_told(run):
    assert run("rx", "list", "--low", as_="bo").notices == ["There are none."]


def test_what_is_on_standard_input_is_read_and_nobody_is_asked(run):
    sent = run(
        *("contact", "--subject", "Ramp", "--message-file", "-", "--yes"), input="Is there a ramp?"
    )
    unsure = run("contact", "--subject", "Ramp", "--message", "Is there one?", input="y\n")

    assert sent.json["subject"] == "Ramp"
    assert (unsure.rc, unsure.error_code) == (9, "confirmation_needed")


def test_nothing_of_this_machine_counts_but_what_the_test_hands_in(run, monkeypatch):
    monkeypatch.setenv("CI", "true")
    monkeypatch.setenv("GPCLI_PROFILE", "nowhere")
    monkeypatch.setenv("GPCLI_DEBUG", "1")

    assert (run("whoami").rc, run("whoami").stderr) == (0, "")
    assert run("whoami", env={"GPCLI_DEBUG": "1"}).stderr != ""


@pytest.mark.parametrize("own", [{}, {"as_": "hans"}, {"as_": "guro"}])
def test_the_marked_person_is_meant_where_the_run_names_nobody(make_sandbox, own):
    expected = own.get("as_", "emil")
    assert who(GpcliRun(make_sandbox("guro", "emil"))("whoami", **own)) == expected


def test_without_a_mark_the_first_person_is_meant(run):
    assert who(run("whoami")) == "ada"
    assert who(run("whoami", as_="guro", for_="emil")) == "emil"


def test_an_unknown_person_is_an_error_that_leads_to_the_test(run):
    with pytest.raises(LookupError, match="no person called 'nils'; known: ada, bo") as unknown:
        run("whoami", as_="nils")
    assert all(Path(each.path).name != "accounts.py" for each in unknown.traceback)


def test_a_process_does_what_a_run_does(run):
    inside, outside = run("gp"), run.subprocess("gp")

    assert outside == inside


READY = [
    "--version",
    "--help",
    "help",
    "help faults",
    "help columns",
    "slots --help",
    "completion bash",
]


@pytest.mark.parametrize("line", READY)
def test_help_is_what_it_is_in_a_shell(run, line):
    inside, outside = run(*line.split()), run.subprocess(*line.split())

    assert (inside.rc, inside.stderr) == (0, "")
    assert inside == outside


@pytest.fixture
def python_handler() -> Iterator[object]:
    """Python's own handler of Ctrl-C; the workers of pytest-xdist have none."""
    former = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield signal.default_int_handler
    signal.signal(signal.SIGINT, former)


def test_ctrl_c_ends_the_test_and_not_only_the_run(sandbox, run, python_handler, monkeypatch):
    sandbox.fault("GET *: 503 retry-after=20 once")
    monkeypatch.setattr(sandbox, "_pause", lambda seconds: signal.raise_signal(signal.SIGINT))
    with pytest.raises(KeyboardInterrupt):
        run("gp")

    assert signal.getsignal(signal.SIGINT) is python_handler
    assert run("gp").rc == 0


def test_a_process_lives_by_the_clock_of_the_portal_too(sandbox, run):
    sandbox.advance("2d")

    [first] = run.subprocess("slots", "--limit", "1").json
    assert first["start"] >= "2027-03-03T09:00"


def test_pauses_take_no_time_but_at_the_portal(sandbox, run):
    sandbox.fault("GET *: 503 retry-after=20 once")
    before = sandbox.now()

    assert run("gp").rc == 0
    assert sandbox.unused_faults == []
    assert sandbox.now() - before >= timedelta(seconds=20)


def test_a_portal_from_python_acts_for_whom_it_names(portal):
    parties = portal("guro", for_="emil").fetch_parties()

    assert (parties.patient.id, parties.on_behalf_by.name) == ("emil", "Guro Hagen")


def test_a_portal_from_python_goes_by_the_clock_of_the_sandbox(sandbox, portal):
    sandbox.advance(timedelta(days=9))

    assert portal("ada").fetch_slots(limit=1)[0].start > sandbox.now() > portal_time(MONDAY, days=9)


def test_programs_of_this_process_find_the_sandbox(sandbox, monkeypatch):
    monkeypatch.setenv("GPCLI_PROFILE", "nowhere")
    sandbox.set_env("guro", for_="emil")

    assert "GPCLI_PROFILE" not in os.environ
    with gpcli.connect() as connected:
        assert connected.fetch_parties().patient.id == "emil"


def test_the_variables_follow_the_clock(sandbox):
    sandbox.set_env()
    before = int(os.environ["GPCLI_CLOCK_OFFSET"])
    sandbox.advance("1h")
    ahead = int(os.environ["GPCLI_CLOCK_OFFSET"])
    sandbox.reset()

    assert abs(ahead - before - 3600) <= 1
    assert abs(int(os.environ["GPCLI_CLOCK_OFFSET"]) - before) <= 1


def test_the_environment_of_a_program_is_this_one_with_no_other_gpcli_variable(
    sandbox, monkeypatch
):
    monkeypatch.setenv("GPCLI_PROFILE", "nowhere")
    monkeypatch.setenv("OF_MY_OWN", "kept")
    env = sandbox.env("ada")

    assert (env["OF_MY_OWN"], env["GPCLI_PORTAL"]) == ("kept", sandbox.fhir_base)
    assert "GPCLI_PROFILE" not in env
    assert os.environ["GPCLI_PROFILE"] == "nowhere"


def test_a_program_controls_the_portal_that_it_is_in(sandbox, run):
    before = sandbox.now()
    shown = run.subprocess("sandbox", "list").json
    run.subprocess("sandbox", "fault", "add", "GET *: delay=1ms")
    advanced = run("sandbox", "advance", "2h")

    assert [each["portal"] for each in shown] == [sandbox.fhir_base]
    assert (advanced.rc, advanced.error) == (0, None)
    assert sandbox.now() - before >= timedelta(hours=2)
    assert [each.rule for each in sandbox.faults] == ["GET *: delay=1ms"]


def test_the_surgery_answers_when_it_is_told_to_or_when_it_is_due(sandbox, run):
    sandbox.set_delay("2h")
    booked = run("book", "--first", "--yes", as_="guro").json["id"]
    [answered] = sandbox.answer(booked, decline=True, text="We are closed.")
    again = run("book", "--first", "--yes", as_="guro").json["id"]
    sandbox.advance("2h")
    statuses = {each["id"]: each["status"] for each in _list(run)}

    assert answered.reference == f"Appointment/{booked}"
    assert (statuses[booked], statuses[again]) == ("cancelled", "booked")


def _list(run: GpcliRun) -> list[dict[str, str]]:
    found: list[dict[str, str]] = run("appointments", "list", "--all", as_="guro").json
    return found


def test_reset_takes_back_what_was_done(sandbox, run):
    before = _list(run)
    run("book", "--first", "--yes", as_="guro")
    sandbox.fault("GET *: 503")
    sandbox.reset()

    assert _list(run) == before


def test_faults_are_counted_and_those_of_earlier_tests_are_not_told(make_sandbox):
    earlier = make_sandbox()
    earlier.fault("POST Task: 503")
    earlier.reset()
    sandbox = make_sandbox()
    rule = sandbox.fault("GET Patient*: 503 once")
    sandbox.fault("POST Appointment: slot-taken once")
    GpcliRun(sandbox)("whoami")
    used = {each.id: each.used for each in sandbox.faults}[rule.id]
    sandbox.clear_faults()

    assert (used, sandbox.faults) == (1, [])
    assert sandbox.unused_faults == ["POST Appointment: slot-taken once"]


@pytest.mark.parametrize(
    ("misuse", "words"),
    [
        (lambda sandbox: sandbox.fault("POST: lost"), "fault rule 'POST: lost'"),
        (lambda sandbox: sandbox.advance("soon"), "'soon' is no length of time; write 90s"),
        (lambda sandbox: sandbox.set_delay("-1h"), "'-1h' is no length of time"),
        (lambda sandbox: sandbox.set_delay(timedelta(-1)), "a delay can't be negative"),
        (lambda sandbox: sandbox.advance(timedelta.max), "the portal's clock goes from the year"),
        (lambda sandbox: sandbox.answer("nope"), "nope"),
        (lambda sandbox: sandbox.token("guro", for_="ada"), "guro has no child called 'ada'"),
    ],
)
def test_a_wrong_call_says_what_is_wrong(sandbox, misuse, words):
    with pytest.raises((ValueError, LookupError), match=words):
        misuse(sandbox)


@pytest.mark.parametrize(
    ("misuse", "words"),
    [
        (lambda run, sandbox: run(["slots"]), "a word of gpcli_run is a str, not list: gpcli_run("),
        (lambda run, sandbox: run("slots", "--limit", 3), "a word of gpcli_run is a str, not int"),
        (lambda run, sandbox: run.subprocess(["gp"]), "a word of gpcli_run is a str, not list"),
        (lambda run, sandbox: run("gp", input=b"x"), "the input is a str, not bytes: input='y'"),
        (lambda run, sandbox: run("gp", env={"X": 1}), "what is in env is a str, not int: env="),
        (lambda run, sandbox: run("gp", env="X=1"), "env is a dict, not str: env={'X': '1'}"),
        (lambda run, sandbox: run("gp", as_=3), "a person is a str, not int: 'guro', for_='emil'"),
        (lambda run, sandbox: sandbox.token("guro", for_=["emil"]), "a person is a str, not list"),
        (
            lambda run, sandbox: sandbox.fault(["* *: 503"]),
            "the rule of a fault is a str, not list",
        ),
        (lambda run, sandbox: sandbox.advance(5), "a length of time is a str, not int: '2h', or"),
        (lambda run, sandbox: sandbox.set_delay(5), "a length of time is a str, not int: '2h', or"),
        (lambda run, sandbox: sandbox.answer(3), "what is answered is a str, not int: answer("),
        (lambda run, sandbox: sandbox.answer(text=3), "the surgery's text is a str, not int"),
    ],
)
def test_what_is_no_text_is_told_by_what_to_write(run, sandbox, misuse, words):
    with pytest.raises(TypeError) as wrong:
        misuse(run, sandbox)
    assert str(wrong.value).startswith(words)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"clock": "tomorrow"}, "gpcli_clock 'tomorrow' is not a time with its zone.\nWrite 2027"),
        (
            {"clock": "9999-12-31T00:00:00Z"},
            "The sandbox can't be made so: the portal's clock goes from the year 1970 to 8999",
        ),
        (
            {"delay": "long"},
            "gpcli_delay 'long' is not a length of time.\nWrite 90s, 10m, 2h or 1d",
        ),
        ({"seed": "9" * 19}, "gpcli_seed '{}' is too long: at most 18 digits.".format("9" * 19)),
        ({"seed": "-1"}, "gpcli_seed '-1' is not a whole number of 0 or more."),
        ({"people": "."}, "The sandbox can't be made so: {} can't be read: Is a directory."),
        ({"people": "nobody.json"}, "There is no file '{}/nobody.json'."),
    ],
)
def test_a_wrong_setting_is_named(wrong, words, tmp_path):
    (tmp_path / "empty").touch()
    with (
        pytest.raises(CannotStart) as refused,
        start(DEFAULTS | wrong, tmp_path),
    ):
        pass
    assert str(refused.value).startswith(words.format(tmp_path))
