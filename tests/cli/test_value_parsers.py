from enum import StrEnum

import pytest
import typer

from gpcli.cli.value_parsers import choice, decimal_number, format_choices, patient_id, whole_number


class Colour(StrEnum):
    RED = "red"
    BLUE = "blue"


@pytest.mark.parametrize(
    ("parse", "text", "value"),
    [
        (whole_number(), "-7", -7),
        (whole_number(), 5, 5),
        (whole_number(1), "1", 1),
        (whole_number(0, 9), "9", 9),
        (decimal_number(), "-0.5", -0.5),
        (decimal_number(1), "1", 1.0),
        (decimal_number(1), 2.5, 2.5),
        (patient_id(), "p-1.2", "p-1.2"),
        (patient_id(), "Patient/p1", "p1"),
        (choice(Colour), "red", Colour.RED),
        (choice(Colour), Colour.BLUE, Colour.BLUE),
    ],
)
def test_what_fits_is_parsed(parse, text, value):
    assert parse(text) == value
    assert type(parse(text)) is type(value)


@pytest.mark.parametrize(
    ("parse", "text", "message"),
    [
        (whole_number(), "9" * 19, f"'{'9' * 19}' is too long: at most 18 digits."),
        (whole_number(0, 9), f"-{'9' * 19}", f"'-{'9' * 19}' is too long: at most 18 digits."),
        (patient_id(), "", "'' is not the id of a patient."),
        (patient_id(), "p1?x=1", "'p1?x=1' is not the id of a patient."),
        (patient_id(), "Person/p1", "'Person/p1' is not the id of a patient."),
        (whole_number(), "few", "'few' is not a whole number."),
        (whole_number(), "", "'' is not a whole number."),
        (whole_number(1), "0", "0 is too little: at least 1."),
        (whole_number(0, 9), "10", "10 is not in the range 0 to 9."),
        (whole_number(0, 9), "-1", "-1 is not in the range 0 to 9."),
        (decimal_number(), "soon", "'soon' is not a number."),
        (decimal_number(1), "0", "0.0 is too little: at least 1."),
        (choice(Colour), "Red", "'Red' is not one of 'red', 'blue'."),
    ],
)
def test_what_does_not_fit_is_refused(parse, text, message):
    with pytest.raises(typer.BadParameter) as refused:
        parse(text)

    assert refused.value.message == message


def test_choices_are_written_as_alternatives():
    assert format_choices(Colour) == "red|blue"
