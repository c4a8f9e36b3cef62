from datetime import UTC, datetime

import httpx
import pytest

from gpcli.auth.token_response import (
    DEFAULT_LIFETIME,
    MAX_LIFETIME,
    check_available,
    parse_token_response,
)
from gpcli.errors import BadResponse, PortalError, RateLimited
from gpcli.http.client import HttpResponse
from gpcli.http.decode import decode_json
from gpcli.sign_in import find_session_end

NOW = 1_800_000_000.0
PORTAL = "https://portal.example/fhir/R4"


def answer(body: object, status: int = 200) -> HttpResponse:
    return HttpResponse(status, httpx.Headers(), body, "https://id.example/token", "r1")


def test_a_good_answer_is_read_whole(tokens):
    read = parse_token_response(
        answer(tokens(refresh_expires_in=7200, id_token="i.d.t", fhirUser="Patient/ada")),
        NOW,
        PORTAL,
    )
    assert (read.access_token, read.expires_at) == ("access-2", NOW + 3600)
    assert (read.refresh_token, read.refresh_expires_at) == ("refresh-2", NOW + 7200)
    assert (read.patient, read.fhir_user, read.id_token) == ("ada", "Patient/ada", "i.d.t")
    assert read.scope == "openid fhirUser patient/Patient.rs"


@pytest.mark.parametrize(
    ("written", "read"), [(["openid", "launch/patient"], "openid launch/patient"), ([], None)]
)
def test_scopes_in_a_list_are_read_as_if_separated_by_spaces(tokens, written, read):
    assert parse_token_response(answer(tokens(scope=written)), NOW, PORTAL).scope == read


def test_tokens_are_not_shown_when_printed(tokens):
    shown = repr(parse_token_response(answer(tokens(id_token="secret-id")), NOW, PORTAL))
    assert not any(word in shown for word in ("access-2", "refresh-2", "secret-id"))


@pytest.mark.parametrize(
    ("change", "ends"),
    [
        ({"expires_in": None}, NOW + DEFAULT_LIFETIME),
        ({"expires_in": "3600"}, NOW + 3600),
        ({"expires_in": "soon"}, NOW + DEFAULT_LIFETIME),
        ({"expires_in": -5}, NOW),
        ({"expires_in": []}, NOW + DEFAULT_LIFETIME),
        ({"expires_in": True}, NOW + DEFAULT_LIFETIME),
        ({"expires_in": 10**400}, NOW + DEFAULT_LIFETIME),
        ({"expires_in": -(10**400)}, NOW + DEFAULT_LIFETIME),
        ({"expires_in": "inf"}, NOW + DEFAULT_LIFETIME),
        ({"expires_in": "1e300"}, NOW + DEFAULT_LIFETIME),
        ({"expires_in": "NaN"}, NOW + DEFAULT_LIFETIME),
        ({"expires_in": "9" * 400}, NOW + DEFAULT_LIFETIME),
    ],
)
def test_a_life_that_is_not_said_well_is_short(tokens, change, ends):
    assert parse_token_response(answer(tokens(**change)), NOW, PORTAL).expires_at == ends


@pytest.mark.parametrize("life", [2**63 - 1, MAX_LIFETIME + 1, "9" * 18, 10**300])
def test_no_life_is_longer_than_ten_years(tokens, life):
    read = parse_token_response(
        answer(tokens(expires_in=life, refresh_expires_in=life)), NOW, PORTAL
    )
    assert (read.expires_at, read.refresh_expires_at) == (NOW + MAX_LIFETIME, NOW + MAX_LIFETIME)


@pytest.mark.parametrize("life", [0, -1, -(2**63), 10**400, "inf", "-inf", "nan", "never", None])
def test_a_refresh_token_whose_life_is_not_said_well_has_no_known_end(tokens, life):
    said = tokens() | {"refresh_expires_in": life}
    assert parse_token_response(answer(said), NOW, PORTAL).refresh_expires_at is None


def test_a_life_may_be_a_decimal(tokens):
    said = tokens() | decode_json(b'{"expires_in": 3600.5}')
    assert parse_token_response(answer(said), NOW, PORTAL).expires_at == NOW + 3600.5


