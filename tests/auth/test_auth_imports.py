"""Which modules each step of a sign-in loads, since a read must not pay for a login."""

import json
import subprocess
import sys

import pytest


def list_loaded_modules(code: str) -> set[str]:
    script = f"import sys, json\n{code}\nprint(json.dumps(sorted(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, check=True)
    return set(json.loads(done.stdout))


@pytest.mark.parametrize(
    ("module", "absent"),
    [
        ("gpcli.auth.vault", {"httpx", "keyring", "filelock", "joserfc", "secretstorage"}),
        (
            "gpcli.auth.bearer",
            {"keyring", "filelock", "joserfc", "asyncio", "click", "rich"},
        ),
        (
            "gpcli.auth.unattended",
            {"keyring", "joserfc", "gpcli.auth.backend_service", "gpcli.auth.token_command"},
        ),
        ("gpcli.auth.backend_service", {"keyring", "filelock", "joserfc", "subprocess"}),
        ("gpcli.auth.browser_sign_in", {"keyring", "filelock", "joserfc", "click", "rich"}),
        ("gpcli.auth.device_sign_in", {"keyring", "filelock", "joserfc", "http.server"}),
        ("gpcli.auth.discovery", {"keyring", "filelock", "joserfc", "http.server"}),
    ],
)
def test_a_module_loads_only_what_it_needs(module, absent):
    assert list_loaded_modules(f"import {module}") & absent == set()


def test_the_secret_service_is_opened_without_looking_at_other_keyrings():
    code = (
        "from gpcli.auth.vault import open_keyring\n"
        "open_keyring({'DBUS_SESSION_BUS_ADDRESS': 'unix:path=/nowhere'}, may_ask=False)"
    )
    modules = list_loaded_modules(code)
    assert "keyring.backends.SecretService" in modules
    assert (
        modules
        & {
            "keyring.backends.kwallet",
            "keyring.backends.chainer",
            "keyring.backends.libsecret",
            "keyrings.alt",
        }
        == set()
    )
