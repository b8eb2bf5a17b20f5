//! The source around a struct. A derive sees one struct, without the other derives above it. So the
//! file is read, and the struct is found where its span says.
//!
//! In doubt there is no answer: in what a macro made or an attribute may have changed, and where
//! there is no file.

use proc_macro2::{Delimiter, TokenStream, TokenTree};
use quote::ToTokens;
use std::path::PathBuf;
use syn::parse::Parser as _;
use syn::punctuated::Punctuated;
use syn::{Attribute, DeriveInput, Ident, Path, Token};

/// The text of the file, and where the struct's name stands in it.
pub(super) struct Source {
    text: String,
    at: usize,
}

/// A struct with what stands beside it.
pub(super) struct Place {
    /// The file, with `HERE` for the struct's name.
    file: TokenStream,
    scope: Vec<TokenTree>,
    /// The word `struct`.
    at: usize,
}

/// Stands for the struct's name. So it is found, whatever else has the name.
const HERE: &str = "__encrypted_field_here";

/// `None` in what has no file: an editor's buffer, the tests of this crate.
pub(super) fn file_of(name: &Ident) -> Option<PathBuf> {
    proc_macro::is_available().then(|| name.span().unwrap().local_file()).flatten()
}

impl Source {
    pub(super) fn of(name: &Ident) -> Option<Self> {
        let text = std::fs::read_to_string(file_of(name)?).ok()?;
        let span = name.span().unwrap();
        let at = offset(&text, span.line(), span.column())?;
        Some(Source { text, at })
    }

    /// Whether the text has one of these pairs of words. It is quicker to ask than tokens are.
    pub(super) fn has_item(&self, keywords: &[&str], name: &str) -> bool {
        keywords.iter().any(|keyword| {
            let item = format!("{keyword} {name}");
            self.text.match_indices(&item).any(|(at, _)| {
                !self.text[at + item.len()..].starts_with(|c: char| c.is_alphanumeric() || c == '_')
            })
        })
    }

    /// Whether one of the words stands between the item before and the struct's name. May miss it.
    pub(super) fn has_above(&self, words: &[&str]) -> bool {
        let ends_item = |line: &&str| {
            let line = line.trim();
            line.ends_with(['}', ';']) && !line.starts_with("//")
        };
        let mut above = self.text[..self.at].lines().rev().take_while(|line| !ends_item(line));
        above.any(|line| {
            let mut written = line.split(|c: char| !c.is_alphanumeric() && c != '_');
            written.any(|word| words.contains(&word))
        })
    }

    /// The struct's place. Only attributes that the struct still has may stand above it: an
    /// attribute that is a macro may have made the struct out of another one.
    pub(super) fn place(&self, input: &DeriveInput) -> Option<Place> {
        let name = input.ident.to_string();
        let after = self.text[self.at..].strip_prefix(&name)?;
        if after.starts_with(|c: char| c.is_alphanumeric() || c == '_') {
            return None;
        }
        let marked = format!("{}{HERE}{after}", &self.text[..self.at]);
        let file: TokenStream = marked.parse().ok()?;
        let (scope, at) = find(file.clone())?;
        let place = Place { file, scope, at };
        let name = |attribute: &Attribute| attribute.path().to_token_stream().to_string();
        let left = |attribute: &Attribute| {
            input.attrs.iter().any(|other| name(other) == name(attribute))
                || ["derive", "cfg", "cfg_attr"].iter().any(|a| attribute.path().is_ident(a))
        };
        place.attributes(at)?.iter().all(left).then_some(place)
    }
}

impl Place {
    /// The paths in the `#[derive(…)]` above the struct.
    pub(super) fn derives(&self) -> Vec<Path> {
        self.derives_of(self.at)
    }

