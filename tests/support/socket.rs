//! `/ws`, as clients in other languages use it.

use futures_util::{SinkExt, StreamExt};
use serde_json::Value;
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::{self, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};

use super::{Api, SOON};

/// A connection to `/ws`.
pub type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// Asks for a WebSocket with these headers; answers it or the status of the refusal.
pub fn connect(api: &Api, headers: &[(&'static str, &str)]) -> Result<Socket, u16> {
    let mut request = format!("ws://{}/ws", api.address).into_client_request().unwrap();
    for (name, value) in headers {
        request.headers_mut().insert(*name, value.parse().unwrap());
    }
    match api.block_on(tokio_tungstenite::connect_async(request)) {
        Ok((socket, _)) => Ok(socket),
        Err(tungstenite::Error::Http(response)) => Err(response.status().as_u16()),
        Err(e) => panic!("{e}"),
    }
}

/// The first message for which `wanted` holds.
#[track_caller]
pub fn wait(api: &Api, socket: &mut Socket, what: &str, wanted: impl Fn(&Value) -> bool) -> Value {
    let search = async {
        loop {
            let message = socket.next().await.expect("the end").expect("a message");
            let Message::Text(text) = message else { continue };
            let value: Value = serde_json::from_str(&text).expect("JSON");
            if wanted(&value) {
                return value;
            }
        }
    };
    let found = api.block_on(async { tokio::time::timeout(SOON, search).await });
    found.unwrap_or_else(|_| panic!("{what} did not come"))
}

/// Sends a document.
pub fn say(api: &Api, socket: &mut Socket, value: &Value) {
    api.block_on(socket.send(Message::text(value.to_string()))).unwrap();
}

/// One that speaks our protocol, by a bearer token.
#[track_caller]
pub fn subscriber(api: &Api, token: &str) -> Socket {
    let bearer = format!("Bearer {token}");
    let headers = [("authorization", bearer.as_str()), ("sec-websocket-protocol", "pmdaemon.v1")];
    connect(api, &headers).expect("a WebSocket")
}

/// The code and reason with which the server closes.
#[track_caller]
pub fn closed(api: &Api, socket: &mut Socket) -> (u16, String) {
    let search = async {
        loop {
            match socket.next().await.expect("a close").expect("a message") {
                Message::Close(Some(frame)) => return (frame.code.into(), frame.reason.to_string()),
                _ => continue,
            }
        }
    };
    let found = api.block_on(async { tokio::time::timeout(SOON, search).await });
    found.expect("it stays open")
}
