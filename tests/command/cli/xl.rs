//! Commands passed on to the installed xl, here a script that prints its arguments.

use std::ffi::OsStr;
use std::path::Path;

use crate::common::{Lab, Run, finish};

/// An xl that says its words, one a line, and how often it was come by, and ends with 7.
const XL: &str = "#!/bin/sh\nprintf '<%s>\\n' \"$@\"\necho \"after $XENCLOCK_RETURNS\" >&2\nexit 7\n";

fn with_xl<S: AsRef<OsStr>>(lab: &Lab, words: impl IntoIterator<Item = S>) -> Run {
    let mut command = lab.command(words);
    command.env("PATH", lab.path_with_programs());
    finish(command, b"")
}

fn lab() -> Lab {
    let lab = Lab::new();
    lab.program("xl", XL);
    lab
}

#[test]
fn xls_commands_go_to_xl_word_for_word() {
    let lab = lab();
    for (words, theirs) in [
        (&["vcpu-list"][..], &["vcpu-list"][..]),
        (
            &["-vf", "-t", "vcpu-pin", "a b", "", "--", "-x"],
            &["-vf", "-t", "vcpu-pin", "a b", "", "--", "-x"],
        ),
        (&["--dry-run", "reboot", "-F", "guest"], &["-N", "reboot", "-F", "guest"]),
        (&["--backend", "libxl", "info"], &["info"]),
        (&["vcpu-l"], &["vcpu-l"]),
        (&["help", "vcpu-list"], &["help", "vcpu-list"]),
    ] {
        let Run { code, out, err } = with_xl(&lab, words);
        let expected: String = theirs.iter().map(|word| format!("<{word}>\n")).collect();
        assert_eq!((code, out, err.as_str()), (7, expected, "after 1\n"), "{words:?}");
    }
}

#[test]
fn words_that_are_not_utf_8_go_to_xl_as_they_are() {
    use std::os::unix::ffi::OsStrExt;
    let lab = lab();
    lab.program("xl", "#!/bin/sh\n[ \"$2\" = \"$(printf '\\377')\" ] && echo same\n");
    let run = with_xl(&lab, [OsStr::new("rename"), OsStr::from_bytes(b"\xff")]);
    assert_eq!(run.ok(), "same\n");
}

#[test]
fn what_makes_saves_or_moves_a_guest_never_goes_to_xl() {
    let lab = lab();
    for words in [
        &["create", "-x", "guest.cfg"][..],
        &["cre", "-x", "guest.cfg"],
        &["rest", "-x", "guest.save"],
        &["mig", "guest", "host"],
    ] {
        let said = with_xl(&lab, words).fails(2);
        assert!(said.contains("is not passed to xl, which would drop the guest's clock"), "{said}");
    }
}

#[test]
fn what_xl_cannot_mean_either_is_wrong_usage() {
    let lab = lab();
    for words in [
        &["--backend", "mock", "vcpu-list"][..],
        &["--backend", "mock:f.json", "destroy", "-x", "guest"],
        &["list", "--no-such-option"],
        &["shutdown", "-x", "guest"],
        &["clock-lst"],
        &["list", "--json", "-l"],
        &["--no-such-option", "vcpu-list"],
    ] {
        with_xl(&lab, words).fails(2);
    }
}

#[test]
fn without_an_xl_its_commands_fail_and_say_what_to_install() {
    if Path::new("/usr/sbin/xl").exists() {
        return xentest::skip("this machine has an xl", "run the test where /usr/sbin/xl does not exist");
    }
    let lab = Lab::new();
    let mut command = lab.command(["vcpu-list", "guest"]);
    command.env("PATH", lab.path("."));
    let said = finish(command, b"").fails(1);
    assert!(said.contains("'vcpu-list guest' is not a command of xenclock"), "{said}");
    assert!(said.contains("no xl is installed") && said.contains("xen-utils"), "{said}");
}

#[test]
fn an_xl_that_calls_us_ends_soon() {
    let lab = Lab::new();
    let ours = env!("CARGO_BIN_EXE_xenclock");
    lab.program("xl", &format!("#!/bin/sh\nexec {ours} \"$@\"\n"));
    let said = with_xl(&lab, ["vcpu-list"]).fails(1);
    assert!(said.contains("runs xenclock again"), "{said}");
    // Under the name of xl it is passed over at once.
    std::fs::remove_file(lab.path("xl")).unwrap();
    std::os::unix::fs::symlink(ours, lab.path("xl")).unwrap();
    let mut command = lab.command(["vcpu-list"]);
    command.env("PATH", lab.path("."));
    if !Path::new("/usr/sbin/xl").exists() {
        assert!(finish(command, b"").fails(1).contains("no xl is installed"));
    }
}

#[test]
fn help_says_where_xls_commands_go() {
    let help = Lab::new().run(["--help"]).ok();
    assert!(help.contains("COMMANDS OF XL") && help.contains("is passed to the installed xl"), "{help}");
}

#[test]
fn a_command_of_xls_alone_is_not_for_the_mock_host() {
    let lab = super::usage::lab();
    for command in ["vcpu-list", "reboot", "console"] {
        let said = lab.mock([command, "guest"]).fails(2);
        assert!(
            said.contains(&format!("'{command}' is a command of xl, which cannot use the mock host")),
            "{said}"
        );
    }
}
