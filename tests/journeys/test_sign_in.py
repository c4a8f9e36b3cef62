"""From a portal's URL to a session in the keyring, and back."""

from __future__ import annotations

import io
import json
import re
from dataclasses import replace

import httpx
import pytest

from gpcli.app_context import AppContext
from gpcli.auth.vault import MemoryVault
from gpcli.cli.account_commands import OFFLINE_SCOPE
from gpcli.cli.demo import open_sign_in_page
from gpcli.cli.terminal_prompter import TerminalPrompter
from gpcli.config.settings import Options
from gpcli.errors import NoKeyring
from tests.journeys.shell import PIPED, CommandResult
from tests.journeys.world import World
from tests.loopback import NO_CERTIFICATES


def forgetful(url):
    """Visits a portal that does not heed whom the sign-in should be for."""
    return open_sign_in_page(str(httpx.URL(url).copy_remove_param("patient_hint")))


def what_is_kept(shell):
    """The profiles, the people, and the sessions in the keyring."""
    return shell.json("gpcli profile list"), shell.json("gpcli whoami --all"), shell.vault._items


def test_before_any_sign_in_the_way_to_one_is_named(shell):
    assert shell("gpcli services") == CommandResult(
        4,
        "",
        "gpcli: gpcli does not know your portal yet.\n"
        "  gpcli login PORTAL-URL signs in; gpcli demo shows gpcli without any portal.\n",
    )


def test_signing_in_with_a_url_makes_the_profile_and_says_what_is_offered(shell, live):
    summary = shell.json(f"gpcli login {live.fhir_base} --hint ada")
    assert summary["patient"] == summary["acting_user"] == {"id": "ada", "name": "Ada Solberg"}
    assert [each["gp"] for each in summary["surgeries"]] == ["Dr. Ingrid Haugland"]
    assert (summary["profile"], summary["environment"]) == ("127.0.0.1", "sandbox")
    assert (len(summary["offered"]), summary["renews"]) == (7, True)
    assert shell.json("gpcli profile list") == [
        {
            "profile": "127.0.0.1",
            "portal": live.fhir_base,
            "environment": "sandbox",
            "default": True,
            "people": ["Ada Solberg"],
        }
    ]


def test_what_is_kept_on_disk_is_for_its_owner_alone_and_holds_no_token(ada, tmp_path):
    kept = [path for path in tmp_path.rglob("*") if path.is_file()]
    token = next(iter(ada.vault._items.values()))
    written = b"".join(path.read_bytes() for path in kept)
    assert token.access_token.encode() not in written
    assert token.refresh_token.encode() not in written
    assert {path.name for path in kept} >= {"config.toml", "index"}


@pytest.mark.parametrize("environment", ["", "--environment sandbox"])
def test_signing_in_again_at_the_same_portal_makes_no_second_profile(ada, live, environment):
    assert ada(f"gpcli login {live.fhir_base} --hint ada {environment}").code == 0
    assert len(ada.json("gpcli profile list")) == 1


def test_signing_in_again_asks_anew_what_the_portal_can_do(ada, live, tmp_path):
    [kept] = tmp_path.rglob("capabilities-*.json")
    believed = json.loads(kept.read_text())
    kept.write_text(json.dumps({**believed, "creates": []}))
    assert ada("gpcli book --first --yes --json").refused[1] == "not_permitted"
    assert ada(f"gpcli login {live.fhir_base} --hint ada").code == 0
    assert json.loads(kept.read_text())["creates"] == believed["creates"]


def test_a_second_person_does_not_replace_the_first(ada):
    ada("gpcli login --hint bo")
    seen = ada("gpcli whoami")
    assert "Bo Lindvik" in seen.out
    assert seen.err == "As Bo Lindvik; --as names another person.\n"
    assert ada.json("gpcli whoami --as ada")["patient"]["name"] == "Ada Solberg"
    assert ada.with_env(GPCLI_AS="solberg").json("gpcli gp")[0]["id"] == "gp-haugland"
    assert [one["patient"]["id"] for one in ada.json("gpcli whoami --all")] == ["ada", "bo"]


def test_writing_for_one_of_several_people_has_to_say_for_whom(ada):
    ada("gpcli login --hint bo")
    ending = ada("gpcli book --first --yes --json")
    assert ending.refused == (2, "input_needed", "")
    assert ending.error["message"] == "Several people are signed in: Bo Lindvik, Ada Solberg."
    assert ending.error["hint"] == "Name one: --as 'Bo Lindvik'."


