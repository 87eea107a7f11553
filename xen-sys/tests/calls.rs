//! Calls what works in the real libraries without a hypervisor.

use std::ffi::{CStr, c_char, c_int};
use std::mem::MaybeUninit;
use std::ptr;

use xen_sys::*;

/// Takes over a string that a library has allocated.
///
/// # Safety
///
/// `text` is a C string out of `malloc`, and no one else's.
unsafe fn take(text: *mut c_char) -> String {
    assert!(!text.is_null());
    // SAFETY: as the caller promises.
    unsafe {
        let copy = CStr::from_ptr(text).to_str().expect("libxl writes UTF-8").to_owned();
        free(text.cast());
        copy
    }
}

#[test]
fn version_is_in_range() {
    assert!(((4, 14)..=(4, 22)).contains(&XEN_VERSION), "{XEN_VERSION:?}");
}

#[test]
fn a_default_configuration_as_json() {
    let mut config = MaybeUninit::<libxl_domain_config>::uninit();
    // SAFETY: libxl_domain_config_init fills the whole structure, and _to_json
    // needs no context to write it.
    let json = unsafe {
        libxl_domain_config_init(config.as_mut_ptr());
        take(libxl_domain_config_to_json(ptr::null_mut(), config.as_mut_ptr()))
    };
    assert!(json.contains("\"c_info\"") && json.contains("\"b_info\""), "{json}");

    // SAFETY: the structure has been filled, and is not used after the last line.
    let json = unsafe {
        let config = config.assume_init_mut();
        config.b_info.tsc_mode = libxl_tsc_mode::LIBXL_TSC_MODE_NATIVE;
        config.b_info.rtc_timeoffset = -3600_i32 as u32;
        libxl_defbool_set(&mut config.b_info.localtime, true);
        let json = take(libxl_domain_config_to_json(ptr::null_mut(), config));
        libxl_domain_config_dispose(config);
        json
    };
    for part in ["\"tsc_mode\": \"native\"", "\"rtc_timeoffset\": 4294963696", "\"localtime\": \"True\""] {
        assert!(json.contains(part), "no {part} in {json}");
    }
}

#[test]
fn enumerations_and_their_words() {
    let mut mode = libxl_tsc_mode(99);
    // SAFETY: both take a C string or a value, and hand out a static string.
    unsafe {
        assert_eq!(libxl_tsc_mode_from_string(c"always_emulate".as_ptr(), &mut mode), 0);
        assert_eq!(mode, libxl_tsc_mode::LIBXL_TSC_MODE_ALWAYS_EMULATE);
        assert_eq!(CStr::from_ptr(libxl_tsc_mode_to_string(libxl_tsc_mode(2))), c"native");
        assert!(libxl_tsc_mode_to_string(libxl_tsc_mode(99)).is_null());
        assert_ne!(libxl_tsc_mode_from_string(c"paravirt".as_ptr(), &mut mode), 0);
        let error = libxl_error_to_string(libxl_error::ERROR_FEATURE_REMOVED);
        assert_eq!(CStr::from_ptr(error), c"feature_removed");
    }
}

#[test]
fn optional_booleans() {
    let mut value = libxl_defbool { val: 0 };
    // SAFETY: these work on the structure alone.
    unsafe {
        libxl_defbool_unset(&mut value);
        assert!(libxl_defbool_is_default(value));
        libxl_defbool_setdefault(&mut value, true);
        assert!(libxl_defbool_val(value));
        libxl_defbool_set(&mut value, false);
        assert!(!libxl_defbool_is_default(value) && !libxl_defbool_val(value));
    }
}

#[test]
fn uuids() {
    let mut uuid = libxl_uuid { uuid: [0; 16] };
    // SAFETY: these work on the structure and a C string alone.
    unsafe {
        assert_ne!(libxl_uuid_is_nil(&uuid), 0);
        assert_eq!(libxl_uuid_from_string(&mut uuid, c"3a8dfe1c-5bd2-4d9f-9f41-8e2d5f60a7b1".as_ptr()), 0);
        assert_eq!(libxl_uuid_is_nil(&uuid), 0);
        assert_eq!(*libxl_uuid_bytearray_const(&uuid), 0x3a);
    }
    assert_eq!(uuid.uuid[15], 0xb1);
}

/// xl's own reader of xl.cfg, with its messages written to standard error.
struct XlCfg(*mut XLU_Config);

impl XlCfg {
    fn read(text: &str) -> Result<XlCfg, c_int> {
        // SAFETY: libxlutil keeps a copy of the name; standard error stays open;
        // `text` is as long as told.
        unsafe {
            let cfg = xlu_cfg_init(stderr, c"test.cfg".as_ptr());
            assert!(!cfg.is_null());
            match xlu_cfg_readdata(cfg, text.as_ptr().cast(), text.len() as c_int) {
                0 => Ok(XlCfg(cfg)),
                error => {
                    xlu_cfg_destroy(cfg);
                    Err(error)
                }
            }
        }
    }

