import httpx
import pytest

from gpcli.errors import ConfigError
from gpcli.http.transport import find_proxy, format_proxy

PORTAL = httpx.URL("https://portal.example/fhir/R4")
PROXY = {"HTTPS_PROXY": "http://proxy.example:3128"}


def find_proxy_url(url: httpx.URL, env: dict[str, str]) -> str | None:
    proxy = find_proxy(url, env)
    return str(proxy.url) if proxy else None


@pytest.mark.parametrize(
    ("env", "proxy"),
    [
        ({}, None),
        ({"HTTPS_PROXY": ""}, None),
        (PROXY, "http://proxy.example:3128"),
        ({"https_proxy": "http://proxy.example:3128"}, "http://proxy.example:3128"),
        ({"HTTPS_PROXY": "proxy.example:3128"}, "http://proxy.example:3128"),
        ({"HTTPS_PROXY": "https://proxy.example"}, "https://proxy.example"),
        ({"HTTP_PROXY": "http://proxy.example", "ALL_PROXY": "http://x.example"}, None),
        (PROXY | {"NO_PROXY": "portal.example"}, None),
        (PROXY | {"no_proxy": "other.example, .example"}, None),
        (PROXY | {"NO_PROXY": "*"}, None),
        (PROXY | {"NO_PROXY": "portal.example:443"}, None),
        (PROXY | {"NO_PROXY": "portal.example:8443"}, "http://proxy.example:3128"),
        (PROXY | {"NO_PROXY": "al.example"}, "http://proxy.example:3128"),
        (PROXY | {"NO_PROXY": ""}, "http://proxy.example:3128"),
    ],
)
def test_the_proxy_is_what_the_environment_says(env, proxy):
    assert find_proxy_url(PORTAL, env) == proxy


@pytest.mark.parametrize(
    "url",
    [
        "https://127.0.0.1:8443/x",
        "https://[::1]/x",
        "http://127.0.0.1/x",
        "https://localhost:8443/x",
        "https://LOCALHOST/x",
        "https://portal.localhost/x",
    ],
)
def test_loopback_is_never_proxied(url):
    assert find_proxy_url(httpx.URL(url), PROXY | {"HTTP_PROXY": "http://proxy.example"}) is None


@pytest.mark.parametrize("host", ["localhost.example", "notlocalhost", "127.example"])
def test_what_only_sounds_like_loopback_is_proxied(host):
    assert find_proxy_url(httpx.URL(f"https://{host}/x"), PROXY) == "http://proxy.example:3128"


def test_a_proxys_name_and_password_are_kept_apart_from_its_address():
    proxy = find_proxy(PORTAL, {"HTTPS_PROXY": "http://ada:secret@proxy.example:3128"})
    assert (str(proxy.url), proxy.raw_auth) == ("http://proxy.example:3128", (b"ada", b"secret"))
    assert format_proxy(proxy) == "proxy.example:3128"


@pytest.mark.parametrize(
    ("value", "why"),
    [
        ("socks5://proxy.example", "is not a web address"),
        ("ftp://proxy.example", "is not a web address"),
        ("http://", "is not a web address"),
        ("http://proxy.example:port", "has no host or port that can be read"),
        ("http://ada:secret@xn--a.example", "has a host that is no international name (IDNA)"),
    ],
)
def test_a_proxy_that_is_none_is_refused_without_repeating_it(value, why):
    with pytest.raises(ConfigError) as raised:
        find_proxy(PORTAL, {"HTTPS_PROXY": value})
    assert raised.value.message == (
        f"HTTPS_PROXY must be a URL such as http://proxy.example:3128; it {why}."
    )


NUMBERED = httpx.URL("https://[2001:db8::1]:8443/fhir")


def test_a_numbered_address_that_proxies_can_not_be_told_is_refused_with_the_way_around():
    with pytest.raises(ConfigError) as raised:
        find_proxy(NUMBERED, PROXY)
    assert raised.value.hint == (
        "Use the portal's name, or set NO_PROXY=2001:db8::1 to go around the proxy."
    )


@pytest.mark.parametrize(
    "around", ["2001:db8::1", "[2001:db8::1]", "[2001:db8::1]:8443", "*", "x, 2001:db8::1"]
)
def test_a_numbered_address_can_go_around_the_proxy(around):
    assert find_proxy(NUMBERED, PROXY | {"NO_PROXY": around}) is None
