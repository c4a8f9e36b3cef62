"""Which way in a machine has, and for whom."""

from dataclasses import replace

import pytest

from gpcli.auth.backend_service import ServiceBearer
from gpcli.auth.bearer import StaticBearer
from gpcli.auth.token_command import CommandBearer
from gpcli.auth.unattended import (
    MachineEnvironment,
    build_machine_bearer,
    require_patient,
    word_machine_hint,
)
from gpcli.config.profiles import Profile
from gpcli.config.settings import Settings
from gpcli.errors import (
    ConfigError,
    Cure,
    Expired,
    InputNeeded,
    InvalidUsage,
    NotFound,
    NotPermitted,
)

PROFILE = Profile("night", "https://portal.example/fhir/R4", "staging")
NOBODY = Settings(PROFILE, None, None, None, None, 30.0)
BY_TOKEN = replace(NOBODY, token="t0ken", patient="ada")
BY_COMMAND = replace(NOBODY, token_command="pass token", patient="ada")
BY_FILE_COMMAND = replace(
    BY_COMMAND, profile=replace(PROFILE, token_command=BY_COMMAND.token_command)
)
BY_KEY = replace(NOBODY, profile=replace(PROFILE, key_file="night.jwk"), patient="ada")


@pytest.fixture
def environment(tmp_path):
    return MachineEnvironment({}, tmp_path.joinpath, tmp_path, -1, lambda: 0.0)


@pytest.mark.parametrize(
    ("settings", "kind"),
    [(BY_TOKEN, StaticBearer), (BY_COMMAND, CommandBearer), (BY_KEY, ServiceBearer)],
)
def test_what_is_set_decides_where_tokens_come_from(environment, settings, kind):
    bearer = build_machine_bearer(settings, environment)
    assert (type(bearer), bearer.scope) == (kind, None)


def test_a_token_goes_before_the_key_of_a_profile(environment):
    both = replace(BY_KEY, token="t0ken")
    assert (type(build_machine_bearer(both, environment)), both.machine) == (
        StaticBearer,
        "GPCLI_TOKEN",
    )


def test_what_can_give_no_token_is_refused(environment):
    with pytest.raises(ConfigError):
        build_machine_bearer(replace(BY_COMMAND, token_command="'"), environment)


@pytest.mark.parametrize("settings", [BY_TOKEN, BY_COMMAND, BY_FILE_COMMAND, BY_KEY])
@pytest.mark.parametrize("cure", Cure)
def test_a_refused_machine_is_not_told_to_log_in(settings, cure):
    hint = word_machine_hint(Expired("No.", hint="gpcli login", cure=cure), settings.machine)
    assert hint
    assert "login" not in hint


def test_what_else_a_hint_says_is_kept():
    error = NotPermitted("No.", hint="gpcli login asks.", cure=Cure.MORE_RIGHTS)
    error.add_hint("The Slot was given back.")
    assert word_machine_hint(error, "key_file") == (
        "Check GPCLI_PATIENT, or ask those who run the portal for more rights for this machine; "
        "gpcli services tells what it may use. The Slot was given back."
    )


@pytest.mark.parametrize(
    "error", [Expired("No.", hint="Set a new one."), NotFound("No.", hint="gpcli login URL")]
)
def test_every_other_hint_is_left_as_it_is(error):
    assert word_machine_hint(error, "key_file") == error.hint


@pytest.mark.parametrize("named", [None, "ada"])
@pytest.mark.parametrize("settings", [BY_TOKEN, BY_COMMAND, BY_KEY])
def test_the_variable_says_for_whom(settings, named):
    assert require_patient(replace(settings, as_=named)) == "ada"


def test_a_key_signs_a_machine_in_only_for_a_patient():
    assert (BY_KEY.machine, replace(BY_KEY, patient=None).machine) == ("key_file", None)


@pytest.mark.parametrize("settings", [BY_TOKEN, BY_COMMAND])
def test_without_the_variable_it_is_not_known_for_whom(settings):
    with pytest.raises(InputNeeded) as raised:
        require_patient(replace(settings, patient=None))
    assert raised.value.message == f"GPCLI_PATIENT is needed beside {settings.machine}."
    assert raised.value.hint == "Set it to the patient's id at the portal."


@pytest.mark.parametrize(
    ("settings", "cure"),
    [
        (BY_TOKEN, "or set the token of the other person."),
        (BY_COMMAND, "or set GPCLI_PATIENT to the other person."),
        (BY_KEY, "or set GPCLI_PATIENT to the other person."),
    ],
)
def test_nobody_else_can_be_named(settings, cure):
    with pytest.raises(InvalidUsage) as raised:
        require_patient(replace(settings, as_="bo"))
    assert raised.value.message == f"{settings.machine} is for 'ada': it can't act for 'bo'."
    assert raised.value.hint.endswith(cure)
