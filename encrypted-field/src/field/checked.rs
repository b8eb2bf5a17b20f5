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
