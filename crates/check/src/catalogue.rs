//! The catalogue: rules PC000 to PC030, their cases, what each means and what to do.
//!
//! Ids and slugs are never used again for something else.

use serde::Serialize;

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// A promise is broken, or CloudFront will refuse.
    Error,
    /// Probably a defect, or an unsafe default.
    Warning,
    /// True and worth knowing.
    Note,
}

impl Severity {
    /// Its word.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Note => "note",
        }
    }
}

/// The titles of the rules, by number.
pub const TITLES: [&str; 31] = [
    "Cannot decide",
    "Decision input not in the cache key",
    "Minimum TTL overrides private answers",
    "Denials and errors stay in the cache",
    "The promised edge decision is not there",
    "Decision input does not arrive, or can be forged",
    "Failover on a denial",
    "Error mapping hides a denial",
    "Error page that runs into the same denial",
    "Native geography or WAF rule fails open",
    "Function URL reachable without CloudFront",
    "Function URL permissions wrong",
    "Viewer `Host` sent to a signed origin",
    "Origin secret exposed, missing or refused",
    "Prefix list is the only proof",
    "Behavior can never be reached",
    "Less strict behavior comes first",
    "Path pattern pitfall",
    "Credentials outside the cache key",
    "`Set-Cookie` stored and replayed",
    "Compression or length cannot work",
    "Object too large for a buffered answer",
    "Deadlines in the wrong order",
    "Plain HTTP accepted",
    "Viewer certificate and TLS policy",
    "Bucket origin without proper access control",
    "Bucket open to others",
    "No access log",
    "Setting that CloudFront refuses or misreads",
    "Signatures checked twice, or by nobody",
    "Live release files can vanish or go stale",
];

macro_rules! cases {
    ($($variant:ident $number:literal $slug:literal $severity:ident $means:literal $fix:literal;)+) => {
        /// A case of a rule.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Case {
            $(#[doc = $means] $variant,)+
        }

        impl Case {
            /// All of them, by rule.
            pub const ALL: &[Self] = &[$(Self::$variant,)+];

            /// The number of its rule.
            #[must_use]
            pub fn number(self) -> usize {
                match self { $(Self::$variant => $number,)+ }
            }

            /// Its name within the rule.
            #[must_use]
            pub fn slug(self) -> &'static str {
                match self { $(Self::$variant => $slug,)+ }
            }

            /// How bad it is, unless the finding says otherwise.
            #[must_use]
            pub fn severity(self) -> Severity {
                match self { $(Self::$variant => Severity::$severity,)+ }
            }

            /// What it means for viewers.
            #[must_use]
            pub fn means(self) -> &'static str {
                match self { $(Self::$variant => $means,)+ }
            }

            /// The smallest change that mends it.
            #[must_use]
            pub fn fix(self) -> &'static str {
                match self { $(Self::$variant => $fix,)+ }
            }
        }
    };
}

