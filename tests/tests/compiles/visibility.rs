//! A declared type has the struct's visibility, whatever the field's.

#![deny(warnings)]

mod schema {
    diesel::table! {
        users (id) {
            id -> Integer,
            a -> Text,
            b -> Text,
        }
    }
}

pub mod outer {
    pub mod inner {
        use super::super::schema::users;
        use diesel::prelude::*;
        use encrypted_field::Encrypted;

        #[derive(Queryable, Selectable, Insertable, AsChangeset, Encrypted)]
        #[diesel(table_name = users)]
        pub struct Public {
            #[encrypted(String)]
            a: PublicA,
            #[encrypted(String)]
            pub(super) b: PublicB,
        }

        #[derive(Queryable, Selectable, Insertable, AsChangeset, Encrypted)]
        #[diesel(table_name = users)]
        pub(crate) struct OfCrate {
            #[encrypted(String, context = "users.a of crate")]
            pub a: CrateA,
        }

        #[derive(Queryable, Selectable, Insertable, AsChangeset, Encrypted)]
        #[diesel(table_name = users)]
        pub(in crate::visibility::outer) struct OfOuter {
            #[encrypted(String, context = "users.a of outer")]
            pub a: OuterA,
        }

        #[derive(Queryable, Selectable, Insertable, AsChangeset, Encrypted)]
        #[diesel(table_name = users)]
        struct Private {
            #[encrypted(String, context = "private")]
            pub a: PrivateA,
        }

        pub fn public(a: PublicA, b: PublicB) -> Public {
            let private = Private { a: PrivateA::from(&*a) };
            assert_eq!(&*private.a, &*a);
            let public = Public { a, b };
            assert!(!public.a.is_stale());
            public
        }
    }

    pub fn outer() -> usize {
        let outer = inner::OfOuter { a: inner::OuterA::from("o") };
        inner::public("a".into(), "b".into()).b.len() + outer.a.len()
    }
}

#[test]
fn runs() {
    let of_crate = outer::inner::OfCrate { a: outer::inner::CrateA::from("c") };
    assert_eq!(outer::outer() + of_crate.a.len(), 3);
}
