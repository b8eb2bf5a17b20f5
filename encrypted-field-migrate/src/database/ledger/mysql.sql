CREATE TABLE IF NOT EXISTS encrypted_field_migration_jobs (
    name VARCHAR(190) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin PRIMARY KEY,
    place TEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
    spec TEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
    state VARCHAR(16) NOT NULL,
    paused BIGINT NOT NULL,
    rate BIGINT NOT NULL,
    frontier TEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
    next_range BIGINT NOT NULL,
    at_end BIGINT NOT NULL,
    started BIGINT NOT NULL,
    ended BIGINT NOT NULL
) ENGINE = InnoDB;
CREATE TABLE IF NOT EXISTS encrypted_field_migration_ranges (
    job VARCHAR(190) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
    number BIGINT NOT NULL,
    lower_key TEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
    upper_key TEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
    done BIGINT NOT NULL,
    owner VARCHAR(64) NOT NULL,
    lease_until BIGINT NOT NULL,
    row_count BIGINT NOT NULL,
    replaced BIGINT NOT NULL,
    kept BIGINT NOT NULL,
    nulls BIGINT NOT NULL,
    pending BIGINT NOT NULL,
    gone BIGINT NOT NULL,
    PRIMARY KEY (job, number),
    FOREIGN KEY (job) REFERENCES encrypted_field_migration_jobs (name) ON DELETE CASCADE
) ENGINE = InnoDB;
CREATE TABLE IF NOT EXISTS encrypted_field_migration_failures (
    id BIGINT AUTO_INCREMENT PRIMARY KEY,
    job VARCHAR(190) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
    range_number BIGINT NOT NULL,
    row_key TEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
    kind VARCHAR(32) NOT NULL,
    reason TEXT CHARACTER SET utf8mb4 NOT NULL,
    KEY encrypted_field_migration_failures_of_range (job, range_number),
    FOREIGN KEY (job) REFERENCES encrypted_field_migration_jobs (name) ON DELETE CASCADE
) ENGINE = InnoDB;
