//! A file that xl's parser refuses is refused with its place and a remedy.

#![allow(clippy::unwrap_used)]

use timers::GuestKind;

use super::{Cfg, Content, Value, XlHost, parse, read};
use crate::diag::Verdict;

fn cfg(text: &str) -> Cfg {
    parse("guest.cfg", text.as_bytes()).unwrap_or_else(|error| panic!("{error}\n{text}"))
}

/// A value as a test writes it.
fn shown(value: &Value) -> String {
    match &value.content {
        Content::Text(text) => String::from_utf8_lossy(text).into_owned(),
        Content::List(items) => format!("[{}]", items.iter().map(shown).collect::<Vec<_>>().join("|")),
    }
}

#[test]
fn values_are_what_xl_makes_of_them() {
    let table = [
        ("a = 5", "5"),
        ("a=0x1f;", "0x1f"),
        ("a = '5'\n", "5"),
        ("a = \"\"", ""),
        ("# c\n\n ; a = 'b' # d\n", "b"),
        ("a = []", "[]"),
        ("a = [\n\n]", "[]"),
        ("a = [ 'b', 5, ]", "[b|5]"),
        ("a = [ # c\n 'b' # d\n , # e\n [ 'c', [ ] ],\n]", "[b|[c|[]]]"),
        ("a = 1; a = 2", "2"),
        ("a += 1\na += 'b'", "1b"),
        ("a = 1; b = 3; a += 2; a += 3", "123"),
        ("a = ['1']; a += ['2', '3']; a += []", "[1|2|3]"),
        ("a = 1; a = 2; a += 3", "23"),
    ];
    for (text, value) in table {
        assert_eq!(shown(&cfg(text).get("a").unwrap().value), value, "{text}");
    }
    let added = cfg("a = 1; a += 2");
    assert_eq!(added.get("a").unwrap().number(), None, "xl takes no number from +=");
    assert_eq!(added.settings()[0].followed_by, Some(1));
    assert_eq!(cfg("a.b_2 = 'x'").get("a.b_2").unwrap().value.span, 8..11);
}

