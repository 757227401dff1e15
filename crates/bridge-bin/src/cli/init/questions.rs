//! The questions of `bridge init`, asked on a terminal.

use std::io::{self, BufRead, Write};

use bridge_core::catalog::{Catalog, DriverEntry};

use super::draft::{Draft, Setting};

/// Asks on `output`, and reads the answers from `input`.
pub(super) struct Questions<I, O> {
    input: I,
    output: O,
}

impl<I: BufRead, O: Write> Questions<I, O> {
    pub(super) fn new(input: I, output: O) -> Self {
        Self { input, output }
    }

    /// Which platform; not asked if there is one only.
    pub(super) fn platform<'a>(&mut self, catalog: &'a Catalog) -> io::Result<&'a DriverEntry> {
        let entries: Vec<_> = catalog.iter().collect();
        if let [only] = *entries {
            return Ok(only);
        }
        let names: Vec<_> = entries.iter().map(|entry| entry.info().platform).collect();
        loop {
            let answer = self.line(&format!("platform ({})", names.join(", ")), None)?;
            if let Some(entry) = catalog.get(&answer) {
                return Ok(entry);
            }
        }
    }

    /// Asks for everything that is not decided yet. An answer that `acceptable` refuses is asked
    /// for again.
    pub(super) fn ask(
        &mut self,
        draft: &mut Draft<'_>,
        asks_for_name: bool,
        acceptable: impl Fn(&Draft<'_>, &str) -> Result<(), String>,
    ) -> io::Result<()> {
        if asks_for_name {
            let usual = draft.usual_name();
            draft.instance = self.line("a name for this instance", Some(&usual))?;
        }
        let asked: Vec<_> = draft
            .settings
            .iter()
            .filter(|setting| setting.is_required || setting.is_secret)
            .map(|setting| {
                let Setting {
                    key, description, ..
                } = setting;
                (
                    key.clone(),
                    description.clone(),
                    setting.is_required,
                    setting.is_secret,
                )
            })
            .collect();
        for (key, description, is_required, is_secret) in asked {
            if draft.has(&key) {
                continue;
            }
            writeln!(self.output, "\n{description}")?;
            let usual = is_secret.then(|| format!("env:{}", draft.usual_variable(&key)));
            let note = match (is_secret, is_required) {
                (true, true) => " (env:NAME, file:PATH, or the secret itself)",
                (true, false) => " (env:NAME, file:PATH, the secret itself, or - to leave it out)",
                _ => "",
            };
            loop {
                let answer = self.line(&format!("{key}{note}"), usual.as_deref())?;
                if answer == "-" && !is_required {
                    break;
                }
                draft.set(&key, &answer);
                match acceptable(draft, &key) {
                    Ok(()) => break,
                    Err(problem) => {
                        writeln!(self.output, "  {problem}")?;
                        draft.unset(&key);
                    }
                }
            }
        }
        self.channels(draft)
    }

    fn channels(&mut self, draft: &mut Draft<'_>) -> io::Result<()> {
        let keys: Vec<_> = draft.address_keys().collect();
        if !draft.channels.is_empty() || keys.is_empty() {
            return Ok(());
        }
        writeln!(
            self.output,
            "\nIf you know two channels to link, give their addresses; else press Enter: the bridge will tell them."
        )?;
        while draft.channels.len() < 2 {
            let mut address = Vec::new();
            for (key, description) in &keys {
                let answer = self.line(&format!("{key}: {description}"), Some(""))?;
                if answer.is_empty() {
                    draft.channels.clear();
                    return Ok(());
                }
                address.push(((*key).to_owned(), answer));
            }
            draft.channels.push(address);
        }
        Ok(())
    }

    /// One answer, without white space around it. An empty one means `usual`; without one, the
    /// question is asked again.
    fn line(&mut self, question: &str, usual: Option<&str>) -> io::Result<String> {
        loop {
            match usual {
                Some(usual) if !usual.is_empty() => {
                    write!(self.output, "{question} [{usual}]: ")?;
                }
                _ => write!(self.output, "{question}: ")?,
            }
            self.output.flush()?;
            let mut line = String::new();
            if self.input.read_line(&mut line)? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            match (line.trim(), usual) {
                ("", Some(usual)) => return Ok(usual.to_owned()),
                ("", None) => {}
                (answer, _) => return Ok(answer.to_owned()),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use bridge_core::catalog::Catalog;

    use super::*;

    #[test]
    fn what_can_not_be_taken_is_asked_again() {
        let catalog = Catalog::linked().unwrap();
        let answers = [
            "",
            "bad",
            "key",
            "",
            "robot",
            "-",
            "cidA",
            "cidB",
            "never read",
        ];
        let mut input = io::Cursor::new(answers.join("\n"));
        let mut output = Vec::new();
        let mut questions = Questions::new(&mut input, &mut output);
        let mut draft = Draft::new(catalog.get("dingtalk").unwrap());
        let acceptable = |draft: &Draft<'_>, key: &str| match draft.config().contains("\"bad\"") {
            true => Err(format!("{key} is bad")),
            false => Ok(()),
        };
        questions.ask(&mut draft, true, acceptable).unwrap();
        let config = draft.config();
        let lines: Vec<_> = config.lines().map(str::trim).collect();
        for expected in [
            "\"dingtalk_main\": {",
            "\"app_key\": \"key\",",
            "\"app_secret\": {\"env\":\"DINGTALK_APP_SECRET\"},",
            "\"robot_code\": \"robot\"",
        ] {
            assert!(lines.contains(&expected), "{config}");
        }
        assert!(!config.contains("signing_secret"), "{config}");
        let rules = draft.rules();
        assert!(rules.contains("cidA") && rules.contains("cidB"), "{rules}");
        let asked = String::from_utf8(output).unwrap();
        assert!(asked.contains("app_key is bad"), "{asked}");
    }

    #[test]
    fn a_terminal_that_goes_away_ends_the_questions() {
        let mut questions = Questions::new(io::Cursor::new("\n\n"), Vec::new());
        let error = questions.line("name", None).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof);
    }
}
