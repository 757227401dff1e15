//! Fakes of the ports and contract suites for drivers and stores. Only tests and the torture depend on it.
#![warn(missing_docs)]

use std::sync::Arc;

use bridge_core::ports::Ports;

pub mod clock;
pub mod driver_contract;
pub mod fake_dial;
pub mod fake_http;
pub mod fake_mailbox;
pub mod fake_work;
pub mod fault_proxy;
pub mod memory_store;
pub mod random;
pub mod store_contract;

pub use clock::FakeClock;
pub use fake_dial::FakeDial;
pub use fake_http::FakeHttp;
pub use fake_mailbox::FakeMailbox;
pub use fake_work::FakeWork;
pub use fault_proxy::FaultProxy;
pub use memory_store::MemoryStore;
pub use random::CountingRandom;

/// The ports of a driver under test, answered by `clock` and `http`, with a mailbox of its own.
pub fn fake_ports(clock: &FakeClock, http: &FakeHttp) -> Ports {
    let mut ports = Ports::new(
        Arc::new(http.clone()),
        Arc::new(clock.clone()),
        Arc::new(CountingRandom::default()),
    );
    ports.mailbox = Arc::new(FakeMailbox::default());
    ports
}

/// Has the code of the pages for authors of drivers compiled and run.
#[cfg(doctest)]
mod pages {
    #[doc = include_str!("../../../docs/driver-authors.md")]
    mod english {}
    #[doc = include_str!("../../../docs/driver-authors.zh-CN.md")]
    mod chinese {}
}
