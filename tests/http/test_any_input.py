"""Whatever a portal or a person writes, HttpClient answers or raises one of gpcli's errors."""

from decimal import Decimal

import httpx
from hypothesis import example, given
from hypothesis import strategies as some

from gpcli.errors import GpcliError
from gpcli.http.decode import UnusableBody, decode_body, read_body
from gpcli.http.retry import read_retry_after
from gpcli.http.send import redact_route
from gpcli.http.url_policy import resolve_portal_url

BASE = "https://portal.example/fhir/R4"
PIECES = (
    *("https:", "http:", "//", "/", "..", ".", "%2e", "%2F", "\\", "@", ":", "?", "#", "443"),
    *("portal.example", "evil.example", "fhir", "R4", "[::1]", "xn--", "ø", "\x00", " "),
)
URL_LIKE = some.lists(some.sampled_from(PIECES), max_size=12).map("".join)


@given(URL_LIKE | some.text())
@example("https://portal.example/fhir/R4/x#@evil.example")
@example("https://\u2024portal.example/fhir/R4")
@example("https://xn--/fhir/R4")
@example("https://xn--a-/fhir/R4")
@example("https://xn--443/fhir/R4")
def test_whatever_a_link_says_it_stays_under_the_base_or_is_refused(link):
    try:
        url = resolve_portal_url(BASE, link)
    except GpcliError:
        return
    assert (url.scheme, url.host, url.port, url.userinfo) == ("https", "portal.example", None, b"")
    assert url.raw_path.decode().split("?")[0].split("/")[:3] == ["", "fhir", "R4"]
    assert ".." not in url.path.split("/")


@given(some.text(), some.text())
def test_a_retry_after_of_any_text_is_seconds_or_nothing(value, date):
    headers = httpx.Headers([(b"Retry-After", value.encode()), (b"Date", date.encode())])
    assert read_retry_after(headers) is None or read_retry_after(headers) >= 0


@given(some.binary(), some.sampled_from(["gzip", "deflate", "identity", "br"]))
def test_a_body_of_any_bytes_is_read_or_refused(raw, packing):
    response = httpx.Response(
        200, headers={"Content-Encoding": packing}, stream=httpx.ByteStream(raw)
    )
    try:
        value = decode_body(read_body(response, 1000), response.headers)
    except UnusableBody:
        return
    assert isinstance(value, dict | list | str | int | Decimal | bool | None)


@given(some.text(some.characters(categories=["L", "N"]), min_size=1, max_size=40))
@example("oauth")
@example("metadata")
def test_an_id_never_stands_in_a_route(secret):
    url = httpx.URL(f"{BASE}/Patient/{secret}/x{secret}?{secret}")
    assert redact_route(url, httpx.URL(BASE)) == "/Patient/{id}/{id}"
