"""The issuer of a certificate, read without a library of certificates: the same as one reads."""

from __future__ import annotations

import datetime as dt

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from streamvet.recorder.certificate import issuer_of

KEY = ec.generate_private_key(ec.SECP256R1())
NAMES = {
    "one part": [(NameOID.COMMON_NAME, "Streamvet Test Authority")],
    "several parts": [
        (NameOID.COUNTRY_NAME, "CH"), (NameOID.ORGANIZATION_NAME, "Somebody"), (NameOID.COMMON_NAME, "Root"),
    ],
    "what is escaped": [(NameOID.COMMON_NAME, 'a, "b" + <c>; \\d'), (NameOID.ORGANIZATION_NAME, "#e")],
    "other letters": [(NameOID.COMMON_NAME, "Zürich 東京")],
    "a domain": [(NameOID.DOMAIN_COMPONENT, "example"), (NameOID.ORGANIZATIONAL_UNIT_NAME, "unit")],
    "nobody": [],
}  # fmt: skip


def _der(name: x509.Name) -> bytes:
    now = dt.datetime(2030, 1, 1, tzinfo=dt.UTC)
    made = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(KEY.public_key())
        .serial_number(1000).not_valid_before(now).not_valid_after(now + dt.timedelta(days=1))
        .sign(KEY, hashes.SHA256())
    )  # fmt: skip
    return made.public_bytes(serialization.Encoding.DER)


@pytest.mark.parametrize("parts", NAMES.values(), ids=NAMES)
def test_it_is_what_a_library_reads(parts: list[tuple[x509.ObjectIdentifier, str]]) -> None:
    name = x509.Name([x509.NameAttribute(kind, text) for kind, text in parts])

    assert issuer_of(_der(name)) == name.rfc4514_string()


def test_what_is_no_certificate_has_no_issuer() -> None:
    whole = _der(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "somebody")]))

    assert [issuer_of(one) for one in (b"", b"\x30", b"\x30\x80", bytes(40), b"no certificate at all")] == [""] * 5
    assert all(isinstance(issuer_of(whole[:end]), str) for end in range(len(whole)))
