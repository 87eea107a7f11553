//! As much of QEMU as libxl talks to: a QMP socket that says yes, and the node in xenstore that says that it runs.
//!
//! It is a process of its own, started and killed by libxl as QEMU would be.

use std::io::{self, BufRead, BufReader, Write};
use std::os::fd::FromRawFd;
use std::os::unix::net::{UnixListener, UnixStream};
use std::process::ExitCode;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::store::client::Client;

/// Runs until libxl ends it, or the test is over.
#[must_use]
pub fn run(arguments: &[String]) -> ExitCode {
    match start(arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("device model: {error}");
            ExitCode::FAILURE
        }
    }
}

fn start(arguments: &[String]) -> io::Result<()> {
    let after = |option: &str| {
        let at = arguments.iter().position(|argument| argument == option);
        at.and_then(|at| arguments.get(at + 1))
            .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, format!("no {option}")))
    };
    let domid: u32 = after("-xen-domid")?.parse().map_err(io::Error::other)?;
    let restored = arguments.iter().any(|argument| argument == "-incoming");
    let monitor = arguments
        .iter()
        .find_map(|argument| argument.strip_prefix("socket,id=libxl-cmd,"))
        .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "no monitor"))?;
    let listener = listener(monitor)?;
    let mut store = Client::open()?;
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            thread::spawn(move || monitor_talk(stream, restored));
        }
    });
    // libxl notes the number of this process meanwhile, to end it by. QEMU takes longer than that.
    let (noted, me) =
        (format!("/local/domain/{domid}/image/device-model-pid"), std::process::id().to_string());
    let start = Instant::now();
    while store.read(&noted).as_ref() != Some(&me) {
        if start.elapsed() > Duration::from_secs(30) {
            return Err(io::Error::other("libxl does not know of this process"));
        }
        thread::sleep(Duration::from_millis(1));
    }
    store.write(&format!("/local/domain/0/device-model/{domid}/state"), "running")?;
    // xenstored says nothing that was not asked for, so this waits until it is gone.
    store.wait();
    Ok(())
}

fn listener(monitor: &str) -> io::Result<UnixListener> {
    let part = |key: &str| monitor.split(',').find_map(|part| part.strip_prefix(key));
    match (part("path="), part("fd=").and_then(|fd| fd.parse().ok())) {
        (Some(path), _) => {
            let _ = std::fs::remove_file(path);
            UnixListener::bind(path)
        }
        // SAFETY: libxl has opened it for this process, and nothing else here uses it.
        (None, Some(fd)) => Ok(unsafe { UnixListener::from_raw_fd(fd) }),
        (None, None) => Err(io::Error::new(io::ErrorKind::InvalidInput, "a monitor without a place")),
    }
}

fn monitor_talk(stream: UnixStream, restored: bool) -> io::Result<()> {
    let mut answers = stream.try_clone()?;
    let mut added = Vec::new();
    let version = json!({"qemu": {"micro": 0, "minor": 2, "major": 7}, "package": ""});
    writeln!(answers, "{}\r", json!({"QMP": {"version": version, "capabilities": []}}))?;
    for line in BufReader::new(stream).lines() {
        let Ok(command) = serde_json::from_str::<Value>(&line?) else { continue };
        let answer = match command["execute"].as_str() {
            Some("query-status") => {
                let status = if restored { "paused" } else { "prelaunch" };
                json!({"status": status, "running": false, "singlestep": false})
            }
            Some("query-chardev") => json!([]),
            Some("query-vnc") => json!({"enabled": false}),
            Some("query-version") => version.clone(),
            Some("device_add") => {
                added.push(command["arguments"]["id"].clone());
                json!({})
            }
            Some("query-pci") => {
                let devices: Vec<_> = added
                    .iter()
                    .enumerate()
                    .map(|(place, id)| json!({"bus": 0, "slot": 5 + place, "function": 0, "qdev_id": id}))
                    .collect();
                json!([{"bus": 0, "devices": devices}])
            }
            Some("add-fd") => json!({"fdset-id": 0, "fd": 3}),
            _ => json!({}),
        };
        let mut answer = json!({"return": answer});
        if !command["id"].is_null() {
            answer["id"] = command["id"].clone();
        }
        writeln!(answers, "{answer}\r")?;
    }
    Ok(())
}
