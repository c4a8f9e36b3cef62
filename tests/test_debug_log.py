"""The lines of `--debug`: a help, and never in the way."""

import errno
from io import StringIO

import httpx
import pytest

from gpcli.app_context import AppContext
from gpcli.config.settings import Options

PORTAL = {"GPCLI_PORTAL": "http://127.0.0.1:9/fhir/R4", "GPCLI_ENVIRONMENT": "sandbox"}


class Broken(StringIO):
    """A stream that takes nothing."""

    def __init__(self, trouble: int) -> None:
        super().__init__()
        self._trouble = trouble

    def write(self, text: str) -> int:
        raise OSError(self._trouble, "it takes nothing")


def answered(tmp_path, stderr: StringIO) -> int:
    """The status of a write with `--debug`, at a portal that takes everything."""
    env = PORTAL | {"GPCLI_CONFIG_DIR": str(tmp_path)}
    taken = httpx.MockTransport(lambda _: httpx.Response(201))
    options = Options(debug=True, request_id="r-1")
    context = AppContext(options, env, StringIO(), StringIO(), stderr, transport=taken)
    with context.open_client(None) as client:
        return client.send("POST", "Communication", {}, headers={"X-Request-ID": "r-1"}).status


def test_debugging_tells_of_each_request(tmp_path):
    stderr = StringIO()
    assert answered(tmp_path, stderr) == 201
    assert stderr.getvalue().split()[:3] == ["POST", "/Communication", "201"]


@pytest.mark.parametrize("trouble", [errno.ENOSPC, errno.EPIPE, errno.EIO])
def test_a_line_that_can_not_be_written_does_not_replace_the_answer(tmp_path, trouble):
    assert answered(tmp_path, Broken(trouble)) == 201
