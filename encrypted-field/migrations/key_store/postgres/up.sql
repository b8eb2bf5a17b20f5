-- The key store of encrypted-field: data keys, wrapped. The head is the row named 'head'.
-- Names are compared by their bytes: the records whose names begin alike are a range of the primary key.
CREATE TABLE IF NOT EXISTS encrypted_field_keys (
    name TEXT COLLATE "C" PRIMARY KEY CHECK (name ~ '^[a-z0-9/]+$' AND octet_length(name) <= 100),
    revision BIGINT NOT NULL CHECK (revision >= 1),
    record TEXT NOT NULL CHECK (octet_length(record) <= 1048576)
);
CREATE INDEX IF NOT EXISTS encrypted_field_keys_revision ON encrypted_field_keys (revision);
