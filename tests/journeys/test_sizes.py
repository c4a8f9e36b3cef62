"""Hans, who has much of everything: all of it, in order, nothing twice, in every form."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from itertools import groupby, pairwise

import httpx
import pytest

from gpcli.app_context import AppContext
from tests.journeys.shell import AN_HOUR, Shell
from tests.journeys.world import World
from tests.loopback import PlainTransport

pytestmark = pytest.mark.real

THREADS, UNREAD, MESSAGES, COMING, APPOINTMENTS, PRESCRIPTIONS = 125, 7, 500, 30, 300, 24
LISTS = (
    "messages list",
    "appointments list --all",
    "rx list --all",
    "rx requests",
    "slots --to +60d --all",
)
_COUNT = re.compile(rb"_count=\d+")


class Stingy(PlainTransport):
    """A portal that gives fewer matches on a page than it is asked for."""

    def __init__(self, page: int) -> None:
        super().__init__()
        self.pages = 0
        self._fewer = f"_count={page}".encode()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        content = _COUNT.sub(self._fewer, request.read())
        target = _COUNT.sub(self._fewer, request.url.raw_path)
        headers = {**request.headers, "content-length": str(len(content))}
        self.pages += 1
        return super().handle_request(
            httpx.Request(
                request.method,
                request.url.copy_with(raw_path=target),
                headers=headers if content else request.headers,
                content=content,
                extensions=request.extensions,
            )
        )


@dataclass(frozen=True)
class Through(Shell):
    """A shell whose requests take another way."""

    transport: httpx.BaseTransport | None = None

    def _session(self, options, env, *streams):
        return AppContext(
            options,
            env,
            *streams,
            now=self.now,
            transport=self.transport,
            terminal=self.terminal,
            patience=AN_HOUR,
        )


@pytest.fixture
def hans(world: World) -> Shell:
    return world.shell("hans")


@pytest.fixture
def by_pages(world):
    """`by_pages(7)`: Hans' shell at a portal with so many matches on a page, and that portal."""

    def of(page):
        plain = world.shell("hans")
        stingy = Stingy(page)
        return Through(plain.env, plain.now, transport=stingy), stingy

    return of


def unique(rows):
    return len({row["id"] for row in rows}) == len(rows)


def test_all_threads_are_listed_with_all_of_their_messages(hans):
    rows = hans.json("gpcli messages list")
    assert (len(rows), unique(rows)) == (THREADS, True)
    assert sum(row["message_count"] for row in rows) == MESSAGES


def test_unread_threads_come_first_and_each_part_is_newest_first(hans):
    rows = hans.json("gpcli messages list")
    parts = [
        (unread, [row["last"] for row in part])
        for unread, part in groupby(rows, key=lambda row: row["unread_count"] > 0)
    ]
    assert [(unread, len(times)) for unread, times in parts] == [
        (True, UNREAD),
        (False, THREADS - UNREAD),
    ]
    assert all(newer >= older for _, times in parts for newer, older in pairwise(times))


def test_every_message_is_shown_once_in_its_thread_in_order(hans):
    shown = [
        hans.json(f"gpcli messages show {row['id']}")["messages"]
        for row in hans.json("gpcli messages list")
    ]
    every = [message for messages in shown for message in messages]
    assert (len(every), unique(every)) == (MESSAGES, True)
    assert all(older["sent"] <= newer["sent"] for one in shown for older, newer in pairwise(one))


@pytest.mark.parametrize(("flag", "count"), [("", COMING), (" --all", APPOINTMENTS)])
def test_all_appointments_are_listed_in_order(hans, flag, count):
    rows = hans.json(f"gpcli appointments list{flag}")
    assert (len(rows), unique(rows)) == (count, True)
    assert all(one["start"] <= next_["start"] for one, next_ in pairwise(rows))


def test_past_and_coming_appointments_are_all_there_are(hans):
    lists = {
        flag: {row["id"] for row in hans.json(f"gpcli appointments list {flag}")}
        for flag in ("", "--past", "--all")
    }
    assert lists[""] | lists["--past"] == lists["--all"]
    assert lists[""] & lists["--past"] == set()


