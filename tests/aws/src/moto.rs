//! The moto server, and what the tests make there.

use std::env;
use std::io::Write as _;
use std::process;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::{SystemTime, UNIX_EPOCH};

use aws_sdk_s3::types::{
    BucketLocationConstraint, BucketVersioningStatus, CreateBucketConfiguration,
    VersioningConfiguration,
};

/// A moto server that somebody else has started.
#[derive(Debug)]
pub struct Moto {
    endpoint: String,
}

impl Moto {
    /// The one of `EF_TEST_MOTO_URL`.
    ///
    /// # Panics
    ///
    /// With `CI=true`, if there is none.
    pub fn running() -> Option<Self> {
        let endpoint = env::var("EF_TEST_MOTO_URL").ok().filter(|url| !url.is_empty());
        if endpoint.is_none() {
            let current = thread::current();
            let test = current.name().unwrap_or("a test");
            let message = format!("{test}: no moto server: run ./test, or set EF_TEST_MOTO_URL");
            assert!(env::var("CI").as_deref() != Ok("true"), "{message}");
            // The stream and not the macro, whose output the test runner would hide: a skip must be
            // seen.
            let _ = writeln!(std::io::stderr(), "SKIPPED {message}");
        }
        endpoint.map(|endpoint| Self { endpoint })
    }

    /// A client of its own, with its own connections.
    pub fn kms(&self) -> aws_sdk_kms::Client {
        crate::kms(&self.endpoint)
    }

    /// A client of its own, with its own connections.
    pub fn secrets_manager(&self) -> aws_sdk_secretsmanager::Client {
        crate::secrets_manager(&self.endpoint)
    }

    /// A client of its own, with its own connections.
    pub fn s3(&self) -> aws_sdk_s3::Client {
        crate::s3(&self.endpoint)
    }

    /// The name of a new bucket, with versioning.
    pub async fn bucket(&self) -> String {
        let name = self.bucket_without_versioning().await;
        let on = VersioningConfiguration::builder().status(BucketVersioningStatus::Enabled).build();
        let call = self.s3().put_bucket_versioning().bucket(&name).versioning_configuration(on);
        call.send().await.expect("moto keeps versions");
        name
    }

    /// The name of a new bucket, as S3 makes them.
    pub async fn bucket_without_versioning(&self) -> String {
        let name = unique();
        let region = BucketLocationConstraint::EuCentral1;
        let region = CreateBucketConfiguration::builder().location_constraint(region).build();
        let call = self.s3().create_bucket().bucket(&name).create_bucket_configuration(region);
        call.send().await.expect("moto makes a bucket");
        name
    }

    /// The id of a new symmetric KMS key.
    pub async fn key(&self) -> String {
        let created = self.kms().create_key().send().await.expect("moto makes a key");
        created.key_metadata.expect("and describes it").key_id
    }

    /// A new alias of a KMS key.
    pub async fn alias(&self, key: &str) -> String {
        let alias = format!("alias/{}", unique());
        let call = self.kms().create_alias().alias_name(&alias).target_key_id(key);
        call.send().await.expect("moto makes an alias");
        alias
    }

    /// The name of a new secret without a value.
    pub async fn secret(&self) -> String {
        let name = unique();
        self.secrets_manager()
            .create_secret()
            .name(&name)
            .send()
            .await
            .expect("moto makes a secret");
        name
    }
}

/// A name that nothing has on a server that outlives this process.
fn unique() -> String {
    static MADE: AtomicU32 = AtomicU32::new(0);
    let time =
        SystemTime::now().duration_since(UNIX_EPOCH).expect("a clock after 1970").as_millis();
    format!("ef-test-{time}-{}-{}", process::id(), MADE.fetch_add(1, Ordering::Relaxed))
}
