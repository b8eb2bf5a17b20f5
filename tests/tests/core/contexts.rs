//! A field that was renamed reads what it wrote under its old names, and nothing else does.

use encrypted_field::__private::check_contexts;
use encrypted_field::{Encrypted, ErrorKind, FieldInfo, Secret};
use tests::refused;
use tests::secrets::BOT_TOKEN;

use crate::fields::{BotToken, FORMS, KINDS, SigningSecret, open, ring, rotated, seal};

/// [`BotToken`] after it was renamed twice.
#[derive(Encrypted)]
#[encrypted(
    context = "slack_connections.token",
    previous_context = "connections.token",
    previous_context = "slack_connections.bot_token"
)]
struct Renamed(Secret<String>);

#[test]
fn a_value_under_a_previous_context_opens_and_is_stale() {
    let ring = ring();
    for form in FORMS {
        for kind in KINDS {
            let old = seal(&ring, form, kind, &BotToken::from(BOT_TOKEN)).unwrap();
            let read = open::<Renamed>(&ring, form, kind, &old).unwrap();
            assert!(&*read == BOT_TOKEN);
            assert!(encrypted_field::EncryptedFieldExt::is_stale_with(&read, &ring));
            assert!(!read.is_legacy());
            assert_eq!(read.key_id().map(encrypted_field::KeyId::get), Some(7));

            // Written back, it is under the new name: no longer stale, and the old field can't read
            // it.
            let new = seal(&ring, form, kind, &read).unwrap();
            let read = open::<Renamed>(&ring, form, kind, &new).unwrap();
            assert!(!encrypted_field::EncryptedFieldExt::is_stale_with(&read, &ring));
            refused(open::<BotToken>(&ring, form, kind, &new), ErrorKind::Authentication);
        }
    }
}

#[test]
fn previous_contexts_are_no_master_key() {
    let ring = ring();
    for form in FORMS {
        for kind in KINDS {
            let other = seal(&ring, form, kind, &SigningSecret::from(BOT_TOKEN)).unwrap();
            refused(open::<Renamed>(&ring, form, kind, &other), ErrorKind::Authentication);
            // The kinds stay apart under every context.
            let old = seal(&ring, form, kind, &BotToken::from(BOT_TOKEN)).unwrap();
            let other_kind = KINDS[usize::from(kind == KINDS[0])];
            refused(open::<Renamed>(&ring, form, other_kind, &old), ErrorKind::Authentication);
        }
    }
}

#[test]
fn a_previous_context_and_an_older_key_at_once() {
    let stored = seal(&ring(), FORMS[0], KINDS[0], &BotToken::from(BOT_TOKEN)).unwrap();
    let read = open::<Renamed>(&rotated(), FORMS[0], KINDS[0], &stored).unwrap();
    assert!(
        &*read == BOT_TOKEN && encrypted_field::EncryptedFieldExt::is_stale_with(&read, &rotated())
    );
    let written = seal(&rotated(), FORMS[0], KINDS[0], &read).unwrap();
    assert!(written.starts_with(b"ef1:8:"));
}

/// A field whose previous context is another field's present one could be given that field's
/// values.
#[test]
fn the_check_across_models_finds_a_context_in_use() {
    let token = FieldInfo::of::<BotToken>("slack_connections", "bot_token");
    let renamed = FieldInfo::of::<Renamed>("slack_connections", "token");
    let secret = FieldInfo::of::<SigningSecret>("slack_connections", "signing_secret");
    assert!(check_contexts(&[&[token, secret]]).is_ok());
    for models in [&[&[token, renamed][..]][..], &[&[renamed], &[secret], &[token]]] {
        let error = refused(check_contexts(models), ErrorKind::AmbiguousContext);
        assert_eq!(error.column(), Some("slack_connections.bot_token"));
    }
    // The same column in two structs, as for reading and for writing, is one column.
    assert!(check_contexts(&[&[token], &[token, secret]]).is_ok());
    let elsewhere = FieldInfo::of::<BotToken>("other_table", "bot_token");
    refused(check_contexts(&[&[token], &[elsewhere]]), ErrorKind::AmbiguousContext);
}

