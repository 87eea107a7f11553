//! The header of xl's save files and migration streams (`struct save_file_header` in xl.h).
//!
//! After 48 bytes of fixed layout comes the *optional data*: the length of a config, the config, and anything that a
//! later xl may add. Every xl reads the config and ignores the data after it. xenclock adds its own part there, so that
//! the requested clock accompanies the guest and stock xl can still restore the file.

use std::io::{self, Read, Write};

use serde_json::Value;

/// How a file of xl's starts.
const MAGIC: &[u8; 32] = b"Xen saved domain, xl format\n \0 \r";

/// The number that shows the writer's byte order.
const BYTE_ORDER: u32 = 0x0102_0304;

/// Mandatory flag: the config is libxl's JSON and no xl.cfg.
const JSON: u32 = 1;

/// Mandatory flag: libxl's stream is of version 2.
const STREAM_V2: u32 = 2;

/// How our part of the optional data starts; its length and its JSON follow.
const OURS: &[u8; 8] = b"xenclock";

/// The most that optional data may take: a config is a few KiB.
const MAX_BYTES: u32 = 16 << 20;

/// How files of others start, and whose they are.
const OTHERS: [(&[u8], &str); 3] = [
    (b"libvirt-xml\n", "it is a save file of libvirt: restore it with virsh restore"),
    (b"LibxlFmt", "it is libxl's stream alone, without xl's header before it"),
    (b"<", "it looks like XML; xenclock create starts a domain from its XML"),
];

/// The header before libxl's stream.
#[derive(Clone, Debug, PartialEq)]
pub struct Header {
    /// The guest's config.
    pub config: SavedConfig,
    /// The version of libxl's stream: 2, or 1 from an xl before Xen 4.6.
    pub stream_version: u32,
    /// Our own part: the clock's record, in JSON unless it is damaged.
    pub ours: Option<Vec<u8>>,
}

/// The config in a save file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SavedConfig {
    /// There is none; xl then wants an xl.cfg beside the file.
    Missing,
    /// libxl's JSON, without the NUL that ends it in the file.
    Json(String),
    /// An xl.cfg, from an xl before Xen 4.5.
    Text(Vec<u8>),
}

/// Why a file or stream is not taken.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SaveFileError {
    /// It cannot be read.
    #[error("cannot be read: {0}")]
    Io(#[from] io::Error),
    /// It ends too early.
    #[error("ends within {0}: it is cut off, so save the domain again, or copy the file again")]
    Truncated(&'static str),
    /// It is none of xl's.
    #[error("is not a save file of xl: {0}")]
    NotXls(&'static str),
    /// It is from a machine of the other byte order.
    #[error("is from a machine of another byte order: restore it on a machine like the one that saved it")]
    ByteOrder,
    /// It asks for what no xl up to now has.
    #[error("has unknown flags 0x{0:x}: a newer xl wrote it, and a newer xl can restore it")]
    Newer(u32),
    /// Its config is too long to be one.
    #[error(
        "has {0} bytes before the domain's data, but no config is that long (at most {MAX_BYTES}): it is damaged"
    )]
    TooLong(u32),
    /// Its config is no text.
    #[error("contains a config that is not UTF-8: give a config as well, as in xenclock restore CONFIG FILE")]
    NotUtf8,
    /// It has no config.
    #[error("contains no config: give one as well, as in xenclock restore CONFIG FILE")]
    NoConfig,
    /// It has a config of an old form.
    #[error(
        "contains an xl.cfg instead of JSON: an xl before Xen 4.5 wrote it; give a config as well, as in xenclock \
         restore CONFIG FILE"
    )]
    TextConfig,
}

impl Header {
    /// The header for a domain with this config, as every xl from 4.14 on writes it, and our part if there is one.
    #[must_use]
    pub fn new(config_json: String, ours: Option<Value>) -> Self {
        let ours = ours.map(|ours| ours.to_string().into_bytes());
        Header { config: SavedConfig::Json(config_json), stream_version: 2, ours }
    }

