//! A request on its way in: where to, and then its body, within bounds.

use std::pin::pin;

use bytes::{Bytes, BytesMut};
use http::{Method, Request};
use http_body::Body;
use http_body_util::BodyExt;
use tokio::sync::{Semaphore, SemaphorePermit};
use tower::BoxError;

use super::SMALL_BODY_BYTES;
use super::refused::Refused;

/// What is reserved for a body before any of it has come.
const FIRST_BYTES: usize = 4 * 1024;

/// A request that was read whole.
#[derive(Debug)]
pub(super) enum Asked {
    /// Something happened on the platform.
    Callback(Request<Bytes>),
    /// Somebody asks the instance for something.
    Question(Request<Bytes>),
}

/// Routes and reads: what is cheap to refuse is refused first.
pub(super) struct Reader {
    pub(super) path: Box<str>,
    pub(super) method: Method,
    /// Paths at which the instance is asked.
    pub(super) questions: Vec<Box<str>>,
    pub(super) body_limit_bytes: usize,
    /// One permit for each body that grows past [`SMALL_BODY_BYTES`]: so what callers who have not
    /// shown who they are can make the bridge hold is bounded, and small bodies always get in.
    pub(super) large_bodies: Semaphore,
}

impl Reader {
    pub(super) async fn read<B>(&self, request: Request<B>) -> Result<Asked, Refused>
    where
        B: Body<Data = Bytes>,
        B::Error: Into<BoxError>,
    {
        let asked = self.route(request.uri().path(), request.method())?;
        let (head, body) = request.into_parts();
        let body = self.read_body(body).await?;
        Ok(asked(Request::from_parts(head, body)))
    }

    fn route(&self, path: &str, method: &Method) -> Result<fn(Request<Bytes>) -> Asked, Refused> {
        let path = without_slash(path);
        let is_question = self.questions.iter().any(|known| **known == *path);
        if is_question && method == Method::GET {
            return Ok(Asked::Question);
        }
        let allowed = match (path == &*self.path, is_question) {
            (true, _) => &self.method,
            (false, true) => &Method::GET,
            (false, false) => return Err(Refused::UnknownPath),
        };
        match method == allowed {
            true => Ok(Asked::Callback),
            false => Err(Refused::WrongMethod(allowed.clone())),
        }
    }

    /// The whole body. Copied together, because a body that comes in many small pieces would
    /// otherwise hold a multiple of its length.
    async fn read_body<B>(&self, body: B) -> Result<Bytes, Refused>
    where
        B: Body<Data = Bytes>,
        B::Error: Into<BoxError>,
    {
        let mut body = pin!(body);
        let declared = usize::try_from(body.size_hint().lower()).unwrap_or(usize::MAX);
        // A declared length is refused unread; a client that asks first (`expect: 100-continue`)
        // then does not even send it.
        let mut permit = self.room_for(declared, None)?;
        let mut read = BytesMut::with_capacity(declared.min(FIRST_BYTES));
        while let Some(frame) = body.frame().await {
            let frame = frame.map_err(|error| Refused::Broken(error.into().to_string()))?;
            // Trailers say nothing here.
            if let Ok(data) = frame.into_data() {
                permit = self.room_for(read.len() + data.len(), permit)?;
                read.extend_from_slice(&data);
            }
        }
        Ok(read.freeze())
    }

    /// The permit, if one is needed, to read a body of at least `length` bytes.
    fn room_for<'a>(
        &'a self,
        length: usize,
        permit: Option<SemaphorePermit<'a>>,
    ) -> Result<Option<SemaphorePermit<'a>>, Refused> {
        if length > self.body_limit_bytes {
            return Err(Refused::TooLarge);
        }
        if length <= SMALL_BODY_BYTES || permit.is_some() {
            return Ok(permit);
        }
        let permit = self.large_bodies.try_acquire();
        permit.map(Some).map_err(|_| Refused::Crowded)
    }
}

/// The path without one trailing slash; `/` becomes empty, which no other path does.
pub(super) fn without_slash(path: &str) -> &str {
    path.strip_suffix('/').unwrap_or(path)
}
