//! Who speaks: people in two groups, two people in an IRC channel, and a script.

use std::sync::Arc;
use std::time::Duration;

use dingtalk_sandbox::Member;

use crate::place::Place;
use crate::world::{NICK, World};

/// What the text of a message ends with after which nothing breaks any more.
pub(crate) const LAST_MARK: char = '末';

/// Such messages of each producer.
const LAST: usize = 5;

/// The longest pause between two messages of one producer; nothing is waited for by it.
const PAUSE_MS: u64 = 200;

/// A producer: what it says, it says one after the other.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Producer {
    /// Two people of one group, who take turns.
    Group(Place, [&'static str; 2]),
    /// Somebody in `#ops`.
    Person(&'static str),
    /// A program that posts.
    Script,
}

impl Producer {
    pub(crate) const ALL: [Self; 5] = [
        Self::Group(Place::GroupOps, ["张三", "王五"]),
        Self::Group(Place::GroupDev, ["李四", "赵六"]),
        Self::Person("anna"),
        Self::Person("ben"),
        Self::Script,
    ];

    /// Speaks until the world is calm, and the last messages then.
    pub(crate) async fn talk(self, world: Arc<World>, mut random: fastrand::Rng) {
        let mut number = 0;
        let mut last = 0;
        while last < LAST {
            let is_calm = *world.is_calm.borrow();
            let mark = if is_calm { LAST_MARK } else { '言' };
            // One in eight is posted again though it was answered.
            let times = usize::from(random.u8(..8) == 0);
            self.say(&world, number, mark, times).await;
            number += 1;
            last += usize::from(is_calm);
            if !is_calm {
                tokio::time::sleep(Duration::from_millis(random.u64(..PAUSE_MS))).await;
            }
        }
    }

    async fn say(self, world: &World, number: usize, mark: char, times: usize) {
        match self {
            Self::Group(place, names) => {
                let name = names[number % names.len()];
                let member = Member::new(name, &format!("staff-{name}"));
                let text = format!("{} {number} {mark}", names[0]);
                world.say_in_group(place, &member, &text, times).await;
            }
            Self::Person(nick) => {
                if mark == LAST_MARK {
                    // These are for a bridge that is there.
                    let room = world.irc.room("#ops");
                    room.wait_for_member(NICK, world.left()).await.unwrap();
                }
                world.say_in_room(nick, &format!("{nick} {number} {mark}"));
            }
            Self::Script => {
                let text = format!("script {number} {mark}");
                world
                    .post_signed("script", &format!("script-{number}"), &text, times)
                    .await;
            }
        }
    }
}
