//! The census and the descriptions.

use encrypted_field::{Encrypted, Keyring};
use encrypted_field_migrate::{Description, Form};
use tests::secrets;

use crate::support::{Db, Kind, description, on_each, sealed};

on_each!(a_census_counts_by_key, a_census_of_binary_values);

fn under(id: u32) -> String {
    let ring = Keyring::builder().active(id, secrets::KEYS[1]).build().unwrap();
    sealed("users.token", &ring, "CANARY-1")
}

async fn a_census_counts_by_key(db: &Db) {
    db.table(db.text()).await;
    // Ids whose digits mean something to LIKE, to collations, or as a prefix of each other.
    let ids = [3, 37, 37, 92, 95, 370, 4_294_967_295];
    let ours: Vec<String> = ids.iter().map(|id| under(*id)).collect();
    let mut values: Vec<Option<&str>> = ours.iter().map(|value| Some(value.as_str())).collect();
    let capitals = ours[0].to_uppercase();
    values.extend([
        None,
        Some("ef1:0:"),
        Some("CANARY-plain"),
        Some(""),
        Some(capitals.as_str()),
        Some("ef1:07:AX"),
        Some("ef1:4294967296:AX"),
        Some("ef1:"),
        Some("ef2:7:AX"),
        Some("xef1:7:AX"),
        Some("ef1%7:AX"),
    ]);
    db.fill(&values).await;
    let census = db.migration().await.census(&description()).await.unwrap();
    let by_key: Vec<(u32, u64)> = census.by_key.iter().map(|(id, rows)| (*id, *rows)).collect();
    assert_eq!(by_key, [(3, 1), (37, 2), (92, 1), (95, 1), (370, 1), (u32::MAX, 1)]);
    assert_eq!((census.nulls, census.pending, census.malformed, census.other), (1, 1, 4, 5));
    assert_eq!((census.needs(37), census.needs(7), census.rows()), (2, 0, values.len() as u64));
}

async fn a_census_of_binary_values(db: &Db) {
    db.table(db.blob()).await;
    let bytes = |hex: &str| match db.kind {
        Kind::Postgres => format!("'\\x{hex}'"),
        _ => format!("x'{hex}'"),
    };
    let values = [
        "ef66310000002501aabb",
        "ef66310000002501aabbcc",
        "ef6631ffffffff01aa",
        "ef663100000000",
        "ef663100000025",
        "ef6632ef663200",
        "ef6632",
        "00ff",
        "",
    ];
    for (at, value) in values.iter().enumerate() {
        db.run(&format!("INSERT INTO users VALUES ({at}, {})", bytes(value))).await;
    }
    db.run("INSERT INTO users VALUES (100, NULL)").await;
    let described = Description { storage: Form::Binary, ..description() };
    let census = db.migration().await.census(&described).await.unwrap();
    let by_key: Vec<(u32, u64)> = census.by_key.iter().map(|(id, rows)| (*id, *rows)).collect();
    assert_eq!(by_key, [(37, 2), (u32::MAX, 1)]);
    assert_eq!((census.nulls, census.pending, census.malformed, census.other), (1, 1, 2, 3));
}

mod model {
    use super::Encrypted;

    #[derive(Encrypted)]
    #[encrypted(table = "users")]
    #[allow(dead_code, reason = "only described")]
    pub(super) struct User {
        #[encrypted(String)]
        pub(super) token: UserToken,
        #[encrypted(
            i64,
            context = "people.age",
            previous_context = "users.age",
            storage = "binary"
        )]
        pub(super) age: UserAge,
        #[encrypted(String, scope = dynamic)]
        pub(super) iban: UserIban,
    }
}

#[test]
fn a_model_is_described() {
    let described = encrypted_field_migrate::describe_model::<model::User>();
    assert_eq!(described[0], description());
    assert_eq!(
        encrypted_field_migrate::to_toml(&described),
        r#"[[column]]
table = "users"
column = "token"
plaintext = "text"

[[column]]
table = "users"
column = "age"
context = "people.age"
previous_contexts = ["users.age"]
storage = "binary"
plaintext = "integer"

[[column]]
table = "users"
column = "iban"
scope_column = "?"
plaintext = "text"
"#
    );
}
