//! What S3 does with one object of a bucket with versioning, and with one request at a time.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use serde_json::Value;

use super::{Reply, text};

#[derive(Debug, Default)]
pub(super) struct Object {
    /// Ids and texts, in the order in which they were put; without a text it is a delete marker.
    versions: Vec<(u64, Option<String>)>,
    made: u64,
}

impl Object {
    fn current(&self) -> Option<&String> {
        self.versions.last().and_then(|version| version.1.as_ref())
    }

    pub(super) fn get(&self) -> Reply {
        match (self.current(), self.versions.last()) {
            (Some(text), _) => xml(200, &[("etag", &tag(text))], text.clone()),
            (None, Some(_)) => missing(&[("x-amz-delete-marker", "true")]),
            (None, None) => missing(&[]),
        }
    }

    pub(super) fn put(&mut self, request: &Value) -> Reply {
        let (expected, current) = (text(request, "if-match"), self.current().map(|text| tag(text)));
        let is_refused = match &current {
            None if !expected.is_empty() => return missing(&[]),
            None => false,
            Some(current) => {
                text(request, "if-none-match") == "*"
                    || !expected.is_empty() && expected != *current
            }
        };
        if is_refused {
            return error(
                412,
                "PreconditionFailed",
                "At least one of the pre-conditions did not hold",
            );
        }
        let put = text(request, "body");
        let tag = tag(&put);
        self.add(Some(put));
        xml(200, &[("etag", &tag)], String::new())
    }

    fn add(&mut self, text: Option<String>) {
        self.made += 1;
        self.versions.push((self.made, text));
    }

    /// Puts a delete marker on top.
    pub(super) fn delete(&mut self) {
        self.add(None);
    }

    /// One on each page, and an object whose name begins alike after them.
    pub(super) fn list(&self, request: &Value) -> Reply {
        let key = text(request, "prefix");
        let other = format!("{key}-of-others");
        let marker: usize = text(request, "version-id-marker").parse().unwrap_or(0);
        let mut entries: Vec<_> = self
            .versions
            .iter()
            .rev()
            .map(|(id, text)| (key.clone(), id.to_string(), text.is_none()))
            .collect();
        entries.extend([(other.clone(), "a".to_owned(), false), (other, "b".to_owned(), false)]);
        let is_first = |at: usize| at == 0 || entries[at].0 != entries[at - 1].0;
        let (key, id, is_marker) = &entries[marker];
        let element = if *is_marker { "DeleteMarker" } else { "Version" };
        let is_truncated = marker + 1 < entries.len();
        let next = if is_truncated {
            format!(
                "<NextKeyMarker>{key}</NextKeyMarker><NextVersionIdMarker>{}</NextVersionIdMarker>",
                marker + 1
            )
        } else {
            String::new()
        };
        let body = format!(
            "<ListVersionsResult><IsTruncated>{is_truncated}</IsTruncated>{next}<{element}><Key>{key}</Key><VersionId>{id}\
             </VersionId><IsLatest>{}</IsLatest></{element}></ListVersionsResult>",
            is_first(marker)
        );
        xml(200, &[], body)
    }

    pub(super) fn delete_version(&mut self, request: &Value) -> Reply {
        let id = text(request, "versionId");
        if id.is_empty() {
            self.delete();
        }
        self.versions.retain(|version| version.0.to_string() != id);
        xml(204, &[], String::new())
    }

    /// The texts of all versions, the newest last; `None` is a delete marker.
    pub(super) fn texts(&self) -> Vec<Option<String>> {
        self.versions.iter().map(|version| version.1.clone()).collect()
    }
}

/// The operation of a request that names none in its headers.
pub(super) fn operation(method: &str, request: &Value) -> &'static str {
    match method {
        "PUT" => "PutObject",
        "DELETE" => "DeleteObject",
        "GET" if request.get("versions").is_some() => "ListObjectVersions",
        "GET" => "GetObject",
        _ => "",
    }
}

pub(super) fn is_operation(operation: &str) -> bool {
    matches!(operation, "PutObject" | "DeleteObject" | "ListObjectVersions" | "GetObject")
}

pub(super) fn error(status: u16, code: &str, message: &str) -> Reply {
    let body = format!("<Error><Code>{code}</Code><Message>{message}</Message></Error>");
    xml(status, &[], body)
}

fn missing(headers: &[(&str, &str)]) -> Reply {
    let body =
        "<Error><Code>NoSuchKey</Code><Message>The specified key does not exist.</Message></Error>";
    xml(404, headers, body.into())
}

fn xml(status: u16, headers: &[(&str, &str)], body: String) -> Reply {
    let headers = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    Reply::Xml(status, headers, body)
}

/// Of a content, as S3's are.
fn tag(text: &str) -> String {
    let mut hash = DefaultHasher::new();
    text.hash(&mut hash);
    format!("\"{:032x}\"", hash.finish())
}
