//! The hidden command that sets the TSC of new domains: for the service, which may die at any moment, and for the
//! device-model wrapper.
//!
//! A domain is paused for some milliseconds while its TSC is set, and it stays paused if the process that paused it
//! dies. Therefore the service uses a helper process, which is started in advance, is ended by no signal except
//! SIGKILL, and exits by itself once the service has ended and no work is left.

use std::ffi::OsString;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use serde_json::json;

use super::args::{Backend, Global, TscHelperArgs};
use super::backend;
use super::output::{self, Failure};
use xenclock::apply::clock::SetTsc;
use xenclock::host::{DomId, ErrorKind, Event, HostError, TscInfo};
use xenclock::tracking::hold::NotedTsc;
use xenclock::tracking::requests::XmlRequests;
use xenclock::tracking::watch::{Tools, Watch, WatchOptions};

pub(super) fn run(global: &Global, helper: &TscHelperArgs) -> Result<(), Failure> {
    match &helper.device_model {
        Some(words) => wrapper(global, helper, words),
        None => serve(global),
    }
}

/// The word for a restored domain.
const NATIVE: &str = "native";

/// Answers a line `DOMID MODE KHZ` or `DOMID native` with a line: `ok`, or what went wrong.
fn serve(global: &Global) -> Result<(), Failure> {
    let _ = rustix::process::setsid();
    for signal in [signal_hook::consts::SIGTERM, signal_hook::consts::SIGINT, signal_hook::consts::SIGHUP] {
        // A handler that does nothing: the signal no longer ends this process.
        signal_hook::flag::register(signal, Arc::new(AtomicBool::new(false)))
            .map_err(|error| Failure::Error(format!("signals: {error}")))?;
    }
    let host = backend::open(global)?;
    let records = backend::records(global);
    let mut setter = NotedTsc::new(&*host, &records)?;
    let mut out = std::io::stdout().lock();
    for line in std::io::stdin().lock().lines() {
        let Ok(line) = line else { break };
        let answer = match order(&line) {
            Some(order) => match order.obey(&mut setter) {
                Ok(()) => "ok".to_owned(),
                Err(error) => error.to_string().replace('\n', " "),
            },
            None => format!("'{line}' is neither DOMID MODE KHZ nor DOMID native"),
        };
        if writeln!(out, "{answer}").and_then(|()| out.flush()).is_err() {
            break;
        }
    }
    Ok(())
}

/// An order to the helper.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Order {
    /// A new domain's TSC.
    Set(DomId, TscInfo),
    /// A restored domain's.
    MakeNative(DomId),
}

impl Order {
    fn obey(self, setter: &mut dyn SetTsc) -> Result<(), HostError> {
        match self {
            Order::Set(domid, info) => setter.set_tsc(domid, &info),
            Order::MakeNative(domid) => setter.make_tsc_native(domid),
        }
    }
}

fn order(line: &str) -> Option<Order> {
    let words: Vec<_> = line.split_whitespace().collect();
    let number = |word: &str| word.parse::<u32>().ok();
    match words[..] {
        [domid, NATIVE] => Some(Order::MakeNative(DomId(number(domid)?))),
        [domid, mode, khz] => {
            let info = TscInfo { mode: number(mode)?, elapsed_ns: 0, khz: number(khz)?, incarnation: 0 };
            Some(Order::Set(DomId(number(domid)?), info))
        }
        _ => None,
    }
}

/// A helper that has not answered within this time is stopped or stuck. The next one ends the pause that it began.
const ANSWER: Duration = Duration::from_secs(5);

/// A helper that has not ended within this time is left to itself: it ends once its last order is obeyed.
const END: Duration = Duration::from_secs(2);

/// The service's end of it.
pub(super) struct HelperProcess {
    words: Vec<OsString>,
    running: Option<Running>,
}

