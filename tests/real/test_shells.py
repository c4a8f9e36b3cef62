"""Completion in the shells that people use: a line is typed, Tab and Enter are pressed."""

import os
import re
import sys
import time
from pathlib import Path

import pexpect
import pytest

from gpcli.config.index_format import APPOINTMENTS, PRESCRIPTIONS, REQUESTS, SLOTS, THREADS
from gpcli.config.listed_ids import ListedIds
from gpcli.config.offer_index import IndexedPerson, OfferIndex
from gpcli.config.profiles import Config

pytestmark = pytest.mark.real

ROOT = Path(__file__).parents[2]

PROGRAM = """#!/bin/sh
# Completes as gpcli does; run with anything else, it says what it was given.
if [ "$1" = __complete ]; then exec '{python}' -m gpcli "$@"; fi
printf 'RAN'; printf '<%s>' "$@"; echo .
"""

SCRIPTS = ROOT / "completions"
START = {
    "bash": ("bash --norc --noprofile -i", f". '{SCRIPTS}/gpcli.bash'"),
    "zsh": ("zsh -f -i", f"autoload -Uz compinit; compinit -u -D; . '{SCRIPTS}/_gpcli'"),
    "zsh, from fpath": (
        "zsh -f -i",
        f"fpath=('{SCRIPTS}' $fpath); autoload -Uz compinit; compinit -u -D",
    ),
    "fish": ("fish --no-config -i", f". '{SCRIPTS}/gpcli.fish'"),
}
"""How each shell is started, and how it is told of the completion."""

TYPED = {
    "sl": "slots",
    "profile us": "profile use",
    "fl": "fl",
    "--as pat-guro fl": "--as pat-guro flu",
    "gp --pl": "gp --plain",
    "book --accept-fee ": "book --accept-fee any",
    "gp --profile ho": "gp --profile home",
    "gp --profile=ho": "gp --profile=home",
    "help exi": "help exit-codes",
    "help sl": "help slots",
    "help json prof": "help json profile",
    "help json profile us": "help json profile use",
    "profile show ho": "profile show home",
    "profile use ho": "profile use home",
    "profile remove wo": "profile remove work",
    "slots --fields sched": "slots --fields schedule_comment",
    "slots --fields id,sched": "slots --fields id,schedule_comment",
    "slots --fields=id,sched": "slots --fields=id,schedule_comment",
    "sandbox reset --name ci": "sandbox reset --name ci.1",
    "completion fi": "completion fish",
    "gp hom": "gp hom",
    "cancel nex": "cancel next",
    "cancel a-4z": "cancel a-4z4rc9cg",
    "appointments show a-4": "appointments show a-4z4rc9cg",
    "messages show t-": "messages show t-9rcz8zjj",
    "rx renew rx-w": "rx renew rx-wsbv57vs",
    "rx renew rx-wsbv57vs rx-z": "rx renew rx-wsbv57vs rx-zt4s55k9",
    "rx withdraw r-": "rx withdraw r-rxzthjcg",
    "move next s": "move next slot-1",
    "book --replace a-": "book --replace a-4z4rc9cg",
    "book --replace=a-": "book --replace=a-4z4rc9cg",
}
"""What is typed before Tab -> what the shell then runs. `flu` is not offered to Ada."""


ODD_NAMES = {
    "helse norge": ["hel", "helse\\ no", "'helse no", '"helse no'],
    "kari's": ["kar", "kari\\'", "\"kari'"],
    'old "one"': ["ol", "old\\ ", "'old \""],
    "dear $HOME `id`": ["dea", "dear\\ ", "'dear $", "dear\\ \\$"],
    "back\\slash": ["bac", "'back"],
    "semi;colon&co": ["sem"],
    "~tilde*": ["\\~ti"],
    "Øvrebø": ["Øv"],
}
"""Names of profiles, and what is typed of each."""


LISTED = {
    APPOINTMENTS: [("a-4z4rc9cg", "booked")],
    THREADS: [("t-9rcz8zjj", "unread")],
    PRESCRIPTIONS: [("rx-wsbv57vs", ""), ("rx-zt4s55k9", "")],
    REQUESTS: [("r-rxzthjcg", "")],
    SLOTS: [("slot-1", "")],
}
"""The ids that lists have shown to Ada, each with what is said of it."""


