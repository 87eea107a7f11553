//! `pci` and `rdm` as xl read them up to Xen 4.14.

use super::book::Words;
use super::{Reader, entry};
use crate::cfg::number;
use crate::diag::Finding;
use crate::domain::config::{Pci, RdmPolicy, RdmStrategy};

impl<'a> Reader<'a> {
    /// xl's `xlu_pci_parse_bdf` of that time: `[DOMAIN:]BUS:DEVICE.FUNCTION[@SLOT][,KEY=VALUE]...`
    pub(super) fn old_pci_device(&mut self, mut pci: Pci, words: Words<'a>, node: usize) -> Option<Pci> {
        let (device, options) = match words.split(',') {
            Some((device, options)) => (device, Some(options)),
            None => (words, None),
        };
        if let Err(why) = old_bdf(device.text, &mut pci) {
            return self.bad_pci(node, &device, why);
        }
        let mut rest = options;
        while let Some(words) = rest {
            let Some((key, behind)) = words.split('=') else {
                return self.bad_pci(node, &words, "this is not key=value");
            };
            let (value, next) = match behind.split(',') {
                Some((value, next)) => (value, Some(next)),
                None => (behind, None),
            };
            match key.text {
                "msitranslate" => pci.msitranslate = self.int_at(value, node) != 0,
                "power_mgmt" => pci.power_mgmt = self.int_at(value, node) != 0,
                "permissive" => pci.permissive = self.int_at(value, node) != 0,
                "seize" => pci.seize = self.int_at(value, node) != 0,
                "rdm_policy" => match RdmPolicy::ALL.iter().find(|policy| policy.as_str() == value.text) {
                    Some(policy) => pci.rdm_policy = Some(*policy),
                    None => return self.bad_pci(node, &value, "rdm_policy is strict or relaxed"),
                },
                _ => {
                    let known = ["permissive", "msitranslate", "seize", "power_mgmt", "rdm_policy"];
                    self.passed_over(node, &words, entry::PCI, &known);
                }
            }
            rest = next;
        }
        Some(pci)
    }

    /// xl's `xlu_rdm_parse` of that time. What stands in `rdm` is the policy of the devices, too.
    pub(super) fn old_rdm(&mut self) -> Option<RdmPolicy> {
        let (words, node) = self.words("rdm")?;
        let (mut strategy, mut policy) = (None, None);
        for part in words.text.split(',') {
            match part.split_once('=') {
                Some(("strategy", "host")) => strategy = Some(RdmStrategy::Host),
                Some(("policy", text)) if RdmPolicy::ALL.iter().any(|policy| policy.as_str() == text) => {
                    policy = RdmPolicy::from_word(text);
                }
                _ => {
                    let finding = Finding::unsupported(
                        "rdm",
                        format!("'{part}' is not a part of rdm, and xl ignores it"),
                    );
                    self.book.mark(node, finding.instead("write rdm = \"strategy=host,policy=relaxed\""));
                    return None;
                }
            }
        }
        if strategy.is_none() || policy.is_none() {
            let finding = Finding::invalid(
                "rdm",
                "rdm lacks a strategy or a policy, and xl reads uninitialised memory",
            );
            self.book.error(node, finding.instead("write rdm = \"strategy=host,policy=relaxed\""));
            return None;
        }
        if let Some(hvm) = self.config.b_info.hvm.as_mut() {
            hvm.rdm.strategy = strategy.unwrap_or_default();
            hvm.rdm.policy = policy;
        }
        policy
    }
}

/// A hexadecimal number that is the whole text, and fits.
fn hex(text: &str, most: u64) -> Result<u64, &'static str> {
    let (value, length) = number::unsigned(text, 16);
    if length == 0 || length < text.len() {
        return Err("this is not a PCI device");
    }
    if value & !most == 0 { Ok(value) } else { Err("a number of this PCI device is too large") }
}

fn old_bdf(text: &str, pci: &mut Pci) -> Result<(), &'static str> {
    let no_device = "this is not a PCI device";
    let (first, rest) = text.split_once(':').ok_or(no_device)?;
    let first = hex(first, 0xffff)?;
    // A dot before the next colon: there is no domain.
    let end = rest.find([':', '.']).ok_or(no_device)?;
    let second = &rest[..end];
    let is_domain = rest[end..].starts_with(':');
    let (domain, bus, dev, rest) = if is_domain {
        let (dev, behind) = rest[end + 1..].split_once('.').ok_or(no_device)?;
        (first, hex(second, 0xff)?, hex(dev, 0xff)?, behind)
    } else if first > 0xff {
        return Err("a number of this PCI device is too large");
    } else {
        (0, first, hex(second, 0xff)?, &rest[end + 1..])
    };
    let (func, slot) = rest.split_once('@').map_or((rest, None), |(func, slot)| (func, Some(slot)));
    if func == "*" {
        return Err("this xl crashes if all functions of a device are passed through");
    }
    (pci.func, pci.vfunc_mask) = (hex(func, 7)? as u8, 1);
    (pci.domain, pci.bus, pci.dev) = (domain as i32, bus as u8, dev as u8);
    pci.vdevfn = (slot.map_or(Ok(0), |slot| hex(slot, 0xff))? as u32) << 3;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_as_xl_4_14_has_them() {
        let table = [
            ("01:00.0", Some([0, 1, 0, 0])),
            ("0000:01:ff.7@1f", Some([0, 1, 0xff, 7])),
            ("ffff:0x1: 2.3", Some([0xffff, 1, 2, 3])),
            ("01:00.*", None),
            ("100:00.0", None),
            ("01:00", None),
            ("01:00.8", None),
            ("01:00.0@100", None),
            ("01:00.0x", None),
            ("1:2:3:4.0", None),
            ("", None),
        ];
        for (text, expected) in table {
            let mut pci = Pci::default();
            let found = old_bdf(text, &mut pci)
                .ok()
                .map(|()| [pci.domain, i32::from(pci.bus), i32::from(pci.dev), i32::from(pci.func)]);
            assert_eq!(found, expected, "{text}");
        }
    }
}
