//! `vif`, as in xl-network-configuration(5).

use super::Section::Devices;
use super::Writer;
use super::entry::Entry;
use crate::domain::config::{Nic, NicType};

/// The interval that xl takes where none is given, in microseconds.
const INTERVAL: u32 = 50_000;

impl Writer {
    pub(super) fn nics(&mut self, nics: &[Nic]) {
        self.list(Devices, "vif", nics, Writer::nic);
    }

    fn nic(&mut self, nic: &Nic, index: usize) -> Option<String> {
        let Nic {
            backend_domid,
            backend_domname,
            devid,
            mtu,
            vlan,
            model,
            mac,
            ip,
            bridge,
            ifname,
            script,
            nictype,
            rate_bytes_per_interval,
            rate_interval_usecs,
            gatewaydev,
            colo,
            trusted,
            rest,
        } = nic;
        let path = format!("nics[{index}]");
        self.rest(&path, rest);
        let mut entry = Entry::new(self, "vif", path);
        if let Some(devid) = devid.filter(|devid| u64::from(*devid) != index as u64) {
            entry.put("devid", &format!("devid={devid}"));
        }
        entry.text("mac", mac.as_ref());
        entry.text("bridge", bridge.as_ref());
        entry.text("script", script.as_ref());
        entry.text_as("vifname", "ifname", ifname.as_deref());
        entry.text("ip", ip.as_ref());
        entry.text("gatewaydev", gatewaydev.as_ref());
        entry.text("model", model.as_ref());
        match nictype {
            Some(NicType::VifIoemu) => entry.put("type", "type=ioemu"),
            Some(NicType::Vif) => entry.put("type", "type=vif"),
            None => {}
        }
        entry.number("mtu", *mtu);
        entry.text("vlan", vlan.as_ref());
        if (*rate_bytes_per_interval, *rate_interval_usecs) != (0, 0) {
            match rate(*rate_bytes_per_interval, *rate_interval_usecs) {
                Some(rate) => entry.put("rate", &format!("rate={rate}")),
                None => {
                    let path = entry.at("rate");
                    entry.writer().lost(
                        path,
                        "xl reads bytes per second, and no whole number of these gives this rate",
                    );
                }
            }
        }
        entry.backend(*backend_domid, backend_domname.as_ref());
        entry.either(*trusted, "trusted", "untrusted");
        for (name, value) in colo.iter() {
            // The one whose name xl has shortened.
            let key = if name == "coloft_forwarddev" { "forwarddev" } else { name };
            entry.text_as(key, name, Some(value));
        }
        entry.written()
    }
}

/// xl's `rate`: bytes a second, and the interval where it is not xl's own. xl works out the bytes of an interval, and
/// rounds down.
fn rate(bytes: u64, interval: u32) -> Option<String> {
    if interval == 0 {
        return None;
    }
    let (bytes, interval_wide) = (u128::from(bytes), u128::from(interval));
    // The number in front of its unit has 32 bits.
    let (count, unit) = [(1, "B/s"), (1000, "KB/s"), (1_000_000, "MB/s"), (1_000_000_000, "GB/s")]
        .into_iter()
        .filter_map(|(unit, name)| {
            let second = (bytes * 1_000_000).div_ceil(interval_wide).div_ceil(unit).max(1);
            let makes = second * unit * interval_wide / 1_000_000;
            let fits = second * unit * interval_wide <= u128::from(u64::MAX);
            (makes == bytes && second <= u128::from(u32::MAX) && fits).then_some((second, name))
        })
        .min_by_key(|(count, _)| *count)?;
    let interval = if interval == INTERVAL { String::new() } else { format!("@{interval}us") };
    Some(format!("{count}{unit}{interval}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_is_what_xl_makes_the_same_bytes_of() {
        assert_eq!(rate(51_200, INTERVAL).as_deref(), Some("1024KB/s"));
        assert_eq!(rate(6250, INTERVAL).as_deref(), Some("125KB/s"));
        assert_eq!(rate(1, 1_000_000).as_deref(), Some("1B/s@1000000us"));
        assert_eq!(rate(0, 20).as_deref(), Some("1B/s@20us"));
        assert_eq!(rate(0, 0), None);
        assert_eq!(rate(5, 0), None);
        assert_eq!(rate(u64::MAX, 1), None);
    }
}
