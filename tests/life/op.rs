//! The guests, and the actions on them.

use proptest::prelude::*;
use timers::{
    Adjustment, Basis, ClockOffset, GuestClock, GuestKind, Hertz, Timer, TimerMode, TimerName, UtcOffset,
};
use xenclock::domain::project::{self, OffsetIn};
use xenclock::domain::{DomainConfig, ShutdownAction};
use xenclock::host::ErrorKind;

use crate::given::Given;
use crate::vain::Fault;

/// So many guests there are.
pub const GUESTS: usize = 3;

/// The zones that hosts are in; those of the two hosts at first come first.
pub const ZONES: [&str; 5] =
    ["Europe/Berlin", "America/St_Johns", "Asia/Kathmandu", "UTC", "Pacific/Chatham"];

/// Who does something to a guest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tool {
    /// xenclock.
    Us,
    /// Stock xl, which knows nothing of clocks.
    Xl,
}

/// How a guest is started, and who spoke of its clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum By {
    /// By xenclock, from a file.
    Us,
    /// By stock xl, and the service knows the domain XML.
    Asked,
    /// By stock xl, and nobody has said anything but xl.cfg's two keys.
    Discovered,
}

/// A guest.
#[derive(Clone, Debug)]
pub struct Spec {
    pub kind: GuestKind,
    pub offset: ClockOffset,
    /// Mode, and frequency in kHz.
    pub tsc: Option<(TimerMode, Option<u32>)>,
    pub by: By,
    /// xl's config has neither an offset nor localtime.
    pub clean: bool,
}

impl Spec {
    /// Its TSC's mode.
    pub fn mode(&self) -> TimerMode {
        self.tsc.map_or(TimerMode::Auto, |(mode, _)| mode)
    }

    pub fn clock(&self) -> GuestClock {
        let timer = |(mode, khz): (TimerMode, Option<u32>)| Timer {
            mode: Some(mode),
            frequency: khz.map(|khz| Hertz(u64::from(khz) * 1000)),
            ..Timer::named(TimerName::Tsc)
        };
        GuestClock::new(self.offset.clone(), self.tsc.map(timer).into_iter().collect())
    }

    /// What xl is given: as `convert` writes it, with this offset where xl has no word for the clock.
    pub fn xl_config(&self, name: &str, uuid: &str, now: UtcOffset) -> DomainConfig {
        let mut config = self.config(name, uuid);
        let offset = if self.clean { OffsetIn::Outside } else { OffsetIn::Intent(now) };
        project::clock(&mut config, &self.clock(), offset);
        config
    }

    pub fn config(&self, name: &str, uuid: &str) -> DomainConfig {
        let mut config = DomainConfig::new(self.kind);
        config.c_info.name = Some(name.to_owned());
        config.c_info.uuid = Some(uuid.parse().unwrap_or_default());
        config.b_info.max_memkb = Some(64 << 10);
        config.on_crash = ShutdownAction::Restart;
        config
    }

    /// Its domain XML.
    pub fn xml(&self, name: &str, uuid: &str) -> String {
        let os = match self.kind {
            GuestKind::Hvm => "<type>hvm</type>",
            GuestKind::Pv => "<type>xen</type><kernel>/boot/vmlinuz</kernel>",
            GuestKind::Pvh => "<type>xenpvh</type><kernel>/boot/vmlinuz</kernel>",
        };
        let of = |adjustment: &Option<Adjustment>| match adjustment {
            None => String::new(),
            Some(Adjustment::Reset) => " adjustment='reset'".to_owned(),
            Some(Adjustment::Seconds(seconds)) => format!(" adjustment='{seconds}'"),
        };
        let more = match &self.offset {
            ClockOffset::Utc { adjustment } | ClockOffset::Localtime { adjustment } => of(adjustment),
            ClockOffset::Timezone { timezone } => format!(" timezone='{timezone}'"),
            ClockOffset::Variable { adjustment, basis } => {
                format!(" adjustment='{adjustment}' basis='{}'", basis.as_str())
            }
            ClockOffset::Absolute { start } => format!(" start='{start}'"),
        };
        let tsc = self.tsc.map_or_else(String::new, |(mode, khz)| {
            let frequency = khz.map_or_else(String::new, |khz| format!(" frequency='{khz}000'"));
            format!("<timer name='tsc' mode='{mode}'{frequency}/>", mode = mode.as_str())
        });
        format!(
            "<!--\nWARNING: THIS IS AN AUTO-GENERATED FILE.\n-->\n<domain type='xen'><name>{name}</name>\
             <uuid>{uuid}</uuid><memory unit='MiB'>64</memory><os>{os}</os><clock offset='{}'{more}>{tsc}</clock></domain>\n",
            self.offset.as_str()
        )
    }
}

