"""A dependency that is missing, too old or too new is named, with the line that mends it."""

import sys
from importlib import metadata

import pytest

from gpcli.errors import ConfigError
from gpcli.installation.install_line import find_installation
from gpcli.installation.requirements import find_requirement_error

REQUIRES = (
    "typer<0.29,>=0.27",
    "joserfc>=1.7.6",
    "pywin32>=3; sys_platform == 'no-such-system'",
    "flask>=3.1; extra == 'sandbox'",
    "ruff>=0.14; extra == 'dev'",
)
INSTALLED = {"typer": "0.28.0", "joserfc": "1.8.0", "flask": "3.1.3"}


@pytest.fixture
def environment(monkeypatch):
    """What is installed: name -> version; the requirements are REQUIRES."""
    versions = dict(INSTALLED)

    def version(name):
        if name not in versions:
            raise metadata.PackageNotFoundError(name)
        return versions[name]

    monkeypatch.setattr(metadata, "version", version)
    monkeypatch.setattr(metadata, "requires", lambda name: list(REQUIRES))
    return versions


def message(extra=""):
    error = find_requirement_error(extra)
    assert isinstance(error, ConfigError)
    return error.message


@pytest.mark.parametrize("extra", ["", "sandbox"])
def test_what_is_met_is_no_error(environment, extra):
    assert find_requirement_error(extra) is None


@pytest.mark.parametrize("version", ["0.29.2", "0.26.8", "1.0.0rc1"])
def test_another_version_is_named_with_the_one_that_is_needed(environment, version):
    environment["typer"] = version

    assert message() == f"gpcli needs typer <0.29,>=0.27, and {version} is installed."


def test_a_pre_release_in_range_is_met(environment):
    environment["typer"] = "0.28.1rc1"

    assert find_requirement_error() is None


def test_a_missing_package_is_named(environment):
    del environment["joserfc"]

    assert message() == "gpcli needs joserfc >=1.7.6, which is not installed."


def test_all_that_is_not_met_is_named_at_once(environment):
    environment["typer"] = "0.1"
    del environment["joserfc"]

    assert message() == (
        "gpcli needs typer <0.29,>=0.27, and 0.1 is installed; "
        "joserfc >=1.7.6, which is not installed."
    )


def test_an_extra_counts_where_it_is_used_and_only_in_what_is_there_of_it(environment):
    environment["flask"] = "2.3"
    assert find_requirement_error() is None
    assert message("sandbox") == "gpcli needs flask >=3.1, and 2.3 is installed."

    del environment["flask"]
    assert find_requirement_error("sandbox") is None


@pytest.mark.parametrize("extra", ["", "sandbox"])
def test_the_hint_is_the_line_that_mends_this_copy(environment, extra):
    environment["typer"] = "0.1"

    line = find_requirement_error(extra).hint.splitlines()[-1]
    assert line == f"  {find_installation().format_line(extra=extra)}"


def test_without_the_package_that_judges_versions_that_one_is_named(environment, monkeypatch):
    monkeypatch.setitem(sys.modules, "packaging.requirements", None)

    assert message() == "gpcli needs packaging, which is not installed."


def raise_not_found(name):
    raise metadata.PackageNotFoundError(name)


@pytest.mark.parametrize(
    "requires",
    [raise_not_found, lambda name: None, lambda name: ["not a requirement !"], lambda name: [7]],
)
def test_metadata_that_can_not_be_read_tells_nothing(environment, monkeypatch, requires):
    environment["typer"] = "0.1"
    monkeypatch.setattr(metadata, "requires", requires)

    assert find_requirement_error() is None
