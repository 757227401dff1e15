//! What the demo runs on: a sandbox with two groups, and a bridge between them whose store is in a
//! temporary folder.

use std::fmt;
use std::io;

use bridge_core::catalog::Catalog;
use bridge_core::config::Setup;
use dingtalk_sandbox::{CallbackError, Group, Robot, Sandbox};
use tempfile::TempDir;

use super::files::{self, End, PLATFORM, RULES};
use super::side::Pair;
use crate::app::{Bridge, StartError};

const TITLES: Pair<&str> = Pair {
    left: "上海值班群",
    right: "Berlin Ops",
};

/// A sandbox and a bridge that run, until [`Stage::close`].
#[derive(Debug)]
pub(super) struct Stage {
    pub(super) sandbox: Sandbox,
    pub(super) groups: Pair<Group>,
    bridge: Bridge,
    folder: TempDir,
}

/// Why the demo can't begin. Nothing runs then.
#[derive(Debug)]
pub(crate) enum StageError {
    /// The driver of the sandbox's platform is not there; these are.
    NotLinked(Vec<&'static str>),
    /// There is no temporary folder to be had.
    Folder(io::Error),
    /// The sandbox finds no port.
    Sandbox(io::Error),
    /// The embedded files are wrong.
    Files(String),
    /// The bridge does not start.
    Bridge(StartError),
    /// The bridge does not listen where the sandbox could call it.
    Callback(CallbackError),
}

impl fmt::Display for StageError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotLinked(linked) => write!(
                f,
                "it plays with the driver \"{PLATFORM}\", which is not linked into this binary; linked: {}",
                linked.join(", ")
            ),
            Self::Folder(error) => write!(
                f,
                "no temporary folder can be made for the store: {error}; \
                 set TMPDIR to a folder that can be written"
            ),
            Self::Sandbox(error) => write!(f, "the sandbox finds no port on 127.0.0.1: {error}"),
            Self::Files(problem) => f.write_str(problem),
            Self::Bridge(error) => write!(f, "{error}"),
            Self::Callback(error) => write!(f, "{error}"),
        }
    }
}

impl std::error::Error for StageError {}

impl Stage {
    /// Starts the sandbox, then the bridge with the embedded files, then tells the robots where
    /// the bridge listens.
    pub(super) async fn open(catalog: &Catalog) -> Result<Self, StageError> {
        if catalog.get(PLATFORM).is_none() {
            let linked = catalog.iter().map(|entry| entry.info().platform);
            return Err(StageError::NotLinked(linked.collect()));
        }
        let Pair { left, right } = files::ends().map_err(StageError::Files)?;
        let folder = tempfile::Builder::new().prefix("bridge-demo-").tempdir();
        let folder = folder.map_err(StageError::Folder)?;
        let sandbox = Sandbox::start().await.map_err(StageError::Sandbox)?;
        let left = Room::furnish(&sandbox, left, TITLES.left);
        let right = Room::furnish(&sandbox, right, TITLES.right);

        let loaded = files::load_embedded(catalog, folder.path(), &sandbox.api_base());
        let loaded = loaded.map_err(StageError::Files)?;
        let setup = loaded.setup.ok_or_else(|| {
            let found = loaded.diagnostics.iter().map(ToString::to_string);
            StageError::Files(found.collect::<Vec<_>>().join("\n"))
        })?;
        let paths = [left.path(&setup)?, right.path(&setup)?];
        let bridge = Bridge::start(setup).await.map_err(StageError::Bridge)?;
        for (room, path) in [&left, &right].into_iter().zip(paths) {
            room.connect(&bridge, &path)?;
        }
        Ok(Self {
            sandbox,
            groups: Pair {
                left: left.group,
                right: right.group,
            },
            bridge,
            folder,
        })
    }

    /// What runs where, and the rules, in lines for people.
    pub(super) fn describe(&self) -> String {
        let listeners = self.bridge.listeners();
        let listeners: Vec<_> = listeners
            .iter()
            .map(|(instance, address)| {
                let instance = instance.as_str();
                format!("  {instance:<12} listens on http://{address}\n")
            })
            .collect();
        format!(
            "A bridge between two DingTalk groups, all of it on this machine.\n\
             \x20 the sandbox  plays DingTalk on {}\n{}\n\
             The bridge runs by these rules:\n\n{}\n",
            self.sandbox.api_base(),
            listeners.concat(),
            RULES.trim_end(),
        )
    }

    /// Stops the bridge, then the sandbox, and removes the folder.
    pub(super) async fn close(self) {
        self.bridge.stop().await;
        self.sandbox.stop().await;
        let path = self.folder.path().to_owned();
        if let Err(error) = self.folder.close() {
            tracing::warn!(
                path = %path.display(), %error,
                "the demo's temporary folder can't be removed; remove it by hand"
            );
        }
    }
}

/// A group of the sandbox with a robot in it.
struct Room {
    end: End,
    robot: Robot,
    group: Group,
}

impl Room {
    fn furnish(sandbox: &Sandbox, end: End, title: &str) -> Self {
        let robot = sandbox.add_robot(&end.app_key, &end.app_secret, &end.robot_code);
        let group = sandbox.add_group(&end.open_conversation_id, title);
        group.add_robot(&robot);
        Self { end, robot, group }
    }

    fn path(&self, setup: &Setup) -> Result<String, StageError> {
        let mut instances = setup.instances.iter();
        let instance = instances.find(|instance| instance.id.as_str() == self.end.instance);
        let listen = instance.and_then(|instance| instance.driver.listen());
        listen
            .map(|listen| listen.path.clone())
            .ok_or_else(|| self.is_deaf())
    }

    fn connect(&self, bridge: &Bridge, path: &str) -> Result<(), StageError> {
        let mut listeners = bridge.listeners().into_iter();
        let (_, address) = listeners
            .find(|(instance, _)| instance.as_str() == self.end.instance)
            .ok_or_else(|| self.is_deaf())?;
        self.robot
            .set_callback(&format!("http://{address}{path}"), &self.end.signing_secret)
            .map_err(StageError::Callback)
    }

    fn is_deaf(&self) -> StageError {
        StageError::Files(format!(
            "instance \"{}\" has no listener",
            self.end.instance
        ))
    }
}
