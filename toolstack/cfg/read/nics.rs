//! `vif`: network interfaces, with their bandwidth limits.

use super::book::Words;
use super::{Reader, entry};
use crate::cfg::{number, suggest};
use crate::diag::Finding;
use crate::domain::config::{Nic, NicType};
use crate::domain::qemu::NETWORK_CARDS;

const WORDS: [&str; 17] = [
    "type",
    "mac",
    "bridge",
    "netdev",
    "gatewaydev",
    "ip",
    "script",
    "backend",
    "vifname",
    "model",
    "rate",
    "accel",
    "devid",
    "mtu",
    "vlan",
    "trusted",
    "untrusted",
];

/// The place of an address's last byte.
const LAST_BYTE: usize = 5;

/// Words of other tools for an interface without an emulated card.
const PARAVIRTUAL: [&str; 6] = ["netfront", "paravirtual", "pv", "xen", "xenbr", "bridge"];

impl<'a> Reader<'a> {
    pub(super) fn nics(&mut self) {
        if let Some(found) = self.find("vif2") {
            let finding = Finding::unsupported("deprecated", "xl has no netchannel2, and ignores vif2");
            let instead = match suggest::list_of(&found.setting.value) {
                Some(list) => format!("write vif = {list}"),
                None => "write its entries as a list of texts, vif".to_owned(),
            };
            self.book.mark(found.node, finding.instead(instead));
        }
        let Some(items) = self.items("vif") else {
            return;
        };
        let conf = &self.host.conf;
        let model = Nic {
            script: conf.vif_script.clone(),
            bridge: conf.vif_bridge.clone(),
            gatewaydev: conf.vif_gatewaydev.clone(),
            backend_domname: conf.vif_backend.clone(),
            ..Nic::default()
        };
        let mut nics = Vec::new();
        for (index, (words, node)) in (0..).zip(items) {
            let mut nic = Nic { devid: Some(index), ..model.clone() };
            for word in words.tokens(b",") {
                self.nic_word(&mut nic, word.unindented(), node);
            }
            nics.push(nic);
        }
        self.config.nics = nics;
    }

    fn nic_word(&mut self, nic: &mut Nic, word: Words<'a>, node: usize) {
        let key = word.text.split('=').next().unwrap_or_default();
        if !self.host.knows_setting("vif", key) {
            return self.passed_over(node, &word, entry::NIC, &WORDS);
        }
        let Some((key, value)) = word.split('=') else {
            return match word.text {
                "trusted" => nic.trusted = Some(true.into()),
                "untrusted" => nic.trusted = Some(false.into()),
                _ => self.passed_over(node, &word, entry::NIC, &WORDS),
            };
        };
        let text = Some(value.text.to_owned());
        match key.text {
            "type" => match value.text {
                "vif" => nic.nictype = Some(NicType::Vif),
                "ioemu" => nic.nictype = Some(NicType::VifIoemu),
                _ => {
                    let reason = format!("type is '{}', expected vif or ioemu; xl ignores it", value.text);
                    let finding = Finding::unsupported("bad-value", reason);
                    let paravirtual = PARAVIRTUAL.contains(&value.text);
                    let instead = match super::nearest(value.text, ["vif", "ioemu"].into_iter()) {
                        Some(near) => format!("write type={near}"),
                        None if paravirtual => "write type=vif".to_owned(),
                        None if NETWORK_CARDS.contains(&value.text) => format!("write model={}", value.text),
                        None => "remove it".to_owned(),
                    };
                    self.book.note(node, &word, finding.instead(instead));
                }
            },
            "mac" => self.mac(nic, word, value, node),
            "bridge" => nic.bridge = text,
            "netdev" => {
                let finding = Finding::no_effect("deprecated", "netdev is an old name of gatewaydev");
                self.book.note(node, &word, finding.instead(format!("write gatewaydev={}", value.text)));
                nic.gatewaydev = text;
            }
            "gatewaydev" => nic.gatewaydev = text,
            "ip" => nic.ip = text,
            "script" => nic.script = text,
            "backend" => nic.backend_domname = text,
            "vifname" => nic.ifname = text,
            "model" => nic.model = text,
            "rate" => self.rate(nic, value, node),
            "forwarddev" => _ = nic.colo.set("coloft_forwarddev", value.text.to_owned()),
            "accel" => {
                let finding =
                    Finding::unsupported("no-accel", "xl has no accelerated interfaces, and ignores accel");
                self.book.note(node, &word, finding.instead("remove it"));
            }
            "devid" => {
                if let Some(devid) = self.ulong_of_word(value, node) {
                    nic.devid = Some(devid).filter(|devid| *devid != u32::MAX);
                }
            }
            "mtu" => {
                if let Some(mtu) = self.ulong_of_word(value, node) {
                    nic.mtu = mtu as i32;
                }
            }
            "vlan" => nic.vlan = text,
            name if name != "coloft_forwarddev" && nic.colo.set(name, value.text.to_owned()) => {}
            _ => {
                self.passed_over(node, &word, entry::NIC, &WORDS);
            }
        }
    }

