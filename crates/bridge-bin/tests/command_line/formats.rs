//! Files in other formats: found, checked, converted.

use crate::support::{root, run, text};

#[test]
fn files_of_other_formats_are_found_and_two_of_one_kind_are_refused() {
    let yaml =
        "dingtalk:\n  dt_main: { app_key: k, app_secret: s, robot_code: r, signing_secret: s }\n";
    let rules = "[[rules]]\nfrom = { dt_main = \"*\" }\nto = { dt_main = { open_conversation_id = \"c\" } }\n";
    let dir = tempfile::tempdir().unwrap();
    for folder in ["config", "rules"] {
        std::fs::create_dir(dir.path().join(folder)).unwrap();
    }
    std::fs::write(dir.path().join("config/config.yml"), yaml).unwrap();
    let alone = run(dir.path(), &["check", "--offline"]);
    assert_eq!(alone.status.code(), Some(78));
    let said = text(&alone.stderr);
    assert!(
        said.contains(".yaml, .yml and .toml are found, too"),
        "{said}"
    );

    std::fs::write(dir.path().join("rules/rules.toml"), rules).unwrap();
    let output = run(dir.path(), &["check", "--offline"]);
    let said = text(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    assert!(
        said.contains("config/config.yml and rules/rules.toml are fine"),
        "{said}"
    );

    std::fs::write(dir.path().join("config/config.json"), "{}").unwrap();
    let output = run(dir.path(), &["check", "--offline"]);
    let said = text(&output.stderr);
    assert_eq!(output.status.code(), Some(78), "{said}");
    let expected = "error[E0108]: config/config.json and config/config.yml are both there";
    assert!(said.contains(expected), "{said}");
    let named = run(
        dir.path(),
        &["check", "--offline", "--config", "config/config.yml"],
    );
    assert_eq!(named.status.code(), Some(0), "{}", text(&named.stderr));
}

#[test]
fn rules_are_checked_by_themselves() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("r.yaml");
    let rows = [
        (
            "rules:\n- { from: { a: { k: v } }, to: { b: {} } }\n",
            0,
            "r.yaml is fine by itself",
        ),
        (
            "rules:\n- { from: { a: { k: v } }, too: { b: {} } }\n",
            78,
            "did you mean `to`?",
        ),
    ];
    for (rules, code, expected) in rows {
        std::fs::write(&path, rules).unwrap();
        let output = run(
            dir.path(),
            &["check", "--only", "rules", "--rules", "r.yaml"],
        );
        let said = text(&output.stdout) + &text(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{said}");
        assert!(said.contains(expected), "{said}");
    }
    let both = [
        "check", "--only", "rules", "--rules", "r.yaml", "--config", "c.json",
    ];
    assert_eq!(run(dir.path(), &both).status.code(), Some(2));
}

#[test]
fn every_example_is_converted_to_every_format_and_stays_fine() {
    let top = root();
    let dir = tempfile::tempdir().unwrap();
    let mut checked = 0;
    for entry in std::fs::read_dir(top.join("config")).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        if !name.contains(".example.") {
            continue;
        }
        for ending in ["json", "yaml", "toml"] {
            let [config, rules] = ["config", "rules"].map(|folder| {
                let source = top.join(folder).join(&name);
                let target = format!("{folder}-{name}.{ending}");
                let source = source.to_str().unwrap();
                let output = run(dir.path(), &["convert", source, &target]);
                let said = text(&output.stderr);
                assert_eq!(output.status.code(), Some(0), "{said}");
                assert!(said.contains("did not come along"), "{name}: {said}");
                target
            });
            let options = ["check", "--offline", "--config", &config, "--rules", &rules];
            let output = run(dir.path(), &options);
            let said = text(&output.stderr);
            assert_eq!(output.status.code(), Some(0), "{said}");
            // The values of an example are to be filled in; nothing else is wrong with it.
            let mut warnings = said.lines().filter(|line| line.starts_with("warning"));
            assert!(
                warnings.all(|line| line.starts_with("warning[E0311]")),
                "{said}"
            );
            checked += 1;
        }
    }
    assert!(checked >= 9, "{checked}");
}

#[test]
fn a_conversion_loses_nothing_in_silence_and_overwrites_nothing() {
    use std::os::unix::fs::PermissionsExt as _;
    let dir = tempfile::tempdir().unwrap();
    let config = "# one\ndingtalk: # two\n  dt_main:\n    app_secret: \"canary\"\n\n# three\n";
    std::fs::write(dir.path().join("c.yaml"), config).unwrap();
    let convert = |from: &str, to: &str| {
        let output = run(dir.path(), &["convert", from, to]);
        (
            output.status.code(),
            text(&output.stdout),
            text(&output.stderr),
        )
    };
    let mode = |name: &str| {
        let found = std::fs::metadata(dir.path().join(name)).unwrap();
        found.permissions().mode() & 0o777
    };
    let chmod = |name: &str, mode: u32| {
        let path = dir.path().join(name);
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    };
    chmod("c.yaml", 0o640);
    let (code, printed, said) = convert("c.yaml", "c.toml");
    assert_eq!(code, Some(0), "{said}");
    assert_eq!(printed, "wrote c.toml\n");
    let lost = "note: 3 comments did not come along (c.yaml lines 1, 2, 6); copy by hand what you want to keep\n";
    assert_eq!(said, lost);
    let written = std::fs::read_to_string(dir.path().join("c.toml")).unwrap();
    assert_eq!(written, "[dingtalk.dt_main]\napp_secret = \"canary\"\n");
    assert_eq!(
        mode("c.toml"),
        0o600,
        "not for the group that the source is for"
    );
    chmod("c.toml", 0o604);
    convert("c.toml", "open.json");
    std::fs::write(dir.path().join("plain"), "").unwrap();
    let expected = 0o604 & mode("plain");
    assert_eq!(
        mode("open.json"),
        expected,
        "as the source, within the umask"
    );

    let (code, printed, said) = convert("c.yaml", "c.toml");
    assert_eq!((code, &*printed), (Some(1), ""));
    assert!(
        said.contains("c.toml is there already and is not overwritten"),
        "{said}"
    );
    std::os::unix::fs::symlink("nowhere.json", dir.path().join("link.json")).unwrap();
    assert_eq!(convert("c.yaml", "link.json").0, Some(1));
    assert_eq!(convert("c.yaml", "c.yaml").0, Some(1));
    assert_eq!(
        std::fs::read_to_string(dir.path().join("c.yaml")).unwrap(),
        config
    );

    let (code, _, said) = convert("c.yaml", "c.txt");
    assert_eq!(code, Some(1));
    assert!(
        said.contains("known endings: .json, .jsonc, .yaml, .yml, .toml"),
        "{said}"
    );
    std::fs::write(dir.path().join("bad.yaml"), "a: canary: x\n  - [\n").unwrap();
    std::fs::write(dir.path().join("null.yaml"), "a: { b: }\n").unwrap();
    for (from, expected) in [
        ("bad.yaml", "bad.yaml:1:10"),
        ("null.yaml", "TOML has no null"),
        ("none.yaml", "the file does not exist"),
    ] {
        let (code, _, said) = convert(from, "out.toml");
        assert_eq!(code, Some(78), "{said}");
        assert!(said.contains(expected), "{said}");
        assert!(!said.contains("canary"), "{said}");
        assert!(!dir.path().join("out.toml").exists(), "{from}");
    }
}
