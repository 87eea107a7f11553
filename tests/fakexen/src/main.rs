//! `fakexen COMMAND...`: runs a command in a dom0 that is none: the real xl, libxl and libxenctrl work in it, on the
//! mock host's model. The machine is there as long as the command; `fakexen sh` is a dom0 to look around in.
//!
//! In the directory `$FAKEXEN` are a `kernel` for PV and PVH guests, and a `loader`, a `bios` and a `device-model` for HVM
//! guests (`firmware_override`, `bios_path_override`, `device_model_override`).

#[cfg(feature = "libxl")]
fn main() -> std::process::ExitCode {
    use std::process::{Command, ExitCode};

    if let Some(code) = fakexen::parts::run() {
        return code;
    }
    let mut words = std::env::args_os().skip(1);
    let Some(program) = words.next() else {
        eprintln!("usage: fakexen COMMAND [ARGUMENT...]");
        return ExitCode::from(2);
    };
    let run = || -> std::io::Result<std::process::ExitStatus> {
        // SAFETY: nothing has started a thread yet.
        unsafe { fakexen::place::enter()? };
        // SAFETY: as above.
        let running = unsafe { fakexen::Running::start(fakexen::Facts::default())? };
        let mut command = Command::new(program);
        command.args(words).envs(running.environment()).env("FAKEXEN", running.dir());
        command.status()
    };
    match run() {
        Ok(status) => ExitCode::from(status.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(1)),
        Err(error) => {
            eprintln!("fakexen: {error}");
            ExitCode::FAILURE
        }
    }
}

#[cfg(not(feature = "libxl"))]
fn main() {
    eprintln!("fakexen: this build has nothing in it; build with --features libxl");
    std::process::exit(1);
}
