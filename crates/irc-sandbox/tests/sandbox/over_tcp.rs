//! The same network on a port.

use irc_sandbox::{Fault, Sandbox};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;

use crate::support::PATIENCE;

async fn bridge(sandbox: &Sandbox) -> BufReader<TcpStream> {
    let mut stream = TcpStream::connect(sandbox.address().unwrap())
        .await
        .unwrap();
    stream
        .write_all(b"NICK bridge\r\nUSER b 0 * :b\r\nJOIN #ops\r\n")
        .await
        .unwrap();
    sandbox
        .room("#ops")
        .wait_for_member("bridge", PATIENCE)
        .await
        .unwrap();
    BufReader::new(stream)
}

/// Reads until a line has this in it.
async fn until(stream: &mut BufReader<TcpStream>, wanted: &str) {
    let mut line = String::new();
    while !line.contains(wanted) {
        line.clear();
        assert!(
            stream.read_line(&mut line).await.unwrap() > 0,
            "the end before {wanted:?}"
        );
    }
}

#[tokio::test]
async fn clients_and_people_hear_each_other() {
    let sandbox = Sandbox::start().await.unwrap();
    let mut stream = bridge(&sandbox).await;
    sandbox.person("anna").join("#ops").say("hi");
    until(&mut stream, ":anna!~anna@people.test PRIVMSG #ops :hi").await;
    stream.write_all(b"PRIVMSG #ops :hello\r\n").await.unwrap();
    let said = sandbox
        .room("#ops")
        .wait_for_sent(1, PATIENCE)
        .await
        .unwrap();
    assert_eq!(said[1].text, "hello");
}

#[tokio::test]
async fn a_connection_ends_on_either_side() {
    let sandbox = Sandbox::start().await.unwrap();
    let mut stream = bridge(&sandbox).await;
    sandbox.next_sends([Fault::LoseShown]);
    stream.write_all(b"PRIVMSG #ops :x\r\n").await.unwrap();
    until(&mut stream, " 366 ").await;
    assert_eq!(stream.read_to_end(&mut Vec::new()).await.unwrap(), 0);
    assert_eq!(sandbox.said().len(), 1);

    let gone = bridge(&sandbox).await;
    drop(gone);
    // The nickname is free once the network has seen the end.
    let anna = sandbox.person("anna").join("#ops");
    let mut stream = loop {
        let mut stream = TcpStream::connect(sandbox.address().unwrap())
            .await
            .unwrap();
        stream
            .write_all(b"NICK bridge\r\nUSER b 0 * :b\r\n")
            .await
            .unwrap();
        let mut stream = BufReader::new(stream);
        let mut line = String::new();
        stream.read_line(&mut line).await.unwrap();
        if line.contains(" 001 ") {
            break stream;
        }
    };
    anna.say("still here");
    stream.write_all(b"QUIT\r\n").await.unwrap();
    until(&mut stream, "ERROR :Closing Link").await;
}

#[tokio::test]
async fn refused_and_stopped_networks_close_at_once() {
    let sandbox = Sandbox::start().await.unwrap();
    let mut stream = bridge(&sandbox).await;
    sandbox.refuse_links();
    let mut refused = TcpStream::connect(sandbox.address().unwrap())
        .await
        .unwrap();
    assert_eq!(refused.read_to_end(&mut Vec::new()).await.unwrap(), 0);
    sandbox.stop().await;
    stream.read_to_end(&mut Vec::new()).await.ok();
    assert!(
        TcpStream::connect(sandbox.address().unwrap())
            .await
            .is_err()
    );
}

#[tokio::test]
async fn one_end_of_a_pipe_is_served_as_a_connection() {
    let sandbox = Sandbox::in_memory();
    let (mut ours, theirs) = tokio::io::duplex(4096);
    let serving = {
        let sandbox = sandbox.clone();
        tokio::spawn(async move { sandbox.attach(theirs).await })
    };
    ours.write_all(b"PING x\r\n").await.unwrap();
    let mut answer = String::new();
    BufReader::new(&mut ours)
        .read_line(&mut answer)
        .await
        .unwrap();
    assert_eq!(answer, ":irc.sandbox PONG irc.sandbox :x\r\n");
    drop(ours);
    serving.await.unwrap();
}
