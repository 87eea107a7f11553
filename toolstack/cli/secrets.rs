//! Passwords in files that are written: only the owner may read these.

use std::path::Path;

use super::output;

/// Says that a written file has a password in it, and its mode.
pub(super) fn say_secret(file: &Path) {
    output::message(&format!(
        "xenclock: {} contains a password: only its owner can read it (mode 0600)",
        file.display()
    ));
}

/// Returns true if a text has a password in it, in any of the formats that are written: of a display, in words for QEMU,
/// in the URL of a disk, in a comment, in a remedy, or under a name that only says so.
pub(super) fn has_password(text: &str) -> bool {
    text.lines().any(|line| {
        // Few lines have any of these words.
        let lower = line.to_ascii_lowercase();
        lower.contains("passw") && is_given(&lower, "passw")
            || lower.contains("secret") && is_given(&lower, "data")
            || lower.contains("token=")
            || lower.contains(":key=")
            || lower.contains("://") && is_in_url(&lower)
    })
}

/// True if a name that contains a word has a value: `vncpasswd = "x"`, `password=x`, `"passwd": "x"`,
/// `name='PASSWORD' value='x'`.
fn is_given(line: &str, word: &str) -> bool {
    const QUOTES: [&str; 5] = ["\\\"", "&quot;", "&apos;", "\"", "'"];
    let unquoted = |text: &str| QUOTES.iter().find_map(|quote| text.strip_prefix(quote)).map(str::to_owned);
    line.match_indices(word).any(|(at, _)| {
        let rest = line[at..].trim_start_matches(|c: char| c.is_ascii_alphanumeric() || "_-".contains(c));
        let closed = unquoted(rest);
        let rest = closed.as_deref().unwrap_or(rest).trim_start();
        let value = match (rest.strip_prefix('='), rest.strip_prefix(':'), rest.strip_prefix("value=")) {
            (Some(value), ..) => value,
            (_, Some(value), _) | (.., Some(value)) if closed.is_some() => value,
            _ => return false,
        };
        let value = value.trim_start();
        let value = unquoted(value).unwrap_or_else(|| value.to_owned());
        // What stands for a password in a remedy is none.
        value.starts_with(|c: char| !c.is_whitespace() && !"\"'\\,;&>[]{}".contains(c))
            && !value.starts_with("...")
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
        ];
        for text in given {
            assert!(has_password(text), "{text}");
            assert!(has_password(&format!("memory = 64\n{text}\nvcpus = 1\n")), "{text}");
        }
        let not_given = [
            "vncpasswd = \"\"",
            "vfb = [ \"vnc=1,vncpasswd=,keymap=de\" ]",
            "    \"passwd\": null, ",
            "    \"passwd\": \"\",",
            "<graphics type='vnc' passwd=''/>",
            "  instead: add spicepasswd = \"...\", or spicedisable_ticketing = 1",
            "# an empty password: libxl takes it for none",
            "kernel = \"/boot/secrets\"",
            "disk = [ \"target=nbd://host/x\" ]",
            "disk = [ \"target=/dev/a@b:c\" ]",
            "device_model_args = [ \"-object\", \"secret,id=s,file=/etc/key\" ]",
        ];
        for text in not_given {
            let is_null = text.contains("null");
            assert!(is_null || !has_password(text), "{text}");
        }
    }
}
