//! From quick-xml's events to the tree, and what is refused on the way.

use std::borrow::Cow;
use std::collections::HashSet;
use std::ops::Range;

use quick_xml::Reader;
use quick_xml::events::attributes::AttrError;
use quick_xml::events::{BytesStart, Event};

use super::declaration;
use super::encoding::{decode, is_utf8, to_utf8};
use super::{BYTES_PER_NODE, FEW, Kind, MAX_DEPTH, MAX_NODES, NONE, Node, NodeId, Tree, Value};
use crate::diag::source::Bytes;
use crate::diag::{Diagnostic, Errors, Finding, Source};

impl Tree {
    /// Parses a document.
    ///
    /// # Errors
    /// The first thing that is not well-formed or not allowed, with its place.
    pub fn parse(name: &str, bytes: &[u8]) -> Result<Tree, Errors> {
        let text = decode(name, bytes)?;
        let mut builder = Builder {
            name,
            text: &text,
            nodes: Vec::with_capacity(text.len() / BYTES_PER_NODE),
            decoded: Vec::new(),
            open: Vec::new(),
        };
        let run = builder.run();
        let Builder { nodes, decoded, .. } = builder;
        let source = Source::new(name, text);
        if let Err(error) = run {
            return Err(Errors::one(*error, &source));
        }
        let mut tree = Tree { source, nodes, decoded };
        tree.number_siblings();
        Ok(tree)
    }
}

/// The tree so far, and the elements that are still open.
struct Builder<'t> {
    name: &'t str,
    text: &'t str,
    nodes: Vec<Node>,
    decoded: Vec<Box<str>>,
    open: Vec<Open>,
}

/// An element that has not ended yet.
struct Open {
    id: NodeId,
    /// The last of its children so far.
    last: Option<NodeId>,
}

/// A text that has not ended yet: character data is split at entities and CDATA.
struct Pending {
    /// From its first byte to the end of its last piece that is not blank.
    span: Range<usize>,
    /// Its content, unless that is what stands in the input.
    decoded: Option<String>,
    /// The end of its last piece.
    end: usize,
}

