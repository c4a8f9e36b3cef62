"""Which texts are a web address."""

import httpx
import pytest

from gpcli.web_url import InvalidUrl, is_loopback, is_this_computer, split_web_url
from tests.bad_urls import NO_HOSTS, NO_URLS


@pytest.mark.parametrize(
    ("text", "host", "port"),
    [
        ("https://portal.example/fhir/R4?a=b#c", "portal.example", None),
        ("http://127.0.0.1:8000", "127.0.0.1", 8000),
        ("HTTPS://PORTAL.example:443/", "portal.example", 443),
        ("https://[2001:db8::1]:65535/", "2001:db8::1", 65535),
        ("https://me:pw@portal.example/", "portal.example", None),
        ("https://sjúkrahús.example/", "sjúkrahús.example", None),
        ("https://xn--nxasmq6b.example/", "xn--nxasmq6b.example", None),
        ("https://r3---sn-4g5e.example/", "r3---sn-4g5e.example", None),
        ("https://portal/", "portal", None),
        ("https://portal.example./", "portal.example.", None),
        ("https://1.portal.example/", "1.portal.example", None),
        (f"https://{'a' * 63}.example/", f"{'a' * 63}.example", None),
        (f"https://{'a.' * 126}b/", f"{'a.' * 126}b", None),
        ("https://portal.example/Slot?name=a b|ø", "portal.example", None),
    ],
)
def test_a_web_address_is_taken_apart(text, host, port):
    url = split_web_url(text)
    assert (url.hostname, url.port) == (host, port)
    assert httpx.URL(text).host


@pytest.mark.parametrize(("text", "why"), NO_URLS.items(), ids=ascii)
def test_what_is_no_web_address_is_refused_saying_why(text, why):
    with pytest.raises(InvalidUrl) as raised:
        split_web_url(text)
    assert str(raised.value) == why


@pytest.mark.parametrize("host", NO_HOSTS, ids=ascii)
def test_a_refusal_quotes_nothing(host):
    with pytest.raises(InvalidUrl) as raised:
        split_web_url(f"https://me:pw@{host}/canary")
    assert not any(word in str(raised.value) for word in (host, "pw", "canary"))


@pytest.mark.parametrize("host", ["127.0.0.1", "127.9.9.9", "::1", "[::1]"])
def test_loopback_is_a_number(host):
    assert is_loopback(host)
    assert is_this_computer(host)


@pytest.mark.parametrize(
    "host",
    ["localhost", "127.0.0.1.example", "0.0.0.0", "10.0.0.1", "", "2130706433"],  # noqa: S104  (never bound)
)
def test_names_and_other_addresses_are_not_loopback(host):
    assert not is_loopback(host)


@pytest.mark.parametrize("host", ["localhost", "localhost.", "a.localhost", "a.localhost."])
def test_localhost_and_the_names_below_it_are_this_computer(host):
    assert is_this_computer(host)


@pytest.mark.parametrize("host", ["notlocalhost", "localhost.example", "", "portal.example"])
def test_no_other_name_is_this_computer(host):
    assert not is_this_computer(host)
