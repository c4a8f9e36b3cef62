"""Who has been prescribed what, and which renewals were asked for."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from functools import partial

from gpcli.sandbox.people.directory import AASHEIM, BAKKE, ESPELAND, HAUGLAND, MYRVOLD, SOLEM
from gpcli.sandbox.people.elements import Element
from gpcli.sandbox.people.medicines import (
    ACETYLSALISYLSYRE,
    ALENDRONSYRE,
    ALLOPURINOL,
    AMLODIPIN,
    AMLODIPINE,
    AMOKSICILLIN,
    APIKSABAN,
    ATORVASTATIN,
    ATORVASTATIN_NB,
    BISOPROLOL,
    BUMETANID,
    CANDESARTAN,
    CETIRIZINE,
    DESLORATADIN,
    EMPAGLIFLOZIN,
    FINASTERID,
    FOLSYRE,
    KODEIN,
    LEVOTHYROXINE,
    LOSARTAN,
    MELATONIN,
    METFORMIN,
    METFORMIN_NB,
    NAERINGSDRIKK,
    NAPROXEN,
    NUTRITION_DRINK,
    OKSYKODON,
    OMEPRAZOLE,
    OYEDRAPER,
    PENICILLIN,
    PREDNISOLON,
    RAMIPRIL,
    SALBUTAMOL,
    SALBUTAMOL_NB,
    SIMVASTATIN,
    SPIRONOLAKTON,
    SUMATRIPTAN,
    TAMSULOSIN,
    TEST_STRIPS,
    TESTSTRIMLER,
    TIAMIN,
    WARFARIN,
    ZOPICLONE,
    Product,
)
from gpcli.sandbox.people.patients import ADA, BO, DAVID, EMIL, FINN, GURO, HANS
from gpcli.sandbox.people.prescriptions import Prescription, Renewal

_ada = partial(Prescription, ADA, HAUGLAND)
_EVENING = "1 tablet in the evening, for high cholesterol."
_FIRST_STATIN = _ada(
    ATORVASTATIN,
    _EVENING,
    790,
    repeats=3,
    fetched=(788, 700, 610, 520),
    status="completed",
)
_FORMER_STATIN = _ada(
    ATORVASTATIN,
    _EVENING,
    430,
    repeats=3,
    fetched=(425, 335, 240, 150),
    status="completed",
    replaces=_FIRST_STATIN,
)
_STATIN = _ada(ATORVASTATIN, _EVENING, 70, repeats=3, fetched=(64,), replaces=_FORMER_STATIN)
_WAITING = _ada(
    CANDESARTAN,
    "1 tablet in the morning, for high blood pressure.",
    300,
    repeats=2,
    fetched=(298, 200, 102),
)
_REFUSED = _ada(
    NAPROXEN,
    "1 tablet twice a day with food, when needed.",
    210,
    repeats=0,
    fetched=(208,),
)
_ADAS = (
    _ada(
        METFORMIN,
        "1 tablet twice a day with meals, for diabetes.",
        160,
        repeats=3,
        fetched=(158, 60),
    ),
    _ada(
        AMLODIPINE,
        "1 tablet daily, for high blood pressure.",
        335,
        repeats=3,
        fetched=(333, 240, 150, 55),
    ),
    _ada(
        OMEPRAZOLE,
        "1 capsule before breakfast, for the stomach.",
        120,
        repeats=2,
        fetched=(118,),
        returned=(30,),
    ),
    _ada(
        LEVOTHYROXINE,
        "1 tablet daily, on an empty stomach.",
        140,
        repeats=5,
        figure=(5, 2),
    ),
    _ada(
        SALBUTAMOL,
        "1 or 2 puffs when breathing is hard, at most 8 a day.",
        90,
        has_kind=False,
    ),
    _ada(
        ZOPICLONE,
        "1 tablet at bedtime when needed. Not every night.",
        48,
        repeats=0,
        fetched=(47,),
    ),
    _ada(
        TEST_STRIPS,
        "For measuring blood glucose, up to 3 a day.",
        100,
        repeats=3,
        fetched=(99, 20),
    ),
    _ada(
        NUTRITION_DRINK,
        "1 bottle daily between meals.",
        45,
        repeats=1,
        fetched=(44,),
        in_catalogue=False,
    ),
    _ada(CETIRIZINE, "1 tablet daily in the pollen season.", 517, repeats=1, fetched=(515,)),
    _ada(
        PENICILLIN,
        "1 tablet 4 times a day for 7 days.",
        800,
        repeats=0,
        fetched=(800,),
        status="completed",
    ),
    _ada(
        RAMIPRIL,
        "1 tablet daily.",
        320,
        repeats=3,
        fetched=(318,),
        status="stopped",
        why="Dry cough; replaced by candesartan.",
    ),
    _STATIN,
    _WAITING,
    _REFUSED,
)
_RENEWALS = (
    Renewal(_WAITING, 1, note="I have about two weeks left."),
    Renewal(
        _REFUSED,
        14,
        12,
        "rejected",
        why="You need a blood test first. Please book an appointment.",
    ),
    Renewal(_FORMER_STATIN, 51, 50, "completed"),
)

_OTHERS = (
    Prescription(BO, ESPELAND, SUMATRIPTAN, "1 tablett ved migreneanfall.", 110, repeats=2),
    Prescription(DAVID, HAUGLAND, METFORMIN, "1 tablet in the evening.", 60, repeats=3),
    Prescription(
        FINN,
        MYRVOLD,
        MELATONIN,
        "1 tablet an hour before bedtime.",
        75,
        repeats=3,
        fetched=(74, 40),
    ),
    Prescription(
        FINN, BAKKE, TAMSULOSIN, "1 tablet daily.", 200, repeats=3, fetched=(199, 105, 12)
    ),
    Prescription(
        GURO, SOLEM, DESLORATADIN, "1 tablett daglig mot høysnue.", 180, repeats=3, fetched=(178,)
    ),
    Prescription(
        GURO, SOLEM, SALBUTAMOL_NB, "1–2 inhalasjoner ved tung pust.", 320, repeats=1, fetched=(1,)
    ),
    Prescription(
        EMIL,
        SOLEM,
        AMOKSICILLIN,
        "5 ml tre ganger daglig i fem dager mot ørebetennelse.",
        10,
        lasts=30,
        repeats=0,
        fetched=(10,),
    ),
)

_HANS_HAS = (
    (ACETYLSALISYLSYRE, "1 tablett daglig mot blodpropp."),
    (ALENDRONSYRE, "1 tablett hver mandag, stående, med et glass vann."),
    (ALLOPURINOL, "1 tablett daglig mot urinsyregikt."),
    (AMLODIPIN, "1 tablett om morgenen mot høyt blodtrykk."),
    (APIKSABAN, "1 tablett morgen og kveld."),
    (ATORVASTATIN_NB, "1 tablett om kvelden mot høyt kolesterol."),
    (BISOPROLOL, "1 tablett om morgenen for hjertet."),
    (BUMETANID, "1 tablett om morgenen, vanndrivende."),
    (EMPAGLIFLOZIN, "1 tablett daglig mot diabetes."),
    (FINASTERID, "1 tablett daglig."),
    (FOLSYRE, "1 tablett daglig."),
    (LOSARTAN, "1 tablett om morgenen mot høyt blodtrykk."),
    (METFORMIN_NB, "1 tablett til frokost og middag mot diabetes."),
    (OYEDRAPER, "1 dråpe i hvert øye om kvelden mot grønn stær."),
    (SPIRONOLAKTON, "1 tablett daglig."),
    (TESTSTRIMLER, "Til måling av blodsukker, inntil fire om dagen."),
    (NAERINGSDRIKK, "1 flaske daglig mellom måltidene."),
    (TIAMIN, "1 tablett daglig."),
    (KODEIN, "1 tablett inntil tre ganger daglig mot smerter."),
    (OKSYKODON, "1 tablett inntil to ganger daglig mot sterke smerter."),
    (PREDNISOLON, "Trappes ned som avtalt."),
    (SIMVASTATIN, "1 tablett om kvelden."),
    (WARFARIN, "Etter målt INR."),
    (SALBUTAMOL_NB, "1–2 inhalasjoner ved tung pust."),
)
_RENEWED = 16
"""So many of what Hans has, the first ones, were renewed: each has a predecessor."""


def _hans(number: int, product: Product, dosage: str) -> Prescription:
    """Every third one is used up."""
    newest = Prescription(HANS, AASHEIM, product, dosage, 120 + 9 * number, repeats=3)
    newest = _fetched(newest, 2 if number % 3 else 4)
    if number >= _RENEWED:
        return newest
    former = _fetched(replace(newest, written=newest.written + 360, status="completed"), 4)
    return replace(newest, replaces=former)


def _fetched(prescription: Prescription, times: int) -> Prescription:
    """Handed out that often, from the day after it was written on."""
    first = prescription.written - 1
    return replace(prescription, fetched=tuple(first - 28 * each for each in range(times)))


def _of_hans() -> Iterator[Prescription]:
    for number, (product, dosage) in enumerate(_HANS_HAS):
        yield _hans(number, product, dosage)


def prescriptions(now: datetime) -> Iterator[Element]:
    """Every Medication, MedicationRequest, MedicationDispense, and Task of renewal."""
    everybodys = (*_ADAS, *_OTHERS, *_of_hans())
    for product in dict.fromkeys(each.product for each in everybodys if each.in_catalogue):
        yield product.resource()
    for prescription in everybodys:
        yield from prescription.resources(now)
    for renewal in _RENEWALS:
        yield renewal.resource(now)
