//! `vsnd`: a list for each sound card, with the card, its PCM devices and their streams.

use super::Section::Devices;
use super::Writer;
use super::entry::Entry;
use crate::domain::config::{Vsnd, VsndParams, VsndPcm, VsndStream};
use crate::write::value::Value;

impl Writer {
    pub(super) fn sound_cards(&mut self, cards: &[Vsnd]) {
        let cards: Vec<_> =
            cards.iter().enumerate().map(|(index, card)| self.sound_card(card, index)).collect();
        if !cards.is_empty() {
            self.set(Devices, "vsnd", Value::List(cards));
        }
    }

    fn sound_card(&mut self, card: &Vsnd, index: usize) -> Value {
        let Vsnd { backend_domid, backend_domname, devid, short_name, long_name, params, pcms, rest } = card;
        let path = format!("vsnds[{index}]");
        self.rest(&path, rest);
        let mut entry = Entry::new(self, "vsnd", path.clone());
        entry.put("", "card");
        entry.numbered(*devid, index);
        entry.backend(*backend_domid, backend_domname.as_ref());
        entry.text_as("short-name", "short_name", short_name.as_deref());
        entry.text_as("long-name", "long_name", long_name.as_deref());
        entry.params(params);
        let mut lines = vec![entry.written_in_part()];
        for (place, pcm) in pcms.iter().enumerate() {
            let VsndPcm { name, params, streams, rest } = pcm;
            let path = format!("{path}.pcms[{place}]");
            self.rest(&path, rest);
            let mut entry = Entry::new(self, "vsnd", path.clone());
            entry.put("", "pcm");
            entry.text("name", name.as_ref());
            entry.params(params);
            lines.push(entry.written_in_part());
            for (place, stream) in streams.iter().enumerate() {
                let VsndStream { unique_id, kind, params, rest } = stream;
                let path = format!("{path}.streams[{place}]");
                self.rest(&path, rest);
                let mut entry = Entry::new(self, "vsnd", path);
                entry.put("", "stream");
                entry.text_as("unique-id", "unique_id", unique_id.as_deref());
                if let Some(kind) = kind {
                    entry.put("type", &format!("type={}", kind.as_str()));
                }
                entry.params(params);
                lines.push(entry.written_in_part());
            }
        }
        Value::Line(lines.into_iter().map(Value::Text).collect())
    }
}

impl Entry<'_> {
    fn params(&mut self, params: &VsndParams) {
        let VsndParams { sample_rates, sample_formats, channels_min, channels_max, buffer_size, rest } =
            params;
        if !sample_rates.is_empty() {
            let rates: Vec<_> = sample_rates.iter().map(u32::to_string).collect();
            self.put("sample-rates", &format!("sample-rates={}", rates.join(";")));
        }
        if !sample_formats.is_empty() {
            let formats: Vec<_> = sample_formats.iter().map(|format| format.as_str()).collect();
            self.put("sample-formats", &format!("sample-formats={}", formats.join(";")));
        }
        self.number("channels-min", *channels_min);
        self.number("channels-max", *channels_max);
        self.number("buffer-size", *buffer_size);
        let path = self.at("params");
        self.writer().rest(&path, rest);
    }
}
