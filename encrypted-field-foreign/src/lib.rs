//! Reads what other software has encrypted, so that its columns can be imported into
//! [`encrypted_field`].
//!
//! | format | type | name |
//! |---|---|---|
//! | Fernet, `MultiFernet` | [`Fernet`] | `fernet` |
//! | Active Record Encryption of Rails | [`Rails`] | `rails` |
//! | Lockbox, of Ruby | [`Lockbox`] | `lockbox` |
//! | `encrypted` casts of Laravel | [`Laravel`] | `laravel` |
//! | django-fernet-fields | [`DjangoFernetFields`] | `django-fernet-fields` |
//! | Cloak and `cloak_ecto`, of Elixir | [`CloakEcto`] | `cloak-ecto` |
//! | `@47ng/cloak`, `prisma-field-encryption` | [`Cloak47ng`] | `47ng-cloak` |
//! | SQLAlchemy-Utils | [`SqlAlchemyUtils`] | `sqlalchemy-utils` |
//! | AES-256-GCM by hand: nonce, ciphertext, tag | [`AesGcm`] | `aes-256-gcm` |
//! | AES-256-GCM under scrypt, for each row | [`ScryptAesGcm`] | `scrypt-aes-256-gcm` |
//! | JSON with `keyVersion`, under PBKDF2 | [`Pbkdf2AesGcm`] | `pbkdf2-aes-256-gcm` |
//! | JSON with `version` and `nonce` | [`JsonAesGcm`] | `json-aes-256-gcm` |
//! | any other | [`from_fn`] | |
//!
//! Each is a [`ForeignFormat`]. An application makes one by its type, and reads the rows from
//! before the import with `#[encrypted(TYPE, legacy = path::to::function)]`: see [`ForeignReader`].
//! A command or a file of settings makes one by its name: see [`from_settings`].
//!
//! # What is refused
//!
//! - Writing. None of these formats can be written.
//! - What does not authenticate: tags of other lengths than 16 bytes, AES-CBC without a MAC, and
//!   all formats without authentication. A MAC is checked before anything is decrypted.
//! - Anything before or after a value, and every spelling of base64, hexadecimal and JSON members
//!   that the original does not write.
//! - Keys that are malformed or placeholders. Weak keys are taken. Reading the values once more is
//!   how one gets away from such a key.
//!
//! None of these formats binds a value to its column, as encrypted-field does. As long as a field
//! has such a reader, whoever can write to the database can move old values to each column and row
//! that has the same old key. (Lockbox has a key for each attribute.)
//!
//! # Work
//!
//! Keys are derived once, when a format is made. The exception is [`ScryptAesGcm`], whose rows have
//! salts of their own. The costs of scrypt and PBKDF2 come from the settings, never from a stored
//! value. The time of everything else is linear in the size of the stored value, or of the
//! plaintext, of at most 2^28 bytes.
//!
//! # Chance
//!
//! The library gives a value to its legacy reader only if the value does not begin like one of its
//! own. A value that begins so and does not open is an error and goes to no other reader. Of the
//! formats without a header in binary columns ([`AesGcm`], [`Lockbox`]), one value in 358 million
//! begins so by chance: `FORMAT.md`, section 3.4, has the queries that find such rows. Texts never
//! do.
//!
//! # Secrets in memory
//!
//! Keys are wiped on drop, and plaintexts are in memory that wipes itself. The working memory of
//! scrypt is not wiped, nor what HMAC leaves on the stack.

#![forbid(unsafe_code)]
#![cfg_attr(docsrs, feature(doc_cfg))]

mod cloak_47ng;
mod cloak_ecto;
mod crypto;
mod django;
mod encoding;
mod fernet;
mod foreign_format;
mod inflate;
mod json;
mod json_aes_gcm;
mod key;
mod laravel;
mod lockbox;
mod pbkdf2_aes_gcm;
mod plain_aes_gcm;
mod rails;
mod reader;
mod refused;
mod scrypt_aes_gcm;
mod settings;
mod sqlalchemy;

pub use cloak_47ng::Cloak47ng;
pub use cloak_ecto::CloakEcto;
pub use django::DjangoFernetFields;
pub use encoding::Encoding;
pub use fernet::Fernet;
pub use foreign_format::{ForeignFormat, FromFn, from_fn};
pub use json_aes_gcm::JsonAesGcm;
pub use laravel::Laravel;
pub use lockbox::{Lockbox, LockboxKey};
pub use pbkdf2_aes_gcm::Pbkdf2AesGcm;
pub use plain_aes_gcm::AesGcm;
pub use rails::{Rails, RailsDigest};
pub use reader::ForeignReader;
pub use scrypt_aes_gcm::ScryptAesGcm;
pub use settings::{FORMATS, SettingsError, from_settings};
pub use sqlalchemy::SqlAlchemyUtils;

/// The README's examples compile.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
