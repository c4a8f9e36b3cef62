"""docs/seed_services.py: what it says of bad input and failures, and what it sends."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest

from docs import seed_services
from gpcli.fhir import healthcare_service
from gpcli.model.service import ServiceName
from gpcli.portal.told_services import GUIDE

BASE = "https://portal.test/fhir"
SYSTEM = "https://portal.test/sid/services"
EXAMPLE = Path(seed_services.__file__).with_name("services.example.toml")
TOKEN = "made-up-token"
ALL = ("search-type", "create", "update")
STATEMENT = {"PractitionerRole": ALL, "HealthcareService": ALL, "ChargeItemDefinition": ALL}
HEAD = f'identifier-system = "{SYSTEM}"\ncurrency = "NOK"\n'
ROLE = '[[role]]\nrole = "role-1"\n'
BOOKING = '[role.services.booking]\nchannels = ["phone"]\n'

Answer = Callable[[httpx.Request], httpx.Response | None]


def nothing_else(request: httpx.Request) -> None:
    """The server answers as it does."""


@dataclass
class FakeServer:
    """A FHIR server in memory; `answer` may answer in its place, and `sent` is what came."""

    records: dict[str, dict[str, Any]] = field(default_factory=dict)
    statement: dict[str, tuple[str, ...]] = field(default_factory=lambda: dict(STATEMENT))
    answer: Answer = nothing_else
    page: int = 100
    sent: list[httpx.Request] = field(default_factory=list)

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.sent.append(request)
        path = request.url.path.removeprefix("/fhir/")
        if answer := self.answer(request):
            return answer
        if path == "metadata":
            return httpx.Response(200, json=self._metadata())
        if request.method == "GET":
            return self._search(path, request.url.params)
        record = json.loads(request.content)
        if request.method == "POST":
            path = f"{path}/{len(self.records)}"
        version = int(self.records.get(path, {}).get("meta", {}).get("versionId", 0)) + 1
        stored = {**record, "id": path.split("/")[1], "meta": {"versionId": str(version)}}
        self.records[path] = stored
        return httpx.Response(200, json=stored)

    @property
    def writes(self) -> list[httpx.Request]:
        return [each for each in self.sent if each.method != "GET"]

    def _metadata(self) -> dict[str, Any]:
        resources = [
            {"type": kind, "interaction": [{"code": code} for code in codes]}
            for kind, codes in self.statement.items()
        ]
        return {"resourceType": "CapabilityStatement", "rest": [{"resource": resources}]}

    def _search(self, kind: str, params: httpx.QueryParams) -> httpx.Response:
        wanted, first = params.get("identifier", ""), int(params.get("from", 0))
        found = [
            record
            for record in self.records.values()
            if record["resourceType"] == kind
            and params.get("_id", record["id"]) == record["id"]
            and any(each.startswith(wanted) for each in ["", *identifiers(record)])
        ]
        bundle: dict[str, Any] = {"resourceType": "Bundle", "type": "searchset"}
        bundle["entry"] = [{"resource": each} for each in found[first : first + self.page]]
        if first + self.page < len(found):
            rest = params.set("from", first + self.page)
            bundle["link"] = [{"relation": "next", "url": f"?{rest}"}]
        return httpx.Response(200, json=bundle)


def identifiers(record: dict[str, Any]) -> list[str]:
    return [f"{each['system']}|{each['value']}" for each in record.get("identifier", ())]


@dataclass
class Owner:
    """A portal's owner: writes the file, runs the script and reads what it says."""

    file: Path
    capsys: pytest.CaptureFixture[str]
    server: FakeServer

    def __call__(self, text: str, *words: str, base: str = BASE) -> tuple[int, str, str]:
        self.file.write_text(text, encoding="utf-8")
        transport = httpx.MockTransport(self.server)
        code = seed_services.main([base, str(self.file), *words], transport)
        return code, *self.capsys.readouterr()


