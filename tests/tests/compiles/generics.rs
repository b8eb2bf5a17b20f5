//! Parameters of the struct do not reach the declared types.

#![deny(warnings)]

use encrypted_field::{Encrypted, EncryptedModel};

#[derive(Encrypted)]
#[encrypted(table = "users")]
pub struct User<'a, 'b: 'a, T: Clone + 'a, const N: usize = 4>
where
    T: Send,
{
    #[encrypted(String)]
    pub token: Token,
    #[encrypted(Vec<u8>)]
    pub key: Option<Key>,
    pub other: &'a [&'b T; N],
}

#[test]
fn runs() {
    let user = User { token: "t".into(), key: None, other: &[&1, &2] };
    assert!(!user.is_any_stale());
    assert_eq!(<User<'_, '_, u8> as EncryptedModel>::FIELDS.len(), 2);
    assert_eq!(user.other.len(), 2);
}
