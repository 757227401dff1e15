//! ureq, configured: what one blocking call does.

use std::time::Duration;

use bridge_core::ports::{ExchangeTimeout, HttpError};
use bytes::Bytes;
use http::{Request, Response};
use ureq::config::Config;
use ureq::tls::{Certificate, RootCerts, TlsConfig};
use ureq::unversioned::transport::DefaultConnector;
use ureq::{AsSendBody, Body, Proxy, ProxyProtocol};

use super::dns::DnsCache;
use super::written::{self, Watched};
use super::{ClientError, ClientOptions, failure};
use crate::authorities::Authorities;

/// Read and write buffers of a connection; an answer of an API call fits.
const BUFFER_BYTES: usize = 16 * 1024;

/// How long an unused connection is kept: shorter than servers keep theirs, so that it is rarely
/// the server that closes first.
const IDLE_AGE: Duration = Duration::from_secs(15);

const USER_AGENT: &str = concat!("bridge/", env!("CARGO_PKG_VERSION"));

/// The blocking client of one instance.
#[derive(Debug)]
pub(super) struct Agent {
    ureq: ureq::Agent,
    dns: DnsCache,
    max_response_bytes: u64,
}

impl Agent {
    pub(super) fn new(options: ClientOptions<'_>) -> Result<Self, ClientError> {
        if options.connect_timeout >= options.call_timeout {
            return Err(ClientError::Timeouts);
        }
        let proxy = options.proxy.map(parse_proxy).transpose()?;
        let dns = DnsCache::default();
        Ok(Self {
            max_response_bytes: u64::try_from(options.max_response_bytes).unwrap_or(u64::MAX),
            ureq: ureq::Agent::with_parts(
                config(&options, proxy),
                Watched(DefaultConnector::default()),
                dns.clone(),
            ),
            dns,
        })
    }

    /// Does the exchange. Blocks until the answer is read whole or a timeout ends it.
    pub(super) fn call(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let uri = request.uri().clone();
        written::forget();
        self.exchange(request).map_err(|error| {
            let written = written::on_this_thread();
            if !written {
                // The address may be what is wrong.
                self.dns.forget(&uri);
            }
            failure::of(&error, &uri, written)
        })
    }

    fn exchange(&self, request: Request<Bytes>) -> Result<Response<Bytes>, ureq::Error> {
        let (head, body) = request.into_parts();
        let has_body = !body.is_empty() || needs_body(&head.method);
        let timeout = head.extensions.get().copied();
        let mut response = if has_body {
            self.run(Request::from_parts(head, &body[..]), timeout)?
        } else {
            self.run(Request::from_parts(head, ()), timeout)?
        };
        let body = response
            .body_mut()
            .with_config()
            .limit(self.max_response_bytes)
            .read_to_vec()?;
        Ok(response.map(|_| Bytes::from(body)))
    }

    fn run(
        &self,
        request: Request<impl AsSendBody>,
        timeout: Option<ExchangeTimeout>,
    ) -> Result<Response<Body>, ureq::Error> {
        let Some(ExchangeTimeout(timeout)) = timeout else {
            return self.ureq.run(request);
        };
        let whole = Some(timeout.min(ExchangeTimeout::MOST));
        let request = self.ureq.configure_request(request);
        let request = request.timeout_global(whole).timeout_per_call(whole);
        let request = request.timeout_send_request(whole).timeout_send_body(whole);
        let request = request
            .timeout_recv_response(whole)
            .timeout_recv_body(whole);
        self.ureq.run(request.build())
    }
}

/// Whether a request of this method says how long its body is even if it is empty (RFC 9110 8.6).
fn needs_body(method: &http::Method) -> bool {
    [http::Method::POST, http::Method::PUT, http::Method::PATCH].contains(method)
}

fn config(options: &ClientOptions<'_>, proxy: Option<Proxy>) -> Config {
    let (call, connect) = (Some(options.call_timeout), Some(options.connect_timeout));
    let connections = options.max_in_flight.max(1);
    ureq::Agent::config_builder()
        // Any status is an answer, a redirect too: following one would carry credentials along.
        .http_status_as_error(false)
        .max_redirects(0)
        .max_redirects_will_error(false)
        // Said in any case, because ureq's default asks the environment.
        .proxy(proxy)
        .user_agent(USER_AGENT)
        .tls_config(tls(options.authorities))
        .timeout_global(call)
        .timeout_per_call(call)
        .timeout_resolve(connect)
        .timeout_connect(connect)
        .timeout_send_request(call)
        .timeout_send_body(call)
        .timeout_recv_response(call)
        .timeout_recv_body(call)
        .input_buffer_size(BUFFER_BYTES)
        .output_buffer_size(BUFFER_BYTES)
        .max_idle_connections(connections)
        .max_idle_connections_per_host(connections)
        .max_idle_age(IDLE_AGE)
        .build()
}

/// Mozilla's roots come with ureq; beside others they must be named one by one.
fn tls(authorities: Option<&Authorities>) -> TlsConfig {
    let tls = TlsConfig::builder();
    let Some(own) = authorities else {
        return tls.build();
    };
    // Mozilla's are borrowed: each instance has a list of its own.
    let mozilla = webpki_root_certs::TLS_SERVER_ROOT_CERTS.iter();
    let mozilla = mozilla.map(|root| Certificate::from_der(root));
    let own = own
        .iter()
        .map(|root| Certificate::from_der(root).to_owned());
    let all = mozilla.chain(own);
    tls.root_certs(RootCerts::from(all)).build()
}

pub(crate) fn parse_proxy(address: &str) -> Result<Proxy, ClientError> {
    let proxy = Proxy::new(address).map_err(|_| ClientError::ProxyAddress)?;
    match proxy.protocol() {
        ProxyProtocol::Http | ProxyProtocol::Https => Ok(proxy),
        // ureq is built without SOCKS and panics when asked for it.
        _ => Err(ClientError::ProxyProtocol),
    }
}
