"""Files with a shape of their own: the C2SP vectors of the cipher, and derived keys."""

from . import xaes
from .vectors import derived, key

C2SP = "https://c2sp.org/XAES-256-GCM"
ACCUMULATED = {
    10_000: "e6b9edf2df6cec60c8cbd864e2211b597fb69a529160cd040d56c0c210081939",
    1_000_000: "2163ae1445985a30b60585ee67daa55674df06901b890593e824b8a7c885ab15",
}
# As the specification prints them.
KNOWN = [
    {
        "comment": "the top bit of L is 0",
        "key": "01" * 32,
        "nonce": b"ABCDEFGHIJKLMNOPQRSTUVWX".hex(),
        "plaintext": b"XAES-256-GCM".hex(),
        "aad": "",
        "L": "7298caa565031eadc6ce23d23ea66378",
        "K1": "e531954aca063d5b8d9c47a47d4cc6f0",
        "M1": "000158004142434445464748494a4b4c",
        "M2": "000258004142434445464748494a4b4c",
        "subkey": "c8612c9ed53fe43e8e005b828a1631a0bbcb6ab2f46514ec4f439fcfd0fa969b",
        "gcm_nonce": "4d4e4f505152535455565758",
        "sealed": "ce546ef63c9cc60765923609b33a9a1974e96e52daf2fcf7075e2271",
    },
    {
        "comment": "the top bit of L is 1",
        "key": "03" * 32,
        "nonce": b"ABCDEFGHIJKLMNOPQRSTUVWX".hex(),
        "plaintext": b"XAES-256-GCM".hex(),
        "aad": b"c2sp.org/XAES-256-GCM".hex(),
        "L": "91c08762876dccf9ba204a33768fa5fe",
        "K1": "23810ec50edb99f374409466ed1f4b7b",
        "M1": "000158004142434445464748494a4b4c",
        "M2": "000258004142434445464748494a4b4c",
        "subkey": "e9c621d4cdd9b11b00a6427ad7e559aeedd66b3857646677748f8ca796cb3fd8",
        "gcm_nonce": "4d4e4f505152535455565758",
        "sealed": "986ec1832593df5443a179437fd083bf3fdb41abd740a21f71eb769d",
    },
]


def xaes_file() -> dict:
    return {
        "about": "XAES-256-GCM: the two known answers of the specification, and the results of its accumulated test. "
        "`sealed` is ciphertext, then tag; the steps are named as in the specification (subkey is Kx, gcm_nonce Nx).",
        "source": C2SP,
        "vectors": KNOWN,
        "accumulated": {
            "procedure": "One SHAKE-128 without input is the source, a second one collects. Each round reads from the "
            "source: key (32 bytes), nonce (24), one length byte, that many bytes of plaintext, one length byte, that "
            "many bytes of associated data; seals; opens again; and feeds ciphertext and tag to the collector. The "
            "digest is the first 32 bytes of the collector.",
            "results": [{"rounds": rounds, "digest": digest} for rounds, digest in ACCUMULATED.items()],
        },
    }


def keys_file() -> dict:
    labels = ["1", "7", "golden 1", "golden 2", "golden 3"]
    top = {xaes.derive(key(1, label).field_key(), bytes(24)).l[0] >> 7 for label in labels}
    assert top == {0, 1}, "one field key of each kind"
    return {
        "about": "What is derived from a data key, FORMAT.md section 4: the field key of algorithm 1 with L and K1 of "
        "XAES-256-GCM, and the check value. `other_algorithm` is the field key that algorithm 2 would have: "
        "it is reserved, and differs.",
        "vectors": [derivation(derived("key", label, 32)) for label in labels],
    }


def derivation(data: bytes) -> dict:
    one = key(1)
    one = type(one)(1, data)
    steps = xaes.derive(one.field_key(), bytes(24))
    return {
        "data_key": data.hex(),
        "field_key": one.field_key().hex(),
        "L": steps.l.hex(),
        "K1": steps.k1.hex(),
        "check_value": one.check_value().hex(),
        "other_algorithm": one.field_key(2).hex(),
    }


def check_xaes(rounds: int) -> None:
    """This implementation against the specification's numbers."""
    for vector in KNOWN:
        nonce, key = bytes.fromhex(vector["nonce"]), bytes.fromhex(vector["key"])
        steps = xaes.derive(key, nonce)
        found = {"L": steps.l, "K1": steps.k1, "M1": steps.m1, "M2": steps.m2, "subkey": steps.subkey}
        found["gcm_nonce"] = steps.gcm_nonce
        aad, message = bytes.fromhex(vector["aad"]), bytes.fromhex(vector["plaintext"])
        found["sealed"] = xaes.seal(key, nonce, aad, message)
        for name, value in found.items():
            assert value.hex() == vector[name], (vector["comment"], name)
        assert xaes.open_sealed(key, nonce, aad, found["sealed"]) == message
    if rounds:
        assert xaes.accumulated(rounds) == ACCUMULATED[rounds], f"accumulated, {rounds} rounds"
