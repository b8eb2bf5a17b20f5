//! A part of a store, verified against one head. Nothing here waits for anything. If something is
//! missing, it is named, for others to load.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use super::record::{
    Body, Content, Digest, Head, NODE_DIGITS, Node, NodeLink, Part, ScopeDigest, ScopeKeys,
    ScopeLink, StoreMac, damaged, node_name, refuse_shared_id, tampered,
};
use super::{Query, Record};
use crate::error::Result;

/// The name of the node with the scopes that each process loads.
pub(super) const PROCESS: &str = "process";

/// The content of a record, with its hash.
pub(super) type Hashed<T> = (Digest, Arc<T>);

/// The parts of a store that were looked at, as of one head.
#[derive(Clone)]
pub(super) struct View {
    pub(super) head: Arc<Head>,
    pub(super) mac: StoreMac,
    /// The scopes that each process loads. `None` if they were not looked at.
    pub(super) process: Option<Arc<Process>>,
    /// By their digits.
    pub(super) nodes: HashMap<String, Hashed<Node>>,
    /// Scopes that are loaded on demand. `None` for those that are not there.
    pub(super) scopes: HashMap<Box<str>, Option<Hashed<ScopeKeys>>>,
}

/// The scopes that each process loads.
#[derive(Default)]
pub(super) struct Process {
    /// The hash of the node. `None` if there is none.
    pub(super) hash: Option<Digest>,
    pub(super) scopes: BTreeMap<Box<str>, Hashed<ScopeKeys>>,
}

impl Process {
    pub(super) fn get(&self, scope: &str) -> Option<&Arc<ScopeKeys>> {
        self.scopes.get(scope).map(|(_, keys)| keys)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Arc<ScopeKeys>> {
        self.scopes.values().map(|(_, keys)| keys)
    }

    /// The names of their records.
    pub(super) fn records(&self) -> impl Iterator<Item = String> {
        self.scopes.keys().map(|scope| Part::Process.record(&ScopeDigest::of(scope)))
    }
}

/// What may be used without being loaded again, if its hash is the expected one.
pub(super) type Cache = View;

/// Records that were loaded at one moment.
pub(super) struct Found {
    records: HashMap<String, Record>,
    query: Query,
}

impl Found {
    /// # Errors
    /// [`ErrorKind::KeyStoreTampered`](crate::ErrorKind::KeyStoreTampered) if there are two of one
    /// name.
    pub(super) fn new(loaded: Vec<Record>, query: Query) -> Result<Self> {
        let mut records = HashMap::with_capacity(loaded.len());
        for record in loaded {
            if let Some(other) = records.insert(record.name.clone(), record) {
                return Err(tampered(format!("there are two records \"{}\"", other.name)));
            }
        }
        Ok(Self { records, query })
    }

    /// Whether a record of this name would be here, if it were in the store.
    fn was_asked_for(&self, name: &str) -> bool {
        self.query.after == 0
            && (self.query.prefixes.iter().any(|prefix| name.starts_with(prefix))
                || self.query.names.iter().any(|other| other == name))
    }
}

/// A part, or the name of the record that is missing.
enum Look<T> {
    Is(T),
    Missing(String),
}

macro_rules! or_missing {
    ($look:expr) => {
        match $look {
            Look::Is(found) => found,
            Look::Missing(name) => return Ok(Look::Missing(name)),
        }
    };
}

impl View {
    /// Only the head, which is authentic.
    pub(super) fn new(head: Arc<Head>, mac: StoreMac) -> Self {
        Self { head, mac, process: None, nodes: HashMap::new(), scopes: HashMap::new() }
    }

    /// Looks at the scopes that each process loads. Gives the names of records that have to be
    /// loaded before.
    ///
    /// # Errors
    /// [`ErrorKind::KeyStoreTampered`](crate::ErrorKind::KeyStoreTampered).
    pub(super) fn look_at_process(
        &mut self,
        found: &Found,
        cache: Option<&Cache>,
    ) -> Result<Vec<String>> {
        let cached = cache.and_then(|cache| cache.process.as_ref());
        let expected = self.head.process.as_ref().map(|link| link.hash);
        if let Some(cached) = cached.filter(|cached| cached.hash == expected) {
            self.process = Some(Arc::clone(cached));
            return Ok(Vec::new());
        }
        let Some(expected) = expected else {
            self.process = Some(Arc::default());
            return Ok(Vec::new());
        };
        let Look::Is(body) = read(PROCESS, &expected, found)? else {
            return Ok(vec![PROCESS.to_owned()]);
        };
        let node = Node::read(body, "", false)?;
        let Content::Scopes(links) = &node.content else {
            return Err(damaged(PROCESS, "it has no list of scopes"));
        };
        let mut process = Process { hash: Some(expected), ..Process::default() };
        let mut missing = Vec::new();
        for link in links {
            let known = cached.and_then(|cached| cached.scopes.get(&*link.scope));
            match self.keys(Part::Process, link, known, found)? {
                Look::Is(keys) => {
                    drop(process.scopes.insert(link.scope.as_str().into(), (link.hash, keys)));
                }
                Look::Missing(name) => missing.push(name),
            }
        }
        if missing.is_empty() {
            let mut ids = HashSet::new();
            for keys in process.iter() {
                refuse_shared_id(keys, &mut ids)?;
            }
            self.process = Some(Arc::new(process));
        }
        Ok(missing)
    }

