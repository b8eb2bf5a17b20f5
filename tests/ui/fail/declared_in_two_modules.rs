//! Two structs declare a type of one name, each in its own module: an error of rustc's where the
//! types meet, which the documentation of the derive explains.

mod users {
    #[derive(encrypted_field::Encrypted)]
    #[encrypted(table = "users")]
    pub struct User {
        #[encrypted(String)]
        pub token: Token,
    }
}

mod changes {
    #[derive(encrypted_field::Encrypted)]
    #[encrypted(table = "users")]
    pub struct Change {
        #[encrypted(String)]
        pub token: Token,
    }
}

fn apply(change: changes::Change, user: &mut users::User) {
    user.token = change.token;
}

fn main() {}
