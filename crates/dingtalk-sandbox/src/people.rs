//! Who speaks in groups: members, who type, and robots, which an app sends through.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use http::Uri;

use crate::callback::{CallbackError, parse_url};
use crate::ids;

/// A person. The same staff id (or nickname, for those without one) is the same person in every
/// group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    nick: Arc<str>,
    staff_id: Option<Arc<str>>,
}

impl Member {
    /// An employee: callbacks carry `staff_id` as `senderStaffId`.
    pub fn new(nick: &str, staff_id: &str) -> Self {
        Self {
            nick: nick.into(),
            staff_id: Some(staff_id.into()),
        }
    }

    /// Somebody from another organisation: callbacks carry no `senderStaffId`.
    pub fn external(nick: &str) -> Self {
        Self {
            nick: nick.into(),
            staff_id: None,
        }
    }

    /// The name that others see.
    pub fn nick(&self) -> &str {
        &self.nick
    }

    /// The employee number; `None` for people from outside.
    pub fn staff_id(&self) -> Option<&str> {
        self.staff_id.as_deref()
    }

    /// `senderId` of callbacks.
    pub fn sender_id(&self) -> String {
        ids::opaque_id(self.seed())
    }

    pub(crate) fn union_id(&self) -> String {
        ids::union_id(self.seed())
    }

    fn seed(&self) -> &str {
        self.staff_id.as_deref().unwrap_or(&self.nick)
    }
}

/// An app's robot. A cheap handle; clones mean the same robot.
#[derive(Clone)]
pub struct Robot {
    pub(crate) app: Arc<App>,
}

/// An app and its one robot.
pub(crate) struct App {
    pub(crate) key: Arc<str>,
    pub(crate) secret: String,
    pub(crate) robot_code: Arc<str>,
    /// `chatbotUserId` of callbacks.
    pub(crate) robot_id: String,
    callback: Mutex<Option<CallbackTarget>>,
}

/// Where an app wants its callbacks and how they are signed.
#[derive(Clone)]
pub(crate) struct CallbackTarget {
    pub(crate) url: Uri,
    pub(crate) secret: Arc<str>,
}

impl Robot {
    pub(crate) fn new(app_key: &str, app_secret: &str, robot_code: &str) -> Self {
        Self {
            app: Arc::new(App {
                key: app_key.into(),
                secret: app_secret.to_owned(),
                robot_code: robot_code.into(),
                robot_id: ids::opaque_id(robot_code),
                callback: Mutex::new(None),
            }),
        }
    }

    /// Says where callbacks go from now on, and the secret that signs them: in real apps the app
    /// secret, here any, so that tests can let the two differ.
    ///
    /// # Errors
    ///
    /// [`CallbackError::Url`] if `url` is not an absolute `http` one.
    pub fn set_callback(&self, url: &str, signing_secret: &str) -> Result<(), CallbackError> {
        let target = CallbackTarget {
            url: parse_url(url)?,
            secret: signing_secret.into(),
        };
        let mut callback = self
            .app
            .callback
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        *callback = Some(target);
        Ok(())
    }

    /// The key by which the app asks for tokens.
    pub fn app_key(&self) -> &str {
        &self.app.key
    }

    /// The secret by which the app asks for tokens.
    pub fn app_secret(&self) -> &str {
        &self.app.secret
    }

    /// The robot's own code, which sends must name.
    pub fn robot_code(&self) -> &str {
        &self.app.robot_code
    }
}

impl App {
    pub(crate) fn callback(&self) -> Result<CallbackTarget, CallbackError> {
        let callback = self.callback.lock().unwrap_or_else(PoisonError::into_inner);
        callback.clone().ok_or_else(|| CallbackError::NoCallback {
            robot_code: self.robot_code.to_string(),
        })
    }
}

impl fmt::Debug for Robot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Robot")
            .field("app_key", &self.app.key)
            .field("robot_code", &self.app.robot_code)
            .finish_non_exhaustive()
    }
}
