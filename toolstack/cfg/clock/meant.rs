//! The setting that is probably meant by a value that names no kind of clock or no zone.

use ::timers::zone::ZoneSource;

use crate::cfg::suggest;
use crate::domain::clock_meant::Meant;

/// The setting, as it is written in place of one with this value; `None` where nobody can know.
pub fn setting(text: &str, zones: &dyn ZoneSource) -> Option<String> {
    Meant::by(text, zones).map(|meant| written(&meant))
}

/// A clock as the settings of a file.
pub fn written(meant: &Meant) -> String {
    match *meant {
        Meant::Kind(kind) => format!("clock_offset = \"{kind}\""),
        Meant::Zone(ref zone) => format!("clock_timezone = {}", suggest::quoted(zone)),
        Meant::Seconds(seconds) => format!("rtc_timeoffset = {}", suggest::written(seconds)),
        Meant::Local(seconds) => {
            format!("localtime = 1; rtc_timeoffset = {}", suggest::written(seconds))
        }
        Meant::Start(start) => format!("clock_start = {}", suggest::written(start)),
    }
}
