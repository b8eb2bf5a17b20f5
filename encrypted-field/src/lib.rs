//! Encrypted model fields: annotate a field, and its database column holds ciphertext.
//!
//! ```
//! # #[cfg(feature = "diesel-sqlite")] {
//! # fn example() -> Result<(), Box<dyn std::error::Error>> {
//! use diesel::prelude::*;
//! use encrypted_field::{Encrypted, Keyring, generate_key};
//!
//! diesel::table! {
//!     slack_connections (id) {
//!         id -> Integer,
//!         bot_token -> Text,
//!         signing_secret -> Nullable<Text>,
//!     }
//! }
//!
//! #[derive(Debug, Queryable, Selectable, Insertable, Encrypted)]
//! #[diesel(table_name = slack_connections)]
//! struct SlackConnection {
//!     id: i32,
//!     #[encrypted(String)]                   // the plaintext type
//!     bot_token: BotToken,                   // a new type: the derive declares it
//!     #[encrypted(String)]
//!     signing_secret: Option<SigningSecret>, // NULL stays NULL
//! }
//!
//! // In an application: `encrypted_field::install(Keyring::from_env()?)?`, once at start-up.
//! let _ring = Keyring::builder().active(1, generate_key()?).build()?.hold();
//!
//! let db = &mut SqliteConnection::establish(":memory:")?;
//! # diesel::sql_query("CREATE TABLE slack_connections (id INTEGER PRIMARY KEY NOT NULL, \
//! #     bot_token TEXT NOT NULL, signing_secret TEXT)").execute(db)?;
//! let row = SlackConnection { id: 1, bot_token: "xoxb-1".into(), signing_secret: None };
//! diesel::insert_into(slack_connections::table).values(&row).execute(db)?;
//!
//! let stored: String = slack_connections::table.select(slack_connections::bot_token).first(db)?;
//! assert!(stored.starts_with("ef1:1:")); // the key id, then ciphertext
//!
//! let row = slack_connections::table.select(SlackConnection::as_select()).first(db)?;
//! assert_eq!(&*row.bot_token, "xoxb-1"); // derefs to &str; Debug prints BotToken([encrypted])
//! # assert!(row.id == 1 && row.signing_secret.is_none());
//! # assert!(format!("{row:?}").contains("BotToken([encrypted])"));
//! # Ok(())
//! # }
//! # example().unwrap();
//! # }
//! ```
//!
//! `BotToken` is an ordinary column type. It inserts, updates and reads in models, tuples and
//! queries. With SQLx, derive `sqlx::FromRow` instead of Diesel's traits, name the table with
//! `#[encrypted(table = "slack_connections")]`, and bind the sealed value:
//! `.bind(row.bot_token.to_stored_value()?)`. The [README] has this example, the options of
//! `#[encrypted(…)]`, and what the library does not do.
//!
//! # Which part do I need?
//!
//! | part | for whom |
//! |---|---|
//! | [`derive(Encrypted)`](derive@Encrypted), [`Keyring`], [`install`] | everybody |
//! | [`Error`], [`ErrorKind`] | whoever handles errors by their kind |
//! | [`Scope`] | applications with a key for each tenant |
//! | [`Plaintext`], [`Text`], [`Json`] | models whose fields are more than strings |
//! | [`EncryptedModel`] | applications that move rows after a rotation, as they load them |
//! | [`EncryptedFieldExt`] | generic code, and tests with a key ring of their own |
//! | [`event`] | operators: which keys seal, stale and legacy reads, failures |
//! | [`legacy`] | migrations of columns that hold other values |
//! | `sql_check` (feature `sql-check`) | tests of applications that write SQL as text |
//! | `envelope` (feature `envelope`) | applications whose keys a key service wraps |
//! | [`column`](mod@column) | tools that move tables, without the application's types |
//! | [`format`](mod@format) | tools that look at stored values without a key |
//!
//! # How a value travels
//!
//! ```text
//! write   BotToken ── Plaintext::encode ──> bytes ── XAES-256-GCM ──> ef1:<key id>:<base64url>
//!                                                     │ key: the active one of the field's scope
//!                                                     │ nonce: 192 random bits, 96 of them its own
//!                                                     └ associated data: suite, key id, kind, context
//! read    column ──> marker, key id ──> key ring ──> scope, state ──> XAES-256-GCM ──> Plaintext::decode
//!              └ no marker: legacy reader, if the field declares one and it is open; else an error
//! ```
//!
//! `FORMAT.md` specifies the stored bytes. `SECURITY.md` has the threat model.
//!
//! # Keys
//!
//! [`install`] sets the [`Keyring`] of the process. Another call swaps it atomically. Without
//! `install`, the first use loads [the environment's keys](key::EnvKeys). In tests,
//! [`Keyring::hold`] replaces the ring for one thread, and [`Keyring::hold_everywhere`] for all
//! threads. The `…_with` methods of [`EncryptedFieldExt`] and [`EncryptedModel`] take a ring as an
//! argument.
//!
//! A field with `scope = dynamic` uses the keys of the [`Scope`] that is entered, such as the
//! tenant of a request: `scope.enter(async || { … }).await`. Seal, bind and execute inside.
//!
//! # Errors
//!
//! There is one type, [`Error`]. Its [kind](ErrorKind) belongs to one of three
//! [families](ErrorFamily): misuse by the program, data that is not what it should be, and keys
//! that are missing or wrong.
//!
//! Diesel and SQLx wrap it, and [`Error::find`] gets it back out:
//!
//! | where it failed | [`Error::find`] |
//! |---|---|
//! | Diesel, reading | finds it. Diesel's own text names only the field |
//! | Diesel, writing | finds it |
//! | SQLx, reading | finds it |
//! | SQLx, `query.try_bind(&token)` | finds it |
//! | SQLx, `query.bind(&token)` | **finds nothing**: SQLx keeps only the text of the error |
//! | SQLx, `builder.push_bind(&token)` | there is no error: SQLx panics with its text |
//!
//! So with SQLx, seal before you bind: `query.bind(token.to_stored_value()?)`. The error of
//! [`to_stored_value`](ToStoredValue::to_stored_value) is an [`Error`], with its kind and
//! [`is_retryable`](Error::is_retryable), and binding can't fail any more.
//!
//! # Features
//!
//! The [README] lists them all. By default only `aes-gcm` is on: the cipher in pure Rust. You add
//! at least an ORM: `diesel-postgres`, `diesel-mysql`, `diesel-sqlite`, or `sqlx` for any database.
//!
//! # Layers
//!
//! A module uses only modules beyond an arrow to its right:
//! `orm, sql_check -> field -> plaintext, envelope -> event -> key -> cipher -> format -> secret, error -> key_id`.
//! `legacy` and `__private` are above them all. (One exception: `error` knows that Diesel's error
//! hides its source.)
//!
//! [README]: https://github.com/encrypted-field/encrypted-field#readme

