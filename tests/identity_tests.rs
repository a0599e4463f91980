//! Who may do what: tokens, users, roles, namespaces, and the record of it.

mod support;

mod identity {
    mod login;
    mod namespaces;
    mod tokens;
    mod users;
}