    /// Looks at one scope that is loaded on demand, which may not be there. Gives the name of a
    /// record that has to be loaded before.
    ///
    /// # Errors
    /// [`ErrorKind::KeyStoreTampered`](crate::ErrorKind::KeyStoreTampered).
    pub(super) fn look_at_scope(
        &mut self,
        scope: &str,
        found: &Found,
        cache: Option<&Cache>,
    ) -> Result<Option<String>> {
        match self.scope(scope, found, cache)? {
            Look::Is(keys) => {
                self.scopes.insert(scope.into(), keys);
                Ok(None)
            }
            Look::Missing(name) => Ok(Some(name)),
        }
    }

    /// Looks at all scopes whose digests begin with these digits. Gives them, or the name of a
    /// record that has to be loaded before.
    ///
    /// # Errors
    /// [`ErrorKind::KeyStoreTampered`](crate::ErrorKind::KeyStoreTampered).
    pub(super) fn look_beneath(
        &mut self,
        digits: &str,
        wanted: &dyn Fn(super::record::Due) -> bool,
        most: usize,
        found: &Found,
        cache: Option<&Cache>,
    ) -> Result<Result<Vec<Arc<ScopeKeys>>, Vec<String>>> {
        let mut scopes = Vec::new();
        let mut missing = Vec::new();
        let Some(root) = self.head.tree.clone() else { return Ok(Ok(scopes)) };
        let mut open = vec![(String::new(), root)];
        while let Some((at, link)) = open.pop() {
            if scopes.len() + missing.len() >= most {
                break;
            }
            let node = match self.node(&at, &link, found, cache)? {
                Look::Is(node) => node,
                Look::Missing(name) => {
                    missing.push(name);
                    continue;
                }
            };
            match &node.content {
                Content::Children(children) => {
                    for (digit, child) in (0..16).zip(children.iter()).rev() {
                        let next = format!("{at}{digit:x}");
                        let is_on_the_way = next.starts_with(digits) || digits.starts_with(&next);
                        if let Some(child) =
                            child.as_ref().filter(|child| is_on_the_way && wanted(child.due))
                        {
                            open.push((next, child.clone()));
                        }
                    }
                }
                Content::Scopes(links) => {
                    let is_wanted = |link: &&ScopeLink| {
                        link.digest.digits().starts_with(digits) && wanted(link.due)
                    };
                    for link in links.iter().filter(is_wanted) {
                        let own = self.scopes.get(&*link.scope).and_then(Option::as_ref);
                        let cached =
                            || cache.and_then(|cache| cache.scopes.get(&*link.scope)?.as_ref());
                        let known = own.or_else(cached);
                        match self.keys(Part::Demand, link, known, found)? {
                            Look::Is(keys) => {
                                let cached = (link.hash, Arc::clone(&keys));
                                self.scopes.insert(link.scope.as_str().into(), Some(cached));
                                scopes.push(keys);
                            }
                            Look::Missing(name) => missing.push(name),
                        }
                    }
                }
            }
        }
        Ok(if missing.is_empty() { Ok(scopes) } else { Err(missing) })
    }

    /// The keys of all scopes that were looked at, of either part.
    pub(super) fn all_keys(&self) -> impl Iterator<Item = &Arc<ScopeKeys>> {
        let in_process = self.process.iter().flat_map(|process| process.iter());
        in_process.chain(self.scopes.values().flatten().map(|(_, keys)| keys))
    }

    /// The keys of a scope, as far as it was looked at.
    pub(super) fn keys_of(&self, scope: &str) -> Option<&Arc<ScopeKeys>> {
        let in_process = self.process.as_ref().and_then(|process| process.get(scope));
        in_process.or_else(|| self.scopes.get(scope)?.as_ref().map(|(_, keys)| keys))
    }

    fn scope(
        &mut self,
        scope: &str,
        found: &Found,
        cache: Option<&Cache>,
    ) -> Result<Look<Option<Hashed<ScopeKeys>>>> {
        let digest = ScopeDigest::of(scope);
        let Some(mut link) = self.head.tree.clone() else { return Ok(Look::Is(None)) };
        for steps in 0..=NODE_DIGITS {
            let node = or_missing!(self.node(digest.prefix(steps), &link, found, cache)?);
            match &node.content {
                Content::Scopes(_) => {
                    let Some(link) = node.find(&digest) else { return Ok(Look::Is(None)) };
                    let known = cache.and_then(|cache| cache.scopes.get(scope)?.as_ref());
                    let keys = or_missing!(self.keys(Part::Demand, link, known, found)?);
                    return Ok(Look::Is(Some((link.hash, keys))));
                }
                Content::Children(children) => match child(children, &digest, steps) {
                    Some(next) => link = next.clone(),
                    None => return Ok(Look::Is(None)),
                },
            }
        }
        Err(damaged(&node_name(digest.prefix(NODE_DIGITS)), "its tree is deeper than it may be"))
    }

