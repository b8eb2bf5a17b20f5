//! After a fork, parent and child go on in the same epoch. Their nonces must differ nevertheless.

use std::collections::HashSet;
use std::fs::File;
use std::io::{Read as _, Write as _};
use std::os::fd::FromRawFd as _;

use encrypted_field::{Encrypted, EncryptedFieldExt as _, Keyring, Secret};
use tests::secrets::{BOT_TOKEN, KEYS};

#[derive(Encrypted)]
#[encrypted(context = "fork.token")]
struct Token(Secret<String>);

/// More than what is left of an epoch, so that both also begin new ones.
const VALUES: usize = 6000;
const CHILDREN: usize = 4;

type Nonce = [u8; 24];

fn nonces(ring: &Keyring, number: usize) -> Vec<Nonce> {
    let token = Token::from(BOT_TOKEN);
    let seal = |_| token.to_stored_with(ring).unwrap()[8..32].try_into().unwrap();
    (0..number).map(seal).collect()
}

fn main() {
    let ring = Keyring::builder().active(1, KEYS[0]).build().unwrap();
    // Before the fork: there is an epoch to be shared.
    let before = nonces(&ring, 100);
    let children: Vec<_> = (0..CHILDREN).map(|_| child(&ring)).collect();
    let parent = nonces(&ring, VALUES);

    let mut all: Vec<Nonce> = before.iter().chain(&parent).copied().collect();
    let mut shared = 0;
    for (process, mut pipe) in children {
        let mut bytes = Vec::new();
        pipe.read_to_end(&mut bytes).unwrap();
        let nonces: Vec<Nonce> = bytes.as_chunks().0.to_vec();
        assert_eq!(nonces.len(), VALUES);
        shared += usize::from(nonces[0][..12] == before[0][..12]);
        all.extend(nonces);
        wait(process);
    }
    let distinct: HashSet<_> = all.iter().collect();
    assert_eq!(distinct.len(), 100 + VALUES * (CHILDREN + 1), "a nonce came twice");
    let endings: HashSet<_> = all.iter().map(|nonce| &nonce[12..]).collect();
    assert_eq!(endings.len(), all.len(), "the fresh half of a nonce came twice");
    assert_eq!(
        shared, CHILDREN,
        "the children went on in their parent's epoch, or this proves nothing"
    );
    println!(
        "test result: ok. 1 passed; 0 failed; 0 ignored; {} nonces of {} processes",
        all.len(),
        CHILDREN + 1
    );
}

/// A child that seals and sends its nonces back.
#[allow(unsafe_code)]
fn child(ring: &Keyring) -> (libc::pid_t, File) {
    let mut ends = [0; 2];
    // SAFETY: `ends` has room for two descriptors, each of which goes to one `File`; this process
    // has one thread, so the child is as whole as its parent.
    let (read, mut write, process) = unsafe {
        assert_eq!(libc::pipe(ends.as_mut_ptr()), 0);
        let (read, write) = (File::from_raw_fd(ends[0]), File::from_raw_fd(ends[1]));
        (read, write, libc::fork())
    };
    assert!(process >= 0, "no fork");
    if process == 0 {
        let sent = write.write_all(nonces(ring, VALUES).as_flattened());
        std::process::exit(i32::from(sent.is_err()));
    }
    (process, read)
}

#[allow(unsafe_code)]
fn wait(process: libc::pid_t) {
    let mut status = 0;
    // SAFETY: `status` is there to be written to.
    assert_eq!(unsafe { libc::waitpid(process, &raw mut status, 0) }, process);
    assert_eq!(status, 0, "the child failed");
}
