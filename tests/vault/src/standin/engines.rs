//! What is mounted, and who may call it.

use std::collections::BTreeMap;

use serde_json::Value;

use super::auth::Auth;
use super::http::{Request, Response};
use super::kv::Secrets;
use super::transit::Keys;
use super::{errors, nothing};

#[derive(Debug)]
pub(super) struct Engines {
    pub(super) auth: Auth,
    transit: BTreeMap<String, Keys>,
    kv: BTreeMap<String, Secrets>,
    /// KV version 1: secrets by path.
    kv1: BTreeMap<String, BTreeMap<String, Value>>,
    pub(super) ignores_associated_data: bool,
    pub(super) deletes_later: bool,
    pub(super) max_request: usize,
}

impl Engines {
    pub(super) fn new() -> Self {
        Self {
            auth: Auth::new(),
            transit: BTreeMap::from([("transit".into(), Keys::default())]),
            kv: BTreeMap::from([("secret".into(), Secrets::default())]),
            kv1: BTreeMap::new(),
            ignores_associated_data: false,
            deletes_later: false,
            // The default of Vault's `max_request_size`.
            max_request: 32 << 20,
        }
    }

    pub(super) fn answer(&mut self, request: &Request) -> Response {
        // https://developer.hashicorp.com/vault/docs/configuration/listener/tcp#max_request_size
        if request.body.len() > self.max_request {
            return errors(413, &["http: request body too large"]);
        }
        let body = if request.body.is_empty() {
            Value::Null
        } else {
            match serde_json::from_slice(&request.body) {
                Ok(body) => body,
                Err(_) => return errors(400, &["failed to parse JSON input"]),
            }
        };
        let path: Vec<&str> = request.path.split('/').collect();
        let token = request.token.as_deref();
        if let ["auth", mount, "login"] = path[..] {
            return self.auth.login(mount, &body);
        }
        // Permission is checked before the path: who has none does not learn what is there.
        if !self.auth.is_valid(token) {
            return errors(
                403,
                &["2 errors occurred:\n\t* permission denied\n\t* invalid token\n\n"],
            );
        }
        if let ["auth", "token", operation] = path[..] {
            return self.auth.token_operation(operation, token);
        }
        if !self.auth.may_do_all(token) {
            return errors(403, &["1 error occurred:\n\t* permission denied\n\n"]);
        }
        match (request.method.as_str(), &path[..]) {
            ("POST", ["sys", "mounts", mount]) => self.mount(mount, &body),
            ("POST", ["sys", "auth", mount]) => self.auth.mount(mount),
            ("POST" | "PUT", ["sys", "policies", "acl", _]) => nothing(),
            (_, ["auth", mount, "role", role, rest @ ..]) => self.auth.role(mount, role, rest),
            (method, [mount, rest @ ..]) => {
                if let Some(keys) = self.transit.get_mut(*mount) {
                    keys.answer(method, rest, &body, self.ignores_associated_data)
                } else if let Some(secrets) = self.kv.get_mut(*mount) {
                    secrets.answer(method, rest, &body, self.deletes_later)
                } else if let Some(secrets) = self.kv1.get_mut(*mount) {
                    kv1(secrets, method, rest.join("/"), body)
                } else {
                    let text =
                        format!("no handler for route {:?}. route entry not found.", request.path);
                    errors(404, &[text.as_str()])
                }
            }
            (_, []) => errors(404, &[]),
        }
    }

    /// <https://developer.hashicorp.com/vault/api-docs/system/mounts>
    fn mount(&mut self, mount: &str, body: &Value) -> Response {
        match (body["type"].as_str(), body["options"]["version"].as_str()) {
            (Some("transit"), _) => drop(self.transit.insert(mount.to_owned(), Keys::default())),
            (Some("kv"), Some("2")) => drop(self.kv.insert(mount.to_owned(), Secrets::default())),
            (Some("kv"), _) => drop(self.kv1.insert(mount.to_owned(), BTreeMap::new())),
            _ => return errors(400, &["plugin not found in the catalog"]),
        }
        nothing()
    }
}

/// <https://developer.hashicorp.com/vault/api-docs/secret/kv/kv-v1>
fn kv1(secrets: &mut BTreeMap<String, Value>, method: &str, path: String, body: Value) -> Response {
    match method {
        "GET" => match secrets.get(&path) {
            Some(secret) => super::data(200, secret),
            None => errors(404, &[]),
        },
        "POST" | "PUT" => {
            secrets.insert(path, body);
            nothing()
        }
        _ => errors(405, &["1 error occurred:\n\t* unsupported operation\n\n"]),
    }
}
