-- The key store of encrypted-field: data keys, wrapped. The head is the row with id 0.
CREATE TABLE encrypted_field_keys (
    id INTEGER PRIMARY KEY NOT NULL CHECK (id BETWEEN 0 AND 4294967295),
    revision INTEGER NOT NULL CHECK (typeof(revision) = 'integer' AND revision >= 1),
    record TEXT NOT NULL CHECK (typeof(record) = 'text' AND length(CAST(record AS BLOB)) <= 65536)
);
CREATE INDEX encrypted_field_keys_revision ON encrypted_field_keys (revision);
