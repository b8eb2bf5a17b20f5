//! Many records, and large ones.

use encrypted_field::envelope::{BackendErrorKind, KeyStore as _, Query, Record};

use crate::each;
use crate::places::{Place, Table};
use crate::support::{all, record, refused, run, sorted, swap};

each! { thousands_of_records, the_longest_records }

fn many(count: usize, revision: u64, text: &str) -> Vec<Record> {
    let rest = (1..=count).map(|number| record(&format!("demand/{number:05x}"), revision, text));
    std::iter::once(record("head", revision, "head")).chain(rest).collect()
}

fn thousands_of_records<P: Place>() {
    let Some(table) = Table::<P>::open() else { return };
    run(async {
        let store = table.store();
        let first = many(5_000, 1, &"x".repeat(300));
        swap(&store, 0, &first).await;
        assert_eq!(all(&store).await, first);
        let names = Query::head().names(first.iter().map(|record| record.name.clone()));
        assert_eq!(sorted(store.load(&names).await.unwrap().records), first);
        // In one statement these would have more parameters than any of the databases takes.
        let changed = many(22_000, 2, "changed");
        swap(&store, 1, &changed).await;
        assert_eq!(all(&store).await, changed);
        assert_eq!(store.load(&Query::all().after(2)).await.unwrap().records, changed[..1]);
    });
}

/// Together more than servers take in one packet by default.
fn the_longest_records<P: Place>() {
    let Some(table) = Table::<P>::open() else { return };
    run(async {
        let store = table.store();
        let longest = |name: &str| {
            let head = "{\"text\":\"";
            // Three bytes each.
            let text = "€".repeat((Record::MAX_BODY - head.len() - 2) / 3);
            let body = format!("{head}{text}\"}}");
            let pad = " ".repeat(Record::MAX_BODY - body.len());
            Record { name: name.to_owned(), revision: 1, body: format!("{body}{pad}") }
        };
        let mut records = vec![longest("head")];
        records.extend((100..120).map(|number| longest(&format!("demand/{number}"))));
        assert!(records.iter().all(|record| record.body.len() == Record::MAX_BODY));
        swap(&store, 0, &records).await;
        assert_eq!(all(&store).await, records);

        let mut too_long = longest("demand/107");
        too_long.body.push(' ');
        let changed = [record("head", 2, "head"), record("demand/108", 2, "another"), too_long];
        let error =
            refused(store.compare_and_swap(1, &changed).await, BackendErrorKind::Misconfigured);
        assert!(error.to_string().contains("1 MiB"), "{error}");
        assert_eq!(all(&store).await, records);
    });
}
