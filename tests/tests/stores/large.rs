//! Many records, and large ones.

use encrypted_field::envelope::{BackendErrorKind, KeyStore as _, Record};

use crate::each;
use crate::places::{Place, Table};
use crate::support::{all, record, refused, run, swap};

each! { thousands_of_records, the_longest_records }

fn thousands_of_records<P: Place>() {
    let Some(table) = Table::<P>::open() else { return };
    run(async {
        let store = table.store();
        let text = "x".repeat(300);
        let first: Vec<_> = (0..=5_000).map(|id| record(id, 1, &text)).collect();
        swap(&store, 0, &first).await;
        assert_eq!(all(&store).await, first);
        // In one statement these would have more parameters than any of the databases takes.
        let changed: Vec<_> = (0..=22_000).map(|id| record(id, 2, "changed")).collect();
        swap(&store, 1, &changed).await;
        assert_eq!(all(&store).await, changed);
        assert_eq!(store.load(2).await.unwrap(), [record(0, 2, "changed")]);
    });
}

/// Together more than servers take in one packet by default.
fn the_longest_records<P: Place>() {
    let Some(table) = Table::<P>::open() else { return };
    run(async {
        let store = table.store();
        let longest = |id| {
            let head = "{\"text\":\"";
            // Three bytes each.
            let text = "€".repeat((65_536 - head.len() - 2) / 3);
            let body = format!("{head}{text}\"}}");
            let pad = " ".repeat(65_536 - body.len());
            Record { id, revision: 1, body: format!("{body}{pad}") }
        };
        let records: Vec<_> = (0..300).map(longest).collect();
        assert!(records.iter().all(|record| record.body.len() == 65_536));
        swap(&store, 0, &records).await;
        assert_eq!(all(&store).await, records);

        let mut too_long = longest(7);
        too_long.body.push(' ');
        let changed = [record(0, 2, "head"), record(8, 2, "another"), too_long];
        refused(store.compare_and_swap(1, &changed).await, BackendErrorKind::Misconfigured);
        assert_eq!(all(&store).await, records);
    });
}
