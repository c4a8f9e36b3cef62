"""The portals that a machine knows, the variables that name one, and the guard of production."""

from __future__ import annotations

from pathlib import Path

import pytest

from gpcli.config.offer_index import IndexedPerson, OfferIndex
from gpcli.config.paths import index_path
from tests.journeys.shell import CommandResult, Shell
from tests.journeys.world import MONDAY

STAGING = "https://staging.example/fhir/R4"


@pytest.fixture
def shell(tmp_path):
    return Shell({"GPCLI_CONFIG_DIR": str(tmp_path)}, lambda: MONDAY)


@pytest.fixture
def two(shell):
    shell(f"gpcli profile add staging {STAGING} --environment staging")
    shell("gpcli profile add real https://real.example/fhir --environment production")
    return shell


def known(name="staging", portal=STAGING, environment="staging", default=True):
    return {
        "profile": name,
        "portal": portal,
        "environment": environment,
        "default": default,
        "people": [],
    }


def test_there_are_none_at_first(shell):
    assert shell("gpcli profile list") == CommandResult(
        0, "", "There are none yet: gpcli login PORTAL-URL makes one.\n"
    )


def test_the_first_one_is_the_default(two):
    real = known("real", "https://real.example/fhir", "production", default=False)
    assert two.json("gpcli profile list") == [real, known()]
    assert two.json("gpcli profile show") == known()


def test_using_another_makes_it_the_default(two):
    assert two.json("gpcli profile use real")["default"] is True
    assert two.json("gpcli profile show")["profile"] == "real"
    assert two.json("gpcli profile show staging")["default"] is False


def test_a_removed_profile_is_gone(two):
    assert two.json("gpcli profile remove staging") == known()
    assert [one["profile"] for one in two.json("gpcli profile list")] == ["real"]
    assert two("gpcli profile show staging --json").refused == (3, "not_found", "")


QUESTION = """\
Forget the profile 'staging' [staging]
  Portal       https://staging.example/fhir/R4
  Environment  staging
  Default      yes; afterwards there is none
Forget the profile 'staging'? [y/N] \
"""


def names(shell):
    return [one["profile"] for one in shell.json("gpcli profile list")]


@pytest.mark.parametrize("typing", ["\n", "n\n", ""])
def test_a_profile_is_not_removed_at_a_terminal_unless_somebody_agrees(two, typing):
    ending = two.at_a_screen(typing)("gpcli profile remove staging")

    assert (ending.code, ending.out) == (9, "")
    assert ending.err.startswith(QUESTION)
    assert names(two) == ["real", "staging"]


def test_a_profile_is_removed_at_a_terminal_once_somebody_agrees(two):
    ending = two.at_a_screen("y\n")("gpcli profile remove staging")

    assert (ending.code, ending.err) == (0, QUESTION)
    assert names(two) == ["real"]


@pytest.mark.parametrize(
    "line",
    [
        "gpcli profile remove staging --yes",
        "gpcli --yes profile remove staging",
        "gpcli profile remove staging --no-input",
    ],
)
def test_a_profile_is_removed_at_a_terminal_without_a_question(two, line):
    ending = two.at_a_screen()(line)

    assert (ending.code, ending.err) == (0, "")
    assert names(two) == ["real"]


def test_the_question_is_not_asked_where_a_profile_can_not_be_removed(two):
    ending = two.at_a_screen("y\n")("gpcli profile remove nope")

    assert (ending.code, "Forget" in ending.err) == (3, False)


def test_several_without_a_default_have_to_be_told_apart(two):
    two(f"gpcli profile add third {STAGING}/3 --environment staging")
    two("gpcli profile remove staging")
    ending = two("gpcli services --json")
    assert ending.refused == (2, "input_needed", "")
    assert ending.error["message"] == "There are several profiles: real, third."


