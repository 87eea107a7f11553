//! The check that our xl.cfg is true: what Debian's own xl understands of it is what our JSON says.
//!
//! xl runs without Xen (`tests/oracle/`). It is wanted in the directory that the environment variable
//! `XENCLOCK_ORACLE` names; where it is not, nothing is tested.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::common::{FIXED, Lab, Run, all_xml, finish};
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

/// Domains that libvirt's schema allows, with texts that xl.cfg has trouble with.
mod generated {
    use proptest::prelude::*;
    use proptest::sample::select;

    type Text = BoxedStrategy<String>;

    /// A text that XML can hold on one line, as it stands in an attribute or an element.
    fn text() -> Text {
        let odd = select(vec![
            "'", "\"", "\\", "#", "&", "<", ">", "ü", "東", "🕰", "=", "[", "]", "$", "%", ";", "\\n", " ",
        ]);
        let plain = "[a-zA-Z0-9._-]{1,6}";
        let piece = prop_oneof![plain, odd.prop_map(str::to_owned)];
        proptest::collection::vec(piece, 1..6)
            .prop_map(|pieces| escape(pieces.concat().trim()))
            .prop_filter("not empty", |text| !text.is_empty())
            .boxed()
    }

    /// A text in a place where a comma parts nothing.
    fn free() -> Text {
        (text(), maybe(text().prop_map(|more| format!(",{more}"))))
            .prop_map(|(text, more)| text + &more)
            .boxed()
    }

    fn escape(text: &str) -> String {
        let mut out = String::new();
        for c in text.chars() {
            match c {
                '\'' | '"' | '&' | '<' | '>' => out.push_str(&format!("&#{};", u32::from(c))),
                _ => out.push(c),
            }
        }
        out
    }

