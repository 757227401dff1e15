//! Which request heads are taken: only those that nobody on the way can have read differently.
//!
//! Where two programs disagree about the end of a request, one caller's bytes become another
//! caller's request (RFC 9112, section 11.2). hyper follows the robust reading of the standard; this
//! is the strict one, over the raw bytes. What it lets through hyper still parses and may refuse.

/// How the end of a request's body is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Framing {
    /// After so many bytes; 0 without a body.
    Length(u64),
    /// By `transfer-encoding: chunked`.
    Chunked,
}

/// What the bytes that came so far are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Progress {
    /// Nothing wrong, and no end yet.
    Partial,
    /// The head ends before this byte.
    Complete(usize),
}

/// Looks for the end of the head in `bytes`, of which the first `seen` were looked at before.
///
/// # Errors
///
/// The reason why no head begins like this, found as soon as it is there.
pub(super) fn scan(bytes: &[u8], seen: usize) -> Result<Progress, &'static str> {
    // A line break may have begun in what was seen.
    for at in seen.saturating_sub(1)..bytes.len() {
        match (bytes[at], bytes.get(at + 1)) {
            (b'\r', Some(b'\n')) if at == 0 => return Err("an empty line before the request"),
            (b'\r', Some(b'\n') | None) => {}
            (b'\r', Some(_)) => return Err("a bare CR"),
            (b'\n', _) if at == 0 || bytes[at - 1] != b'\r' => return Err("a bare LF"),
            (b'\n', _) if bytes[..at].ends_with(b"\r\n\r") => {
                return Ok(Progress::Complete(at + 1));
            }
            (b'\n' | b'\t', _) => {}
            (byte, _) if byte.is_ascii_control() => return Err("a control character"),
            _ => {}
        }
    }
    Ok(Progress::Partial)
}

/// Reads how the body ends from a whole `head`.
///
/// # Errors
///
/// The reason why the head is refused, for the log.
pub(super) fn check(head: &[u8]) -> Result<Framing, &'static str> {
    let mut lines = head
        .split(|byte| *byte == b'\n')
        .map(|line| line.strip_suffix(b"\r").unwrap_or(line));
    let is_http_11 = check_request_line(lines.next().unwrap_or_default())?;
    let mut hosts = 0;
    let mut framing = None;
    for line in lines.take_while(|line| !line.is_empty()) {
        if line[0] == b' ' || line[0] == b'\t' {
            return Err("a folded header line");
        }
        let Some(colon) = line.iter().position(|byte| *byte == b':') else {
            return Err("a header line without a colon");
        };
        let (name, value) = (&line[..colon], line[colon + 1..].trim_ascii());
        // What disguises one of the names below as another one.
        if name.is_empty() || !name.iter().copied().all(is_token) {
            return Err("a header name that is no token");
        }
        let is = |wanted: &str| name.eq_ignore_ascii_case(wanted.as_bytes());
        let found = if is("content-length") {
            Framing::Length(content_length(value)?)
        } else if is("transfer-encoding") {
            if !is_http_11 || !value.eq_ignore_ascii_case(b"chunked") {
                return Err("a transfer-encoding that is not just chunked");
            }
            Framing::Chunked
        } else {
            if is("host") {
                hosts += 1;
                check_host(value)?;
            }
            continue;
        };
        if framing.replace(found).is_some() {
            return Err("more than one length of the body");
        }
    }
    match hosts {
        0 if is_http_11 => Err("no host"),
        0 | 1 => Ok(framing.unwrap_or(Framing::Length(0))),
        _ => Err("more than one host"),
    }
}

/// Whether the request says HTTP/1.1, and not HTTP/1.0.
fn check_request_line(line: &[u8]) -> Result<bool, &'static str> {
    let mut words = line.split(|byte| *byte == b' ');
    let (method, target, version) = (words.next(), words.next(), words.next());
    if words.next().is_some() || line.contains(&b'\t') {
        return Err("white space in the request line");
    }
    if method.is_none_or(|method| method.is_empty() || !method.iter().copied().all(is_token)) {
        return Err("a method that is no token");
    }
    // A proxy's forms (`http://host/path`, `host:port`, `*`) name a host a second time.
    if target.is_none_or(|target| target.first() != Some(&b'/')) {
        return Err("a target that is no path");
    }
    match version {
        Some(b"HTTP/1.1") => Ok(true),
        Some(b"HTTP/1.0") => Ok(false),
        _ => Err("another version than HTTP/1.1 and HTTP/1.0"),
    }
}

/// Digits only: no sign, no list, nothing that does not fit.
fn content_length(value: &[u8]) -> Result<u64, &'static str> {
    const WRONG: &str = "a content-length that is no number";
    if value.is_empty() || !value.iter().all(u8::is_ascii_digit) {
        return Err(WRONG);
    }
    let text = std::str::from_utf8(value).map_err(|_| WRONG)?;
    text.parse().map_err(|_| WRONG)
}

fn check_host(value: &[u8]) -> Result<(), &'static str> {
    let is_odd = |byte: &u8| !byte.is_ascii_graphic() || b"/?#@\\".contains(byte);
    match value.iter().any(is_odd) {
        true => Err("a host that is none"),
        false => Ok(()),
    }
}

/// RFC 9110, section 5.6.2.
fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

#[cfg(test)]
mod tests;
