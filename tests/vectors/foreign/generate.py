#!/usr/bin/env python3
"""Makes fernet.json, django-fernet-fields.json and sqlalchemy-utils.json with the original software.

    pip install cryptography 'django<4' django-fernet-fields sqlalchemy sqlalchemy-utils
    python3 generate.py

Nonces are random, so each run makes other values. Add a file rather than changing one.
"""

import base64
import datetime
import hashlib
import json
import warnings
from importlib.metadata import version
from pathlib import Path
from types import SimpleNamespace

import django
from cryptography.fernet import Fernet, MultiFernet
from django.conf import settings as django_settings
from sqlalchemy import Boolean, Date, Integer, String
from sqlalchemy_utils import EncryptedType, StringEncryptedType
from sqlalchemy_utils.types.encrypted.encrypted_type import AesGcmEngine, FernetEngine

FOLDER = Path(__file__).parent
TEXTS = {
    "a token": "CANARY-xoxb-2417093341",
    "the empty text": "",
    "outside of ASCII": "CANARY-größe-鍵-🔑",
    "one block": "CANARY-89abcdefg",
    "a long text": "CANARY-" * 150,
}


def key(n):
    """32 bytes, by which the scan of the test output finds them."""
    return b"CANARY-" + hashlib.sha256(f"foreign {n}".encode()).digest()[:25]


def base64url(data):
    return base64.urlsafe_b64encode(data).decode()


def vector(name, settings, stored, plaintext):
    if isinstance(stored, bytes):
        stored = stored.decode()
    return {
        "name": name,
        "expect": "open",
        "settings": settings,
        "stored": {"text": stored},
        "plaintext": {"text": plaintext},
    }


def write(name, about, made_by, vectors):
    document = {"about": about, "format": name, "original": True, "made_by": made_by, "vectors": vectors}
    (FOLDER / f"{name}.json").write_text(json.dumps(document, indent=2, ensure_ascii=False) + "\n")


def fernet():
    keys = [base64url(key(n)) for n in (1, 2)]
    one, both = {"key": keys[0]}, {"key": keys[0], "key.2": keys[1]}
    vectors = [vector(name, one, Fernet(keys[0]).encrypt(text.encode()), text) for name, text in TEXTS.items()]
    multi = MultiFernet([Fernet(each) for each in keys])
    vectors.append(vector("MultiFernet, the first key", both, multi.encrypt(b"CANARY-first"), "CANARY-first"))
    old = MultiFernet([Fernet(keys[1])]).encrypt(b"CANARY-second")
    vectors.append(vector("MultiFernet, the second key", both, old, "CANARY-second"))
    vectors.append(vector("MultiFernet, rotated", both, multi.rotate(old), "CANARY-second"))
    at = Fernet(keys[0]).encrypt_at_time(b"CANARY-expired", 1)
    vectors.append(vector("a token of 1970", one, at, "CANARY-expired"))
    write("fernet", "Fernet tokens of Python", f"cryptography {version('cryptography')}, the original of MultiFernet", vectors)


def django_fernet_fields():
    keys = ["CANARY-a Django secret key: !@#$%^&*()", "CANARY-größe, an older one"]
    django_settings.configure(FERNET_KEYS=keys, SECRET_KEY="CANARY-unused")
    django.setup()
    from fernet_fields import EncryptedDateField, EncryptedIntegerField, EncryptedTextField

    # What the fields ask of a connection to PostgreSQL.
    connection = SimpleNamespace(
        Database=SimpleNamespace(Binary=bytes), ops=SimpleNamespace(adapt_datefield_value=lambda date: date)
    )

    def stored(field, value):
        return field.get_db_prep_save(value, connection)

    both = {"key": keys[0], "key.2": keys[1]}
    vectors = [vector(name, both, stored(EncryptedTextField(), text), text) for name, text in TEXTS.items()]
    vectors.append(vector("EncryptedIntegerField", both, stored(EncryptedIntegerField(), 42), "42"))
    vectors.append(vector("EncryptedDateField", both, stored(EncryptedDateField(), "2024-02-29"), "2024-02-29"))
    django_settings.FERNET_KEYS = keys[1:]
    vectors.append(vector("an older key", both, stored(EncryptedTextField(), "CANARY-old"), "CANARY-old"))
    django_settings.FERNET_KEYS = [base64url(key(3))]
    django_settings.FERNET_USE_HKDF = False
    without = {"key": base64url(key(3)), "use_hkdf": "false"}
    vectors.append(vector("without HKDF", without, stored(EncryptedTextField(), "CANARY-direct"), "CANARY-direct"))
    made_by = f"django-fernet-fields {version('django-fernet-fields')} on Django {version('django')}"
    write("django-fernet-fields", "Fields of django-fernet-fields", made_by, vectors)


def sqlalchemy_utils():
    passphrase = "CANARY-secretkey1234"
    vectors = []
    for engine in AesGcmEngine, FernetEngine:
        settings = {"key": passphrase, "engine": engine.__name__}

        def add(name, kind, value, plaintext, wrapper=StringEncryptedType):
            stored = wrapper(kind, passphrase, engine).process_bind_param(value, None)
            vectors.append(vector(f"{engine.__name__}, {name}", settings, stored, plaintext))

        for name, text in TEXTS.items():
            add(name, String, text, text)
        add("an integer", Integer, -42, "-42")
        add("a boolean", Boolean, True, "true")
        add("a date", Date, datetime.date(2024, 2, 29), "2024-02-29")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            add("EncryptedType", String, "CANARY-binary column", "CANARY-binary column", EncryptedType)
    made_by = f"SQLAlchemy-Utils {version('sqlalchemy-utils')} with cryptography {version('cryptography')}"
    write("sqlalchemy-utils", "EncryptedType and StringEncryptedType of SQLAlchemy-Utils", made_by, vectors)


fernet()
sqlalchemy_utils()
django_fernet_fields()