class Shell:
    """An interactive shell with completion for gpcli."""

    def __init__(self, started, told, env, directory):
        self.terminal = pexpect.spawn(
            started, env=env, cwd=directory, encoding="utf-8", timeout=20, dimensions=(40, 200)
        )
        self.terminal.sendline(told)
        self.terminal.sendline("gpcli ready")
        self.terminal.expect_exact("RAN<ready>.")

    def run(self, typed):
        """Type `gpcli TYPED`, Tab, Enter; what the shell ran, its words in brackets."""
        self.terminal.send(f"gpcli {typed}\t")
        self.terminal.send("\r")
        self.terminal.expect(re.compile(r"RAN((?:<[^>]*>)+)\."))
        return self.terminal.match.group(1)


@pytest.fixture(scope="module")
def surroundings(tmp_path_factory):
    home = tmp_path_factory.mktemp("home")
    (home / "homework.txt").touch()
    program = home / "bin" / "gpcli"
    program.parent.mkdir()
    program.write_text(PROGRAM.format(python=sys.executable))
    program.chmod(0o755)
    index = OfferIndex(home / "gpcli" / "state" / "index")
    index.write_profiles(lambda: Config(dict.fromkeys(["home", "work", *ODD_NAMES]), "home"))
    sandbox = home / "gpcli" / "state" / "sandboxes" / "ci.1.json"
    sandbox.parent.mkdir()
    sandbox.touch()
    index.add_person("home", IndexedPerson("acc-1", "pat-ada", "Ada Nordmann", 200.0))
    index.add_person("kari's", IndexedPerson("acc-3", "pat-siri", "Siri Vik", 100.0))
    index.add_person("home", IndexedPerson("acc-2", "pat-guro", "Guro Holm", 100.0))
    index.write_hidden("home", "pat-ada", {"flu": "No flu."}, time.time() + 3600)
    listed = ListedIds(home / "gpcli" / "state" / "listed")
    for kind, ids in LISTED.items():
        listed.replace("home", "pat-ada", kind, ids)
    env = {
        "HOME": str(home),
        "PATH": f"{program.parent}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT),
        "GPCLI_CONFIG_DIR": str(home / "gpcli"),
        "TERM": "xterm",
        "LANG": "C.UTF-8",
    }
    return env, home


@pytest.fixture(scope="module", params=list(START))
def shell(request, surroundings):
    shell = Shell(*START[request.param], *surroundings)
    yield shell
    shell.terminal.close(force=True)


@pytest.mark.parametrize(("typed", "ran"), TYPED.items(), ids=list(TYPED))
def test_tab_completes_what_stands_there(shell, typed, ran):
    assert shell.run(typed) == "".join(f"<{word}>" for word in ran.split())


def test_tab_quotes_a_name_of_several_words(shell):
    assert shell.run("gp --as Ada") == "<gp><--as><Ada Nordmann>"
    assert shell.run("cancel --as Gu") == "<cancel><--as><Guro Holm>"


@pytest.mark.parametrize(
    ("line", "ran"),
    [
        ("gp --profile ", "<gp><--profile><{}>"),
        ("gp --profile=", "<gp><--profile={}>"),
        ("profile remove ", "<profile><remove><{}>"),
    ],
)
@pytest.mark.parametrize(
    ("name", "typed"), [(name, typed) for name, each in ODD_NAMES.items() for typed in each]
)
def test_tab_completes_a_name_with_signs_of_the_shell_s_own(shell, line, ran, name, typed):
    assert shell.run(f"{line}{typed}") == ran.format(name)


def test_a_name_that_was_completed_is_the_profile_of_what_follows(shell):
    assert shell.run("gp --profile kari\\'s --as Si") == "<gp><--profile><kari's><--as><Siri Vik>"


@pytest.mark.parametrize("between", [" ", "="])
def test_tab_completes_files_where_a_file_is_wanted(shell, between):
    ran = shell.run(f"profile add --ca-file{between}homew")

    assert ran[1:-1].split("><") == ["profile", "add", *f"--ca-file{between}homework.txt".split()]
