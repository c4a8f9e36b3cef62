"""Test refresh tokens: rotation, grace period, reuse, concurrency."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from gpcli.sandbox.clock import Clock
from gpcli.sandbox.smart.authorization_server import SmartServer
from tests.sandbox.smart.client_flow import ALL_SCOPES, ClientFlow, refusal

REFUSED = (400, "invalid_grant")


def refreshed(flow: ClientFlow, token: str) -> str:
    answer = flow.refresh(token)
    assert answer.status_code == 200, answer.text
    return str(answer.get_json()["refresh_token"])


def test_a_refresh_gives_new_tokens_for_the_same_person(flow: ClientFlow) -> None:
    first = flow.sign_in()

    second = flow.refresh(first["refresh_token"]).get_json()

    assert second["refresh_token"] != first["refresh_token"]
    assert second["access_token"] != first["access_token"]
    assert (second["patient"], second["scope"]) == ("ada", ALL_SCOPES)
    assert second["id_token"]


def test_a_lost_answer_is_given_again_within_the_grace(flow: ClientFlow, clock: Clock) -> None:
    first = flow.sign_in()["refresh_token"]
    refreshed(flow, first)
    clock.advance(timedelta(seconds=29))

    again = refreshed(flow, first)

    assert refreshed(flow, again)


def test_after_the_grace_a_spent_token_ends_the_session(flow: ClientFlow, clock: Clock) -> None:
    first = flow.sign_in()["refresh_token"]
    second = refreshed(flow, first)
    clock.advance(timedelta(seconds=31))

    reuse = flow.refresh(first)

    assert refusal(reuse) == REFUSED
    assert refusal(flow.refresh(second)) == REFUSED


def test_once_the_successor_was_used_there_is_no_grace(
    flow: ClientFlow, server: SmartServer
) -> None:
    tokens = flow.sign_in()
    second = refreshed(flow, tokens["refresh_token"])
    third = refreshed(flow, second)

    reuse = flow.refresh(tokens["refresh_token"])

    assert refusal(reuse) == REFUSED
    assert refusal(flow.refresh(third)) == REFUSED
    assert server.grants.find_access_rights(tokens["access_token"]) is None


def test_of_two_answers_to_one_token_only_one_may_be_used(flow: ClientFlow) -> None:
    first = flow.sign_in()["refresh_token"]
    lost, kept = refreshed(flow, first), refreshed(flow, first)
    refreshed(flow, kept)

    assert refusal(flow.refresh(lost)) == REFUSED


def test_twenty_refreshes_at_once_with_one_token_all_get_tokens_that_work(
    flow: ClientFlow, server: SmartServer
) -> None:
    token = flow.sign_in()["refresh_token"]
    with ThreadPoolExecutor(20) as pool:
        answers = [answer.get_json() for answer in pool.map(flow.refresh, [token] * 20)]

    assert len({answer["refresh_token"] for answer in answers}) == 20
    assert all(server.grants.find_access_rights(answer["access_token"]) for answer in answers)
    assert refreshed(flow, answers[7]["refresh_token"])


def test_a_chain_of_refreshes_by_many_never_ends_the_session(flow: ClientFlow) -> None:
    token = flow.sign_in()["refresh_token"]
    for _ in range(5):
        with ThreadPoolExecutor(8) as pool:
            token = list(pool.map(lambda held: refreshed(flow, held), [token] * 8))[-1]

    assert refreshed(flow, token)


def test_a_refresh_may_ask_for_less(flow: ClientFlow, server: SmartServer) -> None:
    first = flow.sign_in()["refresh_token"]

    less = flow.refresh(first, scope="patient/Slot.rs").get_json()

    rights = server.grants.find_access_rights(less["access_token"])
    assert rights is not None
    assert rights.scopes == {"patient/Slot.rs"} == set(less["scope"].split())
    assert flow.refresh(less["refresh_token"]).get_json()["scope"] == ALL_SCOPES


@pytest.mark.parametrize("scope", ["patient/Task.crus", "patient/Slot.rs patient/*.cruds"])
def test_a_refresh_may_not_ask_for_more(flow: ClientFlow, scope: str) -> None:
    token = flow.sign_in()["refresh_token"]

    assert refusal(flow.refresh(token, scope=scope)) == (400, "invalid_scope")


def test_a_refresh_token_unused_for_eight_hours_ends(flow: ClientFlow, clock: Clock) -> None:
    token = flow.sign_in()["refresh_token"]
    clock.advance(timedelta(hours=8))

    assert refusal(flow.refresh(token)) == REFUSED


def test_use_keeps_a_session_alive_for_thirty_days_and_no_longer(
    flow: ClientFlow, clock: Clock
) -> None:
    token = flow.sign_in()["refresh_token"]
    for _ in range(30 * 24 // 6 - 1):
        clock.advance(timedelta(hours=6))
        token = refreshed(flow, token)
    clock.advance(timedelta(hours=6))

    assert refusal(flow.refresh(token)) == REFUSED


def test_near_the_end_of_the_session_a_refresh_token_is_said_to_last_no_longer(
    flow: ClientFlow, clock: Clock
) -> None:
    token = flow.sign_in()["refresh_token"]
    for _ in range(30 * 24 // 6 - 1):
        clock.advance(timedelta(hours=6))
        answer = flow.refresh(token).get_json()
        token = answer["refresh_token"]

    assert 0 < 6 * 3600 - answer["refresh_expires_in"] < 60


@pytest.mark.parametrize("token", ["", "no-such-token"])
def test_an_unknown_refresh_token_is_refused(flow: ClientFlow, token: str) -> None:
    assert refusal(flow.refresh(token)) == REFUSED


def test_an_access_token_is_no_refresh_token(flow: ClientFlow) -> None:
    assert refusal(flow.refresh(flow.sign_in()["access_token"])) == REFUSED


def test_another_client_cannot_use_a_refresh_token(flow: ClientFlow) -> None:
    token = flow.sign_in()["refresh_token"]

    assert refusal(flow.refresh(token, client_id="my-script")) == REFUSED
    assert refreshed(flow, token)


def test_revoking_a_refresh_token_ends_the_session(flow: ClientFlow, server: SmartServer) -> None:
    tokens = flow.sign_in()

    answer = flow.post("/revoke", client_id="gpcli", token=tokens["refresh_token"])

    assert answer.status_code == 200
    assert server.grants.find_access_rights(tokens["access_token"]) is None
    assert refusal(flow.refresh(tokens["refresh_token"])) == REFUSED


def test_revoking_an_access_token_ends_only_that(flow: ClientFlow, server: SmartServer) -> None:
    tokens = flow.sign_in()

    flow.post("/revoke", client_id="gpcli", token=tokens["access_token"])

    assert server.grants.find_access_rights(tokens["access_token"]) is None
    assert refreshed(flow, tokens["refresh_token"])


def test_revoking_an_unknown_token_is_fine(flow: ClientFlow) -> None:
    answer = flow.post("/revoke", client_id="gpcli", token="no-such-token")

    assert (answer.status_code, answer.get_json()) == (200, {})


def test_nobody_revokes_another_clients_token(flow: ClientFlow, server: SmartServer) -> None:
    tokens = flow.sign_in()

    answer = flow.post("/revoke", client_id="my-script", token=tokens["access_token"])

    assert refusal(answer) == REFUSED
    assert server.grants.find_access_rights(tokens["access_token"]) is not None
