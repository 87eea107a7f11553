//! Macros that declare the structures and enumerations of `libxl_types.idl`, with libxl's JSON.

/// A structure of the IDL: its fields in order, each with the key it has in JSON where that is another than its name.
///
/// `then` names a function that sees the structure when it has been read.
macro_rules! libxl_struct {
    (
        $(#[$meta:meta])*
        pub struct $name:ident {
            $( $(#[$field_meta:meta])* $field:ident $(as $key:literal)? : $ty:ty, )*
        }
        $(then $then:path)?
    ) => {
        $(#[$meta])*
        #[derive(Clone, Debug, Default, PartialEq)]
        pub struct $name {
            $( $(#[$field_meta])* pub $field: $ty, )*
            /// Keys of libxl's JSON that are not typed here.
            pub rest: $crate::domain::idl::Rest,
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                use serde::ser::SerializeMap;
                let mut map = serializer.serialize_map(None)?;
                $(
                    $crate::domain::idl::Field::write(
                        &self.$field,
                        $crate::domain::declare::key_of!($field $($key)?),
                        &mut map,
                    )?;
                )*
                for (key, value) in &self.rest {
                    map.serialize_entry(key, value)?;
                }
                map.end()
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                struct Reader;
                impl<'de> serde::de::Visitor<'de> for Reader {
                    type Value = $name;

                    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                        f.write_str("an object")
                    }

                    fn visit_map<A: serde::de::MapAccess<'de>>(self, mut map: A) -> Result<$name, A::Error> {
                        let mut read = $name::default();
                        // A field seen twice is an error; no structure has more than 128 fields.
                        let mut seen = 0_u128;
                        while let Some($crate::domain::idl::Text(key)) = map.next_key()? {
                            let mut bit = 1_u128;
                            $(
                                if key == $crate::domain::declare::key_of!($field $($key)?) {
                                    if seen & bit != 0 {
                                        return Err(serde::de::Error::custom(
                                            format_args!("duplicate field `{key}`"),
                                        ));
                                    }
                                    seen |= bit;
                                    match $crate::domain::idl::Field::read(&mut map)? {
                                        Ok(value) => read.$field = value,
                                        Err(unknown) => drop(read.rest.insert(key.into_owned(), unknown)),
                                    }
                                    continue;
                                }
                                bit <<= 1;
                            )*
                            let _ = bit;
                            let value = map.next_value()?;
                            read.rest.insert(key.into_owned(), value);
                        }
                        $( $then(&mut read); )?
                        Ok(read)
                    }
                }
                deserializer.deserialize_map(Reader)
            }
        }

        impl $crate::domain::idl::Field for $name {
            fn write<M: serde::ser::SerializeMap>(
                &self,
                key: &'static str,
                map: &mut M,
            ) -> Result<(), M::Error> {
                map.serialize_entry(key, self)
            }

            fn read<'de, A: serde::de::MapAccess<'de>>(
                map: &mut A,
            ) -> Result<Result<Self, serde_json::Value>, A::Error> {
                map.next_value().map(Ok)
            }
        }

        #[cfg(test)]
        impl $crate::domain::arbitrary::Any for $name {
            fn any(random: &mut $crate::domain::arbitrary::Gen) -> Self {
                $name {
                    $( $field: $crate::domain::arbitrary::field(random), )*
                    rest: $crate::domain::idl::Rest::new(),
                }
            }
        }

        #[cfg(test)]
        $crate::domain::arbitrary::lists!($name);

        impl $crate::domain::idl::Field for Option<$name> {
            fn write<M: serde::ser::SerializeMap>(
                &self,
                key: &'static str,
                map: &mut M,
            ) -> Result<(), M::Error> {
                $crate::domain::idl::write_some(self.as_ref(), key, map)
            }

            fn read<'de, A: serde::de::MapAccess<'de>>(
                map: &mut A,
            ) -> Result<Result<Self, serde_json::Value>, A::Error> {
                map.next_value().map(|value| Ok(Some(value)))
            }
        }

        $crate::domain::idl::plain_fields!(Vec<$name>);
    };
}

/// A field's key in JSON.
macro_rules! key_of {
    ($field:ident) => {
        stringify!($field)
    };
    ($field:ident $key:literal) => {
        $key
    };
}

/// An enumeration of the IDL with the words of libxl's JSON.
///
/// `default WORD;` is the value that libxl leaves out and no variant stands for: a field is an `Option`.
/// `default Variant = WORD,` is one that has a meaning of its own: a field is the plain type.
macro_rules! libxl_enum {
    (
        $(#[$meta:meta])*
        pub enum $name:ident default $default:literal {
            $( $(#[$variant_meta:meta])* $variant:ident = $word:literal, )*
        }
    ) => {
        $crate::domain::declare::libxl_enum!(@type [$(#[$meta])*] $name $( $(#[$variant_meta])* $variant = $word, )*);

        impl $crate::domain::idl::Field for Option<$name> {
            fn write<M: serde::ser::SerializeMap>(
                &self,
                key: &'static str,
                map: &mut M,
            ) -> Result<(), M::Error> {
                $crate::domain::idl::write_some(self.map($name::as_str), key, map)
            }

            fn read<'de, A: serde::de::MapAccess<'de>>(
                map: &mut A,
            ) -> Result<Result<Self, serde_json::Value>, A::Error> {
                $crate::domain::idl::read_word(map, $default, $name::from_word)
            }
        }
    };
    (
        $(#[$meta:meta])*
        pub enum $name:ident {
            $(#[$default_meta:meta])* default $default:ident = $default_word:literal,
            $( $(#[$variant_meta:meta])* $variant:ident = $word:literal, )*
        }
    ) => {
        $crate::domain::declare::libxl_enum!(
            @type [$(#[$meta])* #[derive(Default)]] $name
            $(#[$default_meta])* #[default] $default = $default_word,
            $( $(#[$variant_meta])* $variant = $word, )*
        );

        impl $crate::domain::idl::Field for $name {
            fn write<M: serde::ser::SerializeMap>(
                &self,
                key: &'static str,
                map: &mut M,
            ) -> Result<(), M::Error> {
                let value = Some(*self).filter(|value| *value != $name::$default);
                $crate::domain::idl::write_some(value.map($name::as_str), key, map)
            }

            fn read<'de, A: serde::de::MapAccess<'de>>(
                map: &mut A,
            ) -> Result<Result<Self, serde_json::Value>, A::Error> {
                let read = $crate::domain::idl::read_word(map, $default_word, $name::from_word)?;
                Ok(read.map(Option::unwrap_or_default))
            }
        }
    };
    (@type [$(#[$meta:meta])*] $name:ident $( $(#[$variant_meta:meta])* $variant:ident = $word:literal, )*) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum $name {
            $( $(#[$variant_meta])* $variant, )*
        }

        impl $name {
            /// Every value, in libxl's order.
            pub const ALL: &'static [Self] = &[$( $name::$variant, )*];

            /// The word of libxl's JSON.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self {
                    $( $name::$variant => $word, )*
                }
            }

            /// From a word of libxl's, whose case does not matter.
            #[must_use]
            pub fn from_word(word: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|value| value.as_str().eq_ignore_ascii_case(word))
            }
        }

        #[cfg(test)]
        impl $crate::domain::arbitrary::Any for $name {
            fn any(random: &mut $crate::domain::arbitrary::Gen) -> Self {
                random.one_of($name::ALL)
            }
        }

        #[cfg(test)]
        $crate::domain::arbitrary::lists!($name);

        impl $crate::domain::idl::Field for Vec<$name> {
            fn write<M: serde::ser::SerializeMap>(
                &self,
                key: &'static str,
                map: &mut M,
            ) -> Result<(), M::Error> {
                let words: Vec<_> = self.iter().map(|value| value.as_str()).collect();
                $crate::domain::idl::write_some(Some(words).filter(|words| !words.is_empty()), key, map)
            }

            fn read<'de, A: serde::de::MapAccess<'de>>(
                map: &mut A,
            ) -> Result<Result<Self, serde_json::Value>, A::Error> {
                let words: Vec<String> = map.next_value()?;
                let known: Option<Self> = words.iter().map(|word| $name::from_word(word)).collect();
                Ok(known.ok_or_else(|| words.into()))
            }
        }
    };
}

pub(super) use {key_of, libxl_enum, libxl_struct};
