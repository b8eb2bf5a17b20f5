//! Which table and column a field is, and so its default context `table.column`.
//!
//! The context is authenticated and stays for the life of the data, so a name that two sources give
//! differently is not guessed.

use crate::case::Case;
use crate::check::options::{Options, context_mistake, table_mistake};
use crate::errors::Errors;
use crate::foreign::{Foreign, Part, find};
use proc_macro2::TokenStream;
use quote::ToTokens;
use syn::ext::IdentExt;
use syn::{DeriveInput, Ident, Path};

/// What the struct's attributes say.
pub(super) struct Table {
    /// Empty if nothing says it, or not clearly.
    pub(super) name: String,
    /// The module that Diesel's `table!` made.
    pub(super) diesel: Option<Path>,
    foreign: Foreign,
    /// Why there is no clear name, for the fields that need one. `None` once reported, or when
    /// there is a name.
    problem: Option<(TokenStream, String)>,
}

/// A column name, and who gives it.
struct Claim {
    who: &'static str,
    name: String,
    at: TokenStream,
}

impl Table {
    pub(super) fn new(input: &DeriveInput, options: &Options) -> Self {
        let foreign = Foreign::new(&input.attrs);
        let parts: Vec<&Part> = foreign
            .diesel
            .iter()
            .chain(&foreign.sea_orm)
            .filter(|p| p.key == "table_name")
            .collect();
        let diesel = find(&foreign.diesel, "table_name").and_then(Part::path);
        let first = parts.first().and_then(|p| p.name());
        let other = parts.iter().find(|p| p.name() != first);
        let name = options
            .table
            .as_ref()
            .map(syn::LitStr::value)
            .or_else(|| first.clone())
            .unwrap_or_default();
        let problem = if options.has("table") {
            None // right, or reported already
        } else if let (Some(first), Some(other)) = (&first, other) {
            let second = other.name().unwrap_or_default();
            let message = format!(
                "two names for one table, `{first}` and `{second}`: write the one to authenticate in \
                 `#[encrypted(table = \"{first}\")]`"
            );
            Some((other.to_token_stream(), message))
        } else if let Some(first) = first {
            let at = || parts[0].to_token_stream();
            table_mistake(&first)
                .map(|m| (at(), format!("{m}; `#[encrypted(table = \"…\")]` gives another")))
        } else {
            let guess = Case::Snake.apply(&input.ident.unraw().to_string());
            let message = format!(
                "the table of `{}` is not known: write `#[encrypted(table = \"{guess}s\")]` above the struct",
                input.ident
            );
            Some((input.ident.to_token_stream(), message))
        };
        Table { name, diesel, foreign, problem }
    }

    /// The column's name, reported if unclear only where the context depends on it.
    pub(super) fn column(
        &self,
        field: &Ident,
        foreign: &Foreign,
        pinned: bool,
        errors: &mut Errors,
    ) -> String {
        let (claims, unclear) = self.claims(field, foreign);
        let first = &claims[0];
        if pinned {
            return first.name.clone();
        }
        let pin = |name: &str| {
            format!("write the one to authenticate in `context = \"{}.{name}\"`", self.shown())
        };
        if let Some((at, message)) = unclear {
            errors.add(at, format!("{message}: {}", pin(&field.unraw().to_string())));
        } else if let Some(other) = claims.iter().find(|c| c.name != first.name) {
            let at = if other.at.is_empty() { field.to_token_stream() } else { other.at.clone() };
            errors.add(
                at,
                format!(
                    "two names for one column, `{}` ({}) and `{}` ({}): {}",
                    first.name,
                    first.who,
                    other.name,
                    other.who,
                    pin(&first.name)
                ),
            );
        }
        first.name.clone()
    }

    /// `table.column`, or `None` after an error.
    pub(super) fn context(
        &mut self,
        column: &str,
        field: &Ident,
        errors: &mut Errors,
    ) -> Option<String> {
        if let Some((at, message)) = self.problem.take() {
            errors.add(at, message);
            self.name.clear();
        }
        if self.name.is_empty() {
            return None;
        }
        let context = format!("{}.{column}", self.name);
        let mistake = if column.is_empty() {
            Some("the column's name is empty")
        } else {
            context_mistake(&context)
        };
        if let Some(mistake) = mistake {
            errors.add(field, format!("{mistake}: write `context = \"table.column\"`"));
            return None;
        }
        Some(context)
    }

