"""XAES-256-GCM, https://c2sp.org/XAES-256-GCM, in its steps. FORMAT.md section 5."""

import hashlib
from dataclasses import dataclass

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

NONCE_LEN = 24
TAG_LEN = 16


def aes_256(key: bytes, block: bytes) -> bytes:
    """AES-256 on one block, forward direction."""
    encryptor = Cipher(algorithms.AES(key), modes.ECB()).encryptor()
    return encryptor.update(block) + encryptor.finalize()


@dataclass(frozen=True)
class Steps:
    """Every intermediate value of one message, named as in the C2SP specification."""

    l: bytes
    k1: bytes
    m1: bytes
    m2: bytes
    subkey: bytes
    gcm_nonce: bytes


def derive(key: bytes, nonce: bytes) -> Steps:
    assert len(key) == 32 and len(nonce) == NONCE_LEN
    l = aes_256(key, bytes(16))
    doubled = int.from_bytes(l, "big") << 1
    if l[0] & 0x80:
        doubled ^= 0x87
    k1 = (doubled & (2**128 - 1)).to_bytes(16, "big")
    m1 = b"\x00\x01X\x00" + nonce[:12]
    m2 = b"\x00\x02X\x00" + nonce[:12]
    subkey = aes_256(key, xor(m1, k1)) + aes_256(key, xor(m2, k1))
    return Steps(l, k1, m1, m2, subkey, nonce[12:])


def seal(key: bytes, nonce: bytes, aad: bytes, message: bytes) -> bytes:
    """Ciphertext, then the tag."""
    steps = derive(key, nonce)
    return AESGCM(steps.subkey).encrypt(steps.gcm_nonce, message, aad)


def open_sealed(key: bytes, nonce: bytes, aad: bytes, sealed: bytes) -> bytes | None:
    """The message, or None where it does not authenticate."""
    steps = derive(key, nonce)
    try:
        return AESGCM(steps.subkey).decrypt(steps.gcm_nonce, sealed, aad)
    except InvalidTag:
        return None


def xor(a: bytes, b: bytes) -> bytes:
    return bytes(x ^ y for x, y in zip(a, b, strict=True))


def accumulated(rounds: int) -> str:
    """The C2SP accumulated test: one SHAKE-128 of nothing is the source, another collects ciphertexts."""
    # hashlib cannot squeeze step by step, so ask for as much as the rounds can take at most.
    stream = hashlib.shake_128().digest(rounds * (32 + NONCE_LEN + 2 * (1 + 255)))
    position = 0

    def take(n: int) -> bytes:
        nonlocal position
        position += n
        return stream[position - n : position]

    collector = hashlib.shake_128()
    for _ in range(rounds):
        key, nonce = take(32), take(NONCE_LEN)
        message = take(take(1)[0])
        aad = take(take(1)[0])
        sealed = seal(key, nonce, aad, message)
        assert open_sealed(key, nonce, aad, sealed) == message
        collector.update(sealed)
    return collector.hexdigest(32)
