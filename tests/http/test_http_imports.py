"""What importing the client costs, by the modules that it loads (never by the clock)."""

import json
import subprocess
import sys

import pytest

UNWANTED = {"click", "rich", "pygments", "httpx._main", "h2", "trio", "keyring", "joserfc"}


def list_loaded_modules(code: str) -> set[str]:
    script = f"import sys, json\n{code}\nprint(json.dumps(sorted(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, check=True)
    return set(json.loads(done.stdout))


@pytest.mark.parametrize("module", ["gpcli.http.client", "gpcli.http", "gpcli.auth.bearer"])
def test_the_client_loads_httpx_without_its_command_line(module):
    modules = list_loaded_modules(f"import {module}")
    assert "httpx" in modules
    assert modules & (UNWANTED | {"filelock", "asyncio"}) == set()


def test_httpx_keeps_its_own_fallback_for_a_missing_command_line():
    code = "from gpcli.http import httpx; assert callable(httpx.main)"
    assert "httpx._main" not in list_loaded_modules(code)


def test_httpx_that_was_imported_before_is_left_alone():
    code = "import httpx\nmain = httpx.main\nfrom gpcli.http import httpx\n"
    assert list_loaded_modules(f"{code}assert httpx.main is main") >= {"httpx"}


def test_a_client_of_loopback_loads_no_certificates():
    code = (
        "from gpcli.http.client import HttpClient\nfrom gpcli.http.deadline import Deadline\n"
        "client = HttpClient('http://127.0.0.1:1', deadline=Deadline(1), env={},"
        " sleep=lambda _: None)\n"
        "try: client.get('x')\nexcept Exception as error: assert error.code == 'unreachable'"
    )
    assert "truststore" not in list_loaded_modules(code)
