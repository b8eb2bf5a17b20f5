//! KV version 2. <https://developer.hashicorp.com/vault/api-docs/secret/kv/kv-v2>. What is refused
//! and how: `path_data.go` of Vault's `vault-plugin-secrets-kv`.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::http::Response;
use super::{data, errors, nothing};

/// Vault keeps this many versions of a secret.
const MAX_VERSIONS: u64 = 10;

const SOME_TIME: &str = "2026-01-01T00:00:00.000000000Z";

#[derive(Debug, Default)]
pub(super) struct Secrets(BTreeMap<String, Secret>);

#[derive(Debug, Default)]
struct Secret {
    versions: BTreeMap<u64, Version>,
    current: u64,
}

#[derive(Debug)]
struct Version {
    /// `None`: destroyed.
    data: Option<Value>,
    is_deleted: bool,
    deletes_later: bool,
}

impl Version {
    fn metadata(&self) -> Value {
        let deletion_time = if self.is_deleted || self.deletes_later { SOME_TIME } else { "" };
        json!({ "created_time": SOME_TIME, "deletion_time": deletion_time, "destroyed": self.data.is_none() })
    }

    fn numbered(&self, version: u64) -> Value {
        let mut metadata = self.metadata();
        metadata["version"] = version.into();
        metadata["custom_metadata"] = Value::Null;
        metadata
    }
}

impl Secrets {
    pub(super) fn answer(
        &mut self,
        method: &str,
        path: &[&str],
        body: &Value,
        deletes_later: bool,
    ) -> Response {
        let [operation, path @ ..] = path else { return errors(404, &[]) };
        let path = path.join("/");
        let versions =
            || body["versions"].as_array().into_iter().flatten().filter_map(Value::as_u64);
        match (method, *operation) {
            ("GET", "data") => self.read(&path),
            ("POST" | "PUT", "data") => self.write(path, body, deletes_later),
            ("DELETE", "data") => {
                self.mark(&path, None.into_iter(), |version| version.is_deleted = true)
            }
            ("POST", "delete") => self.mark(&path, versions(), |version| version.is_deleted = true),
            ("POST", "undelete") => {
                self.mark(&path, versions(), |version| version.is_deleted = false)
            }
            ("POST" | "PUT", "destroy") => {
                self.mark(&path, versions(), |version| version.data = None)
            }
            ("GET", "metadata") => self.metadata(&path),
            ("DELETE", "metadata") => {
                self.0.remove(&path);
                nothing()
            }
            _ => errors(405, &["1 error occurred:\n\t* unsupported operation\n\n"]),
        }
    }

    fn read(&self, path: &str) -> Response {
        let Some(secret) = self.0.get(path) else { return errors(404, &[]) };
        let Some(version) = secret.versions.get(&secret.current) else { return errors(404, &[]) };
        let metadata = version.numbered(secret.current);
        match &version.data {
            Some(stored) if !version.is_deleted => {
                data(200, &json!({ "data": stored, "metadata": metadata }))
            }
            _ => data(404, &json!({ "data": null, "metadata": metadata })),
        }
    }

    fn write(&mut self, path: String, body: &Value, deletes_later: bool) -> Response {
        if !body["data"].is_object() {
            return errors(400, &["no data provided"]);
        }
        let current = self.0.get(&path).map_or(0, |secret| secret.current);
        if let Some(cas) = body["options"].get("cas")
            && cas.as_u64() != Some(current)
        {
            return errors(400, &["check-and-set parameter did not match the current version"]);
        }
        let secret = self.0.entry(path).or_default();
        secret.current += 1;
        let version =
            Version { data: Some(body["data"].clone()), is_deleted: false, deletes_later };
        let metadata = version.numbered(secret.current);
        secret.versions.insert(secret.current, version);
        if let Some(oldest) = secret.current.checked_sub(MAX_VERSIONS) {
            secret.versions.remove(&oldest);
        }
        data(200, &metadata)
    }

    /// No versions: the latest.
    fn mark(
        &mut self,
        path: &str,
        versions: impl Iterator<Item = u64>,
        mark: impl Fn(&mut Version),
    ) -> Response {
        let Some(secret) = self.0.get_mut(path) else { return errors(404, &[]) };
        let mut versions: Vec<u64> = versions.collect();
        if versions.is_empty() {
            versions.push(secret.current);
        }
        for number in versions {
            if let Some(version) = secret.versions.get_mut(&number) {
                mark(version);
            }
        }
        nothing()
    }

    fn metadata(&self, path: &str) -> Response {
        let Some(secret) = self.0.get(path) else { return errors(404, &[]) };
        let versions: BTreeMap<String, Value> = secret
            .versions
            .iter()
            .map(|(number, version)| (number.to_string(), version.metadata()))
            .collect();
        let oldest = secret.versions.keys().next().copied().unwrap_or(0);
        let found = json!({
            "cas_required": false, "created_time": SOME_TIME, "updated_time": SOME_TIME, "custom_metadata": null,
            "current_version": secret.current, "delete_version_after": "0s", "max_versions": 0,
            "oldest_version": oldest, "versions": versions
        });
        data(200, &found)
    }
}
