//! A socket as hyper reads and writes it.
//!
//! A message goes out in pieces, its head and its body. Gathering a few short ones here costs less than
//! having the kernel do it, and long ones are not copied.

use std::io::{self, IoSlice, Read as _};
use std::net::TcpStream as StdStream;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Instant;

use bytes::Bytes;
use hyper::rt::{Read, ReadBufCursor, Write};
use hyper::upgrade::{Parts, Upgraded};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use super::prospect::{LONG, Prospect};

/// What is gathered, or read at first, is at most so long.
const SHORT: usize = 1024;

/// A client's or a process's.
pub struct Socket {
    /// What was read already.
    early: Bytes,
    stream: Stream,
}

enum Stream {
    /// By the runtime, which tells when there is something to read.
    Watched(TokioIo<TcpStream>),
    /// A client's, and not yet.
    Unwatched(Unwatched),
}

struct Unwatched {
    /// None: it cannot be.
    stream: Option<StdStream>,
    since: Instant,
    prospect: Prospect,
}

impl Stream {
    /// From now on, if it was not.
    fn watched(&mut self) -> io::Result<Pin<&mut TokioIo<TcpStream>>> {
        if let Stream::Unwatched(Unwatched { stream, .. }) = self {
            let stream = stream.take().ok_or(io::ErrorKind::NotConnected)?;
            *self = Stream::Watched(TokioIo::new(TcpStream::from_std(stream)?));
        }
        match self {
            Stream::Watched(stream) => Ok(Pin::new(stream)),
            Stream::Unwatched(_) => Err(io::ErrorKind::NotConnected.into()),
        }
    }

    /// Nothing is to be read now, and who waits for it comes again.
    fn is_quiet(&self) -> bool {
        match self {
            Stream::Watched(_) => false,
            Stream::Unwatched(Unwatched { since, prospect, .. }) => {
                prospect.is_quiet() && since.elapsed() < LONG
            }
        }
    }

    /// Writes if that can be done at once without being watched. None: it cannot.
    fn write_at_once(&self, bytes: &[u8]) -> Option<io::Result<usize>> {
        let Stream::Unwatched(Unwatched { stream: Some(stream), prospect, .. }) = self else { return None };
        match prospect.write(stream, bytes) {
            Err(error) if [io::ErrorKind::WouldBlock, io::ErrorKind::Interrupted].contains(&error.kind()) => {
                None
            }
            done => Some(done),
        }
    }
}

impl Socket {
    /// Of that connection.
    pub fn new(stream: TcpStream) -> Socket {
        Socket { early: Bytes::new(), stream: Stream::Watched(TokioIo::new(stream)) }
    }

    /// Of a client's connection, which does not block, and whose first words are mostly there. Whoever
    /// polls it is to be polled again after [`LONG`], as by an [`Alarm`](super::alarm::Alarm).
    pub fn of_speaker(stream: StdStream, prospect: Prospect) -> Socket {
        let mut first = [0; SHORT];
        // If nothing is there, or it failed, that shows when it is read again.
        let count = (&stream).read(&mut first).unwrap_or(0);
        let early = Bytes::copy_from_slice(&first[..count]);
        let stream = Unwatched { stream: Some(stream), since: Instant::now(), prospect };
        Socket { early, stream: Stream::Unwatched(stream) }
    }

    /// The connection on which both went on in something else than HTTP, and what of that was read
    /// already. None: it is none of ours, or it is broken.
    pub fn of_switched(upgraded: Upgraded) -> Option<(TcpStream, Bytes)> {
        let Parts { mut io, read_buf, .. } = upgraded.downcast::<Socket>().ok()?;
        io.stream.watched().ok()?;
        let Stream::Watched(stream) = io.stream else { return None };
        // Both are mostly empty.
        let early = [read_buf, io.early].concat();
        Some((stream.into_inner(), early.into()))
    }
}

impl Read for Socket {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        mut into: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        if self.early.is_empty() {
            if self.stream.is_quiet() {
                return Poll::Pending;
            }
            return self.stream.watched()?.poll_read(context, into);
        }
        let count = self.early.len().min(into.remaining());
        into.put_slice(&self.early.split_to(count));
        Poll::Ready(Ok(()))
    }
}

impl Write for Socket {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        match self.stream.write_at_once(bytes) {
            Some(written) => Poll::Ready(written),
            None => self.stream.watched()?.poll_write(context, bytes),
        }
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        pieces: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        if let [one] = pieces {
            return self.poll_write(context, one);
        }
        if pieces.iter().map(|piece| piece.len()).sum::<usize>() > SHORT {
            return self.stream.watched()?.poll_write_vectored(context, pieces);
        }
        let (mut gathered, mut end) = ([0; SHORT], 0);
        for piece in pieces {
            gathered[end..end + piece.len()].copy_from_slice(piece);
            end += piece.len();
        }
        self.poll_write(context, &gathered[..end])
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    /// Nothing is held back.
    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    /// What speaks HTTP is closed at once afterwards, which says the same.
    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncReadExt;
    use tokio::net::TcpListener;

    use super::*;

    #[tokio::test]
    async fn pieces_arrive_in_their_order_whatever_their_length() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let stream = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let (mut heard, _) = listener.accept().await.unwrap();
        let mut socket = Socket::new(stream);
        let cases: [&[usize]; 5] = [&[1], &[3, 0, 5], &[SHORT - 1, 1], &[SHORT, 1], &[700, 9_000, 2]];
        for lengths in cases {
            let pieces: Vec<Vec<u8>> =
                (1..).zip(lengths).map(|(letter, length)| vec![letter; *length]).collect();
            let slices: Vec<IoSlice> = pieces.iter().map(|piece| IoSlice::new(piece)).collect();
            let write =
                |context: &mut Context<'_>| Pin::new(&mut socket).poll_write_vectored(context, &slices);
            let all = pieces.concat();
            assert_eq!(std::future::poll_fn(write).await.unwrap(), all.len(), "{lengths:?}");
            let mut read = vec![0; all.len()];
            heard.read_exact(&mut read).await.unwrap();
            assert_eq!(read, all, "{lengths:?}");
        }
    }
}
