"""A certificate authority of the tests' own, and what it issues: files in PEM, and the contexts of servers."""

from __future__ import annotations

import datetime as dt
import ipaddress
import ssl
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

if TYPE_CHECKING:
    from pathlib import Path

AUTHORITY = "Streamvet Test Authority"
_DAY = dt.timedelta(days=1)


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def make(folder: Path, hosts: tuple[str, ...] = ("localhost",)) -> None:
    """Write ca.pem, and server.pem and client.pem with their keys, which it has issued, into a folder."""
    own = ec.generate_private_key(ec.SECP256R1())
    _write(folder / "ca.pem", _issued(AUTHORITY, own, own, None))
    for name in ("server", "client"):
        key = ec.generate_private_key(ec.SECP256R1())
        names: list[x509.GeneralName] = [x509.DNSName(host) for host in hosts]
        names += [x509.IPAddress(ipaddress.ip_address("127.0.0.1"))] if name == "server" else []
        _write(folder / f"{name}.pem", _issued(name, key, own, names), key)


def _issued(
    name: str, key: ec.EllipticCurvePrivateKey, by: ec.EllipticCurvePrivateKey, hosts: list[x509.GeneralName] | None
) -> x509.Certificate:
    now = dt.datetime.now(dt.UTC)
    built = x509.CertificateBuilder(_name(AUTHORITY), _name(name), key.public_key(), x509.random_serial_number())
    built = built.not_valid_before(now - _DAY).not_valid_after(now + _DAY)
    built = built.add_extension(x509.BasicConstraints(ca=hosts is None, path_length=None), critical=True)
    built = built.add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    built = built.add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(by.public_key()), critical=False)
    if hosts is None:
        usage = dict.fromkeys(
            ("content_commitment", "key_encipherment", "data_encipherment", "key_agreement", "encipher_only",
             "decipher_only"), False,
        )  # fmt: skip
        signs = x509.KeyUsage(digital_signature=True, key_cert_sign=True, crl_sign=True, **usage)
        built = built.add_extension(signs, critical=True)
    else:
        built = built.add_extension(x509.SubjectAlternativeName(hosts), critical=False)
    return built.sign(by, hashes.SHA256())


def _write(file: Path, certificate: x509.Certificate, key: ec.EllipticCurvePrivateKey | None = None) -> None:
    pem = serialization.Encoding.PEM
    if key is not None:
        form, plain = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        file.with_suffix(".key").write_bytes(key.private_bytes(pem, form, plain))
    file.write_bytes(certificate.public_bytes(pem))


def served(folder: Path, *, wants_client: bool = False) -> ssl.SSLContext:
    """The context of a server with these certificates."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "server.pem", folder / "server.key")
    if wants_client:
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(folder / "ca.pem")
    return context
