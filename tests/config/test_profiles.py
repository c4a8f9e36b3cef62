import stat
from dataclasses import replace

import pytest

from gpcli.config.profiles import (
    SCOPES,
    Config,
    Profile,
    add_profile,
    build_profile,
    read_config,
    remove_profile,
    save_profile,
    set_default_profile,
)
from gpcli.errors import ConfigError, InvalidUsage, NotFound

URL = "https://portal.example/fhir/R4"
HOME = Profile("home", URL, "production")
TEST = Profile("test", "https://staging.example/fhir", "staging")
WRITTEN = f"""\
# mine
default_profile = "home"

[profiles.home]
portal = "{URL}"  # the real one
environment = "production"

# for trying things
[profiles.test]
portal = "https://staging.example/fhir/"
environment = "staging"
"""


@pytest.fixture
def path(tmp_path):
    return tmp_path / "gpcli" / "config.toml"


def write(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def a_profile(*lines):
    return "\n".join(["[profiles.home]", f'portal = "{URL}"', 'environment = "staging"', *lines])


def refusal(path, text):
    with pytest.raises(ConfigError) as raised:
        read_config(write(path, text))
    return raised.value.message.removeprefix(f"{path}")


def test_no_file_is_no_profiles(path):
    assert read_config(path) == Config({})


def test_an_empty_file_is_no_profiles(path):
    assert read_config(write(path, "")) == Config({}, None)


def test_profiles_are_read_with_the_default_one(path):
    assert read_config(write(path, WRITTEN)) == Config({"home": HOME, "test": TEST}, "home")


def test_every_key_of_a_profile_is_read(path):
    text = a_profile(
        'client_id = "my-client"',
        'scopes = "openid"',
        "redirect_port = 8765",
        'prompt = "consent"',
        'acr = "idporten-loa-high"',
        'status_sent = "pending"',
        'ca_file = "ca.pem"',
        "timeout = 12",
        'zone = "Europe/Dublin"',
        'emergency = {acute = " 112 ", urgent = ""}',
        "[profiles.home.services]",
        '"http://terminology.hl7.org/CodeSystem/service-type|57" = "booking"',
    )

    assert read_config(write(path, text)).find_profile("home") == Profile(
        "home",
        URL,
        "staging",
        client_id="my-client",
        scopes="openid",
        redirect_port=8765,
        prompt="consent",
        acr="idporten-loa-high",
        status_sent="pending",
        ca_file="ca.pem",
        timeout=12.0,
        zone="Europe/Dublin",
        emergency={"acute": "112", "urgent": ""},
        services={"http://terminology.hl7.org/CodeSystem/service-type|57": "booking"},
    )


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('client = "x"', "unknown key 'profiles.home.client'; did you mean 'client_id'?"),
        ('zzz = "x"', "unknown key 'profiles.home.zzz'."),
        ('client_id = ""', "profiles.home.client_id: must be text that is not empty."),
        ("client_id = 7", "profiles.home.client_id: must be text that is not empty."),
        ("redirect_port = 65536", "profiles.home.redirect_port: '65536' is not a port number."),
        ("redirect_port = true", "profiles.home.redirect_port: 'True' is not a port number."),
        (
            "timeout = 0",
            "profiles.home.timeout: '0' is not a number of seconds up to 3600.",
        ),
        (
            "timeout = nan",
            "profiles.home.timeout: 'nan' is not a number of seconds up to 3600.",
        ),
        (
            'zone = "Europe/Olso"',
            "profiles.home.zone: 'Europe/Olso' is not a time zone such as Europe/Oslo.",
        ),
        ('zone = "Europe"', "profiles.home.zone: 'Europe' is not a time zone such as Europe/Oslo."),
        (
            'zone = "../../etc/passwd"',
            "profiles.home.zone: '../../etc/passwd' is not a time zone such as Europe/Oslo.",
        ),
        ("zone = 1", "profiles.home.zone: '1' is not a time zone such as Europe/Oslo."),
        (
            'status_sent = "sent"',
            "profiles.home.status_sent: 'sent' is not one of proposed, pending, booked.",
        ),
        *(
            (
                f"emergency = {content}",
                "profiles.home.emergency: must be a table of two numbers: "
                "acute = '113', urgent = '116 117' (or '').",
            )
            for content in (
                '"113"',
                '{acute = "113"}',
                '{acute = " ", urgent = "116 117"}',
                '{acute = 113, urgent = "116 117"}',
                '{acute = "113", urgent = "116 117", fire = "110"}',
            )
        ),
        (
            'services = "x"',
            "profiles.home.services: must be a table of 'system|code' = 'service' "
            "or a list of services.",
        ),
        (
            "services = {a = 1}",
            "profiles.home.services: must be a table of 'system|code' = 'service' "
            "or a list of services.",
        ),
    ],
)
def test_a_bad_key_or_value_is_named_with_its_place(path, line, message):
    assert refusal(path, a_profile(line)) == f": {message}"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('default = "x"', ": unknown key 'default'; did you mean 'default_profile'?"),
        ('default_profile = "x"', ": default_profile 'x' is not one of the profiles."),
        ("default_profile = [1]", ": default_profile '[1]' is not one of the profiles."),
        ("profiles = 3", ": 'profiles' must be a table."),
        ("[profiles]\nhome = 3", ": 'profiles.home' must be a table."),
        ('[profiles.home]\nportal = "https://x.example"', ": profiles.home has no 'environment'."),
        (
            '[profiles."127.0.0.1"]\nportal = "https://x.example"',
            ": profiles.\"127.0.0.1\" has no 'environment'.",
        ),
        ('[profiles.home]\nenvironment = "staging"', ": profiles.home has no 'portal'."),
        (
            '[profiles.home]\nportal = "x"\nenvironment = "prod"',
            ": profiles.home.portal: 'x' is not a web address; "
            "it must be a URL such as https://portal.example/fhir/R4.",
        ),
    ],
)
def test_a_wrong_file_says_what_is_wrong(path, text, message):
    assert refusal(path, text) == message


