//! The life of a store, on each kind of store that needs no server, in processes of the command.

mod support;

use std::time::{Duration, SystemTime};

use encrypted_field::envelope::Clock;
use support::{LOCAL_KEK, Operator, file_store, life, store};

const MINUTE: Duration = Duration::from_mins(1);

#[test]
fn on_a_file() {
    let mut operator = Operator::with_file();
    life(
        &mut operator,
        Some(&|operator| std::fs::remove_file(operator.path("keys.json")).unwrap()),
    );
    operator.assert_no_secret(&[]);
}

#[test]
fn on_sqlite() {
    let mut operator =
        Operator::new(&format!("{}{LOCAL_KEK}", store("kind = \"sqlite\"\npath = \"app.sqlite\"")));
    // A file that is not there is a wrong path, and not an empty store.
    operator.fails(&["keys", "list"]);
    assert!(!operator.path("app.sqlite").exists());
    assert!(operator.does(&["schema"]).contains("CREATE TABLE IF NOT EXISTS encrypted_field_keys"));
    operator.does(&["schema", "--apply"]);
    operator.does(&["schema", "--apply"]);
    life(
        &mut operator,
        Some(&|operator| {
            for file in ["app.sqlite", "app.sqlite-wal", "app.sqlite-shm"] {
                let _ = std::fs::remove_file(operator.path(file));
            }
            let mut other = Operator::new(&operator.read("encrypted-field.toml"));
            other.does(&["schema", "--apply"]);
            std::fs::copy(other.path("app.sqlite"), operator.path("app.sqlite")).unwrap();
        }),
    );
    operator.assert_no_secret(&[]);
}

#[test]
fn a_dry_run_changes_no_file() {
    let mut operator = Operator::new(&format!(
        "{}{LOCAL_KEK}[anchor]\nkind = \"file\"\npath = \"anchor\"\n",
        file_store("keys.json")
    ));
    let nothing = operator.files();
    operator.does(&["create-store", "--dry-run"]);
    operator.does(&["init", "--dry-run"]);
    assert_eq!(operator.files(), nothing);
    operator.does(&["create-store"]);
    operator.does(&["keys", "publish"]);
    operator.does(&["provision", "acme", "globex"]);
    let before = operator.files();
    let mut planned = String::new();
    for line in [
        &["keys", "activate", "2", "--at-once"][..],
        &["keys", "create", "--purpose", "index", "--scope", "x"],
        &["keys", "create", "--scope", "mail"],
        &["keys", "compromised", "2"],
        &["keys", "destroy", "2"],
        &["keys", "rotate", "--wait"],
        &["provision", "initech", "acme"],
        &["destroy-scope", "acme"],
        &["maintain"],
        &["rewrap"],
        &["repair"],
        &["rotate-store-key"],
        &["set-heartbeat", "10m"],
        &["accept-restored", "--revision", "3", "--next-id", "9"],
        &["restore", "keys.json"],
    ] {
        let line: Vec<&str> = line.iter().copied().chain(["--dry-run"]).collect();
        let done = operator.run(&line);
        // The store is there, so nothing is restored.
        assert_eq!(done.code, i32::from(line[0] == "restore"), "{line:?}: {}", done.errors);
        planned.push_str(&done.output);
        assert_eq!(operator.files(), before, "{line:?}");
    }
    for line in [
        "would write: key 2 (field, (default)): pending -> active",
        "would write: key 1 (field, (default)): active -> retired",
        "would write: key 2 (field, (default)): pending -> destroyed, under main -> no KEK",
        "would write: key 3 (field, acme): active -> destroyed, under main -> no KEK",
        "would write: key 5 (field, initech): new, active, under main",
        "would write: key 5 (field, mail): new, pending, under main",
        "heartbeat in seconds 1800 -> 600",
        "store key wrapped anew under main",
        "would write: anchor (file ",
        "next id 5 -> 9",
    ] {
        assert!(planned.contains(line), "{line}\n{planned}");
    }
}

