import threading

import pytest

from gpcli.auth.keyring_vault import HELP_HINT, KeyringVault
from gpcli.auth.vault import MemoryVault
from gpcli.errors import NoKeyring


class FakeKeyring:
    """A keyring that works."""

    def __init__(self) -> None:
        self.items: dict[tuple[str, str], str] = {}

    def get_password(self, service, username):
        return self.items.get((service, username))

    def set_password(self, service, username, password):
        self.items[service, username] = password

    def delete_password(self, service, username):
        del self.items[service, username]


class ForgetfulKeyring(FakeKeyring):
    """Like keyring's null backend: takes everything, keeps nothing."""

    def set_password(self, service, username, password):
        pass


class GarblingKeyring(FakeKeyring):
    """A keyring that keeps something else than it was given."""

    def set_password(self, service, username, password):
        super().set_password(service, username, password[::-1] + "?")


class SharedKeyring(FakeKeyring):
    """A keyring to which another process turns with a probe, after each item that is written."""

    def set_password(self, service, username, password):
        super().set_password(service, username, password)
        other = FakeKeyring()
        other.items = self.items
        KeyringVault(other).probe()


class ShorteningKeyring(FakeKeyring):
    """A keyring with small items that cuts what is too long."""

    def set_password(self, service, username, password):
        super().set_password(service, username, password[:100])


class KeyringLocked(Exception):
    """Called like keyring's own."""


class PromptDismissedException(Exception):
    """Called like secretstorage's own."""


class SecretServiceNotAvailableException(Exception):
    """Called like secretstorage's own."""


class ItemNotFoundException(Exception):
    """Called like secretstorage's own."""


class UnreadableKeyring(FakeKeyring):
    """A keyring that can be written but not read, like `pass` while its key is locked."""

    def get_password(self, service, username):
        raise KeyringLocked("x")


class FailingKeyring(FakeKeyring):
    def __init__(self, error: Exception) -> None:
        super().__init__()
        self._error = error

    def get_password(self, service, username):
        raise self._error

    set_password = get_password


class SilentKeyring(FakeKeyring):
    """Waits for a prompt that nobody answers."""

    def __init__(self) -> None:
        super().__init__()
        self.answered = threading.Event()

    def get_password(self, service, username):
        self.answered.wait(60)


@pytest.fixture(params=["memory", "keyring"])
def vault(request):
    return MemoryVault() if request.param == "memory" else KeyringVault(FakeKeyring())


def test_what_is_saved_is_loaded(vault, build_session):
    vault.save("home/ada", build_session())
    vault.save("home/bo", build_session(patient="bo"))
    assert vault.load("home/ada") == build_session()
    assert vault.load("home/bo") == build_session(patient="bo")


def test_saving_again_replaces(vault, build_session):
    vault.save("home/ada", build_session())
    vault.save("home/ada", build_session(access_token="access-9"))
    assert vault.load("home/ada").access_token == "access-9"


def test_nobody_is_loaded_where_nobody_was_saved(vault):
    assert vault.load("home/ada") is None


def test_deleting_forgets_and_may_be_repeated(vault, build_session):
    vault.save("home/ada", build_session())
    vault.delete("home/ada")
    vault.delete("home/ada")
    assert vault.load("home/ada") is None


def test_a_working_vault_passes_its_probe_and_keeps_nothing_of_it():
    backend = FakeKeyring()
    KeyringVault(backend).probe()
    assert backend.items == {}
    MemoryVault().probe()


def test_one_session_is_one_item_under_the_programs_name(build_session):
    backend = FakeKeyring()
    KeyringVault(backend).save("home/ada", build_session())
    assert backend.items == {("gpcli", "home/ada"): build_session().format_item()}


@pytest.mark.parametrize("backend", [ForgetfulKeyring(), ShorteningKeyring()])
def test_a_keyring_that_does_not_keep_what_it_is_given_is_refused(backend, build_session):
    with pytest.raises(NoKeyring) as raised:
        KeyringVault(backend).save("home/ada", build_session())
    assert raised.value.message == "The keyring did not keep what it was given."
    assert (raised.value.code, raised.value.exit) == ("no_keyring", 4)


def test_a_forgetful_keyring_fails_its_probe():
    with pytest.raises(NoKeyring):
        KeyringVault(ForgetfulKeyring()).probe()


def test_a_keyring_that_fails_its_probe_keeps_nothing_of_it():
    backend = GarblingKeyring()
    with pytest.raises(NoKeyring) as raised:
        KeyringVault(backend).probe()
    assert (raised.value.message, backend.items) == (
        "The keyring did not keep what it was given.",
        {},
    )


def test_a_keyring_that_can_be_written_but_not_read_keeps_nothing_of_the_probe():
    backend = UnreadableKeyring()
    with pytest.raises(NoKeyring) as raised:
        KeyringVault(backend).probe()
    assert (raised.value.message, backend.items) == ("The keyring is locked.", {})


def test_two_probes_at_once_do_not_meet():
    shared = SharedKeyring()
    KeyringVault(shared).probe()
    assert shared.items == {}


@pytest.mark.parametrize(
    ("error", "message", "way_out"),
    [
        (KeyringLocked("x"), "The keyring is locked.", "Unlock it, at the desktop or over SSH"),
        (
            PromptDismissedException("x"),
            "The keyring is locked, and was not unlocked.",
            "Unlock it, at the desktop or over SSH",
        ),
        (
            SecretServiceNotAvailableException("x"),
            "There is no keyring service on this computer.",
            "Install GNOME Keyring, KWallet or pass",
        ),
        (
            ItemNotFoundException("x"),
            "There is no keyring on this computer yet.",
            "Log in at the desktop once",
        ),
        (RuntimeError("secret"), "The keyring does not work here (RuntimeError).", "install one"),
        (OSError("secret"), "The keyring does not work here (OSError).", "install one"),
    ],
)
def test_a_failing_keyring_says_why_and_names_the_ways_out(error, message, way_out, build_session):
    with pytest.raises(NoKeyring) as raised:
        KeyringVault(FailingKeyring(error)).load("home/ada")
    assert (raised.value.message, way_out in raised.value.hint) == (message, True)
    assert raised.value.hint.endswith(HELP_HINT)


@pytest.mark.parametrize("call", ["load", "delete"])
def test_a_keyring_that_waits_for_somebody_is_left_after_the_time_limit(call):
    backend = SilentKeyring()
    try:
        with pytest.raises(NoKeyring) as raised:
            getattr(KeyringVault(backend, timeout=0.05), call)("home/ada")
    finally:
        backend.answered.set()
    assert raised.value.message == (
        "The keyring did not answer within 0.05 s; perhaps it waits for somebody to unlock it."
    )
