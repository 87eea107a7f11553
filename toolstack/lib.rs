//! xenclock makes guest time on Xen right.
//!
//! One way through, no step reaches back:
//!
//! 1. [`xml`] reads a domain into the hub [`domain::Domain`], with a verdict for every node ([`diag`], [`judge`]);
//!    [`cfg`](mod@cfg) reads the clock of an xl.cfg, whose other keys the installed xl reads ([`xl`]);
//! 2. [`convert`](mod@convert) writes it in another format ([`write`](mod@write)), or [`plan`](mod@plan) works out what its clock means on
//!    a host now;
//! 3. [`apply`](mod@apply) does the plan on a [`host::Host`] and reads everything back;
//! 4. [`keep`] holds on to the clock while the guest lives, and when it ends and starts again; [`life`] says what each
//!    happening makes of the clock's record.
//!
//! Everything before `apply` is pure, and so is `life`: time, zone and the host's facts come in as values.

pub mod apply;
pub mod assess;
pub mod cfg;
pub mod convert;
pub mod diag;
pub mod domain;
pub mod files;
pub mod host;
pub mod lifecycle;
pub mod plan;
pub mod preflight;
pub mod tracking;
pub mod view;
pub mod write;
pub mod xl;
pub mod xml;