#[test]
fn a_dry_run_of_many_changes_runs_to_its_end() {
    let mut operator = Operator::with_file();
    operator.does(&["create-store"]);
    let scopes: String =
        (0..600).flat_map(|number| [format!("tenant-{number}"), "\n".to_owned()]).collect();
    operator.write("scopes", &scopes);
    let before = operator.files();
    let planned = operator.does(&["provision", "--from", "scopes", "--dry-run"]);
    assert_eq!(
        planned.lines().filter(|line| line.contains(": new, active")).count(),
        600,
        "three changes"
    );
    assert!(planned.contains("revision 1 -> 4"), "{}", planned.lines().next().unwrap());
    assert_eq!(operator.files(), before);
}

#[test]
fn waiting_makes_a_rotation_in_one_process() {
    let mut operator = Operator::with_file();
    let clock = Clock::manual(SystemTime::now());
    assert_eq!(operator.run_by(&clock, &["create-store"]).code, 0);
    let begun = clock.monotonic();
    let done = operator.run_by(&clock, &["keys", "rotate", "--wait"]);
    assert_eq!(done.code, 0, "{}", done.errors);
    assert!(done.errors.contains("not yet, for 1h 9m more at most"), "{}", done.errors);
    assert!((70 * MINUTE..=75 * MINUTE).contains(&clock.monotonic().saturating_sub(begun)));
    let listed = operator.run_by(&clock, &["keys", "list"]).output;
    assert!(listed.contains("retired") && listed.contains("active"), "{listed}");

    // Without a clock but this one a process that has seen nothing destroys nothing.
    let destroy = ["keys", "destroy", "1", "--confirm", "destroy key 1 of production"];
    assert_eq!(operator.run_by(&clock, &["keys", "disable", "1"]).code, 0);
    clock.advance(100 * 24 * 60 * MINUTE);
    assert!(operator.run_by(&clock, &destroy).errors.contains("a process that stays"));
    let begun = clock.monotonic();
    let done = operator.run_by(&clock, &[&destroy[..], &["--wait"]].concat());
    assert_eq!(done.code, 0, "{}", done.errors);
    assert!((70 * MINUTE..=75 * MINUTE).contains(&clock.monotonic().saturating_sub(begun)));
    assert!(operator.run_by(&clock, &["keys", "list"]).output.contains("destroyed"));
}

#[test]
fn waiting_is_not_for_what_time_does_not_change() {
    let mut operator = Operator::with_file();
    let clock = Clock::manual(SystemTime::now());
    operator.run_by(&clock, &["create-store"]);
    let begun = clock.monotonic();
    let destroy = ["keys", "destroy", "1", "--wait", "--confirm", "destroy key 1 of production"];
    assert_eq!(operator.run_by(&clock, &destroy).code, 1);
    assert_eq!(operator.run_by(&clock, &["keys", "activate", "1", "--wait"]).code, 1);
    assert_eq!(operator.run_by(&clock, &["keys", "activate", "9", "--wait"]).code, 1);
    assert_eq!(clock.monotonic(), begun);
}

