//! Paravirtual sound cards, `vsnd`: each a list of card, PCM devices and streams.

use super::book::Words;
use super::{Reader, entry};
use crate::diag::Finding;
use crate::domain::config::{Vsnd, VsndFormat, VsndParams, VsndPcm, VsndStream, VsndStreamType};

/// The subject of an item of a card.
#[derive(Clone, Copy, PartialEq, Eq)]
enum About {
    Card,
    Pcm,
    Stream,
}

const PARAMS: [&str; 5] = ["sample-rates", "sample-formats", "channels-min", "channels-max", "buffer-size"];

impl<'a> Reader<'a> {
    pub(super) fn sound(&mut self) {
        let Some((items, list)) = self.list("vsnd") else {
            return;
        };
        let mut cards = Vec::new();
        for (index, value) in (0_u32..).zip(items) {
            let item = self.book.item(list, index as usize, value);
            let crate::cfg::Content::List(parts) = &value.content else {
                let finding = Finding::invalid("bad-vsnd", "a sound card is a list of its parts");
                let instead =
                    "write [ \"card,short-name=Main\", \"pcm,name=dev0\", \"stream,unique-id=out,type=P\" ]";
                self.book.error(item, finding.instead(instead));
                continue;
            };
            let mut card = Vsnd { devid: Some(index), ..Vsnd::default() };
            for (words, _) in self.texts(parts, item) {
                self.vsnd_item(&mut card, words, item);
            }
            cards.push(card);
        }
        self.config.vsnds = cards;
    }

    fn vsnd_item(&mut self, card: &mut Vsnd, words: Words<'a>, node: usize) {
        let mut about = None;
        for word in words.tokens(b",") {
            let word = word.unindented();
            match about {
                None => about = self.vsnd_about(card, word, node),
                Some(About::Card) => self.vsnd_card(card, word, node),
                Some(About::Pcm) => {
                    if let Some(pcm) = card.pcms.last_mut() {
                        self.vsnd_pcm(pcm, word, node);
                    }
                }
                Some(About::Stream) => {
                    if let Some(stream) = card.pcms.last_mut().and_then(|pcm| pcm.streams.last_mut()) {
                        self.vsnd_stream(stream, word, node);
                    }
                }
            }
            if about.is_none() {
                return;
            }
        }
    }

    fn vsnd_about(&mut self, card: &mut Vsnd, word: Words<'a>, node: usize) -> Option<About> {
        let is = |name: &str| word.text.eq_ignore_ascii_case(name);
        if is("card") {
            return Some(About::Card);
        }
        if is("pcm") || (is("stream") && card.pcms.is_empty()) {
            card.pcms.push(VsndPcm::default());
        }
        if is("pcm") {
            return Some(About::Pcm);
        }
        if let Some(pcm) = card.pcms.last_mut()
            && is("stream")
        {
            pcm.streams.push(VsndStream::default());
            return Some(About::Stream);
        }
        self.book.wrong(node, &word, super::bad_word("the part", word.text, &["card", "pcm", "stream"]));
        None
    }

    fn vsnd_card(&mut self, card: &mut Vsnd, word: Words<'a>, node: usize) {
        if self.vsnd_params(&mut card.params, word, node) {
            return;
        }
        if let Some(value) = word.after("backend=") {
            card.backend_domname = Some(value.text.to_owned());
        } else if let Some(value) = word.after("short-name=") {
            card.short_name = Some(value.text.to_owned());
        } else if let Some(value) = word.after("long-name=") {
            card.long_name = Some(value.text.to_owned());
        } else {
            let known = [["backend", "short-name", "long-name"].as_slice(), &PARAMS].concat();
            self.no_such_word(node, &word, entry::SOUND_CARD, &known);
        }
    }

    fn vsnd_pcm(&mut self, pcm: &mut VsndPcm, word: Words<'a>, node: usize) {
        if self.vsnd_params(&mut pcm.params, word, node) {
            return;
        }
        match word.after("name=") {
            Some(value) => pcm.name = Some(value.text.to_owned()),
            None => self.no_such_word(node, &word, entry::PCM, &[["name"].as_slice(), &PARAMS].concat()),
        }
    }

    fn vsnd_stream(&mut self, stream: &mut VsndStream, word: Words<'a>, node: usize) {
        if self.vsnd_params(&mut stream.params, word, node) {
            return;
        }
        if let Some(value) = word.after("unique-id=") {
            stream.unique_id = Some(value.text.to_owned());
        } else if let Some(value) = word.after("type=") {
            match VsndStreamType::from_word(value.text) {
                Some(kind) => stream.kind = Some(kind),
                None => self.book.wrong(node, &value, super::bad_word("type", value.text, &["P", "C"])),
            }
        } else {
            self.no_such_word(
                node,
                &word,
                entry::STREAM,
                &[["unique-id", "type"].as_slice(), &PARAMS].concat(),
            );
        }
    }

    /// True if a word is one of the parameters that all parts have.
    fn vsnd_params(&mut self, params: &mut VsndParams, word: Words<'a>, node: usize) -> bool {
        if let Some(value) = word.after("sample-rates=") {
            let rates = self.parts(value, b";", node);
            params.sample_rates = rates.into_iter().map(|rate| self.word_at(rate, node)).collect();
        } else if let Some(value) = word.after("sample-formats=") {
            params.sample_formats.clear();
            for format in self.parts(value, b";", node) {
                match VsndFormat::from_word(format.text) {
                    Some(known) => params.sample_formats.push(known),
                    None => {
                        let words: Vec<_> = VsndFormat::ALL.iter().map(|format| format.as_str()).collect();
                        self.book.wrong(
                            node,
                            &format,
                            super::bad_word("a sample format", format.text, &words),
                        );
                    }
                }
            }
        } else if let Some(value) = word.after("channels-min=") {
            params.channels_min = self.word_at(value, node);
        } else if let Some(value) = word.after("channels-max=") {
            params.channels_max = self.word_at(value, node);
        } else if let Some(value) = word.after("buffer-size=") {
            params.buffer_size = self.word_at(value, node);
        } else {
            return false;
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use crate::cfg::{XlHost, read};

    fn said(card: &str, release: Option<&str>) -> Vec<String> {
        let text = format!("name = 'x'\ntype = 'hvm'\nmemory = 64\nsoundhw = '{card}'\n");
        let release = release.map(|release| release.parse().unwrap_or_else(|error| panic!("{error}")));
        let host = XlHost { release, ..XlHost::default() };
        let input = read("f", text.as_bytes(), &[], &host).unwrap_or_else(|errors| panic!("{errors}")).input;
        assert_eq!(input.domain.config.b_info.hvm.and_then(|hvm| hvm.soundhw).as_deref(), Some(card));
        let refused = input.report.refusals();
        refused.map(|refused| refused.finding.alternative.unwrap_or_default().into_owned()).collect()
    }

    #[test]
    fn a_card_that_libxl_refuses_is_reported() {
        for card in ["hda", "AC97", "es1370", "adlib", "cs4231a", "gus", "sb16"] {
            assert!(said(card, None).is_empty(), "{card}");
        }
        let one = "write soundhw = \"es1370\"";
        assert_eq!(said("sb16,es1370", Some("4.17")), [one]);
        for card in ["all", "", "ich6"] {
            let all =
                r#"write soundhw = "hda" or "ac97" or "es1370" or "adlib" or "cs4231a" or "gus" or "sb16""#;
            assert_eq!(said(card, Some("4.16")), [all], "{card}");
        }
        assert!(said("sb16,es1370", Some("4.15")).is_empty(), "QEMU takes a list");
    }
}