@pytest.mark.parametrize("life", [10**400, 2**63 - 1, -(2**63), "inf", "nan", 0])
def test_whatever_life_is_said_it_can_be_shown_until_when_gpcli_works(tokens, build_session, life):
    read = parse_token_response(answer(tokens(expires_in=life)), NOW, PORTAL)
    until = find_session_end(
        build_session(expires_at=read.expires_at, refresh_token=None), "Europe/Oslo"
    )
    assert until is not None
    assert NOW <= until.timestamp() <= NOW + MAX_LIFETIME


def test_what_the_answer_does_not_say_is_none(tokens):
    said = tokens(refresh_token=None, scope=None, patient=None)
    read = parse_token_response(answer(said), NOW, PORTAL)
    assert (read.refresh_token, read.refresh_expires_at, read.scope) == (None, None, None)
    assert (read.patient, read.fhir_user, read.id_token) == (None, None, None)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"access_token": None}, "has no usable access_token"),
        ({"access_token": 7}, "has no usable access_token"),
        ({"access_token": "two words"}, "has no usable access_token"),
        ({"access_token": "line\r\nX-Evil: 1"}, "has no usable access_token"),
        ({"refresh_token": ["x"]}, "has no usable refresh_token"),
        (
            {"token_type": "DPoP"},
            "holds a token of the type 'DPoP', and gpcli can use Bearer tokens only",
        ),
        (
            {"token_type": 7},
            "has a token_type that is not text",
        ),
        ({"patient": {"id": "ada"}}, "has a patient that is not text"),
        *(
            ({"patient": patient}, "has a patient that is no FHIR id of this portal")
            for patient in (
                "ada?_include=*",
                "x" * 65,
                "Person/ada",
                "https://elsewhere.example/fhir/R4/Patient/ada",
                f"{PORTAL}/../Patient/ada",
            )
        ),
        ({"scope": ["openid", 7]}, "has a scope that is not text"),
        ({"scope": {"0": "openid"}}, "has a scope that is not text"),
    ],
)
def test_an_answer_with_wrong_parts_is_refused(tokens, change, why):
    with pytest.raises(BadResponse) as raised:
        parse_token_response(answer(tokens(**change)), NOW, PORTAL)
    assert raised.value.message == f"The answer of the portal's sign-in {why}."


@pytest.mark.parametrize("broken", [answer(None), answer([]), answer({}, 204), answer("x")])
def test_what_is_no_token_answer_is_refused(broken):
    with pytest.raises(BadResponse):
        parse_token_response(broken, NOW, PORTAL)


@pytest.mark.parametrize("token_type", [None, "", "bearer", "BEARER"])
def test_a_token_without_a_type_is_taken_for_a_bearer_token(tokens, token_type):
    assert parse_token_response(answer(tokens(token_type=token_type)), NOW, PORTAL).patient == "ada"


def test_who_acts_is_unknown_where_that_is_not_text(tokens):
    user = {"reference": "Patient/ada"}
    assert parse_token_response(answer(tokens(fhirUser=user)), NOW, PORTAL).fhir_user is None


def test_a_patient_may_be_a_number(tokens):
    assert parse_token_response(answer(tokens(patient=17)), NOW, PORTAL).patient == "17"


@pytest.mark.parametrize(
    "patient", ["ada", "Patient/ada", f"{PORTAL}/Patient/ada", f"{PORTAL}/Patient/ada/_history/2"]
)
def test_a_patient_may_be_a_reference_to_a_record_of_this_portal(tokens, patient):
    assert parse_token_response(answer(tokens(patient=patient)), NOW, PORTAL).patient == "ada"


@pytest.mark.parametrize(
    ("status", "error"), [(429, RateLimited), (500, PortalError), (503, PortalError)]
)
def test_a_busy_or_failing_endpoint_may_work_later(status, error):
    with pytest.raises(error) as raised:
        check_available(answer(None, status))
    assert raised.value.exit == 6


@pytest.mark.parametrize("status", [200, 400, 401])
def test_other_answers_are_available(status):
    assert check_available(answer(None, status)) is None


@pytest.mark.parametrize(
    ("zone", "content"),
    [("Europe/Oslo", "2027-03-01T13:00:00+01:00"), ("Asia/Tokyo", "2027-03-01T21:00:00+09:00")],
)
def test_until_when_gpcli_works_is_said_by_the_surgery_s_clock(build_session, zone, content):
    noon = datetime(2027, 3, 1, 12, tzinfo=UTC).timestamp()
    until = find_session_end(build_session(expires_at=noon, refresh_token=None), zone)
    assert until is not None
    assert until.isoformat() == content
