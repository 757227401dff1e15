//! A disk that fills up under load, and has room again.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use super::bed::Bed;
use super::bridge::Bridge;
use super::census::Census;
use super::client::{Clients, Manner};
use super::{Broken, NotRun, Plan, Verdict};

const CONNECTIONS: usize = 4;

/// A small file system in memory, unmounted when dropped.
struct SmallDisk(PathBuf);

impl SmallDisk {
    fn mount(at: &Path) -> Result<Self, Broken> {
        std::fs::create_dir_all(at)?;
        let options = ["-t", "tmpfs", "-o", "size=8m,mode=0700", "tmpfs"];
        let mounted = Command::new("mount").args(options).arg(at).output();
        match mounted {
            Ok(output) if output.status.success() => Ok(Self(at.to_owned())),
            _ => Err(NotRun("a tmpfs can't be mounted by this user").into()),
        }
    }

    /// Fills it to the last byte.
    fn fill(&self) -> Result<(), Broken> {
        use std::io::Write;
        let mut file = std::fs::File::create(self.0.join("ballast"))?;
        let block = [0_u8; 4096];
        while file.write(&block).is_ok_and(|written| written > 0) {}
        Ok(())
    }

    fn free(&self) -> Result<(), Broken> {
        Ok(std::fs::remove_file(self.0.join("ballast"))?)
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // A mount that stays behind is seen in the folder that is left.
        drop(Command::new("umount").arg(&self.0).output());
    }
}

pub(super) async fn run(plan: &Plan) -> Result<Verdict, Broken> {
    let bed = Bed::new(2).await?;
    let disk = SmallDisk::mount(&bed.dir.path().join("data"))?;
    let bridge = Bridge::start(&plan.binary, &bed).await?;
    let clients = Clients::start(&bed, CONNECTIONS, Manner::default());
    let census = Census::start(&plan.binary, &bed, &clients, plan.seed);
    let mut full = 0;
    for _ in 0..3 {
        tokio::time::sleep(Duration::from_millis(300)).await;
        disk.fill()?;
        tokio::time::sleep(Duration::from_millis(700)).await;
        disk.free()?;
        full += 1;
    }
    // Nobody restarts it: those who insist get their answer only if it goes on by itself.
    let ledger = tokio::time::timeout(Duration::from_secs(60), clients.stop()).await;
    let ledger = ledger.map_err(|_| "no acknowledgement after the disk had room again")??;
    let counted = census.end().await?;
    bed.drained(&plan.binary).await?;
    let mut faults = ledger.faults(&bed.lanes(), &[]);
    faults.extend(counted.faults());
    let refused = ledger.refusals.get(&503).copied().unwrap_or(0);
    if refused == 0 {
        faults.push("on a full disk nobody was answered 503".to_owned());
    }
    let log = std::fs::read_to_string(bed.dir.path().join("log"))?;
    for (level, words) in [
        ("ERROR", "the store can't write and refuses messages"),
        ("WARN", "the store takes messages again"),
    ] {
        let says = |line: &str| line.contains(level) && line.contains(words);
        if !log.lines().any(says) {
            faults.push(format!("the log has no {level} that says \"{words}\""));
        }
    }
    drop(bridge);
    drop(disk);
    let figures = format!(
        "{full} times full, {refused} answered 503, {} acknowledged, all arrived once; {counted}",
        ledger.acknowledged.len(),
    );
    Ok(Verdict::new(figures, faults))
}
