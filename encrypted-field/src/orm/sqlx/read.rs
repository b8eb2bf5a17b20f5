//! Reading a column with SQLx if the field has a legacy reader.

use sqlx::error::BoxDynError;
use sqlx::{Database, Decode, Type, Value as _, ValueRef as _};

/// Whether a column of this type may hold legacy values. A column of bytes may. In SQLite any
/// column may, because each row has a type of its own.
pub fn may_be_legacy<DB>(ty: &DB::TypeInfo) -> bool
where
    DB: Database,
    [u8]: Type<DB>,
{
    DB::NAME == "SQLite" || <[u8] as Type<DB>>::compatible(ty)
}

/// The content of a text column, whether it is UTF-8 or not.
pub fn text_as_bytes<DB>(value: &DB::ValueRef<'_>) -> Result<Vec<u8>, BoxDynError>
where
    DB: Database,
    String: Type<DB> + for<'v> Decode<'v, DB>,
    Vec<u8>: Type<DB> + for<'v> Decode<'v, DB>,
{
    // Decoding consumes it, and two attempts may be needed. The drivers of servers count references
    // here.
    let value = value.to_owned();
    let ty = value.type_info();
    if !<String as Type<DB>>::compatible(&ty) && <Vec<u8> as Type<DB>>::compatible(&ty) {
        return <Vec<u8> as Decode<'_, DB>>::decode(value.as_ref());
    }
    match <String as Decode<'_, DB>>::decode(value.as_ref()) {
        Ok(text) => Ok(text.into_bytes()),
        // Not UTF-8. If the driver has no bytes of it either, its first error says why.
        Err(error) => <Vec<u8> as Decode<'_, DB>>::decode(value.as_ref()).map_err(|_| error),
    }
}
