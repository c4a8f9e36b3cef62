import stat

import pytest
from filelock import FileLock
from hypothesis import given
from hypothesis import strategies as st

from gpcli.config.index_format import (
    PROFILE,
    escape_part,
    find_gps,
    read_facts,
    select_hidden_commands,
    unescape_part,
)
from gpcli.config.offer_index import IndexedPerson, OfferIndex, profile_key
from gpcli.config.profiles import Config
from gpcli.errors import ConfigError, TimedOut

NOW = 1_900_000_000.0
ADA = IndexedPerson("acc-ada", "pat-1", "Ada Nordmann", NOW)
GURO = IndexedPerson("acc-guro", "pat-2", "Guro Holm", NOW + 60)


@pytest.fixture
def index(tmp_path):
    return OfferIndex(tmp_path / "state" / "index")


def read_profiles(index):
    return tuple(fact[1] for fact in read_facts(str(index.path)) if fact[0] == PROFILE)


def read_hidden(index, profile, patient, now):
    return select_hidden_commands(read_facts(str(index.path)), profile, patient, now)


def test_a_new_index_knows_nothing(index):
    assert read_profiles(index) == ()
    assert index.read_people("home") == []
    assert read_hidden(index, "home", "pat-1", NOW) == {}
    assert not index.path.exists()


def test_the_file_is_text_one_fact_a_line(index):
    index.write_profiles(lambda: Config(dict.fromkeys(["work", "home"]), "home"))
    index.add_person("home", ADA)
    index.write_hidden("home", "pat-1", {"flu": "No flu."}, NOW + 10, ["Ingrid Øvrebø"])

    assert index.path.read_text(encoding="utf-8") == (
        "gpcli offer index\t1\n"
        "default\thome\n"
        "profile\thome\n"
        "profile\twork\n"
        "person\thome\tacc-ada\tpat-1\tAda Nordmann\t1900000000.0\n"
        "offers\thome\tpat-1\t1900000010.0\n"
        "hidden\thome\tpat-1\tflu\tNo flu.\n"
        "gp\thome\tpat-1\tIngrid Øvrebø\n"
    )


def test_the_file_is_its_owners_alone(index):
    index.write_profiles(lambda: Config(dict.fromkeys(["home"]), None))

    assert stat.S_IMODE(index.path.stat().st_mode) == 0o600
    assert stat.S_IMODE(index.path.parent.stat().st_mode) == 0o700


def test_people_come_with_the_one_who_was_active_last_first(index):
    index.add_person("home", ADA)
    index.add_person("home", GURO)
    index.add_person("work", IndexedPerson("acc-bo", "pat-3", "Bo Dahl", NOW))

    assert index.read_people("home") == [GURO, ADA]


def test_the_same_account_is_one_person(index):
    index.add_person("home", ADA)
    index.add_person("home", IndexedPerson("acc-ada", "pat-1", "Ada Berg", NOW))

    assert [person.name for person in index.read_people("home")] == ["Ada Berg"]


def test_a_person_can_be_forgotten(index):
    index.add_person("home", ADA)
    index.add_person("home", GURO)

    index.remove_person("home", "acc-ada")

    assert index.read_people("home") == [GURO]


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ("acc-ada", [ADA]),
        ("pat-2", [GURO]),
        ("ada nordmann", [ADA]),
        ("Holm", [GURO]),
        ("gu", [GURO]),
        ("o", []),
        ("", [GURO, ADA]),
    ],
)
def test_people_are_found_by_id_by_name_and_by_the_start_of_a_name(index, wanted, found):
    index.add_person("home", ADA)
    index.add_person("home", GURO)

    assert index.find_people("home", wanted) == found


def test_activity_makes_a_person_the_last_one(index):
    index.add_person("home", ADA)
    index.add_person("home", GURO)

    index.record_activity("home", "acc-ada", NOW + 120)

    assert [person.account for person in index.read_people("home")] == ["acc-ada", "acc-guro"]


def test_activity_that_is_known_already_is_not_written(index):
    index.add_person("home", ADA)
    content = index.path.stat().st_ino

    index.record_activity("home", "acc-ada", NOW + 60)
    assert index.path.stat().st_ino == content

    index.record_activity("home", "acc-ada", NOW + 3600)
    assert index.read_people("home")[0].last_used == NOW + 3600


def test_activity_does_not_bring_back_who_was_signed_out_meanwhile(index):
    class Overtaken(OfferIndex):
        def read_people(self, profile):
            people = super().read_people(profile)
            index.remove_person(profile, "acc-ada")
            return people

    index.add_person("home", ADA)

    Overtaken(index.path).record_activity("home", "acc-ada", NOW + 7200)

    assert index.read_people("home") == []


def test_activity_of_nobody_changes_nothing(index):
    index.record_activity("home", "acc-ada", NOW)

    assert index.read_people("home") == []


def test_what_is_hidden_is_known_until_it_expires(index):
    index.write_hidden("home", "pat-1", {"flu": "No flu.", "slots": "No slots."}, NOW + 10)

    assert read_hidden(index, "home", "pat-1", NOW) == {"flu": "No flu.", "slots": "No slots."}
    assert read_hidden(index, "home", "pat-1", NOW + 10) == {}
    assert read_hidden(index, "home", "pat-2", NOW) == {}
    assert read_hidden(index, "work", "pat-1", NOW) == {}


