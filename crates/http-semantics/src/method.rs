//! The request methods whose meaning the other modules depend on.
//!
//! RFC 9110 defines preconditions differently for GET and HEAD than for the rest (§13.2.2), and ranges for GET alone
//! (§14.2). Deliberately absent: which methods a site permits.

/// A request method, as far as RFC 9110 treats it differently here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Method {
    /// `GET` (RFC 9110 §9.3.1).
    Get,
    /// `HEAD`: `GET` without the content (RFC 9110 §9.3.2).
    Head,
    /// `OPTIONS` (RFC 9110 §9.3.7).
    Options,
    /// Any other token.
    Other,
}

impl Method {
    /// Reads a method token. Methods are case-sensitive (RFC 9110 §9.1), so `get` is [`Method::Other`].
    #[must_use]
    pub fn from_token(token: &[u8]) -> Self {
        match token {
            b"GET" => Self::Get,
            b"HEAD" => Self::Head,
            b"OPTIONS" => Self::Options,
            _ => Self::Other,
        }
    }

    /// Whether the method asks for a representation: `GET` or `HEAD`.
    #[must_use]
    pub fn retrieves(self) -> bool {
        match self {
            Self::Get | Self::Head => true,
            Self::Options | Self::Other => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Method;

    #[test]
    fn a_method_is_case_sensitive() {
        assert_eq!(Method::from_token(b"GET"), Method::Get);
        assert_eq!(Method::from_token(b"HEAD"), Method::Head);
        assert_eq!(Method::from_token(b"OPTIONS"), Method::Options);
        for other in [&b"get"[..], b"Head", b"POST", b"GET ", b""] {
            assert_eq!(Method::from_token(other), Method::Other, "{other:?}");
        }
    }
}