struct Running {
    child: Child,
    orders: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Running {
    /// The answer to an order. The helper sends one line for each, so that nothing is left in the buffer before.
    fn answer(&mut self) -> std::io::Result<String> {
        let limit = Instant::now() + ANSWER;
        loop {
            let left = limit.saturating_duration_since(Instant::now());
            let left = Timespec::try_from(left).map_err(std::io::Error::other)?;
            match poll(&mut [PollFd::new(self.answers.get_ref(), PollFlags::IN)], Some(&left)) {
                Ok(0) => return Err(std::io::Error::new(std::io::ErrorKind::TimedOut, "no answer")),
                Ok(_) => break,
                Err(rustix::io::Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
        let mut line = String::new();
        match self.answers.read_line(&mut line)? {
            0 => Err(std::io::ErrorKind::UnexpectedEof.into()),
            _ => Ok(line.trim_end_matches('\n').to_owned()),
        }
    }

    /// Takes the orders away, so that it ends.
    fn end(self) {
        let Running { mut child, orders, .. } = self;
        drop(orders);
        let limit = Instant::now() + END;
        while matches!(child.try_wait(), Ok(None)) && Instant::now() < limit {
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

impl HelperProcess {
    /// Starts it, so that it is there when it is needed.
    pub(super) fn start(global: &Global) -> Result<HelperProcess, Failure> {
        let backend = match &global.backend {
            Some(Backend::Mock(Some(file))) => {
                let mut word = OsString::from("mock:");
                word.push(file);
                word
            }
            _ => "libxl".into(),
        };
        let mut words: Vec<OsString> = vec!["--backend".into(), backend];
        if let Some(dir) = &global.records {
            words.extend(["--records".into(), dir.into()]);
        }
        words.push("tsc-helper".into());
        let mut guard = HelperProcess { words, running: None };
        guard.running =
            Some(guard.spawn().map_err(|error| Failure::Error(format!("the service's helper: {error}")))?);
        Ok(guard)
    }

    fn spawn(&self) -> std::io::Result<Running> {
        let mut child = Command::new(std::env::current_exe()?)
            .args(&self.words)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let gone = || std::io::Error::other("its pipes are closed");
        let (orders, answers) = (child.stdin.take().ok_or_else(gone)?, child.stdout.take().ok_or_else(gone)?);
        Ok(Running { child, orders, answers: BufReader::new(answers) })
    }

    fn ask(&mut self, line: &str) -> std::io::Result<String> {
        let running = match &mut self.running {
            Some(running) => running,
            none => none.insert(HelperProcess { words: self.words.clone(), running: None }.spawn()?),
        };
        writeln!(running.orders, "{line}")?;
        running.orders.flush()?;
        running.answer()
    }
}

impl SetTsc for HelperProcess {
    fn set_tsc(&mut self, domid: DomId, info: &TscInfo) -> Result<(), HostError> {
        self.order(&format!("set the TSC of domain {domid}"), &format!("{domid} {} {}", info.mode, info.khz))
    }

    fn make_tsc_native(&mut self, domid: DomId) -> Result<(), HostError> {
        self.order(&format!("make the TSC of domain {domid} native"), &format!("{domid} {NATIVE}"))
    }
}

impl HelperProcess {
    fn order(&mut self, doing: &str, line: &str) -> Result<(), HostError> {
        // One that was killed has set nothing, or half of it.
        match self.try_order(doing, line) {
            Err(error) if error.kind == ErrorKind::Io => self.try_order(doing, line),
            done => done,
        }
    }

    fn try_order(&mut self, doing: &str, line: &str) -> Result<(), HostError> {
        match self.ask(line) {
            Ok(answer) if answer == "ok" => Ok(()),
            Ok(answer) => Err(HostError::new(ErrorKind::Other, doing, answer)),
            Err(error) => {
                // The next time there is a new one.
                if let Some(mut running) = self.running.take() {
                    let _ = running.child.kill();
                    running.end();
                }
                Err(HostError::new(ErrorKind::Io, doing, format!("the service's helper failed: {error}"))
                    .caused_by(error))
            }
        }
    }
}

impl Drop for HelperProcess {
    fn drop(&mut self) {
        if let Some(running) = self.running.take() {
            running.end();
        }
    }
}

/// Runs for the device-model wrapper before it becomes the device model: the guest cannot run before that, so nothing
/// comes too late. Every failure is printed, and none keeps the guest from starting.
fn wrapper(global: &Global, helper: &TscHelperArgs, words: &[OsString]) -> Result<(), Failure> {
    let Some(domid) = domid_of(words) else { return Ok(()) };
    let host = backend::open(global)?;
    let records = backend::records(global);
    let zones = backend::zones();
    let mut requests = XmlRequests::in_dirs(helper.xml_dirs());
    let mut tell = |event| output::message(&json!(event).to_string());
    let tools = Tools {
        host: &*host,
        records: &records,
        zones: &*zones,
        tsc: &mut NotedTsc::new(&*host, &records)?,
        requests: &mut requests,
        tell: &mut tell,
    };
    let uuid = backend::find(&*host, &domid.to_string())?.uuid;
    Ok(Watch::new(tools, WatchOptions::default().tsc_tolerance(backend::tsc_tolerance(global)?))
        .event(&Event::Introduced { domid, uuid })?)
}

/// libxl tells its device models the domain by `-xen-domid N`.
fn domid_of(words: &[OsString]) -> Option<DomId> {
    let at = words.iter().position(|word| word == "-xen-domid")?;
    words.get(at + 1)?.to_str()?.parse().ok().map(DomId)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_domain_in_a_device_models_words() {
        let words = |text: &str| text.split(' ').map(OsString::from).collect::<Vec<_>>();
        assert_eq!(domid_of(&words("-xen-domid 7 -no-shutdown")), Some(DomId(7)));
        assert_eq!(domid_of(&words("-no-shutdown -xen-domid")), None);
        assert_eq!(domid_of(&words("-xen-attach")), None);
    }

    #[test]
    fn orders() {
        let info = TscInfo { mode: 1, elapsed_ns: 0, khz: 1_000_000, incarnation: 0 };
        assert_eq!(order("5 1 1000000"), Some(Order::Set(DomId(5), info)));
        assert_eq!(order("5 native"), Some(Order::MakeNative(DomId(5))));
        for line in ["", "5", "5 1", "5 1 x", "5 1 1 1", "-5 1 1", "native", "native 5", "5 native 1"] {
            assert_eq!(order(line), None, "{line}");
        }
    }
}
