import threading

import pytest

from gpcli.auth.keyring_vault import HELP_HINT
from gpcli.auth.vault import KeyringVault, MemoryVault
from gpcli.errors import NoKeyring


class Drawer:
    """A keyring that works."""

    def __init__(self) -> None:
        self.items: dict[tuple[str, str], str] = {}

    def get_password(self, service, username):
        return self.items.get((service, username))

    def set_password(self, service, username, password):
        self.items[service, username] = password

    def delete_password(self, service, username):
        del self.items[service, username]


class Forgetful(Drawer):
    """Like keyring's null backend: takes everything, keeps nothing."""

    def set_password(self, service, username, password):
        pass


class Garbling(Drawer):
    """A keyring that keeps something else than it was given."""

    def set_password(self, service, username, password):
        super().set_password(service, username, password[::-1] + "?")


class Shared(Drawer):
    """A keyring to which another process turns with a probe, after each item that is written."""

    def set_password(self, service, username, password):
        super().set_password(service, username, password)
        other = Drawer()
        other.items = self.items
        KeyringVault(other).probe()


class Shortening(Drawer):
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


class Unreadable(Drawer):
    """A keyring that can be written but not read, like `pass` while its key is locked."""

    def get_password(self, service, username):
        raise KeyringLocked("x")


class Failing(Drawer):
    def __init__(self, trouble: Exception) -> None:
        super().__init__()
        self._trouble = trouble

    def get_password(self, service, username):
        raise self._trouble

    set_password = get_password


class Silent(Drawer):
    """Waits for a prompt that nobody answers."""

    def __init__(self) -> None:
        super().__init__()
        self.answered = threading.Event()

    def get_password(self, service, username):
        self.answered.wait(60)


@pytest.fixture(params=["memory", "keyring"])
def vault(request):
    return MemoryVault() if request.param == "memory" else KeyringVault(Drawer())


def test_what_is_saved_is_loaded(vault, signed_in):
    vault.save("home/ada", signed_in())
    vault.save("home/bo", signed_in(patient="bo"))
    assert vault.load("home/ada") == signed_in()
    assert vault.load("home/bo") == signed_in(patient="bo")


def test_saving_again_replaces(vault, signed_in):
    vault.save("home/ada", signed_in())
    vault.save("home/ada", signed_in(access_token="access-9"))
    assert vault.load("home/ada").access_token == "access-9"


def test_nobody_is_loaded_where_nobody_was_saved(vault):
    assert vault.load("home/ada") is None


def test_deleting_forgets_and_may_be_repeated(vault, signed_in):
    vault.save("home/ada", signed_in())
    vault.delete("home/ada")
    vault.delete("home/ada")
    assert vault.load("home/ada") is None


def test_a_working_vault_passes_its_probe_and_keeps_nothing_of_it():
    drawer = Drawer()
    KeyringVault(drawer).probe()
    assert drawer.items == {}
    MemoryVault().probe()


def test_one_session_is_one_item_under_the_programs_name(signed_in):
    drawer = Drawer()
    KeyringVault(drawer).save("home/ada", signed_in())
    assert drawer.items == {("gpcli", "home/ada"): signed_in().format_item()}


@pytest.mark.parametrize("drawer", [Forgetful(), Shortening()])
def test_a_keyring_that_does_not_keep_what_it_is_given_is_refused(drawer, signed_in):
    with pytest.raises(NoKeyring) as refused:
        KeyringVault(drawer).save("home/ada", signed_in())
    assert refused.value.message == "The keyring did not keep what it was given."
    assert (refused.value.code, refused.value.exit) == ("no_keyring", 4)


def test_a_forgetful_keyring_fails_its_probe():
    with pytest.raises(NoKeyring):
        KeyringVault(Forgetful()).probe()


def test_a_keyring_that_fails_its_probe_keeps_nothing_of_it():
    drawer = Garbling()
    with pytest.raises(NoKeyring) as refused:
        KeyringVault(drawer).probe()
    assert (refused.value.message, drawer.items) == (
        "The keyring did not keep what it was given.",
        {},
    )


def test_a_keyring_that_can_be_written_but_not_read_keeps_nothing_of_the_probe():
    drawer = Unreadable()
    with pytest.raises(NoKeyring) as refused:
        KeyringVault(drawer).probe()
    assert (refused.value.message, drawer.items) == ("The keyring is locked.", {})


def test_two_probes_at_once_do_not_meet():
    shared = Shared()
    KeyringVault(shared).probe()
    assert shared.items == {}


@pytest.mark.parametrize(
    ("trouble", "message", "way_out"),
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
def test_a_failing_keyring_says_why_and_names_the_ways_out(trouble, message, way_out, signed_in):
    with pytest.raises(NoKeyring) as refused:
        KeyringVault(Failing(trouble)).load("home/ada")
    assert (refused.value.message, way_out in refused.value.hint) == (message, True)
    assert refused.value.hint.endswith(HELP_HINT)


@pytest.mark.parametrize("call", ["load", "delete"])
def test_a_keyring_that_waits_for_somebody_is_left_after_the_time_limit(call):
    drawer = Silent()
    try:
        with pytest.raises(NoKeyring) as refused:
            getattr(KeyringVault(drawer, timeout=0.05), call)("home/ada")
    finally:
        drawer.answered.set()
    assert refused.value.message == (
        "The keyring did not answer within 0.05 s; perhaps it waits for somebody to unlock it."
    )
