//! Mapping rules: the replacements for networks, pools, paths and bridges of another host.
//!
//! A rule is `KIND:FROM=TO`. Names of networks, pools, volumes and interfaces are mapped while an XML is read, since
//! libxl has no fields for them. Bridges, paths and MAC addresses are mapped in the hub, for any input format.

use std::collections::{BTreeSet, HashMap};

use crate::diag::{Diagnostic, Finding, Source, Verdict};
use crate::domain::DomainConfig;
use crate::domain::config::DiskBackend;
use crate::domain::qemu::FLOPPY_OPTIONS;

/// The kind of a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// A network of libvirt's, to a bridge of dom0.
    Network,
    /// A storage pool of libvirt's, to the directory where its volumes are.
    Pool,
    /// A volume, written POOL/VOLUME, to its path.
    Volume,
    /// An interface of the host that guests are on without a bridge, or a kind of interface, to a bridge of dom0.
    Interface,
    /// A bridge, to another.
    Bridge,
    /// A path and all that is below it, to another.
    Path,
    /// A MAC address, to another; or all: `keep` or `new`.
    Mac,
}

const KINDS: &[(&str, Kind)] = &[
    ("network", Kind::Network),
    ("pool", Kind::Pool),
    ("volume", Kind::Volume),
    ("interface", Kind::Interface),
    ("bridge", Kind::Bridge),
    ("path", Kind::Path),
    ("mac", Kind::Mac),
];

impl Kind {
    /// The word for it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        KINDS.iter().find(|(_, kind)| *kind == self).map_or("", |(word, _)| word)
    }

    fn takes_path(self) -> bool {
        matches!(self, Kind::Pool | Kind::Volume | Kind::Path)
    }
}

/// A rule.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Rule {
    kind: Kind,
    from: String,
    to: String,
    /// The place of the rule: `--map`, or a file and a line.
    origin: String,
}

/// Rules, in the order in which they were given.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mapping {
    rules: Vec<Rule>,
    /// The number of the rule for each of these.
    numbers: HashMap<(Kind, String), usize>,
}

/// The effect of rules on a domain, and the names without a rule.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    used: BTreeSet<usize>,
    /// The names that mean nothing on another host and have no rule.
    pub needs: BTreeSet<(Kind, String)>,
}

impl Outcome {
    /// Takes what another domain used.
    pub fn merge(&mut self, other: &Outcome) {
        self.used.extend(&other.used);
    }
}

impl Mapping {
    /// Adds a rule, which was written at `origin`.
    ///
    /// # Errors
    /// When it is none; the message says what was expected.
    pub fn add(&mut self, word: &str, origin: &str) -> Result<(), String> {
        let (kind, rule) = word.split_once(':').unwrap_or((word, ""));
        let Some((_, kind)) = KINDS.iter().find(|(known, _)| *known == kind) else {
            let kinds: Vec<_> = KINDS.iter().map(|(word, _)| *word).collect();
            return Err(format!("expected KIND:FROM=TO, where KIND is one of {}", kinds.join(", ")));
        };
        let (from, to) = match (kind, rule) {
            (Kind::Mac, "keep" | "new") => ("*", rule),
            (Kind::Mac, _) => match rule.split_once('=') {
                Some((from, to)) if is_mac(from) && is_mac(to) && !is_multicast(to) => (from, to),
                Some((from, to)) if is_mac(from) && is_mac(to) => {
                    return Err(format!(
                        "'{to}' is an address of a group: the second digit of a card's is even"
                    ));
                }
                _ => return Err("expected mac:keep, mac:new or mac:ADDRESS=ADDRESS".to_owned()),
            },
            _ => rule.split_once('=').filter(|(from, _)| !from.is_empty()).ok_or_else(|| {
                let example = if kind.takes_path() { "/PATH" } else { "BRIDGE" };
                format!("expected {}:FROM={example}", kind.as_str())
            })?,
        };
        if kind.takes_path() && !to.starts_with('/') {
            return Err(format!("'{to}' is not a path that begins with /"));
        }
        if to.is_empty() || to.contains([',', '\n']) || to.trim() != to {
            return Err(format!(
                "xl.cfg cannot hold '{to}' there: expected a text without commas and without spaces at its ends"
            ));
        }
        if from.matches('*').count() > 1 || to.matches('*').count() > from.matches('*').count() {
            return Err("FROM may contain one *, and TO may contain one only if FROM does".to_owned());
        }
        let is_path = *kind == Kind::Path && !from.contains('*');
        let plain =
            |text: &str| if is_path && text.len() > 1 { text.trim_end_matches('/') } else { text }.to_owned();
        let rule = Rule { kind: *kind, from: plain(from), to: plain(to), origin: origin.to_owned() };
        let number = self.rules.len();
        let first = *self.numbers.entry((rule.kind, rule.from.clone())).or_insert(number);
        if let Some(same) = self.rules.get(first) {
            return if same.to == rule.to {
                Ok(())
            } else {
                Err(format!("{} already has the rule {}", same.origin, same.written()))
            };
        }
        self.rules.push(rule);
        Ok(())
    }

