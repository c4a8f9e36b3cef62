"""Opening the portal: by variables, by arguments, and what does not go together."""

import subprocess
import sys

import pytest

import gpcli
from gpcli.cli.sandbox_env import build_variables

URL = "http://127.0.0.1:9/fhir/R4"
WHOLE = {"url": URL, "token": "t", "patient": "p1"}


@pytest.fixture
def bo(sandbox, own_files, monkeypatch):
    token = sandbox.issue_token("bo")
    values = build_variables(sandbox.fhir_base, token.access_token, token.patient, token.fhir_user)
    for name, value in values.items():
        monkeypatch.setenv(name, value)
    return sandbox


def test_variables_name_the_portal_as_for_the_command_line(bo):
    with gpcli.connect() as portal:
        name = portal.fetch_parties().patient.name
        rows = portal.fetch_services()
    offered = [row.service.value for row in rows if row.status == "offered"]

    assert name == "Bo Lindvik"
    assert offered == ["contact", "booking-enquiry", "cancellation"]


def test_arguments_alone_name_the_portal_whatever_the_variables_say(bo, connect_as, monkeypatch):
    monkeypatch.setenv("GPCLI_AS", "nobody")
    monkeypatch.setenv("GPCLI_TOKEN_COMMAND", "false")
    with connect_as("ada") as portal:
        assert portal.fetch_parties().patient.name == "Ada Solberg"


def test_a_script_can_not_act_for_whom_the_token_is_not_for(bo):
    with (
        pytest.raises(gpcli.InvalidUsage, match="it can't act for 'ada'"),
        gpcli.connect(as_="ada"),
    ):
        pass


def test_without_a_portal_it_says_how_to_sign_in(own_files):
    with pytest.raises(gpcli.NotSignedIn, match="does not know your portal"), gpcli.connect():
        pass


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"url": URL}, "url needs token as well"),
        ({"url": URL, "token": "t"}, "url needs patient as well"),
        ({"url": URL, "patient": "p1"}, "url needs token as well"),
        ({"token": "t"}, "token is given without url"),
        ({"token": "t", "patient": "p1"}, "token is given without url"),
        ({"environment": "staging"}, "environment is given without url"),
        ({"fhir_user": "Patient/p1"}, "fhir_user is given without url"),
        ({**WHOLE, "profile": "mine"}, "url and profile are both given"),
        ({**WHOLE, "as_": "Ada"}, "url and as_ are both given"),
        ({**WHOLE, "token": " "}, "token needs a value that is not empty"),
        ({**WHOLE, "url": ""}, "url needs a value that is not empty"),
        ({"profile": ""}, "profile needs a value that is not empty"),
        ({**WHOLE, "timeout": 0}, "timeout needs a number of seconds up to 3600"),
        ({**WHOLE, "timeout": 3601}, "timeout needs a number of seconds up to 3600"),
        ({**WHOLE, "timeout": float("nan")}, "timeout needs a number of seconds up to 3600"),
    ],
)
def test_half_of_the_arguments_is_told_before_anything_is_opened(given, says):
    with pytest.raises(gpcli.InvalidUsage, match=says):
        gpcli.connect(**given)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("url", 5),
        ("token", b"t"),
        ("patient", 1),
        ("environment", "prod"),
        ("timeout", "30"),
        ("timeout", True),
        ("profile", ["mine"]),
    ],
)
def test_wrong_types_are_told_before_anything_is_opened(name, value):
    with pytest.raises(TypeError, match=f"{name} takes "):
        gpcli.connect(**{**WHOLE, name: value})


def test_a_patient_is_for_machines_and_not_for_a_person_who_signs_in(own_files):
    (own_files / "config.toml").write_text(
        f'[profiles.mine]\nportal = "{URL}"\nenvironment = "sandbox"\n', encoding="utf-8"
    )
    with (
        pytest.raises(gpcli.InvalidUsage, match="patient is for a machine"),
        gpcli.connect(patient="p1"),
    ):
        pass