/// Whether the service gets to look in time: when the guest has ended and before it is destroyed, and when the new one
/// is there and before it runs.
#[derive(Clone, Copy, Debug)]
pub struct Turns {
    pub end: bool,
    pub birth: bool,
}

/// How a guest ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    Reboot,
    Crash,
    Poweroff,
    SoftReset,
}

/// What is wrong with the records' directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sick {
    /// What is there can be read; nothing can be written.
    ReadOnly,
    /// Nothing can be read either.
    Gone,
}

/// What happens. A guest is a number, a saved one counts from the latest.
#[derive(Clone, Debug)]
pub enum Op {
    Start {
        guest: usize,
        site: usize,
        turns: Turns,
    },
    /// A call of the host fails while the guest is started; then the guest is destroyed.
    Vain {
        guest: usize,
        site: usize,
        fault: Fault,
    },
    /// The guest moves its RTC.
    Write {
        guest: usize,
        by: i64,
    },
    /// `clock-set --now`: an administrator sets the RTC of a guest that runs.
    Set {
        guest: usize,
        offset: i64,
    },
    End {
        guest: usize,
        end: End,
        turns: Turns,
    },
    Destroy {
        guest: usize,
    },
    /// Into a file; with `stay` it goes on.
    Save {
        guest: usize,
        by: Tool,
        stay: bool,
        write: i64,
        turns: Turns,
    },
    Restore {
        file: usize,
        site: usize,
        by: Tool,
        turns: Turns,
    },
    /// `write`: what the guest does to its RTC when it is on its way already.
    Migrate {
        guest: usize,
        to: usize,
        by: Tool,
        write: i64,
        fails: bool,
        turns: Turns,
    },
    /// A config is written for the guest's next save, restore or migration.
    Give {
        guest: usize,
        given: Given,
    },
    Pass {
        seconds: i64,
    },
    /// To the next change of the site's zone.
    ToChange {
        site: usize,
    },
    /// The site's clock is set.
    Step {
        site: usize,
        seconds: i64,
    },
    Zone {
        site: usize,
        zone: &'static str,
    },
    /// The host boots anew, and finds its TSC faster by so many kHz.
    Boot {
        site: usize,
        drift: i32,
    },
    /// The host's clock is wrong by decades; with `None` it is right again.
    Date {
        site: usize,
        date: Option<&'static str>,
    },
    /// The service is started.
    Serve {
        site: usize,
    },
    Kill {
        site: usize,
    },
    /// The service dies at a deed to come.
    Dies {
        site: usize,
        at: u32,
        done: bool,
    },
    Poll {
        site: usize,
    },
    /// The record's file is cut off, or with `None` gone.
    Lose {
        site: usize,
        guest: usize,
        keeps: Option<u8>,
    },
    Sicken {
        site: usize,
        how: Sick,
    },
    Heal {
        site: usize,
    },
}

/// What a host's TSC is like.
#[derive(Clone, Debug)]
pub struct Machine {
    pub khz: u32,
    pub reliable: bool,
    /// `None` where it is not known.
    pub scaling: Option<bool>,
}

/// All that there is, and all that happens.
#[derive(Clone)]
pub struct Story {
    pub machines: [Machine; 2],
    pub guests: Vec<Spec>,
    pub ops: Vec<Op>,
}

/// One line for each thing.
impl std::fmt::Debug for Story {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.machines.iter().try_for_each(|machine| writeln!(f, "{machine:?}"))?;
        self.guests
            .iter()
            .enumerate()
            .try_for_each(|(number, spec)| writeln!(f, "guest {number}: {spec:?}"))?;
        self.ops.iter().enumerate().try_for_each(|(number, op)| writeln!(f, "{number}: {op:?}"))
    }
}