    /// Reads a header, and nothing of the stream behind it.
    ///
    /// # Errors
    /// When it is cut off, not xl's, from another machine or release, or hostile. A header without a config, or with
    /// one of the old form, is one all the same: see [`Header::config_json`].
    pub fn read(from: &mut impl Read) -> Result<Self, SaveFileError> {
        let mut magic = [0; MAGIC.len()];
        let got = fill(from, &mut magic)?;
        if magic != *MAGIC {
            return Err(not_xls(&magic[..got]));
        }
        let mut numbers = [0; 4];
        for number in &mut numbers {
            let mut bytes = [0; 4];
            whole(from, &mut bytes, "xl's header")?;
            *number = u32::from_le_bytes(bytes);
        }
        // Optional flags are what a reader may pass over, and every xl does.
        let [byte_order, mandatory, _optional, length] = numbers;
        if byte_order != BYTE_ORDER {
            return Err(SaveFileError::ByteOrder);
        }
        if mandatory & !(JSON | STREAM_V2) != 0 {
            return Err(SaveFileError::Newer(mandatory & !(JSON | STREAM_V2)));
        }
        if length > MAX_BYTES {
            return Err(SaveFileError::TooLong(length));
        }
        let mut data = Vec::new();
        from.take(length.into()).read_to_end(&mut data)?;
        if (data.len() as u64) < u64::from(length) {
            return Err(SaveFileError::Truncated("the domain's config"));
        }
        let (config, rest) = config(&data, mandatory & JSON != 0)?;
        let stream_version = if mandatory & STREAM_V2 != 0 { 2 } else { 1 };
        Ok(Header { config, stream_version, ours: ours(rest) })
    }

    /// Writes the header, at once.
    ///
    /// # Errors
    /// When the writer fails, or what is to be written would not be read again.
    pub fn write(&self, to: &mut impl Write) -> io::Result<()> {
        let refused = |why| Err(io::Error::new(io::ErrorKind::InvalidInput, why));
        let mut flags = if self.stream_version >= 2 { STREAM_V2 } else { 0 };
        let mut config = match &self.config {
            SavedConfig::Missing => Vec::new(),
            SavedConfig::Text(text) => text.clone(),
            SavedConfig::Json(json) if json.contains('\0') => {
                return refused("a config with a NUL byte would be cut off there");
            }
            SavedConfig::Json(json) => {
                flags |= JSON;
                [json.as_bytes(), b"\0"].concat()
            }
        };
        let mut data = length(&config)?.to_le_bytes().to_vec();
        data.append(&mut config);
        if let Some(ours) = &self.ours {
            data.extend_from_slice(OURS);
            data.extend_from_slice(&length(ours)?.to_le_bytes());
            data.extend_from_slice(ours);
        }
        let length = length(&data)?;
        if length > MAX_BYTES {
            return refused("a config of that length could not be read back");
        }
        let mut header = MAGIC.to_vec();
        for number in [BYTE_ORDER, flags, 0, length] {
            header.extend_from_slice(&number.to_le_bytes());
        }
        header.append(&mut data);
        to.write_all(&header)
    }

    /// The guest's config as libxl's JSON.
    ///
    /// # Errors
    /// When there is none, or only one of the old form.
    pub fn config_json(&self) -> Result<&str, SaveFileError> {
        match &self.config {
            SavedConfig::Json(json) => Ok(json),
            SavedConfig::Missing => Err(SaveFileError::NoConfig),
            SavedConfig::Text(_) => Err(SaveFileError::TextConfig),
        }
    }
}

fn length(bytes: &[u8]) -> io::Result<u32> {
    u32::try_from(bytes.len()).map_err(|_| io::Error::new(io::ErrorKind::InvalidInput, "longer than 4 GiB"))
}

/// The config at the start of the optional data, and what follows it.
fn config(data: &[u8], is_json: bool) -> Result<(SavedConfig, &[u8]), SaveFileError> {
    if data.is_empty() {
        return Ok((SavedConfig::Missing, data));
    }
    let (config, rest) = sized(data).ok_or(SaveFileError::Truncated("the domain's config"))?;
    let config = match (config, is_json) {
        ([], _) => SavedConfig::Missing,
        (text, false) => SavedConfig::Text(text.to_vec()),
        (json, true) => {
            // xl reads as far as the NUL.
            let json = json.split(|&byte| byte == 0).next().unwrap_or_default();
            let json = std::str::from_utf8(json).map_err(|_| SaveFileError::NotUtf8)?;
            SavedConfig::Json(json.to_owned())
        }
    };
    Ok((config, rest))
}

