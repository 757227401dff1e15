//! Whether a file can be read, and its syntax.

use super::Part;

codes! {
    UNREADABLE = "E0101", Error, "a file can't be read",
        "The file is not there, is a folder, or may not be read by the user that runs the bridge. \
         Both files are needed. Without `--config` and `--rules` they are `config/config.json` and \
         `rules/rules.json`, from the working directory.",
        Example::Situation {
            wrong: "`bridge check` is called in a folder without `config/config.json`.",
            right: "Call it in the folder that holds `config` and `rules`, or name the files: `bridge check --config PATH --rules PATH`.",
        };
    NOT_UTF8 = "E0102", Error, "a file is not UTF-8",
        "The bridge reads UTF-8 alone. An editor has saved the file in another encoding, such as \
         GBK or UTF-16; the error says at which byte that begins to show.",
        Example::Situation {
            wrong: "The file was saved as GBK.",
            right: "Save it as UTF-8 in the editor, or call `iconv -f GBK -t UTF-8 OLD > NEW`.",
        };
    EMPTY = "E0103", Error, "a file is empty",
        "The file holds nothing, or nothing but white space and comments. The smallest rules file \
         is an object with an empty list of rules.",
        Example::Files {
            part: Part::Rules,
            wrong: "// to be written",
            right: r#"{ "rules": [] }"#,
        };
    SYNTAX = "E0104", Error, "a file breaks the rules of its format",
        "The file can't be read any further than the place that is shown, so nothing behind it is \
         checked yet. What is missing often stands just before that place: a quotation mark, a \
         comma, a brace. JSON may hold comments here (`//` and `/* */`), but no trailing commas.",
        Example::Files {
            part: Part::Global,
            wrong: r#""log": { "level": "debug", }"#,
            right: r#""log": { "level": "debug" }"#,
        };
    DUPLICATE_KEY = "E0105", Error, "a key stands twice in one object",
        "Readers of JSON disagree about which of the two counts, so neither is taken. Where one \
         instance shall have two channels, write a list: `\"dt_main\": [{…}, {…}]`.",
        Example::Files {
            part: Part::Instance,
            wrong: "\"max_age\": \"24h\",\n\"max_age\": \"48h\"",
            right: r#""max_age": "48h""#,
        };
    UNSUPPORTED = "E0106", Error, "a file uses a part of its format that is not taken here",
        "The format knows more than a config needs. What is shown can't be taken over without \
         doubt about what it means, so it is refused; write the value out instead.",
        Example::Situation {
            wrong: "A value is written in a way that the bridge does not take.",
            right: "Write it as the plain text, number, list or object that it stands for.",
        };
    UNKNOWN_FORMAT = "E0107", Error, "a file's name does not tell its format",
        "The format is read from the ending of the name: `.json` or `.jsonc`, `.yaml` or `.yml`, \
         `.toml`. Config and rules may be of different ones.",
        Example::Situation {
            wrong: "`bridge check --config bridge.conf`",
            right: "Rename the file to `bridge.yaml`, or whatever it is written in.",
        };
    AMBIGUOUS = "E0108", Error, "more than one file could be meant",
        "Without `--config` and `--rules` the one file of that name in the folder is taken. If there \
         are two, such as `config.json` and `config.yaml`, nobody knows which one an operator \
         edits.",
        Example::Situation {
            wrong: "`config/config.json` was converted to `config/config.yaml`, and both are there.",
            right: "Remove the one that no longer counts, or name the other with `--config`.",
        };
}