    fn derives_of(&self, item: usize) -> Vec<Path> {
        let attributes = self.attributes(item).unwrap_or_default();
        let lists = attributes.iter().filter(|attribute| attribute.path().is_ident("derive"));
        let paths = Punctuated::<Path, Token![,]>::parse_terminated;
        lists.filter_map(|list| list.parse_args_with(paths).ok()).flatten().collect()
    }

    /// The attributes above the item whose keyword is at this place; `None` if they can't be read.
    fn attributes(&self, item: usize) -> Option<Vec<Attribute>> {
        let attributes = attributes_above(&self.scope[..item]);
        Attribute::parse_outer.parse2(attributes.iter().cloned().collect()).ok()
    }

    /// Whether a `use` brings in the name, and not from the standard library.
    pub(super) fn imports(&self, name: &str) -> bool {
        imports(&self.file, name)
    }

    /// The keyword and the attributes of another item of this name beside the struct. It stands
    /// there in any case: under no `cfg`, and under no attribute that may be a macro.
    pub(super) fn beside(&self, name: &str) -> Option<Item> {
        let keyword = |at: usize| match &self.scope[at] {
            TokenTree::Ident(ident) => ITEMS.iter().find(|keyword| ident == **keyword),
            _ => None,
        };
        (0..self.scope.len()).find_map(|at| {
            let keyword = keyword(at)?;
            let named =
                matches!(self.scope.get(at + 1), Some(TokenTree::Ident(ident)) if ident == name);
            let attributes = named.then(|| self.attributes(at)).flatten()?;
            let harmless = |a: &Attribute| INERT.iter().any(|inert| a.path().is_ident(inert));
            let derived = |path: Path| path.segments.last().is_some_and(|s| s.ident == "Encrypted");
            let newtype = self.derives_of(at).into_iter().any(derived)
                && self
                    .scope
                    .get(at + 2)
                    .is_some_and(|body| is_group(body, Delimiter::Parenthesis));
            attributes.iter().all(harmless).then_some(Item { keyword, newtype, attributes })
        })
    }
}

/// An item that has the name of a type to be declared.
pub(super) struct Item {
    pub(super) keyword: &'static str,
    /// Whether it is a newtype with this derive.
    pub(super) newtype: bool,
    attributes: Vec<Attribute>,
}

impl Item {
    /// The string in `#[encrypted(context = "…")]`.
    pub(super) fn context(&self) -> Option<String> {
        let lists = self.attributes.iter().filter(|a| a.path().is_ident("encrypted"));
        lists.filter_map(|a| a.meta.require_list().ok()).find_map(|list| {
            let tokens: Vec<TokenTree> = list.tokens.clone().into_iter().collect();
            tokens.windows(3).find_map(|three| match three {
                [TokenTree::Ident(key), _, TokenTree::Literal(text)] if key == "context" => {
                    syn::parse_str::<syn::LitStr>(&text.to_string()).ok().map(|t| t.value())
                }
                _ => None,
            })
        })
    }
}

/// What shares the namespace of types.
pub(super) const ITEMS: &[&str] = &["struct", "enum", "union", "type", "trait"];

/// Attributes that change nothing of the item's name.
const INERT: &[&str] = &[
    "allow",
    "deny",
    "deprecated",
    "derive",
    "doc",
    "encrypted",
    "expect",
    "must_use",
    "non_exhaustive",
    "repr",
    "serde",
    "warn",
];

/// The byte at a line and a column of characters, both counted from one.
fn offset(text: &str, line: usize, column: usize) -> Option<usize> {
    let start: usize =
        text.split_inclusive('\n').take(line.checked_sub(1)?).map(str::len).sum::<usize>();
    let (at, _) = text.get(start..)?.char_indices().nth(column.checked_sub(1)?)?;
    Some(start + at)
}

