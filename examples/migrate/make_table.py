#!/usr/bin/env python3
"""Makes tokens.sql: a table as a Django or Flask application leaves it behind, with tokens that
Python's `cryptography` has encrypted with Fernet. Run once; the result is committed."""

import cryptography
from cryptography.fernet import Fernet

KEY = "cw_0x689RpI-jtRR7oE8h_eQsKImvJapLeSbXpwF4e4="  # the example key of the Fernet specification

rows = [(n, f"org_{n}", f"xoxb-example-{n:04}") for n in range(1, 9)]
fernet = Fernet(KEY)
print(f"-- Written by make_table.py with cryptography {cryptography.__version__}.")
print("CREATE TABLE slack_connections (id INTEGER PRIMARY KEY, org_id TEXT NOT NULL, bot_token TEXT);")
for number, org, token in rows:
    sealed = fernet.encrypt(token.encode()).decode()
    print(f"INSERT INTO slack_connections VALUES ({number}, '{org}', '{sealed}');")
print("INSERT INTO slack_connections VALUES (9, 'org_9', NULL);")