def test_a_renewed_prescription_stands_once_and_names_what_it_replaced(hans):
    rows = hans.json("gpcli rx list --all")
    former = [name for row in rows for name in row["predecessors"]]
    assert (len(rows), len({*former, *(row["id"] for row in rows)})) == (PRESCRIPTIONS, 40)


@pytest.mark.parametrize("line", LISTS)
@pytest.mark.parametrize("page", [11, 100])
def test_a_portal_with_small_pages_gives_the_same(hans, by_pages, line, page):
    slowly, portal = by_pages(page)
    expected = hans(f"gpcli {line} --json")
    ending = slowly(f"gpcli {line} --json --timeout 300")
    assert ending == expected
    assert portal.pages >= len(expected.json) // (2 * page)


def test_a_list_that_has_too_many_pages_is_not_passed_off_as_whole(by_pages):
    slowly, _ = by_pages(3)
    ending = slowly("gpcli slots --to +60d --fields id")
    assert ending.code == 8
    assert ending.err.startswith("warning: Left out: what comes after 200 pages of a list\n")


def test_a_long_thread_in_pages_of_one_is_whole(hans, by_pages):
    longest = max(hans.json("gpcli messages list"), key=lambda row: row["message_count"])
    slowly, portal = by_pages(1)
    shown = slowly.json(f"gpcli messages show {longest['id']}")
    assert shown == hans.json(f"gpcli messages show {longest['id']}")
    assert portal.pages >= longest["message_count"]


@pytest.mark.parametrize("line", LISTS)
def test_ndjson_and_json_agree(hans, line):
    lines = hans(f"gpcli {line} --ndjson").out.splitlines()
    assert [json.loads(each) for each in lines] == hans.json(f"gpcli {line}")


@pytest.mark.parametrize("line", LISTS)
def test_plain_lines_and_json_agree(hans, line):
    columns = hans(["gpcli", *line.split(), "--fields", ""]).out.split()
    rows = hans(f"gpcli {line}").rows
    listed = hans.json(f"gpcli {line}")
    assert [row[0] for row in rows] == [one["id"] for one in listed]
    texts = [name for name in columns if all(isinstance(one.get(name), str) for one in listed)]
    at = [columns.index(name) for name in texts]
    assert [[row[each] for each in at] for row in rows] == [
        [one[name] for name in texts] for one in listed
    ]


@pytest.mark.parametrize("line", LISTS)
def test_a_screen_has_each_once_and_in_order(hans, line):
    ids = [one["id"] for one in hans.json(f"gpcli {line}")]
    shown = hans.at_a_screen()(f"gpcli {line}").out
    assert [word for word in shown.split() if word in set(ids)] == ids


def test_counting_needs_no_list(hans):
    counted = {
        flag: hans(f"gpcli messages list --count {flag}").out
        for flag in ("", "--unread", "--kind administrative", "--kind e-consultation")
    }
    kinds = [int(counted[f"--kind {kind}"]) for kind in ("administrative", "e-consultation")]
    assert (counted[""], counted["--unread"], sum(kinds)) == ("125\n", "7\n", THREADS)


def test_marking_all_as_read_marks_each_once(hans):
    marked = hans.json("gpcli messages mark-read --all --yes")
    assert (len(marked), unique(marked)) == (8, True)
    assert hans("gpcli messages list --unread --count").out == "0\n"
    assert hans.json("gpcli messages mark-read --all --yes") == []


def test_renewing_all_that_runs_out_asks_for_each_once(world, hans):
    before = len(world.sandbox.store.find("Task", patient="Patient/hans"))
    rows = hans.json("gpcli rx renew --low --yes")
    tasks = world.sandbox.store.find("Task", patient="Patient/hans")
    asked = sorted(row["prescription_id"] for row in rows)
    assert (before, len(asked) > 5) == (0, True)
    assert asked == sorted(one["focus"]["reference"].partition("/")[2] for one in tasks)


def test_the_first_of_two_thousand_times_is_the_first_of_the_list(hans):
    times = hans.json("gpcli slots --to +90d")
    assert (unique(times), len(times) > 1000) == (True, True)
    assert all(one["start"] <= next_["start"] for one, next_ in pairwise(times))
    assert hans.json("gpcli slots --to +90d --limit 1") == times[:1]
