import json
import tracemalloc
from collections.abc import Callable
from contextlib import suppress
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as some

from gpcli.fhir.element import read_resource
from gpcli.http.decode import MAX_DEPTH, MAX_NAMES, MAX_TEXT, UnusableBody, decode_json, encode_json


def test_decimals_keep_the_records_own_digits():
    assert decode_json(b'{"value": 5.20, "big": 1E+3, "n": -0.0}') == {
        "value": Decimal("5.20"),
        "big": Decimal("1E+3"),
        "n": Decimal("-0.0"),
    }
    assert str(decode_json(b"[5.20]")[0]) == "5.20"


def test_integers_stay_integers_up_to_4300_digits():
    assert decode_json(b"[" + b"9" * 4300 + b"]") == [int("9" * 4300)]


def test_one_byte_order_mark_is_skipped_and_a_second_is_not():
    assert decode_json(b"\xef\xbb\xbf{}") == {}
    with pytest.raises(UnusableBody, match="is not JSON"):
        decode_json(b"\xef\xbb\xbf\xef\xbb\xbf{}")


@pytest.mark.real
@pytest.mark.parametrize(
    ("first", "size"),
    [
        ("x", 10_400_000),
        ("ø", 10_400_000),
        ("\N{EN DASH}", 10_000_000),
        ("\N{GRINNING FACE}", 5_500_000),
    ],
)
def test_large_texts_are_read_as_far_as_their_characters_are_narrow(first, size):
    assert len(decode_json(f'"{first}'.encode() + b"x" * size + b'"')) == size + 1


@pytest.mark.parametrize(
    ("first", "size"),
    [("x", 10_500_000), ("\N{EN DASH}", 10_500_000), ("\N{GRINNING FACE}", 5_700_000)],
)
def test_texts_that_would_take_too_much_memory_are_refused(first, size):
    with pytest.raises(UnusableBody, match="is too large"):
        decode_json(f'"{first}'.encode() + b"x" * size + b'"')


def test_a_surrogate_pair_is_a_character():
    assert decode_json(rb'["\ud83d\ude00"]') == ["\N{GRINNING FACE}"]


