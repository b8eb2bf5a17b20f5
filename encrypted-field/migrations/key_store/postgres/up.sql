-- The key store of encrypted-field: data keys, wrapped. The head is the row with id 0.
CREATE TABLE encrypted_field_keys (
    id BIGINT PRIMARY KEY CHECK (id BETWEEN 0 AND 4294967295),
    revision BIGINT NOT NULL CHECK (revision >= 1),
    record TEXT NOT NULL CHECK (octet_length(record) <= 65536)
);
CREATE INDEX encrypted_field_keys_revision ON encrypted_field_keys (revision);
