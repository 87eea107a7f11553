//! Debian's xl and libxl as references for the written files, if `tests/oracle/build` has unpacked them.

use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::domain::DomainConfig;

/// The directory that `XENCLOCK_ORACLE` names.
pub(crate) struct Oracle {
    dir: PathBuf,
    work: tempfile::TempDir,
}

impl Oracle {
    pub(crate) fn find() -> Option<Self> {
        let Some(dir) = std::env::var_os("XENCLOCK_ORACLE").map(PathBuf::from) else {
            xentest::skip(
                "no xl",
                "tests/oracle/build DIR unpacks Debian's, and XENCLOCK_ORACLE=DIR names it",
            );
            return None;
        };
        assert!(
            dir.join("libxl-json").exists(),
            "no libxl in {}; tests/oracle/build makes one",
            dir.display()
        );
        Some(Oracle { dir, work: tempfile::tempdir().unwrap() })
    }

    /// The config that xl reads from a file, or its error.
    pub(crate) fn xl(&self, cfg: &str) -> Result<Value, String> {
        let file = self.work.path().join("guest.cfg");
        std::fs::write(&file, cfg).unwrap();
        let mut xl = Command::new(self.dir.join("xen/usr/lib/xen-4.17/bin/xl"));
        let xl = xl.env("LD_PRELOAD", self.dir.join("noxen.so")).args(["create", "-n"]).arg(&file);
        let done = xl.stdin(Stdio::null()).output().unwrap();
        let said = String::from_utf8_lossy(&done.stderr).into_owned();
        if !done.status.success() {
            return Err(format!("{}: {said}", done.status));
        }
        serde_json::from_slice(&done.stdout).map_err(|error| format!("{error}: {said}"))
    }

    /// The configs that libxl reads from JSON; `None` for one that it refuses.
    pub(crate) fn libxl(&self, configs: &[Value]) -> Vec<Option<Value>> {
        let mut libxl = Command::new(self.dir.join("libxl-json"));
        let libxl = libxl.stderr(Stdio::null()).env("LD_PRELOAD", self.dir.join("noxen.so"));
        let mut libxl = libxl.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let mut input = libxl.stdin.take().unwrap();
        let lines: String = configs.iter().map(|config| format!("{config}\n")).collect();
        let writer = std::thread::spawn(move || drop(input.write_all(lines.as_bytes())));
        let done = libxl.wait_with_output().unwrap();
        writer.join().unwrap();
        assert!(done.status.success(), "libxl-json: {}", done.status);
        let mut answers: Vec<_> =
            done.stdout.split(|byte| *byte == 0).map(|answer| serde_json::from_slice(answer).ok()).collect();
        answers.pop();
        assert_eq!(answers.len(), configs.len());
        answers
    }
}

/// How many random cases a test plays: as many as `PROPTEST_CASES` says, or some dozens.
pub(crate) fn cases() -> u64 {
    std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(80)
}

/// The paths at which two configs differ.
pub(crate) fn differences(one: &Value, other: &Value) -> Vec<String> {
    let mut found = Vec::new();
    differ(one, other, &mut String::new(), &mut found);
    found
}

fn differ(one: &Value, other: &Value, path: &mut String, found: &mut Vec<String>) {
    let length = path.len();
    match (one, other) {
        (Value::Object(ones), Value::Object(others)) => {
            let keys = ones.keys().chain(others.keys().filter(|key| !ones.contains_key(*key)));
            for key in keys {
                path.extend([if length == 0 { "" } else { "." }, key]);
                match (ones.get(key), others.get(key)) {
                    (Some(one), Some(other)) => differ(one, other, path, found),
                    _ => found.push(path.clone()),
                }
                path.truncate(length);
            }
        }
        (Value::Array(ones), Value::Array(others)) if ones.len() == others.len() => {
            for (index, (one, other)) in ones.iter().zip(others).enumerate() {
                path.push_str(&format!("[{index}]"));
                differ(one, other, path, found);
                path.truncate(length);
            }
        }
        _ if one == other => {}
        _ => found.push(path.clone()),
    }
}

/// A smaller config that is still wrong in the same way: whatever can be left out is. `wrong` names the way.
pub(crate) fn smallest(config: &DomainConfig, wrong: impl Fn(&DomainConfig) -> Vec<String>) -> DomainConfig {
    let ways = wrong(config);
    let mut config = config.clone();
    loop {
        let json = serde_json::to_value(&config).unwrap();
        let mut paths = Vec::new();
        pointers(&json, &mut String::new(), &mut paths);
        let less = paths.iter().rev().find_map(|pointer| {
            let mut less = json.clone();
            remove(&mut less, pointer);
            let less: DomainConfig = serde_json::from_value(less).ok()?;
            let still = less != config && wrong(&less).iter().any(|way| ways.contains(way));
            still.then_some(less)
        });
        match less {
            Some(less) => config = less,
            None => return config,
        }
    }
}

fn pointers(value: &Value, path: &mut String, found: &mut Vec<String>) {
    let length = path.len();
    let mut into = |step: &str, value: &Value| {
        path.extend(["/", &step.replace('~', "~0").replace('/', "~1")]);
        found.push(path.clone());
        pointers(value, path, found);
        path.truncate(length);
    };
    match value {
        Value::Object(map) => map.iter().for_each(|(key, value)| into(key, value)),
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(index, item)| into(&index.to_string(), item))
        }
        _ => {}
    }
}

fn remove(config: &mut Value, pointer: &str) {
    let Some((around, step)) = pointer.rsplit_once('/') else { return };
    let step = step.replace("~1", "/").replace("~0", "~");
    match config.pointer_mut(around) {
        Some(Value::Object(map)) => drop(map.shift_remove(&step)),
        Some(Value::Array(items)) => {
            if let Some(index) = step.parse().ok().filter(|index| *index < items.len()) {
                items.remove(index);
            }
        }
        _ => {}
    }
}
