//! Guest time on Xen: xenclock reads a domain from libvirt domain XML or an xl.cfg, works out what its clock means on a
//! host, sets the TSC and the RTC through libxl and libxenctrl, and tracks the clock over reboots, saves, restores and
//! migrations.
//!
//! # From an XML to a running guest
//!
//! ```
//! use xenclock::convert::{Format, convert};
//! use xenclock::host::Host;
//! use xenclock::host::mock::Mock;
//! use xenclock::timers::Moment;
//! use xenclock::timers::zone::default_zones;
//! use xenclock::tracking::start::{StartOptions, clock_for, start};
//! use xenclock::tracking::store::RecordStore;
//! use xenclock::{plan, view, xml};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let text = "<domain type='kvm'>
//!   <name>guest</name>
//!   <uuid>6f2d4a54-0c1e-4e0b-9d53-2f0c5a4f7b11</uuid>
//!   <memory unit='MiB'>512</memory>
//!   <os><type>hvm</type></os>
//!   <clock offset='variable' adjustment='3600'>
//!     <timer name='tsc' frequency='2000000000'/>
//!   </clock>
//!   <devices><tpm model='tpm-crb'/></devices>
//! </domain>";
//!
//! // Every node has a verdict; what Xen cannot give is a loss, with its place and the reason.
//! let mut input = xml::read("guest.xml", text.as_bytes())?;
//! for loss in input.report.losses() {
//!     println!("{loss} [{}]", loss.finding.code);
//! }
//! assert!(input.report.losses().any(|loss| loss.node.starts_with("/domain/devices/tpm")));
//!
//! // A host: here the mock, in memory, with a clock that stands still.
//! let now = "2026-07-01T12:00:00Z".parse()?;
//! let host = Mock::in_memory(Box::new(move || now));
//! let (facts, zones) = (host.facts()?, default_zones());
//!
//! // The same domain as an xl.cfg.
//! let mut domain = input.domain.clone();
//! let at = Moment { now: facts.now, host_zone: &facts.zone, zones: &*zones };
//! let cfg = convert(&mut input, Format::Xl, &at)?;
//! assert!(cfg.contains("name = \"guest\"") && cfg.contains("clock_tsc_frequency = 2000000000"));
//!
//! // Its start, the first one or a later one: the clock is the one that the file requests, or what the guest has made of
//! // it since. It is planned without touching the host, then done step by step, read back and recorded by its UUID.
//! let records = RecordStore::in_memory();
//! let uuid = domain.config.c_info.uuid.ok_or("the domain has no UUID")?;
//! let asked = domain.clock.clone();
//! let (clock, warnings) = clock_for(records.get(uuid)?, &asked, domain.config.kind(), &facts, &*zones);
//! warnings.iter().for_each(|warning| println!("{warning}"));
//! domain.clock = clock;
//! let plan = plan::plan(&domain, &facts, &*zones, uuid)?;
//! let options = StartOptions::new(&records).asked(&asked);
//! let started = start(&plan, &host, &facts, &options, &mut |step| println!("{}: {}", step.kind, step.why))?;
//!
//! // What its clock is now.
//! let domid = started.outcome.domid;
//! let running = host.domains()?.into_iter().find(|domain| domain.domid == domid).ok_or("it has gone")?;
//! let record = records.get(uuid)?;
//! let clock = view::view(&host, &running, &facts, record.as_ref(), &*zones)?;
//! assert_eq!((clock.rtc.offset, clock.tsc.khz), (3600, 2_000_000));
//! # Ok(())
//! # }
//! ```
//!
//! The crate is not on crates.io: depend on its repository or on a copy of it. `uuid` (1), `chrono` (0.4) and `serde_json` (1)
//! are those whose types are in the interface.
//!
//! ```toml
//! [dependencies]
//! xenclock = { path = "../xenclock", default-features = false } # or git = "..."
//! ```
//!
//! `docs/examples/` has whole programs: a conversion with its diagnostics as data, a toolstack, a follower of events.
//!
//! # The parts
//!
//! Data flows one way:
//!
//! 1. [`xml`] reads a domain into the hub [`domain::Domain`], with a verdict for each node ([`diag`], [`assess`]).
//!    [`cfg`](mod@cfg) does the same for an xl.cfg.
//! 2. [`convert`](mod@convert) writes the domain as an xl.cfg, libxl's JSON or domain XML, or [`plan`](mod@plan) works out what
//!    its clock means on a host now.
//! 3. [`apply`](mod@apply) carries out the plan on a [`host::Host`] and reads everything back; [`tracking::start`] also
//!    writes the clock record. For a guest that ran before, [`clock_for`](tracking::start::clock_for) gives the clock to plan.
//! 4. [`tracking`] follows the guest: its monitor, the service, save, restore and migration. A restart that is refused leaves
//!    the domain where it is ([`RestartError::Refused`](tracking::monitor::RestartError::Refused) says what to do). [`lifecycle`] defines the
//!    effect of each event on the record; [`view`](mod@view) reports the clock of a running domain, and [`preflight`]
//!    the effect of a move to another host.
//!
//! Everything before `apply` is pure, and so is `lifecycle`: the time, the zone and the host's facts are arguments. The
//! rules for clocks themselves are in the crate [`timers`].
//!
//! # Features
//!
//! | feature | adds | default |
//! |---|---|---|
//! | `cli` | the command `xenclock`; a library user takes the crate with `default-features = false` | yes |
//! | `libxl` | the host `host::libxl`; needs libxen-dev, pkg-config, clang and libclang-dev to build | no |
//! | `embedded-tzdb` | a time zone database inside the program, for hosts without `/usr/share/zoneinfo` | no |
//!
//! # Errors
//!
//! Each error is a type. Its message is complete: it includes the messages of the errors that it comes from, so print it
//! alone. [`source`](std::error::Error::source) returns those errors for a program, such as the
//! [`std::io::Error`] of a record that cannot be read. [`host::HostError::kind`] is what a caller acts on.
//!
//! # Stability
//!
//! These are stable and only grow: the codes of findings ([`diag::Finding::code`]), the fields of every `--json` output
//! and every event ([`lifecycle::ClockEvent`]), the format of clock records (a newer release reads an older one's), and
//! the `clock_` keys of an xl.cfg.
//!
//! The Rust interface is at 0.x and may change with each minor release. Types that are known to grow are
//! `#[non_exhaustive]`: match them with a `_` arm and build them with their constructors. [`domain::config`] follows
//! libxl's IDL and gains its fields with each release of Xen; build its types with `..Default::default()`. Items marked
//! `#[doc(hidden)]` belong to the command and may change at any time.

pub use timers;

pub mod apply;
pub mod assess;
pub mod cfg;
pub mod convert;
pub mod diag;
pub mod domain;
pub mod edit;
#[doc(hidden)]
pub mod files;
pub mod host;
pub mod input;
pub mod inventory;
pub mod json;
pub mod lifecycle;
pub mod mapping;
pub mod plan;
pub mod preflight;
pub mod report;
pub mod tracking;
pub mod view;
pub(crate) mod write;
pub mod xl;
pub mod xml;
