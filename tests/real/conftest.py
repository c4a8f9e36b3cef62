"""Real components: a D-Bus session of our own with GNOME Keyring, and Chromium.

`apt-get install gnome-keyring dbus chromium`, and the packages `playwright` and `keyrings.alt`.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import threading
import venv
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from filelock import FileLock
from jeepney.bus_messages import message_bus
from jeepney.io.blocking import Proxy, open_dbus_connection

from tests.real.action_runner import Job
from tests.real.building import ROOT, build_wheel, copy_source, run

_BUS = """<busconfig><type>session</type><listen>unix:path={bus}</listen>{services}
<auth>EXTERNAL</auth><policy context="default"><allow send_destination="*" eavesdrop="true"/>
<allow eavesdrop="true"/><allow own="*"/></policy></busconfig>
"""
_TRIES = 500  # of 20 ms
PASSWORD = "test-pw"

CHROMIUM = "/usr/bin/chromium"
CHROMIUM_OPTIONS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1",
]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Everything here needs real components."""
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.real)


class Desktop:
    """A home and a session bus of our own; a keyring daemon where a test starts one.

    With `activation` the bus starts what is installed when somebody asks for it, as a desktop's
    does: the keyring daemon, and the program that opens its windows.
    """

    def __init__(self, place: Path, *, activation: bool = False) -> None:
        self.home = place / "home"
        self.runtime = place / "run"
        for directory in (self.home, self.runtime):
            directory.mkdir(mode=0o700)
        self.env = {
            "HOME": str(self.home),
            "XDG_RUNTIME_DIR": str(self.runtime),
            "DBUS_SESSION_BUS_ADDRESS": f"unix:path={self.runtime}/bus",
            "PATH": os.environ["PATH"],
        }
        config = place / "bus.conf"
        services = "<standard_session_servicedirs/>" if activation else ""
        config.write_text(_BUS.format(bus=self.runtime / "bus", services=services))
        self._bus = subprocess.Popen(
            ["dbus-daemon", f"--config-file={config}", "--nofork", "--print-address"],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=self.env,
        )
        self._bus.stdout.readline()
        self._keyring: subprocess.Popen[bytes] | None = None

    def start_keyring(self, password: str = PASSWORD) -> None:
        """Start GNOME Keyring and unlock its login keyring; a wrong password leaves it locked."""
        self._keyring = subprocess.Popen(
            ["gnome-keyring-daemon", "--foreground", "--unlock", "--components=secrets"],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env=self.env,
        )
        self._keyring.stdin.write(password.encode())
        self._keyring.stdin.close()
        self._wait_for("org.freedesktop.secrets", owned=True)

    def stop_keyring(self) -> None:
        self._end_keyring()
        self._wait_for("org.freedesktop.secrets", owned=False)

    def _end_keyring(self) -> None:
        if self._keyring is not None:
            self._keyring.terminate()
            self._keyring.wait(10)
            self._keyring = None

    def lock(self) -> None:
        """Lock the login keyring, as a screen lock may."""
        import secretstorage

        with open_dbus_connection(self.env["DBUS_SESSION_BUS_ADDRESS"]) as connection:
            secretstorage.Collection(connection).lock()

    def close(self) -> None:
        """End the session; what the bus started ends with the bus."""
        self._end_keyring()
        self._bus.terminate()
        self._bus.wait(10)
        self._bus.stdout.close()

    def _wait_for(self, name: str, *, owned: bool) -> None:
        pause = threading.Event()
        with open_dbus_connection(self.env["DBUS_SESSION_BUS_ADDRESS"]) as connection:
            bus = Proxy(message_bus, connection)
            for _ in range(_TRIES):
                if bool(bus.NameHasOwner(name)[0]) is owned:
                    return
                pause.wait(0.02)
        raise AssertionError(f"{name}: owned is not {owned}")


@pytest.fixture
def desktop(tmp_path: Path) -> Iterator[Desktop]:
    """A desktop session without a keyring."""
    session = Desktop(tmp_path)
    yield session
    session.close()


@pytest.fixture
def desktop_that_starts_things(tmp_path: Path) -> Iterator[Desktop]:
    """A desktop session whose bus starts what is installed, without a display."""
    session = Desktop(tmp_path, activation=True)
    yield session
    session.close()


@pytest.fixture
def browser() -> Callable:
    """`browser(steps)` runs `steps(page)` in Chromium, without JavaScript."""
    from playwright.sync_api import sync_playwright

    def run(steps: Callable) -> None:
        with sync_playwright() as playwright:
            chromium = playwright.chromium.launch(
                executable_path=CHROMIUM, args=CHROMIUM_OPTIONS, headless=True
            )
            page = chromium.new_context(java_script_enabled=False).new_page()
            page.set_default_timeout(10_000)
            try:
                steps(page)
            finally:
                chromium.close()

    return run


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Path:
    """A directory that all processes of a run share."""
    own = tmp_path_factory.getbasetemp()
    return own if worker_id == "master" else own.parent


@pytest.fixture(scope="session")
def builder(shared: Path) -> Path:
    """The programs of a virtual environment with hatchling, and nothing that gpcli needs."""
    place = shared / "builder"
    with FileLock(shared / "builder.lock"):
        if not place.exists():
            venv.create(place, with_pip=True)
            run(place / "bin" / "pip", "install", "-q", "hatchling", cwd=place)
    return place / "bin"


@pytest.fixture(scope="session")
def wheel(builder: Path, shared: Path) -> Path:
    """A wheel of this source."""
    place = shared / "wheel"
    with FileLock(shared / "wheel.lock"):
        if not place.exists():
            place.mkdir()
            build_wheel(builder, copy_source(place / "source"), place / "wheel")
    [built] = (place / "wheel").glob("*.whl")
    return built


@pytest.fixture(scope="session")
def action(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The GitHub Action as GitHub checks it out: nothing is built in it."""
    checkout = copy_source(tmp_path_factory.mktemp("action") / "gpcli-patient")
    shutil.copytree(ROOT / ".github" / "action", checkout / ".github" / "action")
    for name in ("action.yml", "constraints.txt"):
        shutil.copy(ROOT / name, checkout)
    return checkout


@pytest.fixture(scope="session")
def runner_temp(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The RUNNER_TEMP of one runner, on which the action installs gpcli once for all its uses."""
    return tmp_path_factory.mktemp("runner")


@pytest.fixture(scope="session")
def start_job(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Path, Path], Job]:
    """A function that starts a job, with pip's cache as after setup-python with `cache: pip`."""
    cache = tmp_path_factory.mktemp("pip-cache")

    def start(place: Path, temporary: Path) -> Job:
        job = Job(place, temporary)
        job.env["PIP_CACHE_DIR"] = str(cache)
        return job

    return start
