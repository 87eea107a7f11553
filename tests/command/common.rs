//! Helpers of the command's tests: a fresh directory in which to run it, and the XML files to run it on.

use std::ffi::OsStr;
use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;
use tempfile::TempDir;

/// The moment at which the tests' hosts stand.
pub const NOW: &str = "2026-07-01T12:00:00Z";

/// What a run of the command gave.
#[derive(Debug)]
pub struct Run {
    pub code: i32,
    pub out: String,
    pub err: String,
}

impl Run {
    /// Standard output, of a run that must have gone well.
    #[track_caller]
    pub fn ok(self) -> String {
        assert_eq!(self.code, 0, "{self:?}");
        self.out
    }

    /// Standard error, of a run that must have failed so and given no data.
    #[track_caller]
    pub fn fails(self, code: i32) -> String {
        assert_eq!((self.code, self.out.as_str()), (code, ""), "{self:?}");
        self.err
    }

    /// Standard output as JSON, of a run that must have gone well.
    #[track_caller]
    pub fn json(self) -> Value {
        let out = self.ok();
        serde_json::from_str(&out).unwrap_or_else(|error| panic!("{error}: {out}"))
    }
}

/// A fresh directory, with the command to run in it.
pub struct Lab {
    dir: TempDir,
}

impl Default for Lab {
    fn default() -> Self {
        Lab::new()
    }
}

impl Lab {
    pub fn new() -> Self {
        Lab { dir: TempDir::new().unwrap() }
    }

    /// With the state file of a mock host, `mock.json`, that stands at [`NOW`] and has these facts besides.
    pub fn with_host(facts: Value) -> Self {
        let lab = Lab::new();
        let mut host = serde_json::json!({"now": NOW, "timezone": "Europe/Berlin"});
        host.as_object_mut().unwrap().extend(facts.as_object().unwrap().clone());
        lab.write("mock.json", serde_json::json!({"host": host}).to_string());
        lab
    }

    pub fn path(&self, name: impl AsRef<Path>) -> PathBuf {
        self.dir.path().join(name)
    }

    pub fn write(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        fs::write(&path, content).unwrap();
        path
    }

    pub fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap()
    }

    /// A program in the directory.
    pub fn program(&self, name: &str, script: &str) -> PathBuf {
        let path = self.write(name, script);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        path
    }

    /// The command on the mock host, where programs in the directory are found first.
    pub fn with_programs<'a>(&self, words: impl IntoIterator<Item = &'a str>) -> Run {
        let mut command = self.command(["--backend", "mock:mock.json"].into_iter().chain(words));
        command.env("PATH", self.path_with_programs());
        finish(command, b"")
    }

    /// A `PATH` that begins with the directory.
    pub fn path_with_programs(&self) -> std::ffi::OsString {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let dirs = std::iter::once(self.path(".")).chain(std::env::split_paths(&path));
        std::env::join_paths(dirs).unwrap()
    }

    /// The names of all files in the directory.
    pub fn files(&self) -> Vec<String> {
        let names = fs::read_dir(self.dir.path()).unwrap();
        let mut names: Vec<_> =
            names.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    /// The command in this directory, with nothing in its environment that could change what it says.
    pub fn command<S: AsRef<OsStr>>(&self, words: impl IntoIterator<Item = S>) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_xenclock"));
        command.args(words).current_dir(self.dir.path()).stdin(Stdio::null());
        for name in ["TZ", "TZDIR", "NO_COLOR", "CLICOLOR", "CLICOLOR_FORCE", "FORCE_COLOR", "XENCLOCK_LOG"] {
            command.env_remove(name);
        }
        command
    }

    pub fn run<S: AsRef<OsStr>>(&self, words: impl IntoIterator<Item = S>) -> Run {
        finish(self.command(words), b"")
    }

    /// With this on standard input.
    pub fn run_with<S: AsRef<OsStr>>(&self, words: impl IntoIterator<Item = S>, input: &[u8]) -> Run {
        finish(self.command(words), input)
    }

    /// On the mock host in `mock.json`.
    pub fn mock<'a>(&self, words: impl IntoIterator<Item = &'a str>) -> Run {
        self.run(["--backend", "mock:mock.json"].into_iter().chain(words))
    }
}

/// Runs a command to its end.
pub fn finish(mut command: Command, input: &[u8]) -> Run {
    command.stdin(if input.is_empty() { Stdio::null() } else { Stdio::piped() });
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    if let Some(mut stdin) = child.stdin.take() {
        // A command that refuses its input early may be gone before it has read all of it.
        let _ = stdin.write_all(input);
    }
    let output = child.wait_with_output().unwrap();
    Run {
        code: output.status.code().unwrap_or_else(|| panic!("{command:?} ended by {}", output.status)),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}

/// The words that make a conversion the same at any time and in any place.
pub const FIXED: [&str; 4] = ["--now", NOW, "--host-timezone", "Europe/Berlin"];

/// The project's directory.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// A file of the package.
pub fn packaged(name: &str) -> String {
    fs::read_to_string(root().join("toolstack/service").join(name)).unwrap()
}

/// Every domain XML there is to test with: our own fixtures, the examples of the documentation, the shared fixtures.
pub fn all_xml() -> Vec<PathBuf> {
    let mut files = own_xml();
    if let Some(shared) = xentest::shared("fixtures") {
        xml_in(&shared, &mut files);
    }
    files
}

/// Our own fixtures and the examples of the documentation.
pub fn own_xml() -> Vec<PathBuf> {
    let mut files = Vec::new();
    xml_in(&root().join("tests/fixtures"), &mut files);
    xml_in(&root().join("docs/examples"), &mut files);
    assert!(files.len() > 20, "the fixtures are missing");
    files
}

fn xml_in(dir: &Path, files: &mut Vec<PathBuf>) {
    let mut entries: Vec<_> = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path()).collect();
    entries.sort();
    for path in entries {
        if path.is_dir() {
            xml_in(&path, files);
        } else if path.extension() == Some(OsStr::new("xml")) {
            files.push(path);
        }
    }
}

/// The smallest domain of a kind (`hvm`, `pv` or `pvh`) with this inside.
pub fn domain(kind: &str, inside: &str) -> String {
    let os = match kind {
        "hvm" => "<os><type>hvm</type></os>",
        "pv" => "<os><type>xen</type><kernel>/boot/vmlinuz</kernel></os>",
        "pvh" => "<os><type>xenpvh</type><kernel>/boot/vmlinuz</kernel></os>",
        _ => panic!("no kind of guest: {kind}"),
    };
    format!("<domain type='xen'><name>guest</name><memory unit='MiB'>64</memory>{os}{inside}</domain>")
}