@pytest.mark.parametrize(
    "url", ["portal.example", "http://portal.example/fhir", "ftp://a.example/"]
)
def test_a_wrong_url_is_called_by_its_argument(own_files, url):
    with pytest.raises(gpcli.ConfigError) as refused, gpcli.connect(**{**WHOLE, "url": url}):
        pass
    assert "url" in refused.value.message
    assert "GPCLI_" not in refused.value.message + refused.value.hint


@pytest.mark.parametrize("token", ["a b", "Bearer secret", "'secret'", "sécret"])
def test_what_is_no_token_is_explained_and_not_repeated(own_files, token):
    with pytest.raises(gpcli.ConfigError) as refused, gpcli.connect(**{**WHOLE, "token": token}):
        pass
    assert refused.value.message.startswith("token= is no access token: it ")
    assert token not in f"{refused.value.message} {refused.value.hint}"


def test_a_line_end_after_a_token_does_not_count(sandbox, own_files):
    token = sandbox.issue_token("ada")
    with gpcli.connect(
        url=f"{sandbox.fhir_base}\n",
        token=f" {token.access_token}\r\n",
        patient=f"{token.patient}\n",
        environment="sandbox",
    ) as portal:
        assert portal.fetch_parties().patient.name == "Ada Solberg"


def test_a_ci_run_is_kept_from_a_production_portal(own_files, monkeypatch):
    monkeypatch.setenv("CI", "true")
    with pytest.raises(gpcli.ProductionGuard) as guard, gpcli.connect(**WHOLE):
        pass
    assert guard.value.hint.startswith("Give environment='staging' or 'sandbox' where it is one")


def test_a_portal_is_closed_after_its_block(connect_as):
    with connect_as("ada") as portal:
        plan = portal.plan_contact("Ramp", "Is there one?")

    with pytest.raises(gpcli.InvalidUsage, match="The portal is closed"):
        portal.fetch_offers()
    with pytest.raises(gpcli.InvalidUsage, match="The portal is closed"):
        plan.send()
    with pytest.raises(gpcli.InvalidUsage, match="The portal is closed"):
        _ = portal.flaws


def test_what_went_wrong_inside_closes_it_too(connect_as):
    with pytest.raises(ZeroDivisionError), connect_as("ada") as portal:
        _ = 1 / 0

    with pytest.raises(gpcli.InvalidUsage, match="The portal is closed"):
        portal.fetch_offers()


def test_nothing_is_written_on_any_stream(connect_as, capfd):
    with connect_as("hans") as portal:
        portal.fetch_threads()

    assert capfd.readouterr() == ("", "")


def test_everything_that_is_named_can_be_imported():
    names = {}
    exec("from gpcli import *", names)  # noqa: S102

    assert set(gpcli.__all__) <= names.keys()
    assert dir(gpcli) == sorted(gpcli.__all__)
    assert gpcli.NotOffered.__mro__[-4:-2] == (gpcli.GpcliError, Exception)
    with pytest.raises(AttributeError, match="no attribute 'Exit'"):
        _ = gpcli.Exit


def test_every_error_of_the_tree_is_named():
    from gpcli import errors

    tree = {name for name, kind in vars(errors).items() if _is_error(kind)}
    assert tree <= set(gpcli.__all__)


def _is_error(kind):
    return isinstance(kind, type) and issubclass(kind, gpcli.GpcliError)


READ_THE_VERSION = """
import sys
before = set(sys.modules)
import gpcli
gpcli.__version__, gpcli.connect
print(*(set(sys.modules) - before))
"""


def test_reading_the_version_imports_nothing():
    ran = subprocess.run(
        [sys.executable, "-c", READ_THE_VERSION], capture_output=True, text=True, check=True
    )
    assert ran.stdout.split() == ["gpcli"]