impl Builder<'_> {
    fn run(&mut self) -> Result<(), Box<Diagnostic>> {
        let text = self.text;
        // Nearly every input is plain ASCII, which is fast to tell.
        let unusual = |byte: u8| !matches!(byte, b'\t' | b'\n' | b'\r' | b' '..=b'~');
        if text.bytes().any(unusual)
            && let Some((at, c)) = text.char_indices().find(|&(_, c)| !is_xml_char(c))
        {
            return Err(
                self.malformed(at..at + c.len_utf8(), format!("control character U+{:04X}", u32::from(c)))
            );
        }
        let mut reader = Reader::from_str(text);
        reader.config_mut().check_comments = true;
        let mut pending: Option<Pending> = None;
        loop {
            if self.nodes.len() > MAX_NODES {
                let reason = format!("the input has more than {MAX_NODES} nodes");
                return Err(self.refuse(0..0, Finding::invalid("xml-too-large", reason)));
            }
            let from = position(reader.buffer_position());
            let event = reader.read_event();
            let span = from..position(reader.buffer_position());
            let event = match event {
                Ok(event) => event,
                Err(error) => {
                    let at = position(reader.error_position());
                    return Err(self.malformed(at..at + 1, error.to_string()));
                }
            };
            let piece: Option<Cow<'_, str>> = match &event {
                Event::Text(data) => {
                    if is_blank(data) && pending.is_none() {
                        continue;
                    }
                    if let Some(at) = data.find("]]>") {
                        let at = span.start + at;
                        return Err(self.malformed(at..at + 3, "']]>' in a text; write ]]&gt;".to_owned()));
                    }
                    Some(data.xml10_content())
                }
                Event::CData(data) => Some(data.xml10_content()),
                Event::GeneralRef(reference) => Some(self.reference(reference, &span)?.to_string().into()),
                _ => None,
            };
            if let Some(piece) = piece {
                let blank = is_blank(&piece);
                if self.open.is_empty() && !(blank && matches!(event, Event::Text(_))) {
                    return Err(self.malformed(span, "text outside the root element".to_owned()));
                }
                // White space before the text is none of it.
                if blank && pending.is_none() {
                    continue;
                }
                self.piece(&mut pending, &piece, span, blank);
                continue;
            }
            // A comment or processing instruction does not end a text: `1<!-- -->0` is 10.
            match event {
                Event::Comment(_) => continue,
                Event::PI(pi) if pi.target().eq_ignore_ascii_case("xml") => {
                    return Err(
                        self.malformed(span, "an XML declaration that is not at the start".to_owned())
                    );
                }
                Event::PI(pi) if !is_name(pi.target()) => {
                    let what = format!("a processing instruction without a name: '<?{}'", pi.target());
                    return Err(self.malformed(span, what));
                }
                Event::PI(_) => continue,
                Event::Decl(_) => self.declaration(&span)?,
                Event::DocType(_) => {
                    let finding =
                        Finding::invalid("xml-doctype", "a DOCTYPE is not allowed in a domain's XML")
                            .instead("remove the <!DOCTYPE ...>; libvirt does not need it");
                    return Err(self.refuse(span, finding));
                }
                Event::Start(start) => {
                    self.text(pending.take());
                    let id = self.element(&start, &span)?;
                    if self.open.len() == MAX_DEPTH {
                        let reason = format!("elements are nested more than {MAX_DEPTH} deep");
                        return Err(self.refuse(span, Finding::invalid("xml-too-deep", reason)));
                    }
                    self.open.push(Open { id, last: None });
                }
                Event::Empty(start) => {
                    self.text(pending.take());
                    self.element(&start, &span)?;
                }
                Event::End(_) => {
                    self.text(pending.take());
                    if let Some(Open { id, .. }) = self.open.pop() {
                        self.nodes[id].end = Bytes::from(span).end();
                    }
                }
                Event::Eof => break,
                Event::Text(_) | Event::CData(_) | Event::GeneralRef(_) => {}
            }
        }
        if let Some(open) = self.open.last() {
            let Node { name, span, .. } = &self.nodes[open.id];
            let name = self.text.get(name.range()).unwrap_or_default();
            return Err(self.malformed(span.range(), format!("<{name}> is not closed")));
        }
        if self.nodes.is_empty() {
            let finding = Finding::invalid("xml-malformed", "no element found: this is not XML")
                .instead("give a libvirt domain XML, such as the output of virsh dumpxml --inactive DOMAIN");
            return Err(self.refuse(0..0, finding));
        }
        Ok(())
    }

    fn declaration(&self, span: &Range<usize>) -> Result<(), Box<Diagnostic>> {
        if span.start != 0 {
            return Err(
                self.malformed(span.clone(), "an XML declaration that is not at the start".to_owned())
            );
        }
        let declared = declaration::encoding(self.text.get(span.clone()).unwrap_or_default());
        let declared = declared.map_err(|reason| self.malformed(span.clone(), reason))?;
        let Some(encoding) = declared.filter(|encoding| !is_utf8(encoding)) else { return Ok(()) };
        let text = self.text;
        // Neither of these could be read so far if the file were in it.
        let wide = ["utf-16", "utf-32", "ucs-", "utf16", "utf32", "iso-10646"];
        let is_wide = wide.iter().any(|start| encoding.to_ascii_lowercase().starts_with(start));
        let instead = match text.is_ascii() || is_wide {
            true => "write encoding='UTF-8': the file is already in UTF-8".to_owned(),
            false => to_utf8(text.as_bytes()),
        };
        let reason = format!("the encoding is {encoding}, expected UTF-8");
        Err(self.refuse(span.clone(), Finding::invalid("xml-not-utf8", reason).instead(instead)))
    }

    fn element(&mut self, start: &BytesStart<'_>, span: &Range<usize>) -> Result<NodeId, Box<Diagnostic>> {
        let name = start.name().into_inner();
        if !is_name(name) {
            return Err(self.malformed(span.clone(), format!("'{name}' is not a valid element name")));
        }
        if self.open.is_empty() && !self.nodes.is_empty() {
            let mut error = self.malformed(span.clone(), format!("a second root element <{name}>"));
            error.finding.alternative = Some("put each domain into a file of its own".into());
            return Err(error);
        }
        let at = span.start + 1;
        let nothing = Value::InInput(Bytes::default());
        let id = self.push(Kind::Element, at..at + name.len(), nothing, span.clone());
        // `<`, then the name, then the attributes: their places follow from where the raw text lies.
        let raw = start.attributes_raw();
        let base = span.start + 1 + name.len();
        let mut seen = Seen::default();
        for attribute in start.attributes().with_checks(false) {
            let attribute = attribute.map_err(|error| self.bad_attribute(&error, span))?;
            let key = attribute.key.into_inner();
            let key_at = base + offset_within(raw, key);
            if !self.text[..key_at].ends_with(is_space) {
                let what = format!("white space expected before the attribute '{key}'");
                return Err(self.malformed(key_at..key_at + key.len(), what));
            }
            let value_at = match &attribute.value {
                Cow::Borrowed(value) => base + offset_within(raw, value),
                Cow::Owned(_) => key_at,
            };
            // The closing quote belongs to the attribute.
            let whole = key_at..value_at + attribute.value.len() + 1;
            if !is_name(key) {
                return Err(self.malformed(whole, format!("'{key}' is not a valid attribute name")));
            }
            if attribute.value.bytes().any(|byte| byte == b'<') {
                return Err(self.malformed(whole, "'<' in an attribute's value; write &lt;".to_owned()));
            }
            if !seen.insert(key) {
                return Err(self.malformed(whole, format!("attribute '{key}' twice in <{name}>")));
            }
            let value = match attribute.value.bytes().any(|byte| matches!(byte, b'&' | b'\t' | b'\n' | b'\r'))
            {
                true => self.decoded(self.attribute_value(&attribute.value, &whole)?),
                false => Value::InInput(Bytes::from(value_at..value_at + attribute.value.len())),
            };
            let attribute = self.push(Kind::Attribute, key_at..key_at + key.len(), value, whole);
            self.nodes[attribute].parent = number(id);
        }
        self.link(id);
        Ok(id)
    }

    /// Puts a node behind those that are in the present element.
    fn link(&mut self, id: NodeId) {
        if let Some(open) = self.open.last_mut()
            && let Some(before) = open.last.replace(id)
        {
            self.nodes[before].next = number(id);
        }
    }

    fn decoded(&mut self, value: String) -> Value {
        self.decoded.push(value.into());
        Value::Decoded(number(self.decoded.len() - 1))
    }

    fn attribute_value(&self, raw: &str, span: &Range<usize>) -> Result<String, Box<Diagnostic>> {
        let mut value = String::with_capacity(raw.len());
        let mut rest = raw;
        while let Some(at) = rest.find(['&', '\t', '\n', '\r']) {
            value.push_str(&rest[..at]);
            if !rest[at..].starts_with('&') {
                // White space is a space in an attribute; a line's end counts once.
                let crlf = rest[at..].starts_with("\r\n");
                value.push(' ');
                rest = &rest[at + 1 + usize::from(crlf)..];
                continue;
            }
            let Some(end) = rest[at..].find(';') else {
                return Err(self.malformed(span.clone(), "'&' without ';'; write &amp;".to_owned()));
            };
            value.push(self.resolve(&rest[at + 1..at + end], span)?);
            rest = &rest[at + end + 1..];
        }
        value.push_str(rest);
        Ok(value)
    }

    fn reference(
        &self,
        reference: &quick_xml::events::BytesRef<'_>,
        span: &Range<usize>,
    ) -> Result<char, Box<Diagnostic>> {
        self.resolve(reference, span)
    }

    /// One of XML's own five entities, or a character by its number.
    fn resolve(&self, name: &str, span: &Range<usize>) -> Result<char, Box<Diagnostic>> {
        let number = match name {
            "lt" => return Ok('<'),
            "gt" => return Ok('>'),
            "amp" => return Ok('&'),
            "apos" => return Ok('\''),
            "quot" => return Ok('"'),
            _ => match name.strip_prefix("#x") {
                Some(hex) => digits(hex, 16),
                None => name.strip_prefix('#').and_then(|decimal| digits(decimal, 10)),
            },
        };
        match number.and_then(char::from_u32) {
            Some(c) if is_xml_char(c) => Ok(c),
            _ if name.starts_with('#') => {
                Err(self.malformed(span.clone(), format!("&{name}; is not a character that XML allows")))
            }
            _ => Err(self.malformed(span.clone(), format!("unknown entity &{name};"))),
        }
    }

    /// Adds a piece of character data to the text that is being read.
    fn piece(&self, pending: &mut Option<Pending>, piece: &str, span: Range<usize>, blank: bool) {
        let as_it_is = self.text.get(span.clone()) == Some(piece);
        match pending {
            None => {
                let decoded = (!as_it_is).then(|| piece.to_owned());
                *pending = Some(Pending { end: span.end, span, decoded });
            }
            Some(so_far) => {
                if !(as_it_is && so_far.end == span.start && so_far.decoded.is_none()) {
                    let before = self.text.get(so_far.span.start..so_far.end).unwrap_or_default();
                    so_far.decoded.get_or_insert_with(|| before.to_owned()).push_str(piece);
                }
                so_far.end = span.end;
                if !blank {
                    so_far.span.end = span.end;
                }
            }
        }
    }

    fn text(&mut self, pending: Option<Pending>) {
        let (Some(Pending { span, decoded, .. }), false) = (pending, self.open.is_empty()) else {
            return;
        };
        let raw = &self.text[span.clone()];
        let start = span.start + (raw.len() - raw.trim_start_matches(is_space).len());
        let end = start + raw.trim_matches(is_space).len();
        let value = match decoded.as_deref().map(|text| text.trim_matches(is_space)) {
            Some("") => return,
            Some(text) => self.decoded(text.to_owned()),
            None if start == end => return,
            None => Value::InInput(Bytes::from(start..end)),
        };
        let id = self.push(Kind::Text, 0..0, value, start..end);
        self.link(id);
    }

    fn push(&mut self, kind: Kind, name: Range<usize>, value: Value, span: Range<usize>) -> NodeId {
        let span = Bytes::from(span);
        self.nodes.push(Node {
            kind,
            parent: self.open.last().map_or(NONE, |open| number(open.id)),
            next: NONE,
            ordinal: 0,
            name: name.into(),
            value,
            span,
            end: span.end(),
        });
        self.nodes.len() - 1
    }

    /// quick-xml counts from behind the `<`.
    fn bad_attribute(&self, error: &AttrError, tag: &Range<usize>) -> Box<Diagnostic> {
        let (at, what) = match error {
            AttrError::ExpectedEq(at) => (at, "'=' expected between an attribute's name and its value"),
            AttrError::ExpectedValue(at) => (at, "an attribute's value expected"),
            AttrError::UnquotedValue(at) => (at, "an attribute's value must be in quotes"),
            AttrError::ExpectedQuote(at, _) => (at, "the quote at the end of an attribute's value expected"),
            AttrError::Duplicated(at, _) => (at, "an attribute twice"),
        };
        let at = (tag.start + 1 + at).min(tag.end);
        self.malformed(at..at + 1, what.to_owned())
    }

    fn malformed(&self, span: Range<usize>, what: String) -> Box<Diagnostic> {
        // quick-xml's own words for the same.
        let known = ["syntax error: ", "ill-formed document: "];
        let what = known.iter().find_map(|known| what.strip_prefix(known)).unwrap_or(&what);
        self.refuse(span, Finding::invalid("xml-malformed", format!("not well-formed XML: {what}")))
    }

    fn refuse(&self, span: Range<usize>, finding: Finding) -> Box<Diagnostic> {
        let place = Source::new(self.name, self.text.to_owned()).place(span);
        Box::new(Diagnostic { place, node: String::new(), finding })
    }
}

