import pytest

from gpcli.auth.scopes import (
    OfferedScopes,
    choose_scopes,
    choose_system_scopes,
    format_scopes,
    has_record_scopes,
    select_scopes,
    to_system_scopes,
    to_v1_scopes,
)
from gpcli.config.profiles import SCOPES, Profile

BOTH = {"permission-v1", "permission-v2"}


@pytest.mark.parametrize(
    ("v2", "v1"),
    [
        ("patient/Slot.rs", "patient/Slot.read"),
        ("patient/Binary.r", "patient/Binary.read"),
        ("patient/Task.crus", "patient/Task.read patient/Task.write"),
        ("patient/Consent.c", "patient/Consent.write"),
        ("patient/*.rs", "patient/*.read"),
        ("patient/*.cruds", "patient/*.read patient/*.write"),
        ("system/*.cruds", "system/*.read system/*.write"),
        ("user/Slot.s", "user/Slot.read"),
        (
            "openid fhirUser launch/patient offline_access",
            "openid fhirUser launch/patient offline_access",
        ),
        ("patient/Slot.read patient/*.write", "patient/Slot.read patient/*.write"),
        ("patient/Observation.rs?category=x", "patient/Observation.rs?category=x"),
        ("", ""),
    ],
)
def test_letters_become_the_words_of_v1(v2, v1):
    assert to_v1_scopes(v2) == v1


def test_everything_that_gpcli_asks_for_has_a_word_in_v1():
    requests = to_v1_scopes(SCOPES).split()
    clinical = [scope for scope in requests if scope.startswith("patient/")]
    assert {scope.rpartition(".")[2] for scope in clinical} == {"read", "write"}
    assert {scope.partition(".")[0] for scope in clinical} == {
        scope.partition(".")[0] for scope in SCOPES.split() if scope.startswith("patient/")
    }
    assert requests[:4] == ["openid", "fhirUser", "launch/patient", "offline_access"]


@pytest.mark.parametrize(
    ("version", "capabilities", "requests"),
    [
        (None, {"permission-v1"}, "patient/Slot.read"),
        (None, {"permission-v2"}, "patient/Slot.rs"),
        (None, BOTH, "patient/Slot.rs"),
        (None, set(), "patient/Slot.rs"),
        ("1", BOTH, "patient/Slot.read"),
        ("1", {"permission-v2"}, "patient/Slot.read"),
        ("2", {"permission-v1"}, "patient/Slot.rs"),
    ],
)
def test_v1_is_asked_where_the_profile_says_so_or_the_portal_knows_nothing_else(
    version, capabilities, requests
):
    assert format_scopes("patient/Slot.rs", version, capabilities) == requests


@pytest.mark.parametrize(
    ("scopes", "requests"),
    [
        (
            "openid fhirUser launch/patient offline_access patient/Slot.rs patient/Task.crus",
            "system/Slot.rs system/Task.crus",
        ),
        ("patient/*.read user/Slot.rs", "system/*.read system/Slot.rs"),
        ("system/*.cruds", "system/*.cruds"),
        ("openid launch/patient launch", ""),
    ],
)
def test_a_machine_asks_for_the_same_without_a_person(scopes, requests):
    assert to_system_scopes(scopes) == requests


def offered(*supported: str, by: tuple[str, ...] = ()) -> OfferedScopes:
    return OfferedScopes(supported, frozenset(by))


PROFILE = Profile("ours", "https://portal.example/fhir/R4", "staging")


@pytest.mark.parametrize(
    ("wanted", "supported", "asked"),
    [
        ("patient/Slot.rs", ["patient/Slot.rs"], "patient/Slot.rs"),
        ("patient/Appointment.crus", ["patient/Appointment.rs"], "patient/Appointment.rs"),
        ("patient/Appointment.crus", ["patient/Appointment.cruds"], "patient/Appointment.cruds"),
        (
            "patient/Appointment.crus",
            ["patient/Appointment.r", "patient/Appointment.s", "patient/Appointment.cu"],
            "patient/Appointment.cu patient/Appointment.s patient/Appointment.r",
        ),
        (
            "patient/Appointment.crus",
            ["patient/Appointment.rs", "patient/Appointment.cruds"],
            "patient/Appointment.cruds",
        ),
        ("patient/Appointment.rs", ["patient/Appointment.cd"], ""),
        ("patient/Task.crus", ["patient/Task.cd"], "patient/Task.cd"),
        ("patient/Slot.rs", ["patient/Slot.read", "patient/Slot.rs"], "patient/Slot.rs"),
        ("patient/Slot.rs", ["patient/Slot.read", "patient/Slot.write"], "patient/Slot.read"),
        (
            "patient/Task.crus",
            ["patient/Task.read", "patient/Task.write"],
            "patient/Task.write patient/Task.read",
        ),
        ("patient/Task.crus", ["patient/Task.read"], "patient/Task.read"),
        ("patient/Slot.rs", ["patient/*.rs"], "patient/*.rs"),
        ("patient/Slot.rs", ["patient/*.read"], "patient/*.read"),
        ("patient/Slot.rs", ["patient/*.*"], "patient/*.*"),
        ("patient/Slot.rs patient/Task.rs", ["patient/*.rs"], "patient/*.rs"),
        ("patient/Slot.rs", ["patient/*.rs", "patient/Slot.r"], "patient/Slot.r"),
        ("patient/Slot.rs", ["user/Slot.rs", "system/*.rs", "patient/Slots.rs"], ""),
        ("patient/Slot.rs", ["patient/Slot.rs?status=free"], ""),
        ("openid fhirUser", ["openid", "profile"], "openid"),
    ],
)
def test_only_what_the_portal_lists_is_asked_for(wanted, supported, asked):
    found = select_scopes(wanted.split(), offered(*supported), None)
    assert set(found.split()) == set(asked.split())