@pytest.fixture
def server() -> FakeServer:
    role = {
        "resourceType": "PractitionerRole",
        "id": "role-1",
        "meta": {"versionId": "7"},
        "identifier": [{"system": "https://portal.test/roles", "value": "77"}],
        "organization": {"reference": "Organization/1"},
        "healthcareService": [{"reference": "HealthcareService/of-others"}],
        "specialty": [{"text": "General practice"}],
    }
    return FakeServer({"PractitionerRole/role-1": role})


@pytest.fixture
def run(
    server: FakeServer,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> Owner:
    monkeypatch.setenv(seed_services.TOKEN, TOKEN)
    return Owner(tmp_path / "services.toml", capsys, server)


def test_the_script_has_the_codes_that_gpcli_reads() -> None:
    assert tuple(ServiceName) == seed_services.SERVICES
    assert tuple(healthcare_service.CHANNELS) == seed_services.CHANNELS
    assert seed_services.SERVICE_SYSTEM == healthcare_service.SERVICE_SYSTEM
    assert seed_services.CHANNEL_SYSTEM == healthcare_service.CHANNEL_SYSTEM
    assert seed_services.CHARGED_AT == healthcare_service.CHARGED_AT
    assert seed_services.GUIDE == GUIDE
    read = {
        healthcare_service.LATE_CANCELLATION,
        healthcare_service.DEEP_LINK,
        healthcare_service.MAX_TEXT,
        healthcare_service.MAX_ATTACHMENT,
        healthcare_service.ATTACHMENT_TYPES,
    }
    written = {url for url, *_ in seed_services.EXTENSIONS.values()}
    assert written == {*read, "urn:gpcli:cancel-notice"}


def test_the_example_names_every_key_that_there_is(run: Owner) -> None:
    text = EXAMPLE.read_text(encoding="utf-8")
    assert run(text)[0] == 0
    said = {
        *seed_services._FILE,
        *seed_services._ROLE,
        *seed_services._RATE,
        *seed_services._ANY_SERVICE,
        *(key for rules in seed_services._OF_SERVICE.values() for key in rules),
    }
    assert [key for key in said if not re.search(rf"\b{key}\b", text)] == []


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("role = [", "services.toml: "),
        ("", "role is missing."),
        (HEAD, "role is missing."),
        (HEAD + "role = []", "role has to be a list of tables."),
        (HEAD.replace("https", "http") + ROLE, "identifier-system has to be an address"),
        (HEAD + "colour = 1\n" + ROLE, "colour is not known here"),
        (HEAD + "[[role]]\n", "role[1].role is missing."),
        (HEAD + ROLE + "services = 3", "role[1].services has to be a table."),
        (HEAD + ROLE + ROLE + "[role.services.bookings]", "role[2].services.bookings is not known"),
        (HEAD + ROLE + "services.booking = true", "role[1].services.booking has to be a table."),
        (
            HEAD + ROLE + '[role.services.booking]\nchannels = ["fax"]',
            "role[1].services.booking.channels has to be a list of",
        ),
        (HEAD + ROLE + '[role.services.booking]\nname = " "', "booking.name has to be a text."),
        (HEAD + ROLE + "[role.services.contact]\nmax-text = true", "max-text has to be a whole"),
        (HEAD + ROLE + "[role.services.contact]\nmax-text = 0", "max-text has to be a whole"),
        (HEAD + ROLE + "[role.services.booking]\nmax-text = 9", "max-text is not known here"),
        (
            HEAD + ROLE + "[role.services.contact]\noff-from = 2030-01-01T08:00:00",
            "off-from has to be a date, or a date and time with its offset.",
        ),
        (HEAD + ROLE + "[role.services.contact]\noff-from = 2030-01-01", "belong together"),
        (HEAD + ROLE + '[role.services.contact]\noff-reason = "Leave"', "belong together"),
        (
            HEAD
            + ROLE
            + "[role.services.contact]\noff-from = 2030-01-02\noff-until = 2030-01-01\n"
            + 'off-reason = "Leave"',
            "role[1].services.contact.off-until is before off-from.",
        ),
        (
            HEAD + ROLE + '[role.services.cancellation]\nlate-cancelling = "yes"',
            "late-cancelling has to be 'charged' or 'refused'.",
        ),
        (
            HEAD + ROLE + '[role.services.booking]\ndeep-link = "http://x"',
            "deep-link has to be an address with https://.",
        ),
        (
            HEAD + ROLE + "[role.services.booking]\ncharged-at-sending = true",
            "charged-at-sending needs a price of booking.",
        ),
        (HEAD + ROLE + BOOKING + "[[role.prices.booking]]", "prices.booking[1].base is missing."),
        (
            HEAD + ROLE + BOOKING + "[[role.prices.booking]]\nbase = -1",
            "prices.booking[1].base has to be an amount, 0 or more.",
        ),
        (
            HEAD + ROLE + BOOKING + "[[role.prices.booking]]\nbase = nan",
            "prices.booking[1].base has to be an amount, 0 or more.",
        ),
        (
            HEAD + ROLE + BOOKING + "[[role.prices.late-cancellation]]\nbase = 1",
            "prices.late-cancellation needs role[1].services.cancellation.",
        ),
        (HEAD + ROLE.replace("role-1", "role-2"), "role[1].role: the server has 0 Practi"),
        (HEAD + ROLE.replace("role-1", "https://x|1"), "role[1].role: the server has 0 Practi"),
        (HEAD + ROLE + ROLE, "Several entries of the file are of one PractitionerRole"),
    ],
)
def test_bad_input_is_named_with_its_place_and_nothing_is_sent(
    run: Owner, text: str, said: str
) -> None:
    code, out, err = run(text)
    assert (code, out, run.server.writes) == (2, "", [])
    assert said in err


