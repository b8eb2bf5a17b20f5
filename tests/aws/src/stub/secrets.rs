//! What Secrets Manager does with one secret, and with one request at a time.

use serde_json::{Value, json};

use super::{Reply, error, text};

#[derive(Debug, Default)]
pub(super) struct Secret {
    /// Ids and values, in the order in which they were put.
    versions: Vec<(String, String)>,
    current: Option<usize>,
}

impl Secret {
    pub(super) fn get(&self) -> Reply {
        let Some(current) = self.current else {
            return error(
                400,
                "ResourceNotFoundException",
                "Secrets Manager can't find the specified secret value.",
            );
        };
        let (id, value) = &self.versions[current];
        Reply::Json(
            200,
            json!({ "VersionId": id, "SecretString": value, "VersionStages": ["AWSCURRENT"] })
                .to_string(),
        )
    }

    pub(super) fn put(&mut self, request: &Value) -> Reply {
        let (id, value) = (text(request, "ClientRequestToken"), text(request, "SecretString"));
        match self.versions.iter().find(|version| version.0 == id) {
            Some(version) if version.1 != value => {
                return error(
                    400,
                    "ResourceExistsException",
                    "You can't use this ClientRequestToken.",
                );
            }
            Some(_) => {}
            None => {
                self.versions.push((id.clone(), value));
                self.current = Some(self.versions.len() - 1);
            }
        }
        Reply::Json(200, json!({ "VersionId": id, "VersionStages": ["AWSCURRENT"] }).to_string())
    }

    pub(super) fn describe(&self) -> Reply {
        // Versions without a label are not among them.
        let stages = match (self.current, self.versions.last()) {
            (Some(current), _) => json!({ &self.versions[current].0: ["AWSCURRENT"] }),
            (None, Some((last, _))) => json!({ last: ["of somebody"] }),
            (None, None) => json!({}),
        };
        Reply::Json(200, json!({ "VersionIdsToStages": stages }).to_string())
    }

    pub(super) fn set_back(&mut self) {
        self.current = self.current.and_then(|current| current.checked_sub(1));
    }

    /// The last version keeps another label.
    pub(super) fn unlabel(&mut self) {
        self.current = None;
    }

    pub(super) fn versions(&self) -> usize {
        self.versions.len()
    }
}
