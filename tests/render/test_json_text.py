"""JSON of others laid out anew: nothing of it changes but the space between its parts."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpcli.render.json_text import indent_json, join_json

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda below: st.lists(below) | st.dictionaries(st.text(), below),
    max_leaves=20,
)


@given(VALUES, st.sampled_from([None, 1, "\t"]), st.booleans())
def test_it_says_the_same_as_before(value, indent, ensure_ascii):
    document = json.dumps(value, indent=indent, ensure_ascii=ensure_ascii)
    assert json.loads(join_json(document)) == value
    assert indent_json(document) == json.dumps(value, indent=2, ensure_ascii=ensure_ascii)
    assert "\n" not in join_json(document)


@pytest.mark.parametrize("number", ["1.50", "-0", "1e5", "0.10E-2", "12345678901234567890.0"])
def test_a_number_keeps_its_digits(number):
    document = f'{{"n" :\n[ {number} ]}}'
    assert join_json(document) == f'{{"n":[{number}]}}'
    assert indent_json(document) == f'{{\n  "n": [\n    {number}\n  ]\n}}'


def test_what_stands_in_a_text_is_no_part_of_the_layout():
    document = r'{"a": "{ \"b\" : [1, 2] }", "c\\": "\u0041"}'
    assert join_json(document) == r'{"a":"{ \"b\" : [1, 2] }","c\\":"\u0041"}'
