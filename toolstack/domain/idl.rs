//! The rules of libxl's JSON, for the types of `libxl_types.idl`.
//!
//! libxl prints the fields of a structure in the order of its IDL and leaves out a field that has its default; a nested
//! structure is always printed. Its parser looks up each field by name and ignores unknown ones. Here an unknown key,
//! or an unknown value of an enumeration, stays in the structure's `rest`, so that a config of a newer libxl survives a
//! round trip.

use std::borrow::Cow;
use std::fmt;

use serde::de::{self, Deserialize, Deserializer, MapAccess, Visitor};
use serde::ser::{Serialize, SerializeMap};
use serde_json::{Map, Value};
use timers::GuestKind;
use timers::ticks::MissedTicks;
use timers::tsc::TscMode;
use uuid::Uuid;

/// Keys of libxl's JSON that have no field of their own here.
pub type Rest = Map<String, Value>;

/// `libxl_bitmap`: the numbers of the bits that are set, in ascending order.
pub type Bitmap = Vec<u32>;

/// libxl's three-valued boolean; its default is an `Option`'s `None`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum Defbool {
    /// Set to no.
    False,
    /// Set to yes.
    True,
}

impl From<bool> for Defbool {
    fn from(value: bool) -> Self {
        if value { Defbool::True } else { Defbool::False }
    }
}

impl Defbool {
    /// As a plain boolean.
    #[must_use]
    pub fn is_true(self) -> bool {
        self == Defbool::True
    }
}

/// A value as it stands in a structure: whether it is printed, and how it is read.
pub(super) trait Field: Sized {
    /// Prints the field, unless it has its default.
    fn write<M: SerializeMap>(&self, key: &'static str, map: &mut M) -> Result<(), M::Error>;

    /// Reads the field; a value that only a newer libxl knows comes back as it is.
    fn read<'de, A: MapAccess<'de>>(map: &mut A) -> Result<Result<Self, Value>, A::Error>;
}

/// Prints a field that has a value.
pub(super) fn write_some<T: Serialize, M: SerializeMap>(
    value: Option<T>,
    key: &'static str,
    map: &mut M,
) -> Result<(), M::Error> {
    value.map_or(Ok(()), |value| map.serialize_entry(key, &value))
}

/// Fields that are printed unless they have the default of their type.
macro_rules! plain_fields {
    ($($ty:ty),* $(,)?) => { $(
        impl $crate::domain::idl::Field for $ty {
            fn write<M: serde::ser::SerializeMap>(
                &self,
                key: &'static str,
                map: &mut M,
            ) -> Result<(), M::Error> {
                if *self == <$ty>::default() { Ok(()) } else { map.serialize_entry(key, self) }
            }

            fn read<'de, A: serde::de::MapAccess<'de>>(
                map: &mut A,
            ) -> Result<Result<Self, serde_json::Value>, A::Error> {
                map.next_value().map(Ok)
            }
        }
    )* };
}

pub(super) use plain_fields;

plain_fields!(
    bool,
    u8,
    u32,
    u64,
    i32,
    [u8; 16],
    Option<String>,
    Vec<u32>,
    Vec<String>,
    Vec<Bitmap>,
    KeyValues
);

/// Numbers whose default has all bits set, which is `None` here.
macro_rules! optional_numbers {
    ($($ty:ty as $wide:ty, $default:pat, $expected:literal;)*) => { $(
        impl Field for Option<$ty> {
            fn write<M: SerializeMap>(&self, key: &'static str, map: &mut M) -> Result<(), M::Error> {
                write_some(self.as_ref(), key, map)
            }

            fn read<'de, A: MapAccess<'de>>(map: &mut A) -> Result<Result<Self, Value>, A::Error> {
                let wide: $wide = map.next_value()?;
                if matches!(wide, $default) {
                    return Ok(Ok(None));
                }
                <$ty>::try_from(wide).map(|number| Ok(Some(number))).map_err(|_| {
                    de::Error::invalid_value(de::Unexpected::Other(&wide.to_string()), &$expected)
                })
            }
        }
    )* };
}

optional_numbers! {
    i32 as i64, -1, "a 32-bit number";
    u32 as i64, -1 | 0xffff_ffff, "an unsigned 32-bit number";
    u64 as u64, u64::MAX, "an unsigned 64-bit number";
}

impl Field for Option<Uuid> {
    fn write<M: SerializeMap>(&self, key: &'static str, map: &mut M) -> Result<(), M::Error> {
        write_some(self.as_ref(), key, map)
    }