def test_at_a_terminal_it_is_asked_for_whom(ada):
    ada("gpcli login --hint hans")
    ending = ada.at_a_screen("2\nn\n")("gpcli book --first --another")
    assert ending.code == 9
    assert "  For                 Ada Solberg\n" in ending.err


@pytest.mark.parametrize("who", ["eva", "Nobody At All"])
def test_a_person_who_is_not_signed_in_is_not_found(ada, who):
    ending = ada(f"gpcli gp --as '{who}' --json")
    assert ending.refused == (3, "not_found", "")
    assert ending.error["hint"].startswith("Signed in: Ada Solberg. ")


def test_nothing_offered_is_said_at_once_with_the_contact_details(ada):
    ending = ada("gpcli login --hint cecilie --json")
    assert (ending.code, ending.json["offered"]) == (0, [])
    said = [line["notice"]["message"] for line in ending.stderr_json]
    assert said[-2] == "Your GP offers no online services. This is how to reach the surgery:"
    assert said[-1].startswith("Dr. Marit Fossum, Bjørkelia legesenter · +47 00 12 34 31 · ")


def test_a_parent_signs_in_for_a_child(ada):
    summary = ada.json("gpcli login --hint guro --as emil")
    assert summary["patient"] == {"id": "emil", "name": "Emil Hagen"}
    assert summary["acting_user"]["name"] == "Guro Hagen"
    assert ada.json("gpcli whoami --as Emil")["acting_user"]["name"] == "Guro Hagen"


def test_a_sign_in_for_somebody_else_than_asked_is_not_kept(shell, live):
    ending = replace(shell, browse=forgetful)(
        f"gpcli login {live.fhir_base} --hint ada --as emil --json"
    )
    assert ending.refused == (4, "sign_in_refused", "")
    assert (
        ending.error["message"]
        == "The sign-in is for Ada Solberg, not for 'emil'; it was not kept."
    )
    assert what_is_kept(shell) == ([], [], {})


def brief(url):
    """Visits a portal that lets nobody stay signed in."""
    asked = httpx.URL(url)
    return open_sign_in_page(
        str(asked.copy_set_param("scope", asked.params["scope"].replace(OFFLINE_SCOPE, "")))
    )


@pytest.mark.parametrize(
    ("prompt", "cure"),
    [
        ("", "add prompt = \"consent\" to the profile 'surgery' (see gpcli help profiles) and"),
        ('prompt = "consent"', "only the portal can change this."),
    ],
)
def test_a_session_that_does_not_renew_itself_is_said_to_end_soon(
    shell, live, tmp_path, prompt, cure
):
    profile = f'[profiles.surgery]\nportal = "{live.fhir_base}"\nenvironment = "sandbox"\n{prompt}'
    (tmp_path / "config.toml").write_text(profile)
    ending = replace(shell, browse=brief)("gpcli login --hint ada --json")
    [said] = [each["warning"]["message"] for each in ending.stderr_json if "warning" in each]
    assert (ending.code, ending.json["renews"]) == (0, False)
    assert said.startswith("This session does not renew itself: unattended use ends soon")
    assert cure in said


def test_whoever_asks_for_no_lasting_session_is_not_warned(shell, live, tmp_path):
    scopes = 'scopes = "openid fhirUser launch/patient patient/*.rs"'
    profile = f'[profiles.surgery]\nportal = "{live.fhir_base}"\nenvironment = "sandbox"\n{scopes}'
    (tmp_path / "config.toml").write_text(profile)
    ending = shell("gpcli login --hint ada --json")
    assert not any("warning" in each for each in ending.stderr_json)
    assert (ending.code, ending.json["renews"]) == (0, False)


def test_a_sign_in_that_the_portal_denies_keeps_nothing(shell, live):
    ending = shell(f"gpcli login {live.fhir_base} --hint nobody --json")
    assert ending.refused == (4, "sign_in_refused", "")
    assert what_is_kept(shell) == ([], [], {})


def test_a_failed_sign_in_leaves_the_profile_that_there_was(shell, live, tmp_path):
    shell(f"gpcli profile add mine {live.fhir_base} --environment staging")
    before = (tmp_path / "config.toml").read_bytes()
    ending = shell(f"gpcli login {live.fhir_base} --hint nobody --json")
    assert ending.refused == (4, "sign_in_refused", "")
    assert (tmp_path / "config.toml").read_bytes() == before


