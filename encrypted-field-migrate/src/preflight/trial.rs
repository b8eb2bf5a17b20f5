//! A try with a few rows, which is rolled back: the database itself says whether it takes stored
//! values, by its privileges, its `CHECK`s and its triggers.

use super::Finding;
use crate::batch::{Rings, Settled};
use crate::database::{Connection, Place, Swap, Trouble};
use crate::error::Result;
use crate::failure;
use crate::keys::Keys;
use crate::spec::Job;
use crate::worker::BATCH_BYTES;

/// Rows in which one is looked for that would be written.
const ROWS: usize = 200;
/// Rows that are tried. What the database refuses of one may be the fault of that one.
const TRIES: usize = 3;

pub(super) async fn check(
    connection: &mut Connection,
    job: &Job,
    place: &Place,
    keys: &dyn Keys,
    findings: &mut Vec<Finding>,
) -> Result<()> {
    let dialect = connection.dialect;
    let rows = place
        .read(connection, None, None, ROWS, BATCH_BYTES)
        .await
        .map_err(|error| failure::of_job(dialect, &error))?;
    let swaps = match Rings::of(job, &rows, keys).await {
        Ok(rings) => rings.judge(job, rows, &mut Settled::default()).swaps,
        // They come later, and the job waits for them.
        Err(_) => Vec::new(),
    };
    let mut refused = None;
    for swap in swaps.iter().take(TRIES) {
        match one(connection, place, swap).await {
            Ok(()) => return Ok(()),
            Err(error) => refused = Some(error),
        }
    }
    let Some(error) = refused else { return Ok(()) };
    let said = dialect.say(&error);
    let (code, what) = match dialect.trouble(&error) {
        Trouble::Denied => ("denied", "this user may not write the column"),
        Trouble::Refused => ("refused", "the database refuses stored values in the column"),
        // Somebody has locked these rows, or the like.
        Trouble::Busy | Trouble::Timeout => return Ok(()),
        Trouble::Lost | Trouble::Full | Trouble::Wrong => {
            return Err(failure::of_job(dialect, &error));
        }
    };
    let name = &place.target.name;
    findings.push(Finding::error(
        code,
        format!("column {name}: {what}: {said}. A try with a row, which was rolled back, told so"),
    ));
    Ok(())
}

async fn one(connection: &mut Connection, place: &Place, swap: &Swap) -> sqlx::Result<()> {
    let dialect = connection.dialect;
    connection.begin().await?;
    let tried = dialect.swap(connection, place, std::slice::from_ref(swap), false).await;
    connection.rollback().await;
    tried.map(drop)
}
