"""What each errand comes to at portals that are odd in one way each."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.real.worlds.conftest import Server, plain_sekmet
from tests.real.worlds.errands import ERRANDS, Visitor
from tests.real.worlds.odd_worlds import MAPPED, forget_params, price_of_nobody, talker
from tests.real.worlds.outcomes import by_errand, read
from tests.real.worlds.strict_front import strict_front
from tests.real.worlds.vendor_shapes import statement

PRICES = {"ChargeItemDefinition": [price_of_nobody()]}
EXPECTED = read("odd")


@pytest.fixture(scope="module")
def talking(tmp_path_factory) -> Iterator[Server]:
    """A server of which one GP tells in gpcli's codes what they offer."""
    with plain_sekmet(tmp_path_factory.mktemp("talking")) as server:
        server.fill(talker())
        yield server


@pytest.fixture(scope="module")
def visitors(server, talking, tmp_path_factory) -> Iterator[dict[str, Visitor]]:
    def home(name: str) -> Path:
        return tmp_path_factory.mktemp(name)

    def alike(name: str) -> Visitor:
        patient = server.patient(f"kari-{name}", "practitioner")
        return server.visitor(patient, home(name), fronts[name].base)

    with ExitStack() as stack:
        fronts = {
            "heedless": stack.enter_context(strict_front(server.base, heed=forget_params)),
            "silent": stack.enter_context(strict_front(server.base, statement(""), more=PRICES)),
        }
        mapped = server.patient("kari-mapped", "role")
        two = talking.patient("kari-two", "practitioner", "talker")
        yield {
            **{name: alike(name) for name in fronts},
            "mapped": server.visitor(mapped, home("mapped"), profile=MAPPED),
            "two GPs": talking.visitor(two, home("two")),
        }


@pytest.fixture(scope="module")
def table(visitors, keep):
    done = {name: visitor.do(ERRANDS) for name, visitor in visitors.items()}
    return keep("odd", by_errand(done))


@pytest.mark.parametrize("errand", [each.name for each in ERRANDS])
def test_an_errand_comes_to_what_was_reviewed(table, errand):
    assert table[errand] == EXPECTED[errand]


def test_nothing_is_expected_that_is_no_errand():
    assert EXPECTED.keys() == {each.name for each in ERRANDS}


@pytest.mark.parametrize("name", ["heedless", "silent", "mapped"])
def test_nothing_false_is_said(table, visitors, name):
    assert visitors[name].false_words() == set()