#![forbid(unsafe_code)]
#![cfg_attr(docsrs, feature(doc_cfg))]

// Generated code names this crate by its path, also inside of it.
extern crate self as encrypted_field;

mod cipher;
#[cfg(feature = "envelope")]
pub mod envelope;
mod error;
pub mod event;
mod field;
pub mod format;
pub mod key;
mod key_id;
pub mod legacy;
mod orm;
pub mod plaintext;
mod secret;
#[cfg(feature = "sql-check")]
pub mod sql_check;

pub use cipher::CIPHER_BACKEND;
pub use encrypted_field_derive::Encrypted;
pub use error::{Error, ErrorFamily, ErrorKind, Result};
#[cfg(feature = "diesel")]
pub use field::MoveStale;
#[cfg(feature = "diesel-async")]
pub use field::MoveStaleAsync;
#[cfg(feature = "sqlx")]
pub use field::MoveStaleSqlx;
pub use field::column;
pub use field::{
    EncryptedField, EncryptedFieldExt, EncryptedModel, FieldInfo, Secret, Storage, StoredValue,
    ToStoredValue,
};
#[doc(inline)]
pub use key::{Key, Keyring, Scope, generate_key, install, keyring};
pub use key_id::KeyId;
#[doc(inline)]
pub use plaintext::{Json, Plaintext, Text};

#[doc(hidden)]
pub mod __private;