cases! {
    Unmatched 0 "unmatched" Error "A behavior of the manifest has no counterpart in the template, or the reverse." "synthesize again; the two must agree";
    UnknownPolicy 0 "unknown-policy" Warning "A policy id is neither in the template nor managed by AWS." "name it in the template, or update the checker";
    Unresolved 0 "unresolved" Warning "A value depends on something that is not known here, so that rules could not be decided." "give the value with `--parameter`";
    Unsupported 0 "unsupported" Warning "A feature is not modelled, so that the rules say nothing about it." "look at it by hand";
    BadWaiver 0 "waiver" Warning "A waiver is expired, unused or incomplete." "renew it with a reason and a date, or remove it";
    Address 1 "address" Error "A path is decided by the viewer's address but cached: the first allowed viewer's answer is served to every denied one." "`caching: disabled`, or `enforce: edge`";
    Signature 1 "signature" Error "A path is opened by a signature that the gateway verifies, but cached: after one signed request the object is open to all." "`caching: disabled`, or trusted key groups on a bucket behavior";
    Country 1 "country" Error "A path is decided by country, but the country is not in the cache key." "`cache_key: { country: true }` (header `CloudFront-Viewer-Country` in the cache policy), or `enforce: edge`";
    Database 1 "database" Error "A path is decided by the GeoIP database, but the key holds CloudFront's country: viewers on whom the two differ share an answer." "`geo.source: cloudfront` or `both`, or `caching: disabled`";
    Both 1 "both" Note "On hits only CloudFront's country decides; a disagreement with the database is caught on misses." "nothing, or `caching: disabled`";
    ForwardedUnkeyed 1 "forwarded-unkeyed" Warning "A header about the viewer reaches the origin and is not in the key: if the origin uses it, its answer reaches the wrong viewers." "add the header to the cache policy, or stop sending it, or turn caching off";
    Private 2 "private" Error "A restricted path has a Min TTL above 0: CloudFront keeps `no-store` and `private` answers that long." "Min TTL 0 in a cache policy of its own";
    NoStore 2 "no-store" Warning "A path that code serves has a Min TTL above 0, which overrides its `no-store`." "a cache policy with Min TTL 0";
    Forced 2 "forced" Warning "A Min TTL of an hour or more: no origin header can shorten it, only an invalidation." "Min TTL 0, long lifetimes through `Cache-Control` on versioned names";
    Denial 3 "denial" Error "A 403 may be cached, and locks allowed viewers out." "a custom error response for 403 with `ErrorCachingMinTTL: 0`";
    ServerError 3 "server-error" Warning "An error is kept after the origin has recovered." "`ErrorCachingMinTTL: 0` (no page needed) for 500, 502, 503, 504";
    NotFound 3 "not-found" Warning "A 404 seen during a deployment is kept: the new asset looks missing." "at most 10";
    EdgeMissing 4 "missing" Error "The manifest says that the edge decides, but no viewer-request function runs there: hits are served to everybody." "attach the generated function";
    Bypass 4 "bypass" Error "A path reads its bucket directly, past the gateway, and nothing at the edge enforces its policy." "`enforce: edge`, trusted key groups, or an origin behind the gateway";
    SignatureAtEdge 4 "signature-at-edge" Error "An edge function cannot verify the signature that the policy asks for." "`caching: disabled`, or trusted key groups";
    DatabaseAtEdge 4 "database-at-edge" Error "An edge function has no GeoIP database, but `geo.source` is `database`." "`geo.source: both`, or `caching: disabled`";
    FunctionSize 4 "size" Error "The edge function is larger than CloudFront accepts." "move network lists into a key-value store";
    UndeclaredAddress 5 "undeclared-address" Error "A policy needs the viewer's address, but `CloudFront-Viewer-Address` is listed nowhere: everybody is denied." "add it to the origin request policy";
    UndeclaredCountry 5 "undeclared-country" Error "A policy needs the viewer's country, but `CloudFront-Viewer-Country` is listed nowhere: everybody is denied." "add it to the cache policy (origin decision) or origin request policy";
    UndeclaredSignature 5 "undeclared-signature" Error "Neither signing parameters nor `CloudFront-*` cookies reach the gateway: every signed request is denied." "forward the five query names, or the five cookies";
    Spoofable 5 "spoofable" Error "Viewer headers are forwarded wholesale; a viewer's own `CloudFront-Viewer-*` may arrive as if CloudFront had written it." "list the needed headers by name";
    NotKeyable 5 "not-keyable" Error "A header is not allowed in a cache policy; the deployment fails." "move it to the origin request policy";
    FailoverOnDenial 6 "denial" Error "An origin group fails over on 403: what the primary denies, the secondary is asked for." "fail over on 500, 502, 503, 504 only";
    FailoverOnMissing 6 "not-found" Error "An origin group fails over on a true answer of the gateway, which another origin's replaces." "remove the code";
    UnguardedSecondary 6 "unguarded-secondary" Error "When the gateway is down, the secondary answers without any decision." "a second gateway, or a public behavior";
    BucketGroup 6 "buckets" Note "A group of two buckets fails over on access errors: fine for replicas, useless otherwise." "nothing, if they are replicas";
    DenialAsSuccess 7 "denial-as-success" Error "Every denial, WAF and geo denials included, becomes a success: it looks like one and is cached as one." "remove the mapping; let the gateway answer navigations (`releases.fallback`)";
    Cloak 7 "cloak" Error "403 is shown as 404: monitoring, WAF and users can no longer tell denied from missing." "keep 403";
    AssetAsPage 7 "asset-as-page" Warning "A missing script or style sheet becomes a page with 200: open tabs break after a deployment." "`releases.fallback` with `only_for: navigation`";
    FailureAsSuccess 7 "failure-as-success" Error "A failure becomes a success: clients and caches take it for content." "answer with the original status";
    PageGuarded 8 "guarded" Error "An error page falls under a policy: the denied viewer is denied the page too." "name the document under `errors`, or route it to a public behavior in front";
    PageSigned 8 "signed" Error "An error page lies under a behavior with trusted key groups." "a public behavior in front";
    PageSelf 8 "self" Note "An error page comes from the origin whose failure it explains." "a direct bucket behavior for `/errors/*`";
    NativeGeo 9 "native-geo" Warning "The geo restriction allows some countries, but viewers whose location CloudFront cannot tell are served." "a manifest policy (unknown is denied); keep the restriction only as a coarse outer filter, with a waiver";
    ForwardedAddress 9 "forwarded-address" Error "A WAF rule is skipped for requests without the forwarded header; the default action allows them." "match on the source address; CloudFront's web ACL sees the viewer";
    AuthNone 10 "auth-none" Error "A function URL has AuthType NONE: anyone who learns the name reaches the gateway, past WAF and cache, and every request is billed." "`AWS_IAM` and origin access control (on an ALB, a VPC origin is stronger still)";
    FunctionUnsigned 10 "no-access-control" Error "A function URL origin has no origin access control: CloudFront's requests are unsigned and refused." "attach one of type `lambda`";
    FunctionSigning 10 "unsigned" Error "The access control does not sign every request." "type `lambda`, `SigningBehavior: always`";
    FunctionPlainHttp 10 "plain-http" Error "The gateway may be called over HTTP." "`OriginProtocolPolicy: https-only`";
    FirstPermission 11 "first-permission" Error "CloudFront may not call the function URL: every request is 403." "a permission for `lambda:InvokeFunctionUrl` with this distribution as `SourceArn`";
    SecondPermission 11 "second-permission" Error "`lambda:InvokeFunction` is missing beside `lambda:InvokeFunctionUrl`; new URLs need both and answer 403." "add it with `InvokedViaFunctionUrl: true` (a current CDK does)";
    OpenPermission 11 "open" Error "A permission lets others than this distribution invoke the gateway." "principal `cloudfront.amazonaws.com`, `SourceArn` of this distribution";
    Writes 11 "writes" Warning "A path accepts writing methods; through origin access control a body needs a client-sent SHA-256, and the gateway answers 405 anyway." "GET, HEAD, OPTIONS";
    ViewerHost 12 "host" Error "The viewer's `Host` is sent to a signed origin: the signature does not match, every request is 403." "list the needed headers by name, or AllViewerExceptHostHeader in template-only set-ups";
    SecretPlain 13 "plain" Error "The value of a secret header is in the template: whoever reads the repository, the stack or the change set can call the gateway." "a dynamic reference `{{resolve:secretsmanager:…}}`";
    SecretParameter 13 "parameter" Error "A secret header comes from a parameter that is shown in clear." "`NoEcho: true`, better a dynamic reference";
    SecretMissing 13 "missing" Error "The manifest demands a secret header that the origin does not get: everybody is denied." "add the header";
    SecretName 13 "forbidden-name" Error "CloudFront refuses the name of an origin custom header." "another name";
    SecretLimits 13 "limits" Error "Origin custom headers exceed CloudFront's limits." "shorten";
    SecretDrift 13 "drift" Note "A deployment may write an old value back while a rotation runs." "deploy through the pipeline that asks the rotation first";
    OnlyPrefixList 14 "only" Error "An origin believes every CloudFront distribution, an attacker's included." "`access_control: required` or `secret_header`; for a load balancer a VPC origin";
    PrefixListWeight 14 "weight" Warning "A security group refers to a prefix list more than once; CloudFront's weighs 55 of 60 rules." "one port, or one group per port";
    Shadowed 15 "shadowed" Error "A behavior never applies: one before it matches everything it matches." "move it up, or remove it";
    Duplicate 15 "duplicate" Error "Two behaviors have the same pattern." "remove one";
    WeakerFirst 16 "weaker-first" Error "A path belongs under a stricter behavior, but a weaker one matches first." "put the stricter one first, or narrow the weaker one";
    NeverMatches 17 "never-matches" Error "A pattern will never match: CloudFront normalises paths before matching, or refuses a character." "write the normalised path; allowed are letters, digits and `_-.*$/~\"'@:+&`, `?` as wildcard, at most 255 characters";
    BareDirectory 17 "bare-directory" Warning "`/x` is not matched by `/x/*` and falls to a behavior that is less strict." "add `/x` with the same policy";
    PrefixSiblings 17 "prefix-siblings" Warning "`/x*` also opens `/x-y`, which another behavior would restrict." "`/x/*`, and `/x` if needed";
    LetterCase 17 "case" Warning "Spellings that differ in letter case only lead to different policies; patterns are case-sensitive, and the origin may not be." "one spelling";
    NoLeadingSlash 17 "no-leading-slash" Note "A pattern without a slash means one with it; invalidations and logs need the slash." "write the slash";
    AuthorizationUnkeyed 18 "authorization-unkeyed" Error "`Authorization` is forwarded but not in the key: one user's answer is served to all." "caching off, or `Authorization` in the cache policy";
    CookiesUnkeyed 18 "cookies-unkeyed" Error "Cookies are forwarded but not in the key: one user's answer is served to all." "caching off, or the cookies in the cache policy";
    QueryUnkeyed 18 "query-unkeyed" Warning "Query strings are forwarded that are not in the key: whoever comes first decides what is stored." "the same query list in both policies";
    SetCookieReplay 19 "replay" Warning "A path caches and forwards cookies: a `Set-Cookie` of the origin reaches later viewers with the same key." "caching off, `no-cache=\"Set-Cookie\"` at the origin, or a response headers policy that removes `Set-Cookie`";
    Streaming 20 "streaming" Error "A function URL streams: no `Content-Length`, so CloudFront neither compresses nor honours ranges, and empty answers may hang." "`InvokeMode: BUFFERED`; large objects through a bucket behavior; streaming on a URL of its own";
    CompressWithoutPolicy 20 "compress-without-policy" Warning "Compression is asked for, but the cache policy enables neither gzip nor Brotli: nothing is compressed." "`EnableAcceptEncodingGzip` and `EnableAcceptEncodingBrotli`";
    CompressUncached 20 "compress-uncached" Note "Compression is asked for with caching off: CloudFront does not compress." "precompressed variants, or drop the flag";
    Oversize 21 "oversize" Error "A file is too large for a buffered answer; through the gateway it can only fail with 502." "hand-off: a bucket behavior, or a short signed URL";
    UnknownSize 21 "unknown-size" Note "Sizes in a bucket behind the gateway are unknown; objects over 4.5 MB fail." "hand-off for that origin, or a size rule";
    LambdaTimeout 22 "lambda-timeout" Error "The gateway may wait longer for its origin than it may run: the viewer gets 502 instead of an answer." "a longer function timeout";
    OriginTimeout 22 "origin-timeout" Error "CloudFront gives up before the gateway's own deadline, and asks again." "`OriginReadTimeout` above the function's timeout";
    RestrictedPlainHttp 23 "restricted" Error "A restricted path answers over plain HTTP: signatures and content travel in clear." "`redirect-to-https`, or `https-only` for signed paths";
    AllowAll 23 "allow-all" Warning "A path answers over plain HTTP." "`redirect-to-https`";
    AliasWithoutCertificate 24 "alias-without-certificate" Error "Alternate domain names need a certificate; the deployment fails." "`AcmCertificateArn`";
    CertificateRegion 24 "region" Error "CloudFront takes viewer certificates from us-east-1 only." "issue it in us-east-1";
    Uncovered 24 "uncovered" Error "No name of the certificate covers an alias (a wildcard covers one level)." "add the name";
    OldTls 24 "old-tls" Warning "The security policy still allows protocols or ciphers below TLSv1.2_2021." "TLSv1.2_2021 or newer";
    WeakerThanManifest 24 "weaker-than-manifest" Error "The template allows an older security policy than the manifest promises." "raise it";
    DefaultCertificate 24 "default-certificate" Note "The default certificate forces policy TLSv1." "an own name and certificate";
    LegacyIdentity 25 "legacy-identity" Warning "An origin uses an origin access identity: no KMS, no newer Regions." "origin access control; allow both in the bucket policy while switching";
    BucketUnsigned 25 "no-access-control" Error "An origin reads its bucket unsigned: it works only if the bucket is public." "origin access control";
    BucketSigning 25 "unsigned" Error "The access control of a bucket does not sign every request." "`always`";
    Website 25 "website" Error "An origin is a website endpoint: plain HTTP, public by nature." "the REST endpoint with origin access control";
    IdentityAndControl 25 "both" Error "An origin names an identity and an access control." "remove the identity";
    PublicBucket 26 "public" Error "A bucket is readable by everybody: every policy in front of it is void." "remove the grant; block public access";
    BlockOff 26 "block-off" Error "The public access block of a bucket is switched off." "all four true";
    AnyDistribution 26 "any-distribution" Error "The policy of a bucket trusts CloudFront as a whole: any account's distribution may read it." "condition `AWS:SourceArn` of this distribution";
    WritableBucket 26 "write" Error "CloudFront may write to a bucket, and a behavior passes writing methods: viewers can write." "`s3:GetObject` only; GET and HEAD";
    ListableBucket 26 "list" Warning "CloudFront may list a bucket and no default root object is set: `/` shows the directory." "a default root object, or no `s3:ListBucket`";
    BlockUnset 26 "block-unset" Note "The public access block of a bucket is not stated; new buckets block by default." "state it";
    LogOff 27 "off" Warning "The distribution writes no access log: a denial at the edge leaves no trace." "standard logging (v2 delivery or a bucket)";
    RootObject 28 "root-object" Error "The default root object begins with a slash (`/` answers 403), or is too long." "no leading slash";
    TtlOrder 28 "ttl-order" Error "TTLs are out of order." "Min ≤ Default ≤ Max";
    Legacy 28 "legacy" Warning "A behavior uses legacy forwarding: no Brotli, most viewer headers reach the origin." "cache and origin request policies";
    LegacyAndPolicy 28 "legacy-and-policy" Error "A behavior mixes a cache policy with legacy forwarding or TTLs; the deployment fails." "remove the legacy part";
    PagePair 28 "page-pair" Error "An error response has a page without a code, or a code without a page." "both or neither";
    Dangling 28 "dangling" Error "A behavior targets an origin that does not exist." "fix the id";
    OriginPath 28 "origin-path" Error "An origin path must begin with `/` and not end with one." "fix it";
    ShieldRegion 28 "shield-region" Error "The region is none of Origin Shield's." "the nearest one that is";
    AliasCase 28 "alias-case" Error "An alias must be lower case." "lower case";
    CheckedTwice 29 "twice" Error "A path has trusted key groups and a policy whose signature the gateway checks; the gateway never sees the parameters and denies all." "one of the two";
    CheckedByNobody 29 "nobody" Error "A policy needs a signature, but the origin is a bucket read directly and no trusted key groups are set." "trusted key groups, or an origin behind the gateway";
    TrustedSigners 29 "trusted-signers" Warning "A path trusts account key pairs, which need the root user." "trusted key groups";
    WeakHash 29 "weak-hash" Warning "A key group accepts RSA-SHA1." "SHA-256 only";
    Lifecycle 30 "lifecycle" Error "A lifecycle rule expires current objects of a release bucket: without a deployment in that time the live release is deleted." "expire non-current versions, or only objects tagged as superseded; let the collector delete";
    Prune 30 "prune" Warning "Each deployment deletes files that open tabs still ask for." "`prune: false`; a release store";
    RewrittenInvalidation 30 "rewritten-invalidation" Warning "Invalidating a path has no effect: a viewer-request function rewrites the URI before the cache key." "invalidate the rewritten path, or `/*`";
    TagsOff 30 "tags-off" Note "The release store could invalidate by tag, but the distribution names no tag header." "`CacheTagConfig`";
}

impl Case {
    /// The id of its rule, as `PC001`.
    #[must_use]
    pub fn rule(self) -> String {
        format!("PC{:03}", self.number())
    }

    /// Its full name, as `PC001/country`.
    #[must_use]
    pub fn name(self) -> String {
        format!("{}/{}", self.rule(), self.slug())
    }

    /// The title of its rule.
    #[must_use]
    pub fn title(self) -> &'static str {
        TITLES.get(self.number()).copied().unwrap_or_default()
    }

    /// The cases of the rule with an id such as `PC001`; none if there is no such rule.
    pub fn of_rule(rule: &str) -> impl Iterator<Item = Self> {
        Self::ALL
            .iter()
            .copied()
            .filter(move |case| case.rule() == rule)
    }

    /// The case of a full name.
    #[must_use]
    pub fn find(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|case| case.name() == name)
    }
}
