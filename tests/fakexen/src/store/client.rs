//! A small client of xenstore, for the parts that run in processes of their own.

use std::io;
use std::os::unix::net::UnixStream;

use super::wire::{Kind, Message};

/// A connection.
#[derive(Debug)]
pub struct Client {
    stream: UnixStream,
    request: u32,
}

impl Client {
    /// Connects where `XENSTORED_PATH` says.
    pub fn open() -> io::Result<Self> {
        let path = std::env::var_os("XENSTORED_PATH")
            .ok_or_else(|| io::Error::new(io::ErrorKind::NotFound, "XENSTORED_PATH is not set"))?;
        Ok(Client { stream: UnixStream::connect(path)?, request: 0 })
    }

    /// Writes a node.
    pub fn write(&mut self, path: &str, value: &str) -> io::Result<()> {
        let body = [path.as_bytes(), b"\0", value.as_bytes()].concat();
        self.ask(Kind::WRITE, body).map(drop)
    }

    /// A node's value, where there is one.
    pub fn read(&mut self, path: &str) -> Option<String> {
        let body = [path.as_bytes(), b"\0"].concat();
        String::from_utf8(self.ask(Kind::READ, body).ok()?).ok()
    }

    /// Waits until xenstored hangs up.
    pub fn wait(mut self) {
        while let Ok(Some(_)) = Message::read(&mut self.stream) {}
    }

    fn ask(&mut self, kind: Kind, body: Vec<u8>) -> io::Result<Vec<u8>> {
        self.request += 1;
        Message { kind, request: self.request, transaction: 0, body }.write(&mut self.stream)?;
        let answer = Message::read(&mut self.stream)?.ok_or(io::ErrorKind::UnexpectedEof)?;
        if answer.kind == Kind::ERROR {
            return Err(io::Error::other(answer.words().join(" ")));
        }
        Ok(answer.body)
    }
}
