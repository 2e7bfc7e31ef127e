//! Every choice the model makes where CloudFront's documentation is silent, contradicts itself or needed an
//! interpretation: its name, its readings, and the one taken by default.
//!
//! This is the only place where such a choice is declared. [`CATALOGUE`] lists them for documentation, and
//! [`Switches::set`] changes one by name. The first reading of each is the default.

/// How CloudFront's documentation leaves a question open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Evidence {
    /// It says nothing.
    Undocumented,
    /// Two pages say different things.
    Contradictory,
    /// It states a rule that can be read in two ways.
    Interpreted,
}

/// One switch, for documentation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its name, as [`Switches::set`] takes it.
    pub name: &'static str,
    /// Why there is a choice at all.
    pub evidence: Evidence,
    /// Where the question comes from.
    pub source: &'static str,
    /// The question.
    pub question: &'static str,
    /// The readings: value and meaning, the default first.
    pub readings: &'static [(&'static str, &'static str)],
}

/// A name or a value that no switch has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UnknownSwitch {
    /// No switch has this name.
    #[error("no switch has this name")]
    Name,
    /// The switch exists and has no such reading.
    #[error("the switch has no such reading")]
    Reading,
}

/// Declares the switches: one enum each, the struct that holds them, and the catalogue, from one text.
macro_rules! switches {
    ($(
        $field:ident: $type:ident = $name:literal, $evidence:ident, $source:literal,
        $question:literal
        { $default:ident = $default_key:literal: $default_text:literal, $($other:ident = $other_key:literal: $other_text:literal),+ }
    )+) => {
        $(
            #[doc = $question]
            #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
            pub enum $type {
                #[doc = $default_text]
                #[default]
                $default,
                $(#[doc = $other_text] $other,)+
            }
        )+

        /// The readings in force.
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
        pub struct Switches {
            $(#[doc = $question] pub $field: $type,)+
        }

        impl Switches {
            /// Takes another reading of one switch, both given by name.
            ///
            /// # Errors
            /// [`UnknownSwitch`] when there is no such switch or reading; nothing is changed then.
            pub fn set(&mut self, name: &str, reading: &str) -> Result<(), UnknownSwitch> {
                match name {
                    $($name => self.$field = match reading {
                        $default_key => $type::$default,
                        $($other_key => $type::$other,)+
                        _ => return Err(UnknownSwitch::Reading),
                    },)+
                    _ => return Err(UnknownSwitch::Name),
                }
                Ok(())
            }
        }

        /// All switches, in the order in which a request meets them.
        pub const CATALOGUE: &[Entry] = &[$(Entry {
            name: $name,
            evidence: Evidence::$evidence,
            source: $source,
            question: $question,
            readings: &[($default_key, $default_text), $(($other_key, $other_text)),+],
        }),+];
    };
}

switches! {
    gate_order: GateOrder = "gate.order", Undocumented, "DG:downloaddistvaluescachebehavior",
    "Which is checked first, the viewer protocol policy or the allowed methods."
    {
        ProtocolFirst = "protocol-first": "A disallowed method over http is redirected.",
        MethodFirst = "method-first": "A disallowed method over http is refused."
    }
    wildcard_coding: WildcardCoding = "accept-encoding.wildcard", Undocumented, "DG:servingcompressedfiles",
    "What `*` in Accept-Encoding stands for."
    {
        Ignored = "ignored": "For nothing: only codings named count.",
        Any = "any": "For every coding that is not named."
    }
    default_ttl: DefaultTtlApplies = "ttl.default-applies", Contradictory, "DG:expiration, DG:cache-key-understand-cache-policy",
    "Which responses live for the Default TTL."
    {
        NoLifetime = "no-lifetime": "Those without max-age, s-maxage and Expires, whatever else Cache-Control says.",
        NoHeader = "no-header": "Those without any Cache-Control and Expires; with a Cache-Control that names no lifetime, the Minimum TTL."
    }
    no_cache_at_zero_min: NoCacheAtZeroMin = "ttl.no-cache-at-zero-min", Undocumented, "DG:expiration",
    "What `no-cache` does where the Minimum TTL is zero."
    {
        NotStored = "not-stored": "The response is not stored.",
        Revalidated = "revalidated": "The response is stored and revalidated before each use."
    }
    origin_age: OriginAge = "ttl.origin-age", Undocumented, "DG:expiration",
    "Whether the age a response has when it arrives shortens its stay."
    {
        Ignored = "ignored": "It does not: the lifetime begins at the edge.",
        Counted = "counted": "Its Age, or the time since its Date where that is longer, is taken off the lifetime it names (RFC 9111 section 4.2.3)."
    }
    error_list_b: ErrorListB = "error-caching.list-b", Contradictory, "DG:httpstatuscodes, DG:custom-error-pages-expiration",
    "Whether 400, 403, 405, 412 and 415 are cached when the origin names no lifetime."
    {
        MinTtl = "min-ttl": "They are, for the error caching minimum TTL.",
        HeaderRequired = "header-required": "They are not: only max-age or s-maxage makes them cacheable."
    }
    stale_limit: StaleLimit = "stale.limit-without-directive", Interpreted, "DG:expiration",
    "How old a copy without `stale-if-error` may be when it stands in for a failing origin."
    {
        None = "none": "Any age.",
        MaxTtl = "max-ttl": "Up to the Maximum TTL."
    }
    compression_vary: VaryOfCompression = "compress.vary", Undocumented, "DG:servingcompressedfiles",
    "Whether an answer that the edge compresses says that it varies by coding."
    {
        Added = "added": "It carries `Vary: Accept-Encoding`.",
        Left = "left": "Its `Vary` is the origin's."
    }
    tier_lifetime: TierLifetime = "tiers.lifetime", Undocumented, "DG:HowCloudFrontWorks",
    "How long a copy lives at an edge that takes it from a regional cache."
    {
        Anew = "anew": "Its whole lifetime once more.",
        Remaining = "remaining": "What is left of its lifetime."
    }
}

#[cfg(test)]
mod tests {
    use super::{CATALOGUE, ErrorListB, Switches, UnknownSwitch};

    #[test]
    fn names_and_readings_are_unique() {
        for (index, entry) in CATALOGUE.iter().enumerate() {
            assert!(
                !CATALOGUE[..index].iter().any(|e| e.name == entry.name),
                "{}",
                entry.name
            );
            for (at, (key, _)) in entry.readings.iter().enumerate() {
                assert!(
                    !entry.readings[..at].iter().any(|(k, _)| k == key),
                    "{} {key}",
                    entry.name
                );
            }
        }
    }

    #[test]
    fn the_first_reading_is_the_default_and_the_others_are_not() {
        for entry in CATALOGUE {
            for (index, (key, _)) in entry.readings.iter().enumerate() {
                let mut switches = Switches::default();
                assert_eq!(switches.set(entry.name, key), Ok(()));
                assert_eq!(
                    switches == Switches::default(),
                    index == 0,
                    "{} {key}",
                    entry.name
                );
            }
        }
    }

    #[test]
    fn an_unknown_name_or_reading_changes_nothing() {
        let mut switches = Switches::default();
        assert_eq!(
            switches.set("error-caching.list-b", "header-required"),
            Ok(())
        );
        assert_eq!(
            switches.set("error-caching.list-c", "min-ttl"),
            Err(UnknownSwitch::Name)
        );
        assert_eq!(
            switches.set("error-caching.list-b", "sometimes"),
            Err(UnknownSwitch::Reading)
        );
        assert_eq!(switches.error_list_b, ErrorListB::HeaderRequired);
    }
}
