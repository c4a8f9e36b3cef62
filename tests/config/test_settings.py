from dataclasses import replace

import pytest

from gpcli.config.profiles import Config, Profile
from gpcli.config.settings import (
    Options,
    Settings,
    check_production_allowed,
    read_clock_offset,
    resolve_profile_settings,
    resolve_settings,
)
from gpcli.errors import ConfigError, InputNeeded, NotFound, NotSignedIn, ProductionGuard

URL = "https://portal.example/fhir/R4"
HOME = Profile("home", URL, "production", timeout=20.0)
TEST = Profile("test", "https://staging.example/fhir", "staging")
BOTH = Config({"home": HOME, "test": TEST}, "home")
NO_DEFAULT = Config({"home": HOME, "test": TEST})
PORTAL = {"GPCLI_PORTAL": "https://env.example/fhir/", "GPCLI_ENVIRONMENT": "staging"}


def resolve(env=None, config=BOTH, **options):
    return resolve_settings(Options(**options), env or {}, config)


def test_without_flags_and_variables_the_default_profile_is_used():
    assert resolve() == Settings(HOME, None, None, None, None, 20.0)


@pytest.mark.parametrize(
    ("env", "options", "config", "name"),
    [
        ({}, {}, BOTH, "home"),
        ({}, {}, Config({"test": TEST}), "test"),
        ({"GPCLI_PROFILE": "test"}, {}, BOTH, "test"),
        ({"GPCLI_PROFILE": "test"}, {"profile": "home"}, BOTH, "home"),
        (PORTAL, {}, BOTH, "environment"),
        ({**PORTAL, "GPCLI_PROFILE": "test"}, {}, BOTH, "environment"),
        (PORTAL, {"profile": "test"}, BOTH, "test"),
        (PORTAL, {}, Config({}), "environment"),
    ],
)
def test_a_flag_goes_before_the_environment_before_the_default(env, options, config, name):
    assert resolve(env, config, **options).profile.name == name


def test_the_environment_makes_a_profile_with_its_token_patient_and_user():
    env = {
        **PORTAL,
        "GPCLI_TOKEN": "t0ken",
        "GPCLI_PATIENT": "pat-1",
        "GPCLI_FHIR_USER": "RelatedPerson/7",
    }

    assert resolve(env) == Settings(
        Profile("environment", "https://env.example/fhir", "staging"),
        "t0ken",
        "pat-1",
        "RelatedPerson/7",
        None,
        30.0,
    )


def test_a_command_of_the_environment_stands_in_for_the_token():
    found = resolve({**PORTAL, "GPCLI_TOKEN_COMMAND": "pass token", "GPCLI_PATIENT": "pat-1"})
    assert (found.token, found.token_command, found.patient) == (None, "pass token", "pat-1")
    assert found.machine == "GPCLI_TOKEN_COMMAND"


@pytest.mark.parametrize(
    ("given", "machine"),
    [
        ({}, None),
        ({"token_command": "pass token"}, "token_command"),
        ({"key_file": "night.jwk"}, "key_file"),
    ],
)
def test_a_profile_of_a_machine_takes_its_patient_from_the_environment(given, machine):
    config = Config({"night": replace(TEST, **given)})
    found = resolve({"GPCLI_PATIENT": "pat-1", "GPCLI_FHIR_USER": "x"}, config)
    assert found.machine == machine
    assert (found.patient, found.fhir_user) == (("pat-1", "x") if machine else (None, None))


def test_the_environment_goes_before_the_command_of_a_profile():
    config = Config({"night": replace(TEST, token_command="pass token")})
    env = {**PORTAL, "GPCLI_TOKEN": "t0ken"}
    assert resolve(env, config).machine == "GPCLI_TOKEN"
    assert resolve(env, config, profile="night").machine == "token_command"


def test_a_token_and_a_command_at_once_are_refused():
    with pytest.raises(ConfigError) as raised:
        resolve({**PORTAL, "GPCLI_TOKEN": "t0ken", "GPCLI_TOKEN_COMMAND": "pass token"})
    assert raised.value.message == "GPCLI_TOKEN and GPCLI_TOKEN_COMMAND are both set."


def test_a_command_without_a_portal_is_refused():
    with pytest.raises(ConfigError, match=r"^GPCLI_TOKEN_COMMAND is set without GPCLI_PORTAL"):
        resolve({"GPCLI_TOKEN_COMMAND": "pass token"})


