//! The tree of scopes that are loaded on demand, while it is changed.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use super::Record;
use super::record::{
    Body, Content, Digest, NODE_DIGITS, Node, NodeLink, ScopeLink, node_name, tampered,
};
use super::view::{View, digit};
use crate::error::Result;

/// The most scopes in a node that can be divided.
const MOST: usize = 32;

/// The nodes that change, over those of a view.
pub(super) struct Tree<'a> {
    view: &'a View,
    changed: BTreeMap<String, Node>,
    revision: u64,
}

/// The tree after a change.
pub(super) struct Grown {
    pub(super) records: Vec<Record>,
    pub(super) root: Option<NodeLink>,
    pub(super) nodes: HashMap<String, (Digest, Arc<Node>)>,
}

impl<'a> Tree<'a> {
    pub(super) fn new(view: &'a View, revision: u64) -> Self {
        Self { view, changed: BTreeMap::new(), revision }
    }

    /// Replaces the link to a scope, or adds it. The nodes on the way to it were looked at.
    pub(super) fn insert(&mut self, link: ScopeLink) -> Result<()> {
        for steps in 0..=NODE_DIGITS {
            let at = link.digest.prefix(steps).to_owned();
            let is_there = steps > 0 || self.view.head.tree.is_some();
            let revision = self.revision;
            let node = self.edit(&at, is_there)?;
            node.revision = revision;
            match &mut node.content {
                Content::Scopes(scopes) => {
                    Node::insert(scopes, link);
                    self.divide(&at);
                    return Ok(());
                }
                Content::Children(children) => {
                    let next = digit(&link.digest, steps);
                    if children[next].is_none() {
                        // The hash is that of nothing yet, and set in the end.
                        children[next] =
                            Some(NodeLink { hash: Digest([0; 32]), scopes: 0, due: link.due });
                        let leaf = Node { revision, content: Content::Scopes(vec![link.clone()]) };
                        self.changed.insert(link.digest.prefix(steps + 1).to_owned(), leaf);
                        return Ok(());
                    }
                }
            }
        }
        Err(tampered("its tree is deeper than it may be"))
    }

    fn edit(&mut self, digits: &str, is_there: bool) -> Result<&mut Node> {
        if !self.changed.contains_key(digits) {
            let node = match self.view.nodes.get(digits) {
                Some((_, node)) => (**node).clone(),
                None if !is_there => {
                    Node { revision: self.revision, content: Content::Scopes(Vec::new()) }
                }
                // A change looks at all nodes on its way before it begins.
                None => {
                    return Err(tampered(format!(
                        "the record \"{}\" was not read",
                        node_name(digits)
                    )));
                }
            };
            self.changed.insert(digits.to_owned(), node);
        }
        self.changed
            .get_mut(digits)
            .ok_or_else(|| tampered("a node that was just made is not there"))
    }

    /// Makes a node with too many scopes one with children.
    fn divide(&mut self, digits: &str) {
        let steps = digits.len();
        let Some(Node { content, .. }) = self.changed.get_mut(digits) else { return };
        let Content::Scopes(scopes) = content else { return };
        if scopes.len() <= MOST || steps >= NODE_DIGITS {
            return;
        }
        let mut parts: [Vec<ScopeLink>; 16] = Default::default();
        for link in std::mem::take(scopes) {
            parts[digit(&link.digest, steps)].push(link);
        }
        let mut children = [const { None }; 16];
        let mut made = Vec::new();
        for ((digit, child), part) in children.iter_mut().enumerate().zip(parts) {
            if let Some(first) = part.first() {
                *child = Some(NodeLink { hash: Digest([0; 32]), scopes: 0, due: first.due });
                made.push((format!("{digits}{digit:x}"), part));
            }
        }
        *content = Content::Children(Box::new(children));
        for (digits, part) in made {
            self.changed.insert(
                digits.clone(),
                Node { revision: self.revision, content: Content::Scopes(part) },
            );
            self.divide(&digits);
        }
    }

    /// The records of the nodes that changed, from the leaves to the root.
    pub(super) fn finish(mut self) -> Result<Grown> {
        let mut grown =
            Grown { records: Vec::new(), root: self.view.head.tree.clone(), nodes: HashMap::new() };
        let mut names: Vec<String> = self.changed.keys().cloned().collect();
        names.sort_by_key(|digits| std::cmp::Reverse(digits.len()));
        for digits in names {
            let Some(node) = self.changed.remove(&digits) else { continue };
            let (record, link) = node.write(node_name(&digits))?;
            Node::read(Body::read(&record)?, &digits, digits.len() < NODE_DIGITS)?;
            grown.nodes.insert(digits.clone(), (link.hash, Arc::new(node)));
            grown.records.push(record);
            let mut above = digits.clone();
            let Some(last) = above.pop() else {
                grown.root = Some(link);
                continue;
            };
            let Some(Node { content: Content::Children(children), .. }) =
                self.changed.get_mut(&above)
            else {
                return Err(tampered("a node has no children and is above one"));
            };
            children[last.to_digit(16).map_or(0, |digit| digit as usize)] = Some(link);
        }
        Ok(grown)
    }
}
