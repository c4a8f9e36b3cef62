"""Test the running server: sockets, state and clock."""

import json
import os
import signal
import socket
import tempfile
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from gpcli.sandbox import server
from gpcli.sandbox.people.bundle_file import InvalidPeopleFile
from gpcli.sandbox.server import AccessToken, PortUnavailable, Sandbox, UnknownPerson
from gpcli.sandbox.store import Store
from tests.loopback import NO_CERTIFICATES
from tests.sandbox.conftest import JUST_ONE, NOW
from tests.sandbox.smart.client_flow import REDIRECT, VERIFIER, authorization_request


@pytest.fixture
def sandbox(people: Path) -> Iterator[Sandbox]:
    with Sandbox(people=people, clock=NOW) as running:
        yield running


def get(url: str, token: str | None = None, host: str | None = None) -> tuple[int, Any]:
    """Status and JSON body (or text) of a GET over a real socket."""
    headers = {"Host": host} if host else {}
    if token:
        headers["Authorization"] = f"Bearer {token}"
    answer = httpx.get(url, headers=headers, verify=NO_CERTIFICATES)
    return answer.status_code, answer.json() if answer.is_success else answer.text


def is_free(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) != 0


def port_of(sandbox: Sandbox) -> int:
    return int(sandbox.url.rpartition(":")[2])


def test_a_started_portal_answers_and_a_stopped_one_frees_its_port(people: Path) -> None:
    sandbox = Sandbox(people=people)
    sandbox.start()
    url, port = sandbox.url, port_of(sandbox)
    status, configuration = get(f"{sandbox.fhir_base}/.well-known/smart-configuration")

    sandbox.stop()

    assert (status, configuration["issuer"]) == (200, url)
    assert is_free(port)


def test_stopping_twice_or_before_starting_is_harmless(people: Path) -> None:
    sandbox = Sandbox(people=people)
    sandbox.stop()
    sandbox.start()
    sandbox.stop()
    sandbox.stop()

    with pytest.raises(RuntimeError, match="not running"):
        _ = sandbox.url


def test_stopping_closes_connections_that_clients_keep_open(people: Path) -> None:
    with Sandbox(people=people) as sandbox, socket.socket() as idle:
        idle.connect(("127.0.0.1", port_of(sandbox)))
        sandbox.stop()
        idle.settimeout(5)

        assert idle.recv(1) == b""


def test_a_temporary_state_is_private_and_gone_after_stop(
    people: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "tmp").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "tmp"))
    with Sandbox(people=people):
        (state,) = (tmp_path / "tmp").iterdir()
        mode = state.stat().st_mode & 0o777

    assert (mode, state.exists()) == (0o700, False)


def test_no_threads_are_left_behind(people: Path) -> None:
    before = set(threading.enumerate())
    with Sandbox(people=people):
        pass

    assert set(threading.enumerate()) <= before


def test_a_taken_port_is_said_to_be_taken(sandbox: Sandbox, people: Path) -> None:
    with pytest.raises(PortUnavailable, match=f"port {port_of(sandbox)} is taken"):
        Sandbox(people=people, port=port_of(sandbox)).start()


def test_a_fixed_port_is_kept(people: Path) -> None:
    with Sandbox(people=people) as first:
        port = port_of(first)
    with Sandbox(people=people, port=port) as second:
        assert second.url == f"http://127.0.0.1:{port}"


def test_only_the_loopback_address_is_listened_on(sandbox: Sandbox) -> None:
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.2", port_of(sandbox))) != 0


@pytest.mark.parametrize("path", ["/", "/fhir/R4/metadata", "/control/people", "/token"])
def test_a_name_that_was_rebound_to_this_machine_is_refused_everywhere(
    sandbox: Sandbox, path: str
) -> None:
    status, text = get(f"{sandbox.url}{path}", host="rebound.example")

    assert status == 403
    assert "answers only to 127.0.0.1" in text


def test_the_server_does_not_say_what_it_is_made_of(sandbox: Sandbox) -> None:
    assert httpx.get(sandbox.url, verify=NO_CERTIFICATES).headers["Server"] == "gpcli-sandbox"


def test_a_token_for_a_person_opens_their_record(sandbox: Sandbox) -> None:
    token = sandbox.issue_token("zoe")

    status, patient = get(f"{sandbox.fhir_base}/Patient/Zoe", token.access_token)

    assert (status, patient["name"]) == (200, [{"text": "Zoe Vik"}])
    assert abs(token.expires_at - NOW - timedelta(hours=8)) < timedelta(minutes=1)
    assert token == AccessToken(
        token.access_token,
        "Zoe",
        "Patient/Zoe",
        token.expires_at,
        ("openid", "fhirUser", "launch/patient", "patient/*.cruds"),
    )


