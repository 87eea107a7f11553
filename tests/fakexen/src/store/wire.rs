//! xenstore's messages, as they go through its socket.

use std::io::{self, Read, Write};

/// What a message asks for, or what it answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kind(pub u32);

impl Kind {
    pub const DIRECTORY: Kind = Kind(1);
    pub const READ: Kind = Kind(2);
    pub const GET_PERMS: Kind = Kind(3);
    pub const WATCH: Kind = Kind(4);
    pub const UNWATCH: Kind = Kind(5);
    pub const TRANSACTION_START: Kind = Kind(6);
    pub const TRANSACTION_END: Kind = Kind(7);
    pub const INTRODUCE: Kind = Kind(8);
    pub const RELEASE: Kind = Kind(9);
    pub const GET_DOMAIN_PATH: Kind = Kind(10);
    pub const WRITE: Kind = Kind(11);
    pub const MKDIR: Kind = Kind(12);
    pub const RM: Kind = Kind(13);
    pub const SET_PERMS: Kind = Kind(14);
    pub const WATCH_EVENT: Kind = Kind(15);
    pub const ERROR: Kind = Kind(16);
    pub const IS_DOMAIN_INTRODUCED: Kind = Kind(17);
    pub const RESUME: Kind = Kind(18);
    pub const SET_TARGET: Kind = Kind(19);
    pub const RESET_WATCHES: Kind = Kind(21);
}

/// The most that a message carries.
pub const LONGEST: usize = 4096;

/// One message.
#[derive(Clone, Debug)]
pub struct Message {
    pub kind: Kind,
    pub request: u32,
    pub transaction: u32,
    pub body: Vec<u8>,
}

impl Message {
    /// The next message; `None` where the other side has hung up.
    pub fn read(from: &mut impl Read) -> io::Result<Option<Message>> {
        let mut head = [0; 16];
        match from.read_exact(&mut head) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
            Err(error) => return Err(error),
        }
        let word = |at: usize| u32::from_ne_bytes([head[at], head[at + 1], head[at + 2], head[at + 3]]);
        let length = word(12) as usize;
        if length > LONGEST {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "a message that is too long"));
        }
        let mut body = vec![0; length];
        from.read_exact(&mut body)?;
        Ok(Some(Message { kind: Kind(word(0)), request: word(4), transaction: word(8), body }))
    }

    /// Sends it.
    pub fn write(&self, to: &mut impl Write) -> io::Result<()> {
        let length = u32::try_from(self.body.len()).map_err(io::Error::other)?;
        let mut bytes = Vec::with_capacity(16 + self.body.len());
        for word in [self.kind.0, self.request, self.transaction, length] {
            bytes.extend_from_slice(&word.to_ne_bytes());
        }
        bytes.extend_from_slice(&self.body);
        to.write_all(&bytes)
    }

    /// The body's words, each of which ends with a NUL.
    pub fn words(&self) -> Vec<&str> {
        let body = self.body.strip_suffix(b"\0").unwrap_or(&self.body);
        body.split(|byte| *byte == 0).map(|word| std::str::from_utf8(word).unwrap_or("\u{fffd}")).collect()
    }
}

/// The name of an error, as xenstore sends it.
pub fn error_name(errno: i32) -> &'static str {
    match errno {
        libc::ENOENT => "ENOENT",
        libc::EEXIST => "EEXIST",
        libc::EAGAIN => "EAGAIN",
        libc::ENOSYS => "ENOSYS",
        libc::E2BIG => "E2BIG",
        libc::EBUSY => "EBUSY",
        libc::EACCES => "EACCES",
        _ => "EINVAL",
    }
}