#[test]
fn what_xl_refuses_has_its_place_and_a_remedy() {
    // The text, where, a part of the message, a part of the remedy.
    let table = [
        (
            "rtc_timeoffset=-3600",
            "1:16",
            "a number with a sign only in quotes",
            "write rtc_timeoffset = \"-3600\"",
        ),
        ("a = [ 1, +5 ]", "1:10", "a number with a sign only in quotes", "in quotes: \"+5\""),
        ("\nlocaltime = yes", "2:13", "yes is not a value", "localtime = 1"),
        ("maxmem = 1h", "1:11", "in 1h the value ends before h", "give maxmem MiB, as in 512"),
        ("pae = perhaps", "1:7", "perhaps is not a value", "give pae 1 or 0"),
        ("name = guest", "1:8", "guest is not a value", "name = \"guest\""),
        ("name = Guest1", "1:8", "Guest1 is not a value", "name = \"Guest1\""),
        ("name = /dev/x", "1:8", "/dev/x is not a value", "name = \"/dev/x\""),
        ("Name = \"a\"", "1:1", "Name is not a key: keys are in lower case", "write name = \"a\""),
        ("Localtime=1 # on\n", "1:1", "Localtime=1 is not a key", "write localtime = 1"),
        ("memory = 512M\n", "1:13", "in 512M the value ends before M", "write memory = 512"),
        ("ip = 10.0.0.1", "1:8", "in 10.0.0.1 the value ends before .0.0.1", "\"10.0.0.1\""),
        ("a = 12gh", "1:7", "in 12gh the value ends before gh", "\"12gh\""),
        ("a = \"b\nc = 1", "1:5", "does not end on its line", "add the closing quote"),
        ("a = \"b\\\"\n", "1:5", "does not end on its line", "add the closing quote"),
        ("a = \"b\" \"c\"", "1:9", "expected the end of the line", "join the two"),
        ("a = [ \"b\" \"c\" ]", "1:11", "expected a comma or the list's ]", "a comma between the two"),
        (
            "a =\n5",
            "1:4",
            "expected a value: a number, a string in quotes or a list in [ ], found the end of the line",
            "write a value after the = on its line, as in a = \"...\"",
        ),
        ("memory =", "1:9", "found the end of the file", "as in memory = 1;"),
        ("a = [ 1,\n2", "2:2", "ends inside the list of a", "close the list"),
        ("a = [ , ]", "1:7", "expected a value of the list or its ]", ""),
        ("a = [ 1,, ]", "1:9", "expected a value of the list", ""),
        ("a = [ 1; ]", "1:8", "expected a comma", ""),
        ("a 5", "1:3", "expected = or +=", "write a = 5"),
        ("if 1: vcpus=2\n", "1:4", "expected = or +=", ""),
        ("a = 1 b = 2\n", "1:7", "expected the end of the line", "put b on a line of its own"),
        ("a = 2 cores\n", "1:7", "expected the end of the line", ""),
        ("5 = a", "1:1", "expected a key, as in memory = 512, found 5", ""),
        ("a = 1 ]", "1:7", "expected the end of the line", ""),
        ("a = 1 # end", "1:7", "no comment in a last line", "line break"),
        ("a = 1\r\nb = 2\r\n", "1:6", "CR and LF", "dos2unix"),
        ("\u{feff}a = 1\n", "1:1", "byte order mark", "without"),
        ("def f(x):\n", "1:5", "expected = or += after the key, found f", ""),
        ("a = 1 (x)\n", "1:7", "found (x)", "not Python"),
        ("a = \"\\x41\"", "1:5", "\\x escapes do not work", "UTF-8"),
        ("a = \"\\z\"", "1:5", "unknown escape", "\\\\"),
        ("a = \"\0\"", "1:5", "a NUL", "remove it"),
        ("a = 1\na += [ ]", "2:6", "a list is added to a, which is a string", "a = ["),
        ("a = [ ]\na += 1", "2:6", "a string is added to a, which is a list", "a += ["),
    ];
    for (text, place, reason, remedy) in table {
        let error = parse("f", text.as_bytes()).unwrap_err().first().clone();
        assert_eq!(error.place.to_string(), format!("f:{place}"), "{text:?}: {error}");
        assert_eq!(error.finding.verdict, Verdict::Invalid);
        assert!(error.finding.reason.contains(reason), "{text:?}: {error} has no {reason:?}");
        let alternative = error.finding.alternative.unwrap_or_default();
        assert!(alternative.contains(remedy), "{text:?}: {alternative:?} has no {remedy:?}");
    }
}

#[test]
fn deep_and_long_files_cost_no_more_than_they_are() {
    let deep = format!("a = {}{}", "[".repeat(900), "]".repeat(900));
    assert!(parse("f", deep.as_bytes()).is_ok());
    let deeper = "a = ".to_owned() + &"[".repeat(1_000_000);
    let error = parse("f", deeper.as_bytes()).unwrap_err().first().clone();
    assert!(error.finding.reason.contains("less nesting"), "{error}");
    let long: String = (0..200_000).map(|index| format!("a += '{index}'; b{index} += []\n")).collect();
    assert_eq!(cfg(&long).settings().len(), 400_000);
    assert!(parse("f", &vec![b'\n'; super::MAX_BYTES + 1]).is_err());
}