def test_a_portal_of_the_environment_is_production_unless_said_otherwise():
    assert resolve({"GPCLI_PORTAL": URL}).profile.environment == "production"


def test_a_token_of_the_environment_never_goes_to_another_profile():
    env = {**PORTAL, "GPCLI_TOKEN": "t0ken", "GPCLI_PATIENT": "pat-1", "GPCLI_FHIR_USER": "x"}

    assert resolve(env, profile="test") == Settings(TEST, None, None, None, None, 30.0)


def test_a_token_of_the_environment_never_goes_to_a_profile_of_that_name():
    named = Profile("environment", "https://other.example/fhir", "staging")

    chosen = resolve(
        {**PORTAL, "GPCLI_TOKEN": "t0ken"}, Config({"environment": named}), profile="environment"
    )

    assert (chosen.profile, chosen.token) == (named, None)


def test_a_token_without_a_portal_is_refused():
    with pytest.raises(ConfigError) as wrong:
        resolve({"GPCLI_TOKEN": "t0ken"})

    assert wrong.value.message == (
        "GPCLI_TOKEN is set without GPCLI_PORTAL: for which portal is it?"
    )


@pytest.mark.parametrize(
    ("env", "options", "person"),
    [
        ({}, {}, None),
        ({"GPCLI_AS": "ada"}, {}, "ada"),
        ({"GPCLI_AS": "ada"}, {"as_": "guro"}, "guro"),
    ],
)
def test_a_person_is_named_by_flag_before_environment(env, options, person):
    assert resolve(env, **options).as_ == person


@pytest.mark.parametrize(("options", "seconds"), [({}, 20.0), ({"timeout": 5.0}, 5.0)])
def test_a_time_limit_is_set_by_flag_before_profile(options, seconds):
    assert resolve(**options).timeout == seconds


@pytest.mark.parametrize("empty", ["", "  "])
@pytest.mark.parametrize(
    ("name", "env"),
    [
        ("GPCLI_PORTAL", {}),
        ("GPCLI_PROFILE", {}),
        ("GPCLI_AS", {}),
        ("GPCLI_TOKEN", {}),
        ("GPCLI_TOKEN_COMMAND", {}),
        ("GPCLI_ENVIRONMENT", PORTAL),
        ("GPCLI_TOKEN", PORTAL),
        ("GPCLI_TOKEN_COMMAND", PORTAL),
        ("GPCLI_PATIENT", PORTAL),
        ("GPCLI_FHIR_USER", PORTAL),
        ("GPCLI_SMOKE_OTHER_PATIENT", PORTAL),
    ],
)
def test_an_empty_variable_is_not_an_absent_one(name, env, empty):
    with pytest.raises(ConfigError) as wrong:
        resolve({**env, name: empty})

    assert (wrong.value.message, wrong.value.hint) == (
        f"{name} is set but empty.",
        f"Give it a value, or unset {name}.",
    )


@pytest.mark.parametrize(
    "env",
    [
        {"GPCLI_PORTAL": "http://portal.example/fhir"},
        {"GPCLI_PORTAL": "portal"},
        {"GPCLI_PORTAL": URL, "GPCLI_ENVIRONMENT": "prod"},
    ],
)
def test_a_portal_that_can_not_be_is_refused_with_the_variables_names(env):
    with pytest.raises(ConfigError, match=r"^GPCLI_PORTAL or GPCLI_ENVIRONMENT: '.*\.$"):
        resolve(env)


@pytest.mark.parametrize(
    ("env", "options"), [({"GPCLI_PROFILE": "tst"}, {}), ({}, {"profile": "tst"})]
)
def test_an_unknown_profile_is_not_found(env, options):
    with pytest.raises(NotFound, match="did you mean 'test'"):
        resolve(env, **options)


def test_without_any_profile_gpcli_says_how_to_begin():
    with pytest.raises(NotSignedIn) as wrong:
        resolve(config=Config({}))

    assert (wrong.value.message, wrong.value.hint) == (
        "gpcli does not know your portal yet.",
        "gpcli login PORTAL-URL signs in; gpcli demo shows gpcli without any portal.",
    )


def test_several_profiles_without_a_default_are_named():
    with pytest.raises(InputNeeded) as wrong:
        resolve(config=NO_DEFAULT)

    assert wrong.value.message == "There are several profiles: home, test."


