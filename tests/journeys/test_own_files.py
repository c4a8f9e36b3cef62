"""gpcli's files and directories are its user's alone: mended where others may use them, or refused.

Each is put into every wrong state, and a command is run that uses it.
"""

from __future__ import annotations

import json
import os
import stat
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import pytest

from gpcli.cli.served_sandboxes import ServedSandbox
from gpcli.config.kept_requests import KeptRequest, KeptRequests
from gpcli.journal import CommandRequest, Journal
from tests.journeys.diagnosis import diagnosis, person

pytestmark = pytest.mark.skipif(os.name == "nt", reason="Windows has no such modes and links")

INTENT = UUID("11111111-2222-4333-8444-555555555555")
USES = {
    "state": "gp",
    "state/index": "gp",
    "state/index.lock": "logout",
    "state/locks": "logout",
    "state/locks/*.lock": "logout",
    "state/journal.jsonl": "outbox list",
    "state/outbox": f"outbox show {INTENT}",
    "state/outbox/*.json": f"outbox show {INTENT}",
    "state/sandboxes": "sandbox advance 1h",
    "state/sandboxes/*.json": "sandbox advance 1h",
    "cache": "gp",
    "cache/capabilities-*.json": "gp",
    "cache/smart-*.json": "login --no-browser",
    "config.toml.lock": "profile use 127.0.0.1",
}
"""A command for each that uses it."""


@pytest.fixture
def used(ada, tmp_path):
    """Ada's shell, after all of them were made."""
    assert ada("gpcli gp").code == 0
    assert ada("gpcli profile use 127.0.0.1").code == 0
    now = datetime.now(UTC)
    journal = Journal(tmp_path / "state", read_request=lambda: CommandRequest(INTENT, "book"))
    journal.record_sending(INTENT, "Appointment", now.isoformat())
    kept = KeptRequest(("book", "--first"), str(tmp_path), None, now.timestamp())
    KeptRequests(tmp_path / "state").write(INTENT, kept)
    served = ServedSandbox("default", "http://127.0.0.1:1", "x", now.timestamp(), 1)
    (tmp_path / "state" / "sandboxes").mkdir(mode=0o700)
    (tmp_path / "state" / "sandboxes" / "default.json").write_text(json.dumps(served._asdict()))
    return ada


def list_own(home):
    return {path for path in home.rglob("*") if path.name != "config.toml"}


def test_there_is_a_use_of_all_that_there_is(used, tmp_path):
    assert {path for place in USES for path in tmp_path.glob(place)} == list_own(tmp_path)


@pytest.mark.parametrize("place", USES)
def test_what_others_could_use_is_theirs_no_more(used, tmp_path, place):
    [path] = tmp_path.glob(place)
    due = 0o700 if path.is_dir() else 0o600
    path.chmod(due | 0o077)

    ending = used(f"gpcli {USES[place]} --json")

    assert ending.code != 2
    assert stat.S_IMODE(path.stat().st_mode) == due


def replace_by_link(path):
    path.symlink_to(path.rename(path.with_name(f"moved {path.name}")))


def replace_by_pipe(path):
    path.rename(path.with_name(f"moved {path.name}"))
    os.mkfifo(path)


@pytest.mark.parametrize("place", USES)
@pytest.mark.parametrize(
    ("replace", "why"),
    [(replace_by_link, "is a symbolic link"), (replace_by_pipe, "is not a ")],
    ids=["link", "pipe"],
)
def test_what_is_not_gpclis_own_is_refused(used, tmp_path, place, replace, why):
    [path] = tmp_path.glob(place)
    replace(path)
    before = sorted((each, each.lstat().st_mode) for each in tmp_path.rglob("*"))

    ending = used(f"gpcli {USES[place]} --json")

    assert ending.refused == (2, "config", "")
    assert ending.error["message"].startswith(f"{path} {why}")
    assert ending.error["hint"]
    assert sorted((each, each.lstat().st_mode) for each in tmp_path.rglob("*")) == before


@pytest.mark.parametrize("place", ["state", "cache"])
def test_troubleshoot_names_a_directory_that_is_not_gpclis_own(used, tmp_path, place):
    replace_by_link(tmp_path / place)

    found = diagnosis(used)

    assert found.failed["folders"] == "config"
    assert f"{place} is a symbolic link" in found["folders"]["seen"]


def test_a_home_on_another_disk_may_be_a_link(tmp_path, live):
    home, disk = tmp_path / "home", tmp_path / "disk"
    home.mkdir()
    for name in ("state", "cache", "config"):
        (disk / name).mkdir(parents=True)
        (home / name).symlink_to(disk / name)
    env = {f"XDG_{name.upper()}_HOME": str(home / name) for name in ("state", "cache", "config")}
    shell = person({"HOME": str(home), **env})

    assert shell("gpcli profile add x https://portal.example --environment staging").code == 0

    assert sorted(each.relative_to(disk) for each in disk.rglob("*") if each.is_file()) == [
        Path("config", "gpcli", "config.toml"),
        Path("config", "gpcli", "config.toml.lock"),
        Path("state", "gpcli", "index"),
        Path("state", "gpcli", "index.lock"),
    ]


@pytest.mark.parametrize("place", ["config.toml", "config directory"])
def test_a_configuration_among_the_dotfiles_stays_there(tmp_path, place):
    home, dotfiles = tmp_path / "home", tmp_path / "dotfiles"
    dotfiles.mkdir()
    (dotfiles / "config.toml").write_text("# mine\n")
    (dotfiles / "config.toml").chmod(0o644)
    if place == "config.toml":
        home.mkdir()
        (home / "config.toml").symlink_to(dotfiles / "config.toml")
    else:
        home.symlink_to(dotfiles)
    shell = person({"GPCLI_CONFIG_DIR": str(home)})

    assert shell("gpcli profile add x https://portal.example --environment staging").code == 0

    assert (home / "config.toml").resolve() == dotfiles / "config.toml"
    assert (dotfiles / "config.toml").read_text().startswith("# mine\n")
    assert "portal.example" in (dotfiles / "config.toml").read_text()
    assert stat.S_IMODE((dotfiles / "config.toml").stat().st_mode) == 0o644
