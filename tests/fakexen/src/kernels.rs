//! Programs to put into guests: the smallest that libxenguest takes. None of them ever runs.

/// Where they are loaded, and where they would start.
const START: u64 = 0x10_0000;

const PAGE: usize = 4096;

/// Kinds of a segment.
const LOAD: u32 = 1;
const NOTE: u32 = 4;

/// `hlt`, and a jump to it.
const HALT: [u8; 3] = [0xf4, 0xeb, 0xfd];

/// Notes of a kernel for Xen, as in Xen's `elfnote.h`.
mod note {
    pub const ENTRY: u32 = 1;
    pub const VIRT_BASE: u32 = 3;
    pub const XEN_VERSION: u32 = 5;
    pub const GUEST_OS: u32 = 6;
    pub const LOADER: u32 = 8;
    pub const PAE_MODE: u32 = 9;
    pub const PHYS32_ENTRY: u32 = 18;
}

/// A kernel for PV and for PVH guests.
#[must_use]
pub fn kernel() -> Vec<u8> {
    let notes = [
        note(note::GUEST_OS, b"xenclock\0"),
        note(note::XEN_VERSION, b"xen-3.0\0"),
        note(note::LOADER, b"generic\0"),
        note(note::PAE_MODE, b"yes\0"),
        note(note::VIRT_BASE, &0_u64.to_le_bytes()),
        note(note::ENTRY, &START.to_le_bytes()),
        note(note::PHYS32_ENTRY, &(START as u32).to_le_bytes()),
    ]
    .concat();
    elf(&notes)
}

/// What takes the place of hvmloader in HVM guests.
#[must_use]
pub fn loader() -> Vec<u8> {
    let mut file = b"\x7fELF\x01\x01\x01\0\0\0\0\0\0\0\0\0".to_vec();
    // An executable, for x86.
    file.extend_from_slice(&[2, 0, 3, 0]);
    let (start, page) = (START as u32, PAGE as u32);
    for word in [1, start, 52, 0, 0] {
        file.extend_from_slice(&u32::to_le_bytes(word));
    }
    for half in [52_u16, 32, 1, 0, 0, 0] {
        file.extend_from_slice(&half.to_le_bytes());
    }
    for word in [LOAD, page, start, start, page, page, 5, page] {
        file.extend_from_slice(&word.to_le_bytes());
    }
    file.resize(PAGE, 0);
    file.extend_from_slice(&HALT);
    file.resize(2 * PAGE, 0);
    file
}

fn note(kind: u32, value: &[u8]) -> Vec<u8> {
    let mut note = Vec::new();
    for word in [4, value.len() as u32, kind] {
        note.extend_from_slice(&word.to_le_bytes());
    }
    note.extend_from_slice(b"Xen\0");
    note.extend_from_slice(value);
    note.resize(note.len().next_multiple_of(4), 0);
    note
}

/// A 64-bit ELF file with one page to load, and notes.
fn elf(notes: &[u8]) -> Vec<u8> {
    const HEAD: u16 = 64;
    const ENTRY: u16 = 56;
    let page = PAGE as u64;

    let mut file = b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0".to_vec();
    // An executable, for x86-64.
    file.extend_from_slice(&[2, 0, 62, 0, 1, 0, 0, 0]);
    for word in [START, HEAD.into(), 0] {
        file.extend_from_slice(&word.to_le_bytes());
    }
    file.extend_from_slice(&[0; 4]);
    for half in [HEAD, ENTRY, 2, 0, 0, 0] {
        file.extend_from_slice(&half.to_le_bytes());
    }
    let mut segment = |kind: u32, at: u64, address: u64, length: u64, align: u64| {
        for half in [kind, 5] {
            file.extend_from_slice(&half.to_le_bytes());
        }
        for word in [at, address, address, length, length, align] {
            file.extend_from_slice(&word.to_le_bytes());
        }
    };
    segment(LOAD, page, START, page, page);
    segment(NOTE, 2 * page, 0, notes.len() as u64, 4);
    file.resize(PAGE, 0);
    file.extend_from_slice(&HALT);
    file.resize(2 * PAGE, 0);
    file.extend_from_slice(notes);
    file
}
