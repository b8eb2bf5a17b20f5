//! Where a model may stand and how it may be written. What a model is on each backend is in
//! `suite/`; here SQLite shows that it compiles and works.

use diesel::SqliteConnection;
use diesel::prelude::*;
use tests::secrets;

use crate::keys;
use crate::schema::{self, slack_connections, webhooks};

/// With one row, whose token the models here read.
pub(crate) fn run(test: impl FnOnce(&mut SqliteConnection)) {
    let mut db = SqliteConnection::establish(":memory:").expect("open a database in memory");
    schema::create(&mut db, &crate::databases::sqlite::SQL_TYPES);
    let _held = keys::first().hold();
    diesel::insert_into(slack_connections::table)
        .values(&crate::models::SlackConnection::full(1))
        .execute(&mut db)
        .expect("insert");
    test(&mut db);
}

/// The attribute above, between and below the other derives, and Diesel's own attribute before or
/// after ours.
mod order {
    use super::*;
    use encrypted_field::Encrypted;

    #[derive(Encrypted, Queryable, Selectable)]
    #[diesel(table_name = slack_connections)]
    pub(super) struct First {
        #[encrypted(String)]
        pub(super) bot_token: FirstToken,
    }

    #[derive(Queryable, Encrypted)]
    #[diesel(table_name = slack_connections)]
    #[derive(Selectable)]
    pub(super) struct Between {
        #[diesel(column_name = bot_token)]
        #[encrypted(String)]
        pub(super) token: BetweenToken,
    }

    #[derive(Queryable, Selectable)]
    #[diesel(table_name = slack_connections)]
    #[derive(Encrypted)]
    pub(super) struct Last {
        #[encrypted(String)]
        #[diesel(column_name = bot_token)]
        pub(super) token: LastToken,
    }

    /// By its path, and the plaintext type by its.
    #[derive(diesel::Queryable, diesel::Selectable, encrypted_field::Encrypted)]
    #[diesel(table_name = crate::schema::slack_connections)]
    pub(super) struct ByPath {
        #[encrypted(std::string::String)]
        pub(super) bot_token: ByPathToken,
    }
}

#[test]
fn any_order_of_derives() {
    run(|db| {
        let table = slack_connections::table;
        let row = table.select(order::First::as_select()).first(db).expect("read");
        assert!(&*row.bot_token == secrets::BOT_TOKEN);
        let row = table.select(order::Between::as_select()).first(db).expect("read");
        assert!(&*row.token == secrets::BOT_TOKEN);
        let row = table.select(order::Last::as_select()).first(db).expect("read");
        assert!(&*row.token == secrets::BOT_TOKEN);
        let row = table.select(order::ByPath::as_select()).first(db).expect("read");
        assert!(&*row.bot_token == secrets::BOT_TOKEN);
    });
}

mod conditional {
    use super::*;

    #[cfg_attr(all(), derive(Debug, Queryable, Selectable, encrypted_field::Encrypted))]
    #[cfg_attr(all(), diesel(table_name = slack_connections, check_for_backend(diesel::sqlite::Sqlite)))]
    pub(super) struct Row {
        #[cfg_attr(all(), encrypted(String))]
        pub(super) bot_token: Token,
        #[cfg(any())]
        pub(super) not_there: Nowhere,
        #[cfg_attr(all(), encrypted(String, context = "slack_connections.signing_secret"))]
        #[cfg_attr(all(), diesel(column_name = signing_secret))]
        pub(super) secret: Option<Secret>,
    }
}

#[test]
fn attributes_under_cfg_attr() {
    run(|db| {
        let row =
            slack_connections::table.select(conditional::Row::as_select()).first(db).expect("read");
        assert!(&*row.bot_token == secrets::BOT_TOKEN);
        assert!(row.secret.as_deref() == Some(secrets::SIGNING_SECRET));
    });
}

