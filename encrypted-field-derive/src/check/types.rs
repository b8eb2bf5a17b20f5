//! Reading a type by its tokens. Types behind an alias look like any other name.

use quote::ToTokens;
use syn::{GenericArgument, Ident, PathArguments, Type};

/// Types of the language and its library that a field is given when its plaintext type was meant.
#[rustfmt::skip]
pub(super) const STD: &[&str] = &[
    "Arc", "Box", "Cow", "HashMap", "Option", "Rc", "Result", "Self", "String", "Vec",
    "bool", "char", "str", "f32", "f64",
    "i8", "i16", "i32", "i64", "i128", "isize", "u8", "u16", "u32", "u64", "u128", "usize",
];

/// Types of the supported crates, by their last segment.
#[rustfmt::skip]
pub(super) const VALUES: &[&str] = &[
    "BigDecimal", "Date", "DateTime", "Decimal", "IpAddr", "Ipv4Addr", "Ipv6Addr", "NaiveDate", "NaiveDateTime",
    "NaiveTime", "OffsetDateTime", "PrimitiveDateTime", "SecretString", "SocketAddr", "Time", "Timestamp", "Uuid",
];

/// Types of other crates, each with its feature, which has the name of the crate.
#[rustfmt::skip]
const OF_CRATES: &[(&str, &str)] = &[
    ("BigDecimal", "bigdecimal"),
    ("NaiveDate", "chrono"), ("NaiveDateTime", "chrono"), ("NaiveTime", "chrono"), ("DateTime", "chrono"),
    ("Date", "jiff"), ("DateTime", "jiff"), ("Time", "jiff"), ("Timestamp", "jiff"),
    ("Decimal", "rust_decimal"),
    ("SecretString", "secrecy"),
    ("Date", "time"), ("OffsetDateTime", "time"), ("PrimitiveDateTime", "time"), ("Time", "time"),
    ("Uuid", "uuid"),
];

/// Names that are common in applications too.
const COMMON: &[&str] = &["Date", "DateTime", "Time", "Timestamp"];

/// The feature of encrypted-field that a type of another crate needs, if its crate is clear: the
/// path names it, or no other crate has such a type.
pub(super) fn feature(ty: &Type) -> Option<&'static str> {
    let Type::Path(path) = bare(ty) else { return None };
    let segments: Vec<String> = path.path.segments.iter().map(|s| s.ident.to_string()).collect();
    let (name, path) = segments.split_last()?;
    let of_utc = wrapper(ty).is_some() && name == "DateTime";
    let is_clear = |of: &str| match path {
        [] if of_utc => of == "chrono",
        [] => !COMMON.contains(&&**name),
        [first, ..] => {
            path.iter().any(|segment| segment == of) || first == "sqlx" || first == "sea_orm"
        }
    };
    let mut crates = OF_CRATES.iter().filter(|(ty, of)| ty == name && is_clear(of));
    crates.next().map(|(_, of)| *of).filter(|_| crates.next().is_none())
}

/// A single lower-case word that is no type of the language: rather an option, misspelt.
pub(super) fn is_stray_word(word: &Ident) -> bool {
    let word = word.to_string();
    word.starts_with(char::is_lowercase) && !STD.contains(&&*word)
}

/// Without the invisible groups that `macro_rules` puts around a `$ty`, and without parentheses.
pub(super) fn bare(mut ty: &Type) -> &Type {
    loop {
        ty = match ty {
            Type::Group(group) => &group.elem,
            Type::Paren(paren) => &paren.elem,
            _ => return ty,
        }
    }
}

pub(super) fn bare_name(ty: &Type) -> Option<&Ident> {
    match bare(ty) {
        Type::Path(p) if p.qself.is_none() => p.path.get_ident(),
        _ => None,
    }
}

/// The last segment's name and its only type argument.
pub(super) fn wrapper(ty: &Type) -> Option<(&Ident, &Type)> {
    let Type::Path(path) = bare(ty) else { return None };
    let last = path.path.segments.last()?;
    let PathArguments::AngleBracketed(arguments) = &last.arguments else { return None };
    match arguments.args.iter().collect::<Vec<_>>()[..] {
        [GenericArgument::Type(inner)] => Some((&last.ident, inner)),
        _ => None,
    }
}

