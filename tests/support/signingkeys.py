"""
Keys that sign, made at run time.
"""

from __future__ import annotations

import os
import subprocess
from functools import lru_cache

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from pysequoia import Tsk

KINDS = ("ed25519", "rsa", "ecdsa-256", "ecdsa-384", "ecdsa-521")

_CURVES = {"ecdsa-256": ec.SECP256R1(), "ecdsa-384": ec.SECP384R1(), "ecdsa-521": ec.SECP521R1()}


@lru_cache
def ssh_key(kind: str = "ed25519", number: int = 0, passphrase: bytes = b"") -> bytes:
    """
    A private key file of OpenSSH's; the same one for the same arguments, in this run.
    """
    key: ed25519.Ed25519PrivateKey | rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey
    if kind == "ed25519":
        key = ed25519.Ed25519PrivateKey.generate()
    elif kind == "rsa":
        key = rsa.generate_private_key(65537, 2048)
    else:
        key = ec.generate_private_key(_CURVES[kind])
    encryption = serialization.BestAvailableEncryption(passphrase) if passphrase else serialization.NoEncryption()
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.OpenSSH, encryption)


@lru_cache
def openpgp_key(number: int = 0) -> bytes:
    """
    An armoured secret key of OpenPGP's.
    """
    return str(Tsk.generate("Server <server@example.org>")).encode()


def ssh_keygen_accepts(folder: str, public: bytes, signature: bytes, data: bytes) -> bool:
    """
    Whether OpenSSH takes a signature for one of git's by a key.
    """
    os.makedirs(folder, exist_ok=True)
    for name, content in (("allowed", b"somebody " + public), ("signature", signature)):
        with open(os.path.join(folder, name), "wb") as file:
            file.write(content)
    words = ["-Y", "verify", "-f", "allowed", "-I", "somebody", "-n", "git", "-s", "signature"]
    ran = subprocess.run(["ssh-keygen", *words], cwd=folder, input=data, capture_output=True, check=False)
    return ran.returncode == 0
