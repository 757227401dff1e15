//! The bridge from outside, on its optimised binary, beside two references that are measured in the
//! same run: how many messages it takes and delivers, how long one takes, and what that costs.

mod bed;
mod callback;
mod connection;
mod load;
mod measure;
mod metric;
mod options;
mod process;
mod reference;
mod report;
mod system;

use std::error::Error;
use std::io::Write as _;

use options::Options;
use report::Report;
use system::System;

type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

fn main() -> Result<()> {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    if let Some((first, rest)) = arguments.split_first()
        && first == reference::FLAG
    {
        return reference::run(rest);
    }
    let options = Options::read(arguments)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    let report = runtime.block_on(measure_all(options))?;
    writeln!(std::io::stdout(), "{report}")?;
    Ok(())
}

/// Measures the systems in turns, so that a moment in which the machine is busy meets all of them.
async fn measure_all(options: Options) -> Result<Report> {
    let mut report = Report::default();
    for round in 1..=options.rounds {
        let progress = format!("round {round} of {}", options.rounds);
        for system in System::ALL {
            writeln!(std::io::stderr(), "{progress}: {system}")?;
            report.add(system, measure::full(system, options).await?);
            report.add(system, measure::paced(system, options).await?);
        }
    }
    Ok(report)
}
