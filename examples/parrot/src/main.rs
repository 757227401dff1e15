//! A bridge that knows parrots.

bridge_bin::main!(driver_parrot);
