//! What README.md says of the methods of Diesel that take any column: they compile, and go by the
//! stored values.

#![deny(warnings)]

use diesel::prelude::*;
use encrypted_field::{Encrypted, Keyring};
use tests::secrets::{KEYS, plaintext};

diesel::table! {
    members (id) {
        id -> Integer,
        email -> Text,
    }
}

#[derive(Queryable, Selectable, Insertable, Encrypted)]
#[diesel(table_name = members)]
pub struct Member {
    pub id: i32,
    #[encrypted(String)]
    pub email: Email,
}

#[test]
fn by_the_stored_values() {
    use diesel::dsl::count_star;
    use members::email;

    let _ring = Keyring::builder().active(1, KEYS[0]).build().unwrap().hold();
    let mut db = SqliteConnection::establish(":memory:").unwrap();
    let create = "CREATE TABLE members (id INTEGER PRIMARY KEY NOT NULL, email TEXT NOT NULL)";
    diesel::sql_query(create).execute(&mut db).unwrap();
    for id in 0..20 {
        let member = Member { id, email: plaintext("the same").into() };
        diesel::insert_into(members::table).values(&member).execute(&mut db).unwrap();
    }

    let sorted = members::table.order_by(email).select(email).load::<String>(&mut db).unwrap();
    assert!(sorted.is_sorted() && sorted.len() == 20);
    // Each of them differs from the others, although the plaintexts don't.
    let distinct = members::table.select(email).distinct().load::<String>(&mut db).unwrap();
    assert_eq!(distinct.len(), 20);
    let groups = members::table.group_by(email).select((email, count_star()));
    let groups = groups.load::<(Email, i64)>(&mut db).unwrap();
    assert_eq!(groups.len(), 20);
    assert!(groups.iter().all(|(read, count)| **read == *plaintext("the same") && *count == 1));
}