def test_new_offers_replace_the_old_ones(index):
    index.write_hidden("home", "pat-1", {"flu": "No flu."}, NOW + 10)
    index.write_hidden("home", "pat-1", {"book": "No."}, NOW + 20)

    assert read_hidden(index, "home", "pat-1", NOW) == {"book": "No."}


def test_the_same_offers_again_are_not_written_until_an_hour_later(index):
    index.write_hidden("home", "pat-1", {"flu": "No flu."}, NOW + 10_000)
    content = index.path.stat().st_ino

    index.write_hidden("home", "pat-1", {"flu": "No flu."}, NOW + 10_060)
    assert index.path.stat().st_ino == content

    index.write_hidden("home", "pat-1", {"flu": "No flu."}, NOW + 13_600)
    assert read_hidden(index, "home", "pat-1", NOW + 13_599) == {"flu": "No flu."}


def test_the_names_of_gps_are_those_of_the_last_time(index):
    def read_gps(patient):
        return find_gps(read_facts(str(index.path)), "home", patient)

    index.write_hidden("home", "pat-1", {}, NOW + 10, ["Ingrid Øvrebø", "Ola\tDahl"])
    assert (read_gps("pat-1"), read_gps("pat-2")) == (["Ingrid Øvrebø", "Ola\tDahl"], [])

    index.write_hidden("home", "pat-1", {}, NOW + 10, ["Kari Nes"])
    assert read_gps("pat-1") == ["Kari Nes"]

    index.delete_hidden("home", "pat-1")
    assert read_gps("pat-1") == []


def test_forgotten_offers_are_unknown(index):
    index.write_hidden("home", "pat-1", {"flu": "No flu."}, NOW + 10)
    index.write_hidden("home", "pat-2", {"flu": "No flu."}, NOW + 10)

    index.delete_hidden("home", "pat-1")

    assert read_hidden(index, "home", "pat-1", NOW) == {}
    assert read_hidden(index, "home", "pat-2", NOW) == {"flu": "No flu."}


def test_what_belongs_to_a_removed_profile_goes_with_it(index):
    machine = profile_key("environment", "http://127.0.0.1:1/fhir")
    for profile in ("home", "work", machine):
        index.add_person(profile, ADA)
        index.write_hidden(profile, "pat-1", {"flu": "No."}, NOW + 10)

    index.write_profiles(lambda: Config(dict.fromkeys(["home"]), "home"))

    assert read_profiles(index) == ("home",)
    known = {key: len(index.read_people(key)) for key in ("home", "work", machine)}
    assert known == {"home": 1, "work": 0, machine: 1}
    assert read_hidden(index, "work", "pat-1", NOW) == {}
    assert read_hidden(index, machine, "pat-1", NOW) == {"flu": "No."}


def test_portals_from_the_environment_have_keys_of_their_own():
    assert profile_key("home", "https://portal.example/fhir") == "home"
    assert profile_key("environment", "https://a.example") == "environment:https://a.example"


@pytest.mark.parametrize(
    "broken",
    [b"", b"\x00\xff", b"[profiles]\n", b"gpcli offer index\t9\nprofile\thome\n"],
)
def test_a_broken_index_is_unknown_and_the_next_change_rewrites_it(index, broken):
    index.path.parent.mkdir()
    index.path.write_bytes(broken)
    assert read_profiles(index) == ()

    index.write_profiles(lambda: Config(dict.fromkeys(["work"]), None))

    assert index.path.read_bytes() == b"gpcli offer index\t1\nprofile\twork\n"


def test_facts_that_make_no_sense_are_left_out(index):
    index.path.parent.mkdir()
    index.path.write_text("gpcli offer index\t1\nprofile\thome\nprofile\n\nwho\tknows\n")

    assert read_profiles(index) == ("home",)


def test_help_knows_nothing_of_what_is_no_file_of_gpclis_own_and_commands_refuse_it(index):
    index.path.mkdir(parents=True, mode=0o700)

    assert read_facts(str(index.path)) == []
    with pytest.raises(ConfigError, match="is not a file"):
        index.read_people("home")


@given(st.text())
def test_any_text_is_kept_in_one_part_of_one_line(text):
    content = escape_part(text)

    assert not set(content) & set("\t\n\r")
    assert unescape_part(content) == text


def test_names_with_tabs_and_line_ends_come_back_as_they_were(index):
    odd = IndexedPerson("acc\t1", "pat\\n", "Ada\nNord\\tmann\r", NOW)

    index.add_person("ho\tme", odd)

    assert index.read_people("ho\tme") == [odd]


def test_a_change_does_not_wait_for_ever_for_another_process(tmp_path):
    index = OfferIndex(tmp_path / "index", lock_timeout=0)
    with FileLock(tmp_path / "index.lock"), pytest.raises(TimedOut, match=r"index\.lock is locked"):
        index.write_profiles(lambda: Config(dict.fromkeys(["home"]), None))
