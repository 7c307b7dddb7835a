"""The platform's signature under certificates: PAdES (ETSI EN 319 142) by pyHanko, with a key of the installation.

The key is derived from the 32 secret bytes `certificate` of `core.keys`; the X.509 certificate is the platform's own,
says so in its name, and comes out the same in every process. Slow work (tens of milliseconds): off the event loop.
"""

import io
from datetime import UTC, datetime
from functools import lru_cache
from hashlib import sha256

from asn1crypto import keys as asn1_keys
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.x509.oid import NameOID
from pyhanko.pdf_utils.extensions import DeveloperExtension
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.sign import fields, signers
from pyhanko_certvalidator.registry import SimpleCertificateStore

from core import keys, settings

KEY = "certificate"
FIELD = "Xinshi"
CURVE = ec.SECP256R1()
ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
"""Order of the group of P-256 (SEC 2, 2.4.2)."""
NEWEST = (1, 7)
"""The version of PDF that PDF/A-2 builds on (ISO 19005-2, 4)."""
BEGINS, ENDS = datetime(2026, 1, 1, tzinfo=UTC), datetime(2046, 1, 1, tzinfo=UTC)
NAME = "信市 Xinshi 证书签章（平台自签 self-signed）"


def signing_key() -> ec.EllipticCurvePrivateKey:
    """The private key: HKDF of the secret, as a number of P-256."""
    return _key(keys.secret(KEY))


@lru_cache(maxsize=2)
def _key(secret: bytes) -> ec.EllipticCurvePrivateKey:
    spread = HKDF(algorithm=hashes.SHA256(), length=48, salt=None, info=b"xinshi certificate signing").derive(secret)
    return ec.derive_private_key(int.from_bytes(spread, "big") % (ORDER - 1) + 1, CURVE)


def signer_certificate() -> x509.Certificate:
    """The platform's own certificate for that key: self-signed, clearly named, the same every time."""
    return _certificate(keys.secret(KEY), settings.load().log_origin)


@lru_cache(maxsize=2)
def _certificate(secret: bytes, origin: str) -> x509.Certificate:
    key = _key(secret)
    name = x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, origin),
            x509.NameAttribute(NameOID.COMMON_NAME, NAME),
        ]
    )
    public = key.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(int.from_bytes(sha256(public).digest()[:16], "big") >> 1)
        .not_valid_before(BEGINS)
        .not_valid_after(ENDS)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(), critical=True)
    )
    return builder.sign(key, hashes.SHA256(), ecdsa_deterministic=True)


def _usage() -> x509.KeyUsage:
    """Digital signature and content commitment, nothing else."""
    return x509.KeyUsage(
        digital_signature=True,
        content_commitment=True,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=False,
        crl_sign=False,
        encipher_only=False,
        decipher_only=False,
    )


def signer_pem() -> bytes:
    """The platform's certificate as PEM, for readers who want to trust it in their PDF program."""
    return signer_certificate().public_bytes(serialization.Encoding.PEM)


def signer_fingerprint() -> str:
    """SHA-256 of the platform's certificate, hexadecimal."""
    return signer_certificate().fingerprint(hashes.SHA256()).hex()


@lru_cache(maxsize=2)
def _signer(secret: bytes, origin: str) -> signers.SimpleSigner:
    """Made once per key and name."""
    certificate = asn1_x509.Certificate.load(_certificate(secret, origin).public_bytes(serialization.Encoding.DER))
    private = _key(secret).private_bytes(
        serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return signers.SimpleSigner(
        signing_cert=certificate,
        signing_key=asn1_keys.PrivateKeyInfo.load(private),
        cert_registry=SimpleCertificateStore.from_certs([certificate]),  # type: ignore[no-untyped-call]
    )


class ArchivalUpdate(IncrementalPdfFileWriter):
    """An incremental update that keeps a PDF/A-2 file what it is: PDF 1.7, with its own metadata.

    By itself pyHanko writes the metadata anew, as attributes and resources where PDF/A (ISO 19005-2, 6.6) describes
    simple properties, and for a signature by elliptic curves it declares the file PDF 2.0 with extensions of that
    version, on which PDF/A-2 cannot build. The curve is named in the signature itself; every reader takes it from there.
    """

    def _update_meta(self) -> None:
        """Nothing: the time of signing stands in the signature."""

    def ensure_output_version(self, version: tuple[int, int]) -> None:
        """At most PDF 1.7."""
        if version <= NEWEST:
            super().ensure_output_version(version)  # type: ignore[no-untyped-call]

    def register_extension(self, ext: DeveloperExtension) -> None:
        """Only extensions of PDF 1.7."""
        if str(ext.base_version) <= "/1.7":
            super().register_extension(ext)


def signed(pdf: bytes, *, number: str, digest: str, address: str) -> bytes:
    """The document with an invisible PAdES signature that certifies it: no later change is allowed.

    PDF/A stays PDF/A: an incremental update, an invisible field, no new fonts, metadata untouched.
    The signature's reason carries the certificate's number and fingerprint, which checking reads back.
    """
    metadata = signers.PdfSignatureMetadata(
        field_name=FIELD,
        md_algorithm="sha256",
        reason=f"{number} {digest}",
        location=address,
        name=NAME,
        subfilter=fields.SigSeedSubFilter.PADES,
        certify=True,
        docmdp_permissions=fields.MDPPerm.NO_CHANGES,
    )
    signer = signers.PdfSigner(metadata, _signer(keys.secret(KEY), settings.load().log_origin))
    out = signer.sign_pdf(ArchivalUpdate(io.BytesIO(pdf)))
    made: bytes = out.getvalue()
    return made
