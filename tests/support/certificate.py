"""A certificate for 127.0.0.1 that nobody but the test trusts."""

import subprocess
from pathlib import Path

from tests.support.servers import require


def self_signed(folder: Path) -> tuple[Path, Path]:
    """Make a certificate and its key in `folder` and return both paths."""
    certificate, key = folder / "certificate.pem", folder / "key.pem"
    make = [require("openssl", "openssl"), "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=perftui"]
    files = ["-keyout", str(key), "-out", str(certificate), "-days", "2", "-addext", "subjectAltName=IP:127.0.0.1"]
    subprocess.run([*make, *files], check=True, capture_output=True, timeout=30)
    return certificate, key