@pytest.mark.parametrize(
    "portal",
    [
        "https://ada:pass word@portal.example",
        "https://ada:secret@portal.example:x",
        "ftp://ada:secret@portal.example",
        "https://portal.example:x/?token=secret",
        "https://ada:secret@portal.example",
        "http://portal.example/?token=secret",
    ],
)
def test_a_password_in_an_address_is_refused_without_repeating_it(path, portal):
    said = refusal(path, f"[profiles.home]\nportal = '{portal}'\nenvironment = 'staging'")
    assert not {word for word in ("ada", "pass word", "secret") if word in said}


def test_what_is_no_toml_says_where(path):
    assert refusal(path, "profiles = ").startswith(" is not valid TOML: ")


def test_what_is_no_utf8_is_no_toml(path):
    write(path, "")
    path.write_bytes(b'x = "\xff"')

    with pytest.raises(ConfigError, match="is not valid TOML"):
        read_config(path)


def test_a_directory_in_its_place_can_not_be_read(path):
    path.mkdir(parents=True)

    with pytest.raises(ConfigError, match=r"config\.toml is not a file"):
        read_config(path)


@pytest.mark.parametrize(
    ("name", "end"), [("hom", "; did you mean 'home'?"), ("xyz", "."), ("", ".")]
)
def test_an_unknown_profile_names_the_nearest(name, end):
    with pytest.raises(NotFound) as missing:
        Config({"home": HOME}).find_profile(name)

    assert (missing.value.message, missing.value.hint) == (
        f"There is no profile '{name}'{end}",
        "gpcli profile list shows the profiles; gpcli login PORTAL-URL makes one.",
    )


def test_a_first_profile_makes_the_file_private_with_only_what_differs(path):
    add_profile(path, HOME)

    assert path.read_text(encoding="utf-8") == (
        'default_profile = "home"\n\n'
        f'[profiles.home]\nportal = "{URL}"\nenvironment = "production"\n'
    )
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_taking_times_oneself_needs_a_scope_more():
    by_transaction = replace(TEST, booking="transaction")

    requested, added = (set(each.requested_scopes.split()) for each in (TEST, by_transaction))

    assert (requested - added, added - requested) == ({"patient/Slot.rs"}, {"patient/Slot.rus"})


def test_scopes_of_the_profiles_own_stay_as_they_are():
    assert replace(TEST, booking="transaction", scopes="openid").requested_scopes == "openid"


@pytest.mark.parametrize(
    "profile",
    [
        HOME,
        replace(TEST, ca_file="ca.pem", timeout=5.0, redirect_port=8765, zone="Europe/Dublin"),
        replace(TEST, services={"a|b": "booking"}, scopes="openid", prompt="consent"),
        replace(TEST, name="with space.and.dots"),
        replace(TEST, emergency={"acute": "112", "urgent": ""}),
    ],
)
def test_what_was_saved_is_read_back(path, profile):
    save_profile(path, profile, None)

    assert read_config(path) == Config({profile.name: profile}, profile.name)


def test_saving_keeps_the_other_profiles_and_the_comments(path):
    write(path, WRITTEN)

    add_profile(path, Profile("work", "https://work.example/fhir", "staging"))

    content = path.read_text(encoding="utf-8")
    assert content.startswith(WRITTEN.rstrip("\n"))
    assert sorted(read_config(path).profiles) == ["home", "test", "work"]


def test_changing_a_profile_keeps_its_comment_and_takes_out_what_is_default_again(path):
    write(path, WRITTEN)
    before = read_config(path).profiles["home"]
    changed = replace(before, timeout=5.0, ca_file="ca.pem")

    save_profile(path, changed, before)
    with_both = read_config(path)
    save_profile(path, before, changed)

    assert with_both == Config({"home": changed, "test": TEST}, "home")
    assert path.read_text(encoding="utf-8") == WRITTEN


def test_what_another_process_has_changed_meanwhile_stays(path):
    add_profile(path, HOME)
    save_profile(path, replace(HOME, scopes="openid", timeout=5.0), HOME)

    save_profile(path, replace(HOME, client_id="me", timeout=7.0), HOME)

    assert read_config(path).profiles == {
        "home": replace(HOME, scopes="openid", client_id="me", timeout=7.0)
    }


