//! How often the allocator is asked. (While times are measured it does not count.)

use std::alloc::{GlobalAlloc, Layout, System};
use std::hint::black_box;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use benches::{Bytes, Text, ring, secret};
use encrypted_field::EncryptedFieldExt;
use measure::{Goal, Limit};

static ALLOCATIONS: AtomicU64 = AtomicU64::new(0);
static COUNTING: AtomicBool = AtomicBool::new(false);

struct Counting;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn count() {
    if COUNTING.load(Ordering::Relaxed) {
        ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
    }
}

// SAFETY: every call goes to the system's allocator as it is.
#[allow(unsafe_code)]
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count();
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count();
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, memory: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count();
        unsafe { System.realloc(memory, layout, size) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        unsafe { System.dealloc(memory, layout) }
    }
}

pub fn goals() -> Vec<Goal> {
    let ring = ring();
    let (bytes, text) = (Bytes::from(secret(64).into_bytes()), Text::from(secret(64)));
    let (sealed_bytes, sealed_text) =
        (bytes.to_stored_with(&ring).unwrap(), text.to_stored_text_with(&ring).unwrap());
    let goal = |name: &str, operation: &dyn Fn()| {
        Goal::counted(&format!("allocations: {name}"), Limit::AtMost(1.0), most(operation), "")
    };
    vec![
        goal("seal 64 B, binary", &|| {
            black_box(bytes.to_stored_with(&ring).unwrap());
        }),
        goal("seal 64 B, text", &|| {
            black_box(text.to_stored_text_with(&ring).unwrap());
        }),
        goal("open 64 B, binary", &|| {
            // The clone is the one: the buffer becomes the plaintext.
            black_box(Bytes::from_stored_with(&ring, sealed_bytes.clone()).unwrap());
        }),
        goal("open 64 B, text", &|| {
            black_box(Text::from_stored_text_with(&ring, sealed_text.clone()).unwrap());
        }),
    ]
}

/// The most that one call of a hundred asks for, after the first ones have set up what is kept.
#[allow(clippy::cast_precision_loss)]
fn most(operation: &dyn Fn()) -> f64 {
    (0..5).for_each(|_| operation());
    let counted = (0..100).map(|_| {
        let before = ALLOCATIONS.load(Ordering::Relaxed);
        COUNTING.store(true, Ordering::Relaxed);
        operation();
        COUNTING.store(false, Ordering::Relaxed);
        ALLOCATIONS.load(Ordering::Relaxed) - before
    });
    counted.max().unwrap() as f64
}
