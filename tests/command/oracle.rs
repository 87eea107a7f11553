//! Debian's own xl reads the written xl.cfg as the JSON that xenclock prints.
//!
//! xl runs without Xen (`tests/oracle/`). The environment variable `XENCLOCK_ORACLE` names its directory; without it,
//! nothing is tested.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::common::{FIXED, Lab, Run, all_xml, finish};
use crate::generated;
use proptest::prelude::*;
use serde_json::Value;
use xenclock::domain::release::XenVersion;

/// How many generated domains are put to xl, unless `PROPTEST_CASES` says otherwise.
const GENERATED: u32 = 60;

/// An xl that runs on any machine.
pub struct Oracle {
    /// Its release of Xen.
    pub release: XenVersion,
    /// The program and what stands before it.
    words: Vec<PathBuf>,
    preload: PathBuf,
}

impl Oracle {
    /// The xl that `tests/oracle/build` put into the directory named by `XENCLOCK_ORACLE`.
    pub fn find() -> Option<Self> {
        let Some(dir) = std::env::var_os("XENCLOCK_ORACLE").map(PathBuf::from) else {
            xentest::skip(
                "no xl",
                "tests/oracle/build DIR unpacks Debian's, and XENCLOCK_ORACLE=DIR names it",
            );
            return None;
        };
        // Who names a place wants the test run.
        assert!(
            dir.join("noxen.so").exists(),
            "no xl in {}; tests/oracle/build makes one there",
            dir.display()
        );
        Some(Oracle {
            release: "4.17".parse().unwrap(),
            words: vec![dir.join("xen/usr/lib/xen-4.17/bin/xl")],
            preload: dir.join("noxen.so"),
        })
    }

    /// The older and newer xls that `tests/oracle/releases` put into the directory named by `XENCLOCK_ORACLES`.
    pub fn of_other_releases() -> Vec<Self> {
        let Some(dir) = std::env::var_os("XENCLOCK_ORACLES").map(PathBuf::from) else {
            xentest::skip(
                "no xl of other releases",
                "tests/oracle/releases DIR unpacks Debian's, and XENCLOCK_ORACLES=DIR names them",
            );
            return Vec::new();
        };
        let releases = [("bullseye", "4.14"), ("trixie", "4.20")];
        let oracle = |(suite, release): (&str, &str)| {
            let utils = dir.join(format!("{suite}-utils"));
            let words =
                [dir.join(suite).join("run"), utils.join(format!("xen/usr/lib/xen-{release}/bin/xl"))];
            let preload = utils.join("noxen.so");
            assert!(preload.exists(), "no xl {release} in {}", dir.display());
            Oracle { release: release.parse().unwrap(), words: words.into(), preload }
        };
        releases.map(oracle).into()
    }

    /// xl, which runs on any machine.
    pub fn program(&self) -> Command {
        let (program, words) = self.words.split_first().unwrap();
        let mut xl = Command::new(program);
        xl.args(words).env("LD_PRELOAD", &self.preload);
        xl
    }

    /// xl, which a signal ends if it takes more than a few seconds or 4 GB.
    pub fn limited(&self) -> Command {
        let mut xl = Command::new("/bin/sh");
        xl.args(["-c", "ulimit -v 4000000; ulimit -t 4; exec \"$0\" \"$@\""]).args(&self.words);
        xl.env("LD_PRELOAD", &self.preload);
        xl
    }

    /// A script that is this xl, whoever starts it.
    pub fn script(&self) -> String {
        let words: Vec<_> = self.words.iter().map(|word| format!("'{}'", word.display())).collect();
        format!("#!/bin/sh\nLD_PRELOAD='{}' exec {} \"$@\"\n", self.preload.display(), words.join(" "))
    }

    /// What xl understands of a file, as libxl's JSON.
    pub fn xl(&self, cfg: &Path) -> Result<Value, String> {
        let mut xl = self.program();
        xl.args(["create", "-n"]).arg(cfg);
        let Run { code, out, err } = finish(xl, b"");
        let warnings: Vec<_> = err.lines().filter(|line| !is_harmless(line)).collect();
        if code != 0 || !warnings.is_empty() {
            return Err(format!("xl ended with {code} and said {err:?}"));
        }
        serde_json::from_str(&out).map_err(|error| format!("{error}: {out}"))
    }
}

/// What xl says of every file, of every TSC mode, and wherever a device model is named.
pub fn is_harmless(line: &str) -> bool {
    line.starts_with("Parsing config from ")
        || line.starts_with("got a tsc mode string: ")
        || line.starts_with("WARNING: ignoring device_model directive.")
        || line.starts_with("WARNING: Use \"device_model_override\"")
        || line.starts_with("WARNING: msr_relaxed will be removed in future versions.")
        || line.starts_with("If it fixes an issue you are having please report to ")
}

/// Whether xl understands our xl.cfg of an XML as our JSON says.
fn agree(oracle: &Oracle, lab: &Lab, xml: &Path) -> Result<(), String> {
    let convert = |to: &str, output: &str| {
        let words = ["convert", "--xen", "4.17", "--to", to, "-o", output].into_iter().chain(FIXED);
        let run = lab.run(words.map(Path::new).chain([xml]));
        if run.code == 0 { Ok(lab.read(output)) } else { Err(format!("convert --to {to}: {}", run.err)) }
    };
    let cfg = convert("xl", "guest.cfg")?;
    let ours: Value = serde_json::from_str(&convert("json", "guest.json")?).unwrap();
    let mut theirs = oracle.xl(&lab.path("guest.cfg")).map_err(|error| format!("{error}\nof\n{cfg}"))?;
    if ours["c_info"].get("uuid").is_none() {
        // xl makes one up.
        theirs["c_info"].as_object_mut().unwrap().remove("uuid");
    }
    if ours == theirs { Ok(()) } else { Err(format!("we say\n{ours:#}\nxl says\n{theirs:#}\nof\n{cfg}")) }
}

#[test]
fn xl_understands_every_fixture_as_we_do() {
    let Some(oracle) = Oracle::find() else { return };
    let lab = Lab::new();
    let mut failed = Vec::new();
    for xml in all_xml() {
        if let Err(why) = agree(&oracle, &lab, &xml) {
            failed.push(format!("{}: {why}", xml.display()));
        }
    }
    assert!(failed.is_empty(), "{}", failed.join("\n\n"));
}

#[test]
fn xl_understands_generated_domains_as_we_do() {
    let Some(oracle) = Oracle::find() else { return };
    let lab = Lab::new();
    // Each case is four processes; a failure is made smaller by as many again.
    let config = ProptestConfig {
        cases: GENERATED,
        max_shrink_iters: 200,
        failure_persistence: None,
        ..Default::default()
    };
    proptest!(config, |(xml in generated::domain())| {
        let file = lab.write("guest.xml", &xml);
        agree(&oracle, &lab, &file).map_err(|why| TestCaseError::fail(format!("{xml}\n{why}")))?;
    });
}
