//! The stream that `save` writes and `restore_paused` reads: a line with the type and the length, then JSON.
//!
//! It contains only the clocks, in the same records as Xen's stream. The line gives the length, so that a stream can be
//! embedded in a file after a header and before other data.

use std::io::{self, Read, Write};

use serde::{Deserialize, Serialize};
use timers::GuestKind;

use super::refusal::{Errno, Refusal};
use crate::host::TscInfo;

const MAGIC: &str = "xenclock mock stream 1";
/// The line's longest form, and the most that a stream can sensibly hold.
const LINE: usize = 64;
const LONGEST: usize = 1 << 20;

/// The clocks of a saved domain.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Stream {
    /// A stream of one kind of guest cannot become another.
    pub kind: GuestKind,
    /// `X86_TSC_INFO`.
    pub tsc: TscInfo,
    /// The boot CPU's TSC; a PV guest has no such record.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cpu_tsc: Option<u64>,
    /// The frequency in the context's header, where it is another than that of `tsc`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub header_khz: Option<u32>,
    /// The RTC's offset; HVM guests only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rtc_offset: Option<i64>,
}

impl Stream {
    pub(super) fn write(&self, to: &mut impl Write) -> io::Result<()> {
        let json = serde_json::to_string_pretty(self)? + "\n";
        // One write, so that a full disk leaves as little as possible of it.
        to.write_all(format!("{MAGIC} {}\n{json}", json.len()).as_bytes())?;
        to.flush()
    }

    pub(super) fn read(from: &mut impl Read) -> Result<Stream, StreamError> {
        let length = length(from)?;
        let mut json = vec![0; length];
        from.read_exact(&mut json).map_err(|error| match error.kind() {
            io::ErrorKind::UnexpectedEof => StreamError::Short,
            _ => StreamError::Io(error),
        })?;
        serde_json::from_slice(&json).map_err(StreamError::Content)
    }
}

/// Reads the line, and not a byte more.
fn length(from: &mut impl Read) -> Result<usize, StreamError> {
    let mut line = Vec::new();
    while line.len() < LINE {
        let mut byte = [0];
        from.read_exact(&mut byte).map_err(|error| match error.kind() {
            io::ErrorKind::UnexpectedEof => StreamError::NotOurs,
            _ => StreamError::Io(error),
        })?;
        if byte == [b'\n'] {
            return length_in(&line).ok_or(StreamError::NotOurs);
        }
        line.extend(byte);
    }
    Err(StreamError::NotOurs)
}

fn length_in(line: &[u8]) -> Option<usize> {
    let length = std::str::from_utf8(line).ok()?.strip_prefix(MAGIC)?.strip_prefix(' ')?;
    length.parse().ok().filter(|length| *length <= LONGEST)
}

impl From<StreamError> for Refusal {
    fn from(error: StreamError) -> Self {
        let errno = match error {
            StreamError::Io(_) => Errno::Io,
            StreamError::NotOurs | StreamError::Short | StreamError::Content(_) => Errno::Inval,
        };
        Refusal::new(errno, error.to_string())
    }
}

/// Why a stream cannot be read.
#[derive(Debug, thiserror::Error)]
pub(super) enum StreamError {
    /// Reading failed.
    #[error("the stream cannot be read: {0}")]
    Io(io::Error),
    /// Something else, or a stream of a real Xen.
    #[error("not a stream of the mock host, expected a first line '{MAGIC} LENGTH'")]
    NotOurs,
    /// Cut off.
    #[error("the stream ends too early, so the save was not finished or the file was cut off")]
    Short,
    /// Not what was written.
    #[error("the stream is damaged: {0}")]
    Content(serde_json::Error),
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn stream() -> Stream {
        let tsc = TscInfo { mode: 1, elapsed_ns: 5, khz: 1_000_000, incarnation: 1 };
        Stream {
            kind: GuestKind::Hvm,
            tsc,
            cpu_tsc: Some(u64::MAX - 3),
            header_khz: None,
            rtc_offset: Some(-3600),
        }
    }

    #[test]
    fn what_follows_a_stream_is_left_in_the_file() {
        let mut bytes = Vec::new();
        stream().write(&mut bytes).unwrap();
        bytes.extend_from_slice(b"rest");
        let mut from = bytes.as_slice();
        assert_eq!(Stream::read(&mut from).unwrap(), stream());
        assert_eq!(from, b"rest");
    }

    #[test]
    fn anything_else_is_refused() {
        let text = |bytes: &[u8]| Stream::read(&mut &*bytes).unwrap_err().to_string();
        let ours = "not a stream of the mock host, expected a first line 'xenclock mock stream 1 LENGTH'";
        assert_eq!(text(b""), ours);
        assert_eq!(text(b"LibxlFmt\n"), ours);
        assert_eq!(text(&[0; 200]), ours);
        assert_eq!(text(b"xenclock mock stream 1 many\n{}"), ours);
        assert_eq!(text(b"xenclock mock stream 1 99999999999999\n{}"), ours);
        assert!(text(b"xenclock mock stream 1 20\n{}").starts_with("the stream ends too early"));
        assert!(text(b"xenclock mock stream 1 2\n{}").starts_with("the stream is damaged: missing field"));
    }
}
