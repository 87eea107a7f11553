//! Paravirtual devices without a family: virtio, TPMs, shares, sockets and channels.

use serde::de::MapAccess;
use serde::ser::SerializeMap;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::domain::declare::libxl_struct;
use crate::domain::enums::{P9Type, VirtioTransport};
use crate::domain::idl::{Defbool, Field};

libxl_struct! {
    /// `libxl_device_virtio`: any virtio device, by its compatible string; since Xen 4.18.
    pub struct Virtio {
        /// The domain that serves it.
        backend_domid: u32,
        /// The name of the domain that serves it.
        backend_domname: Option<String>,
        /// Its type: `virtio,device22` or `virtio,device`.
        kind as "type": Option<String>,
        /// How it is attached.
        transport: Option<VirtioTransport>,
        /// True if the backend maps grants or the guest's memory.
        grant_usage: Option<Defbool>,
        /// Its number.
        devid: Option<u32>,
        /// Its interrupt; libxl's own.
        irq: u32,
        /// Its address; libxl's own.
        base: u64,
    }
}

libxl_struct! {
    /// `libxl_device_vtpm`: a TPM that a vtpm domain serves.
    pub struct Vtpm {
        /// The domain that serves it.
        backend_domid: u32,
        /// The name of the domain that serves it.
        backend_domname: Option<String>,
        /// Its number.
        devid: Option<u32>,
        /// The TPM's UUID.
        uuid: Option<Uuid>,
    }
}

libxl_struct! {
    /// `libxl_device_p9`: a directory shared by 9pfs.
    pub struct P9 {
        /// The domain that serves it.
        backend_domid: u32,
        /// The name of the domain that serves it.
        backend_domname: Option<String>,
        /// The name that the guest mounts.
        tag: Option<String>,
        /// The directory.
        path: Option<String>,
        /// How owners and modes are kept; libxl takes `none`.
        security_model: Option<String>,
        /// Its number.
        devid: Option<u32>,
        /// The backend's type; since Xen 4.19.
        kind as "type": Option<P9Type>,
        /// MiB at most; since Xen 4.19.
        max_space: i32,
        /// Files at most; since Xen 4.19.
        max_files: i32,
        /// Open files at most; since Xen 4.19.
        max_open_files: i32,
        /// Delete files to make room; since Xen 4.19.
        auto_delete: bool,
    }
}

libxl_struct! {
    /// `libxl_device_pvcallsif`: sockets of another domain.
    pub struct Pvcalls {
        /// The domain that serves them.
        backend_domid: u32,
        /// The name of the domain that serves them.
        backend_domname: Option<String>,
        /// Its number.
        devid: Option<u32>,
    }
}

libxl_struct! {
    /// `libxl_device_channel`: a console with a name.
    pub struct Channel {
        /// The domain that serves it.
        backend_domid: u32,
        /// The name of the domain that serves it.
        backend_domname: Option<String>,
        /// Its number.
        devid: Option<u32>,
        /// Its name.
        name: Option<String>,
        /// Its other end.
        connection: Connection,
    }
    then Channel::settle
}

/// The other end of a channel: libxl's union of `libxl_device_channel`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Connection {
    /// Not given, which libxl refuses.
    #[default]
    Unknown,
    /// A pseudo-terminal.
    Pty,
    /// A Unix socket that listens at a path.
    Socket(Option<String>),
}

impl Field for Connection {
    /// The union's key says which of its members it is.
    fn write<M: SerializeMap>(&self, _: &'static str, map: &mut M) -> Result<(), M::Error> {
        match self {
            Connection::Unknown => map.serialize_entry("connection.unknown", &json!({})),
            Connection::Pty => map.serialize_entry("connection.pty", &json!({})),
            Connection::Socket(None) => map.serialize_entry("connection.socket", &json!({})),
            Connection::Socket(Some(path)) => {
                map.serialize_entry("connection.socket", &json!({ "path": path }))
            }
        }
    }

    /// No key has the bare name of the union.
    fn read<'de, A: MapAccess<'de>>(map: &mut A) -> Result<Result<Self, Value>, A::Error> {
        map.next_value().map(Err)
    }
}

impl Channel {
    fn settle(&mut self) {
        let rest = &mut self.rest;
        rest.shift_remove("connection.unknown");
        if rest.shift_remove("connection.pty").is_some() {
            self.connection = Connection::Pty;
        }
        if let Some(Value::Object(mut socket)) = rest.shift_remove("connection.socket") {
            let path = match socket.remove("path") {
                Some(Value::String(path)) => Some(path),
                _ => None,
            };
            self.connection = Connection::Socket(path);
        }
    }
}
