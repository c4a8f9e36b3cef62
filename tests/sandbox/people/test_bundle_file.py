"""Test populations from a Bundle in a file."""

import json
from pathlib import Path
from typing import Any

import pytest

from gpcli.sandbox.accounts import Account, Dependant
from gpcli.sandbox.people.bundle_file import InvalidPeopleFile, accounts_in
from gpcli.sandbox.people.people_file import read_people
from tests.sandbox.people.population import NOW

Resource = dict[str, Any]


def patient(id_: str, number: str | None = None, **elements: Any) -> Resource:
    identifier = {"identifier": [{"system": "urn:x", "value": number}]} if number else {}
    return {"resourceType": "Patient", "id": id_, **identifier, **elements}


def acts_for(id_: str, number: str, child: str) -> Resource:
    return {
        "resourceType": "RelatedPerson",
        "id": id_,
        "identifier": [{"system": "urn:x", "value": number}],
        "patient": {"reference": f"Patient/{child}"},
    }


def test_a_bundles_resources_are_read_in_order(tmp_path: Path) -> None:
    resources = [patient("a"), {"resourceType": "Location", "id": "b"}]
    file = tmp_path / "people.json"
    bundle = {"resourceType": "Bundle", "entry": [{"resource": each} for each in resources]}
    file.write_text(json.dumps(bundle), encoding="utf-8")

    assert list(read_people(file).resources(NOW)) == resources


def test_a_missing_file_is_an_os_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        read_people(tmp_path / "nobody.json")


@pytest.mark.parametrize(
    "entry", [None, "x", {}, {"resource": None}, {"resource": {"resourceType": "Patient", "id": 7}}]
)
def test_an_entry_without_a_named_resource_is_pointed_at(tmp_path: Path, entry: Any) -> None:
    file = tmp_path / "people.json"
    bundle = {"resourceType": "Bundle", "entry": [{"resource": patient("a")}, entry]}
    file.write_text(json.dumps(bundle), encoding="utf-8")

    with pytest.raises(InvalidPeopleFile, match="entry 1 has no resource with a type and an id"):
        read_people(file)


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ([{"text": "Zoe Vik", "given": ["Z"]}], "Zoe Vik"),
        ([{"given": ["Zoe", "Mai"], "family": "Vik"}], "Zoe Mai Vik"),
        ([{"family": "Vik"}], "Vik"),
        ([{}], "Z-1"),
        ([], "Z-1"),
    ],
)
def test_a_patient_is_called_by_their_name_or_else_by_their_id(
    name: list[Resource], shown: str
) -> None:
    (card,) = accounts_in([patient("Z-1", name=name)])

    assert card == Account("z-1", shown, "From the file of people", "Z-1")


def test_who_shares_a_number_with_a_related_person_acts_for_its_patient() -> None:
    population = [
        patient("mum", "1"),
        patient("dad", "2"),
        patient("kid"),
        acts_for("r", "1", "kid"),
    ]

    wards = {card.key: card.acts_for for card in accounts_in(population)}

    assert wards == {
        "mum": (Dependant("kid", "kid", "kid", "RelatedPerson/r"),),
        "dad": (),
        "kid": (),
    }


def test_a_related_person_of_a_patient_who_is_not_there_acts_for_nobody() -> None:
    (card,) = accounts_in([patient("mum", "1"), acts_for("r", "1", "gone")])

    assert card.acts_for == ()
