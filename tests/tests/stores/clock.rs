//! What time a load says it is.

use std::time::{Duration, SystemTime};

use encrypted_field::envelope::sql::Dialect;
use encrypted_field::envelope::{KeyStore as _, Loaded, Query};

use crate::each;
use crate::places::{DieselMariaDb, Place, SqlxMariaDb, Table};
use crate::support::{record, run, swap};

each! { in_any_time_zone }

fn in_any_time_zone<P: Place>() {
    const MINUTES: Duration = Duration::from_secs(300);

    let Some(table) = Table::<P>::open() else { return };
    let zones = match P::DIALECT {
        Dialect::Postgres => {
            &["SET TIME ZONE 'Pacific/Kiritimati'", "SET TIME ZONE 'America/St_Johns'"]
        }
        Dialect::MySql => &["SET time_zone = '+13:00'", "SET time_zone = '-11:30'"],
        _ => &["", ""],
    };
    run(async {
        let empty = table.store().load(&Query::all()).await.unwrap();
        assert_eq!(empty, Loaded::default());
        swap(&table.store(), 0, &[record("head", 1, "head"), record("process", 1, "node")]).await;
        for zone in [""].iter().chain(zones) {
            let store = table.store_with(zone);
            for query in [Query::head(), Query::all(), Query::all().after(1)] {
                let before = SystemTime::now();
                let time = store.load(&query).await.unwrap().time;
                let after = SystemTime::now();
                if P::DIALECT == Dialect::Sqlite {
                    assert_eq!(time, None, "it has no clock but this host's");
                } else {
                    let time = time.unwrap();
                    // The server may be another host.
                    assert!(
                        before - MINUTES <= time && time <= after + MINUTES,
                        "{time:?}, {zone}"
                    );
                }
            }
        }
    });
}

/// It is the database's clock, not this host's.
#[test]
fn of_the_server() {
    another_time::<DieselMariaDb>();
    another_time::<SqlxMariaDb>();
}

fn another_time<P: Place>() {
    let Some(table) = Table::<P>::open() else { return };
    run(async {
        swap(&table.store(), 0, &[record("head", 1, "head")]).await;
        let store = table.store_with("SET time_zone = '+05:30', timestamp = 1700000000.25");
        let time = store.load(&Query::head()).await.unwrap().time;
        assert_eq!(time, Some(SystemTime::UNIX_EPOCH + Duration::from_millis(1_700_000_000_250)));
    });
}
