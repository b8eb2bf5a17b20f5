//! AWS for [`encrypted_field`]: a key of KMS as a key-encryption key, a secret of Secrets Manager
//! as a key store or an anchor.
//!
//! ```no_run
//! # #[cfg(all(feature = "kms", feature = "secrets-manager"))]
//! # mod example {
//! use encrypted_field_aws::{AwsKms, AwsSecretsManager};
//!
//! fn kek(client: aws_sdk_kms::Client) -> AwsKms {
//!     AwsKms::new(client, "alias/app")
//! }
//!
//! fn store(client: aws_sdk_secretsmanager::Client) -> AwsSecretsManager {
//!     AwsSecretsManager::new(client, "app/keys")
//! }
//! # }
//! ```
//!
//! Both are given to a `KeyManager` of the library:
//! `KeyManager::builder("production", store).kek("eu", kek)`. The application brings the clients,
//! such as those of the crate `aws-config`, and with them region, credentials and TLS:
//!
//! ```text
//! let config = aws_config::load_defaults(BehaviorVersion::latest()).await;
//! let kms = aws_sdk_kms::Client::new(&config);
//! let secrets = aws_sdk_secretsmanager::Client::new(&config);
//! ```
//!
//! The majors of `aws-sdk-kms` and `aws-sdk-secretsmanager` are part of this crate's interface, and
//! not of the library's.
//!
//! **Tested** against [moto](https://github.com/getmoto/moto) and against a stub of this project
//! for what moto does not do: throttling, keys that are disabled, answers that are lost. It was
//! never run against AWS by its authors.
//!
//! # Features
//!
//! | feature | |
//! |---|---|
//! | `kms` (default) | `AwsKms` |
//! | `secrets-manager` (default) | `AwsSecretsManager` |

#![forbid(unsafe_code)]
#![cfg_attr(docsrs, feature(doc_cfg))]

#[cfg(feature = "kms")]
mod kms;
#[cfg(feature = "secrets-manager")]
mod secrets_manager;
#[cfg(any(feature = "kms", feature = "secrets-manager"))]
mod service;

#[cfg(feature = "kms")]
pub use kms::AwsKms;
#[cfg(feature = "secrets-manager")]
pub use secrets_manager::AwsSecretsManager;

/// The README's example compiles.
#[cfg(all(doctest, feature = "kms", feature = "secrets-manager"))]
#[doc = include_str!("../README.md")]
struct Readme;
