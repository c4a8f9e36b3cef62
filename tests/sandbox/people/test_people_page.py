"""Hold docs/people.md against the tables of keys."""

import re
from pathlib import Path

import pytest

from gpcli.sandbox.people.form_keys import SECTIONS, TABLES
from gpcli.sandbox.people.people_file import read_people
from tests.sandbox.people.population import NOW, of_type

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs" / "people.md").read_text(encoding="utf-8")
DOCUMENTED = {
    name: set(re.findall(r"`(\w+)`", "".join(re.findall(r"^\|([^|]*)\|", rows, re.MULTILINE))))
    for name, rows in re.findall(
        r"^\| key of (.+?) \|.*\n\| ---.*\n((?:\|.*\n)+)", PAGE, re.MULTILINE
    )
}
"""What stands in the first column of each table, by what the keys are of."""


@pytest.mark.parametrize("table", TABLES)
def test_every_key_is_explained(table: str) -> None:
    assert DOCUMENTED[table] == set(TABLES[table])


def test_every_section_is_explained() -> None:
    assert DOCUMENTED["the file"] == set(SECTIONS)
    assert set(DOCUMENTED) == {*TABLES, "the file"}


def test_the_example_is_good_as_it_is(tmp_path: Path) -> None:
    (example,) = re.findall(r"<!-- example -->\n```yaml\n(.*?)```\n<!-- /example -->", PAGE, re.S)
    file = tmp_path / "people.yaml"
    file.write_text(example, encoding="utf-8")

    population = read_people(file)

    assert [each.key for each in population.accounts] == ["liv"]
    assert len(of_type(list(population.resources(NOW)), "Slot")) > 100
