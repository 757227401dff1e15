//! The drivers that are linked into this binary, and the sandboxes on which the demo plays. An unnamed
//! crate would not be linked, and its platform would be unknown: a new driver needs one line here and
//! one in `Cargo.toml`.

use dingtalk_sandbox as _;
use driver_dingtalk as _;
use driver_irc as _;
use driver_webhook as _;
use irc_sandbox as _;
use webhook_sandbox as _;
