//! The two lines that link a driver: one in bridge-bin's `Cargo.toml`, one in its `drivers.rs`.

use std::path::{Path, PathBuf};

use super::name::Name;
use super::read;
use crate::step::Failed;

/// Both files of the workspace at `root`, as they are with the driver linked.
pub(super) fn links(root: &Path, name: &Name) -> Result<[(PathBuf, String); 2], Failed> {
    let bin = root.join("crates/bridge-bin");
    let (manifest, drivers) = (bin.join("Cargo.toml"), bin.join("src/drivers.rs"));
    let dependency = format!("{0} = {{ path = \"../{0}\" }}", name.package());
    let import = format!("use {} as _;", name.krate());
    let manifest_text = with_line(&read(&manifest)?, "driver-", &dependency);
    let drivers_text = with_line(&read(&drivers)?, "use driver_", &import);
    let misses = |path: &Path| {
        Failed::new(format!(
            "{} has no line of another driver, beside which the new one could stand",
            path.display()
        ))
    };
    Ok([
        (
            manifest.clone(),
            manifest_text.ok_or_else(|| misses(&manifest))?,
        ),
        (
            drivers.clone(),
            drivers_text.ok_or_else(|| misses(&drivers))?,
        ),
    ])
}

/// `text` with `line` among those that begin with `prefix`, sorted.
fn with_line(text: &str, prefix: &str, line: &str) -> Option<String> {
    let lines: Vec<_> = text.lines().collect();
    let first = lines.iter().position(|other| other.starts_with(prefix))?;
    let alike = lines[first..]
        .iter()
        .take_while(|other| other.starts_with(prefix));
    let place = first + alike.filter(|other| **other < line).count();
    let (before, after) = lines.split_at(place);
    let all = before.iter().chain([&line]).chain(after);
    Some(all.fold(String::new(), |text, line| text + line + "\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_sorted_among_their_like() {
        let text = "a = 1\ndriver-b = 1\ndriver-d = 1\nz = 1\n";
        let rows = [
            (
                "driver-a = 1",
                "a = 1\ndriver-a = 1\ndriver-b = 1\ndriver-d = 1\nz = 1\n",
            ),
            (
                "driver-c = 1",
                "a = 1\ndriver-b = 1\ndriver-c = 1\ndriver-d = 1\nz = 1\n",
            ),
            (
                "driver-e = 1",
                "a = 1\ndriver-b = 1\ndriver-d = 1\ndriver-e = 1\nz = 1\n",
            ),
        ];
        for (line, expected) in rows {
            assert_eq!(with_line(text, "driver-", line).as_deref(), Some(expected));
        }
        assert_eq!(with_line("a = 1\n", "driver-", "driver-c = 1"), None);
    }
}
