//! Whom connections trust: Mozilla's certificate authorities, and those of an operator's own.

use std::fmt;
use std::sync::{Arc, LazyLock, OnceLock};

use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::CertificateDer;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

/// For certificates that lead to one of Mozilla's roots; the same for all instances. Made by the
/// first who needs it, as most bridges dial nobody.
static MOZILLA: LazyLock<TlsConnector> = LazyLock::new(|| make(&[]));

/// Certificates that are roots in addition to Mozilla's. Clones share what is made of them.
#[derive(Clone)]
pub struct Authorities(Arc<Own>);

struct Own {
    certificates: Vec<CertificateDer<'static>>,
    connector: OnceLock<TlsConnector>,
}

/// Why a text holds no certificates that could be roots.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum AuthoritiesError {
    /// A block of it is no PEM (RFC 7468).
    NotPem,
    /// There is no certificate in it.
    Nothing,
    /// The certificate of this number, counted from 1, can't be read.
    Unreadable(usize),
}

impl fmt::Display for AuthoritiesError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotPem => f.write_str("it is not PEM: a block in it is broken"),
            Self::Nothing => {
                f.write_str("there is no certificate in it (`-----BEGIN CERTIFICATE-----`)")
            }
            Self::Unreadable(number) => {
                write!(
                    f,
                    "certificate {number} in it is none that a server's could lead to"
                )
            }
        }
    }
}

impl std::error::Error for AuthoritiesError {}

impl Authorities {
    /// Takes all certificates of a PEM text; other blocks are passed over.
    ///
    /// # Errors
    ///
    /// [`AuthoritiesError`]: a text from which less would be trusted than its author thinks is refused.
    pub fn from_pem(text: &str) -> Result<Self, AuthoritiesError> {
        let certificates = CertificateDer::pem_slice_iter(text.as_bytes());
        let certificates: Result<Vec<_>, _> = certificates.collect();
        let certificates = certificates.map_err(|_| AuthoritiesError::NotPem)?;
        if certificates.is_empty() {
            return Err(AuthoritiesError::Nothing);
        }
        let mut roots = RootCertStore::empty();
        for (number, certificate) in (1..).zip(&certificates) {
            let added = roots.add(certificate.clone());
            added.map_err(|_| AuthoritiesError::Unreadable(number))?;
        }
        let connector = OnceLock::new();
        Ok(Self(Arc::new(Own {
            certificates,
            connector,
        })))
    }

    /// Each of them, as DER.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &CertificateDer<'static>> {
        self.0.certificates.iter()
    }
}

impl fmt::Debug for Authorities {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Authorities({})", self.0.certificates.len())
    }
}

/// What secures a connection to whoever has a certificate of Mozilla's roots, or of one of these.
pub(crate) fn connector(authorities: Option<&Authorities>) -> &TlsConnector {
    match authorities {
        Some(Authorities(own)) => own.connector.get_or_init(|| make(&own.certificates)),
        None => &MOZILLA,
    }
}

fn make(own: &[CertificateDer<'static>]) -> TlsConnector {
    let mut roots = RootCertStore::empty();
    roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
    roots.add_parsable_certificates(own.iter().cloned());
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("ring has suites for every version of TLS that rustls knows")
        .with_root_certificates(roots)
        .with_no_client_auth();
    TlsConnector::from(Arc::new(config))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pem() -> String {
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        let body =
            base64::Engine::encode(&base64::engine::general_purpose::STANDARD, made.cert.der());
        format!("-----BEGIN CERTIFICATE-----\n{body}\n-----END CERTIFICATE-----\n")
    }

    #[test]
    fn every_certificate_is_taken_or_the_text_is_refused() {
        let (one, other) = (pem(), pem());
        let key = "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n";
        let two = Authorities::from_pem(&format!("# ours\n{one}{key}\n{other}")).unwrap();
        assert_eq!(format!("{two:?}"), "Authorities(2)");
        let no_certificate = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        for (text, expected) in [
            (String::new(), AuthoritiesError::Nothing),
            ("http://ca.example".to_owned(), AuthoritiesError::Nothing),
            (key.to_owned(), AuthoritiesError::Nothing),
            (one[..one.len() - 40].to_owned(), AuthoritiesError::NotPem),
            (
                format!("{one}{no_certificate}"),
                AuthoritiesError::Unreadable(2),
            ),
        ] {
            assert_eq!(
                Authorities::from_pem(&text).unwrap_err(),
                expected,
                "{text}"
            );
        }
    }
}