/// What [`BotToken`] says of its column, said once more, with one difference each.
mod again {
    use encrypted_field::{Encrypted, Secret};

    #[derive(Encrypted)]
    #[encrypted(context = "slack_connections.bot_token")]
    pub(super) struct Same(Secret<String>);

    #[derive(Encrypted)]
    #[encrypted(context = "slack_connections.bot_token")]
    pub(super) struct Plaintext(Secret<Vec<u8>>);

    #[derive(Encrypted)]
    #[encrypted(context = "slack_connections.bot_token", storage = "binary")]
    pub(super) struct Storage(Secret<String>);

    #[derive(Encrypted)]
    #[encrypted(context = "slack_connections.token")]
    pub(super) struct Context(Secret<String>);

    #[derive(Encrypted)]
    #[encrypted(context = "connections.token")]
    pub(super) struct Former(Secret<String>);

    #[derive(Encrypted)]
    #[encrypted(context = "slack_connections.bot_token", scope = "slack")]
    pub(super) struct Scope(Secret<String>);

    #[derive(Encrypted)]
    #[encrypted(context = "slack_connections.bot_token", scope = dynamic)]
    pub(super) struct Dynamic(Secret<String>);
}

#[test]
fn the_check_across_models_finds_a_column_that_is_declared_in_two_ways() {
    const TABLE: &str = "slack_connections";
    let token = FieldInfo::of::<BotToken>(TABLE, "bot_token");
    let secret = FieldInfo::of::<SigningSecret>(TABLE, "signing_secret");
    let same = FieldInfo::of::<again::Same>(TABLE, "bot_token");
    assert!(check_contexts(&[&[token, secret], &[same]]).is_ok());
    let conflicts = [
        (
            FieldInfo::of::<again::Plaintext>(TABLE, "bot_token"),
            "again::Plaintext` (alloc::vec::Vec<u8>, text",
        ),
        (
            FieldInfo::of::<again::Storage>(TABLE, "bot_token"),
            "again::Storage` (alloc::string::String, binary",
        ),
        (FieldInfo::of::<again::Context>(TABLE, "bot_token"), "context `slack_connections.token`"),
        (FieldInfo::of::<again::Scope>(TABLE, "bot_token"), "keys of the scope `slack`"),
        (FieldInfo::of::<again::Dynamic>(TABLE, "bot_token"), "keys of the scope that is entered"),
    ];
    for (other, says) in conflicts {
        for models in [&[&[token, secret][..], &[other]][..], &[&[other], &[secret], &[token]]] {
            let error = refused(check_contexts(models), ErrorKind::ConflictingModels);
            assert_eq!(error.column(), Some(models.last().unwrap()[0].context));
            let text = error.to_string();
            for part in
                ["slack_connections.bot_token is ", "BotToken` (alloc::string::String, text", says]
            {
                assert!(text.contains(part), "{text}");
            }
        }
    }
}

/// Without a table, one name of a column says nothing.
#[test]
fn columns_of_no_table_are_told_apart_by_their_context() {
    let token = FieldInfo::of::<BotToken>("", "token");
    let elsewhere = FieldInfo::of::<again::Context>("", "token");
    assert!(check_contexts(&[&[token], &[elsewhere]]).is_ok());
    // One reads what the other had written: only the table could tell them apart.
    let renamed = FieldInfo::of::<Renamed>("", "token");
    let former = FieldInfo::of::<again::Former>("", "token");
    refused(check_contexts(&[&[renamed], &[former]]), ErrorKind::AmbiguousContext);
    let conflict = FieldInfo::of::<again::Plaintext>("", "token");
    refused(check_contexts(&[&[token], &[conflict]]), ErrorKind::ConflictingModels);
}
