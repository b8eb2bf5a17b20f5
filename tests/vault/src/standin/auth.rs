//! Logins and tokens. <https://developer.hashicorp.com/vault/api-docs/auth/token>

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::http::Response;
use super::{data, errors, nothing};
use crate::random_name;

#[derive(Debug)]
pub(super) struct Auth {
    pub(super) root: String,
    pub(super) tokens: BTreeMap<String, Token>,
    pub(super) seconds: u64,
    pub(super) renewable: bool,
    pub(super) grants_nothing: bool,
    /// Tokens by role.
    pub(super) service_accounts: BTreeMap<String, String>,
    /// AppRole: role ids and secret ids, by mount and role.
    roles: BTreeMap<(String, String), (String, Vec<String>)>,
    mounts: Vec<String>,
}

#[derive(Debug)]
pub(super) struct Token {
    seconds: u64,
    renewable: bool,
    may_do_all: bool,
}

impl Auth {
    pub(super) fn new() -> Self {
        Self {
            root: format!("hvs.{}", random_name()),
            tokens: BTreeMap::new(),
            seconds: 3600,
            renewable: true,
            grants_nothing: false,
            service_accounts: BTreeMap::new(),
            roles: BTreeMap::new(),
            mounts: vec!["approle".into(), "kubernetes".into()],
        }
    }

    pub(super) fn token(&mut self) -> String {
        let name = format!("hvs.{}", random_name());
        let token = Token {
            seconds: self.seconds,
            renewable: self.renewable,
            may_do_all: !self.grants_nothing,
        };
        self.tokens.insert(name.clone(), token);
        name
    }

    pub(super) fn is_valid(&self, token: Option<&str>) -> bool {
        token.is_some_and(|token| token == self.root || self.tokens.contains_key(token))
    }

    pub(super) fn may_do_all(&self, token: Option<&str>) -> bool {
        token.is_some_and(|token| {
            token == self.root || self.tokens.get(token).is_some_and(|token| token.may_do_all)
        })
    }

    /// <https://developer.hashicorp.com/vault/api-docs/auth/approle#login-with-approle>,
    /// <https://developer.hashicorp.com/vault/api-docs/auth/kubernetes#login>
    pub(super) fn login(&mut self, mount: &str, body: &Value) -> Response {
        if !self.mounts.iter().any(|name| name == mount) {
            let route =
                format!("no handler for route \"auth/{mount}/login\". route entry not found.");
            return errors(404, &[route.as_str()]);
        }
        let text = |name: &str| body[name].as_str().unwrap_or_default();
        if body.get("jwt").is_some() {
            match self.service_accounts.get(text("role")) {
                Some(jwt) if jwt == text("jwt") => {}
                Some(_) => return errors(403, &["permission denied"]),
                None => return errors(400, &["invalid role name"]),
            }
        } else {
            let known = self.roles.iter().any(|((at, _), (role_id, secret_ids))| {
                at == mount
                    && role_id == text("role_id")
                    && secret_ids.iter().any(|id| id == text("secret_id"))
            });
            if !known {
                return errors(400, &["invalid role or secret ID"]);
            }
        }
        let token = self.token();
        self.granted(&token)
    }

    pub(super) fn token_operation(&mut self, operation: &str, token: Option<&str>) -> Response {
        let name = token.unwrap_or_default().to_owned();
        match operation {
            "lookup-self" if name == self.root => {
                data(200, &json!({ "ttl": 0, "id": name, "policies": ["root"] }))
            }
            "lookup-self" => {
                let token = &self.tokens[&name];
                let found = json!({
                    "ttl": token.seconds, "renewable": token.renewable, "id": name, "policies": ["default"]
                });
                data(200, &found)
            }
            "renew-self" => {
                let seconds = self.seconds;
                match self.tokens.get_mut(&name) {
                    Some(token) if token.renewable => {
                        token.seconds = seconds;
                        self.granted(&name)
                    }
                    _ => errors(400, &["lease is not renewable"]),
                }
            }
            _ => errors(404, &["1 error occurred:\n\t* unsupported path\n\n"]),
        }
    }

    pub(super) fn mount(&mut self, mount: &str) -> Response {
        self.mounts.push(mount.to_owned());
        nothing()
    }

    /// <https://developer.hashicorp.com/vault/api-docs/auth/approle#generate-new-secret-id>
    pub(super) fn role(&mut self, mount: &str, role: &str, rest: &[&str]) -> Response {
        let (role_id, secret_ids) = self
            .roles
            .entry((mount.to_owned(), role.to_owned()))
            .or_insert_with(|| (random_name(), Vec::new()));
        match rest {
            [] => nothing(),
            ["role-id"] => data(200, &json!({ "role_id": role_id })),
            ["secret-id"] => {
                let id = random_name();
                secret_ids.push(id.clone());
                data(200, &json!({ "secret_id": id }))
            }
            _ => errors(404, &[]),
        }
    }

    fn granted(&self, name: &str) -> Response {
        let token = &self.tokens[name];
        let body = json!({
            "request_id": "d1b0f5ae-31b0-4c6c-8f0b-3a8c3d0b0a55", "lease_id": "", "renewable": false, "lease_duration": 0,
            "data": null, "wrap_info": null, "warnings": null,
            "auth": {
                "client_token": name, "accessor": "0e9e354a-520f-df04-6867-ee81cae3d42d", "policies": ["default"],
                "token_policies": ["default"], "metadata": null, "lease_duration": token.seconds,
                "renewable": token.renewable, "entity_id": "", "token_type": "service", "orphan": true
            }
        });
        Response { status: 200, body: body.to_string().into_bytes() }
    }
}
