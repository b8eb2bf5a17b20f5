//! The command on servers: PostgreSQL, MariaDB, Vault (its stand-in), AWS (moto). `./test -p
//! encrypted-field-cli` starts them.

mod support;

use aws_tests::Moto;
use support::{KEY_SET, LOCAL_KEK, Operator, life, store};
use tests::Database;
use vault_tests::{Place, run};

/// The URL of a database with a password that the server, which trusts everybody, takes as well.
fn with_password(url: &str) -> String {
    let (scheme, rest) = url.split_once("://").expect("a scheme");
    let (user, rest) = rest.split_once('@').expect("a user");
    format!("{scheme}://{user}:CANARY-password@{rest}")
}

/// On one database, and restored into another.
fn on_a_database(kind: &str, url: &str, other: &str) {
    // As it stands in the configuration of an application: in a variable, with its password.
    let settings = format!("kind = \"{kind}\"\nurl_env = \"DATABASE_URL\"");
    let mut operator = Operator::new(&format!("{}{LOCAL_KEK}", store(&settings)));
    let of_server = if kind == "postgres" { with_password(url) } else { url.to_owned() };
    operator.variable("DATABASE_URL", &of_server);
    // Before there is a table.
    operator.fails(&["create-store"]);
    operator.does(&["schema", "--apply"]);
    life(&mut operator, None);
    assert!(operator.does(&["status", "--json"]).contains("\"clock_difference\": 0"));

    // The disaster: the database is a new one.
    operator.variable("DATABASE_URL", other);
    operator.does(&["schema", "--apply"]);
    assert_eq!(operator.run(&["status"]).code, 2);
    operator.does(&["restore", "backup.json"]);
    assert_eq!(operator.does(&["consistency"]), "checked 7 wraps, 0 problems\n");
    assert!(operator.fails(&["restore", "backup.json"]).contains("is not empty"));

    // A backup of one kind of store is a backup of any.
    let moved = format!("{}{LOCAL_KEK}", store("kind = \"file\"\npath = \"moved.json\""));
    let database = operator.read("encrypted-field.toml");
    operator.configure(&moved);
    operator.does(&["restore", "backup.json"]);
    assert_eq!(operator.does(&["consistency"]), "checked 7 wraps, 0 problems\n");
    operator.configure(&database);

    // Nobody listens there.
    operator.variable("DATABASE_URL", &with_password(&format!("{kind}://app@127.0.0.1:1/none")));
    assert_eq!(operator.run(&["status"]).code, 2);
    operator.fails(&["schema", "--apply"]);
    operator.variable("DATABASE_URL", "CANARY-no-url");
    operator.fails(&["keys", "list"]);
    operator.assert_no_secret(&[]);
}

#[test]
fn on_postgresql() {
    let (Some(database), Some(other)) = (Database::postgres(), Database::postgres()) else {
        return;
    };
    on_a_database("postgres", &database.url(), &other.url());

    // The password by itself, beside a URL without one.
    let settings =
        format!("kind = \"postgres\"\nurl = \"{}\"\npassword_file = \"password\"", database.url());
    let mut operator = Operator::new(&format!("{}{LOCAL_KEK}", store(&settings)));
    operator.write("password", "CANARY-password\n");
    operator.does(&["status"]);
    operator.assert_no_secret(&[]);
}

#[test]
fn on_mariadb() {
    let (Some(database), Some(other)) = (Database::mariadb(), Database::mariadb()) else { return };
    on_a_database("mysql", &database.url(), &other.url());
}

