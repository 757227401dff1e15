//! `bridge run`: the bridge, until a signal ends it.

use bridge_core::catalog::Catalog;
use bridge_core::config::Setup;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tracing::info;

use super::{Exit, output};
use crate::app::{Bridge, Cause};
use crate::environment::{self, Purpose};
use crate::files::{Files, Here, Origin};
use crate::logging;

#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    files: Files,

    /// Log level or filter; wins over the config's
    #[arg(long, value_name = "LEVEL", env = "BRIDGE_LOG")]
    log: Option<String>,

    /// Do not read the files again when they change, only on SIGHUP and `bridge reload`
    #[arg(long)]
    no_watch: bool,
}

pub(super) fn run(args: &Args, catalog: &Catalog) -> Exit {
    let (mut origin, Here { mut loaded, .. }) = match fit_to_start(args, catalog) {
        Ok(fit) => fit,
        Err(exit) => return exit,
    };
    origin.is_watched = !args.no_watch;
    let Some(setup) = loaded.setup.take() else {
        // Without a setup there is an error, and it has been reported.
        return Exit::Config;
    };
    if let Err(error) = logging::init(&setup.global.log, args.log.as_deref()) {
        output::error(&error);
        return Exit::Failed;
    }
    logging::diagnostics(&loaded.diagnostics);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build();
    let ran = match runtime {
        Ok(runtime) => runtime.block_on(until_signal(setup, origin)),
        Err(error) => Err(format!("the runtime can't start: {error}")),
    };
    match ran {
        Ok(()) => Exit::Fine,
        Err(error) => {
            output::error(&error);
            Exit::Failed
        }
    }
}

/// The files, if nothing in them or around them keeps the bridge from starting; everything that
/// does is reported at once.
fn fit_to_start(args: &Args, catalog: &Catalog) -> Result<(Origin, Here), Exit> {
    let (origin, mut here) = Origin::open(&args.files, catalog);
    if let Some(setup) = here.outline() {
        let around = environment::look(setup, &here.loaded, Purpose::Start);
        here.loaded.add(around);
    }
    match output::exit(&here.loaded.diagnostics) {
        Exit::Fine => Ok((origin, here)),
        exit => {
            let found = &here.loaded.diagnostics;
            output::diagnostics(found);
            output::error(&format_args!("not started: {}", output::count(found)));
            Err(exit)
        }
    }
}

async fn until_signal(setup: Setup, origin: Origin) -> Result<(), String> {
    let mut terminate = listen(SignalKind::terminate())?;
    let mut interrupt = listen(SignalKind::interrupt())?;
    let mut hangup = listen(SignalKind::hangup())?;
    let digest = origin.digest;
    let bridge = Bridge::start_from(setup, origin)
        .await
        .map_err(|error| error.to_string())?;
    info!(listeners = bridge.listeners().len(), %digest, "started");
    let name = loop {
        tokio::select! {
            _ = terminate.recv() => break "SIGTERM",
            _ = interrupt.recv() => break "SIGINT",
            _ = hangup.recv() => bridge.reload(Cause::Signal),
        }
    };
    info!(signal = name, "stopping; a second signal ends at once");
    tokio::select! {
        () = bridge.stop() => Ok(()),
        _ = terminate.recv() => Err("ended by a second signal; unsettled deliveries go on at the next start".to_owned()),
        _ = interrupt.recv() => Err("ended by a second signal; unsettled deliveries go on at the next start".to_owned()),
    }
}

fn listen(kind: SignalKind) -> Result<Signal, String> {
    signal(kind).map_err(|error| format!("signals can't be caught: {error}"))
}
