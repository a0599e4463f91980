//! A client of the HTTP API as strangers write them: TCP, a bearer token, and JSON.

use std::net::SocketAddr;

use reqwest::header::HeaderMap;
use reqwest::{Method, RequestBuilder, StatusCode};
use serde_json::Value;

use super::Home;

/// Speaks to the daemon of one home.
pub struct Api {
    runtime: tokio::runtime::Runtime,
    http: reqwest::Client,
    /// Where it listens.
    pub address: SocketAddr,
    /// The token of the command line.
    pub token: String,
}

/// An answer, read to its end.
#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub text: String,
}

impl Answer {
    /// One header, empty when it is not there.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// The body as JSON.
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|e| panic!("not JSON ({e}): {self:?}"))
    }

    /// Fails unless this is a complete problem document with that status and code.
    #[track_caller]
    pub fn is_problem(&self, status: u16, code: &str) -> Value {
        assert_eq!(self.status.as_u16(), status, "{self:?}");
        assert_eq!(self.header("content-type"), "application/problem+json", "{self:?}");
        let problem = self.json();
        assert_eq!(problem["status"], status, "{problem}");
        assert_eq!(problem["code"], code, "{problem}");
        assert_eq!(problem["type"], format!("urn:pmdaemon:problem:{}", code.replace('_', "-")), "{problem}");
        for member in ["title", "detail"] {
            assert!(problem[member].as_str().is_some_and(|text| !text.is_empty()), "{member}: {problem}");
        }
        problem
    }
}

impl Api {
    /// Reads address and token as the user's tools would: from `status --json` and `token`.
    pub fn of(home: &Home) -> Api {
        let status = home.json(&["status", "--json"]);
        let listener = &status["daemon"]["listeners"][0];
        let host = listener["host"].as_str().unwrap_or_else(|| panic!("no address: {status}"));
        let address = format!("{host}:{}", listener["port"]).parse().unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let http = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            // A connection each: nobody has to know which ones the server has closed meanwhile.
            .pool_max_idle_per_host(0)
            .timeout(super::SOON)
            .no_proxy()
            .build()
            .unwrap();
        Api { runtime, http, address, token: home.ok(&["token"]).trim().to_owned() }
    }

    /// `http://HOST:PORT`.
    pub fn origin(&self) -> String {
        format!("http://{}", self.address)
    }

    /// A request without credentials.
    pub fn bare(&self, method: &str, path: &str) -> RequestBuilder {
        self.http.request(Method::from_bytes(method.as_bytes()).unwrap(), self.origin() + path)
    }

    /// A request with the token.
    pub fn request(&self, method: &str, path: &str) -> RequestBuilder {
        self.bare(method, path).bearer_auth(&self.token)
    }

    /// Sends it and reads the whole answer.
    #[track_caller]
    pub fn send(&self, request: RequestBuilder) -> Answer {
        let answer = self.runtime.block_on(async {
            let answer = request.send().await?;
            let (status, headers) = (answer.status(), answer.headers().clone());
            Ok::<_, reqwest::Error>(Answer { status, headers, text: answer.text().await? })
        });
        answer.unwrap_or_else(|e| panic!("no answer: {e:?}"))
    }

    /// GET that must succeed.
    #[track_caller]
    pub fn get(&self, path: &str) -> Value {
        let answer = self.send(self.request("GET", path));
        assert_eq!(answer.status, 200, "GET {path}: {answer:?}");
        answer.json()
    }

    /// POST of a JSON document.
    #[track_caller]
    pub fn post(&self, path: &str, body: &Value) -> Answer {
        self.send(self.request("POST", path).json(body))
    }

    /// Events of one kind of one process, oldest first.
    #[track_caller]
    pub fn events(&self, name: &str, kind: &str) -> Vec<Value> {
        let all = self.get("/api/v1/events?limit=1000");
        let items = all["items"].as_array().expect("items").iter();
        items.filter(|event| event["name"] == name && event["type"] == kind).cloned().collect()
    }

    /// Runs something asynchronous, for WebSockets.
    pub fn block_on<T>(&self, future: impl Future<Output = T>) -> T {
        self.runtime.block_on(future)
    }
}