#[test]
fn status_has_the_codes_of_a_health_check() {
    let mut operator = Operator::with_file();
    let clock = Clock::manual(SystemTime::now());
    operator.run_by(&clock, &["create-store"]);
    assert_eq!(operator.run_by(&clock, &["status"]).code, 0);
    // A second KEK, which the key lacks.
    operator.does(&["keygen", "--out", "second"]);
    let second = "[[kek]]\nname = \"second\"\nkind = \"local\"\nkey_file = \"second\"\n";
    operator.configure(&format!("{}{LOCAL_KEK}{second}", file_store("keys.json")));
    assert_eq!(operator.run_by(&clock, &["consistency"]).code, 1);
    assert_eq!(operator.run_by(&clock, &["rewrap"]).code, 0);
    operator.configure(
        &format!("{}{LOCAL_KEK}", file_store("keys.json"))
            .replace("key_set", "offline_keks = [\"second\"]\nkey_set"),
    );
    assert_eq!(operator.run_by(&clock, &["keys", "publish"]).code, 0);
    // That the newest key lacks an offline KEK is told, and is as it should be until somebody
    // brings that one.
    let healthy = operator.run_by(&clock, &["status", "--json"]);
    assert_eq!(healthy.code, 0, "{}", healthy.output);
    let report: serde_json::Value = serde_json::from_str(&healthy.output).unwrap();
    assert_eq!(report["health"], "healthy");
    assert_eq!(report["missing_wraps"][0]["kek"], "second");
    assert_eq!(report["missing_wraps"][0]["keys"][0], 2);
    assert_eq!(report["store"]["keys"][1]["state"], "pending");
    // A KEK that is missing by mistake is not.
    operator.configure(&format!("{}{LOCAL_KEK}", file_store("keys.json")));
    let degraded = operator.run_by(&clock, &["status"]);
    assert_eq!(degraded.code, 1);
    assert!(
        degraded.output.contains("KEK \"second\", which this process does not have"),
        "{}",
        degraded.output
    );
    // Nobody has signed it for two hours.
    clock.advance(120 * MINUTE);
    let frozen = operator.run_by(&clock, &["status"]);
    assert_eq!(frozen.code, 2);
    assert!(frozen.output.contains("nothing is sealed"), "{}", frozen.output);
    assert_eq!(operator.run_by(&clock, &["maintain"]).code, 0);
    assert_eq!(operator.run_by(&clock, &["status"]).code, 1);
    // Another KEK than the one it is under.
    operator.does(&["keygen", "--out", "kek2"]);
    operator.configure(&format!(
        "{}{}",
        file_store("keys.json"),
        LOCAL_KEK.replace("\"kek\"", "\"kek2\"")
    ));
    let failing = operator.run_by(&clock, &["status", "--json"]);
    assert_eq!(failing.code, 2);
    let report: serde_json::Value = serde_json::from_str(&failing.output).unwrap();
    assert_eq!(
        (&report["health"], &report["store"]),
        (&"failing".into(), &serde_json::Value::Null)
    );
}

#[test]
fn a_kek_is_added_and_left_out() {
    let mut operator = Operator::with_file();
    operator.does(&["create-store"]);
    operator.does(&["provision", "acme"]);
    operator.does(&["keygen", "--out", "second"]);
    let second = "[[kek]]\nname = \"second\"\nkind = \"local\"\nkey_file = \"second\"\n";
    operator.configure(&format!("{}{LOCAL_KEK}{second}", file_store("keys.json")));
    assert_eq!(operator.does(&["rewrap"]), "rewrapped 2 keys\n");
    let refused =
        operator.fails(&["leave-out-kek", "main", "--confirm", "leave out KEK main of production"]);
    assert!(refused.contains("this manager has the KEK"), "{refused}");
    operator.configure(&format!("{}{second}", file_store("keys.json")));
    assert!(
        operator
            .fails(&["leave-out-kek", "main"])
            .contains("--confirm \"leave out KEK main of production\"")
    );
    operator.does(&["leave-out-kek", "main", "--confirm", "leave out KEK main of production"]);
    assert!(!operator.read("keys.json").contains("\"main\""));
    assert_eq!(operator.does(&["consistency"]), "checked 3 wraps, 0 problems\n");
}

#[test]
fn keys_of_before_become_the_store() {
    use base64::Engine as _;
    let key =
        |at: usize| base64::engine::general_purpose::STANDARD.encode(tests::secrets::KEYS[at]);
    let mut operator = Operator::with_file();
    operator.variable("ENCRYPTED_FIELD_KEYS", &format!("active=7,7:{},3:{}", key(1), key(2)));
    assert_eq!(
        operator.does(&["create-store", "--from-env"]),
        "made the store of production with 2 keys; rotate the active ones soon\n"
    );
    let listed = operator.does(&["keys", "list"]);
    assert!(listed.contains("7   (default)  field    active"), "{listed}");
    operator.assert_no_secret(&[&key(1), &key(2)]);

    let mut again = Operator::with_file();
    again.does(&["create-store", "--first-key-id", "40"]);
    assert!(again.does(&["keys", "list"]).contains("\n40  "));
}

