//! The tables of these tests, for Diesel and as SQL.

use diesel::Connection;
use tests::Database;

diesel::table! {
    organizations (id) {
        id -> Integer,
        name -> Text,
    }
}

diesel::table! {
    slack_connections (id) {
        id -> Integer,
        organization_id -> Integer,
        bot_token -> Text,
        signing_secret -> Nullable<Text>,
        signing_key -> Binary,
        backup_key -> Nullable<Binary>,
    }
}

diesel::table! {
    /// Names that differ between Rust and SQL.
    webhooks (id) {
        id -> Integer,
        #[sql_name = "type"]
        type_ -> Text,
        #[sql_name = "target_url"]
        address -> Nullable<Text>,
        secret -> Text,
    }
}

diesel::table! {
    /// A column that an application filled before it was encrypted.
    contacts (id) {
        id -> Integer,
        phone -> Nullable<Text>,
        photo -> Nullable<Binary>,
    }
}

diesel::table! {
    /// A `VARCHAR(20)`: too narrow for any stored value.
    narrow_tokens (id) {
        id -> Integer,
        token -> Text,
    }
}

diesel::table! {
    numbers (id) {
        id -> Integer,
        value_i8 -> Text,
        value_i16 -> Text,
        value_i32 -> Text,
        value_i64 -> Text,
        value_i128 -> Text,
        value_u8 -> Text,
        value_u16 -> Text,
        value_u32 -> Text,
        value_u64 -> Text,
        value_u128 -> Text,
        value_isize -> Text,
        value_usize -> Text,
        value_bool -> Text,
        value_decimal -> Text,
        value_big_decimal -> Text,
    }
}

diesel::table! {
    moments (id) {
        id -> Integer,
        chrono_instant -> Binary,
        chrono_date_time -> Binary,
        chrono_date -> Binary,
        chrono_time -> Binary,
        time_instant -> Binary,
        time_date_time -> Binary,
        time_date -> Binary,
        time_time -> Binary,
    }
}

diesel::table! {
    documents (id) {
        id -> Integer,
        words -> Text,
        content -> Binary,
        content_as_text -> Text,
        number -> Binary,
        reference -> Text,
        profile -> Nullable<Text>,
        place -> Nullable<Binary>,
    }
}

diesel::joinable!(slack_connections -> organizations (organization_id));
diesel::allow_tables_to_appear_in_same_query!(organizations, slack_connections);

/// What a backend calls a column for long text, and for long bytes.
pub(crate) struct SqlTypes {
    pub(crate) text: &'static str,
    pub(crate) binary: &'static str,
}

const TABLES: &str = "
    CREATE TABLE organizations (id INTEGER NOT NULL PRIMARY KEY, name {text} NOT NULL);
    CREATE TABLE slack_connections (
        id INTEGER NOT NULL PRIMARY KEY, organization_id INTEGER NOT NULL, bot_token {text} NOT NULL,
        signing_secret {text}, signing_key {binary} NOT NULL, backup_key {binary}
    );
    CREATE TABLE webhooks (id INTEGER NOT NULL PRIMARY KEY, type {text} NOT NULL, target_url {text}, secret {text} NOT NULL);
    CREATE TABLE contacts (id INTEGER NOT NULL PRIMARY KEY, phone {text}, photo {binary});
    CREATE TABLE narrow_tokens (id INTEGER NOT NULL PRIMARY KEY, token VARCHAR(20) NOT NULL);
    CREATE TABLE numbers (
        id INTEGER NOT NULL PRIMARY KEY, value_i8 {text} NOT NULL, value_i16 {text} NOT NULL, value_i32 {text} NOT NULL,
        value_i64 {text} NOT NULL, value_i128 {text} NOT NULL, value_u8 {text} NOT NULL, value_u16 {text} NOT NULL,
        value_u32 {text} NOT NULL, value_u64 {text} NOT NULL, value_u128 {text} NOT NULL, value_isize {text} NOT NULL,
        value_usize {text} NOT NULL, value_bool {text} NOT NULL, value_decimal {text} NOT NULL, value_big_decimal {text} NOT NULL
    );
    CREATE TABLE moments (
        id INTEGER NOT NULL PRIMARY KEY, chrono_instant {binary} NOT NULL, chrono_date_time {binary} NOT NULL,
        chrono_date {binary} NOT NULL, chrono_time {binary} NOT NULL, time_instant {binary} NOT NULL,
        time_date_time {binary} NOT NULL, time_date {binary} NOT NULL, time_time {binary} NOT NULL
    );
    CREATE TABLE documents (
        id INTEGER NOT NULL PRIMARY KEY, words {text} NOT NULL, content {binary} NOT NULL,
        content_as_text {text} NOT NULL, number {binary} NOT NULL, reference {text} NOT NULL, profile {text}, place {binary}
    );
";

/// Creates all tables in an empty database.
pub(crate) fn create(connection: &mut impl Connection, types: &SqlTypes) {
    let tables = TABLES.replace("{text}", types.text).replace("{binary}", types.binary);
    connection.batch_execute(&tables).expect("create the tables");
}

/// A connection to an empty database, with all tables.
pub(crate) fn open<C: Connection>(database: &Database, types: &SqlTypes) -> C {
    let mut connection = C::establish(&database.url()).expect("connect");
    create(&mut connection, types);
    connection
}
