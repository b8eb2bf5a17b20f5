//! From what was written to what is meant. Every mistake is reported on what the user wrote, and
//! repaired with something harmless, so that the result can always be emitted and no mistake causes
//! further errors elsewhere.

mod columns;
mod declared;
mod derives;
mod distinct;
mod elsewhere;
mod options;
mod plain;
mod row;
mod scopes;
mod source;
mod types;

pub(crate) use derives::Derived;
pub(crate) use options::Plain;
pub(crate) use row::Row;
pub(crate) use scopes::Scope;
pub(crate) use types::written;

use crate::errors::Errors;
use crate::foreign::{self, Foreign};
use crate::names::Place;
use crate::parse::{Attributes, Field, Item, Shape};
use columns::Table;
use distinct::Seen;
use elsewhere::Declared;
use options::Options;
use source::Source;
use syn::{DeriveInput, Ident, LitStr, Path, parse_quote};

pub(crate) enum Checked<'a> {
    Model(Model<'a>),
    Newtype(Path, Box<Declaration>, Vec<Derived>),
    /// Mistaken beyond repair.
    Nothing,
}

pub(crate) struct Model<'a> {
    pub(crate) input: &'a DeriveInput,
    pub(crate) krate: Path,
    /// Empty if each field has a context of its own.
    pub(crate) table: String,
    pub(crate) fields: Vec<EncryptedField<'a>>,
    /// Whether Diesel's `table_name` is given.
    pub(crate) of_diesel: bool,
    /// Whether the table's name was written, rather than taken from Diesel.
    pub(crate) table_given: bool,
    pub(crate) row: Option<Row<'a>>,
    /// The fields are not what the user wants yet; only their types are needed.
    pub(crate) faulty: bool,
}

pub(crate) struct EncryptedField<'a> {
    pub(crate) name: &'a Ident,
    pub(crate) column: String,
    /// Diesel's module of the table, and its name for the column.
    pub(crate) diesel: Option<(Path, Ident)>,
    /// SQLx's name for the column, if that can be known.
    pub(crate) sqlx_column: Option<String>,
    /// Whether the context was written, rather than made of the table and the column.
    pub(crate) pinned: bool,
    pub(crate) declaration: Declaration,
}

/// One type with everything that `field!` needs to know.
pub(crate) struct Declaration {
    pub(crate) name: Ident,
    pub(crate) plain: Plain,
    pub(crate) context: String,
    pub(crate) previous: Vec<String>,
    pub(crate) scope: Scope,
    pub(crate) previous_scopes: Vec<String>,
    pub(crate) legacy: Option<Legacy>,
    pub(crate) storage: Storage,
    pub(crate) serialize: Option<Serialize>,
    pub(crate) pg_array: bool,
}

#[derive(Clone)]
pub(crate) enum Legacy {
    Plaintext,
    Reader(Path),
}

#[derive(Clone, Copy, Default)]
pub(crate) enum Storage {
    #[default]
    Text,
    Binary,
}

#[derive(Clone, Copy)]
pub(crate) enum Serialize {
    Sealed,
    Redacted,
    Plaintext,
    /// The application implements it.
    Custom,
}

pub(crate) fn check<'a>(item: &Item<'a>, errors: &mut Errors) -> Checked<'a> {
    let input = item.input;
    match &item.shape {
        Shape::Named(fields) => model(input, item.attribute.as_ref(), fields, errors),
        Shape::Tuple(fields) => newtype(input, item.attribute.as_ref(), fields, errors),
        Shape::Unit => {
            errors.add(&input.ident, format!("{NEITHER}; this struct has no fields"));
            Checked::Nothing
        }
        Shape::Other(kind, at) => {
            errors.add(
                at,
                format!("{NEITHER}; this is {} {kind}", if *kind == "enum" { "an" } else { "a" }),
            );
            Checked::Nothing
        }
    }
}

const NEITHER: &str =
    "`Encrypted` is for a struct with named fields, or for `struct BotToken(Secret<String>);`";

fn krate(options: &Options) -> Path {
    options.krate.clone().unwrap_or_else(|| parse_quote!(::encrypted_field))
}

fn model<'a>(
    input: &'a DeriveInput,
    attribute: Option<&Attributes>,
    fields: &[Field<'a>],
    errors: &mut Errors,
) -> Checked<'a> {
    let options = Options::read(attribute, Place::Model, errors);
    if let Some(attribute) = attribute.filter(|a| a.entries.is_empty()) {
        let message = "this says nothing: write `#[encrypted(table = \"…\")]`, and the options of a field above the field";
        errors.add(attribute.first, message);
    }
    if fields.iter().all(|f| f.attribute.is_none()) {
        errors.add(
            &input.ident,
            format!(
                "`{}` has no encrypted field: write `#[encrypted(String)]` above one, or remove the derive",
                input.ident
            ),
        );
    }
    let mut table = Table::new(input, &options);
    let mut seen = Seen::default();
    let source = Source::of(&input.ident);
    let encrypted: Vec<_> = fields
        .iter()
        .filter_map(|f| field((input, source.as_ref()), f, &mut table, &mut seen, errors))
        .collect();
    seen.check_previous(errors);
    let row = Row::new(&input.ident, fields, &encrypted, (&table, &options), errors);
    Checked::Model(Model {
        input,
        krate: krate(&options),
        of_diesel: table.diesel.is_some(),
        table_given: options.has("table"),
        table: table.name,
        fields: encrypted,
        row,
        faulty: errors.len() > 0,
    })
}

