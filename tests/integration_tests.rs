//! The API as strangers meet it, and the shape of the program itself.

mod support;

mod integration {
    mod browser;
    mod compat;
    mod compressed;
    mod layering;
    mod problems;
    mod routes;
    mod tokens;
    mod websocket;
}
