//! Scopes that are loaded when they are entered.

use encrypted_field::envelope::{CachePolicy, DestroyedScope, KeyManager};
use encrypted_field::{EncryptedFieldExt as _, ErrorKind, Result, Scope, key::Purpose};
use tests::secrets;

use crate::support::*;

fn seal_in(scope: &Scope) -> Result<String> {
    scope.run(|| Iban::from(secrets::BOT_TOKEN).to_stored_text())
}

fn open_in(scope: &Scope, stored: &str) -> Result<Iban> {
    scope.run(|| Iban::from_stored_text(stored.to_owned()))
}

fn tenants() -> (World, KeyManager, Scope, Scope) {
    let world = World::new();
    let keys = world.loaded();
    for tenant in ["acme", "globex"] {
        keys.provision(tenant).wait().unwrap();
    }
    let scopes = ["acme", "globex"].map(|tenant| keys.scope(tenant).wait().unwrap());
    let [acme, globex] = scopes;
    (world, keys, acme, globex)
}

#[test]
fn each_tenant_has_keys_of_its_own() {
    let (world, keys, acme, globex) = tenants();
    let stored = seal_in(&acme).unwrap();
    assert_eq!(key_of(&stored), 2);
    assert_eq!(&*open_in(&acme, &stored).unwrap(), secrets::BOT_TOKEN);
    assert_kind(open_in(&globex, &stored), ErrorKind::ScopeMismatch);
    assert_kind(Iban::from_stored_text(stored.clone()), ErrorKind::NoScope);
    assert_kind(Iban::from(secrets::BOT_TOKEN).to_stored_text(), ErrorKind::NoScope);
    // Another process.
    let other = world.loaded().scope("acme").wait().unwrap();
    assert_eq!(&*open_in(&other, &stored).unwrap(), secrets::BOT_TOKEN);
    // What is loaded with the process is another matter.
    assert_eq!(keys.keyring().unwrap().keys().count(), 1);
}

#[test]
fn a_scope_without_a_key_says_what_to_do() {
    let (world, keys, ..) = tenants();
    let error = assert_kind(keys.scope("nobody").wait(), ErrorKind::NoActiveKey);
    assert!(error.to_string().contains("provision"), "{error}");
    // Names that are made up don't keep the store busy, and put nobody out.
    let loads = world.store.loads();
    assert_kind(keys.scope("nobody").wait(), ErrorKind::KeyNotLoaded);
    assert_eq!(world.store.loads(), loads);
    for number in 0..1000 {
        let error = keys.scope(&format!("nobody-{number}")).wait().unwrap_err();
        assert!(
            [ErrorKind::NoActiveKey, ErrorKind::KeyNotLoaded].contains(&error.kind()),
            "{error}"
        );
    }
    assert_eq!(world.store.loads() - loads, 99, "a hundred a second at most");
    world.clock.advance(std::time::Duration::from_secs(1));
    // The default scope, and those of the program, are no tenant's.
    assert_kind(keys.scope("").wait(), ErrorKind::InvalidScope);
    // One that another process has just made is found.
    let behind = world.loaded();
    keys.provision("initech").wait().unwrap();
    seal_in(&behind.scope("initech").wait().unwrap()).unwrap();
    assert_kind(keys.provision("initech").wait(), ErrorKind::KeyLifecycle);
}

/// A tenant whose name got lost: no key is made for it, and none is used.
#[test]
fn a_name_that_is_empty_is_no_tenants() {
    let (world, keys, ..) = tenants();
    keys.create("slack", Purpose::Field).wait().unwrap();
    let loads = world.store.loads();
    let error = assert_kind(keys.scope("").wait(), ErrorKind::InvalidScope);
    assert!(error.to_string().contains("`Scope::default_scope()`"), "{error}");
    assert_kind(keys.provision("").wait(), ErrorKind::InvalidScope);
    assert_kind(keys.provision_all(["new", ""]).wait(), ErrorKind::InvalidScope);
    assert_eq!(world.store.loads(), loads, "nobody was asked");
    assert_kind(keys.scope("new").wait(), ErrorKind::NoActiveKey);
    // One that is the program's says how it is entered.
    let error = assert_kind(keys.scope("slack").wait(), ErrorKind::InvalidScope);
    assert!(error.to_string().contains("`Scope::named`"), "{error}");
}

