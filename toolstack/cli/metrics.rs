//! Clocks as metrics, in the text format of Prometheus (for the node exporter's textfile collector).

use xenclock::diag::shown_lines;
use xenclock::host::HostFacts;
use xenclock::view::ClockView;

/// A metric: its name, what it is, and its value for a domain.
type Metric = (&'static str, &'static str, fn(&ClockView) -> Option<i64>);

const METRICS: &[Metric] = &[
    ("xenclock_rtc_offset_seconds", "Seconds that the guest's RTC or wallclock is ahead of UTC.", |view| {
        Some(view.rtc.offset)
    }),
    (
        "xenclock_rtc_moved_by_guest_seconds",
        "Seconds by which the guest has moved its RTC since its last start, or since xenclock knows it.",
        |view| view.rtc.moved_by_guest.filter(|_| view.kind.has_rtc()),
    ),
    ("xenclock_rtc_tracked", "1 if the guest's changes to its RTC survive a reboot, else 0.", |view| {
        Some(view.rtc.tracked.into())
    }),
    ("xenclock_tsc_khz", "The frequency of the guest's TSC in kHz.", |view| Some(view.tsc.khz.into())),
    ("xenclock_tsc_emulated", "1 if each read of the guest's TSC is emulated, else 0.", |view| {
        match view.tsc.behaviour {
            timers::tsc::Behaviour::Emulated => Some(1),
            timers::tsc::Behaviour::Native | timers::tsc::Behaviour::Scaled => Some(0),
            timers::tsc::Behaviour::ScaledOrEmulated => None,
        }
    }),
];

/// All clocks of a host.
pub(super) fn of(views: &[ClockView], facts: &HostFacts) -> String {
    let mut text = String::new();
    for (name, help, value) in METRICS {
        text.push_str(&format!("# HELP {name} {help}\n# TYPE {name} gauge\n"));
        for view in views {
            if let Some(value) = value(view) {
                let labels = [
                    ("domid", view.domid.to_string()),
                    ("name", escaped(&view.name)),
                    ("type", view.kind.as_str().to_owned()),
                    ("uuid", view.uuid.to_string()),
                ];
                let labels = labels.map(|(label, value)| format!("{label}=\"{value}\"")).join(",");
                text.push_str(&format!("{name}{{{labels}}} {value}\n"));
            }
        }
    }
    let host = "xenclock_host_tsc_khz";
    text.push_str(&format!(
        "# HELP {host} The frequency of the host's TSC in kHz.\n# TYPE {host} gauge\n{host} {}\n",
        facts.cpu_khz.0
    ));
    text
}

/// As the format wants a label's value; what a terminal acts upon is shown escaped.
fn escaped(value: &str) -> String {
    shown_lines(value).replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_names_letters_do_not_end_the_label() {
        assert_eq!(escaped("a\"b\\c\nd"), "a\\\"b\\\\c\\nd");
        assert_eq!(escaped("a\x1b[2J\u{9b}\u{202e}"), "a\\\\u{1b}[2J\\\\u{9b}\\\\u{202e}");
    }
}
