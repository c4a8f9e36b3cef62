"""Refresh: rotation, the grace for a lost answer, reuse, and many at once."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from gpcli.sandbox.clock import Clock
from gpcli.sandbox.smart.provider import SmartServer
from tests.sandbox.smart.journey import ALL, Journey, refusal

REFUSED = (400, "invalid_grant")


def refreshed(journey: Journey, token: str) -> str:
    answer = journey.refresh(token)
    assert answer.status_code == 200, answer.text
    return str(answer.get_json()["refresh_token"])


def test_a_refresh_gives_new_tokens_for_the_same_person(journey: Journey) -> None:
    first = journey.sign_in()

    second = journey.refresh(first["refresh_token"]).get_json()

    assert second["refresh_token"] != first["refresh_token"]
    assert second["access_token"] != first["access_token"]
    assert (second["patient"], second["scope"]) == ("ada", ALL)
    assert second["id_token"]


def test_a_lost_answer_is_given_again_within_the_grace(journey: Journey, clock: Clock) -> None:
    first = journey.sign_in()["refresh_token"]
    refreshed(journey, first)
    clock.advance(timedelta(seconds=29))

    again = refreshed(journey, first)

    assert refreshed(journey, again)


def test_after_the_grace_a_spent_token_ends_the_session(journey: Journey, clock: Clock) -> None:
    first = journey.sign_in()["refresh_token"]
    second = refreshed(journey, first)
    clock.advance(timedelta(seconds=31))

    reuse = journey.refresh(first)

    assert refusal(reuse) == REFUSED
    assert refusal(journey.refresh(second)) == REFUSED


def test_once_the_successor_was_used_there_is_no_grace(
    journey: Journey, server: SmartServer
) -> None:
    tokens = journey.sign_in()
    second = refreshed(journey, tokens["refresh_token"])
    third = refreshed(journey, second)

    reuse = journey.refresh(tokens["refresh_token"])

    assert refusal(reuse) == REFUSED
    assert refusal(journey.refresh(third)) == REFUSED
    assert server.ledger.grant_of(tokens["access_token"]) is None


def test_of_two_answers_to_one_token_only_one_may_be_used(journey: Journey) -> None:
    first = journey.sign_in()["refresh_token"]
    lost, kept = refreshed(journey, first), refreshed(journey, first)
    refreshed(journey, kept)

    assert refusal(journey.refresh(lost)) == REFUSED


def test_twenty_refreshes_at_once_with_one_token_all_get_tokens_that_work(
    journey: Journey, server: SmartServer
) -> None:
    token = journey.sign_in()["refresh_token"]
    with ThreadPoolExecutor(20) as pool:
        answers = [answer.get_json() for answer in pool.map(journey.refresh, [token] * 20)]

    assert len({answer["refresh_token"] for answer in answers}) == 20
    assert all(server.ledger.grant_of(answer["access_token"]) for answer in answers)
    assert refreshed(journey, answers[7]["refresh_token"])


def test_a_chain_of_refreshes_by_many_never_ends_the_session(journey: Journey) -> None:
    token = journey.sign_in()["refresh_token"]
    for _ in range(5):
        with ThreadPoolExecutor(8) as pool:
            token = list(pool.map(lambda held: refreshed(journey, held), [token] * 8))[-1]

    assert refreshed(journey, token)


def test_a_refresh_may_ask_for_less(journey: Journey, server: SmartServer) -> None:
    first = journey.sign_in()["refresh_token"]

    less = journey.refresh(first, scope="patient/Slot.rs").get_json()

    grant = server.ledger.grant_of(less["access_token"])
    assert grant is not None
    assert grant.scopes == {"patient/Slot.rs"} == set(less["scope"].split())
    assert journey.refresh(less["refresh_token"]).get_json()["scope"] == ALL


@pytest.mark.parametrize("scope", ["patient/Task.crus", "patient/Slot.rs patient/*.cruds"])
def test_a_refresh_may_not_ask_for_more(journey: Journey, scope: str) -> None:
    token = journey.sign_in()["refresh_token"]

    assert refusal(journey.refresh(token, scope=scope)) == (400, "invalid_scope")


def test_a_refresh_token_unused_for_eight_hours_ends(journey: Journey, clock: Clock) -> None:
    token = journey.sign_in()["refresh_token"]
    clock.advance(timedelta(hours=8))

    assert refusal(journey.refresh(token)) == REFUSED


def test_use_keeps_a_session_alive_for_thirty_days_and_no_longer(
    journey: Journey, clock: Clock
) -> None:
    token = journey.sign_in()["refresh_token"]
    for _ in range(30 * 24 // 6 - 1):
        clock.advance(timedelta(hours=6))
        token = refreshed(journey, token)
    clock.advance(timedelta(hours=6))

    assert refusal(journey.refresh(token)) == REFUSED


def test_near_the_end_of_the_session_a_refresh_token_is_said_to_last_no_longer(
    journey: Journey, clock: Clock
) -> None:
    token = journey.sign_in()["refresh_token"]
    for _ in range(30 * 24 // 6 - 1):
        clock.advance(timedelta(hours=6))
        answer = journey.refresh(token).get_json()
        token = answer["refresh_token"]

    assert 0 < 6 * 3600 - answer["refresh_expires_in"] < 60


@pytest.mark.parametrize("token", ["", "no-such-token"])
def test_an_unknown_refresh_token_is_refused(journey: Journey, token: str) -> None:
    assert refusal(journey.refresh(token)) == REFUSED


def test_an_access_token_is_no_refresh_token(journey: Journey) -> None:
    assert refusal(journey.refresh(journey.sign_in()["access_token"])) == REFUSED


def test_another_client_cannot_use_a_refresh_token(journey: Journey) -> None:
    token = journey.sign_in()["refresh_token"]

    assert refusal(journey.refresh(token, client_id="my-script")) == REFUSED
    assert refreshed(journey, token)


def test_revoking_a_refresh_token_ends_the_session(journey: Journey, server: SmartServer) -> None:
    tokens = journey.sign_in()

    answer = journey.post("/revoke", client_id="gpcli", token=tokens["refresh_token"])

    assert answer.status_code == 200
    assert server.ledger.grant_of(tokens["access_token"]) is None
    assert refusal(journey.refresh(tokens["refresh_token"])) == REFUSED


def test_revoking_an_access_token_ends_only_that(journey: Journey, server: SmartServer) -> None:
    tokens = journey.sign_in()

    journey.post("/revoke", client_id="gpcli", token=tokens["access_token"])

    assert server.ledger.grant_of(tokens["access_token"]) is None
    assert refreshed(journey, tokens["refresh_token"])


def test_revoking_an_unknown_token_is_fine(journey: Journey) -> None:
    answer = journey.post("/revoke", client_id="gpcli", token="no-such-token")

    assert (answer.status_code, answer.get_json()) == (200, {})


def test_nobody_revokes_another_clients_token(journey: Journey, server: SmartServer) -> None:
    tokens = journey.sign_in()

    answer = journey.post("/revoke", client_id="my-script", token=tokens["access_token"])

    assert refusal(answer) == REFUSED
    assert server.ledger.grant_of(tokens["access_token"]) is not None