#[test]
fn a_tenants_key_rotates_like_any_other() {
    let (world, keys, acme, _) = tenants();
    let other = world.loaded();
    let scope = other.scope("acme").wait().unwrap();
    let old = seal_in(&acme).unwrap();
    world.pass(91 * DAY, &[&keys, &other]);
    let new = seal_in(&acme).unwrap();
    assert!(key_of(&new) > key_of(&old));
    // Whoever has entered the scope before has its new keys.
    for scope in [&acme, &scope] {
        let value = open_in(scope, &old).unwrap();
        assert!(scope.run(|| value.is_stale()));
        open_in(scope, &new).unwrap();
    }
}

#[test]
fn keys_of_a_scope_expire_with_the_others() {
    let (world, keys, acme, _) = tenants();
    let stored = seal_in(&acme).unwrap();
    world.clock.advance(60 * MINUTE);
    assert_kind(open_in(&acme, &stored), ErrorKind::KeysExpired);
    keys.load().wait().unwrap();
    open_in(&acme, &stored).unwrap();
}

/// 64 of 2,000: the others are loaded again when they are entered.
#[test]
fn memory_is_bounded() {
    let world = World::new();
    let cache = CachePolicy::default().max_scopes(64);
    let keys = world.builder().cache(cache).build().unwrap();
    keys.load().wait().unwrap();
    let names: Vec<String> = (0..2000).map(|number| format!("tenant-{number}")).collect();
    keys.provision_all(names.iter().cloned()).wait().unwrap();
    let mut stored = Vec::new();
    for name in &names {
        stored.push(seal_in(&keys.scope(name).wait().unwrap()).unwrap());
    }
    let unwraps = world.eu.unwraps();
    keys.scope(&names[1999]).wait().unwrap();
    assert_eq!(world.eu.unwraps(), unwraps, "the last one is loaded");
    for (name, value) in names.iter().zip(&stored) {
        open_in(&keys.scope(name).wait().unwrap(), value).unwrap();
    }
    assert!(world.eu.unwraps() - unwraps >= 2000 - 64, "few of them were");
    // One that is entered all the time stays.
    let favourite = &names[7];
    keys.scope(favourite).wait().unwrap();
    let unwraps = world.eu.unwraps();
    for name in names.iter().take(500) {
        keys.scope(name).wait().unwrap();
        keys.scope(favourite).wait().unwrap();
    }
    assert_eq!(world.eu.unwraps() - unwraps, 499);
}

/// Its process has entered others since, more than it keeps.
#[test]
fn whoever_holds_a_scope_is_told_of_its_end() {
    let world = World::new();
    let cache = CachePolicy::default().max_scopes(4);
    let keys = world.builder().cache(cache).build().unwrap();
    keys.load().wait().unwrap();
    let names: Vec<String> = (0..100).map(|number| format!("tenant-{number}")).collect();
    keys.provision_all(names.iter().cloned()).wait().unwrap();
    let held = keys.scope(&names[0]).wait().unwrap();
    let stored = seal_in(&held).unwrap();
    for name in &names[1..] {
        keys.scope(name).wait().unwrap();
    }
    let status = keys.status().store.unwrap();
    let kept = status.keys.iter().filter(|key| key.on_demand).count();
    assert!((1..=5).contains(&kept), "{kept}: the others are not held");
    keys.destroy_scope(&names[0], "destroy scope tenant-0 of test").wait().unwrap();
    for refused in [open_in(&held, &stored).map(drop), seal_in(&held).map(drop)] {
        let error = assert_kind(refused, ErrorKind::KeyUnusable);
        assert!(error.to_string().contains("destroyed"), "{error}");
    }
}

/// A hundred requests of a cold tenant.
#[tokio::test]
async fn one_of_many_requests_loads() {
    let world = World::empty();
    let keys = world.process();
    keys.initialize().await.unwrap();
    keys.load().await.unwrap();
    keys.provision("acme").await.unwrap();
    let fresh = world.process();
    fresh.load().await.unwrap();
    let before = world.eu.unwraps();
    let mut requests = tokio::task::JoinSet::new();
    for _ in 0..100 {
        let keys = fresh.clone();
        requests.spawn(async move {
            let scope = keys.scope("acme").await?;
            scope.enter(async || Iban::from(secrets::BOT_TOKEN).to_stored_text()).await
        });
    }
    while let Some(done) = requests.join_next().await {
        done.unwrap().unwrap();
    }
    assert_eq!(world.eu.unwraps() - before, 1);
}