#[test]
fn a_backup_that_somebody_has_changed_is_refused() {
    let mut operator = Operator::with_file();
    operator.does(&["create-store"]);
    operator.does(&["keys", "publish"]);
    operator.does(&["backup", "backup.json"]);
    let text = operator.read("backup.json");
    operator.write("changed.json", &text.replace("\"pending\"", "\"active\""));
    operator.write("half.json", &text[..text.len() / 2]);
    for file in ["changed.json", "half.json"] {
        operator.fails(&["verify-backup", file]);
        std::fs::rename(operator.path("keys.json"), operator.path("aside")).unwrap();
        operator.fails(&["restore", file]);
        assert!(!operator.path("keys.json").exists(), "{file} was restored");
        std::fs::rename(operator.path("aside"), operator.path("keys.json")).unwrap();
    }
    // Under another KEK.
    operator.does(&["keygen", "--out", "kek2"]);
    operator.configure(&format!(
        "{}{}",
        file_store("keys.json"),
        LOCAL_KEK.replace("\"kek\"", "\"kek2\"")
    ));
    operator.fails(&["verify-backup", "backup.json"]);
}

#[test]
fn of_a_store_that_was_set_back_no_backup_is_made() {
    let configuration = format!(
        "{}{LOCAL_KEK}[anchor]\nkind = \"file\"\npath = \"anchor\"\n",
        file_store("keys.json")
    );
    let mut operator = Operator::new(&configuration);
    operator.does(&["create-store"]);
    let before = operator.read("keys.json");
    operator.does(&["keys", "publish"]);
    operator.does(&["backup", "good.json"]);
    operator.write("keys.json", &before);
    operator.fails(&["backup", "bad.json"]);
    assert!(!operator.path("bad.json").exists());
    // What was made before the last change is older than the anchor, and is verified nevertheless.
    operator.write("old.json", &before);
    operator.does(&["verify-backup", "old.json"]);
}

#[test]
fn a_backup_with_a_broken_wrap_is_only_written_on_request() {
    let mut operator = Operator::with_file();
    operator.does(&["create-store"]);
    operator.does(&["keygen", "--out", "second"]);
    let second = "[[kek]]\nname = \"second\"\nkind = \"local\"\nkey_file = \"second\"\n";
    operator.configure(&format!("{}{LOCAL_KEK}{second}", file_store("keys.json")));
    let refused = operator.fails(&["backup", "backup.json"]);
    assert!(refused.contains("problem: key 1 is not wrapped under KEK \"second\""), "{refused}");
    assert!(!operator.path("backup.json").exists());
    operator.does(&["backup", "backup.json", "--with-problems"]);
    assert_eq!(operator.run(&["verify-backup", "backup.json"]).code, 1);
}

/// Nothing of another store would be accepted, and what is there then keeps the right backup out.
#[test]
fn a_backup_of_another_store_is_not_restored() {
    let configuration = format!(
        "{}{LOCAL_KEK}[anchor]\nkind = \"file\"\npath = \"anchor\"\n",
        file_store("keys.json")
    );
    let (mut operator, mut other) = (Operator::new(&configuration), Operator::new(&configuration));
    std::fs::copy(operator.path("kek"), other.path("kek")).unwrap();
    for operator in [&mut operator, &mut other] {
        operator.does(&["create-store"]);
        operator.does(&["backup", "backup.json"]);
        operator.does(&["keys", "publish"]);
    }
    std::fs::copy(other.path("backup.json"), operator.path("other.json")).unwrap();
    std::fs::remove_file(operator.path("keys.json")).unwrap();
    let refused = operator.fails(&["restore", "other.json"]);
    assert!(refused.contains("its anchor is of"), "{refused}");
    assert!(!operator.path("keys.json").exists());
    // The one of this store is older than the anchor, as backups are.
    operator.does(&["restore", "backup.json"]);
    // And what is there is not written over, whatever it is.
    operator.write("keys.json", "{");
    let refused = operator.fails(&["restore", "backup.json"]);
    assert!(refused.contains("keys.json") && refused.contains("move the file"), "{refused}");
}
