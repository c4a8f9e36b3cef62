import time

import pytest

from gpcli.cli import answer_table
from gpcli.cli.build_answers import SANDBOX_CHILDREN, SANDBOX_PEOPLE, VALUES
from gpcli.cli.command_views import VIEWS
from gpcli.cli.commands.registry import REGISTRY
from gpcli.cli.help_commands import SHELLS
from gpcli.cli.ready_answers import answer
from gpcli.config.index_format import APPOINTMENTS, PRESCRIPTIONS, REQUESTS, SLOTS, THREADS
from gpcli.config.listed_ids import ListedIds
from gpcli.config.offer_index import IndexedPerson, OfferIndex
from gpcli.config.profiles import Config
from gpcli.model.service import ServiceName
from gpcli.render.json_schema import ANSWERS, find_schema, list_schema_names
from gpcli.render.views.change_views import CHANGES, WATCHES
from gpcli.render.views.event_views import EVENTS
from gpcli.sandbox.people import PEOPLE

NOW = time.time()


@pytest.fixture
def env(tmp_path):
    index = OfferIndex(tmp_path / "state" / "index")
    index.write_profiles(lambda: Config(dict.fromkeys(["home", "helsenorge test"]), "home"))
    index.add_person("home", IndexedPerson("acc-1", "pat-ada", "Ada Nordmann", NOW))
    index.add_person("home", IndexedPerson("acc-2", "pat-guro", "Guro Holm", NOW - 60))
    index.write_hidden("home", "pat-ada", {"flu": "No flu."}, NOW + 3600, ["Ingrid Øvrebø"])
    listed = ListedIds(tmp_path / "state" / "listed")
    listed.replace("home", "pat-ada", APPOINTMENTS, [("a-1", "booked"), ("a-2", "")])
    listed.replace("home", "pat-ada", THREADS, [("t-1", "unread"), ("t-2", "")])
    listed.replace("home", "pat-ada", PRESCRIPTIONS, [("rx-1", ""), ("rx-2", "")])
    listed.replace("home", "pat-ada", REQUESTS, [("r-1", "")])
    listed.replace("home", "pat-ada", SLOTS, [("s-1", "")])
    listed.replace("home", "pat-guro", THREADS, [("t-9", "")])
    (tmp_path / "state" / "sandboxes").mkdir(mode=0o700)
    for file in ("default.json", "ci.1.json", "lock", ".gpcli-0123456789abcdef.part"):
        (tmp_path / "state" / "sandboxes" / file).touch()
    return {"GPCLI_CONFIG_DIR": str(tmp_path)}


def words(env, *typed):
    """The words that are offered, without what is said about them."""
    offered = answer(["__complete", *typed], env)
    return [line.partition("\t")[0] for line in offered.splitlines()]


def test_commands_come_with_what_they_do_and_without_what_the_gp_does_not_offer(env):
    offered = answer(["__complete", ""], env).splitlines()

    shown = [name for name in REGISTRY.list_names("") if name != "flu"]
    assert [line.partition("\t")[0] for line in offered] == shown
    assert "gp\tYour GP and surgery: address, phone, opening hours" in offered