fn offsets() -> impl Strategy<Value = ClockOffset> {
    let seconds = || prop_oneof![Just(0), Just(3600), Just(-5400), -90_000..90_000_i64];
    let zone = prop_oneof![Just("Asia/Kathmandu"), Just("America/St_Johns"), Just("Europe/Berlin")];
    prop_oneof![
        2 => Just(ClockOffset::Utc { adjustment: None }),
        1 => seconds().prop_map(|by| ClockOffset::Utc { adjustment: Some(Adjustment::Seconds(by)) }),
        1 => Just(ClockOffset::Utc { adjustment: Some(Adjustment::Reset) }),
        2 => Just(ClockOffset::Localtime { adjustment: None }),
        1 => seconds().prop_map(|by| ClockOffset::Localtime { adjustment: Some(Adjustment::Seconds(by)) }),
        2 => zone.prop_map(|zone| ClockOffset::Timezone { timezone: zone.to_owned() }),
        3 => seconds().prop_map(|adjustment| ClockOffset::Variable { adjustment, basis: Basis::Utc }),
        3 => seconds().prop_map(|adjustment| ClockOffset::Variable { adjustment, basis: Basis::Localtime }),
        1 => (1_700_000_000..2_000_000_000_i64).prop_map(|start| ClockOffset::Absolute { start }),
    ]
}

fn tscs() -> impl Strategy<Value = Option<(TimerMode, Option<u32>)>> {
    let khz = prop_oneof![Just(1_000_000), Just(2_600_000), Just(3_000_000), Just(2_599_999)];
    let mode = prop_oneof![Just(TimerMode::Auto), Just(TimerMode::Emulate)];
    prop_oneof![
        2 => Just(None),
        3 => (mode, prop::option::weighted(0.8, khz)).prop_map(Some),
        1 => Just(Some((TimerMode::Native, None))),
    ]
}

fn specs() -> impl Strategy<Value = Spec> {
    let kind = prop_oneof![4 => Just(GuestKind::Hvm), 1 => Just(GuestKind::Pvh), 1 => Just(GuestKind::Pv)];
    let by = prop_oneof![3 => Just(By::Us), 3 => Just(By::Asked), 2 => Just(By::Discovered)];
    (kind, offsets(), tscs(), by, prop::bool::weighted(0.3)).prop_map(|(kind, offset, tsc, by, clean)| {
        // What xl.cfg's own keys can say.
        let offset = match (by, offset.effective()) {
            (By::Discovered, ClockOffset::Localtime { .. }) => {
                ClockOffset::Variable { adjustment: 0, basis: Basis::Localtime }
            }
            (By::Discovered, variable @ ClockOffset::Variable { .. }) => variable,
            (By::Discovered, _) => ClockOffset::Variable { adjustment: 0, basis: Basis::Utc },
            (_, _) => offset,
        };
        let tsc = tsc.map(|(mode, khz)| (mode, khz.filter(|_| by != By::Discovered)));
        Spec { kind, offset, tsc, by, clean: clean && by == By::Asked }
    })
}

