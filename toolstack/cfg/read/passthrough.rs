//! `pci`, `rdm` and `dtdev`: devices of the host.

use super::Reader;
use super::book::Words;
use crate::cfg::number;
use crate::diag::{Finding, Verdict};
use crate::domain::Defbool;
use crate::domain::config::{Dtdev, Pci, RdmPolicy};
use timers::GuestKind;

/// All functions of a device.
pub(super) const ALL_FUNCTIONS: u32 = u32::MAX;

/// The settings of a PCI device that are 1 or 0.
const FLAGS: [&str; 4] = ["permissive", "msitranslate", "seize", "power_mgmt"];

/// The address in libvirt's name of a PCI device, such as `pci_0000_01_00_0`.
fn of_libvirt(name: &str) -> Option<String> {
    let parts: Vec<_> = name.strip_prefix("pci_")?.split('_').collect();
    let is_hex = |part: &&str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_hexdigit());
    match parts[..] {
        [domain, bus, device, function] if parts.iter().all(is_hex) => {
            Some(format!("{domain}:{bus}:{device}.{function}"))
        }
        _ => None,
    }
}

/// The addresses of devices in a text of another form, as they are written: `vfio-pci,host=01:00.0`, `[01:00.0]`. Two
/// of them are two devices.
fn addresses_in(text: &str) -> Option<String> {
    let is_hex = |part: &str, most: usize| {
        (1..=most).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_hexdigit())
    };
    let address = |word: &str| {
        let word = word.replace("0x", "");
        let (place, function) = word.rsplit_once('.')?;
        let parts: Vec<_> = place.split(':').collect();
        let is_place = match parts[..] {
            [bus, device] => is_hex(bus, 2) && is_hex(device, 2),
            [domain, bus, device] => is_hex(domain, 4) && is_hex(bus, 2) && is_hex(device, 2),
            _ => false,
        };
        (is_place && is_hex(function, 1)).then_some(word)
    };
    let words = text.split([',', ';', '=', '[', ']', ' ']);
    let found: Vec<_> = words.filter_map(address).collect();
    match found.as_slice() {
        [] => None,
        [one] if one == text => None,
        [one] => Some(one.clone()),
        several => Some(several.iter().map(|one| format!("\"{one}\"")).collect::<Vec<_>>().join(", ")),
    }
}

/// The reason against a setting that a device does not have.
const NO_SETTING: &str = "a PCI device has no such setting";

/// Why a text is no PCI device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum NoBdf {
    Invalid,
    /// xl reads how far it got from memory that is not set.
    Unset,
}

impl<'a> Reader<'a> {
    pub(super) fn passthrough(&mut self) {
        // The grammar of both was made anew.
        let policy = if self.host.is_before(15) { self.old_rdm() } else { self.rdm() };
        self.pci(policy);
        if let Some(paths) = self.items("dtdev") {
            self.config.dtdevs = paths
                .iter()
                .map(|(path, _)| Dtdev { path: Some(path.text.to_owned()), ..Dtdev::default() })
                .collect();
        }
    }

    fn pci(&mut self, policy: Option<RdmPolicy>) {
        let mut option = |name: &str| self.number(name).is_some_and(|number| number as i32 != 0);
        let model = Pci {
            msitranslate: option("pci_msitranslate"),
            power_mgmt: option("pci_power_mgmt"),
            permissive: option("pci_permissive"),
            seize: option("pci_seize"),
            // Every guest has the policy of `rdm`, which only an HVM guest's config has a field for; the others'
            // memory there is zero, and zero is strict.
            rdm_policy: policy.or((self.kind != GuestKind::Hvm).then_some(RdmPolicy::Strict)),
            ..Pci::default()
        };
        let Some(items) = self.items("pci") else {
            return;
        };
        let devices: Vec<_> = items
            .into_iter()
            .filter_map(|(words, node)| match self.host.is_before(15) {
                true => self.old_pci_device(model.clone(), words, node),
                false => self.pci_device(model.clone(), words, node),
            })
            .collect();
        if let Some(pv) = self.config.b_info.pv.as_mut()
            && !devices.is_empty()
        {
            pv.e820_host = Some(Defbool::True);
        }
        self.config.pcidevs = devices;
    }

