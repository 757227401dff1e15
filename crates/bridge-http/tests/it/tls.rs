//! A server with a certificate of its own making, and who trusts it.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bridge_core::ports::Reached;
use bridge_http::{Authorities, ClientOptions};
use rcgen::{CertifiedKey, generate_simple_self_signed};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;

use crate::client::{client, exchange, failure, options};
use crate::peers::OK;

/// Accepts as `localhost`; what trusts that.
pub(crate) fn localhost() -> (TlsAcceptor, Authorities) {
    let CertifiedKey { cert, signing_key } =
        generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let key = PrivateKeyDer::try_from(signing_key.serialize_der()).unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![cert.der().clone()], key)
        .unwrap();
    let body = STANDARD.encode(cert.der());
    let pem = format!("-----BEGIN CERTIFICATE-----\n{body}\n-----END CERTIFICATE-----\n");
    let authorities = Authorities::from_pem(&pem).unwrap();
    (TlsAcceptor::from(Arc::new(config)), authorities)
}

#[tokio::test]
async fn a_certificate_must_lead_to_an_authority_that_is_trusted() {
    let (acceptor, authorities) = localhost();
    // The host that is called, whether its certificate is trusted, and what the error says.
    let rows = [
        ("localhost", true, None),
        ("127.0.0.1", true, Some("certificate")),
        ("localhost", false, Some("UnknownIssuer")),
    ];
    for (host, is_trusted, expected) in rows {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let acceptor = acceptor.clone();
        tokio::spawn(async move {
            let (stream, _) = listener.accept().await.unwrap();
            let Ok(mut stream) = acceptor.accept(stream).await else {
                return;
            };
            let mut request = [0; 4096];
            let read = stream.read(&mut request).await.unwrap();
            assert!(request[..read].starts_with(b"POST / HTTP/1.1\r\n"));
            stream.write_all(OK.as_bytes()).await.unwrap();
            stream.shutdown().await.ok();
        });
        let uri = format!("https://{host}:{port}/");
        let options = ClientOptions {
            authorities: is_trusted.then_some(&authorities),
            ..options()
        };
        let Some(expected) = expected else {
            let answer = exchange(&client(options), &uri).await.unwrap();
            assert_eq!(answer.status(), 200);
            continue;
        };
        let error = failure(options, &uri).await;
        assert_eq!(error.reached, Reached::No, "{error}");
        assert!(error.to_string().contains(expected), "{host}: {error}");
    }
}
