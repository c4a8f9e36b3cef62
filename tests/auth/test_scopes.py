import pytest

from gpcli.auth.discovery import format_scopes, to_system_scopes, to_v1_scopes
from gpcli.config.profiles import SCOPES

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
