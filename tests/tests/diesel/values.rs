//! One column for each type of value, in three tables: Diesel takes tables of up to 16 columns by
//! default.

use bigdecimal::BigDecimal;
use diesel::mysql::Mysql;
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::sqlite::Sqlite;
use encrypted_field::{
    Encrypted, Plaintext,
    plaintext::{Encoded, PlaintextError},
};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::schema::{documents, moments, numbers};

/// In text columns.
#[derive(
    Debug, PartialEq, Queryable, Selectable, Insertable, AsChangeset, Identifiable, Encrypted,
)]
#[diesel(table_name = numbers, check_for_backend(Pg, Mysql, Sqlite))]
pub(crate) struct Numbers {
    pub(crate) id: i32,
    #[encrypted(i8)]
    pub(crate) value_i8: ValueI8,
    #[encrypted(i16)]
    pub(crate) value_i16: ValueI16,
    #[encrypted(i32)]
    pub(crate) value_i32: ValueI32,
    #[encrypted(i64)]
    pub(crate) value_i64: ValueI64,
    #[encrypted(i128)]
    pub(crate) value_i128: ValueI128,
    #[encrypted(u8)]
    pub(crate) value_u8: ValueU8,
    #[encrypted(u16)]
    pub(crate) value_u16: ValueU16,
    #[encrypted(u32)]
    pub(crate) value_u32: ValueU32,
    #[encrypted(u64)]
    pub(crate) value_u64: ValueU64,
    #[encrypted(u128)]
    pub(crate) value_u128: ValueU128,
    #[encrypted(isize)]
    pub(crate) value_isize: ValueIsize,
    #[encrypted(usize)]
    pub(crate) value_usize: ValueUsize,
    #[encrypted(bool)]
    pub(crate) value_bool: ValueBool,
    #[encrypted(Decimal)]
    pub(crate) value_decimal: ValueDecimal,
    #[encrypted(BigDecimal)]
    pub(crate) value_big_decimal: ValueBigDecimal,
}

/// In binary columns.
#[derive(
    Debug, PartialEq, Queryable, Selectable, Insertable, AsChangeset, Identifiable, Encrypted,
)]
#[diesel(table_name = moments, check_for_backend(Pg, Mysql, Sqlite))]
pub(crate) struct Moments {
    pub(crate) id: i32,
    #[encrypted(chrono::DateTime<chrono::Utc>)]
    pub(crate) chrono_instant: ChronoInstant,
    #[encrypted(chrono::NaiveDateTime)]
    pub(crate) chrono_date_time: ChronoDateTime,
    #[encrypted(chrono::NaiveDate)]
    pub(crate) chrono_date: ChronoDate,
    #[encrypted(chrono::NaiveTime)]
    pub(crate) chrono_time: ChronoTime,
    #[encrypted(time::OffsetDateTime)]
    pub(crate) time_instant: TimeInstant,
    #[encrypted(time::PrimitiveDateTime)]
    pub(crate) time_date_time: TimeDateTime,
    #[encrypted(time::Date)]
    pub(crate) time_date: TimeDate,
    #[encrypted(time::Time)]
    pub(crate) time_time: TimeTime,
}

/// Either, whatever the type: text in a binary column, bytes in a text column.
#[derive(
    Debug, Clone, PartialEq, Queryable, Selectable, Insertable, AsChangeset, Identifiable, Encrypted,
)]
#[diesel(table_name = documents, check_for_backend(Pg, Mysql, Sqlite))]
pub(crate) struct Document {
    pub(crate) id: i32,
    #[encrypted(String)]
    pub(crate) words: Words,
    #[encrypted(Vec<u8>)]
    pub(crate) content: Content,
    #[encrypted(Vec<u8>)]
    pub(crate) content_as_text: ContentAsText,
    #[encrypted(i64)]
    pub(crate) number: Number,
    #[encrypted(Uuid)]
    pub(crate) reference: Reference,
    #[encrypted(json = Person)]
    pub(crate) profile: Option<Profile>,
    #[encrypted(Latitude)]
    pub(crate) place: Option<Place>,
}

/// Any serde type.
#[derive(Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Person {
    pub(crate) name: String,
    pub(crate) nicknames: Vec<String>,
    pub(crate) age: Option<u8>,
}

/// A type of the application's own.
#[derive(Clone, Copy, PartialEq)]
pub(crate) struct Latitude {
    pub(crate) microdegrees: i32,
}

impl Plaintext for Latitude {
    type Value = Self;
    type View = Self;

    fn from_value(value: Self) -> Self {
        value
    }

    fn into_value(self) -> Self {
        self
    }

    fn view(&self) -> &Self {
        self
    }

    fn encode(&self) -> Result<Encoded<'_>, PlaintextError> {
        Ok(Encoded::inline(&self.microdegrees.to_be_bytes()))
    }

    fn decode(bytes: zeroize::Zeroizing<Vec<u8>>) -> Result<Self, PlaintextError> {
        let bytes =
            bytes.as_slice().try_into().map_err(|_| PlaintextError::new("not four bytes"))?;
        Ok(Self { microdegrees: i32::from_be_bytes(bytes) })
    }
}
