//! A receiver of webhooks, which can be ended and begun again at the same address.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use serde_json::{Value, json};

use crate::support::{Api, SOON, wait_for};

/// A request that came.
#[derive(Clone, Debug)]
pub struct Came {
    pub path: String,
    /// Names in small letters.
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Came {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|e| panic!("no JSON ({e}): {self:?}"))
    }
}

/// The receiver of one test.
pub struct Receiver {
    pub address: SocketAddr,
    came: Arc<Mutex<Vec<Came>>>,
    /// What it answers: the head without its last empty line.
    answer: Arc<Mutex<String>>,
    ends: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Receiver {
    pub fn start() -> Receiver {
        let mut receiver = Receiver {
            address: ([127, 0, 0, 1], 0).into(),
            came: Arc::default(),
            answer: Arc::new(Mutex::new("HTTP/1.1 204 No Content\r\n".to_owned())),
            ends: Arc::default(),
            thread: None,
        };
        receiver.begin();
        receiver
    }

    /// Listens again.
    pub fn begin(&mut self) {
        let listener = TcpListener::bind(self.address).unwrap();
        self.address = listener.local_addr().unwrap();
        self.ends = Arc::default();
        let (came, answer, ends) = (self.came.clone(), self.answer.clone(), self.ends.clone());
        self.thread = Some(std::thread::spawn(move || {
            for stream in listener.incoming() {
                if ends.load(Ordering::SeqCst) {
                    return;
                }
                let answer = answer.lock().unwrap().clone();
                if let Some(request) = stream.ok().and_then(|stream| serve(stream, &answer)) {
                    came.lock().unwrap().push(request);
                }
            }
        }));
    }

    /// Nobody listens any more.
    pub fn end(&mut self) {
        if let Some(thread) = self.thread.take() {
            self.ends.store(true, Ordering::SeqCst);
            let _ = TcpStream::connect(self.address);
            thread.join().unwrap();
        }
    }

    pub fn answers(&self, head: &str) {
        *self.answer.lock().unwrap() = head.to_owned();
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub fn came(&self) -> Vec<Came> {
        self.came.lock().unwrap().clone()
    }

    /// States and rules of what came, in order.
    pub fn told(&self) -> Vec<(String, String)> {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        self.came()
            .iter()
            .map(Came::json)
            .map(|it| (text(&it["state"]), text(&it["alert"]["rule"])))
            .collect()
    }

    /// Waits for the first that tells this of a rule.
    pub fn wait(&self, state: &str, rule: &str) -> Value {
        wait_for(&format!("{rule} {state}"), SOON * 4, || {
            let came = self.came();
            let mut bodies = came.iter().map(Came::json);
            bodies.find(|it| it["state"] == state && it["alert"]["rule"] == rule)
        })
    }

    /// How often that came.
    pub fn count(&self, state: &str, rule: &str) -> usize {
        self.told().iter().filter(|(of, name)| of == state && name == rule).count()
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.end();
    }
}

fn serve(mut stream: TcpStream, answer: &str) -> Option<Came> {
    stream.set_read_timeout(Some(Duration::from_secs(5))).ok()?;
    let mut reader = BufReader::new(stream.try_clone().ok()?);
    let mut line = String::new();
    reader.read_line(&mut line).ok()?;
    let path = line.split(' ').nth(1)?.to_owned();
    let mut headers = Vec::new();
    loop {
        line.clear();
        reader.read_line(&mut line).ok()?;
        let Some((name, value)) = line.trim_end().split_once(':') else { break };
        headers.push((name.to_lowercase(), value.trim().to_owned()));
    }
    let length = headers.iter().find(|(name, _)| name == "content-length")?.1.parse().ok()?;
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    stream.write_all(format!("{answer}Content-Length: 0\r\nConnection: close\r\n\r\n").as_bytes()).ok()?;
    Some(Came { path, headers, body })
}

/// Makes a channel that must be taken.
#[track_caller]
pub fn channel(api: &Api, name: &str, to: (&str, Value)) {
    let mut new = json!({ "name": name });
    new[to.0] = to.1;
    let made = api.post("/api/v1/alerts/channels", &new);
    assert_eq!(made.status, 201, "{made:?}");
}

/// Makes a rule for the channel `ops` that must be taken.
#[track_caller]
pub fn rule(api: &Api, name: &str, when: Value, more: Value) {
    let mut new = json!({"name": name, "when": when, "channels": ["ops"]});
    new.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let made = api.post("/api/v1/alerts/rules", &new);
    assert_eq!(made.status, 201, "{made:?}");
}