def test_all_that_is_wrong_with_a_file_is_named_at_once(run: Owner) -> None:
    text = HEAD + ROLE + '[role.services.booking]\nchannels = 3\nname = 4\ncolour = "red"'
    assert run(text)[2].count("role[1].services.booking.") == 3


@pytest.mark.parametrize(
    "base",
    [
        "http://portal.test/fhir",
        "portal.test",
        "https://me:pw@portal.test",
        f"{BASE}?a=b",
        "ftp://x",
    ],
)
def test_a_token_goes_only_where_it_is_safe(run: Owner, base: str) -> None:
    code, _, err = run(HEAD + ROLE, base=base)
    assert (code, run.server.sent) == (2, [])
    assert "FHIR-BASE has to be https://" in err
    assert "pw" not in err


def test_a_token_that_is_none_is_bad_input_and_not_shown(
    run: Owner, monkeypatch: pytest.MonkeyPatch
) -> None:
    for token in ("two\nlines", "nøkkel"):
        monkeypatch.setenv(seed_services.TOKEN, token)
        code, _, err = run(HEAD + ROLE)
        assert (code, run.server.sent) == (2, [])
        assert token.splitlines()[0] not in err


def test_without_a_token_none_is_sent(run: Owner, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(seed_services.TOKEN)
    assert run(HEAD + ROLE + BOOKING)[0] == 0
    assert [each for each in run.server.sent if "Authorization" in each.headers] == []


@pytest.mark.parametrize(
    "base", ["http://127.0.0.1:8080/fhir", "http://localhost/fhir", f"{BASE}/"]
)
def test_a_base_may_end_with_a_slash_and_on_this_computer_needs_no_tls(
    run: Owner, base: str
) -> None:
    run.server.records.clear()
    assert "the server has 0 PractitionerRoles" in run(HEAD + ROLE, base=base)[2]


def test_a_file_that_is_not_there_and_a_command_line_that_is_wrong_are_bad_input(
    run: Owner, tmp_path: Path
) -> None:
    assert seed_services.main([BASE, str(tmp_path / "none.toml")]) == 2
    with pytest.raises(SystemExit) as ending:
        seed_services.main([BASE])
    assert ending.value.code == 2


def test_everything_else_of_a_role_stays_and_its_update_is_conditional(run: Owner) -> None:
    before = run.server.records["PractitionerRole/role-1"]
    assert run(HEAD + ROLE + BOOKING)[0] == 0
    [create, update] = run.server.writes
    assert create.headers["If-None-Exist"] == str(
        httpx.QueryParams({"identifier": f"{SYSTEM}|role-1/booking"})
    )
    assert update.headers["If-Match"] == 'W/"7"'
    assert create.headers["Authorization"] == f"Bearer {TOKEN}"
    made = {"reference": "HealthcareService/1"}
    assert json.loads(update.content) == {
        **before,
        "healthcareService": [*before["healthcareService"], made],
    }


def test_what_others_wrote_into_a_service_stays_and_what_left_the_file_goes(run: Owner) -> None:
    run(HEAD + ROLE + BOOKING + 'answer-time = "Soon"\ndeep-link = "https://x.test"')
    service = run.server.records["HealthcareService/1"]
    others = {"telecom": [{"value": "1"}], "availableTime": [{"allDay": True}]}
    foreign = {"url": "urn:else", "valueString": "x"}
    service |= {**others, "extension": [foreign, *service["extension"]]}
    assert run(HEAD + ROLE + BOOKING)[0] == 0
    after = run.server.records["HealthcareService/1"]
    assert after["extension"] == [foreign]
    assert "comment" not in after
    assert {name: after[name] for name in others} == others


def test_a_second_run_writes_nothing_though_pages_are_small(run: Owner) -> None:
    text = EXAMPLE.read_text(encoding="utf-8")
    run(text)
    run.server.page = 1
    run.server.sent.clear()
    code, out, _ = run(text)
    assert (code, run.server.writes) == (0, [])
    assert "0 created, 0 changed, 9 unchanged." in out


def test_a_dry_run_says_the_same_and_only_reads(run: Owner) -> None:
    text = EXAMPLE.read_text(encoding="utf-8")
    dry = run(text, "--dry-run")[1]
    assert {each.method for each in run.server.sent} == {"GET"}
    assert "8 created, 1 changed, 0 unchanged." in dry
    assert dry.count("would be ") == 9
    assert "8 created, 1 changed, 0 unchanged." in run(text)[1]


def test_what_left_the_file_is_switched_off_and_never_deleted(run: Owner) -> None:
    run(HEAD + ROLE + BOOKING + "[[role.prices.booking]]\nbase = 1.5")
    code, out, _ = run(HEAD + ROLE)
    assert code == 0
    assert run.server.records["HealthcareService/1"]["active"] is False
    assert run.server.records["ChargeItemDefinition/2"]["status"] == "retired"
    assert "changed: HealthcareService/1 (role-1/booking, off)" in out
    assert {each.method for each in run.server.writes} == {"POST", "PUT"}


def test_services_of_another_file_and_of_nobody_are_let_be(run: Owner) -> None:
    run(HEAD.replace(SYSTEM, f"{SYSTEM}/north") + ROLE + BOOKING)
    run.server.records["HealthcareService/x"] = {
        "resourceType": "HealthcareService",
        "id": "x",
        "active": True,
    }
    run(HEAD + ROLE)
    assert all(
        each["active"]
        for each in run.server.records.values()
        if each["resourceType"] == "HealthcareService"
    )


def test_what_is_left_to_do_by_hand_is_said(run: Owner) -> None:
    out = run(HEAD + ROLE + BOOKING)[1]
    assert "urn:gpcli:consent-level" in out
    assert GUIDE in out


def test_prices_are_said_to_be_left_out_where_the_server_has_none(run: Owner) -> None:
    del run.server.statement["ChargeItemDefinition"]
    code, out, err = run(HEAD + ROLE + BOOKING + "[[role.prices.booking]]\nbase = 1")
    assert code == 1
    assert "created: HealthcareService/1" in out
    assert "Left out: prices." in err


@pytest.mark.parametrize("kind", ["PractitionerRole", "HealthcareService"])
def test_a_server_that_takes_no_services_is_told_before_anything_is_sent(
    run: Owner, kind: str
) -> None:
    run.server.statement[kind] = ("search-type",)
    code, _, err = run(HEAD + ROLE + BOOKING)
    assert (code, run.server.writes) == (1, [])
    assert f"{kind} update" in err


def broken(request: httpx.Request) -> httpx.Response | None:
    raise httpx.ConnectError("refused")


def outcome(status: int, text: str = f"No: {TOKEN}\x1b[31m") -> Answer:
    body = {"resourceType": "OperationOutcome", "issue": [{"diagnostics": text}]}
    return lambda request: httpx.Response(status, json=body)


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (broken, "refused. Run the script again."),
        (
            outcome(401),
            f"401. No: ***[31m. Put an access token that holds into {seed_services.TOKEN}",
        ),
        (lambda request: httpx.Response(401, text="<html>"), "Put an access token"),
        (outcome(403), "The token does not permit this."),
        (outcome(500), "500. No: ***"),
        (outcome(200), "the answer is no Bundle."),
        (lambda request: httpx.Response(200, text="<html>"), "200. The answer is no JSON object"),
        (lambda request: httpx.Response(200, json=[]), "no JSON object"),
        (
            lambda request: httpx.Response(302, headers={"Location": "https://else.test"}, json={}),
            "302",
        ),
    ],
)
def test_a_failure_says_what_it_was_and_no_secret(run: Owner, answer: Answer, said: str) -> None:
    run.server.answer = answer
    code, out, err = run(HEAD + ROLE + BOOKING)
    assert (code, out) == (1, "")
    assert err.startswith(f"GET {BASE}/PractitionerRole?")
    assert said in err
    assert TOKEN not in err
    assert "\x1b" not in err
    assert {each.url.host for each in run.server.sent} == {"portal.test"}


