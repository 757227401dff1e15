//! What is logged, where, and in which form.

use bridge_core::config::Diagnostic;
use bridge_core::config::settings::{LogFormat, LogSettings};
use tracing_subscriber::EnvFilter;

const LEVELS: [&str; 6] = ["off", "error", "warn", "info", "debug", "trace"];

/// Checks a level or filter: levels, or `target=level`, separated by commas. A lone word that is no
/// level would pass as a target's name, and a typo would silence the log.
///
/// # Errors
///
/// A sentence saying what is wrong with it.
pub(crate) fn parse_filter(level: &str) -> Result<EnvFilter, String> {
    const HELP: &str =
        "write error, warn, info, debug or trace, or a filter such as info,bridge_http=debug";
    let is_level = |word: &str| {
        LEVELS
            .iter()
            .any(|known| known.eq_ignore_ascii_case(word.trim()))
    };
    for part in level.split(',') {
        let word = part.rsplit_once('=').map_or(part, |(_, level)| level);
        if !is_level(word) {
            return Err(format!("\"{part}\" is no log level; {HELP}"));
        }
    }
    EnvFilter::try_new(level)
        .map_err(|error| format!("\"{level}\" is no log filter: {error}; {HELP}"))
}

/// Sends logs to stderr from here on. `level` (of the command line or `BRIDGE_LOG`) wins over the
/// config's.
///
/// # Errors
///
/// A sentence saying what is wrong with the level.
pub(crate) fn init(settings: &LogSettings, level: Option<&str>) -> Result<(), String> {
    let filter = parse_filter(level.unwrap_or(&settings.level))?;
    let subscriber = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::IsTerminal::is_terminal(&std::io::stderr()))
        .with_target(false);
    let installed = match settings.format {
        LogFormat::Text => subscriber.try_init(),
        LogFormat::Json => subscriber.json().flatten_event(true).try_init(),
    };
    installed.map_err(|error| format!("logging can't start: {error}"))
}

/// What is wrong with the files, one line for each.
pub(crate) fn diagnostics(diagnostics: &[Diagnostic]) {
    for found in diagnostics {
        let (code, place) = (found.code.id, &found.place);
        let (key, help, problem) = (&found.path, &found.help, &found.problem);
        if found.is_error() {
            tracing::error!(code, %place, key, help, "{problem}");
        } else {
            tracing::warn!(code, %place, key, help, "{problem}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_typo_is_no_filter() {
        for good in [
            "info",
            "WARN",
            "off",
            "info,bridge_http=debug",
            "bridge_http=trace",
        ] {
            assert!(parse_filter(good).is_ok(), "{good}");
        }
        for bad in ["", "inof", "info,", "bridge_http=loud", "bridge_http"] {
            assert!(parse_filter(bad).is_err(), "{bad}");
        }
    }
}
