//! Three platforms, the bridge between them, and what all who take part in the test share.

use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use dingtalk_sandbox::{Member, StatusCode};
use serde_json::json;
use tokio::sync::watch;
use tokio::time::Instant;

use crate::ledger::{Ledger, Said, Standing, read_links};
use crate::oracle::Known;
use crate::place::Place;
use crate::post::Post;
use crate::receiver::Receiver;
use crate::signature::SECRET;
use crate::support::{self, Bed, DEV, OPS, Process, free_port};

pub(crate) const TOKEN: &str = "0123456789abcdef-token";

/// The bridge's nickname.
pub(crate) const NICK: &str = "bridge";

/// How long the bridge waits for the end of a send.
pub(crate) const ATTEMPT: Duration = Duration::from_secs(2);

/// Tries to post one message; nothing comes near it unless the bridge refuses for good.
const MOST_TRIES: usize = 500;

/// Everything, but for the bridge's process.
pub(crate) struct World {
    pub(crate) bed: Bed,
    pub(crate) irc: irc_sandbox::Sandbox,
    pub(crate) receiver: Receiver,
    pub(crate) ledger: Ledger,
    /// Whether the bridge is there to be called.
    pub(crate) is_up: watch::Sender<bool>,
    /// Whether the producers may come to their end.
    pub(crate) is_calm: watch::Sender<bool>,
    /// Whether the IRC network is mute. Who holds it knows that nobody speaks there.
    is_mute: Mutex<bool>,
    /// Links that ended with a kill of the bridge.
    killed: Mutex<HashSet<u64>>,
    /// Where the bridge's listener for webhooks is.
    pub(crate) hook: String,
    pub(crate) agent: ureq::Agent,
    end: Instant,
}

impl World {
    pub(crate) async fn new(
        irc: irc_sandbox::Sandbox,
        receiver: Receiver,
        limit: Duration,
    ) -> Self {
        let mut bed = Bed::new().await;
        let address = irc.address().unwrap();
        let hook_port = free_port();
        bed.config["global"]["delivery"] =
            json!({ "attempt_timeout": format!("{}s", ATTEMPT.as_secs()), "backoff_max": "1s" });
        bed.config["dingtalk"]["dt_main"]["listen_port"] = free_port().into();
        bed.config["irc"] = json!({ "irc_main": {
            "server": address.ip(), "port": address.port(), "tls": false, "nick": NICK,
            "flood_burst": 1000, "flood_pause": "1ms",
        }});
        bed.config["webhook"] = json!({ "hook": {
            "url": receiver.url(), "secrets": SECRET, "listen_port": hook_port, "read_token": TOKEN,
        }});
        let group = |id: &str| json!({ "open_conversation_id": id });
        bed.rules = json!({ "rules": [{ "id": "all", "type": "connect", "channels": {
            "dt_main": [group(OPS), group(DEV)],
            "irc_main": [{ "channel": "#ops" }, { "channel": "#dev" }],
            "hook": {},
        } }] });
        let agent = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .timeout_global(Some(Duration::from_secs(10)))
            .proxy(None)
            .build();
        Self {
            bed,
            irc,
            receiver,
            ledger: Ledger::default(),
            is_up: watch::Sender::new(false),
            is_calm: watch::Sender::new(false),
            is_mute: Mutex::new(false),
            killed: Mutex::default(),
            hook: format!("http://127.0.0.1:{hook_port}"),
            agent: ureq::Agent::new_with_config(agent),
            end: Instant::now() + limit,
        }
    }

    /// Starts the bridge, which may be called then.
    pub(crate) fn start(&self) -> Process {
        self.bed.write_files();
        let process = Process::start(self.bed.path());
        let mut urls = process.urls.iter();
        let (_, url) = urls.find(|(instance, _)| instance == "dt_main").unwrap();
        self.bed.robot.set_callback(url, support::SECRET).unwrap();
        self.is_up.send_replace(true);
        process
    }

    /// Kills the bridge, with no time for anything.
    pub(crate) fn kill(&self, process: Process) {
        self.is_up.send_replace(false);
        process.kill();
        let link = self.irc.counters().registrations;
        self.killed.lock().unwrap().insert(link);
    }

    /// What is left of the time that the whole test may take.
    pub(crate) fn left(&self) -> Duration {
        self.end.saturating_duration_since(Instant::now())
    }

