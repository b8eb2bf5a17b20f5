//! Every mistake with its message: (what follows `#[derive(Encrypted)]`, the messages).

use super::messages;

fn check(cases: &[(&str, &[&str])]) {
    for (source, expected) in cases {
        let found = messages(source);
        assert_eq!(found, *expected, "{source}");
    }
}

/// One field of a model whose table is known, and the messages.
fn check_fields(cases: &[(&str, &[&str])]) {
    for (field, expected) in cases {
        let found = messages(&format!("#[encrypted(table = \"t\")] struct Model<'a, T> {{ {field} }}"));
        assert_eq!(found, *expected, "{field}");
    }
}

#[test]
fn correct_models() {
    check_fields(&[
        ("#[encrypted(String)] bot_token: BotToken", &[]),
        ("#[encrypted(Vec<u8>)] r#type: Option<Type>", &[]),
        ("#[encrypted(uuid::Uuid)] id: ::core::option::Option<Id>", &[]),
        (r#"#[encrypted(json = HashMap<String, f64>, storage = "binary",)] data: Data"#, &[]),
        ("#[encrypted(json = Option<f64>)] x: X", &[]),
        ("#[encrypted(String)] time: Time", &[]),
        ("#[encrypted(module::T)] x: X", &[]),
        ("#[encrypted(legacy::Token)] x: X", &[]),
        ("#[encrypted(crate::Token)] x: X", &[]),
        ("#[encrypted(String, context = \"ähm ✓ 'x' \\\"y\\\"\")] x: X", &[]),
        (r#"#[encrypted(String, context = "new.x", previous_context = "t.x")] x: X"#, &[]),
    ]);
}

#[test]
fn shape() {
    check(&[
        ("enum E { A }", &["`Encrypted` is for a struct with named fields, or for `struct BotToken(Secret<String>);`; this is an enum"]),
        ("union U { a: u8 }", &["`Encrypted` is for a struct with named fields, or for `struct BotToken(Secret<String>);`; this is a union"]),
        ("struct S;", &["`Encrypted` is for a struct with named fields, or for `struct BotToken(Secret<String>);`; this struct has no fields"]),
        ("struct S();", &["`Encrypted` is for a struct with named fields, or for `struct BotToken(Secret<String>);`; this struct has 0 unnamed fields"]),
        ("struct S(Secret<String>, u8);", &["`Encrypted` is for a struct with named fields, or for `struct BotToken(Secret<String>);`; this struct has 2 unnamed fields"]),
        ("struct S { a: u8 }", &["`S` has no encrypted field: write `#[encrypted(String)]` above one, or remove the derive"]),
        ("struct S {}", &["`S` has no encrypted field: write `#[encrypted(String)]` above one, or remove the derive"]),
    ]);
}

#[test]
fn newtype() {
    check(&[
        (r#"#[encrypted(context = "a.b")] struct S(Secret<String>);"#, &[]),
        (r#"#[encrypted(context = "a.b", previous_context = "c.d")] struct S(encrypted_field::Secret<Json<P>>);"#, &[]),
        ("struct S(Secret<String>);", &[r#"a newtype does not know its column: write `#[encrypted(context = "table.column")]` above the struct"#]),
        (r#"#[encrypted(context = "a.b")] struct S(String);"#, &["write `Secret<String>`: it keeps the plaintext and the key it was read under"]),
        (r#"#[encrypted(context = "a.b")] struct S<T>(Secret<T>);"#, &["the newtype of an encrypted field has no parameters: remove them"]),
        (r#"struct S(#[encrypted(context = "a.b")] Secret<String>);"#, &["in a newtype, write this above the struct", r#"a newtype does not know its column: write `#[encrypted(context = "table.column")]` above the struct"#]),
        (r#"#[encrypted(context = "a.b")] struct S(Secret<Option<String>>);"#, &["write `Option` around the field's type instead, and here `String`: NULL stays NULL"]),
        (r#"#[encrypted(context = "a.b")] struct S(Secret<f64>);"#, &[]),
        (r#"#[encrypted(String, context = "a.b")] struct S(Secret<String>);"#, &["remove this: the plaintext type is the one inside `Secret<…>`"]),
        (r#"#[encrypted(json = P, context = "a.b")] struct S(Secret<P>);"#, &["remove this: the plaintext type is the one inside `Secret<…>`, for JSON `Secret<Json<Profile>>`"]),
        (r#"#[encrypted(primary_key(id), context = "a.b")] struct S(Secret<P>);"#, &["a newtype belongs to no table: remove this"]),
        (r#"#[encrypted(table = "a", context = "a.b")] struct S(Secret<P>);"#, &[r#"a newtype belongs to no table: remove this and write `context = "table.column"`"#]),
        (r#"#[encrypted(context = "a.b", previous_context = "a.b")] struct S(Secret<P>);"#, &["this is the present context: remove it, or write the one before"]),
    ]);
}

#[test]
fn options() {
    let options = "(the options here are `context`, `json`, `legacy`, `pg_array`, `previous_context`, `previous_scope`, `scope`, `serialize` or `storage`)";
    let contxt = format!("unknown option `contxt`: write `context`? {options}");
    let pgarray = format!("unknown option `pgarray`: write `pg_array`? {options}");
    let default = "unknown option `default`: write one of `context`, `json`, `legacy`, `pg_array`, `previous_context`, `previous_scope`, `scope`, `serialize` or `storage`";
    check_fields(&[
        ("#[encrypted] x: X", &["say what the field holds: `#[encrypted(String)]`"]),
        ("#[encrypted()] x: X", &["say what the field holds: `#[encrypted(String)]`"]),
        (r#"#[encrypted(scope = "s")] x: X"#, &["say what the field holds: `#[encrypted(String)]`"]),
        ("#[encrypted = String] x: X", &["write the type in parentheses: `#[encrypted(String)]`"]),
        (r#"#[encrypted("String")] x: X"#, &["write the plaintext type without quotes, such as `String`"]),
        ("#[encrypted(type = String)] x: X", &["write the plaintext type alone: `#[encrypted(String)]`"]),
        ("#[encrypted(5)] x: X", &[r#"expected the plaintext type, such as `String`, or an option, such as `context = "…"`"#]),
        ("#[encrypted(,String)] x: X", &[r#"expected the plaintext type, such as `String`, or an option, such as `context = "…"`"#]),
        (r#"#[encrypted(String scope = "s" storage = "text")] x: X"#, &["expected a comma before this", "expected a comma before this"]),
        (r#"#[encrypted(String, scope = "a" "b")] x: X"#, &["expected a comma before this", "write the plaintext type without quotes, such as `String`"]),
        ("#[encrypted(String, Vec<u8>)] x: X", &["the plaintext type is given twice: keep one"]),
        ("#[encrypted(String, json = P)] x: X", &["a plaintext type and `json = …` exclude each other: keep one"]),
        ("#[encrypted(json = P, String)] x: X", &["a plaintext type and `json = …` exclude each other: keep one"]),
        ("#[encrypted(json = P, json = Q)] x: X", &["`json` is given twice: give the type once"]),
        ("#[encrypted(json)] x: X", &["`json` takes a type that serde can read and write: `json = Profile`"]),
        (r#"#[encrypted(json = "P")] x: X"#, &["`json` takes a type that serde can read and write: `json = Profile`"]),
        (r#"#[encrypted(String, contxt = "a.b")] x: X"#, &[&contxt]),
        ("#[encrypted(String, pgarray)] x: X", &[&pgarray]),
        ("#[encrypted(String, default)] x: X", &[default]),
        ("#[encrypted(String, default = HashMap<K, V>)] x: X", &[default]),
        (r#"#[encrypted(String, scope = "a", scope = "a")] x: X"#, &["`scope` is given twice: keep one"]),
        (r#"#[encrypted(String, scope = "a")] #[encrypted(scope = "b")] x: X"#, &["`scope` is given twice: keep one"]),
        ("#[encrypted(String, index)] x: X", &["`index` is reserved for a later release and not available yet: remove it"]),
        ("#[encrypted(String, bind(id, org))] x: X", &["`bind` is reserved for a later release and not available yet: remove it"]),
        ("#[encrypted(String, primary_key(x))] x: X", &["`primary_key` holds for the whole struct: write `#[encrypted(primary_key(…))]` above the struct"]),
        (r#"#[encrypted(String, table = "t")] x: X"#, &[r#"`table` holds for the whole struct: write `#[encrypted(table = "…")]` above the struct"#]),
        ("#[encrypted(String, crate = ef)] x: X", &["`crate` holds for the whole struct: write `#[encrypted(crate = …)]` above the struct"]),
        ("#[encrypted(String, context)] x: X", &[r#"`context` takes a string: write `context = "…"`"#]),
        (r#"#[encrypted(String, context("a"))] x: X"#, &[r#"`context` takes a string: write `context = "…"`"#]),
        (r#"#[encrypted(String, context: "a")] x: X"#, &["`context` takes its value after `=`: write `context = …`"]),
        ("#[encrypted(String, context =)] x: X", &["`context =` has no value"]),
        ("#[encrypted(String, context = 5)] x: X", &[r#"`context` takes a string: write `context = "…"`"#]),
        (r#"#[encrypted(String, context = concat!("a", "b"))] x: X"#, &[r#"`context` takes a string: write `context = "…"`"#]),
        ("#[encrypted(String, storage = binary)] x: X", &[r#"write the value in quotes: `storage = "binary"`"#]),
        (r#"#[encrypted(String, storage = "blob")] x: X"#, &[r#"write `storage = "text"` or `storage = "binary"`"#]),
        (r#"#[encrypted(String, serialize = "yes")] x: X"#, &[r#"write `serialize = "sealed"`, `serialize = "redacted"`, `serialize = "plaintext"` or `serialize = "custom"`"#]),
        (r#"#[encrypted(String, scope = "")] x: X"#, &["the default scope goes without saying: remove this, or name a scope"]),
        (r#"#[encrypted(String, scope = "a:b")] x: X"#, &[r#"a scope has no spaces, control characters, `,`, `:` or `@`: write a name such as `scope = "slack"`"#]),
        (r#"#[encrypted(String, scope = "dynamic")] x: X"#, &["for the scope that is entered write `scope = dynamic`, without quotes; a scope of its own can't have this name: write another"]),
        ("#[encrypted(String, scope = Dynamc)] x: X", &["write `scope = dynamic`, or the name of a scope in quotes"]),
        ("#[encrypted(String, scope = slack)] x: X", &[r#"write the value in quotes: `scope = "slack"`"#]),
        (r#"#[encrypted(String, scope = "s", scope = dynamic)] x: X"#, &["`scope` is given twice: keep one"]),
        (r#"#[encrypted(String, previous_scope = "a b")] x: X"#, &[r#"a scope has no spaces, control characters, `,`, `:` or `@`: write the name of the scope before, `""` for the default one"#]),
        ("#[encrypted(String, previous_scope = dynamic)] x: X", &[r#"values come from scopes that are known by name: write each, `previous_scope = "…"`, the default one as `""`"#]),
        ("#[encrypted(String, previous_scope = slack)] x: X", &[r#"write the value in quotes: `previous_scope = "slack"`"#]),
        ("#[encrypted(String, previous_scope)] x: X", &[r#"`previous_scope` takes a string: write `previous_scope = "…"`"#]),
        (r#"#[encrypted(String, legacy = "crate::old")] x: X"#, &["`legacy` takes the path of a function, `legacy = crate::old::read`, or `plaintext`"]),
        ("#[encrypted(String, legacy)] x: X", &["`legacy` takes the path of a function, `legacy = crate::old::read`, or `plaintext`"]),
        ("#[encrypted(String, legacy = |b| b)] x: X", &["`legacy` takes the path of a function, `legacy = crate::old::read`, or `plaintext`"]),
        ("#[encrypted(String, pg_array = true)] x: X", &["`pg_array` takes no value: write it alone"]),
    ]);
    check(&[
        (r#"#[encrypted] struct S { #[encrypted(String, context = "a.b")] x: X }"#, &[r#"this says nothing: write `#[encrypted(table = "…")]`, and the options of a field above the field"#]),
        (r#"#[encrypted(tabel = "t")] struct S { #[encrypted(String, context = "a.b")] x: X }"#, &["unknown option `tabel`: write `table`? (the options here are `crate`, `primary_key` or `table`)"]),
        (r#"#[encrypted(String)] struct S { #[encrypted(String, context = "a.b")] x: X }"#, &["the plaintext type belongs to one field: write `#[encrypted(…)]` above that field"]),
        (r#"#[encrypted(scope = "s", table = "t")] struct S { #[encrypted(String)] x: X }"#, &["`scope` belongs to one field: write it in the `#[encrypted(…)]` above that field"]),
        (r#"#[encrypted(crate = "ef", table = "t")] struct S { #[encrypted(String)] x: X }"#, &["`crate` takes a path, such as `crate = ::encrypted_field`"]),
        ("#[encrypted(table = t)] struct S { #[encrypted(String)] x: X }", &[r#"write the value in quotes: `table = "t"`"#]),
        (r#"#[encrypted(table = "t", primary_key(a, b))] struct S { a: A, r#b: B, #[encrypted(String)] x: X }"#, &[]),
        (r#"#[encrypted(table = "t", primary_key = "id")] struct S { id: u8, #[encrypted(String)] x: X }"#, &["`primary_key` takes fields in parentheses: write `primary_key(id)`"]),
        (r#"#[encrypted(table = "t", primary_key)] struct S { id: u8, #[encrypted(String)] x: X }"#, &["`primary_key` takes fields in parentheses: write `primary_key(id)`"]),
        (r#"#[encrypted(table = "t", primary_key())] struct S { id: u8, #[encrypted(String)] x: X }"#, &["`primary_key` takes fields in parentheses: write `primary_key(id)`"]),
        (r#"#[encrypted(table = "t", primary_key("id"))] struct S { id: u8, #[encrypted(String)] x: X }"#, &["`primary_key` takes fields in parentheses: write `primary_key(id)`"]),
        (r#"#[encrypted(table = "t", primary_key(id, key))] struct S { id: u8, #[encrypted(String)] x: X }"#, &["`key` is no field of `S`: write the fields that are the table's primary key"]),
        (r#"#[encrypted(table = "t", primary_key(id, id))] struct S { id: u8, #[encrypted(String)] x: X }"#, &["`id` is given twice: keep one"]),
        (r#"#[encrypted(table = "t", primary_key(x))] struct S { id: u8, #[encrypted(String)] x: X }"#, &["`x` is encrypted, and stored differently each time, so it finds no row: remove it"]),
        (r#"#[encrypted(table = "")] struct S { #[encrypted(String)] x: X }"#, &["an empty table name: write the table's name"]),
        (r#"#[encrypted(table = "public.t")] struct S { #[encrypted(String)] x: X }"#, &[r#"a table name has no dots: write it without the schema, or give each field its `context = "…"`"#]),
    ]);
}

#[test]
fn field_types() {
    let holds = |name: &str, new: &str| {
        format!("`{name}` is what the field holds, and here goes the type that the derive declares for it: write a new name, `{new}`")
    };
    check_fields(&[
        ("#[encrypted(String)] bot_token: String", &[&holds("String", "BotToken")]),
        ("#[encrypted(String)] bot_token: Option<String>", &[&holds("String", "BotToken")]),
        ("#[encrypted(i64)] number: u8", &[&holds("u8", "Number")]),
        ("#[encrypted(Address)] home: Address", &[&holds("Address", "Home")]),
        ("#[encrypted(uuid::Uuid)] uuid: Uuid", &[&holds("Uuid", "ModelUuid")]),
        ("#[encrypted(String)] string: String", &[&holds("String", "ModelString")]),
        ("#[encrypted(Vec<u8>)] raw: Vec<u8>", &["the derive declares this field's type: write a new name, `Raw`"]),
        ("#[encrypted(String)] raw: [u8; 4]", &["the derive declares this field's type: write a new name, `Raw`"]),
        ("#[encrypted(String)] raw: Box<Raw>", &["the derive declares this field's type: write a new name, `Raw`"]),
        ("#[encrypted(String)] x: m::X", &["a path names a type that exists, and the derive declares this one: write a new name, `X`, or remove `#[encrypted]` if the type is declared elsewhere"]),
        ("#[encrypted(String)] x: &'a X", &["the derive declares this field's type, which is no reference: write a new name, `X`, or remove `#[encrypted]` if the type is declared elsewhere"]),
        ("#[encrypted(String)] x: Option<Option<X>>", &["the outer `Option` is NULL, and a column has no second one: write one `Option`"]),
        ("#[encrypted(String)] x: Model", &["`Model` is the struct itself: write a new name, `X`"]),
        ("#[encrypted(String)] x: T", &["`T` is a parameter of the struct: write a new name, `X`"]),
        ("#[encrypted(String)] x: X, #[encrypted(String)] y: X", &["`X` is the type of another field here: write a new name for this one"]),
    ]);
}

#[test]
fn plaintext_types() {
    check_fields(&[
        ("#[encrypted(Option<String>)] x: X", &["write `Option` around the field's type instead, and here `String`: NULL stays NULL"]),
        ("#[encrypted(std::option::Option<i64>)] x: X", &["write `Option` around the field's type instead, and here `i64`: NULL stays NULL"]),
        ("#[encrypted(str)] x: X", &["the field owns what it holds: write `String`"]),
        ("#[encrypted(&'static str)] x: X", &["the field owns what it holds: write `String`"]),
        ("#[encrypted([u8])] x: X", &["the field owns what it holds: write `Vec<u8>`"]),
        ("#[encrypted(json = &[P])] x: X", &["the field owns what it holds: write `Vec<P>`"]),
        ("#[encrypted(f32)] x: X", &[]),
        ("#[encrypted(Text<Role>)] x: X", &[]),
        ("#[encrypted(Secret<String>)] x: X", &["the derive puts `Secret` around the plaintext type: write `String`"]),
        ("#[encrypted(T)] x: X", &["`T` is not in reach of the type declared for this field: write a type without it"]),
        ("#[encrypted(json = Cow<'a, str>)] x: X", &["`'a` is not in reach of the type declared for this field: write a type without it"]),
        ("#[encrypted(json = Vec<Self>)] x: X", &["`Self` is not in reach of the type declared for this field: write a type without it"]),
    ]);
}

#[test]
fn tables_and_columns() {
    let one_column = |a: &str, b: &str, pin: &str| {
        format!("two names for one column, {a} and {b}: write the one to authenticate in `context = \"{pin}\"`")
    };
    check(&[
        ("struct S { #[encrypted(String)] x: X, #[encrypted(i64)] y: Y }", &[r#"the table of `S` is not known: write `#[encrypted(table = "ss")]` above the struct"#]),
        (r#"struct S { #[encrypted(String, context = "s.x")] x: X }"#, &[]),
        (r#"#[sea_orm(table_name = "s")] struct S { #[encrypted(String)] x: X }"#, &[]),
        (r#"#[sea_orm(table_name = "a.s")] struct S { #[encrypted(String)] x: X }"#, &[r#"a table name has no dots: write it without the schema, or give each field its `context = "…"`; `#[encrypted(table = "…")]` gives another"#]),
        (r#"#[diesel(table_name = crate::a)] #[sea_orm(table_name = "b")] struct S { #[encrypted(String)] x: X }"#, &[r#"two names for one table, `a` and `b`: write the one to authenticate in `#[encrypted(table = "a")]`"#]),
        ("#[diesel(table_name = a, table_name = b)] struct S { #[encrypted(String)] x: X }", &[r#"two names for one table, `a` and `b`: write the one to authenticate in `#[encrypted(table = "a")]`"#]),
        (r#"#[diesel(table_name = a)] #[sea_orm(table_name = "b")] #[encrypted(table = "c")] struct S { #[encrypted(String)] x: X }"#, &[]),
        (r#"#[diesel(table_name = a)] #[sea_orm(table_name = "b")] struct S { #[encrypted(String, context = "c.x")] x: X }"#, &[]),
        ("#[diesel(table_name = s)] struct S { #[encrypted(String)] #[diesel(column_name = y)] x: X }", &[]),
        (r#"#[diesel(table_name = s)] struct S { #[encrypted(String)] #[diesel(column_name = y)] #[sqlx(rename = "y")] x: X }"#, &[]),
        (r#"#[diesel(table_name = s)] struct S { #[encrypted(String)] #[diesel(column_name = y)] #[sqlx(rename = "z")] x: X }"#, &[&one_column("`y` (diesel)", "`z` (sqlx)", "s.y")]),
        (r#"#[diesel(table_name = s)] struct S { #[encrypted(String)] #[sqlx(rename = "z")] x: X }"#, &[&one_column("`x` (diesel)", "`z` (sqlx)", "s.x")]),
        (r#"#[encrypted(table = "s")] struct S { #[encrypted(String)] #[diesel(column_name = y)] #[sqlx(default)] x: X }"#, &[&one_column("`y` (diesel)", "`x` (sqlx)", "s.y")]),
        (r#"#[diesel(table_name = s)] #[sqlx(rename_all = "camelCase")] struct S { #[encrypted(String)] two_words: X }"#, &[&one_column("`two_words` (diesel)", "`twoWords` (sqlx)", "s.two_words")]),
        (r#"#[diesel(table_name = s)] #[sqlx(rename_all = "camelCase")] struct S { #[encrypted(String)] word: X }"#, &[]),
        (r#"#[diesel(table_name = s)] #[sqlx(rename_all = "camelCase")] struct S { #[encrypted(String, context = "s.w")] two_words: X }"#, &[]),
        (r#"#[encrypted(table = "s")] #[sqlx(rename_all = "Title Case")] struct S { #[encrypted(String)] x: X }"#, &[r#"`rename_all = "Title Case"` gives a name that is not known here: write the one to authenticate in `context = "s.x"`"#]),
        (r#"#[sea_orm(table_name = "s", rename_all = "lowercase")] struct S { #[encrypted(String)] x: X }"#, &[r#"`rename_all = "lowercase"` gives a name that is not known here: write the one to authenticate in `context = "s.x"`"#]),
        (r#"#[encrypted(table = "s")] struct S { #[encrypted(String)] #[sqlx(rename = "")] x: X }"#, &[r#"the column's name is empty: write `context = "table.column"`"#]),
        ("#[diesel(table_name = s)] struct S { #[encrypted(String)] #[diesel(select_expression = t::y)] x: X }", &[r#"`select_expression` reads some other column: write the one to authenticate in `context = "s.x"`"#]),
    ]);
}

#[test]
fn contexts() {
    let long = "x".repeat(65536);
    let longest = &long[1..];
    let too_long = format!("#[encrypted(String, context = \"{long}\")] x: X");
    let just_right = format!(r#"#[encrypted(String, context = "{longest}")] x: X"#);
    check_fields(&[
        (r#"#[encrypted(String, context = "")] x: X"#, &[r#"an empty context does not tell one column from another: write `context = "table.column"`"#]),
        ("#[encrypted(String, context = \"a\\nb\")] x: X", &[r#"a context has no control characters: write `context = "table.column"`"#]),
        (&too_long, &[r#"a context has at most 65535 bytes: write `context = "table.column"`"#]),
        (&just_right, &[]),
        (r#"#[encrypted(String, previous_context = "t.x")] x: X"#, &["this is the present context: remove it, or write the one before"]),
        (r#"#[encrypted(String, previous_context = "a.b", previous_context = "a.b")] x: X"#, &["this previous context is given twice: keep one"]),
        (r#"#[encrypted(String, previous_context = "t.y")] x: X, #[encrypted(String)] y: Y"#, &["this is the context of `y`, whose ciphertexts would open here: remove it, or give `y` a `context` of its own"]),
        (r#"#[encrypted(String)] x: X, #[encrypted(String, context = "t.x")] y: Y"#, &["`t.x` is the context of `x` already, so a ciphertext could be moved from one to the other: write a `context` of its own"]),
    ]);
}

#[test]
fn scopes() {
    let present = "this is the present scope: remove it, or write the one before";
    let present_default = "this is the present scope, the default one: remove it, or write the one before";
    let twice = "this previous scope is given twice: keep one";
    let expression = "`scope` takes the name of a scope in quotes, or the word `dynamic`: for keys of each tenant write \
                      `scope = dynamic`, and enter the tenant's `Scope` around the work";
    check_fields(&[
        ("#[encrypted(String, scope = dynamic)] x: X", &[]),
        (r#"#[encrypted(String, scope = dynamic, previous_scope = "", previous_scope = "a")] x: X"#, &[]),
        (r#"#[encrypted(String, scope = "a", previous_scope = "")] x: X"#, &[]),
        (r#"#[encrypted(String, previous_scope = "dynamic")] x: X"#, &[]),
        (r#"#[encrypted(String, previous_scope = "")] x: X"#, &[present_default]),
        (r#"#[encrypted(String, previous_scope = "a", scope = "a")] x: X"#, &[present]),
        (r#"#[encrypted(String, previous_scope = "a", previous_scope = "a")] x: X"#, &[twice]),
        (r#"#[encrypted(String, scope = dynamic, previous_scope = "", previous_scope = "")] x: X"#, &[twice]),
        ("#[encrypted(String, scope = self.id)] x: X", &[expression]),
        ("#[encrypted(String, scope = tenant())] x: X", &[expression]),
        ("#[encrypted(String, scope = tenant::dynamic)] x: X", &[expression]),
        ("#[encrypted(String, scope = 1)] x: X", &[r#"`scope` takes a string: write `scope = "…"`"#]),
        (r#"#[encrypted(String, scope = "a:b", previous_scope = "")] x: X"#, &[r#"a scope has no spaces, control characters, `,`, `:` or `@`: write a name such as `scope = "slack"`"#]),
    ]);
    check(&[
        (r#"#[encrypted(context = "a.b", scope = dynamic, previous_scope = "old")] struct X(Secret<String>);"#, &[]),
        (r#"#[encrypted(context = "a.b", previous_scope = "")] struct X(Secret<String>);"#, &[present_default]),
        (r#"#[encrypted(table = "t", scope = dynamic)] struct S { #[encrypted(String)] x: X }"#, &["`scope` belongs to one field: write it in the `#[encrypted(…)]` above that field"]),
    ]);
}

#[test]
fn attributes_that_go_round_the_encryption() {
    check_fields(&[
        ("#[encrypted(String)] #[diesel(embed)] x: X", &["`embed` makes a struct of several columns of the field, but an encrypted field is one column: remove it"]),
        ("#[encrypted(String)] #[diesel(serialize_as = Y)] x: X", &["`serialize_as` writes the column as another type, past the encryption: remove it"]),
        ("#[encrypted(String)] #[diesel(deserialize_as = Y)] x: X", &["`deserialize_as` reads the column as another type, past the decryption: remove it"]),
        ("#[encrypted(String)] #[sqlx(flatten)] x: X", &["`flatten` makes a struct of several columns of the field, but an encrypted field is one column: remove it"]),
        (r#"#[encrypted(String)] #[sqlx(try_from = "Y")] x: X"#, &["`try_from` reads the column as another type, past the decryption: remove it"]),
        ("#[encrypted(String)] #[sqlx(json(nullable))] x: X", &["`json` reads the column as JSON, past the decryption: remove it and write `#[encrypted(json = …)]`"]),
        ("#[encrypted(String)] #[sqlx(skip)] x: X", &["`skip` leaves the column out, so nothing is encrypted: remove it, or remove `#[encrypted]`"]),
        ("#[encrypted(String)] #[sea_orm(ignore)] x: X", &["`ignore` leaves the column out, so nothing is encrypted: remove it, or remove `#[encrypted]`"]),
    ]);
}

#[test]
fn all_mistakes_at_once() {
    check_fields(&[(
        "#[encrypted(str, storage = blob)] a: A, #[encrypted] b: Option<String>, #[encrypted(String, scope = 1)] c: A",
        &[
            r#"write the value in quotes: `storage = "blob"`"#,
            "the field owns what it holds: write `String`",
            "say what the field holds: `#[encrypted(String)]`",
            "`String` is what the field holds, and here goes the type that the derive declares for it: write a new name, `B`",
            r#"`scope` takes a string: write `scope = "…"`"#,
            "`A` is the type of another field here: write a new name for this one",
        ],
    )]);
}