class Full(MemoryVault):
    """A keyring that has no room for a session; it remembers the one it was given last."""

    def save(self, account, session):
        self.given = session
        raise NoKeyring("The keyring did not keep what it was given.")


def test_a_sign_in_that_the_keyring_does_not_keep_is_ended_at_the_portal(shell, live):
    full = replace(shell, vault=Full())
    ending = full(f"gpcli login {live.fhir_base} --hint ada --json")
    assert ending.refused == (4, "no_keyring", "")
    assert what_is_kept(full) == ([], [], {})
    refused = httpx.get(
        f"{live.fhir_base}/Patient/ada",
        headers={"Authorization": f"Bearer {full.vault.given.access_token}"},
        trust_env=False,
        verify=NO_CERTIFICATES,
    )
    assert refused.status_code == 401


def test_a_session_that_cannot_be_found_again_is_not_kept(shell, live, tmp_path):
    """The index is a directory: nobody can be written into it."""

    def meanwhile(url):
        (tmp_path / "state" / "index").mkdir(parents=True)
        return open_sign_in_page(url)

    ending = replace(shell, browse=meanwhile)(f"gpcli login {live.fhir_base} --hint ada")
    assert (ending.code, ending.out) == (2, "")
    (tmp_path / "state" / "index").rmdir()
    assert what_is_kept(shell) == ([], [], {})


def test_a_session_whose_profile_cannot_be_written_is_not_kept(shell, live, tmp_path):
    """Somebody spoils the configuration while the browser is open."""
    config = tmp_path / "config.toml"

    def meanwhile(url):
        config.write_text("[profiles.x")
        return open_sign_in_page(url)

    ending = replace(shell, browse=meanwhile)(f"gpcli login {live.fhir_base} --hint ada --json")
    assert ending.refused == (2, "config", "")
    config.unlink()
    assert what_is_kept(shell) == ([], [], {})


def test_a_profile_name_that_another_portal_was_given_meanwhile_is_not_signed_in_at(shell, live):
    """Somebody adds a profile while the browser is open, and it gets the name first."""

    def meanwhile(url):
        shell("gpcli profile add 127.0.0.1 https://other.example/fhir --environment staging")
        return open_sign_in_page(url)

    ending = replace(shell, browse=meanwhile)(f"gpcli login {live.fhir_base} --hint ada --json")
    assert ending.refused == (2, "usage", "")
    assert ending.error["message"] == "The profile '127.0.0.1' is for another portal."
    assert shell.vault._items == {}
    [other] = shell.json("gpcli profile list")
    assert (other["portal"], other["people"]) == ("https://other.example/fhir", [])


def test_a_name_that_could_not_be_read_at_the_sign_in_is_asked_for_later(shell, live, tmp_path):
    portal = World(live, tmp_path)
    name = live.store.get("Patient", "ada")["name"]
    portal.change("Patient/ada", name="unreadable")
    ending = shell(f"gpcli login {live.fhir_base} --hint ada --json")
    assert ending.refused == (1, "bad_response", "")
    [kept] = shell.vault._items.values()
    assert (kept.patient_name, kept.acting_name) == ("", "")
    assert shell.json("gpcli profile list")[0]["people"] == ["ada"]

    portal.change("Patient/ada", name=name)
    summary = shell.json("gpcli whoami")
    assert summary["patient"] == summary["acting_user"] == {"id": "ada", "name": "Ada Solberg"}


def test_whom_a_sign_in_is_for_has_to_be_known_where_it_was_asked_for_by_name(
    shell, live, tmp_path
):
    World(live, tmp_path).change("Patient/ada", name="unreadable")
    ending = replace(shell, browse=forgetful)(
        f"gpcli login {live.fhir_base} --hint ada --as Solberg --json"
    )
    assert ending.refused == (4, "sign_in_refused", "")
    assert ending.error["message"] == "The sign-in may not be for 'Solberg'; it was not kept."
    assert what_is_kept(shell) == ([], [], {})


