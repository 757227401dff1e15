//! `GET /messages`: hands out what is in the mailbox, and confirms what a reader asks past.

mod query;

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bridge_core::ports::{Clock, Cursor, Letter, Mailbox, MailboxError, Mailed, Ports};
use bytes::Bytes;
use futures_util::future::{Either, select};
use http::{Response, StatusCode, header};
use serde_json::json;
use sha2::{Digest, Sha256};

use query::{Mark, Query};

/// Where messages are read.
pub(crate) const PATH: &str = "/messages";

/// Readers that wait for news at once; one more is answered at once.
const MOST_WAITING: usize = 16;

/// Letters that are read from the mailbox at once: few, since each may be as large as a message.
const CHUNK: usize = 4;

/// The messages of an answer have no more bytes together, unless the first one alone has.
const ENOUGH_BYTES: usize = 1024 * 1024;

/// The pause before a mailbox that called for nothing is looked at again.
const LOOK_AGAIN_AFTER: Duration = Duration::from_secs(1);

/// The reading side of an instance.
pub(crate) struct Reading {
    mailbox: Arc<dyn Mailbox>,
    clock: Arc<dyn Clock>,
    waiting: AtomicUsize,
}

impl fmt::Debug for Reading {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reading")
            .field("waiting", &self.waiting)
            .finish_non_exhaustive()
    }
}

/// Why a question is not answered with messages.
enum Unanswered {
    /// It makes no sense; says why.
    Senseless(String),
    /// The mailbox can't be read now.
    Unavailable,
}

impl From<MailboxError> for Unanswered {
    /// Its words are for the operator, not for the reader.
    fn from(_: MailboxError) -> Self {
        Self::Unavailable
    }
}

impl Reading {
    pub(crate) fn new(ports: &Ports) -> Self {
        Self {
            mailbox: Arc::clone(&ports.mailbox),
            clock: Arc::clone(&ports.clock),
            waiting: AtomicUsize::new(0),
        }
    }

    /// The answer to a reader who may ask, to the question `query`.
    pub(crate) async fn answer(&self, query: Option<&str>) -> Response<Bytes> {
        let answered = match Query::parse(query.unwrap_or_default()) {
            Ok(query) => self.messages(query).await,
            Err(problem) => Err(Unanswered::Senseless(problem)),
        };
        match answered {
            Ok(body) => response(StatusCode::OK, body),
            Err(Unanswered::Senseless(problem)) => {
                let body = json!({ "error": problem }).to_string();
                response(StatusCode::BAD_REQUEST, body)
            }
            Err(Unanswered::Unavailable) => {
                let body = json!({ "error": "the mailbox can't be read now; ask again" });
                let mut response = response(StatusCode::SERVICE_UNAVAILABLE, body.to_string());
                let headers = response.headers_mut();
                headers.insert(header::RETRY_AFTER, http::HeaderValue::from_static("5"));
                response
            }
        }
    }

    async fn messages(&self, query: Query) -> Result<String, Unanswered> {
        let after = match &query.after {
            None => Cursor::START,
            Some(mark) => {
                self.refuse_unknown(mark).await?;
                self.mailbox.confirm(mark.cursor).await?;
                mark.cursor
            }
        };
        let mut read = self.read(after, query.limit).await?;
        if read.letters.is_empty() && !query.wait.is_zero() {
            read = self.wait(after, &query, read).await?;
        }
        Ok(page(&read, &query))
    }

    /// A mark that this mailbox did not give, such as one from before the data directory was made
    /// anew, must not confirm what nobody has read.
    async fn refuse_unknown(&self, mark: &Mark) -> Result<(), Unanswered> {
        let before = Cursor(mark.cursor.0.saturating_sub(1));
        let Mailed {
            letters,
            confirmed,
            expired,
        } = self.mailbox.read(before, 1).await?;
        let is_known = match letters.first() {
            Some(letter) if letter.cursor == mark.cursor => Mark::of(letter) == *mark,
            _ if mark.cursor.0 <= confirmed => true,
            // Its letter is gone, so nobody can tell whose it is: it must not matter.
            _ => mark.cursor.0 <= expired && !self.has_unread(mark.cursor).await?,
        };
        match is_known {
            true => Ok(()),
            false => Err(Unanswered::Senseless(
                "`after` is no cursor of this mailbox; ask without it to begin at the oldest message"
                    .to_owned(),
            )),
        }
    }

