"""gpcli's own variables: what surrounds a value does not count, wherever it is read."""

import re
from pathlib import Path

import pytest

import gpcli
from gpcli.cli.configuration_texts import MACHINE_VARIABLES, OWN_VARIABLES
from gpcli.config import index_format, paths
from gpcli.config.profiles import Config, Profile
from gpcli.config.settings import (
    Options,
    read_clock_offset,
    read_variable,
    resolve_settings,
)
from gpcli.config.variables import find_variable

SURROUNDED = ["{}\n", "{}\r\n", "{}\n\n", " {} ", "\t{}"]
SOURCES = sorted(Path(gpcli.__file__).parent.rglob("*.py"))
READ = re.compile(r'.*env(?:iron)?\.get\("GPCLI_.*')
PORTAL = "https://env.example/fhir/R4"
BY_ENVIRONMENT = {
    "GPCLI_PORTAL": PORTAL,
    "GPCLI_ENVIRONMENT": "sandbox",
    "GPCLI_TOKEN": "t0ken",
    "GPCLI_PATIENT": "pat-1",
    "GPCLI_FHIR_USER": "RelatedPerson/7",
    "GPCLI_SMOKE_OTHER_PATIENT": "pat-9",
    "GPCLI_AS": "ada",
    "GPCLI_CLOCK_OFFSET": "60",
    "GPCLI_CONFIG_DIR": "/home/ada/of gpcli",
}
BY_WATCH = {"GPCLI_NOTIFY_TOKEN"}
BY_COMMAND = {"GPCLI_PORTAL": PORTAL, "GPCLI_TOKEN_COMMAND": "pass show 'my token'"}
BY_PROFILE = {"GPCLI_PROFILE": "live", "CI": "true", "GPCLI_ALLOW_PRODUCTION": "live"}
CONFIG = Config(
    {
        "live": Profile("live", "https://live.example/fhir", "production"),
        "test": Profile("test", "https://test.example/fhir", "staging"),
    }
)
COMMANDS = {"GPCLI_PAGER"}
SWITCHES = {"GPCLI_ACCESSIBLE", "GPCLI_NO_INPUT", "GPCLI_SHOW_ALL", "GPCLI_DEBUG"}


def resolve(env):
    return (
        resolve_settings(Options(), env, CONFIG),
        read_clock_offset(env),
        paths.config_dir(env),
        paths.index_path(env),
        index_format.find_profile_key([], {}, env),
    )


def test_every_variable_is_in_one_of_the_environments():
    known = {*BY_ENVIRONMENT, *BY_COMMAND, *BY_PROFILE, *SWITCHES, *COMMANDS, *BY_WATCH}
    assert {name for name, _ in (*OWN_VARIABLES, *MACHINE_VARIABLES)} <= known


@pytest.mark.parametrize("around", SURROUNDED)
@pytest.mark.parametrize("env", [BY_ENVIRONMENT, BY_COMMAND, BY_PROFILE])
def test_spaces_and_line_ends_around_a_value_do_not_count(env, around):
    assert resolve({name: around.format(value) for name, value in env.items()}) == resolve(env)


@pytest.mark.parametrize("around", SURROUNDED)
def test_spaces_and_line_ends_around_a_switch_do_not_count(around):
    assert index_format.is_set(around.format("1"))
    assert not index_format.is_set(around.format("false"))


def test_a_variable_is_read_without_what_surrounds_it():
    assert read_variable({"X": " a b\n"}, "X") == find_variable({"X": " a b\n"}, "X") == "a b"
    assert (read_variable({}, "X"), find_variable({}, "X")) == (None, "")


def test_no_module_reads_a_value_past_the_one_rule():
    found = [(path.name, READ.findall(path.read_text(encoding="utf-8"))) for path in SOURCES]
    past = [(name, line) for name, lines in found for line in lines if "is_set(" not in line]
    assert past == []