def test_on_another_device_the_address_and_a_code_are_shown(shell, live):
    said = io.StringIO()

    def typed(seconds):
        """What the person does at the other device while gpcli waits."""
        [shown] = [json.loads(line)["notice"] for line in said.getvalue().splitlines()]
        form = {"user_code": shown["user_code"], "login_hint": "ada"}
        httpx.post(
            shown["verification_uri"],
            data=form,
            follow_redirects=True,
            trust_env=False,
            verify=NO_CERTIFICATES,
        )

    waiting = replace(shell, stderr=said, sleep=typed)
    ending = waiting(f"gpcli login {live.fhir_base} --device --json")
    assert (ending.code, ending.json["patient"]["id"]) == (0, "ada")
    [notice] = ending.stderr_json
    assert re.fullmatch(
        r"On any device open http://127\.0\.0\.1:\d+/device and enter the code \S+\.",
        notice["notice"]["message"],
    )


def test_without_a_browser_the_address_is_printed(shell, live):
    said = io.StringIO()
    ending = replace(shell, browse=None, stderr=said)(
        f"gpcli login {live.fhir_base} --no-browser --limit 1 --json"
    )
    assert ending.code == 4
    [shown, _] = [json.loads(line) for line in said.getvalue().splitlines()]
    assert shown["notice"]["url"].startswith(f"{live.url}/authorize?")
    assert what_is_kept(shell) == ([], [], {})


@pytest.mark.parametrize(
    ("host", "way"),
    [("127.0.0.1", "4711:127.0.0.1:4711"), ("[::1]", "4711:[::1]:4711")],
)
def test_over_ssh_the_line_leads_to_where_gpcli_waits(host, way):
    said, env = io.StringIO(), {"SSH_CONNECTION": "192.0.2.1 50000 192.0.2.2 22"}
    session = AppContext(Options(), env, io.StringIO(), io.StringIO(), said, terminal=PIPED)
    screen = TerminalPrompter(session, browser=None, automatic=False)
    screen.show_url("https://portal.example/authorize", 4711, host)
    assert f"ssh -L {way} THIS-MACHINE" in said.getvalue()


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ("--browser ''", "--browser needs a command that is not empty."),
        ('--browser "x \'y"', "is not a command: No closing quotation."),
        ("--browser /nonexistent/browser", "can't be run: No such file or directory."),
        ("--limit 0", "is too little: at least 1."),
        ("--port 70000", "--port: 70000 is not in the range 0 to 65535."),
        ("--environment test", "'test' is not one of production, staging, sandbox."),
    ],
)
def test_login_names_what_it_cannot_use(shell, live, options, said):
    ending = shell(f"gpcli login {live.fhir_base} {options}")
    assert (ending.code, ending.out) == (2, "")
    assert ending.err.splitlines()[-1 - ending.err.endswith("used.\n")].endswith(said)


def test_whoami_says_for_how_long_and_fails_for_less_than_asked(ada):
    assert ada("gpcli whoami --min-life 10m").code == 0
    ending = ada("gpcli whoami --min-life 30d --json")
    assert ending.refused == (4, "expired", "")


@pytest.mark.parametrize("wrong", ["", "soon", "-5m", "10"])
def test_a_length_of_time_that_is_none_is_named(ada, wrong):
    ending = ada(["gpcli", "whoami", "--json", f"--min-life={wrong}"])
    assert ending.refused == (2, "usage", "")


@pytest.mark.parametrize(
    ("seconds", "clock"),
    [
        (4 * 3600, "4 hours ahead of"),
        (-4 * 3600, "4 hours behind"),
        (-90 * 86_400, "90 days behind"),
    ],
)
def test_a_clock_that_is_wrong_is_named_as_what_keeps_from_signing_in(shell, live, seconds, clock):
    here = shell.with_env(GPCLI_CLOCK_OFFSET=str(seconds), GPCLI_ENVIRONMENT="sandbox")
    ending = here(f"gpcli login {live.fhir_base} --hint ada --json")
    assert ending.refused == (4, "sign_in_refused", "")
    assert f"this computer's clock, which is {clock} the portal's" in ending.error["message"]
    assert ending.error["hint"].startswith("Set this computer's date and time")
    assert shell.json("gpcli whoami --all") == []


def test_a_token_of_another_time_is_the_portal_s_to_mend_where_the_clocks_agree(portal, login):
    portal.claims = {"exp": 1_700_000_000, "iat": 1_700_000_000}
    ending = login()
    assert ending.refused == (4, "sign_in_refused", "")
    assert ending.error["message"].endswith("not accepted: it has expired.")
    assert ending.error["hint"] == "Only the portal can put this right: tell it."
