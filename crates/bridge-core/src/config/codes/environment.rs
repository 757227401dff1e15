//! The machine around the files. `check` warns of it; `run` does not start with such an error, and
//! ends with 1.

codes! {
    SECRET_UNAVAILABLE = "E0501", Error, "a secret can't be fetched",
        "The variable is not set or is empty in the environment of this process, or the file is not \
         there, is empty, or may not be read by this user. The path of a file that does not begin \
         with `/` is looked for below `$CREDENTIALS_DIRECTORY` first, where systemd puts credentials, \
         and then from the working directory. A variable that is set in your shell is not there for \
         a service.",
        Example::Situation {
            wrong: "The config says `{ \"env\": \"DINGTALK_APP_SECRET\" }`, and the variable is not set.",
            right: "Call `export DINGTALK_APP_SECRET=…` before the start, or give the service `Environment=` or, better, `LoadCredential=dingtalk:/etc/bridge/dingtalk` with `{ \"file\": \"dingtalk\" }` in the config.",
        };
    DATA_DIR = "E0502", Error, "the data directory can't be used",
        "The store lives in `global.data_dir`, which the bridge must be able to make and to write, \
         and which one bridge at a time may use.",
        Example::Situation {
            wrong: "`data_dir` is `/var/lib/bridge`, which belongs to root, and the bridge runs as the user `bridge`.",
            right: "Call `chown bridge /var/lib/bridge`, or set another `data_dir`.",
        };
    CANT_BIND = "E0503", Error, "an address can't be bound",
        "Another process holds the port, the address is none of this machine's, or a port below \
         1024 is wanted without the right to it. A port that is held by the bridge that runs on the \
         same data directory is no problem.",
        Example::Situation {
            wrong: "`listen_port` is 8080, and another server listens there.",
            right: "Find it by `ss -ltnp`, and stop it; or set another `listen_port`, here and in the platform's console or the proxy.",
        };
    SECRET_EXPOSED = "E0504", Warning, "everybody on this machine can read a secret's file",
        "The file may be read by every user of the machine. It works, and containers mount secrets \
         like that; on a machine with other users it gives the secret away.",
        Example::Situation {
            wrong: "The secret's file has the mode 0644.",
            right: "Call `chmod 600` and `chown` on it, so that only the bridge's user reads it.",
        };
    CA_FILE = "E0505", Error, "a file of authorities can't be used",
        "The file that `ca_file` names is not there, may not be read by this user, or does not hold \
         certificates in PEM alone. Its path is looked for like that of a secret's file. All of its \
         certificates must be readable: one that is not would be missed only when a platform can't \
         be reached.",
        Example::Situation {
            wrong: "`ca_file` names a certificate in DER, as Windows exports it.",
            right: "Call `openssl x509 -inform der -in company.cer -out company.pem`, and name `company.pem`.",
        };
}
