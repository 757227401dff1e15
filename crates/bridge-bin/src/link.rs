//! The `main` of a binary with drivers of its own, and what it holds them to.

use bridge_core::catalog::DriverEntry;

/// Defines `main`: the command line of the bridge, with the drivers of the named crates linked.
///
/// ```
/// bridge_bin::main!();
/// # mod more {
/// # mod driver_parrot { pub(crate) use driver_dingtalk::DRIVER; }
/// bridge_bin::main!(driver_parrot);
/// # }
/// ```
///
/// Each name is that of a crate which calls [`bridge_core::register_driver!`]. The drivers of the
/// bridge's own repository come along by the feature `drivers` of `bridge-bin`, which is on unless
/// `default-features = false` says otherwise; they are not named here.
///
/// A driver that was built with another `bridge-core` than `bridge-bin` would not be seen by the
/// catalog, so it does not compile:
///
/// ```compile_fail,E0277
/// mod driver_parrot { pub const DRIVER: &str = "what another bridge-core calls an entry"; }
/// bridge_bin::main!(driver_parrot);
/// ```
///
/// Neither does a crate that registers no driver:
///
/// ```compile_fail,E0425
/// mod driver_parrot {}
/// bridge_bin::main!(driver_parrot);
/// ```
#[macro_export]
macro_rules! main {
    ($($driver:ident),* $(,)?) => {
        // Naming the entry links the crate.
        $(const _: () = $crate::link::link(&$driver::DRIVER);)*

        fn main() -> ::std::process::ExitCode {
            $crate::cli::main()
        }
    };
}

/// What a driver's crate defines as `DRIVER`, in terms of the `bridge-core` of this crate.
#[diagnostic::on_unimplemented(
    message = "this driver was built with another `bridge-core` than `bridge-bin`",
    label = "the `DRIVER` of its crate is of another `bridge-core`",
    note = "`cargo tree --invert bridge-core` shows who depends on which; name one path, or one revision, for all crates of the bridge"
)]
pub trait Entry {}

impl Entry for DriverEntry {}

/// Holds a driver to the `bridge-core` of this crate; [`main!`] calls it while it is compiled.
pub const fn link<E: Entry>(_: &E) {}