    /// Adds the rules of a file: one a line; # starts a comment.
    ///
    /// # Errors
    /// At the first line that is none.
    pub fn read(&mut self, name: &str, bytes: &[u8]) -> Result<(), Box<(Diagnostic, Source)>> {
        let source = Source::new(name, String::from_utf8_lossy(bytes).into_owned());
        let mut at = 0;
        for (index, line) in source.text().split_inclusive('\n').enumerate() {
            let rule = line.trim();
            let start = at + (line.len() - line.trim_start().len());
            at += line.len();
            if rule.is_empty() || rule.starts_with('#') {
                continue;
            }
            if let Err(why) = self.add(rule, &format!("{name}:{}", index + 1)) {
                let finding = Finding::invalid("bad-map", why)
                    .instead("write a rule such as network:default=xenbr0, or a comment with #");
                let place = source.place(start..start + rule.len());
                return Err(Box::new((Diagnostic { place, node: String::new(), finding }, source)));
            }
        }
        Ok(())
    }

    /// True if there are no rules.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }

    /// The replacement of a name, and the finding that says so.
    pub fn find(&self, kind: Kind, name: &str, outcome: &mut Outcome) -> Option<(String, Finding)> {
        let matching = self.rules.iter().enumerate().filter(|(_, rule)| rule.kind == kind);
        let found = matching.filter_map(|(index, rule)| Some((index, rule, rule.applied(name)?)));
        // The most specific rule: the one that says most of the name.
        let (index, rule, to) = found
            .max_by_key(|(index, rule, _)| (!rule.from.contains('*'), rule.from.len(), usize::MAX - index))?;
        outcome.used.insert(index);
        let reason = format!("becomes {to} by the rule {}", rule.written());
        Some((to, Finding::new(Verdict::Exact, "mapped", reason)))
    }

    /// The path of a volume, by a rule for it or for its pool.
    pub fn volume(&self, pool: &str, volume: &str, outcome: &mut Outcome) -> Option<(String, Finding)> {
        self.find(Kind::Volume, &format!("{pool}/{volume}"), outcome).or_else(|| {
            let (directory, finding) = self.find(Kind::Pool, pool, outcome)?;
            Some((format!("{}/{volume}", directory.trim_end_matches('/')), finding))
        })
    }

