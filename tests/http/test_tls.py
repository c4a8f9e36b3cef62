"""Certificates, with a certificate authority of our own and real handshakes on loopback."""

import datetime as dt
import os
import ssl
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from gpcli.errors import ConfigError, TlsError
from gpcli.http.network_errors import ConnectionFailed, ResponseTimedOut
from gpcli.http.tls import build_tls_context, find_hashed_directory
from tests.http.authority import DAY, Authority, name

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


@pytest.fixture
def tls_portal(raw_portal, read_request) -> Iterator[Callable[[ssl.SSLContext], str]]:
    """The base of a portal that speaks TLS with this context."""

    def start(context: ssl.SSLContext) -> str:
        def script(connection):
            with context.wrap_socket(connection, server_side=True) as encrypted:
                while read_request(encrypted):
                    encrypted.sendall(ANSWER)

        return f"https://127.0.0.1:{raw_portal(script).port}/fhir"

    return start


def test_a_portal_whose_authority_the_profile_names_is_trusted(authority, tls_portal, open_client):
    client = open_client(tls_portal(authority.server()), ca_file=str(authority.file))
    assert client.get("Patient/a").body == {}


def test_ssl_cert_file_in_the_environment_is_trusted(authority, tls_portal, open_client):
    client = open_client(tls_portal(authority.server()), env={"SSL_CERT_FILE": str(authority.file)})
    assert client.get("Patient/a").body == {}


@pytest.mark.parametrize(
    ("server", "why", "hint"),
    [
        ({"starts": -2 * DAY, "ends": -DAY}, "has expired", "date and time"),
        ({"starts": DAY, "ends": 2 * DAY}, "is not valid yet", "date and time"),
        ({"address": "127.0.0.2"}, "is for another address", "address in the profile"),
    ],
)
def test_a_certificate_that_is_wrong_says_how(
    authority, tls_portal, open_client, server, why, hint
):
    client = open_client(tls_portal(authority.server(**server)), ca_file=str(authority.file))
    with pytest.raises(TlsError) as raised:
        client.get("Patient/a")
    assert raised.value.message == f"The certificate of 127.0.0.1 {why}; nothing was sent."
    assert (hint in raised.value.hint, raised.value.code) == (True, "tls")


def test_an_authority_that_nobody_named_is_not_trusted(authority, tls_portal, open_client):
    with pytest.raises(TlsError) as raised:
        open_client(tls_portal(authority.server())).get("Patient/a")
    assert raised.value.message == (
        "The certificate of 127.0.0.1 was not issued by anyone this computer trusts; "
        "nothing was sent."
    )
    assert "ca_file" in raised.value.hint


def test_tls_1_1_is_not_spoken(authority, tls_portal, open_client):
    server = authority.server()
    with pytest.warns(DeprecationWarning, match="TLSv1_1"):
        server.maximum_version = ssl.TLSVersion.TLSv1_1
    client = open_client(tls_portal(server), ca_file=str(authority.file))
    with pytest.raises(TlsError) as raised:
        client.get("Patient/a")
    assert raised.value.message == (
        "No encrypted connection to 127.0.0.1 could be agreed on: it speaks only TLS that is no "
        "longer safe (before 1.2); nothing was sent."
    )
    assert build_tls_context({}, None).minimum_version == ssl.TLSVersion.TLSv1_2


def test_a_portal_without_tls_at_an_https_address_is_a_tls_error(
    raw_portal, read_request, open_client
):
    def script(connection):
        connection.recv(10)
        connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    with pytest.raises(TlsError, match="what answers there speaks no TLS; nothing was sent"):
        open_client(f"https://127.0.0.1:{raw_portal(script).port}").get("Patient/a")


@pytest.fixture
def tunnel(authority, raw_portal, read_request) -> tuple[dict[str, str], list[bytes]]:
    """The environment that names a proxy to a portal with a certificate, and what passed by."""
    seen: list[bytes] = []
    server = authority.server()

    def script(connection):
        seen.append(read_request(connection))
        connection.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
        with server.wrap_socket(connection, server_side=True) as encrypted:
            seen.append(read_request(encrypted))
            encrypted.sendall(ANSWER)

    return {"HTTPS_PROXY": f"http://127.0.0.1:{raw_portal(script).port}"}, seen


def test_a_portal_behind_a_proxy_is_reached_by_name_and_only_it_sees_the_request(
    authority, tunnel, open_client
):
    env, seen = tunnel
    client = open_client("https://portal.example/fhir", env=env, ca_file=str(authority.file))
    assert client.get("Patient/a").body == {}
    assert seen[0].splitlines()[0] == b"CONNECT portal.example:443 HTTP/1.1"
    assert seen[1].splitlines()[0] == b"GET /fhir/Patient/a HTTP/1.1"


def test_what_is_cut_behind_the_proxy_is_the_portals_own_failure(
    raw_portal, read_request, open_client
):
    def script(connection):
        read_request(connection)
        connection.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
        connection.recv(10)

    env = {"HTTPS_PROXY": f"http://127.0.0.1:{raw_portal(script).port}"}
    with pytest.raises(ConnectionFailed) as raised:
        open_client("https://portal.example", env=env).send("POST", "Appointment", {})
    assert raised.value.sent is False
    assert raised.value.message == (
        "The portal at portal.example can't be reached: the connection was cut."
    )


