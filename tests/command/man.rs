//! The man pages in `docs/man/` and the scripts in `docs/completions/` match the command's own help.
//!
//! With `XENCLOCK_BLESS=1` the test writes them.

use std::collections::BTreeSet;
use std::fs;

use crate::common::root;

#[track_caller]
fn is_up_to_date(file: &str, made: &str) {
    let path = root().join("docs").join(file);
    if std::env::var_os("XENCLOCK_BLESS").is_some() {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, made).unwrap();
    }
    let there = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        there == made,
        "{} is not up to date: XENCLOCK_BLESS=1 cargo test --test command man",
        path.display()
    );
}

/// What the command prints.
fn printed(words: &[&str]) -> String {
    crate::common::Lab::new().run(words.iter().copied()).ok()
}

#[test]
fn the_man_page_is_up_to_date_with_the_command() {
    is_up_to_date("man/xenclock.1", &printed(&["man-page", "xenclock"]));
}

#[test]
fn the_services_man_page_is_up_to_date() {
    is_up_to_date("man/xenclock-watch.8", &printed(&["man-page", "xenclock-watch"]));
}

/// The page's words, without what roff has around them.
fn bold_words(page: &str) -> BTreeSet<String> {
    let plain = page.replace("\\-", "-").replace("\\fB", " ").replace("\\fR", " ");
    let words = plain.split(|c: char| !c.is_ascii_alphanumeric() && !"-_".contains(c));
    words.map(str::to_owned).collect()
}

/// What a source file declares on lines that begin so, up to its tests: fields and variants.
fn declared(file: &str, indent: &str) -> Vec<String> {
    let text = fs::read_to_string(root().join("toolstack/lifecycle").join(file)).unwrap();
    let program = text.split("#[cfg(test)]").next().unwrap_or_default();
    let names = program.lines().filter_map(|line| {
        let rest = line.strip_prefix(indent)?;
        let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_')?;
        let (name, after) = rest.split_at(end);
        let is_one = after.starts_with(": ") || after.starts_with(" {") || after.starts_with(',');
        (is_one && !name.is_empty()).then(|| name.to_owned())
    });
    names.collect()
}

/// `RtcChange` is `rtc-change` in JSON.
fn kebab(name: &str) -> String {
    let mut word = String::new();
    for c in name.chars() {
        if c.is_uppercase() && !word.is_empty() {
            word.push('-');
        }
        word.extend(c.to_lowercase());
    }
    word
}

#[test]
fn the_services_man_page_has_every_event_and_every_field() {
    let page = printed(&["man-page", "xenclock-watch"]);
    let words = bold_words(&page);
    let events = declared("event.rs", "    ");
    assert!(events.contains(&"RtcChange".to_owned()) && events.len() >= 10, "{events:?}");
    for event in events.iter().filter(|name| name.starts_with(char::is_uppercase)) {
        assert!(page.contains(&format!(".B {}\n", kebab(event).replace('-', "\\-"))), "event {event}");
    }
    let mut fields = declared("event.rs", "        ");
    fields.extend(declared("event.rs", "    pub "));
    fields.extend(declared("record.rs", "    pub "));
    fields.extend(["version".to_owned(), "instead_of".to_owned()]);
    assert!(
        ["after_ms", "count", "generation", "incarnation"]
            .iter()
            .all(|name| fields.iter().any(|field| field == name))
    );
    // These two are laid out flat.
    for field in fields.iter().filter(|field| *field != "kind" && *field != "domain") {
        assert!(words.contains(field.as_str()), "field {field}");
    }
    for reason in ["poweroff", "reboot", "suspend", "crash", "watchdog", "soft_reset"] {
        assert!(words.contains(reason), "{reason}");
    }
    // Every option of the service.
    let lab = crate::common::Lab::new();
    let help = lab.run(["clock-watch", "--help"]).ok();
    let options = help.split_whitespace().filter(|word| word.starts_with("--") && *word != "--help");
    for option in options {
        assert!(words.contains(option), "{option}");
    }
}

/// groff finds nothing wrong, where there is one.
#[test]
fn the_man_pages_are_good_roff() {
    for page in ["xenclock.1", "xenclock-watch.8"] {
        let mut groff = std::process::Command::new("groff");
        groff.args(["-man", "-ww", "-Tutf8", "-z"]).arg(root().join("docs/man").join(page));
        let Ok(output) = groff.output() else {
            return xentest::skip("no groff", "apt-get install groff");
        };
        assert!(output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
    }
}

#[test]
fn the_completions_are_up_to_date_with_the_command() {
    for (file, shell) in [("xenclock.bash", "bash"), ("_xenclock", "zsh"), ("xenclock.fish", "fish")] {
        is_up_to_date(&format!("completions/{file}"), &printed(&["completion", shell]));
    }
}

#[test]
fn the_man_page_has_every_command() {
    let page = printed(&["man-page", "xenclock"]);
    for command in [
        "create",
        "convert",
        "clock-list",
        "clock-show",
        "clock-set",
        "host-info",
        "list",
        "destroy",
        "mock advance",
        "mock fail",
    ] {
        assert!(page.lines().any(|line| line.strip_prefix(".SS ") == Some(command)), "{command}: {page}");
    }
    for section in ["NAME", "SYNOPSIS", "DESCRIPTION", "OPTIONS", "COMMANDS"] {
        assert!(page.lines().any(|line| line == format!(".SH {section}")), "{section}");
    }
}
