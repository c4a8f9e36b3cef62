"""gpcli as pip, pipx and uv install it: the lines of its hints do it, and its pages are found."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.real.building import copy_source

pytestmark = pytest.mark.real

VENV = "uv venv -q --seed ~/v"
SANDBOX = "'gpcli-patient[sandbox]'"

WAYS = {
    "pip": f"{VENV} && ~/v/bin/pip install -q gpcli-patient",
    "uv pip": "uv venv -q ~/v && uv pip install -q --python ~/v gpcli-patient",
    "pipx": "pipx install -q gpcli-patient",
    "pipx with pip": "PIPX_DEFAULT_BACKEND=pip pipx install -q gpcli-patient",
    "uv tool": "uv tool install -q --with iniconfig gpcli-patient",
    "an editable checkout": f"{VENV} && ~/v/bin/pip install -q -e ~/'the source'",
    "a wheel that is gone": f"{VENV} && cp wheels/* . && ~/v/bin/pip install -q *.whl && rm *.whl",
}
"""Ways to install gpcli without the extra, as a person types them at home."""


class Computer:
    """A home of its own, in which pip, pipx and uv find the wheel of this source.

    Of the programs of the tests' environment only uv and pipx are on the path.
    """

    def __init__(self, home: Path, wheel: Path, cache: Path) -> None:
        self.home = home
        (home / "tools").mkdir()
        for program in ("uv", "pipx"):
            (home / "tools" / program).symlink_to(Path(sys.executable).parent / program)
        shutil.copytree(wheel.parent, home / "wheels")
        kept = {name: text for name, text in os.environ.items() if re.match("PIP_|SSL_|LANG", name)}
        path = [home / "v" / "bin", home / ".local" / "bin", home / "tools", "/usr/bin", "/bin"]
        self.env = {
            **kept,
            "HOME": str(home),
            "PATH": os.pathsep.join(map(str, path)),
            "PIP_FIND_LINKS": f"{kept.get('PIP_FIND_LINKS', '')} {home / 'wheels'}".strip(),
            "PIP_DISABLE_PIP_VERSION_CHECK": "1",
            "PIP_NO_COMPILE": "false",  # which means yes, and pip is twice as fast
            "PIPX_DEFAULT_PYTHON": sys.executable,
            "UV_CACHE_DIR": str(cache),
            "UV_FIND_LINKS": str(home / "wheels"),
            "UV_PYTHON": sys.executable,
        }

    def end(self, line: str, **env: str) -> subprocess.CompletedProcess[str]:
        """Run a line of the shell at home."""
        return subprocess.run(
            ["sh", "-c", line],
            cwd=self.home,
            env=self.env | env,
            capture_output=True,
            text=True,
            check=False,
        )

    def run(self, line: str, **env: str) -> str:
        """Run a line that has to succeed, and return what it wrote."""
        ending = self.end(line, **env)
        assert ending.returncode == 0, ending.stdout + ending.stderr
        return ending.stdout

    @property
    def python(self) -> str:
        """The Python that runs gpcli, as a word of the shell."""
        program = Path(self.run("command -v gpcli").strip()).resolve()
        return shlex.quote(str(program.parent / "python"))

    def list_packages(self) -> set[str]:
        """The packages beside gpcli, with their versions."""
        return set(self.run(f"uv pip freeze --python {self.python}").splitlines())


@pytest.fixture(scope="module")
def make_computer(wheel, tmp_path_factory):
    """A function that returns a computer; all of them share what uv has fetched."""
    cache = tmp_path_factory.mktemp("uv-cache")
    return lambda: Computer(tmp_path_factory.mktemp("home"), wheel, cache)


@pytest.fixture
def computer(make_computer):
    return make_computer()


def read_hinted_line(ending):
    """The message of a command that ended with exit code 2, and the line below its hint."""
    assert (ending.returncode, ending.stdout) == (2, ""), ending.stderr
    message, _, line = ending.stderr.splitlines()
    return message, line.strip()


@pytest.mark.parametrize("way", WAYS)
def test_the_line_that_a_hint_shows_brings_the_extra_and_mends_what_does_not_fit(way, computer):
    copy_source(computer.home / "the source")
    computer.run(WAYS[way])
    plain = computer.list_packages()

    message, line = read_hinted_line(computer.end("gpcli demo"))
    assert message.startswith("gpcli: The demo needs packages that are not installed (")
    computer.run(line)
    assert "That was the demo" in computer.run("gpcli demo")
    full = computer.list_packages()
    assert plain < full

    computer.run(f"uv pip install -q --python {computer.python} --no-deps typer==0.29.2")
    computer.run(f"uv pip uninstall -q --python {computer.python} tomlkit")
    message, line = read_hinted_line(computer.end("gpcli gp"))
    assert "tomlkit >=" in message
    assert message.endswith(", and 0.29.2 is installed.")
    computer.run(line)
    assert computer.list_packages() == full
    computer.run("gpcli profile list")


@pytest.mark.parametrize("way", ["uv pip", "pipx", "uv tool"])
def test_the_line_that_a_hint_shows_brings_the_package_for_pass(way, computer):
    computer.run(WAYS[way])
    plain = computer.list_packages()

    login = (
        "PYTHON_KEYRING_BACKEND=keyring_pass.PasswordStoreBackend gpcli login https://x.example/"
    )
    ending = computer.end(login)
    assert ending.returncode == 4
    *_, line = ending.stderr.splitlines()
    computer.run(line.strip())

    added = computer.list_packages() - plain
    assert [name.partition("==")[0] for name in added] == ["keyring-pass"]


def test_a_package_of_the_extra_that_is_too_old_is_named(computer):
    computer.run(f"uv venv -q ~/v && uv pip install -q --python ~/v {SANDBOX}")
    computer.run("uv pip install -q --python ~/v --no-deps authlib==1.6.5")

    message, line = read_hinted_line(computer.end("gpcli demo"))
    assert message == "gpcli: gpcli needs authlib >=1.8, and 1.6.5 is installed."
    computer.run(line)
    assert "That was the demo" in computer.run("gpcli demo")


@pytest.fixture(scope="module")
def by_pip(make_computer):
    computer = make_computer()
    computer.run(WAYS["pip"])
    return computer


@pytest.fixture(scope="module")
def by_pipx(make_computer):
    computer = make_computer()
    computer.run(WAYS["pipx"])
    return computer


@pytest.fixture(scope="module")
def by_uv(make_computer):
    computer = make_computer()
    computer.run(WAYS["uv tool"])
    return computer


@pytest.mark.parametrize("way", ["by_pip", "by_pipx"])
@pytest.mark.parametrize("page", ["gpcli", "gpcli-rx-renew"])
def test_man_finds_the_pages_by_the_path(request, way, page):
    computer = request.getfixturevalue(way)

    assert computer.run(f"man -w {page}").strip().endswith(f"/man1/{page}.1")
    shown = computer.run(f"man {page}", MANWIDTH="80", LC_ALL="C.UTF-8")
    assert f"{page} - " in shown
    assert "--yes" in shown


@pytest.mark.parametrize(
    ("asked", "file"),
    [
        ("gpcli-messages", "man1/gpcli-messages.1"),
        ("gpcli-dates", "man7/gpcli-dates.7"),
        ("gpcli-smoke", "man1/gpcli-smoke.1"),
        ("7 gpcli-smoke", "man7/gpcli-smoke.7"),
    ],
)
def test_groups_and_topics_have_pages_too(by_pip, asked, file):
    assert by_pip.run(f"man -w {asked}").strip().endswith(f"/share/man/{file}")
    assert "SEE ALSO" in by_pip.run(f"man {asked}", MANWIDTH="80", LC_ALL="C.UTF-8")


def test_every_page_says_in_a_line_what_it_is_about(by_pip):
    files = by_pip.run("ls ~/v/share/man/man1 ~/v/share/man/man7").split()
    pages = sorted(file.rpartition(".")[0] for file in files if file.startswith("gpcli"))
    told = by_pip.run("for page in ~/v/share/man/man?/*; do lexgrog $page; done").splitlines()

    names = sorted(line.partition(': "')[2].partition(" - ")[0] for line in told)
    assert (names, len(set(pages))) == (pages, len(pages) - 2)  # sandbox and smoke are topics too


UV_SHARE = "$(uv tool dir)/gpcli-patient/share"


def test_uv_exposes_no_page_but_keeps_them_beside_the_tool(by_uv):
    assert by_uv.end("man -w gpcli").returncode != 0
    assert by_uv.run(f'man -M "{UV_SHARE}/man" -w gpcli').strip().endswith("/man1/gpcli.1")


@pytest.mark.parametrize("problem", ["warnings", "lint"])
def test_the_pages_are_clean_roff(by_pip, problem):
    """They bear no date, which would be that of the build."""
    pages = "~/v/share/man/man?/*"
    if problem == "lint":
        said = by_pip.end(f"mandoc -T lint -W warning {pages}").stdout.splitlines()
        assert [line for line in said if "missing date" not in line] == []
    else:
        shown = by_pip.end(f"man --warnings -Tutf8 -Z -l {pages}")
        assert (shown.returncode, shown.stderr) == (0, "")


FIND = {
    "bash": (
        "bash --norc --noprofile -c '. /usr/share/bash-completion/bash_completion; "
        "_completion_loader gpcli; complete -p gpcli'",
        "complete -F _gpcli gpcli\n",
    ),
    "fish": ("fish -c 'complete -C \"gpcli rx li\"'", "list\tList prescriptions"),
}
"""What shows whether a shell has found the completion, and how it then begins."""


@pytest.mark.parametrize("shell", FIND)
def test_what_pipx_installs_a_shell_finds_by_itself(by_pipx, shell):
    typed, begins = FIND[shell]

    assert by_pipx.run(typed).startswith(begins)


@pytest.mark.parametrize(("way", "share"), [("by_pip", "$HOME/v/share"), ("by_uv", UV_SHARE)])
@pytest.mark.parametrize("shell", FIND)
def test_elsewhere_a_shell_finds_it_by_the_data_directories(request, way, share, shell):
    typed, begins = FIND[shell]
    computer = request.getfixturevalue(way)

    assert computer.run(f'XDG_DATA_DIRS="{share}:/usr/share" {typed}').startswith(begins)


@pytest.mark.parametrize(
    ("way", "share"),
    [("by_pip", "$HOME/v/share"), ("by_pipx", "$HOME/.local/share"), ("by_uv", UV_SHARE)],
)
def test_zsh_finds_it_where_fpath_names_it(request, way, share):
    typed = (
        "fpath=($SHARE/zsh/site-functions $fpath); autoload -Uz compinit; compinit -u -D; "
        "print $_comps[gpcli]"
    )
    computer = request.getfixturevalue(way)

    assert computer.run(f"SHARE=\"{share}\" zsh -f -c '{typed}'") == "_gpcli\n"
