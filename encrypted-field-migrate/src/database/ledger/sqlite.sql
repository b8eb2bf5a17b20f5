CREATE TABLE IF NOT EXISTS encrypted_field_migration_jobs (
    name TEXT PRIMARY KEY NOT NULL,
    place TEXT NOT NULL,
    spec TEXT NOT NULL,
    state TEXT NOT NULL,
    paused INTEGER NOT NULL,
    rate INTEGER NOT NULL,
    frontier TEXT NOT NULL,
    next_range INTEGER NOT NULL,
    at_end INTEGER NOT NULL,
    started INTEGER NOT NULL,
    ended INTEGER NOT NULL
);
CREATE TABLE IF NOT EXISTS encrypted_field_migration_ranges (
    job TEXT NOT NULL REFERENCES encrypted_field_migration_jobs (name) ON DELETE CASCADE,
    number INTEGER NOT NULL,
    lower_key TEXT NOT NULL,
    upper_key TEXT NOT NULL,
    done INTEGER NOT NULL,
    owner TEXT NOT NULL,
    lease_until INTEGER NOT NULL,
    row_count INTEGER NOT NULL,
    replaced INTEGER NOT NULL,
    kept INTEGER NOT NULL,
    nulls INTEGER NOT NULL,
    pending INTEGER NOT NULL,
    gone INTEGER NOT NULL,
    PRIMARY KEY (job, number)
);
CREATE TABLE IF NOT EXISTS encrypted_field_migration_failures (
    id INTEGER PRIMARY KEY NOT NULL,
    job TEXT NOT NULL REFERENCES encrypted_field_migration_jobs (name) ON DELETE CASCADE,
    range_number INTEGER NOT NULL,
    row_key TEXT NOT NULL,
    kind TEXT NOT NULL,
    reason TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS encrypted_field_migration_failures_of_range
    ON encrypted_field_migration_failures (job, range_number);
