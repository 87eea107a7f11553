//! Reads a saved guest as written by libxl and libxc, up to the RTC. Xen documents the formats in
//! libxl-migration-stream and libxc-migration-stream.
//!
//! Both streams consist of records with a type, a length and a body padded to eight bytes. The first record of libxl's
//! stream contains libxc's stream, and one of libxc's records contains Xen's own records of the HVM context.

use std::io::{self, ErrorKind, Read, Seek, SeekFrom};

const LIBXL: &[u8; 8] = b"LibxlFmt";
/// The bytes behind the name in libxl's header.
const LIBXL_REST: i64 = 8;
const LIBXL_END: u32 = 0;
const LIBXL_LIBXC: u32 = 1;
/// libxc's two headers: the image's begins with 64 bits set.
const LIBXC_HEADERS: usize = 40;
const LIBXC_MARKER: [u8; 8] = [0xff; 8];
const LIBXC_END: u32 = 0;
const LIBXC_HVM_CONTEXT: u32 = 9;
/// No context of 512 vCPUs is longer.
const LONGEST_CONTEXT: u32 = 16 << 20;
/// Xen's record of the RTC, and where the offset stands in it: behind 14 bytes of CMOS, the index and one of padding.
const RTC: u16 = 11;
const RTC_OFFSET: usize = 16;

/// The offset of a saved guest's RTC, in seconds ahead of UTC; `None` for a guest without one. Reads from where libxl's
/// stream begins.
///
/// # Errors
/// When it cannot be read, or is no such stream.
pub fn rtc_offset(from: &mut (impl Read + Seek)) -> io::Result<Option<i64>> {
    let name: [u8; 8] = array(from)?;
    if name != *LIBXL {
        return Err(damaged("it does not begin with LibxlFmt"));
    }
    skip(from, LIBXL_REST)?;
    loop {
        let (kind, length) = head(from)?;
        match kind {
            LIBXL_LIBXC => return in_libxc(from),
            LIBXL_END => return Ok(None),
            _ => skip(from, padded(length))?,
        }
    }
}

fn in_libxc(from: &mut (impl Read + Seek)) -> io::Result<Option<i64>> {
    let headers: [u8; LIBXC_HEADERS] = array(from)?;
    if !headers.starts_with(&LIBXC_MARKER) {
        return Err(damaged("libxc's part has a wrong header"));
    }
    loop {
        let (kind, length) = head(from)?;
        match kind {
            LIBXC_HVM_CONTEXT if length > LONGEST_CONTEXT => {
                return Err(damaged("the virtual machine's context is longer than the maximum"));
            }
            LIBXC_HVM_CONTEXT => {
                let mut context = Vec::new();
                from.take(length.into()).read_to_end(&mut context)?;
                return in_context(&context);
            }
            LIBXC_END => return Ok(None),
            _ => skip(from, padded(length))?,
        }
    }
}

/// Xen's records: a type, an instance and a length before each body, without padding.
fn in_context(mut context: &[u8]) -> io::Result<Option<i64>> {
    let short = || damaged("the virtual machine's context is cut off");
    loop {
        let Some((head, rest)) = context.split_first_chunk::<8>() else { return Ok(None) };
        let [kind, kind_high, _, _, length @ ..] = *head;
        let length = usize::try_from(u32::from_le_bytes(length)).map_err(|_| short())?;
        let body = rest.get(..length).ok_or_else(short)?;
        if u16::from_le_bytes([kind, kind_high]) == RTC {
            let offset = body.get(RTC_OFFSET..).and_then(<[u8]>::first_chunk::<8>).ok_or_else(short)?;
            return Ok(Some(i64::from_le_bytes(*offset)));
        }
        context = rest.get(length..).ok_or_else(short)?;
    }
}

/// Type and length of a record.
fn head(from: &mut impl Read) -> io::Result<(u32, u32)> {
    let head: [u8; 8] = array(from)?;
    let [a, b, c, d, length @ ..] = head;
    Ok((u32::from_le_bytes([a, b, c, d]), u32::from_le_bytes(length)))
}

fn array<const N: usize>(from: &mut impl Read) -> io::Result<[u8; N]> {
    let mut bytes = [0; N];
    from.read_exact(&mut bytes).map_err(|error| match error.kind() {
        ErrorKind::UnexpectedEof => damaged("it is cut off"),
        _ => error,
    })?;
    Ok(bytes)
}

fn padded(length: u32) -> i64 {
    i64::from(length).saturating_add(7) & !7
}

fn skip(from: &mut impl Seek, bytes: i64) -> io::Result<()> {
    from.seek(SeekFrom::Current(bytes)).map(drop)
}

fn damaged(why: &'static str) -> io::Error {
    io::Error::new(ErrorKind::InvalidData, why)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::io::Cursor;

    use proptest::prelude::*;

    use super::*;

    fn record(kind: u32, body: &[u8]) -> Vec<u8> {
        let length = u32::try_from(body.len()).unwrap();
        let mut bytes = [kind.to_le_bytes(), length.to_le_bytes()].concat();
        bytes.extend_from_slice(body);
        bytes.resize(bytes.len().next_multiple_of(8), 0);
        bytes
    }

    fn xens(kind: u16, body: &[u8]) -> Vec<u8> {
        let length = u32::try_from(body.len()).unwrap();
        [&kind.to_le_bytes()[..], &[0, 0], &length.to_le_bytes(), body].concat()
    }

    /// As Xen's documents lay it out: some pages, the TSC, and the context with the RTC among others.
    fn stream(rtc: Option<i64>) -> Vec<u8> {
        let mut context = xens(1, &[1; 24]);
        context.extend(xens(2, &[2; 1029]));
        if let Some(offset) = rtc {
            context.extend(xens(11, &[&[3; 16][..], &offset.to_le_bytes()].concat()));
        }
        context.extend(xens(0, &[]));
        let libxc = [
            LIBXC_MARKER.to_vec(),
            vec![0; 32],
            record(1, &[9; 4096 + 24]),
            record(8, &[0; 24]),
            record(9, &context),
            record(0, &[]),
        ];
        [LIBXL.to_vec(), vec![0, 0, 0, 2, 0, 0, 0, 0], record(1, &[]), libxc.concat(), record(0, &[])]
            .concat()
    }

    #[test]
    fn the_offset_is_found_behind_everything_else() {
        let read = |bytes: Vec<u8>| rtc_offset(&mut Cursor::new(bytes)).unwrap();
        assert_eq!(read(stream(Some(7220))), Some(7220));
        assert_eq!(read(stream(Some(-3600))), Some(-3600));
        assert_eq!(read(stream(None)), None);
    }

    #[test]
    fn what_is_no_stream_is_said() {
        let says = |bytes: &[u8]| rtc_offset(&mut Cursor::new(bytes)).unwrap_err().to_string();
        assert_eq!(says(b"xenclock mock stream 1"), "it does not begin with LibxlFmt");
        assert_eq!(says(&stream(Some(1))[..30]), "it is cut off");
        let mut other = stream(Some(1));
        other[24] = 0;
        assert_eq!(says(&other), "libxc's part has a wrong header");
    }

    proptest! {
        #[test]
        fn a_stream_that_is_cut_or_damaged_is_an_error_or_another_offset(
            at in any::<proptest::sample::Index>(), byte in any::<u8>(), cut in any::<bool>()
        ) {
            let mut bytes = stream(Some(3600));
            let at = at.index(bytes.len());
            if cut { bytes.truncate(at) } else { bytes[at] = byte }
            drop(rtc_offset(&mut Cursor::new(bytes)));
        }
    }
}
