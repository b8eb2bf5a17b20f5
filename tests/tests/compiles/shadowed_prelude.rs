//! Generated code does not depend on what the user's names mean.

#![allow(dead_code, non_camel_case_types)]

use encrypted_field::Encrypted;

struct Option;
struct Result;
struct Vec;
struct Box;
struct Some;
struct None;
struct Ok;
struct Err;
struct bool;
struct u8;
struct str;
trait Clone {}
trait Drop {}
trait From {}
trait Into {}
trait AsRef {}
trait Deref {}
trait ToOwned {}
trait Eq {}
trait PartialEq {}
mod std {}
mod core {}

type String = ::std::string::String;

#[allow(unused_macros)]
macro_rules! stringify {
    ($($t:tt)*) => {
        compile_error!("not this one")
    };
}

#[derive(Encrypted)]
#[encrypted(table = "users")]
struct User {
    #[encrypted(String, previous_context = "old", serialize = "sealed", legacy = plaintext)]
    token: Token,
    #[encrypted(::std::vec::Vec<::std::primitive::u8>, storage = "binary", serialize = "redacted", pg_array)]
    key: ::std::option::Option<Key>,
    #[encrypted(::std::primitive::bool, legacy = read)]
    flag: Flag,
}

fn read(_: &[::std::primitive::u8]) -> ::std::result::Result<::std::primitive::bool, ::std::string::String> {
    ::std::result::Result::Ok(true)
}

#[test]
fn runs() {
    let user = User { token: "t".into(), key: ::std::option::Option::None, flag: true.into() };
    assert!(*user.flag);
}
