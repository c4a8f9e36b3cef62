"""What every test stands on."""

import gc

from hypothesis import settings

settings.register_profile("gpcli", deadline=None)  # a busy machine is no failure
settings.load_profile("gpcli")
gc.disable()


def pytest_collection_finish() -> None:
    """Ten thousand collected tests are no garbage: they are never searched for any."""
    gc.freeze()
    gc.enable()
