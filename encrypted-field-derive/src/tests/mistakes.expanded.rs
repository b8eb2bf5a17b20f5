/**The column `bot_token` of [`Faulty`](struct@Faulty), encrypted at rest.

Holds `::std::string::String`. `Debug` does not show it, and its memory is wiped on drop.

- context: `table.column`; a value moved here from another column does not open
- storage: text; with Diesel, what the column is declared as*/
struct BotToken(
    ::encrypted_field::Secret<
        ::encrypted_field::__private::plaintext!(type ::std::string::String),
    >,
);
::encrypted_field::__private::field! {
    BotToken[type ::std::string::String] { context : "table.column", previous : [], scope
    : "", previous_scopes : [], legacy : none, storage : text, serialize : none, pg_array
    : no, derived : [], }
}
/**The column `number` of [`Faulty`](struct@Faulty), encrypted at rest.

Holds `i64`. `Debug` does not show it, and its memory is wiped on drop.

- context: `table.column`; a value moved here from another column does not open
- storage: text; with Diesel, what the column is declared as*/
struct Number(
    ::encrypted_field::Secret<::encrypted_field::__private::plaintext!(type i64)>,
);
::encrypted_field::__private::field! {
    Number[type i64] { context : "table.column", previous : [], scope : "",
    previous_scopes : [], legacy : none, storage : text, serialize : none, pg_array : no,
    derived : [], }
}
#[automatically_derived]
impl ::encrypted_field::EncryptedModel for Faulty {
    const FIELDS: &'static [::encrypted_field::FieldInfo] = &[];
    fn __is_any_stale(
        &self,
        ring: ::core::option::Option<&::encrypted_field::Keyring>,
    ) -> ::core::primitive::bool {
        ring.is_none()
    }
    fn __value(
        &self,
        at: ::core::primitive::usize,
    ) -> ::core::option::Option<&dyn ::encrypted_field::__private::FieldValue> {
        match at {
            _ => ::core::option::Option::None,
        }
    }
}
::core::compile_error! {
    "write `Option` around the field's type instead, and here `String`: NULL stays NULL"
}
::core::compile_error! {
    "the table of `Faulty` is not known: write `#[encrypted(table = \"faultys\")]` above the struct"
}
::core::compile_error! {
    "unknown option `contxt`: write `context`? (the options here are `context`, `json`, `legacy`, `pg_array`, `previous_context`, `previous_scope`, `scope`, `serialize` or `storage`)"
}
::core::compile_error! {
    "the derive declares this field's type: write a new name, `Number`"
}