#[test]
fn a_scope_is_destroyed_with_a_confirmation_only() {
    let (world, keys, acme, globex) = tenants();
    let other = world.loaded();
    let elsewhere = other.scope("acme").wait().unwrap();
    let stored = seal_in(&acme).unwrap();
    let spared = seal_in(&globex).unwrap();
    for wrong in ["", "yes", "destroy scope globex of test", "destroy scope acme of production"] {
        let error = assert_kind(keys.destroy_scope("acme", wrong).wait(), ErrorKind::NotConfirmed);
        assert!(error.to_string().contains("destroy scope acme of test"), "{error}");
    }
    open_in(&acme, &stored).unwrap();

    let confirmation = "destroy scope acme of test";
    let shredded = keys.destroy_scope("acme", confirmation).wait().unwrap();
    assert_eq!(
        shredded,
        DestroyedScope::ExceptInBackups,
        "the store is in the database, and the KEK is everybody's"
    );
    // Whoever holds the scope, and whoever enters it anew, is told the same.
    let again = keys.scope("acme").wait().unwrap();
    for scope in [&acme, &again] {
        for refused in [open_in(scope, &stored).map(drop), seal_in(scope).map(drop)] {
            let error = assert_kind(refused, ErrorKind::KeyUnusable);
            assert!(error.to_string().contains("destroyed") && !error.is_retryable(), "{error}");
        }
    }
    open_in(&globex, &spared).unwrap();

    // Another process, when it refreshes.
    other.load().wait().unwrap();
    for refused in [open_in(&elsewhere, &stored).map(drop), seal_in(&elsewhere).map(drop)] {
        let error = assert_kind(refused, ErrorKind::KeyUnusable);
        assert!(error.to_string().contains("destroyed"), "{error}");
    }
    // Stopped half-way, it is run again.
    keys.destroy_scope("acme", confirmation).wait().unwrap();
    let nothing = keys.destroy_scope("nobody", "destroy scope nobody of test").wait();
    assert_kind(nothing, ErrorKind::KeyLifecycle);
    assert_kind(keys.destroy_scope("", "destroy scope  of test").wait(), ErrorKind::KeyLifecycle);
}

#[test]
fn tenants_that_are_there_already_are_provisioned_at_once() {
    let world = World::new();
    let keys = world.loaded();
    let tenants = || (0..1000).map(|number| format!("tenant-{number}"));
    keys.provision("tenant-7").wait().unwrap();
    let swaps = world.store.swaps();
    assert_eq!(keys.provision_all(tenants()).wait().unwrap(), 999);
    assert_eq!(world.store.swaps() - swaps, 4);
    assert_eq!(keys.provision_all(tenants()).wait().unwrap(), 0, "it is run again without harm");
    let fresh = world.loaded();
    let status = fresh.status().store.unwrap();
    assert_eq!((status.scopes_on_demand, status.keys.len()), (1000, 1));
    let all = all_on_demand(&fresh);
    let scopes: std::collections::HashSet<_> = all.iter().map(|key| &*key.scope).collect();
    assert_eq!((all.len(), scopes.len()), (1000, 1000), "each on one page");
    assert_eq!(
        fresh.keyring().unwrap().keys().count(),
        1,
        "no tenant's key is loaded before it is entered"
    );
}

/// Who comes back begins anew, and nothing of before opens.
#[test]
fn a_tenant_that_returns_gets_a_key_that_seals() {
    let (world, keys, acme, _) = tenants();
    let other = world.loaded();
    let elsewhere = other.scope("acme").wait().unwrap();
    let before = seal_in(&acme).unwrap();
    keys.destroy_scope("acme", "destroy scope acme of test").wait().unwrap();
    let id = keys.provision("acme").wait().unwrap();
    let scope = keys.scope("acme").wait().unwrap();
    let stored = seal_in(&scope).unwrap();
    assert_eq!(key_of(&stored), id.get());
    open_in(&scope, &stored).unwrap();
    assert_kind(open_in(&scope, &before), ErrorKind::KeyUnusable);
    let entry = all_on_demand(&keys).into_iter().find(|key| key.id == id).unwrap();
    assert_eq!(entry.version, 2, "it is the next one of its scope");
    // Another process that has the scope.
    other.load().wait().unwrap();
    open_in(&elsewhere, &stored).unwrap();
    // Now it has one.
    assert_kind(keys.provision("acme").wait(), ErrorKind::KeyLifecycle);
    assert_eq!(keys.provision_all(["acme", "globex"]).wait().unwrap(), 0);
    keys.destroy_scope("globex", "destroy scope globex of test").wait().unwrap();
    assert_eq!(keys.provision_all(["acme", "globex"]).wait().unwrap(), 1);
}

