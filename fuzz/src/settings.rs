//! Any environment: settings, or one line that says what is wrong and where; a token is not in it.

use std::collections::BTreeMap;
use std::ffi::OsString;

#[cfg(feature = "shell")]
use aivenator::cli::configured;
use aivenator::cli::{Io, run};

use crate::CANARY;

/// See the module: lines of a name, `=` and a value in which `@` stands for a secret.
pub fn check(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let variables: BTreeMap<&str, &str> = text.lines().filter_map(|line| line.split_once('=')).collect();
    let token = |value: &str| value.replace('@', CANARY);
    let environment = |name: &str| match name {
        "AIVENATOR_AIVEN_TOKEN" => variables.get(name).map(|value| token(value)),
        _ => variables.get(name).map(|value| (*value).to_owned()),
    };
    let (mut out, mut err) = (vec![], vec![]);
    let mut io = Io {
        stdin: &mut std::io::empty(),
        stdout: &mut out,
        stderr: &mut err,
        environment: &environment,
        now: "2026-11-20T12:00:00Z".parse().expect("a time"),
        colour: false,
        width: None,
        terminal: false,
        key: [7; 32],
    };
    #[cfg(feature = "shell")]
    {
        let said = configured(&io).err().unwrap_or_default();
        assert!(!said.contains(CANARY) && !said.contains('\n'), "{said:?}");
    }
    let code = run(["aivenator", "plan", "-f", "-", "-o", "json"].map(OsString::from), &mut io);
    let (out, err) = (String::from_utf8(out).expect("text"), String::from_utf8(err).expect("text"));
    match code {
        0 => assert!(err.is_empty() && out.starts_with('{'), "{out}{err}"),
        1 => assert!(out.is_empty() && err.starts_with("aivenator: ") && err.matches('\n').count() == 1, "{out}{err}"),
        other => panic!("exit code {other}"),
    }
    assert!(!out.contains(CANARY) && !err.contains(CANARY));
}