def test_a_profile_that_another_process_has_removed_meanwhile_is_written_whole(path):
    save_profile(path, replace(HOME, timeout=5.0, scopes="openid"), HOME)

    assert read_config(path).profiles == {"home": replace(HOME, timeout=5.0, scopes="openid")}


def test_the_first_added_profile_becomes_the_default(path):
    for profile in (HOME, TEST):
        add_profile(path, profile)

    assert read_config(path) == Config({"home": HOME, "test": TEST}, "home")


def test_a_new_profile_after_a_sign_in_becomes_the_default_where_there_is_none(path):
    add_profile(path, HOME)
    add_profile(path, TEST)
    remove_profile(path, "home")
    new = Profile("work", "https://work.example/fhir", "staging")

    save_profile(path, new, None)

    assert read_config(path) == Config({"test": TEST, "work": new}, "work")


@pytest.mark.parametrize(
    ("change", "error"),
    [
        (lambda path: add_profile(path, HOME), InvalidUsage),
        (
            lambda path: save_profile(path, replace(HOME, portal="https://x.example"), None),
            InvalidUsage,
        ),
        (lambda path: set_default_profile(path, "gone"), NotFound),
        (lambda path: remove_profile(path, "gone"), NotFound),
    ],
    ids=["add", "save", "use", "remove"],
)
def test_a_change_that_another_process_has_made_impossible_changes_nothing(path, change, error):
    write(path, WRITTEN)

    with pytest.raises(error):
        change(path)

    assert path.read_text(encoding="utf-8") == WRITTEN


def test_another_default_is_used(path):
    write(path, WRITTEN)

    set_default_profile(path, "test")

    assert path.read_text(encoding="utf-8") == WRITTEN.replace(
        'default_profile = "home"', 'default_profile = "test"'
    )


def test_a_removed_profile_is_gone_and_no_longer_the_default(path):
    write(path, WRITTEN)

    remove_profile(path, "home")

    assert read_config(path) == Config({"test": TEST}, None)
    assert "# mine" in path.read_text(encoding="utf-8")


def test_the_last_profile_can_be_removed_too(path):
    add_profile(path, HOME)

    remove_profile(path, "home")

    assert read_config(path) == Config({}, None)


def test_removing_another_profile_keeps_the_default(path):
    write(path, WRITTEN)

    remove_profile(path, "test")

    assert read_config(path) == Config({"home": HOME}, "home")


@pytest.mark.parametrize(
    ("typed", "stored"),
    [
        (URL, URL),
        (f"  {URL}/ ", URL),
        ("HTTPS://portal.example:8443/a/", "https://portal.example:8443/a"),
        ("https://portal.example", "https://portal.example"),
        ("http://127.0.0.1:8000/fhir", "http://127.0.0.1:8000/fhir"),
        ("http://[::1]:8000/fhir", "http://[::1]:8000/fhir"),
    ],
)
def test_a_portal_is_https_or_on_this_machine(typed, stored):
    assert build_profile("home", typed, "staging") == Profile("home", stored, "staging")


@pytest.mark.parametrize(
    "typed",
    [
        "",
        "   ",
        "portal.example",
        "ftp://portal.example/fhir",
        "file:///etc/passwd",
        "javascript:alert(1)",
        "https://",
        "https:///fhir",
        "https://[::1/fhir",
        "https://portal.example:99999/fhir",
        "https://portal.example:port/fhir",
        "http://portal.example/fhir",
        "http://localhost/fhir",
        "http://127.0.0.1.evil.example/fhir",
        "http://127.0.0.1@evil.example/fhir",
        "https://user@portal.example/fhir",
        "https://user:secret@portal.example/fhir",
        "https://@portal.example/fhir",
        "https://portal.example/fhir?x=1",
        "https://portal.example/fhir?",
        "https://portal.example/fhir#",
        "https://portal.example/fhir#top",
        "https://portal.example/a b",
        "https://portal.example\\@evil.example/fhir",
        "https://portal.exa\nmple/fhir",
        "https://portal.example/\x1b[2J",
        "https://portal.example/\u202efhir",
    ],
)
def test_what_is_no_safe_portal_is_refused(typed):
    with pytest.raises(ConfigError):
        build_profile("home", typed, "staging")


@pytest.mark.parametrize("environment", ["", "prod", "Production", "staging "])
def test_an_environment_is_one_of_three(environment):
    with pytest.raises(ConfigError) as raised:
        build_profile("home", URL, environment)

    assert raised.value.message == (f"'{environment}' is not one of production, staging, sandbox.")


@pytest.mark.parametrize("name", ["", "  ", "environment"])
def test_a_profile_needs_a_name_that_is_not_the_environments(name):
    with pytest.raises(ConfigError) as raised:
        build_profile(name, URL, "staging")

    assert raised.value.message == f"A profile can't be called '{name}'."


def test_gpcli_asks_for_no_scope_that_lets_it_delete():
    rights = [scope.rpartition(".")[2] for scope in SCOPES.split() if "." in scope]

    assert all(set(letters) <= set("crus") for letters in rights)
