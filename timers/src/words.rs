//! Enumerations with names: parsing, printing, serde and the list for messages, all from one table.

/// Libvirt compares its words letter for letter.
pub(crate) fn exactly(one: &str, other: &str) -> bool {
    one == other
}

/// libxl's `libxl__enum_from_string` compares its words without regard to case.
pub(crate) fn any_case(one: &str, other: &str) -> bool {
    one.eq_ignore_ascii_case(other)
}

/// Makes an enum of words. The first line says how a word is compared ([`exactly`] or [`any_case`]); `as` gives the
/// number where Xen or libxl has one.
macro_rules! words {
    ($same:ident; $(#[$meta:meta])* $name:ident {
        $($(#[$vmeta:meta])* $variant:ident = $word:literal $(as $number:literal)?,)*
    }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
        pub enum $name { $($(#[$vmeta])* #[serde(rename = $word)] $variant $(= $number)?,)* }

        impl $name {
            /// Every variant, in the order of the schema it is from.
            pub const ALL: &'static [$name] = &[$($name::$variant),*];

            /// The word as it is written.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self { $($name::$variant => $word,)* }
            }

            /// The variant of a word; `None` when there is no such word. Case matters for libvirt's words and does
            /// not for libxl's, as in the two of them.
            #[must_use]
            pub fn from_word(word: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|known| $crate::words::$same(known.as_str(), word))
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}

pub(crate) use words;