    fn words(words: &'static [&'static str]) -> Text {
        select(words).prop_map(str::to_owned).boxed()
    }

    fn maybe(text: impl Strategy<Value = String> + 'static) -> Text {
        prop_oneof![Just(String::new()), text].boxed()
    }

    fn all(texts: Vec<Text>) -> Text {
        texts.prop_map(|texts| texts.concat()).boxed()
    }

    fn os() -> Text {
        let kernel = (free(), maybe(free().prop_map(|line| format!("<cmdline>{line}</cmdline>"))));
        let kernel = kernel.prop_map(|(path, line)| format!("<kernel>/{path}</kernel>{line}")).boxed();
        let boot =
            proptest::sample::subsequence(vec!["hd", "cdrom", "network", "fd"], 0..4).prop_map(|devices| {
                devices.iter().map(|device| format!("<boot dev='{device}'/>")).collect::<String>()
            });
        prop_oneof![
            3 => boot.prop_map(|boot| format!("<os><type>hvm</type>{boot}</os>")),
            1 => kernel.clone().prop_map(|kernel| format!("<os><type>xen</type>{kernel}</os>")),
            1 => text().prop_map(|args| format!("<bootloader>/pygrub</bootloader><bootloader_args>{args}</bootloader_args><os><type>linux</type></os>")),
            1 => kernel.prop_map(|kernel| format!("<os><type>xenpvh</type>{kernel}</os>")),
        ]
        .boxed()
    }

    fn memory() -> Text {
        (words(&["KiB", "MiB", "MB", "GB", "b", "k"]), 1_u64..1 << 20, 1_u64..1 << 20)
            .prop_map(|(unit, max, now)| {
                format!(
                    "<memory unit='{unit}'>{max}</memory><currentMemory unit='{unit}'>{now}</currentMemory>"
                )
            })
            .boxed()
    }

    fn vcpus() -> Text {
        (1_u32..130, 1_u32..130)
            .prop_map(|(a, b)| format!("<vcpu current='{}'>{}</vcpu>", a.min(b), a.max(b)))
            .boxed()
    }

    fn timer(name: &'static str) -> Text {
        let attribute = |name: &'static str, values: &'static [&'static str]| {
            maybe(words(values).prop_map(move |value| format!(" {name}='{value}'")))
        };
        let mut parts =
            vec![Just(format!("<timer name='{name}'")).boxed(), attribute("present", &["yes", "no"])];
        match name {
            "tsc" => {
                parts.push(attribute("mode", &["auto", "native", "emulate", "smpsafe", "paravirt"]));
                parts.push(attribute("frequency", &["1000000000", "2000000499", "4294967295000"]));
            }
            "rtc" | "pit" | "hpet" => {
                parts.push(attribute("tickpolicy", &["delay", "catchup", "merge", "discard"]));
            }
            _ => {}
        }
        parts.push(Just("/>".to_owned()).boxed());
        maybe(all(parts))
    }

    fn clock() -> Text {
        let zones: &[&str] =
            &["Europe/Paris", "America/New_York", "Asia/Kathmandu", "UTC", "America/St_Johns"];
        let offset = prop_oneof![
            words(&["utc", "localtime", "utc' adjustment='reset", "localtime' adjustment='reset"]),
            (words(&["utc", "localtime"]), -100_000..100_000)
                .prop_map(|(kind, by)| format!("{kind}' adjustment='{by}")),
            (words(&["utc", "localtime"]), -2_000_000..2_000_000)
                .prop_map(|(basis, by)| format!("variable' basis='{basis}' adjustment='{by}")),
            select(zones).prop_map(|zone| format!("timezone' timezone='{zone}")),
            (946_684_800_i64..3_900_000_000).prop_map(|start| format!("absolute' start='{start}")),
        ];
        let timers =
            all(["rtc", "pit", "hpet", "tsc", "hypervclock", "kvmclock"].into_iter().map(timer).collect());
        maybe(
            (offset, timers)
                .prop_map(|(offset, timers)| format!("<clock offset='{offset}'>{timers}</clock>")),
        )
    }

    fn features() -> Text {
        let features = vec![
            "<acpi/>",
            "<apic/>",
            "<pae/>",
            "<hap/>",
            "<hap state='off'/>",
            "<viridian/>",
            "<hyperv><relaxed state='on'/><vapic state='on'/></hyperv>",
            "<hyperv><stimer state='on'/><synic state='on'/><frequencies state='off'/></hyperv>",
        ];
        // The two of hap contradict each other, as do a viridian and a hyperv.
        proptest::sample::subsequence(features, 0..4)
            .prop_map(|features| format!("<features>{}</features>", features.concat()))
            .boxed()
    }

    fn disks() -> Text {
        let disk = |name: &'static str| {
            let driver = maybe(
                (
                    words(&["phy", "qemu", "file", "tap"]),
                    words(&["raw", "qcow2", "vhd", "qed"]),
                    maybe(words(&[" discard='unmap'", " discard='ignore'"])),
                )
                    .prop_map(|(name, format, discard)| {
                        format!("<driver name='{name}' type='{format}'{discard}/>")
                    }),
            );
            let device = words(&["disk", "disk", "cdrom"]);
            let bus = maybe(words(&[" bus='ide'", " bus='virtio'", " bus='sata'", " bus='xen'"]));
            let source = prop_oneof![
                free().prop_map(|path| ("type='file'".to_owned(), format!("<source file='/{path}'/>"))),
                free().prop_map(|path| ("type='block'".to_owned(), format!("<source dev='/dev/{path}'/>"))),
            ];
            let readonly = maybe(Just("<readonly/>".to_owned()));
            maybe((source, device, driver, bus, readonly).prop_map(
                move |((kind, source), device, driver, bus, readonly)| {
                    format!("<disk {kind} device='{device}'>{driver}{source}<target dev='{name}'{bus}/>{readonly}</disk>")
                },
            ))
        };
        all(["hda", "vdb", "xvdc", "sdd", "hdd1"].into_iter().map(disk).collect())
    }

    fn nics() -> Text {
        let model = maybe(
            words(&["e1000", "rtl8139", "netfront", "virtio"])
                .prop_map(|model| format!("<model type='{model}'/>")),
        );
        let mac = maybe(
            "00:16:3e:[0-9a-f]{2}:[0-9A-F]{2}:[0-9a-f]{2}".prop_map(|mac| format!("<mac address='{mac}'/>")),
        );
        let nic = (
            words(&["br0", "xenbr1"]),
            model,
            mac,
            maybe(text().prop_map(|name| format!("<target dev='{name}'/>"))),
        )
            .prop_map(|(bridge, model, mac, target)| {
                format!(
                    "<interface type='bridge'>{mac}<source bridge='{bridge}'/>{target}{model}</interface>"
                )
            });
        proptest::collection::vec(nic, 0..3).prop_map(|nics| nics.concat()).boxed()
    }

    fn screens() -> Text {
        all(vec![
            maybe(
                (
                    maybe(text().prop_map(|word| format!(" passwd='{word}'"))),
                    words(&["port='-1' autoport='yes'", "port='5905' autoport='no'"]),
                )
                    .prop_map(|(password, port)| format!("<graphics type='vnc' {port}{password}/>")),
            ),
            maybe(
                words(&["cirrus", "vga", "qxl", "none", "virtio"])
                    .prop_map(|card| format!("<video><model type='{card}'/></video>")),
            ),
            maybe(Just("<serial type='pty'/>".to_owned())),
            maybe(free().prop_map(|path| format!("<serial type='file'><source path='/{path}'/></serial>"))),
            maybe(Just("<input type='tablet' bus='usb'/>".to_owned())),
        ])
    }

    /// A whole domain.
    pub fn domain() -> impl Strategy<Value = String> {
        let head =
            (text(), maybe(text().prop_map(|title| format!("<title>{title}</title>"))), memory(), vcpus());
        let body = (os(), features(), clock());
        let devices = (disks(), nics(), screens());
        (head, body, devices).prop_map(|((name, title, memory, vcpus), (os, features, clock), (disks, nics, screens))| {
            format!(
                "<domain type='xen'><name>{name}</name>{title}{memory}{vcpus}{os}{features}{clock}<devices>{disks}{nics}{screens}</devices></domain>"
            )
        })
    }
}
