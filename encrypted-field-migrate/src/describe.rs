//! The description of a model's columns, for a configuration.

use encrypted_field::EncryptedModel;
use encrypted_field::FieldInfo;

use crate::spec::Description;

/// The columns of a model. Give it the `FIELDS` of an [`EncryptedModel`].
///
/// A field with a dynamic scope gets the scope column `"?"`: name the column of the table that
/// holds the tenant of each row. The table is the one that the model names. Through Diesel's
/// `#[sql_name]` or a schema, it may have another name in the database.
pub fn describe(fields: &[FieldInfo]) -> Vec<Description> {
    fields.iter().map(one).collect()
}

/// As [`describe`], of one model.
pub fn describe_model<M: EncryptedModel>() -> Vec<Description> {
    describe(M::FIELDS)
}

fn one(field: &FieldInfo) -> Description {
    let texts = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
    let usual = format!("{}.{}", field.table, field.column);
    Description {
        context: (field.context != usual).then(|| field.context.to_owned()),
        previous_contexts: texts(field.previous_contexts),
        scope: if field.dynamic_scope { String::new() } else { field.scope.to_owned() },
        scope_column: field.dynamic_scope.then(|| "?".to_owned()),
        previous_scopes: texts(field.previous_scopes),
        storage: field.storage.into(),
        plaintext: field.encoding().unwrap_or("?").to_owned(),
        ..Description::new(field.table, field.column)
    }
}

const NAMES: [&str; 12] = [
    "table",
    "schema",
    "key",
    "column",
    "target",
    "context",
    "previous_contexts",
    "scope",
    "scope_column",
    "previous_scopes",
    "storage",
    "plaintext",
];

/// Descriptions as sections of a TOML file, `[[column]]` each.
pub fn to_toml(descriptions: &[Description]) -> String {
    let mut sections = Vec::new();
    for description in descriptions {
        let Ok(serde_json::Value::Object(entries)) = serde_json::to_value(description) else {
            continue;
        };
        // In the order of the fields. A JSON text is a TOML text, and so is a list of texts.
        let line = |name: &str| Some(format!("{name} = {}\n", entries.get(name)?));
        let lines: String = NAMES.iter().filter_map(|name| line(name)).collect();
        sections.push(format!("[[column]]\n{lines}"));
    }
    sections.join("\n")
}