@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        (["sl"], ["slots"]),
        (["fl"], []),
        (["--as", "Guro", "fl"], ["flu"]),
        (["profile", ""], ["list", "show", "add", "use", "remove"]),
        (["profile", "s"], ["show"]),
        (["profile", "show", ""], ["helsenorge test", "home"]),
        (["--json", "profile", "use", "ho"], ["home"]),
        (["slots", "--profile", ""], ["helsenorge test", "home"]),
        (["slots", "--profile=ho"], ["--profile=home"]),
        (["slots", "--profile", "=", "ho"], ["home"]),
        (["slots", "--profile", "="], ["helsenorge test", "home"]),
        (["slots", "--as", ""], ["Ada Nordmann", "Guro Holm"]),
        (["--profile", "helsenorge test", "slots", "--as", ""], []),
        (["book", "--accept-fee", ""], ["any"]),
        (["book", "--req"], ["--request-id"]),
        (["gp", "--req"], []),
        (["gp", "--ver"], []),
        (["--ver"], ["--version"]),
        (["gp", "--he"], ["--help"]),
        (["gp", "-o", "j"], ["json"]),
        (["gp", "-oj"], ["-ojson"]),
        (["gp", "-qon"], ["-qondjson"]),
        (["gp", "--output=t"], ["--output=table"]),
        (["slots", "-n", ""], []),
        (["slots", "-n3"], []),
        (["-q", "profile", "u"], ["use"]),
        (["-ojson", "slots", "--fields", "schedule_"], ["schedule_comment"]),
        (["help", "com"], ["commands", "completion"]),
        (["completion", ""], list(SHELLS)),
        (["completion", "bash", ""], []),
        (["help", "ex"], ["exit-codes"]),
        (["help", "sl"], ["slots"]),
        (["help", "profile", "u"], ["use"]),
        (["help", "gp", ""], []),
        (["help", "json", "sl"], ["slots"]),
        (["help", "json", "pro"], ["profile", "progress"]),
        (["help", "json", "profile", ""], ["add", "list", "remove", "show", "use"]),
        (["help", "json", "completion"], []),
        (["help", "json", "profile", "list", ""], []),
        (["slots", "--fields", "en"], ["end"]),
        (["slots", "--fields", "id,en"], ["id,end"]),
        (["slots", "--fields=id,en"], ["--fields=id,end"]),
        (["slots", "--fields", "=", "id,en"], ["id,end"]),
        (["--fields", "id,en", "slots", "--ver"], []),
        (["slots", "--fields", "end,en"], []),
        (["slots", "--fields", "id,bogus,en"], ["id,bogus,end"]),
        (["slots", "--fields", "schedule_"], ["schedule_comment"]),
        (["messages", "show", "--fields", "subj"], ["subject"]),
        (["messages", "show", "--json", "--fields", "subj"], []),
        (["messages", "show", "--json", "--fields", "thread,mess"], ["thread,messages"]),
        (["messages", "show", "--ndjson", "--fields", "no"], ["notes"]),
        (["flu", "--fields", "eli"], ["eligibility"]),
        (["completion", "--fields", ""], []),
        (["--fields", ""], []),
        (["sandbox", "env", "ada", "--name", ""], ["ci.1", "default"]),
        (["sandbox", "serve", "--name", ""], []),
        (["cancel", ""], ["next", "today", "tomorrow", "a-1", "a-2"]),
        (["cancel", "a-1", ""], []),
        (["appointments", "show", "a"], ["a-1", "a-2"]),
        (["econsult", "join", "a"], ["a-1", "a-2"]),
        (["econsult", "withdraw", "to"], ["today", "tomorrow"]),
        (["move", "n"], ["next"]),
        (["move", "a-1", ""], ["s-1"]),
        (["move", "a-1", "s-1", ""], []),
        (["book", ""], ["s-1"]),
        (["--as", "Ada", "flu", ""], ["s-1"]),
        (["book", "--replace", "a"], ["a-1", "a-2"]),
        (["book", "--replace=ne"], ["--replace=next"]),
        (["watch", ""], ["status"]),
        (["watch", "status", ""], []),
        (["watch", "--replace", ""], ["next", "today", "tomorrow", "a-1", "a-2"]),
        (["watch", "--earlier-than", "a"], ["a-1", "a-2"]),
        (["book", "--wait", ""], ["30m", "8h", "2d"]),
        (["watch", "--every", "1"], ["1m", "15m"]),
        (["messages", "show", ""], ["t-1", "t-2"]),
        (["messages", "reply", "t"], ["t-1", "t-2"]),
        (["messages", "save", "t-1", ""], []),
        (["messages", "mark-read", "t-1", ""], ["t-2"]),
        (["messages", "mark-read", "t-1", "t-2", ""], []),
        (["--as", "Guro", "messages", "show", ""], ["t-9"]),
        (["--profile", "helsenorge test", "messages", "show", ""], []),
        (["rx", "show", ""], ["rx-1", "rx-2"]),
        (["rx", "renew", "rx-1", ""], ["rx-2"]),
        (["rx", "withdraw", ""], ["r-1"]),
        (["rx", "list", ""], []),
        (["gp", "--gp", ""], ["Ingrid Øvrebø"]),
        (["slots", "--with", "Ing"], ["Ingrid Øvrebø"]),
        (["--as", "Guro", "slots", "--with", ""], []),
        (["gp", "--timeout", ""], []),
        (["gp", "--timeout=3"], []),
        (["gp", "--bogus=3"], []),
        (["gp", ""], []),
        (["slotz", ""], []),
        (["sandbox", "run", "--", ""], []),
        ([], [name for name in REGISTRY.list_names("") if name != "flu"]),
    ],
    ids=str,
)
def test_what_is_offered(env, typed, offered):
    assert words(env, *typed) == offered


def test_options_of_a_hidden_command_are_offered_once_it_is_typed(env):
    assert "--request-id" in words(env, "flu", "--")


def test_the_options_of_every_command_are_offered_with_their_help(env):
    offered = answer(["__complete", "gp", "--"], env).splitlines()

    assert [line.partition("\t")[0] for line in offered] == [
        *(flag for flag, _, _ in answer_table.GLOBAL),
        "--help",
    ]
    assert "--json\tAnswer in JSON: one array, or one object" in offered


def test_short_options_are_offered_with_the_help_of_those_that_they_stand_for(env):
    offered = answer(["__complete", "-"], env).splitlines()
    short = [each for each in offered if not each.startswith("--")]

    assert [each.partition("\t")[0] for each in short] == ["-o", "-q", "-h", "-V"]
    assert short[0] == "-o\tjson, ndjson or plain, as the options above, or table"
    assert "-q" not in words(env, "api", "-")  # which refuses it as --jq
    assert "-n" in words(env, "slots", "-")
    assert "-o" not in words(env, "appointments", "export", "-")


def test_a_name_cannot_control_the_terminal(env, tmp_path):
    index = OfferIndex(tmp_path / "state" / "index")
    index.add_person("home", IndexedPerson("acc-1", "pat-ada", "Ada\x1b[2J\n\tB", NOW))

    assert words(env, "gp", "--as", "Ada") == ["Ada [2J  B"]


