import pytest

from gpcli.errors import BadResponse, WrongHost
from gpcli.http.url_policy import (
    parse_safe_url,
    read_local_reference,
    resolve_portal_url,
)

BASE = "https://portal.example/fhir/R4"


@pytest.mark.parametrize(
    ("script_portal", "params", "url"),
    [
        ("Patient/a", (), f"{BASE}/Patient/a"),
        ("/Patient/a", (), f"{BASE}/Patient/a"),
        ("", (), BASE),
        ("?_getpages=x", (), f"{BASE}?_getpages=x"),
        ("Slot", [("start", "ge2026-10-01T08:00:00+02:00")], None),
        ("Slot?a=1", [("b", "2")], f"{BASE}/Slot?a=1&b=2"),
        ("Slot", [("x", "1"), ("y", "2"), ("x", "3")], f"{BASE}/Slot?x=1&y=2&x=3"),
        ("Task", [("code", "s|1 2")], f"{BASE}/Task?code=s%7C1%202"),
        (f"{BASE}/Slot?page=2%7Cx", (), f"{BASE}/Slot?page=2%7Cx"),
        (f"{BASE}?_getpages=7", (), f"{BASE}?_getpages=7"),
        ("https://PORTAL.example:443/fhir/R4/Slot", (), f"{BASE}/Slot"),
        ("//evil.example/x", (), f"{BASE}/evil.example/x"),
    ],
)
def test_what_is_asked_lies_under_the_base(script_portal, params, url):
    found = str(resolve_portal_url(BASE, script_portal, params))
    assert found == (url or f"{BASE}/Slot?start=ge2026-10-01T08%3A00%3A00%2B02%3A00")


@pytest.mark.parametrize(
    "link",
    [
        "https://evil.example/fhir/R4/Slot",
        "https://portal.example.evil.example/fhir/R4/Slot",
        "https://portal.example:8443/fhir/R4/Slot",
        "https://sub.portal.example/fhir/R4/Slot",
        "http://portal.example/fhir/R4/Slot",
        "https://portal.example/fhir/R4x/Slot",
        "https://portal.example/fhir",
        "https://portal.example/",
        "https://portal.example/fhir/R4/../../admin",
        "https://portal.example/fhir/R4/%2e%2e/%2E%2E/admin",
        "https://portal.example/fhir/R4/..%2fadmin",
        "https://portal.example/fhir/R4/..%5Cadmin",
        "https://portal.example/fhir/R4/%252e%252e/%252E%252E/admin",
        "https://portal.example/fhir/R4/..;/..;v=1/admin",
        "https://portal.example/fhir/R4/%25252e%25252e%25252fadmin",
        "https://portal.example/fhir%2FR4/Slot",
        "https://ada:secret@portal.example/fhir/R4/Slot",
        "https://portal.example@evil.example/fhir/R4/Slot",
        "HTTPS://EVIL.example/fhir/R4",
        "../../admin",
        "Patient/../../../admin",
    ],
)
def test_a_link_that_leaves_the_base_is_refused(link):
    with pytest.raises(WrongHost):
        resolve_portal_url(BASE, link)


@pytest.mark.parametrize(
    "link",
    [
        "javascript:alert(1)",
        "urn:uuid:1f0c0f6e-0000-4000-8000-000000000000",
        "file:///etc/passwd",
        "ftp://portal.example/x",
        "https:///fhir",
        "https://[bad/fhir",
        "https://portal.example:99999/fhir/R4",
        "https://portal.example/\x00",
    ],
)
def test_what_is_no_web_address_is_refused(link):
    with pytest.raises((BadResponse, WrongHost)):
        resolve_portal_url(BASE, link)


def test_the_refusal_names_both_addresses():
    with pytest.raises(WrongHost) as raised:
        resolve_portal_url(BASE, "https://evil.example/fhir/R4/Slot?secret=1")
    assert raised.value.message == (
        "A request for https://portal.example:443 was about to leave for "
        "https://evil.example:443; it was not sent."
    )


def test_http_to_loopback_is_allowed():
    assert str(parse_safe_url("http://127.0.0.1:8000/x")) == "http://127.0.0.1:8000/x"
    assert str(parse_safe_url("http://[::1]:8000/x")) == "http://[::1]:8000/x"


@pytest.mark.parametrize("url", ["http://localhost:8000/x", "http://portal.example/x"])
def test_http_to_a_name_is_refused_before_anything_is_sent(url):
    with pytest.raises(WrongHost, match="without encryption; nothing was sent"):
        parse_safe_url(url)


BASE = "https://portal.example/fhir/R4"


@pytest.mark.parametrize(
    ("reference", "record"),
    [
        ("Patient/p-1", "Patient/p-1"),
        ("Patient/p-1/_history/2", "Patient/p-1"),
        (f"{BASE}/Patient/p-1", "Patient/p-1"),
        ("HTTPS://PORTAL.example:443/fhir/R4/Patient/p-1", "Patient/p-1"),
        (f"{BASE}/Patient/p-1/_history/2", "Patient/p-1"),
        ("https://elsewhere.example/fhir/R4/Patient/p-1", None),
        ("http://portal.example/fhir/R4/Patient/p-1", None),
        ("https://portal.example:8443/fhir/R4/Patient/p-1", None),
        ("https://portal.example/fhir/R4x/Patient/p-1", None),
        ("https://portal.example/Patient/p-1", None),
        (f"{BASE}/../R5/Patient/p-1", None),
        (f"{BASE}/x/Patient/p-1", None),
        ("https://me@portal.example/fhir/R4/Patient/p-1", None),
        ("urn:uuid:p-1", None),
        ("https://xn--/fhir/R4/Patient/p-1", None),
        ("https://xn--a-/fhir/R4/Patient/p-1", None),
        ("p-1", None),
        ("/Patient/p-1", None),
        ("Patient/p-1?x=1", None),
        ("Patient/../Person/1", None),
        ("", None),
    ],
)
def test_a_reference_is_to_a_record_below_the_base_or_to_none(reference, record):
    assert read_local_reference(reference, BASE) == record
    assert read_local_reference(reference, f"{BASE}/") == record
