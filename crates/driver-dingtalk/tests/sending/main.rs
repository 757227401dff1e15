//! Sends against a scripted DingTalk: what is asked, and how the token is kept and renewed.

mod bench;
mod recall;
mod send;
mod token;
