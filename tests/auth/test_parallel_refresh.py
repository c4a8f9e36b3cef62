"""Twenty real processes whose token expires at the same moment."""

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl

import pytest

from gpcli.auth.session import parse_item

PROCESSES = 20

WORKER = """
import os, sys, time
from pathlib import Path
from gpcli.auth.bearer import SessionBearer
from gpcli.auth.session import parse_item
from gpcli.http.deadline import Deadline
from gpcli.http.client import HttpClient

place, base, count = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])

class FileVault:
    def load(self, account):
        return parse_item((place / account).read_text())
    def save(self, account, session):
        draft = place / f"{account}.{os.getpid()}"
        draft.write_text(session.format_item())
        draft.replace(place / account)

def use():
    client = HttpClient(base, deadline=Deadline(30), env={})
    bearer = SessionBearer(FileVault(), "ada", place / "locks", place, time.time)
    (place / f"token-{os.getpid()}").write_text(bearer.get_token(client))

ready, go = os.pipe()
children = []
for _ in range(count):
    child = os.fork()
    if child == 0:
        os.close(go)
        os.read(ready, 1)  # returns for all at once, when the parent lets go
        use()
        os._exit(0)
    children.append(child)
os.close(go)
sys.exit(max(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children))
"""


class Rotating(ThreadingHTTPServer):
    """A token endpoint that takes each refresh token once and ends the session on a second use."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Answering)
        self.base = f"http://127.0.0.1:{self.server_address[1]}"
        self.used: list[str] = []
        self.lock = threading.Lock()

    def answer(self, refresh_token: str) -> tuple[int, dict]:
        with self.lock:
            self.used.append(refresh_token)
            if refresh_token != f"refresh-{len(self.used)}":
                return 400, {"error": "invalid_grant"}
            number = len(self.used) + 1
        return 200, {
            "access_token": f"access-{number}",
            "refresh_token": f"refresh-{number}",
            "token_type": "Bearer",
            "expires_in": 3600,
        }


class _Answering(BaseHTTPRequestHandler):
    server: Rotating

    def do_POST(self) -> None:
        form = dict(parse_qsl(self.rfile.read(int(self.headers["Content-Length"])).decode()))
        status, said = self.server.answer(form["refresh_token"])
        body = json.dumps(said).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def endpoint() -> Iterator[Rotating]:
    server = Rotating()
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    yield server
    server.shutdown()
    thread.join(60)
    server.server_close()


def test_twenty_processes_at_expiry_make_exactly_one_token_request(
    endpoint, build_session, tmp_path
):
    session = build_session(token_endpoint=f"{endpoint.base}/token", expires_at=0.0)
    (tmp_path / "ada").write_text(session.format_item())
    command = [sys.executable, "-c", WORKER, str(tmp_path), endpoint.base, str(PROCESSES)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")
    assert endpoint.used == ["refresh-1"]
    tokens = [file.read_text() for file in tmp_path.glob("token-*")]
    assert tokens == ["access-2"] * PROCESSES
    assert parse_item((tmp_path / "ada").read_text()).refresh_token == "refresh-2"