/// The names of an element's attributes so far.
#[derive(Default)]
struct Seen<'t> {
    few: [&'t str; FEW],
    count: usize,
    many: HashSet<&'t str>,
}

impl<'t> Seen<'t> {
    /// Adds a name; false if it is there already.
    fn insert(&mut self, name: &'t str) -> bool {
        let new = !self.few[..self.count].contains(&name);
        match self.few.get_mut(self.count) {
            Some(place) => {
                *place = name;
                self.count += 1;
                new
            }
            None => self.many.insert(name) && new,
        }
    }
}

/// A node's number, as a node holds it. There are at most [`MAX_NODES`].
fn number(id: NodeId) -> u32 {
    u32::try_from(id).unwrap_or(NONE)
}

fn digits(text: &str, radix: u32) -> Option<u32> {
    // `from_str_radix` alone would take a sign.
    text.chars().all(|c| c.is_digit(radix)).then(|| u32::from_str_radix(text, radix).ok()).flatten()
}

fn position(at: u64) -> usize {
    usize::try_from(at).unwrap_or(usize::MAX)
}

/// The start, in `whole`, of a part that was borrowed from it.
fn offset_within(whole: &str, part: &str) -> usize {
    (part.as_ptr() as usize).saturating_sub(whole.as_ptr() as usize).min(whole.len())
}

/// XML's white space; Unicode has more.
fn is_space(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\n' | '\r')
}

fn is_blank(text: &str) -> bool {
    text.bytes().all(|byte| is_space(byte.into()))
}

/// XML 1.0's `Char`.
fn is_xml_char(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | '\u{20}'..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..='\u{10ffff}')
}

/// XML's `Name`, colons included.
fn is_name(name: &str) -> bool {
    let plain = |byte: u8| matches!(byte, b'a'..=b'z' | b'A'..=b'Z' | b'_' | b':');
    let plain_rest = |byte: u8| plain(byte) || matches!(byte, b'0'..=b'9' | b'-' | b'.');
    if name.bytes().next().is_some_and(plain) && name.bytes().all(plain_rest) {
        return true;
    }
    let start = |c: char| c.is_alphabetic() || c == '_' || c == ':';
    let rest =
        |c: char| start(c) || c.is_numeric() || matches!(c, '-' | '.' | '\u{b7}' | '\u{300}'..='\u{36f}');
    name.starts_with(start) && name.chars().all(rest)
}
