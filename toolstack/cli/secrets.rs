//! Passwords in files that are written: only the owner may read these.

use std::path::Path;

use super::output;
use xenclock::domain::DomainConfig;

/// Says that a written file has a password in it, and its mode.
pub(super) fn say_secret(file: &Path) {
    output::message(&format!(
        "xenclock: {} contains a password: only its owner can read it (mode 0600)",
        file.display()
    ));
}

/// Returns true if a domain has a password of a display, or if its text has one in it.
pub(super) fn has_password(config: &DomainConfig, text: &str) -> bool {
    let hvm = config.b_info.hvm.as_ref();
    let of_hvm = hvm.into_iter().flat_map(|hvm| [&hvm.vnc.passwd, &hvm.spice.passwd]);
    let mut of_displays = of_hvm.chain(config.vfbs.iter().map(|vfb| &vfb.vnc.passwd)).flatten();
    of_displays.any(|password| !password.is_empty()) || has_password_in(text)
}

/// A text that a line with a password has, and whether such a line has one.
type Sign = (&'static str, fn(&str) -> bool);

const SIGNS: [Sign; 8] = [
    ("passw", |line| is_given(line, &["passwd", "password"])),
    ("secret", |line| is_given(line, &["data"])),
    // As systemd takes them from a command line and from the firmware: their name says nothing.
    ("systemd.set_credential", |_| true),
    ("io.systemd.credential", |line| line.contains("passphrase") || line.contains("private-key")),
    ("adminpass>", |_| true),
    ("token=", |_| true),
    (":key=", |_| true),
    ("://", is_in_url),
];

/// Returns true if a text has a password in it, in any of the formats that are written: of a display, in words for QEMU,
/// in the URL of a disk, in a comment, in a remedy, or under a name that only says so.
pub(super) fn has_password_in(text: &str) -> bool {
    let lower = text.to_ascii_lowercase();
    // Few texts have any of the signs, and few lines.
    SIGNS.iter().any(|(sign, is_given)| {
        lower.contains(sign) && lower.lines().any(|line| line.contains(sign) && is_given(line))
    })
}

/// True if a name that ends in a word has a value: `vncpasswd = "x"`, `password=x`, `"passwd": "x"`,
/// `name='PASSWORD' value='x'`, `passwd.hashed-password.root=x` as systemd names its credentials, or if the word is that of an
/// element or ends its name, `<password>x`, `<entry name='a/password'>x`.
fn is_given(line: &str, words: &[&str]) -> bool {
    const QUOTES: [&str; 5] = ["\\\"", "&quot;", "&apos;", "\"", "'"];
    let unquoted = |text: &str| QUOTES.iter().find_map(|quote| text.strip_prefix(quote)).map(str::to_owned);
    let ends = words.iter().flat_map(|word| line.match_indices(word).map(|(at, _)| &line[at + word.len()..]));
    ends.into_iter().any(|rest| {
        let closed = unquoted(rest);
        let rest = closed.as_deref().unwrap_or(rest);
        if let Some(element) = rest.strip_prefix('>') {
            return !element.starts_with('<') && element.contains("</");
        }
        // Whose password it is, and QEMU's word for a value.
        let of_whom = |c: char| c.is_ascii_alphanumeric() || "._-@".contains(c);
        let rest = if rest.starts_with('.') { rest.trim_start_matches(of_whom) } else { rest };
        let rest = rest.strip_prefix(",string").unwrap_or(rest).trim_start();
        let value = match (rest.strip_prefix('='), rest.strip_prefix(':'), rest.strip_prefix("value=")) {
            (Some(value), ..) => value,
            (_, Some(value), _) | (.., Some(value)) if closed.is_some() => value,
            _ => return false,
        };
        let value = value.trim_start();
        // QEMU's switch is no password, and neither is what stands for one in a remedy.
        let is_none = |value: &str| {
            let end = value.split(|c: char| !c.is_ascii_alphanumeric()).next();
            matches!(end, Some("on" | "off")) || value.starts_with("...\"") || value.starts_with("...\\\"")
        };
        match unquoted(value) {
            Some(value) => !is_none(&value) && !QUOTES.iter().any(|quote| value.starts_with(quote)),
            None => !is_none(value) && value.starts_with(|c: char| !c.is_whitespace() && !",;]".contains(c)),
        }
    })
}

/// True if the user of a URL has a password.
fn is_in_url(line: &str) -> bool {
    line.split("://").skip(1).any(|rest| {
        let host = rest.split(['/', '"', '\'', ' ']).next().unwrap_or_default();
        host.split_once('@').is_some_and(|(user, _)| user.contains([':', '%']))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_are_found_in_every_format() {
        let given = [
            "vncpasswd = \"hush\"",
            "vfb = [ \"vnc=1,vncpasswd=hush\" ]",
            "vfb = [ 'vnc=1, VNCPASSWD = hush' ]",
            "    \"passwd\": \"hush\",",
            "  \"spice.passwd\": \"hush\"",
            "<graphics type='vnc' passwd='hush'/>",
            "<qemu:env name='A_PASSWORD' value='hush'/>",
            "# vncpasswd = \"hush\"",
            "#   instead: write vncpasswd = \"hush\"",
            "\"instead\": \"write vncpasswd = \\\"hush\\\"\",",
            "<td>write vncpasswd = &quot;hush&quot;</td>",
            "my_password=hush",
            "device_model_args = [ \"-object\", \"secret,id=s,data=hush\" ]",
            "device_model_args = [ \"-object\", '{\"qom-type\":\"secret\",\"data\":\"hush\"}' ]",
            "disk = [ 'target=json:{\"driver\":\"ssh\",\"password\":\"hush\"}' ]",
            "disk = [ \"target=nbd://user:hush@host/x\" ]",
            "disk = [ \"target=iscsi://user%hush@host/x\" ]",
            "disk = [ \"target=rbd:pool/image:id=a:key=hush\" ]",
            "<source protocol='https' name='x' query='token=hush'/>",
            "<x:password>hush</x:password>",
            "vncpasswd = \"[hush\"",
            "vncpasswd = \" hush\"",
            "vncpasswd=[hush",
            "    \"passwd\": \"{hush\"",
            "<graphics type='vnc' passwd='&amp;hush'/>",
            "smbios = [ \"oem=io.systemd.credential:passwd.plaintext-password.root=hush\" ]",
            "  \"value\": \"io.systemd.credential.binary:passwd.hashed-password.root=JDYk\"",
            "<entry>io.systemd.credential:passwd.plaintext-password.a@b=hush</entry>",
            "<entry name='opt/example/password'>hush</entry>",
            "device_model_args = [ \"-fw_cfg\", \"name=opt/a/password,string=hush\" ]",
        ];
        for text in given {
            assert!(has_password_in(text), "{text}");
            assert!(has_password_in(&format!("memory = 64\n{text}\nvcpus = 1\n")), "{text}");
        }
        let not_given = [
            "vncpasswd = \"\"",
            "vfb = [ \"vnc=1,vncpasswd=,keymap=de\" ]",
            "    \"passwd\": \"\",",
            "<graphics type='vnc' passwd=''/>",
            "  instead: add spicepasswd = \"...\", or spicedisable_ticketing = 1",
            "# an empty password: libxl takes it for none",
            "kernel = \"/boot/secrets\"",
            "disk = [ \"target=nbd://host/x\" ]",
            "disk = [ \"target=/dev/a@b:c\" ]",
            "device_model_args = [ \"-object\", \"secret,id=s,file=/etc/key\" ]",
            "cmdline = \"ro passwd_timeout=3\"",
            "device_model_args = [ \"-vnc\", \":1,password=on\" ]",
            "<password></password>",
            "<entry name='opt/example/password'></entry>",
            "<entry name='opt/example/password' file='/root/key'/>",
            "device_model_args = [ \"-fw_cfg\", \"name=opt/a/password,file=/root/key\" ]",
            "smbios = [ \"oem=io.systemd.credential:ssh.authorized_keys.root=ssh-ed25519 A\" ]",
            "kernel = \"/boot/passwd.d/k\"",
        ];
        for text in not_given {
            assert!(!has_password_in(text), "{text}");
        }
    }
}
