import time

import pytest

from gpcli.cli import answer_table
from gpcli.cli.ready_answers import answer
from gpcli.config.index_format import find_hidden_paths
from gpcli.config.offer_index import IndexedPerson, OfferIndex, profile_key
from gpcli.config.paths import index_path
from gpcli.config.profiles import Config

NO_FLU = "Fjord Legesenter does not offer the flu vaccine online. Call 55 00 00 00."
NO_SLOTS = "Fjord Legesenter does not offer booking online. Call 55 00 00 00."
PORTAL = "http://127.0.0.1:8080/fhir"


@pytest.fixture
def env(tmp_path):
    return {"GPCLI_CONFIG_DIR": str(tmp_path)}


@pytest.fixture
def index(env, tmp_path):
    index = OfferIndex(tmp_path / "state" / "index")
    assert str(index.path) == index_path(env)
    index.write_profiles(lambda: Config(dict.fromkeys(["home", "work"]), "home"))
    index.add_person("home", IndexedPerson("acc-1", "pat-ada", "Ada Nordmann", 200.0))
    index.add_person("home", IndexedPerson("acc-2", "pat-guro", "Guro Holm", 100.0))
    index.add_person("work", IndexedPerson("acc-3", "pat-bo", "Bo Dahl", 300.0))
    index.write_hidden("home", "pat-ada", {"flu": NO_FLU, "slots": NO_SLOTS}, time.time() + 3600)
    index.write_hidden("home", "pat-guro", {}, time.time() + 3600)
    index.write_hidden("work", "pat-bo", {"cancel": "No."}, time.time() + 3600)
    return index


def hidden(argv, env):
    """Which starting commands are missing from the root help, and its last line."""
    shown = answer([*argv, "--help"], env)
    names = {path for path in answer_table.STARTS if f"\n  {path.split()[0]} " not in shown}
    return names, shown.splitlines()[-1]


def test_commands_that_the_gp_does_not_offer_are_absent_and_counted(index, env):
    assert hidden([], env) == ({"flu", "slots"}, "2 not offered by your GP: gpcli services")


def test_hiding_is_the_same_without_a_word_on_the_line(index, env):
    assert answer([], env) == answer(["--help"], env) == answer(["help"], env)


def test_nothing_hidden_needs_no_line(index, env):
    names, last = hidden(["--as", "Guro"], env)

    assert names == set()
    assert last.startswith("gpcli help commands   All of these.")


def test_the_list_of_commands_hides_and_counts_the_same(index, env):
    shown = answer(["help", "commands"], env)

    assert "\n  flu " not in shown
    assert "\n  book " in shown
    assert shown.endswith("\n2 not offered by your GP: gpcli services\n")


@pytest.mark.parametrize(
    ("argv", "more", "names"),
    [
        (["--as", "Guro Holm"], {}, set()),
        (["--as", "guro"], {}, set()),
        (["--as", "acc-2"], {}, set()),
        (["--as=pat-guro"], {}, set()),
        (["--as", "Holm"], {}, set()),
        ([], {"GPCLI_AS": "guro"}, set()),
        (["--as", "ada"], {"GPCLI_AS": "guro"}, {"flu", "slots"}),
        (["--as", "nobody"], {}, set()),
        (["--profile", "work"], {}, {"cancel"}),
        ([], {"GPCLI_PROFILE": "work"}, {"cancel"}),
        (["--profile", "home"], {"GPCLI_PROFILE": "work"}, {"flu", "slots"}),
        (["--profile", "elsewhere"], {}, set()),
    ],
)
def test_hiding_follows_the_person_and_the_profile_that_the_line_names(
    index, env, argv, more, names
):
    assert hidden(argv, {**env, **more})[0] == names


def test_the_only_profile_needs_no_default(index, env):
    index.write_profiles(lambda: Config(dict.fromkeys(["home", "work"]), None))
    assert hidden([], env)[0] == set()

    index.write_profiles(lambda: Config(dict.fromkeys(["home"]), None))
    assert hidden([], env)[0] == {"flu", "slots"}


def test_two_people_who_may_be_meant_hide_nothing(index, env):
    index.add_person("home", IndexedPerson("acc-4", "pat-a", "Ada Berg", 50.0))

    assert hidden(["--as", "ada"], env)[0] == set()
    assert hidden(["--as", "Ada Nordmann"], env)[0] == {"flu", "slots"}


def test_a_portal_from_the_environment_has_offers_of_its_own(index, env):
    machine = {**env, "GPCLI_PORTAL": PORTAL, "GPCLI_PATIENT": "pat-ada"}
    key = profile_key("environment", PORTAL)
    assert hidden([], machine)[0] == set()

    index.write_hidden(key, "pat-ada", {"book": "No."}, time.time() + 3600)

    assert hidden([], machine)[0] == {"book"}
    assert hidden([], {**machine, "GPCLI_PORTAL": f"{PORTAL}/"})[0] == {"book"}
    assert hidden([], {**machine, "GPCLI_PATIENT": "pat-bo"})[0] == set()
    assert hidden([], {**machine, "GPCLI_PORTAL": f"{PORTAL}/2"})[0] == set()
    assert hidden([], env)[0] == {"flu", "slots"}


@pytest.mark.parametrize(
    ("value", "names"), [("1", set()), ("0", {"flu", "slots"}), ("", {"flu", "slots"})]
)
def test_everything_can_be_shown(index, env, value, names):
    assert hidden([], {**env, "GPCLI_SHOW_ALL": value})[0] == names


@pytest.mark.parametrize("lasting", [-1, 0, 90_000])
def test_offers_that_are_too_old_or_never_expire_hide_nothing(index, env, lasting):
    index.write_hidden("home", "pat-ada", {"flu": NO_FLU}, time.time() + lasting)

    assert hidden([], env)[0] == set()


def test_without_an_index_everything_is_shown(env):
    assert hidden([], env)[0] == set()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\xff\xfe",
        b"gpcli offer index\t2\nhidden\thome\tpat-ada\tflu\tx\n",
        b"gpcli offer index\t1\nhidden\thome\npdefault\n\n\t\t\n",
        b"gpcli offer index\t1\ndefault\thome\nperson\thome\ta\tp\tA\tsoon\noffers\thome\tp\tnan\n",
    ],
)
def test_a_broken_index_hides_nothing(index, env, content):
    index.path.write_bytes(content)

    assert hidden([], env)[0] == set()


def test_a_hidden_command_still_has_its_help_with_the_reason_on_top(index, env):
    assert answer(["flu", "--help"], env) == f"{NO_FLU}\n\n{answer_table.PAGES['flu']}"
    assert answer(["book", "--help"], env) == answer_table.PAGES["book"]


def test_a_reason_cannot_control_the_terminal(index, env):
    index.write_hidden(
        "home", "pat-ada", {"flu": "No\x1b[2J\u202eflu\nhere\t\\n."}, time.time() + 7200
    )

    top, _, _ = answer(["flu", "--help"], env).partition("\n\n")
    assert top == "No [2J flu here \\n."


def test_a_group_is_gone_with_its_last_starting_command():
    starts = ("rx renew", "econsult start", "econsult again", "book")

    assert find_hidden_paths({"rx renew": "", "econsult start": ""}, starts) == {
        "rx renew",
        "rx",
        "econsult start",
    }
