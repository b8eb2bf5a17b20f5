//! Many records, and large ones.

use encrypted_field::envelope::{BackendErrorKind, KeyStore as _, Record};

use crate::each;
use crate::places::{Place, Table};
use crate::support::{all, record, refused, run, swap};

each! { five_thousand_records, the_longest_records }

fn five_thousand_records<P: Place>() {
    let Some(table) = Table::<P>::open() else { return };
    run(async {
        let store = table.store();
        for revision in [1, 2] {
            let text = format!("{}{revision}", "x".repeat(300));
            let records: Vec<_> = (0..=5000).map(|id| record(id, revision, &text)).collect();
            swap(&store, revision - 1, &records).await;
            assert_eq!(all(&store).await, records);
        }
        assert_eq!(store.load(2).await.unwrap().len(), 1);
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
