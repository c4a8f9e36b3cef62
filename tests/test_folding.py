import pytest

from gpcli.folding import fold_text, has_wanted, split_wanted


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("Metformin 500 mg", "metformin"),
        ("Metformin 500 mg", "METFORMIN 500"),
        ("Metformin 500 mg", "500mg"),
        ("Metformin 500 mg", "formin"),
        ("Levaxin 2,5 mg", "2.5"),
        ("Levaxin 2.5 mg", "levaxin 2,5 mg"),
        ("Re: rash?", "rash!"),
        ("Ørejodd", "orejodd"),
        ("Cafe\u0301", "café"),
        ("Café", "cafe\u0301"),
        ("発疹について", "発疹"),
        ("発疹について", "発"),
        ("My ❤\ufe0f", "❤"),
        ("My ❤", "❤\ufe0f"),
        ("Ra\u200bsh", "rash"),
        ("Rash", "ra\u200bsh"),
        ("Rash\ton the arm", "rash on"),
    ],
)
def test_a_name_has_the_words_that_are_looked_for(name, wanted):
    assert has_wanted(name, split_wanted(wanted))


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("Metformin 500 mg", "metformin 50"),
        ("Metformin 500 mg", "500 g mol"),
        ("Metformin 1500 mg", "metformin 500"),
        ("Levaxin 2.5 mg", "levaxin 25"),
        ("Levaxin 2.5 mg", "levaxin 5"),
        ("Rash", "rush"),
        ("", "rash"),
    ],
)
def test_a_number_has_to_be_there_whole_and_every_word(name, wanted):
    assert not has_wanted(name, split_wanted(wanted))


@pytest.mark.parametrize("text", ["", "  ", "ra", "50", "--", "...", "\u200b\u200b", "\u0301", "é"])
def test_what_is_too_little_is_nothing_to_look_for(text):
    assert split_wanted(text) == ()


def test_case_and_accents_do_not_count():
    assert fold_text("Ærlig Łódź ÅSE") == "aerlig lodz ase"
