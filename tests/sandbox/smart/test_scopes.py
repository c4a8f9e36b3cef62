"""Test scope descriptions, and scopes after permissions are unticked."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpcli.sandbox.smart.scopes import (
    IDENTITY_SCOPES,
    OFFLINE_ACCESS,
    consent_permissions,
    narrow_scopes,
    supported_scopes,
)

TYPES = ("*", "Patient", "Slot", "Appointment", "Communication", "Task", "Observation")
LETTERS = st.lists(st.sampled_from("cruds"), min_size=1, unique=True).map(
    lambda chosen: "".join(sorted(chosen, key="cruds".index))
)
MAY = st.one_of(LETTERS, st.sampled_from(["read", "write", "*"]))
SCOPES = st.lists(
    st.one_of(
        st.sampled_from([*IDENTITY_SCOPES, OFFLINE_ACCESS]),
        st.builds("patient/{}.{}".format, st.sampled_from(TYPES), MAY),
    ),
    unique=True,
)


def keys_of(scopes: list[str]) -> list[str]:
    return [box.key for box in consent_permissions(scopes)]


@pytest.mark.parametrize(
    "scope",
    [
        "patient/Patient.sr",
        "patient/Patient.",
        "patient/Patient",
        "patient/patient.rs",
        "patient/Patient.rs?category=x",
        "patient/Patient.reads",
        "user/Patient.rs",
        "system/*.rs",
        "launch",
        "OPENID",
        "weather",
    ],
)
def test_scopes_that_are_not_granted_here(scope: str) -> None:
    assert supported_scopes(f"openid {scope} openid") == ["openid"]


def test_each_area_has_a_box_for_seeing_and_one_for_doing() -> None:
    boxes = consent_permissions(
        ["patient/Task.crus", "patient/Slot.rs", "patient/Appointment.crus"]
    )

    assert [(box.key, box.side, box.words) for box in boxes] == [
        ("appointments.see", "see", "Free times and appointments"),
        ("appointments.do", "do", "Book, move and cancel appointments"),
        ("renewals.see", "see", "Requests to renew prescriptions"),
        ("renewals.do", "do", "Ask for prescriptions to be renewed, or take that back"),
    ]


def test_what_is_not_known_by_name_is_called_other_parts_of_the_record() -> None:
    assert keys_of(["patient/Observation.rs", "patient/*.rs"]) == ["everything.see", "other.see"]


@pytest.mark.parametrize(
    ("scope", "seen", "done"),
    [
        ("patient/Task.cruds", "patient/Task.rs", "patient/Task.cud"),
        ("patient/Task.*", "patient/Task.read", "patient/Task.write"),
        ("patient/Task.read", "patient/Task.read", None),
        ("patient/Task.write", None, "patient/Task.write"),
        ("patient/Task.c", None, "patient/Task.c"),
    ],
)
def test_seeing_and_doing_can_be_granted_apart(
    scope: str, seen: str | None, done: str | None
) -> None:
    only_seen, only_done = (narrow_scopes([scope], [f"renewals.{side}"]) for side in ("see", "do"))

    assert (only_seen, only_done) == ([seen] if seen else [], [done] if done else [])


@given(SCOPES)
def test_all_boxes_ticked_grants_what_was_asked_for(scopes: list[str]) -> None:
    assert narrow_scopes(scopes, keys_of(scopes)) == scopes


@given(SCOPES)
def test_no_box_ticked_leaves_only_who_it_is(scopes: list[str]) -> None:
    assert narrow_scopes(scopes, []) == [scope for scope in scopes if scope in IDENTITY_SCOPES]


@given(SCOPES, st.data())
def test_ticking_less_never_grants_more(scopes: list[str], data: st.DataObject) -> None:
    ticked = data.draw(st.lists(st.sampled_from(keys_of(scopes) or ["none"])))

    left = narrow_scopes(scopes, ticked)

    assert set(keys_of(left)) <= set(keys_of(scopes)) & set(ticked)
    assert supported_scopes(" ".join(left)) == left
