"""What a list leaves for completion: ids, and nothing that tells what they are about."""

from __future__ import annotations

import os

import pytest

from gpcli.cli.ready_answers import answer

LISTS = {
    "appointments list": (["cancel", "a-"], "booked"),
    "messages list": (["messages", "show", "t-"], "unread"),
    "rx list": (["rx", "renew", "rx-"], ""),
    "rx requests": (["rx", "withdraw", "r-"], ""),
    "slots --limit 3": (["book", ""], ""),
    "flu --limit 3": (["flu", ""], ""),
}
"""A line that lists -> what is typed to complete its ids, and a word that is said of one."""


def listed_file(tmp_path):
    return tmp_path / "state" / "listed"


def offered(shell, *typed):
    lines = (answer(["__complete", *typed], shell.env) or "").splitlines()
    return [tuple(line.partition("\t")[::2]) for line in lines]


@pytest.mark.parametrize("how", ["", "--json", "--plain"])
@pytest.mark.parametrize("line", LISTS)
def test_the_ids_that_a_list_showed_are_offered_after_it(ada, line, how):
    typed, word = LISTS[line]
    records = ada.json(f"gpcli {line}")
    shown = records["slots"] if isinstance(records, dict) else records

    assert ada(f"gpcli {line} {how}").code == 0

    found = offered(ada, *typed)
    assert [identity for identity, _ in found] == [each["id"] for each in shown]
    assert word in {note for _, note in found}


def test_nothing_of_what_they_are_about_is_on_disk(ada, tmp_path):
    told = set()
    for line in LISTS:
        records = ada.json(f"gpcli {line}")
        rows = records["slots"] if isinstance(records, dict) else records
        told |= {
            str(row[key])
            for row in rows
            for key in ("subject", "name", "practitioner", "start", "prescription", "last")
            if row.get(key)
        }

    written = "".join(
        path.read_text(errors="replace")
        for path in (tmp_path / "state").rglob("*")
        if path.is_file() and path.name not in {"index"}
    )

    assert len(told) > 20
    assert [text for text in told if text in written] == []


def test_a_count_and_the_names_of_fields_leave_the_ids_of_the_last_list(ada):
    ada("gpcli messages list")
    before = offered(ada, "messages", "show", "")

    ada("gpcli messages list --unread --count")

    assert offered(ada, "messages", "show", "") == before != []


def test_an_empty_list_leaves_none(ada):
    ada("gpcli messages list")
    ada("gpcli messages list --with nobody-of-that-name")

    assert offered(ada, "messages", "show", "") == []


def test_a_machine_leaves_nothing(world, tmp_path):
    shell = world.shell("ada")
    for line in LISTS:
        assert shell(f"gpcli {line}").code == 0

    assert not listed_file(tmp_path).exists()


@pytest.mark.parametrize("line", ["logout", "logout --all", "consent withdraw --confirm withdraw"])
def test_who_signs_out_or_withdraws_consent_leaves_nothing(ada, tmp_path, line):
    ada("gpcli messages list")
    assert "t-" in listed_file(tmp_path).read_text()

    assert ada(f"gpcli {line} --json").code == 0

    assert "t-" not in listed_file(tmp_path).read_text()


def test_a_rehearsal_of_withdrawing_consent_forgets_nothing(ada, tmp_path):
    ada("gpcli messages list")

    ada("gpcli consent withdraw --confirm withdraw --dry-run")

    assert "t-" in listed_file(tmp_path).read_text()


def test_what_was_listed_at_a_profile_goes_with_it(ada, tmp_path):
    ada("gpcli messages list")
    kept = listed_file(tmp_path).read_text()
    [profile] = ada.json("gpcli profile list")
    ada("gpcli logout --all")
    listed_file(tmp_path).write_text(kept)

    assert ada(f"gpcli profile remove {profile['profile']}").code == 0

    assert "t-" not in listed_file(tmp_path).read_text()


@pytest.mark.skipif(os.name == "nt", reason="links need rights there")
def test_where_the_ids_can_not_be_kept_the_list_is_as_good(ada, tmp_path):
    good = ada("gpcli messages list")
    listed_file(tmp_path).unlink()
    listed_file(tmp_path).symlink_to(tmp_path / "elsewhere")

    ending = ada("gpcli messages list")

    assert ending == good
    assert not (tmp_path / "elsewhere").exists()
