//! The scopes that are loaded on demand, page by page, and those of them that are due.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::loading::{ATTEMPTS, Ask, Loader};
use crate::envelope::Query;
use crate::envelope::record::{Content, Due, Head, ScopeKeys, node_name};
use crate::envelope::view::{PROCESS, View};
use crate::error::Result;

/// About so many scopes are on a page.
const PAGE: u64 = 256;

impl Loader {
    /// How many pages the scopes that are loaded on demand have, and how many digits the name of a
    /// page has.
    pub(super) fn pages(head: &Head) -> (u64, usize) {
        let scopes = head.tree.as_ref().map_or(0, |tree| tree.scopes);
        let mut digits = 0;
        while digits < 8 && scopes >> (4 * digits) > PAGE {
            digits += 1;
        }
        (1 << (4 * digits), digits)
    }

    /// The scopes of one page, whose digests begin with these digits.
    pub(super) async fn page(&self, digits: &str) -> Result<(View, Vec<Arc<ScopeKeys>>)> {
        self.read_page(digits, false).await
    }

    /// As [`page`](Self::page), with every record looked at as it stands in the store.
    pub(super) async fn fresh_page(&self, digits: &str) -> Result<(View, Vec<Arc<ScopeKeys>>)> {
        self.read_page(digits, true).await
    }

    async fn read_page(&self, digits: &str, is_fresh: bool) -> Result<(View, Vec<Arc<ScopeKeys>>)> {
        self.beneath(digits, &|_| true, usize::MAX, is_fresh).await
    }

    /// Scopes whose dates are wanted, at most about so many.
    pub(super) async fn due(
        &self,
        wanted: &(dyn Fn(Due) -> bool + Sync),
        most: usize,
    ) -> Result<(View, Vec<Arc<ScopeKeys>>)> {
        self.beneath("", wanted, most, false).await
    }

    async fn beneath(
        &self,
        digits: &str,
        wanted: &(dyn Fn(Due) -> bool + Sync),
        most: usize,
        is_fresh: bool,
    ) -> Result<(View, Vec<Arc<ScopeKeys>>)> {
        self.refuse_refused()?;
        let query =
            Query::head().names((0..=digits.len()).map(|steps| node_name(&digits[..steps])));
        let known = self.known().filter(|_| !is_fresh);
        let mut process: BTreeSet<String> = BTreeSet::new();
        let mut read = self.read(query.clone(), Ask::IfNeeded).await?;
        let mut view = View::new(Arc::clone(&read.head), read.mac.clone());
        for _ in 0..ATTEMPTS {
            let cache = self.known();
            let is_news = self.memory().is_news(&read.head);
            if is_news && view.process.is_none() {
                let missing = view.look_at_process(&read.found, cache.as_deref());
                let missing = missing.map_err(|e| self.backends.of_store(e))?;
                if !missing.is_empty() {
                    process.extend(missing);
                    let query =
                        query.clone().names([PROCESS.to_owned()]).names(process.iter().cloned());
                    read = self.read_after(query, &read).await?;
                    view = View::new(Arc::clone(&read.head), read.mac.clone());
                    continue;
                }
            }
            let looked = view.look_beneath(digits, wanted, most, &read.found, known.as_deref());
            match looked.map_err(|e| self.backends.of_store(e))? {
                Ok(scopes) => {
                    self.saw(&view)?;
                    return Ok((view, scopes));
                }
                Err(missing) => {
                    read = self.read_after(Query::head().names(missing), &read).await?;
                    if read.head != view.head {
                        // Nodes of the older view serve if they have not changed. Which scopes are
                        // due is another question now.
                        let nodes = std::mem::take(&mut view.nodes);
                        view = View::new(Arc::clone(&read.head), read.mac.clone());
                        view.nodes = nodes;
                    }
                }
            }
        }
        Err(self.busy())
    }
}

/// The digits of a page.
pub(super) fn page_digits(page: u64, digits: usize) -> String {
    if digits == 0 { String::new() } else { format!("{page:0digits$x}") }
}

/// The next page after one that was looked at. If the tree ends above it, the pages beside it have
/// nothing of their own. The number of scopes in the head is no reason to look at each.
pub(super) fn page_after(view: &View, page: u64, digits: usize) -> u64 {
    let name = page_digits(page, digits);
    let mut end = 0;
    while end < digits {
        let Some((_, node)) = view.nodes.get(&name[..end]) else { break };
        let Content::Children(children) = &node.content else { break };
        end += 1;
        let last = name[..end].chars().next_back().and_then(|digit| digit.to_digit(16));
        if last.is_none_or(|digit| children[digit as usize].is_none()) {
            break;
        }
    }
    let stride = 1 << (4 * (digits - end));
    (page / stride + 1) * stride
}
