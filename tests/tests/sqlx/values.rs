//! One field type for each type of value, in both storages.

use std::collections::BTreeMap;

use bigdecimal::BigDecimal;
use encrypted_field::{Encrypted, Json, Secret};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// What an application keeps as JSON.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Profile {
    pub name: String,
    pub scopes: Vec<Scope>,
    pub team: Option<Box<Profile>>,
    pub limits: BTreeMap<String, i64>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Scope {
    Everything,
    Channel { id: u64 },
}

macro_rules! value_types {
    ($($name:ident($plain:ty) = $context:literal;)*) => {
        /// `ef1:…` in a text column.
        pub mod text {
            use super::*;

            $(
                #[derive(Encrypted)]
                #[encrypted(context = $context)]
                pub struct $name(Secret<$plain>);
            )*
        }

        /// Bytes in a binary column.
        pub mod binary {
            use super::*;

            $(
                #[derive(Encrypted)]
                #[encrypted(context = $context, storage = "binary")]
                pub struct $name(Secret<$plain>);
            )*
        }
    };
}

value_types! {
    Str(String) = "values.str";
    Bytes(Vec<u8>) = "values.bytes";
    I8(i8) = "values.i8";
    I16(i16) = "values.i16";
    I32(i32) = "values.i32";
    I64(i64) = "values.i64";
    I128(i128) = "values.i128";
    Isize(isize) = "values.isize";
    U8(u8) = "values.u8";
    U16(u16) = "values.u16";
    U32(u32) = "values.u32";
    U64(u64) = "values.u64";
    U128(u128) = "values.u128";
    Usize(usize) = "values.usize";
    Bool(bool) = "values.bool";
    Id(Uuid) = "values.id";
    ChronoInstant(chrono::DateTime<chrono::Utc>) = "values.instant";
    ChronoDateTime(chrono::NaiveDateTime) = "values.date_time";
    ChronoDate(chrono::NaiveDate) = "values.date";
    ChronoTime(chrono::NaiveTime) = "values.time";
    TimeInstant(time::OffsetDateTime) = "values.instant";
    TimeDateTime(time::PrimitiveDateTime) = "values.date_time";
    TimeDate(time::Date) = "values.date";
    TimeTime(time::Time) = "values.time";
    Amount(Decimal) = "values.amount";
    BigAmount(BigDecimal) = "values.amount";
    Document(Json<Profile>) = "values.document";
}
