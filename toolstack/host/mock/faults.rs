//! Injected errors: every call of a host can be made to fail a number of times.

use std::collections::BTreeMap;
use std::str::FromStr;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::host::{ErrorKind, HostError};

/// The calls of [`crate::host::Host`], by the names of its methods.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Call {
    Facts,
    Domains,
    DomainInfos,
    Placement,
    Dom0GivesMemory,
    MakeRoom,
    CreatePaused,
    RestorePaused,
    SavedRtc,
    Save,
    Resume,
    Unpause,
    Pause,
    Destroy,
    Rename,
    CoreDump,
    Preserve,
    SoftReset,
    Shutdown,
    TscInfo,
    SetTscInfo,
    SetInitialTsc,
    MakeTscNative,
    ToldTscKhz,
    SetTimeOffset,
    RtcRecord,
    StoredConfig,
    UserData,
    SetUserData,
    NextEvent,
}

impl Call {
    /// The call of this name; else what would be one.
    pub(super) fn named(name: &str) -> Result<Self, String> {
        named(name).map_err(|calls| format!("a host has no call '{name}'; the calls are {calls}"))
    }
}

impl FromStr for ErrorKind {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        named(name).map_err(|kinds| format!("there is no kind of failure '{name}'; the kinds are {kinds}"))
    }
}

/// The variant of this name in JSON; else the names that there are.
fn named<T: DeserializeOwned>(name: &str) -> Result<T, String> {
    serde_json::from_value(name.into()).map_err(|error: serde_json::Error| {
        let text = error.to_string();
        text.split_once("expected one of ").map_or(&*text, |(_, names)| names).replace('`', "")
    })
}

/// An injected failure, and the number of times that is left.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Fault {
    kind: ErrorKind,
    #[serde(default = "once")]
    times: u32,
}

fn once() -> u32 {
    1
}

/// The `faults` section of a state file.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct Faults(BTreeMap<Call, Fault>);

impl Faults {
    /// From now on this call fails, so many times; 0 takes it back.
    pub(super) fn inject(&mut self, call: Call, kind: ErrorKind, times: u32) {
        match times {
            0 => self.0.remove(&call),
            times => self.0.insert(call, Fault { kind, times }),
        };
    }

    /// True if this call is to fail.
    pub(super) fn waits_for(&self, call: Call) -> bool {
        self.0.contains_key(&call)
    }

    /// The error of this call, once.
    pub(super) fn strike(&mut self, call: Call, doing: &str) -> Option<HostError> {
        let fault = self.0.get_mut(&call)?;
        let kind = fault.kind;
        fault.times = fault.times.saturating_sub(1);
        if fault.times == 0 {
            self.0.remove(&call);
        }
        Some(HostError::new(kind, doing, format!("{} (injected)", said(kind))))
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// The message of a host for a kind of error.
fn said(kind: ErrorKind) -> &'static str {
    match kind {
        ErrorKind::NoSuchDomain => "no such domain",
        ErrorKind::Exists => "a domain with that name or UUID exists",
        ErrorKind::Invalid => "invalid argument",
        ErrorKind::NoRtc => "the guest has no RTC",
        ErrorKind::Permission => "permission denied",
        ErrorKind::NoMemory => "out of memory",
        ErrorKind::NotSupported => "this host does not support it",
        ErrorKind::WrongState => "the domain's state does not allow it",
        ErrorKind::Io => "input/output error",
        ErrorKind::Other => "it failed",
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_fault_strikes_as_often_as_asked() {
        let mut faults: Faults =
            serde_json::from_str(r#"{"set_tsc_info": {"kind": "permission", "times": 2}}"#).unwrap();
        assert_eq!(faults.strike(Call::TscInfo, "x"), None);
        for _ in 0..2 {
            let error = faults.strike(Call::SetTscInfo, "set TSC info of domain 3").unwrap();
            assert_eq!(error.kind, ErrorKind::Permission);
            assert_eq!(error.to_string(), "set TSC info of domain 3: permission denied (injected)");
        }
        assert_eq!(faults.strike(Call::SetTscInfo, "x"), None);
        assert!(faults.is_empty());
    }

    #[test]
    fn unknown_calls_and_kinds_are_named() {
        let error = Call::named("settscinfo").unwrap_err();
        assert!(
            error.starts_with("a host has no call 'settscinfo'; the calls are facts, domains"),
            "{error}"
        );
        assert_eq!(Call::named("restore_paused"), Ok(Call::RestorePaused));
        let parse = |json: &str| serde_json::from_str::<Faults>(json).unwrap_err().to_string();
        assert!(parse(r#"{"save": {"kind": "tired"}}"#).contains("unknown variant `tired`"));
        assert!(parse(r#"{"save": {"kind": "io", "time": 1}}"#).contains("unknown field `time`"));
    }
}
