import re
from dataclasses import replace

import pytest

from gpcli.config.profile_keys import SYNTHETIC
from gpcli.config.profiles import Profile, add_profile, read_config, save_profile
from gpcli.errors import ConfigError

URL = "https://portal.example/fhir/R4"
PLAIN = Profile("home", URL, "staging")
SMOKE = {
    "p50_ms": 200,
    "p95_ms": 900,
    "p99_ms": 1500,
    "max_ms": 4000,
    "other_patient": "pat-9",
    "foreign_token_command": "print-token --for 'another portal'",
    "skip": ["batch", "prices"],
}
OWN_RULES = {"identifiers": [r"TEST-\d+"], "labels": ["urn:mine|made-up"], "patients": ["42"]}
PROFILE = f"[profiles.home]\nportal = '{URL}'\nenvironment = 'staging'\n"


@pytest.fixture
def path(tmp_path):
    return tmp_path / "config.toml"


def read_home(path, *lines):
    path.write_text("\n".join([PROFILE, *lines]), encoding="utf-8")
    return read_config(path).profiles["home"]


def refusal(path, *lines):
    with pytest.raises(ConfigError) as wrong:
        read_home(path, *lines)
    return wrong.value.message.removeprefix(f"{path}: profiles.home.")


def test_what_smoke_goes_by_is_read(path):
    found = read_home(
        path,
        "[profiles.home.smoke]",
        "p50_ms = 200\np95_ms = 900\np99_ms = 1500\nmax_ms = 4000",
        'other_patient = " pat-9 "',
        "foreign_token_command = \"print-token --for 'another portal'\"",
        'skip = ["batch", "prices"]',
    )

    assert found.smoke == SMOKE


def test_a_profile_says_nothing_of_smoke_and_has_the_usual_test_patients(path):
    found = read_home(path)

    assert (found.smoke, found.synthetic) == ({}, SYNTHETIC)


@pytest.mark.parametrize(
    "profile",
    [
        replace(PLAIN, smoke=SMOKE),
        replace(PLAIN, synthetic=OWN_RULES),
        replace(PLAIN, synthetic={"labels": []}),
        replace(PLAIN, smoke=SMOKE, synthetic=OWN_RULES),
    ],
)
def test_what_was_saved_is_read_back(path, profile):
    add_profile(path, profile)

    assert read_config(path).profiles["home"] == profile


def test_a_sign_in_leaves_the_tables_and_their_comments_as_they_are(path):
    tables = (
        "\n[profiles.home.smoke] # ours\np95_ms = 900 # since March\n"
        "[profiles.home.synthetic]\npatients = [ '42' ] # Line Testdal\n"
    )
    before = read_home(path, tables)

    save_profile(path, replace(before, timeout=5.0), before)

    assert path.read_text(encoding="utf-8").endswith(tables)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (
            "smoke = 1",
            "smoke: must be a table with some of p50_ms, p95_ms, p99_ms, max_ms, other_patient, "
            "foreign_token_command, skip.",
        ),
        (
            "smoke.p90_ms = 1",
            "smoke: 'p90_ms' is not one of its keys: p50_ms, p95_ms, p99_ms, max_ms, "
            "other_patient, foreign_token_command, skip.",
        ),
        *(
            (
                f"smoke.p95_ms = {value}",
                "smoke: p95_ms must be a whole number of milliseconds, at least 1.",
            )
            for value in ("0", "-1", "1.5", "true", '"900"')
        ),
        ("smoke.other_patient = ' '", "smoke: other_patient must be text that is not empty."),
        ("smoke.other_patient = 9", "smoke: other_patient must be text that is not empty."),
        (
            "smoke.foreign_token_command = ['a']",
            "smoke: foreign_token_command must be text that is not empty.",
        ),
        ("smoke.skip = 'batch'", "smoke: skip must be a list of texts."),
        ("smoke.skip = ['']", "smoke: each of skip must be text that is not empty."),
        (
            "synthetic = ['x']",
            "synthetic: must be a table with some of identifiers, labels, patients.",
        ),
        (
            "synthetic.tags = []",
            "synthetic: 'tags' is not one of its keys: identifiers, labels, patients.",
        ),
        ("synthetic.labels = ['HTEST']", "synthetic: labels must each be 'system|code'."),
        ("synthetic.labels = ['urn:x|']", "synthetic: labels must each be 'system|code'."),
        (
            "synthetic.patients = [42]",
            "synthetic: each of patients must be text that is not empty.",
        ),
        (
            "synthetic.identifiers = ['(']",
            "synthetic: identifiers: '(' is no regular expression: "
            "missing ), unterminated subpattern at position 0.",
        ),
    ],
)
def test_a_wrong_value_is_named_with_its_place(path, line, message):
    assert refusal(path, line) == message


def test_an_identifier_rule_may_name_a_system_before_its_expression():
    rules = replace(
        PLAIN,
        synthetic={
            "identifiers": ["urn:oid:1.2|[89]+|x", r"https://a.example/n|\d+", r"9(1|2)\d+"]
        },
    ).synthetic_rules

    assert [(system, pattern.pattern) for system, pattern in rules.identifiers] == [
        ("urn:oid:1.2", "[89]+|x"),
        ("https://a.example/n", r"\d+"),
        (None, r"9(1|2)\d+"),
    ]
    assert all(pattern.flags & re.ASCII for _, pattern in rules.identifiers)


def test_rules_of_the_profiles_own_take_the_place_of_the_usual_ones():
    rules = replace(PLAIN, synthetic={"patients": ["42"]}).synthetic_rules

    assert rules == type(rules)((), frozenset(), frozenset({"42"}))
