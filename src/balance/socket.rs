//! A socket as hyper reads and writes it.
//!
//! A message goes out in pieces, its head and its body. Gathering a few short ones here costs less than
//! having the kernel do it, and long ones are not copied.

use std::io::{self, IoSlice, Read as _};
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use hyper::rt::{Read, ReadBufCursor, Write};
use hyper::upgrade::{Parts, Upgraded};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

/// What is gathered, or read at first, is at most so long.
const SHORT: usize = 1024;

/// A client's or a process's.
pub struct Socket {
    /// What was read already.
    early: Bytes,
    stream: TokioIo<TcpStream>,
}

impl Socket {
    /// Of that connection.
    pub fn new(stream: TcpStream) -> Socket {
        Socket { early: Bytes::new(), stream: TokioIo::new(stream) }
    }

    /// Of a connection, which does not block, whose first words are mostly there. They are read before
    /// the runtime watches it, which so has nothing to tell.
    ///
    /// # Errors
    /// When it cannot be watched.
    pub fn of_speaker(stream: std::net::TcpStream) -> io::Result<Socket> {
        let mut first = [0; SHORT];
        // If nothing is there, or it failed, that shows when it is read again.
        let count = (&stream).read(&mut first).unwrap_or(0);
        let early = Bytes::copy_from_slice(&first[..count]);
        Ok(Socket { early, stream: TokioIo::new(TcpStream::from_std(stream)?) })
    }

    /// The connection on which both went on in something else than HTTP, and what of that was read
    /// already. None: it is none of ours.
    pub fn of_switched(upgraded: Upgraded) -> Option<(TcpStream, Bytes)> {
        let Parts { io, read_buf, .. } = upgraded.downcast::<Socket>().ok()?;
        // Both are mostly empty.
        let early = [read_buf, io.early].concat();
        Some((io.stream.into_inner(), early.into()))
    }
}

impl Read for Socket {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        mut into: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        if self.early.is_empty() {
            return Pin::new(&mut self.stream).poll_read(context, into);
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
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        pieces: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let socket = Pin::new(&mut self.stream);
        if let [one] = pieces {
            return socket.poll_write(context, one);
        }
        if pieces.iter().map(|piece| piece.len()).sum::<usize>() > SHORT {
            return socket.poll_write_vectored(context, pieces);
        }
        let (mut gathered, mut end) = ([0; SHORT], 0);
        for piece in pieces {
            gathered[end..end + piece.len()].copy_from_slice(piece);
            end += piece.len();
        }
        socket.poll_write(context, &gathered[..end])
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
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
