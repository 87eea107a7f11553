//! The fuzz targets on their corpus, and on reproducible mutations of it.
//!
//! `XENCLOCK_FUZZ=N` makes N mutations of each file instead of a few. `fuzz/run` runs libFuzzer.

#![allow(clippy::unwrap_used, clippy::expect_used)]

#[path = "../fuzz/targets.rs"]
#[allow(dead_code)]
mod targets;

use std::collections::BTreeSet;
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use targets::TARGETS;

/// Changes of each file, where nothing else is asked.
const CHANGES: u64 = 40;

/// Files in the corpus of a target, by name; those of the project itself count for the XML reader.
fn corpus(target: &str) -> Vec<(String, Vec<u8>)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut dirs = vec![root.join("fuzz/corpus").join(target)];
    if target == "xml" {
        dirs.extend(["tests/fixtures", "docs/examples"].map(|dir| root.join(dir)));
    }
    let entries = dirs.iter().flat_map(|dir| fs::read_dir(dir).unwrap()).map(|entry| entry.unwrap().path());
    let mut files: Vec<_> = entries
        .filter(|path| target != "xml" || path.extension().is_some_and(|end| end == "xml"))
        .map(|path| (path.display().to_string(), fs::read(path).unwrap()))
        .collect();
    files.sort();
    files
}

/// Numbers that look random (xorshift64*), and are the same each time.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    fn below(&mut self, limit: usize) -> usize {
        (self.next() % (limit.max(1) as u64)) as usize
    }
}

/// Bytes that formats are made of, or that break them.
const PIECES: [&[u8]; 24] = [
    b"",
    b"\0",
    b"\xff",
    b"\xff\xff\xff\xff",
    b"\x80",
    b"\xc3",
    b"\n",
    b"\"",
    b"'",
    b"<",
    b"</",
    b"]]>",
    b"&",
    b"{",
    b"}",
    b"[",
    b"=",
    b"+=",
    b"-1",
    b"18446744073709551616",
    b"0x",
    b"9999999999",
    b",M3.2.0",
    b"\xe2\x80\xae",
];

/// Changes a file in one to four places, with pieces of another now and then.
fn changed(bytes: &[u8], other: &[u8], random: &mut Random) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    for _ in 0..=random.below(4) {
        let at = random.below(bytes.len() + 1);
        let end = (at + random.below(24)).min(bytes.len());
        match random.below(7) {
            0 if at < bytes.len() => bytes[at] ^= 1 << random.below(8),
            1 => bytes.truncate(at),
            2 => drop(bytes.drain(at..end)),
            3 => {
                let part = bytes[at..end].repeat(1 + random.below(8));
                bytes.splice(at..end, part);
            }
            4 => {
                let from = random.below(other.len() + 1);
                let until = (from + random.below(64)).min(other.len());
                bytes.splice(at..end, other[from..until].iter().copied());
            }
            5 if at < bytes.len() => bytes[at] = random.next() as u8,
            _ => drop(bytes.splice(at..at, PIECES[random.below(PIECES.len())].iter().copied())),
        }
    }
    bytes
}

/// Runs a target, and names what it was run on where that fails.
fn run(name: &str, target: fn(&[u8]), of: &str, bytes: &[u8]) {
    if catch_unwind(AssertUnwindSafe(|| target(bytes))).is_err() {
        let path = std::env::temp_dir().join(format!("xenclock-fuzz-{name}-{}", std::process::id()));
        fs::write(&path, bytes).unwrap();
        panic!("target {name}, from {of}: {}", path.display());
    }
}

#[test]
fn no_target_panics_on_the_corpus() {
    for (name, target) in TARGETS {
        let files = corpus(name);
        assert!(!files.is_empty(), "no corpus for {name}");
        for (of, bytes) in &files {
            run(name, target, of, bytes);
        }
    }
}

#[test]
fn no_target_panics_on_changes_of_the_corpus() {
    let changes = std::env::var("XENCLOCK_FUZZ").map_or(CHANGES, |number| number.parse().unwrap());
    let (mut runs, mut bytes_in_all) = (0_u64, 0_u64);
    for (name, target) in TARGETS {
        let files = corpus(name);
        for (index, (of, bytes)) in files.iter().enumerate() {
            let mut random = Random(0x9e37_79b9_7f4a_7c15 ^ (index as u64 + 1));
            for _ in 0..changes {
                let other = &files[random.below(files.len())].1;
                let bytes = changed(bytes, other, &mut random);
                run(name, target, of, &bytes);
                (runs, bytes_in_all) = (runs + 1, bytes_in_all + bytes.len() as u64);
            }
        }
    }
    println!("{runs} runs on {bytes_in_all} bytes");
}

#[test]
fn every_target_has_a_program_and_a_corpus() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz");
    let names = |dir: &str| -> BTreeSet<String> {
        let entries = fs::read_dir(root.join(dir)).unwrap();
        let name = |path: &Path| path.file_stem().unwrap().to_str().unwrap().to_owned();
        entries.map(|entry| name(&entry.unwrap().path())).collect()
    };
    let targets: BTreeSet<_> = TARGETS.iter().map(|(name, _)| (*name).to_owned()).collect();
    assert_eq!(names("fuzz_targets"), targets);
    assert_eq!(names("corpus"), targets);
    let manifest = fs::read_to_string(root.join("Cargo.toml")).unwrap();
    for target in &targets {
        assert!(manifest.contains(&format!("name = \"{target}\"\n")), "{target}");
    }
}
