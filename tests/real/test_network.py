"""The way to the portal as gpcli's process finds it: private certificates, proxies, IPv6."""

from __future__ import annotations

import socket
import ssl
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from gpcli.cli.sandbox_env import build_variables
from tests.http.authority import DAY, Authority
from tests.journeys.process import gpcli, minimal_env
from tests.journeys.shell import CommandResult
from tests.real.fronts import ConnectProxy, Front, Published, serve

NAMED = "https://portal.example/fhir/R4"


@pytest.fixture(scope="module")
def authority(tmp_path_factory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Published]:
    with Published() as sandbox:
        yield sandbox


@pytest.fixture
def publish(sandbox) -> Iterator[Callable[..., int]]:
    """`publish(context)` puts a front before the portal, and gives its port."""
    with ExitStack() as fronts:

        def build(context: ssl.SSLContext | None = None, host: str = "127.0.0.1") -> int:
            return fronts.enter_context(serve(Front(sandbox, context, host))).port

        yield build


@pytest.fixture
def ask(sandbox, tmp_path) -> Callable[..., CommandResult]:
    """`ask(base)` runs a command of Ada's against the portal at `base`, in a process."""

    def run(base: str, *words: str, **env: str) -> CommandResult:
        sandbox.address = base.removesuffix("/fhir/R4")
        token = sandbox.issue_token("ada")
        ours = build_variables(base, token.access_token, token.patient, token.fhir_user)
        line = words or ("gp",)
        return gpcli(*line, "--json", env=minimal_env(tmp_path, **ours, **env))

    return run


def reached(ending: CommandResult) -> tuple[int, bool, str]:
    return ending.code, "Haugland" in ending.out, ending.err


REACHED = (0, True, "")


def closed_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


def tls_1_1_only(context: ssl.SSLContext) -> ssl.SSLContext:
    context.set_ciphers("ALL:@SECLEVEL=0")
    with pytest.warns(DeprecationWarning, match="TLSv1_1"):
        context.minimum_version = ssl.TLSVersion.TLSv1_1
    with pytest.warns(DeprecationWarning, match="TLSv1_1"):
        context.maximum_version = ssl.TLSVersion.TLSv1_1
    return context


def test_a_private_authority_is_trusted_where_ssl_cert_file_names_it(authority, publish, ask):
    base = f"https://127.0.0.1:{publish(authority.server())}/fhir/R4"
    assert reached(ask(base, SSL_CERT_FILE=str(authority.file))) == REACHED


def test_a_directory_of_certificates_is_trusted_where_ssl_cert_dir_names_it(
    authority, publish, ask, tmp_path
):
    directory = tmp_path / "certificates"
    directory.mkdir()
    (directory / "ours.pem").write_bytes(authority.file.read_bytes())
    base = f"https://127.0.0.1:{publish(authority.server())}/fhir/R4"

    unnamed = ask(base, SSL_CERT_DIR=str(directory))
    assert unnamed.refused == (2, "config", "")
    assert "openssl rehash" in unnamed.error["hint"]

    subprocess.run(["openssl", "rehash", directory], check=True)
    assert reached(ask(base, SSL_CERT_DIR=str(directory))) == REACHED


def test_a_private_authority_that_nobody_named_is_not_trusted(authority, publish, ask):
    ending = ask(f"https://127.0.0.1:{publish(authority.server())}/fhir/R4")
    assert ending.refused == (1, "tls", "")
    assert ending.error["message"] == (
        "The certificate of 127.0.0.1 was not issued by anyone this computer trusts; "
        "nothing was sent."
    )
    assert "--ca-file FILE" in ending.error["hint"]
    assert "SSL_CERT_FILE" in ending.error["hint"]


BAD_CERTIFICATES = {
    "expired": ({"starts": -2 * DAY, "ends": -DAY}, "127.0.0.1", "has expired", "date and time"),
    "early": ({"starts": DAY, "ends": 2 * DAY}, "127.0.0.1", "is not valid yet", "date and time"),
    "name": ({}, "localhost", "is for another name", "portal's address"),
    "address": ({"address": "127.0.0.2"}, "127.0.0.1", "is for another address", "address"),
}


@pytest.mark.parametrize(
    ("certificate", "host", "why", "hint"), BAD_CERTIFICATES.values(), ids=BAD_CERTIFICATES
)
def test_a_certificate_that_is_wrong_says_how(
    authority, publish, ask, certificate, host, why, hint
):
    port = publish(authority.server(**certificate))
    ending = ask(f"https://{host}:{port}/fhir/R4", SSL_CERT_FILE=str(authority.file))
    assert ending.refused == (1, "tls", "")
    assert ending.error["message"] == f"The certificate of {host} {why}; nothing was sent."
    assert hint in ending.error["hint"]


def test_a_portal_that_speaks_only_tls_1_1_is_told_so(authority, publish, ask):
    port = publish(tls_1_1_only(authority.server()))
    ending = ask(f"https://127.0.0.1:{port}/fhir/R4", SSL_CERT_FILE=str(authority.file))
    assert ending.refused == (1, "tls", "")
    assert "speaks only TLS that is no longer safe" in ending.error["message"]


def test_a_portal_without_tls_at_its_https_address_is_told_so(publish, ask):
    ending = ask(f"https://127.0.0.1:{publish()}/fhir/R4")
    assert ending.refused == (1, "tls", "")
    assert "what answers there speaks no TLS" in ending.error["message"]


@pytest.fixture
def behind(authority, publish) -> Iterator[Callable[..., tuple[ConnectProxy, dict[str, str]]]]:
    """`behind(...)` starts a proxy that knows the way to portal.example; with its variables."""
    routes = {"portal.example:443": publish(authority.server())}
    with ExitStack() as proxies:

        def build(**manners) -> tuple[ConnectProxy, dict[str, str]]:
            proxy = proxies.enter_context(serve(ConnectProxy(routes, **manners)))
            return proxy, {"HTTPS_PROXY": proxy.variable, "SSL_CERT_FILE": str(authority.file)}

        yield build


