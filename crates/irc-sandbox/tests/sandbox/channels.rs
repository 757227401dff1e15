//! Coming into channels, being thrown out, and who is shown it.

use irc_sandbox::Sandbox;

use crate::support::Client;

#[test]
fn those_in_a_channel_are_shown_who_comes_and_goes() {
    let sandbox = Sandbox::in_memory();
    let client = Client::of(&sandbox, "bridge", "#ops");
    let anna = sandbox.person("anna");
    let member = anna.join("#OPS");
    anna.rename("anne");
    member.part("later");
    anna.join("#ops");
    anna.quit("a.test b.test");
    assert_eq!(
        client.heard(),
        [
            ":anna!~anna@people.test JOIN #ops",
            ":anna!~anna@people.test NICK :anne",
            ":anne!~anna@people.test PART #OPS :later",
            ":anne!~anna@people.test JOIN #ops",
            ":anne!~anna@people.test QUIT :a.test b.test",
        ]
    );
    assert_eq!(sandbox.room("#ops").nicks(), ["bridge"]);
}

#[test]
fn a_client_comes_in_unless_the_channel_forbids_it() {
    let sandbox = Sandbox::in_memory();
    let client = Client::of(&sandbox, "bridge", "#lobby");
    sandbox.room("#banned").ban("*!~BRIDGE@*");
    sandbox.room("#key").set_key("k");
    sandbox.room("#invite").invite_only();
    sandbox.person("anna").join("#full");
    sandbox.room("#full").set_limit(1);
    client.holds(&[
        (
            "JOIN ops,#banned,#key,#invite,#full",
            &[
                "403 bridge ops :No such channel",
                "474 bridge #banned :Cannot join channel (+b)",
                "475 bridge #key :Cannot join channel (+k)",
                "473 bridge #invite :Cannot join channel (+i)",
                "471 bridge #full :Cannot join channel (+l)",
            ],
        ),
        ("JOIN", &["461 bridge JOIN :Not enough parameters"]),
        ("JOIN #lobby", &[]),
        (
            "JOIN #key k",
            &[
                ":bridge!~bridge@127.0.0.1 JOIN #key",
                "353 bridge = #key :bridge",
                "366 bridge #key :End of NAMES list",
            ],
        ),
        ("PART #nowhere", &["403 bridge #nowhere :No such channel"]),
        (
            "PART #full",
            &["442 bridge #full :You're not on that channel"],
        ),
        ("PART #key", &[":bridge!~bridge@127.0.0.1 PART #key :"]),
        ("TOPIC #lobby :new", &["331 bridge #lobby :No topic is set"]),
        ("MODE #lobby", &["324 bridge #lobby +"]),
        ("JOIN 0", &[":bridge!~bridge@127.0.0.1 PART #lobby :"]),
    ]);
    sandbox.room("#banned").open();
    assert_eq!(client.ask("JOIN #banned").len(), 3);
}

#[test]
fn who_is_kicked_is_shown_it_and_is_out() {
    let sandbox = Sandbox::in_memory();
    let client = Client::of(&sandbox, "bridge", "#ops");
    client.holds(&[(
        "KICK #ops bridge",
        &["482 bridge #ops :You're not channel operator"],
    )]);
    let ops = sandbox.room("#ops");
    assert!(!ops.kick("nobody", "x"));
    assert!(ops.kick("BRIDGE", "enough"));
    assert_eq!(
        client.heard(),
        [":op!~op@people.test KICK #ops bridge :enough"]
    );
    client.holds(&[(
        "PRIVMSG #ops :x",
        &["404 bridge #ops :Cannot send to channel"],
    )]);
    assert!(ops.nicks().is_empty() && ops.said().is_empty());
}
