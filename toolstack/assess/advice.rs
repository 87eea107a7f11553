//! Advice on clocks that mean the same on Xen, but that the guest's system misinterprets.
//!
//! Windows keeps local time in its RTC, Linux and the BSDs keep UTC. A PV or PVH guest expects UTC in Xen's wallclock.

use timers::{Basis, ClockOffset};

use crate::diag::Finding;
use crate::domain::{Domain, Part};

/// The prefix of libosinfo's IDs of Windows.
const WINDOWS: &str = "microsoft.com/win";

/// The prefixes of libosinfo's IDs of Linux and of the BSDs.
const UNIX: &[&str] = &[
    "almalinux.org/",
    "alpinelinux.org/",
    "altlinux.org/",
    "android-x86.org/",
    "archlinux.org/",
    "asianux.com/",
    "cclinux.org/",
    "centos.org/",
    "cirros-cloud.net/",
    "clearlinux.org/",
    "debian.org/",
    "dragonflybsd.org/",
    "elementary.io/",
    "endlessos.com/",
    "euro-linux.com/",
    "fedoraproject.org/",
    "freebsd.org/",
    "gentoo.org/",
    "gnome.org/",
    "guix.gnu.org/",
    "hyperbola.info/",
    "libosinfo.org/linux",
    "mageia.org/",
    "mandriva.com/",
    "manjaro.org/",
    "miraclelinux.com/",
    "netbsd.org/",
    "nixos.org/",
    "openanolis.cn/",
    "openbsd.org/",
    "opensuse.org/",
    "oracle.com/oel",
    "oracle.com/ol",
    "pureos.net/",
    "redhat.com/",
    "rockylinux.org/",
    "scientificlinux.org/",
    "slackware.com/",
    "suse.com/",
    "system76.com/",
    "trisquel.info/",
    "ubuntu.com/",
    "univention.de/",
    "voidlinux.org/",
];

/// Names of UTC in the tz database.
const UTC: &[&str] = &["UTC", "UCT", "Universal", "Zulu", "GMT", "Greenwich"];

/// The advice on a clock that the guest's system takes for another.
pub(super) fn of_zone(domain: &Domain) -> Option<(Part, Finding)> {
    let id = domain.notes.system.as_deref()?;
    let id = id.split_once("://").map_or(id, |(_, id)| id);
    let (windows, unix) = (id.starts_with(WINDOWS), UNIX.iter().any(|known| id.starts_with(known)));
    let local = is_local(&domain.clock.offset)?;
    let finding = if windows && !local {
        Finding::advice("advice-windows-utc", "Windows expects local time in the RTC, and this RTC shows UTC")
            .instead_by_format(
                "write <clock offset='localtime'/>, or set RealTimeIsUniversal in the guest's registry",
                "write localtime = 1, or set RealTimeIsUniversal in the guest's registry",
            )
    } else if unix && local && domain.config.kind().has_rtc() {
        let reason = "Linux and the BSDs expect UTC in the RTC, and this RTC shows local time";
        Finding::advice("advice-unix-localtime", reason).instead_by_format(
            "write <clock offset='utc'/>, unless the guest is set up for an RTC in local time",
            "remove localtime and the clock's zone, unless the guest is set up for an RTC in local time",
        )
    } else if unix && local {
        let reason = "a PV or PVH guest expects UTC in Xen's wallclock, and this wallclock shows local time";
        Finding::advice("advice-pv-localtime", reason).instead_by_format(
            "write <clock offset='utc'/>, and set the time zone in the guest",
            "remove localtime and the clock's zone, and set the time zone in the guest",
        )
    } else {
        return None;
    };
    Some((Part::System, finding))
}

/// True if a clock shows local time; `None` for one that shows neither local time nor UTC.
fn is_local(offset: &ClockOffset) -> Option<bool> {
    match offset.effective() {
        ClockOffset::Utc { .. } | ClockOffset::Variable { adjustment: 0, basis: Basis::Utc } => Some(false),
        ClockOffset::Localtime { .. } | ClockOffset::Variable { adjustment: 0, basis: Basis::Localtime } => {
            Some(true)
        }
        ClockOffset::Timezone { timezone } => {
            Some(!UTC.contains(&timezone.strip_prefix("Etc/").unwrap_or(&timezone)))
        }
        ClockOffset::Variable { .. } | ClockOffset::Absolute { .. } => None,
    }
}