/// `T` of `Secret<T>`, also by a longer path.
pub(super) fn inside_secret(ty: &Type) -> Option<&Type> {
    wrapper(ty).filter(|(name, _)| *name == "Secret").map(|(_, inner)| inner)
}

/// `T` of `Text<T>`, also by a longer path.
pub(super) fn inside_text(ty: &Type) -> Option<&Type> {
    wrapper(ty).filter(|(name, _)| *name == "Text").map(|(_, inner)| inner)
}

/// `T` of `Option<T>`, `std::option::Option<T>` or `core::option::Option<T>`.
pub(super) fn inside_option(ty: &Type) -> Option<&Type> {
    let (_, inner) = wrapper(ty)?;
    let Type::Path(path) = bare(ty) else { return None };
    let segments: Vec<String> = path.path.segments.iter().map(|s| s.ident.to_string()).collect();
    let segments: Vec<&str> = segments.iter().map(|s| &**s).collect();
    matches!(segments[..], ["Option"] | ["std" | "core", "option", "Option"]).then_some(inner)
}

pub(super) fn last_segment(ty: &Type) -> Option<&Ident> {
    match bare(ty) {
        Type::Path(p) => p.path.segments.last().map(|s| &s.ident),
        _ => None,
    }
}

/// A type as one writes it, for messages and documentation.
pub(crate) fn written(ty: &Type) -> String {
    let mut out = String::new();
    for c in bare(ty).to_token_stream().to_string().split_whitespace() {
        let word = |c: char| c.is_alphanumeric() || c == '_';
        let apart =
            out.ends_with(word) && c.starts_with(word) || out.ends_with([',', ';', '=', '+']);
        if apart || out.ends_with(word) && c.starts_with(['=', '+']) {
            out.push(' ');
        }
        out.push_str(c);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use syn::parse_quote;

    #[test]
    fn types_are_written_as_people_do() {
        for text in [
            "Vec<u8>",
            "chrono::DateTime<chrono::Utc>",
            "HashMap<String, Vec<u8>>",
            "[u8; 32]",
            "Box<dyn A + B>",
        ] {
            let ty: Type = syn::parse_str(text).expect(text);
            assert_eq!(written(&ty), text);
        }
    }

    #[test]
    fn the_feature_by_the_crate() {
        for (text, of) in [
            ("Uuid", Some("uuid")),
            ("uuid::Uuid", Some("uuid")),
            ("::sqlx::types::Uuid", Some("uuid")),
            ("my::Uuid", None),
            ("DateTime<Utc>", Some("chrono")),
            ("chrono::DateTime<chrono::Utc>", Some("chrono")),
            ("sqlx::types::chrono::NaiveDate", Some("chrono")),
            ("NaiveDate", Some("chrono")),
            ("DateTime", None),
            ("Date", None),
            ("Timestamp", None),
            ("time::Date", Some("time")),
            ("jiff::civil::Date", Some("jiff")),
            ("jiff::Timestamp", Some("jiff")),
            ("OffsetDateTime", Some("time")),
            ("rust_decimal::Decimal", Some("rust_decimal")),
            ("secrecy::SecretString", Some("secrecy")),
            ("chrono::Duration", None),
            ("Vec<Uuid>", None),
            ("[u8; 4]", None),
        ] {
            assert_eq!(feature(&syn::parse_str(text).expect(text)), of, "{text}");
        }
    }

    #[test]
    fn option_by_its_known_paths_only() {
        for (ty, optional) in [
            (parse_quote!(Option<T>), true),
            (parse_quote!(std::option::Option<T>), true),
            (parse_quote!(::core::option::Option<T>), true),
            (parse_quote!(my::Option<T>), false),
            (parse_quote!(Vec<T>), false),
        ] {
            assert_eq!(inside_option(&ty).is_some(), optional, "{}", written(&ty));
        }
    }
}
