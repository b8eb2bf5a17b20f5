//! SQLite, whose dates are text already: what its date functions make.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};

use crate::{
    JULIAN_DAY_0, YEAR_1, YEAR_10000, moments, reads_date, reads_naive, reads_time, refuses,
};

#[derive(QueryableByName)]
struct Printed {
    #[diesel(sql_type = Text)]
    shown: String,
    #[diesel(sql_type = Text)]
    iso: String,
    #[diesel(sql_type = Text)]
    day: String,
    #[diesel(sql_type = Text)]
    clock: String,
    #[diesel(sql_type = Text)]
    millis: String,
}

#[test]
fn its_functions() {
    let mut connection = SqliteConnection::establish(":memory:").unwrap();
    // Its dates begin at noon.
    for (second, _) in moments(JULIAN_DAY_0 + 86_400..YEAR_10000, 3000) {
        let printed: Printed = diesel::sql_query(
            "SELECT datetime(?1, 'unixepoch') AS shown, strftime('%Y-%m-%dT%H:%M:%S', ?1, 'unixepoch') AS iso,
                    date(?1, 'unixepoch') AS day, time(?1, 'unixepoch') AS clock,
                    strftime('%H:%M:%f', ?1, 'unixepoch') AS millis",
        )
        .bind::<BigInt, _>(second)
        .get_result(&mut connection)
        .unwrap();
        reads_naive(&printed.shown, (second, 0));
        // `%Y` has no fourth digit before year 0.
        if second >= YEAR_1 - 366 * 86_400 {
            reads_naive(&printed.iso, (second, 0));
        }
        reads_date(&printed.day, (second, 0));
        reads_time(&printed.clock, (second, 0));
        reads_time(&printed.millis, (second, 0));
        // It does not say which clock that is.
        refuses::<DateTime<Utc>>(&printed.shown, "without an offset");
    }
}
