//! How SQLx finds a row again: by the fields that are the table's primary key.

use crate::check::EncryptedField;
use crate::check::columns::Table;
use crate::check::options::Options;
use crate::errors::Errors;
use crate::foreign::Foreign;
use crate::parse::Field;
use std::collections::HashSet;
use syn::ext::IdentExt;
use syn::punctuated::Punctuated;
use syn::{Ident, Token, Type, parse_quote};

/// The key and the encrypted columns, by SQLx's names.
pub(crate) struct Row<'a> {
    pub(crate) key: Vec<KeyColumn<'a>>,
    pub(crate) columns: Vec<String>,
}

pub(crate) struct KeyColumn<'a> {
    pub(crate) field: &'a Ident,
    pub(crate) ty: &'a Type,
    pub(crate) column: String,
}

impl<'a> Row<'a> {
    /// `None` if something is not known. Only who needs it has to say it.
    pub(super) fn new(
        model: &Ident,
        fields: &[Field<'a>],
        encrypted: &[EncryptedField],
        (table, options): (&Table, &Options),
        errors: &mut Errors,
    ) -> Option<Self> {
        let mut key = Vec::new();
        if let Some(names) = &options.primary_key {
            let mut seen = HashSet::new();
            for name in names {
                let mistake = match find(fields, name) {
                    None => format!(
                        "`{name}` is no field of `{model}`: write the fields that are the table's primary key"
                    ),
                    Some(field) if field.attribute.is_some() => format!(
                        "`{name}` is encrypted, and stored differently each time, so it finds no row: remove it"
                    ),
                    Some(_) if !seen.insert(name.unraw()) => {
                        format!("`{name}` is given twice: keep one")
                    }
                    Some(field) => {
                        key.push(field);
                        continue;
                    }
                };
                errors.add(name, mistake);
            }
        } else {
            let names = table.diesel_key().unwrap_or_else(|| vec![parse_quote!(id)]);
            for name in names {
                key.push(find(fields, &name).filter(|field| field.attribute.is_none())?);
            }
        }
        if !table.is_known() {
            return None;
        }
        let key = key.into_iter().map(|field| {
            let name = field.syn.ident.as_ref()?;
            let column = table.sqlx_column(name, &Foreign::new(&field.syn.attrs))?;
            Some(KeyColumn { field: name, ty: &field.syn.ty, column })
        });
        let key = key.collect::<Option<Vec<_>>>()?;
        let columns = encrypted.iter().map(|field| field.sqlx_column.clone());
        Some(Row { key, columns: columns.collect::<Option<_>>()? })
    }
}

fn find<'f, 'a>(fields: &'f [Field<'a>], name: &Ident) -> Option<&'f Field<'a>> {
    fields.iter().find(|f| f.syn.ident.as_ref().is_some_and(|ident| ident.unraw() == name.unraw()))
}

/// The fields in the parentheses of `primary_key(…)`.
pub(super) type Names = Punctuated<Ident, Token![,]>;
