//! The machine's memory: a file with a hole for every frame that was never written. Several processes can map it.

use std::fs::File;
use std::io;
use std::ops::Range;
use std::os::fd::AsRawFd;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::ptr;

/// Bytes in a frame.
pub const PAGE: usize = 4096;

/// More than any test gives out.
const FRAMES: u64 = 1 << 22;

/// The first frame of the table that says which frame of its guest each frame is, 8 bytes for each.
const TABLE: u64 = 0x200;
const TABLE_FRAMES: u64 = FRAMES * 8 / PAGE as u64;

/// The first that is given out.
const FIRST: u64 = TABLE + TABLE_FRAMES;

/// Gives out frames; never one twice, and that is how stale numbers show.
#[derive(Debug)]
pub struct Frames {
    file: File,
    next: u64,
}

impl Frames {
    /// All of them free, in a new file.
    pub fn new(path: &Path) -> io::Result<Self> {
        let file = File::options().read(true).write(true).create_new(true).open(path)?;
        file.set_len(FRAMES * PAGE as u64)?;
        Ok(Frames { file, next: FIRST })
    }

    /// So many frames that follow each other, aligned to their own number when that is a power of two.
    pub fn take(&mut self, count: u64) -> Option<u64> {
        let first = self.next.next_multiple_of(if count.is_power_of_two() { count } else { 1 });
        let end = first.checked_add(count).filter(|end| *end <= FRAMES)?;
        self.next = end;
        Some(first)
    }

    /// One above the highest there can be.
    pub fn end(&self) -> u64 {
        FRAMES
    }

    /// The frames of the table that says which frame of its PV guest each frame is.
    pub fn table(&self) -> Range<u64> {
        TABLE..TABLE + TABLE_FRAMES
    }

    /// Notes in that table that these frames follow each other in their guest, too.
    pub fn note(&self, first: u64, guests_first: u64, count: u64) -> io::Result<()> {
        let entries: Vec<u8> = (guests_first..guests_first + count).flat_map(u64::to_ne_bytes).collect();
        self.file.write_all_at(&entries, TABLE * PAGE as u64 + first * 8)
    }

    /// Writes into a frame.
    pub fn write(&self, frame: u64, at: usize, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all_at(bytes, frame * PAGE as u64 + at as u64)
    }

    /// Reads a number out of a frame.
    pub fn read(&self, frame: u64, at: usize) -> io::Result<u64> {
        let mut bytes = [0; 8];
        self.file.read_exact_at(&mut bytes, frame * PAGE as u64 + at as u64)?;
        Ok(u64::from_ne_bytes(bytes))
    }

    /// Gives the memory of these frames back to the system.
    pub fn forget(&self, frames: impl IntoIterator<Item = u64>) {
        for (first, count) in runs(frames) {
            let (at, length) = (first.cast_signed() * PAGE as i64, count as i64 * PAGE as i64);
            let how = libc::FALLOC_FL_PUNCH_HOLE | libc::FALLOC_FL_KEEP_SIZE;
            // SAFETY: only the file is changed. A file system that cannot do it keeps the memory a while longer.
            unsafe { libc::fallocate(self.file.as_raw_fd(), how, at, length) };
        }
    }

    /// The file.
    pub fn file(&self) -> &File {
        &self.file
    }
}

/// Maps frames one after the other at a new address, or at `at`. A frame that is `None` is left out.
pub fn map(
    file: &File,
    frames: &[Option<u64>],
    at: *mut libc::c_void,
    protection: libc::c_int,
) -> io::Result<*mut libc::c_void> {
    let length = frames.len() * PAGE;
    let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | if at.is_null() { 0 } else { libc::MAP_FIXED };
    // SAFETY: a new mapping; an address is only given by a caller that has reserved it, as with the real library.
    let base = unsafe { libc::mmap(at, length, libc::PROT_NONE, flags, -1, 0) };
    if base == libc::MAP_FAILED {
        return Err(io::Error::last_os_error());
    }
    let mut index = 0;
    while index < frames.len() {
        let Some(first) = frames[index] else {
            index += 1;
            continue;
        };
        let rest = frames[index..].iter().zip(first..);
        let count = rest.take_while(|(frame, expected)| **frame == Some(*expected)).count();
        // SAFETY: within the mapping that was just made.
        let mapped = unsafe {
            libc::mmap(
                base.byte_add(index * PAGE),
                count * PAGE,
                protection,
                libc::MAP_SHARED | libc::MAP_FIXED,
                file.as_raw_fd(),
                first.cast_signed() * PAGE as i64,
            )
        };
        if mapped == libc::MAP_FAILED {
            let error = io::Error::last_os_error();
            unmap(base, frames.len());
            return Err(error);
        }
        index += count;
    }
    Ok(base)
}

/// Takes such a mapping away.
pub fn unmap(base: *mut libc::c_void, count: usize) -> libc::c_int {
    // SAFETY: the address and length are those of a mapping, which its owner gives up.
    unsafe { libc::munmap(base, count * PAGE) }
}

/// Numbers as runs of those that follow each other.
fn runs(numbers: impl IntoIterator<Item = u64>) -> Vec<(u64, u64)> {
    let mut runs: Vec<(u64, u64)> = Vec::new();
    for number in numbers {
        match runs.last_mut() {
            Some((first, count)) if *first + *count == number => *count += 1,
            _ => runs.push((number, 1)),
        }
    }
    runs
}

/// No address.
pub const NOWHERE: *mut libc::c_void = ptr::null_mut();
