use std::fs;

use super::*;

/// What the scaffold reads of the workspace and writes to.
const COPIED: [&str; 4] = [
    "Cargo.toml",
    "Cargo.lock",
    "crates/bridge-bin/Cargo.toml",
    "crates/bridge-bin/src/drivers.rs",
];

fn workspace() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for path in COPIED {
        let target = folder.path().join(path);
        fs::create_dir_all(target.parent().unwrap()).unwrap();
        fs::copy(top().join(path), target).unwrap();
    }
    for folder_of in ["crates/driver-dingtalk", "docs/drivers"] {
        fs::create_dir_all(folder.path().join(folder_of)).unwrap();
    }
    copy(
        &top().join("xtask/templates"),
        &folder.path().join("xtask/templates"),
    );
    folder
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in from.read_dir().unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        match entry.path().is_dir() {
            true => copy(&entry.path(), &target),
            false => drop(fs::copy(entry.path(), target).unwrap()),
        }
    }
}

/// The lines of `new` that `old` has not.
fn added(root: &Path, path: &str) -> Vec<String> {
    let old = read(&top().join(path)).unwrap();
    let new = read(&root.join(path)).unwrap();
    assert_eq!(
        new.lines()
            .filter(|line| old.lines().any(|old| old == *line))
            .count(),
        old.lines().count()
    );
    new.lines()
        .filter(|line| !old.lines().any(|old| old == *line))
        .map(str::to_owned)
        .collect()
}

fn assert_filled(folder: &Path) {
    for entry in folder.read_dir().unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            assert_filled(&path);
        } else {
            let text = read(&path).unwrap();
            assert!(!text.contains("{{"), "{}", path.display());
            assert!(
                path.extension().is_none_or(|ending| ending != "template"),
                "{}",
                path.display()
            );
        }
    }
}

#[test]
fn names_are_plain_words() {
    let rows = [
        ("matrix", Some("Matrix")),
        ("my-chat2", Some("MyChat2")),
        ("", None),
        ("My-chat", None),
        ("my_chat", None),
        ("2chat", None),
        ("-chat", None),
        ("chat-", None),
        ("a--b", None),
        ("../up", None),
        ("消息", None),
        ("driver-chat", None),
        ("driver", None),
        ("global", None),
        ("a-name-that-is-far-too-long-to-type", None),
    ];
    for (text, expected) in rows {
        let name = Name::parse(text).ok().map(|name| name.type_name());
        assert_eq!(name.as_deref(), expected, "{text}");
    }
}

#[test]
fn a_driver_is_made_and_linked_by_two_lines() {
    for inbound in Inbound::ALL {
        let root = workspace();
        is_made_and_linked(root.path(), inbound);
    }
}

fn is_made_and_linked(root: &Path, inbound: Inbound) {
    let folder = within(root, &Name::parse("my-chat").unwrap(), inbound).unwrap();
    assert_filled(&folder);
    let manifest = "crates/bridge-bin/Cargo.toml";
    assert_eq!(
        added(root, manifest),
        ["driver-my-chat = { path = \"../driver-my-chat\" }"]
    );
    let drivers = "crates/bridge-bin/src/drivers.rs";
    assert_eq!(added(root, drivers), ["use driver_my_chat as _;"]);
    assert!(added(root, "Cargo.toml").is_empty());
    for page in ["my-chat.md", "my-chat.zh-CN.md"] {
        let text = read(&root.join("docs/drivers").join(page)).unwrap();
        for table in ["config my_chat", "rules my_chat.source"] {
            let marks =
                format!("\n<!-- generated: keys of {table} -->\n<!-- end of generated -->\n");
            assert!(text.contains(&marks), "{page}: {text}");
        }
        assert!(!text.contains("{{"), "{page}: {text}");
    }
    let lib = read(&folder.join("src/lib.rs")).unwrap();
    assert!(lib.contains("DriverInfo::new(\"my_chat\"") && lib.contains("pub struct MyChatDriver"));
}

#[test]
fn a_page_that_is_there_is_kept() {
    let root = workspace();
    let page = root.path().join("docs/drivers/my-chat.md");
    fs::write(&page, "written by a person\n").unwrap();
    let name = Name::parse("my-chat").unwrap();
    within(root.path(), &name, Inbound::Webhook).unwrap();
    assert_eq!(read(&page).unwrap(), "written by a person\n");
}

#[test]
fn a_taken_name_is_refused_and_nothing_is_written() {
    let root = workspace();
    let name = Name::parse("dingtalk").unwrap();
    let problem = within(root.path(), &name, Inbound::Webhook)
        .unwrap_err()
        .message;
    assert!(
        problem.contains("there is a driver \"dingtalk\" already"),
        "{problem}"
    );
    for path in COPIED {
        assert!(added(root.path(), path).is_empty());
    }
}

#[test]
fn a_driver_outside_says_everything_itself() {
    for inbound in Inbound::ALL {
        says_everything_itself(inbound);
    }
}

fn says_everything_itself(inbound: Inbound) {
    let (root, parent) = (workspace(), tempfile::tempdir().unwrap());
    let folder = parent.path().join("new");
    let name = Name::parse("my-chat").unwrap();
    outside(root.path(), &folder, &name, inbound).unwrap();
    assert_filled(&folder);
    let manifest = read(&folder.join("Cargo.toml")).unwrap();
    assert!(!manifest.contains("workspace = true"), "{manifest}");
    let core = root.path().join("crates/bridge-core").display().to_string();
    assert!(
        manifest.contains(&format!("bridge-core = {{ path = \"{core}\" }}")),
        "{manifest}"
    );
    let bin = root.path().join("crates/bridge-bin").display().to_string();
    assert!(
        manifest.contains(&format!("path = \"{bin}\"")),
        "{manifest}"
    );
    assert_eq!(manifest.matches("[workspace]").count(), 1, "{manifest}");
    for lint in ["dbg_macro", "print_stdout", "print_stderr"] {
        assert!(
            manifest.contains(&format!("\n{lint} = \"warn\"\n")),
            "{manifest}"
        );
    }
    let main = read(&folder.join("src/main.rs")).unwrap();
    assert!(
        main.ends_with("\nbridge_bin::main!(driver_my_chat);\n"),
        "{main}"
    );
    let config = read(&folder.join("config.example.json")).unwrap();
    assert!(config.contains("MY_CHAT_TOKEN"), "{config}");
    for path in COPIED {
        assert!(added(root.path(), path).is_empty());
    }
    let problem = outside(root.path(), &folder, &name, inbound)
        .unwrap_err()
        .message;
    assert!(problem.contains("is not empty"), "{problem}");
    let inside = root.path().join("crates/new");
    let problem = outside(root.path(), &inside, &name, inbound)
        .unwrap_err()
        .message;
    assert!(problem.contains("inside this workspace"), "{problem}");
}

#[test]
fn a_folder_beside_the_workspace_is_outside() {
    let rows = [
        ("/a/bridge/../my-chat", "/a/my-chat"),
        ("/a/bridge/./x/../../my-chat", "/a/my-chat"),
        ("/../my-chat", "/my-chat"),
        ("/a/bridge/x", "/a/bridge/x"),
    ];
    for (path, expected) in rows {
        assert_eq!(
            without_parents(Path::new(path)),
            Path::new(expected),
            "{path}"
        );
    }
}

#[test]
fn the_contract_test_of_an_unknown_driver_names_the_known() {
    let problem = test("dingtallk").unwrap_err().message;
    assert!(problem.contains("there are: dingtalk"), "{problem}");
}