def test_what_was_changed_meanwhile_is_not_overwritten_and_said(run: Owner) -> None:
    refuse = outcome(412, "version")
    run.server.answer = lambda request: refuse(request) if request.method == "PUT" else None
    code, _, err = run(HEAD + ROLE + BOOKING)
    assert code == 1
    assert "412. version. It was changed meanwhile: run the script again." in err


def test_a_link_to_another_host_is_not_followed(run: Owner) -> None:
    page = {"resourceType": "Bundle", "link": [{"relation": "next", "url": "https://else.test/x"}]}
    role = run.server.records["PractitionerRole/role-1"]
    page["entry"] = [{"resource": role}]
    run.server.answer = lambda request: httpx.Response(200, json=page)
    code, _, err = run(HEAD + ROLE + BOOKING)
    assert (code, len(run.server.sent)) == (1, 1)
    assert "The server leads elsewhere: https://else.test/x" in err


def test_two_records_with_one_identifier_are_named(run: Owner) -> None:
    run(HEAD + ROLE + BOOKING)
    service = run.server.records["HealthcareService/1"]
    run.server.records["HealthcareService/copy"] = {**service, "id": "copy"}
    code, _, err = run(HEAD + ROLE + BOOKING)
    assert code == 1
    assert "Several HealthcareService have the identifier role-1/booking" in err


def test_a_role_is_found_by_its_identifier_and_no_other_is_taken_for_it(run: Owner) -> None:
    by_identifier = ROLE.replace("role-1", "https://portal.test/roles|77")
    assert run(HEAD + by_identifier + BOOKING)[0] == 0
    assert run(HEAD + by_identifier.replace("77", "7") + BOOKING)[0] == 2