#[test]
fn inside_a_function() {
    #[derive(
        Queryable, Selectable, Insertable, AsChangeset, Identifiable, encrypted_field::Encrypted,
    )]
    #[diesel(table_name = slack_connections)]
    struct Row {
        id: i32,
        #[encrypted(String)]
        bot_token: LocalToken,
    }

    run(|db| {
        let mut row = slack_connections::table.select(Row::as_select()).first(db).expect("read");
        assert!(&*row.bot_token == secrets::BOT_TOKEN);
        row.bot_token = LocalToken::from("");
        diesel::update(&row).set(&row).execute(db).expect("update");
        let row = slack_connections::table.select(Row::as_select()).first(db).expect("read");
        assert!(row.id == 1 && row.bot_token.is_empty());
    });
}

macro_rules! model {
    ($(#[$attribute:meta])* $visibility:vis struct $name:ident in $table:ident {
        $($field:ident: $wrapper:ident<$type:ident> of $plain:ty as $column:ident),+
    }) => {
        #[derive(Debug, Queryable, Selectable, encrypted_field::Encrypted)]
        #[diesel(table_name = $table)]
        $(#[$attribute])*
        $visibility struct $name {
            $(
                #[encrypted($plain)]
                #[diesel(column_name = $column)]
                $visibility $field: $wrapper<$type>
            ),+
        }
    };
}

mod generated {
    use super::*;

    model! {
        /// Types and names from outside the macro.
        pub(super) struct Generated in slack_connections {
            secret: Option<GeneratedSecret> of String as signing_secret,
            key: Option<GeneratedKey> of Vec<u8> as backup_key
        }
    }
}

#[test]
fn from_macro_rules() {
    run(|db| {
        let row = slack_connections::table
            .select(generated::Generated::as_select())
            .first(db)
            .expect("read");
        assert!(row.secret.as_deref() == Some(secrets::SIGNING_SECRET));
        assert!(row.key.as_deref() == Some(&secrets::KEYS[6][..]));
        let made: generated::GeneratedSecret = secrets::SIGNING_SECRET.into();
        assert!(row.secret == Some(made));
    });
}

/// A type has its model's visibility, whatever its field's; lints that libraries deny find nothing
/// in what is generated.
#[deny(
    dead_code,
    missing_debug_implementations,
    missing_docs,
    private_bounds,
    private_interfaces,
    unreachable_pub,
    unused
)]
mod visibility {
    use super::*;
    use encrypted_field::Encrypted;

    /// Private to this module.
    #[derive(Debug, Queryable, Selectable, Insertable, Encrypted)]
    #[diesel(table_name = webhooks)]
    struct Private {
        id: i32,
        #[encrypted(String, context = "webhooks.type")]
        type_: PrivateType,
        #[encrypted(String)]
        secret: PrivateSecret,
    }

    /// As visible as can be, with fields that are not.
    #[derive(Debug, Queryable, Selectable, Encrypted)]
    #[diesel(table_name = webhooks)]
    pub(crate) struct Public {
        /// Whose type others may name, and whose value they can't reach.
        #[encrypted(String, context = "webhooks.type")]
        type_: Type,
        #[encrypted(String, context = "webhooks.secret")]
        pub(super) secret: Secret,
    }

    impl Public {
        pub(crate) fn webhook_type(&self) -> &Type {
            &self.type_
        }
    }

    pub(super) fn insert(db: &mut SqliteConnection) -> QueryResult<usize> {
        let row = Private { id: 1, type_: "".into(), secret: secrets::SIGNING_SECRET.into() };
        diesel::insert_into(webhooks::table).values(row).execute(db)
    }

    pub(super) fn is_there(db: &mut SqliteConnection) -> QueryResult<bool> {
        let row = webhooks::table.select(Private::as_select()).first(db)?;
        Ok(row.id == 1 && row.type_.is_empty() && &*row.secret == secrets::SIGNING_SECRET)
    }
}

#[test]
fn private_and_crate_visible() {
    run(|db| {
        assert_eq!(visibility::insert(db), Ok(1));
        assert_eq!(visibility::is_there(db), Ok(true));
        let row = webhooks::table.select(visibility::Public::as_select()).first(db).expect("read");
        let webhook_type: &visibility::Type = row.webhook_type();
        assert!(webhook_type.is_empty() && &*row.secret == secrets::SIGNING_SECRET);
    });
}