    fn node(
        &mut self,
        digits: &str,
        link: &NodeLink,
        found: &Found,
        cache: Option<&Cache>,
    ) -> Result<Look<Arc<Node>>> {
        let is_it = |known: &&(Digest, Arc<Node>)| known.0 == link.hash;
        let known = self.nodes.get(digits).filter(is_it);
        let known = known.or_else(|| cache.and_then(|cache| cache.nodes.get(digits)).filter(is_it));
        let node = if let Some((_, node)) = known {
            Arc::clone(node)
        } else {
            let body = or_missing!(read(&node_name(digits), &link.hash, found)?);
            let node = Node::read(body, digits, digits.len() < NODE_DIGITS)?;
            self.refuse_newer(&node_name(digits), node.revision)?;
            Arc::new(node)
        };
        self.nodes.insert(digits.to_owned(), (link.hash, Arc::clone(&node)));
        Ok(Look::Is(node))
    }

    fn keys(
        &self,
        part: Part,
        link: &ScopeLink,
        known: Option<&(Digest, Arc<ScopeKeys>)>,
        found: &Found,
    ) -> Result<Look<Arc<ScopeKeys>>> {
        if let Some((hash, keys)) = known
            && *hash == link.hash
        {
            return Ok(Look::Is(Arc::clone(keys)));
        }
        let name = part.record(&link.digest);
        let body = or_missing!(read(&name, &link.hash, found)?);
        let keys = ScopeKeys::read(&body, part, &link.scope, &self.head)?;
        self.refuse_newer(&name, keys.revision)?;
        Ok(Look::Is(Arc::new(keys)))
    }

    fn refuse_newer(&self, name: &str, revision: u64) -> Result<()> {
        if revision > self.head.revision {
            return Err(tampered(format!("the record \"{name}\" is newer than the head")));
        }
        Ok(())
    }
}

/// The record of this name, if it is the one with this hash.
fn read(name: &str, expected: &Digest, found: &Found) -> Result<Look<Body>> {
    let Some(record) = found.records.get(name) else {
        if found.was_asked_for(name) {
            return Err(tampered(format!("the record \"{name}\" is missing")));
        }
        return Ok(Look::Missing(name.to_owned()));
    };
    let body = Body::read(record)?;
    if !body.hash.equals(expected) {
        return Err(tampered(format!(
            "the record \"{name}\" is not the one that the head is signed for: it was changed, or set back alone"
        )));
    }
    Ok(Look::Is(body))
}

/// The link to the next node on the way to a scope.
pub(super) fn child<'a>(
    children: &'a [Option<NodeLink>; 16],
    digest: &ScopeDigest,
    steps: usize,
) -> Option<&'a NodeLink> {
    children[digit(digest, steps)].as_ref()
}

/// The digit that follows so many.
pub(super) fn digit(digest: &ScopeDigest, steps: usize) -> usize {
    let digit =
        digest.digits().as_bytes().get(steps).and_then(|digit| char::from(*digit).to_digit(16));
    digit.map_or(0, |digit| digit as usize)
}

/// The names of all records that can be on the way to scopes.
pub(super) fn all_names_to(scopes: &[&str]) -> Vec<String> {
    let mut names = Vec::with_capacity(scopes.len() * (NODE_DIGITS + 1));
    for scope in scopes {
        let digest = ScopeDigest::of(scope);
        names.extend((0..=NODE_DIGITS).map(|steps| node_name(digest.prefix(steps))));
    }
    names.sort_unstable();
    names.dedup();
    names
}

/// The names of the records on the way to scopes, in a tree of so many scopes: usually all of them.
pub(super) fn names_to(scopes: &[&str], head: Option<&Head>) -> Vec<String> {
    let count = head.and_then(|head| head.tree.as_ref()).map_or(0, |tree| tree.scopes);
    // A node has 32 scopes at most. If there are 8 on average, nearly none of them has had to be
    // divided.
    let mut steps = 0;
    while steps < NODE_DIGITS && count >> (4 * steps) > 8 {
        steps += 1;
    }
    let mut names = Vec::with_capacity(scopes.len() * (steps + 2));
    for scope in scopes {
        let digest = ScopeDigest::of(scope);
        names.extend((0..=steps).map(|steps| node_name(digest.prefix(steps))));
        names.push(Part::Demand.record(&digest));
    }
    names.sort_unstable();
    names.dedup();
    names
}