fn ops() -> impl Strategy<Value = Op> {
    let guest = || 0..GUESTS;
    let site = || 0..2_usize;
    let turns = || {
        (prop::bool::weighted(0.85), prop::bool::weighted(0.85)).prop_map(|(end, birth)| Turns { end, birth })
    };
    let tool = || prop_oneof![Just(Tool::Us), Just(Tool::Xl)];
    let write = || {
        prop_oneof![
            4 => -4000..4000_i64,
            2 => prop_oneof![Just(3600), Just(-3600), Just(1), Just(-1)],
            1 => -400_000_000..400_000_000_i64,
            1 => prop_oneof![Just(2_200_000_000_i64), Just(-800_000_000)],
        ]
    };
    let on_the_way = || prop_oneof![3 => Just(0), 1 => -100..100_i64];
    let end = prop_oneof![
        5 => Just(End::Reboot),
        2 => Just(End::Crash),
        2 => Just(End::Poweroff),
        1 => Just(End::SoftReset)
    ];
    let pass =
        prop_oneof![2 => 0..100_i64, 1 => Just(86_400), 1 => Just(40 * 86_400), 1 => Just(150 * 86_400)];
    let zone = prop::sample::select(&ZONES[..]);
    let call = prop_oneof![
        3 => Just("set_time_offset"),
        1 => Just("set_initial_tsc"),
        1 => Just("rtc_record"),
        1 => Just("create_paused"),
        1 => Just("unpause")
    ];
    let kind = prop_oneof![
        Just(ErrorKind::Permission),
        Just(ErrorKind::NoSuchDomain),
        Just(ErrorKind::Io),
        Just(ErrorKind::NoMemory)
    ];
    let fault = (call, kind).prop_map(|(call, kind)| Fault { call, kind });
    let drift = prop_oneof![2 => Just(0), 1 => Just(1), 1 => Just(-1), 1 => -40_000..40_000_i32];
    let date = prop_oneof![
        1 => Just(Some("1970-01-01T00:00:10Z")),
        1 => Just(Some("2106-02-07T06:28:16Z")),
        1 => Just(Some("1999-12-31T23:59:50Z")),
        3 => Just(None)
    ];
    let step = prop_oneof![Just(-7200), Just(5), -100_000..100_000_i64, Just(30 * 86_400)];
    prop_oneof![
        6 => (guest(), site(), turns()).prop_map(|(guest, site, turns)| Op::Start { guest, site, turns }),
        4 => (guest(), site(), fault).prop_map(|(guest, site, fault)| Op::Vain { guest, site, fault }),
        10 => (guest(), write()).prop_map(|(guest, by)| Op::Write { guest, by }),
        8 => (guest(), end, turns()).prop_map(|(guest, end, turns)| Op::End { guest, end, turns }),
        1 => (guest(), -20_000..20_000_i64).prop_map(|(guest, offset)| Op::Set { guest, offset }),
        1 => guest().prop_map(|guest| Op::Destroy { guest }),
        5 => (guest(), tool(), prop::bool::weighted(0.3), on_the_way(), turns())
            .prop_map(|(guest, by, stay, write, turns)| Op::Save { guest, by, stay, write, turns }),
        6 => (prop_oneof![4 => Just(0_usize), 1 => 0..4_usize], site(), tool(), turns())
            .prop_map(|(file, site, by, turns)| Op::Restore { file, site, by, turns }),
        5 => (guest(), 0..2_usize, tool(), on_the_way(), prop::bool::weighted(0.2), turns()).prop_map(
            |(guest, to, by, write, fails, turns)| Op::Migrate { guest, to, by, write, fails, turns }
        ),
        4 => (guest(), offsets(), tscs(), any::<bool>()).prop_map(|(guest, offset, tsc, leaving)| Op::Give {
            guest,
            given: Given { offset, tsc, leaving }
        }),
        2 => pass.prop_map(|seconds| Op::Pass { seconds }),
        2 => site().prop_map(|site| Op::ToChange { site }),
        1 => (site(), step).prop_map(|(site, seconds)| Op::Step { site, seconds }),
        1 => (site(), zone).prop_map(|(site, zone)| Op::Zone { site, zone }),
        2 => (site(), drift).prop_map(|(site, drift)| Op::Boot { site, drift }),
        2 => (site(), date).prop_map(|(site, date)| Op::Date { site, date }),
        6 => site().prop_map(|site| Op::Serve { site }),
        1 => site().prop_map(|site| Op::Kill { site }),
        2 => (site(), 0..25_u32, any::<bool>()).prop_map(|(site, at, done)| Op::Dies { site, at, done }),
        6 => site().prop_map(|site| Op::Poll { site }),
        1 => (site(), guest(), prop::option::of(any::<u8>()))
            .prop_map(|(site, guest, keeps)| Op::Lose { site, guest, keeps }),
        1 => (site(), prop_oneof![2 => Just(Sick::ReadOnly), 1 => Just(Sick::Gone)])
            .prop_map(|(site, how)| Op::Sicken { site, how }),
        6 => site().prop_map(|site| Op::Heal { site }),
    ]
}

/// Stories of this many happenings at most.
pub fn stories(most: usize) -> impl Strategy<Value = Story> {
    let scaling = || prop_oneof![2 => Just(Some(true)), 2 => Just(Some(false)), 1 => Just(None)];
    let khz = || {
        prop_oneof![
            2 => Just(2_600_000),
            2 => Just(3_000_000),
            1 => Just(2_600_001),
            1 => Just(2_599_999),
            1 => Just(1_000_000)
        ]
    };
    let machine = || {
        (khz(), prop::bool::weighted(0.7), scaling()).prop_map(|(khz, reliable, scaling)| Machine {
            khz,
            reliable,
            scaling,
        })
    };
    let machines = [machine(), machine()];
    // Most begin with what makes the rest worth telling.
    let both = Turns { end: true, birth: true };
    let serve = |site, often| prop::option::weighted(often, Just(Op::Serve { site }));
    let start = |guest, often| {
        prop::option::weighted(
            often,
            (0..2_usize).prop_map(move |site| Op::Start { guest, site, turns: both }),
        )
    };
    let beginning = (serve(0, 0.9), serve(1, 0.8), start(0, 0.9), start(1, 0.7), start(2, 0.5));
    (machines, prop::collection::vec(specs(), GUESTS), beginning, prop::collection::vec(ops(), 1..most))
        .prop_map(|(machines, guests, beginning, more)| {
            let (one, two, three, four, five) = beginning;
            let ops = [one, two, three, four, five].into_iter().flatten().chain(more).collect();
            Story { machines, guests, ops }
        })
}