    fn read<'de, A: MapAccess<'de>>(map: &mut A) -> Result<Result<Self, Value>, A::Error> {
        let uuid: Uuid = map.next_value()?;
        Ok(Ok((!uuid.is_nil()).then_some(uuid)))
    }
}

impl Field for Option<Defbool> {
    fn write<M: SerializeMap>(&self, key: &'static str, map: &mut M) -> Result<(), M::Error> {
        write_some(self.as_ref(), key, map)
    }

    fn read<'de, A: MapAccess<'de>>(map: &mut A) -> Result<Result<Self, Value>, A::Error> {
        match &*map.next_value::<Text>()?.0 {
            "True" => Ok(Ok(Some(Defbool::True))),
            "False" => Ok(Ok(Some(Defbool::False))),
            "<default>" => Ok(Ok(None)),
            other => Err(de::Error::unknown_variant(other, &["True", "False", "<default>"])),
        }
    }
}

/// Enumerations that `timers` has: the word of the default is `None` here.
macro_rules! words_of_timers {
    ($($ty:ident, $default:literal, $from_word:expr;)*) => { $(
        impl Field for Option<$ty> {
            fn write<M: SerializeMap>(&self, key: &'static str, map: &mut M) -> Result<(), M::Error> {
                write_some(self.map($ty::as_str).filter(|word| *word != $default), key, map)
            }

            fn read<'de, A: MapAccess<'de>>(map: &mut A) -> Result<Result<Self, Value>, A::Error> {
                read_word(map, $default, $from_word)
            }
        }
    )* };
}

words_of_timers! {
    TscMode, "default", TscMode::from_word;
    MissedTicks, "unknown", MissedTicks::from_word;
    GuestKind, "invalid", |word| {
        [GuestKind::Hvm, GuestKind::Pv, GuestKind::Pvh].into_iter().find(|kind| kind.as_str().eq_ignore_ascii_case(word))
    };
}

/// Reads an enumeration's word, whose case does not matter. libxl prints null for a number without a word.
pub(super) fn read_word<'de, T, A: MapAccess<'de>>(
    map: &mut A,
    default: &str,
    known: impl FnOnce(&str) -> Option<T>,
) -> Result<Result<Option<T>, Value>, A::Error> {
    let word: Option<Text> = map.next_value()?;
    let Some(word) = word.filter(|word| !word.0.eq_ignore_ascii_case(default)) else {
        return Ok(Ok(None));
    };
    Ok(known(&word.0).map(Some).ok_or_else(|| Value::String(word.0.into_owned())))
}

/// A text that is borrowed where the input allows it.
pub(super) struct Text<'a>(pub(super) Cow<'a, str>);

impl<'de> Deserialize<'de> for Text<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;
        impl<'de> Visitor<'de> for Reader {
            type Value = Text<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string")
            }

            fn visit_borrowed_str<E: de::Error>(self, text: &'de str) -> Result<Self::Value, E> {
                Ok(Text(Cow::Borrowed(text)))
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Self::Value, E> {
                Ok(Text(Cow::Owned(text.to_owned())))
            }
        }
        deserializer.deserialize_str(Reader)
    }
}

/// `libxl_key_value_list`: keys and values in their order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeyValues(pub Vec<(String, Option<String>)>);

impl Serialize for KeyValues {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(key, value)| (key, value)))
    }
}

impl<'de> Deserialize<'de> for KeyValues {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;
        impl<'de> Visitor<'de> for Reader {
            type Value = KeyValues;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object of strings")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<KeyValues, A::Error> {
                let mut entries = Vec::new();
                while let Some(entry) = map.next_entry()? {
                    entries.push(entry);
                }
                Ok(KeyValues(entries))
            }
        }
        deserializer.deserialize_map(Reader)
    }
}
