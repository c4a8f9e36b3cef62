"""What is quoted in an error, a warning or a notice is short, however long it was written."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

import pytest

from gpcli.auth.vault import MemoryVault
from gpcli.cli.commands.registry import REGISTRY
from gpcli.errors import MAX_TEXT
from tests.journeys.reported_practice import (
    an_outcome,
    appointment,
    message,
    practice,
    prescription,
    renewal,
    schedule,
    service,
    shell_with,
    slot,
)
from tests.journeys.shell import CommandResult, Shell

LONG = "x" * 40_000
STATUSES = (300, 400, 401, 403, 404, 409, 410, 412, 422, 423, 429, 500, 501, 503)
PROBLEMS = (
    *("consent-needed", "service-off", "slot-taken", "too-late", "already-answered"),
    *("fee-changed", "not-renewable", LONG),
)
WRITES = (
    "contact --subject A --message B --yes",
    "messages reply c1 --message A --yes",
    "rx renew r1 --yes",
    "book s1 --yes",
    "cancel a1 --yes",
)
READS = (
    *("whoami", "gp", "services", "slots", "appointments list --all", "messages list"),
    *("messages show c1", "messages save c1", "rx list", "rx list --low", "rx requests", "flu"),
    *("appointments show a1", "appointments export", "econsult join a1", "consent show"),
)
STARTS_A_PORTAL = ("demo", "sandbox serve", "sandbox run")
SPARED = ("code", "reference", "start", "end", "sent", "authoredOn", "resourceType", "id", "system")
"""Elements without which nothing else of a record is read."""


def longest_quote(ending: CommandResult) -> int:
    """The most characters of LONG that one line of standard error has, but for a plan."""
    lines = [line for line in ending.err.splitlines() if not line.startswith(('{"plan"', "  "))]
    return max((line.count("x") for line in lines), default=0)


def assert_short(shell: Shell, *words: str) -> CommandResult:
    """Play a line as text and as JSON; what it quotes is short in both."""
    for more in ([], ["--json"]):
        ending = shell(["gpcli", *words, *more])
        assert longest_quote(ending) <= 2 * MAX_TEXT  # in JSON, a message and its hint
        assert ending.code != 70
    return ending


def refuse_with(status: int, body: Any) -> Any:
    return lambda path, fields: (status, body) if path != "metadata" else None


@pytest.mark.parametrize(
    ("status", "line"),
    [*((each, "appointments list") for each in STATUSES), *((422, each) for each in WRITES)],
)
def test_what_a_portal_says_of_a_refusal(tmp_path, status, line):
    outcome = an_outcome("processing", words=LONG)
    records = (appointment(), message(), prescription(), slot(), schedule())
    refuse = refuse_with(status, outcome)
    ending = assert_short(shell_with(tmp_path, *records, refuse=refuse), *line.split())
    assert "x…x" in ending.error["message"]


@pytest.mark.parametrize("problem", PROBLEMS, ids=lambda each: each[:30])
def test_what_a_portal_says_of_a_problem(tmp_path, problem):
    coding = {"system": "urn:gpcli:problem", "code": problem}
    issue = {"severity": "error", "code": LONG, "details": {"coding": [coding], "text": LONG}}
    outcome = {"resourceType": "OperationOutcome", "issue": [issue]}
    shell = shell_with(tmp_path, refuse=refuse_with(422, outcome))
    ending = assert_short(shell, "appointments", "list")
    assert "x…x" in ending.error["message"]


@pytest.mark.parametrize("severity", ["fatal", "error", "warning"])
def test_what_a_portal_says_beside_a_list(tmp_path, severity):
    def add_outcome(kind: str, asked: Any, searchset: dict[str, Any]) -> dict[str, Any]:
        outcome = an_outcome("processing", severity, LONG)
        said = {"resource": outcome, "search": {"mode": "outcome"}}
        return {**searchset, "entry": [*searchset["entry"], said]}

    ending = assert_short(shell_with(tmp_path, page=add_outcome), "appointments", "list")
    assert "x…x" in str(ending.stderr_json)


def test_a_list_in_whose_place_a_portal_says_something(tmp_path):
    shell = shell_with(tmp_path, page=lambda *_: an_outcome("processing", words=LONG))
    ending = assert_short(shell, "appointments", "list")
    assert "x…x" in str(ending.stderr_json)


def lengthened(value: Any, key: str = "") -> Any:
    """The same with long words, of which the first letters stay."""
    if isinstance(value, list):
        return [lengthened(each, key) for each in value]
    if isinstance(value, dict):
        return {name: lengthened(each, name) for name, each in value.items()}
    return value + LONG if isinstance(value, str) and key not in SPARED else value


@pytest.mark.parametrize("line", [*READS, *WRITES])
def test_what_records_have_in_them(tmp_path, line):
    records = [*practice(), appointment(), message(), prescription(), renewal(), slot(), schedule()]
    closed = service("contact", active=False, comment="off")
    shell = shell_with(tmp_path, *map(lengthened, [*records, closed]))
    assert_short(shell, *line.split())


@pytest.mark.parametrize("key", ["id", "resourceType"])
@pytest.mark.parametrize("line", READS)
def test_what_records_are_called(tmp_path, line, key):
    def rename(kind: str, asked: Any, searchset: dict[str, Any]) -> dict[str, Any]:
        for entry in searchset["entry"]:
            entry["resource"] = {**entry["resource"], key: entry["resource"][key] + LONG}
        return searchset

    records = (appointment(start=7), message(sent=7), prescription(status=7), slot(), schedule())
    assert_short(shell_with(tmp_path, *records, page=rename), *line.split())


def test_a_link_to_a_next_page(tmp_path):
    def add_link(kind: str, asked: Any, searchset: dict[str, Any]) -> dict[str, Any]:
        return {**searchset, "link": [{"relation": "next", "url": f"https://x.example/{LONG}"}]}

    assert assert_short(shell_with(tmp_path, page=add_link), "appointments", "list").code == 8


@pytest.mark.parametrize("answer", [{"error": LONG}, {"error": "x", "error_description": LONG}])
@pytest.mark.parametrize("status", [200, 400, 401, 429, 500, 503])
def test_what_a_sign_in_says_of_a_refusal(portal, login, status, answer):
    portal.token = lambda form: (status, answer)
    assert longest_quote(login()) <= MAX_TEXT


@pytest.mark.parametrize(
    "tokens",
    [
        {"patient": LONG},
        {"token_type": LONG},
        {"patient": None, "fhirUser": LONG},
        {"scope": LONG},
        {"access_token": f"{LONG} "},
        {"id_token": LONG},
    ],
    ids=lambda tokens: str(tokens)[:30],
)
def test_what_a_sign_in_gives(portal, login, tokens):
    portal.tokens = tokens
    assert longest_quote(login("--patient p1 --as Kari")) <= MAX_TEXT


@pytest.mark.parametrize("claim", ["iss", "aud", "acr", "fhirUser", "nonce", "exp", "azp"])
def test_what_an_id_token_claims(portal, login, claim):
    portal.claims = {claim: LONG[:20_000]}
    assert longest_quote(login("--patient p1")) <= MAX_TEXT


TYPED = [
    (command.path, word)
    for command in REGISTRY.commands
    for word in (LONG, f"--{LONG}", f"--profile={LONG}", f"--as={LONG}")
    if command.path not in STARTS_A_PORTAL or word in (LONG, f"--{LONG}")
]


@pytest.mark.parametrize(("command", "word"), TYPED, ids=lambda each: each[:16])
def test_what_a_person_types(tmp_path, command, word):
    env = {"GPCLI_CONFIG_DIR": str(tmp_path), "GPCLI_PORTAL": "https://127.0.0.1:9"}
    shell = Shell(env, lambda: datetime.now(UTC), vault=MemoryVault())
    ending = shell(["gpcli", *command.split(), word, "--timeout", "0.1"])
    assert len(re.sub(r"[^x]", "", ending.err)) <= 2 * MAX_TEXT
