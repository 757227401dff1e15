//! One connection through the proxy.

use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt, copy, sink};
use tokio::net::TcpStream;
use tokio::net::tcp::{ReadHalf, WriteHalf};
use tokio::sync::watch;

use super::{Conduct, End, Flow};

/// Both sides of the connection are to be reset.
struct Cut;

/// Passes bytes both ways until both have ended, or one is cut.
pub(super) async fn serve(
    mut client: TcpStream,
    server: SocketAddr,
    conduct: Conduct,
    mut cuts: watch::Receiver<u64>,
) {
    let Ok(mut server) = TcpStream::connect(server).await else {
        // A client of a server that is down is reset too.
        client.set_zero_linger().ok();
        return;
    };
    let ended = {
        let (from_client, to_client) = client.split();
        let (from_server, to_server) = server.split();
        let both = async {
            tokio::try_join!(
                pass(from_client, to_server, conduct.request),
                pass(from_server, to_client, conduct.answer)
            )
        };
        tokio::select! {
            ended = both => ended.map(drop),
            _ = cuts.changed() => Err(Cut),
        }
    };
    if ended.is_err() {
        // A close without linger is a reset; where that can't be set, it is a plain close.
        client.set_zero_linger().ok();
        server.set_zero_linger().ok();
    }
}

/// Passes the bytes of one way.
async fn pass(mut from: ReadHalf<'_>, mut to: WriteHalf<'_>, flow: Flow) -> Result<(), Cut> {
    let mut buffer = vec![0; flow.piece.unwrap_or(16 * 1024)];
    let mut passed = 0;
    loop {
        let room = match flow.end {
            Some((bytes, _)) => bytes - passed,
            None => buffer.len(),
        };
        if room == 0 {
            break;
        }
        let most = room.min(buffer.len());
        let count = from.read(&mut buffer[..most]).await.map_err(|_| Cut)?;
        if count == 0 {
            return to.shutdown().await.map_err(|_| Cut);
        }
        if !flow.delay.is_zero() {
            tokio::time::sleep(flow.delay).await;
        }
        to.write_all(&buffer[..count]).await.map_err(|_| Cut)?;
        passed += count;
    }
    match flow.end {
        Some((_, End::Cut)) => {
            // It is cut in the middle of what is being sent, not before anything is.
            from.readable().await.map_err(|_| Cut)?;
            return Err(Cut);
        }
        Some((_, End::HalfClose)) => to.shutdown().await.map_err(|_| Cut)?,
        Some((_, End::Stall)) | None => {}
    }
    copy(&mut from, &mut sink()).await.map_err(|_| Cut)?;
    match flow.end {
        // The sender has given up; the receiver hears nothing of it before its own end.
        Some((_, End::Stall)) => Err(Cut),
        _ => Ok(()),
    }
}
