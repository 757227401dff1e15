//! The code blocks of a page.

/// A code block.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Block<'a> {
    /// Where it begins; the first line of the page is 1.
    pub(super) line: usize,
    pub(super) info: &'a str,
    pub(super) lines: Vec<&'a str>,
}

/// What becomes of a block.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Kind<'a> {
    Script { fails: bool },
    Output,
    Edit(&'a str),
    File(&'a str),
    Shown,
}

impl<'a> Block<'a> {
    pub(super) fn kind(&self) -> Kind<'a> {
        match self.info.split_once(' ') {
            None if self.info == "sh" => Kind::Script { fails: false },
            Some(("sh", "fails")) => Kind::Script { fails: true },
            Some(("text", "printed")) => Kind::Output,
            Some(("diff", path)) => Kind::Edit(path),
            Some((_, path)) if path.contains('.') => Kind::File(path),
            _ => Kind::Shown,
        }
    }
}

/// The blocks of a page, or those below the heading `from`, up to the next heading of its level.
pub(super) fn blocks<'a>(page: &'a str, from: Option<&str>) -> Vec<Block<'a>> {
    let (mut found, mut open): (Vec<Block<'_>>, Option<Block<'_>>) = (Vec::new(), None);
    let mut is_within = from.is_none();
    for (number, line) in page.lines().enumerate() {
        match (line.strip_prefix("```"), &mut open) {
            (Some(_), Some(_)) => found.extend(open.take().filter(|_| is_within)),
            (Some(info), None) => {
                open = Some(Block {
                    line: number + 1,
                    info: info.trim(),
                    lines: Vec::new(),
                });
            }
            (None, Some(block)) => block.lines.push(line),
            (None, None) => match from {
                Some(heading) if line.starts_with("## ") => is_within = line == heading,
                _ => {}
            },
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_are_found_below_their_heading() {
        let page = "```sh\na\n```\n## One\n```diff b.rs\n## no heading\n```\n### Deeper\n```text\n```\n## Two\n```sh\n```\n";
        let found = |from| {
            let blocks = blocks(page, from);
            blocks.iter().map(|block| block.line).collect::<Vec<_>>()
        };
        assert_eq!(found(None), [1, 5, 9, 12]);
        assert_eq!(found(Some("## One")), [5, 9]);
        assert_eq!(blocks(page, Some("## One"))[0].lines, ["## no heading"]);
        assert!(found(Some("## Three")).is_empty());
    }

    #[test]
    fn the_info_string_tells_what_becomes_of_a_block() {
        let rows = [
            ("sh", Kind::Script { fails: false }),
            ("sh fails", Kind::Script { fails: true }),
            ("text printed", Kind::Output),
            ("diff a/b.rs", Kind::Edit("a/b.rs")),
            ("json a/b.json", Kind::File("a/b.json")),
            ("rust", Kind::Shown),
            ("jsonc config", Kind::Shown),
            ("", Kind::Shown),
        ];
        for (info, expected) in rows {
            let block = Block {
                line: 1,
                info,
                lines: Vec::new(),
            };
            assert_eq!(block.kind(), expected, "{info}");
        }
    }
}
