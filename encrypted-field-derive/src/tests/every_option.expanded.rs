/**The column `publicProfile` of [`User`](struct@User), encrypted at rest.

Holds `Profile<Address>`, as JSON. `Debug` does not show it, and its memory is wiped on drop if it is `Zeroize`.

- context: `users.publicProfile`; a value moved here from another column does not open
- storage: binary; with Diesel, what the column is declared as
- legacy: a value stored before `encrypted-field` is read too*/
pub(crate) struct PublicProfile(
    my::reexport::Secret<my::reexport::Json<Profile<Address>>>,
);
my::reexport::__private::field! {
    PublicProfile[my::reexport::Json < Profile < Address > >] [Profile < Address >] {
    context : "users.publicProfile", previous : [], scope : "", previous_scopes : [],
    legacy : (crate ::old::read), storage : binary, serialize : none, pg_array : no, }
}
/**The column `key` of [`User`](struct@User), encrypted at rest.

Holds `Vec<u8>`. `Debug` does not show it, and its memory is wiped on drop.

- context: `accounts.key`; a value moved here from another column does not open
- previous context: `users.key`; such values still open, and are stale
- previous context: `u.k`; such values still open, and are stale
- storage: text; with Diesel, what the column is declared as
- serialized: sealed*/
pub(crate) struct ApiKey(my::reexport::Secret<Vec<u8>>);
my::reexport::__private::field! {
    ApiKey[Vec < u8 >] [Vec < u8 >] { context : "accounts.key", previous : ["users.key",
    "u.k"], scope : "", previous_scopes : [], legacy : none, storage : text, serialize :
    sealed, pg_array : yes, }
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
pub(crate) struct Number(my::reexport::Secret<i64>);
my::reexport::__private::field! {
    Number[i64] [i64] { context : "users.NUMBER", previous : [], scope : dynamic,
    previous_scopes : ["", "users"], legacy : plaintext, storage : text, serialize :
    plaintext, pg_array : no, }
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
}
