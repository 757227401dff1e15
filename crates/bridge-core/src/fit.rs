//! Fits a delivery's content to what the target can show: the header as a line, attachments as
//! links, long text in parts.