    /// Whether there is one name.
    pub(super) fn is_known(&self) -> bool {
        !self.name.is_empty() && self.problem.is_none()
    }

    /// The fields of `#[diesel(primary_key(…))]`.
    pub(super) fn diesel_key(&self) -> Option<Vec<Ident>> {
        find(&self.foreign.diesel, "primary_key").and_then(Part::names)
    }

    /// What SQLx calls the column, if that can be known.
    pub(super) fn sqlx_column(&self, field: &Ident, foreign: &Foreign) -> Option<String> {
        let (claims, unclear) = self.claims(field, foreign);
        let claim = claims.iter().find(|claim| claim.who == "sqlx").or(claims.first())?;
        unclear.is_none().then(|| claim.name.clone())
    }

    fn shown(&self) -> &str {
        if self.name.is_empty() { "table" } else { &self.name }
    }

    /// What each ORM in use calls the column; the field's own name if none says anything. Or why
    /// one cannot be known.
    fn claims(
        &self,
        field: &Ident,
        foreign: &Foreign,
    ) -> (Vec<Claim>, Option<(TokenStream, String)>) {
        let own = field.unraw().to_string();
        let mut claims = Vec::new();
        let mut unclear = None;
        let claim = |who, name: Option<String>, part: Option<&Part>| Claim {
            who,
            name: name.unwrap_or_else(|| own.clone()),
            at: part.map(ToTokens::to_token_stream).unwrap_or_default(),
        };

        let renamed = find(&foreign.diesel, "column_name");
        if renamed.is_some() || self.diesel.is_some() {
            let name = renamed.and_then(Part::name).map(|n| n.trim_start_matches("r#").to_owned());
            claims.push(claim("diesel", name, renamed));
        }
        if let Some(part) = find(&foreign.diesel, "select_expression") {
            unclear = Some((
                part.to_token_stream(),
                "`select_expression` reads some other column".to_owned(),
            ));
        }

        for (who, of_field, of_struct, key) in [
            ("sqlx", &foreign.sqlx, &self.foreign.sqlx, "rename"),
            ("sea_orm", &foreign.sea_orm, &self.foreign.sea_orm, "column_name"),
        ] {
            let renamed = find(of_field, key);
            let all = find(of_struct, "rename_all").filter(|_| renamed.is_none());
            let converted = all.map(|all| {
                let style = all.name().unwrap_or_default();
                let case = Case::parse(&style).filter(|c| who == "sqlx" || c.keeps_words());
                case.map(|c| c.apply(&own)).ok_or((all, style))
            });
            if let Some(Err((all, style))) = &converted {
                let at = all.to_token_stream();
                unclear = Some((
                    at,
                    format!("`rename_all = \"{style}\"` gives a name that is not known here"),
                ));
            }
            if !of_field.is_empty() || !of_struct.is_empty() {
                let name = renamed.and_then(Part::name).or_else(|| converted?.ok());
                claims.push(claim(who, name, renamed));
            }
        }
        if claims.is_empty() {
            claims.push(claim("the field", None, None));
        }
        (claims, unclear)
    }
}

/// Attributes under which the ORM would go round the encryption or never reach the column.
pub(super) fn check_bypass(foreign: &Foreign, errors: &mut Errors) {
    let struct_of_columns =
        "makes a struct of several columns of the field, but an encrypted field is one column";
    let reads = "reads the column as another type, past the decryption";
    let never =
        "leaves the column out, so nothing is encrypted: remove it, or remove `#[encrypted]`";
    for (parts, key, effect) in [
        (&foreign.diesel, "embed", struct_of_columns),
        (&foreign.diesel, "serialize_as", "writes the column as another type, past the encryption"),
        (&foreign.diesel, "deserialize_as", reads),
        (&foreign.sqlx, "flatten", struct_of_columns),
        (&foreign.sqlx, "try_from", reads),
        (&foreign.sqlx, "json", "reads the column as JSON, past the decryption"),
        (&foreign.sqlx, "skip", never),
        (&foreign.sea_orm, "ignore", never),
    ] {
        if let Some(part) = find(parts, key) {
            let fix = match key {
                "json" => ": remove it and write `#[encrypted(json = …)]`",
                "skip" | "ignore" => "",
                _ => ": remove it",
            };
            errors.add(part, format!("`{key}` {effect}{fix}"));
        }
    }
}
