//! One struct declares a type, the others import it: an error of rustc's, which the documentation
//! of the derive explains.

mod users {
    #[derive(encrypted_field::Encrypted)]
    #[encrypted(table = "users")]
    pub struct User {
        #[encrypted(String)]
        pub token: Token,
    }
}

mod changes {
    use crate::users::Token;

    #[derive(encrypted_field::Encrypted)]
    #[encrypted(table = "users")]
    pub struct Change {
        #[encrypted(String)]
        pub token: Token,
    }
}

fn main() {}
