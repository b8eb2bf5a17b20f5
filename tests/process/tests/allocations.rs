//! How often memory is asked for: once for a sealed value, once for an opened one, also through the
//! ORMs; and how much is kept for a key. (What AWS-LC allocates in C is not counted.)

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::hint::black_box;

use diesel::connection::SimpleConnection as _;
use diesel::prelude::*;
use encrypted_field::{Encrypted, EncryptedFieldExt, Key, Keyring, Scope, Secret};
use tests::secrets::{BOT_TOKEN, KEYS};

thread_local! {
    static ALLOCATIONS: Cell<usize> = const { Cell::new(0) };
    static LIVE: Cell<isize> = const { Cell::new(0) };
}

/// Counts those of the thread, so that tests don't count each other's.
struct Counting;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn count(allocations: usize, bytes: isize) {
    // A thread that is ending has no counters any more.
    let _ = ALLOCATIONS.try_with(|count| count.set(count.get() + allocations));
    let _ = LIVE.try_with(|live| live.set(live.get() + bytes));
}

// SAFETY: every call goes to the system's allocator as it is.
#[allow(unsafe_code)]
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(1, layout.size().cast_signed());
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count(1, layout.size().cast_signed());
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, memory: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count(1, size.cast_signed() - layout.size().cast_signed());
        unsafe { System.realloc(memory, layout, size) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        count(0, -layout.size().cast_signed());
        unsafe { System.dealloc(memory, layout) }
    }
}

/// Allocations of one call, once the first ones have set up what is kept.
#[track_caller]
fn allocations<R>(mut call: impl FnMut() -> R) -> usize {
    for _ in 0..5 {
        drop(call());
    }
    let before = ALLOCATIONS.get();
    let result = black_box(call());
    let after = ALLOCATIONS.get();
    drop(result);
    after - before
}

#[derive(Encrypted)]
#[encrypted(context = "allocations.token")]
struct Token(Secret<String>);

#[derive(Encrypted)]
#[encrypted(context = "allocations.bytes", storage = "binary")]
struct Bytes(Secret<Vec<u8>>);

#[derive(Encrypted)]
#[encrypted(context = "allocations.number")]
struct Number(Secret<i64>);

fn ring() -> Keyring {
    Keyring::builder().active(1, KEYS[0]).build().unwrap()
}

#[test]
fn one_for_a_sealed_value_and_one_for_an_opened_one() {
    let ring = ring();
    for len in [0, 1, 45, 64, 1000, 100_000] {
        let text = BOT_TOKEN.repeat(len / BOT_TOKEN.len() + 1);
        let token = Token::from(&text[..len]);
        let bytes = Bytes::from(&text.as_bytes()[..len]);
        assert_eq!(allocations(|| token.to_stored_text_with(&ring)), 1, "{len}");
        assert_eq!(allocations(|| token.to_stored_with(&ring)), 1, "{len}");
        assert_eq!(allocations(|| bytes.seal_text_with(&ring)), 1, "{len}");
        assert_eq!(allocations(|| bytes.seal_with(&ring)), 1, "{len}");

        let (text, binary) =
            (token.seal_text_with(&ring).unwrap(), bytes.seal_with(&ring).unwrap());
        assert_eq!(allocations(|| Token::open_text_with(&ring, &text)), 1, "{len}");
        assert_eq!(allocations(|| Bytes::open_with(&ring, &binary)), 1, "{len}");
        // The clone is the one: the buffer becomes the plaintext.
        let stored = token.to_stored_text_with(&ring).unwrap();
        assert_eq!(allocations(|| Token::from_stored_text_with(&ring, stored.clone())), 1, "{len}");
        let stored = bytes.to_stored_with(&ring).unwrap();
        assert_eq!(allocations(|| Bytes::from_stored_with(&ring, stored.clone())), 1, "{len}");
    }
    let number = Number::from(i64::MIN);
    assert_eq!(allocations(|| number.to_stored_text_with(&ring)), 1);
}

#[test]
fn the_installed_ring_costs_none() {
    let _ring = ring().hold();
    let token = Token::from(BOT_TOKEN);
    assert_eq!(allocations(|| token.to_stored_text()), 1);
    let stored = token.to_stored_text().unwrap();
    assert_eq!(allocations(|| Token::from_stored_text(stored.clone())), 1);
    assert_eq!(allocations(|| token.is_stale()), 0);
}

#[derive(Encrypted)]
#[encrypted(context = "allocations.dynamic", scope = dynamic, previous_scope = "")]
struct Dynamic(Secret<String>);

#[test]
fn the_scope_that_is_entered_costs_none() {
    let keys = [Key::new(1, KEYS[0]), Key::new(2, KEYS[1]).scope("acme")];
    let held = Keyring::builder().keys(keys).build().unwrap().hold();
    let dynamic = Dynamic::from(BOT_TOKEN);
    let scope = Scope::named("acme").unwrap();
    let before = Scope::default_scope().run(|| dynamic.to_stored_text()).unwrap();
    scope.run(|| {
        assert_eq!(allocations(|| dynamic.to_stored_text()), 1);
        assert_eq!(allocations(|| dynamic.to_stored_text_with(&held)), 1);
        assert_eq!(allocations(|| dynamic.seal()), 1);
        let stored = dynamic.to_stored_text().unwrap();
        assert_eq!(allocations(|| Dynamic::from_stored_text(stored.clone())), 1);
        assert_eq!(allocations(|| Dynamic::from_stored_text(before.clone())), 1);
        assert_eq!(allocations(|| dynamic.is_stale()), 0);
    });
    assert_eq!(allocations(|| scope.run(|| drop(Scope::current()))), 0);
}

