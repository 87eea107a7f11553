//! The log of a device model that did not start. libxl reports only the failure, without the name of a missing file.

use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use crate::host::HostError;

/// libxl's directory of the device models' logs.
const LOGS: &str = "/var/log/xen";

/// The end of a log that is looked at.
const END: u64 = 8192;

/// The last lines tell; of what comes before, a start that went well has the same.
const LINES: usize = 3;

/// Lines are cut here.
const LONGEST: usize = 400;

/// The log of one guest's device model, as it was before somebody tried to start that.
pub(super) struct Log {
    path: PathBuf,
    before: Option<Mark>,
}

/// The identity of a log.
type Mark = (u64, u64, (i64, i64));

impl Log {
    /// The log of the guest of this name.
    pub(super) fn of(name: &str) -> Self {
        Self::at(Path::new(LOGS).join(format!("qemu-dm-{}.log", name.replace('/', "_"))))
    }

    fn at(path: PathBuf) -> Self {
        let before = mark(&path);
        Log { path, before }
    }

    /// The error with what the device model said, when it is one about that and there is a new log.
    pub(super) fn explain(&self, error: HostError) -> HostError {
        if !is_about_it(&error.detail) || mark(&self.path) == self.before {
            return error;
        }
        match end(&self.path).ok().as_deref().and_then(last_words) {
            Some(words) => {
                let detail = format!("{}; {} ends with: {words}", error.detail, self.path.display());
                HostError { detail, ..error }
            }
            None => error,
        }
    }
}

fn mark(path: &Path) -> Option<Mark> {
    let file = fs::metadata(path).ok()?;
    Some((file.ino(), file.len(), (file.mtime(), file.mtime_nsec())))
}

fn is_about_it(detail: &str) -> bool {
    ["device model", "device-model", "QEMU"].iter().any(|words| detail.contains(words))
}

fn end(path: &Path) -> io::Result<String> {
    let mut file = File::open(path)?;
    let length = file.metadata()?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(END)))?;
    let mut bytes = Vec::new();
    file.take(END).read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// The last lines that say something, in their order; `None` when there are none.
fn last_words(log: &str) -> Option<String> {
    let mut lines: Vec<&str> = log
        .lines()
        .map(str::trim)
        // libxl ends one that takes too long; that is not why.
        .filter(|line| !line.is_empty() && !line.contains("terminating on signal"))
        .collect();
    lines.dedup();
    let last = lines.split_off(lines.len().saturating_sub(LINES));
    let cut = |line: &str| match line.char_indices().nth(LONGEST) {
        Some((at, _)) => format!("{}...", &line[..at]),
        None => line.to_owned(),
    };
    (!last.is_empty()).then(|| last.into_iter().map(cut).collect::<Vec<_>>().join(" | "))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::host::ErrorKind;

    #[test]
    fn the_last_lines_that_say_something() {
        let missing = "qemu-system-i386: -drive file=/no.img,if=ide: Could not open '/no.img': No such file";
        assert_eq!(last_words(&format!("{missing}\n")).unwrap(), missing);
        let log = format!("VNC server\n\n  \n{missing}\nqemu: terminating on signal 1 from pid 5 (xl)\n");
        assert_eq!(last_words(&log).unwrap(), format!("VNC server | {missing}"));
        assert_eq!(last_words("one\ntwo\nthree\nthree\nfour").unwrap(), "two | three | four");
        assert_eq!(last_words(" \n\n"), None);
        assert_eq!(last_words("qemu: terminating on signal 15\n"), None);
        let long = last_words(&"ä".repeat(5000)).unwrap();
        assert_eq!(long, format!("{}...", "ä".repeat(LONGEST)));
    }

    #[test]
    fn a_log_that_is_new_is_told_with_its_path() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("qemu-dm-guest.log");
        let error = |detail: &str| HostError::new(ErrorKind::Other, "create domain 'guest'", detail);
        let failed = error("ERROR_FAIL (-3): Domain 1:device model did not start: -3");

        assert_eq!(Log::at(path.clone()).explain(failed.clone()), failed, "there is none");
        let log = Log::at(path.clone());
        fs::write(&path, "no such image\n").unwrap();
        let told = format!("{}; {} ends with: no such image", failed.detail, path.display());
        assert_eq!(log.explain(failed.clone()).detail, told);
        let other = error("ERROR_FAIL (-3): cannot make domain: -3");
        assert_eq!(log.explain(other.clone()), other);

        // The next start has not come so far.
        assert_eq!(Log::at(path.clone()).explain(failed.clone()), failed);
        // libxl puts the old log away and makes another.
        let log = Log::at(path.clone());
        fs::rename(&path, dir.path().join("qemu-dm-guest.log.1")).unwrap();
        fs::write(&path, "no such kernel\n").unwrap();
        assert!(log.explain(failed).detail.ends_with("ends with: no such kernel"));
    }

    #[test]
    fn only_the_end_of_a_log_is_read() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("log");
        fs::write(&path, format!("{}\nthe end\n", "x".repeat(100_000))).unwrap();
        let end = end(&path).unwrap();
        assert!(end.len() as u64 == END && end.ends_with("\nthe end\n"));
    }
}
