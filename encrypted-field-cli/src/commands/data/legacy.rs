//! Foreign formats, as `[column.legacy]` describes them.

use std::collections::BTreeMap;
use std::sync::Arc;

use encrypted_field::plaintext::{PlaintextType, Zeroizing};
use encrypted_field_foreign::from_settings;
use encrypted_field_migrate::Operation;

use crate::config::{Column, Setting};
use crate::context::Context;
use crate::failure::{Failure, Result};

/// An import with the column's format.
pub(super) fn operation(column: &Column, context: &mut Context<'_>) -> Result<Operation> {
    let place = column.description.place();
    let Some(legacy) = &column.legacy else {
        return Err(Failure::new(format!(
            "{place} has no section [column.legacy], which says how its values are encrypted; add one with `format`"
        )));
    };
    let mut settings = BTreeMap::new();
    for (name, setting) in &legacy.settings {
        let value = match setting {
            Setting::Text(text) => Zeroizing::new(text.clone()),
            Setting::Secret(source) => source.read(context, &format!("`{name}` of {place}"))?,
        };
        settings.insert(name.clone(), value);
    }
    let format = from_settings(&legacy.format, &settings)
        .map_err(|error| Failure::new(format!("[column.legacy] of {place}: {error}")))?;
    let plaintext = plaintext(&column.description.plaintext)?;
    let reader = move |stored: &[u8]| plaintext.from_plain(&format.read(stored)?);
    Ok(Operation::Import(legacy.format.clone(), Arc::new(reader)))
}

/// The type of a column, by its name.
pub(super) fn plaintext(name: &str) -> Result<PlaintextType> {
    PlaintextType::named(name).ok_or_else(|| {
        let mut known: Vec<_> = PlaintextType::all().map(|known| known.name()).collect();
        known.sort_unstable();
        Failure::new(format!(
            "there is no plaintext type \"{name}\"; there are {}",
            known.join(", ")
        ))
    })
}