#[test]
fn the_kind_of_guest_is_xls() {
    let table = [
        ("", Some(GuestKind::Pv)),
        ("type = 'hvm'", Some(GuestKind::Hvm)),
        ("type = 'h'", Some(GuestKind::Hvm)),
        ("type = ''", Some(GuestKind::Hvm)),
        ("type = 'p'", Some(GuestKind::Pv)),
        ("type = 'pvh'", Some(GuestKind::Pvh)),
        ("type = 'HVM'", None),
        ("type = []", Some(GuestKind::Pv)),
        ("builder = 'hvm'", Some(GuestKind::Hvm)),
        ("builder = 'generic'", Some(GuestKind::Pv)),
        ("builder = 'linux'", None),
        ("builder = 'hvm'; type = 'pv'", None),
        ("builder = 'hvm'; type = 'hvm'", Some(GuestKind::Hvm)),
    ];
    for (text, kind) in table {
        assert_eq!(cfg(text).kind(), kind, "{text}");
    }
}

/// The codes of a file's findings, or of its errors, on a host with this Xen.
fn codes(release: &str, text: &str) -> (bool, Vec<&'static str>) {
    let host = XlHost { release: release.parse().ok(), nodes: Some(vec![vec![0, 1]]), ..XlHost::default() };
    let text = format!("name = 'g'\ntype = 'hvm'\nvcpus = 1\n{text}\n");
    match read("guest.cfg", text.as_bytes(), &[], &host) {
        Ok(described) => {
            let found = described.input.report.all().map(|found| found.finding.code);
            (true, found.filter(|code| *code != "exact").collect())
        }
        Err(errors) => (false, errors.iter().map(|error| error.finding.code).collect()),
    }
}

#[test]
fn the_default_of_nr_spis_depends_on_the_release() {
    let all = Some(u32::MAX);
    for (release, number, expected) in [
        ("4.17", "5", None),
        ("4.20", "5", Some(5)),
        ("4.20", "0", None),
        ("4.20", "'-1'", all),
        ("4.20", "4294967295", all),
        ("4.21", "0", Some(0)),
        ("4.21", "'-1'", None),
        ("4.21", "4294967295", None),
        ("4.22", "5", Some(5)),
    ] {
        let host = XlHost { release: release.parse().ok(), ..XlHost::default() };
        let text = format!("name = 'g'\ntype = 'hvm'\nmemory = 64\nnr_spis = {number}\n");
        let read = read("g.cfg", text.as_bytes(), &[], &host).unwrap();
        let nr_spis = read.input.domain.config.b_info.arch_arm.nr_spis;
        assert_eq!(nr_spis, expected, "{release}: nr_spis = {number}");
    }
}

#[test]
fn a_vcpu_has_a_cpu_on_a_host_that_is_not_known() {
    let read = |cpus: &str| {
        let text = format!("name = 'g'\ntype = 'hvm'\nmemory = 64\nvcpus = 2\ncpus = {cpus}\n");
        read("g.cfg", text.as_bytes(), &[], &XlHost::default())
    };
    for cpus in ["''", "'^1'", "'1,^1'", "[ '0', '' ]"] {
        assert_eq!(read(cpus).unwrap_err().first().finding.code, "no-cpus", "{cpus}");
    }
    let affinity = |cpus: &str| read(cpus).unwrap().input.domain.config.b_info.vcpu_hard_affinity;
    assert!(affinity("'node:0'").is_empty() && affinity("'node:0,^node:0'").is_empty());
    let sets = affinity("[ 'node:0', '0-1' ]");
    assert!(sets[0].len() > 64 && sets[1] == [0, 1]);
}