    /// Resolves once the bridge is there to be called.
    pub(crate) async fn up(&self) {
        let mut is_up = self.is_up.subscribe();
        is_up.wait_for(|is_up| *is_up).await.unwrap();
    }

    /// Somebody says something in a group; posted until it is answered with 200, and `times` more, as
    /// by a platform that has not heard the answer.
    pub(crate) async fn say_in_group(
        &self,
        place: Place,
        member: &Member,
        text: &str,
        times: usize,
    ) {
        let group = match place {
            Place::GroupOps => &self.bed.ops,
            _ => &self.bed.dev,
        };
        let post = Post::Callback(group.callback(member, text).unwrap());
        self.insist(&post).await;
        self.note(place, member.nick(), text, Standing::Accepted);
        for _ in 0..times {
            self.insist(&post).await;
        }
    }

    /// A script posts a signed message in the same way, with a new signature for each try.
    pub(crate) async fn post_signed(&self, user: &str, id: &str, text: &str, times: usize) {
        let body = json!({ "text": text, "sender": { "id": user, "name": user } });
        let (id, body) = (id.to_owned(), body.to_string());
        let post = Post::Signed { id, body };
        self.insist(&post).await;
        self.note(Place::Hook, user, text, Standing::Accepted);
        for _ in 0..times {
            self.insist(&post).await;
        }
    }

    async fn insist(&self, post: &Post) {
        for _ in 0..MOST_TRIES {
            self.up().await;
            if post.send(self).await == StatusCode::OK {
                return;
            }
        }
        panic!("not accepted in {MOST_TRIES} tries: {post:?}");
    }

    /// Somebody says something in `#ops`. Nobody else speaks there meanwhile, so that the ledger has
    /// the order of the room.
    pub(crate) fn say_in_room(&self, nick: &str, text: &str) {
        let is_mute = self.is_mute.lock().unwrap_or_else(PoisonError::into_inner);
        let link = self.irc.counters().registrations;
        let is_inside = self
            .irc
            .room("#ops")
            .nicks()
            .iter()
            .any(|nick| nick == NICK);
        let standing = match is_inside && !*is_mute {
            true if *self.is_calm.borrow() => Standing::Accepted,
            true => Standing::OnLink(link),
            false => Standing::Unheard,
        };
        self.irc.person(nick).join("#ops").say(text);
        self.note(Place::RoomOps, nick, text, standing);
    }

    /// The network handles everything and tells nobody, for this long.
    pub(crate) async fn mute_for(&self, time: Duration) {
        let set = |is_mute: bool| {
            let mut is = self.is_mute.lock().unwrap_or_else(PoisonError::into_inner);
            *is = is_mute;
            match is_mute {
                true => self.irc.mute(),
                false => self.irc.resume(),
            }
        };
        set(true);
        tokio::time::sleep(time).await;
        set(false);
    }

    fn note(&self, place: Place, user: &str, text: &str, standing: Standing) {
        self.ledger.push(Said {
            place,
            text: format!("{user}: {text}"),
            standing,
        });
    }

    /// What the oracle must know.
    pub(crate) fn known(&self) -> Known {
        let said = self.ledger.all();
        let room = self.irc.room("#ops").said().into_iter();
        let room: Vec<_> = room
            .map(|entry| (entry.is_from_client, entry.text))
            .collect();
        let mut read = read_links(&said, &room);
        let killed = self.killed.lock().unwrap();
        read.retain(|link, _| !killed.contains(link));
        Known {
            read,
            kills: killed.len(),
            said,
        }
    }

    /// What a place shows, repeated sends included.
    pub(crate) fn shown(&self, place: Place) -> Vec<String> {
        let group = |group: &dingtalk_sandbox::Group| {
            let transcript = group.transcript();
            let texts = transcript.sent_texts().into_iter();
            texts.map(str::to_owned).collect()
        };
        match place {
            Place::GroupOps => group(&self.bed.ops),
            Place::GroupDev => group(&self.bed.dev),
            Place::RoomOps => self.irc.room("#ops").sent_texts(),
            Place::RoomDev => self.irc.room("#dev").sent_texts(),
            Place::Hook => self.receiver.with(|book| {
                let taken = book.taken.iter();
                taken.map(|taken| taken.text.clone()).collect()
            }),
        }
    }
}

/// How many different texts there are.
pub(crate) fn distinct<'a>(texts: impl IntoIterator<Item = &'a str>) -> usize {
    texts.into_iter().collect::<HashSet<_>>().len()
}
