//! The config and the rules that are embedded in the binary, and what the sandbox needs to know of
//! them: there is one place for every key, so the two sides can't disagree.

use std::path::Path;

use bridge_core::catalog::Catalog;
use bridge_core::config::{Loaded, Source, load};
use bridge_core::ports::SecretSource;
use serde_json::Value;

use super::side::Pair;

/// The rules as a person would write them; the demo shows them.
pub(super) const RULES: &str = include_str!("rules.json");

const CONFIG: &str = include_str!("config.json");
/// The platform that the sandbox plays.
pub(super) const PLATFORM: &str = "dingtalk";
const INSTANCES: Pair<&str> = Pair {
    left: "dt_shanghai",
    right: "dt_berlin",
};

/// What the files say of one instance and its group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct End {
    pub(super) instance: &'static str,
    pub(super) app_key: String,
    pub(super) app_secret: String,
    pub(super) signing_secret: String,
    pub(super) robot_code: String,
    pub(super) open_conversation_id: String,
}

/// Both ends, or the path of the key that the embedded files lack.
pub(super) fn ends() -> Result<Pair<End>, String> {
    let config = parse(CONFIG)?;
    let rules = parse(RULES)?;
    INSTANCES.try_map(|instance| {
        let key = |name| text(&config, &format!("/{PLATFORM}/{instance}/{name}"));
        let address = format!("/rules/0/channels/{instance}/open_conversation_id");
        Ok(End {
            instance,
            app_key: key("app_key")?,
            app_secret: key("app_secret")?,
            signing_secret: key("signing_secret")?,
            robot_code: key("robot_code")?,
            open_conversation_id: text(&rules, &address)?,
        })
    })
}

/// Loads both files as `run` would, with the store in `data_dir` and DingTalk's API at `api_base`.
pub(super) fn load_embedded(
    catalog: &Catalog,
    data_dir: &Path,
    api_base: &str,
) -> Result<Loaded, String> {
    let data_dir = data_dir.to_str().ok_or_else(|| {
        let shown = data_dir.display();
        format!("the temporary folder {shown} has a name that is not UTF-8; set TMPDIR to another")
    })?;
    let mut config = parse(CONFIG)?;
    set(&mut config, "/global/data_dir", data_dir)?;
    for instance in [INSTANCES.left, INSTANCES.right] {
        let path = format!("/{PLATFORM}/{instance}/api_base");
        set(&mut config, &path, api_base)?;
    }
    let config = source("demo/config.json", &config.to_string());
    let rules = source("demo/rules.json", RULES);
    Ok(load(&config, &rules, catalog, &NoSecrets))
}

fn parse(json: &str) -> Result<Value, String> {
    serde_json::from_str(json).map_err(|error| format!("an embedded file is not JSON: {error}"))
}

fn text(document: &Value, path: &str) -> Result<String, String> {
    let value = document.pointer(path).and_then(Value::as_str);
    value.map(str::to_owned).ok_or_else(|| lacks(path))
}

fn set(document: &mut Value, path: &str, text: &str) -> Result<(), String> {
    *document.pointer_mut(path).ok_or_else(|| lacks(path))? = text.into();
    Ok(())
}

fn lacks(path: &str) -> String {
    format!("the embedded files lack the text {path}")
}

fn source(name: &str, content: &str) -> Source {
    Source {
        name: name.to_owned(),
        content: Ok(content.as_bytes().to_vec()),
    }
}

/// The embedded files hold their secrets, which open nothing but the sandbox.
struct NoSecrets;

impl SecretSource for NoSecrets {
    fn env(&self, name: &str) -> Result<String, String> {
        Err(format!(
            "the demo reads no environment variable, not even {name}"
        ))
    }

    fn file(&self, path: &str) -> Result<String, String> {
        Err(format!("the demo reads no file, not even {path}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_embedded_files_are_without_a_flaw() {
        let catalog = Catalog::linked().unwrap();
        let dir = Path::new("/tmp/with \"quotes\"");
        let loaded = load_embedded(&catalog, dir, "http://127.0.0.1:9").unwrap();
        assert!(loaded.diagnostics.is_empty(), "{:#?}", loaded.diagnostics);
        let setup = loaded.setup.unwrap();
        assert_eq!(Path::new(&setup.global.data_dir), dir);
        for instance in &setup.instances {
            let listen = instance.driver.listen().unwrap();
            assert!(listen.host.is_loopback() && listen.port == 0, "{listen:?}");
        }
        let mut known: Vec<_> = setup
            .instances
            .iter()
            .map(|each| each.id.as_str())
            .collect();
        known.sort_unstable();
        assert_eq!(known, ["dt_berlin", "dt_shanghai"]);
    }

    #[test]
    fn both_ends_are_known_and_different() {
        let Pair { left, right } = ends().unwrap();
        assert_eq!(left.open_conversation_id, "cidShanghaiOps==");
        assert_eq!(right.open_conversation_id, "cidBerlinOps==");
        assert_ne!(left.app_key, right.app_key);
        assert_ne!(left.signing_secret, right.signing_secret);
    }

    #[test]
    fn the_rules_fit_a_narrow_terminal() {
        assert!(RULES.lines().all(|line| line.len() <= 80));
    }
}
