//! What JSON writes as `null` although it is something: NaN and infinity, and a `None` inside of a
//! `Some`. It comes back as another value, and a `PartialEq` that leaves the field out does not
//! notice.
//!
//! This is a serializer that writes nothing. It only looks.

use std::fmt::{self, Display};

use serde::Serialize;
use serde::ser::{
    Error, SerializeMap, SerializeSeq, SerializeStruct, SerializeStructVariant, SerializeTuple,
    SerializeTupleStruct, SerializeTupleVariant, Serializer,
};

/// What would be lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Lost {
    /// NaN or infinity.
    Float,
    /// `Some` of what is written as `null`.
    Some,
    /// The type's own `Serialize` has failed.
    Other,
}

pub(super) fn check(value: &impl Serialize) -> Result<(), Lost> {
    value.serialize(Strict { in_some: false })
}

impl Display for Lost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON can't say it")
    }
}

impl std::error::Error for Lost {}

impl Error for Lost {
    /// The message may quote the value.
    fn custom<T: Display>(_: T) -> Self {
        Self::Other
    }
}

struct Strict {
    in_some: bool,
}

impl Strict {
    fn null(&self) -> Result<(), Lost> {
        if self.in_some { Err(Lost::Some) } else { Ok(()) }
    }
}

/// The items of whatever has items.
struct Items;

impl Items {
    fn item<T: Serialize + ?Sized>(value: &T) -> Result<(), Lost> {
        value.serialize(Strict { in_some: false })
    }
}

fn float(is_finite: bool) -> Result<(), Lost> {
    if is_finite { Ok(()) } else { Err(Lost::Float) }
}

macro_rules! said {
    ($($method:ident($value:ty))*) => {
        $(fn $method(self, _: $value) -> Result<(), Lost> {
            Ok(())
        })*
    };
}

/// By the methods and the types of [`serde::Serializer`]. A newtype is written as what it holds.
impl Serializer for Strict {
    type Ok = ();
    type Error = Lost;
    type SerializeSeq = Items;
    type SerializeTuple = Items;
    type SerializeTupleStruct = Items;
    type SerializeTupleVariant = Items;
    type SerializeMap = Items;
    type SerializeStruct = Items;
    type SerializeStructVariant = Items;

    said! {
        serialize_bool(bool)
        serialize_i8(i8) serialize_i16(i16) serialize_i32(i32) serialize_i64(i64) serialize_i128(i128)
        serialize_u8(u8) serialize_u16(u16) serialize_u32(u32) serialize_u64(u64) serialize_u128(u128)
        serialize_char(char) serialize_str(&str) serialize_bytes(&[u8])
    }

    fn serialize_f32(self, value: f32) -> Result<(), Lost> {
        float(value.is_finite())
    }

    fn serialize_f64(self, value: f64) -> Result<(), Lost> {
        float(value.is_finite())
    }

    fn serialize_none(self) -> Result<(), Lost> {
        self.null()
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), Lost> {
        value.serialize(Self { in_some: true })
    }

    fn serialize_unit(self) -> Result<(), Lost> {
        self.null()
    }

    fn serialize_unit_struct(self, _: &'static str) -> Result<(), Lost> {
        self.null()
    }

    fn serialize_unit_variant(self, _: &'static str, _: u32, _: &'static str) -> Result<(), Lost> {
        Ok(())
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        value: &T,
    ) -> Result<(), Lost> {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        value: &T,
    ) -> Result<(), Lost> {
        Items::item(value)
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<Items, Lost> {
        Ok(Items)
    }

    fn serialize_tuple(self, _: usize) -> Result<Items, Lost> {
        Ok(Items)
    }

    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<Items, Lost> {
        Ok(Items)
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Items, Lost> {
        Ok(Items)
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Items, Lost> {
        Ok(Items)
    }

    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Items, Lost> {
        Ok(Items)
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Items, Lost> {
        Ok(Items)
    }

    /// Without the text, of which a copy would be left behind.
    fn collect_str<T: Display + ?Sized>(self, _: &T) -> Result<(), Lost> {
        Ok(())
    }
}

macro_rules! items {
    ($($trait:ident::$method:ident($($name:ty)?))*) => {
        $(impl $trait for Items {
            type Ok = ();
            type Error = Lost;

            fn $method<T: Serialize + ?Sized>(
                &mut self,
                $(_: $name,)?
                value: &T,
            ) -> Result<(), Lost> {
                Self::item(value)
            }

            fn end(self) -> Result<(), Lost> {
                Ok(())
            }
        })*
    };
}

items! {
    SerializeSeq::serialize_element()
    SerializeTuple::serialize_element()
    SerializeTupleStruct::serialize_field()
    SerializeTupleVariant::serialize_field()
    SerializeStruct::serialize_field(&'static str)
    SerializeStructVariant::serialize_field(&'static str)
}

impl SerializeMap for Items {
    type Ok = ();
    type Error = Lost;

    /// Where `null` can't stand.
    fn serialize_key<T: Serialize + ?Sized>(&mut self, _: &T) -> Result<(), Lost> {
        Ok(())
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Lost> {
        Self::item(value)
    }

    fn end(self) -> Result<(), Lost> {
        Ok(())
    }
}
