"""`-n`, `-o` and `-q`, on a terminal and elsewhere."""

from __future__ import annotations

import pytest

from tests.journeys.shell import without_plan


@pytest.mark.parametrize("name", ["json", "ndjson", "plain"])
def test_o_is_the_option_of_the_format(world, name):
    ada = world.shell("ada")

    assert ada(f"gpcli slots -n2 -o {name}") == ada(f"gpcli slots --limit 2 --{name}")


def test_o_table_is_a_table_that_is_not_cut_where_it_is_piped(world):
    hans = world.shell("hans")

    ending = hans("gpcli slots -o table --from today --to +14d")

    assert (ending.code, ending.err) == (0, "")
    head = ending.out.splitlines()[:6]
    assert any(line.startswith("ID ") for line in head)
    assert len(ending.out.splitlines()) > 100


def test_o_means_the_same_before_and_after_the_command(world):
    ada = world.shell("ada")

    assert ada("gpcli -ojson slots -n1") == ada("gpcli slots -n1 -ojson")


@pytest.mark.parametrize("command", ["slots", "messages list"])
def test_n_is_the_number_of_rows(world, command):
    assert len(world.shell("ada").json(f"gpcli {command} -n 1")) == 1


def test_q_leaves_out_notices(world):
    ada = world.shell("ada")
    line = "gpcli slots --from 2027-06-01 --to 2027-06-02"

    assert ada(line).err != ""
    assert [ada(f"{line} {more}").err for more in ("-q", "--quiet", "-q --json")] == ["", "", ""]


def test_q_leaves_errors_plans_and_what_protects_people(world):
    ada = world.shell("ada")

    missing = ada("gpcli appointments show nope -q")
    assert (missing.code, missing.err != "") == (3, True)
    planned = ada("gpcli book --first --another --dry-run -q")
    whole = ada("gpcli book --first --another --dry-run").err.splitlines()
    assert (planned.code, planned.err.splitlines()) == (0, whole[:-1])
    assert without_plan(whole[-1]).endswith("a dry run.")
    written = "gpcli econsult start --via text --subject Rash --message It --dry-run"
    assert "113" in ada(f"{written} -q").err


def test_q_leaves_what_is_missing_from_a_list(world):
    hans = world.shell("hans").at_a_screen()

    cut = [line for line in hans("gpcli slots -q").err.splitlines() if "more until" in line]

    assert len(cut) == 1