diesel::table! {
    plain (id) { id -> Integer, token -> Text, bytes -> Binary, }
}
diesel::table! {
    sealed (id) { id -> Integer, token -> Text, bytes -> Binary, }
}

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = plain)]
struct Plain {
    id: i32,
    token: String,
    bytes: Vec<u8>,
}

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = sealed)]
struct Sealed {
    id: i32,
    token: Token,
    bytes: Bytes,
}

const ROWS: i32 = 100;

#[test]
fn diesel_allocates_what_it_does_for_plain_columns() {
    let _ring = ring().hold();
    let mut db = SqliteConnection::establish(":memory:").unwrap();
    for table in ["plain", "sealed"] {
        db.batch_execute(&format!(
            "CREATE TABLE {table} (id INTEGER PRIMARY KEY, token TEXT NOT NULL, bytes BLOB NOT NULL)"
        ))
        .unwrap();
    }
    let plain_rows: Vec<_> = (0..ROWS)
        .map(|id| Plain { id, token: BOT_TOKEN.into(), bytes: BOT_TOKEN.as_bytes().into() })
        .collect();
    let sealed_rows: Vec<_> = (0..ROWS)
        .map(|id| Sealed { id, token: BOT_TOKEN.into(), bytes: BOT_TOKEN.as_bytes().into() })
        .collect();
    let mut insert = [0, 0];
    for _ in 0..3 {
        db.batch_execute("DELETE FROM plain; DELETE FROM sealed").unwrap();
        let before = ALLOCATIONS.get();
        diesel::insert_into(plain::table).values(&plain_rows).execute(&mut db).unwrap();
        let between = ALLOCATIONS.get();
        diesel::insert_into(sealed::table).values(&sealed_rows).execute(&mut db).unwrap();
        insert = [between - before, ALLOCATIONS.get() - between];
    }
    // A plain value is bound as it is; each of the two sealed ones is made.
    assert_eq!(insert[1], insert[0] + 2 * usize::try_from(ROWS).unwrap());

    let plain = allocations(|| plain::table.select(Plain::as_select()).load(&mut db).unwrap());
    let sealed = allocations(|| sealed::table.select(Sealed::as_select()).load(&mut db).unwrap());
    assert_eq!(sealed, plain);
}

#[derive(sqlx::FromRow)]
#[allow(dead_code)]
struct Row<T, B> {
    id: i32,
    token: T,
    bytes: B,
}

/// Decoded from a row that is there: what the driver's own thread allocates is not counted either
/// way.
#[test]
fn sqlx_allocates_what_it_does_for_plain_columns() {
    use sqlx::{ConnectOptions as _, FromRow as _};

    let _ring = ring().hold();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let row = runtime.block_on(async {
        let options = sqlx::sqlite::SqliteConnectOptions::new().in_memory(true);
        let mut db = options.connect().await.unwrap();
        let (token, bytes) = (Token::from(BOT_TOKEN), Bytes::from(BOT_TOKEN.as_bytes()));
        let select = sqlx::query("SELECT 1 AS id, $1 AS token, $2 AS bytes");
        select.bind(&token).bind(&bytes).fetch_one(&mut db).await.unwrap()
    });
    let plain = allocations(|| Row::<String, Vec<u8>>::from_row(&row).unwrap());
    let sealed = allocations(|| Row::<Token, Bytes>::from_row(&row).unwrap());
    assert_eq!((plain, sealed), (2, 2));
}

/// What one key keeps at most: 8 epochs and 64 known subkeys. Stated in SECURITY.md.
#[test]
fn what_a_key_keeps_is_bounded() {
    const STATED: isize = 64 << 10;

    let writers = || Keyring::builder().active(1, KEYS[0]).build().unwrap();
    let value = Bytes::from(&b""[..]);
    let sealed: Vec<_> = (0..300).map(|_| value.to_stored_with(&writers()).unwrap()).collect();
    let ring = ring();
    let before = LIVE.get();
    let mut most = 0;
    for sealed in &sealed {
        for _ in 0..260 {
            assert!(Bytes::from_stored_with(&ring, sealed.clone()).is_ok());
        }
        most = most.max(LIVE.get() - before);
    }
    // Each of more threads than there are epochs says what stays of what it allocated.
    let sealing = || {
        let before = LIVE.get();
        drop(Bytes::from(&b""[..]).to_stored_with(&ring).unwrap());
        LIVE.get() - before
    };
    let epochs: isize =
        std::thread::scope(|scope| (0..20).map(|_| scope.spawn(sealing).join().unwrap()).sum());
    assert!(most > 0 && epochs > 0, "something is kept, or this proves nothing");
    assert!(most + epochs <= STATED, "{most} and {epochs} bytes");
}
