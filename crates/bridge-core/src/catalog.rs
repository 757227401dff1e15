//! The driver kinds linked into this binary.

use std::fmt;
use std::sync::Arc;

use schemars::Schema;

use crate::capability::Capabilities;
use crate::driver::{Driver, DriverInfo, ErasedDriver, Identity, Listen, Report};
use crate::ports::Ports;

/// Registers a [`Driver`] type, so that every binary that links its crate knows the platform.
/// Write it once, at the end of the driver crate's `lib.rs`:
/// `bridge_core::register_driver!(MyPlatform);`
///
/// It also defines the constant `DRIVER` there. `bridge_bin::main!` names it: a crate that is not
/// linked, registers no driver, or was built with another `bridge-core` is an error of the compiler,
/// where it would otherwise be a platform that nobody knows.
#[macro_export]
macro_rules! register_driver {
    ($driver:ty) => {
        /// The driver of this crate, as `bridge_bin::main!` links it.
        pub const DRIVER: $crate::catalog::DriverEntry =
            $crate::catalog::DriverEntry::of::<$driver>().from_package($crate::catalog::Package {
                name: ::core::env!("CARGO_PKG_NAME"),
                version: ::core::env!("CARGO_PKG_VERSION"),
                api_level: $crate::API_LEVEL,
            });
        $crate::macros::inventory::submit! {
            DRIVER
        }
    };
}

inventory::collect!(DriverEntry);

/// The package that a driver comes in, as `bridge drivers` tells it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Package {
    /// Its name.
    pub name: &'static str,
    /// Its version.
    pub version: &'static str,
    /// The [`API_LEVEL`](crate::API_LEVEL) of the `bridge-core` that it was built with.
    pub api_level: u32,
}

/// `driver-dingtalk 0.1.0, API level 1`
impl fmt::Display for Package {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            name,
            version,
            api_level,
        } = self;
        write!(f, "{name} {version}, API level {api_level}")
    }
}

/// A linked driver.
#[derive(Clone, Copy)]
pub struct DriverEntry {
    info: DriverInfo,
    package: Option<Package>,
    schema: fn() -> Schema,
    prepare: fn(serde_json::Value) -> Result<PreparedDriver, SettingsError>,
}

impl fmt::Debug for DriverEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("DriverEntry")
            .field(&self.info.platform)
            .finish()
    }
}

impl DriverEntry {
    /// The entry of the driver type `D`, from no package that is known.
    pub const fn of<D: Driver>() -> Self {
        Self {
            info: D::INFO,
            package: None,
            schema: schemars_schema::<D>,
            prepare: prepare::<D>,
        }
    }

    /// The same entry, as it comes in `package`.
    #[must_use]
    pub const fn from_package(mut self, package: Package) -> Self {
        self.package = Some(package);
        self
    }

    /// The package that it comes in; `None` if it was not registered by [`register_driver!`].
    pub const fn package(&self) -> Option<&Package> {
        self.package.as_ref()
    }

    /// Names and keys of the platform.
    pub const fn info(&self) -> &DriverInfo {
        &self.info
    }

    /// The JSON Schema of the driver's settings.
    pub fn schema(&self) -> Schema {
        (self.schema)()
    }

    /// Reads and checks one instance's settings, secrets already in place.
    ///
    /// # Errors
    ///
    /// The first value that can't be read. What can be read and is wrong is in the report.
    pub fn prepare(&self, settings: serde_json::Value) -> Result<PreparedDriver, SettingsError> {
        (self.prepare)(settings)
    }
}

fn schemars_schema<D: Driver>() -> Schema {
    schemars::schema_for!(D::Settings)
}

fn prepare<D: Driver>(settings: serde_json::Value) -> Result<PreparedDriver, SettingsError> {
    let settings: D::Settings = serde_path_to_error::deserialize(settings).map_err(|error| {
        let path = error.path().to_string();
        SettingsError {
            path,
            problem: error.into_inner().to_string(),
        }
    })?;
    let mut report = Report::default();
    D::check(&settings, &mut report);
    Ok(PreparedDriver {
        info: const { &D::INFO },
        listen: D::listen(&settings),
        capabilities: D::capabilities(&settings),
        identity: D::identity(&settings),
        report,
        open: Box::new(move |ports| Arc::new(D::open(settings, ports))),
    })
}

/// A settings value that can't be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SettingsError {
    /// Where it stands, relative to the instance: `listen_port`, or `.` for the whole.
    pub path: String,
    /// What is wrong with it.
    pub problem: String,
}

/// An instance's settings, read and checked, ready to become a driver.
pub struct PreparedDriver {
    info: &'static DriverInfo,
    listen: Option<Listen>,
    capabilities: Capabilities,
    identity: Option<Identity>,
    report: Report,
    open: Box<dyn FnOnce(Ports) -> Arc<dyn ErasedDriver> + Send + Sync>,
}

impl fmt::Debug for PreparedDriver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PreparedDriver")
            .field("listen", &self.listen)
            .finish_non_exhaustive()
    }
}

impl PreparedDriver {
    /// See [`Driver::INFO`].
    pub fn info(&self) -> &'static DriverInfo {
        self.info
    }

    /// See [`Driver::listen`].
    pub fn listen(&self) -> Option<&Listen> {
        self.listen.as_ref()
    }

    /// See [`Driver::capabilities`].
    pub fn capabilities(&self) -> Capabilities {
        self.capabilities
    }

    /// See [`Driver::identity`].
    pub fn identity(&self) -> Option<&Identity> {
        self.identity.as_ref()
    }

    /// What [`Driver::check`] found.
    pub fn report(&self) -> &Report {
        &self.report
    }

    /// See [`Driver::open`].
    pub fn open(self, ports: Ports) -> Arc<dyn ErasedDriver> {
        (self.open)(ports)
    }
}

/// All linked drivers, sorted by platform.
#[derive(Debug, Clone, Default)]
pub struct Catalog {
    entries: Vec<DriverEntry>,
}

impl Catalog {
    /// The drivers that registered themselves with [`register_driver!`].
    ///
    /// # Errors
    ///
    /// If two drivers claim one platform.
    pub fn linked() -> Result<Self, DuplicatePlatform> {
        Self::of(inventory::iter::<DriverEntry>.into_iter().copied())
    }

    /// A catalog of the given entries.
    ///
    /// # Errors
    ///
    /// If two entries claim one platform.
    pub fn of(entries: impl IntoIterator<Item = DriverEntry>) -> Result<Self, DuplicatePlatform> {
        let mut entries: Vec<_> = entries.into_iter().collect();
        entries.sort_by_key(|entry| entry.info.platform);
        match entries
            .windows(2)
            .find(|pair| pair[0].info.platform == pair[1].info.platform)
        {
            Some(pair) => Err(DuplicatePlatform(pair[0].info.platform)),
            None => Ok(Self { entries }),
        }
    }

    /// The driver of `platform`.
    pub fn get(&self, platform: &str) -> Option<&DriverEntry> {
        self.entries
            .iter()
            .find(|entry| entry.info.platform == platform)
    }

    /// All drivers, sorted by platform.
    pub fn iter(&self) -> impl Iterator<Item = &DriverEntry> {
        self.entries.iter()
    }
}

/// Two linked drivers claim the platform.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DuplicatePlatform(pub &'static str);

impl fmt::Display for DuplicatePlatform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "two drivers for platform \"{}\" are linked into this binary; leave one of them out",
            self.0
        )
    }
}

impl std::error::Error for DuplicatePlatform {}