/// A scope with keys of which none seals: the error names the calls that make one.
#[test]
fn provisioning_what_has_keys_says_what_leads_to_one_that_seals() {
    let (_world, keys, ..) = tenants();
    let error = assert_kind(keys.provision("acme").wait(), ErrorKind::KeyLifecycle);
    assert!(
        error.to_string().contains("active") && error.to_string().contains("`publish`"),
        "{error}"
    );

    let create = || keys.create("slack", encrypted_field::key::Purpose::Field).wait();
    let pending = create().unwrap();
    let error = assert_kind(create(), ErrorKind::KeyLifecycle);
    assert!(error.to_string().contains("`activate` it, or `activate_at_once`"), "{error}");
    keys.mark_compromised(pending).wait().unwrap();
    let error = assert_kind(create(), ErrorKind::KeyLifecycle);
    assert!(
        error.to_string().contains("`publish` the next one, and `activate_at_once`"),
        "{error}"
    );
    // And they do.
    let next = keys.publish("slack", encrypted_field::key::Purpose::Field).wait().unwrap();
    keys.activate_at_once(next).wait().unwrap();
    SlackToken::from(secrets::BOT_TOKEN).to_stored_text_with(&keys.keyring().unwrap()).unwrap();
}

/// Whoever enters a tenant at the moment in which it is destroyed must not seal under its keys:
/// those values would be lost.
#[test]
fn a_scope_that_is_entered_while_it_is_destroyed_does_not_seal() {
    let world = World::new();
    world.loaded().provision("acme").wait().unwrap();
    world.eu.set_fault(Fault::Waits("acme"));
    let cache = CachePolicy::default().call_timeout(std::time::Duration::from_mins(1));
    let keys =
        world.without_keks().cache(cache).kek("eu", world.eu.clone()).kek("us", world.us.clone());
    let keys = keys.build().unwrap();
    keys.load().wait().unwrap();
    let asked = world.eu.unwraps();
    let scope = std::thread::scope(|threads| {
        let entering = threads.spawn(|| keys.scope("acme").wait());
        while world.eu.unwraps() == asked {
            std::thread::yield_now();
        }
        keys.destroy_scope("acme", "destroy scope acme of test").wait().unwrap();
        world.eu.set_fault(Fault::None);
        entering.join().unwrap()
    });
    let scope = scope.unwrap();
    let error = assert_kind(seal_in(&scope), ErrorKind::KeyUnusable);
    assert!(error.to_string().contains("destroyed"), "{error}");
    keys.load().wait().unwrap();
    assert_kind(seal_in(&scope), ErrorKind::KeyUnusable);
}

#[test]
fn what_is_no_tenants_is_passed_over_when_many_are_provisioned() {
    let world = World::new();
    let keys = world.loaded();
    keys.create("slack", encrypted_field::key::Purpose::Index).wait().unwrap();
    assert_eq!(keys.provision_all(["acme", "slack", "zeta"]).wait().unwrap(), 2);
}

/// That one key was destroyed is not why a scope does not seal.
#[test]
fn a_scope_with_other_keys_is_not_called_destroyed() {
    let world = World::new();
    let keys = world.loaded();
    let one = keys.create("slack", encrypted_field::key::Purpose::Field).wait().unwrap();
    keys.mark_compromised(one).wait().unwrap();
    let two = keys.publish("slack", encrypted_field::key::Purpose::Field).wait().unwrap();
    keys.destroy(two, &format!("destroy key {two} of test")).wait().unwrap();
    let ring = keys.keyring().unwrap();
    let sealed = SlackToken::from(secrets::BOT_TOKEN).to_stored_text_with(&ring);
    assert_kind(sealed, ErrorKind::NoActiveKey);
}
