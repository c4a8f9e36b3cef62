"""Test who can sign in, and for whom."""

import pytest

from gpcli.sandbox.accounts import Account, Dependant, UnknownPerson, find_account

EMIL = Dependant("emil", "Emil Hagen", "emil-1", "RelatedPerson/guro-for-emil")
GURO = Account("guro", "Guro Hagen", "Flu", "guro-1", (EMIL,))
EVA = Account("eva", "Eva Strand", "No GP", "eva-1")


@pytest.mark.parametrize(
    ("acting_for", "patient", "fhir_user"),
    [
        (None, "guro-1", "Patient/guro-1"),
        ("guro", "guro-1", "Patient/guro-1"),
        ("guro-1", "guro-1", "Patient/guro-1"),
        ("emil", "emil-1", "RelatedPerson/guro-for-emil"),
        ("emil-1", "emil-1", "RelatedPerson/guro-for-emil"),
    ],
)
def test_a_person_signs_in_as_themselves_or_for_somebody(
    acting_for: str | None, patient: str, fhir_user: str
) -> None:
    assert GURO.resolve_patient(acting_for) == (patient, fhir_user)


@pytest.mark.parametrize("acting_for", ["", "emil", "guro", "guro-for-emil"])
def test_nobody_acts_for_a_stranger(acting_for: str) -> None:
    with pytest.raises(UnknownPerson) as refusal:
        EVA.resolve_patient(acting_for, [GURO, EVA])

    assert str(refusal.value) == f"eva has no child called {acting_for!r}; known: emil (of guro)"


@pytest.mark.parametrize("key", ["eva", "Eva", "EVA"])
def test_a_person_is_found_by_name_whatever_the_capitals(key: str) -> None:
    assert find_account([GURO, EVA], key) is EVA


@pytest.mark.parametrize(
    ("cards", "message"),
    [
        ([GURO, EVA], "no person called 'finn'; known: guro, eva"),
        ([], "no person called 'finn'; known: none"),
    ],
)
def test_who_is_unknown_is_told_who_is_known(cards: list[Account], message: str) -> None:
    with pytest.raises(LookupError) as refusal:
        find_account(cards, "finn")

    assert str(refusal.value) == message


@pytest.mark.parametrize(
    ("key", "message"),
    [
        ("emil", "'emil' does not sign in, but guro can act for them; known: guro, eva"),
        ("Per", "'Per' does not sign in; known: guro, eva"),
    ],
)
def test_who_does_not_sign_in_is_not_called_unknown(key: str, message: str) -> None:
    with pytest.raises(UnknownPerson) as refusal:
        find_account([GURO, EVA], key, {"emil", "per"})

    assert str(refusal.value) == message
