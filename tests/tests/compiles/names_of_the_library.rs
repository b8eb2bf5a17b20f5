//! A declared type, and the type it holds, may have any name that generated code uses too.

#![allow(dead_code)]

use encrypted_field::Encrypted;
use serde_json::Value;

mod held {
    use serde::{Deserialize, Serialize};

    #[derive(Clone, PartialEq, Serialize, Deserialize)]
    pub struct Plain;
    #[derive(Clone, PartialEq, Serialize, Deserialize)]
    pub struct View;
    #[derive(Clone, PartialEq, Serialize, Deserialize)]
    pub struct Sealed;
    #[derive(Clone, PartialEq, Serialize, Deserialize)]
    pub struct Output;
}
use held::{Output, Plain, Sealed, View};

#[derive(Encrypted)]
#[encrypted(table = "a")]
struct Holds {
    #[encrypted(json = Value)]
    value: A,
    #[encrypted(json = Plain)]
    plain: B,
    #[encrypted(json = View)]
    view: C,
    #[encrypted(json = Sealed)]
    sealed: D,
    #[encrypted(json = Output)]
    output: E,
}

mod declared {
    #[derive(encrypted_field::Encrypted)]
    #[encrypted(table = "b")]
    pub struct Declares {
        #[encrypted(String)]
        a: Value,
        #[encrypted(String)]
        b: Plain,
        #[encrypted(String)]
        c: View,
        #[encrypted(String)]
        d: Sealed,
        #[encrypted(String)]
        e: Storage,
        #[encrypted(String)]
        f: KeyId,
        #[encrypted(String)]
        g: Plaintext,
        #[encrypted(String)]
        h: Text,
        #[encrypted(String)]
        i: Binary,
        #[encrypted(String)]
        j: Output,
        #[encrypted(String)]
        k: Backend,
        #[encrypted(String)]
        l: Type,
        #[encrypted(String)]
        m: Encode,
        #[encrypted(String)]
        n: Database,
        #[encrypted(String)]
        o: EncryptedField,
        #[encrypted(String)]
        p: Error,
        #[encrypted(String)]
        q: Deref,
        #[encrypted(String)]
        r: Wipe,
        #[encrypted(String)]
        s: S,
        #[encrypted(String)]
        t: T,
        #[encrypted(String)]
        u: DB,
        #[encrypted(String)]
        v: D,
    }
}
