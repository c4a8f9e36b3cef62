"""What every test stands on."""

import gc

from hypothesis import settings

# The process that sums up a run of several does not collect: it finds no conftest.py further down.
pytest_plugins = ("tests.gathering", "tests.contract.reporting", "tests.real.worlds.reporting")

# A busy machine is no failure; fifty examples of a property are many in so many tests.
settings.register_profile("gpcli", deadline=None, max_examples=50)
settings.load_profile("gpcli")
gc.disable()


def pytest_collection_finish() -> None:
    """Ten thousand collected tests are no garbage: they are never searched for any."""
    gc.freeze()
    gc.enable()
