//! Connections that can be broken on purpose: before an answer, or in the midst of its body.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::task::{Context, Poll};

use axum::extract::connect_info::Connected;
use axum::serve::{IncomingStream, Listener};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};

/// Nothing is broken.
const OPEN: i64 = -1;

/// A connection's valve, which a handler finds in its request.
#[derive(Clone, Debug)]
pub(crate) struct Valve(Arc<AtomicI64>);

impl Valve {
    /// Breaks the connection before the answer goes out.
    pub fn reset(&self) {
        self.0.store(i64::MIN, Ordering::SeqCst);
    }

    /// Breaks it after the answer's head and so many bytes of its body.
    pub fn cut_after(&self, bytes: u32) {
        self.0.store(i64::from(bytes), Ordering::SeqCst);
    }
}

/// The listening socket.
pub(crate) struct Doors(pub TcpListener);

/// One connection.
pub(crate) struct Wire {
    stream: TcpStream,
    valve: Valve,
}

impl Listener for Doors {
    type Io = Wire;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Wire, SocketAddr) {
        loop {
            if let Ok((stream, from)) = self.0.accept().await {
                // Small answers must not wait for one another.
                let _ = stream.set_nodelay(true);
                return (Wire { stream, valve: Valve(Arc::new(AtomicI64::new(OPEN))) }, from);
            }
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.0.local_addr()
    }
}

impl Connected<IncomingStream<'_, Doors>> for Valve {
    fn connect_info(stream: IncomingStream<'_, Doors>) -> Valve {
        stream.io().valve.clone()
    }
}

impl AsyncRead for Wire {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl AsyncWrite for Wire {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let left = self.valve.0.load(Ordering::SeqCst);
        if left == OPEN {
            return Pin::new(&mut self.stream).poll_write(cx, buf);
        }
        if left == i64::MIN || left == 0 {
            return Poll::Ready(Err(io::ErrorKind::ConnectionReset.into()));
        }
        // The head and the start of the body come in one piece.
        let head = buf.windows(4).position(|w| w == b"\r\n\r\n").map_or(0, |at| at + 4);
        let allowed = buf.len().min(head + left as usize);
        let written = Pin::new(&mut self.stream).poll_write(cx, &buf[..allowed]);
        if let Poll::Ready(Ok(count)) = &written {
            self.valve.0.store((left - count.saturating_sub(head) as i64).max(0), Ordering::SeqCst);
        }
        written
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        if self.valve.0.load(Ordering::SeqCst) == i64::MIN {
            // The peer sees RST, not an orderly end.
            let _ = self.stream.set_zero_linger();
        }
    }
}
