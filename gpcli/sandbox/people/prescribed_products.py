"""Define which products each patient has been prescribed, and which renewals were requested."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from functools import partial

from gpcli.sandbox.people.element_builders import Element
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
from gpcli.sandbox.people.prescriptions import Prescription, RenewalRequest
from gpcli.sandbox.people.surgeries import AASHEIM, BAKKE, ESPELAND, HAUGLAND, MYRVOLD, SOLEM

_ada_prescription = partial(Prescription, ADA, HAUGLAND)
_STATIN_DOSAGE = "1 tablet in the evening, for high cholesterol."
_FIRST_STATIN = _ada_prescription(
    ATORVASTATIN,
    _STATIN_DOSAGE,
    790,
    repeats=3,
    dispensed_days_ago=(788, 700, 610, 520),
    status="completed",
)
_FORMER_STATIN = _ada_prescription(
    ATORVASTATIN,
    _STATIN_DOSAGE,
    430,
    repeats=3,
    dispensed_days_ago=(425, 335, 240, 150),
    status="completed",
    replaces=_FIRST_STATIN,
)
_STATIN = _ada_prescription(
    ATORVASTATIN, _STATIN_DOSAGE, 70, repeats=3, dispensed_days_ago=(64,), replaces=_FORMER_STATIN
)
_WITH_OPEN_RENEWAL = _ada_prescription(
    CANDESARTAN,
    "1 tablet in the morning, for high blood pressure.",
    300,
    repeats=2,
    dispensed_days_ago=(298, 200, 102),
)
_WITH_REFUSED_RENEWAL = _ada_prescription(
    NAPROXEN,
    "1 tablet twice a day with food, when needed.",
    210,
    repeats=0,
    dispensed_days_ago=(208,),
)
_ADA_PRESCRIPTIONS = (
    _ada_prescription(
        METFORMIN,
        "1 tablet twice a day with meals, for diabetes.",
        160,
        repeats=3,
        dispensed_days_ago=(158, 60),
    ),
    _ada_prescription(
        AMLODIPINE,
        "1 tablet daily, for high blood pressure.",
        335,
        repeats=3,
        dispensed_days_ago=(333, 240, 150, 55),
    ),
    _ada_prescription(
        OMEPRAZOLE,
        "1 capsule before breakfast, for the stomach.",
        120,
        repeats=2,
        dispensed_days_ago=(118,),
        returned_days_ago=(30,),
    ),
    _ada_prescription(
        LEVOTHYROXINE,
        "1 tablet daily, on an empty stomach.",
        140,
        repeats=5,
        repeat_count=(5, 2),
    ),
    _ada_prescription(
        SALBUTAMOL,
        "1 or 2 puffs when breathing is hard, at most 8 a day.",
        90,
        has_kind=False,
    ),
    _ada_prescription(
        ZOPICLONE,
        "1 tablet at bedtime when needed. Not every night.",
        48,
        repeats=0,
        dispensed_days_ago=(47,),
    ),
    _ada_prescription(
        TEST_STRIPS,
        "For measuring blood glucose, up to 3 a day.",
        100,
        repeats=3,
        dispensed_days_ago=(99, 20),
    ),
    _ada_prescription(
        NUTRITION_DRINK,
        "1 bottle daily between meals.",
        45,
        repeats=1,
        dispensed_days_ago=(44,),
        has_medication=False,
    ),
    _ada_prescription(
        CETIRIZINE,
        "1 tablet daily in the pollen season.",
        517,
        repeats=1,
        dispensed_days_ago=(515,),
    ),
    _ada_prescription(
        PENICILLIN,
        "1 tablet 4 times a day for 7 days.",
        800,
        repeats=0,
        dispensed_days_ago=(800,),
        status="completed",
    ),
    _ada_prescription(
        RAMIPRIL,
        "1 tablet daily.",
        320,
        repeats=3,
        dispensed_days_ago=(318,),
        status="stopped",
        reason="Dry cough; replaced by candesartan.",
    ),
    _STATIN,
    _WITH_OPEN_RENEWAL,
    _WITH_REFUSED_RENEWAL,
)
_RENEWAL_REQUESTS = (
    RenewalRequest(_WITH_OPEN_RENEWAL, 1, note="I have about two weeks left."),
    RenewalRequest(
        _WITH_REFUSED_RENEWAL,
        14,
        12,
        "rejected",
        reason="You need a blood test first. Please book an appointment.",
    ),
    RenewalRequest(_FORMER_STATIN, 51, 50, "completed"),
)

_OTHER_PRESCRIPTIONS = (
    Prescription(BO, ESPELAND, SUMATRIPTAN, "1 tablett ved migreneanfall.", 110, repeats=2),
    Prescription(DAVID, HAUGLAND, METFORMIN, "1 tablet in the evening.", 60, repeats=3),
    Prescription(
        FINN,
        MYRVOLD,
        MELATONIN,
        "1 tablet an hour before bedtime.",
        75,
        repeats=3,
        dispensed_days_ago=(74, 40),
    ),
    Prescription(
        FINN,
        BAKKE,
        TAMSULOSIN,
        "1 tablet daily.",
        200,
        repeats=3,
        dispensed_days_ago=(199, 105, 12),
    ),
    Prescription(
        GURO,
        SOLEM,
        DESLORATADIN,
        "1 tablett daglig mot høysnue.",
        180,
        repeats=3,
        dispensed_days_ago=(178,),
    ),
    Prescription(
        GURO,
        SOLEM,
        SALBUTAMOL_NB,
        "1–2 inhalasjoner ved tung pust.",
        320,
        repeats=1,
        dispensed_days_ago=(1,),
    ),
    Prescription(
        EMIL,
        SOLEM,
        AMOKSICILLIN,
        "5 ml tre ganger daglig i fem dager mot ørebetennelse.",
        10,
        validity_days=30,
        repeats=0,
        dispensed_days_ago=(10,),
    ),
)

_HANS_MEDICINES = (
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
_HANS_RENEWED_COUNT = 16
"""The number of Hans' prescriptions, from the first, that renew a former one."""


def _hans_prescription(number: int, product: Product, dosage: str) -> Prescription:
    """Return one of Hans' prescriptions; every third one has no repeats left."""
    newest = Prescription(HANS, AASHEIM, product, dosage, 120 + 9 * number, repeats=3)
    newest = _with_dispenses(newest, 2 if number % 3 else 4)
    if number >= _HANS_RENEWED_COUNT:
        return newest
    former = _with_dispenses(
        replace(newest, written_days_ago=newest.written_days_ago + 360, status="completed"), 4
    )
    return replace(newest, replaces=former)


def _with_dispenses(prescription: Prescription, times: int) -> Prescription:
    """Return the prescription with dispenses every 28 days, from the day after it was written."""
    first = prescription.written_days_ago - 1
    return replace(
        prescription, dispensed_days_ago=tuple(first - 28 * each for each in range(times))
    )


def _hans_prescriptions() -> Iterator[Prescription]:
    for number, (product, dosage) in enumerate(_HANS_MEDICINES):
        yield _hans_prescription(number, product, dosage)


def build_prescriptions(now: datetime) -> Iterator[Element]:
    """Yield every Medication, MedicationRequest, MedicationDispense and renewal Task."""
    everyone = (*_ADA_PRESCRIPTIONS, *_OTHER_PRESCRIPTIONS, *_hans_prescriptions())
    for product in dict.fromkeys(each.product for each in everyone if each.has_medication):
        yield product.resource()
    for prescription in everyone:
        yield from prescription.resources(now)
    for renewal in _RENEWAL_REQUESTS:
        yield renewal.resource(now)
