"""Test what each kind of fault does, over real sockets."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from joserfc import jwt
from joserfc.jwk import KeySet

from gpcli.sandbox.faults.answer_effects import HUGE_BYTES
from gpcli.sandbox.faults.kinds import KIND_BY_NAME
from tests.loopback import NO_CERTIFICATES
from tests.sandbox.faults.conftest import BY_IDENTIFIER, Caller, Json
from tests.sandbox.smart.client_flow import REDIRECT, VERIFIER, authorization_request

Check = Callable[[Caller], None]
CHECKS: list[tuple[str, Check]] = []
"""Rules, and what becomes of a request under each."""


def under(rule: str) -> Callable[[Check], Check]:
    """Register what a rule does."""

    def register(check: Check) -> Check:
        CHECKS.append((rule, check))
        return check

    return register


def outcome_of(answer: httpx.Response) -> tuple[int, str, list[str]]:
    """Status, code of the issue, and problems of a refusal."""
    (issue,) = answer.json()["issue"]
    return (
        answer.status_code,
        issue["code"],
        [each["code"] for each in issue["details"].get("coding", ())],
    )


def ids_in(bundle: Json) -> list[str]:
    return [each["resource"]["id"] for each in bundle.get("entry", ())]


def next_in(bundle: Json) -> list[str]:
    return [each["url"] for each in bundle["link"] if each["relation"] == "next"]


def is_lost(ask: Callable[[], Any]) -> bool:
    """Whether the connection ends without a whole answer."""
    try:
        ask()
    except httpx.RemoteProtocolError:
        return True
    return False


@under("GET Slot: delay=1ms")
def _(ada: Caller) -> None:
    assert ada.get("Slot")["total"] == 3


@under("POST Appointment: lost-request")
def _(ada: Caller) -> None:
    assert is_lost(ada.book)
    assert ada.bookings() == []


@under("POST Appointment: 503 retry-after=7 problem=service-off")
def _(ada: Caller) -> None:
    answer = ada.book()
    assert outcome_of(answer) == (503, "transient", ["service-off"])
    assert answer.headers["Retry-After"] == "7"
    assert ada.bookings() == []


@under("GET Patient/*: status=461")
def _(ada: Caller) -> None:
    assert outcome_of(ada.ask("GET", "Patient/ada")) == (461, "processing", [])


@under("POST token: 503")
def _(ada: Caller) -> None:
    answer = httpx.post(
        f"{ada.sandbox.url}/token", data={"grant_type": "refresh_token"}, verify=NO_CERTIFICATES
    )
    assert (answer.status_code, answer.json()["error"]) == (503, "server_error")


@under("GET metadata: html")
def _(ada: Caller) -> None:
    answer = ada.ask("GET", "metadata")
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    assert answer.text.startswith("<!DOCTYPE html>")


@under("POST Appointment: refuse")
def _(ada: Caller) -> None:
    assert outcome_of(ada.book()) == (403, "forbidden", [])
    assert ada.bookings() == []


@under("POST Appointment: refuse=422 problem=too-late")
def _(ada: Caller) -> None:
    assert outcome_of(ada.book()) == (422, "business-rule", ["too-late"])


@under("GET Slot: expired-token once")
def _(ada: Caller) -> None:
    answers = [ada.ask("GET", path).status_code for path in ("Patient", "Slot", "Patient")]
    assert answers == [200, 401, 401]


def sign_in(ada: Caller) -> Json:
    """The tokens of a sign-in at a portal whose page answers at once."""
    asked = authorization_request(aud=ada.sandbox.fhir_base, login_hint=ada.sandbox.people()[0].key)
    location = httpx.get(
        f"{ada.sandbox.url}/authorize", params=asked, verify=NO_CERTIFICATES
    ).headers["Location"]
    return post_token(
        ada,
        grant_type="authorization_code",
        code=parse_qs(urlsplit(location).query)["code"][0],
        redirect_uri=REDIRECT,
        code_verifier=VERIFIER,
    ).json()


def post_token(ada: Caller, **form: str) -> httpx.Response:
    return httpx.post(
        f"{ada.sandbox.url}/token", data={"client_id": "gpcli", **form}, verify=NO_CERTIFICATES
    )


@under("GET Slot: revoked-session once")
def _(ada: Caller) -> None:
    tokens = sign_in(ada)
    ada.token = tokens["access_token"]
    refused = ada.ask("GET", "Slot").status_code
    again = post_token(ada, grant_type="refresh_token", refresh_token=tokens["refresh_token"])
    assert (refused, again.status_code, again.json()["error"]) == (401, 400, "invalid_grant")


@under("POST token: revoked-session nth=2")
def _(ada: Caller) -> None:
    tokens = sign_in(ada)
    renewed = post_token(
        ada, grant_type="refresh_token", refresh_token=tokens["refresh_token"]
    ).json()
    again = post_token(ada, grant_type="refresh_token", refresh_token=renewed["refresh_token"])
    assert again.json()["error"] == "invalid_grant"


@under("GET *: any-token")
def _(ada: Caller) -> None:
    answers = [
        ada.ask("GET", "Patient", Authorization=each) for each in ("", "Bearer x", "Basic eA==")
    ]
    assert [ids_in(each.json()) for each in answers] == [["ada", "bo"]] * 3


@under("POST Appointment: slot-taken")
def _(ada: Caller) -> None:
    assert outcome_of(ada.book()) == (409, "conflict", ["slot-taken"])
    assert (ada.slot()["status"], ada.bookings()) == ("busy", [])


@under("POST Appointment: double-booking")
def _(ada: Caller) -> None:
    assert [ada.book().status_code for _ in range(2)] == [201, 201]
    assert [each["slot"] for each in ada.bookings()] == [[{"reference": "Slot/s1"}]] * 2


@under("GET Slot: ignored-parameter=start")
def _(ada: Caller) -> None:
    nothing = "Slot?start=lt1999-01-01&start:missing=true"
    assert len(ids_in(ada.get(f"{nothing}&status=free"))) == 3
    assert ids_in(ada.get(f"{nothing}&status=busy")) == []


@under("POST Slot/_search: ignored-parameter=status")
def _(ada: Caller) -> None:
    form = "application/x-www-form-urlencoded"
    answer = httpx.post(
        f"{ada.sandbox.fhir_base}/Slot/_search",
        content="status=busy",
        headers={"Authorization": f"Bearer {ada.token}", "Content-Type": form},
        verify=NO_CERTIFICATES,
    )
    assert len(ids_in(answer.json())) == 3


@under("POST Appointment: ignored-if-none-exist")
def _(ada: Caller) -> None:
    for number in (1, 2):
        assert ada.book(number, If_None_Exist=BY_IDENTIFIER).status_code == 201
    assert len(ada.bookings()) == 2


@under("PUT Appointment/*: ignored-if-match")
def _(ada: Caller) -> None:
    booked = ada.book().json()
    cancelled = booked | {"status": "cancelled"}
    answer = ada.ask("PUT", f"Appointment/{booked['id']}", cancelled, If_Match='W/"77"')
    assert (answer.status_code, ada.bookings()[0]["status"]) == (200, "cancelled")


@under("POST Appointment: lost-identifier")
def _(ada: Caller) -> None:
    answer = ada.book()
    assert (answer.status_code, "identifier" in answer.json()) == (201, False)
    assert ada.get(f"Appointment?{BY_IDENTIFIER}")["total"] == 0


@under("POST Appointment: unsaved once")
def _(ada: Caller) -> None:
    unsaved = ada.book()
    left = (ada.bookings(), ada.slot()["status"])
    saved = ada.book()
    assert (unsaved.status_code, left, saved.status_code) == (201, ([], "free"), 201)


@under("POST Appointment: late-commit=2m")
def _(ada: Caller) -> None:
    assert is_lost(ada.book)
    found = [
        ada.sandbox.advance(timedelta(minutes=1)) and ada.get(f"Appointment?{BY_IDENTIFIER}")
        for _ in range(3)
    ]
    assert [each["total"] for each in found] == [0, 1, 1]


@under("GET Slot: wrong-total")
def _(ada: Caller) -> None:
    found = ada.get("Slot")
    assert (found["total"], len(found["entry"])) == (4, 3)


@under("GET Slot: lost-entry")
def _(ada: Caller) -> None:
    found = ada.get("Slot?_count=2")
    assert (found["total"], ids_in(found), len(next_in(found))) == (3, ["s1"], 1)
    assert "entry" not in ada.get("Slot?_count=1")


@under("GET Slot: lost-next")
def _(ada: Caller) -> None:
    found = ada.get("Slot?_count=2")
    assert (found["total"], ids_in(found), next_in(found)) == (3, ["s1", "s2"], [])


@under("GET Slot: repeated-page")
def _(ada: Caller) -> None:
    (address,) = next_in(ada.get("Slot?_count=2"))
    assert address == f"{ada.sandbox.fhir_base}/Slot?_count=2"


@under("GET Patient: other-patient")
def _(ada: Caller) -> None:
    found = ada.get("Patient?_id=ada")
    assert (found["total"], ids_in(found)) == (2, ["ada", "bo"])


@under("GET Consent/*: other-patient")
def _(ada: Caller) -> None:
    assert ada.get("Consent/bo-full-access")["patient"] == {"reference": "Patient/bo"}
    assert ada.ask("GET", "Consent/nobodys").status_code == 404


@under("GET Patient/*: hostile-text")
def _(ada: Caller) -> None:
    family = ada.get("Patient/ada")["name"][0]["family"]
    assert family.startswith("\u00c5s\x1b[2J")
    assert {"\u202e", "\x9b", "\x07", "\U000e0041"} <= set(family)


@under("GET Patient/*: hostile-text")
def _(ada: Caller) -> None:
    refused = ada.ask("GET", "Patient/nobody").json()
    assert "\x1b]52;c;" in refused["issue"][0]["details"]["text"]
    assert refused["issue"][0]["code"] == "not-found"


@under("POST Appointment: wrong-status=500")
def _(ada: Caller) -> None:
    answer = ada.book()
    assert (answer.status_code, answer.json()["id"]) == (500, ada.bookings()[0]["id"])


@under("GET Patient/*: lost-etag")
def _(ada: Caller) -> None:
    answer = ada.ask("GET", "Patient/ada")
    assert ("ETag" in answer.headers, answer.json()["meta"]["versionId"]) == (False, "1")


@under("GET *: lost-outcome")
def _(ada: Caller) -> None:
    missing, found = ada.ask("GET", "Patient/nobody"), ada.ask("GET", "Patient/ada")
    assert (missing.status_code, missing.content, found.json()["id"]) == (404, b"", "ada")


@under("* *: clock=+300s")
def _(ada: Caller) -> None:
    answer = ada.ask("GET", "metadata")
    ahead = parsedate_to_datetime(answer.headers["Date"]) - ada.sandbox.now()
    assert timedelta(seconds=290) < ahead < timedelta(seconds=310)


@under("POST token: clock=-1h")
def _(ada: Caller) -> None:
    token = sign_in(ada)["id_token"]
    keys = KeySet.import_key_set(
        httpx.get(f"{ada.sandbox.url}/jwks", verify=NO_CERTIFICATES).json()
    )
    claims = jwt.decode(token, keys, algorithms=["ES256"]).claims
    behind = datetime.now(UTC) - datetime.fromtimestamp(claims["iat"], UTC)
    assert timedelta(minutes=59) < behind < timedelta(minutes=61)
    assert claims["exp"] - claims["iat"] == 600


@under("GET Patient/*: bad-json")
def _(ada: Caller) -> None:
    answer = ada.ask("GET", "Patient/ada")
    assert (answer.status_code, len(answer.content)) == (200, int(answer.headers["Content-Length"]))
    with pytest.raises(json.JSONDecodeError):
        answer.json()


@under("GET Patient/*: huge-body")
def _(ada: Caller) -> None:
    with httpx.stream(
        "GET",
        f"{ada.sandbox.fhir_base}/Patient/ada",
        headers={"Authorization": f"Bearer {ada.token}"},
        verify=NO_CERTIFICATES,
    ) as answer:
        size = sum(len(piece) for piece in answer.iter_raw())
    assert size > HUGE_BYTES


@under("GET Patient/*: slow-drip=100000")
def _(ada: Caller) -> None:
    assert ada.get("Patient/ada")["id"] == "ada"


@under("POST Appointment: cut-reply")
def _(ada: Caller) -> None:
    assert is_lost(ada.book)
    assert len(ada.bookings()) == 1


@under("POST Appointment: lost-reply")
def _(ada: Caller) -> None:
    assert is_lost(ada.book)
    assert len(ada.bookings()) == 1


@pytest.mark.parametrize(
    ("rule", "check"), CHECKS, ids=[rule.partition(": ")[2] for rule, _ in CHECKS]
)
def test_a_fault_does_what_its_rule_says(ada, rule, check):
    ada.sandbox.add_fault(rule)

    check(ada)

    assert ada.sandbox.faults[0].used > 0


def test_every_kind_is_tried():
    words = {rule.partition(": ")[2].split()[0].partition("=")[0] for rule, _ in CHECKS}
    assert {"status" if word.isdigit() else word for word in words} == set(KIND_BY_NAME)
