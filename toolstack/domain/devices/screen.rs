//! Paravirtual framebuffers, displays, keyboards and pointers.

use crate::domain::declare::libxl_struct;
use crate::domain::enums::VkbBackend;
use crate::domain::hvm::{Sdl, Vnc};

libxl_struct! {
    /// `libxl_device_vfb`.
    pub struct Vfb {
        /// The domain that serves it.
        backend_domid: u32,
        /// The name of the domain that serves it.
        backend_domname: Option<String>,
        /// Its number.
        devid: Option<u32>,
        /// A VNC server.
        vnc: Vnc,
        /// An SDL window.
        sdl: Sdl,
        /// Keyboard layout.
        keymap: Option<String>,
    }
}

libxl_struct! {
    /// `libxl_device_vkb`.
    pub struct Vkb {
        /// The domain that serves it.
        backend_domid: u32,
        /// The name of the domain that serves it.
        backend_domname: Option<String>,
        /// Its number.
        devid: Option<u32>,
        /// Which program serves it.
        backend_type: Option<VkbBackend>,
        /// A name by which the backend knows it.
        unique_id: Option<String>,
        /// No keyboard.
        feature_disable_keyboard: bool,
        /// No pointer.
        feature_disable_pointer: bool,
        /// The pointer's position, rather than its movement.
        feature_abs_pointer: bool,
        /// Positions as the device has them, not scaled to the screen.
        feature_raw_pointer: bool,
        /// A touch screen.
        feature_multi_touch: bool,
        /// The pointer's range.
        width: u32,
        /// The pointer's range.
        height: u32,
        /// The touch screen's range.
        multi_touch_width: u32,
        /// The touch screen's range.
        multi_touch_height: u32,
        /// Fingers at most.
        multi_touch_num_contacts: u32,
    }
}

libxl_struct! {
    /// `libxl_device_vdispl`.
    pub struct Vdispl {
        /// The domain that serves it.
        backend_domid: u32,
        /// The name of the domain that serves it.
        backend_domname: Option<String>,
        /// Its number.
        devid: Option<u32>,
        /// The backend allocates the buffers.
        be_alloc: bool,
        /// Its screens.
        connectors: Vec<Connector>,
    }
}

libxl_struct! {
    /// `libxl_connector_param`: a screen of a display.
    pub struct Connector {
        /// A name by which the backend knows it.
        unique_id: Option<String>,
        /// Its width in pixels.
        width: u32,
        /// Its height in pixels.
        height: u32,
    }
}
