//! What the platforms say to `check --online`.

codes! {
    CREDENTIALS_REFUSED = "E0601", Error, "a platform refuses an instance's credentials",
        "The platform was reached and does not accept what the config says: a key or a secret is \
         wrong, was reset in the platform's console, or belongs to another app. What the platform \
         said is part of the text. This stands in the files, so the check ends with 78.",
        Example::Situation {
            wrong: "`app_secret` is the secret of another app.",
            right: "Copy key and secret from one and the same page of the platform's console.",
        };
    UNREACHABLE = "E0602", Error, "a platform can't be reached",
        "There is no connection, the name has no address, no answer came within `attempt_timeout`, \
         or the platform failed on its side. The files may be fine, so the check ends with 1.",
        Example::Situation {
            wrong: "The machine reaches the internet through a proxy only, and the config names none.",
            right: "Set `global.proxy`, or `proxy` of the instance; `curl -v` towards the platform shows where it ends.",
        };
    PROBE_FAILED = "E0603", Error, "a platform gave no useful answer",
        "The platform was reached, and its answer is neither a yes nor a no: it asks to call less \
         often, or something between here and there answered in its place. Try again later; the \
         check ends with 1.",
        Example::Situation {
            wrong: "A proxy or a captive portal answers with a page of its own.",
            right: "See to `proxy` and to the platform's address in the config, and run the check again.",
        };
}
