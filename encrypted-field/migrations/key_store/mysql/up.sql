-- The key store of encrypted-field: data keys, wrapped. The head is the row named 'head'.
-- Names are compared by their bytes: the records whose names begin alike are a range of the primary key.
-- InnoDB, for it has transactions. MEDIUMTEXT, for TEXT ends at 65,535 bytes.
CREATE TABLE IF NOT EXISTS encrypted_field_keys (
    name VARCHAR(100) CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY,
    revision BIGINT NOT NULL,
    record MEDIUMTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
    CHECK (name <> '' AND name NOT REGEXP '[^a-z0-9/]'),
    CHECK (revision >= 1),
    CHECK (octet_length(record) <= 1048576),
    INDEX encrypted_field_keys_revision (revision)
) ENGINE = InnoDB;
