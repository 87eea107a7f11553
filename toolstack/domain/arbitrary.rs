//! Random configs with every field, for tests.
#![allow(clippy::unwrap_used)]

use serde_json::Value;
use timers::GuestKind;

use super::config::{DomainConfig, Hvm, Pv, Pvh};
use super::idl::{Bitmap, Defbool, Field, KeyValues};

/// A source of random values: the same for the same seed.
pub(crate) struct Gen {
    state: u64,
    /// One field in so many is set.
    sparse: u64,
}

/// Texts that formats have trouble with.
const ODD: &[&str] = &[
    "'",
    "\"",
    "\\",
    "#",
    "&",
    "<",
    ">",
    "ü",
    "東",
    "🕰",
    "=",
    "[",
    "]",
    "$",
    "%",
    ";",
    ":",
    "@",
    ",",
    " ",
    "\n",
    "\t",
    "\r",
    "\\n",
    "\u{1}",
    "{",
    "*",
    "!",
    "-",
    "/",
    "xvda",
    "0x10",
    "010",
    "host",
    "virtio,device22",
];

impl Gen {
    pub(crate) fn new(seed: u64, sparse: u64) -> Self {
        Gen { state: seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1, sparse }
    }

    /// Xorshift64*.
    pub(crate) fn next(&mut self) -> u64 {
        self.state ^= self.state >> 12;
        self.state ^= self.state << 25;
        self.state ^= self.state >> 27;
        self.state.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 8
    }

    pub(crate) fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit
    }

    pub(crate) fn one_of<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.below(of.len() as u64) as usize]
    }

    /// True if a field is set.
    pub(crate) fn set(&mut self) -> bool {
        let sparse = self.sparse;
        self.below(sparse) == 0
    }

    /// Many small numbers, some of any size.
    pub(crate) fn number(&mut self) -> u64 {
        let bits = self.one_of(&[1, 3, 5, 8, 13, 16, 31, 32, 40, 64]);
        match bits {
            64 => self.next() << 8 | self.below(256),
            bits => self.next() & ((1 << bits) - 1),
        }
    }

    pub(crate) fn text(&mut self) -> String {
        let mut text = String::new();
        for _ in 0..self.below(4) {
            match self.below(3) {
                0 => text.push_str(self.one_of(ODD)),
                _ => {
                    for _ in 0..=self.below(4) {
                        text.push(char::from(self.one_of(b"abcxyz0189._-")));
                    }
                }
            }
        }
        if self.below(200) == 0 {
            text.push('\0');
        }
        text
    }

    pub(crate) fn list<T>(&mut self, mut item: impl FnMut(&mut Self) -> T) -> Vec<T> {
        let count = self.one_of(&[0, 1, 1, 2, 3]);
        (0..count).map(|_| item(self)).collect()
    }

    fn bitmap(&mut self) -> Bitmap {
        let mut bits = self.list(|random| random.below(13) as u32);
        bits.extend(self.list(|random| random.below(60) as u32));
        bits.sort_unstable();
        bits.dedup();
        bits
    }
}

/// A value of a field that is set.
pub(crate) trait Any {
    fn any(random: &mut Gen) -> Self;
}

macro_rules! any {
    ($($ty:ty: |$random:ident| $value:expr;)*) => { $(
        impl Any for $ty {
            fn any($random: &mut Gen) -> Self {
                $value
            }
        }
    )* };
}

/// Lists of a type.
macro_rules! lists {
    ($ty:ty) => {
        impl $crate::domain::arbitrary::Any for Vec<$ty> {
            fn any(random: &mut $crate::domain::arbitrary::Gen) -> Self {
                random.list($crate::domain::arbitrary::Any::any)
            }
        }
    };
}

pub(crate) use lists;

