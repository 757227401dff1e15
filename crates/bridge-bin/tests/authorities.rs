//! Servers whose certificates come from a company's own authority: an IRC server behind TLS, and the
//! file that makes it trusted.
#![expect(
    clippy::unwrap_used,
    reason = "these are tests; clippy does not take the helpers of an integration test for such"
)]

mod support;

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use dingtalk_sandbox::StatusCode;
use irc_sandbox::Sandbox;
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use serde_json::{Value, json};
use support::{Bed, OPS, PATIENCE, run, text};
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};

fn pem(certificate: &CertificateDer<'_>) -> String {
    let body = STANDARD.encode(certificate);
    format!("-----BEGIN CERTIFICATE-----\n{body}\n-----END CERTIFICATE-----\n")
}

/// A server's end of TLS as `localhost`, and the PEM text of the authority that vouches for it.
fn company() -> (TlsAcceptor, String) {
    let mut of_authority = CertificateParams::new([]).unwrap();
    of_authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let key = KeyPair::generate().unwrap();
    let authority = of_authority.self_signed(&key).unwrap();
    let issuer = Issuer::new(of_authority, key);
    let key = KeyPair::generate().unwrap();
    let of_server = CertificateParams::new(["localhost".to_owned()]).unwrap();
    let server = of_server.signed_by(&key, &issuer).unwrap();
    let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![server.der().clone()], key)
        .unwrap();
    (TlsAcceptor::from(Arc::new(config)), pem(authority.der()))
}

/// Takes TLS off the connections to `inner`; where it listens.
async fn front(acceptor: TlsAcceptor, inner: SocketAddr) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                // A client that does not trust it ends the handshake.
                let Ok(mut outer) = acceptor.accept(stream).await else {
                    return;
                };
                let mut inner = TcpStream::connect(inner).await.unwrap();
                drop(copy_bidirectional(&mut outer, &mut inner).await);
            });
        }
    });
    port
}

/// A group, and a channel behind TLS.
async fn bed(port: u16) -> Bed {
    let mut bed = Bed::new().await;
    bed.config["irc"] =
        json!({ "office": { "server": "localhost", "port": port, "nick": "bridge" } });
    bed.rules = json!({ "rules": [{ "type": "connect", "channels": {
        "dt_main": { "open_conversation_id": OPS }, "office": { "channel": "#ops" } } }] });
    bed
}

fn write(dir: &Path, name: &str, content: impl AsRef<[u8]>) {
    std::fs::write(dir.join(name), content).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_company_s_server_is_trusted_once_its_authority_is() {
    let network = Sandbox::start().await.unwrap();
    let (acceptor, authority) = company();
    let port = front(acceptor, network.address().unwrap()).await;
    let mut bed = bed(port).await;
    let mut process = bed.start();
    let answer = bed.ops.say(&bed.zhang, "waits").await.unwrap();
    assert_eq!(answer.status, StatusCode::OK);
    let away = process.wait_for_line("the platform is not reached");
    let reason = away["error"].as_str().unwrap();
    assert!(reason.contains("UnknownIssuer"), "{reason}");

    // The running bridge takes the file up with the config.
    write(
        bed.path(),
        "company.pem",
        format!("# the office's\n{authority}"),
    );
    bed.config["irc"]["office"]["ca_file"] = json!("company.pem");
    bed.write_files();
    let room = network.room("#ops");
    room.wait_for_sent(1, PATIENCE).await.unwrap();
    let anna = network.person("anna").join("#ops");
    anna.say("hello");
    let transcript = bed.ops.wait_for_sent(1, PATIENCE).await.unwrap();
    assert_eq!(transcript.sent_texts(), ["anna: hello"]);

    // Another authority in the same file is another trust: the connection is made anew. What was
    // logged until now is of the first one.
    drop(process.log());
    let (_, other) = company();
    write(bed.path(), "company.pem", other);
    let away = process.wait_for_next_line("the platform is not reached");
    let reason = away["error"].as_str().unwrap();
    assert!(reason.contains("invalid peer certificate"), "{reason}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_can_t_be_used_is_found_before_the_start() {
    let mut bed = bed(1).await;
    let (_, authority) = company();
    let dir = bed.path().to_owned();
    write(&dir, "good.pem", &authority);
    write(
        &dir,
        "broken.pem",
        format!("{authority}{}", &authority[..200]),
    );
    write(&dir, "company.cer", [0x30, 0x82, 0x01, 0xff]);
    write(&dir, "empty.pem", "# nothing\n");
    let rows = [
        ("good.pem", ""),
        (
            "none.pem",
            "the file of authorities none.pem can't be read: No such file",
        ),
        (
            "broken.pem",
            "the file of authorities broken.pem can't be used: it is not PEM",
        ),
        (
            "company.cer",
            "the file of authorities company.cer can't be read: stream did not contain valid UTF-8",
        ),
        (
            "empty.pem",
            "the file of authorities empty.pem can't be used: there is no certificate in it",
        ),
    ];
    let places: [fn(&mut Value) -> &mut Value; 2] = [
        |config| &mut config["global"],
        |config| &mut config["irc"]["office"],
    ];
    for place in places {
        for (file, expected) in rows {
            place(&mut bed.config)["ca_file"] = json!(file);
            bed.write_files();
            let check = run(&dir, &["check"]);
            let printed = text(&check.stderr);
            assert_eq!(check.status.code(), Some(0), "{file}: {printed}");
            assert_eq!(
                printed.contains("warning[E0505]"),
                !expected.is_empty(),
                "{file}: {printed}"
            );
            assert!(printed.contains(expected), "{file}: {printed}");
            if !expected.is_empty() {
                let started = run(&dir, &["run"]);
                let printed = text(&started.stderr);
                assert_eq!(started.status.code(), Some(1), "{file}: {printed}");
                assert!(printed.contains(expected), "{file}: {printed}");
            }
        }
        place(&mut bed.config)
            .as_object_mut()
            .unwrap()
            .remove("ca_file");
    }
}
