//! A function of lambda_runtime that does nothing: what a start costs before anything of a gateway is there.

use lambda_runtime::{Error, LambdaEvent, run, service_fn};
use serde_json::value::RawValue;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    run(service_fn(|_: LambdaEvent<Box<RawValue>>| async {
        Ok::<_, Error>(serde_json::json!({ "statusCode": 204 }))
    }))
    .await
}
