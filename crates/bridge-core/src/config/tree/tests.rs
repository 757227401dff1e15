//! What every format makes of sound, faulty and hostile texts.

mod agreement;
mod faults;
mod hostile;
mod meaning;

use super::super::document::{Content, Document};
use super::*;

const FORMATS: [Format; 3] = [Format::Json, Format::Yaml, Format::Toml];

fn document(format: Format, text: &str) -> Arc<Document> {
    let name = format!("f.{}", format.name().to_lowercase());
    let document = Document::new(&name, text.as_bytes(), Content::Guarded);
    Arc::new(document.expect("a text with something in it"))
}
