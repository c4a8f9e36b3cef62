"""A long answer at a real terminal: less shows it, and leaves the terminal as it was."""

from __future__ import annotations

import re
import sys

import pexpect
import pytest

from tests.journeys.process import PYTHON, as_person, gpcli, shell

pytestmark = pytest.mark.real


@pytest.fixture
def hans(live, tmp_path):
    """The variables of Hans, who has 2,000 free times, without a width: terminals have one."""
    env = as_person(live, tmp_path, "hans", TERM="xterm", LC_ALL="C.UTF-8")
    return {name: value for name, value in env.items() if name != "COLUMNS"}


def start(argv, env, program=sys.executable):
    """A person at a terminal of 24 lines."""
    return pexpect.spawn(
        program,
        argv,
        env=env,
        cwd=env["HOME"],
        encoding="utf-8",
        timeout=20,
        dimensions=(24, 80),
    )


def test_less_shows_all_times_a_screen_at_a_time_and_q_ends_it(hans):
    person = start(["-m", "gpcli", "slots", "--all"], hans)
    person.expect("ID +When")
    person.expect(r"\r\n:")
    assert person.before.count("s-") <= 23
    person.send(" ")
    person.expect(r"s-[a-z0-9]{8} ")
    person.send("q")
    person.expect(pexpect.EOF)
    person.close()
    assert (person.exitstatus, person.signalstatus) == (0, None)


def test_the_first_times_fit_the_screen_and_need_no_keys(hans):
    person = start(["-m", "gpcli", "slots"], hans)
    person.expect(pexpect.EOF)
    person.close()
    lines = person.before.splitlines()
    assert (person.exitstatus, len([line for line in lines if "s-" in line])) == (0, 20)
    assert re.search(r"… [\d,]+ more until ", lines[-1])


@pytest.mark.parametrize("variables", [{"GPCLI_PAGER": ""}, {"PAGER": "cat"}, {"CI": "true"}])
def test_without_a_pager_all_is_written(hans, variables):
    person = start(["-m", "gpcli", "slots", "--all", "--to", "+10d"], {**hans, **variables})
    person.expect(pexpect.EOF)
    person.close()
    assert person.exitstatus == 0
    assert person.before.count("s-") > 100


def test_piped_there_is_no_pager(hans):
    ended = gpcli("slots", "--all", "--to", "+10d", env={**hans, "GPCLI_PAGER": "false"})
    assert (ended.code, ended.err, len(ended.rows) > 100) == (0, "", True)


def test_a_pager_gets_no_token(hans, tmp_path):
    line = f"{PYTHON} slots --all --to +10d"
    pager = f"sh -c \"env >'{tmp_path}/seen'; cat >'{tmp_path}/rest'\""
    person = start(["-c", line], {**hans, "GPCLI_PAGER": pager}, "/bin/sh")
    person.expect(pexpect.EOF)
    person.close()
    seen = (tmp_path / "seen").read_text()
    assert (person.exitstatus, "GPCLI_PORTAL=" in seen) == (0, True)
    assert "GPCLI_TOKEN" not in seen
    assert hans["GPCLI_TOKEN"] not in seen


def test_a_pager_that_ends_early_is_no_error(hans):
    person = start(["-m", "gpcli", "slots", "--all"], {**hans, "GPCLI_PAGER": "head -1"})
    person.expect(pexpect.EOF)
    person.close()
    assert (person.exitstatus, person.before.count("s-")) == (0, 0)


def test_ctrl_c_in_less_is_for_less_and_the_terminal_stays_sane(hans):
    line = f"trap : INT; before=$(stty -g); {PYTHON} slots --all; echo code $?; "
    line += '[ "$(stty -g)" = "$before" ] && echo SAME'
    person = start(["-c", line], hans, "/bin/sh")
    person.expect("ID +When")
    person.expect(r"\r\n:")
    person.send("\x03")
    person.send("\x03")
    person.send("q")
    person.expect("code 0")
    person.expect("SAME")
    person.expect(pexpect.EOF)
    assert "Traceback" not in person.before


def test_a_terminal_that_is_closed_meanwhile_leaves_nothing_running(hans, tmp_path):
    pid = tmp_path / "pid"
    line = f"echo $$ >'{pid}'; exec {PYTHON} slots --all"
    person = start(["-c", line], hans, "/bin/sh")
    person.expect(r"\r\n:")
    person.close(force=True)
    ended = shell(f"kill -0 $(cat '{pid}')", env=hans)
    assert ended.code != 0


@pytest.mark.parametrize("line", ["messages show t-9rcz8zjj", "flu"])
def test_one_pager_shows_all_of_an_answer(live, tmp_path, line):
    pager, seen = tmp_path / "pager", tmp_path / "seen"
    pager.write_text(f"#!/bin/sh\necho start >> {seen}\ncat\n")
    pager.chmod(0o700)
    env = as_person(live, tmp_path, "ada", TERM="xterm", GPCLI_PAGER=str(pager))
    person = pexpect.spawn(
        sys.executable,
        ["-m", "gpcli", *line.split()],
        env={**env, "COLUMNS": ""},
        cwd=tmp_path,
        encoding="utf-8",
        timeout=20,
        dimensions=(8, 80),
    )
    person.expect([r"\[r/m/Q\] ", pexpect.EOF])
    person.close()
    assert seen.read_text() == "start\n"
