//! SQLx: generic over databases, so that the feature `sqlx` pulls in no driver.

mod macros;
mod moving;
mod read;

pub use moving::{MovingDatabase, SqlxModel, add_key};
pub use read::{may_be_legacy, text_as_bytes};

use sqlx::encode::IsNull;
use sqlx::error::BoxDynError;
use sqlx::{Database, Encode, Type};

use crate::field::{EncryptedField, Storage, Stored, StoredValue};

impl<DB, T> Type<DB> for StoredValue<T>
where
    DB: Database,
    T: EncryptedField,
    String: Type<DB>,
    Vec<u8>: Type<DB>,
{
    fn type_info() -> DB::TypeInfo {
        match T::STORAGE {
            Storage::Text => <String as Type<DB>>::type_info(),
            Storage::Binary => <Vec<u8> as Type<DB>>::type_info(),
        }
    }

    fn compatible(ty: &DB::TypeInfo) -> bool {
        match T::STORAGE {
            Storage::Text => <String as Type<DB>>::compatible(ty),
            Storage::Binary => <Vec<u8> as Type<DB>>::compatible(ty),
        }
    }
}

impl<'q, DB, T> Encode<'q, DB> for StoredValue<T>
where
    DB: Database,
    T: EncryptedField,
    String: Encode<'q, DB>,
    Vec<u8>: Encode<'q, DB>,
{
    fn encode(self, buf: &mut <DB as Database>::ArgumentBuffer) -> Result<IsNull, BoxDynError> {
        match self.into_stored() {
            Stored::Text(text) => text.encode(buf),
            Stored::Binary(bytes) => bytes.encode(buf),
        }
    }

    fn encode_by_ref(
        &self,
        buf: &mut <DB as Database>::ArgumentBuffer,
    ) -> Result<IsNull, BoxDynError> {
        match self.stored() {
            Stored::Text(text) => text.encode_by_ref(buf),
            Stored::Binary(bytes) => bytes.encode_by_ref(buf),
        }
    }
}
