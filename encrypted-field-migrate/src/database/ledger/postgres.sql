CREATE TABLE IF NOT EXISTS encrypted_field_migration_jobs (
    name text COLLATE "C" PRIMARY KEY,
    place text NOT NULL,
    spec text NOT NULL,
    state text NOT NULL,
    paused bigint NOT NULL,
    rate bigint NOT NULL,
    frontier text NOT NULL,
    next_range bigint NOT NULL,
    at_end bigint NOT NULL,
    started bigint NOT NULL,
    ended bigint NOT NULL
);
CREATE TABLE IF NOT EXISTS encrypted_field_migration_ranges (
    job text COLLATE "C" NOT NULL REFERENCES encrypted_field_migration_jobs ON DELETE CASCADE,
    number bigint NOT NULL,
    lower_key text NOT NULL,
    upper_key text NOT NULL,
    done bigint NOT NULL,
    owner text NOT NULL,
    lease_until bigint NOT NULL,
    row_count bigint NOT NULL,
    replaced bigint NOT NULL,
    kept bigint NOT NULL,
    nulls bigint NOT NULL,
    pending bigint NOT NULL,
    gone bigint NOT NULL,
    PRIMARY KEY (job, number)
);
CREATE TABLE IF NOT EXISTS encrypted_field_migration_failures (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    job text COLLATE "C" NOT NULL REFERENCES encrypted_field_migration_jobs ON DELETE CASCADE,
    range_number bigint NOT NULL,
    row_key text NOT NULL,
    kind text NOT NULL,
    reason text NOT NULL
);
CREATE INDEX IF NOT EXISTS encrypted_field_migration_failures_of_range
    ON encrypted_field_migration_failures (job, range_number);