def test_a_portal_whose_name_only_the_proxy_knows_is_reached_through_it(behind, ask):
    proxy, env = behind()
    assert reached(ask(NAMED, **env)) == REACHED
    assert set(proxy.asked) == {"portal.example:443"}


def test_a_proxy_that_asks_for_a_password_gets_the_one_in_the_variable(behind, ask):
    proxy, env = behind(credentials="ada:p@ss")
    signed = {**env, "HTTPS_PROXY": f"http://ada:p%40ss@{proxy.name}"}
    assert reached(ask(NAMED, **signed)) == REACHED


REFUSING = {
    "forbidden": ({"answer": 403}, "refuses the way to portal.example (403).", "NO_PROXY"),
    "no way": ({"answer": 502}, "finds no way to portal.example (502).", "Try again later"),
    "password": ({"credentials": "ada:x"}, "wants a name and password.", "NAME:PASSWORD@"),
}


@pytest.mark.parametrize(("manners", "how", "hint"), REFUSING.values(), ids=REFUSING)
def test_a_proxy_that_refuses_is_named_and_not_taken_for_the_portal(
    behind, ask, manners, how, hint
):
    proxy, env = behind(**manners)
    ending = ask(NAMED, **env)
    assert ending.refused == (6, "unreachable", "")
    assert ending.error["message"] == f"The proxy {proxy.name} {how}"
    assert hint in ending.error["hint"]


def test_a_wrong_password_for_the_proxy_says_so_and_does_not_repeat_it(behind, ask):
    proxy, env = behind(credentials="ada:right")
    ending = ask(NAMED, **{**env, "HTTPS_PROXY": f"http://ada:wrong-one@{proxy.name}"})
    assert ending.refused == (6, "unreachable", "")
    assert ending.error["message"] == f"The proxy {proxy.name} wants another name and password."
    assert "wrong-one" not in ending.err
    assert len(proxy.asked) == 1


def test_a_proxy_that_is_down_is_named(ask):
    port = closed_port()
    ending = ask(NAMED, HTTPS_PROXY=f"http://127.0.0.1:{port}")
    assert ending.refused == (6, "unreachable", "")
    assert ending.error["message"] == (
        f"The proxy 127.0.0.1:{port} can't be reached: nothing answers there."
    )
    assert "HTTPS_PROXY" in ending.error["hint"]


def test_a_write_that_a_silent_proxy_kept_was_certainly_not_sent(behind, ask, sandbox):
    proxy, env = behind(silent=True)
    line = ("contact", "--subject", "Ramp", "--message", "Is there one?", "--yes")
    before = len(list(sandbox.store.execute("SELECT id FROM resource")))

    ending = ask(NAMED, *line, "--timeout", "2", **env)

    assert ending.refused == (6, "timeout", "")
    assert ending.error["message"] == f"The proxy {proxy.name} did not answer within 2 s."
    assert len(list(sandbox.store.execute("SELECT id FROM resource"))) == before


def test_a_proxy_that_is_spoken_to_in_tls_has_a_certificate_of_its_own_to_show(
    authority, behind, ask
):
    proxy, env = behind()
    proxy.socket = authority.server().wrap_socket(proxy.socket, server_side=True)
    secured = {**env, "HTTPS_PROXY": f"https://{proxy.name}"}
    assert reached(ask(NAMED, **secured)) == REACHED

    ending = ask(NAMED, HTTPS_PROXY=secured["HTTPS_PROXY"])
    assert ending.refused == (1, "tls", "")
    assert ending.error["message"].startswith(f"The certificate of the proxy {proxy.name} was not")


def test_no_proxy_goes_around_the_proxy(behind, ask):
    proxy, env = behind()
    ending = ask(NAMED, "gp", "--timeout", "5", **env, NO_PROXY="portal.example")
    assert (ending.code, ending.error["message"].startswith("The portal at portal.example")) == (
        6,
        True,
    )
    assert proxy.asked == []


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_what_is_on_this_machine_is_never_proxied(authority, publish, ask, host):
    port = publish(authority.server(names=["localhost"]))
    env = {
        "HTTPS_PROXY": f"http://127.0.0.1:{closed_port()}",
        "SSL_CERT_FILE": str(authority.file),
    }
    assert reached(ask(f"https://{host}:{port}/fhir/R4", **env)) == REACHED


def test_plain_http_on_loopback_knows_no_proxy_by_any_name(publish, ask):
    nobody = f"http://127.0.0.1:{closed_port()}"
    env = dict.fromkeys(("HTTP_PROXY", "http_proxy", "ALL_PROXY", "HTTPS_PROXY"), nobody)
    assert reached(ask(f"http://127.0.0.1:{publish()}/fhir/R4", **env)) == REACHED


def test_a_portal_on_ipv6_is_reached(publish, ask):
    assert reached(ask(f"http://[::1]:{publish(host='::1')}/fhir/R4")) == REACHED


def test_a_portal_on_ipv6_with_a_certificate_is_reached(authority, publish, ask):
    port = publish(authority.server(address="::1"), "::1")
    ending = ask(f"https://[::1]:{port}/fhir/R4", SSL_CERT_FILE=str(authority.file))
    assert reached(ending) == REACHED


def test_an_ipv6_address_at_which_nothing_answers_is_named(ask):
    ending = ask(f"http://[::1]:{closed_port()}/fhir/R4")
    assert ending.refused == (6, "unreachable", "")
    assert ending.error["message"] == "The portal at ::1 can't be reached: nothing answers there."