def test_an_id_comes_with_a_word_on_it(env):
    offered = answer(["__complete", "messages", "show", ""], env)

    assert offered == "t-1\tunread\nt-2\n"


def test_a_file_of_listed_ids_that_is_broken_or_not_there_offers_words_alone(env, tmp_path):
    (tmp_path / "state" / "listed").write_bytes(b"\xff\x00 nothing")
    assert words(env, "cancel", "") == ["next", "today", "tomorrow"]
    (tmp_path / "state" / "listed").unlink()
    assert words(env, "cancel", "") == ["next", "today", "tomorrow"]


@pytest.mark.parametrize("flag", ["--from", "--to", "--between", "--via"])
def test_days_hours_weekdays_and_ways_are_offered(env, flag):
    assert words(env, "slots", flag, "") == list(VALUES[flag])


@pytest.mark.parametrize(
    ("before", "typed", "offered"),
    [
        (("slots", "--weekday"), "mon,t", ["mon,tue", "mon,thu"]),
        (("slots", "--weekday"), "wee", ["weekdays", "weekend"]),
        (("smoke", "--expect"), "contact,f", ["contact,flu-vaccination"]),
        (("smoke", "--checks"), "write,own", ["write,own-records"]),
    ],
)
def test_of_what_can_be_several_the_rest_is_offered(env, before, typed, offered):
    assert words(env, *before, typed) == offered


@pytest.mark.parametrize("command", ["show", "settle"])
def test_requests_that_are_not_known_to_be_done_are_offered(env, tmp_path, command):
    request = "8c0f8c5e-3a39-4a3c-9d2e-4f0a6d1f2b11"
    (tmp_path / "state" / "outbox").mkdir(mode=0o700)
    (tmp_path / "state" / "outbox" / f"{request}.json").touch()
    assert words(env, "outbox", command, "8c") == [request]


def test_days_of_the_past_are_offered_where_messages_are_looked_for(env):
    assert words(env, "messages", "list", "--from", "last") == ["last-week", "last-month"]
    assert words(env, "slots", "--from", "last") == []


def test_services_are_offered_by_their_codes(env):
    assert words(env, "services", "") == list(ServiceName)


def test_a_file_name_is_left_to_the_shell(env):
    assert words(env, "sandbox", "serve", "--people", "") == [":files"]


def test_every_option_that_has_words_belongs_to_some_command():
    options = {flag for own in answer_table.OPTIONS.values() for flag, _, _ in own}
    common = {flag for flag, _, _ in (*answer_table.GLOBAL, *answer_table.WRITE)}

    assert set(VALUES) <= options | common


def list_records(schema, root):
    """The schemas of the objects that an answer may be, or that its array may hold."""
    if "$ref" in schema:
        return [root["$defs"][schema["$ref"].rpartition("/")[2]]]
    below = (*schema.get("anyOf", ()), *([schema["items"]] if "items" in schema else ()))
    return [record for each in below for record in list_records(each, root)]


def test_the_names_of_fields_are_those_of_the_views_and_of_the_schemas(env):
    for path in VIEWS.keys() - {"watch"}:
        views = VIEWS[path]
        columns = dict.fromkeys(name for view in views for name in view.column_names)
        assert words(env, *path.split(), "--fields", "") == list(columns)
        records = list_records(find_schema(path), find_schema(path))
        keys = dict.fromkeys(key for one in records for key in one["properties"])
        assert words(env, *path.split(), "--json", "--fields", "") == list(keys)


def test_the_names_of_fields_of_a_watch_are_others_than_those_of_where_it_stands(env):
    line = ["watch", "--exec", "true", "--fields", ""]
    assert words(env, *line) == list(CHANGES.column_names)
    assert words(env, "--json", *line) == list(EVENTS.json_keys)
    line = ["watch", "status", "--fields", ""]
    assert words(env, *line) == list(WATCHES.column_names)
    assert words(env, *line[:-1], f"{WATCHES.column_names[0]},") != []
    assert words(env, "--ndjson", *line) == list(WATCHES.json_keys)


def test_every_command_that_answers_with_records_has_names_of_fields():
    assert ANSWERS.keys() - VIEWS.keys() == {"sandbox advance", "sandbox serve"}
    assert VIEWS.keys() <= ANSWERS.keys()
    assert list(answer_table.SCHEMAS) == list_schema_names()


def test_people_of_the_sandbox_are_offered_to_the_sandbox(env):
    everybody = [person.key for person in PEOPLE]

    assert words(env, "sandbox", "run", "--as", "") == everybody == list(SANDBOX_PEOPLE)
    assert words(env, "sandbox", "env", "") == everybody
    assert words(env, "sandbox", "env", "guro", "--as", "") == list(SANDBOX_CHILDREN)
    assert words(env, "sandbox", "env", "guro", "--for", "") == list(SANDBOX_CHILDREN)
    assert {ward.key for person in PEOPLE for ward in person.acts_for} == set(SANDBOX_CHILDREN)
