//! The output of `convert` and `check`: as text, JSON and SARIF.

use serde_json::{Value, json};

use crate::common::{FIXED, Lab, Run, domain};

/// The timers of many a virt-install guest, with a zone that plain xl does not know.
const CLOCK: &str = "<clock offset='timezone' timezone='Europe/Berlin'>
  <timer name='rtc' tickpolicy='catchup'/>
  <timer name='pit' tickpolicy='delay'/>
  <timer name='hpet' tickpolicy='delay'/>
  <timer name='kvmclock' present='yes'/>
</clock>";

fn convert(lab: &Lab, words: &[&str]) -> Run {
    lab.run(words.iter().copied().chain(FIXED))
}

#[test]
fn a_summary_comes_first_and_one_thing_is_said_once() {
    let lab = Lab::new();
    lab.write("guest.xml", domain("hvm", CLOCK));
    let said = convert(&lab, &["convert", "guest.xml"]).err;
    let lines: Vec<_> = said.lines().collect();
    assert!(lines[0].starts_with("guest.xml: starts; 3 things differ, "), "{said}");
    assert_eq!(lines[1], "  clock: the time in Europe/Berlin; 3 of its settings differ");
    assert_eq!(said.matches("[one-policy]").count(), 1, "{said}");
    assert!(said.contains("[one-policy]\n  also at: 4:22\n"), "{said}");
    assert!(!said.contains(" | "), "the lines of the input are for -v: {said}");
    assert!(!said.contains("kvmclock"), "what has no effect is for -v: {said}");
    let full = convert(&lab, &["-v", "convert", "guest.xml"]).err;
    assert_eq!(full.matches("[one-policy]\n  ").count(), 2, "{full}");
    assert!(full.contains("3 |   <timer name='pit' tickpolicy='delay'/>\n"), "{full}");
    assert!(full.contains(": no-effect: KVM's own clock"), "{full}");
}

#[test]
fn an_error_that_comes_again_has_all_its_places() {
    let lab = Lab::new();
    lab.write("guest.cfg", "name = \"a\"\nmemory = {{ M }}\nvcpus = {{ V }}\nmaxvcpus = {{ V }}\n");
    let said = convert(&lab, &["check", "guest.cfg"]).out;
    assert!(said.contains("; 4 errors\n"), "{said}");
    assert!(said.contains("^^\n  also at: 3:9, 4:12\n  instead: "), "{said}");
}

#[test]
fn a_clock_that_is_the_same_is_said_to_be() {
    let lab = Lab::new();
    lab.write(
        "guest.xml",
        domain("hvm", "<clock offset='localtime'/><devices><tpm model='tpm-crb'/></devices>"),
    );
    let said = convert(&lab, &["convert", "guest.xml"]).err;
    assert!(said.starts_with("guest.xml: starts; 1 thing differs"), "{said}");
    assert!(said.contains("\n  clock: the host's local time; the same on Xen\n"), "{said}");
    lab.write("same.xml", domain("hvm", "<clock offset='localtime'/>"));
    assert_eq!(convert(&lab, &["convert", "same.xml"]).err, "", "no news is good news");
    let full = convert(&lab, &["-v", "convert", "same.xml"]).err;
    assert!(full.starts_with("same.xml: starts; everything means the same on Xen\n  clock: "), "{full}");
}

#[test]
fn what_create_would_refuse_is_a_blocker_and_comes_first() {
    let lab = Lab::new();
    let clock =
        "<clock offset='utc'><timer name='rtc' track='boot'/><timer name='tsc' mode='paravirt'/></clock>";
    lab.write("guest.xml", domain("hvm", &format!("<maxMemory slots='2'>99</maxMemory>{clock}")));
    let said = convert(&lab, &["convert", "guest.xml"]).err;
    let lines: Vec<_> = said.lines().collect();
    assert!(
        lines[0].starts_with("guest.xml: does not start as requested; 1 blocker, 2 things differ"),
        "{said}"
    );
    assert_eq!(lines[1], "  clock: UTC; not as requested on Xen");
    assert!(lines[2].contains("[tsc-paravirt]"), "{said}");
}

#[test]
fn the_comments_of_an_xl_cfg_have_the_remedies() {
    let lab = Lab::new();
    lab.write("guest.xml", domain("hvm", CLOCK));
    let cfg = convert(&lab, &["convert", "guest.xml"]).ok();
    assert!(cfg.contains("#   lines 3 and 4, approximated: Xen has one policy"), "{cfg}");
    assert!(
        cfg.contains("\n#     instead: start the guest with xenclock create, which resolves the zone"),
        "{cfg}"
    );
    lab.write("guest.cfg", &cfg);
    convert(&lab, &["convert", "guest.cfg"]).ok();
}