#[test]
fn each_release_has_its_own_settings_and_words() {
    let table = [
        ("4.14", "disk = [ 'vdev=hda,specification=xen,target=/x' ]", false, vec!["other-release"]),
        ("4.17", "disk = [ 'vdev=hda,specification=xen,target=/x' ]", true, vec![]),
        ("4.14", "disk = [ 'vdev=hda,backendtype=standalone,target=/x' ]", false, vec!["other-release"]),
        ("4.17", "disk = [ 'vdev=hda,backendtype=standalone,target=/x' ]", true, vec![]),
        ("4.17", "disk = [ 'trusted,vdev=hda,target=/x' ]", false, vec!["bad-disk"]),
        ("4.20", "disk = [ 'trusted,vdev=hda,target=/x' ]", true, vec![]),
        ("4.14", "vif = [ 'mtu=x9,untrusted' ]", true, vec!["other-release", "other-release"]),
        ("4.17", "vif = [ 'mtu=9,untrusted' ]", true, vec![]),
        ("4.14", "pci = [ '01:00.0,foo=1' ]", true, vec!["unknown-word"]),
        ("4.15", "pci = [ '01:00.0,foo=1' ]", false, vec!["bad-pci"]),
        ("4.14", "pci = [ 'bdf=01:00.0' ]", false, vec!["bad-pci"]),
        ("4.15", "pci = [ 'bdf=01:00.0' ]", true, vec![]),
        ("4.14", "rdm = 'strategy=host,policy=relaxed'", true, vec![]),
        ("4.17", "rdm = 'strategy=host,policy=relaxed'", true, vec!["rdm"]),
        ("4.14", "viridian = [ 'stimer', 'no_vp_limit' ]", false, vec!["other-release"]),
        ("4.17", "viridian = [ 'base', 'stimer', 'no_vp_limit' ]", true, vec![]),
        ("4.17", "tee = 'ffa'", false, vec!["other-release"]),
        ("4.18", "tee = 'ffa'", true, vec![]),
        // A node that is not there has no CPUs.
        ("4.17", "cpus_soft = '0,^node:9'", true, vec!["no-such-node"]),
        ("4.17", "cpus_soft = 'node:0-4294967294'", false, vec!["bad-cpus"]),
    ];
    for (release, text, taken, expected) in table {
        assert_eq!(codes(release, text), (taken, expected), "{release}: {text}");
    }
}

/// The codes of all that is said of a file, errors and findings.
fn said(text: &str) -> Vec<(&'static str, String)> {
    let of = |found: &crate::diag::Diagnostic| (found.finding.code, found.node.clone());
    match read("guest.cfg", text.as_bytes(), &[], &XlHost::default()) {
        Ok(described) => described.input.report.differences().map(|found| of(&found)).collect(),
        Err(errors) => errors.iter().chain(errors.beside()).map(of).collect(),
    }
}

#[test]
fn a_wrong_line_hides_nothing_of_the_others() {
    let rest = "name = 'guest'\ntype = 'hvm'\nmemory = 64\nmemroy = 5\nbios = 'efi'\n\
        disk = [ 'vdev=hda,target=/a', 'vdev=hda,target=/b', 'vdev=hdq,target=/c' ]\n\
        vif = [ 'mac=zz', 'type=x', 'model=virtio' ]\ncpus = '0-3'\nsoundhw = 'sb16,es1370'\n\
        boot = 'cdrom'\nioports = [ '10-5' ]\ncpuid = 'host,x=1'\nspice = 1\n";
    let all = said(rest);
    assert!(all.len() > 10, "{all:?}");
    // The remedy of each is the whole setting that is meant.
    for wrong in [
        "serial = \"pty\n",
        "serial = \"pty\"\"\n",
        "serial = pty\n",
        "serial = [ \"pty\"\n",
        "serial = [ \"pty\" \"none\" ]\n",
        "serial = [ pty, none ]\n",
        "rtc_timeoffset = -3600\n",
        "shadow_memory = 512M\n",
        "shadow_memory = 8 * 64\n",
        "shadow_memory: 512\n",
        "SHADOW_MEMORY = 512\n",
        "localtime = True\n",
        "on_crash = ('destroy')\n",
        "hpet = 1\r\n",
        "# the end",
    ] {
        let found = said(&format!("{rest}{wrong}"));
        assert!(found.iter().any(|(code, _)| code.starts_with("cfg-")), "{wrong}: {found:?}");
        let hidden: Vec<_> = all.iter().filter(|found_before| !found.contains(found_before)).collect();
        assert!(hidden.is_empty(), "{wrong} hides {hidden:?}");
        let others = found.iter().filter(|(code, _)| !code.starts_with("cfg-"));
        assert_eq!(others.count(), all.len(), "{wrong}: {found:?}");
    }
}

