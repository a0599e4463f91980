//! A server in Rust, with the crate listenfd and hyper, as one would write it for a reload: when it is
//! asked to end it accepts nobody any more, says `Connection: close` with every answer, and closes
//! what is idle a while later, when no client can be about to use it.
//!
//! It is a program of its own: this test binary, told to run this alone.

use std::convert::Infallible;
use std::time::Duration;

use hyper::service::service_fn;
use hyper::{Response, header};
use hyper_util::rt::TokioIo;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

/// So long an idle connection stays open.
const GRACE: Duration = Duration::from_millis(1500);

#[test]
#[ignore = "a program for other tests"]
fn a_program_that_takes_its_socket() {
    let Ok(Some(listener)) = listenfd::ListenFd::from_env().take_tcp_listener(0) else { return };
    listener.set_nonblocking(true).unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    runtime.block_on(serve(listener));
}

async fn serve(listener: std::net::TcpListener) {
    let delay = std::env::var("DELAY").ok().and_then(|ms| ms.parse().ok()).unwrap_or(0);
    let listener = tokio::net::TcpListener::from_std(listener).unwrap();
    println!("listening on {}", listener.local_addr().unwrap().port());
    let mut asked_to_end = signal(SignalKind::terminate()).unwrap();
    let (ending, stop) = watch::channel(false);
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted.unwrap().0,
            _ = asked_to_end.recv() => break,
        };
        tokio::spawn(converse(accepted, Duration::from_millis(delay), stop.clone()));
    }
    drop((listener, stop));
    ending.send_replace(true);
    ending.closed().await;
}

async fn converse(client: tokio::net::TcpStream, delay: Duration, stop: watch::Receiver<bool>) {
    let ending = stop.clone();
    let answer = service_fn(move |_| {
        let ending = ending.clone();
        async move {
            tokio::time::sleep(delay).await;
            let mut answer = Response::new(std::process::id().to_string());
            if *ending.borrow() {
                answer.headers_mut().insert(header::CONNECTION, header::HeaderValue::from_static("close"));
            }
            Ok::<_, Infallible>(answer)
        }
    });
    let served = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(client), answer);
    tokio::pin!(served);
    let mut stop = stop;
    let grace_is_over = async {
        let _ = stop.wait_for(|ending| *ending).await;
        tokio::time::sleep(GRACE).await;
    };
    tokio::pin!(grace_is_over);
    tokio::select! {
        _ = served.as_mut() => return,
        () = grace_is_over => {}
    }
    served.as_mut().graceful_shutdown();
    let _ = served.await;
}
