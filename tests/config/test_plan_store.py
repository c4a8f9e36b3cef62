"""The plans that were shown: private, bounded, and only as long as they are of use."""

from __future__ import annotations

import json
from uuid import UUID

import pytest

from gpcli.config.plan_store import MAX_PLANS, PlanStore
from gpcli.config.settings import check_plan_id
from gpcli.errors import ConfigError, InvalidUsage, NotFound

INTENT = UUID("11111111-2222-4333-8444-555555555555")
NOON, HOUR, DAY = 1_800_000_000.0, 3600.0, 86_400.0
PARTS = [("When", "at 8"), ("With", "Kari Berg"), ("When", "slot-1")]


def store(home, now=NOON):
    return PlanStore(home / "state", now)


def add(home, parts=PARTS, now=NOON, intent=INTENT):
    return store(home, now).add(parts, intent, now + HOUR)


def test_a_plan_is_found_by_its_id_with_what_compares_it(tmp_path):
    plan_id = add(tmp_path)
    plan = store(tmp_path).find(plan_id)

    assert check_plan_id("--confirm", plan_id) == plan_id
    assert (plan.until, plan.intent, plan.begun) == (NOON + HOUR, INTENT, False)
    assert plan.parts == tuple((label, plan.hash(value)) for label, value in PARTS)


def test_the_id_can_be_typed_in_capitals(tmp_path):
    plan_id = add(tmp_path)
    assert check_plan_id("--confirm", f" {plan_id.upper()} ") == plan_id


@pytest.mark.parametrize("given", ["plan-", "plan-abc", "plan-0l1o0l1o0l1o", "abcdefgh2345", "yes"])
def test_what_can_be_no_id_is_refused(given):
    with pytest.raises(InvalidUsage, match="is no plan's id"):
        check_plan_id("--confirm", given)


def test_each_plan_has_an_id_of_its_own(tmp_path):
    others = [
        add(tmp_path, [*PARTS[:2], ("When", "slot-2")]),
        add(tmp_path, intent=UUID(int=7)),
        add(tmp_path, now=NOON + 1),
        add(tmp_path / "another computer"),
    ]
    assert len({add(tmp_path), *others}) == 5


def test_nothing_in_the_file_says_what_a_plan_was_about(tmp_path):
    plan_id, other = add(tmp_path), add(tmp_path, intent=UUID(int=7))
    file = tmp_path / "state" / "plans.json"

    assert file.stat().st_mode & 0o777 == 0o600
    text = file.read_text()
    assert not any(word in text for word in (plan_id, "Kari Berg", "at 8", "slot-1"))
    one, two = ({kept for _, kept in store(tmp_path).find(each).parts} for each in (plan_id, other))
    assert one.isdisjoint(two)


def test_a_plan_is_known_for_a_day_after_its_hour_and_one_that_was_sent_for_a_month(tmp_path):
    shown, sent = add(tmp_path), add(tmp_path, intent=UUID(int=7))
    store(tmp_path).note_begun(sent, begun=True)

    later = NOON + HOUR + DAY
    assert store(tmp_path, later - 1).find(shown).until == NOON + HOUR
    for now, plan_id in ((later + 1, shown), (later + 30 * DAY, sent)):
        with pytest.raises(NotFound):
            store(tmp_path, now).find(plan_id)
    assert store(tmp_path, later + 28 * DAY).find(sent).begun

    add(tmp_path, now=later + 28 * DAY)
    kept = json.loads((tmp_path / "state" / "plans.json").read_text())["plans"]
    assert [plan["begun"] for plan in kept.values()] == [True, False]


def test_what_was_not_sent_after_all_has_not_begun(tmp_path):
    plan_id = add(tmp_path)
    for begun in (True, False):
        store(tmp_path).note_begun(plan_id, begun=begun)
    assert not store(tmp_path).find(plan_id).begun


def test_the_oldest_make_room(tmp_path):
    first = add(tmp_path)
    file = tmp_path / "state" / "plans.json"
    content = json.loads(file.read_text())
    [plan] = content["plans"].values()
    content["plans"].update({f"{number}": plan for number in range(MAX_PLANS - 1)})
    file.write_text(json.dumps(content))
    assert store(tmp_path).find(first)

    last = add(tmp_path, intent=UUID(int=7))

    assert len(json.loads(file.read_text())["plans"]) == MAX_PLANS
    assert store(tmp_path).find(last)
    with pytest.raises(NotFound):
        store(tmp_path).find(first)


@pytest.mark.parametrize(
    "content", ["", "null", "[]", '{"key": "00", "plans": {}}', '{"key": "' + "0" * 64 + '"}']
)
def test_a_broken_file_has_no_plans_and_takes_new_ones(tmp_path, content):
    plan_id = add(tmp_path)
    (tmp_path / "state" / "plans.json").write_text(content)

    with pytest.raises(NotFound):
        store(tmp_path).find(plan_id)
    assert store(tmp_path).find(add(tmp_path))


@pytest.mark.parametrize(
    "plan",
    [
        None,
        [],
        {},
        {"until": "soon", "intent": str(INTENT), "begun": False, "parts": []},
        {"until": 2e9, "intent": "none", "begun": False, "parts": []},
        {"until": 2e9, "intent": str(INTENT), "begun": None, "parts": []},
        {"until": 2e9, "intent": str(INTENT), "begun": False, "parts": [["When"]]},
        {"until": 2e9, "intent": str(INTENT), "begun": False, "parts": [["When", 1]]},
    ],
)
def test_a_broken_plan_is_none(tmp_path, plan):
    broken, whole = add(tmp_path), add(tmp_path, intent=UUID(int=7))
    file = tmp_path / "state" / "plans.json"
    content = json.loads(file.read_text())
    content["plans"][next(iter(content["plans"]))] = plan
    file.write_text(json.dumps(content))

    with pytest.raises(NotFound):
        store(tmp_path).find(broken)
    assert store(tmp_path).find(whole)


def test_without_a_file_there_is_no_plan_and_none_is_made(tmp_path):
    with pytest.raises(NotFound):
        store(tmp_path).find("plan-abcdefgh2345")
    assert not (tmp_path / "state").exists()


def test_a_file_that_can_not_be_written_or_read_says_so(tmp_path):
    add(tmp_path)
    file = tmp_path / "state" / "plans.json"
    file.chmod(0o400)
    with pytest.raises(ConfigError, match=r"plans.json can't be written: Permission denied\."):
        add(tmp_path, intent=UUID(int=7))
    file.unlink()
    file.mkdir()
    with pytest.raises(ConfigError):
        store(tmp_path).find("plan-abcdefgh2345")
