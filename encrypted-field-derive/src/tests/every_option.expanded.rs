/**The column `publicProfile` of [`User`](struct@User), encrypted at rest.

Holds `Profile<Address>`, as JSON. `Debug` does not show it, and its memory is wiped on drop if it is `Zeroize`.

- context: `users.publicProfile`; a value moved here from another column does not open
- storage: binary; with Diesel, what the column is declared as
- legacy: a value stored before `encrypted-field` is read too*/
pub(crate) struct PublicProfile(
    my::reexport::Secret<my::reexport::__private::plaintext!(json Profile < Address >)>,
);
my::reexport::__private::field! {
    PublicProfile[json Profile < Address >] { context : "users.publicProfile", previous :
    [], scope : "", previous_scopes : [], legacy : (crate ::old::read), storage : binary,
    serialize : none, pg_array : no, derived : [], }
}
/**The column `key` of [`User`](struct@User), encrypted at rest.

Holds `Vec<u8>`. `Debug` does not show it, and its memory is wiped on drop.

- context: `accounts.key`; a value moved here from another column does not open
- previous context: `users.key`; such values still open, and are stale
- previous context: `u.k`; such values still open, and are stale
- storage: text; with Diesel, what the column is declared as
- serialized: sealed*/
pub(crate) struct ApiKey(
    my::reexport::Secret<my::reexport::__private::plaintext!(type Vec < u8 >)>,
);
my::reexport::__private::field! {
    ApiKey[type Vec < u8 >] { context : "accounts.key", previous : ["users.key", "u.k"],
    scope : "", previous_scopes : [], legacy : none, storage : text, serialize : sealed,
    pg_array : yes, derived : [], }
}
/**The column `NUMBER` of [`User`](struct@User), encrypted at rest.

Holds `i64`. `Debug` does not show it, and its memory is wiped on drop.

- context: `users.NUMBER`; a value moved here from another column does not open
- key scope: the one that is entered
- previous key scope: the default one; such values still open, and are stale
- previous key scope: `users`; such values still open, and are stale
- storage: text; with Diesel, what the column is declared as
- legacy: a value stored in plain is read too
- serialized: in plain*/
pub(crate) struct Number(
    my::reexport::Secret<my::reexport::__private::plaintext!(type i64)>,
);
my::reexport::__private::field! {
    Number[type i64] { context : "users.NUMBER", previous : [], scope : dynamic,
    previous_scopes : ["", "users"], legacy : plaintext, storage : text, serialize :
    plaintext, pg_array : no, derived : [], }
}
#[automatically_derived]
impl<'a, T: Clone> my::reexport::EncryptedModel for User<'a, T>
where
    T: Send,
{
    const FIELDS: &'static [my::reexport::FieldInfo] = &[
        my::reexport::FieldInfo::of::<PublicProfile>("users", "publicProfile"),
        my::reexport::FieldInfo::of::<ApiKey>("users", "key"),
        my::reexport::FieldInfo::of::<Number>("users", "NUMBER"),
    ];
    fn __is_any_stale(
        &self,
        ring: ::core::option::Option<&my::reexport::Keyring>,
    ) -> ::core::primitive::bool {
        my::reexport::__private::MaybeStale::is_stale(&self.public_profile, ring)
            || my::reexport::__private::MaybeStale::is_stale(&self.key, ring)
            || my::reexport::__private::MaybeStale::is_stale(&self.number, ring)
    }
    fn __value(
        &self,
        at: ::core::primitive::usize,
    ) -> ::core::option::Option<&dyn my::reexport::__private::FieldValue> {
        match at {
            0 => my::reexport::__private::MaybeStale::value(&self.public_profile),
            1 => my::reexport::__private::MaybeStale::value(&self.key),
            2 => my::reexport::__private::MaybeStale::value(&self.number),
            _ => ::core::option::Option::None,
        }
    }
}
my::reexport::__private::with_sqlx! {
    #[automatically_derived] impl < 'a, T : Clone, __DB :
    my::reexport::__private::sqlx::Database >
    my::reexport::__private::sqlx_support::SqlxModel < __DB > for User < 'a, T > where T
    : Send, & 'a T : for < '__q > my::reexport::__private::sqlx::Encode < '__q, __DB > +
    my::reexport::__private::sqlx::Type < __DB >, i64 : for < '__q >
    my::reexport::__private::sqlx::Encode < '__q, __DB > +
    my::reexport::__private::sqlx::Type < __DB > { const TABLE : & 'static
    ::core::primitive::str = "users"; const KEY : & 'static [& 'static
    ::core::primitive::str] = & ["other", "userId"]; const COLUMNS : & 'static [& 'static
    ::core::primitive::str] = & ["publicProfile", "key", "NUMBER"]; fn add_key(& self, at
    : ::core::primitive::usize, arguments : & mut < __DB as
    my::reexport::__private::sqlx::Database > ::Arguments,) -> ::core::result::Result <
    (), my::reexport::__private::sqlx::error::BoxDynError > { match at { 0 =>
    my::reexport::__private::sqlx_support::add_key:: < __DB, _ > (arguments, & self
    .other), 1 => my::reexport::__private::sqlx_support::add_key:: < __DB, _ >
    (arguments, & self.user_id), _ => ::core::result::Result::Ok(()), } } }
}
