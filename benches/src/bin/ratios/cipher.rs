//! Sealing and opening against the raw cipher, in one process.

use std::hint::black_box;
use std::sync::Barrier;
use std::thread;

use benches::{Bytes, Text, ring, round_trip, secret};
use encrypted_field::{EncryptedField, EncryptedFieldExt, Key, Keyring, Secret, generate_key};
use measure::{Goal, Limit, compare};

use crate::raw::Raw;

pub fn goals() -> Vec<Goal> {
    let mut goals = vec![
        seal(),
        nonce(),
        seal_per_value(),
        open_known(),
        open_never_seen(),
        open_uncached(1, 0, Limit::AtMost(1.1)),
        open_uncached(1, 100, Limit::AtMost(1.1)),
        open_uncached(2, 100, Limit::None),
    ];
    goals.extend(a_mebibyte());
    goals.extend([text_against_binary(), ten_thousand_keys(), tenants_seal(), tenants_open()]);
    goals.push(many_at_once());
    goals
}

fn value(len: usize) -> Bytes {
    Bytes::from(secret(len).into_bytes())
}

fn seal() -> Goal {
    let (ring, raw, value) = (ring(), Raw::new(), value(64));
    let measured = compare(
        &mut || {
            black_box(value.to_stored_with(&ring).unwrap());
        },
        &mut || {
            black_box(raw.seal(black_box(&value)));
        },
    );
    Goal::ours_by_other(
        "seal 64 B, binary : raw seal and an OS nonce",
        Limit::AtMost(1.25),
        measured,
    )
}

/// What of that the system call alone takes.
fn nonce() -> Goal {
    let (raw, plain) = (Raw::new(), secret(64));
    let measured = compare(
        &mut || {
            let mut nonce = [0; 12];
            getrandom::fill(black_box(&mut nonce)).unwrap();
        },
        &mut || {
            black_box(raw.seal(black_box(plain.as_bytes())));
        },
    );
    Goal::ours_by_other("an OS nonce alone : raw seal and an OS nonce", Limit::None, measured)
}

fn seal_per_value() -> Goal {
    let key = generate_key().unwrap();
    let without = Keyring::builder().active(1, key).subkey_per_value().build().unwrap();
    let (with, value) = (Keyring::builder().active(1, key).build().unwrap(), value(64));
    let measured = compare(
        &mut || {
            black_box(value.to_stored_with(&without).unwrap());
        },
        &mut || {
            black_box(value.to_stored_with(&with).unwrap());
        },
    );
    Goal::ours_by_other("seal 64 B, a subkey for every value : epochs", Limit::None, measured)
}

/// Values under so many prefixes in turn.
struct Opening {
    ring: Keyring,
    sealed: Vec<Vec<u8>>,
    at: usize,
}

impl Opening {
    fn new(prefixes: usize, len: usize) -> Self {
        let key = generate_key().unwrap();
        let value = value(len);
        // A ring of its own for each: an epoch of its own.
        let sealed = (0..prefixes).map(|_| {
            let ring = Keyring::builder().active(1, key).build().unwrap();
            value.to_stored_with(&ring).unwrap()
        });
        let sealed = sealed.collect();
        Self { ring: Keyring::builder().active(1, key).build().unwrap(), sealed, at: 0 }
    }

    fn next(&mut self) {
        let sealed = &self.sealed[self.at];
        self.at = (self.at + 1) % self.sealed.len();
        black_box(Bytes::from_stored_with(&self.ring, black_box(sealed).clone()).unwrap());
    }
}

fn raw_open(len: usize) -> impl FnMut() {
    let raw = Raw::new();
    let (sealed, nonce) = raw.seal(secret(len).as_bytes());
    move || {
        black_box(raw.open(black_box(&sealed), nonce));
    }
}

fn open_known() -> Goal {
    let mut opening = Opening::new(1, 64);
    let measured = compare(&mut || opening.next(), &mut raw_open(64));
    Goal::ours_by_other("open 64 B, binary, prefix known : raw open", Limit::AtMost(1.4), measured)
}

