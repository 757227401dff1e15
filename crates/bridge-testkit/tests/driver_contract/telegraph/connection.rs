//! The connection that the telegraph driver keeps.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use bridge_core::driver::{RunError, Work};
use bridge_core::outcome::{ErrorKind, RetryAdvice, Scope, SendError};
use bridge_core::ports::{ByteStream, Clock};
use bytes::Bytes;
use serde_json::json;
use tokio::io::{AsyncWrite, AsyncWriteExt, ReadHalf, WriteHalf};
use tokio::sync::mpsc;

use super::lines::Lines;
use super::link::{Job, Open, Reply};
use super::{Telegraph, target, wire};
use crate::fault::Fault;

/// How long the platform may take for a welcome, or to take a line.
const PATIENCE: Duration = Duration::from_secs(30);

/// How often it is asked whether it is there.
const PING: Duration = Duration::from_secs(30);

/// How long it may say nothing.
const SILENCE: Duration = Duration::from_secs(90);

type Reader = Lines<ReadHalf<Box<dyn ByteStream>>>;
type Writer = WriteHalf<Box<dyn ByteStream>>;

pub(super) async fn run(driver: &Telegraph, work: &dyn Work) -> Result<(), RunError> {
    if Fault::IgnoresStopping.is_present() {
        return connected(driver, work).await;
    }
    tokio::select! {
        ended = again_and_again(driver, work) => ended,
        () = work.stopping() => Ok(()),
    }
}

async fn again_and_again(driver: &Telegraph, work: &dyn Work) -> Result<(), RunError> {
    loop {
        let ended = connected(driver, work).await;
        if Fault::ConnectsAgainByItself.is_present() {
            driver.clock().sleep(PING).await;
            continue;
        }
        if Fault::WaitsWhenUnreached.is_present() {
            std::future::pending::<()>().await;
        }
        return ended;
    }
}

async fn connected(driver: &Telegraph, work: &dyn Work) -> Result<(), RunError> {
    let spare = match Fault::HoldsTwoConnections.is_present() {
        true => driver.ports.dial.dial(target(&driver.settings)).await.ok(),
        false => None,
    };
    if Fault::StaysTakenWhenDropped.is_present()
        && driver.link.is_taken.swap(true, Ordering::Relaxed)
    {
        return Err(RunError::new(
            ErrorKind::Unavailable,
            "it is connected already",
        ));
    }
    let (mut reader, mut writer) = greeted(driver, work).await?;
    if !Fault::ReachedWhenConnected.is_present() {
        work.reached();
    }
    let (open, queue) = driver.link.open();
    let later = driver
        .link
        .later
        .lock()
        .map(|mut later| std::mem::take(&mut *later));
    for line in later.unwrap_or_default() {
        open.jobs.send(Job::Line(line)).await.ok();
    }
    let ended = tokio::select! {
        ended = read(driver, &mut reader, &open, work) => ended,
        ended = write(driver.clock(), &mut writer, queue, &open) => ended,
        () = ping(driver.clock(), &open) => Ok(()),
    };
    drop(spare);
    ended
}

/// Connects, says who it is, and waits to be welcomed.
async fn greeted(driver: &Telegraph, work: &dyn Work) -> Result<(Reader, Writer), RunError> {
    let stream = driver.ports.dial.dial(target(&driver.settings)).await;
    let kind = match Fault::BlamesSettings.is_present() {
        true => ErrorKind::Unauthorized,
        false => ErrorKind::Unavailable,
    };
    let stream = stream.map_err(|error| RunError::new(kind, error.detail))?;
    if Fault::ReachedWhenConnected.is_present() {
        work.reached();
    }
    let (reader, mut writer) = tokio::io::split(stream);
    let mut reader = Lines::new(reader);
    let token = driver.settings.token.expose();
    let encoded = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, token);
    if Fault::LogsEncodedToken.is_present() {
        tracing::debug!(encoded, "says hello");
    }
    let hello = json!({ "hello": encoded }).to_string();
    write_line(driver.clock(), &mut writer, hello).await?;
    let said = next(driver.clock(), &mut reader, PATIENCE).await?;
    let line = wire::parse(&said).map_err(|refusal| senseless(&refusal.detail))?;
    if let Some(reason) = line.goodbye {
        let kind = match Fault::HidesRefusal.is_present() {
            true => ErrorKind::Unavailable,
            false => ErrorKind::Unauthorized,
        };
        let detail = match () {
            () if Fault::SecretInReason.is_present() => format!("{reason}: {token}"),
            () if Fault::LongReason.is_present() => reason.repeat(1000),
            () => "the office does not know the `token`".to_owned(),
        };
        return Err(RunError::new(kind, detail));
    }
    match line.welcome {
        Some(true) => Ok((reader, writer)),
        _ => Err(senseless("no welcome")),
    }
}

