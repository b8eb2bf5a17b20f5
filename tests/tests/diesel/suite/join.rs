//! Associations and joins; a left join makes an encrypted column optional.

use diesel::prelude::*;

use super::{Connection, insert, run};
use crate::models::{
    BackupKey, BotToken, Organization, SigningKey, SigningSecret, SlackConnection, acme,
};
use crate::schema::{organizations, slack_connections};

/// The secret of the other table, by an expression.
#[derive(Debug, PartialEq, HasQuery)]
#[diesel(base_query = organizations::table.left_join(slack_connections::table), table_name = organizations)]
struct WithToken {
    id: i32,
    #[diesel(select_expression = slack_connections::bot_token.nullable())]
    bot_token: Option<BotToken>,
    #[diesel(select_expression = slack_connections::signing_secret.nullable())]
    signing_secret: Option<SigningSecret>,
    #[diesel(select_expression = slack_connections::signing_key.nullable())]
    signing_key: Option<SigningKey>,
    #[diesel(select_expression = slack_connections::backup_key.nullable())]
    backup_key: Option<BackupKey>,
}

/// The other table's row, if there is one.
#[derive(Debug, Clone, PartialEq, Queryable, Selectable)]
#[diesel(table_name = organizations)]
struct WithConnection {
    #[diesel(embed)]
    organization: Organization,
    #[diesel(embed)]
    connection: Option<SlackConnection>,
}

/// An organization with two connections, and one without.
fn two_organizations(db: &mut Connection) -> ([Organization; 2], [SlackConnection; 2]) {
    let organizations = [acme(), Organization { id: 2, name: "Globex".to_owned() }];
    diesel::insert_into(organizations::table).values(&organizations).execute(db).expect("insert");
    let connections = [SlackConnection::full(10), SlackConnection::sparse(11)];
    connections.iter().for_each(|row| insert(db, row));
    (organizations, connections)
}

#[test]
fn belonging_to() {
    run(|db| {
        let (organizations, connections) = two_organizations(db);
        let of = |organization: &Organization, db: &mut Connection| {
            let of = SlackConnection::belonging_to(organization);
            of.order(slack_connections::id).select(SlackConnection::as_select()).load(db)
        };
        assert_eq!(of(&organizations[0], db).as_deref(), Ok(&connections[..]));
        assert_eq!(of(&organizations[1], db).as_deref(), Ok(&[][..]));

        let all = SlackConnection::belonging_to(&organizations[..]).order(slack_connections::id);
        let grouped = all.load::<SlackConnection>(db).expect("load").grouped_by(&organizations);
        assert_eq!(grouped, [connections.to_vec(), Vec::new()]);
    });
}

#[test]
fn inner_join() {
    run(|db| {
        let (organizations, connections) = two_organizations(db);
        let rows: Vec<(Organization, SlackConnection)> = organizations::table
            .inner_join(slack_connections::table)
            .order(slack_connections::id)
            .select((Organization::as_select(), SlackConnection::as_select()))
            .load(db)
            .expect("join");
        assert_eq!(rows, connections.map(|row| (organizations[0].clone(), row)));
    });
}

#[test]
fn left_join_of_columns() {
    run(|db| {
        let (_, [full, sparse]) = two_organizations(db);
        let rows = WithToken::query().order((organizations::id, slack_connections::id)).load(db);
        let expected = |id, row: Option<SlackConnection>| {
            let (token, key) = row.clone().map(|row| (row.bot_token, row.signing_key)).unzip();
            let (secret, backup) =
                row.map(|row| (row.signing_secret, row.backup_key)).unwrap_or_default();
            WithToken {
                id,
                bot_token: token,
                signing_secret: secret,
                signing_key: key,
                backup_key: backup,
            }
        };
        assert_eq!(
            rows,
            Ok(vec![expected(1, Some(full)), expected(1, Some(sparse)), expected(2, None)])
        );
    });
}

#[test]
fn left_join_of_a_row() {
    run(|db| {
        let ([with, without], [full, sparse]) = two_organizations(db);
        let rows = organizations::table
            .left_join(slack_connections::table)
            .order((organizations::id, slack_connections::id))
            .select(WithConnection::as_select())
            .load(db);
        let expected = [(&with, Some(full)), (&with, Some(sparse)), (&without, None)];
        let expected = expected.map(|(organization, connection)| WithConnection {
            organization: organization.clone(),
            connection,
        });
        assert_eq!(rows, Ok(expected.to_vec()));

        let tuples: Vec<(i32, Option<SlackConnection>)> = organizations::table
            .left_join(slack_connections::table)
            .filter(slack_connections::id.is_null())
            .select((organizations::id, Option::<SlackConnection>::as_select()))
            .load(db)
            .expect("join");
        assert_eq!(tuples, [(2, None)]);
    });
}
