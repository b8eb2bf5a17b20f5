-- The key store of encrypted-field: data keys, wrapped. The head is the row with id 0.
-- InnoDB, for it has transactions. A binary collation, and more than the 65,535 bytes of TEXT.
CREATE TABLE encrypted_field_keys (
    id BIGINT NOT NULL PRIMARY KEY,
    revision BIGINT NOT NULL,
    record MEDIUMTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
    CHECK (id BETWEEN 0 AND 4294967295),
    CHECK (revision >= 1),
    CHECK (octet_length(record) <= 65536),
    INDEX encrypted_field_keys_revision (revision)
) ENGINE = InnoDB;
