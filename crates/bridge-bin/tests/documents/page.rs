//! A document taken apart: headings, links, keys, code blocks.
#![allow(dead_code, reason = "each test file uses another part of it")]

use std::collections::BTreeSet;
use std::path::PathBuf;

/// A code block.
pub(crate) struct Block {
    /// Where it begins, for messages.
    pub(crate) place: String,
    pub(crate) info: String,
    pub(crate) text: String,
}

/// A document.
pub(crate) struct Page {
    pub(crate) path: PathBuf,
    /// Everything outside code blocks.
    pub(crate) prose: Vec<String>,
    pub(crate) blocks: Vec<Block>,
}

impl Page {
    pub(crate) fn read(path: PathBuf) -> Self {
        let content = std::fs::read_to_string(&path)
            .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let (mut prose, mut blocks) = (Vec::new(), Vec::new());
        let mut open: Option<Block> = None;
        for (number, line) in content.lines().enumerate() {
            match (line.strip_prefix("```"), &mut open) {
                (Some(_), Some(_)) => blocks.extend(open.take()),
                (Some(info), None) => {
                    open = Some(Block {
                        place: format!("{}:{}", path.display(), number + 1),
                        info: info.trim().to_owned(),
                        text: String::new(),
                    });
                }
                (None, Some(block)) => {
                    block.text.push_str(line);
                    block.text.push('\n');
                }
                (None, None) => prose.push(line.to_owned()),
            }
        }
        assert!(open.is_none(), "{}: a code block is open", path.display());
        Self {
            path,
            prose,
            blocks,
        }
    }

    pub(crate) fn name(&self) -> String {
        self.path.display().to_string()
    }

    /// The headings: level and text.
    pub(crate) fn headings(&self) -> impl Iterator<Item = (usize, &str)> {
        self.prose.iter().filter_map(|line| {
            let text = line.trim_start_matches('#');
            let level = line.len() - text.len();
            (level > 0 && text.starts_with(' ')).then(|| (level, text.trim()))
        })
    }

    /// What can stand behind `#` in a link to this page.
    pub(crate) fn anchors(&self) -> BTreeSet<String> {
        let kept = |c: &char| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_');
        self.headings()
            .map(|(_, text)| text.to_lowercase().chars().filter(kept).collect::<String>())
            .map(|text| text.replace(' ', "-"))
            .collect()
    }

    pub(crate) fn links(&self) -> impl Iterator<Item = &str> {
        let behind = self.prose.iter().flat_map(|line| line.split("](").skip(1));
        behind.filter_map(|rest| rest.split_once(')').map(|(target, _)| target))
    }

    /// The first cells of all tables that hold one word of code, such as a key.
    pub(crate) fn keys(&self) -> Vec<&str> {
        let rows = self.prose.iter().filter(|line| line.starts_with('|'));
        let cells = rows.filter_map(|line| line.split('|').nth(1));
        let keys = cells.filter_map(|cell| cell.trim().strip_prefix('`')?.strip_suffix('`'));
        keys.filter(|key| !key.contains(['`', ' '])).collect()
    }
}
