use std::time::Instant;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::*;

const SOON: Duration = Duration::from_millis(100);
const PATIENCE: Duration = Duration::from_secs(30);

/// A client and the server that it reached through a proxy.
struct Pair {
    proxy: FaultProxy,
    client: TcpStream,
    server: TcpStream,
}

async fn pair(conduct: Conduct) -> Pair {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let proxy = FaultProxy::start(listener.local_addr().unwrap())
        .await
        .unwrap();
    proxy.behave(move |_| conduct);
    let client = TcpStream::connect(proxy.address()).await.unwrap();
    let (server, _) = listener.accept().await.unwrap();
    Pair {
        proxy,
        client,
        server,
    }
}

fn requests(request: Flow) -> Conduct {
    Conduct {
        request,
        ..Conduct::default()
    }
}

fn answers(answer: Flow) -> Conduct {
    Conduct {
        answer,
        ..Conduct::default()
    }
}

/// What comes until the other side ends, or its reset.
async fn rest(stream: &mut TcpStream) -> io::Result<String> {
    let mut text = String::new();
    let read = stream.read_to_string(&mut text);
    timeout(PATIENCE, read).await.expect("it ends")?;
    Ok(text)
}

#[tokio::test]
async fn by_default_everything_passes_both_ways() {
    let mut pair = pair(Conduct::default()).await;
    pair.client.write_all(b"ask").await.unwrap();
    pair.client.shutdown().await.unwrap();
    assert_eq!(rest(&mut pair.server).await.unwrap(), "ask");
    pair.server.write_all(b"answer").await.unwrap();
    drop(pair.server);
    assert_eq!(rest(&mut pair.client).await.unwrap(), "answer");
    assert_eq!(pair.proxy.connections(), 1);
}

#[tokio::test]
async fn a_cut_resets_both_sides_after_so_many_bytes() {
    let mut pair = pair(requests(Flow::default().ends_after(2, End::Cut))).await;
    pair.client.write_all(b"ask").await.unwrap();
    let mut heard = [0; 2];
    pair.server.read_exact(&mut heard).await.unwrap();
    assert_eq!(&heard, b"as");
    assert!(rest(&mut pair.server).await.is_err());
    assert!(rest(&mut pair.client).await.is_err());
}

#[tokio::test]
async fn a_half_close_ends_one_way_and_keeps_the_other() {
    let mut pair = pair(answers(Flow::default().ends_after(3, End::HalfClose))).await;
    pair.server.write_all(b"answer").await.unwrap();
    assert_eq!(rest(&mut pair.client).await.unwrap(), "ans");
    pair.client.write_all(b"more").await.unwrap();
    pair.client.shutdown().await.unwrap();
    assert_eq!(rest(&mut pair.server).await.unwrap(), "more");
}

#[tokio::test]
async fn a_stall_swallows_the_rest_and_says_nothing() {
    let mut pair = pair(answers(Flow::default().ends_after(3, End::Stall))).await;
    pair.server.write_all(b"answer").await.unwrap();
    let mut heard = [0; 3];
    pair.client.read_exact(&mut heard).await.unwrap();
    assert_eq!(&heard, b"ans");
    let silence = timeout(SOON, pair.client.read(&mut [0; 1])).await;
    assert!(silence.is_err(), "{silence:?}");
}

#[tokio::test]
async fn bytes_are_delayed_and_dribble() {
    let pause = Duration::from_millis(20);
    let mut pair = pair(answers(Flow::default().dribbled(2, pause))).await;
    let began = Instant::now();
    pair.server.write_all(b"answer").await.unwrap();
    drop(pair.server);
    assert_eq!(rest(&mut pair.client).await.unwrap(), "answer");
    assert!(began.elapsed() >= 3 * pause, "{:?}", began.elapsed());
}

#[tokio::test]
async fn open_connections_are_cut_and_later_ones_behave_anew() {
    let mut first = pair(Conduct::default()).await;
    first.client.write_all(b"ask").await.unwrap();
    first.server.read_exact(&mut [0; 3]).await.unwrap();
    first.proxy.cut();
    timeout(PATIENCE, first.proxy.until_idle()).await.unwrap();
    assert!(rest(&mut first.client).await.is_err());
    first.proxy.behave(|number| {
        requests(Flow::default().ends_after(number.try_into().unwrap(), End::Cut))
    });
    let mut second = TcpStream::connect(first.proxy.address()).await.unwrap();
    second.write_all(b"ask").await.unwrap();
    assert!(rest(&mut second).await.is_err());
}

#[tokio::test]
async fn a_server_that_is_down_is_a_reset() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let proxy = FaultProxy::start(address).await.unwrap();
    let mut client = TcpStream::connect(proxy.address()).await.unwrap();
    assert!(rest(&mut client).await.is_err());
}