#[test]
fn on_vault() {
    run(async {
        let place = Place::stand_in().await;
        let token = place.admin.token.clone();
        let (mount, role_id, secret_id) = place.app_role().await;
        let configuration = |login: &str| {
            format!(
                "key_set = \"{KEY_SET}\"\n[vault.main]\naddress = \"{}\"\n{login}\n\
                 [store]\nkind = \"vault-kv\"\nmount = \"{kv}\"\npath = \"app/data-keys\"\n\
                 [[kek]]\nname = \"vault\"\nkind = \"vault\"\nmount = \"{transit}\"\nkey = \"app\"\nkey_per_scope = \"tenant-\"\n\
                 [anchor]\nkind = \"vault-kv\"\nmount = \"{kv}\"\npath = \"app/anchor\"\n",
                place.admin.address,
                kv = place.kv,
                transit = place.transit
            )
        };
        let mut operator = Operator::new(&configuration("token_file = \"token\""));
        operator.write("token", &token);
        life(&mut operator, None);
        // Its KEK went with it: the backup from before has the wrapped key, and nobody opens it.
        let verified = operator.run(&["verify-backup", "backup.json"]);
        assert_eq!(verified.code, 1, "{}", verified.output);
        assert!(
            verified.output.contains("problem: key 5 under KEK \"vault\""),
            "{}",
            verified.output
        );

        // A dry run makes no KEK of a scope, and destroys none.
        let changes = || place.stand_in.as_ref().unwrap().calls("keys");
        let before = changes();
        let planned = operator.does(&["provision", "umbrella", "--dry-run"]);
        assert!(planned.contains("(field, umbrella): new, active, under vault"), "{planned}");
        let planned = operator.does(&["destroy-scope", "acme", "--dry-run"]);
        assert!(planned.contains("would write: the KEK of scope acme"), "{planned}");
        assert_eq!(changes(), before);
        operator.does(&["provision", "umbrella"]);
        assert_ne!(changes(), before);

        operator.configure(&configuration(&format!(
            "role_id = \"{role_id}\"\nsecret_id_env = \"SECRET_ID\"\nauth_mount = \"{mount}\""
        )));
        operator.variable("SECRET_ID", &secret_id);
        operator.does(&["consistency"]);
        operator.variable("SECRET_ID", "CANARY-wrong");
        assert_eq!(operator.run(&["status"]).code, 2);
        operator.assert_no_secret(&[&token, &secret_id]);
    });
}

#[test]
fn on_aws() {
    let Some(moto) = Moto::running() else { return };
    let endpoint = std::env::var("EF_TEST_MOTO_URL").unwrap();
    run(async {
        let alias = moto.alias(&moto.key().await).await;
        let (secret, bucket) = (moto.secret().await, moto.bucket().await);
        let aws = format!("region = \"eu-central-1\"\nendpoint = \"{endpoint}\"\n");
        let kek = format!("[[kek]]\nname = \"eu\"\nkind = \"aws-kms\"\nkey = \"{alias}\"\n{aws}");
        let anchor = format!(
            "[anchor]\nkind = \"s3\"\nbucket = \"{bucket}\"\nkey = \"anchor\"\npath_style = true\n{aws}"
        );
        let in_secret =
            store(&format!("kind = \"secrets-manager\"\nsecret_name = \"{secret}\"\n{aws}"));
        let in_object = store(&format!(
            "kind = \"s3\"\nbucket = \"{bucket}\"\nkey = \"keys\"\npath_style = true\n{aws}"
        ));
        for configuration in [format!("{in_secret}{kek}{anchor}"), format!("{in_object}{kek}")] {
            let mut operator = Operator::new(&configuration);
            operator.variable("AWS_ACCESS_KEY_ID", "test");
            operator.variable("AWS_SECRET_ACCESS_KEY", "CANARY-access-key");
            operator.variable("AWS_SESSION_TOKEN", "CANARY-session-token");
            life(&mut operator, None);
            if configuration.contains(&secret) {
                let another = configuration
                    .replace(&secret, &moto.secret().await)
                    .replace("\"anchor\"", "\"other\"");
                operator.configure(&another);
                operator.does(&["restore", "backup.json"]);
                assert_eq!(operator.does(&["consistency"]), "checked 7 wraps, 0 problems\n");
            }
            operator.assert_no_secret(&[]);
        }
    });
}
