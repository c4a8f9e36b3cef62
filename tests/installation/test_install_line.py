"""The line that installs something is one for the way in which this copy came."""

import json
import shlex
import sys
from pathlib import Path

import pytest

from gpcli.installation import install_line
from gpcli.installation.install_line import DISTRIBUTION, Installation, word_install_hint

PYTHON = "/home/kari/my venv/bin/python"
SANDBOX = "gpcli-patient[sandbox]"


@pytest.fixture
def prefix(tmp_path):
    """The prefix of an environment, named as pipx and uv name it."""
    place = tmp_path / DISTRIBUTION
    place.mkdir()
    return place


def write_pipx_record(prefix, spec=DISTRIBUTION, package=DISTRIBUTION, suffix=""):
    main = {"package": package, "package_or_url": spec, "suffix": suffix}
    (prefix / "pipx_metadata.json").write_text(json.dumps({"main_package": main}))


def write_uv_receipt(prefix, *requirements):
    (prefix / "uv-receipt.toml").write_text(
        f"[tool]\nrequirements = [{', '.join(requirements)}]\nentrypoints = []\n"
    )


def installed(prefix, **known):
    return Installation(prefix, PYTHON, **known)


def words(line):
    return shlex.split(line)


def test_pip_in_a_virtual_environment_is_called_by_its_own_python(prefix):
    copy = installed(prefix)

    assert copy.format_line(extra="sandbox") == (
        "'/home/kari/my venv/bin/python' -m pip install 'gpcli-patient[sandbox]'"
    )
    assert words(copy.format_line(package="keyring-pass")) == [
        PYTHON, "-m", "pip", "install", "keyring-pass",
    ]  # fmt: skip
    assert words(copy.format_line()) == [PYTHON, "-m", "pip", "install", "gpcli-patient"]


def test_without_pip_uv_installs_into_this_python(prefix):
    copy = installed(prefix, has_pip=False)

    assert words(copy.format_line(extra="sandbox")) == [
        "uv", "pip", "install", "--python", PYTHON, SANDBOX,
    ]  # fmt: skip


def test_pipx_installs_once_more_and_injects_other_packages(prefix):
    write_pipx_record(prefix)
    copy = installed(prefix)

    assert copy.format_line(extra="sandbox") == "pipx install --force 'gpcli-patient[sandbox]'"
    assert copy.format_line(package="keyring-pass") == "pipx inject gpcli-patient keyring-pass"
    assert copy.format_line() == "pipx install --force gpcli-patient"


def test_pipx_keeps_the_extra_and_the_suffix(prefix):
    write_pipx_record(prefix, spec=SANDBOX, suffix="-next")

    assert words(installed(prefix).format_line()) == [
        "pipx", "install", "--force", "--suffix", "-next", SANDBOX,
    ]  # fmt: skip


def test_in_another_program_of_pipx_the_extra_is_injected(tmp_path):
    write_pipx_record(tmp_path, spec="kari-tools", package="kari-tools")

    assert words(installed(tmp_path).format_line(extra="sandbox")) == [
        "pipx", "inject", tmp_path.name, SANDBOX,
    ]  # fmt: skip


def test_uv_is_asked_again_for_all_that_it_was_asked_for(prefix):
    write_uv_receipt(
        prefix,
        '{ name = "gpcli-patient", extras = ["sandbox"] }',
        '{ name = "khal", specifier = ">=0.11" }',
        '{ name = "kari-tools", extras = ["a", "b"], editable = "/home/kari/tools" }',
        '{ name = "own", directory = "/home/kari/own" }',
    )
    kept = [
        "--with", "khal>=0.11", "--with-editable", "/home/kari/tools[a,b]",
        "--with", "/home/kari/own",
    ]  # fmt: skip
    copy = installed(prefix)

    assert words(copy.format_line()) == ["uv", "tool", "install", *kept, SANDBOX]
    assert words(copy.format_line(package="keyring-pass")) == [
        "uv", "tool", "install", *kept, "--with", "keyring-pass", SANDBOX,
    ]  # fmt: skip


def test_uv_is_asked_again_for_gpcli_as_it_came(prefix):
    write_uv_receipt(prefix, '{ name = "gpcli-patient", git = "https://x.example/gpcli" }')
    origin = {"url": "https://x.example/gpcli", "vcs_info": {"vcs": "git", "commit_id": "0f"}}

    line = installed(prefix, origin=origin).format_line(package="keyring-pass")
    assert words(line) == [
        "uv", "tool", "install", "--with", "keyring-pass",
        "gpcli-patient @ git+https://x.example/gpcli",
    ]  # fmt: skip


def test_in_another_tool_of_uv_the_extra_goes_with_it(prefix):
    write_uv_receipt(prefix, '{ name = "kari-tools" }', '{ name = "gpcli-patient" }')

    assert words(installed(prefix).format_line(extra="sandbox")) == [
        "uv", "tool", "install", "--with", SANDBOX, "kari-tools",
    ]  # fmt: skip


WAYS = {
    "pip": ({}, [PYTHON, "-m", "pip", "install"]),
    "uv pip": ({"has_pip": False}, ["uv", "pip", "install", "--python", PYTHON]),
    "pipx": (write_pipx_record, ["pipx", "install", "--force"]),
    "uv tool": (
        lambda prefix: write_uv_receipt(prefix, '{ name = "gpcli-patient" }'),
        ["uv", "tool", "install"],
    ),
    "the system's Python": ({"is_managed": True}, ["pipx", "install"]),
}
"""Way to install -> what a copy is then known by, and the beginning of the line."""


