//! Documentation of a declared type: what somebody who meets it in an editor or in rustdoc needs to
//! know.

use crate::check::{EncryptedField, Legacy, Model, Scope, Serialize, Storage, written};
use syn::ext::IdentExt;

pub(super) fn of_field(model: &Model, field: &EncryptedField) -> String {
    let declaration = &field.declaration;
    let (column, model) = (&field.column, model.input.ident.unraw());
    let plain = written(declaration.plain.value());
    let (encoded, wiped) = match &declaration.plain {
        plain if plain.json => (", as JSON", " if it is `Zeroize`"),
        plain if plain.is_text() => (", as its text", " if it is `Zeroize`"),
        _ => ("", ""),
    };
    let mut lines = vec![
        format!("The column `{column}` of [`{model}`](struct@{model}), encrypted at rest."),
        String::new(),
        format!(
            "Holds `{plain}`{encoded}. `Debug` does not show it, and its memory is wiped on drop{wiped}."
        ),
        String::new(),
        format!(
            "- context: `{}`; a value moved here from another column does not open",
            declaration.context
        ),
    ];
    for previous in &declaration.previous {
        lines.push(format!(
            "- previous context: `{previous}`; such values still open, and are stale"
        ));
    }
    match &declaration.scope {
        Scope::Named(scope) if scope.is_empty() => {}
        Scope::Named(scope) => lines.push(format!("- key scope: `{scope}`")),
        Scope::Dynamic => lines.push("- key scope: the one that is entered".to_owned()),
    }
    for previous in &declaration.previous_scopes {
        let previous =
            if previous.is_empty() { "the default one" } else { &format!("`{previous}`") };
        lines.push(format!(
            "- previous key scope: {previous}; such values still open, and are stale"
        ));
    }
    let storage = match declaration.storage {
        Storage::Text => "text",
        Storage::Binary => "binary",
    };
    lines.push(format!("- storage: {storage}; with Diesel, what the column is declared as"));
    let old = match declaration.legacy {
        None => None,
        Some(Legacy::Plaintext) => Some("- legacy: a value stored in plain is read too"),
        Some(Legacy::Reader(_)) => {
            Some("- legacy: a value stored before `encrypted-field` is read too")
        }
    };
    let serialized = declaration.serialize.map(|serialize| match serialize {
        Serialize::Sealed => "- serialized: sealed",
        Serialize::Redacted => "- serialized: redacted",
        Serialize::Plaintext => "- serialized: in plain",
        Serialize::Custom => "- serialized: as its application does it",
    });
    lines.extend([old, serialized].into_iter().flatten().map(ToOwned::to_owned));
    lines.join("\n")
}