    /// Maps bridges, paths and MAC addresses of a config.
    pub fn apply(&self, config: &mut DomainConfig, outcome: &mut Outcome) {
        if self.rules.is_empty() {
            return;
        }
        let guest = config.c_info.uuid.map_or_else(|| config.name().to_owned(), |uuid| uuid.to_string());
        for (index, nic) in config.nics.iter_mut().enumerate() {
            if let Some(bridge) = &mut nic.bridge {
                self.bridge(bridge, outcome);
            }
            if let Some(mac) = &mut nic.mac {
                match self.find(Kind::Mac, &mac.to_ascii_lowercase(), outcome) {
                    Some((word, _)) if word == "keep" => {}
                    Some((word, _)) if word == "new" => *mac = new_mac(&format!("{guest} {index} {mac}")),
                    Some((other, _)) => *mac = other,
                    None => {}
                }
            }
        }
        for disk in &mut config.disks {
            let Some(path) = &mut disk.pdev_path else { continue };
            self.path(path, outcome);
            if disk.backend == Some(DiskBackend::Phy) && !path.starts_with("/dev/") && disk.script.is_none() {
                // phy takes block devices only.
                disk.backend = Some(DiskBackend::Qdisk);
            }
        }
        for image in floppies(&mut config.b_info.extra_hvm) {
            self.path(image, outcome);
        }
        let b_info = &mut config.b_info;
        let boot = [&mut b_info.kernel, &mut b_info.ramdisk];
        boot.into_iter().flatten().for_each(|path| self.path(path, outcome));
        config.p9s.iter_mut().filter_map(|p9| p9.path.as_mut()).for_each(|path| self.path(path, outcome));
    }

    fn path(&self, path: &mut String, outcome: &mut Outcome) {
        if path.starts_with('/')
            && let Some((to, _)) = self.find(Kind::Path, path, outcome)
        {
            *path = to;
        }
    }

    /// Behind the name of an Open vSwitch bridge stand VLANs, `.1` or `:1:2`.
    fn bridge(&self, bridge: &mut String, outcome: &mut Outcome) {
        let end = bridge.find(['.', ':']).unwrap_or(bridge.len());
        if let Some((to, _)) = self.find(Kind::Bridge, bridge, outcome) {
            *bridge = to;
        } else if let Some((to, _)) = self.find(Kind::Bridge, &bridge[..end], outcome) {
            *bridge = format!("{to}{}", &bridge[end..]);
        }
    }

    /// The rules that nothing used, as they are written, with the place.
    pub fn unused<'a>(&'a self, outcome: &'a Outcome) -> impl Iterator<Item = (String, &'a str)> {
        let rules = self.rules.iter().enumerate();
        let unused = rules.filter(|(index, rule)| !outcome.used.contains(index) && rule.to != "keep");
        unused.map(|(_, rule)| (rule.written(), rule.origin.as_str()))
    }
}

impl Rule {
    fn written(&self) -> String {
        let Rule { kind, from, to, .. } = self;
        match (kind, from.as_str()) {
            (Kind::Mac, "*") => format!("mac:{to}"),
            _ => format!("{}:{from}={to}", kind.as_str()),
        }
    }

    /// The replacement of a name, if the rule is for it.
    fn applied(&self, name: &str) -> Option<String> {
        let Rule { kind, from, to, .. } = self;
        if let Some((before, after)) = from.split_once('*') {
            let middle = name.strip_prefix(before)?.strip_suffix(after)?;
            return Some(to.replacen('*', middle, 1));
        }
        match kind {
            Kind::Path => {
                let below = name.strip_prefix(from.trim_end_matches('/'))?;
                match below {
                    "" | "/" => Some(to.clone()),
                    _ => below.starts_with('/').then(|| format!("{}{below}", to.trim_end_matches('/'))),
                }
            }
            Kind::Mac => from.eq_ignore_ascii_case(name).then(|| to.to_ascii_lowercase()),
            _ => (from == name).then(|| to.clone()),
        }
    }
}

/// The images of floppy disks, which only QEMU's arguments name.
fn floppies(arguments: &mut [String]) -> impl Iterator<Item = &mut String> {
    let mut is_image = false;
    arguments.iter_mut().filter(move |word| {
        let now = is_image;
        is_image = !now && FLOPPY_OPTIONS.contains(&word.as_str());
        now
    })
}

fn is_mac(text: &str) -> bool {
    let octets: Vec<_> = text.split(':').collect();
    let is_octet = |octet: &&str| octet.len() == 2 && octet.bytes().all(|b| b.is_ascii_hexdigit());
    octets.len() == 6 && octets.iter().all(is_octet)
}