def test_a_final_slash_is_no_part_of_a_portal(shell):
    shell(f"gpcli profile add staging {STAGING}/ --environment staging")
    assert shell.json("gpcli profile show")["portal"] == STAGING


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("", "gpcli profile add needs NAME."),
        ("x", "gpcli profile add needs PORTAL-URL."),
        (f"x {STAGING}", "gpcli profile add needs --environment."),
        (f"staging {STAGING} --environment staging", "There is a profile 'staging' already."),
        (f"x {STAGING} --environment test", "'test' is not one of production, staging, sandbox."),
        (f"'' {STAGING} --environment staging", "A profile can't be called ''."),
        (
            "x http://staging.example --environment staging",
            "'http://staging.example' is not encrypted; the portal must be https.",
        ),
        (
            "x staging.example --environment staging",
            "'staging.example' is not a web address; it must be a URL such as "
            "https://portal.example/fhir/R4.",
        ),
        (
            "x https://me:pw@staging.example --environment staging",
            "the portal's URL must have no query, fragment or user name.",
        ),
    ],
)
def test_what_cannot_be_a_profile_is_named(two, words, said):
    ending = two(f"gpcli profile add {words}")
    assert (ending.code, ending.out) == (2, "")
    assert ending.err.splitlines()[0] == f"gpcli: {said}"


@pytest.mark.parametrize("command", ["show", "use", "remove"])
def test_a_profile_that_there_is_not_names_the_nearest(two, command):
    ending = two(f"gpcli profile {command} stagign")
    assert (ending.code, ending.out) == (3, "")
    assert ending.err.startswith("gpcli: There is no profile 'stagign'; did you mean 'staging'?\n")


@pytest.mark.parametrize("option", ["--profile nope", "--profile ''"])
def test_the_profile_of_a_run_has_to_be_known(two, option):
    assert two(f"gpcli gp {option}").code in {2, 3}


def test_a_profile_with_somebody_signed_in_is_not_removed(two):
    index = OfferIndex(Path(index_path(two.env)))
    index.add_person("staging", IndexedPerson("account", "ada", "Ada Solberg", 0.0))
    assert two("gpcli profile remove staging") == CommandResult(
        2,
        "",
        "gpcli: Somebody is signed in at 'staging': Ada Solberg.\n"
        "  gpcli logout --all --profile staging\n",
    )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('defualt_profile = "x"', "unknown key 'defualt_profile'; did you mean 'default_profile'?"),
        (
            '[profiles.x]\nportal = "https://x.example"\nenvironment = "staging"\ntimout = 3',
            "unknown key 'profiles.x.timout'; did you mean 'timeout'?",
        ),
        ('[profiles.x]\nportal = "https://x.example"', "profiles.x has no 'environment'."),
        ("[profiles.x", "is not valid TOML"),
        ('default_profile = "x"', "default_profile 'x' is not one of the profiles."),
    ],
)
@pytest.mark.parametrize("command", ["services", "profile list"])
def test_a_slip_in_the_configuration_is_named_with_its_file(shell, tmp_path, text, said, command):
    (tmp_path / "config.toml").write_text(text)
    ending = shell(f"gpcli {command} --json")
    assert ending.refused == (2, "config", "")
    assert ending.error["message"].startswith(f"{tmp_path / 'config.toml'}")
    assert said in ending.error["message"]


@pytest.mark.parametrize("words", [f"{STAGING} ", f"{STAGING}/ --profile staging ", ""])
def test_signing_in_with_another_environment_than_the_profiles_is_refused(two, words):
    ending = two(f"gpcli login {words}--environment production --json")
    assert ending.refused == (2, "usage", "")
    assert ending.error["message"] == (
        "The profile 'staging' is of the environment staging, not production."
    )
    assert two.json("gpcli profile show staging") == known()


def test_of_two_profiles_of_a_portal_the_environment_chooses(two):
    """The portal is production in the one that it chooses, and this is a CI run."""
    two(f"gpcli profile add risky {STAGING} --environment production")
    ending = two.with_env(CI="1")(f"gpcli login {STAGING} --environment production --json")
    assert ending.refused == (5, "production_guard", "")
    assert ending.error["message"].startswith("'risky' is a production portal")