@pytest.mark.parametrize("token", [None, "no-such-token"])
def test_without_a_good_token_there_is_no_record(sandbox: Sandbox, token: str | None) -> None:
    assert get(f"{sandbox.fhir_base}/Patient/Zoe", token)[0] == 401


def test_an_unknown_person_is_answered_with_those_who_are_known(sandbox: Sandbox) -> None:
    with pytest.raises(UnknownPerson, match="no person called 'ada'; known: zoe"):
        sandbox.issue_token("ada")


def test_a_parent_gets_a_token_for_a_child_and_a_stranger_does_not() -> None:
    with Sandbox() as sandbox:
        token = sandbox.issue_token("guro", "emil")
        with pytest.raises(
            UnknownPerson, match=r"ada has no child called 'emil'; known: emil \(of guro\)"
        ):
            sandbox.issue_token("ada", "emil")

    assert (token.patient, token.fhir_user) == ("emil", "RelatedPerson/guro-for-emil")


def test_the_clock_starts_where_it_was_told_to_and_moves_on(sandbox: Sandbox) -> None:
    token = sandbox.issue_token("zoe").access_token

    present = sandbox.advance(timedelta(hours=9))

    assert abs(present - NOW - timedelta(hours=9)) < timedelta(minutes=1)
    assert get(f"{sandbox.fhir_base}/Patient/Zoe", token)[0] == 401


def test_reset_puts_records_and_clock_back_and_keeps_tokens(sandbox: Sandbox) -> None:
    token = sandbox.issue_token("zoe").access_token
    sandbox.set_clock(datetime(2027, 3, 28, 1, 30, tzinfo=UTC))
    sandbox.store.put({**JUST_ONE["entry"][0]["resource"], "name": [{"text": "Another"}]})  # type: ignore[index]

    sandbox.reset()

    status, patient = get(f"{sandbox.fhir_base}/Patient/Zoe", token)
    assert (status, patient["name"]) == (200, [{"text": "Zoe Vik"}])
    assert sandbox.advance(timedelta()) - NOW < timedelta(minutes=1)


TABLES = ("resource", "former", "found_by", "page", "waiting", "held")


def read_tables(sandbox: Sandbox) -> dict[str, list[Any]]:
    select = "SELECT * FROM "
    return {each: sorted(sandbox.store.execute(select + each)) for each in TABLES}


def change_everything(store: Store) -> None:
    """What requests can do to records, searches and the surgery's desk."""
    zoe = JUST_ONE["entry"][0]["resource"]  # type: ignore[index]
    for text in ("Another", "One more"):
        store.put({**zoe, "name": [{"text": text}]})
    store.delete("Patient", "Zoe")
    store.put({**zoe, "birthDate": "1990-01-01"})
    store.delete("Patient", store.insert(zoe)["id"])
    store.execute("INSERT INTO waiting VALUES ('Task/a', 0)")
    store.execute("INSERT INTO held VALUES ('a', 'Zoe', 0)")
    store.execute("INSERT INTO page VALUES ('a', 0, 'Zoe', 'Patient', '', '')")


def test_after_a_reset_every_record_is_what_it_was_to_the_last_byte(people: Path) -> None:
    with Sandbox(people=people, clock=NOW, seed=7) as sandbox:
        before = read_tables(sandbox)
        made = []
        for _ in range(2):
            change_everything(sandbox.store)
            made.append(sandbox.store.new_id())
            sandbox.reset()
            assert read_tables(sandbox) == before

    assert made[0] == made[1]


def test_a_record_that_a_file_has_twice_is_the_second_one_again(tmp_path: Path) -> None:
    entry = JUST_ONE["entry"][0]  # type: ignore[index]
    second = {"resource": {**entry["resource"], "birthDate": "1990-01-01"}}
    file = tmp_path / "people.json"
    file.write_text(json.dumps({"resourceType": "Bundle", "entry": [entry, second]}))
    with Sandbox(people=file, clock=NOW) as sandbox:
        before = read_tables(sandbox)
        sandbox.store.delete("Patient", "Zoe")
        sandbox.reset()

        assert read_tables(sandbox) == before


def test_reset_makes_the_records_anew_where_another_run_has_left_them(
    people: Path, tmp_path: Path
) -> None:
    with Sandbox(people=people, state=tmp_path / "state", clock=NOW) as first:
        change_everything(first.store)
    with Sandbox(people=people, state=tmp_path / "state", clock=NOW) as second:
        second.reset()
        patients = second.store.find("Patient")

    assert [each["name"] for each in patients] == [[{"text": "Zoe Vik"}]]


def test_reset_makes_the_records_anew_once_they_no_longer_fit_the_time(
    people: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "FRESH", timedelta())
    with Sandbox(people=people) as sandbox:
        before, _ = sandbox.store.get("Patient", "Zoe"), change_everything(sandbox.store)
        sandbox.reset()
        after = sandbox.store.get("Patient", "Zoe")

    assert before is not None
    assert after is not None
    assert after["meta"].pop("lastUpdated") > before["meta"].pop("lastUpdated")
    assert after == before


