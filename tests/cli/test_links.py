"""Which links of a portal may be opened."""

import pytest

from gpcli.cli.terminal_prompter import is_openable

GOOD = ("https://video.example/room", "https://video.example:8443/r?a=b#c", "https://[::1]/r")
LOOPBACK = ("http://127.0.0.1:8080/room", "http://[::1]/room")
BAD = (
    "",
    "javascript:alert(1)",
    "JAVASCRIPT:alert(1)",
    "file:///etc/passwd",
    "data:text/html,x",
    "ftp://video.example/room",
    "ssh://video.example",
    "http://video.example/room",
    "http://localhost/room",
    "http://127.0.0.1.example/room",
    "https:///room",
    "https:room",
    "https://",
    "//video.example/room",
    "video.example/room",
    "-https://video.example",
    "--help",
    "https://user@video.example/room",
    "https://video.example@evil.example/room",
    "https://video.example:port/room",
    "https://[::1/room",
    "https://video.example/a b",
    "https://video.example/\n-x",
    "https://video.example/\x1b[2J",
    "https://video.example/\u202eroom",
    "https://video.example\\@evil.example/",
    'https://video.example/"x',
    " https://video.example/room",
)


@pytest.mark.parametrize("environment", ["production", "staging", "sandbox"])
@pytest.mark.parametrize("link", GOOD)
def test_https_is_opened_everywhere(link, environment):
    assert is_openable(link, environment)


@pytest.mark.parametrize("environment", ["production", "staging", "sandbox"])
@pytest.mark.parametrize("link", LOOPBACK)
def test_http_on_this_machine_only_at_the_sandbox(link, environment):
    assert is_openable(link, environment) == (environment == "sandbox")


@pytest.mark.parametrize("link", BAD)
def test_nothing_else_is_opened_not_even_at_the_sandbox(link):
    assert not is_openable(link, "sandbox")
