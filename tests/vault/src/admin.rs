//! Where the tests run, and setting things up there.

use serde_json::{Value, json};

use crate::{StandIn, random_name};

/// A Vault, real or not, with engines for one test.
#[derive(Debug)]
pub struct Place {
    /// `None`: a real one.
    pub stand_in: Option<StandIn>,
    /// May do everything.
    pub admin: Admin,
    /// Where Transit is mounted, with a key `app`.
    pub transit: String,
    /// Where KV version 2 is mounted.
    pub kv: String,
}

impl Place {
    /// The stand-in, and a real Vault where there is one.
    pub async fn all() -> Vec<Self> {
        let mut places = vec![Self::stand_in().await];
        places.extend(Self::real().await);
        places
    }

    /// A real Vault where there is one, else the stand-in.
    pub async fn real_or_stand_in() -> Self {
        match Self::real().await {
            Some(place) => place,
            None => Self::stand_in().await,
        }
    }

    async fn real() -> Option<Self> {
        let (address, token) =
            (std::env::var("VAULT_ADDR").ok()?, std::env::var("VAULT_TOKEN").ok()?);
        Some(Self::set_up(None, Admin::new(address, token)).await)
    }

    /// The stand-in.
    pub async fn stand_in() -> Self {
        let stand_in = StandIn::start();
        let admin = Admin::new(stand_in.url(), stand_in.root_token());
        Self::set_up(Some(stand_in), admin).await
    }

    async fn set_up(stand_in: Option<StandIn>, admin: Admin) -> Self {
        let (transit, kv) = (name("transit"), name("kv"));
        admin.post(&format!("sys/mounts/{transit}"), &json!({ "type": "transit" })).await;
        admin
            .post(
                &format!("sys/mounts/{kv}"),
                &json!({ "type": "kv", "options": { "version": "2" } }),
            )
            .await;
        let place = Self { stand_in, admin, transit, kv };
        place.admin.post(&format!("{}/keys/app", place.transit), &json!({})).await;
        place
    }

    /// The stand-in, to tell it to fail. Panics on a real one.
    pub fn server(&mut self) -> &mut StandIn {
        self.stand_in.as_mut().expect("the stand-in")
    }

    /// A new AppRole that may use the engines of this place: its mount, role id and secret id.
    pub async fn app_role(&self) -> (String, String, String) {
        let (mount, policy, role) = (name("approle"), name("policy"), "app");
        self.admin.post(&format!("sys/auth/{mount}"), &json!({ "type": "approle" })).await;
        let rules = format!(
            r#"path "{0}/*" {{ capabilities = ["create", "read", "update", "delete"] }}
               path "{1}/*" {{ capabilities = ["create", "read", "update", "delete"] }}"#,
            self.transit, self.kv
        );
        self.admin.post(&format!("sys/policies/acl/{policy}"), &json!({ "policy": rules })).await;
        let settings = json!({ "token_policies": [policy], "token_ttl": "1h" });
        self.admin.post(&format!("auth/{mount}/role/{role}"), &settings).await;
        let role_id = self.admin.get(&format!("auth/{mount}/role/{role}/role-id")).await;
        let secret_id =
            self.admin.post(&format!("auth/{mount}/role/{role}/secret-id"), &json!({})).await;
        let text =
            |answer: &Value, field: &str| answer["data"][field].as_str().expect("an id").to_owned();
        (mount, text(&role_id, "role_id"), text(&secret_id, "secret_id"))
    }
}

/// Calls of an administrator.
#[derive(Debug)]
pub struct Admin {
    http: reqwest::Client,
    /// Such as `http://127.0.0.1:8200`.
    pub address: String,
    /// Whose calls they are.
    pub token: String,
}

impl Admin {
    fn new(address: String, token: String) -> Self {
        let http = reqwest::Client::builder().no_proxy().build().expect("a client");
        Self { http, address, token }
    }

    /// Panics where it is refused, as the others do.
    pub async fn post(&self, path: &str, body: &Value) -> Value {
        self.call(reqwest::Method::POST, path, body.to_string()).await
    }

    /// As [`post`](Self::post).
    pub async fn get(&self, path: &str) -> Value {
        self.call(reqwest::Method::GET, path, String::new()).await
    }

    /// As [`post`](Self::post).
    pub async fn delete(&self, path: &str) -> Value {
        self.call(reqwest::Method::DELETE, path, String::new()).await
    }

    async fn call(&self, method: reqwest::Method, path: &str, body: String) -> Value {
        let url = format!("{}/v1/{path}", self.address);
        let request =
            self.http.request(method, url).header("X-Vault-Token", &self.token).body(body);
        let response = request.send().await.expect("an answer");
        let status = response.status();
        let body = response.bytes().await.expect("a body");
        assert!(status.is_success(), "{path}: {status}");
        serde_json::from_slice(&body).unwrap_or(Value::Null)
    }
}

fn name(what: &str) -> String {
    format!("encrypted-field-test-{what}-{}", random_name())
}
