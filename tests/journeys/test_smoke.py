"""`gpcli smoke` against the sandbox: what it finds there, and what its options do."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import httpx
import jsonschema
import pytest

from gpcli.render.json_schema import find_schema
from gpcli.smoke.runner import CHECKS
from tests.journeys.bending import Bending, changed
from tests.journeys.shell import PIPED, SCREEN, CommandResult, Shell, at_once

READING = [check.name for check in CHECKS if check.writes == "none"]
FEW = "capability-statement,clock,gp,paging"


@pytest.fixture
def ada(world) -> Shell:
    return world.shell("ada").with_env(GPCLI_SMOKE_OTHER_PATIENT="bo")


def outcomes(report) -> dict[str, str]:
    return {check["name"]: check["status"] for check in report["checks"]}


def seen(report, name: str) -> str:
    [check] = [each for each in report["checks"] if each["name"] == name]
    return check["seen"]


def with_profile(shell: Shell, *lines: str) -> Shell:
    """The shell with a profile of the same portal instead of variables, and `lines` in it."""
    home, env = Path(shell.env["GPCLI_CONFIG_DIR"]), shell.env
    (home / "token").write_text(env["GPCLI_TOKEN"], encoding="utf-8")
    (home / "config.toml").write_text(
        "\n".join(
            [
                "[profiles.here]",
                f"portal = '{env['GPCLI_PORTAL']}'",
                "environment = 'sandbox'",
                f"token_command = 'cat {home / 'token'}'",
                *lines,
            ]
        ),
        encoding="utf-8",
    )
    return shell.without("GPCLI_PORTAL", "GPCLI_TOKEN", "GPCLI_ENVIRONMENT")


def bent(shell: Shell, bend) -> Shell:
    return replace(shell, transport=Bending(bend), sleep=at_once)


def break_search_of(kind: str):
    """Has every search for `kind` answered with 404 and an outcome."""

    def bend(request, response):
        if request.url.path.endswith(f"/{kind}"):
            outcome = {
                "resourceType": "OperationOutcome",
                "issue": [{"severity": "error", "code": "processing"}],
            }
            return changed(response, outcome, 404)
        return None

    return bend


def test_all_that_ada_reads_is_as_it_should_be(ada):
    report = ada.json("gpcli smoke")

    found = outcomes(report)
    assert {name for name in found if found[name] == "skipped"} == {
        *("tls", "renewal", "foreign-token", "latency", "answers"),
        *(check.name for check in CHECKS if check.writes != "none"),
    }
    assert sum(status == "ok" for status in found.values()) >= 35
    assert set(found.values()) == {"ok", "skipped"}
    assert list(found) == [check.name for check in CHECKS if check.name != "expected-services"]
    assert report["coverage"]["failed"] == 0
    assert report["coverage"]["proved"] >= 23
    jsonschema.validate(report, find_schema("smoke"))


@pytest.mark.parametrize(
    ("person", "acting_for", "tried"),
    [
        ("bo", None, {"contact"}),
        ("finn", None, {"booking", "contact", "cancellation"}),
        ("guro", None, {"booking", "booking-enquiry", "flu-vaccination"}),
        ("guro", "emil", {"booking", "contact"}),
        pytest.param(
            *("hans", None, {"booking", "contact", "e-consultation", "flu-vaccination"}),
            marks=pytest.mark.real,
        ),
    ],
)
def test_everybody_with_services_passes(world, person, acting_for, tried):
    report = world.shell(person, acting_for).json("gpcli smoke --checks service,search,errors")
    made = {each["name"] for each in report["checks"] if each["status"] != "skipped"}

    assert "failed" not in outcomes(report).values()
    assert tried <= made


@pytest.mark.parametrize(
    ("person", "why", "cause"),
    [
        ("cecilie", "the GP does not offer it", "not_offered"),
        ("david", "it needs the patient's consent", "consent_needed"),
        ("eva", "the patient has no GP", "not_offered"),
    ],
)
def test_who_has_no_service_proves_nothing_of_services_and_that_is_a_failure(
    world, person, why, cause
):
    ending = world.shell(person)("gpcli smoke --json")

    assert (ending.code, ending.error["code"]) == (11, "smoke_failed")
    assert ending.error["message"].endswith(" checks failed: service-coverage.")
    assert seen(ending.json, "service-coverage") == f"no check of a service was made: {why}"
    assert ending.json["checks"][-1]["cause"] == cause


def test_a_profile_may_accept_that_nothing_is_offered(world):
    eva = with_profile(world.shell("eva"), "smoke.skip = ['service-coverage']")

    assert eva("gpcli smoke --checks service").code == 0


def test_an_option_of_words_that_is_repeated_counts_each_time(world):
    finn = world.shell("finn")
    ending = finn(
        "gpcli smoke --checks gp --checks services --expect e-consultation --expect booking --json"
    )

    assert {"gp", "services"} <= outcomes(ending.json).keys()
    assert seen(ending.json, "expected-services") == "expected and not offered: e-consultation"


@pytest.mark.real
def test_parallel_checks_come_out_as_one_after_another(ada):
    one, many = (ada.json(f"gpcli smoke --parallel {number}") for number in (1, 12))

    assert list(outcomes(one).items()) == list(outcomes(many).items())
    assert one["coverage"] == many["coverage"]
    # Workers who begin together each read the portal's description.
    assert one["latency"]["requests"] <= many["latency"]["requests"]


def test_lines_come_one_by_one_in_the_order_of_the_report(ada):
    ending = ada(f"gpcli smoke --checks {FEW} --parallel 4 --fields name,status")

    assert ending.out == (
        "capability-statement\tok\nclock\tok\nsession\tok\npatient\tok\ngp\tok\npaging\tok\n"
    )
    assert ending.err == ""


def test_below_plain_lines_stands_what_it_comes_to(ada):
    ending = ada(f"gpcli smoke --checks {FEW}")

    assert ending.err.splitlines()[0].startswith("6 checks: 6 ok; ")
    assert "Not tried, since its checks were not chosen: " in ending.err


def test_ndjson_has_the_checks_alone_and_json_lines_beside_them(ada):
    ending = ada(f"gpcli smoke --checks {FEW} --ndjson")

    lines = [json.loads(line) for line in ending.out.splitlines()]
    assert [each["name"] for each in lines][-1] == "paging"
    assert all("notice" in each for each in ending.stderr_json)


def test_a_report_says_nothing_on_stderr(ada):
    assert ada(f"gpcli smoke --checks {FEW} --json").err == ""


@pytest.mark.parametrize("width", [40, 80, 200])
def test_a_table_fits_the_screen_and_ends_with_what_failed(ada, width):
    shell = bent(ada, break_search_of("Communication"))
    shell = replace(shell, terminal=replace(SCREEN, width=width))
    ending = shell("gpcli smoke --checks threads,gp")

    assert max(map(len, ending.out.splitlines())) <= width
    *_, error, hint, trace = ending.err.splitlines()[-5:]
    assert "failed: threads." in ending.err
    assert (
        " ".join(ending.err.split()).count("Failed: threads (contract): a search was refused") == 1
    )
    assert {error, hint, trace}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("--checks nope", "--checks: there is no check or tag 'nope'"),
        ("--checks ''", "--checks needs words"),
        ("--checks gp,,tls", "--checks needs words"),
        ("--checks gp --checks nope", "--checks: there is no check or tag 'nope'"),
        ("--checks gp,write", "--checks write: all of that writes, and --write was not given"),
        ("--checks write-message --write", "and --write=all was not given"),
        ("--expect nope", "'nope'"),
        ("--parallel 0", "--parallel"),
        ("--parallel 33", "--parallel"),
        ("--wait-ready soon", "--wait-ready"),
        ("--write=some", "--write"),
        ("--fields nope", '"nope"'),
        ("--junit {home}", "The report can't be written to"),
        ("--markdown {home}/nowhere/x.md", "The report can't be written to"),
        ("--compare {home}", "can't be read"),
        ("--report {home}", "--report: The report can't be written to"),
        ("--junit -", "--junit needs the name of a file"),
        ("--markdown {home}/a --report {home}/./a", "--markdown and --report name the same file"),
    ],
)
def test_what_is_wrong_on_the_line_is_said_before_anything_is_asked(ada, world, options, message):
    asked = Bending()
    shell = replace(ada, transport=asked)
    ending = shell(f"gpcli smoke {options.format(home=world.home)} --json")

    assert (ending.code, ending.out) == (2, "")
    assert message in ending.error["message"]
    assert asked.asked == []


def test_a_value_of_write_that_stands_apart_is_shown_as_it_is_written(ada):
    ending = ada("gpcli smoke --write all --checks gp --json")

    assert ending.refused == (2, "usage", "")
    assert ending.error["hint"].startswith("A value of --write is joined to it: --write=all. ")


def test_a_report_to_compare_with_that_is_not_there_is_not_found(ada):
    ending = ada("gpcli smoke --compare nowhere.json --json")

    assert ending.refused == (3, "not_found", "")


def test_a_name_that_the_profile_leaves_out_and_there_is_not_is_a_configuration_error(ada):
    ending = with_profile(ada, "smoke.skip = ['pagin']")("gpcli smoke --json")

    assert ending.refused == (2, "config", "")
    assert "did you mean 'paging'?" in ending.error["message"]


@pytest.mark.parametrize(
    ("way", "message"),
    [
        ("client_id = 'machine'\nkey_file = 'key.jwk'", "is not a key: it is not JSON."),
        ("token_command = 'cat \"'", "token_command is not a command: no closing quotation."),
    ],
)
def test_a_sign_in_that_can_never_be_is_said_before_anything_is_asked(ada, world, way, message):
    (world.home / "key.jwk").write_text("garbage")
    (world.home / "key.jwk").chmod(0o600)
    (world.home / "config.toml").write_text(
        f"[profiles.here]\nportal = '{ada.env['GPCLI_PORTAL']}'\nenvironment = 'sandbox'\n{way}\n"
    )
    shell = ada.without("GPCLI_PORTAL", "GPCLI_TOKEN", "GPCLI_ENVIRONMENT")
    ending = replace(shell, transport=httpx.MockTransport(refuse))("gpcli smoke --json")

    assert ending.refused == (2, "config", "")
    assert ending.error["message"].endswith(message)


def test_what_the_profile_leaves_out_is_skipped_though_it_would_fail(ada):
    shell = with_profile(ada, "smoke.skip = ['threads']")
    shell = bent(shell, break_search_of("Communication"))
    report = shell.json("gpcli smoke --checks threads,gp")

    assert seen(report, "threads") == "the profile leaves it out"
    assert outcomes(report)["threads"] == "skipped"


def test_limits_of_the_profile_that_are_kept_are_a_pass(ada):
    shell = with_profile(ada, "smoke.max_ms = 60000", "smoke.p50_ms = 60000")
    report = shell.json("gpcli smoke --checks speed")

    assert outcomes(report)["latency"] == "ok"


def test_another_patients_id_of_the_profile_is_tried(ada):
    shell = with_profile(ada, "smoke.other_patient = 'bo'")

    assert outcomes(shell.json("gpcli smoke --checks access"))["other-patient"] == "ok"


def test_the_own_id_as_that_of_another_proves_nothing(ada):
    report = ada.with_env(GPCLI_SMOKE_OTHER_PATIENT="ada").json("gpcli smoke --checks access")

    assert outcomes(report)["other-patient"] == "skipped"


def test_a_token_for_another_portal_that_is_refused_is_as_it_should_be(ada):
    shell = with_profile(ada, "smoke.foreign_token_command = 'echo another-portals-token'")

    assert outcomes(shell.json("gpcli smoke --checks access"))["foreign-token"] == "ok"


def test_a_token_for_another_portal_that_is_taken_is_a_failure_of_security(ada, world):
    shell = with_profile(ada, f"smoke.foreign_token_command = 'cat {world.home / 'token'}'")
    ending = shell("gpcli smoke --checks foreign-token --json")

    assert (ending.code, ending.json["checks"][-1]["cause"]) == (11, "security")


def test_a_command_that_gives_no_foreign_token_fails_its_check_alone(ada):
    shell = with_profile(ada, "smoke.foreign_token_command = 'false'")
    ending = shell("gpcli smoke --checks access --json")

    failed = [each for each in ending.json["checks"] if each["status"] == "failed"]
    assert [(each["name"], each["cause"]) for each in failed] == [("foreign-token", "no_token")]


def test_what_is_expected_and_not_offered_fails(world):
    finn = world.shell("finn")

    assert finn("gpcli smoke --checks services --expect booking,contact").code == 0
    ending = finn("gpcli smoke --expect booking,e-consultation --json")
    assert ending.code == 11
    assert seen(ending.json, "expected-services") == "expected and not offered: e-consultation"
    assert [*outcomes(ending.json).values()].count("failed") == 1
    assert outcomes(ending.json)["booking"] == "ok"
    assert ending.json["coverage"]["failed"] == 0


def test_after_a_failure_fail_fast_asks_nothing_more(ada):
    broken = bent(ada, break_search_of("Appointment"))
    ending = broken("gpcli smoke --fail-fast --json")

    found = list(outcomes(ending.json).values())
    assert ending.code == 11
    assert found.count("failed") == 1
    assert "ok" not in found[found.index("failed") :]


def unavailable(request, response):
    return httpx.Response(503) if request.url.path.endswith("/Communication") else None


def test_without_retries_every_request_is_made_once(ada):
    tried, again = Bending(unavailable), Bending(unavailable)
    shell = replace(ada, sleep=at_once)
    line = "gpcli smoke --checks threads --json"
    replace(shell, transport=again)(line)
    ending = replace(shell, transport=tried)(f"{line} --no-retry")

    def count(way):
        return sum(each.url.path.endswith("/Communication") for each in way.asked)

    assert count(tried) == 1 < count(again)
    assert ending.json["checks"][-1]["requests"] == 1


def test_what_is_new_since_a_report_is_told_and_changes_no_exit_code(ada, world):
    earlier = world.home / "earlier.json"
    broken = bent(ada, break_search_of("Communication"))
    line = "gpcli smoke --checks threads,gp --json"
    earlier.write_text(broken(line).out, encoding="utf-8")

    report = ada.json(f"gpcli smoke --checks threads,gp --compare {earlier}")
    assert report["changes"] == [{"check": "threads", "before": "failed", "now": "ok"}]
    earlier.write_text(json.dumps(report), encoding="utf-8")
    worse = broken(f"gpcli smoke --checks threads,contact --json --compare {earlier}")
    assert worse.code == 11
    assert {each["check"]: (each["before"], each["now"]) for each in worse.json["changes"]} == {
        "threads": ("ok", "failed"),
        "services": (None, "ok"),
        "contact": (None, "failed"),
    }
    assert worse.json["not_compared"] == 1
    assert (
        "New since the earlier report: threads was ok"
        in broken(f"gpcli smoke --checks threads --compare {earlier}").err
    )


def test_without_an_earlier_report_nothing_is_compared(ada):
    assert ada.json(f"gpcli smoke --checks {FEW}")["changes"] is None


@pytest.mark.parametrize("option", ["", "--json"])
def test_field_names_are_those_of_the_checks_and_in_json_those_of_the_report(ada, option):
    ending = replace(ada, transport=httpx.MockTransport(refuse))(
        f"gpcli smoke --fields '' {option}"
    )

    assert ("coverage" in ending.out.split()) == bool(option)
    assert ("trace_id" in ending.out.split()) == (not option)


def refuse(request: httpx.Request) -> httpx.Response:
    raise AssertionError("nothing was to be asked")


def starting(answers: int) -> Callable[[httpx.Request, httpx.Response], httpx.Response | None]:
    """A portal that answers `answers` requests with 503 before it is there."""
    left = iter(range(answers))
    return lambda request, response: None if next(left, None) is None else httpx.Response(503)


def test_a_portal_that_is_starting_is_waited_for_and_its_start_is_no_latency(ada):
    shell = bent(ada, starting(10))
    report = shell.json(f"gpcli smoke --wait-ready 60s --checks {FEW}")

    assert set(outcomes(report).values()) == {"ok"}
    assert report["latency"]["requests"] == sum(each["requests"] for each in report["checks"])


def test_a_portal_that_never_comes_up_is_unavailable(ada):
    shell = bent(ada, lambda request, response: httpx.Response(503))
    ending = shell("gpcli smoke --wait-ready 1s --json")

    assert (ending.code, ending.error["code"]) == (6, "portal_error")
    notices = [each["notice"]["message"] for each in ending.stderr_json if "notice" in each]
    assert notices == ["The portal is not ready after 1 s: it answers with 503."]


def test_writing_is_never_for_a_production_portal(ada):
    shell = replace(
        ada.with_env(GPCLI_ENVIRONMENT="production"), transport=httpx.MockTransport(refuse)
    )
    ending: CommandResult = shell("gpcli smoke --write --json")

    assert ending.refused == (5, "production_guard", "")


def test_a_session_is_renewed_and_goes_on(live, shell):
    signed_in = replace(shell, sleep=at_once, terminal=PIPED)
    assert signed_in(f"gpcli login {live.fhir_base} --hint ada").code == 0
    report = signed_in.json("gpcli smoke --checks sign-in,gp")

    assert outcomes(report)["renewal"] == "ok"
    assert seen(report, "renewal") == "the token was renewed, and the portal takes the new one"
    assert signed_in("gpcli gp").code == 0
    assert signed_in.json("gpcli smoke --checks renewal")["coverage"]["failed"] == 0