#[test]
fn what_a_lost_setting_may_mend_is_not_said() {
    let rest = "name = 'guest'\ntype = 'hvm'\nmemory = 64\ncpus = '0-3'\nspice = 1\nvif = [ 'mac=zz' ]\n";
    let codes = |text: &str| said(text).into_iter().map(|(code, _)| code).collect::<Vec<_>>();
    let mut all = codes(rest);
    all.sort_unstable();
    assert_eq!(all, ["bad-mac", "libxl-refuses", "no-vcpus"]);
    let of_vcpus = ["bad-mac", "libxl-refuses"].as_slice();
    let of_port = ["bad-mac", "no-vcpus"].as_slice();
    let nothing = ["bad-mac"].as_slice();
    let everything = ["bad-mac", "libxl-refuses", "no-vcpus"].as_slice();
    for (wrong, expected) in [
        ("vcpus = two\n", of_vcpus),
        ("vcpus = $N\n", of_vcpus),
        ("vcpus two\n", of_vcpus),
        ("vcpus[0] = 2\n", of_vcpus),
        ("spiceport = many\n", of_port),
        ("vcpus two spiceport\n", nothing),
        // A guest of another kind has no SPICE, but vCPUs.
        ("type = $KIND\n", of_port),
        // It is no PV guest, whatever its kernel.
        ("kernel = `f`\n", everything),
        ("{ }\n", everything),
        ("[guest]\n", everything),
        ("import os\n", everything),
        ("while x:\n", everything),
        ("if a(cpus, cpuid, vif, vcpus, memory):\n", nothing),
    ] {
        let mut found = codes(&format!("{rest}{wrong}"));
        found.retain(|code| !code.starts_with("cfg-"));
        found.sort_unstable();
        assert_eq!(found, expected, "{wrong}");
    }
}

#[test]
fn what_is_said_of_a_lost_value_is_not_that_of_a_missing_one() {
    for (rest, wrong, expected) in [
        ("name = 'a'\ntype = 'pvh'\nmemory = 64\n", "kernel = `f`\n", &[][..]),
        ("name = 'a'\ntype = 'pvh'\nmemory = 64\n", "vcpus = $N\n", &["no-kernel"]),
        ("type = 'hvm'\nmemory = 64\n", "name = $1\n", &[]),
        ("name = 'a'\ntype = 'hvm'\nmemory = 64\ncap = 150\n", "vcpus = $N\n", &[]),
        ("name = 'a'\ntype = 'hvm'\nmemory = 64\ncap = 150\n", "hap = $N\n", &["libxl-refuses"]),
        ("name = 'a'\ntype = 'hvm'\nmemory = 64\ncap = 150\n", "uuid = `uuidgen`\n", &["libxl-refuses"]),
        // The last one counts.
        ("vcpus two\n", "name = 'a'\ntype = 'hvm'\nmemory = 64\ncap = 150\nvcpus = 1\n", &["libxl-refuses"]),
    ] {
        let mut found: Vec<_> = said(&format!("{rest}{wrong}")).into_iter().map(|(code, _)| code).collect();
        found.retain(|code| !code.starts_with("cfg-"));
        assert_eq!(found, expected, "{rest}{wrong}");
    }
}

