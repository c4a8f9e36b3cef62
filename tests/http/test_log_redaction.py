import httpx
import pytest

from gpcli.http.send import redact_route

BASE = httpx.URL("https://portal.example/fhir/R4")


@pytest.mark.parametrize(
    ("url", "route"),
    [
        ("https://portal.example/fhir/R4", "/"),
        ("https://portal.example/fhir/R4/", "/"),
        ("https://portal.example/fhir/R4/metadata", "/metadata"),
        ("https://portal.example/fhir/R4/Patient?_id=14836112345", "/Patient"),
        ("https://portal.example/fhir/R4/Patient/14836112345", "/Patient/{id}"),
        ("https://portal.example/fhir/R4/Patient/Alice", "/Patient/{id}"),
        ("https://portal.example/fhir/R4/Task/a/_history/2", "/Task/{id}/_history/{id}"),
        ("https://portal.example/fhir/R4/Appointment/$book", "/Appointment/$book"),
        ("https://portal.example/fhir/R4/Patient/_search", "/Patient/_search"),
        ("https://portal.example/fhir/R4/14836112345", "/{id}"),
        (
            "https://portal.example/fhir/R4/.well-known/smart-configuration",
            "/.well-known/smart-configuration",
        ),
        ("https://portal.example/fhir/R4x/Patient", "/{id}/{id}/{id}"),
        ("https://id.example/oauth2/token?code=secret", "/oauth2/token"),
        ("https://id.example/Alice/token", "/{id}/token"),
        ("https://portal.example:8443/fhir/R4/Patient/a", "/{id}/{id}/{id}/{id}"),
    ],
)
def test_a_route_keeps_only_words_that_tell_nothing_about_anybody(url, route):
    assert redact_route(httpx.URL(url), BASE) == route
