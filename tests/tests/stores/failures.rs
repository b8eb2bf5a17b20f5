//! A change that fails half-way.

use encrypted_field::envelope::sql::Dialect;
use encrypted_field::envelope::{BackendErrorKind, KeyStore as _, Record};

use crate::each;
use crate::places::{DieselPostgres, Place, SqlxPostgres, Table};
use crate::support::{all, record, refused, run, swap};

each! { leaves_nothing }

/// A database that refuses one of the last records.
fn leaves_nothing<P: Place>() {
    let Some(table) = Table::<P>::open() else { return };
    table.execute(match P::DIALECT {
        Dialect::Postgres => {
            "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$
             BEGIN IF NEW.name = 'demand/0309' THEN RAISE EXCEPTION 'not this one'; END IF; RETURN NEW; END $$;
             CREATE TRIGGER refuse BEFORE INSERT ON encrypted_field_keys FOR EACH ROW EXECUTE FUNCTION refuse()"
        }
        Dialect::MySql => {
            "CREATE TRIGGER refuse BEFORE INSERT ON encrypted_field_keys FOR EACH ROW
             IF NEW.name = 'demand/0309' THEN SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'not this one'; END IF"
        }
        _ => {
            "CREATE TRIGGER refuse BEFORE INSERT ON encrypted_field_keys WHEN NEW.name = 'demand/0309'
             BEGIN SELECT RAISE(ABORT, 'not this one'); END"
        }
    });
    run(async {
        let store = table.store();
        let Err(error) = store.compare_and_swap(0, &many(1)).await else { panic!("it is refused") };
        assert!(error.to_string().contains("not this one"), "{error}");
        assert_eq!(all(&store).await, []);

        let before = [
            record("head", 1, "head"),
            record("demand/0001", 1, "one"),
            record("demand/0005", 1, "five"),
        ];
        swap(&store, 0, &before).await;
        assert!(store.compare_and_swap(1, &many(2)).await.is_err());
        assert_eq!(all(&store).await, before);
        // The connections are good for more.
        swap(&store, 1, &[record("head", 2, "head")]).await;
    });
}

#[test]
fn a_connection_that_breaks_leaves_nothing() {
    breaks::<DieselPostgres>();
    breaks::<SqlxPostgres>();
}

fn breaks<P: Place>() {
    let Some(table) = Table::<P>::open() else { return };
    table.execute(
        "CREATE FUNCTION die() RETURNS trigger LANGUAGE plpgsql AS $$
         BEGIN IF NEW.name = 'demand/0309' THEN PERFORM pg_terminate_backend(pg_backend_pid()); END IF; RETURN NEW; END $$;
         CREATE TRIGGER die BEFORE INSERT ON encrypted_field_keys FOR EACH ROW EXECUTE FUNCTION die()",
    );
    run(async {
        let store = table.store();
        let before = [record("head", 1, "head"), record("demand/0001", 1, "one")];
        swap(&store, 0, &before).await;
        refused(store.compare_and_swap(1, &many(2)).await, BackendErrorKind::Unavailable);
        assert_eq!(all(&store).await, before);
        swap(&store, 1, &[record("head", 2, "head")]).await;
    });
}

/// In several statements.
fn many(revision: u64) -> Vec<Record> {
    let rest = (1..=800).map(|number| record(&format!("demand/{number:04x}"), revision, "many"));
    std::iter::once(record("head", revision, "head")).chain(rest).collect()
}
