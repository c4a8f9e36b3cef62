import pytest

from gpcli.config.settings import Options
from gpcli.errors import InputNeeded, InvalidUsage


@pytest.mark.parametrize(
    "argv",
    [
        ["--json", "profile", "show", "home"],
        ["profile", "--json", "show", "home"],
        ["profile", "show", "--json", "home"],
        ["profile", "show", "home", "--json"],
    ],
)
def test_an_option_of_every_command_means_the_same_in_every_place(line, argv):
    context = line.run(*argv)

    assert context.seen == [("show", "home")]
    assert context.options == Options(json=True)


def test_every_option_reaches_the_session(line):
    context = line.run(
        "book", "slot-1", "--ndjson", "--fields", "id, start", "--profile", "home", "--as", "Ada",
        "--gp", "Dahl", "--timeout", "2.5", "--no-input", "--debug", "--yes", "--dry-run",
        "--confirm", "plan-abcdefgh2345", "--accept-fee", "250", "--request-id", "monday",
    )  # fmt: skip

    assert context.options == Options(
        ndjson=True,
        fields=("id", "start"),
        profile="home",
        as_="Ada",
        gp="Dahl",
        timeout=2.5,
        no_input=True,
        debug=True,
        yes=True,
        dry_run=True,
        confirm="plan-abcdefgh2345",
        accept_fee="250",
        request_id="monday",
        sends=True,
    )


def test_without_options_nothing_is_asked_for(line):
    assert line.run("gp").options == Options()


def test_the_later_of_two_values_wins(line):
    context = line.run("--profile", "home", "gp", "--profile", "work")

    assert context.options.profile == "work"


def test_the_same_format_twice_is_fine(line):
    assert line.run("--json", "gp", "--json").options.json


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (["--json", "gp", "--plain"], "--json and --plain can't be used together."),
        (["gp", "--ndjson", "--json"], "--ndjson and --json can't be used together."),
    ],
)
def test_two_formats_are_refused(line, argv, message):
    with pytest.raises(InvalidUsage) as refused:
        line.run(*argv)

    assert refused.value.message == message


@pytest.mark.parametrize(
    ("argv", "options"),
    [
        (["-o", "json", "gp"], Options(json=True)),
        (["gp", "-ondjson"], Options(ndjson=True)),
        (["gp", "--output=plain"], Options(plain=True)),
        (["gp", "-o", "table"], Options(table=True)),
        (["-o", "json", "gp", "--json"], Options(json=True)),
        (["-o", "json", "gp", "-o", "plain"], Options(plain=True)),
        (["gp", "-o", "json", "-o", "plain"], Options(plain=True)),
        (["gp", "-q"], Options(quiet=True)),
        (["-qojson", "gp", "--quiet"], Options(quiet=True, json=True)),
    ],
    ids=str,
)
def test_short_options_are_those_that_they_stand_for(line, argv, options):
    assert line.run(*argv).options == options


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (["-o", "json", "gp", "--plain"], "--json and --plain can't be used together."),
        (["--ndjson", "gp", "-otable"], "--ndjson and --output table can't be used together."),
        (["gp", "-o", "table", "--json"], "--output table and --json can't be used together."),
        (["gp", "-o", "xml"], "--output: 'xml' is not one of 'json', 'ndjson', 'plain', 'table'."),
        (["gp", "-o", ""], "--output: '' is not one of 'json', 'ndjson', 'plain', 'table'."),
    ],
    ids=str,
)
def test_a_format_that_is_none_or_a_second_is_refused(line, argv, message):
    with pytest.raises(InvalidUsage) as refused:
        line.run(*argv)

    assert refused.value.message == message


def test_an_empty_list_of_fields_asks_for_their_names(line):
    assert line.run("gp", "--fields", "").options.fields == ()


@pytest.mark.parametrize("flag", ["--profile", "--as", "--gp", "--accept-fee", "--request-id"])
@pytest.mark.parametrize("value", ["", "  "])
def test_an_empty_name_is_refused(line, flag, value):
    with pytest.raises(InvalidUsage) as refused:
        line.run("book", "slot-1", flag, value)

    assert refused.value.message == f"{flag} needs a value that is not empty."
    assert line.context is None


@pytest.mark.parametrize("value", ["0", "-1", "3601", "soon", "nan", "inf", ""])
def test_a_timeout_that_is_no_number_of_seconds_is_refused(line, value):
    with pytest.raises(InvalidUsage) as refused:
        line.run("gp", f"--timeout={value}")

    assert refused.value.message == (
        f"--timeout needs a number of seconds up to 3600, not '{value}'."
    )


def test_a_request_id_of_more_than_128_characters_is_refused(line):
    assert line.run("book", "s", "--request-id", "x" * 128).options.request_id == "x" * 128
    with pytest.raises(InvalidUsage, match="--request-id is too long"):
        line.run("book", "s", "--request-id", "x" * 129)


def test_an_option_without_its_value_is_named(line):
    with pytest.raises(InputNeeded) as refused:
        line.run("gp", "--profile")

    assert (refused.value.message, refused.value.hint) == (
        "--profile needs a value.",
        "gpcli gp --help shows how it is used.",
    )


def test_a_flag_takes_no_value(line):
    with pytest.raises(InvalidUsage, match="--json takes no value"):
        line.run("gp", "--json=yes")


@pytest.mark.parametrize("argv", [["--yes", "gp"], ["gp", "--yes"]])
def test_options_for_sending_mean_nothing_to_a_command_that_only_reads(line, argv):
    with pytest.raises(InvalidUsage) as refused:
        line.run(*argv)

    assert refused.value.message == (
        "--yes is for commands that send something; gpcli gp does not."
    )
    assert line.context is None


def test_options_for_sending_may_stand_before_the_command(line):
    assert line.run("--yes", "book", "slot-1").options == Options(yes=True, sends=True)


def test_a_commands_own_option_comes_before_everybodys(line):
    context = line.run("sandbox", "run", "--as", "bo", "--", "gpcli", "gp", "--json")

    assert context.seen == [("run", ["gpcli", "gp", "--json"], "bo")]
    assert context.options == Options()


def test_everybodys_option_still_works_before_such_a_command(line):
    context = line.run("--as", "Ada", "sandbox", "run", "true")

    assert context.seen == [("run", ["true"], None)]
    assert context.options == Options(as_="Ada")