def test_a_write_that_is_cut_in_a_tunnel_that_stood_may_have_been_done(
    authority, raw_portal, read_request, open_client
):
    server = authority.server()

    def script(connection):
        read_request(connection)
        connection.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
        with server.wrap_socket(connection, server_side=True) as encrypted:
            read_request(encrypted)
            encrypted.sendall(ANSWER)
            read_request(encrypted)

    proxy = raw_portal(script)
    env = {"HTTPS_PROXY": f"http://127.0.0.1:{proxy.port}"}
    client = open_client("https://portal.example/fhir", env=env, ca_file=str(authority.file))
    assert client.get("Patient/a").body == {}
    with pytest.raises(ConnectionFailed) as raised:
        client.send("POST", "Appointment", {})
    assert (raised.value.sent, proxy.connections) == (True, 1)
    assert raised.value.message.startswith("The portal at portal.example did not finish")


def test_a_certificate_for_another_name_is_refused_behind_a_proxy_too(
    authority, tunnel, open_client
):
    env, seen = tunnel
    client = open_client("https://other.example/fhir", env=env, ca_file=str(authority.file))
    with pytest.raises(TlsError) as raised:
        client.get("Patient/a")
    assert raised.value.message == (
        "The certificate of other.example is for another name; nothing was sent."
    )
    assert len(seen) == 1


def test_a_handshake_that_never_ends_ends_with_the_deadline(raw_portal, open_client):
    portal = raw_portal(lambda connection: portal.over.wait())
    with pytest.raises(ResponseTimedOut) as raised:
        open_client(f"https://127.0.0.1:{portal.port}", 0.3).send("POST", "Appointment", {})
    assert raised.value.sent is False


def test_a_handshake_that_is_cut_is_no_connection(raw_portal, open_client):
    portal = raw_portal(lambda connection: connection.recv(10))
    with pytest.raises(ConnectionFailed) as raised:
        open_client(f"https://127.0.0.1:{portal.port}").send("POST", "Appointment", {})
    assert raised.value.sent is False


def test_one_context_serves_the_whole_process(authority):
    again = [build_tls_context({}, str(authority.file)) for _ in range(2)]
    assert again[0] is again[1]
    assert again[0].verify_mode == ssl.CERT_REQUIRED
    assert again[0].check_hostname is True


def build_revocation_list() -> bytes:
    now, issuer = dt.datetime.now(dt.UTC), name("gpcli test authority")
    unsigned = x509.CertificateRevocationListBuilder(issuer, now, now + DAY)
    signed = unsigned.sign(ec.generate_private_key(ec.SECP256R1()), hashes.SHA256())
    return signed.public_bytes(serialization.Encoding.PEM)


def build_key() -> bytes:
    pem, pkcs8 = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    key = ec.generate_private_key(ec.SECP256R1())
    return key.private_bytes(pem, pkcs8, serialization.NoEncryption())


NO_CERTIFICATES = {
    "nothing there": lambda path: None,
    "empty": Path.touch,
    "blank": lambda path: path.write_bytes(b" \n\n"),
    "text": lambda path: path.write_bytes(b"not a certificate"),
    "revocation list alone": lambda path: path.write_bytes(build_revocation_list()),
    "key alone": lambda path: path.write_bytes(build_key()),
    "directory": Path.mkdir,
    "pipe": lambda path: os.mkfifo(path) if os.name == "posix" else pytest.skip("no such pipes"),
}


@pytest.mark.parametrize("make", NO_CERTIFICATES.values(), ids=NO_CERTIFICATES)
@pytest.mark.parametrize("place", ["ca_file", "SSL_CERT_FILE"])
def test_a_file_without_certificates_is_named_and_refused(tmp_path, place, make):
    path = tmp_path / "wrong.pem"
    make(path)
    env = {"SSL_CERT_FILE": str(path)} if place == "SSL_CERT_FILE" else {}
    with pytest.raises(ConfigError) as raised:
        build_tls_context(env, str(path) if place == "ca_file" else None)
    assert raised.value.message == f"{place} {path} can't be read as certificates."


@pytest.mark.parametrize("content", [None, b"not under its hash"])
def test_a_certificate_directory_in_which_nothing_can_be_found_is_named(tmp_path, content):
    directory = tmp_path / "certificates"
    if content is not None:
        directory.mkdir()
        (directory / "ours.pem").write_bytes(content)
    with pytest.raises(ConfigError) as raised:
        build_tls_context({"SSL_CERT_DIR": str(directory)}, None)
    assert raised.value.message == (
        f"SSL_CERT_DIR {directory} holds no certificates that can be found by their hash."
    )


def test_one_good_certificate_directory_of_several_is_enough(tmp_path):
    (tmp_path / "0a1b2c3d.0").touch()
    several = f"{tmp_path / 'absent'}{os.pathsep}{tmp_path}"
    assert build_tls_context({"SSL_CERT_DIR": several}, None).verify_mode == ssl.CERT_REQUIRED


def test_only_a_directory_of_hashed_certificates_counts_as_one(tmp_path):
    plain, hashed = tmp_path / "plain", tmp_path / "hashed"
    for directory, file in ((plain, "root.pem"), (hashed, "0a1b2c3d.0")):
        directory.mkdir()
        (directory / file).touch()
    found = find_hashed_directory(str(tmp_path / "absent"), str(plain), str(hashed))
    assert (found, find_hashed_directory(str(plain))) == (str(hashed), None)
