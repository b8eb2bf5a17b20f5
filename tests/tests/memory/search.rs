//! The search of this process's heap, through `/proc/self`.

use std::fs::File;
use std::io::Read as _;
use std::os::unix::fs::FileExt as _;
use std::sync::Mutex;

use aho_corasick::AhoCorasick;
use encrypted_field::plaintext::Zeroizing;
use tests::secrets::CANARY;

/// What is looked for, kept in a form in which it is not found.
pub struct Needle {
    masked: Vec<u8>,
    search: AhoCorasick,
}

const MASK: u8 = 0x5A;

impl Needle {
    /// Its first 16 bytes don't count: an allocator overwrites those of what it is given back, and
    /// a copy is one even if only the rest of it is left.
    fn new(masked: Vec<u8>) -> Self {
        let search = AhoCorasick::new([&masked[16..]]).unwrap();
        Self { masked, search }
    }

    pub fn of(secret: &[u8]) -> Self {
        Self::new(secret.iter().map(|byte| byte ^ MASK).collect())
    }

    /// A secret text that no other test has.
    pub fn text() -> Self {
        let random = Zeroizing::new(encrypted_field::generate_key().unwrap());
        let digits =
            random.iter().flat_map(|byte| [byte >> 4, byte & 15].map(|digit| b'a' + digit));
        Self::new(CANARY.bytes().chain(digits).map(|byte| byte ^ MASK).collect())
    }

    /// The secret, in memory of its own.
    pub fn expose(&self) -> Vec<u8> {
        self.masked.iter().map(|byte| byte ^ MASK).collect()
    }

    pub fn expose_text(&self) -> String {
        String::from_utf8(self.expose()).unwrap()
    }

    /// How often the secret is on the heap.
    pub fn count(&self) -> usize {
        // Kept: what a search allocated anew would overwrite what it is to find.
        static HEAP: Mutex<Heap> = Mutex::new(Heap { ranges: Vec::new(), piece: Vec::new() });

        let mut heap = HEAP.lock().unwrap();
        let Heap { ranges, piece } = &mut *heap;
        piece.resize(1 << 20, 0);
        find_heap(piece, ranges);
        let memory = File::open("/proc/self/mem").unwrap();
        let overlap = self.masked.len();
        let mut found = 0;
        for (mut at, end) in ranges.drain(..) {
            while at < end {
                let len = piece.len().min(usize::try_from(end - at).unwrap());
                // A mapping may be gone by now.
                let Ok(read) = memory.read_at(&mut piece[..len], at) else { break };
                // What was read is masked, and not the needle unmasked, which would then be found.
                for word in piece.as_chunks_mut::<8>().0 {
                    *word =
                        (u64::from_ne_bytes(*word) ^ u64::from_ne_bytes([MASK; 8])).to_ne_bytes();
                }
                found += self.search.find_iter(&piece[..read]).count();
                at += read as u64;
                if read < len || at == end {
                    break;
                }
                // The end is read again, for a secret that goes on in the next piece.
                found -= self.search.find_iter(&piece[read - overlap..read]).count();
                at -= overlap as u64;
            }
        }
        found
    }
}

struct Heap {
    ranges: Vec<(u64, u64)>,
    piece: Vec<u8>,
}

/// Writable memory without a file, save for the stack of this thread and the buffer of the search.
/// It is told by `/proc/self/maps`, which is read into that buffer.
fn find_heap(buffer: &mut [u8], ranges: &mut Vec<(u64, u64)>) {
    const STACK: u64 = 2 << 20;
    ranges.reserve(10_000);
    let local = 0_u8;
    let stack = (&raw const local).addr() as u64;
    let own = buffer.as_ptr().addr() as u64;
    let mut skipped =
        [(stack.saturating_sub(STACK), stack + STACK), (own, own + buffer.len() as u64)];
    skipped.sort_unstable();

    let mut maps = File::open("/proc/self/maps").unwrap();
    let mut len = 0;
    while let read @ 1.. = maps.read(&mut buffer[len..]).unwrap() {
        len += read;
    }
    for line in str::from_utf8(&buffer[..len]).unwrap().lines() {
        let mut parts = line.split_whitespace();
        let [range, access] = [parts.next(), parts.next()].map(Option::unwrap);
        let anonymous = parts.nth(3).is_none_or(|name| name == "[heap]");
        if !anonymous || !access.starts_with("rw") {
            continue;
        }
        let (start, end) = range.split_once('-').unwrap();
        let [mut start, end] =
            [start, end].map(|address| u64::from_str_radix(address, 16).unwrap());
        for (from, to) in skipped {
            if from < end && to > start {
                ranges.push((start, from.max(start)));
                start = to.min(end);
            }
        }
        ranges.push((start, end));
    }
}
