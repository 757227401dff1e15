//! Each way to break: what the client sees, and whether the channel saw the message.

use irc_sandbox::{Fault, Sandbox};

use crate::support::Client;

#[test]
fn a_send_fails_as_the_fault_says() {
    let refused = ":irc.sandbox 404 bridge #ops :Cannot send to channel";
    let rows: [(Fault, &[&str], bool, bool); 4] = [
        (Fault::LoseUnshown, &[], false, false),
        (Fault::LoseShown, &[], true, false),
        (Fault::cannot_send(), &[refused], false, true),
        (Fault::Swallow, &[], false, true),
    ];
    for (fault, answer, is_shown, is_open) in rows {
        let sandbox = Sandbox::in_memory();
        let client = Client::of(&sandbox, "bridge", "#ops");
        client.ask("CAP REQ echo-message");
        sandbox.next_sends([fault.clone()]);
        assert_eq!(client.ask("PRIVMSG #ops :x"), answer, "{fault:?}");
        assert_eq!(sandbox.said().len(), usize::from(is_shown), "{fault:?}");
        assert_eq!(client.link.is_open(), is_open, "{fault:?}");
        if is_open {
            client.holds(&[(
                "PRIVMSG #ops :y",
                &[":bridge!~bridge@127.0.0.1 PRIVMSG #ops :y"],
            )]);
        }
    }
}

#[test]
fn a_stalled_network_handles_what_came_later_on() {
    let sandbox = Sandbox::in_memory();
    let client = Client::of(&sandbox, "bridge", "#ops");
    sandbox.stall();
    assert!(client.ask("PRIVMSG #ops :x\r\nPING y").is_empty());
    assert!(sandbox.said().is_empty());
    sandbox.resume();
    assert_eq!(client.heard(), [":irc.sandbox PONG irc.sandbox :y"]);
    assert_eq!(sandbox.said().len(), 1);
}

#[test]
fn a_mute_network_shows_and_does_not_answer() {
    let sandbox = Sandbox::in_memory();
    let client = Client::of(&sandbox, "bridge", "#ops");
    sandbox.mute();
    assert!(client.ask("PRIVMSG #ops :x\r\nPING y").is_empty());
    assert_eq!(sandbox.said().len(), 1);
    sandbox.resume();
    assert!(client.heard().is_empty() && client.link.is_open());
    assert_eq!(client.ask("PING z"), [":irc.sandbox PONG irc.sandbox :z"]);
}

#[test]
fn after_a_netsplit_nothing_of_the_meantime_is_shown() {
    let sandbox = Sandbox::in_memory();
    let client = Client::of(&sandbox, "bridge", "#ops");
    let anna = sandbox.person("anna").join("#ops");
    sandbox.refuse_links();
    sandbox.drop_links();
    assert!(client.heard().is_empty() && !client.link.is_open());
    assert!(sandbox.connect().is_none());
    anna.say("meanwhile");
    sandbox.accept_links();
    let client = Client::of(&sandbox, "bridge", "#ops");
    client.heard();
    anna.say("again");
    assert_eq!(
        client.heard(),
        [":anna!~anna@people.test PRIVMSG #ops :again"]
    );
    let counters = sandbox.counters();
    assert_eq!((counters.connections, counters.refused), (2, 1));
}
