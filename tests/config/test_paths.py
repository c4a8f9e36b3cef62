import subprocess
import sys

import pytest

from gpcli.config import paths

HOME = {"HOME": "/home/ada"}


def list_dirs(env):
    return paths.config_dir(env), paths.state_dir(env), paths.cache_dir(env), paths.index_path(env)


def test_without_variables_everything_is_below_home():
    assert list_dirs(HOME) == (
        "/home/ada/.config/gpcli",
        "/home/ada/.local/state/gpcli",
        "/home/ada/.cache/gpcli",
        "/home/ada/.local/state/gpcli/index",
    )


def test_each_xdg_variable_moves_its_own_kind():
    env = {
        **HOME,
        "XDG_CONFIG_HOME": "/c",
        "XDG_STATE_HOME": "/s",
        "XDG_CACHE_HOME": "/k",
        "XDG_DATA_HOME": "/d",
    }

    assert list_dirs(env) == ("/c/gpcli", "/s/gpcli", "/k/gpcli", "/s/gpcli/index")


@pytest.mark.parametrize("value", ["", "relative", "./here", "~/x"])
def test_an_xdg_variable_that_is_empty_or_relative_is_ignored(value):
    env = {**HOME, "XDG_CONFIG_HOME": value, "XDG_STATE_HOME": value, "XDG_CACHE_HOME": value}

    assert list_dirs(env) == list_dirs(HOME)


def test_one_directory_holds_all_three_when_asked_for():
    env = {**HOME, "XDG_CONFIG_HOME": "/c", "GPCLI_CONFIG_DIR": "/roof"}

    assert list_dirs(env) == ("/roof", "/roof/state", "/roof/cache", "/roof/state/index")


def test_without_home_the_system_is_asked(monkeypatch):
    monkeypatch.setenv("HOME", "/home/other")

    assert paths.config_dir({}) == "/home/other/.config/gpcli"


def test_only_os_and_the_reading_of_variables_are_imported():
    script = (
        "import os, sys; before = set(sys.modules); import gpcli.config.paths; "
        "print(sorted(set(sys.modules) - before))"
    )

    run = subprocess.run(
        [sys.executable, "-S", "-c", script], capture_output=True, text=True, check=True
    )

    assert run.stdout.strip() == (
        "['gpcli', 'gpcli.config', 'gpcli.config.paths', 'gpcli.config.variables']"
    )
