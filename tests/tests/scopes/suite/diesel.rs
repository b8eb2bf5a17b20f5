//! Diesel.

use diesel::prelude::*;
use encrypted_field::{EncryptedFieldExt as _, EncryptedModel as _, ErrorKind};

use super::{Diesel, connect, database};
use crate::keys::{self, acme, globex, key_of, refused};
use crate::models::{Customer, IBAN, IbanBefore, MovingIban, customers, secret};

fn insert(db: &mut Diesel, row: &Customer) -> QueryResult<usize> {
    diesel::insert_into(customers::table).values(row).execute(db)
}

fn read(db: &mut Diesel, id: i32) -> QueryResult<Customer> {
    customers::table.find(id).select(Customer::as_select()).first(db)
}

fn raw(db: &mut Diesel, id: i32) -> String {
    customers::table.find(id).select(customers::iban).first(db).expect("the raw column")
}

#[test]
fn tenants_share_a_table_and_no_keys() {
    let Some(database) = database::open() else { return };
    let mut db = connect(&database);
    let rows = [(acme(), Customer::new(2, "acme")), (globex(), Customer::new(4, "globex"))];
    for (scope, row) in &rows {
        scope.run(|| insert(&mut db, row)).unwrap();
        assert_eq!(scope.run(|| read(&mut db, row.id)).as_ref(), Ok(row));
        assert!(!scope.run(|| read(&mut db, row.id).unwrap().is_any_stale()));
    }
    assert_eq!((key_of(&raw(&mut db, 2)), key_of(&raw(&mut db, 4))), ("3", "4"));
    // Each other's rows, and a query over both.
    for (scope, id) in [(acme(), 4), (globex(), 2)] {
        assert_eq!(refused(scope.run(|| read(&mut db, id)), IBAN), ErrorKind::ScopeMismatch);
        let all = scope.run(|| customers::table.select(Customer::as_select()).load(&mut db));
        assert_eq!(refused(all, IBAN), ErrorKind::ScopeMismatch);
    }
    // A value that is copied from one tenant's row to the other's.
    diesel::sql_query(
        "UPDATE customers SET iban = (SELECT c.iban FROM customers c WHERE c.id = 2) WHERE id = 4",
    )
    .execute(&mut db)
    .unwrap();
    assert_eq!(refused(globex().run(|| read(&mut db, 4)), IBAN), ErrorKind::ScopeMismatch);
}

#[test]
fn without_a_scope_nothing_is_written_or_read() {
    let Some(database) = database::open() else { return };
    let mut db = connect(&database);
    let row = Customer::new(2, "acme");
    assert_eq!(refused(insert(&mut db, &row), IBAN), ErrorKind::NoScope);
    assert_eq!(customers::table.count().first(&mut db), Ok(0_i64));
    acme().run(|| insert(&mut db, &row)).unwrap();
    assert_eq!(refused(read(&mut db, 2), IBAN), ErrorKind::NoScope);
    let before = raw(&mut db, 2);
    assert_eq!(refused(row.clone().save_changes::<Customer>(&mut db), IBAN), ErrorKind::NoScope);
    assert_eq!(raw(&mut db, 2), before);
    // What is not encrypted can be read.
    assert_eq!(customers::table.select(customers::tenant).first(&mut db), Ok("acme".to_owned()));
}

#[test]
fn rows_are_opened_where_an_iterator_is_consumed() {
    let Some(database) = database::open() else { return };
    let mut db = connect(&database);
    acme()
        .run(|| {
            [1, 2, 3]
                .iter()
                .try_for_each(|id| insert(&mut db, &Customer::new(*id, "acme")).map(drop))
        })
        .unwrap();
    let mut rows = acme()
        .run(|| {
            customers::table
                .order(customers::id)
                .load_iter::<Customer, diesel::connection::DefaultLoadingMode>(&mut db)
        })
        .unwrap();
    let mut next = || rows.next().expect("a row");
    assert_eq!(acme().run(&mut next), Ok(Customer::new(1, "acme")));
    assert_eq!(refused(next(), IBAN), ErrorKind::NoScope);
    assert_eq!(refused(globex().run(&mut next), IBAN), ErrorKind::ScopeMismatch);
}

/// From one key for all to one key for each tenant, a tenant at a time, while rows are read and
/// written.
#[test]
fn values_move_from_the_default_scope_to_the_tenants() {
    let Some(database) = database::open() else { return };
    let mut db = connect(&database);
    let tenants = [(acme(), [1, 2, 3], "3"), (globex(), [4, 5, 6], "4")];
    for (scope, ids, _) in &tenants {
        for id in ids {
            let iban = IbanBefore::from(secret(scope.name(), *id));
            let row = (
                customers::id.eq(id),
                customers::tenant.eq(scope.name()),
                customers::iban.eq(&iban),
            );
            diesel::insert_into(customers::table).values(row).execute(&mut db).unwrap();
            assert_eq!(key_of(&raw(&mut db, *id)), "1");
        }
    }
    for (scope, ids, key) in &tenants {
        // Before: the field without `previous_scope` refuses.
        assert_eq!(refused(scope.run(|| read(&mut db, ids[0])), IBAN), ErrorKind::ScopeMismatch);
        scope.run(|| {
            let rows = customers::table.filter(customers::tenant.eq(scope.name()));
            let rows: Vec<(i32, MovingIban)> = rows
                .select((customers::id, customers::iban))
                .order(customers::id)
                .load(&mut db)
                .unwrap();
            assert_eq!(rows.len(), ids.len());
            for (id, iban) in rows {
                assert!(iban.is_stale() && *iban == *secret(scope.name(), id));
                let row = diesel::update(customers::table.find(id));
                row.set(customers::iban.eq(&iban)).execute(&mut db).unwrap();
                assert_eq!(key_of(&raw(&mut db, id)), *key);
                let (moved,): (MovingIban,) =
                    customers::table.find(id).select((customers::iban,)).first(&mut db).unwrap();
                assert!(!moved.is_stale());
            }
        });
        // After: without `previous_scope` again.
        for id in ids {
            assert_eq!(*scope.run(|| read(&mut db, *id)).unwrap().iban, *secret(scope.name(), *id));
        }
    }
}

/// In the scope that is entered, and in no other.
#[test]
fn a_stale_row_moves_in_its_scope() {
    let Some(database) = database::open() else { return };
    let mut db = connect(&database);
    let row = Customer::new(2, "acme");
    acme().run(|| insert(&mut db, &row)).unwrap();
    let old = acme().run(|| row.iban.to_stored_text_with(&keys::before())).unwrap();
    let update = diesel::update(customers::table.find(2)).set(customers::iban.eq(&old));
    update.execute(&mut db).unwrap();
    let row = acme().run(|| read(&mut db, 2)).unwrap();
    assert!(acme().run(|| row.is_any_stale()));

    assert_eq!(row.move_stale(&mut db), Ok(false), "outside of a scope no key is out of date");
    let others = globex().run(|| row.move_stale(&mut db));
    assert_eq!(refused(others, IBAN), ErrorKind::ScopeMismatch);
    assert!(raw(&mut db, 2) == old);
    assert_eq!(acme().run(|| row.move_stale(&mut db)), Ok(true));
    assert_eq!(key_of(&raw(&mut db, 2)), "3");
    assert_eq!(acme().run(|| read(&mut db, 2)).as_ref(), Ok(&row));
}
