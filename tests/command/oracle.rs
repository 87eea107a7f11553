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

/// How many generated domains are put to xl, unless `PROPTEST_CASES` says otherwise.
const GENERATED: u32 = 60;

/// The directory that `tests/oracle/build` made.
pub struct Oracle(PathBuf);

impl Oracle {
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
        Some(Oracle(dir))
    }

    /// xl, which runs on any machine.
    pub fn program(&self) -> Command {
        let mut xl = Command::new(self.0.join("xen/usr/lib/xen-4.17/bin/xl"));
        xl.env("LD_PRELOAD", self.0.join("noxen.so"));
        xl
    }

    /// A script that is this xl, whoever starts it.
    pub fn script(&self) -> String {
        let dir = self.0.display();
        format!("#!/bin/sh\nLD_PRELOAD='{dir}/noxen.so' exec '{dir}/xen/usr/lib/xen-4.17/bin/xl' \"$@\"\n")
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
fn is_harmless(line: &str) -> bool {
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
