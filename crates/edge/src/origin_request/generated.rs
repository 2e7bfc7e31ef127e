//! The headers CloudFront generates for an origin (DG:adding-cloudfront-headers).

use super::{ViewerRequest, viewer_address};

macro_rules! generated {
    ($($variant:ident = $name:literal: $text:literal),+ $(,)?) => {
        /// A header CloudFront adds to a request when a policy asks for it (DG:adding-cloudfront-headers).
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum GeneratedHeader {
            $(#[doc = $text] $variant,)+
        }

        impl GeneratedHeader {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$variant),+];

            /// The field name.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)+
                }
            }
        }
    };
}

generated! {
    ViewerAddress = "CloudFront-Viewer-Address": "`address:port`, an IPv6 address without brackets.",
    ViewerCountry = "CloudFront-Viewer-Country": "The country; left out when it is not known.",
    ForwardedProto = "CloudFront-Forwarded-Proto": "The viewer's scheme.",
    ViewerHttpVersion = "CloudFront-Viewer-Http-Version": "The viewer's HTTP version.",
    IsAndroid = "CloudFront-Is-Android-Viewer": "Whether the `User-Agent` names Android.",
    IsDesktop = "CloudFront-Is-Desktop-Viewer": "Whether the `User-Agent` names none of the others.",
    IsIos = "CloudFront-Is-IOS-Viewer": "Whether the `User-Agent` names an iPhone, iPad or iPod.",
    IsMobile = "CloudFront-Is-Mobile-Viewer": "Whether the `User-Agent` says `Mobile` and names no iPad.",
    IsSmartTv = "CloudFront-Is-SmartTV-Viewer": "Whether the `User-Agent` names a television.",
    IsTablet = "CloudFront-Is-Tablet-Viewer": "Whether the `User-Agent` names an iPad, or Android without `Mobile`.",
    HeaderOrder = "CloudFront-Viewer-Header-Order": "The viewer's field names in order, with colons between.",
    HeaderCount = "CloudFront-Viewer-Header-Count": "How many fields the viewer sent.",
    City = "CloudFront-Viewer-City": "The city, which is not known here.",
    CountryName = "CloudFront-Viewer-Country-Name": "The country's name, which is not known here.",
    CountryRegion = "CloudFront-Viewer-Country-Region": "The region, which is not known here.",
    CountryRegionName = "CloudFront-Viewer-Country-Region-Name": "The region's name, which is not known here.",
    Latitude = "CloudFront-Viewer-Latitude": "The latitude, which is not known here.",
    Longitude = "CloudFront-Viewer-Longitude": "The longitude, which is not known here.",
    MetroCode = "CloudFront-Viewer-Metro-Code": "The metro code, which is not known here.",
    PostalCode = "CloudFront-Viewer-Postal-Code": "The postal code, which is not known here.",
    TimeZone = "CloudFront-Viewer-Time-Zone": "The time zone, which is not known here.",
    Asn = "CloudFront-Viewer-ASN": "The autonomous system, which is not known here.",
    Tls = "CloudFront-Viewer-TLS": "The TLS session, which is not known here.",
    Ja3 = "CloudFront-Viewer-JA3-Fingerprint": "The JA3 fingerprint, which is not known here.",
    Ja4 = "CloudFront-Viewer-JA4-Fingerprint": "The JA4 fingerprint, which is not known here.",
}

/// The longest list of field names, in characters.
const HEADER_ORDER_CHARS_MAX: usize = 7680;

impl GeneratedHeader {
    /// The header of a name in any case.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL
            .iter()
            .copied()
            .find(|header| header.name().eq_ignore_ascii_case(name))
    }

    pub(crate) fn value(self, viewer: &ViewerRequest<'_>) -> Option<String> {
        match self {
            Self::ViewerAddress => Some(viewer_address(viewer.peer)),
            Self::ViewerCountry => viewer.country.map(|country| country.to_string()),
            Self::ForwardedProto => Some(viewer.scheme.name().to_owned()),
            Self::ViewerHttpVersion => Some(viewer.version.number().to_owned()),
            Self::HeaderOrder => Some(header_order(viewer)),
            Self::HeaderCount => Some(viewer.headers.iter().count().to_string()),
            Self::IsAndroid
            | Self::IsDesktop
            | Self::IsIos
            | Self::IsMobile
            | Self::IsSmartTv
            | Self::IsTablet => Some(self.is_device(&user_agent(viewer)).to_string()),
            Self::City
            | Self::CountryName
            | Self::CountryRegion
            | Self::CountryRegionName
            | Self::Latitude
            | Self::Longitude
            | Self::MetroCode
            | Self::PostalCode
            | Self::TimeZone
            | Self::Asn
            | Self::Tls
            | Self::Ja3
            | Self::Ja4 => None,
        }
    }

    /// A stated rule in the place of CloudFront's own, which nobody knows.
    fn is_device(self, user_agent: &str) -> bool {
        let names = |word: &str| user_agent.contains(word);
        match self {
            Self::IsAndroid => names("Android"),
            Self::IsIos => names("iPhone") || names("iPad") || names("iPod"),
            Self::IsMobile => names("Mobile") && !names("iPad"),
            Self::IsTablet => names("iPad") || names("Android") && !names("Mobile"),
            Self::IsSmartTv => names("SmartTV") || names("SMART-TV") || names("AppleTV"),
            _ => [Self::IsMobile, Self::IsTablet, Self::IsSmartTv]
                .iter()
                .all(|other| !other.is_device(user_agent)),
        }
    }
}

fn user_agent(viewer: &ViewerRequest<'_>) -> String {
    let sent = viewer.headers.get("user-agent").unwrap_or_default();
    String::from_utf8_lossy(sent).into_owned()
}

fn header_order(viewer: &ViewerRequest<'_>) -> String {
    let names: Vec<&str> = viewer.headers.iter().map(|(name, _)| name).collect();
    names
        .join(":")
        .chars()
        .take(HEADER_ORDER_CHARS_MAX)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::GeneratedHeader::{IsDesktop, IsIos, IsMobile, IsTablet};

    #[test]
    fn a_device_is_told_by_its_user_agent() {
        for (agent, header, expected) in [
            ("curl/8", IsDesktop, true),
            ("Mozilla/5.0 (iPhone) Mobile/15E148", IsMobile, true),
            ("Mozilla/5.0 (iPhone) Mobile/15E148", IsIos, true),
            ("Mozilla/5.0 (iPhone) Mobile/15E148", IsDesktop, false),
            ("Mozilla/5.0 (iPad) Mobile/15E148", IsTablet, true),
            ("Mozilla/5.0 (iPad) Mobile/15E148", IsMobile, false),
            ("Mozilla/5.0 (Linux; Android 13)", IsTablet, true),
        ] {
            assert_eq!(header.is_device(agent), expected, "{agent} {header:?}");
        }
    }
}