    /// xl's `xlu_pci_parse_spec_string`.
    fn pci_device(&mut self, mut pci: Pci, words: Words<'a>, node: usize) -> Option<Pci> {
        let (mut is_bdf, mut is_name) = (false, false);
        let mut rest = words;
        match bdf(words.text, &mut pci) {
            Ok(length) => {
                is_bdf = true;
                rest = words.from(length);
                if let Some(slot) = rest.after("@") {
                    let Some(length) = vslot(slot.text, &mut pci) else {
                        return self.bad_pci(
                            node,
                            &slot,
                            "the slot in the guest is not a hexadecimal number up to 1f",
                        );
                    };
                    rest = slot.from(length);
                }
                rest = match rest.after(",") {
                    Some(rest) => rest,
                    None if rest.text.is_empty() => rest,
                    None => {
                        let is_two = addresses_in(&format!("{} ", rest.text)).is_some();
                        let place = if is_two { words } else { rest };
                        return self.bad_pci(node, &place, "there is something after the device");
                    }
                };
            }
            Err(NoBdf::Unset) => return self.unset_bdf(node, &words),
            Err(NoBdf::Invalid) => {}
        }
        while !rest.text.is_empty() {
            let Some((key, behind)) = rest.split('=') else {
                let why = if is_bdf {
                    "this is not key=value"
                } else {
                    "this is neither a PCI device nor key=value"
                };
                return self.bad_pci(node, &rest, why);
            };
            let end = behind.text.find(',').unwrap_or(behind.text.len());
            let value = behind.part(0..end);
            match key.text {
                "bdf" => match bdf(value.text, &mut pci) {
                    Ok(_) => is_bdf = true,
                    Err(NoBdf::Unset) => return self.unset_bdf(node, &value),
                    Err(NoBdf::Invalid) => return self.bad_pci(node, &value, "this is not a PCI device"),
                },
                "vslot" if vslot(value.text, &mut pci).is_none() => {
                    return self.bad_pci(
                        node,
                        &value,
                        "the slot in the guest is not a hexadecimal number up to 1f",
                    );
                }
                "vslot" => {}
                "permissive" => pci.permissive = self.int_at(value, node) != 0,
                "msitranslate" => pci.msitranslate = self.int_at(value, node) != 0,
                "seize" => pci.seize = self.int_at(value, node) != 0,
                "power_mgmt" => pci.power_mgmt = self.int_at(value, node) != 0,
                "rdm_policy" => match RdmPolicy::from_word(value.text) {
                    Some(policy) => pci.rdm_policy = Some(policy),
                    None if value.text.eq_ignore_ascii_case("invalid") => pci.rdm_policy = None,
                    None => return self.bad_pci(node, &value, "rdm_policy is strict or relaxed"),
                },
                "name" => {
                    is_name = true;
                    pci.name = Some(value.text.to_owned());
                }
                // The address may stand behind it.
                _ => return self.bad_pci(node, if is_bdf { &key } else { &words }, NO_SETTING),
            }
            rest = behind.from(end);
            rest = rest.after(",").unwrap_or(rest);
        }
        if is_bdf == is_name {
            let why =
                if is_bdf { "a device has an address or a name, not both" } else { "expected a device" };
            return self.bad_pci(node, &words, why);
        }
        Some(pci)
    }

    pub(super) fn bad_pci(&mut self, node: usize, words: &Words<'a>, why: &'static str) -> Option<Pci> {
        let newer = if self.host.is_before(15) { "" } else { "bdf, vslot, name, " };
        let settings = format!("{newer}permissive, msitranslate, seize, power_mgmt and rdm_policy");
        let word = words.text.split(',').next().unwrap_or_default();
        let instead = match (FLAGS.contains(&word), of_libvirt(word), addresses_in(words.text)) {
            (true, ..) => format!("write {word}=1"),
            (false, Some(device), _) => format!("write {device}"),
            (false, None, Some(devices)) => format!("write {devices}"),
            _ if why == NO_SETTING => format!("remove it; the settings of a device are {settings}"),
            _ => format!(
                "write a device as DOMAIN:BUS:DEVICE.FUNCTION, as lspci -D prints it, and its settings behind commas: {settings}"
            ),
        };
        self.book.wrong(node, words, Finding::invalid("bad-pci", why).instead(instead));
        None
    }

    fn unset_bdf(&mut self, node: usize, words: &Words<'a>) -> Option<Pci> {
        let finding =
            Finding::invalid("bad-pci", "the device has no function, and xl reads uninitialised memory");
        self.book.wrong(
            node,
            words,
            finding.instead(format!("write {}.0, or .* for all functions", words.text)),
        );
        None
    }

