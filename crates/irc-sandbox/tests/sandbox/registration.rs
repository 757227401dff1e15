//! How clients come in, and why they do not.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use irc_sandbox::Sandbox;

use crate::support::Client;

#[test]
fn a_client_is_welcomed_once_it_has_said_who_it_is() {
    let sandbox = Sandbox::builder().motd("be kind").in_memory();
    let client = Client::new(&sandbox);
    client.holds(&[
        ("JOIN #ops", &["451 * :You have not registered"]),
        ("NICK", &["431 * :No nickname given"]),
        ("NICK 1st", &["432 * 1st :Erroneous nickname"]),
        ("USER bridge", &["461 * USER :Not enough parameters"]),
        ("NICK bridge", &[]),
        ("PING early", &["PONG irc.sandbox :early"]),
        (
            "USER bridge 0 * :A bridge",
            &[
                "001 bridge :Welcome to the sandbox bridge!~bridge@127.0.0.1",
                "002 bridge :Your host is irc.sandbox",
                "003 bridge :This server was created for a test",
                "004 bridge irc.sandbox irc-sandbox i biklmnt",
                "005 bridge CASEMAPPING=rfc1459 CHANTYPES=#& CHANNELLEN=50 PREFIX=(ov)@+ NICKLEN=16 :are supported by this server",
                "375 bridge :- irc.sandbox Message of the day - ",
                "372 bridge :- be kind",
                "376 bridge :End of MOTD command",
            ],
        ),
        ("USER again 0 * :x", &["462 bridge :You may not reregister"]),
        ("PASS x", &["462 bridge :You may not reregister"]),
        ("PING", &["409 bridge :No origin specified"]),
        ("FROB x", &["421 bridge FROB :Unknown command"]),
        ("NICK bridge2", &[":bridge!~bridge@127.0.0.1 NICK :bridge2"]),
        ("QUIT :done", &["ERROR :Closing Link: (Quit: done)"]),
    ]);
    assert!(!client.link.is_open());
    assert_eq!(sandbox.counters().registrations, 1);
}

#[test]
fn a_nickname_is_somebodys_alone() {
    let sandbox = Sandbox::in_memory();
    let anna = sandbox.person("Anna[1]");
    let other = Client::new(&sandbox);
    other.holds(&[("NICK ben", &[])]);
    let client = Client::new(&sandbox);
    client.holds(&[
        (
            "NICK anna{1}",
            &["433 * anna{1} :Nickname is already in use"],
        ),
        ("NICK BEN", &["433 * BEN :Nickname is already in use"]),
    ]);
    drop(other);
    anna.quit("gone");
    client.holds(&[("NICK BEN", &[]), ("NICK anna{1}", &[])]);
}

#[test]
fn capabilities_hold_registration_up_until_their_end() {
    let sandbox = Sandbox::in_memory();
    let client = Client::new(&sandbox);
    client.holds(&[
        (
            "CAP LS 302",
            &[
                "CAP * LS * :account-tag echo-message",
                "CAP * LS :message-tags sasl=PLAIN server-time",
            ],
        ),
        ("NICK bridge", &[]),
        ("USER bridge 0 * :x", &[]),
        ("CAP REQ :sasl no-such", &["CAP bridge NAK :sasl no-such"]),
        ("CAP LIST", &["CAP bridge LIST :"]),
        (
            "CAP REQ :sasl echo-message",
            &["CAP bridge ACK :sasl echo-message"],
        ),
        ("CAP REQ :-sasl", &["CAP bridge ACK :-sasl"]),
        ("CAP LIST", &["CAP bridge LIST :echo-message"]),
        ("CAP FROB", &["410 bridge FROB :Invalid CAP command"]),
    ]);
    assert_eq!(client.ask("CAP END").len(), 6);
    let old = Client::new(&sandbox);
    old.holds(&[(
        "CAP LS",
        &["CAP * LS :account-tag echo-message message-tags sasl server-time"],
    )]);
    let without = Sandbox::builder().without_capabilities().in_memory();
    Client::new(&without).holds(&[("CAP LS 302", &["CAP * LS :"])]);
}

#[test]
fn a_password_is_asked_for() {
    let sandbox = Sandbox::builder().password("sesame").in_memory();
    for (pass, is_in) in [
        ("PASS sesame", true),
        ("PASS wrong", false),
        ("PING x", false),
    ] {
        let client = Client::new(&sandbox);
        client.ask(pass);
        let answer = client.ask("NICK bridge\r\nUSER b 0 * :b");
        assert_eq!(answer[0].contains(" 001 "), is_in, "{pass}: {answer:?}");
        assert_eq!(client.link.is_open(), is_in, "{pass}");
        if !is_in {
            assert_eq!(answer[0], ":irc.sandbox 464 bridge :Password incorrect");
            assert_eq!(answer[1], "ERROR :Closing Link: (Bad Password)");
        }
    }
}

#[test]
fn sasl_plain_logs_in_to_an_account() {
    let long = "p".repeat(500);
    let sandbox = Sandbox::builder()
        .account("bridge", "secret")
        .account("long", &long)
        .in_memory();
    let plain =
        |name: &str, password: &str| BASE64_STANDARD.encode(format!("\0{name}\0{password}"));
    let client = Client::new(&sandbox);
    client.holds(&[
        ("NICK b", &[]),
        ("AUTHENTICATE PLAIN", &["904 b :SASL authentication failed"]),
        ("CAP REQ sasl", &["CAP b ACK :sasl"]),
        (
            "AUTHENTICATE EXTERNAL",
            &[
                "908 b PLAIN :are available SASL mechanisms",
                "904 b :SASL authentication failed",
            ],
        ),
        ("AUTHENTICATE PLAIN", &["AUTHENTICATE +"]),
        ("AUTHENTICATE *", &["906 b :SASL authentication aborted"]),
    ]);
    let failed: &[&str] = &["904 b :SASL authentication failed"];
    let too_long = "A".repeat(401);
    let (wrong, unknown) = (plain("bridge", "wrong"), plain("nobody", "secret"));
    for (response, expected) in [
        (&*wrong, failed),
        (&unknown, failed),
        ("not base64!", failed),
        (&too_long, &["905 b :SASL message too long"]),
        (
            &plain("bridge", "secret"),
            &[
                "900 b b!*@* bridge :You are now logged in",
                "903 b :SASL authentication successful",
            ],
        ),
    ] {
        client.holds(&[("AUTHENTICATE PLAIN", &["AUTHENTICATE +"])]);
        client.holds(&[(&format!("AUTHENTICATE {response}"), expected)]);
    }

    let pieces = plain("long", &long);
    let (first, second) = pieces.split_at(400);
    let client = Client::new(&sandbox);
    client.ask("CAP REQ sasl\r\nAUTHENTICATE PLAIN");
    client.holds(&[(&format!("AUTHENTICATE {first}"), &[])]);
    let answer = client.ask(&format!("AUTHENTICATE {second}"));
    assert!(answer[1].contains(" 903 "), "{answer:?}");
}
