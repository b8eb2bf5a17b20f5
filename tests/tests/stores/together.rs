//! One table through both ORMs.

use crate::places::{
    DieselMariaDb, DieselPostgres, DieselSqlite, Place, SqlxMariaDb, SqlxPostgres, SqlxSqlite,
    Table,
};
use crate::support::{all, record, run, swap};

#[test]
fn diesel_and_sqlx() {
    both::<DieselPostgres, SqlxPostgres>();
    both::<DieselMariaDb, SqlxMariaDb>();
    both::<DieselSqlite, SqlxSqlite>();
}

fn both<D: Place, S: Place>() {
    use encrypted_field::envelope::KeyStore as _;

    let Some(table) = Table::<D>::open() else { return };
    run(async {
        let (diesel, sqlx) = (table.store(), S::connect(&table.url, ""));
        assert_eq!(diesel.describe(), sqlx.describe());
        assert!(diesel.is_in_database_backups() && sqlx.is_in_database_backups());
        let name = "z/9".repeat(33);
        let first = [record("head", 1, "of Diesel, ä€𝄞"), record(&name, 1, "\u{0} ' \\ \"")];
        swap(&diesel, 0, &first).await;
        assert_eq!(all(&sqlx).await, first);
        let last = i64::MAX.cast_unsigned();
        let second =
            [record("head", last, "of SQLx, ä€𝄞"), record(&name, last, "\u{0} ' \\ \" again")];
        swap(&sqlx, 1, &second).await;
        assert_eq!(all(&diesel).await, second);
        assert!(!diesel.compare_and_swap(1, &first).await.unwrap());
    });
}