/// Our part, where one is; parts of others are passed over, as xl does. One that is cut off is taken as far as it goes:
/// the guest is restored all the same, and whoever reads the record says what is wrong with it.
fn ours(rest: &[u8]) -> Option<Vec<u8>> {
    let part = rest.strip_prefix(OURS)?;
    Some(sized(part).map_or(part, |(json, _)| json).to_vec())
}

/// A length with as many bytes behind it, and what follows them.
fn sized(data: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, data) = data.split_first_chunk()?;
    data.split_at_checked(usize::try_from(u32::from_le_bytes(*length)).ok()?)
}

/// True if this is how a save file of xl begins.
#[must_use]
pub fn is_savefile(start: &[u8]) -> bool {
    start.starts_with(MAGIC)
}

fn not_xls(start: &[u8]) -> SaveFileError {
    if start.is_empty() {
        return SaveFileError::NotXls("it is empty");
    }
    if MAGIC.starts_with(start) {
        return SaveFileError::Truncated("xl's header");
    }
    let known = OTHERS.iter().find(|(magic, _)| start.starts_with(magic));
    SaveFileError::NotXls(known.map_or("it begins with other bytes", |(_, what)| what))
}

/// Reads until the buffer is full or the input ends; says how much there was.
fn fill(from: &mut impl Read, buffer: &mut [u8]) -> io::Result<usize> {
    let mut got = 0;
    while got < buffer.len() {
        match from.read(&mut buffer[got..]) {
            Ok(0) => break,
            Ok(count) => got += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(got)
}

fn whole(from: &mut impl Read, buffer: &mut [u8], what: &'static str) -> Result<(), SaveFileError> {
    if fill(from, buffer)? < buffer.len() { Err(SaveFileError::Truncated(what)) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    /// The bytes that xl 4.14 to 4.22 writes before the stream of a domain with the config `{"c_info":{}}`.
    fn xls() -> Vec<u8> {
        let mut bytes = b"Xen saved domain, xl format\n \0 \r".to_vec();
        bytes.extend([0x04, 0x03, 0x02, 0x01]);
        bytes.extend([3, 0, 0, 0]);
        bytes.extend([0, 0, 0, 0]);
        bytes.extend([4 + 14, 0, 0, 0]);
        bytes.extend([14, 0, 0, 0]);
        bytes.extend(b"{\"c_info\":{}}\0");
        bytes
    }

    fn read(bytes: &[u8]) -> Result<Header, SaveFileError> {
        Header::read(&mut &*bytes)
    }

    fn written(header: &Header) -> Vec<u8> {
        let mut bytes = Vec::new();
        header.write(&mut bytes).unwrap();
        bytes
    }

    /// xl's bytes with other bytes at a place.
    fn with(at: usize, bytes: &[u8]) -> Vec<u8> {
        let mut all = xls();
        all[at..at + bytes.len()].copy_from_slice(bytes);
        all
    }

    #[test]
    fn what_xl_writes_is_written_and_read_byte_for_byte() {
        let header = Header::new("{\"c_info\":{}}".to_owned(), None);
        assert_eq!(written(&header), xls());
        assert_eq!(read(&xls()).unwrap(), header);
        assert_eq!(header.config_json().unwrap(), "{\"c_info\":{}}");
    }

    #[test]
    fn our_part_stands_behind_the_config_and_the_stream_behind_both() {
        let header = Header::new("{\"c_info\":{}}".to_owned(), Some(json!({"version": 1})));
        let bytes = written(&header);
        let tail = b"xenclock\x0d\0\0\0{\"version\":1}";
        let mut expected = with(44, &[18 + 25, 0, 0, 0]);
        expected.extend(tail);
        assert_eq!(bytes, expected);
        let with_stream = [&bytes[..], b"LibxlFmt"].concat();
        let mut from = &with_stream[..];
        assert_eq!(Header::read(&mut from).unwrap(), header);
        assert_eq!(from, b"LibxlFmt", "nothing of the stream is taken");
    }

    #[test]
    fn what_others_put_behind_the_config_is_passed_over() {
        let mut bytes = with(44, &[18 + 3, 0, 0, 0]);
        bytes.extend(b"new");
        assert_eq!(read(&bytes).unwrap(), Header::new("{\"c_info\":{}}".to_owned(), None));
        let optional_flags = read(&with(40, &[0xff; 4])).unwrap();
        assert_eq!(optional_flags.stream_version, 2);
    }

    #[test]
    fn each_wrong_header_has_its_own_message_with_the_remedy() {
        let cases = [
            (Vec::new(), "it is empty"),
            (xls()[..20].to_vec(), "ends within xl's header"),
            (xls()[..40].to_vec(), "ends within xl's header"),
            (xls()[..50].to_vec(), "ends within the domain's config: it is cut off"),
            (b"libvirt-xml\n \0 \r and more than 32 bytes of it".to_vec(), "virsh restore"),
            (b"LibxlFmt".to_vec(), "without xl's header"),
            (b"<domain/>".to_vec(), "xenclock create"),
            (vec![0; 100], "is not a save file of xl"),
            (with(32, &[1, 2, 3, 4]), "another byte order"),
            (with(36, &[7, 0, 0, 0]), "unknown flags 0x4: a newer xl"),
            (with(44, &[0xff; 4]), "4294967295 bytes before the domain's data"),
            (with(48, &[0xff; 4]), "ends within the domain's config"),
            (with(52, &[0xff; 4]), "not UTF-8"),
        ];
        for (bytes, expected) in cases {
            let error = read(&bytes).unwrap_err().to_string();
            assert!(error.contains(expected), "{error:?} has no {expected:?}");
        }
    }

    #[test]
    fn a_damaged_part_of_ours_holds_no_guest_up() {
        for part in [&b""[..], b"\x01", b"\xff\xff\xff\xff{}", b"\x02\0\0\0{x", b"\x05\0\0\0{}"] {
            let ours = [&OURS[..], part].concat();
            let mut bytes = with(44, &[18 + u8::try_from(ours.len()).unwrap(), 0, 0, 0]);
            bytes.extend(&ours);
            let header = read(&bytes).unwrap();
            assert_eq!(header.config_json().unwrap(), "{\"c_info\":{}}");
            let record = crate::lifecycle::ClockRecord::from_bytes(&header.ours.unwrap());
            assert!(record.is_err(), "{part:?}");
        }
    }

    #[test]
    fn a_header_without_json_can_be_read_and_says_what_it_has() {
        let text = read(&with(36, &[2, 0, 0, 0])).unwrap();
        assert_eq!(text.config, SavedConfig::Text(b"{\"c_info\":{}}\0".to_vec()));
        let error = text.config_json().unwrap_err().to_string();
        assert!(error.contains("xl.cfg") && error.contains("CONFIG FILE"), "{error}");
        assert_eq!(read(&with(36, &[1, 0, 0, 0])).unwrap().stream_version, 1);
        for bytes in
            [xls()[..44].iter().chain(&[0; 4]).copied().collect(), with(44, &[4, 0, 0, 0, 0, 0, 0, 0])]
        {
            let missing = read(&bytes).unwrap();
            assert_eq!(missing.config, SavedConfig::Missing);
            let error = missing.config_json().unwrap_err().to_string();
            assert!(error.contains("no config"), "{error}");
        }
    }

    #[test]
    fn what_would_not_be_read_again_is_not_written() {
        let mut nowhere = Vec::new();
        assert!(Header::new("{}\0".to_owned(), None).write(&mut nowhere).is_err());
        assert!(Header::new(" ".repeat(MAX_BYTES as usize), None).write(&mut nowhere).is_err());
        assert!(nowhere.is_empty());
    }

    fn header() -> impl Strategy<Value = Header> {
        let config = prop_oneof![
            1 => Just(SavedConfig::Missing),
            5 => "[^\0]{1,40}".prop_map(SavedConfig::Json),
            1 => proptest::collection::vec(any::<u8>(), 1..40).prop_map(SavedConfig::Text),
        ];
        (config, 1_u32..=2, proptest::option::of(proptest::collection::vec(any::<u8>(), 0..40)))
            .prop_map(|(config, stream_version, ours)| Header { config, stream_version, ours })
    }

    proptest! {
        #[test]
        fn a_header_comes_back(header in header()) {
            prop_assert_eq!(read(&written(&header)).unwrap(), header);
        }

        #[test]
        fn a_header_cut_off_anywhere_is_an_error(header in header(), at in any::<proptest::sample::Index>()) {
            let bytes = written(&header);
            prop_assert!(read(&bytes[..at.index(bytes.len())]).is_err());
        }

        #[test]
        fn no_bytes_are_too_odd(bytes in proptest::collection::vec(any::<u8>(), 0..100), at in 32_usize..60) {
            let _ = read(&bytes);
            let _ = read(&[&xls()[..at], &bytes].concat());
        }
    }
}