@pytest.mark.parametrize(("kept", "synchronous"), [(True, "NORMAL"), (False, "OFF")])
def test_only_what_is_kept_waits_until_it_is_on_the_disk(
    people: Path, tmp_path: Path, kept: bool, synchronous: str
) -> None:
    with Sandbox(people=people, state=tmp_path / "state" if kept else None) as sandbox:
        [[level]] = sandbox.store.execute("PRAGMA synchronous")

    assert ["OFF", "NORMAL", "FULL"][level] == synchronous


def test_a_state_directory_outlives_the_server(people: Path, tmp_path: Path) -> None:
    state = tmp_path / "state"
    with Sandbox(people=people, state=state) as first:
        token = first.issue_token("zoe").access_token
        first.store.put({"resourceType": "Location", "id": "kept", "name": "Kept"})
    with Sandbox(people=people, state=state) as second:
        patient, location = (
            get(f"{second.fhir_base}/{what}", token)[0] for what in ("Patient/Zoe", "Location/kept")
        )

    assert (patient, location) == (200, 200)
    assert state.stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("{", "is not JSON"),
        ("[]", "is not a FHIR Bundle"),
        ('{"resourceType": "Patient"}', "is not a FHIR Bundle"),
        ('{"resourceType": "Bundle"}', "holds no Patient"),
        ('{"resourceType": "Bundle", "entry": [{}]}', "entry 0 has no resource"),
        ('{"resourceType": "Bundle", "entry": [{"resource": {"id": "a"}}]}', "entry 0 has no"),
    ],
)
def test_a_file_that_is_no_bundle_of_people_is_refused(tmp_path: Path, text: str, why: str) -> None:
    file = tmp_path / "people.json"
    file.write_text(text, encoding="utf-8")

    with pytest.raises(InvalidPeopleFile, match=why):
        Sandbox(people=file)


def test_the_same_seed_gives_the_same_ids(people: Path) -> None:
    ids = []
    for seed in (7, 7, 8):
        with Sandbox(people=people, seed=seed) as sandbox:
            ids.append(sandbox.store.new_id())

    assert ids[0] == ids[1] != ids[2]


def test_serving_forever_ends_when_the_portal_is_stopped(sandbox: Sandbox) -> None:
    threading.Timer(0.01, sandbox.stop).start()

    sandbox.serve_forever()

    with pytest.raises(RuntimeError):
        _ = sandbox.url


def test_serving_forever_ends_on_sigterm_and_restores_its_former_meaning(
    sandbox: Sandbox,
) -> None:
    former = signal.getsignal(signal.SIGTERM)
    sender = threading.Thread(target=_terminate_when_handled, args=(former,), daemon=True)
    sender.start()

    sandbox.serve_forever()

    sender.join(60)
    assert signal.getsignal(signal.SIGTERM) == former
    assert get(sandbox.url + "/jwks")[0] == 200


def _terminate_when_handled(former: object) -> None:
    waiting = threading.Event()
    while signal.getsignal(signal.SIGTERM) == former:
        waiting.wait(0.005)
    os.kill(os.getpid(), signal.SIGTERM)


def test_what_was_allowed_on_the_sign_in_page_is_what_the_record_lets_through(
    people: Path,
) -> None:
    with Sandbox(people=people, auto_sign_in=True) as sandbox:
        asked = authorization_request(
            aud=sandbox.fhir_base, login_hint="zoe", scope="launch/patient patient/Patient.rs"
        )
        answer = httpx.get(f"{sandbox.url}/authorize", params=asked, verify=NO_CERTIFICATES)
        form = {
            "grant_type": "authorization_code",
            "client_id": "gpcli",
            "redirect_uri": REDIRECT,
            "code_verifier": VERIFIER,
            "code": parse_qs(urlsplit(answer.headers["Location"]).query)["code"][0],
        }
        token = httpx.post(f"{sandbox.url}/token", data=form, verify=NO_CERTIFICATES).json()[
            "access_token"
        ]

        statuses = [
            get(f"{sandbox.fhir_base}/{what}", token)[0]
            for what in ("Patient/Zoe", "Appointment?patient=Zoe")
        ]

    assert statuses == [200, 403]


def test_a_body_that_is_far_too_large_is_refused_before_it_is_sent(sandbox: Sandbox) -> None:
    head = b"POST /token HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 1099511627776\r\n\r\n"
    with socket.create_connection(("127.0.0.1", port_of(sandbox)), timeout=10) as client:
        client.sendall(head)

        assert client.recv(100).startswith(b"HTTP/1.1 413 ")
