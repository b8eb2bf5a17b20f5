//! Questions to the compiler about a declaration. They make each mistake one error of ours.

use crate::plaintext::Plaintext;

/// Stands for `Self`, under a constant that asks something of it.
///
/// If the constant does not compile, that is the only error. rustc says nothing of a type with a
/// faulty constant in it, so all that is generated around the plaintext type is silent.
pub trait Checked<const ASKED: bool> {
    /// `Self`.
    type Plain;
}

impl<P, const ASKED: bool> Checked<ASKED> for P {
    type Plain = P;
}

/// Compiles for a plaintext type.
pub const fn is_plaintext<P: Plaintext>() -> bool {
    true
}

/// `is_plaintext` for types of other crates. Without the feature the error names it.
#[allow(missing_docs, reason = "each function is named like its crate")]
pub mod of_crate {
    macro_rules! of_crate {
        ($name:ident $trait:ident $feature:literal, $($text:tt)*) => {
            #[cfg(feature = $feature)]
            pub use super::is_plaintext as $name;

            #[cfg(not(feature = $feature))]
            #[diagnostic::on_unimplemented($($text)*)]
            pub trait $trait {}

            #[cfg(not(feature = $feature))]
            #[diagnostic::do_not_recommend]
            impl<P: super::Plaintext> $trait for P {}
        };
    }

    of_crate!(
        bigdecimal OfBigdecimal "bigdecimal",
        message = "`{Self}` needs the feature `bigdecimal` of encrypted-field",
        label = "can't be a plaintext type without it",
        note = "run `cargo add encrypted-field --features bigdecimal`"
    );
    of_crate!(
        chrono OfChrono "chrono",
        message = "`{Self}` needs the feature `chrono` of encrypted-field",
        label = "can't be a plaintext type without it",
        note = "run `cargo add encrypted-field --features chrono`"
    );
    of_crate!(
        jiff OfJiff "jiff",
        message = "`{Self}` needs the feature `jiff` of encrypted-field",
        label = "can't be a plaintext type without it",
        note = "run `cargo add encrypted-field --features jiff`"
    );
    of_crate!(
        rust_decimal OfRustDecimal "rust_decimal",
        message = "`{Self}` needs the feature `rust_decimal` of encrypted-field",
        label = "can't be a plaintext type without it",
        note = "run `cargo add encrypted-field --features rust_decimal`"
    );
    of_crate!(
        secrecy OfSecrecy "secrecy",
        message = "`{Self}` needs the feature `secrecy` of encrypted-field",
        label = "can't be a plaintext type without it",
        note = "run `cargo add encrypted-field --features secrecy`"
    );
    of_crate!(
        time OfTime "time",
        message = "`{Self}` needs the feature `time` of encrypted-field",
        label = "can't be a plaintext type without it",
        note = "run `cargo add encrypted-field --features time`"
    );
    of_crate!(
        uuid OfUuid "uuid",
        message = "`{Self}` needs the feature `uuid` of encrypted-field",
        label = "can't be a plaintext type without it",
        note = "run `cargo add encrypted-field --features uuid`"
    );

    // Written out, because rustc shows them.

    #[cfg(not(feature = "bigdecimal"))]
    pub const fn bigdecimal<P: OfBigdecimal>() -> bool {
        true
    }

    #[cfg(not(feature = "chrono"))]
    pub const fn chrono<P: OfChrono>() -> bool {
        true
    }

    #[cfg(not(feature = "jiff"))]
    pub const fn jiff<P: OfJiff>() -> bool {
        true
    }

    #[cfg(not(feature = "rust_decimal"))]
    pub const fn rust_decimal<P: OfRustDecimal>() -> bool {
        true
    }

    #[cfg(not(feature = "secrecy"))]
    pub const fn secrecy<P: OfSecrecy>() -> bool {
        true
    }

    #[cfg(not(feature = "time"))]
    pub const fn time<P: OfTime>() -> bool {
        true
    }

    #[cfg(not(feature = "uuid"))]
    pub const fn uuid<P: OfUuid>() -> bool {
        true
    }
}

/// Compiles for a type that `json = …` takes.
pub const fn is_json_value<T: JsonValue>() -> bool {
    true
}

/// The demands of `json = …` on a type, as one bound. Without the feature `json` no type has it.
#[cfg_attr(
    feature = "json",
    diagnostic::on_unimplemented(
        message = "`{Self}` can't be stored as JSON",
        label = "not `Clone`, `PartialEq`, `Serialize` and `DeserializeOwned`",
        note = "write `#[derive(Clone, PartialEq, serde::Serialize, serde::Deserialize)]` above it, and above the types it holds",
        note = "it owns what it holds: no references"
    )
)]
#[cfg_attr(
    not(feature = "json"),
    diagnostic::on_unimplemented(
        message = "`json = …` needs the feature `json` of encrypted-field",
        label = "can't be stored as JSON without it",
        note = "run `cargo add encrypted-field --features json`"
    )
)]
pub trait JsonValue {}

#[cfg(feature = "json")]
#[diagnostic::do_not_recommend]
impl<T: serde::Serialize + serde::de::DeserializeOwned + Clone + PartialEq + 'static> JsonValue
    for T
{
}

/// Holds for no type. It is the bound of a `Serialize` that is there to tell the user which option
/// to write.
#[cfg(feature = "serde")]
#[diagnostic::on_unimplemented(
    message = "`{Field}` is not serialized unless its declaration says how",
    label = "write `serialize = \"sealed\"`, `\"redacted\"` or `\"plaintext\"` in its `#[encrypted(…)]`",
    note = "`\"sealed\"` writes it encrypted, `\"redacted\"` as `[encrypted]`, `\"plaintext\"` as it is; with \
            `\"custom\"` you implement `Serialize` for it yourself"
)]
pub trait SerializeOption<Field> {}
