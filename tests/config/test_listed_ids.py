import stat

import pytest

from gpcli.config.index_format import APPOINTMENTS, THREADS, find_listed, read_facts
from gpcli.config.listed_ids import MAX_LISTED, WORDS, ListedIds
from gpcli.errors import ConfigError


@pytest.fixture
def path(tmp_path):
    return tmp_path / "state" / "listed"


def listed(path, patient="pat-1", kind=THREADS, profile="home"):
    return find_listed(read_facts(str(path)), profile, patient, kind)


def test_what_is_listed_replaces_what_was_of_the_same_kind_and_patient(path):
    ids = ListedIds(path)
    ids.replace("home", "pat-1", THREADS, [("t-1", "unread"), ("t-2", "")])
    ids.replace("home", "pat-1", APPOINTMENTS, [("a-1", "booked")])
    ids.replace("home", "pat-2", THREADS, [("t-3", "")])
    ids.replace("home", "pat-1", THREADS, [("t-2", "")])

    assert listed(path) == [("t-2", "")]
    assert listed(path, kind=APPOINTMENTS) == [("a-1", "booked")]
    assert listed(path, "pat-2") == [("t-3", "")]
    assert listed(path, profile="work") == []


def test_the_file_is_for_its_owner_alone(path):
    ListedIds(path).replace("home", "pat-1", THREADS, [("t-1", "")])

    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_no_more_than_a_hundred_are_kept_and_the_file_stays_small(path):
    ListedIds(path).replace("home", "pat-1", THREADS, [(f"t-{n}", "") for n in range(2000)])

    assert listed(path) == [(f"t-{number}", "") for number in range(MAX_LISTED)]


@pytest.mark.parametrize(
    "identity",
    ["", "Rash on my arm", "t\t1", "t\n1", "\x1b[2J", "発疹", "x" * 65, "t_1", "a/b", "\ud800"],
)
def test_what_is_no_id_by_r4_is_not_kept(path, identity):
    ListedIds(path).replace("home", "pat-1", THREADS, [(identity, ""), ("t-1", "")])

    assert listed(path) == [("t-1", "")]


@pytest.mark.parametrize(
    "word", ["Metformin", "rash", "2026-12-01", "entered-in-error\t", "Booked"]
)
def test_no_other_word_than_the_few_neutral_ones_is_kept(path, word):
    ListedIds(path).replace("home", "pat-1", APPOINTMENTS, [("a-1", word)])

    assert word not in WORDS
    assert listed(path, kind=APPOINTMENTS) == [("a-1", "")]


def test_what_one_patient_or_anybody_at_a_profile_was_shown_is_forgotten(path):
    ids = ListedIds(path)
    for profile, patient in (("home", "pat-1"), ("home", "pat-2"), ("work", "pat-1")):
        ids.replace(profile, patient, THREADS, [("t-1", "")])

    ids.forget("home", "pat-1")
    assert (listed(path), listed(path, "pat-2")) == ([], [("t-1", "")])
    ids.forget("home")
    assert (listed(path, "pat-2"), listed(path, profile="work")) == ([], [("t-1", "")])


def test_forgetting_makes_no_file(path):
    ListedIds(path).forget("home")

    assert not path.exists()


def test_a_link_in_its_place_is_refused(path, tmp_path):
    path.parent.mkdir(mode=0o700)
    path.symlink_to(tmp_path / "elsewhere")

    with pytest.raises(ConfigError):
        ListedIds(path).replace("home", "pat-1", THREADS, [("t-1", "")])


def test_a_broken_file_counts_as_empty_and_is_replaced(path):
    path.parent.mkdir(mode=0o700)
    path.write_bytes(b"\xff\xfe nothing")

    ListedIds(path).replace("home", "pat-1", THREADS, [("t-1", "")])

    assert listed(path) == [("t-1", "")]