#[test]
fn an_error_hides_nothing_of_the_rest() {
    let table = [
        // A name, and what becomes of the clock.
        (
            "type = 'hvm'\nmemory = 64\nbios = 'efi'\ntsc_mode = 'native'\nclock_tsc_frequency = 1000000000\n",
            &["no-name", "bad-value", "tsc-native-frequency"][..],
        ),
        ("name = 'a'\ntype = 'pv'\nmemory = 64\nvcpus = 2\nmaxvcpus = 1\n", &["no-kernel", "too-few-vcpus"]),
        // Not known is what the clock is to be, nor the kind of guest.
        (
            "name = 'a'\ntype = 'hvm'\nclock_offset = 'lokal'\ntsc_mode = 'native'\n\
             clock_tsc_frequency = 1000000000\n",
            &["bad-value"],
        ),
        ("name = 'a'\ntype = 'hvmm'\nmemroy = 5\ncpus = '0-3'\n", &["bad-value"]),
    ];
    for (text, expected) in table {
        let found: Vec<_> = said(text).into_iter().map(|(code, _)| code).collect();
        assert_eq!(found, expected, "{text}");
    }
}

/// The codes of what is said of a file with errors, and the remedy of the first.
fn codes_and_remedy(text: &str) -> (Vec<&'static str>, String) {
    let errors = read("guest.cfg", text.as_bytes(), &[], &XlHost::default()).unwrap_err();
    let codes = errors.iter().chain(errors.beside()).map(|found| found.finding.code).collect();
    (codes, errors.first().finding.alternative.clone().unwrap_or_default().into_owned())
}

#[test]
fn one_fault_is_said_once_with_a_remedy_for_all_of_its_line() {
    let head = "name = 'a'\ntype = 'hvm'\nmemory = 64\n";
    let table = [
        // Several settings on one line.
        ("vga=std;vnc=1", "write vga = \"stdvga\"; vnc = 1"),
        ("boot=hd;vnc=yes", "write boot = \"c\"; vnc = 1"),
        ("tsc_mode=native;on_reboot=reboot", "write tsc_mode = \"native\"; on_reboot = \"restart\""),
        ("serial=pty ; vnc = 1", "write serial = \"pty\"; vnc = 1"),
        // What is added is added.
        ("serial='p'\nserial += ty", "write it in quotes: serial += \"ty\""),
        ("kernel='/k'\nextra='a'\nextra += ro", "write it in quotes: extra += \" ro\""),
        ("vif=['bridge=a']\nvif += bridge=b", "write it in quotes: vif += [ \"bridge=b\" ]"),
        ("disk+=/b,raw,xvdb,w\ndisk+=['/a,raw,xvda,w']", "write it in quotes: disk += [ \"/b,raw,xvdb,w\" ]"),
        // What is wrong with the value that is meant is part of the error.
        ("usbdevice=$X", "write usbdevice = \"tablet\" or \"mouse\" or \"keyboard\""),
        ("bogus=$X", "remove it, or make it a comment with #"),
        ("passthrough=disabled\npci=['01:00.0']", "write passthrough = \"enabled\""),
        // Of the sign and the key, all is there.
        ("vif[ 'bridge=a' ]", "write vif = [ 'bridge=a' ]"),
        ("maxm em = 512 # MiB", "write maxmem = 512 # MiB"),
        // The bracket is the fault.
        ("boot = [ 'c'\nvnc = 1", "write boot = \"c\""),
        ("vga = [ 'stdvga'", "write vga = \"stdvga\""),
        ("vcpus = [ 2", "write vcpus = 2"),
    ];
    for (lines, remedy) in table {
        let (codes, said) = codes_and_remedy(&format!("{head}{lines}\n"));
        assert_eq!((codes.len(), said.as_str()), (1, remedy), "{lines}: {codes:?}");
        assert!(codes[0].starts_with("cfg-"), "{lines}: {codes:?}");
    }
    for key in ["name", "type", "kernel"] {
        let text = "name = 'a'\ntype = 'pvh'\nmemory = 64\nkernel = '/k'\n";
        let open = text.replace(&format!("{key} = "), &format!("{key} = [ "));
        assert_eq!(codes_and_remedy(&open).0, ["cfg-syntax"], "{open}");
    }
}
