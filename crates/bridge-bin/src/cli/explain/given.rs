//! What is to be explained: a message put together from options, or decoded from a callback.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use bridge_core::BoxFuture;
use bridge_core::capability::Capabilities;
use bridge_core::catalog::Catalog;
use bridge_core::config::{InstanceSetup, Setup};
use bridge_core::driver::{Batch, Event, Ignored, Notice};
use bridge_core::id::{Address, InstanceId};
use bridge_core::message::{Message, Sender};
use bridge_core::ports::{HttpError, HttpErrorKind, HttpExchange, Ports, Reached};
use bridge_core::rules::Rules;
use bridge_core::secret::LeakGuard;
use bridge_http::{SystemClock, SystemRandom};
use bytes::Bytes;

use super::Args;

/// What one instance is given.
pub(super) struct Given {
    pub(super) instance: InstanceId,
    pub(super) platform: &'static str,
    /// What came in a callback is unknown to who asks, so it is shown.
    pub(super) is_event: bool,
    pub(super) messages: Vec<Message>,
    pub(super) ignored: Vec<Ignored>,
    pub(super) notices: Vec<Notice>,
}

/// What is asked about it.
pub(super) struct Asked {
    pub(super) rules: Rules,
    pub(super) leaks: LeakGuard,
    pub(super) capabilities: HashMap<InstanceId, Capabilities>,
}

impl Given {
    /// What the options say, and the rest of the setup.
    pub(super) fn of(
        args: &Args,
        setup: Setup,
        catalog: &Catalog,
    ) -> Result<(Self, Asked), String> {
        let Setup {
            instances,
            rules,
            leaks,
            ..
        } = setup;
        let capabilities = instances.iter();
        let capabilities = capabilities
            .map(|instance| (instance.id.clone(), instance.driver.capabilities()))
            .collect();
        let asked = Asked {
            rules,
            leaks,
            capabilities,
        };
        let known: Vec<_> = instances.iter().map(|known| known.id.to_string()).collect();
        let mut instances = instances.into_iter();
        let instance = instances.find(|instance| instance.id.as_str() == args.from);
        let instance = instance.ok_or_else(|| {
            format!(
                "no instance is called \"{}\" in the config; known: {}",
                args.from,
                known.join(", ")
            )
        })?;
        let mut given = Self {
            instance: instance.id.clone(),
            platform: instance.platform,
            is_event: args.event.is_some(),
            messages: Vec::new(),
            ignored: Vec::new(),
            notices: Vec::new(),
        };
        match &args.event {
            Some(path) => given.take(decoded(path, instance)?),
            None => given
                .messages
                .push(put_together(args, instance.platform, catalog)?),
        }
        Ok((given, asked))
    }

    fn take(&mut self, batch: Batch) {
        self.notices = batch.notices;
        for event in batch.events {
            match event {
                Event::Message(message) => self.messages.push(message),
                Event::Ignored(ignored) => self.ignored.push(ignored),
                Event::Changed(change) => self.ignored.push(Ignored {
                    reason: "a change goes where its message went, which only the store knows",
                    message_id: Some(change.of),
                    address: Some(change.address),
                }),
                // No rule is asked about what a send is called.
                _ => {}
            }
        }
    }
}

fn put_together(args: &Args, platform: &str, catalog: &Catalog) -> Result<Message, String> {
    let keys = catalog
        .get(platform)
        .map_or(&[][..], |entry| entry.info().address_keys);
    for key in keys {
        if !args.channel.iter().any(|(name, _)| name == key.name) {
            return Err(format!(
                "the channel lacks a key: add --channel {}=…",
                key.name
            ));
        }
    }
    let mut named = args.channel.iter().map(|(name, _)| name);
    if let Some(name) = named.find(|name| !keys.iter().any(|key| key.name == **name)) {
        let known: Vec<_> = keys.iter().map(|key| key.name).collect();
        return Err(format!(
            "unknown channel key \"{name}\"; known: {}",
            known.join(", ")
        ));
    }
    let address = Address::new(args.channel.iter().cloned());
    let sender = Sender::new(args.user_id.as_str(), args.user.as_str());
    let text = args.text.as_deref().unwrap_or_default();
    let mut message = Message::new(address, sender, text);
    message.kind = args.kind;
    Ok(message)
}

/// What the driver makes of a callback's body. Nothing is sent, and no signature is asked for.
fn decoded(path: &Path, instance: InstanceSetup) -> Result<Batch, String> {
    let body = std::fs::read(path)
        .map_err(|error| format!("the event {} can't be read: {error}", path.display()))?;
    let ports = Ports::new(
        Arc::new(NoNetwork),
        Arc::new(SystemClock),
        Arc::new(SystemRandom),
    );
    let driver = instance.driver.open(ports);
    driver.decode(&Bytes::from(body)).map_err(|refusal| {
        format!(
            "{} is nothing that {} sends: {}",
            path.display(),
            instance.platform,
            refusal.detail
        )
    })
}

/// Decoding sends nothing.
struct NoNetwork;

impl HttpExchange for NoNetwork {
    fn exchange(
        &self,
        _: http::Request<Bytes>,
    ) -> BoxFuture<'_, Result<http::Response<Bytes>, HttpError>> {
        Box::pin(std::future::ready(Err(HttpError {
            kind: HttpErrorKind::Connect,
            reached: Reached::No,
            detail: "nothing is sent while an event is explained".to_owned(),
        })))
    }
}