    /// Whether there are letters up to this one.
    async fn has_unread(&self, up_to: Cursor) -> Result<bool, MailboxError> {
        let oldest = self.mailbox.read(Cursor::START, 1).await?;
        Ok(oldest.letters.iter().any(|letter| letter.cursor <= up_to))
    }

    /// As many letters as are asked for, but no more than make a large answer.
    async fn read(&self, after: Cursor, limit: usize) -> Result<Mailed, MailboxError> {
        let mut asked = limit.min(CHUNK);
        let mut all = self.mailbox.read(after, asked).await?;
        loop {
            let was_last = all.letters.len() < asked || all.letters.len() >= limit;
            let fitting = fitting(&all.letters);
            if was_last || fitting < all.letters.len() {
                all.letters.truncate(fitting);
                return Ok(all);
            }
            let Some(last) = all.letters.last() else {
                return Ok(all);
            };
            let more = (limit - all.letters.len()).min(CHUNK);
            asked += more;
            let next = self.mailbox.read(last.cursor, more).await?;
            all.letters.extend(next.letters);
        }
    }

    /// Waits for a letter, at most as long as the reader wants to; `read` is what there is now.
    async fn wait(
        &self,
        after: Cursor,
        query: &Query,
        read: Mailed,
    ) -> Result<Mailed, MailboxError> {
        let Some(_place) = Place::take(&self.waiting) else {
            return Ok(read);
        };
        let mut over = self.clock.sleep(query.wait);
        loop {
            let news = self.mailbox.waits_for(after);
            let is_over = matches!(select(news, &mut over).await, Either::Right(_));
            let read = self.read(after, query.limit).await?;
            if is_over || !read.letters.is_empty() {
                return Ok(read);
            }
            // It called for a letter that can't be read: that must not become a tight loop.
            let pause = self.clock.sleep(LOOK_AGAIN_AFTER);
            if let Either::Right(_) = select(pause, &mut over).await {
                return Ok(read);
            }
        }
    }
}

/// How many of the letters make one answer: at least one, or nobody would ever get past it.
fn fitting(letters: &[Letter]) -> usize {
    let mut bytes = 0;
    let too_many = letters.iter().position(|letter| {
        bytes += letter.body.len();
        bytes > ENOUGH_BYTES
    });
    too_many.map_or(letters.len(), |first| first.max(1))
}

/// A place among those who wait.
struct Place<'a>(&'a AtomicUsize);

impl<'a> Place<'a> {
    fn take(waiting: &'a AtomicUsize) -> Option<Self> {
        let taken = waiting.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |waiting| {
            (waiting < MOST_WAITING).then_some(waiting + 1)
        });
        taken.ok().map(|_| Self(waiting))
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Mark {
    fn of(letter: &Letter) -> Self {
        let digest = Sha256::digest(letter.key.as_bytes());
        let check = u32::from_be_bytes([digest[0], digest[1], digest[2], digest[3]]);
        Self {
            cursor: letter.cursor,
            check,
        }
    }
}

/// `{"messages": […], "next": "…"}`. What is in the mailbox is JSON already.
fn page(read: &Mailed, query: &Query) -> String {
    let bodies: Vec<_> = read.letters.iter().map(|letter| &*letter.body).collect();
    let asked = query.after.as_ref();
    let next = read.letters.last().map(Mark::of);
    let next = next
        .as_ref()
        .or(asked)
        .map_or_else(|| "0".to_owned(), Mark::to_string);
    let known = asked.map_or(0, |mark| mark.cursor.0).max(read.confirmed);
    let expired = match read.expired > known {
        true => ",\"expired\":true",
        false => "",
    };
    let messages = bodies.join(",");
    format!("{{\"messages\":[{messages}],\"next\":\"{next}\"{expired}}}")
}

fn response(status: StatusCode, body: String) -> Response<Bytes> {
    let mut response = Response::new(Bytes::from(body));
    *response.status_mut() = status;
    for (name, value) in [
        (header::CONTENT_TYPE, "application/json"),
        (header::CACHE_CONTROL, "no-store"),
    ] {
        let value = http::HeaderValue::from_static(value);
        response.headers_mut().insert(name, value);
    }
    response
}

#[cfg(test)]
mod tests;
