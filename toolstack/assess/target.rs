//! The target of a conversion or a start, which determines the losses.

/// The target of a clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// An xl.cfg, which carries the whole clock for xenclock and the nearest thing for stock xl.
    Xl,
    /// libxl's JSON, which has no place for what libxl cannot say.
    Json,
    /// A guest that is started now.
    Start,
}