fn field<'a>(
    (input, source): (&DeriveInput, Option<&Source>),
    field: &Field<'a>,
    table: &mut Table,
    seen: &mut Seen,
    errors: &mut Errors,
) -> Option<EncryptedField<'a>> {
    let attribute = field.attribute.as_ref()?;
    let name = field.syn.ident.as_ref()?;
    let options = Options::read(Some(attribute), Place::Field, errors);
    if !options.plain_given && !attribute.faulty {
        errors.add(attribute.first, "say what the field holds: `#[encrypted(String)]`");
    }
    let plain = options.plain.clone().filter(|p| plain::check_plain(p, &input.generics, errors));

    let foreign = Foreign::new(&field.syn.attrs);
    columns::check_bypass(&foreign, errors);
    let pinned = options.has("context");
    let column = table.column(name, &foreign, pinned, errors);
    let context = match &options.context {
        Some(context) => Some(context.value()),
        None if pinned => None,
        None => table.context(&column, name, errors),
    };

    let wanted = declared::Wanted {
        field: name,
        model: &input.ident,
        generics: &input.generics,
        plain: options.plain.as_ref(),
    };
    let declared = declared::declared_name(&field.syn.ty, &wanted, errors);
    seen.contexts(name, context.as_deref(), &options, errors);
    scopes::check_previous(&options, errors);
    let declared = declared.filter(|declared| seen.new_type(declared, errors))?;
    let this = Declared {
        name: declared.to_string(),
        by: input.ident.to_string(),
        context: context.clone(),
    };
    if !elsewhere::check((input, source), &declared, &this, errors) {
        return None;
    }
    let of_table = foreign::find(&foreign.diesel, "select_expression").is_none();
    let diesel = table.diesel.clone().filter(|_| of_table).zip(identifier(&column, name));
    let declaration = declaration(declared, plain, context, options);
    let sqlx_column = table.sqlx_column(name, &foreign);
    Some(EncryptedField { name, column, diesel, sqlx_column, pinned, declaration })
}

/// With the field's span: where Diesel has no such column, rustc shows the field.
fn identifier(column: &str, field: &Ident) -> Option<Ident> {
    let mut ident =
        syn::parse_str::<Ident>(column).or_else(|_| syn::parse_str(&format!("r#{column}"))).ok()?;
    ident.set_span(field.span());
    Some(ident)
}

fn newtype<'a>(
    input: &'a DeriveInput,
    attribute: Option<&Attributes>,
    fields: &[Field],
    errors: &mut Errors,
) -> Checked<'a> {
    let options = Options::read(attribute, Place::Newtype, errors);
    let name = &input.ident;
    let [field] = fields else {
        errors.add(name, format!("{NEITHER}; this struct has {} unnamed fields", fields.len()));
        return Checked::Nothing;
    };
    if let Some(attribute) = &field.attribute {
        errors.add(attribute.first, "in a newtype, write this above the struct");
    }
    if !input.generics.params.is_empty() {
        errors.add(
            &input.generics,
            "the newtype of an encrypted field has no parameters: remove them",
        );
        return Checked::Nothing;
    }
    let ty = &field.syn.ty;
    let Some(inner) = types::inside_secret(ty) else {
        let written = written(ty);
        errors.add(
            ty,
            format!(
                "write `Secret<{written}>`: it keeps the plaintext and the key it was read under"
            ),
        );
        return Checked::Nothing;
    };
    if !options.has("context") && !attribute.is_some_and(|a| a.faulty) {
        let message = "a newtype does not know its column: write `#[encrypted(context = \"table.column\")]` above the struct";
        errors.add(name, message);
    }
    let plain = match types::wrapper(inner) {
        Some((wrapper, ty)) if wrapper == "Json" => Plain { ty: ty.clone(), json: true },
        _ => Plain { ty: inner.clone(), json: false },
    };
    if !plain::check_plain(&plain, &input.generics, errors) {
        return Checked::Nothing;
    }
    let context = options.context.as_ref().map(LitStr::value);
    let mut seen = Seen::default();
    seen.contexts(name, context.as_deref(), &options, errors);
    scopes::check_previous(&options, errors);
    seen.check_previous(errors);
    let this = Declared { name: name.to_string(), by: name.to_string(), context: context.clone() };
    let source = Source::of(name);
    if !elsewhere::check((input, source.as_ref()), name, &this, errors) {
        return Checked::Nothing;
    }
    let derived = derives::check(input, source.as_ref(), errors);
    let krate = krate(&options);
    let declaration = declaration(name.clone(), Some(plain), context, options);
    Checked::Newtype(krate, Box::new(declaration), derived)
}

/// What is missing after a mistake is filled in.
fn declaration(
    name: Ident,
    plain: Option<Plain>,
    context: Option<String>,
    options: Options,
) -> Declaration {
    Declaration {
        name,
        plain: plain
            .unwrap_or_else(|| Plain { ty: parse_quote!(::std::string::String), json: false }),
        context: context.unwrap_or_else(|| "table.column".into()),
        previous: options.previous.iter().map(LitStr::value).collect(),
        scope: options.scope.unwrap_or_else(|| Scope::Named(String::new())),
        previous_scopes: options.previous_scopes.iter().map(LitStr::value).collect(),
        legacy: options.legacy,
        storage: options.storage.unwrap_or_default(),
        serialize: options.serialize,
        pg_array: options.pg_array,
    }
}