@pytest.mark.parametrize("ci", ["true", "1", "yes", "True", " 1 ", "woodpecker"])
def test_a_ci_run_does_not_touch_production(ci):
    with pytest.raises(ProductionGuard) as raised:
        resolve({"CI": ci})

    assert (raised.value.message, raised.value.hint) == (
        "'home' is a production portal and this is a CI run.",
        "Use a staging or sandbox profile; GPCLI_ALLOW_PRODUCTION=home lifts this.",
    )


@pytest.mark.parametrize("ci", ["", "0", "false", "False", " FALSE "])
def test_a_ci_variable_that_is_off_guards_nothing(ci):
    assert resolve({"CI": ci}).profile == HOME


@pytest.mark.parametrize("environment", ["staging", "sandbox"])
def test_a_ci_run_may_touch_other_portals(environment):
    check_production_allowed(Profile("x", URL, environment), {"CI": "true"})


def test_a_ci_run_may_touch_the_production_portal_that_is_named():
    assert resolve({"CI": "true", "GPCLI_ALLOW_PRODUCTION": "home"}).profile == HOME


@pytest.mark.parametrize("allowed", ["", "1", "true", "test", "Home", "*"])
def test_no_other_word_lifts_the_guard(allowed):
    with pytest.raises(ProductionGuard):
        resolve({"CI": "true", "GPCLI_ALLOW_PRODUCTION": allowed})


def test_a_portal_of_the_environment_is_guarded_too():
    with pytest.raises(ProductionGuard, match="'environment' is a production portal"):
        resolve({"CI": "true", "GPCLI_PORTAL": URL, "GPCLI_TOKEN": "t0ken"})


SANDBOX = {"GPCLI_ENVIRONMENT": "sandbox"}


@pytest.mark.parametrize(
    ("env", "ahead"),
    [
        ({}, 0),
        (SANDBOX, 0),
        ({"GPCLI_CLOCK_OFFSET": "3600", **SANDBOX}, 3600),
        ({"GPCLI_CLOCK_OFFSET": "-60", **SANDBOX}, -60),
        ({"GPCLI_CLOCK_OFFSET": "3600"}, 0),
        ({"GPCLI_CLOCK_OFFSET": "3600", "GPCLI_ENVIRONMENT": "staging"}, 0),
    ],
)
def test_only_a_sandbox_has_a_clock_of_its_own(env, ahead):
    assert read_clock_offset(env).total_seconds() == ahead


@pytest.mark.parametrize("content", ["", "soon", "1e999", "nan", "1e12", "-9e10"])
def test_an_offset_that_is_no_number_is_refused(content):
    with pytest.raises(ConfigError, match="GPCLI_CLOCK_OFFSET"):
        read_clock_offset({"GPCLI_CLOCK_OFFSET": content, **SANDBOX})


NIGHT = Profile("night", URL, "staging", key_file="night.jwk")


@pytest.mark.parametrize(
    ("profile", "env", "machine"),
    [
        (NIGHT, {"GPCLI_PATIENT": "pat-1"}, "key_file"),
        (NIGHT, {}, None),
        (replace(NIGHT, key_file=None), {"GPCLI_PATIENT": "pat-1"}, None),
        (replace(NIGHT, key_file=None, token_command="pass x"), {}, "token_command"),
    ],
)
def test_a_key_signs_a_machine_in_only_where_a_patient_is_named(profile, env, machine):
    config = Config({"night": profile}, "night")
    assert resolve(env, config).machine == machine
    assert resolve_profile_settings(profile, Options(), env).machine == machine


def test_the_settings_of_a_profile_heed_the_guard_and_the_options():
    risky = Profile("real", URL, "production", timeout=7.0)
    found = resolve_profile_settings(risky, Options(as_="ada"), {})
    assert (found.timeout, found.as_, found.patient) == (7.0, "ada", None)
    with pytest.raises(ProductionGuard):
        resolve_profile_settings(risky, Options(), {"CI": "1"})


def test_without_a_profile_a_variable_names_whose_records_must_stay_closed():
    env = {**PORTAL, "GPCLI_TOKEN": "t0ken", "GPCLI_SMOKE_OTHER_PATIENT": "pat-9"}

    assert resolve(env).profile.smoke == {"other_patient": "pat-9"}
    assert resolve({**PORTAL, "GPCLI_TOKEN": "t0ken"}).profile.smoke == {}