/// Asserts that a value has the shape that SARIF 2.1.0 asks for.
fn is_sarif(log: &Value) -> &Vec<Value> {
    assert_eq!(log["version"], "2.1.0");
    assert!(log["$schema"].as_str().unwrap().ends_with("sarif-2.1.0.json"));
    let [run] = &log["runs"].as_array().unwrap()[..] else { panic!("{log:#}") };
    let driver = &run["tool"]["driver"];
    assert_eq!((&driver["name"], &run["columnKind"]), (&json!("xenclock"), &json!("unicodeCodePoints")));
    let rules = driver["rules"].as_array().unwrap();
    for (index, rule) in rules.iter().enumerate() {
        let id = rule["id"].as_str().unwrap();
        assert!(rules[..index].iter().all(|other| other["id"] != id), "{id} is there twice");
        let text = |key: &str| rule[key]["text"].as_str().unwrap();
        assert_eq!(
            text("shortDescription"),
            id.replace('-', " "),
            "a title is the rule's, not one message's"
        );
        assert_eq!(rule["name"].as_str().unwrap().to_lowercase(), id.replace('-', ""));
        assert!(
            text("fullDescription").len() > 3 && text("fullDescription") != id,
            "{id} has no description"
        );
    }
    assert!(run["invocations"][0]["executionSuccessful"].is_boolean());
    let results = run["results"].as_array().unwrap();
    for result in results {
        let index = usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap();
        assert_eq!(rules[index]["id"], result["ruleId"]);
        assert!(["error", "warning", "note"].contains(&result["level"].as_str().unwrap()));
        assert!(!result["message"]["text"].as_str().unwrap().is_empty());
        let place = &result["locations"][0]["physicalLocation"];
        let uri = place["artifactLocation"]["uri"].as_str().unwrap();
        assert!(uri.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._~/%:".contains(&b)), "{uri}");
        let region = |name: &str| place["region"][name].as_u64().unwrap();
        assert!(region("startLine") > 0 && region("startColumn") > 0);
        assert!(region("endLine") == region("startLine") && region("endColumn") > region("startColumn"));
    }
    results
}

#[test]
fn sarif_has_the_shape_that_its_readers_expect() {
    let lab = Lab::new();
    lab.write("a guest é.xml", domain("hvm", CLOCK));
    lab.write("wrong.cfg", "name = \"a\nmemory = 1\n");
    let run = lab.run(["check", "--sarif", "a guest é.xml", "wrong.cfg", "missing.cfg"]);
    assert_eq!(run.code, 2, "{run:?}");
    let log: Value = serde_json::from_str(&run.out).unwrap();
    let results = is_sarif(&log);
    let level = |code: &str| {
        let found: Vec<_> = results.iter().filter(|result| result["ruleId"] == code).collect();
        found.first().map(|result| result["level"].as_str().unwrap())
    };
    assert_eq!((level("one-policy"), level("kvmclock")), (Some("warning"), Some("note")), "{log:#}");
    assert!(results.iter().any(|result| result["level"] == "error"), "{log:#}");
    assert!(run.out.contains("a%20guest%20%C3%A9.xml"));
    let policy = results.iter().find(|result| result["ruleId"] == "one-policy").unwrap();
    let region = &policy["locations"][0]["physicalLocation"]["region"];
    assert_eq!(
        (&region["startLine"], &region["startColumn"], &region["endColumn"]),
        (&json!(3), &json!(21), &json!(39))
    );
    let invocation = &log["runs"][0]["invocations"][0];
    assert_eq!(invocation["executionSuccessful"], false);
    assert!(
        invocation["toolExecutionNotifications"][0]["message"]["text"]
            .as_str()
            .unwrap()
            .contains("No such file")
    );

    let converted = convert(&lab, &["convert", "--diagnostics", "sarif", "a guest é.xml"]);
    assert_eq!(converted.code, 0);
    assert!(
        is_sarif(&serde_json::from_str(&converted.err).unwrap())
            .iter()
            .any(|r| r["ruleId"] == "xl-no-timezone")
    );
    let wrong = convert(&lab, &["convert", "--diagnostics", "sarif", "wrong.cfg"]).fails(1);
    assert_eq!(is_sarif(&serde_json::from_str(&wrong).unwrap())[0]["level"], "error");
}

const CFG: &str = "name = \"guest\"\ntype = \"pvh\"\nmemory = 64\nkernel = \"/boot/vmlinuz\"\n";

#[test]
fn check_says_what_is_wrong_by_its_exit_status() {
    let lab = Lab::new();
    let json = lab.write("guest.cfg", CFG);
    let json = lab.run(["convert", "--to", "json", json.to_str().unwrap()]).ok();
    let cases: &[(&str, String, u8, &str)] = &[
        ("clean.xml", domain("hvm", "<clock offset='localtime'/>"), 0, ""),
        ("dull.xml", domain("hvm", "<title>t</title>"), 0, ""),
        ("less.xml", domain("hvm", "<devices><tpm model='tpm-crb'/></devices>"), 1, ""),
        (
            "refused.xml",
            domain("hvm", "<clock offset='utc'><timer name='tsc' present='no'/></clock>"),
            2,
            "tsc-hidden",
        ),
        ("zone.xml", domain("hvm", "<clock offset='timezone' timezone='Mars/Olympus'/>"), 2, "bad-zone"),
        ("wrong.xml", "<domain".to_owned(), 2, ""),
        ("clean.cfg", CFG.to_owned(), 0, ""),
        ("ignored.cfg", format!("{CFG}timezone = \"Europe/Berlin\"\n"), 1, "unknown-clock-key"),
        ("again.cfg", format!("{CFG}memory = 128\n"), 1, "written-again"),
        ("other.cfg", format!("{CFG}bios = \"ovmf\"\n"), 1, "other-guest"),
        ("wrong.cfg", format!("{CFG}localtime = True\n"), 2, "cfg-lexical"),
        ("clean.json", json.clone(), 0, ""),
        ("newer.json", json.replacen("{\n", "{\n  \"colour\": \"red\",\n", 1), 1, "unknown-to-us"),
        ("wrong.json", "{\"c_info\": 7}".to_owned(), 2, "json-syntax"),
        ("none.json", "{}".to_owned(), 2, "not-xml"),
    ];
    for (name, content, status, code) in cases {
        lab.write(name, content);
        let run = lab.run(["check", name]);
        assert_eq!(run.code, i32::from(*status), "{name}: {run:?}");
        assert!(run.out.starts_with(&format!("{name}: ")), "{name}: {run:?}");
        assert!(code.is_empty() || run.out.contains(&format!("[{code}]")), "{name}: {run:?}");
        assert_eq!(run.err, "", "{name}");
        // The same from standard input, by content.
        let piped = lab.run_with(["check", "-"], content.as_bytes());
        assert_eq!(piped.code, i32::from(*status), "{name}: {piped:?}");
        let printed = lab.run(["check", "--json", name]);
        assert_eq!(printed.code, i32::from(*status), "{name}");
        let printed: Value = serde_json::from_str(&printed.out).unwrap();
        assert_eq!(printed["files"][0]["starts"], *status < 2, "{name}: {printed:#}");
        assert_eq!(printed["summary"]["files"], 1);
    }
    let names: Vec<_> = ["check"].into_iter().chain(cases.iter().map(|case| case.0)).collect();
    let all = lab.run(&names);
    assert_eq!(all.code, 2);
    assert!(all.out.ends_with("15 files: 9 start, 6 do not\n"), "{}", all.out);
    let quiet = lab.run(["check", "-q", "clean.xml", "dull.xml", "clean.cfg"]);
    assert_eq!((quiet.code, quiet.out.as_str()), (0, ""));
    let quiet = lab.run(["check", "-q", "clean.xml", "less.xml"]);
    assert!(
        quiet.code == 1 && quiet.out.contains("less.xml:1:") && !quiet.out.contains("clean"),
        "{quiet:?}"
    );
}

#[test]
fn check_of_a_directory_takes_every_format() {
    let lab = Lab::new();
    lab.write("a.cfg", "name = \"a\"\ntype = \"hvm\"\nmemory = 64\n");
    lab.write("b.xml", "<domain type='xen'><name>b</name></domain>");
    let json = lab.run(["convert", "--to", "json", "a.cfg"]).ok();
    lab.write("c.json", &json);
    lab.write("d", &json);
    lab.write("package.json", "{\"name\": \"x\"}");
    lab.write("notes", "{ not a domain }");
    let run = lab.run(["check", "--json", "."]);
    let printed: Value = serde_json::from_str(&run.out).unwrap();
    let names: Vec<_> =
        printed["files"].as_array().unwrap().iter().map(|file| file["file"].as_str().unwrap()).collect();
    assert_eq!(names, ["./a.cfg", "./b.xml", "./c.json", "./d"]);
    assert!(run.err.contains("skipped 2 other files"), "{run:?}");
    // A conversion reads JSON only where it is named.
    assert!(lab.run(["convert", "-o", "out/", "."]).err.contains("skipped 4 other files"));
}

#[test]
fn check_says_all_errors_of_a_file_and_of_all_files() {
    let lab = Lab::new();
    lab.write("a.cfg", "name = \"a\"\nlocaltime = True\nhpet = False\n");
    lab.write("b.xml", "<domain type='xen'><name>b</name></domain>");
    let run = lab.run(["check", "a.cfg", "nothing", "b.xml", "a.cfg/x"]);
    assert_eq!(run.code, 2);
    for place in ["a.cfg:2:", "a.cfg:3:", "nothing: No such file", "b.xml:1:", "a.cfg/x: Not a directory"] {
        assert!(run.out.contains(place), "{place}: {}", run.out);
    }
    assert_eq!(lab.files(), ["a.cfg", "b.xml"], "nothing is started or written");
}
