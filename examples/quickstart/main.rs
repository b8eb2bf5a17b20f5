//! A tour of encrypted fields on an embedded SQLite file. No server, no configuration:
//! `cargo run --example quickstart`

mod model;
mod steps;

use diesel::prelude::*;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let path =
        std::env::temp_dir().join(format!("encrypted-field-quickstart-{}.db", std::process::id()));
    let file = path.to_str().ok_or("the temporary folder's name is not UTF-8")?;
    let db = &mut SqliteConnection::establish(file)?;

    let key_1 = steps::make_a_key()?;
    steps::create_the_table(db)?;
    steps::insert_through_diesel(db)?;
    steps::look_at_the_raw_column(db)?;
    steps::read_through_sqlx(file)?;
    steps::rotate_the_key(key_1)?;
    steps::old_rows_are_stale(db)?;
    steps::a_rewrite_moves_them(db)?;
    steps::what_is_refused(db)?;

    std::fs::remove_file(&path)?;
    Ok(())
}
