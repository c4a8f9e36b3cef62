"""The JUnit XML of `gpcli smoke` by the schema that Jenkins' xUnit plugin publishes.

junit-10.xsd is that of the plugin (MIT, as it says itself), as the source archive of pytest has it
in testing/example_scripts.
"""

from pathlib import Path

import pytest

from gpcli.errors import ConfigError
from gpcli.model.account import Verdict
from gpcli.render.junit import format_junit, format_junit_error
from gpcli.sandbox.server import Sandbox
from tests.hostile_text import HostileTexts
from tests.journeys.process import as_person, gpcli
from tests.smoke.builders import report_of, run_of

pytestmark = pytest.mark.real


@pytest.fixture(scope="module")
def schema():
    import xmlschema

    return xmlschema.XMLSchema(Path(__file__).parent / "junit-10.xsd")


def test_a_report_of_every_outcome_and_of_hostile_texts_is_valid(schema):
    texts = HostileTexts(1)
    words = "".join(texts.make() for _ in range(60)) + "\x00\ud800]]>"
    checks = [
        report_of("gp"),
        report_of("booking", Verdict.WARNING, seen=words),
        report_of("batch", Verdict.SKIPPED, seen=words),
        report_of("paging", Verdict.FAILED, seen=words, excerpt=words),
    ]

    schema.validate(format_junit(run_of(*checks, ms=3_600_000, profile=words)).decode())
    schema.validate(format_junit_error(ConfigError(words, hint=words)).decode())


@pytest.mark.parametrize(("person", "code"), [("ada", 0), ("eva", 11)])
def test_what_a_run_against_the_sandbox_writes_is_valid(schema, tmp_path, person, code):
    junit = tmp_path / "smoke.xml"
    with Sandbox() as sandbox:
        env = as_person(sandbox, tmp_path, person)
        done = gpcli("smoke", "--write", "--junit", str(junit), env=env)

    assert done.code == code, done.err
    schema.validate(junit)


def test_the_schema_refuses_what_is_no_report(schema):
    document = format_junit(run_of(report_of("gp"))).decode().replace("<testcase", "<case")

    assert not schema.is_valid(document.replace("</testcase", "</case"))
