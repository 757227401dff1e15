//! The config and the rules of the demo, put together from what the rooms say of themselves.

use std::path::Path;

use bridge_core::catalog::Catalog;
use bridge_core::config::{Loaded, Setup, Source, load};
use bridge_core::id::Address;
use bridge_core::ports::SecretSource;
use bridge_core::sandbox::{Place, SandboxEntry};
use serde_json::{Map, Value, json};

use super::house::Rooms;
use super::side::Pair;

/// What the files say of one instance and its channel.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct End {
    pub(super) platform: &'static str,
    pub(super) instance: String,
    pub(super) settings: Value,
    pub(super) address: Address,
}

impl Pair<End> {
    /// What the rooms say of themselves.
    pub(super) fn of(rooms: &Rooms, entries: Pair<SandboxEntry>, places: Pair<Place>) -> Self {
        let places = entries.zip(places);
        rooms
            .as_ref()
            .zip(places)
            .map(|(room, (entry, place))| End {
                platform: entry.platform(),
                instance: format!("{}_{}", entry.short(), place.name),
                settings: room.settings(),
                address: room.address(),
            })
    }

    /// The rules as a person would write them; the demo shows them.
    pub(super) fn rules(&self) -> String {
        let name = |end: &End| format!("{}:", Value::from(&*end.instance));
        let (left, right) = (name(&self.left), name(&self.right));
        let width = left.chars().count().max(right.chars().count());
        format!(
            concat!(
                "{{ \"rules\": [\n",
                "  {{ \"id\": \"offices\", \"type\": \"connect\",\n",
                "    \"channels\": {{ {left:<width$} {here},\n",
                "                  {right:<width$} {there} }},\n",
                "    \"msg\": {{ \"msg_format\": \"{{user}}: {{msg}}\" }} }}\n",
                "] }}",
            ),
            left = left,
            right = right,
            here = self.left.address(),
            there = self.right.address(),
            width = width,
        )
    }

    /// What `run` would make of both files, with the store in `data_dir`.
    ///
    /// # Errors
    ///
    /// What the check says of them, or why there is no name for the folder.
    pub(super) fn setup(&self, catalog: &Catalog, data_dir: &Path) -> Result<Setup, String> {
        let loaded = self.load(catalog, data_dir)?;
        loaded.setup.ok_or_else(|| {
            let found = loaded.diagnostics.iter().map(ToString::to_string);
            found.collect::<Vec<_>>().join("\n")
        })
    }

    fn load(&self, catalog: &Catalog, data_dir: &Path) -> Result<Loaded, String> {
        let data_dir = data_dir.to_str().ok_or_else(|| {
            let shown = data_dir.display();
            format!(
                "the temporary folder {shown} has a name that is not UTF-8; set TMPDIR to another"
            )
        })?;
        let config = source("demo/config.json", self.config(data_dir).to_string());
        let rules = source("demo/rules.json", self.rules());
        Ok(load(&config, &rules, catalog, &NoSecrets))
    }

    fn config(&self, data_dir: &str) -> Value {
        let mut config = json!({ "global": { "data_dir": data_dir } });
        for end in [&self.left, &self.right] {
            let of_platform = &mut config[end.platform];
            if of_platform.is_null() {
                *of_platform = Value::Object(Map::new());
            }
            of_platform[&end.instance] = end.settings.clone();
        }
        config
    }
}

impl End {
    /// The address as JSON, with spaces as a person would set them.
    fn address(&self) -> String {
        let pairs = self.address.iter();
        let pairs =
            pairs.map(|(key, value)| format!("{}: {}", Value::from(key), Value::from(value)));
        match &*pairs.collect::<Vec<_>>().join(", ") {
            "" => "{}".to_owned(),
            pairs => format!("{{ {pairs} }}"),
        }
    }
}

fn source(name: &str, content: String) -> Source {
    Source {
        name: name.to_owned(),
        content: Ok(content.into_bytes()),
    }
}

/// The files hold their secrets, which open nothing but the sandboxes.
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
    use bridge_core::sandbox::Sandboxes;

    use super::super::house::House;
    use super::super::stage::PLACES;
    use super::*;

    fn end(instance: &str, address: Address) -> End {
        End {
            platform: "dingtalk",
            instance: instance.to_owned(),
            settings: json!({
                "app_key": instance,
                "app_secret": "demo-secret",
                "signing_secret": "demo-secret",
                "robot_code": instance,
                "listen_port": 0,
            }),
            address,
        }
    }

    fn ends() -> Pair<End> {
        let address = |id| Address::new([("open_conversation_id", id)]);
        Pair {
            left: end("dt_shanghai", address("cidShanghaiOps==")),
            right: end("dt_berlin", address("cidBerlinOps==")),
        }
    }

    #[test]
    fn the_rules_stand_as_a_person_writes_them() {
        let expected = r#"{ "rules": [
  { "id": "offices", "type": "connect",
    "channels": { "dt_shanghai": { "open_conversation_id": "cidShanghaiOps==" },
                  "dt_berlin":   { "open_conversation_id": "cidBerlinOps==" } },
    "msg": { "msg_format": "{user}: {msg}" } }
] }"#;
        assert_eq!(ends().rules(), expected);
        // They fit a narrow terminal.
        assert!(expected.lines().all(|line| line.len() <= 80));
        let mut ends = ends();
        ends.right = end("hook", Address::default());
        let rules = ends.rules();
        assert!(rules.contains("\"hook\":        {} },\n"), "{rules}");
    }

    /// The ends of a demo between two sandboxes, of which nothing runs any more.
    async fn ends_on(entries: Pair<SandboxEntry>) -> Pair<End> {
        let house = House::start(&entries).await.unwrap();
        let (rooms, _) = house.open_rooms(PLACES).unwrap();
        house.stop().await;
        Pair::of(&rooms, entries, PLACES)
    }

    #[tokio::test]
    async fn the_files_of_all_sandboxes_are_without_a_flaw() {
        let catalog = Catalog::linked().unwrap();
        let sandboxes = Sandboxes::linked().unwrap();
        let dir = Path::new("/tmp/with \"quotes\"");
        let all: Vec<_> = sandboxes.iter().copied().collect();
        let pairs = all
            .iter()
            .flat_map(|left| all.iter().map(move |right| (*left, *right)));
        for (left, right) in pairs {
            let ends = ends_on(Pair { left, right }).await;
            let loaded = ends.load(&catalog, dir).unwrap();
            assert!(loaded.diagnostics.is_empty(), "{:#?}", loaded.diagnostics);
            let setup = loaded.setup.unwrap();
            assert_eq!(Path::new(&setup.global.data_dir), dir);
            let mut known = [&*ends.left.instance, &*ends.right.instance];
            known.sort_unstable();
            let instances = setup.instances.iter();
            let instances: Vec<_> = instances.map(|each| each.id.as_str()).collect();
            assert_eq!(instances, known);
            for listen in setup
                .instances
                .iter()
                .filter_map(|each| each.driver.listen())
            {
                assert!(listen.host.is_loopback() && listen.port == 0, "{listen:?}");
            }
        }
    }

    #[test]
    fn what_the_check_refuses_is_said() {
        let mut ends = ends();
        ends.left.settings["listen_prot"] = 1.into();
        let catalog = Catalog::linked().unwrap();
        let refused = ends.setup(&catalog, Path::new("/tmp"));
        let problem = refused.map(|_| ()).unwrap_err();
        assert!(problem.contains("listen_prot"), "{problem}");
    }
}