    /// Six numbers, whatever stands between them. At a wrong one xl stops, and keeps those before it.
    fn mac(&mut self, nic: &mut Nic, word: Words<'a>, value: Words<'a>, node: usize) {
        let instead = || match mac_meant(value.text) {
            Some(mac) => format!("write mac={mac}"),
            None => "write mac= and six bytes with : between them, each two digits from 0 to f".to_owned(),
        };
        let mut bytes = [0_u8; 6];
        // A second mac goes on where the first one ended.
        if let Some(mac) = &nic.mac {
            for (byte, text) in bytes.iter_mut().zip(mac.split(':')) {
                *byte = u8::from_str_radix(text, 16).unwrap_or_default();
            }
        }
        let (mut at, mut is_whole) = (0, true);
        for (index, byte) in bytes.iter_mut().enumerate() {
            let Some(rest) = value.text.get(at..) else {
                let reason = format!("the address has {index} bytes, and xl reads beyond the end");
                let finding = Finding::invalid("bad-mac", reason);
                return self.book.wrong(node, &value, finding.instead(instead()));
            };
            let (number, length) = number::unsigned(rest, 16);
            // xl keeps 32 bits before it looks.
            if length == 0 || number as u32 > 255 {
                let reason = match index {
                    0 => "this is not an address, and xl ignores it".to_owned(),
                    _ => format!("this is not an address, and xl uses its first {index} bytes"),
                };
                let finding = Finding::unsupported("bad-mac", reason);
                self.book.note(node, &word, finding.instead(instead()));
                at = value.text.len() + 1;
                break;
            }
            *byte = number as u8;
            at += length + 1;
            if index < LAST_BYTE {
                is_whole &=
                    matches!(value.text.as_bytes().get(at - 1), None | Some(b':' | b'-' | b'.' | b' '));
            }
        }
        let text = bytes.map(|byte| format!("{byte:02x}")).join(":");
        if !is_whole || at <= value.text.len() {
            let reason = format!("this is not an address, and xl reads {text} from it");
            self.book.note(node, &word, Finding::unsupported("bad-mac", reason).instead(instead()));
        }
        nic.mac = (bytes != [0; 6]).then_some(text);
    }

    /// `10MB/s@20ms`, as `xlu_vif_parse_rate`.
    fn rate(&mut self, nic: &mut Nic, value: Words<'a>, node: usize) {
        match rate(value.text) {
            Ok((bytes, interval)) => {
                nic.rate_bytes_per_interval = bytes;
                nic.rate_interval_usecs = interval;
            }
            Err(reason) => {
                let form = "write a number with GB/s, MB/s, KB/s or B/s (b for bits), optionally with @ and an interval in s, ms or us";
                let instead = rate_meant(value.text)
                    .map_or_else(|| form.to_owned(), |rate| format!("write rate={rate}"));
                self.book.wrong(node, &value, Finding::invalid("bad-rate", reason).instead(instead));
            }
        }
    }
}

/// The address that twelve digits mean, whatever stands between them.
fn mac_meant(text: &str) -> Option<String> {
    let digits: Vec<_> = text.chars().filter(|c| !":-. ".contains(*c)).collect();
    (digits.len() == 12 && digits.iter().all(char::is_ascii_hexdigit)).then(|| {
        let bytes: Vec<String> = digits.chunks(2).map(|pair| pair.iter().collect()).collect();
        bytes.join(":").to_ascii_lowercase()
    })
}