    fn long(&self, name: &CStr) -> Result<i64, c_int> {
        let mut value = 0;
        // SAFETY: the configuration lives, and the value is written before it is read.
        match unsafe { xlu_cfg_get_long(self.0, name.as_ptr(), &mut value, 0) } {
            0 => Ok(value),
            error => Err(error),
        }
    }

    fn string(&self, name: &CStr) -> Option<String> {
        let mut value = ptr::null();
        // SAFETY: the configuration lives, and the string is its own.
        unsafe {
            (xlu_cfg_get_string(self.0, name.as_ptr(), &mut value, 0) == 0)
                .then(|| CStr::from_ptr(value).to_str().expect("the test's text is UTF-8").to_owned())
        }
    }

    fn list(&self, name: &CStr) -> Vec<String> {
        let (mut list, mut count) = (ptr::null_mut(), 0);
        // SAFETY: the configuration lives, and so do its list and the items' strings.
        unsafe {
            assert_eq!(xlu_cfg_get_list(self.0, name.as_ptr(), &mut list, &mut count, 0), 0);
            (0..count)
                .map(|at| CStr::from_ptr(xlu_cfg_get_listitem(list, at)).to_string_lossy().into_owned())
                .collect()
        }
    }
}

impl Drop for XlCfg {
    fn drop(&mut self) {
        // SAFETY: made in `read`, and destroyed only here.
        unsafe { xlu_cfg_destroy(self.0) }
    }
}

#[test]
fn xl_cfg_is_read_by_xls_own_parser() {
    let cfg = XlCfg::read(
        "type = \"hvm\"\nrtc_timeoffset = \"-3600\"\nmaxvcpus = 0x10\nviridian = [ \"base\", \"reference_tsc\" ]\n",
    )
    .expect("that is xl.cfg");
    assert_eq!(cfg.string(c"type").as_deref(), Some("hvm"));
    assert_eq!(cfg.long(c"rtc_timeoffset"), Ok(-3600));
    assert_eq!(cfg.long(c"maxvcpus"), Ok(16));
    assert_eq!(cfg.list(c"viridian"), ["base", "reference_tsc"]);
    assert_eq!(cfg.string(c"localtime"), None);
}

#[test]
fn xl_cfg_takes_no_bare_negative_number() {
    assert!(XlCfg::read("rtc_timeoffset = -3600\n").is_err());
}

/// A logger that libxl can be given: the C part first, as C has it.
#[repr(C)]
struct Collector {
    logger: xentoollog_logger,
    lines: Vec<String>,
}

unsafe extern "C" fn collect(
    logger: *mut xentoollog_logger,
    _level: xentoollog_level,
    _errno: c_int,
    _context: *const c_char,
    format: *const c_char,
    arguments: *mut __va_list_tag,
) {
    let mut line = [0u8; 256];
    // SAFETY: the logger is the head of a `Collector`, and the format and its
    // arguments are libxl's.
    unsafe {
        vsnprintf(line.as_mut_ptr().cast(), line.len() as _, format, arguments);
        let text = CStr::from_ptr(line.as_ptr().cast()).to_string_lossy().into_owned();
        (*logger.cast::<Collector>()).lines.push(text);
    }
}

#[test]
fn a_logger_of_our_own_hears_libxl() {
    if ["/dev/xen/privcmd", "/proc/xen/privcmd"].iter().any(|path| std::path::Path::new(path).exists()) {
        return xentest::skip("this machine runs Xen", "run the test on a machine without Xen");
    }
    let mut collector = Collector {
        logger: xentoollog_logger { vmessage: Some(collect), progress: None, destroy: None },
        lines: Vec::new(),
    };
    let mut context = ptr::null_mut();
    // SAFETY: the logger lives longer than the context, which is not made.
    let rc = unsafe { libxl_ctx_alloc(&mut context, LIBXL_VERSION as _, 0, (&raw mut collector).cast()) };
    assert_eq!(rc, libxl_error::ERROR_FAIL.0);
    assert!(collector.lines.iter().any(|line| line.contains("libxc")), "{:?}", collector.lines);
}

#[test]
fn the_stock_logger() {
    // SAFETY: standard error stays open; the logger is destroyed once.
    unsafe {
        let logger = xtl_createlogger_stdiostream(stderr, xentoollog_level::XTL_WARN, 0);
        assert!(!logger.is_null());
        xtl_logger_destroy(logger.cast());
    }
}

#[test]
fn a_dummy_handle_of_libxenctrl() {
    // SAFETY: such a handle makes no hypercall; it is closed once.
    unsafe {
        let flags = xc_open_flags::XC_OPENFLAG_DUMMY.0;
        let handle = xc_interface_open(ptr::null_mut(), ptr::null_mut(), flags);
        assert!(!handle.is_null());
        assert_eq!(xc_interface_close(handle), 0);
    }
}

#[test]
fn libxenstore_answers() {
    // SAFETY: a handle that was given is closed once.
    unsafe {
        let handle = xs_open(XS_OPEN_SOCKETONLY.into());
        if handle.is_null() {
            let error = std::io::Error::last_os_error();
            assert_ne!(error.raw_os_error(), Some(0), "no xenstored, and no reason: {error}");
        } else {
            xs_close(handle);
        }
    }
}
