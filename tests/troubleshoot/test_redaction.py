"""Words of a report name nobody."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpcli.troubleshoot.diagnosis import REDACTED, build_redactor

HOME = "/home/ada"


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("/home/ada/.config/gpcli", "~/.config/gpcli"),
        ("/home/ada: is there", "~: is there"),
        ("/home/adam/x", "/home/adam/x"),
        ("/mnt/home/ada/x", "/mnt/home/ada/x"),
        ("'Ada Berg' is not signed in", f"'{REDACTED}' is not signed in"),
        ("Signed in: Ada Berg, Bo", f"Signed in: {REDACTED}, {REDACTED}"),
        ("Boat and Bo-1", f"Boat and {REDACTED}-1"),
        ("number 14836112345.", f"number {REDACTED}."),
        ("number 148361 12345", f"number {REDACTED}"),
        ("148361123456", "148361123456"),
        ("nothing of that", "nothing of that"),
    ],
)
def test_people_numbers_and_the_home_directory_are_hidden(said, shown):
    assert build_redactor(["Ada Berg", "Bo", "Ada"], HOME)(said) == shown


def test_the_longer_of_two_secrets_is_hidden_whole():
    assert build_redactor(["ada", "ada-7-x"], HOME)("id ada-7-x") == f"id {REDACTED}"


def test_what_is_empty_hides_nothing():
    assert build_redactor(["", " "], "")("all of it / is there") == "all of it / is there"


def test_the_root_as_home_leaves_paths_as_they_are():
    assert build_redactor([], "/")("/etc/gpcli") == "/etc/gpcli"


@given(secret=st.text("ab.*+?[(\\$^|", min_size=1, max_size=8), before=st.text(" ,:'"))
def test_any_secret_that_stands_by_itself_is_hidden(secret, before):
    assert build_redactor([secret], HOME)(f"{before} {secret} ;") == f"{before} {REDACTED} ;"