/// Bytes in an interval, and the interval in microseconds.
fn rate(text: &str) -> Result<(u64, u32), &'static str> {
    let (rate, interval) =
        text.split_once('@').map_or((text, None), |(rate, interval)| (rate, Some(interval)));
    if rate.is_empty() {
        return Err("no rate is given");
    }
    let bytes = bytes_per_second(rate)?;
    let interval = interval.map_or(Ok(50_000), microseconds)?;
    let total = bytes.checked_mul(interval.into()).ok_or("the rate is too large")?;
    Ok((total / 1_000_000, interval))
}

/// The rate that a text of another form means: `100 Mb/s`, `100Mbps`, `10 mbit/s`.
fn rate_meant(text: &str) -> Option<String> {
    let (amount, interval) = text.split_once('@').unwrap_or((text, ""));
    let digits = amount.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = amount.split_at(digits);
    let unit = unit.trim();
    let prefix = unit.chars().next().filter(|first| "kKmMgG".contains(*first));
    let prefix = prefix.map(|prefix| prefix.to_ascii_uppercase().to_string()).unwrap_or_default();
    let unit = match &unit[prefix.len()..] {
        "b/s" | "bps" | "bit/s" | "bits/s" | "bit" | "bits" => "b/s",
        "B/s" | "Bps" | "byte/s" | "bytes/s" => "B/s",
        _ => return None,
    };
    let interval = if interval.is_empty() { String::new() } else { format!("@{}", interval.trim()) };
    Some(format!("{number}{prefix}{unit}{interval}")).filter(|meant| rate(meant).is_ok())
}

/// Digits and then one of some units.
fn has_form(text: &str, units: &[&str]) -> bool {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    digits > 0 && units.contains(&&text[digits..])
}

fn bytes_per_second(text: &str) -> Result<u64, &'static str> {
    let units = ["B/s", "b/s", "KB/s", "Kb/s", "MB/s", "Mb/s", "GB/s", "Gb/s"];
    if !has_form(text, &units) {
        return Err("this is not a rate");
    }
    // A 0 in front makes it octal.
    let (value, length) = number::unsigned(text, 0);
    if value == 0 || value > u64::from(u32::MAX) {
        return Err("the rate is out of range");
    }
    let unit = &text.as_bytes()[length..];
    let bytes = match unit.first() {
        Some(b'G') => value * 1_000_000_000,
        Some(b'M') => value * 1_000_000,
        Some(b'K') => value * 1000,
        _ => value,
    };
    let bits = unit.first() == Some(&b'b') || unit.get(1) == Some(&b'b');
    Ok(if bits { bytes / 8 } else { bytes })
}

fn microseconds(text: &str) -> Result<u32, &'static str> {
    if !has_form(text, &["", "s", "m", "ms", "u", "us"]) {
        return Err("the interval is not a time");
    }
    let (value, length) = number::unsigned(text, 0);
    if value == 0 || value > u64::from(u32::MAX) {
        return Err("the interval is out of range");
    }
    let micros = match text.as_bytes().get(length) {
        None | Some(b's') => value * 1_000_000,
        Some(b'm') => value * 1000,
        _ => value,
    };
    u32::try_from(micros).map_err(|_| "the interval is too long")
}

#[cfg(test)]
mod tests {
    use super::rate;

    #[test]
    fn rates_are_xls() {
        let table = [
            ("10MB/s", Ok((500_000, 50_000))),
            ("10Mb/s", Ok((62_500, 50_000))),
            ("1GB/s@10", Ok((10_000_000_000, 10_000_000))),
            ("1GB/s@10m", Ok((10_000_000, 10_000))),
            ("250KB/s@20ms", Ok((5000, 20_000))),
            ("8b/s@1s", Ok((1, 1_000_000))),
            ("100B/s@10us", Ok((0, 10))),
            ("010MB/s", Ok((400_000, 50_000))),
            ("018Kb/s@1s", Ok((1, 1_000_000))),
            ("08MB/s", Err("the rate is out of range")),
            ("0B/s", Err("the rate is out of range")),
            ("10", Err("this is not a rate")),
            ("10 MB/s", Err("this is not a rate")),
            ("10mB/s", Err("this is not a rate")),
            ("@1s", Err("no rate is given")),
            ("10MB/s@", Err("the interval is not a time")),
            ("10MB/s@1h", Err("the interval is not a time")),
            ("10MB/s@9999", Err("the interval is too long")),
            ("4294967295GB/s@4294s", Err("the rate is too large")),
        ];
        for (text, expected) in table {
            assert_eq!(rate(text), expected, "{text}");
        }
    }
}
