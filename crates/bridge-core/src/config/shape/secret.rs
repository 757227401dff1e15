//! Secrets as they are written in a config: in its text, in a variable, in a file.

use serde_json::Value as Json;

use super::ShapeReader;
use crate::config::codes;
use crate::config::disclosure::looks_secret;
use crate::config::key_path::KeyPath;
use crate::config::suggest::nearest;
use crate::config::tree::{Entry, Node, Value};
use crate::ports::SecretSource;
use crate::secret::{Secret, Secrets};

/// A secret that was found in a file.
#[derive(Debug)]
pub(crate) struct FoundSecret {
    /// The path of its key.
    pub(crate) path: String,
    pub(crate) value: Secret,
}

/// For files that hold no secrets.
pub(crate) struct NoSecrets;

impl SecretSource for NoSecrets {
    fn env(&self, _: &str) -> Result<String, String> {
        Err("this file holds no secrets".to_owned())
    }

    fn file(&self, _: &str) -> Result<String, String> {
        Err("this file holds no secrets".to_owned())
    }
}

/// Where a secret comes from that does not stand in the config itself.
#[derive(Clone, Copy)]
enum Origin<'a> {
    Env(&'a str),
    File(&'a str),
}

/// The keys under which it is said where a secret is.
const ORIGINS: [&str; 2] = ["env", "file"];

/// How a secret is written.
const SECRET_FORMS: &str =
    "write the value as a string, {\"env\": \"NAME\"} or {\"file\": \"path\"}";

impl ShapeReader<'_> {
    /// One secret, or a list of them.
    pub(super) fn secrets(&mut self, node: &Node, path: &KeyPath<'_>) -> Json {
        let Value::Array(elements) = &node.value else {
            return self.secret(node, path);
        };
        let most = Secrets::MOST;
        if elements.is_empty() {
            self.findings
                .report(&codes::EMPTY_VALUE, &node.span, path, "the list is empty")
                .help("write at least one secret into it, or remove the key");
        } else if let Some(surplus) = elements.get(most) {
            let problem = format!("the list holds {} secrets", elements.len());
            self.findings
                .report(&codes::OUT_OF_RANGE, &surplus.span, path, problem)
                .help(format!(
                    "at most {most} can be good at once; remove the oldest"
                ));
        }
        let elements = elements.iter().enumerate();
        elements
            .map(|(index, element)| self.element(element, &path.index(index)))
            .collect()
    }

    fn element(&mut self, node: &Node, path: &KeyPath<'_>) -> Json {
        match node.value {
            Value::Null => self.null(node, path),
            _ => self.secret(node, path),
        }
    }

    /// A secret in any of its three forms. What is written in the file is never put into a problem.
    pub(super) fn secret(&mut self, node: &Node, path: &KeyPath<'_>) -> Json {
        let (origin, is_sound, span) = match (&node.value, node.as_object()) {
            (Value::String(text), _) => {
                if text.is_empty() {
                    self.findings
                        .report(&codes::EMPTY_VALUE, &node.span, path, "the secret is empty")
                        .help(SECRET_FORMS);
                    return Json::Null;
                }
                return self.found(text.to_string(), path);
            }
            (_, Some([entry @ Entry { key, node, .. }])) => match (key.as_str(), node.as_str()) {
                ("env", Some(name)) => (Origin::Env(name), is_variable_name(name), &node.span),
                ("file", Some(file)) => (Origin::File(file), is_path(file), &node.span),
                _ => return self.no_origin(entry, path),
            },
            _ => return self.no_secret(node, path),
        };
        if is_sound {
            self.findings.show(span);
        }
        let found = match origin {
            Origin::Env(name) => self.source.env(name),
            Origin::File(file) => self.source.file(file),
        };
        let help = match origin {
            Origin::Env(_) => {
                "set it where the bridge is started: in the unit, the container or the shell"
            }
            Origin::File(_) => {
                "write the secret into that file, let the bridge's user read it, or correct the path"
            }
        };
        let problem = match (found, origin) {
            (Ok(value), origin) if !value.is_empty() => {
                if let Origin::File(file) = origin
                    && let Some(doubt) = self.source.doubt_about_file(file)
                {
                    self.findings
                        .report(&codes::SECRET_EXPOSED, &node.span, path, doubt)
                        .help("let nobody but the bridge's own user read it: `chmod 600`");
                }
                return self.found(value, path);
            }
            // Whoever wrote the secret itself in the place of its name must not read it here.
            (_, Origin::Env(_)) if !is_sound => {
                "no environment variable has the name that is written here; write its name, not its value".to_owned()
            }
            (_, Origin::File(_)) if !is_sound => {
                "no file has the path that is written here; write its path, not its content".to_owned()
            }
            (Ok(_), Origin::Env(name)) => format!("the environment variable {name} is empty"),
            (Ok(_), Origin::File(file)) => format!("the secret's file {file} is empty"),
            (Err(problem), _) => problem,
        };
        self.findings
            .report(&codes::SECRET_UNAVAILABLE, &node.span, path, problem)
            .help(help);
        Json::Null
    }

    /// An object that names no place of a secret.
    fn no_origin(&mut self, entry: &Entry, path: &KeyPath<'_>) -> Json {
        // Only what is as short as these words is named: it is no secret.
        let meant = nearest(&entry.key, ORIGINS).filter(|meant| *meant != entry.key);
        let Some(meant) = meant else {
            return self.no_secret(&entry.node, path);
        };
        let problem = format!("unknown key \"{}\"", entry.key);
        let path = path.key(&entry.key);
        self.findings
            .report(&codes::UNKNOWN_KEY, &entry.key_span, path, problem)
            .help(format!("did you mean `{meant}`?"));
        Json::Null
    }

    fn found(&mut self, value: String, path: &KeyPath<'_>) -> Json {
        self.secrets.push(FoundSecret {
            path: path.to_string(),
            value: Secret::new(value.clone()),
        });
        value.into()
    }

    fn no_secret(&mut self, node: &Node, path: &KeyPath<'_>) -> Json {
        self.findings
            .report(&codes::NOT_A_SECRET, &node.span, path, "this is no secret")
            .help(SECRET_FORMS);
        Json::Null
    }
}

/// Whether it looks like the name of a variable, and not like a secret.
fn is_variable_name(name: &str) -> bool {
    let mut characters = name.chars();
    let begins = |c: char| c.is_ascii_uppercase() || c == '_';
    characters.next().is_some_and(begins)
        && characters.all(|c| begins(c) || c.is_ascii_digit())
        && !looks_secret(name)
}

/// Whether it looks like a path, and not like a secret.
fn is_path(text: &str) -> bool {
    text.contains(['/', '.']) || !looks_secret(text)
}