/// The scope of the struct named `HERE`, and the place of its keyword.
fn find(tokens: TokenStream) -> Option<(Vec<TokenTree>, usize)> {
    let tokens: Vec<TokenTree> = tokens.into_iter().collect();
    let is =
        |at: usize, word: &str| matches!(tokens.get(at), Some(TokenTree::Ident(i)) if i == word);
    if let Some(at) = (1..tokens.len()).find(|at| is(*at, HERE)) {
        return is(at - 1, "struct").then_some((tokens, at - 1));
    }
    tokens.iter().enumerate().find_map(|(at, token)| match token {
        TokenTree::Group(group) if !is_input_of_macro(&tokens[..at]) => find(group.stream()),
        _ => None,
    })
}

/// After `name!` or `macro_rules! name`: what stands there may come to stand anywhere.
pub(super) fn is_input_of_macro(before: &[TokenTree]) -> bool {
    let bang = |token: &TokenTree| matches!(token, TokenTree::Punct(p) if p.as_char() == '!');
    before.iter().rev().take(2).any(bang)
}

fn is_group(token: &TokenTree, of: Delimiter) -> bool {
    matches!(token, TokenTree::Group(group) if group.delimiter() == of)
}

/// The attributes of the item that comes after these tokens.
pub(super) fn attributes_above(before: &[TokenTree]) -> &[TokenTree] {
    let is_pub = |token: &TokenTree| matches!(token, TokenTree::Ident(ident) if ident == "pub");
    let is_hash = |token: &TokenTree| matches!(token, TokenTree::Punct(p) if p.as_char() == '#');
    let item = match before {
        [rest @ .., word, path] if is_pub(word) && is_group(path, Delimiter::Parenthesis) => rest,
        [rest @ .., word] if is_pub(word) => rest,
        _ => before,
    };
    let mut rest = item;
    while let [above @ .., hash, group] = rest {
        if !is_hash(hash) || !is_group(group, Delimiter::Bracket) {
            break;
        }
        rest = above;
    }
    &item[rest.len()..]
}

fn imports(tokens: &TokenStream, name: &str) -> bool {
    let tokens: Vec<TokenTree> = tokens.clone().into_iter().collect();
    let ends = |token: &TokenTree| matches!(token, TokenTree::Punct(p) if p.as_char() == ';');
    (0..tokens.len()).any(|at| match &tokens[at] {
        TokenTree::Ident(word) if word == "use" => {
            let path: Vec<_> = tokens[at + 1..].iter().take_while(|t| !ends(t)).cloned().collect();
            let root = path.iter().find_map(|token| match token {
                TokenTree::Ident(root) => Some(root == "std" || root == "core"),
                _ => None,
            });
            root != Some(true) && mentions(path.into_iter().collect(), name)
        }
        TokenTree::Group(group) => imports(&group.stream(), name),
        _ => false,
    })
}

