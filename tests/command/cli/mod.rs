//! The command from outside: exit codes, messages, streams, files, and the mock host between commands.

mod agree;
mod create;
mod create_cfg;
mod dumpxml;
mod edit;
mod field;
mod files;
mod keep;
mod list;
mod mock;
mod moving;
mod moving_target;
mod moving_words;
mod next_start;
mod output;
mod refused_by_libxl;
mod scripts;
mod set_live;
mod settings;
mod snapshots;
mod together;
mod tolerance;
mod usage;
mod xl;
mod xl_conf;