def test_the_environment_of_a_sign_in_without_any_profile_is_of_no_portal(shell):
    ending = shell("gpcli login --environment staging --json")
    assert ending.refused == (4, "not_signed_in", "")


@pytest.mark.parametrize("number", ["1", "true", "yes"])
def test_ci_keeps_away_from_production(two, number):
    ending = two.with_env(CI=number)("gpcli services --profile real --json")
    assert ending.refused == (5, "production_guard", "")


def test_signing_in_at_production_from_ci_opens_nothing_and_keeps_nothing(shell, tmp_path):
    ending = shell.with_env(CI="true")("gpcli login https://real.example/fhir --json")
    assert ending.refused == (5, "production_guard", "")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "env", [{"CI": "true", "GPCLI_ALLOW_PRODUCTION": "real"}, {"CI": "false"}, {"CI": ""}]
)
def test_the_guard_is_lifted_by_name_and_is_down_outside_ci(two, env):
    ending = two.with_env(**env)("gpcli services --profile real --json")
    assert ending.refused == (4, "not_signed_in", "")


def test_allowing_another_profile_allows_nothing(two):
    shell = two.with_env(CI="true", GPCLI_ALLOW_PRODUCTION="staging")
    assert shell("gpcli services --profile real --json").refused == (5, "production_guard", "")


@pytest.mark.parametrize(
    "name",
    [
        "GPCLI_PORTAL",
        "GPCLI_TOKEN",
        "GPCLI_PATIENT",
        "GPCLI_FHIR_USER",
        "GPCLI_ENVIRONMENT",
        "GPCLI_AS",
    ],
)
def test_a_variable_that_is_set_to_nothing_is_an_error_that_names_it(shell_of, name):
    ending = shell_of("ada").with_env(**{name: ""})("gpcli gp --json")
    assert ending.refused == (2, "config", "")
    assert ending.error["message"] == f"{name} is set but empty."


def test_an_empty_profile_name_among_the_variables_is_an_error(two):
    ending = two.with_env(GPCLI_PROFILE=" ")("gpcli gp --json")
    assert ending.refused == (2, "config", "")


@pytest.mark.parametrize(
    ("missing", "refused"),
    [
        ("GPCLI_PORTAL", (2, "config", "")),
        ("GPCLI_PATIENT", (2, "input_needed", "")),
        ("GPCLI_TOKEN", (4, "not_signed_in", "")),
    ],
)
def test_portal_token_and_patient_belong_together(shell_of, missing, refused):
    assert shell_of("ada").without(missing)("gpcli gp --json").refused == refused


def test_a_portal_from_the_variables_is_production_unless_they_say_otherwise(shell_of):
    shell = shell_of("ada").without("GPCLI_ENVIRONMENT")
    assert shell.json("gpcli whoami")["environment"] == "production"
    assert shell.with_env(CI="1")("gpcli gp --json").refused == (5, "production_guard", "")


def test_a_token_that_nobody_issued_is_expired(shell_of):
    ending = shell_of("ada").with_env(GPCLI_TOKEN="made-up")("gpcli gp --json")
    assert ending.refused == (4, "expired", "")
    assert ending.error["hint"] == "Set a new one."


def test_a_token_with_a_line_end_in_it_is_none(shell_of):
    ending = shell_of("ada").with_env(GPCLI_TOKEN="a\r\nX-Evil: 1")("gpcli gp --json")
    assert ending.refused == (2, "config", "")
    assert "Evil" not in ending.err


def test_with_a_token_it_is_not_known_how_long_it_lives(shell_of):
    ending = shell_of("ada")("gpcli whoami --min-life 10m --json")
    assert (ending.code, ending.json["until"], ending.json["renews"]) == (0, None, False)
    assert ending.stderr_json == [
        {"warning": {"message": "The portal does not say how long unattended use works."}}
    ]
