//! Paravirtual sound.

use crate::domain::declare::libxl_struct;
use crate::domain::enums::{VsndFormat, VsndStreamType};

libxl_struct! {
    /// `libxl_device_vsnd`: a sound card.
    pub struct Vsnd {
        /// The domain that serves it.
        backend_domid: u32,
        /// The name of the domain that serves it.
        backend_domname: Option<String>,
        /// Its number.
        devid: Option<u32>,
        /// The card's short name.
        short_name: Option<String>,
        /// The card's long name.
        long_name: Option<String>,
        /// Parameters of all its devices.
        params: VsndParams,
        /// Its PCM devices.
        pcms: Vec<VsndPcm>,
    }
}

libxl_struct! {
    /// `libxl_vsnd_pcm`: a PCM device.
    pub struct VsndPcm {
        /// Its name.
        name: Option<String>,
        /// Parameters of all its streams.
        params: VsndParams,
        /// Its streams.
        streams: Vec<VsndStream>,
    }
}

libxl_struct! {
    /// `libxl_vsnd_stream`.
    pub struct VsndStream {
        /// A name by which the backend knows it.
        unique_id: Option<String>,
        /// Playback or capture.
        kind as "type": Option<VsndStreamType>,
        /// Its own parameters.
        params: VsndParams,
    }
}

libxl_struct! {
    /// `libxl_vsnd_params`.
    pub struct VsndParams {
        /// Sample rates, in hertz.
        sample_rates: Vec<u32>,
        /// Sample formats.
        sample_formats: Vec<VsndFormat>,
        /// Channels at least.
        channels_min: u32,
        /// Channels at most.
        channels_max: u32,
        /// The buffer's size in bytes.
        buffer_size: u32,
    }
}