/// Far more prefixes than are kept, in turn: each is out of reach again before it comes back.
fn open_never_seen() -> Goal {
    let mut opening = Opening::new(20_000, 64);
    let measured = compare(&mut || opening.next(), &mut raw_open(64));
    Goal::ours_by_other(
        "open 64 B, binary, prefix never seen : raw open",
        Limit::AtMost(5.0),
        measured,
    )
}

/// Every value under a prefix of its own, or of its own and its neighbour's, so that what is kept
/// is never of use: against values that are opened without any of it (detached ones). With threads
/// that wait, since replacing what is kept takes longer the more threads there are.
fn open_uncached(repeated: usize, threads: usize, limit: Limit) -> Goal {
    let mut opening = Opening::new(20_000 / repeated, 64);
    opening.sealed = opening
        .sealed
        .iter()
        .flat_map(|sealed| std::iter::repeat_n(sealed.clone(), repeated))
        .collect();
    let mut alone = Opening::new(0, 64);
    alone.sealed = (0..20_000).map(|_| value(64).seal_with(&alone.ring).unwrap()).collect();
    let measured = with_waiting_threads(threads, || {
        compare(&mut || opening.next(), &mut || {
            let sealed = &alone.sealed[alone.at];
            alone.at = (alone.at + 1) % alone.sealed.len();
            black_box(Bytes::open_with(&alone.ring, black_box(sealed)).unwrap());
        })
    });
    let pattern = if repeated == 1 { "each prefix once" } else { "each prefix twice" };
    let name = format!("open 64 B, {pattern} : without a cache; beside {threads} idle threads");
    Goal::ours_by_other(&name, limit, measured)
}

/// Runs `f` beside so many threads that have each sealed a value and now do nothing.
fn with_waiting_threads<R>(number: usize, f: impl FnOnce() -> R) -> R {
    let (ring, ready, done) = (ring(), Barrier::new(number + 1), Barrier::new(number + 1));
    thread::scope(|scope| {
        for _ in 0..number {
            scope.spawn(|| {
                drop(value(64).to_stored_with(&ring).unwrap());
                ready.wait();
                done.wait();
            });
        }
        ready.wait();
        let result = f();
        done.wait();
        result
    })
}

fn a_mebibyte() -> [Goal; 2] {
    const LEN: usize = 1 << 20;
    let (ring, raw, value) = (ring(), Raw::new(), value(LEN));
    let sealing = compare(
        &mut || {
            black_box(value.to_stored_with(&ring).unwrap());
        },
        &mut || {
            black_box(raw.seal(black_box(&value)));
        },
    );
    // Detached, which is opened from borrowed bytes: as with the raw one, the copy is the result.
    let sealed = value.seal_with(&ring).unwrap();
    let opening = compare(
        &mut || {
            black_box(Bytes::open_with(&ring, black_box(&sealed)).unwrap());
        },
        &mut raw_open(LEN),
    );
    [
        Goal::ours_by_other("seal 1 MiB : raw seal", Limit::AtMost(1.45), sealing),
        Goal::ours_by_other("open 1 MiB : raw open", Limit::AtMost(1.2), opening),
    ]
}

fn text_against_binary() -> Goal {
    let (ring, text, binary) = (ring(), Text::from(secret(64)), value(64));
    let measured = compare(
        &mut || {
            black_box(text.to_stored_text_with(&ring).unwrap());
        },
        &mut || {
            black_box(binary.to_stored_with(&ring).unwrap());
        },
    );
    Goal::ours_by_other("seal 64 B, text : binary", Limit::AtMost(1.25), measured)
}

