"""Portals that are none: wrong addresses, HTML, other people's JSON, certificates, closed ports."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from gpcli.auth.vault import MemoryVault
from tests.journeys.shell import Shell, at_once
from tests.journeys.world import MONDAY

COMMANDS = ["gp", "services", "slots", "appointments list", "book --first --yes", "whoami"]


@contextmanager
def answering(status: int, kind: str, body: str, context=None) -> Iterator[str]:
    """A server that gives one answer to whatever it is asked; its URL."""

    class Parrot(BaseHTTPRequestHandler):
        def do_GET(self):
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body.encode())))
            self.end_headers()
            self.wfile.write(body.encode())

        def do_POST(self):
            self.do_GET()

        def log_message(self, *_):
            """Tests have their own words."""

    class Quiet(ThreadingHTTPServer):
        def handle_error(self, *_):
            """A handshake that the client broke off is what the test is about."""

    server = Quiet(("127.0.0.1", 0), Parrot)
    if context:
        server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield f"{'https' if context else 'http'}://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join(60)
        server.server_close()


def at(portal: str, home: Path) -> Shell:
    """Somebody with a token for `portal`."""
    env = {
        "GPCLI_PORTAL": portal,
        "GPCLI_ENVIRONMENT": "staging",
        "GPCLI_TOKEN": "secret-token",
        "GPCLI_PATIENT": "ada",
        "GPCLI_CONFIG_DIR": str(home),
    }
    return Shell(env, lambda: MONDAY, vault=MemoryVault(), browse=lambda _: True, sleep=at_once)


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize(
    ("status", "kind", "body"),
    [
        (200, "text/html", "<html><h1>Welcome</h1></html>"),
        (200, "application/json", '{"swagger": "2.0"}'),
        (200, "application/json", '{"resourceType": "Bundle", "type"'),
        (200, "application/fhir+json", "[]"),
        (200, "application/fhir+json", '{"resourceType": "Patient", "id": "ada"}'),
    ],
    ids=["HTML", "other JSON", "broken JSON", "an array", "another resource"],
)
def test_what_does_not_speak_fhir_is_a_bad_response(tmp_path, command, status, kind, body):
    with answering(status, kind, body) as portal:
        ending = at(portal, tmp_path)(f"gpcli {command} --json")
    assert ending.refused == (1, "bad_response", "")


@pytest.mark.parametrize("command", ["gp", "slots", "whoami"])
def test_a_404_from_a_wrong_address_is_no_empty_answer(tmp_path, command):
    with answering(404, "text/html", "<h1>Not Found</h1>") as portal:
        ending = at(portal, tmp_path)(f"gpcli {command} --json")
    assert (ending.code in {1, 3}, ending.out) == (True, "")
    assert "<h1>" not in ending.err


@pytest.mark.parametrize(
    ("status", "body"), [(404, "<h1>Not Found</h1>"), (200, "<h1>Hi</h1>"), (200, "{}")]
)
def test_signing_in_where_no_portal_is_leaves_no_profile(tmp_path, status, body):
    with answering(status, "text/html", body) as portal:
        shell = at(portal, tmp_path).without("GPCLI_PORTAL", "GPCLI_TOKEN")
        ending = shell(f"gpcli login {portal} --limit 1 --json")
    assert ending.refused == (1, "bad_response", "")
    assert portal in ending.error["message"]
    assert shell.json("gpcli profile list") == []


def test_signing_in_beside_the_fhir_base_says_what_the_address_must_be(world, tmp_path):
    shell = at("unused", tmp_path).without("GPCLI_PORTAL", "GPCLI_TOKEN")
    ending = shell(f"gpcli login {world.sandbox.fhir_base}x --json")
    assert ending.refused == (1, "bad_response", "")
    assert ending.error["hint"] == "Check the portal's address; it must be its FHIR base."


def test_where_nothing_listens_is_unreachable(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    pauses: list[float] = []
    shell = replace(at(f"http://127.0.0.1:{port}", tmp_path), sleep=pauses.append)
    ending = shell("gpcli services --json --timeout 60")
    assert ending.refused == (6, "unreachable", "")
    assert "nothing answers there" in ending.error["message"]
    assert pauses, "it is not tried again"


def test_a_write_that_never_left_is_unreachable_and_not_unknown(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    shell = at(f"http://127.0.0.1:{port}", tmp_path)
    assert shell("gpcli book s-1 --yes --json --timeout 1").code == 6


def test_a_portal_that_never_answers_is_a_timeout(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        shell = at(f"http://127.0.0.1:{silent.getsockname()[1]}", tmp_path)
        ending = shell("gpcli gp --json --timeout 0.2")
    assert ending.refused == (6, "timeout", "")


def test_a_portal_that_is_down_for_maintenance_may_work_later(tmp_path):
    with answering(503, "text/html", "<h1>Maintenance</h1>") as portal:
        ending = at(portal, tmp_path)("gpcli gp --json --timeout 0.5")
    assert (ending.code, ending.out) == (6, "")
    assert ending.error["code"] in {"portal_error", "timeout"}


def self_signed(folder: Path) -> ssl.SSLContext:
    """A server's context with a certificate that only it believes in."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    alternative = x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(alternative, critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    plain = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    (folder / "key.pem").write_bytes(key.private_bytes(pem, *plain))
    (folder / "ca.pem").write_bytes(certificate.public_bytes(pem))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "ca.pem", folder / "key.pem")
    return context


def test_a_certificate_that_nobody_vouches_for_is_not_trusted_and_no_token_leaves(tmp_path):
    context = self_signed(tmp_path)
    with answering(200, "application/fhir+json", "{}", context) as portal:
        ending = at(portal, tmp_path)("gpcli gp --json")
    assert ending.refused == (1, "tls", "")
    assert "nothing was sent" in ending.error["message"]
    assert "ca_file" in ending.error["hint"]


def test_a_certificate_that_the_profile_vouches_for_is_trusted(tmp_path):
    context = self_signed(tmp_path)
    shell = at("unused", tmp_path).without("GPCLI_PORTAL", "GPCLI_TOKEN")
    with answering(404, "text/html", "", context) as portal:
        shell(
            f"gpcli profile add ours {portal} --environment staging --ca-file {tmp_path / 'ca.pem'}"
        )
        ending = shell("gpcli login --json")
    assert ending.refused == (1, "bad_response", "")


def test_a_certificate_file_is_remembered_wherever_one_is_when_it_is_used(tmp_path):
    shell = at("unused", tmp_path).without("GPCLI_PORTAL", "GPCLI_TOKEN")
    shell("gpcli profile add ours https://x.example --environment staging --ca-file ca.pem")
    assert f'ca_file = "{Path.cwd() / "ca.pem"}"' in (tmp_path / "config.toml").read_text()


def test_a_certificate_file_that_there_is_not_is_a_matter_of_configuration(tmp_path):
    shell = at("unused", tmp_path).without("GPCLI_PORTAL", "GPCLI_TOKEN")
    shell("gpcli profile add ours https://x.example --environment staging --ca-file /nope.pem")
    assert shell("gpcli login --json").refused == (2, "config", "")
