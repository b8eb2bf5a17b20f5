//! What a table gives for a query: exactly what the query selects.

use encrypted_field::envelope::{KeyStore as _, Query, Record};

use crate::each;
use crate::places::{Place, Table};
use crate::support::{record, run, sorted, swap};

each! { exactly_what_is_wanted, more_names_than_one_statement_takes }

/// On the borders of ranges, and where other orders than that of bytes differ from it.
const NAMES: [&str; 26] = [
    "/",
    "//",
    "0",
    "9",
    "9/",
    "a",
    "aa",
    "demand",
    "demand/",
    "demand/0",
    "he",
    "hea",
    "head/",
    "heae",
    "process",
    "process/0",
    "process0",
    "tree",
    "tree/",
    "tree/3",
    "tree/3f",
    "tree/3f/0",
    "tree/3f0",
    "tree/3g",
    "tree0",
    "z",
];

fn exactly_what_is_wanted<P: Place>() {
    let Some(table) = Table::<P>::open() else { return };
    run(async {
        let store = table.store();
        let longest = ["t".repeat(Record::MAX_NAME), "z".repeat(Record::MAX_NAME)];
        let mut stored: Vec<_> = NAMES
            .iter()
            .copied()
            .chain(longest.iter().map(String::as_str))
            .enumerate()
            .map(|(number, name)| record(name, 1 + number as u64 % 3, name))
            .collect();
        stored.push(record("head", 3, "head"));
        swap(&store, 0, &stored).await;
        let stored = sorted(stored);
        for query in queries(&longest) {
            for after in [0, 1, 2, 3, u64::MAX] {
                let query = query.clone().after(after);
                let wanted: Vec<_> =
                    stored.iter().filter(|record| query.selects(record)).cloned().collect();
                let loaded = sorted(store.load(&query).await.unwrap().records);
                assert_eq!(loaded, wanted, "{query:?}");
            }
        }
    });
}

fn queries(longest: &[String; 2]) -> Vec<Query> {
    let names = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect::<Vec<_>>();
    let prefixes = |prefixes: &[&str]| {
        prefixes.iter().fold(Query::head(), |query, &prefix| query.prefix(prefix))
    };
    let mut queries = vec![
        Query::head(),
        Query::all(),
        Query::all().names(names(&["tree", "head"])),
        Query::head().names(names(&NAMES)),
        Query::head().names(names(&["head", "head", "tree", "tree", "not/there"])),
        Query::head().names(longest.clone()),
        // What others select already, and twice.
        prefixes(&["tree", "tree/", "tree/3f", "tree"]).names(names(&["tree/3f0", "tree", "a"])),
        prefixes(&["z", "9", "/", "process/", "head"]).names(names(&["head/", "/", "z"])),
    ];
    queries.extend(NAMES.iter().map(|name| Query::head().prefix(*name)));
    queries.extend(
        ["h", "head", "t", "tre", "tree/3f/", "zz", "/0"]
            .map(|prefix| Query::head().prefix(prefix)),
    );
    queries.extend(
        [&longest[0][..99], &longest[1][1..], &format!("{}z", longest[1])]
            .map(|prefix| Query::head().prefix(prefix)),
    );
    queries.extend(NAMES.iter().map(|&name| Query::head().names(names(&[name]))));
    queries
}

fn more_names_than_one_statement_takes<P: Place>() {
    let Some(table) = Table::<P>::open() else { return };
    let name = |number: usize| format!("demand/{number:05x}");
    let revision = |number: usize| 1 + number as u64 % 2;
    let stored = (0..120).map(|number| 1_000 * number);
    run(async {
        let store = table.store();
        let mut records: Vec<_> = stored
            .clone()
            .map(|number| record(&name(number), revision(number / 1_000), ""))
            .collect();
        records.push(record("head", 2, "head"));
        swap(&store, 0, &records).await;
        // SQLite takes 32,766 parameters and 500 `SELECT`s, the others 65,535 parameters.
        for (count, after) in [(5_000, 0), (33_000, 1), (66_000, 0)] {
            let prefixes =
                (0..600).map(|number| format!("tree/{number:04x}")).chain(["demand/1d".to_owned()]);
            let query = prefixes.fold(Query::head().names((0..count).map(name)), Query::prefix);
            let wanted = stored.clone().filter(|&number| {
                revision(number / 1_000) > after
                    && (number < count || name(number).starts_with("demand/1d"))
            });
            let wanted: Vec<_> = ["head".to_owned()].into_iter().chain(wanted.map(name)).collect();
            let loaded = sorted(store.load(&query.after(after)).await.unwrap().records);
            let loaded: Vec<_> = loaded.into_iter().map(|record| record.name).collect();
            assert_eq!(loaded, wanted, "{count} names after {after}");
        }
    });
}