fn ten_thousand_keys() -> Goal {
    let mut builder = Keyring::builder();
    for id in 2..=10_000 {
        builder = builder.retired(id, generate_key().unwrap());
    }
    let many = builder.active(1, generate_key().unwrap()).build().unwrap();
    let (one, value) = (ring(), value(64));
    let run = |ring: &Keyring| {
        black_box(round_trip(ring, &value));
    };
    let measured = compare(&mut || run(&many), &mut || run(&one));
    Goal::ours_by_other(
        "64 B round trip, 10,000 keys in the ring, one in use : one key",
        Limit::AtMost(1.05),
        measured,
    )
}

/// A field of one tenant: its scope is the tenant's number.
struct Tenant<const N: usize>(Secret<Vec<u8>>);

impl<const N: usize> EncryptedField for Tenant<N> {
    type Plain = Vec<u8>;
    const CONTEXT: &'static str = "tokens.secret";
    const SCOPE: &'static str = TENANTS[N];

    fn from_secret(secret: Secret<Vec<u8>>) -> Self {
        Self(secret)
    }

    fn secret(&self) -> &Secret<Vec<u8>> {
        &self.0
    }
}

type Operation = Box<dyn Fn(&Keyring)>;

impl<const N: usize> Tenant<N> {
    fn sealing(_: &Keyring) -> Operation {
        let value = Self(Secret::new(secret(64).into_bytes()));
        Box::new(move |ring| {
            black_box(value.to_stored_with(ring).unwrap());
        })
    }

    fn opening(ring: &Keyring) -> Operation {
        let sealed = Self(Secret::new(secret(64).into_bytes())).to_stored_with(ring).unwrap();
        Box::new(move |ring| {
            black_box(Self::from_stored_with(ring, black_box(&sealed).clone()).unwrap());
        })
    }
}

macro_rules! tenants {
    ($($n:literal)*) => {
        const TENANTS: &[&str] = &[$(stringify!($n)),*];
        const SEALING: &[fn(&Keyring) -> Operation] = &[$(Tenant::<$n>::sealing),*];
        const OPENING: &[fn(&Keyring) -> Operation] = &[$(Tenant::<$n>::opening),*];
    };
}

#[rustfmt::skip]
tenants! {
    0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15
    16 17 18 19 20 21 22 23 24 25 26 27 28 29 30 31
    32 33 34 35 36 37 38 39 40 41 42 43 44 45 46 47
    48 49 50 51 52 53 54 55 56 57 58 59 60 61 62 63
}

fn tenants(make: &[fn(&Keyring) -> Operation]) -> measure::Comparison {
    let mut builder = Keyring::builder();
    for (id, tenant) in (1..).zip(TENANTS) {
        builder = builder.key(Key::new(id, generate_key().unwrap()).scope(*tenant));
    }
    let ring = builder.build().unwrap();
    let all: Vec<_> = make.iter().map(|make| make(&ring)).collect();
    let one: Vec<_> = make.iter().map(|_| make[0](&ring)).collect();
    let run = |operations: &[Operation]| operations.iter().for_each(|operation| operation(&ring));
    compare(&mut || run(&all), &mut || run(&one))
}

fn tenants_seal() -> Goal {
    Goal::ours_by_other(
        "seal 64 B for each of 64 tenants in turn : for one, 64 times",
        Limit::AtMost(1.2),
        tenants(SEALING),
    )
}

fn tenants_open() -> Goal {
    Goal::ours_by_other(
        "open 64 B of each of 64 tenants in turn : of one, 64 times",
        Limit::AtMost(1.2),
        tenants(OPENING),
    )
}

/// A list of 10,000 rows, once the ORM has handed over the column.
fn many_at_once() -> Goal {
    let _ring = ring().hold();
    let column: Vec<_> =
        (0..10_000).map(|_| Text::from(secret(64)).to_stored_text().unwrap()).collect();
    let measured = compare(
        &mut || {
            black_box(Text::from_stored_text_all(column.clone()).unwrap());
        },
        &mut || {
            for stored in column.clone() {
                black_box(Text::from_stored_text(stored).unwrap());
            }
        },
    );
    Goal::ours_by_other(
        "open 10,000 of 64 B, text, all at once : one by one",
        Limit::None,
        measured,
    )
}