@pytest.fixture(params=list(WAYS))
def way(request, prefix):
    """A function that makes an installation of some origin, and the beginning of its line."""
    known, beginning = WAYS[request.param]
    if callable(known):
        known(prefix)
        known = {}
    return lambda origin: installed(prefix, origin=origin, **known), beginning


def test_from_a_checkout_the_line_names_the_checkout(way, tmp_path):
    install, beginning = way
    url = tmp_path.as_uri()
    editable = install({"url": url, "dir_info": {"editable": True}})
    copied = install({"url": url, "dir_info": {}})

    assert words(editable.format_line(extra="sandbox")) == [
        *beginning, "--editable", f"{tmp_path}[sandbox]",
    ]  # fmt: skip
    assert words(copied.format_line(extra="sandbox")) == [*beginning, f"{tmp_path}[sandbox]"]


def test_a_path_with_a_space_is_one_word(way, tmp_path):
    install, beginning = way
    wheel = tmp_path / "my wheels" / "gpcli_patient-1.0-py3-none-any.whl"
    wheel.parent.mkdir()
    wheel.touch()
    origin = {"url": wheel.as_uri(), "archive_info": {}}

    assert words(install(origin).format_line(extra="sandbox")) == [
        *beginning, f"{wheel}[sandbox]",
    ]  # fmt: skip


def test_a_file_that_is_gone_is_not_named(way, tmp_path):
    install, beginning = way
    origin = {"url": (tmp_path / "gone.whl").as_uri(), "archive_info": {}}

    assert words(install(origin).format_line(extra="sandbox")) == [*beginning, SANDBOX]


@pytest.mark.parametrize(
    ("origin", "wanted"),
    [
        (
            {"url": "https://x.example/gpcli.whl", "archive_info": {}},
            f"{SANDBOX} @ https://x.example/gpcli.whl",
        ),
        (
            {"url": "https://x.example/gpcli", "vcs_info": {"vcs": "git", "commit_id": "0f"}},
            f"{SANDBOX} @ git+https://x.example/gpcli",
        ),
        (
            {
                "url": "https://x.example/gpcli",
                "vcs_info": {"vcs": "git", "commit_id": "0f", "requested_revision": "v1"},
            },
            f"{SANDBOX} @ git+https://x.example/gpcli@v1",
        ),
    ],
)
def test_from_an_address_the_line_names_the_address(way, origin, wanted):
    install, beginning = way

    assert words(install(origin).format_line(extra="sandbox")) == [*beginning, wanted]


def test_a_python_of_the_system_is_left_alone(prefix):
    copy = installed(prefix, is_managed=True)

    assert copy.format_line(package="keyring-pass") == (
        "pipx install gpcli-patient && pipx inject gpcli-patient keyring-pass"
    )


def test_windows_has_double_quotes(prefix):
    copy = Installation(prefix, r"C:\My Python\python.exe", is_windows=True)

    assert copy.format_line(extra="sandbox") == (
        r'"C:\My Python\python.exe" -m pip install "gpcli-patient[sandbox]"'
    )


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", "x = 1", '{"main_package": 1}', "\x00"])
@pytest.mark.parametrize("name", ["pipx_metadata.json", "uv-receipt.toml"])
def test_a_record_that_can_not_be_read_counts_as_none(prefix, name, text):
    (prefix / name).write_text(text)

    assert words(installed(prefix).format_line()) == [PYTHON, "-m", "pip", "install", DISTRIBUTION]


def make_metadata(place, direct_url):
    """Make the metadata of an installed gpcli in a directory."""
    directory = place / "gpcli_patient-1.0.dist-info"
    directory.mkdir()
    (directory / "METADATA").write_text("Metadata-Version: 2.1\nName: gpcli-patient\n")
    (directory / "direct_url.json").write_text(direct_url)


def test_the_hint_has_the_line_for_this_process_below_its_words(monkeypatch, tmp_path):
    make_metadata(tmp_path, json.dumps({"url": tmp_path.as_uri(), "dir_info": {}}))
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(sys, "prefix", str(tmp_path))
    write_pipx_record(tmp_path)

    assert word_install_hint(extra="sandbox").splitlines() == [
        "This installs what is needed:",
        f"  pipx install --force '{tmp_path}[sandbox]'",
    ]


@pytest.mark.parametrize("text", ["{", ""])
def test_an_origin_that_can_not_be_read_counts_as_none(monkeypatch, tmp_path, text):
    make_metadata(tmp_path, text)
    monkeypatch.syspath_prepend(tmp_path)

    assert install_line.find_installation().origin is None


def test_a_python_of_the_system_is_known_by_its_mark(monkeypatch, tmp_path):
    monkeypatch.setattr(sys, "prefix", sys.base_prefix)
    monkeypatch.setattr(install_line.sysconfig, "get_path", lambda name: str(tmp_path))
    assert not install_line.find_installation().is_managed

    (tmp_path / "EXTERNALLY-MANAGED").touch()
    assert install_line.find_installation().is_managed
    assert word_install_hint(extra="sandbox").startswith(
        "Only the system installs into this Python"
    )

    monkeypatch.setattr(sys, "prefix", str(Path(sys.base_prefix) / "venv"))
    assert not install_line.find_installation().is_managed