any! {
    bool: |_random| true;
    u8: |random| random.number() as u8;
    u32: |random| random.number() as u32;
    u64: |random| random.number();
    i32: |random| random.number() as i32;
    String: |random| random.text();
    Defbool: |random| Defbool::from(random.below(2) == 0);
    uuid::Uuid: |random| uuid::Uuid::from_u128(u128::from(random.next()) << 64 | u128::from(random.next()) | 1);
    [u8; 16]: |random| { let byte = random.next() as u8; [byte; 16] };
    timers::tsc::TscMode: |random| random.one_of(&timers::tsc::TscMode::ALL[1..]);
    timers::ticks::MissedTicks: |random| random.one_of(timers::ticks::MissedTicks::ALL);
    timers::GuestKind: |random| {
        random.one_of(&[timers::GuestKind::Hvm, timers::GuestKind::Pv, timers::GuestKind::Pvh])
    };
    Vec<u32>: |random| random.bitmap();
    Vec<Bitmap>: |random| { let common = random.bitmap(); let mut maps = random.list(Gen::bitmap);
        if random.below(2) == 0 { maps.fill(common); } maps };
    Vec<String>: |random| random.list(Gen::text);
    KeyValues: |random| KeyValues(
        (0..random.below(3)).map(|place| (format!("key{place}"), Some(random.text()))).collect()
    );
}

impl<T: Any> Any for Option<T> {
    fn any(random: &mut Gen) -> Self {
        Some(T::any(random))
    }
}

/// A field, set or not.
pub(super) fn field<T: Field + Any + Default>(random: &mut Gen) -> T {
    if random.set() { T::any(random) } else { T::default() }
}

impl Any for super::config::NicColo {
    fn any(random: &mut Gen) -> Self {
        let mut colo = Self::default();
        for _ in 0..random.below(4) {
            let value = random.text();
            colo.set(random.one_of(Self::NAMES), value);
        }
        colo
    }
}

impl Any for super::config::Connection {
    fn any(random: &mut Gen) -> Self {
        match random.below(3) {
            0 => super::config::Connection::Pty,
            1 => super::config::Connection::Socket(None),
            _ => super::config::Connection::Socket(Some(random.text())),
        }
    }
}

impl Any for super::config::CpuPolicy {
    fn any(random: &mut Gen) -> Self {
        let msr = |random: &mut Gen| super::config::MsrPolicy {
            index: random.number() as u32,
            policy: Some("x".repeat(64)),
            ..Default::default()
        };
        Self { cpuid: Any::any(random), msr: random.list(msr), ..Self::default() }
    }
}

/// A config at random that libxl's reader of JSON takes.
pub(crate) fn any(seed: u64) -> DomainConfig {
    let random = &mut Gen::new(seed, [3, 8, 25][(seed % 3) as usize]);
    let mut config = DomainConfig::any(random);
    let kind = GuestKind::any(random);
    config.c_info.kind = Some(kind);
    let b_info = &mut config.b_info;
    let (mut hvm, mut pv, mut pvh) = (b_info.hvm.take(), b_info.pv.take(), b_info.pvh.take());
    match kind {
        GuestKind::Hvm => b_info.hvm = Some(hvm.take().unwrap_or_else(|| Hvm::any(random))),
        GuestKind::Pv => b_info.pv = Some(pv.take().unwrap_or_else(|| Pv::any(random))),
        GuestKind::Pvh => b_info.pvh = Some(pvh.take().unwrap_or_else(|| Pvh::any(random))),
    }
    for leaf in &mut b_info.cpuid.cpuid {
        leaf.leaf.get_or_insert(1);
        for bits in [&mut leaf.eax, &mut leaf.ebx, &mut leaf.ecx, &mut leaf.edx].into_iter().flatten() {
            *bits = (0..32).map(|_| random.one_of(&['0', '1', 'x', 'k', 's'])).collect();
        }
    }
    for nic in &mut config.nics {
        nic.mac = nic
            .mac
            .take()
            .map(|_| format!("00:16:3e:{:02x}:{:02x}:01", random.below(256), random.below(256)));
    }
    if b_info.hvm.as_ref().is_some_and(|hvm| !hvm.viridian_enable.is_empty()) && random.below(2) == 0 {
        b_info.hvm.as_mut().unwrap().viridian_enable.retain(|group| *group < 13);
    }
    let mut json = serde_json::to_value(&config).unwrap();
    signed_devids(&mut json);
    serde_json::from_value(json).unwrap()
}

/// libxl numbers devices with a sign.
fn signed_devids(json: &mut Value) {
    match json {
        Value::Array(items) => items.iter_mut().for_each(signed_devids),
        Value::Object(map) => map.iter_mut().for_each(|(key, value)| match value.as_u64() {
            Some(devid) if ["devid", "ctrl"].contains(&&**key) => *value = (devid >> 1).into(),
            _ => signed_devids(value),
        }),
        _ => {}
    }
}
