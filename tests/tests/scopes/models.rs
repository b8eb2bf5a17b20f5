//! One table with the rows of all tenants, as a model for Diesel and SQLx.

use diesel::{AsChangeset, Identifiable, Insertable, Queryable, Selectable};
use encrypted_field::{Encrypted, Secret};
use tests::secrets;

diesel::table! {
    customers (id) {
        id -> Integer,
        tenant -> Text,
        iban -> Text,
        note -> Nullable<Binary>,
    }
}

#[derive(
    Debug,
    Clone,
    PartialEq,
    Queryable,
    Selectable,
    Insertable,
    AsChangeset,
    Identifiable,
    sqlx::FromRow,
    Encrypted,
)]
#[diesel(table_name = customers)]
pub struct Customer {
    pub id: i32,
    pub tenant: String,
    #[encrypted(String, scope = dynamic)]
    pub iban: Iban,
    #[encrypted(Vec<u8>, scope = dynamic, storage = "binary")]
    pub note: Option<Note>,
}

pub const IBAN: &str = "customers.iban";

impl Customer {
    pub fn new(id: i32, tenant: &str) -> Self {
        let note = (id % 2 == 0)
            .then(|| format!("{}{tenant} note {id}", secrets::CANARY).into_bytes().into());
        Self { id, tenant: tenant.into(), iban: secret(tenant, id).into(), note }
    }
}

/// A plaintext of its own for each row.
pub fn secret(tenant: &str, id: i32) -> String {
    secrets::plaintext(&format!("{tenant} {id}"))
}

/// The column as it was before tenants had keys of their own.
#[derive(Encrypted)]
#[encrypted(context = "customers.iban")]
pub struct IbanBefore(Secret<String>);

/// The column while its values move.
#[derive(Encrypted)]
#[encrypted(context = "customers.iban", scope = dynamic, previous_scope = "")]
pub struct MovingIban(Secret<String>);