pub(super) async fn probe(driver: &Telegraph) -> Result<(), SendError> {
    struct Nobody;
    impl Work for Nobody {
        fn take(
            &self,
            _: bridge_core::driver::Batch,
        ) -> bridge_core::BoxFuture<'static, Result<(), bridge_core::driver::Busy>> {
            Box::pin(std::future::ready(Ok(())))
        }
        fn reached(&self) {}
        fn channels(&self) -> Arc<[bridge_core::id::Address]> {
            Arc::new([])
        }
        fn channels_changed(
            &self,
            _: &Arc<[bridge_core::id::Address]>,
        ) -> bridge_core::BoxFuture<'_, ()> {
            Box::pin(std::future::pending())
        }
        fn stopping(&self) -> bridge_core::BoxFuture<'_, ()> {
            Box::pin(std::future::pending())
        }
    }
    let greeted = greeted(driver, &Nobody).await;
    greeted.map(drop).map_err(|error| {
        let advice = RetryAdvice::Backoff(Scope::Instance);
        SendError::temporary(error.kind, advice, "hello", error.detail)
    })
}

async fn read(
    driver: &Telegraph,
    reader: &mut Reader,
    open: &Open<'_>,
    work: &dyn Work,
) -> Result<(), RunError> {
    let mut held = None;
    loop {
        let raw: Bytes = next(driver.clock(), reader, SILENCE).await?.into();
        let line = wire::parse(&raw).map_err(|refusal| senseless(&refusal.detail))?;
        for (answer, reply) in [
            (&line.taken, Reply::Taken),
            (&line.throttled, Reply::Throttled),
        ] {
            if let Some(answer) = answer {
                open.answer(answer, reply);
            }
        }
        if let Some(answer) = line.refused {
            let words = answer.words.clone();
            open.answer(&answer, Reply::Refused(words));
        }
        if let Some(said) = line.said {
            if Fault::SwapsMessages.is_present() && held.is_none() {
                held = Some((raw, said.id));
                continue;
            }
            bring(driver, &raw, &said.id, open, work).await?;
            if let Some((raw, id)) = held.take() {
                bring(driver, &raw, &id, open, work).await?;
            }
        }
    }
}

/// Takes a line in, and tells the platform so.
async fn bring(
    driver: &Telegraph,
    raw: &Bytes,
    id: &str,
    open: &Open<'_>,
    work: &dyn Work,
) -> Result<(), RunError> {
    let took = json!({ "took": id }).to_string();
    let acknowledge = |took| async { open.jobs.send(Job::Line(took)).await.ok() };
    if Fault::AcknowledgesEarly.is_present() {
        acknowledge(took.clone()).await;
    }
    let batch = || wire::decode(raw).map_err(|refusal| senseless(&refusal.detail));
    while let Err(busy) = work.take(batch()?).await {
        if Fault::DropsRefused.is_present() {
            break;
        }
        driver.clock().sleep(busy.retry_after).await;
    }
    if !Fault::AcknowledgesEarly.is_present() && !Fault::NeverAcknowledges.is_present() {
        acknowledge(took).await;
    }
    Ok(())
}

async fn write(
    clock: &Arc<dyn Clock>,
    writer: &mut Writer,
    mut queue: mpsc::Receiver<Job>,
    open: &Open<'_>,
) -> Result<(), RunError> {
    while let Some(job) = queue.recv().await {
        if let Some(line) = open.begin(job) {
            write_line(clock, writer, line).await?;
        }
    }
    Ok(())
}

async fn ping(clock: &Arc<dyn Clock>, open: &Open<'_>) {
    loop {
        clock.sleep(PING).await;
        if !Fault::NeverPings.is_present() {
            let line = json!({ "ping": true }).to_string();
            open.jobs.send(Job::Line(line)).await.ok();
        }
    }
}

async fn next(
    clock: &Arc<dyn Clock>,
    reader: &mut Reader,
    patience: Duration,
) -> Result<Vec<u8>, RunError> {
    let patience = match Fault::WaitsForever.is_present() {
        true => Duration::from_secs(1 << 40),
        false => patience,
    };
    let line = within(clock, patience, reader.next()).await?;
    match line {
        Ok(Some(line)) => Ok(line),
        Ok(None) => Err(RunError::new(ErrorKind::Unavailable, "the office hung up")),
        Err(error) => Err(RunError::new(ErrorKind::Unavailable, error.to_string())),
    }
}

async fn write_line(
    clock: &Arc<dyn Clock>,
    writer: &mut (impl AsyncWrite + Unpin),
    line: String,
) -> Result<(), RunError> {
    let written = within(clock, PATIENCE, async {
        writer.write_all((line + "\n").as_bytes()).await?;
        match Fault::NeverFlushes.is_present() {
            true => Ok(()),
            false => writer.flush().await,
        }
    });
    let written = written.await?;
    written.map_err(|error| RunError::new(ErrorKind::Unavailable, error.to_string()))
}

async fn within<T>(
    clock: &Arc<dyn Clock>,
    patience: Duration,
    work: impl Future<Output = T>,
) -> Result<T, RunError> {
    tokio::select! {
        done = work => Ok(done),
        () = clock.sleep(patience) => Err(RunError::new(ErrorKind::Timeout, "the office is silent")),
    }
}

fn senseless(detail: &str) -> RunError {
    RunError::new(ErrorKind::Protocol, detail)
}