@pytest.mark.parametrize(
    ("raw", "why"),
    [
        (b"[NaN]", "holds a number that is not finite"),
        (b"[Infinity]", "holds a number that is not finite"),
        (b"[-Infinity]", "holds a number that is not finite"),
        (b"[1e999]", "holds a number that is not finite"),
        (b"[-1e999]", "holds a number that is not finite"),
        (b"[" + b"9" * 4301 + b"]", "holds a number that is too long"),
        (b"[-" + b"9" * 4301 + b"]", "holds a number that is too long"),
        (b"[0." + b"1" * 4301 + b"]", "holds a number that is too long"),
        (b"[1e-99999999999999999999]", "holds a number that is too small to tell from zero"),
        (b'{"id": 1, "id": 2}', "has the same key twice"),
        (b'[{"a": {"b": 1, "b": 1}}]', "has the same key twice"),
        (rb'["\ud83d"]', "holds half a character (a lone surrogate)"),
        (rb'{"\uDE00": 1}', "holds half a character (a lone surrogate)"),
        (b'["\xed\xa0\xbd"]', "is not UTF-8"),
        ('{"a": 1}'.encode("utf-16"), "is not UTF-8"),
        (b'["\xff"]', "is not UTF-8"),
        (b"[" * 101 + b"]" * 101, "is nested too deeply"),
        (b'{"a":' * 101 + b"1" + b"}" * 101, "is nested too deeply"),
        (b"[" * 300_000, "is nested too deeply"),
        (b"[" + b"1," * 700_000 + b"1]", "is too large"),
        (b"[" + b"{}," * 200_000 + b"{}]", "is too large"),
        (b"{'a': 1}", "is not JSON (line 1, column 2)"),
        (b'{"a": 1,}', None),
        (b'{"a": 1} x', "is not JSON (line 1, column 10)"),
        (b'["\x01"]', "is not JSON (line 1, column 3)"),
        (b"", "is not JSON (line 1, column 1)"),
        (b"01", "is not JSON (line 1, column 2)"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_what_is_not_strict_json_is_refused_saying_why(raw, why):
    with pytest.raises(UnusableBody) as raised:
        decode_json(raw)
    assert why is None or str(raised.value) == why


def test_different_names_are_counted_and_the_same_ones_are_not():
    names = [f'"{number:x}": "a: b"' for number in range(MAX_NAMES + 1)]
    assert len(decode_json(f"{{{','.join(names[:-1])}}}".encode())) == MAX_NAMES
    assert len(decode_json(b"[" + b'{"a": 1},' * MAX_NAMES + b"1]")) == MAX_NAMES + 1
    with pytest.raises(UnusableBody, match="holds more than 50,000 different names"):
        decode_json(f"{{{','.join(names)}}}".encode())


@pytest.mark.real
def test_a_page_of_six_thousand_appointments_is_read():
    def code(system: str, code: str) -> dict[str, object]:
        return {"coding": [{"system": system, "code": code, "display": "General practice"}]}

    def appointment(number: int) -> dict[str, object]:
        actors = ("Patient/ada", "Practitioner/haugland", "Location/solbakken")
        return {
            "resourceType": "Appointment",
            "id": f"a-{number:07}",
            "meta": {"versionId": "1", "lastUpdated": "2026-11-30T10:00:00.000+00:00"},
            "status": "booked",
            "serviceType": [code("http://terminology.hl7.org/CodeSystem/service-type", "124")],
            "start": "2026-12-01T10:00:00+01:00",
            "end": "2026-12-01T10:15:00+01:00",
            "participant": [
                {"actor": {"reference": each}, "status": "accepted"} for each in actors
            ],
        }

    entries = [{"resource": appointment(number)} for number in range(6000)]
    page = {"resourceType": "Bundle", "type": "searchset", "entry": entries}
    assert decode_json(json.dumps(page).encode()) == page


def _repeat(form: str) -> Callable[[int], str]:
    return lambda size: (
        "[" + ",".join(form.replace("#", f"{n:06}") for n in range(1, size // len(form))) + "]"
    )


def _fill(first: str, each: str) -> Callable[[int], str]:
    return lambda size: f'["{first}{each * (size // len(each))}"]'


@pytest.mark.real
@pytest.mark.parametrize(
    "build",
    [
        *map(_repeat, ("{}", "[]", '[""]', '"#"', "1#", "1.#", '{"a":"#"}', '{"a":[]}')),
        *map(_repeat, ('{"a":1,"b":2,"c":3,"d":4,"e":5,"f":6}', '{"a":' * 90 + "1" + "}" * 90)),
        lambda size: "{" + ",".join(f'"{n}":{n}' for n in range(min(size // 9, 1250))) + "}",
        *(_fill(first, "x") for first in ("", r"\u2014", r"\ud83d\ude00", "\N{GRINNING FACE}")),
        *(_fill("", each) for each in (r"\n", r"\"", "\N{GRINNING FACE}", r"\ud83d\ude00")),
    ],
)
def test_the_largest_that_is_read_takes_no_more_memory_than_is_allowed(build, monkeypatch):
    monkeypatch.setattr("gpcli.http.decode.MAX_MEMORY", 1_000_000)
    monkeypatch.setattr("gpcli.http.decode.MAX_NAMES", 1_250)

    def is_read(size):
        with suppress(UnusableBody):
            return bool(decode_json(build(size).encode()))
        return False

    largest = 0
    for step in (2**exponent for exponent in range(18, 8, -1)):
        largest += step if is_read(largest + step) else 0
    raw = bytearray(build(largest).encode())
    tracemalloc.start()
    value = decode_json(raw)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert value
    assert 150_000 < peak + len(raw) <= 1_010_000


def test_a_text_that_is_too_long_costs_the_field_and_a_file_does_not():
    long, longest = "x" * (MAX_TEXT + 1), "x" * MAX_TEXT
    record = {"resourceType": "Basic", "id": "b", "data": long, "good": longest, "bad": long}
    decoded = decode_json(json.dumps(record).encode())
    assert (decoded["data"], decoded["good"], decoded["id"]) == (long, longest, "b")
    flaws: list[str] = []
    resource = read_resource(decoded, flaws)
    assert resource.string("bad") is None
    assert flaws == ["Basic/b: Basic.bad is not what R4 says"]
    with pytest.raises(UnusableBody, match="has more than 1,048,576 characters in one place"):
        encode_json(decoded)


def test_a_hundred_levels_are_allowed():
    assert decode_json(b"[" * MAX_DEPTH + b"]" * MAX_DEPTH)


def test_a_refusal_never_quotes_the_text():
    with pytest.raises(UnusableBody) as raised:
        decode_json(b'{"secret-key": 1, "secret-key": "secret"}')
    assert "secret" not in str(raised.value)


JSON_VALUES = some.recursive(
    some.none()
    | some.booleans()
    | some.integers()
    | some.decimals(-(10**9), 10**9, places=3)
    | some.text(some.characters(exclude_categories=["Cs"])),
    lambda inner: some.lists(inner) | some.dictionaries(some.text("abc"), inner),
    max_leaves=8,
)


@given(some.dictionaries(some.text("abc"), JSON_VALUES))
def test_what_is_encoded_is_decoded_with_the_same_digits(value):
    assert decode_json(encode_json(value)) == value


@given(some.binary(max_size=200))
def test_any_bytes_are_either_json_or_refused(raw):
    try:
        value = decode_json(raw)
    except UnusableBody:
        return
    assert value == json.loads(raw.removeprefix(b"\xef\xbb\xbf"), parse_float=Decimal)


def test_text_that_looks_like_our_decimals_stays_text():
    assert decode_json(encode_json({"a": '"1.5"', "b": Decimal("1.50")})) == {
        "a": '"1.5"',
        "b": Decimal("1.50"),
    }
    assert encode_json({"b": Decimal("1.50")}) == b'{"b": 1.50}'


def test_half_a_character_is_not_sent():
    with pytest.raises(UnusableBody, match="half a character"):
        encode_json({"note": "\udcff"})


@pytest.mark.parametrize("value", [float("nan"), Decimal("NaN"), Decimal("Infinity")])
def test_a_number_that_is_not_finite_is_a_mistake_of_ours(value):
    with pytest.raises((ValueError, TypeError)):
        encode_json({"value": value})
