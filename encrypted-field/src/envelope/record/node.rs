//! Nodes: which scopes there are, and the hashes of their records.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::parts::refuse_unknown;
use super::{Body, Digest, Due, MAX_COUNT, MAX_SCOPE, ScopeDigest, damaged, write};
use crate::envelope::Record;
use crate::error::Result;

/// From the head or a node to the node beneath.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::envelope) struct NodeLink {
    pub(in crate::envelope) hash: Digest,
    /// How many scopes are beneath.
    pub(in crate::envelope) scopes: u64,
    #[serde(flatten)]
    pub(in crate::envelope) due: Due,
}

/// From a node to the keys of a scope.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::envelope) struct ScopeLink {
    pub(in crate::envelope) scope: String,
    pub(in crate::envelope) digest: ScopeDigest,
    pub(in crate::envelope) hash: Digest,
    pub(in crate::envelope) due: Due,
}

/// Which scopes are beneath.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::envelope) struct Node {
    pub(in crate::envelope) revision: u64,
    pub(in crate::envelope) content: Content,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::envelope) enum Content {
    /// By their digests.
    Scopes(Vec<ScopeLink>),
    /// By the next digit.
    Children(Box<[Option<NodeLink>; 16]>),
}

/// As it stands in JSON.
#[derive(Serialize, Deserialize)]
struct Raw {
    revision: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    scopes: Option<Vec<RawScope>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    children: Option<BTreeMap<char, NodeLink>>,
}

#[derive(Serialize, Deserialize)]
struct RawScope {
    scope: String,
    hash: Digest,
    #[serde(flatten)]
    due: Due,
}

impl Node {
    /// Reads the node of this name, whose scopes' digests begin with `digits`. Its hash was
    /// compared before.
    ///
    /// # Errors
    /// [`crate::ErrorKind::KeyStoreTampered`], and [`crate::ErrorKind::KeyStoreUnusable`] if a
    /// later release has written it.
    pub(in crate::envelope) fn read(
        body: Body,
        digits: &str,
        may_have_children: bool,
    ) -> Result<Self> {
        let name = &*body.name;
        refuse_unknown(name, &body.value, &["revision", "scopes", "children"])?;
        for link in links(&body.value) {
            let (of_scope, of_node) = (["hash", "scope"], ["hash", "scopes"]);
            let own = if link.get("scope").is_some() { of_scope } else { of_node };
            refuse_unknown(name, link, &[own, Due::MEMBERS].concat())?;
        }
        let raw: Raw = serde_json::from_value(body.value)
            .map_err(|_| damaged(name, "a member is missing or has another type"))?;
        let content = match (raw.scopes, raw.children) {
            (Some(scopes), None) => Content::Scopes(read_scopes(name, scopes, digits)?),
            (None, Some(children)) if may_have_children => {
                Content::Children(Box::new(read_children(name, children)?))
            }
            _ => return Err(damaged(name, "it needs either scopes or children")),
        };
        Ok(Self { revision: raw.revision, content })
    }

    /// Its record, and the link to it.
    pub(in crate::envelope) fn write(&self, name: String) -> Result<(Record, NodeLink)> {
        let raw = match &self.content {
            Content::Scopes(scopes) => {
                let raw = |link: &ScopeLink| RawScope {
                    scope: link.scope.clone(),
                    hash: link.hash,
                    due: link.due,
                };
                let scopes = Some(scopes.iter().map(raw).collect());
                Raw { revision: self.revision, scopes, children: None }
            }
            Content::Children(children) => {
                let digits = (0..16).filter_map(|digit| char::from_digit(digit, 16));
                let children = digits
                    .zip(children.iter())
                    .filter_map(|(digit, link)| Some((digit, link.clone()?)));
                Raw { revision: self.revision, scopes: None, children: Some(children.collect()) }
            }
        };
        let (record, hash) = write(name, self.revision, &raw)?;
        Ok((record, NodeLink { hash, scopes: self.scopes(), due: self.due() }))
    }

    pub(in crate::envelope) fn scopes(&self) -> u64 {
        match &self.content {
            Content::Scopes(scopes) => scopes.len() as u64,
            Content::Children(children) => {
                children.iter().flatten().fold(0, |count, link| count.saturating_add(link.scopes))
            }
        }
    }

    pub(in crate::envelope) fn due(&self) -> Due {
        match &self.content {
            Content::Scopes(scopes) => {
                scopes.iter().fold(Due::default(), |due, link| due.with(link.due))
            }
            Content::Children(children) => {
                children.iter().flatten().fold(Due::default(), |due, link| due.with(link.due))
            }
        }
    }

    /// The link to a scope, if this node itself has it.
    pub(in crate::envelope) fn find(&self, digest: &ScopeDigest) -> Option<&ScopeLink> {
        let Content::Scopes(scopes) = &self.content else { return None };
        scopes.binary_search_by(|link| link.digest.cmp(digest)).ok().map(|at| &scopes[at])
    }

    /// Replaces the link to a scope, or adds it.
    pub(in crate::envelope) fn insert(scopes: &mut Vec<ScopeLink>, link: ScopeLink) {
        match scopes.binary_search_by(|other| other.digest.cmp(&link.digest)) {
            Ok(at) => scopes[at] = link,
            Err(at) => scopes.insert(at, link),
        }
    }
}

fn links(node: &Value) -> impl Iterator<Item = &Value> {
    let scopes = node.get("scopes").and_then(Value::as_array).into_iter().flatten();
    let children = node
        .get("children")
        .and_then(Value::as_object)
        .into_iter()
        .flat_map(|object| object.values());
    scopes.chain(children)
}

fn read_scopes(name: &str, raw: Vec<RawScope>, digits: &str) -> Result<Vec<ScopeLink>> {
    let mut scopes: Vec<ScopeLink> = Vec::with_capacity(raw.len());
    for RawScope { scope, hash, due } in raw {
        if scope.len() > MAX_SCOPE {
            return Err(damaged(name, "the name of a scope is too long"));
        }
        let digest = ScopeDigest::of(&scope);
        if !digest.digits().starts_with(digits) {
            return Err(damaged(name, "it has a scope that belongs in another node"));
        }
        if scopes.last().is_some_and(|last| last.digest >= digest) {
            return Err(damaged(name, "its scopes are not in order"));
        }
        scopes.push(ScopeLink { scope, digest, hash, due });
    }
    Ok(scopes)
}

fn read_children(name: &str, raw: BTreeMap<char, NodeLink>) -> Result<[Option<NodeLink>; 16]> {
    let mut children = [const { None }; 16];
    for (digit, link) in raw {
        // An upper-case digit is another text for the same digit.
        let slot = digit.to_digit(16).filter(|_| !digit.is_ascii_uppercase());
        let slot = slot.and_then(|digit| children.get_mut(digit as usize));
        if link.scopes > MAX_COUNT {
            return Err(damaged(name, "it counts more scopes than there can be"));
        }
        *slot.ok_or_else(|| damaged(name, "it has a child that is no digit"))? = Some(link);
    }
    Ok(children)
}
