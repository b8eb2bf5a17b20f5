-- The key store of encrypted-field: data keys, wrapped. The head is the row named 'head'.
-- Names are compared by their bytes: the records whose names begin alike are a range of the primary key.
-- Not WITHOUT ROWID: records have kilobytes, and such a table keeps them in the inner pages of its tree.
CREATE TABLE IF NOT EXISTS encrypted_field_keys (
    name TEXT PRIMARY KEY NOT NULL CHECK (
        typeof(name) = 'text' AND length(name) BETWEEN 1 AND 100
        AND trim(name, 'abcdefghijklmnopqrstuvwxyz0123456789/') = ''
    ),
    revision INTEGER NOT NULL CHECK (typeof(revision) = 'integer' AND revision >= 1),
    record TEXT NOT NULL CHECK (typeof(record) = 'text' AND length(CAST(record AS BLOB)) <= 1048576)
);
CREATE INDEX IF NOT EXISTS encrypted_field_keys_revision ON encrypted_field_keys (revision);
