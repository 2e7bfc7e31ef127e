//! The limit of a buffered answer: nothing beyond it is sent, nothing is cut, and no room is wasted.

use crate::fixture::{Deployment, request};
use portcullis_runtime_api::{Lambda, Outcome, RESPONSE_BYTES_MAX, UrlAnswer, function_url_event};

/// The size of the document for an object of `length` bytes, or `None` if it is refused.
async fn document(deployment: &Deployment, lambda: &Lambda, length: usize) -> Option<usize> {
    deployment.put("large.bin", &vec![0xa5; length]);
    let outcome = lambda
        .invoke(function_url_event(&request("/large.bin")))
        .await
        .outcome;
    let Outcome::Buffered(payload) = &outcome else {
        panic!("{length} bytes: {outcome:?}");
    };
    let answer = UrlAnswer::of(&outcome);
    match answer.status {
        200 => {
            assert_eq!(answer.body.len(), length);
            assert!(answer.body.iter().all(|byte| *byte == 0xa5));
            Some(payload.len())
        }
        status => {
            assert_eq!(
                (status, answer.header("cache-control")),
                (413, Some("no-store"))
            );
            None
        }
    }
}

#[tokio::test]
async fn the_largest_object_that_fits_is_served_and_one_byte_more_is_refused() {
    let deployment = Deployment::new();
    let lambda = deployment.start().await;
    let (mut fits, mut too_large): (usize, usize) = (4_500_000, 4_720_000);
    while too_large - fits > 1 {
        let middle = fits.midpoint(too_large);
        match document(&deployment, &lambda, middle).await {
            Some(_) => fits = middle,
            None => too_large = middle,
        }
    }
    let largest = document(&deployment, &lambda, fits).await.expect("it fits");
    assert!(largest <= RESPONSE_BYTES_MAX);
    assert!(
        largest > RESPONSE_BYTES_MAX - 2_048,
        "{largest} bytes leave room unused"
    );
    assert!(document(&deployment, &lambda, fits - 1).await.is_some());
    assert!(document(&deployment, &lambda, fits + 1).await.is_none());
}
