//! AWS for [`encrypted_field`]: a key of KMS as a key-encryption key, a secret of Secrets Manager
//! as a key store, an object of S3 as an anchor.
//!
//! ```no_run
//! # #[cfg(all(feature = "kms", feature = "s3", feature = "secrets-manager"))]
//! # mod example {
//! use encrypted_field::envelope::Anchor;
//! use encrypted_field_aws::{AwsKms, AwsS3Object, AwsSecretsManager};
//!
//! fn kek(client: aws_sdk_kms::Client) -> AwsKms {
//!     AwsKms::new(client, "alias/app")
//! }
//!
//! fn store(client: aws_sdk_secretsmanager::Client) -> AwsSecretsManager {
//!     AwsSecretsManager::new(client, "app/keys")
//! }
//!
//! fn anchor(client_of_another_account: aws_sdk_s3::Client) -> Anchor {
//!     Anchor::in_document(AwsS3Object::new(client_of_another_account, "example-anchors", "app"))
//! }
//! # }
//! ```
//!
//! They are given to a `KeyManager` of the library:
//! `KeyManager::builder("production", store).kek("eu", kek).anchor(anchor)`. A secret and an object
//! can each be a key store or an anchor. The application brings the clients, such as those of the
//! crate `aws-config`, and with them region, credentials and TLS:
//!
//! ```text
//! let config = aws_config::load_defaults(BehaviorVersion::latest()).await;
//! let kms = aws_sdk_kms::Client::new(&config);
//! let secrets = aws_sdk_secretsmanager::Client::new(&config);
//! let s3 = aws_sdk_s3::Client::new(&config_of_another_account);
//! ```
//!
//! The majors of `aws-sdk-kms`, `aws-sdk-s3` and `aws-sdk-secretsmanager` are part of this crate's
//! interface, and not of the library's.
//!
//! **Tested** against [moto](https://github.com/getmoto/moto) and against a stub of this project
//! for what moto does not do: throttling, keys that are disabled, answers that are lost, objects
//! that were deleted. It was never run against AWS by its authors.
//!
//! # Features
//!
//! | feature | |
//! |---|---|
//! | `kms` (default) | `AwsKms` |
//! | `s3` (default) | `AwsS3Object` |
//! | `secrets-manager` (default) | `AwsSecretsManager` |

#![forbid(unsafe_code)]
#![cfg_attr(docsrs, feature(doc_cfg))]

#[cfg(feature = "kms")]
mod kms;
#[cfg(feature = "s3")]
mod s3;
#[cfg(feature = "secrets-manager")]
mod secrets_manager;
#[cfg(any(feature = "kms", feature = "s3", feature = "secrets-manager"))]
mod service;

#[cfg(feature = "kms")]
pub use kms::AwsKms;
#[cfg(feature = "s3")]
pub use s3::AwsS3Object;
#[cfg(feature = "secrets-manager")]
pub use secrets_manager::AwsSecretsManager;

/// The README's example compiles.
#[cfg(all(doctest, feature = "kms", feature = "s3", feature = "secrets-manager"))]
#[doc = include_str!("../README.md")]
struct Readme;
