//! Library behind the binary.
