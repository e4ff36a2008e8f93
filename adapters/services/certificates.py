"""Certificates for SeaweedFS's inner ports: each side must show one signed by an authority that lives for one start."""

from dataclasses import dataclass
from datetime import timedelta
from ipaddress import IPv4Address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from adapters.clock import system_now
from adapters.services.secrets import write_private

VALID_FOR = timedelta(days=3650)


@dataclass(frozen=True)
class CertificateFiles:
    """Where the authority's certificate, the node's certificate and the node's key lie."""

    authority: Path
    certificate: Path
    key: Path


def write_certificates(folder: Path) -> CertificateFiles:
    """Make an authority, sign one certificate for server and client use on loopback, and forget the authority's key.

    Made anew at every start, so nothing runs out and nobody else can ever be signed.

    Args:
        folder: where the three files go; must exist.
    """
    authority_key, node_key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    authority_name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "shuniu object store authority")])
    authority = (
        _builder(authority_name, authority_name, authority_key)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(authority_key, hashes.SHA256())
    )
    node_name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "shuniu object store")])
    node = (
        _builder(node_name, authority_name, node_key)
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(IPv4Address("127.0.0.1")), x509.DNSName("localhost")]),
            critical=False,
        )
        .add_extension(
            x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]), critical=False
        )
        .sign(authority_key, hashes.SHA256())
    )
    files = CertificateFiles(folder / "authority.pem", folder / "node.pem", folder / "node.key")
    write_private(files.authority, _pem(authority))
    write_private(files.certificate, _pem(node))
    write_private(
        files.key,
        node_key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        ).decode(),
    )
    return files


def _builder(subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey) -> x509.CertificateBuilder:
    now = system_now()
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + VALID_FOR)
    )


def _pem(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(serialization.Encoding.PEM).decode()