fn mentions(tokens: TokenStream, name: &str) -> bool {
    tokens.into_iter().any(|token| match token {
        TokenTree::Ident(ident) => ident == name,
        TokenTree::Group(group) => mentions(group.stream(), name),
        _ => false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOKEN: &str = "struct Token(Secret<String>);";

    /// The place of the struct whose name comes after `|`.
    fn source(text: &str) -> Source {
        let at = text.find('|').expect(text);
        Source { text: text.replacen('|', "", 1), at }
    }

    /// The struct as its derive sees it: with the attributes that are left.
    fn place(text: &str, left: &str) -> Option<Place> {
        let input = format!("{left} {TOKEN}");
        source(text).place(&syn::parse_str(&input).expect(&input))
    }

    fn derives(text: &str) -> Option<Vec<String>> {
        let derives = place(text, "#[encrypted(a)] #[doc = \"\"]")?.derives();
        Some(derives.iter().map(|path| path.to_token_stream().to_string()).collect())
    }

    #[test]
    fn derives_of_all_lists_above_the_struct() {
        let list = |words: &[&str]| Some(words.iter().map(|w| (*w).to_owned()).collect::<Vec<_>>());
        let at = "struct |Token(Secret<String>);";
        for (before, found) in [
            ("#[derive(Clone, Encrypted)]", &["Clone", "Encrypted"][..]),
            (
                "#![allow(a)] #[derive(Clone)]\n/// Doc.\n#[derive(Encrypted,)] #[encrypted(a)] pub(crate)",
                &["Clone", "Encrypted"],
            ),
            (
                "#[derive(Clone)] struct Other; #[derive(std::fmt::Debug)] pub",
                &["std :: fmt :: Debug"],
            ),
            ("#[derive(Clone)] struct Other {}", &[]),
            ("#[cfg(a)] #[cfg_attr(b, derive(Clone))] #[derive(Encrypted)]", &["Encrypted"]),
            ("mod a { #[derive(Clone)] struct Token(u8); } #[derive(Encrypted)]", &["Encrypted"]),
        ] {
            assert_eq!(derives(&format!("{before} {at}")), list(found), "{before}");
        }
        assert_eq!(derives(&format!("fn f() {{ #[derive(Clone)] {at} }}")), list(&["Clone"]));
    }

    #[test]
    fn in_doubt_there_is_no_place() {
        for text in [
            "newtype! { #[derive(Clone)] struct |Token(Secret<String>); }",
            "macro_rules! newtype { () => { #[derive(Clone)] struct |Token(Secret<String>); } }",
            "newtype!(|Token);",
            "#[changes] #[derive(Clone)] struct |Token(Secret<String>);",
            "#[derive(Clone)] struct |TokenOfAnother(Secret<String>);",
            "#[derive(Clone)] struct |Other(Secret<String>);",
            "#[derive(Clone)] enum |Token {}",
        ] {
            assert!(place(text, "").is_none(), "{text}");
        }
        assert!(place("#[stays] struct |Token(Secret<String>);", "#[stays]").is_some());
    }

    #[test]
    fn words_above_the_struct() {
        let above = |text: &str| source(text).has_above(&["Clone", "Eq"]);
        assert!(above("#[derive(\n  Encrypted,\n  Clone,\n)]\n/// Some text;\npub struct |Token"));
        assert!(!above("use a::Clone;\nfn f() {\n}\n#[derive(PartialEq)]\nstruct |Token"));
        assert!(!above("struct |Token Clone"));
    }

    #[test]
    fn names_that_an_import_brings_in() {
        let imports = |text: &str| imports(&text.parse().expect(text), "Debug");
        assert!(imports("mod a { use my::{self, derives::Debug}; }"));
        assert!(imports("use ::my::Other as Debug;"));
        assert!(!imports("use std::fmt::Debug; use ::core::{fmt::Debug}; use my::Other; Debug"));
    }

    #[test]
    fn items_of_the_name_beside() {
        let at = "struct |Token(Secret<String>);";
        let keyword = |item: &str| {
            let item = place(&format!("{at} {item}"), "")?.beside("Key")?;
            Some((item.keyword, item.newtype, item.context()))
        };
        assert_eq!(
            keyword("/// Doc.\n#[derive(Clone)] pub enum Key {}"),
            Some(("enum", false, None))
        );
        assert_eq!(keyword("type Key = u8;"), Some(("type", false, None)));
        let newtype = "#[derive(e::Encrypted)] #[encrypted(scope = \"s\", context = \"a.b\")] pub struct Key(S);";
        assert_eq!(keyword(newtype), Some(("struct", true, Some("a.b".into()))));
        for item in [
            "#[cfg(a)] struct Key;",
            "#[renames] struct Key;",
            "mod m { struct Key; }",
            "fn Key() {}",
            "m! { struct Key; }",
        ] {
            assert_eq!(keyword(item), None, "{item}");
        }
    }

    #[test]
    fn a_name_by_line_and_column() {
        let text = "é\r\nab é cd\n";
        assert_eq!(offset(text, 2, 6).map(|at| &text[at..]), Some("cd\n"));
        assert_eq!(offset(text, 1, 1), Some(0));
        assert_eq!((offset(text, 0, 1), offset(text, 9, 1)), (None, None));
    }
}