    /// `rdm`, which no xl from 4.15 to 4.22 reads as it is meant: its parser takes a policy for an error.
    fn rdm(&mut self) -> Option<RdmPolicy> {
        let (words, node) = self.words("rdm")?;
        let instead = "remove it; a PCI device takes rdm_policy=strict or relaxed";
        let finding = if rdm_is_taken(words.text) {
            Finding::invalid("rdm", "rdm has no policy, and xl reads uninitialised memory")
        } else {
            let has_policy = words.text.split(',').any(|part| part.starts_with("policy="));
            let reason = match has_policy {
                true => "xl ignores rdm whenever it has a policy",
                false => "xl does not know this value of rdm, and ignores it",
            };
            Finding::unsupported("rdm", reason)
        };
        let finding = finding.instead(instead);
        if finding.verdict == Verdict::Invalid {
            self.book.error(node, finding);
        } else {
            self.book.mark(node, finding);
        }
        None
    }
}

/// True if xl's `xlu_rdm_parse` ends without an error: then something of the result is not set.
fn rdm_is_taken(text: &str) -> bool {
    text.split(',').all(|part| match part.split_once('=') {
        Some(("strategy", strategy)) => strategy == "host",
        // A policy that there is counts as an error, and one that there is not does not.
        Some(("policy", policy)) => {
            RdmPolicy::from_word(policy).is_none() && !policy.eq_ignore_ascii_case("invalid")
        }
        _ => false,
    })
}

/// A device's address, and how many bytes it has.
fn bdf(text: &str, pci: &mut Pci) -> Result<usize, NoBdf> {
    let head = text.bytes().take_while(|byte| byte.is_ascii_hexdigit() || *byte == b':');
    let numbers = match head.filter(|byte| *byte == b':').count() {
        1 => 2,
        2 => 3,
        _ => return Err(NoBdf::Invalid),
    };
    let (mut at, mut values) = (0, [0_u32; 3]);
    for (index, value) in values.iter_mut().skip(3 - numbers).enumerate() {
        let rest = text.get(at..).unwrap_or_default();
        let rest = if index > 0 { rest.strip_prefix(':').ok_or(NoBdf::Invalid)? } else { rest };
        let (number, length) = number::scanned(rest, 16).ok_or(NoBdf::Invalid)?;
        *value = number as u32;
        at += length + usize::from(index > 0);
    }
    let [domain, bus, dev] = values;
    if domain > 0xffff || bus > 0xff || dev > 0x1f {
        return Err(NoBdf::Invalid);
    }
    let rest = text.get(at..).unwrap_or_default().strip_prefix('.').ok_or(NoBdf::Unset)?;
    let (func, mask, length) = match rest.strip_prefix('*') {
        Some(_) => (0, ALL_FUNCTIONS, 1),
        None => {
            let (func, length) = number::scanned(rest, 16).ok_or(NoBdf::Invalid)?;
            if func as u32 > 7 {
                return Err(NoBdf::Invalid);
            }
            (func as u8, 1, length)
        }
    };
    (pci.domain, pci.bus, pci.dev) = (domain as i32, bus as u8, dev as u8);
    (pci.func, pci.vfunc_mask) = (func, mask);
    Ok(at + 1 + length)
}

/// A slot in the guest, and how many bytes it has.
fn vslot(text: &str, pci: &mut Pci) -> Option<usize> {
    let (slot, length) = number::scanned(text, 16)?;
    let slot = Some(slot as u32).filter(|slot| *slot <= 0x1f)?;
    pci.vdevfn = slot << 3;
    Some(length)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_xls() {
        let table = [
            ("01:00.0", Ok((7, [0, 1, 0, 0]))),
            ("0000:01:1f.7,", Ok((12, [0, 1, 0x1f, 7]))),
            ("ffff:ff:1f.*", Ok((12, [0xffff, 0xff, 0x1f, 0]))),
            ("1:2.3@5", Ok((5, [0, 1, 2, 3]))),
            ("01:00", Err(NoBdf::Unset)),
            ("01:20.0", Err(NoBdf::Invalid)),
            ("01:00.8", Err(NoBdf::Invalid)),
            ("01:00.", Err(NoBdf::Invalid)),
            ("1", Err(NoBdf::Invalid)),
            ("1:2:3:4.0", Err(NoBdf::Invalid)),
            ("name=x", Err(NoBdf::Invalid)),
            ("1:: 2.0", Err(NoBdf::Invalid)),
        ];
        for (text, expected) in table {
            let mut pci = Pci::default();
            let found = bdf(text, &mut pci).map(|length| {
                (length, [pci.domain, i32::from(pci.bus), i32::from(pci.dev), i32::from(pci.func)])
            });
            assert_eq!(found, expected, "{text}");
        }
    }

    #[test]
    fn rdm_is_never_read_well() {
        for (text, taken) in [
            ("strategy=host", true),
            ("strategy=host,policy=strict", false),
            ("policy=relaxed", false),
            ("policy=x", true),
            ("strategy=ignore", false),
            ("", false),
        ] {
            assert_eq!(rdm_is_taken(text), taken, "{text}");
        }
    }
}
