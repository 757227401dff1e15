//! Somebody on an IRC network, by a connection of their own.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::Arc;

use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::net::tcp::OwnedWriteHalf;
use tokio::sync::{Mutex, watch};

use crate::support::PATIENCE;

/// A person who reads along.
pub(crate) struct Guest {
    writer: Arc<Mutex<OwnedWriteHalf>>,
    seen: watch::Receiver<Seen>,
}

#[derive(Debug, Default)]
struct Seen {
    /// Channel and text of what others said.
    said: Vec<(String, String)>,
    /// Who is in which channel.
    members: BTreeSet<(String, String)>,
}

impl Guest {
    /// Connects and is in the channels once this resolves.
    pub(crate) async fn join(address: SocketAddr, nick: &str, channels: &[&str]) -> Self {
        let stream = TcpStream::connect(address).await.unwrap();
        let (reader, writer) = stream.into_split();
        let writer = Arc::new(Mutex::new(writer));
        let (noting, seen) = watch::channel(Seen::default());
        let answering = Arc::clone(&writer);
        tokio::spawn(async move {
            let mut lines = BufReader::new(reader).lines();
            // Ends with the connection.
            while let Ok(Some(line)) = lines.next_line().await {
                if let Some(token) = line.strip_prefix("PING ") {
                    write(&answering, &format!("PONG {token}")).await;
                }
                noting.send_modify(|seen| seen.note(&line));
            }
        });
        let guest = Self { writer, seen };
        guest
            .command(&format!("NICK {nick}\r\nUSER {nick} 0 * :{nick}"))
            .await;
        guest.command(&format!("JOIN {}", channels.join(","))).await;
        guest.sees_member(nick, channels).await;
        guest
    }

    pub(crate) async fn command(&self, line: &str) {
        write(&self.writer, line).await;
    }

    pub(crate) async fn say(&self, channel: &str, text: &str) {
        self.command(&format!("PRIVMSG {channel} :{text}")).await;
    }

    /// What others said in a channel so far.
    pub(crate) fn seen(&self, channel: &str) -> Vec<String> {
        self.seen.borrow().said_in(channel)
    }

    /// Waits until exactly this was said in a channel, a repetition of the last one counted once.
    pub(crate) async fn sees(&self, channel: &str, expected: &[String]) {
        let last = expected.last().unwrap();
        self.sees_last(channel, last).await;
        let mut seen = self.seen(channel);
        seen.dedup();
        assert_eq!(seen, expected);
    }

    pub(crate) async fn sees_last(&self, channel: &str, text: &str) {
        self.until(|seen| {
            seen.said_in(channel)
                .last()
                .is_some_and(|last| last == text)
        })
        .await;
    }

    pub(crate) async fn sees_member(&self, nick: &str, channels: &[&str]) {
        let is_in = |seen: &Seen, channel: &str| {
            let member = (channel.to_owned(), nick.to_owned());
            seen.members.contains(&member)
        };
        self.until(|seen| channels.iter().all(|channel| is_in(seen, channel)))
            .await;
    }

    async fn until(&self, is_so: impl FnMut(&Seen) -> bool) {
        let mut seen = self.seen.clone();
        let waited = tokio::time::timeout(PATIENCE, seen.wait_for(is_so)).await;
        let is_seen = waited.is_ok_and(|seen| seen.is_ok());
        assert!(is_seen, "not seen: {:?}", self.seen.borrow());
    }
}

impl Seen {
    fn note(&mut self, line: &str) {
        let Some((source, rest)) = line.strip_prefix(':').and_then(|line| line.split_once(' '))
        else {
            return;
        };
        let nick = source.split('!').next().unwrap_or_default().to_owned();
        let (head, last) = rest.split_once(" :").unwrap_or((rest, ""));
        let words: Vec<_> = head.split(' ').collect();
        match *words {
            ["PRIVMSG", channel] => self.said.push((channel.to_owned(), last.to_owned())),
            ["JOIN"] => drop(self.members.insert((last.to_owned(), nick))),
            ["JOIN", channel] => drop(self.members.insert((channel.to_owned(), nick))),
            ["KICK", channel, kicked] => {
                self.members
                    .remove(&(channel.to_owned(), kicked.to_owned()));
            }
            ["PART", channel] => drop(self.members.remove(&(channel.to_owned(), nick))),
            ["QUIT"] => self.members.retain(|(_, other)| *other != nick),
            ["353", _, _, channel] => {
                let names = last.split(' ').map(|name| name.trim_start_matches('@'));
                let members = names.map(|name| (channel.to_owned(), name.to_owned()));
                self.members.extend(members);
            }
            _ => {}
        }
    }

    fn said_in(&self, channel: &str) -> Vec<String> {
        let said = self.said.iter().filter(|(other, _)| other == channel);
        said.map(|(_, text)| text.clone()).collect()
    }
}

async fn write(writer: &Mutex<OwnedWriteHalf>, line: &str) {
    let line = format!("{line}\r\n");
    // A connection that is gone is seen by who waits for something on it.
    writer.lock().await.write_all(line.as_bytes()).await.ok();
}
