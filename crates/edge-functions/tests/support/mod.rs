//! A request, a function over it, and what came of it.
#![allow(dead_code, reason = "each test takes what it needs")]

use portcullis_edge::compute::{
    ChangedRequest, ComputeCall, Computed, FunctionRequest, FunctionResponse,
};
use portcullis_edge::distribution::{
    Compute, CustomOrigin, EventType, Origin, OriginKind, OriginProtocol,
};
use portcullis_edge::headers::{CustomHeaders, Headers};
use portcullis_edge::identity::{REQUEST_ID_RANDOM_BYTES, RequestId};
use portcullis_edge_functions::lambda::{Runtime, Settings};
use portcullis_edge_functions::{EdgeFunction, LambdaFunction, LambdaLimits, Place, Ran, Store};
use tempfile::TempDir;

pub(crate) const PLACE: Place<'_> = Place {
    domain: "d111111abcdef8.cloudfront.net",
    id: "EDFDVBD6EXAMPLE",
};

pub(crate) fn headers(fields: &[(&str, &str)]) -> Headers {
    let mut headers = Headers::default();
    fields
        .iter()
        .for_each(|(name, value)| headers.add(name, *value));
    headers
}

pub(crate) fn call(event: EventType, response: Option<FunctionResponse>) -> ComputeCall {
    ComputeCall {
        event,
        compute: Compute::Function("tried".to_owned()),
        request: FunctionRequest {
            method: "GET".to_owned(),
            uri: "/a%20b".to_owned(),
            query: "x=1&x=2&y".to_owned(),
            headers: headers(&[
                ("Host", "www.example.com"),
                ("accept", "text/html"),
                ("Accept", "*/*"),
                ("Cookie", "a=1; b=2"),
                ("X-Amz-Cf-Id", "hidden"),
            ]),
            origin: None,
        },
        response,
        viewer: "192.0.2.2".parse().unwrap(),
        id: RequestId::new([1; REQUEST_ID_RANDOM_BYTES]),
        origin: None,
        origins: Vec::new(),
        body: None,
    }
}

pub(crate) fn store() -> Store {
    [("greeting", "hello"), ("list", "[1,2]")]
        .map(|(k, v)| (k.to_owned(), v.to_owned()))
        .into_iter()
        .collect()
}

#[track_caller]
pub(crate) fn run(code: &str) -> Ran {
    let function = EdgeFunction::new("tried", code, Some(store())).unwrap();
    function.run(call(EventType::ViewerRequest, None), PLACE)
}

#[track_caller]
pub(crate) fn changed(code: &str) -> ChangedRequest {
    match run(code).outcome {
        Ok(Computed::Request(changed)) => changed,
        other => panic!("{other:?}"),
    }
}

#[track_caller]
pub(crate) fn answered(code: &str) -> FunctionResponse {
    match run(code).outcome {
        Ok(Computed::Response(response)) => response,
        other => panic!("{other:?}"),
    }
}

pub(crate) fn fields(headers: &Headers) -> Vec<(String, String)> {
    let fields = headers.iter();
    fields
        .map(|(name, value)| (name.to_owned(), String::from_utf8_lossy(value).into_owned()))
        .collect()
}

/// An HTTP server as an origin.
pub(crate) fn custom_origin() -> Origin {
    Origin {
        id: "server".to_owned(),
        domain: "example.org".to_owned(),
        path: String::new(),
        custom_headers: CustomHeaders::new(vec![("X-Secret".to_owned(), "s".to_owned())]).unwrap(),
        kind: OriginKind::Custom(CustomOrigin {
            http_port: 80,
            https_port: 443,
            protocol: OriginProtocol::HttpsOnly,
            read_timeout_s: 30,
            keepalive_timeout_s: 5,
        }),
        connection_attempts: 3,
        connection_timeout_s: 10,
        completion_timeout_s: None,
        shield: None,
        access_control: None,
    }
}

/// A function of Lambda@Edge in a folder of its own.
pub(crate) struct Lambda {
    pub(crate) function: LambdaFunction,
    pub(crate) folder: TempDir,
}

impl Lambda {
    pub(crate) fn new(runtime: Runtime, code: &str, limits: LambdaLimits) -> Self {
        let folder = TempDir::new().unwrap();
        let file = match runtime {
            Runtime::Node => "index.js",
            Runtime::Python => "index.py",
        };
        std::fs::write(folder.path().join(file), code).unwrap();
        let settings = Settings {
            arn: "arn:aws:lambda:us-east-1:111122223333:function:tried:7".to_owned(),
            runtime,
            program: runtime.program().into(),
            folder: folder.path().to_owned(),
            handler: "index.handler".to_owned(),
            environment: vec![("PATH".to_owned(), std::env::var("PATH").unwrap())],
        };
        Self {
            function: LambdaFunction::new(settings, limits),
            folder,
        }
    }
}