def test_a_portal_that_lists_nothing_is_asked_for_all():
    assert select_scopes(SCOPES.split(), offered(), None) == SCOPES
    assert "patient/Slot.read" in select_scopes(
        SCOPES.split(), offered(by=("permission-v1",)), None
    )


@pytest.mark.parametrize(
    ("by", "asked"),
    [
        ((), "openid"),
        (("context-standalone-patient",), "openid launch/patient"),
        (("permission-offline",), "openid offline_access"),
        (("sso-openid-connect", "context-ehr-patient"), "openid"),
    ],
)
def test_a_capability_stands_for_two_scopes_that_are_not_listed(by, asked):
    wanted = "openid fhirUser launch/patient offline_access"
    assert select_scopes(wanted.split(), offered("openid", by=by), None) == asked


@pytest.mark.parametrize(
    ("version", "asked"), [("1", "patient/Slot.read"), ("2", "patient/Slot.rs")]
)
def test_a_profile_may_say_which_version_of_a_list_counts(version, asked):
    both = offered("patient/Slot.rs", "patient/Slot.read")
    assert select_scopes(["patient/Slot.rs"], both, version) == asked


def test_what_a_large_portal_lists_is_asked_for_and_no_more():
    """In the shape of lists that vendors publish: v1 and v2, three contexts, other types."""
    types = ("Appointment", "Slot", "Schedule", "Patient", "Consent", "Observation")
    listed = [
        f"{context}/{type_}.{permission}"
        for context in ("patient", "user")
        for type_ in types
        for permission in ("read", "rs")
    ]
    more = ("openid", "fhirUser", "launch/patient", "offline_access", "online_access", "profile")
    found = choose_scopes(
        PROFILE, offered(*listed, *more, "patient/Binary.r", "user/Location.rs"), lambda: None
    )
    assert set(found.split()) == {
        *("openid", "fhirUser", "launch/patient", "offline_access", "patient/Binary.r"),
        *(f"patient/{type_}.rs" for type_ in types if type_ != "Observation"),
    }


def test_a_type_that_the_portal_does_not_have_is_not_asked_for():
    found = choose_scopes(PROFILE, offered(), lambda: frozenset({"Slot", "Appointment"}))
    assert found == (
        "openid fhirUser launch/patient offline_access patient/Slot.rs patient/Appointment.crus"
    )


def test_a_portal_that_does_not_say_which_types_it_has_is_asked_for_all():
    assert choose_scopes(PROFILE, offered(), lambda: None) == SCOPES


OWN = "openid launch/patient patient/Slot.rs patient/*.cruds"


def test_scopes_of_a_profile_s_own_are_sent_as_written():
    def read_types():
        raise AssertionError("nobody needs them")

    own = Profile("ours", "https://portal.example", "staging", scopes=OWN)
    assert choose_scopes(own, offered("openid", by=("permission-v1",)), read_types) == OWN


def test_scopes_of_a_profile_s_own_are_written_in_the_version_that_it_names():
    own = Profile("ours", "https://x.example", "staging", scopes=OWN, scopes_version="1")
    assert choose_scopes(own, offered("openid"), lambda: None) == to_v1_scopes(OWN)


def test_booking_by_transaction_asks_for_the_slot_as_far_as_it_is_listed():
    ours = Profile("ours", "https://x.example", "staging", booking="transaction")
    found = choose_scopes(ours, offered("patient/Slot.rus"), lambda: None)
    assert found == "patient/Slot.rus"


@pytest.mark.parametrize(
    ("supported", "asked"),
    [
        (["system/*.read"], "system/*.read"),
        (["system/Slot.rs", "patient/Slot.rs"], "system/Slot.rs"),
        (["patient/Slot.rs"], to_system_scopes(SCOPES)),
        ([], to_system_scopes(SCOPES)),
    ],
)
def test_a_machine_asks_for_what_is_listed_for_machines(supported, asked):
    assert choose_system_scopes(PROFILE, offered(*supported)) == asked


@pytest.mark.parametrize(
    ("scopes", "opens"),
    [
        ("openid launch/patient", False),
        ("patient/*.rs", True),
        ("openid user/X.r", True),
        ("", False),
    ],
)
def test_scopes_that_open_records_are_told_from_others(scopes, opens):
    assert has_record_scopes(scopes) is opens
