//! Who may do what: tokens, users, roles, namespaces, and the record of it.

mod support;

mod identity {
    mod audit;
    mod login;
    mod matrix;
    mod namespaces;
    mod readme;
    mod tokens;
    mod users;
}
