//! Plans: what would change if apps were to be as a file says. The server decides what differs, so
//! that every client says the same.

pub mod differ;
pub mod make;
pub mod schema;
