//! Each example runs to its end and says what it is there to say.

use std::env::consts::EXE_SUFFIX;
use std::process::{Command, Output};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use vault_tests::StandIn;

/// `cargo test` builds the examples of a package beside its tests, unless it is told to build one
/// test only.
fn example(name: &str) -> Command {
    let test = std::env::current_exe().unwrap();
    let folder = test.parent().and_then(|deps| deps.parent()).unwrap().join("examples");
    let program = folder.join(format!("{name}{EXE_SUFFIX}"));
    assert!(program.exists(), "{name} is not built: cargo build -p key-examples --examples");
    let mut command = Command::new(program);
    command.env_remove("VAULT_ADDR").env_remove("VAULT_TOKEN").env_remove("KEY_ENCRYPTION_KEY");
    command
}

fn printed(output: &Output) -> String {
    let text = [&output.stdout[..], &output.stderr].concat();
    let text = String::from_utf8(text).unwrap();
    // Seen where a test fails, and searched for secrets by `./test`.
    println!("{text}");
    assert!(!text.contains("xoxb-"), "a plaintext was printed");
    text
}

/// The lines are there, in this order.
#[track_caller]
fn says(text: &str, lines: &[&str]) {
    let mut rest = text;
    for line in lines {
        let at = rest
            .find(line)
            .unwrap_or_else(|| panic!("{line:?} is missing, or not in its place:\n{text}"));
        rest = &rest[at + line.len()..];
    }
}

#[track_caller]
fn ends_well(command: &mut Command) -> String {
    let output = command.output().unwrap();
    let text = printed(&output);
    assert!(output.status.success(), "{}", output.status);
    text
}

/// Up to where a real Vault can't be stopped.
const VAULT: [&str; 9] = [
    "key 1",
    "1    active   2026-01-01 00:00  2026-01-01 00:00  -                 2026-04-08 00:00  vault",
    "stored: ef1:1:",
    "acme: a token of 15 characters, under key 1\n",
    "published: key 2; activated: none",
    "published: none; activated: key 2",
    "1    retired  2026-01-01 00:00  2026-01-01 00:00  2026-04-01 01:11  -                 vault",
    "2    active   2026-04-01 00:00  2026-04-01 01:11  -                 2026-07-07 01:11  vault",
    "acme: a token of 15 characters, under key 1, stale\n   globex: a token of 17 characters, under key 2\n",
];

#[test]
fn vault_on_its_stand_in() {
    let text = ends_well(&mut example("vault"));
    assert!(text.contains("A STAND-IN for Vault"));
    says(&text, &VAULT);
    says(
        &text,
        &[
            "refreshing: the key store does not answer as it should",
            "40 minutes later:\n   acme: ",
            "initech: a token of 18 characters, under key 2",
            "the keys are too old",
            "last confirmed at 2026-04-01T01:11:00Z",
            "worth trying again: true",
            "== 11.",
            "initech: a token of 18 characters, under key 2",
        ],
    );
}

/// The stand-in is in another process here, and so it is what a real one is to the example.
#[test]
fn vault_on_the_server_of_the_environment() {
    let server = StandIn::start();
    let text = ends_well(
        example("vault").env("VAULT_ADDR", server.url()).env("VAULT_TOKEN", server.root_token()),
    );
    assert!(!text.contains("STAND-IN"));
    assert!(text.contains(&format!("Vault at {} (VAULT_ADDR)", server.url())));
    says(&text, &VAULT);
    assert!(text.contains("not ours to stop"));
    assert!(server.calls("encrypt") > 0 && server.calls("data") > 0 && server.calls("login") > 0);
    let tokens = [server.all_tokens(), vec![server.root_token()]].concat();
    assert!(
        tokens.len() > 1 && tokens.iter().all(|token| !text.contains(token)),
        "a token was printed"
    );
}

#[test]
fn aws_kms() {
    let text = ends_well(&mut example("aws_kms"));
    says(
        &text,
        &[
            "2026-04-08 00:00  eu-central-1, us-east-1\n",
            "the row: ef1:1:",
            "4 wraps checked; problems: 0",
            "event: KEK eu-central-1 failed: KeyServiceUnavailable",
            "the row opens: a token of 15 characters",
            "4 wraps checked; problems: 2",
            "key 1 under eu-central-1: ",
            "== 7.",
            "KEK \"eu-central-1\" (AWS KMS alias/app)",
            "4 wraps checked; problems: 0",
            "1 key rewrapped",
            "6 wraps checked; problems: 0",
            "9 wraps checked; problems: 1",
            "key 2 under break-glass: it has none",
            "1 key rewrapped",
            "1    active   2026-01-01 00:00  2026-01-01 00:00  -                 2026-04-08 00:00  break-glass, eu-central-1, us-east-1\n",
            "2    pending  2026-01-01 00:00  -                 -                 -                 break-glass, eu-central-1, us-east-1\n",
            "9 wraps checked; problems: 0",
            "== 11.",
            "the row opens: a token of 15 characters",
        ],
    );
}

/// What both processes seal and open at each step.
const ROTATION: [&str; 12] = [
    "A has key 1 active; seals under key 1; opens the other's row, under key 1",
    "B has key 1 active; seals under key 1; opens the other's row, under key 1",
    "A: published key 2",
    "A has key 1 active, key 2 pending; seals under key 1; opens the other's row, under key 1",
    "B has key 1 active; seals under key 1; opens the other's row, under key 1",
    "activate it in 4141 s",
    "B has key 1 active, key 2 pending; seals under key 1; opens the other's row, under key 1",
    "activate it in 121 s",
    "A: key 2 is active",
    "A has key 1 retired, key 2 active; seals under key 2; opens the other's row, under key 1",
    "B has key 1 active, key 2 pending; seals under key 1; opens the other's row, under key 2",
    "B has key 1 retired, key 2 active; seals under key 2; opens the other's row, under key 2",
];

#[test]
fn two_phase_rotation() {
    let text = ends_well(&mut example("two_phase_rotation"));
    says(&text, &ROTATION);
    says(&text, &["A: 10 rows", "B: 10 rows"]);
}

#[test]
fn two_phase_rotation_with_a_key_of_the_environment() {
    let kek = STANDARD.encode(encrypted_field::generate_key().unwrap());
    let text = ends_well(example("two_phase_rotation").env("KEY_ENCRYPTION_KEY", &kek));
    says(&text, &ROTATION);
    assert!(!text.contains(&kek));

    let refused =
        example("two_phase_rotation").env("KEY_ENCRYPTION_KEY", "c2hvcnQ=").output().unwrap();
    assert!(!refused.status.success());
    says(&printed(&refused), &["Error: ", "KEY_ENCRYPTION_KEY: "]);
}