/// True for an address of a group of cards, which no card has.
pub(crate) fn is_multicast(mac: &str) -> bool {
    mac.chars().nth(1).and_then(|digit| digit.to_digit(16)).is_some_and(|digit| digit % 2 == 1)
}

/// An address of Xen's range that is the same each time for the same card: a conversion can be done again.
fn new_mac(card: &str) -> String {
    // FNV-1a: every byte of the text counts in every bit that is used.
    let hash = card.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    let [_, a, _, b, _, c, ..] = (hash ^ (hash >> 29)).to_le_bytes();
    format!("00:16:3e:{:02x}:{b:02x}:{c:02x}", a & 0x7f)
}

/// The names that a config uses on its host as they are: bridges and the directories of disks.
pub fn references(config: &DomainConfig) -> impl Iterator<Item = (Kind, String)> + '_ {
    let bridges =
        config.nics.iter().filter_map(|nic| nic.bridge.clone()).map(|bridge| (Kind::Bridge, bridge));
    let paths = config.disks.iter().filter_map(|disk| disk.pdev_path.as_deref());
    let directory =
        |path: &str| Some(path.rsplit_once('/').filter(|(directory, _)| !directory.is_empty())?.0.to_owned());
    let local = paths.filter(|path| path.starts_with('/'));
    bridges.chain(local.filter_map(directory).map(|directory| (Kind::Path, directory)))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn mapping(rules: &[&str]) -> Mapping {
        let mut mapping = Mapping::default();
        rules.iter().for_each(|rule| mapping.add(rule, "--map").unwrap());
        mapping
    }

    #[test]
    fn the_most_specific_rule_counts() {
        let mapping = mapping(&[
            "path:/srv=/data",
            "path:/srv/images=/dev/vg",
            "path:/srv/images/*.qcow2=/dev/fast/*",
            "path:/srv/images/a.qcow2=/x",
            "path:/=/mnt",
            "path:/old=/",
            "network:*=xenbr9",
            "network:default=xenbr0",
        ]);
        let mut outcome = Outcome::default();
        let mut find = |kind, name| mapping.find(kind, name, &mut outcome).map(|(to, _)| to);
        for (name, expected) in [
            ("/srv", Some("/data")),
            ("/srv/other", Some("/data/other")),
            ("/srvx", Some("/mnt/srvx")),
            ("/var/lib/x", Some("/mnt/var/lib/x")),
            ("/", Some("/mnt")),
            ("/old/a", Some("/a")),
            ("/old", Some("/")),
            ("relative", None),
            ("/srv/images/a.img", Some("/dev/vg/a.img")),
            ("/srv/images/a.qcow2", Some("/x")),
        ] {
            assert_eq!(find(Kind::Path, name).as_deref(), expected, "{name}");
        }
        assert_eq!(find(Kind::Network, "default").as_deref(), Some("xenbr0"));
        assert_eq!(find(Kind::Network, "lan").as_deref(), Some("xenbr9"));
        assert_eq!(find(Kind::Bridge, "br0"), None);
        let unused: Vec<_> = mapping.unused(&outcome).collect();
        assert_eq!(unused, [("path:/srv/images/*.qcow2=/dev/fast/*".to_owned(), "--map")]);
    }

    #[test]
    fn a_pattern_carries_what_its_star_stands_for() {
        let mapping =
            mapping(&["path:/img/*.qcow2=/dev/vg/*", "volume:vms/*=/dev/vg/*", "pool:iso=/srv/iso/"]);
        let mut outcome = Outcome::default();
        let found = mapping.find(Kind::Path, "/img/web.qcow2", &mut outcome).unwrap();
        assert_eq!(found.0, "/dev/vg/web");
        assert_eq!(found.1.reason, "becomes /dev/vg/web by the rule path:/img/*.qcow2=/dev/vg/*");
        assert_eq!(mapping.volume("vms", "a", &mut outcome).unwrap().0, "/dev/vg/a");
        assert_eq!(mapping.volume("iso", "b.iso", &mut outcome).unwrap().0, "/srv/iso/b.iso");
        assert!(mapping.volume("other", "b", &mut outcome).is_none());
    }

    #[test]
    fn what_is_no_rule_says_what_was_expected() {
        for (word, expected) in [
            ("net:default=xenbr0", "expected KIND:FROM=TO, where KIND is one of network, pool"),
            ("network", "expected network:FROM=BRIDGE"),
            ("network:=x", "expected network:FROM=BRIDGE"),
            ("path:/a", "expected path:FROM=/PATH"),
            ("path:/a=b", "'b' is not a path"),
            ("path:/a=/b,c", "without commas"),
            ("network:a=", "without commas"),
            ("network:a*b*=c", "one *"),
            ("network:a=c*", "one *"),
            ("mac:some", "expected mac:keep"),
            ("mac:00:16:3e:00:00:01=7", "expected mac:keep"),
            ("mac:00:16:3e:00:00:01=01:16:3e:00:00:01", "of a group"),
        ] {
            let error = Mapping::default().add(word, "--map").unwrap_err();
            assert!(error.contains(expected), "{word}: {error}");
        }
        let mut twice = mapping(&["network:a=b"]);
        twice.add("network:a=b", "file:1").unwrap();
        assert_eq!(twice.add("network:a=c", "file:2").unwrap_err(), "--map already has the rule network:a=b");
        let wrong = twice.read("maps", b"# bridges\n\n  bridge:a=b\n  bridge\n").unwrap_err();
        assert_eq!(wrong.0.place.to_string(), "maps:4:3");
    }

    #[test]
    fn a_config_is_mapped_whatever_it_is_from() {
        use crate::domain::config::{Disk, Nic};
        let mut config = DomainConfig::default();
        config.c_info.name = Some("web".to_owned());
        let nic = |bridge: &str, mac: &str| Nic {
            bridge: Some(bridge.to_owned()),
            mac: Some(mac.to_owned()),
            ..Nic::default()
        };
        config.nics = vec![nic("br0", "52:54:00:00:00:01"), nic("ovs0.5", "52:54:00:00:00:02")];
        let disk = |path: &str| Disk {
            pdev_path: Some(path.to_owned()),
            backend: Some(DiskBackend::Phy),
            ..Disk::default()
        };
        config.disks = vec![disk("/dev/old/a"), disk("rbd:/dev/old/a")];
        config.b_info.kernel = Some("/boot/vmlinuz".to_owned());
        let rules =
            ["bridge:br0=xenbr0", "bridge:ovs0=ovs1", "mac:new", "path:/dev/old=/srv", "path:/boot=/kernels"];
        let (mapping, mut outcome) = (mapping(&rules), Outcome::default());
        let mut again = config.clone();
        mapping.apply(&mut config, &mut outcome);
        assert_eq!(config.nics[0].bridge.as_deref(), Some("xenbr0"));
        assert_eq!(config.nics[1].bridge.as_deref(), Some("ovs1.5"));
        let macs: Vec<_> = config.nics.iter().filter_map(|nic| nic.mac.clone()).collect();
        assert!(
            macs.iter().all(|mac| mac.starts_with("00:16:3e:") && is_mac(mac)) && macs[0] != macs[1],
            "{macs:?}"
        );
        assert_eq!(config.disks[0].pdev_path.as_deref(), Some("/srv/a"));
        assert_eq!(config.disks[0].backend, Some(DiskBackend::Qdisk), "phy supports only block devices");
        assert_eq!(config.disks[1].pdev_path.as_deref(), Some("rbd:/dev/old/a"));
        assert_eq!(config.b_info.kernel.as_deref(), Some("/kernels/vmlinuz"));
        assert_eq!(mapping.unused(&outcome).count(), 0);
        mapping.apply(&mut again, &mut outcome);
        assert_eq!(again, config, "the same addresses each time");
        let used: Vec<_> =
            references(&config).map(|(kind, name)| format!("{}:{name}", kind.as_str())).collect();
        assert_eq!(used, ["bridge:xenbr0", "bridge:ovs1.5", "path:/srv"]);
    }
}
