-- Loaded into an empty PostgreSQL database before the tests are compiled against it.

-- sqlx.toml says what these columns are in Rust.
CREATE TABLE slack_connections (
    id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    org_id text NOT NULL,
    bot_token text NOT NULL,
    signing_secret text,
    webhook_key bytea NOT NULL
);

-- Of these the queries say it.
CREATE TABLE github_connections (
    id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    access_token text NOT NULL,
    refresh_token text,
    app_key bytea,
    old_tokens text[] NOT NULL DEFAULT '{}'
);
